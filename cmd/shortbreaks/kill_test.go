package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
)

// clientsAtOnce is how many clients book at the same time: more than the
// service has connections, so that some are always waiting for one.
const clientsAtOnce = 20

// killedWorld is what is booked in while something is killed.
var killedWorld = demo.BulkSize{Authorities: 2, Budgets: 200, Providers: 10, Sessions: 200, Capacity: 100}

// promise is a booking a client was told of.
type promise struct {
	quote demo.BulkQuote
	key   string
	body  []byte
}

// crowd books from many clients until it is stopped. Each client insists: a
// request whose answer was lost is sent again with its key until it is
// answered.
type crowd struct {
	*served
	up       gate
	answered chan struct{} // one for each 201
	stop     atomic.Bool
	wg       sync.WaitGroup
	lost     atomic.Int64 // requests that were sent and not answered

	mu       sync.Mutex
	promises []promise
	wrong    []string // answers nobody should get
}

// gate is open while there is a server to ask.
type gate struct {
	mu sync.Mutex
	ch chan struct{}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ch = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.ch)
}

func (g *gate) opened() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ch
}

func newCrowd(s *served) *crowd {
	c := &crowd{served: s, answered: make(chan struct{}, len(s.queue.quotes))}
	c.up.shut()
	for range clientsAtOnce {
		c.wg.Go(func() {
			for !c.stop.Load() {
				q, ok := s.queue.take()
				if !ok || !c.insist(q, q.ID.String()) {
					return
				}
			}
		})
	}
	return c
}

// insist asks until there is an answer. It reports whether that was 201.
func (c *crowd) insist(q demo.BulkQuote, key string) bool {
	for {
		select {
		case <-c.up.opened():
		case <-c.t.Context().Done():
			return false
		}
		a, err := c.booker.book(c.t.Context(), q, key)
		switch {
		case err != nil:
			if !isRefused(err) {
				c.lost.Add(1)
			}
		case a.status == http.StatusCreated:
			c.mu.Lock()
			c.promises = append(c.promises, promise{q, key, a.body})
			c.mu.Unlock()
			c.answered <- struct{}{}
			return true
		case a.status == http.StatusServiceUnavailable, a.reason() == "409 request-in-progress":
			// Asked to try again: PostgreSQL may not have noticed yet that the
			// server which held this key is dead.
		default:
			c.mu.Lock()
			c.wrong = append(c.wrong, a.reason())
			c.mu.Unlock()
			return false
		}
	}
}

// await waits for so many more answers.
func (c *crowd) await(n int) {
	c.t.Helper()
	for len(c.answered) > 0 {
		<-c.answered // from before
	}
	late := time.After(dbtest.Patience)
	for range n {
		select {
		case <-c.answered:
		case <-late:
			require.Fail(c.t, "too few answers", "all quotes are booked: %v; %v", c.queue.empty(), c.wrong)
		}
	}
}

// finish lets each client have its last answer.
func (c *crowd) finish() {
	c.stop.Store(true)
	c.wg.Wait()
}

// underTorture is the second number in `make torture`, else the first.
func underTorture(usually, torture int) int {
	if os.Getenv("SHORTBREAKS_TORTURE") != "" {
		return torture
	}
	return usually
}

// The server is killed (SIGKILL) again and again while many book. Whatever
// 201 anybody saw is there afterwards with the same bytes, a lost answer is
// had by asking again, nothing was done twice, and the books are right.
func TestKilledUnderLoadLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	kills := underTorture(5, 100)
	s := setUp(t, killedWorld, 500+100*kills, 2*clientsAtOnce)
	c := newCrowd(s)
	p := s.start()
	c.up.open()
	for range kills {
		c.await(10 + rand.IntN(50))
		p.kill()
		c.up.shut()
		p = s.start()
		c.up.open()
	}
	c.await(clientsAtOnce)
	c.finish()
	require.Empty(t, c.wrong)
	require.Positive(t, c.lost.Load(), "no request was under way when the server was killed: nothing was tried")

	c.allKept()
}

// allKept requires that every answer is there, that nothing else is, and that
// the books are right.
func (c *crowd) allKept() {
	c.t.Helper()
	again := c.checkPromises()
	booked := c.bookedKeys()
	require.Len(c.t, booked, len(c.promises), "a booking for each answer, and none besides")
	for _, m := range c.promises {
		require.Equal(c.t, 1, booked[m.key])
	}
	auditIsClean(c.t, c.d)
	c.t.Logf("%d bookings answered, %d answers lost and had later, %d requests asked again", len(c.promises), c.lost.Load(), again)
}

// checkPromises asks again for every booking that was promised, by its key and
// by its id.
func (c *crowd) checkPromises() int {
	c.t.Helper()
	var g errgroup.Group
	g.SetLimit(clientsAtOnce)
	for _, m := range c.promises {
		g.Go(func() error { return c.keeps(m) })
	}
	require.NoError(c.t, g.Wait())
	return 2 * len(c.promises)
}

func (c *crowd) keeps(m promise) error {
	again, err := c.booker.book(c.t.Context(), m.quote, m.key)
	if err != nil {
		return err
	}
	if again.status != http.StatusCreated || !again.replayed || string(again.body) != string(m.body) {
		return errors.New("the same request is answered otherwise: " + again.reason() + string(again.body) + ", before " + string(m.body))
	}
	var basket struct {
		Bookings []json.RawMessage `json:"bookings"`
	}
	if err := json.Unmarshal(m.body, &basket); err != nil {
		return err
	}
	var booking struct {
		ID uuid.UUID `json:"id"`
	}
	if err := json.Unmarshal(basket.Bookings[0], &booking); err != nil {
		return err
	}
	found, err := c.booker.send(c.t.Context(), http.MethodGet, "/v1/bookings/"+booking.ID.String(), m.quote.Person, nil, "")
	if err != nil {
		return err
	}
	if found.status != http.StatusOK || !sameJSON(withoutReasons(found.body), basket.Bookings[0]) {
		return errors.New("the booking is not there as answered: " + found.reason() + string(found.body) + ", answered " + string(m.body))
	}
	return nil
}

// withoutReasons is a booking without why each charge was allowed, which is
// told only when it is read.
func withoutReasons(body []byte) []byte {
	var b map[string]any
	if json.Unmarshal(body, &b) != nil {
		return body
	}
	items, _ := b["items"].([]any)
	for _, it := range items {
		item, _ := it.(map[string]any)
		charges, _ := item["charges"].([]any)
		for _, c := range charges {
			if charge, ok := c.(map[string]any); ok {
				delete(charge, "reason")
				delete(charge, "because")
				delete(charge, "verdict")
			}
		}
	}
	text, _ := json.Marshal(b) // what was read can be written
	return text
}

func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	left, _ := json.Marshal(x) // what was read can be written
	right, _ := json.Marshal(y)
	return string(left) == string(right)
}

// isRefused reports whether nobody listened.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
