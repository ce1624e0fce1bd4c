package stripedouble

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Request is one request as received, for tests of what was told to Stripe.
type Request struct {
	ID             string // answered in Request-Id
	At             time.Time
	Method         string
	Path           string
	Params         url.Values  // query and form together
	Header         http.Header // without Authorization
	Body           string      // raw
	IdempotencyKey string
	Status         int  // 0 while under way
	Replayed       bool // answered from an earlier request with the same key
	Lost           bool // the answer was cut off by Drop

	malformed bool
}

// Mentions says whether text occurs anywhere in the request, whatever its
// case: path, parameter names and values, headers, raw body.
func (r Request) Mentions(text string) bool {
	all := []string{r.Path, r.Body}
	for _, values := range []map[string][]string{r.Params, r.Header} {
		for name, v := range values {
			all = append(append(all, name), v...)
		}
	}
	return strings.Contains(strings.ToLower(strings.Join(all, "\n")), strings.ToLower(text))
}

// Requests is the journal of every request to the API and the payer's page,
// oldest first, refused ones included.
func (d *Double) Requests() []Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Request, len(d.journal))
	for i, r := range d.journal {
		out[i] = *r
		out[i].Params = cloned(r.Params)
		out[i].Header = r.Header.Clone()
	}
	return out
}

func cloned(v url.Values) url.Values {
	c := maps.Clone(v)
	for name, all := range c {
		c[name] = slices.Clone(all)
	}
	return c
}

// record enters a request into the journal as it arrives.
func (d *Double) record(r *http.Request, body []byte) *Request {
	values, ok := parameters(r, body)
	header := r.Header.Clone()
	header.Del("Authorization")
	entry := &Request{
		ID: newID("req_", 14), At: d.opts.Clock(), Method: r.Method, Path: r.URL.Path, Params: values,
		Header: header, Body: string(body), IdempotencyKey: r.Header.Get("Idempotency-Key"), malformed: !ok,
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.journal = append(d.journal, entry)
	return entry
}

// faults are the failures tests asked for.
type faults struct {
	fail       int // calls yet to fail
	failStatus int
	drop       int // answers yet to lose
	stall      int // calls yet to hold
	stalled    int // calls held now
	release    chan struct{}
}

// Fail makes the next n API calls fail with a status. 500 and 402 fail once
// the work has begun: without effect, and replayed for the same key, as at
// Stripe. Any other status is a refusal at the door, and leaves the key free.
func (d *Double) Fail(n, status int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults.fail, d.faults.failStatus = n, status
}

// Drop does the work of the next n API calls and then cuts the connection
// during the answer.
func (d *Double) Drop(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults.drop = n
}

// Stall holds the next n API calls after their key is taken and before their
// work, until release is called or the Double is closed.
func (d *Double) Stall(n int) (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	free := make(chan struct{})
	d.faults.stall, d.faults.release = n, free
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		select {
		case <-free:
		default:
			close(free)
		}
		if d.faults.release == free {
			d.faults.stall = 0
		}
	}
}

func (d *Double) waitWhileStalled() {
	d.mu.Lock()
	if d.faults.stall == 0 {
		d.mu.Unlock()
		return
	}
	d.faults.stall--
	d.faults.stalled++
	release := d.faults.release
	d.mu.Unlock()
	select {
	case <-release:
	case <-d.ctx.Done():
	}
	d.mu.Lock()
	d.faults.stalled--
	d.mu.Unlock()
}

// Stalled is how many calls Stall holds now.
func (d *Double) Stalled() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults.stalled
}

// isLate says whether Stripe gives this status only after work began.
func isLate(status int) bool {
	return status == http.StatusInternalServerError || status == http.StatusPaymentRequired
}

func (f *faults) early() *apiError { return f.spend(!isLate(f.failStatus)) }
func (f *faults) late() *apiError  { return f.spend(isLate(f.failStatus)) }

func (f *faults) spend(due bool) *apiError {
	if f.fail == 0 || !due {
		return nil
	}
	f.fail--
	return injected(f.failStatus)
}

func (f *faults) lose() bool {
	if f.drop == 0 {
		return false
	}
	f.drop--
	return true
}

// Complete pays a session as its payer would, and makes the first delivery of
// its events before it returns. A session that is not open is an error.
func (d *Double) Complete(sessionID string) error {
	_, err := d.pay(sessionID)
	return err
}

// Expire lets a session's time run out, whatever the clock says.
func (d *Double) Expire(sessionID string) (err error) {
	made := d.change(func(now time.Time) {
		s := d.sessions[sessionID]
		if s == nil || s.Status != statusOpen {
			err = fmt.Errorf("expire %s: %w", sessionID, errNotOpen)
			return
		}
		d.lapse(s, call{now: now})
	})
	d.deliverNow(made)
	return err
}
