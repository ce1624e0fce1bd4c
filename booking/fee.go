package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// await makes a late fee wait for the start, if the terms waive it for a place
// that is taken again (T55): only then is it known.
func (it *Item) await(fee shortbreaks.Pence, waived bool) {
	it.FeeDueAt, it.FeePence = nil, nil
	if fee > 0 && waived {
		at := it.StartsAt
		it.FeeDueAt, it.FeePence, it.ChargePence = &at, &fee, nil
	}
}

// end moves items whose fee is known to a closed state and gives back their
// places. Those that owe a fee capture it, those whose fee waits keep no more
// than the fee, the others release everything.
func end(ctx context.Context, tx *db.Tx, items []*Item, to State, by mover) error {
	if err := move(ctx, tx, items, to, by); err != nil {
		return err
	}
	if err := giveBack(ctx, tx, items); err != nil {
		return err
	}
	var known, waiting []*Item
	for _, it := range items {
		if it.FeeDueAt != nil {
			waiting = append(waiting, it)
		} else {
			known = append(known, it)
		}
	}
	if len(waiting) == 0 {
		return settle(ctx, tx, known, payments.KindLateFee, by.who)
	}
	if err := lockMoney(ctx, tx, items, needed{}); err != nil {
		return err
	}
	if err := keepForFee(ctx, tx, waiting, by.who); err != nil {
		return err
	}
	return settle(ctx, tx, known, payments.KindLateFee, by.who)
}

// lockMoney locks the plan lines and then the accounts that items hold money
// of, and those needed besides.
func lockMoney(ctx context.Context, tx *db.Tx, items []*Item, need needed) error {
	holds, err := holdsOf(ctx, tx, items)
	if err != nil {
		return err
	}
	for _, h := range holds {
		need.accounts = append(need.accounts, payments.AccountRef{Authority: h.Authority, ID: h.Account})
		if h.Line != nil {
			need.lines = append(need.lines, budgets.LineRef{Authority: h.Authority, ID: *h.Line})
		}
	}
	if _, err := budgets.LockLines(ctx, tx, need.lines); err != nil {
		return err
	}
	_, err = payments.LockAccounts(ctx, tx, need.accounts)
	return err
}

// keepForFee frees what is held beyond the fee. What is kept is shared over
// charges and accounts as the fee will be. An allowance is kept whole: how much
// of it a fee uses up is worked out when it is captured. Of what was paid ahead
// no more than the fee is kept either.
func keepForFee(ctx context.Context, tx *db.Tx, items []*Item, who shortbreaks.Actor) error {
	holds, err := holdsOf(ctx, tx, items)
	if err != nil {
		return err
	}
	charges, err := chargesOf(ctx, tx, items)
	if err != nil {
		return err
	}
	captures := make([]payments.ItemCapture, len(items))
	for i, it := range items {
		captures[i] = captureOf(&Item{AuthorityID: it.AuthorityID, ID: it.ID, ChargePence: it.FeePence}, "", it.movedBy(mover{who: who}).who, charges[it.ID], holds, nil)
	}
	back, err := payments.PlanBack(ctx, tx, captures)
	if err != nil {
		return err
	}
	var kept []payments.Smaller
	var moves []payments.LineMove
	var authorities, ids []uuid.UUID
	var dues []time.Time
	var fees []int64
	for i, it := range items {
		authorities, ids = append(authorities, it.AuthorityID), append(ids, it.ID)
		dues, fees = append(dues, *it.FeeDueAt), append(fees, int64(*it.FeePence))
		for _, c := range captures[i].Charges {
			var pending []payments.Hold
			var weights []int64
			for _, h := range c.Holds {
				if h.State == payments.Pending {
					pending, weights = append(pending, h), append(weights, h.Amount)
				}
			}
			parts := shortbreaks.Split(int64(c.Owed()), weights)
			for i, h := range pending {
				keep := parts[i]
				if h.Unit != payments.InPence {
					keep = h.Amount
				}
				kept = append(kept, payments.Smaller{Hold: h, Amount: keep})
				if h.Line != nil {
					moves = append(moves, payments.LineMove{Authority: h.Authority, Line: *h.Line, Held: keep - h.Amount})
				}
			}
		}
	}
	_, err = tx.PGX.Exec(ctx, `UPDATE booking_item i SET fee_due_at = k.due, fee_pence = k.fee
		FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[]) AS k (authority_id, id, due, fee)
		WHERE i.authority_id = k.authority_id AND i.id = k.id`, authorities, ids, dues, fees)
	if err != nil {
		return fmt.Errorf("note fees that wait: %w", err)
	}
	if err := budgets.MoveLines(ctx, tx, append(moves, back.LineMoves()...)); err != nil {
		return err
	}
	if err := payments.KeepForFee(ctx, tx, kept); err != nil {
		return err
	}
	return back.Give(ctx, tx)
}

