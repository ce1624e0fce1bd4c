package booking_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// laterClub is a club as crediting, of other Saturdays.
func laterClub(first, last string) marketplace.OfferDraft {
	d := crediting(true)
	d.Sessions.FirstDate, d.Sessions.LastDate = day(first), day(last)
	return d
}

// credited is what is left of a credit and its last day.
type credited struct {
	pence int
	last  string
}

func (w *world) ends() (all []credited) {
	w.t.Helper()
	for _, c := range w.credits() {
		all = append(all, credited{int(c.LeftPence), c.LastOn.Format(time.DateOnly)})
	}
	return all
}

// A credit ended on 4 April: cancelling what it paid on any day before gives it
// back as it was, however often.
func TestACreditIsNotRenewedByBookingWithItAndCancelling(t *testing.T) {
	w := ownMoney(t, 801)
	b := w.paidItself(w.child, w.publish(crediting(true)), 0)
	require.Equal(t, 1, w.takeDues())
	w.cancel(b, "plans_changed")
	require.Equal(t, []credited{{801, "2027-04-04"}}, w.ends())
	later := w.publish(laterClub("2027-04-10", "2027-05-29"))
	for n := range 3 {
		w.clock.Set(monday.AddDate(0, n, 1))
		b = w.paidItself(w.child, later, n)
		require.Equal(t, 1, w.takeDues())
		require.Equal(t, []credited{{0, "2027-04-04"}}, w.ends(), "it is used")
		w.cancel(b, "plans_changed")
		require.Equal(t, []credited{{801, "2027-04-04"}}, w.ends(), "and there again, to be used by the day it had")
		require.Equal(t, []int64{0, 0, 801}, w.own(w.child))
	}
	w.clock.Set(noon(2027, 4, 5))
	require.Equal(t, 1, w.lapse())
	require.Equal(t, []int64{0, 801, 0}, w.own(w.child))
	require.Equal(t, map[string]int64{"authority": 801}, w.owed())
}

func TestOnlyFreshMoneyGetsANewTerm(t *testing.T) {
	w := ownMoney(t, 1602)
	first := w.publish(crediting(true))
	b := w.paidItself(w.child, first, 0)
	require.Equal(t, 1, w.takeDues())
	w.cancel(b, "plans_changed")
	w.clock.Set(monday.AddDate(0, 0, 10))
	// Two dates at 8.01: the first from the credit, the second from other money.
	two := w.paidItself(w.child, first, 4, 5)
	require.Equal(t, 2, w.takeDues())
	require.Equal(t, []credited{{0, "2027-04-04"}}, w.ends())
	w.cancel(two, "plans_changed")
	require.Equal(t, []credited{{801, "2027-04-14"}, {801, "2027-04-04"}}, w.ends())
	require.Equal(t, []int64{0, 0, 1602}, w.own(w.child))
}

// Of a fee the credit pays first, so that what is fresh comes back.
func TestAFeeIsPaidFromTheCreditFirst(t *testing.T) {
	w := ownMoney(t, 1202)
	club := w.publish(crediting(true))
	b := w.paidItself(w.child, club, 0)
	require.Equal(t, 1, w.takeDues())
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour))
	w.cancel(b, "plans_changed") // half of 8.01 is the fee
	require.Equal(t, []int{400}, w.lefts())
	b = w.paidItself(w.child, club, 4)
	require.Equal(t, 1, w.takeDues())
	require.Equal(t, []int{0}, w.lefts())
	require.Equal(t, []int64{0, 1202, 0}, w.own(w.child))
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour))
	w.cancel(b, "plans_changed")
	require.Equal(t, []credited{{400, "2027-05-07"}, {0, "2027-04-09"}}, w.ends(), "4.00 of the credit are the fee, with a penny of the rest")
}

func TestACreditThatEndedMeanwhileComesBackForAFortnightOnce(t *testing.T) {
	w := ownMoney(t, 801)
	b := w.paidItself(w.child, w.publish(crediting(true)), 0)
	require.Equal(t, 1, w.takeDues())
	w.cancel(b, "plans_changed")
	later := w.publish(laterClub("2027-06-05", "2027-06-26"))
	w.clock.Set(noon(2027, 4, 4))
	b = w.paidItself(w.child, later, 0)
	require.Equal(t, 1, w.takeDues())
	w.clock.Set(noon(2027, 4, 20))
	require.Equal(t, 1, w.lapse(), "with nothing left of it")
	w.cancel(b, "plans_changed")
	require.Equal(t, []credited{{801, "2027-05-04"}, {0, "2027-04-04"}}, w.ends())
	got, err := w.transfer(w.credits()[0].ID, w.sibling, 0)
	require.NoError(t, err)
	require.NotNil(t, got.AgainOf, "a brother's is no fresh one")
	_, err = w.transfer(got.ID, w.child, 0)
	require.NoError(t, err)

	b = w.paidItself(w.child, later, 1)
	require.Equal(t, 1, w.takeDues())
	w.clock.Set(noon(2027, 5, 5)) // before the sweep has run
	w.cancel(b, "plans_changed")
	require.Equal(t, credited{0, "2027-05-04"}, w.ends()[0], "it is over with the day it had")
	require.Positive(t, w.lapse())
	require.Equal(t, []int64{0, 801, 0}, w.own(w.child))
	require.Equal(t, map[string]int64{"authority": 801}, w.owed(), "it is the provider's who gave it first")
}

// What a provider cancels comes back as it was paid.
func TestWhatAProviderCancelsIsTheCreditItWas(t *testing.T) {
	w := ownMoney(t, 801)
	b := w.paidItself(w.child, w.publish(crediting(true)), 0)
	require.Equal(t, 1, w.takeDues())
	w.cancel(b, "plans_changed")
	later := w.publish(laterClub("2027-04-10", "2027-05-29"))
	b = w.paidItself(w.child, later, 0)
	require.Equal(t, 1, w.takeDues())
	call := func() {
		_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: b.ID, Reason: "no staff"})
		require.NoError(t, err)
	}
	call()
	require.Equal(t, []credited{{801, "2027-04-04"}}, w.ends())
	b = w.paidItself(w.child, later, 1)
	require.Equal(t, 1, w.takeDues())
	w.clock.Set(time.Date(2027, 4, 4, 23, 0, 0, 0, time.UTC)) // the first second of 5 April
	call()                                                    // after the end, before the sweep
	require.Equal(t, 1, w.lapse())
	require.Equal(t, []int64{0, 0, 801}, w.own(w.child), "what stood with a booking then is plain money")
	_, err := payments.LapseCredits(w.ctx, w.d)
	require.NoError(t, err)
}
