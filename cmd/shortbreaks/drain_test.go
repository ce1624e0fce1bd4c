package main

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
)

// visitors book once each quote and never insist: what the server does not
// answer they put up with.
type visitors struct {
	*served
	wg       sync.WaitGroup
	stop     atomic.Bool
	answered chan struct{} // one for each 201

	mu     sync.Mutex
	booked map[string]bool // by key, those answered 201
	wrong  []string        // whole answers that are neither 201 nor "try again"
}

// ask books one quote and reports whether the answer arrived whole.
func (v *visitors) ask(q demo.BulkQuote) bool {
	a, err := v.booker.book(v.t.Context(), q, q.ID.String())
	if err != nil {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch a.status {
	case http.StatusCreated:
		v.booked[q.ID.String()] = true
		v.answered <- struct{}{}
	case http.StatusServiceUnavailable:
	default:
		v.wrong = append(v.wrong, a.reason())
	}
	return true
}

// come books from many clients until one answer does not arrive.
func (v *visitors) come() {
	for range clientsAtOnce {
		v.wg.Go(func() {
			for !v.stop.Load() {
				q, ok := v.queue.take()
				if !ok || !v.ask(q) {
					return
				}
			}
		})
	}
}

// aside takes a quote out of the queue, and all others for its session, so that
// nobody else wants the same place.
func (v *visitors) aside() demo.BulkQuote {
	held := v.queue.quotes[0]
	v.queue.quotes = slices.DeleteFunc(v.queue.quotes, func(q demo.BulkQuote) bool { return q.SessionID == held.SessionID })
	return held
}

// The server is asked to stop (SIGTERM) while many book, one of them, and whoever
// came together with it, held up in the middle of their booking. Nobody is cut off: what was begun is
// answered, what took effect was answered, and the program ends in good order.
func TestStoppedUnderLoadAnswersWhatItBegan(t *testing.T) {
	t.Parallel()
	s := setUp(t, demo.BulkSize{Authorities: 2, Budgets: 100, Providers: 5, Sessions: 40, Capacity: 100}, 1000, 2*clientsAtOnce)
	v := &visitors{served: s, answered: make(chan struct{}, len(s.queue.quotes)), booked: map[string]bool{}}
	held := v.aside()
	p := s.start()
	v.come()
	for range clientsAtOnce {
		select {
		case <-v.answered:
		case <-time.After(dbtest.Patience):
			require.Fail(t, "too few answers", "%v", v.wrong)
		}
	}

	lock, err := s.owner.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = lock.Rollback(context.Background()) }() // or the pool never closes
	_, err = lock.Exec(t.Context(), `SELECT FROM session_places WHERE session_id = $1 FOR UPDATE`, held.SessionID)
	require.NoError(t, err)
	whole := make(chan bool, 1)
	go func() { whole <- v.ask(held) }()
	require.Eventually(t, func() bool { return s.waitingFor(lock) == 1 }, dbtest.Patience, 5*time.Millisecond, "the request is not under way")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool { return refusing(t.Context(), s.addr) }, dbtest.Patience, 5*time.Millisecond, "it still takes requests")
	require.NoError(t, lock.Rollback(t.Context()))

	require.True(t, <-whole, "a request under way was cut off")
	v.stop.Store(true)
	v.wg.Wait()
	select {
	case <-p.ended:
	case <-time.After(dbtest.Patience):
		require.Fail(t, "it does not end")
	}
	require.NoError(t, p.err, "exit code 0")
	require.Empty(t, v.wrong)
	for key := range s.bookedKeys() {
		require.True(t, v.booked[key], "booking %s was made and its family not told", key)
		delete(v.booked, key)
	}
	require.Empty(t, v.booked, "answered and not there")
	auditIsClean(t, s.d)
}

// waitingFor is how many wait for a row a transaction holds. It is asked on
// another connection: one transaction sees who waits as at its first look.
func (s *served) waitingFor(holder pgx.Tx) (n int) {
	s.t.Helper()
	err := s.owner.QueryRow(s.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))`, holder.Conn().PgConn().PID()).Scan(&n)
	require.NoError(s.t, err)
	return n
}
