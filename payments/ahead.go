package payments

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Owed is what is still to be captured of a charge: what is due of it, less
// what was paid ahead.
func (c ChargeDue) Owed() shortbreaks.Pence { return max(0, c.DuePence-c.PaidPence) }

func (c ItemCapture) source() uuid.UUID {
	if c.Source != uuid.Nil {
		return c.Source
	}
	return c.Item
}

// KindOfDue is the kind of ledger transaction that takes a part due ahead, as
// item_due names it.
func KindOfDue(what string) string {
	if what == "at_booking" {
		return KindAdvance
	}
	return what
}

// Back is what was paid ahead of items and is not owed in the end, ready to be
// given back. The zero value gives nothing.
type Back struct {
	parts []backPart
}

type backPart struct {
	item   ItemCapture
	charge int
	pence  shortbreaks.Pence
	plan   refundPlan
}

// PlanBack notes in captures what was paid ahead of each charge, and works out
// what of it is more than what is due: that goes back to the accounts it came
// from, in proportion (T13). It is called before what is due is captured, with
// the items and plan lines locked, and locks all their accounts. Where nothing
// was paid ahead it asks nothing of the database.
func PlanBack(ctx context.Context, tx *db.Tx, captures []ItemCapture) (*Back, error) {
	b := &Back{}
	var refs []AccountRef
	var authorities, items []uuid.UUID
	for _, c := range captures {
		if !c.paidAhead() {
			continue
		}
		authorities, items = append(authorities, c.Authority), append(items, c.Item)
	}
	if len(items) == 0 {
		return b, nil
	}
	for _, c := range captures {
		for _, charge := range c.Charges {
			for _, h := range charge.Holds {
				refs = append(refs, AccountRef{h.Authority, h.Account})
			}
		}
	}
	if _, err := LockAccounts(ctx, tx, refs); err != nil {
		return nil, err
	}
	posted, err := postedAhead(ctx, tx, authorities, items)
	if err != nil {
		return nil, err
	}
	for i := range captures {
		for n := range captures[i].Charges {
			c := &captures[i].Charges[n]
			if err := b.add(captures[i], c, posted[chargeOf{captures[i].Item, c.N}]); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

func (c ItemCapture) paidAhead() bool {
	for _, charge := range c.Charges {
		if len(ahead(charge.Holds)) > 0 {
			return true
		}
	}
	return false
}

// ahead are the holds that were captured before their item was settled.
func ahead(holds []Hold) (list []Hold) {
	for _, h := range holds {
		if h.State == Captured && h.Due != "" {
			list = append(list, h)
		}
	}
	return list
}

// add plans what goes back of one charge.
func (b *Back) add(item ItemCapture, c *ChargeDue, posted []outstanding) error {
	p := paidCharge{item: item.Item, n: c.N, holds: ahead(c.Holds), accounts: posted}
	for _, a := range posted {
		if a.Kind == ProviderPayable {
			c.PaidPence += shortbreaks.Pence(a.Net)
			p.handedOverBy = []payer{{By: a.Payer, Holder: a.Holder}} // as it was when it was taken
		}
	}
	more := c.PaidPence - c.DuePence
	if more <= 0 {
		return nil
	}
	plan, err := p.planHeld(chargePaid{N: c.N, Payer: c.Payer, Unit: p.holds[0].Unit}, more, c.PaidPence)
	if err != nil {
		return err
	}
	b.parts = append(b.parts, backPart{item: item, charge: c.N, pence: more, plan: plan})
	return nil
}

// LineMoves is what giving back does to the plan lines: less is spent.
func (b *Back) LineMoves() []LineMove {
	var moves []LineMove
	for _, p := range b.parts {
		moves = append(moves, p.plan.moves(p.item.Authority)...)
	}
	return mergeMoves(moves)
}

// Give posts it: a refund for each charge, each its own event. The plan lines
// were moved and what is due captured before.
func (b *Back) Give(ctx context.Context, tx *db.Tx) error {
	n := len(b.parts)
	if n == 0 {
		return nil
	}
	authorities, ids, items, by := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	charges, amounts := make([]int32, n), make([]int64, n)
	backs := map[uuid.UUID][]back{}
	postings := make([]Posting, n)
	for i, p := range b.parts {
		authorities[i], ids[i], items[i], by[i] = p.item.Authority, newID(), p.item.Item, p.item.Actor
		charges[i], amounts[i] = int32(p.charge), int64(p.pence) //nolint:gosec // charges of an item are few
		backs[p.item.Authority] = append(backs[p.item.Authority], p.plan.backs...)
		postings[i] = Posting{Authority: p.item.Authority, Kind: KindRefund, Source: ids[i], Actor: p.item.Actor, Entries: p.plan.entries}
	}
	_, err := tx.PGX.Exec(ctx, `INSERT INTO refund (authority_id, id, item_id, created_by, charge_n, amount_pence, reason, ahead, created_at)
		SELECT r.*, 'Paid ahead and not owed', true, $7 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::bigint[]) r`,
		authorities, ids, items, by, charges, amounts, tx.Now)
	if err != nil {
		return fmt.Errorf("give back what was paid ahead: %w", err)
	}
	for authority, list := range backs {
		if err := raiseRefunded(ctx, tx, authority, list); err != nil {
			return err
		}
	}
	_, err = Post(ctx, tx, postings)
	return err
}

// chargeOf names a charge.
type chargeOf struct {
	item uuid.UUID
	n    int
}

// postedAhead is what taking charges ahead, and giving some of it back, left on
// each account, by charge.
func postedAhead(ctx context.Context, tx *db.Tx, authorities, items []uuid.UUID) (map[chargeOf][]outstanding, error) {
	rows, err := tx.PGX.Query(ctx, postedAheadSQL, authorities, items)
	if err != nil {
		return nil, fmt.Errorf("read what was paid ahead: %w", err)
	}
	by := map[chargeOf][]outstanding{}
	var c chargeOf
	var a outstanding
	_, err = pgx.ForEachRow(rows, []any{&c.item, &c.n, &a.Account, &a.Kind, &a.Unit, &a.Stream, &a.Payer, &a.Holder, &a.Net}, func() error {
		by[c] = append(by[c], a)
		a.Holder = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was paid ahead: %w", err)
	}
	return by, nil
}

// OFFSET 0 keeps each look-up by its key, also while PostgreSQL has not counted
// the tables yet and would read all an authority has.
const postedAheadSQL = `WITH asked AS (
		SELECT * FROM unnest($1::uuid[], $2::uuid[]) k (authority_id, item_id)
	), posted AS MATERIALIZED (
		SELECT d.authority_id, d.item_id, d.charge_n, t.id FROM asked k JOIN item_due d USING (authority_id, item_id)
		CROSS JOIN LATERAL (SELECT * FROM ledger_transaction
			WHERE authority_id = d.authority_id AND kind = due_kind(d.what) AND source_id = d.id OFFSET 0) t
		UNION ALL
		SELECT r.authority_id, r.item_id, r.charge_n, t.id FROM asked k JOIN refund r USING (authority_id, item_id)
		CROSS JOIN LATERAL (SELECT * FROM ledger_transaction
			WHERE authority_id = r.authority_id AND kind = 'refund' AND source_id = r.id OFFSET 0) t
	)
	SELECT p.item_id, p.charge_n, a.id, a.kind, a.unit, coalesce(a.stream, ''), coalesce(a.payer, ''), a.holder_id, sum(e.amount)::bigint
	FROM posted p
	CROSS JOIN LATERAL (SELECT * FROM ledger_entry WHERE authority_id = p.authority_id AND transaction_id = p.id OFFSET 0) e
	JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id
	GROUP BY p.item_id, p.charge_n, a.id, a.kind, a.unit, a.stream, a.payer, a.holder_id ORDER BY p.item_id, p.charge_n, a.id`
