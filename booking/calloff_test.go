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

func TestT65_CallingASessionOffRefundsEveryPlaceNotTheFirstOnly(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	others := w.guests(4)
	mine := w.book(ask(w.child, club, 2))
	for _, g := range others {
		w.booksAs(g, ask(w.child, club, 1))
	}
	w.clock.Set(club.Sessions[0].StartsAt.Add(-time.Hour)) // well inside what a family would pay for
	s, n, err := booking.CallOffSession(w.ctx, w.d, w.house.Coordinator, club.Sessions[0].ID, "No heating.")
	require.NoError(t, err)
	require.Equal(t, "cancelled", s.State)
	require.Equal(t, 5, n)
	for _, g := range others {
		w.requireMoney(g.child, 0, 0, 100_000)
	}
	got := w.load(guest{w.parent, w.child}, mine)
	require.Equal(t, []booking.State{booking.CancelledByProvider, booking.Confirmed}, stateOf(got), "the other date stands")
	require.Equal(t, "No heating.", got.Items[0].Reason)
	w.requireMoney(w.child, 800, 0, 99_200)
	require.Empty(t, w.owed())

	_, n, err = booking.CallOffSession(w.ctx, w.d, w.house.Coordinator, club.Sessions[0].ID, "No heating.")
	require.NoError(t, err)
	require.Zero(t, n, "asked again, nothing is left to do")
	_, _, err = booking.CallOffSession(w.ctx, w.d, w.house.Worker, club.Sessions[1].ID, "No heating.")
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

func TestT65_WhoBooksWhileASessionIsCalledOffIsRefusedOrRefunded(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	all := append(w.guests(9), guest{w.parent, w.child})
	quotes := make([]*booking.Quote, len(all))
	for i, g := range all {
		quotes[i] = w.quote(g.parent, ask(g.child, club, 1))
	}
	errs := together(len(all)+3, func(i int) error {
		if i >= len(all) {
			_, _, err := booking.CallOffSession(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, "No heating.")
			return err
		}
		_, _, err := booking.Create(w.ctx, w.d, all[i].parent, toBook(quotes[i]))
		return err
	})
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, marketplace.ErrOfferClosed)
		}
	}
	for _, g := range all {
		w.requireMoney(g.child, 0, 0, 100_000)
	}
}

func TestACrashWhileCallingOffIsMadeGoodByTheNextSweep(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 2))
	_, _, err := marketplace.StopSession(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, "No heating.") // and then nothing
	require.NoError(t, err)
	for _, want := range []int{1, 0} {
		n, err := booking.FinishCallingOff(w.ctx, w.d)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	got := w.load(guest{w.parent, w.child}, b)
	require.Equal(t, []booking.State{booking.CancelledByProvider, booking.Confirmed}, stateOf(got))
	require.Equal(t, "No heating.", got.Items[0].Reason)
}

