package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// theOne is the eleventh Saturday: none that is booked comes after it.
const theOne = 10

// rush is one session that is wanted by every way there is at once.
type rush struct {
	*world
	o        *marketplace.OfferDetail
	old, one uuid.UUID // the session moved from, and the one wanted
	won      chan uuid.UUID
	left     atomic.Int64 // contenders that have not had their answer
	full     atomic.Bool

	mu    sync.Mutex
	codes map[string]int // by path and code
}

// Families, councils for them, two children together, those who move a date,
// those who wait in line and the job that offers them places, and a process
// without a desk all want one session, while bookings of it are cancelled and
// the provider changes its places. At every instant as many are taken as have
// a place; nobody meets a deadlock; and what is free in the end can be booked.
func TestRace_EveryWayToAPlaceAtOnce(t *testing.T) {
	const places = 60
	n, movers := rounds(250), rounds(40)
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = movers + 50
	o := w.publish(w.stars, d)
	r := &rush{world: w, o: o, old: o.Sessions[0].ID, one: o.Sessions[theOne].ID, won: make(chan uuid.UUID, 8*n), codes: map[string]int{}}
	r.setPlaces(t, places)

	single, pairs, alone, waiting := r.crowdFor(r.one, n), r.crowdFor(r.one, 2*n), r.crowdFor(r.one, n), r.childrenOf(r.crowdFor(r.one, 40))
	moves := r.movers(movers)
	work := [][]func(c *client) error{{}, {}, {}, {}, {}}
	for i := range n {
		work[0] = append(work[0], func(c *client) error { return r.books(c, "single", single[i]) })
		work[1] = append(work[1], func(c *client) error { return r.books(c, "two children", pairs[2*i], pairs[2*i+1]) })
		work[2] = append(work[2], func(*client) error { return r.booksAlone(alone[i]) })
	}
	for item, quote := range moves {
		work[3] = append(work[3], func(c *client) error { return r.moves(c, item, quote) })
	}
	for _, child := range waiting {
		work[4] = append(work[4], func(c *client) error { return r.waits(c, child) })
	}
	ctx, stop := context.WithCancel(w.ctx)
	watched := make(chan error, 1)
	go func() { watched <- w.watch(ctx, r.one, places+10) }()
	r.contend(work)
	stop()
	require.NoError(t, <-watched)
	t.Log(r.codes)
	for _, path := range []string{"single", "two children", "alone", "move", "wait", "cancel"} {
		require.Positive(t, r.codes[path+" "], "nothing came of %s", path)
	}
	require.Positive(t, r.codes["single session-full"])

	// What comes free is offered to those who wait, and what is left can be had,
	// to the last.
	for _, id := range r.bookedIn(r.one, 5) {
		into[gen.Booking](r.practitioner.post("/v1/bookings/"+id.String()+"/cancellation", object{"reason": "plans_changed"}), http.StatusOK)
	}
	offered, err := booking.OfferPlaces(w.ctx, w.d)
	require.NoError(t, err)
	require.GreaterOrEqual(t, offered, 5)
	for _, id := range r.crowdFor(r.one, places+10) {
		a := w.practitioner.post("/v1/bookings", toBook(gen.Quote{ID: id, TotalPence: 1200}), key(shortbreaks.NewID().String()))
		if a.status != http.StatusCreated {
			a.refused(http.StatusConflict, "session-full")
			break
		}
	}
	var taken, capacity, deadlocks int
	owner := dbtest.Owner(t, w.d)
	require.NoError(t, owner.QueryRow(w.ctx, `SELECT taken, capacity FROM session_places WHERE session_id = $1`, r.one).Scan(&taken, &capacity))
	require.Equal(t, capacity, taken)
	require.NoError(t, owner.QueryRow(w.ctx, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks))
	require.Zero(t, deadlocks)
}

