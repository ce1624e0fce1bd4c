package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// quarterly is a club of 13 Wednesdays that is only sold as a quarter.
func quarterly() marketplace.OfferDraft {
	d := saturdays(tariffOf(charge("place", "quarter", 15_600)))
	d.Sessions.Bundle = &marketplace.BundleDraft{Name: "Spring quarter", Unit: "quarter"}
	d.Sessions.Weekdays, d.Sessions.FirstDate, d.Sessions.LastDate = []int{3}, day("2027-01-06"), day("2027-03-31")
	return d
}

func (w *world) moveInBundle(it *booking.Item, session uuid.UUID) (*booking.Rescheduled, error) {
	done, _, err := booking.MoveBundleDate(w.ctx, w.d, w.parent, booking.MoveInBundle{ItemID: it.ID, SessionID: session})
	return done, err
}

func TestT22_ADateOfABundleMovesAndKeepsItsPartOfThePrice(t *testing.T) {
	w := newWorld(t)
	club := w.publish(quarterly())
	w.clock.Set(club.Sessions[3].StartsAt.Add(-time.Minute)) // three have begun
	b := w.book(booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID, BundleID: &club.Bundles[0].Term.ID})
	require.Len(t, b.Items, 10)
	w.requireMoney(w.child, 12_000, 0, 88_000)
	// The child is ill on one date, and leaves another free first.
	w.cancel(b, "plans_changed", 9)
	w.requireMoney(w.child, 10_800, 0, 89_200)
	done, err := w.moveInBundle(b.Items[5], club.Sessions[12].ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(done.Booking))
	require.Equal(t, b.Items[5].PricePence, done.Booking.TotalPence)
	require.Equal(t, booking.CancelledByFamily, done.Old.State)
	w.requireMoney(w.child, 10_800, 0, 89_200)
	require.Equal(t, []int{0, 1}, []int{w.taken(club, 8), w.taken(club, 12)})
	again, err := w.moveInBundle(done.Booking.Items[0], club.Sessions[8].ID) // and back
	require.NoError(t, err)
	require.Equal(t, []int{1, 0}, []int{w.taken(club, 8), w.taken(club, 12)})

	_, err = w.moveInBundle(again.Booking.Items[0], club.Sessions[4].ID)
	require.ErrorIs(t, err, booking.ErrAlreadyBooked, "the child is there that day")
	_, err = w.moveInBundle(again.Booking.Items[0], club.Sessions[0].ID)
	require.ErrorIs(t, err, marketplace.ErrSessionStarted)
	other := w.publish(quarterly())
	_, err = w.moveInBundle(again.Booking.Items[0], other.Sessions[8].ID)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "another offer's")
	single := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	alone := w.book(booking.CreateQuote{ChildID: w.child, OfferID: single.Offer.ID, SessionIDs: []uuid.UUID{single.Sessions[6].ID}})
	_, err = w.moveInBundle(alone.Items[0], single.Sessions[7].ID)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "no part of a bundle")
	g := w.guests(1)[0]
	_, _, err = booking.MoveBundleDate(w.ctx, w.d, g.parent, booking.MoveInBundle{ItemID: again.Booking.Items[0].ID, SessionID: club.Sessions[12].ID})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)

	w.clock.Set(again.Booking.Items[0].StartsAt.Add(-time.Hour)) // cancelling would cost half
	late, err := w.moveInBundle(again.Booking.Items[0], club.Sessions[12].ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Requested}, stateOf(late.Booking))
	_, err = booking.Accept(w.ctx, w.d, w.house.Owner, late.Booking.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 11_600, 0, 88_400)
	require.Empty(t, w.owed())
}

func TestT44_ADateOfABundleMovesOnlyWhereItsMoneyMayBeSpent(t *testing.T) {
	w := newWorld(t)
	club := w.publish(quarterly())
	w.clock.Set(club.Sessions[2].StartsAt.Add(-time.Minute))
	b := w.book(booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID, BundleID: &club.Bundles[0].Term.ID})
	w.cancel(b, "plans_changed", 9, 10) // 24 and 31 March
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE plan_line SET ends_on = '2027-03-24' WHERE child_id = $1`, w.child)
	require.NoError(t, err)
	_, err = w.moveInBundle(b.Items[4], club.Sessions[12].ID)
	require.ErrorIs(t, err, booking.ErrNotAllowed)
	_, err = dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE plan_line SET ends_on = '2027-03-31' WHERE child_id = $1`, w.child)
	require.NoError(t, err)
	_, err = dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE period SET ends_on = '2027-03-24' WHERE starts_on = '2026-04-01'`)
	require.NoError(t, err)
	_, err = w.moveInBundle(b.Items[4], club.Sessions[12].ID)
	require.ErrorIs(t, err, booking.ErrNotAllowed)
	require.Zero(t, w.taken(club, 12))
	_, err = w.moveInBundle(b.Items[4], club.Sessions[11].ID)
	require.NoError(t, err)
}
