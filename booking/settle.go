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

// settle captures what each item owes (its charge) from its holds and frees
// the rest. What was paid ahead counts towards it, and what of that is not owed
// goes back. An item that owes nothing releases all. kind is capture or
// late_fee; each item posts one ledger transaction.
func settle(ctx context.Context, tx *db.Tx, items []*Item, kind string, who shortbreaks.Actor) error {
	holds, charges, payers, err := lockDue(ctx, tx, items)
	if err != nil {
		return err
	}
	var outcomes []payments.Outcome
	var captures []payments.ItemCapture
	for _, it := range items {
		captures = append(captures, captureOf(it, kind, it.movedBy(mover{who: who}).who, charges[it.ID], holds, payers))
	}
	back, err := payments.PlanBack(ctx, tx, captures)
	if err != nil {
		return err
	}
	for _, c := range captures {
		outcomes = append(outcomes, payments.CaptureOutcomes(c)...)
	}
	if err := budgets.MoveLines(ctx, tx, append(payments.LineMoves(outcomes), back.LineMoves()...)); err != nil {
		return err
	}
	if err := payments.Resolve(ctx, tx, outcomes); err != nil {
		return err
	}
	if err := payments.PostCaptures(ctx, tx, captures); err != nil {
		return err
	}
	if err := keepDue(ctx, tx, captures, charges); err != nil {
		return err
	}
	return back.Give(ctx, tx)
}

// lockDue reads the holds and charges of locked items, and locks the plan lines
// that are moved next.
func lockDue(ctx context.Context, tx *db.Tx, items []*Item) (holds []payments.Hold, charges map[uuid.UUID][]Charge, payers map[uuid.UUID]payable, err error) {
	var batch pgx.Batch
	held := payments.QueueHoldsOf(&batch, authoritiesOf(items), idsOf(items))
	charges = queueChargesOf(&batch, items)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, nil, nil, fmt.Errorf("read what is due: %w", err)
	}
	payers, err = payableBy(ctx, tx, charges)
	return *held, charges, payers, err
}

// captureOf shares what an item owes over its charges (see shareDue).
func captureOf(it *Item, kind string, who shortbreaks.Actor, charges []Charge, holds []payments.Hold, payers map[uuid.UUID]payable) payments.ItemCapture {
	c := payments.ItemCapture{Authority: it.AuthorityID, Item: it.ID, Provider: it.ProviderID, Actor: who.Person, Kind: kind}
	if it.ChildID != nil {
		c.Child = *it.ChildID
	}
	due := shareDue(*it.ChargePence, charges)
	for i, ch := range charges {
		d := payments.ChargeDue{N: ch.N, Payer: ch.Payer, AmountPence: ch.AmountPence, DuePence: shortbreaks.Pence(due[i]), PayableBy: "authority"}
		if ch.LineID != nil {
			d.PayableBy, d.Holder = payers[*ch.LineID].by, payers[*ch.LineID].holder
		}
		for _, h := range holds {
			if h.Item == it.ID && h.ChargeN == ch.N {
				d.Holds = append(d.Holds, h)
			}
		}
		c.Charges = append(c.Charges, d)
	}
	return c
}

func chargesOf(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID][]Charge, error) {
	var batch pgx.Batch
	by := queueChargesOf(&batch, items)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("read charges: %w", err)
	}
	return by, nil
}

// queueChargesOf gives charges by item; they are there when the batch is
// answered. So it is with all that is queued to be read.
func queueChargesOf(batch *pgx.Batch, items []*Item) map[uuid.UUID][]Charge {
	by := map[uuid.UUID][]Charge{}
	batch.Queue(`SELECT authority_id, item_id, n, provider_id, kind, payer, unit, quantity, amount_pence, line_id, added
		FROM `+ofItems(`item_charge`)+` ORDER BY item_id, n`, idsOf(items), authoritiesOf(items)).Query(func(rows pgx.Rows) error {
		all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Charge])
		for _, c := range all {
			by[c.ItemID] = append(by[c.ItemID], c)
		}
		return err
	})
	return by
}

// payable is who hands over the money of a plan line.
type payable struct {
	by     string
	holder *uuid.UUID
}

// payableBy locks the plan lines of charges, which settling moves next, and
// reads who hands their money over.
func payableBy(ctx context.Context, tx *db.Tx, charges map[uuid.UUID][]Charge) (map[uuid.UUID]payable, error) {
	var refs []budgets.LineRef
	seen := map[uuid.UUID]bool{}
	for _, list := range charges {
		for _, c := range list {
			if c.LineID != nil && !seen[*c.LineID] {
				seen[*c.LineID] = true
				refs = append(refs, budgets.LineRef{Authority: c.AuthorityID, ID: *c.LineID})
			}
		}
	}
	lines, err := budgets.LockLines(ctx, tx, refs)
	if err != nil {
		return nil, err
	}
	payers := map[uuid.UUID]payable{}
	for id, l := range lines {
		by, holder := l.PayableBy()
		payers[id] = payable{by, holder}
	}
	return payers, nil
}

func idsOf(items []*Item) []uuid.UUID {
	ids := make([]uuid.UUID, len(items))
	for i, it := range items {
		ids[i] = it.ID
	}
	return ids
}

// ofItems is what follows FROM to read the rows of a table that belong to
// items: $1 are their ids, $2 their authorities, one for each. It looks each up
// by key, whatever PostgreSQL believes of the table: two lists of their own are
// looked up each in each, and a join may go through all of a table that was
// empty when it was planned.
func ofItems(table string) string {
	return `unnest($1::uuid[], $2::uuid[]) asked (i, a) CROSS JOIN LATERAL
		(SELECT * FROM ` + table + ` WHERE authority_id = asked.a AND item_id = asked.i OFFSET 0) its`
}

func authoritiesOf(items []*Item) []uuid.UUID {
	ids := make([]uuid.UUID, len(items))
	for i, it := range items {
		ids[i] = it.AuthorityID
	}
	return ids
}
