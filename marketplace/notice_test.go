package marketplace_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks/marketplace"
)

func TestT41_NoticeIsElapsedTimeAndTheHorizonLondonsDays(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, c := range []struct {
		now, starts string
		notice      int
		horizon     int
		ok          bool
	}{
		{"2027-01-04T10:00", "2027-01-04T10:00", 0, 0, false},
		{"2027-01-04T10:00", "2027-01-04T10:01", 0, 0, true},
		{"2027-01-04T10:00", "2027-01-06T10:00", 2880, 0, true}, // exactly in time
		{"2027-01-04T10:01", "2027-01-06T10:00", 2880, 0, false},
		{"2027-03-27T10:00", "2027-03-28T10:00", 1440, 0, false}, // that night has 23 hours
		{"2027-03-27T09:00", "2027-03-28T10:00", 1440, 0, true},
		{"2027-10-30T11:00", "2027-10-31T10:00", 1440, 0, true}, // and that one 25
		{"2027-01-04T23:59", "2027-01-11T23:59", 0, 7, true},
		{"2027-01-04T23:59", "2027-01-12T00:00", 0, 7, false},
		{"2027-06-30T23:30", "2027-07-07T23:59", 0, 7, true}, // 22:30 and 22:59 in UTC
		{"2027-06-30T23:30", "2027-07-08T00:30", 0, 7, false},
	} {
		o := marketplace.Offer{NoticeMinutes: c.notice}
		if c.horizon > 0 {
			o.HorizonDays = &c.horizon
		}
		require.Equal(t, c.ok, o.CanBook(at(c.starts), at(c.now)), "%+v", c)
		var shown bool
		require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT can_book($1, $2, $3, $4)`, at(c.starts), at(c.now), o.NoticeMinutes, o.HorizonDays).Scan(&shown))
		require.Equal(t, c.ok, shown, "in SQL: %+v", c)
	}
}

// What search lists in SQL and what a booking is judged by in Go are one rule.
func TestT41_WhatIsShownAndWhatIsJudgedAgree(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rapid.Check(t, func(t *rapid.T) {
		now := start.Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "now")) * time.Minute)
		starts := now.Add(time.Duration(rapid.IntRange(-1440, 20*24*60).Draw(t, "starts")) * time.Minute)
		o := marketplace.Offer{NoticeMinutes: rapid.SampledFrom([]int{0, 60, 1440, 2880}).Draw(t, "notice")}
		if days := rapid.IntRange(0, 20).Draw(t, "horizon"); days > 0 {
			o.HorizonDays = &days
		}
		var shown bool
		require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT can_book($1, $2, $3, $4)`, starts, now, o.NoticeMinutes, o.HorizonDays).Scan(&shown))
		require.Equal(t, shown, o.CanBook(starts, now))
	})
}

func TestT41_AShownSlotIsNotRejectedForNoticeOrHorizon(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 900))))
	draft.NoticeMinutes, draft.HorizonDays = 6*24*60, ptr(14)
	o := s.publish(s.owner, draft)
	// It is Monday 4 January, 9:00: Saturday 9th is too soon, 16th is there, 23rd too far ahead.
	refusal := map[int]error{0: marketplace.ErrNotice, 1: nil, 2: marketplace.ErrHorizon}
	for i, want := range refusal {
		_, err := s.offering(marketplace.Want{OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[i].ID}})
		if want == nil {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, want)
		require.Equal(t, []string{"/session_ids/0"}, fields(err))
	}
	found, err := marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{})
	require.NoError(t, err)
	require.Equal(t, at("2027-01-16T10:00"), *found.Items[0].NextStart)
	compared, err := marketplace.Compare(s.ctx, s.d, marketplace.Pattern{Weekdays: []int{6}, Minutes: 180, StartsOn: date("2027-01-04"), EndsOn: date("2027-01-31")})
	require.NoError(t, err)
	require.Equal(t, []time.Time{date("2027-01-09"), date("2027-01-23"), date("2027-01-30")}, compared[0].MissingDates)

	byHour := support(hourly())
	byHour.NoticeMinutes, byHour.HorizonDays = 2880, ptr(7)
	v := s.publish(s.owner, byHour)
	for wall, want := range map[string]error{
		"2027-01-06T08:00": marketplace.ErrNotice, "2027-01-06T09:00": nil, "2027-01-11T18:00": nil, "2027-01-12T08:00": marketplace.ErrHorizon,
	} {
		_, err := s.offering(marketplace.Want{OfferID: v.Offer.ID, Visits: []marketplace.Visit{{LocalStart: wall, Minutes: 120}}})
		if want == nil {
			require.NoError(t, err, wall)
		} else {
			require.ErrorIs(t, err, want, wall)
		}
	}
	found, err = marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{Category: "support_worker"})
	require.NoError(t, err)
	require.Len(t, found.Items, 1)
	draft.NoticeMinutes, draft.HorizonDays = -1, ptr(0)
	_, err = marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.Equal(t, []string{"/notice_minutes", "/horizon_days"}, fields(err))
}

func TestABundleIsBookedFromItsFirstSessionThatHasNoticeEnough(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := bundled(club(tariffOf(option("Term", charge("place", "term", 11000)))), "term")
	draft.NoticeMinutes, draft.HorizonDays = 5*24*60+60, ptr(30)
	o := s.publish(s.owner, draft)
	want := marketplace.Want{OfferID: o.Offer.ID, BundleID: &o.Bundles[0].Term.ID}
	got, err := s.offering(want)
	require.NoError(t, err)
	require.EqualValues(t, 11000, got.TotalPence, "5 days 1 hour is exactly enough")
	s.clock.Advance(time.Minute)
	got, err = s.offering(want)
	require.NoError(t, err)
	require.EqualValues(t, 10000, got.TotalPence)
	require.Len(t, got.Items, 10)
	s.clock.Set(at("2026-12-01T09:00"))
	_, err = s.offering(want)
	require.ErrorIs(t, err, marketplace.ErrHorizon)
	require.Equal(t, []string{"/bundle_id"}, fields(err))
}
