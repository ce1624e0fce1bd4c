package payments_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// settled is an item paid in full from accounts, at the amounts given.
func (w *world) settled(c child, line uuid.UUID, amounts map[uuid.UUID]int64, order ...uuid.UUID) uuid.UUID {
	w.t.Helper()
	var price int64
	for _, a := range amounts {
		price += a
	}
	item := w.item(c, "confirmed", charge{payer: "budget", pence: price, line: &line})
	w.hold(item, 1, &line, payments.InPence, amounts, order...)
	w.become(item, "settled", price)
	p := shortbreaks.Pence(price)
	require.NoError(w.t, w.capture(c, item, payments.KindCapture, due(1, payments.PayerBudget, p, p)))
	return item
}

func TestT13_ARefundGoesBackInProportionToWhereItCameFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	health := w.allocate(c, "health", payments.InPence, 10_000)
	education := w.allocate(c, "education", payments.InPence, 10_000)
	line := w.line(c, payments.InPence, 30_000, nil)
	item := w.settled(c, line, map[uuid.UUID]int64{care: 3334, health: 3333, education: 3333}, care, health, education)
	other := w.settled(c, line, map[uuid.UUID]int64{care: 600, health: 400}, care, health)

	require.NoError(t, w.refund(other, 1, 501))
	require.EqualValues(t, 10_000-3334-600+301, w.account(care).Free())
	require.EqualValues(t, 10_000-3333-400+200, w.account(health).Free())

	// Penny by penny nothing is lost and no account gets more than it gave.
	for _, pence := range []shortbreaks.Pence{1, 1, 1, 1, 3333, 6662, 1} {
		require.NoError(t, w.refund(item, 1, pence))
		w.clean()
	}
	require.ErrorIs(t, w.refund(item, 1, 1), payments.ErrRefundTooHigh)
	require.EqualValues(t, 10_000, w.account(education).Free())
	require.EqualValues(t, 499, w.derived(payments.ProviderPayable, payments.InPence, ""))
	require.EqualValues(t, 499, w.number(`SELECT spent FROM plan_line`))
	require.ErrorIs(t, w.refund(item, 1, 0), shortbreaks.ErrInvalid)
	require.ErrorIs(t, w.refund(item, 1, -5), shortbreaks.ErrInvalid)
	require.ErrorIs(t, w.refund(shortbreaks.NewID(), 1, 5), shortbreaks.ErrNotFound)
}

func TestT61_RacingRefundsNeverExceedWhatWasPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	health := w.allocate(c, "health", payments.InPence, 10_000)
	line := w.line(c, payments.InPence, 10_000, nil)
	item := w.settled(c, line, map[uuid.UUID]int64{care: 600, health: 400}, care, health)
	direct := w.item(c, "confirmed", charge{payer: "family_direct", pence: 1000})
	w.become(direct, "settled", 1000)
	require.NoError(t, w.capture(c, direct, payments.KindCapture, due(1, payments.PayerFamilyDirect, 1000, 1000)))

	for _, paid := range []uuid.UUID{item, direct} {
		var given, refused atomic.Int64
		w.together(8, func(int) error {
			err := w.refund(paid, 1, 300)
			if errors.Is(err, payments.ErrRefundTooHigh) {
				refused.Add(1)
				return nil
			}
			given.Add(1)
			return err
		})
		require.EqualValues(t, 3, given.Load())
		require.EqualValues(t, 5, refused.Load())
	}
	require.EqualValues(t, 200, w.derived(payments.ProviderPayable, payments.InPence, ""))
	require.EqualValues(t, -100, w.derived(payments.FamilyDue, payments.InPence, ""))
	require.EqualValues(t, 6, w.number(`SELECT count(*) FROM refund`), "T62: equal refunds are refunds of their own")
	w.clean()
}

// The order of locks lets refunds and bookings on the same line and accounts
// run at once without a deadlock.
func TestRefundsAndBookingsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 100_000)
	health := w.allocate(c, "health", payments.InPence, 100_000)
	line := w.line(c, payments.InPence, 200_000, nil)
	paid, open := make([]uuid.UUID, 8), make([]uuid.UUID, 8)
	for i := range paid {
		paid[i] = w.settled(c, line, map[uuid.UUID]int64{care: 60, health: 40}, care, health)
		open[i] = w.item(c, "confirmed", charge{payer: "budget", pence: 100, line: &line})
	}
	w.attempts.Store(0)
	w.together(16, func(i int) error {
		if i%2 == 0 {
			return w.refund(paid[i/2], 1, 10)
		}
		order := []uuid.UUID{care, health}
		if i%4 == 1 {
			order = []uuid.UUID{health, care}
		}
		var holds []*payments.Hold // of no line, so that only the accounts make them wait
		for _, a := range order {
			holds = append(holds, &payments.Hold{Authority: w.authority, Item: open[i/2], ChargeN: 1, Account: a, Unit: payments.InPence, Amount: 50})
		}
		return w.do(func(tx *db.Tx) error { return w.place(tx, holds) })
	})
	require.EqualValues(t, 16, w.attempts.Load(), "no transaction had to be run again")
	w.clean()
}
