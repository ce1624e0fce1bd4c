package marketplace_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// diary is an iCalendar file of events, each its lines.
func diary(events ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n")
	for i, e := range events {
		if !strings.Contains(e, "UID:") {
			e = fmt.Sprintf("UID:e%d\r\n", i) + e
		}
		b.WriteString("BEGIN:VEVENT\r\nSUMMARY:Hospital with Mum\r\n" + e + "\r\nEND:VEVENT\r\n")
	}
	return b.String() + "END:VCALENDAR\r\n"
}

// worked is one lane of support by the hour.
func (s *stall) worked() *marketplace.OfferDetail {
	s.t.Helper()
	draft := support(hourly())
	draft.Visits.Lanes, draft.Visits.BufferBeforeMinutes = draft.Visits.Lanes[:1], 15
	return s.publish(s.owner, draft)
}

// busyRows are a lane's busy times as London's wall times.
func (s *stall) busyRows(lane uuid.UUID) (out []string) {
	s.t.Helper()
	rows, err := s.admin.Query(s.ctx, `SELECT lower(during), upper(during) FROM lane_busy WHERE lane_id = $1 ORDER BY during`, lane)
	require.NoError(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var from, to time.Time
		require.NoError(s.t, rows.Scan(&from, &to))
		out = append(out, shortbreaks.Wall(from)+" "+shortbreaks.Wall(to))
	}
	return out
}

func TestADiaryIsReadForItsTimesAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	lane := s.worked().Lanes[0].ID
	for _, c := range []struct {
		name, events string
		want         []string
	}{
		{"a time in London", "DTSTART;TZID=Europe/London:20270601T090000\r\nDTEND;TZID=Europe/London:20270601T100000", []string{"2027-06-01T09:00 2027-06-01T10:00"}},
		{"UTC in summer", "DTSTART:20270601T090000Z\r\nDTEND:20270601T100000Z", []string{"2027-06-01T10:00 2027-06-01T11:00"}},
		{"without a zone", "DTSTART:20270601T090000\r\nDURATION:PT1H30M", []string{"2027-06-01T09:00 2027-06-01T10:30"}},
		{"an office program's zone", "DTSTART;TZID=GMT Standard Time:20270601T090000\r\nDURATION:P1DT1H", []string{"2027-06-01T09:00 2027-06-02T10:00"}},
		{"elsewhere", "DTSTART;TZID=Europe/Paris:20270601T090000\r\nDTEND;TZID=Europe/Paris:20270601T100000", []string{"2027-06-01T08:00 2027-06-01T09:00"}},
		{"a whole day", "DTSTART;VALUE=DATE:20270328", []string{"2027-03-28T00:00 2027-03-29T00:00"}},
		{"free", "DTSTART:20270601T090000Z\r\nDTEND:20270601T100000Z\r\nTRANSP:TRANSPARENT", nil},
		{"called off", "DTSTART:20270601T090000Z\r\nDTEND:20270601T100000Z\r\nSTATUS:CANCELLED", nil},
		{"long past", "DTSTART:20260601T090000Z\r\nDTEND:20260601T100000Z", nil},
		{"a moment", "DTSTART:20270601T090000Z", nil},
		{
			"weekly over the change of the clocks", "DTSTART;TZID=Europe/London:20270322T090000\r\nDTEND;TZID=Europe/London:20270322T100000\r\nRRULE:FREQ=WEEKLY;COUNT=2;",
			[]string{"2027-03-22T09:00 2027-03-22T10:00", "2027-03-29T09:00 2027-03-29T10:00"},
		},
		{
			"without one, and one moved", "UID:a\r\nDTSTART;TZID=Europe/London:20270301T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=4\r\nEXDATE;TZID=Europe/London:20270302T090000\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID:20270303T090000Z\r\nDTSTART:20270303T150000Z\r\nDURATION:PT1H",
			[]string{"2027-03-01T09:00 2027-03-01T10:00", "2027-03-03T15:00 2027-03-03T16:00", "2027-03-04T09:00 2027-03-04T10:00"},
		},
		{
			"one called off", "UID:a\r\nDTSTART:20270301T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID:20270302T090000Z\r\nSTATUS:CANCELLED\r\nDTSTART:20270302T090000Z\r\nDURATION:PT1H",
			[]string{"2027-03-01T09:00 2027-03-01T10:00"},
		},
		{"overlapping", "DTSTART:20270301T090000Z\r\nDURATION:PT2H\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:b\r\nDTSTART:20270301T100000Z\r\nDURATION:PT2H", []string{"2027-03-01T09:00 2027-03-01T12:00"}},
	} {
		_, err := marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, marketplace.SetBusy{LaneID: lane, File: diary(c.events)})
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, s.busyRows(lane), c.name)
	}
	// A rule without an end is read as far ahead as anything can be booked.
	status, err := marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, marketplace.SetBusy{LaneID: lane, File: diary("DTSTART:20200106T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY")})
	require.NoError(t, err)
	require.Equal(t, 58, status.BusyTimes)
	before := s.busyRows(lane)
	for _, bad := range []string{
		"DTSTART;TZID=Mars/Base:20270601T090000\r\nDURATION:PT1H", "DTSTART:20270601T090000Z\r\nDURATION:soon", "DURATION:PT1H",
		"DTSTART:20270601T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1", "DTSTART:20270601T090000Z\r\nDURATION:PT1H\r\nRDATE:20270701T090000Z",
		"DTSTART:20270601T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\nEXDATE:never", "DTSTART:20270601T090000Z\r\nDTEND;VALUE=DATE:20270602",
	} {
		_, err := marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, marketplace.SetBusy{LaneID: lane, File: diary(bad)})
		require.Equal(t, []string{"/file"}, fields(err), bad)
		require.NotContains(t, err.Error(), "Hospital")
	}
	require.Equal(t, before, s.busyRows(lane), "what was known before stays")
	var kept string
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT string_agg(b::text, ' ') || (SELECT string_agg(c::text, ' ') FROM busy_calendar c) FROM lane_busy b`).Scan(&kept))
	require.NotContains(t, kept, "Hospital")
}

// book claims a lane for a visit as the desk does; false if nobody is free.
func (s *stall) bookLane(o *marketplace.OfferDetail, from, to time.Time) bool {
	ok := false
	err := s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		w := marketplace.LaneWish{Provider: o.Offer.ProviderID, Offer: o.Offer.ID, From: from, To: to}
		board, err := marketplace.LockLanes(s.ctx, tx, []marketplace.LaneWish{w})
		if err != nil {
			return err
		}
		var lane uuid.UUID
		if lane, ok = board.Pick(w); !ok {
			return nil
		}
		return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{{Provider: w.Provider, Lane: lane, Item: shortbreaks.NewID(), From: from, To: to}})
	})
	require.NoError(s.t, err)
	return ok
}

func TestT42_BuffersCountAgainstBusyTimesToo(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.worked() // 15 minutes before, 30 after
	lane := o.Lanes[0].ID
	_, err := marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, marketplace.SetBusy{LaneID: lane, File: diary("DTSTART:20270112T120000Z\r\nDURATION:PT1H")})
	require.NoError(t, err)
	compare := func(from string) int {
		found, err := marketplace.Compare(s.ctx, s.d, marketplace.Pattern{Weekdays: []int{2}, Minutes: 60, From: from, StartsOn: date("2027-01-12"), EndsOn: date("2027-01-12")})
		require.NoError(t, err)
		return len(found)
	}
	for from, free := range map[string]int{"10:30": 1, "10:35": 0, "12:00": 0, "13:10": 0, "13:15": 1} {
		require.Equal(t, free, compare(from), from)
	}
	require.False(t, s.bookLane(o, at("2027-01-12T10:20"), at("2027-01-12T12:05")))
	require.True(t, s.bookLane(o, at("2027-01-12T10:15"), at("2027-01-12T12:00")))
	// The rows themselves refuse it, whatever the code does.
	err = s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{{
			Provider: o.Offer.ProviderID, Lane: lane, Item: shortbreaks.NewID(), From: at("2027-01-12T12:30"), To: at("2027-01-12T14:00"),
		}})
	})
	require.ErrorIs(t, err, marketplace.ErrLaneTaken)
	require.NoError(t, marketplace.RemoveBusyCalendar(s.ctx, s.d, s.owner, lane))
	require.True(t, s.bookLane(o, at("2027-01-12T12:30"), at("2027-01-12T14:00")))
	_, err = marketplace.GetBusyCalendar(s.ctx, s.d, s.owner, lane)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}

// Visits are booked while the worker's diary comes in. Whichever is first, no
// visit is put into a busy time, and a visit that was there before is told as
// a clash: none is both unnoticed and double.
func TestT52_ABusyTimeAndAVisitAreNeverBothGivenUnnoticed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.worked()
	lane := o.Lanes[0].ID
	var events []string
	for day := 11; day <= 22; day++ {
		events = append(events, fmt.Sprintf("DTSTART:202701%dT100000Z\r\nDURATION:PT2H", day))
	}
	booked := make([]bool, len(events))
	var wg sync.WaitGroup
	for i := range events {
		wg.Go(func() {
			from := time.Date(2027, 1, 11+i, 11, 0, 0, 0, time.UTC)
			booked[i] = s.bookLane(o, from, from.Add(2*time.Hour))
		})
		if i == len(events)/2 {
			wg.Go(func() {
				_, err := marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, marketplace.SetBusy{LaneID: lane, File: diary(events...)})
				require.NoError(t, err)
			})
		}
	}
	wg.Wait()
	status, err := marketplace.GetBusyCalendar(s.ctx, s.d, s.owner, lane)
	require.NoError(t, err)
	n := 0
	for _, ok := range booked {
		if ok {
			n++
		}
	}
	require.Len(t, status.Clashes, n, "each visit that was first is told")
	require.Equal(t, n, s.count("lane_claim"))
	require.False(t, s.bookLane(o, at("2027-01-11T10:00"), at("2027-01-11T11:00")), "and no more after")
}

// The claim's own guard waits for busy times that are being written, so that
// it holds even for one who never locked the lane.
func TestT52_TheSchemaWaitsForBusyTimesBeingWritten(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.worked()
	k := marketplace.LaneClaim{Provider: o.Offer.ProviderID, Lane: o.Lanes[0].ID, Item: shortbreaks.NewID(), From: at("2027-01-12T12:00"), To: at("2027-01-12T13:00")}
	tx, err := s.admin.Begin(s.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(s.ctx, `SELECT FROM lane WHERE id = $1 FOR UPDATE`, k.Lane)
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		done <- s.d.Do(s.ctx, db.Scope{}, func(tx *db.Tx) error { return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{k}) })
	}()
	require.Eventually(t, func() bool {
		var waiting bool
		require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting))
		return waiting
	}, dbtest.Patience, time.Millisecond)
	_, err = tx.Exec(s.ctx, `SET LOCAL row_security = off`)
	require.NoError(t, err)
	_, err = tx.Exec(s.ctx, `INSERT INTO lane_busy VALUES ($1, $2, tstzrange($3, $4))`, k.Provider, k.Lane, k.From, k.To)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(s.ctx))
	require.ErrorIs(t, <-done, marketplace.ErrLaneTaken)
}

func TestABusyCalendarIsItsProvidersAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	lane := s.worked().Lanes[0].ID
	other := s.provider("Moor Lane", 3)
	_, err := marketplace.SetBusyCalendar(s.ctx, s.d, other, marketplace.SetBusy{LaneID: lane, File: diary()})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	worker := s.owner
	worker.Role = shortbreaks.Worker
	_, err = marketplace.GetBusyCalendar(s.ctx, s.d, worker, lane)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	for _, c := range []marketplace.SetBusy{
		{},
		{Address: "https://a.example/", File: diary()},
		{Address: "http://a.example/"},
		{Address: "https://a.example:99/"},
		{Address: "ftp://a.example"},
		{Address: "https://u:p@a.example/"},
		{Address: "https://"},
		{Address: "https://a.example/" + strings.Repeat("x", 2000)},
	} {
		c.LaneID = lane
		_, err := marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, c)
		require.Equal(t, []string{"/address"}, fields(err), "%+v", c)
	}
	_, err = marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, marketplace.SetBusy{LaneID: lane, Address: "https://a.example/secret"})
	require.NoError(t, err)
	require.NoError(t, s.d.Read(s.ctx, db.For(other), func(tx *db.Tx) error {
		var n int
		require.NoError(t, tx.PGX.QueryRow(s.ctx, `SELECT count(*) FROM busy_calendar`).Scan(&n))
		require.Zero(t, n, "another provider cannot even see the row")
		return nil
	}))
}

func TestT52_AWorkerOfTwoOffersIsInOneVisitAtATime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	one := s.worked()
	draft := support(hourly())
	draft.Title, draft.Visits.Lanes = "Weekend support", []marketplace.LaneDraft{{ID: &one.Lanes[0].ID}}
	two := s.publish(s.owner, draft)
	require.Equal(t, one.Lanes, two.Lanes)
	from := at("2027-01-12T10:00")
	var wg sync.WaitGroup
	got := make([]bool, 8)
	for i := range got {
		wg.Go(func() {
			got[i] = s.bookLane([]*marketplace.OfferDetail{one, two}[i%2], from.Add(time.Duration(i)*10*time.Minute), from.Add(2*time.Hour))
		})
	}
	wg.Wait()
	n := 0
	for _, ok := range got {
		if ok {
			n++
		}
	}
	require.Equal(t, 1, n)
	draft.Visits.Lanes = []marketplace.LaneDraft{{ID: &one.Lanes[0].ID}, {ID: &one.Lanes[0].ID}, {ID: ptr(shortbreaks.NewID()), Label: "B"}}
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.Equal(t, []string{"/visits/lanes/2/lane_id"}, fields(err))
	draft.Visits.Lanes[2] = marketplace.LaneDraft{ID: &one.Lanes[0].ID, Label: "B"}
	_, err = marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.Equal(t, []string{"/visits/lanes/1/lane_id", "/visits/lanes/2/label", "/visits/lanes/2/lane_id"}, fields(err))
	other := s.provider("Moor Lane", 3)
	draft.Visits.Lanes = []marketplace.LaneDraft{{ID: &one.Lanes[0].ID}}
	_, err = marketplace.CreateOffer(s.ctx, s.d, other, draft)
	require.Equal(t, []string{"/visits/lanes/0/lane_id"}, fields(err), "another provider's worker is not to be had")
}