// DecideFees decides on every fee that waited for its start: nothing is due if
// the place was taken again or the worker found other work, or if the session
// did not run; else the fee is captured (T55). Each is decided once, however
// often and by however many it runs. It returns how many it decided on.
func DecideFees(ctx context.Context, d *db.DB) (int, error) {
	return sweep(ctx, d, `fee_due_at <= $1 ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, decideFees)
}

func decideFees(ctx context.Context, tx *db.Tx, items []*Item) error {
	waived, err := refilled(ctx, tx, items)
	if err != nil {
		return err
	}
	n := len(items)
	authorities, ids, due := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]int64, n)
	for i, it := range items {
		charge := *it.FeePence
		if waived[it.ID] {
			charge = 0
		}
		it.ChargePence, it.FeeDueAt = &charge, nil
		authorities[i], ids[i], due[i] = it.AuthorityID, it.ID, int64(charge)
	}
	tag, err := tx.PGX.Exec(ctx, `UPDATE booking_item i SET fee_due_at = NULL, charge_pence = k.due
		FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS k (authority_id, id, due)
		WHERE i.authority_id = k.authority_id AND i.id = k.id AND i.fee_due_at IS NOT NULL`, authorities, ids, due)
	if err != nil {
		return fmt.Errorf("decide on fees: %w", err)
	}
	if int(tag.RowsAffected()) != n {
		return ErrStateChanged.With("A fee was decided on before.")
	}
	return settle(ctx, tx, items, payments.KindLateFee, shortbreaks.Anonymous)
}

// sqlRefilled finds which cancelled items cost the provider nothing. Of the
// places of a session that were cancelled late, as many as are empty at the
// start were not taken again: the ones cancelled last.
const sqlRefilled = `
WITH asked AS (
    SELECT i.* FROM booking_item i JOIN unnest($1::uuid[], $2::uuid[]) AS k (authority_id, id) ON k.authority_id = i.authority_id AND k.id = i.id
), late AS (
    SELECT i.id, i.provider_id, i.session_id, row_number() OVER (PARTITION BY i.provider_id, i.session_id ORDER BY e.at DESC, i.id DESC) AS from_last
    FROM booking_item i
    JOIN LATERAL (SELECT max(at) AS at FROM item_event e WHERE e.authority_id = i.authority_id AND e.item_id = i.id AND e.to_state = i.state) e ON true
    WHERE i.fee_pence IS NOT NULL AND (i.provider_id, i.session_id) IN (SELECT provider_id, session_id FROM asked WHERE session_id IS NOT NULL)
)
SELECT l.id FROM late l
JOIN session s ON s.provider_id = l.provider_id AND s.id = l.session_id
JOIN session_places p ON p.provider_id = l.provider_id AND p.session_id = l.session_id
WHERE s.state = 'cancelled' OR l.from_last > p.capacity - p.taken
UNION
SELECT a.id FROM asked a
JOIN lane_claim c ON c.provider_id = a.provider_id AND c.lane_id = a.lane_id
JOIN booking_item o ON o.provider_id = c.provider_id AND o.id = c.item_id
WHERE tstzrange(o.starts_at, o.ends_at) && tstzrange(a.starts_at, a.ends_at)`

func refilled(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID]bool, error) {
	rows, err := tx.PGX.Query(ctx, sqlRefilled, authoritiesOf(items), idsOf(items))
	if err != nil {
		return nil, fmt.Errorf("look which places were taken again: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("look which places were taken again: %w", err)
	}
	set := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set, nil
}
