package booking_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// familyClub is a club that takes brothers and sisters as a place each, carers as
// none, and charges a meal for everybody.
func familyClub() marketplace.OfferDraft {
	meal := charge("meal", "session", 300)
	meal.Basis = "per_attendee"
	d := saturdays(tariffOf(charge("place", "session", 800), meal))
	d.Companions = map[string]int{"sibling": 1, "carer": 0}
	d.Sessions.Capacity = 4
	return d
}

func with(c booking.CreateQuote, companions map[string]int) booking.CreateQuote {
	c.Companions = companions
	return c
}

func TestT96_WhoComesAlongTakesPlacesAsTheOfferCountsAndPaysAsTheTariffSays(t *testing.T) {
	w := newWorld(t)
	club := w.publish(familyClub())
	b := w.book(with(ask(w.child, club, 1), map[string]int{"sibling": 2, "carer": 1}))
	require.EqualValues(t, 800+4*300, b.TotalPence, "one place, and four meals")
	require.Equal(t, 3, w.taken(club, 0), "a carer takes none here")
	w.requireMoney(w.child, 2000, 0, 98_000)
	w.requireMoney(w.sibling, 0, 0, 100_000) // nobody along needs a budget
	require.Equal(t, map[string]int{"sibling": 2, "carer": 1}, w.load(guest{w.parent, w.child}, b).Items[0].Companions)

	g := w.guests(1)[0]
	_, _, err := booking.Create(w.ctx, w.d, g.parent, toBook(w.quote(g.parent, with(ask(g.child, club, 1), map[string]int{"sibling": 1}))))
	require.ErrorIs(t, err, booking.ErrSessionFull, "one place is left for the two of them")
	w.requireMoney(g.child, 0, 0, 100_000)
	w.booksAs(g, with(ask(g.child, club, 1), map[string]int{"carer": 2}))
	require.Equal(t, 4, w.taken(club, 0))
	w.cancelAs(guest{w.parent, w.child}, b)
	require.Equal(t, 1, w.taken(club, 0), "and gives all of them back")
	list, err := booking.Beyond(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, 0)
	require.NoError(t, err)
	require.Len(t, list, 1)

	_, err = booking.MakeQuote(w.ctx, w.d, w.parent, with(ask(w.child, club, 1), map[string]int{"personal_assistant": 1}))
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "the offer does not take one")
}

// oneToOne is a club with support for children who need staff to themselves.
func oneToOne() marketplace.OfferDraft {
	d := saturdays(tariffOf(charge("place", "session", 800)))
	d.RatioStaff, d.RatioChildren = 1, 1
	d.Sessions.StaffUnits = 3
	return d
}

func TestT51_TwoToOneUsesTwoStaffAndStaffLimitWherePlacesRemain(t *testing.T) {
	w := newWorld(t)
	club := w.publish(oneToOne())
	two := ask(w.child, club, 1)
	two.Ratio = tariff.Ratio{Staff: 2, Children: 1}
	b := w.book(two)
	others := w.guests(2)
	w.booksAs(others[0], ask(w.child, club, 1))
	_, _, err := booking.Create(w.ctx, w.d, others[1].parent, toBook(w.quote(others[1].parent, ask(others[1].child, club, 1))))
	require.ErrorIs(t, err, booking.ErrStaffTaken, "eight places are left and no staff")
	w.cancelAs(guest{w.parent, w.child}, b)
	w.booksAs(others[1], ask(w.child, club, 1))
	var taken, staff int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT taken, staff_taken FROM session_places WHERE session_id = $1`, club.Sessions[0].ID).Scan(&taken, &staff))
	require.Equal(t, []int{2, 2}, []int{taken, staff})
}

// TestT96_PartiesRaceForPlacesAndStaff books and cancels parties of all sizes
// at once; the audit counts them at the end.
func TestT96_PartiesRaceForPlacesAndStaff(t *testing.T) {
	w := newWorld(t)
	draft := oneToOne()
	draft.Companions, draft.Sessions.Capacity = map[string]int{"sibling": 1}, 6
	club := w.publish(draft)
	all := append(w.guests(7), guest{w.parent, w.child})
	quotes := make([]*booking.Quote, len(all))
	for i, g := range all {
		c := ask(g.child, club, 1)
		if i%2 == 0 {
			c.Companions = map[string]int{"sibling": 1 + i%3}
		}
		if i%3 == 0 {
			c.Ratio = tariff.Ratio{Staff: 2, Children: 1}
		}
		quotes[i] = w.quote(g.parent, c)
	}
	w.clock.Advance(time.Minute)
	errs := together(len(all), func(i int) error {
		basket, _, err := booking.Create(w.ctx, w.d, all[i].parent, toBook(quotes[i]))
		if err == nil && i%2 == 1 {
			_, err = booking.Cancel(w.ctx, w.d, all[i].parent, booking.CancelBooking{BookingID: basket.Bookings[0].ID, Reason: "ill"})
		}
		return err
	})
	ok := 0
	for _, err := range errs {
		if err == nil {
			ok++
			continue
		}
		require.True(t, shortbreaksIs(err, booking.ErrSessionFull, booking.ErrStaffTaken), "%v", err)
	}
	require.Positive(t, ok)
}
