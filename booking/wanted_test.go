package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/commissioning"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// saturdayMorning is a club on Saturday mornings near the world's hall.
func saturdayMorning(needs ...string) booking.Wanted {
	return booking.Wanted{
		Category: "club", Postcode: "ZZ1 1AA", WithinKM: 5, Needs: needs, Windows: []booking.WantedWindow{{Weekdays: []int{6}, Earliest: "09:00", Latest: "13:30"}},
	}
}

func (w *world) wants(g guest, c booking.Wanted) *booking.WantedTime {
	w.t.Helper()
	posted, err := booking.PostWanted(w.ctx, w.d, g.parent, g.child, c)
	require.NoError(w.t, err)
	return posted
}

func (w *world) look() int {
	w.t.Helper()
	n, err := booking.Teller{DB: w.d}.LookForWanted(w.ctx)
	require.NoError(w.t, err)
	return n
}

func (w *world) countWanted() []commissioning.WantedCell {
	w.t.Helper()
	_, err := commissioning.CountWanted(w.ctx, w.d)
	require.NoError(w.t, err)
	cells, more, err := commissioning.WantedDemand(w.ctx, w.d, w.house.Owner, "", "", 0, 100)
	require.NoError(w.t, err)
	require.False(w.t, more)
	return cells
}

func (w *world) foundNews(g guest) (n int) {
	w.t.Helper()
	page, _, _, err := booking.ListNews(w.ctx, w.d, g.parent, uuid.Nil, 100)
	require.NoError(w.t, err)
	for _, news := range page {
		if news.Kind == booking.NewsWantedFound {
			n++
		}
	}
	return n
}

func TestR104_AFamilyIsToldOnceOfWhatFitsAWantedTime(t *testing.T) {
	w := newWorld(t)
	g := guest{w.parent, w.child}
	wanted := w.wants(g, saturdayMorning())
	require.Equal(t, monday.AddDate(0, 6, 0).Format(time.DateOnly), wanted.ToDate.Format(time.DateOnly), "it lapses by itself")
	sundays := saturdays(tariffOf(charge("place", "session", 800)))
	sundays.Sessions.FirstDate, sundays.Sessions.Weekdays = sundays.Sessions.FirstDate.AddDate(0, 0, 1), []int{7}
	w.publish(sundays)
	grown := saturdays(tariffOf(charge("place", "session", 800)))
	grown.AgeFrom = 14
	w.publish(grown)
	require.Zero(t, w.look(), "another day, another age")
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	told := make(chan int, 3)
	for _, err := range together(3, func(int) error {
		n, err := booking.Teller{DB: w.d}.LookForWanted(w.ctx)
		told <- n
		return err
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, <-told+<-told+<-told)
	require.Equal(t, 1, w.foundNews(g))
	page, _, err := booking.WantedTimes(w.ctx, w.d, w.parent, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, page[0].Matches, 1)
	require.Equal(t, club.Offer.ID, page[0].Matches[0].OfferID)
	require.Zero(t, w.look())

	require.NoError(t, booking.WithdrawWanted(w.ctx, w.d, w.parent, wanted.ID))
	require.ErrorIs(t, booking.WithdrawWanted(w.ctx, w.d, w.parent, wanted.ID), booking.ErrWrongState)
	w.publish(saturdays(tariffOf(charge("place", "session", 900))))
	require.Zero(t, w.look(), "nobody looks for what was withdrawn")
}

func TestR104_AWantedTimeLapsesAndOneThatIsChangedIsLookedForAnew(t *testing.T) {
	w := newWorld(t)
	g := guest{w.parent, w.child}
	c := saturdayMorning()
	c.ToDate = monday.AddDate(0, 0, 6)
	wanted := w.wants(g, c)
	w.clock.Advance(7 * 24 * time.Hour)
	w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	require.Zero(t, w.look(), "its last day has passed")
	page, _, err := booking.WantedTimes(w.ctx, w.d, w.parent, uuid.Nil, 10)
	require.NoError(t, err)
	require.True(t, page[0].Lapsed)
	_, err = booking.ChangeWanted(w.ctx, w.d, w.parent, wanted.ID, saturdayMorning())
	require.NoError(t, err)
	require.Equal(t, 1, w.look())
	_, err = booking.ChangeWanted(w.ctx, w.d, w.guests(1)[0].parent, wanted.ID, saturdayMorning())
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another family's")
	bad := saturdayMorning("sailing")
	bad.Category, bad.Postcode, bad.Windows[0].Latest = "yachts", "QQ9", "08:00"
	_, err = booking.PostWanted(w.ctx, w.d, w.parent, w.child, bad)
	var refused *shortbreaks.Error
	require.ErrorAs(t, err, &refused)
	require.Len(t, refused.Fields, 4, "every fault at once")
	for range 19 {
		w.wants(g, saturdayMorning())
	}
	_, err = booking.PostWanted(w.ctx, w.d, w.parent, w.child, saturdayMorning())
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "twenty are enough")
}

func TestR104_ProvidersReadWantedDemandOnlyWhereFiveChildrenAreBehindIt(t *testing.T) {
	w := newWorld(t)
	all := w.guests(8)
	for _, g := range all[:4] {
		w.wants(g, saturdayMorning())
		w.wants(g, saturdayMorning()) // counts once as a child
	}
	require.Empty(t, w.countWanted(), "four children are too few")
	for _, g := range all[4:7] {
		w.wants(g, saturdayMorning("autism", "epilepsy"))
	}
	cell := func(band string) commissioning.WantedCell {
		return commissioning.WantedCell{Category: "club", Area: "Ashmere", Weekday: 6, Band: band, Wanted: 10, Children: 5}
	}
	cells := w.countWanted()
	require.Len(t, cells, 2, "of three with a need nothing is shown")
	for i, band := range []string{"morning", "afternoon"} {
		want := cell(band)
		want.N, want.Area = i+1, cells[i].Area
		require.Equal(t, want, cells[i])
	}
	for _, g := range append(all[:4:4], all[7], guest{w.parent, w.child}) {
		c := saturdayMorning("autism")
		c.Windows[0].Latest = "12:00"
		w.wants(g, c)
	}
	for _, c := range w.countWanted() {
		require.NotEqual(t, "epilepsy", c.Need)
		require.Zero(t, c.Children%5)
		if c.Need == "autism" {
			require.Equal(t, "morning", c.Band)
		}
	}
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `DELETE FROM wanted_time WHERE child_id = $1 OR (child_id = $2 AND needs = '{autism}')`, all[0].child, all[1].child)
	require.NoError(t, err)
	for _, c := range w.countWanted() {
		require.NotEqual(t, "autism", c.Need, "the one without it would be found by subtraction")
	}
	_, _, err = commissioning.WantedDemand(w.ctx, w.d, w.parent, "", "", 0, 10)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = marketplace.Search(w.ctx, w.d, marketplace.SearchQuery{})
	require.NoError(t, err)
}
