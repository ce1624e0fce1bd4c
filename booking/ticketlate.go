package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// payBackDates gives money back for dates that came back to a block when it had
// ended already (T57, T65): each is worth its part of what the block cost, to
// whom paid it. Each is given back once, however often and by however many it
// runs. It returns how many were.
func payBackDates(ctx context.Context, d *db.DB) (int, error) {
	return sweep(ctx, d, `ticket_part IS NOT NULL AND $1::timestamptz IS NOT NULL ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, payBack)
}

// payBack gives back what dates were worth. The items of their blocks are
// locked before the blocks are, as everywhere.
func payBack(ctx context.Context, tx *db.Tx, items []*Item) error {
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
	_, err = tx.PGX.Exec(ctx, `UPDATE booking_item SET ticket_part = NULL WHERE authority_id = ANY ($1) AND id = ANY ($2)`, authoritiesOf(items), idsOf(items))
	if err != nil {
		return fmt.Errorf("note that dates are paid back: %w", err)
	}
	for _, it := range items {
		parts, err := worthOf(ctx, tx, it)
		if err != nil {
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
	pence  shortbreaks.Pence // at most
	by     uuid.UUID         // who wrote the register, or cancelled
}

// worthOf shares what a block cost over its dates, to the penny.
func worthOf(ctx context.Context, tx *db.Tx, it *Item) ([]dateWorth, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT c.n, coalesce(c.due_pence, c.amount_pence), t.count, b.created_by,
			(SELECT d.recorded_by FROM delivery d WHERE d.authority_id = t.authority_id AND d.item_id = $3),
			(SELECT e.actor_id FROM item_event e WHERE e.authority_id = t.authority_id AND e.item_id = $3 ORDER BY e.at DESC, e.id DESC LIMIT 1)
		FROM ticket t JOIN item_charge c ON c.authority_id = t.authority_id AND c.item_id = t.id
		JOIN booking_item i ON i.authority_id = t.authority_id AND i.id = $3 JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
		WHERE t.authority_id = $1 AND t.id = $2 AND c.payer IN ('budget', 'family_direct', 'family_top_up', 'contingency') ORDER BY c.n`, it.AuthorityID, *it.TicketID, it.ID)
	if err != nil {
		return nil, fmt.Errorf("read what a date was worth: %w", err)
	}
	parts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p dateWorth, err error) {
		var pence int64
		var count int
		var wrote, moved *uuid.UUID
		if err := row.Scan(&p.charge, &pence, &count, &p.by, &wrote, &moved); err != nil {
			return p, err
		}
		for _, by := range []*uuid.UUID{moved, wrote} {
			if by != nil {
				p.by = *by
			}
		}
		equal := make([]int64, count)
		for i := range equal {
			equal[i] = 1
		}
		p.pence = shortbreaks.Pence(shortbreaks.Split(pence, equal)[*it.TicketPart-1])
		return p, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what a date was worth: %w", err)
	}
	return parts, nil
}

// refund gives a part back, of which no more may be left than was taken and not
// given back before.
func (p dateWorth) refund(ctx context.Context, tx *db.Tx, it *Item) error {
	if p.pence == 0 {
		return nil
	}
	reason := CouldNotAdmit
	if it.State != Settled {
		reason = "given_back"
	}
	_, moves, err := payments.Refund(ctx, tx, payments.RefundItem{
		Authority: it.AuthorityID, Item: *it.TicketID, ChargeN: p.charge, Amount: p.pence, AtMost: true, Reason: reason, Actor: p.by,
	})
	if err != nil {
		return err
	}
	return budgets.MoveLines(ctx, tx, moves)
}
