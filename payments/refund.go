package payments

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ErrRefundTooHigh says more would be given back than was taken (T61).
var ErrRefundTooHigh = shortbreaks.NewError(shortbreaks.Conflict, "refund-too-high", "This is more than is left to refund of what was charged")

// RefundItem gives back part of what was captured for one charge of an item.
type RefundItem struct {
	Authority, Item uuid.UUID
	ChargeN         int
	Amount          shortbreaks.Pence
	AtMost          bool // only what is left of the charge, if that is less; if nothing is, nothing is written
	Reason          string
	Actor           uuid.UUID
}

// Refund gives money of a charge back to the accounts it came from, in
// proportion to what is left of each, by largest remainder (T13, T61, T85), and
// takes it from what the provider is owed. It answers the refund's id and what
// the caller must do to the plan lines. Two equal refunds are two (T62): a
// repeated request is the caller's to recognise.
//
// It locks the item, its plan lines and the accounts, in that order, so that
// the caller may move the lines afterwards without breaking the order.
func Refund(ctx context.Context, tx *db.Tx, r RefundItem) (uuid.UUID, []LineMove, error) {
	if r.Amount <= 0 {
		return uuid.Nil, nil, shortbreaks.ErrInvalid.At("/amount_pence", "A refund must be more than £0.00.")
	}
	paid, err := readPaid(ctx, tx, r)
	if err != nil {
		return uuid.Nil, nil, err
	}
	if r.AtMost {
		if r.Amount = min(r.Amount, paid.left()); r.Amount == 0 {
			return uuid.Nil, nil, nil
		}
	}
	plan, err := paid.plan(r.Amount)
	if err != nil {
		return uuid.Nil, nil, err
	}
	id := newID()
	_, err = tx.PGX.Exec(ctx, `INSERT INTO refund (authority_id, id, item_id, charge_n, amount_pence, reason, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, r.Authority, id, r.Item, r.ChargeN, r.Amount, r.Reason, r.Actor, tx.Now)
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("refund item %s: %w", r.Item, err)
	}
	if err := raiseRefunded(ctx, tx, r.Authority, plan.backs); err != nil {
		return uuid.Nil, nil, err
	}
	posting := Posting{Authority: r.Authority, Kind: KindRefund, Source: id, Actor: r.Actor, Entries: plan.entries}
	if _, err := Post(ctx, tx, []Posting{posting}); err != nil {
		return uuid.Nil, nil, err
	}
	return id, plan.moves(r.Authority), nil
}

// raiseRefunded is the second guard of two racing refunds: a hold never gives
// back more than was captured of it.
func raiseRefunded(ctx context.Context, tx *db.Tx, authority uuid.UUID, backs []back) error {
	var ids []uuid.UUID
	var amounts []int64
	for _, b := range backs {
		if b.amount != 0 {
			ids, amounts = append(ids, b.hold.ID), append(amounts, b.amount)
		}
	}
	tag, err := tx.PGX.Exec(ctx, `UPDATE hold h SET refunded = h.refunded + b.amount
		FROM unnest($2::uuid[], $3::bigint[]) b (id, amount)
		WHERE h.authority_id = $1 AND h.id = b.id AND h.state = 'captured' AND h.refunded + b.amount <= h.captured`, authority, ids, amounts)
	if err != nil {
		return fmt.Errorf("mark holds refunded: %w", err)
	}
	if tag.RowsAffected() != int64(len(ids)) {
		return ErrRefundTooHigh
	}
	return nil
}

// readPaid locks the item and reads what was paid for the charge.
func readPaid(ctx context.Context, tx *db.Tx, r RefundItem) (*paidCharge, error) {
	p := &paidCharge{item: r.Item, n: r.ChargeN}
	// The item is the lock that makes two refunds take turns; NO KEY as for
	// accounts. What is read next is read after it was granted.
	tag, err := tx.PGX.Exec(ctx, `SELECT FROM booking_item WHERE authority_id = $1 AND id = $2 FOR NO KEY UPDATE`, r.Authority, r.Item)
	if err != nil {
		return nil, fmt.Errorf("lock item %s: %w", r.Item, err)
	}
	if tag.RowsAffected() != 1 {
		return nil, shortbreaks.ErrNotFound
	}
	batch := new(pgx.Batch)
	batch.Queue(chargesPaidSQL, r.Authority, r.Item).Query(func(rows pgx.Rows) (err error) {
		p.charges, err = pgx.CollectRows(rows, pgx.RowToStructByPos[chargePaid])
		return err
	})
	batch.Queue(`SELECT `+holdColumns+` FROM hold WHERE authority_id = $1 AND item_id = $2 AND charge_n = $3 AND state = 'captured' ORDER BY id`,
		r.Authority, r.Item, r.ChargeN).Query(func(rows pgx.Rows) (err error) {
		p.holds, err = pgx.CollectRows(rows, scanHold)
		return err
	})
	batch.Queue(outstandingSQL, r.Authority, r.Item).Query(func(rows pgx.Rows) (err error) {
		p.accounts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[outstanding])
		return err
	})
	batch.Queue(payersOfLinesSQL, r.Authority, r.Item, r.ChargeN).Query(func(rows pgx.Rows) (err error) {
		p.handedOverBy, err = pgx.CollectRows(rows, pgx.RowToStructByPos[payer])
		return err
	})
	if err := tx.PGX.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read what was paid for item %s: %w", r.Item, err)
	}
	return p, nil
}

// chargesPaidSQL: each charge of the item, what was captured of it in its own
// unit, and what has been refunded of it. What the family pays itself shares one
// account, so its shares go by what was due where that is known.
const chargesPaidSQL = `SELECT c.n, c.payer, c.unit, c.quantity,
		CASE c.payer WHEN 'family_direct' THEN coalesce(c.due_pence, c.amount_pence) ELSE c.amount_pence END,
		coalesce((SELECT sum(h.captured) FROM hold h
			WHERE h.authority_id = c.authority_id AND h.item_id = c.item_id AND h.charge_n = c.n), 0)::bigint,
		coalesce((SELECT sum(r.amount_pence) FROM refund r
			WHERE r.authority_id = c.authority_id AND r.item_id = c.item_id AND r.charge_n = c.n), 0)::bigint
	FROM item_charge c WHERE c.authority_id = $1 AND c.item_id = $2 ORDER BY c.n`

// outstandingSQL: what the item's captures put on each account and its
// refunds have not yet taken back. The transactions are looked up by their key
// first, so that the size of the ledger does not matter.
const outstandingSQL = `WITH posted AS MATERIALIZED (
		SELECT t.id FROM ledger_transaction t WHERE t.authority_id = $1 AND t.kind IN ('capture', 'late_fee') AND t.source_id = $2
		UNION ALL
		SELECT t.id FROM item_due d JOIN ledger_transaction t ON t.authority_id = d.authority_id AND t.kind = due_kind(d.what) AND t.source_id = d.id
		WHERE d.authority_id = $1 AND d.item_id = $2
		UNION ALL
		SELECT t.id FROM refund r JOIN ledger_transaction t ON t.authority_id = r.authority_id AND t.kind = 'refund' AND t.source_id = r.id
		WHERE r.authority_id = $1 AND r.item_id = $2)
	SELECT a.id, a.kind, a.unit, coalesce(a.stream, ''), coalesce(a.payer, ''), a.holder_id, sum(e.amount)::bigint
	FROM posted
	JOIN ledger_entry e ON e.authority_id = $1 AND e.transaction_id = posted.id
	JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id
	GROUP BY a.id, a.kind, a.unit, a.stream, a.payer, a.holder_id ORDER BY a.id`

// payersOfLinesSQL locks the plan lines of the charge, before any account is,
// and reads who hands their money over.
const payersOfLinesSQL = `SELECT l.id, CASE l.management_option WHEN 'direct_payment' THEN 'recipient' WHEN 'third_party' THEN 'manager' ELSE 'authority' END,
		l.holder_id
	FROM plan_line l WHERE l.authority_id = $1 AND l.id IN (SELECT h.line_id FROM hold h
		WHERE h.authority_id = $1 AND h.item_id = $2 AND h.charge_n = $3)
	ORDER BY l.id FOR NO KEY UPDATE`
