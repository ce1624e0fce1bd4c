package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

func TestT91_ADirectPaymentIsOwedByItsRecipientAheadAndBack(t *testing.T) {
	w := newWorld(t)
	g := w.family("recipient", 1)
	w.parent, w.child = g.Parents[0], g.Children[0].ID
	w.allocate(w.child, "social_care", payments.InPence, 10_000)
	w.line(w.child, budgets.NewPlanLine{ManagementOption: budgets.DirectPayment, HolderID: &w.parent.Person})
	b := w.book(ask(w.child, w.publish(ahead("deposit", &tariff.Payment{DepositPercent: 50})), 2))
	require.Equal(t, 2, w.takeDues())
	require.Equal(t, map[string]int64{"recipient": 801}, w.owed())
	w.cancel(b, "plans_changed", 0)
	require.Equal(t, map[string]int64{"recipient": 400}, w.owed())
	w.settled(b, 1, booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	require.Equal(t, map[string]int64{"recipient": 0}, w.owed())
	w.requireMoney(w.child, 0, 0, 10_000)
}

// paysIn is what a card payment leaves behind.
func (w *world) paysIn(pence int64) {
	w.t.Helper()
	id, child := shortbreaks.NewID(), w.child
	_, err := dbtest.Owner(w.t, w.d).Exec(w.ctx, `INSERT INTO top_up (authority_id, id, child_id, person_id, amount_pence, state, idempotency_key, request_hash, payment_intent_id, created_at)
		VALUES ($1, $2, $3, $4, $5, 'succeeded', $6, '', $6, $7)`, w.council.ID, id, child, w.parent.Person, pence, id.String(), monday)
	require.NoError(w.t, err)
	err = w.d.Do(w.ctx, db.Scope{Authorities: []uuid.UUID{w.council.ID}}, func(tx *db.Tx) error {
		ids, err := payments.EnsureAccounts(w.ctx, tx, []payments.AccountKey{
			{Authority: w.council.ID, Kind: payments.CardClearing, Unit: payments.InPence},
			{Authority: w.council.ID, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: &child},
		})
		if err != nil {
			return err
		}
		_, err = payments.Post(w.ctx, tx, []payments.Posting{{Authority: w.council.ID, Kind: payments.KindTopUp, Source: id, Entries: []payments.Entry{
			{Account: ids[0], Unit: payments.InPence, Amount: -pence}, {Account: ids[1], Unit: payments.InPence, Amount: pence},
		}}})
		return err
	})
	require.NoError(w.t, err)
}

// What a family paid ahead from its own money goes back to its own money, and
// never to a budget (T13).
func TestT91_TheFamilysOwnMoneyPaidAheadGoesBackToIt(t *testing.T) {
	w := newWorld(t)
	g := w.family("own", 1)
	w.parent, w.child = g.Parents[0], g.Children[0].ID
	w.paysIn(5000)
	c := ask(w.child, w.publish(ahead("advance", &tariff.Payment{Period: "whole", DaysBefore: 14})), 2)
	c.FamilyPays = "top_up"
	b := w.book(c)
	topUp := func() []int64 {
		got, err := budgets.Get(w.ctx, w.d, w.parent, w.child)
		require.NoError(t, err)
		require.Empty(t, got.Accounts)
		return []int64{got.TopUp.Reserved, got.TopUp.Spent, got.TopUp.Free}
	}
	require.Equal(t, []int64{1602, 0, 3398}, topUp())
	require.Equal(t, 2, w.takeDues(), "due fourteen days before, which is past")
	require.Equal(t, []int64{0, 1602, 3398}, topUp())
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour))
	w.cancel(b, "plans_changed")
	require.Equal(t, []int64{0, 401, 4599}, topUp(), "half of the first is the fee, the second in time")
}

// A penny that falls on one account in the deposit falls on the other in the
// balance: both together are its share.
func TestT92_EachAccountPaysItsShareInTwoHolds(t *testing.T) {
	w := newWorld(t)
	g := w.family("halves", 1)
	w.parent, w.child = g.Parents[0], g.Children[0].ID
	w.allocate(w.child, "education", payments.InPence, 401)
	w.allocate(w.child, "health", payments.InPence, 401)
	w.line(w.child, budgets.NewPlanLine{Shares: []budgets.Share{{Stream: "education", Weight: 1}, {Stream: "health", Weight: 1}}})
	b := w.book(ask(w.child, w.publish(ahead("deposit", &tariff.Payment{DepositPence: 201}, charge("place", "session", 802))), 1))
	require.Equal(t, 1, w.takeDues())
	_, reserved, spent, free := w.money(w.child, "education", payments.InPence)
	require.Equal(t, []int64{300, 101, 0}, []int64{reserved, spent, free})
	w.settled(b, 0, booking.RecordAttendance{Outcome: booking.Delivered})
	_, _, spent, _ = w.money(w.child, "health", payments.InPence)
	require.EqualValues(t, 401, spent)
}
