package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
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
