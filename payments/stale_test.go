package payments_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// Holds are decided on accounts in hand. If one has moved on since, whoever
// decided did not keep it locked, and nothing of it is written.
func TestHoldsOnAnAccountThatHasMovedOnAreNotPlaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	line := w.line(c, payments.InPence, 20_000, nil)
	one := w.item(c, "confirmed", charge{payer: "budget", pence: 100, line: &line})
	two := w.item(c, "confirmed", charge{payer: "budget", pence: 300, line: &line})
	hold := func(item uuid.UUID, pence int64) *payments.Hold {
		return &payments.Hold{Authority: w.authority, Item: item, ChargeN: 1, Account: care, Line: &line, Unit: payments.InPence, Amount: pence}
	}
	stale := w.account(care)
	late := hold(two, 300)
	require.True(t, stale.Hold(late))
	w.must(func(tx *db.Tx) error { return w.place(tx, []*payments.Hold{hold(one, 100)}) })
	err := w.do(func(tx *db.Tx) error {
		var batch pgx.Batch
		payments.QueueHolds(&batch, tx.Now, []*payments.Hold{late})
		return tx.PGX.SendBatch(ctx, &batch).Close()
	})
	require.ErrorContains(t, err, "0 of 1 rows")
	require.EqualValues(t, []int64{100, 1}, []int64{w.account(care).Held, w.account(care).Seq})
}
