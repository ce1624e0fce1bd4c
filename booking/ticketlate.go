package booking

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// refundNotAdmitted gives money back for dates on which the provider could not
// admit the child and whose block is over, so that the date itself cannot go
// back to it (T57): each is worth its part of what the block cost, to whom paid
// it. Each date is given back once, however often and by however many it runs.
// It returns how many were.
func refundNotAdmitted(ctx context.Context, d *db.DB) (int, error) {
	return sweep(ctx, d, `ticket_id IS NOT NULL AND ticket_counts AND state = 'settled' AND starts_at <= $1 AND (authority_id, id) IN (SELECT d.authority_id, d.item_id FROM delivery d
			WHERE d.outcome = 'no_show' AND d.cause = '`+CouldNotAdmit+`')
		AND (authority_id, ticket_id) IN (SELECT b.authority_id, b.id FROM booking_item b WHERE b.state = 'settled')
		ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, refundDates)
}

// refundDates gives back what dates were worth. The items of their blocks are
// locked before the blocks are, as everywhere.
func refundDates(ctx context.Context, tx *db.Tx, items []*Item) error {
	var blocks []uuid.UUID
	for _, it := range items {
		blocks = append(blocks, *it.TicketID)
	}
	_, err := tx.PGX.Exec(ctx, `SELECT FROM booking_item WHERE authority_id = ANY ($1) AND id = ANY ($2) ORDER BY authority_id, id FOR NO KEY UPDATE`, authoritiesOf(items), blocks)
	if err != nil {
		return fmt.Errorf("lock blocks of dates: %w", err)
	}
	if err := lockTickets(ctx, tx, items, nil); err != nil {
		return err
	}
	if err := lockPaidBy(ctx, tx, items, blocks); err != nil {
		return err
	}
	for _, it := range items { // one by one: how many are used says which part is whose
		parts, err := worthOf(ctx, tx, it)
		if err != nil {
			return err
		}
		if err := returnTickets(ctx, tx, []*Item{it}); err != nil {
			return err
		}
		for _, p := range parts {
			if err := p.refund(ctx, tx, it); err != nil {
				return err
			}
		}
	}
	return nil
}

// lockPaidBy locks the plan lines and then the accounts that paid for blocks:
// several are paid back in one transaction.
func lockPaidBy(ctx context.Context, tx *db.Tx, items []*Item, blocks []uuid.UUID) error {
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT authority_id, account_id, line_id FROM hold WHERE authority_id = ANY ($1) AND item_id = ANY ($2)`, authoritiesOf(items), blocks)
	if err != nil {
		return fmt.Errorf("read what paid for blocks of dates: %w", err)
	}
	var lines []budgets.LineRef
	var accounts []payments.AccountRef
	var authority, account uuid.UUID
	var line *uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&authority, &account, &line}, func() error {
		accounts = append(accounts, payments.AccountRef{Authority: authority, ID: account})
		if line != nil {
			lines = append(lines, budgets.LineRef{Authority: authority, ID: *line})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what paid for blocks of dates: %w", err)
	}
	if _, err := budgets.LockLines(ctx, tx, lines); err != nil {
		return err
	}
	_, err = payments.LockAccounts(ctx, tx, accounts)
	return err
}

// dateWorth is what one date of a block is worth of one of its charges.
type dateWorth struct {
	charge int
	pence  shortbreaks.Pence
	by     uuid.UUID // who wrote the register
}

// worthOf shares each charge of a block over its dates, to the penny. The part of
// a date is the one of the last that is used now, so no two dates have the same.
func worthOf(ctx context.Context, tx *db.Tx, it *Item) ([]dateWorth, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT c.n, coalesce(c.due_pence, c.amount_pence), t.count, t.used, d.recorded_by
		FROM ticket t JOIN item_charge c ON c.authority_id = t.authority_id AND c.item_id = t.id
		JOIN delivery d ON d.authority_id = t.authority_id AND d.item_id = $3
		WHERE t.authority_id = $1 AND t.id = $2 AND c.payer IN ('budget', 'family_direct', 'family_top_up', 'contingency') ORDER BY c.n`, it.AuthorityID, *it.TicketID, it.ID)
	if err != nil {
		return nil, fmt.Errorf("read what a date was worth: %w", err)
	}
	parts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p dateWorth, err error) {
		var pence int64
		var count, used int
		if err := row.Scan(&p.charge, &pence, &count, &used, &p.by); err != nil {
			return p, err
		}
		equal := make([]int64, count)
		for i := range equal {
			equal[i] = 1
		}
		p.pence = shortbreaks.Pence(shortbreaks.Split(pence, equal)[used-1])
		return p, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what a date was worth: %w", err)
	}
	return parts, nil
}

// refund gives a part back. What was given back of the charge before is not
// given twice.
func (p dateWorth) refund(ctx context.Context, tx *db.Tx, it *Item) error {
	if p.pence == 0 {
		return nil
	}
	_, moves, err := payments.Refund(ctx, tx, payments.RefundItem{
		Authority: it.AuthorityID, Item: *it.TicketID, ChargeN: p.charge, Amount: p.pence, Reason: CouldNotAdmit, Actor: p.by,
	})
	if errors.Is(err, payments.ErrRefundTooHigh) {
		return nil
	}
	if err != nil {
		return err
	}
	return budgets.MoveLines(ctx, tx, moves)
}
