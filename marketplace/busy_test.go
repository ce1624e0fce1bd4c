package marketplace_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
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
		{"weekly over the change of the clocks", "DTSTART;TZID=Europe/London:20270322T090000\r\nDTEND;TZID=Europe/London:20270322T100000\r\nRRULE:FREQ=WEEKLY;COUNT=2;",
			[]string{"2027-03-22T09:00 2027-03-22T10:00", "2027-03-29T09:00 2027-03-29T10:00"}},
		{"without one, and one moved", "UID:a\r\nDTSTART;TZID=Europe/London:20270301T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=4\r\nEXDATE;TZID=Europe/London:20270302T090000\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID:20270303T090000Z\r\nDTSTART:20270303T150000Z\r\nDURATION:PT1H",
			[]string{"2027-03-01T09:00 2027-03-01T10:00", "2027-03-03T15:00 2027-03-03T16:00", "2027-03-04T09:00 2027-03-04T10:00"}},
		{"one called off", "UID:a\r\nDTSTART:20270301T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID:20270302T090000Z\r\nSTATUS:CANCELLED\r\nDTSTART:20270302T090000Z\r\nDURATION:PT1H",
			[]string{"2027-03-01T09:00 2027-03-01T10:00"}},
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
	}, 10*time.Second, time.Millisecond)
	_, err = tx.Exec(s.ctx, `SET LOCAL row_security = off`)
	require.NoError(t, err)
	_, err = tx.Exec(s.ctx, `INSERT INTO lane_busy VALUES ($1, $2, tstzrange($3, $4))`, k.Provider, k.Lane, k.From, k.To)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(s.ctx))
	require.ErrorIs(t, <-done, marketplace.ErrLaneTaken)
}

// publisher is a calendar on the network: an https server that stands at a
// public address as far as the fetcher can see.
type publisher struct {
	*httptest.Server
	fetch   marketplace.Fetcher
	resolve map[string]string
	dialled []string
}

func publish(t *testing.T, answer http.HandlerFunc) *publisher {
	t.Helper()
	p := &publisher{Server: httptest.NewTLSServer(answer), resolve: map[string]string{"diary.example": "93.184.215.14"}}
	t.Cleanup(p.Close)
	roots := x509.NewCertPool()
	roots.AddCert(p.Certificate())
	p.fetch = marketplace.Fetcher{
		TLS: &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12},
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			if a, err := netip.ParseAddr(host); err == nil {
				return []netip.Addr{a}, nil
			}
			var all []netip.Addr
			for _, text := range strings.Fields(p.resolve[host]) {
				all = append(all, netip.MustParseAddr(text))
			}
			if all == nil {
				return nil, errors.New("no such host")
			}
			return all, nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			p.dialled = append(p.dialled, address)
			return (&net.Dialer{}).DialContext(ctx, network, p.Listener.Addr().String())
		},
	}
	return p
}

func TestOnlyPublicAddressesAreEverAsked(t *testing.T) {
	t.Parallel()
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("hello"))
	})
	text, trouble := p.fetch.Get(t.Context(), "https://diary.example/a.ics")
	require.Empty(t, trouble)
	require.Equal(t, "hello", text)
	require.Equal(t, []string{"93.184.215.14:443"}, p.dialled, "the address that was checked is the one connected to")
	p.dialled = nil
	for _, ip := range []string{
		"127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255",
		"198.18.0.1", "192.0.0.1", "203.0.113.9", "240.0.0.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fc00::1", "fd12::1", "ff02::1",
		"64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "::7f00:1", "93.184.215.14 127.0.0.1",
	} {
		p.resolve["inside.example"] = ip
		for _, address := range []string{"https://inside.example/a.ics", "https://diary.example/?to=https://inside.example/a.ics"} {
			p.dialled = nil
			_, trouble := p.fetch.Get(t.Context(), address)
			require.Contains(t, trouble, "not on the public internet", "%s %s", ip, address)
			require.LessOrEqual(t, len(p.dialled), 1)
			for _, a := range p.dialled {
				require.Equal(t, "93.184.215.14:443", a)
			}
		}
		if !strings.Contains(ip, " ") {
			host := ip
			if strings.Contains(ip, ":") {
				host = "[" + ip + "]"
			}
			p.dialled = nil
			_, trouble = p.fetch.Get(t.Context(), "https://"+host+"/a.ics")
			require.NotEmpty(t, trouble)
			require.Empty(t, p.dialled, ip)
		}
	}
	for _, address := range []string{
		"http://diary.example/", "https://diary.example:8443/", "https://u:p@diary.example/", "file:///etc/passwd", "https:///x", "diary.example",
		"https://diary.example/?to=http://diary.example/", "https://diary.example/?to=https://diary.example:22/", "https://diary.example/?to=https://diary.example/?to=/?to=/?to=/?to=/x",
	} {
		_, trouble := p.fetch.Get(t.Context(), address)
		if !strings.Contains(address, "?to=https://diary.example/?") {
			require.NotEmpty(t, trouble, address)
		}
	}
}