func TestAClosureThatSaysSoCancelsSessionsAndVisits(t *testing.T) {
	w := newWorld(t)
	club, support := w.publish(saturdays(tariffOf(charge("place", "session", 800)))), w.publish(hourly(2500))
	b := w.book(ask(w.child, club, 2)) // 9 and 16 January
	visit := func(at string) *booking.Booking {
		return w.book(booking.CreateQuote{ChildID: w.child, OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: at, Minutes: 60}}})
	}
	within, after := visit("2027-01-10T10:00"), visit("2027-01-12T10:00")
	closing := marketplace.NewClosure{StartsOn: day("2027-01-09"), EndsOn: day("2027-01-11"), Reason: "Flood."}
	_, _, err := booking.Close(w.ctx, w.d, w.house.Owner, closing)
	require.ErrorIs(t, err, marketplace.ErrSessionBooked, "it does not say so")
	closing.CancelBookings = true
	done, n, err := booking.Close(w.ctx, w.d, w.house.Owner, closing)
	require.NoError(t, err)
	require.Equal(t, 1, done.Sessions)
	require.Equal(t, 2, n)
	me := guest{w.parent, w.child}
	require.Equal(t, []booking.State{booking.CancelledByProvider, booking.Confirmed}, stateOf(w.load(me, b)))
	require.Equal(t, []booking.State{booking.CancelledByProvider}, stateOf(w.load(me, within)))
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(w.load(me, after)))
	w.requireMoney(w.child, 800+2500, 0, 100_000-3300)
	n, err = booking.FinishCallingOff(w.ctx, w.d)
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestR025_AnOfferEndsFromADateOnAndItsBookersReadWhy(t *testing.T) {
	w := newWorld(t)
	club, support := w.publish(saturdays(tariffOf(charge("place", "session", 800)))), w.publish(hourly(2500))
	b := w.book(ask(w.child, club, 3)) // 9, 16 and 23 January
	me := guest{w.parent, w.child}
	end := marketplace.EndOffer{OfferID: club.Offer.ID, From: day("2027-01-16"), Reason: "Too few of us are left to run it."}
	done, n, err := booking.EndOffer(w.ctx, w.d, w.house.Owner, end)
	require.NoError(t, err)
	require.Equal(t, 12, done.Sessions)
	require.Equal(t, 2, n)
	require.Equal(t, marketplace.Published, done.Offer.State, "the sessions before are still sold")
	got := w.load(me, b)
	require.Equal(t, []booking.State{booking.Confirmed, booking.CancelledByProvider, booking.CancelledByProvider}, stateOf(got))
	require.Equal(t, end.Reason, got.Items[2].Reason)
	w.requireMoney(w.child, 800, 0, 99_200)

	visits := []marketplace.Visit{{LocalStart: "2027-01-10T10:00", Minutes: 60}, {LocalStart: "2027-01-20T10:00", Minutes: 60}}
	v := w.book(booking.CreateQuote{ChildID: w.child, OfferID: support.Offer.ID, Visits: visits})
	end.OfferID = support.Offer.ID
	done, n, err = booking.EndOffer(w.ctx, w.d, w.house.Owner, end)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, marketplace.Withdrawn, done.Offer.State)
	require.Equal(t, []booking.State{booking.Confirmed, booking.CancelledByProvider}, stateOf(w.load(me, v)))
	_, n, err = booking.EndOffer(w.ctx, w.d, w.house.Owner, end)
	require.NoError(t, err)
	require.Zero(t, n)
	end.From = day("2027-01-04")
	_, _, err = booking.EndOffer(w.ctx, w.d, w.house.Owner, end)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "today is too late for it")
}

func TestT50_CuttingBelowTheBookingsIsRefusedWithAListToRearrange(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	others := w.guests(3)
	var booked []*booking.Booking
	for _, g := range others {
		booked = append(booked, w.booksAs(g, ask(w.child, club, 1)))
	}
	cut := func(to int) error {
		_, err := marketplace.ChangeSessions(w.ctx, w.d, w.house.Owner, marketplace.SessionChange{OfferID: club.Offer.ID, From: day("2027-01-09"), Capacity: &to})
		return err
	}
	require.ErrorIs(t, cut(1), marketplace.ErrBelowTaken)
	list, err := booking.Beyond(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, 1)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []uuid.UUID{booked[2].ID, booked[1].ID}, []uuid.UUID{list[0].BookingID, list[1].BookingID}, "the last booked first")
	for _, p := range list {
		_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: p.BookingID, ItemIDs: []uuid.UUID{p.ItemID}, Reason: "staffing"})
		require.NoError(t, err)
	}
	list, err = booking.Beyond(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, 1)
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, cut(1))
	require.Equal(t, 1, w.taken(club, 0))
	_, err = booking.Beyond(w.ctx, w.d, w.parent, club.Sessions[0].ID, 1)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

// TestT50_CapacityIsCutWhileFamiliesBook races cuts and bookings: never more
// places taken than there are, at the end and at every instant between.
func TestT50_CapacityIsCutWhileFamiliesBook(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	all := append(w.guests(9), guest{w.parent, w.child})
	quotes := make([]*booking.Quote, len(all))
	for i, g := range all {
		quotes[i] = w.quote(g.parent, ask(g.child, club, 1))
	}
	errs := together(2*len(all), func(i int) error {
		if i >= len(all) {
			to := 3 + i%4
			_, err := marketplace.ChangeSessions(w.ctx, w.d, w.house.Owner, marketplace.SessionChange{OfferID: club.Offer.ID, From: day("2027-01-09"), Capacity: &to})
			return err
		}
		_, _, err := booking.Create(w.ctx, w.d, all[i].parent, toBook(quotes[i]))
		return err
	})
	for _, err := range errs {
		if err != nil {
			require.True(t, shortbreaksIs(err, marketplace.ErrBelowTaken, booking.ErrSessionFull), "%v", err)
		}
	}
	var taken, capacity int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT taken, capacity FROM session_places WHERE session_id = $1`, club.Sessions[0].ID).Scan(&taken, &capacity))
	require.LessOrEqual(t, taken, capacity)
}
