package payments_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

func TestHoldsAreNumberedPerAccountAndHeldAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	health := w.allocate(c, "health", payments.InPence, 10_000)
	line := w.line(c, payments.InPence, 20_000, nil)
	one := w.item(c, "confirmed", charge{payer: "budget", pence: 1000, line: &line})
	holds := w.hold(one, 1, &line, payments.InPence, map[uuid.UUID]int64{care: 600, health: 400}, care, health)
	two := w.item(c, "confirmed", charge{payer: "budget", pence: 500, line: &line}, charge{payer: "budget", pence: 700, line: &line})
	more := []*payments.Hold{
		{Authority: w.authority, Item: two, ChargeN: 1, Account: care, Line: &line, Unit: payments.InPence, Amount: 500},
		{Authority: w.authority, Item: two, ChargeN: 2, Account: care, Line: &line, Unit: payments.InPence, Amount: 700},
	}
	w.must(func(tx *db.Tx) error { return w.place(tx, more) })

	require.Equal(t, []int64{1, 1, 2, 3}, []int64{holds[0].AccountSeq, holds[1].AccountSeq, more[0].AccountSeq, more[1].AccountSeq})
	a := w.account(care)
	require.Equal(t, []int64{10_000, 1800, 3, 8200}, []int64{a.Balance, a.Held, a.Seq, a.Free()})
	var stored []payments.Hold
	w.must(func(tx *db.Tx) (err error) {
		stored, err = payments.HoldsOf(ctx, tx, []uuid.UUID{w.authority}, []uuid.UUID{two})
		return err
	})
	require.Equal(t, []payments.Hold{*more[0], *more[1]}, stored)
	w.clean()
}

func TestT02_FreeNeverGoesBelowZeroWhateverTheCallerWorkedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 1000)
	line := w.line(c, payments.InPence, 20_000, nil)
	items := make([]uuid.UUID, 12)
	for i := range items {
		items[i] = w.item(c, "confirmed", charge{payer: "budget", pence: 300, line: &line})
	}
	// Nobody looks at what is free: the floor itself decides.
	var placed, refused atomic.Int64
	w.together(len(items), func(i int) error {
		err := w.do(func(tx *db.Tx) error {
			return payments.PlaceHolds(ctx, tx, []*payments.Hold{{Authority: w.authority, Item: items[i], ChargeN: 1, Account: care, Unit: payments.InPence, Amount: 300}})
		})
		if errors.Is(err, payments.ErrBudgetTooLow) {
			refused.Add(1)
			return nil
		}
		placed.Add(1)
		return err
	})
	require.EqualValues(t, 3, placed.Load())
	require.EqualValues(t, 9, refused.Load())
	require.EqualValues(t, 100, w.account(care).Free())
	require.EqualValues(t, 900, w.number(`SELECT sum(amount) FROM hold WHERE state = 'pending'`))
}

func TestAHoldInAnotherUnitIsNotPlaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	minutes := w.allocate(c, "social_care", payments.InMinutes, 1000)
	item := w.item(c, "confirmed", charge{payer: "family_top_up", pence: 300})
	err := w.do(func(tx *db.Tx) error {
		return payments.PlaceHolds(ctx, tx, []*payments.Hold{{Authority: w.authority, Item: item, ChargeN: 1, Account: minutes, Unit: payments.InPence, Amount: 300}})
	})
	require.ErrorContains(t, err, "placing holds: 0 of 1 rows")
	require.EqualValues(t, 0, w.account(minutes).Held)
}

func TestT05_AHoldIsResolvedOnceHoweverManyTry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	health := w.allocate(c, "health", payments.InPence, 10_000)
	line := w.line(c, payments.InPence, 20_000, nil)
	item := w.item(c, "requested", charge{payer: "budget", pence: 1000, line: &line})
	w.hold(item, 1, &line, payments.InPence, map[uuid.UUID]int64{care: 600, health: 400}, care, health)
	var holds []payments.Hold
	w.must(func(tx *db.Tx) (err error) {
		holds, err = payments.HoldsOf(ctx, tx, []uuid.UUID{w.authority}, []uuid.UUID{item})
		return err
	})

	// All have read the holds as pending, as a job run twice may.
	var ended, late atomic.Int64
	w.together(8, func(int) error {
		err := w.do(func(tx *db.Tx) error { return payments.Resolve(ctx, tx, payments.Release(holds, payments.Expired)) })
		if errors.Is(err, payments.ErrHoldResolved) {
			late.Add(1)
			return nil
		}
		ended.Add(1)
		return err
	})
	require.EqualValues(t, 1, ended.Load())
	require.EqualValues(t, 7, late.Load())
	require.EqualValues(t, 10_000, w.account(care).Free())
	require.EqualValues(t, 10_000, w.account(health).Free())

	twice := payments.Release(holds, payments.Expired)
	require.ErrorIs(t, w.do(func(tx *db.Tx) error { return payments.Resolve(ctx, tx, append(twice, twice...)) }), payments.ErrHoldResolved)
	w.must(func(tx *db.Tx) error { return moveLines(tx, payments.LineMoves(twice)) })
	w.become(item, "expired", 0)
	w.clean()
}

func TestNothingIsCapturedBeyondItsHold(t *testing.T) {
	t.Parallel()
	h := payments.Hold{Amount: 100, State: payments.Pending}
	for _, c := range []struct {
		name string
		out  payments.Outcome
		want error
	}{
		{"more than held", payments.Outcome{Hold: h, State: payments.Captured, Captured: 101}, payments.ErrAboveHold},
		{"released and captured", payments.Outcome{Hold: h, State: payments.Released, Captured: 1}, nil},
		{"less than nothing", payments.Outcome{Hold: h, State: payments.Captured, Captured: -1}, nil},
		{"pending again", payments.Outcome{Hold: h, State: payments.Pending}, nil},
	} {
		err := payments.Resolve(ctx, nil, []payments.Outcome{c.out}) // refused before any transaction is used
		require.Error(t, err, c.name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, c.name)
		}
	}
}
