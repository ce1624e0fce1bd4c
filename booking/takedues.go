package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// TakeDues captures what is due before it takes place: payment at booking, in
// advance, deposits and balances, each on its day and never before the item is
// confirmed (T91, T92). What has begun or is questioned is settled with its
// register. Each part is taken once, however often and by however many it runs.
// It returns how many items it took something of.
func TakeDues(ctx context.Context, d *db.DB) (int, error) {
	if err := endDues(ctx, d); err != nil {
		return 0, err
	}
	return sweep(ctx, d, `state = 'confirmed' AND (authority_id, id) IN (
			SELECT authority_id, item_id FROM item_due WHERE state = 'open' AND due_on <= ($1::timestamptz AT TIME ZONE 'Europe/London')::date)
		ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, takeDues)
}

// takeDues takes what is due of locked items: plan lines, then accounts, then
// the ledger, as settling does.
func takeDues(ctx context.Context, tx *db.Tx, items []*Item) error {
	dues, err := selectDues(ctx, tx, items, `state = 'open' AND due_on <= $3`, shortbreaks.Date(tx.Now))
	if err != nil || len(dues) == 0 {
		return err
	}
	holds, charges, payers, err := lockDue(ctx, tx, items)
	if err != nil {
		return err
	}
	var outcomes []payments.Outcome
	var captures []payments.ItemCapture
	for _, it := range items {
		for _, due := range dues[it.ID] {
			c := due.capture(it, charges[it.ID], holds, payers)
			outcomes, captures = append(outcomes, payments.CaptureOutcomes(c)...), append(captures, c)
		}
	}
	if err := budgets.MoveLines(ctx, tx, payments.LineMoves(outcomes)); err != nil {
		return err
	}
	if err := payments.Resolve(ctx, tx, outcomes); err != nil {
		return err
	}
	if err := payments.PostCaptures(ctx, tx, captures); err != nil {
		return err
	}
	return markTaken(ctx, tx, captures)
}

// capture is the whole of one part, out of the holds that were made for it.
func (d ItemDue) capture(it *Item, charges []Charge, holds []payments.Hold, payers map[uuid.UUID]payable) payments.ItemCapture {
	c := payments.ItemCapture{Authority: it.AuthorityID, Item: it.ID, Provider: it.ProviderID, Kind: payments.KindOfDue(d.What), Source: d.ID}
	if it.ChildID != nil {
		c.Child = *it.ChildID
	}
	for _, ch := range charges {
		if ch.N != d.ChargeN {
			continue
		}
		due := payments.ChargeDue{N: ch.N, Payer: ch.Payer, AmountPence: d.AmountPence, DuePence: d.AmountPence, PayableBy: payments.PayableByAuthority}
		if ch.LineID != nil {
			due.PayableBy, due.Holder = payers[*ch.LineID].by, payers[*ch.LineID].holder
		}
		for _, h := range holds {
			if h.Item == it.ID && h.ChargeN == ch.N && h.Due == d.What {
				due.Holds = append(due.Holds, h)
			}
		}
		c.Charges = append(c.Charges, due)
	}
	return c
}

func markTaken(ctx context.Context, tx *db.Tx, captures []payments.ItemCapture) error {
	authorities, ids := make([]uuid.UUID, len(captures)), make([]uuid.UUID, len(captures))
	for i, c := range captures {
		authorities[i], ids[i] = c.Authority, c.Source
	}
	tag, err := tx.PGX.Exec(ctx, `UPDATE item_due d SET state = 'taken', taken_at = $3 FROM unnest($1::uuid[], $2::uuid[]) AS k (authority_id, id)
		WHERE d.authority_id = k.authority_id AND d.id = k.id AND d.state = 'open'`, authorities, ids, tx.Now)
	if err != nil {
		return fmt.Errorf("note what was taken: %w", err)
	}
	if int(tag.RowsAffected()) != len(captures) {
		return ErrStateChanged.With("A part that was due had been taken before.")
	}
	return nil
}

// endDues closes the parts whose day has come of items that ended before it, so
// that nobody looks at them again.
func endDues(ctx context.Context, d *db.DB) error {
	scope, err := d.System(ctx)
	if err != nil {
		return err
	}
	err = d.Do(ctx, scope, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE item_due d SET state = 'ended' FROM (
				SELECT o.authority_id, o.id FROM item_due o JOIN booking_item i ON i.authority_id = o.authority_id AND i.id = o.item_id
				WHERE o.state = 'open' AND o.due_on <= $1 AND (i.state = 'settled' OR NOT item_is_live(i.state))
				ORDER BY o.authority_id, o.id LIMIT 5000 FOR UPDATE OF o SKIP LOCKED) k
			WHERE d.authority_id = k.authority_id AND d.id = k.id`, shortbreaks.Date(tx.Now))
		return err
	})
	if err != nil {
		return fmt.Errorf("end what was due of what is over: %w", err)
	}
	return nil
}