func TestWhatAnAddressMaySendIsLimited(t *testing.T) {
	t.Parallel()
	p := publish(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			_, _ = w.Write(make([]byte, 3<<20))
		case "/gone":
			w.WriteHeader(http.StatusNotFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
		case "/latin":
			_, _ = w.Write([]byte("\xe9"))
		case "/slow":
			<-r.Context().Done()
		}
	})
	for path, words := range map[string]string{
		"/large": "larger than 2 MB", "/gone": "answered 404", "/loop": "not on the public internet", "/short": "to its end", "/latin": "UTF-8",
	} {
		_, trouble := p.fetch.Get(t.Context(), "https://diary.example"+path)
		require.Contains(t, trouble, words, path)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, trouble := p.fetch.Get(ctx, "https://diary.example/slow")
	require.Equal(t, "The calendar could not be reached.", trouble)
	_, trouble = p.fetch.Get(t.Context(), "https://nowhere.example/")
	require.Equal(t, "The calendar could not be reached.", trouble)
}

func TestACalendarIsReadAgainEveryHourAndKeptWhenItCannotBe(t *testing.T) {
	t.Parallel()
	s := setup(t)
	lane := s.worked().Lanes[0].ID
	answer := diary("DTSTART:20270112T120000Z\r\nDURATION:PT1H")
	p := publish(t, func(w http.ResponseWriter, _ *http.Request) {
		if answer == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(answer))
	})
	worker := &marketplace.BusyWorker{DB: s.d, Fetch: p.fetch}
	status, err := marketplace.SetBusyCalendar(s.ctx, s.d, s.owner, marketplace.SetBusy{LaneID: lane, Address: "webcal://diary.example/secret.ics"})
	require.NoError(t, err)
	require.Equal(t, "diary.example", status.Host)
	require.Nil(t, status.CheckedAt)
	work := func(version int) {
		require.NoError(t, worker.Work(s.ctx, &river.Job[marketplace.FetchBusyArgs]{Args: marketplace.FetchBusyArgs{ProviderID: s.owner.Providers[0], LaneID: lane, Version: version}}))
	}
	queued := func() (versions string) {
		require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT coalesce(string_agg(args->>'version', ' ' ORDER BY id), '') FROM river_job WHERE kind = 'fetch_busy_calendar'`).Scan(&versions))
		return versions
	}
	require.Equal(t, "1", queued())
	work(1)
	require.Equal(t, []string{"2027-01-12T12:00 2027-01-12T13:00"}, s.busyRows(lane))
	require.Equal(t, "1 2", queued())
	var next time.Time
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT max(scheduled_at) FROM river_job`).Scan(&next))
	require.True(t, start.Add(time.Hour).Equal(next))
	work(1) // a job that was repeated after a crash
	require.Equal(t, "1 2", queued())

	answer = ""
	work(2)
	require.Len(t, s.busyRows(lane), 1, "what was known stays")
	status, err = marketplace.GetBusyCalendar(s.ctx, s.d, s.owner, lane)
	require.NoError(t, err)
	require.Equal(t, "The calendar's address answered 503.", status.Trouble)
	require.True(t, start.Equal(*status.CheckedAt))
	answer = diary()
	work(3)
	require.Empty(t, s.busyRows(lane))
	require.NoError(t, marketplace.RemoveBusyCalendar(s.ctx, s.d, s.owner, lane))
	work(4)
	require.Equal(t, "1 2 3 4", queued(), "and then no more")
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
		{}, {Address: "https://a.example/", File: diary()}, {Address: "http://a.example/"}, {Address: "https://a.example:99/"}, {Address: "ftp://a.example"},
		{Address: "https://u:p@a.example/"}, {Address: "https://"}, {Address: "https://a.example/" + strings.Repeat("x", 2000)},
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
