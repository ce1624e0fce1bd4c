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

// chargeCut is a charge that turned out to cost less than was held for it.
type chargeCut struct {
	item   *Item
	charge Charge
	to     shortbreaks.Pence
}

// cutCharges lowers charges, their items and their bookings, and frees what is
// held too much: a hold's amount never changes, so a smaller one takes its
// place. Streams keep their proportion. The items are locked; next come lines,
// then accounts.
func cutCharges(ctx context.Context, tx *db.Tx, items []*Item, cuts []chargeCut) error {
	if len(cuts) == 0 {
		return nil
	}
	holds, err := holdsOf(ctx, tx, items)
	if err != nil {
		return err
	}
	if err := lowerPrices(ctx, tx, cuts); err != nil {
		return err
	}
	var smaller []payments.Smaller
	var moves []payments.LineMove
	for _, c := range cuts {
		if c.charge.Unit != payments.InPence {
			continue // an allowance is used up by the session, whatever it costs
		}
		var own []payments.Hold
		var weights []int64
		for _, h := range holds {
			if h.Item == c.item.ID && h.ChargeN == c.charge.N && h.State == payments.Pending {
				own, weights = append(own, h), append(weights, h.Amount)
			}
		}
		for i, amount := range shortbreaks.Split(int64(c.to), weights) {
			if amount == own[i].Amount {
				continue
			}
			smaller = append(smaller, payments.Smaller{Hold: own[i], Amount: amount})
			if own[i].Line != nil {
				moves = append(moves, payments.LineMove{Authority: own[i].Authority, Line: *own[i].Line, Held: amount - own[i].Amount})
			}
		}
	}
	if err := budgets.MoveLines(ctx, tx, moves); err != nil {
		return err
	}
	return payments.ReplaceHolds(ctx, tx, smaller)
}

func lowerPrices(ctx context.Context, tx *db.Tx, cuts []chargeCut) error {
	n := len(cuts)
	authorities, items, bookings := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	ns, to, less := make([]int32, n), make([]int64, n), make([]int64, n)
	for i, c := range cuts {
		authorities[i], items[i], bookings[i] = c.item.AuthorityID, c.item.ID, c.item.BookingID
		ns[i], to[i], less[i] = int32(c.charge.N), int64(c.to), int64(c.charge.AmountPence-c.to) //nolint:gosec // charges of an item are few
		c.item.PricePence -= c.charge.AmountPence - c.to
	}
	var batch pgx.Batch
	batch.Queue(`UPDATE item_charge c SET amount_pence = k.pence, quantity = CASE WHEN c.unit = 'pence' THEN k.pence ELSE c.quantity END
		FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::bigint[]) AS k (authority_id, item_id, n, pence)
		WHERE c.authority_id = k.authority_id AND c.item_id = k.item_id AND c.n = k.n`, authorities, items, ns, to)
	batch.Queue(`UPDATE item_due d SET amount_pence = k.pence, state = CASE WHEN k.pence = 0 AND d.state = 'open' THEN 'ended' ELSE d.state END
		FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::bigint[]) AS k (authority_id, item_id, n, pence)
		WHERE d.authority_id = k.authority_id AND d.item_id = k.item_id AND d.charge_n = k.n`, authorities, items, ns, to)
	batch.Queue(`UPDATE booking_item i SET price_pence = i.price_pence - k.less
		FROM (SELECT authority_id, id, sum(less)::bigint AS less FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS u (authority_id, id, less) GROUP BY 1, 2) k
		WHERE i.authority_id = k.authority_id AND i.id = k.id`, authorities, items, less)
	batch.Queue(`UPDATE booking b SET total_pence = b.total_pence - k.less
		FROM (SELECT authority_id, id, sum(less)::bigint AS less FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS u (authority_id, id, less) GROUP BY 1, 2) k
		WHERE b.authority_id = k.authority_id AND b.id = k.id`, authorities, bookings, less)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("lower prices: %w", err)
	}
	return nil
}
