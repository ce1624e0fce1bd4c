package marketplace

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
	"unicode/utf8"
)

// What reading a calendar over the network may cost at most.
const (
	fetchWithin   = 20 * time.Second
	maxFetched    = 2 << 20
	maxRedirects  = 3
	maxHeaderRead = 64 << 10
)

// Fetcher reads a calendar from an address somebody gave us. It speaks https
// to port 443 of public addresses only, whatever names resolve to and wherever
// it is sent on: the address that was checked is the one it connects to. The
// zero value is ready to use.
type Fetcher struct {
	// Resolve and Dial stand in for the network in tests; nil is the real one.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	TLS     *tls.Config
}

var errNotPublic = errors.New("the address is not public")

// Get reads the text at an address, or says in words what went wrong. Neither
// the address nor what it answered is ever part of them.
func (f Fetcher) Get(ctx context.Context, address string) (text, trouble string) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	transport := &http.Transport{
		DialContext: f.dial, TLSClientConfig: f.TLS, DisableKeepAlives: true, DisableCompression: true,
		TLSHandshakeTimeout: fetchWithin / 2, ResponseHeaderTimeout: fetchWithin / 2, MaxResponseHeaderBytes: maxHeaderRead,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	u, err := url.Parse(address)
	if err != nil || !fetchable(u) {
		return "", "The address is not one we read."
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", "The address is not one we read."
	}
	request.Header.Set("Accept", "text/calendar")
	answer, err := client.Do(request)
	switch {
	case errors.Is(err, errNotPublic):
		return "", "The address is not on the public internet, or sends us to one that is not."
	case err != nil:
		return "", "The calendar could not be reached."
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Sprintf("The calendar's address answered %d.", answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxFetched+1))
	switch {
	case err != nil:
		return "", "The calendar could not be read to its end."
	case len(body) > maxFetched:
		return "", "The calendar is larger than 2 MB."
	case !utf8.Valid(body):
		return "", "The calendar is not UTF-8 text."
	}
	return string(body), ""
}

// fetchable reports whether an address is one we would ask at all.
func fetchable(u *url.URL) bool {
	return u.Scheme == "https" && u.Hostname() != "" && u.User == nil && (u.Port() == "" || u.Port() == "443")
}

func checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || !fetchable(request.URL) {
		return errNotPublic
	}
	return nil
}

// dial looks the name up once, refuses it if any of its addresses is not
// public, and connects to one of those it has seen.
func (f Fetcher) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	resolve, dial := f.Resolve, f.Dial
	if resolve == nil {
		resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if dial == nil {
		dial = (&net.Dialer{Timeout: fetchWithin / 2}).DialContext
	}
	found, err := resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range found {
		if !public(a) {
			return nil, errNotPublic
		}
	}
	err = errNotPublic
	for _, a := range found {
		var conn net.Conn
		if conn, err = dial(ctx, network, net.JoinHostPort(a.Unmap().String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// notPublic are the ranges set aside by the registries that netip does not
// know by a name of its own. Of IPv6, 2000::/3 alone is in use; the last two of
// it carry an IPv4 address inside.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001:db8::/32", "3fff::/20", "2001::/23", "2002::/16",
)

var inUse6 = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// public reports whether an address is one of the public internet.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || (a.Is6() && !inUse6.Contains(a)) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
