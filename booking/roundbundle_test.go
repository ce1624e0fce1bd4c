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

// weeks is a popular holiday scheme sold by the week: five Wednesdays for £50.00
// or one for £12.00, with n places on each, and sixty days' notice, which a
// round does without.
func (w *world) weeks(n int) (*marketplace.OfferDetail, *marketplace.Round) {
	w.t.Helper()
	d := saturdays(tariffOf(charge("place", "session", 1200)))
	whole := tariffOf(charge("place", "quarter", 5000)).Options[0]
	whole.Name = "Whole"
	d.Tariff.Options = append(d.Tariff.Options, whole)
	d.Sessions.Bundle = &marketplace.BundleDraft{Name: "Scheme", Unit: "quarter"}
	d.Sessions.Weekdays, d.Sessions.FirstDate, d.Sessions.LastDate = []int{3}, day("2027-01-13"), day("2027-02-10")
	d.Sessions.Capacity, d.NoticeMinutes = n, 60*24*60
	club := w.publish(d)
	require.Len(w.t, club.Sessions, 5)
	return club, w.announce(club)
}

func wholeOf(r *marketplace.Round) booking.CreateQuote {
	return booking.CreateQuote{BundleID: r.Places[0].BundleID}
}

// Of two places on each date one is left where only one date is wished for.
func TestT98_AWishForABundleIsForAllItsDatesOrNone(t *testing.T) {
	w := newWorld(t)
	club, r := w.weeks(2)
	w.clock.Advance(time.Hour)
	all := w.guests(4)
	for _, g := range all {
		c := booking.EnterRound{RoundID: r.ID, ChildID: g.child, Wishes: []booking.CreateQuote{wholeOf(r)}}
		e, err := booking.PutWishes(w.ctx, w.d, g.parent, c)
		require.NoError(t, err)
		require.EqualValues(t, 5000, e.Wishes[0].TotalPence)
		require.Len(t, e.Wishes[0].Sessions(), 5)
	}
	last := w.guests2("last", 1)[0]
	c := booking.EnterRound{RoundID: r.ID, ChildID: last.child, Wishes: []booking.CreateQuote{wholeOf(r), {SessionIDs: []uuid.UUID{club.Sessions[4].ID}}}}
	_, err := booking.PutWishes(w.ctx, w.d, last.parent, c)
	require.NoError(t, err)
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	require.Zero(t, w.runRounds())
	draw := w.drawn(r)
	require.Len(t, draw.Entries, 5)
	states := map[booking.EntryState]int{}
	for _, g := range append(all, last) {
		e := w.roundEntry(g, r)
		states[e.State]++
		switch {
		case e.State == booking.EntryPlaced:
			require.Equal(t, 1, *e.Wish)
			b, err := booking.Load(w.ctx, w.d, g.parent, *e.BookingID)
			require.NoError(t, err)
			require.Len(t, b.Items, 5)
			w.requireMoney(g.child, 5000, 0, 95_000)
		case g.child == last.child:
			require.Equal(t, booking.EntryWaiting, e.State, "in the line of the one date")
		default:
			require.Equal(t, booking.EntryWithout, e.State)
			require.Contains(t, e.Words, "too few places left. There was no place for you this time.")
			w.requireMoney(g.child, 0, 0, 100_000)
		}
	}
	require.Equal(t, 2, states[booking.EntryPlaced])
	for n := range club.Sessions {
		require.Equal(t, 2, w.taken(club, n))
	}
	var lines int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT count(*) FROM waitlist_entry`).Scan(&lines))
	require.Equal(t, states[booking.EntryWaiting], lines, "nobody waits for a bundle")
	require.Equal(t, 3, states[booking.EntryWaiting]+states[booking.EntryWithout])
}

func TestT98_ABundleIsWishedForOnlyIfAllItsDatesAreInTheRound(t *testing.T) {
	w := newWorld(t)
	_, others := w.weeks(2)
	two := w.publish(quarterly())
	r := w.announce(two, func(o *marketplace.OpenRound) { o.Sessions = o.Sessions[1:] })
	w.clock.Advance(time.Hour)
	g := w.guests(1)[0]
	put := func(c booking.CreateQuote) error {
		_, err := booking.PutWishes(w.ctx, w.d, g.parent, booking.EnterRound{RoundID: r.ID, ChildID: g.child, Wishes: []booking.CreateQuote{c}})
		return err
	}
	var refused *shortbreaks.Error
	require.ErrorAs(t, put(wholeOf(r)), &refused)
	require.Equal(t, "invalid", refused.Code)
	require.Equal(t, "/wishes/0/bundle_id", refused.Fields[0].Pointer)
	require.Contains(t, refused.Fields[0].Detail, "6 January 2027 is not")
	require.ErrorIs(t, put(wholeOf(others)), shortbreaks.ErrInvalid, "of another offer")
	page, _, err := booking.RoundEntries(w.ctx, w.d, g.parent, uuid.Nil, uuid.Nil, 50)
	require.NoError(t, err)
	require.Empty(t, page)
}

// A date that moved since makes it another bundle.
func TestT98_ABundleThatChangedSinceIsNotWhatTheFamilyWishedFor(t *testing.T) {
	w := newWorld(t)
	club, r := w.weeks(2)
	w.clock.Advance(time.Hour)
	g := w.guests(1)[0]
	c := booking.EnterRound{RoundID: r.ID, ChildID: g.child, Wishes: []booking.CreateQuote{wholeOf(r)}}
	_, err := booking.PutWishes(w.ctx, w.d, g.parent, c)
	require.NoError(t, err)
	other := marketplace.SessionMove{SessionID: club.Sessions[2].ID, On: day("2027-01-28"), From: "10:00", To: "13:00"}
	_, err = marketplace.MoveSession(w.ctx, w.d, w.house.Owner, other)
	require.NoError(t, err)
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	e := w.roundEntry(g, r)
	require.Equal(t, booking.EntryWithout, e.State)
	require.Contains(t, e.Words, "Your first wish could not be booked: The provider moved it to another time.")
	require.True(t, w.drawn(r).Entries[0].Wishes[0].Impossible)
	w.requireMoney(g.child, 0, 0, 100_000)
}
