package marketplace_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

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
		require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT coalesce(string_agg(args->>'version', ' ' ORDER BY id), '') FROM river_job WHERE kind = 'fetch_busy_calendar' AND queue = 'outside'`).Scan(&versions))
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
