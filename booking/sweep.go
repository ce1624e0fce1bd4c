package booking

import (
	"context"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// sweepSize is how many items one transaction of a sweep moves.
const sweepSize = 200

// Sweep makes the moves that time makes: requests nobody answered expire and
// give back place and money, once, however often and by however many it runs
// (T05); attendance nobody queried is settled when its day comes (T60). It
// returns how many items it moved.
func Sweep(ctx context.Context, d *db.DB) (int, error) {
	expired, err := sweep(ctx, d, `expires_at <= $1 AND state <> 'conditional'
		ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, expire)
	if err != nil {
		return expired, err
	}
	agreed, err := sweep(ctx, d, `auto_confirm_at <= $1 AND state IN ('delivered', 'partly_delivered', 'no_show')
		ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, autoConfirm)
	return expired + agreed, err
}

func sweep(ctx context.Context, d *db.DB, where string, f func(context.Context, *db.Tx, []*Item) error) (int, error) {
	total := 0
	for {
		n := 0
		scope, err := d.System(ctx)
		if err != nil {
			return total, err
		}
		err = d.Do(ctx, scope, func(tx *db.Tx) error {
			items, err := selectItems(ctx, tx, where, tx.Now, sweepSize)
			if err != nil {
				return err
			}
			n = len(items)
			if n == 0 {
				return nil
			}
			return f(ctx, tx, items)
		})
		total += n
		if err != nil || n < sweepSize {
			return total, err
		}
	}
}

func expire(ctx context.Context, tx *db.Tx, items []*Item) error {
	if err := move(ctx, tx, items, Expired, mover{cause: "nobody answered in time"}); err != nil {
		return err
	}
	if err := giveBack(ctx, tx, items); err != nil {
		return err
	}
	return release(ctx, tx, items, payments.Expired)
}

func autoConfirm(ctx context.Context, tx *db.Tx, items []*Item) error {
	for _, it := range items {
		it.AutoConfirmAt = nil
	}
	if err := move(ctx, tx, items, Settled, mover{cause: "not queried in time"}); err != nil {
		return err
	}
	return settle(ctx, tx, items, payments.KindCapture, shortbreaks.Anonymous)
}
