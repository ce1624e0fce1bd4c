package booking_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

func TestT81_NightsDeliveredAndBookedAreCountedAndNothingIsRefused(t *testing.T) {
	w := newWorld(t)
	d := saturdays(tariffOf(charge("place", "session", 0)))
	d.Sessions = &marketplace.SessionSeries{
		FirstDate: time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC), LastDate: time.Date(2027, 4, 30, 0, 0, 0, 0, time.UTC),
		Weekdays: []int{1, 2, 3, 4, 5, 6, 7}, From: "18:00", To: "10:00", Capacity: 10,
	}
	o := w.publish(d)
	count := func(on time.Time) *booking.Nights {
		n, err := booking.CountNights(w.ctx, w.d, w.council.Practitioner, w.child, on)
		require.NoError(t, err)
		return n
	}
	c := booking.CreateQuote{ChildID: w.child, OfferID: o.Offer.ID}
	for _, s := range o.Sessions[:15] {
		c.SessionIDs = append(c.SessionIDs, s.ID)
	}
	q := w.quote(w.parent, c)
	require.Empty(t, q.Document.Advice)
	b := w.book(c)
	n := count(time.Time{})
	require.Equal(t, []int{0, 15, 16}, []int{n.Nights, n.MostNights, n.LongestStay})
	next := w.quote(w.parent, nth(w.child, o, 15))
	require.Len(t, next.Document.Advice, 1, "with the one asked for it is 17 days")
	require.Equal(t, booking.VerdictAllowed, next.Verdict())
	require.NoError(t, w.create(next), "it is advice")
	booked, err := booking.Load(w.ctx, w.d, w.council.Approver, b.ID)
	require.NoError(t, err)
	require.Empty(t, booked.Advice)

	// A night the child did not come is none, nor is one that is cancelled.
	w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	w.deliver(b.Items[1], booking.RecordAttendance{Outcome: booking.NoShow})
	_, err = booking.Confirm(w.ctx, w.d, w.parent, b.Items[1].ID)
	require.NoError(t, err, "and stays none once it is settled")
	require.Equal(t, []int{1, 15, 15}, func() []int {
		n := count(shortbreaks.Date(b.Items[0].StartsAt))
		return []int{n.Nights, n.MostNights, n.LongestStay}
	}())
	require.Equal(t, 15, count(time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC)).Nights)
	require.Equal(t, 14, count(time.Date(2028, 1, 5, 0, 0, 0, 0, time.UTC)).Nights, "the first has left the twelve months")

	from := shortbreaks.Date(monday)
	set, err := booking.RecordBasis(w.ctx, w.d, w.council.Practitioner, booking.SetBasis{ChildID: w.child, Basis: booking.Section20, StartsOn: from})
	require.NoError(t, err)
	require.Equal(t, booking.Section20, set.Basis)
	_, err = booking.RecordBasis(w.ctx, w.d, w.council.Practitioner, booking.SetBasis{ChildID: w.child, Basis: booking.Section17, StartsOn: from.AddDate(0, 1, 0)})
	require.NoError(t, err)
	require.Equal(t, booking.Section20, count(from.AddDate(0, 0, 30)).Basis)
	require.Equal(t, booking.Section17, count(from.AddDate(0, 1, 0)).Basis)
	require.Empty(t, count(from.AddDate(0, 0, -1)).Basis)

	for _, who := range []shortbreaks.Actor{w.parent, w.house.Owner, w.council.Commissioner} {
		_, err := booking.CountNights(w.ctx, w.d, who, w.child, from)
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	_, err = booking.RecordBasis(w.ctx, w.d, w.council.Approver, booking.SetBasis{ChildID: w.child, Basis: booking.Section17, StartsOn: from})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	bracken, err := w.build.NewCouncil(w.ctx, "Brackenvale Council", "bracken", "Brackenvale")
	require.NoError(t, err)
	_, err = booking.CountNights(w.ctx, w.d, bracken.Practitioner, w.child, from)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}