// contend lets eight clients do each kind of work, while others cancel, change
// the places and offer what is free.
func (r *rush) contend(work [][]func(c *client) error) {
	const kinds, each = 5, 8
	queues := make([]chan func(*client) error, kinds)
	for i, list := range work {
		queues[i] = make(chan func(*client) error, len(list))
		for _, f := range list {
			queues[i] <- f
		}
		close(queues[i])
		r.left.Add(int64(len(list)))
	}
	r.clients(kinds*each+4, r.practitioner, func(c *client) (err error) {
		defer func() {
			if err != nil {
				r.left.Store(-1 << 40) // nobody waits for those who never come
			}
		}()
		switch c.number - kinds*each {
		case 0, 1:
			return r.cancels(c)
		case 2:
			return r.changesPlaces(c)
		case 3:
			return r.offers()
		}
		for f := range queues[c.number%kinds] {
			err := f(c)
			r.left.Add(-1)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// note counts an answer; one that nobody should get is an error.
func (r *rush) note(path, code string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.codes[path+" "+code]++
	if !slices.Contains([]string{"", "session-full", "places-left", "capacity-below-taken", "wrong-state", "waitlist-offer-lapsed"}, code) {
		return fmt.Errorf("%s is refused: %s", path, code)
	}
	if code == "session-full" {
		r.full.Store(true)
	}
	return nil
}

func (r *rush) books(c *client, path string, quotes ...uuid.UUID) error {
	list := make([]gen.Quote, len(quotes))
	for i, id := range quotes {
		list[i] = gen.Quote{ID: id, TotalPence: 1200}
	}
	o, err := c.do(http.MethodPost, "/v1/bookings", toBook(list...))
	if err != nil {
		return err
	}
	if o.status == http.StatusCreated {
		var basket gen.Basket
		if err := json.Unmarshal(o.body, &basket); err != nil {
			return err
		}
		for _, b := range basket.Bookings {
			r.won <- b.ID
		}
	}
	return r.note(path, o.code)
}

func (r *rush) booksAlone(quote uuid.UUID) error {
	basket, _, err := booking.Create(r.ctx, r.d, r.ash.Practitioner, booking.CreateBooking{Quotes: []booking.QuoteToBook{{QuoteID: quote, ExpectedTotalPence: 1200}}})
	if err != nil {
		return r.note("alone", codeOf(err))
	}
	r.won <- basket.Bookings[0].ID
	return r.note("alone", "")
}

func codeOf(err error) string {
	known := &shortbreaks.Error{}
	if e, ok := err.(*shortbreaks.Error); ok { //nolint:errorlint // a wrapped one is no refusal
		known = e
	}
	if known.Code == "" {
		return err.Error()
	}
	return known.Code
}

func (r *rush) moves(c *client, item, quote uuid.UUID) error {
	o, err := c.do(http.MethodPost, "/v1/booking-items/"+item.String()+"/move", object{"quote_id": quote, "expected_total_pence": 1200})
	if err != nil {
		return err
	}
	return r.note("move", o.code)
}

// waits joins the line once the session is full.
func (r *rush) waits(c *client, child uuid.UUID) error {
	for !r.full.Load() {
		if r.left.Load() <= 40 {
			return nil // it never was, which the test finds out
		}
		runtime.Gosched()
	}
	o, err := c.do(http.MethodPost, "/v1/waitlist-entries", object{"child_id": child, "offer_id": r.o.Offer.ID, "session_id": r.one})
	if err != nil {
		return err
	}
	return r.note("wait", o.code)
}

// offers gives free places to those in line until all contenders are done.
func (r *rush) offers() error {
	for r.left.Load() > 0 {
		n, err := booking.OfferPlaces(r.ctx, r.d)
		if err != nil {
			return err
		}
		for range n {
			if err := r.note("offered", ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// cancels lets two of three keep what they have.
func (r *rush) cancels(c *client) error {
	for i := 0; r.left.Load() > 0; {
		select {
		case id := <-r.won:
			if i++; i%3 != 0 {
				continue
			}
			code, err := c.cancel(id)
			if err != nil {
				return err
			}
			if err := r.note("cancel", code); err != nil {
				return err
			}
		default:
			runtime.Gosched()
		}
	}
	return nil
}

func (r *rush) changesPlaces(c *client) error {
	c.who = r.as(r.stars.Coordinator)
	last := r.o.Sessions[theOne].StartsAt.Format("2006-01-02")
	for i := 0; r.left.Load() > 0; i++ {
		o, err := c.do(http.MethodPost, "/v1/offers/"+r.o.Offer.ID.String()+"/session-changes", object{"from_date": last, "capacity": 55 + i%3*5})
		if err != nil {
			return err
		}
		if err := r.note("change", o.code); err != nil {
			return err
		}
	}
	return nil
}

func (r *rush) setPlaces(t *testing.T, n int) {
	t.Helper()
	_, err := marketplace.ChangeSessions(r.ctx, r.d, r.stars.Coordinator, marketplace.SessionChange{
		OfferID: r.o.Offer.ID, From: shortbreaks.Date(r.o.Sessions[theOne].StartsAt), Capacity: &n,
	})
	require.NoError(t, err)
}

// bookedIn are some of those who have a place.
func (r *rush) bookedIn(session uuid.UUID, n int) []uuid.UUID {
	rows, err := dbtest.Owner(r.t, r.d).Query(r.ctx, `SELECT booking_id FROM booking_item WHERE session_id = $1 AND state = 'confirmed' LIMIT $2`, session, n)
	require.NoError(r.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(r.t, err)
	return ids
}

// crowdFor are quotes of one session, each for a child of its own.
func (r *rush) crowdFor(session uuid.UUID, n int) []uuid.UUID {
	q := into[gen.Quote](r.mother.post("/v1/quotes", object{"child_id": r.sam, "offer_id": r.o.Offer.ID, "session_ids": []uuid.UUID{session}}), http.StatusCreated)
	return r.crowd(q, n)
}

// movers have another session booked and a quote of the one wanted, by item.
func (r *rush) movers(n int) map[uuid.UUID]uuid.UUID {
	booked := r.crowdFor(r.old, n)
	moves := map[uuid.UUID]uuid.UUID{}
	var mu sync.Mutex
	work := make(chan uuid.UUID, n)
	for _, id := range booked {
		work <- id
	}
	close(work)
	r.clients(4, r.practitioner, func(c *client) error {
		for id := range work {
			b, code, err := c.book(gen.Quote{ID: id, TotalPence: 1200})
			if err != nil || b == nil {
				return fmt.Errorf("booking what is to be moved: %s %w", code, err)
			}
			q, err := c.quote(*b.ChildID, r.o.Offer.ID, r.one)
			if err != nil {
				return err
			}
			mu.Lock()
			moves[b.Items[0].ID] = q.ID
			mu.Unlock()
		}
		return nil
	})
	require.Len(r.t, moves, n)
	return moves
}
