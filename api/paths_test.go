package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	left     atomic.Int64  // contenders that have not had their answer
	waiting  int64         // how many of them wait in line
	full     chan struct{} // closed when somebody was told that it is
	done     chan struct{} // closed when all have their answers
	once     [2]sync.Once
	every    [3]chan struct{} // for those who do something now and then

	mu    sync.Mutex
	codes map[string]int // by path and code
}

// By every way to a place five hundred want one session: families for a child
// and for two, councils for them, the provider's own desk, series, baskets, those
// who move a date, files, those who wait in line and the job that offers them
// places, and a process without a desk; while bookings of it are cancelled and
// the provider changes its places. At every instant as many are taken as have a
// place; nobody meets a deadlock; and what is free in the end can be booked.
func TestRace_EveryWayToAPlaceAtOnce(t *testing.T) {
	const places, n = 60, 500
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = n
	o := w.publish(w.stars, d)
	r := &rush{world: w, o: o, old: o.Sessions[0].ID, one: o.Sessions[theOne].ID, won: make(chan uuid.UUID, 8*n), codes: map[string]int{}}
	r.full, r.done, r.every = make(chan struct{}), make(chan struct{}), [3]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)}
	r.setPlaces(t, places)
	work := r.work(n)
	r.contend(work, n)
	t.Log(r.codes)
	require.Greater(t, r.codes["look "], n/5)
	for _, path := range []string{"family", "siblings", "staff", "desk", "series or basket", "alone", "move", "import", "wait", "cancel"} {
		require.Positive(t, r.codes[path+" "], "nothing came of %s", path)
		if path != "wait" && path != "cancel" {
			require.Positive(t, r.codes[path+" session-full"], "nobody was too late by %s", path)
		}
	}

	// What comes free is offered to those who wait, and what is left can be had,
	// to the last.
	for _, id := range r.bookedIn(r.one, 20) {
		into[gen.Booking](r.practitioner.post("/v1/bookings/"+id.String()+"/cancellation", object{"reason": "plans_changed"}), http.StatusOK)
	}
	_, err := booking.OfferPlaces(w.ctx, w.d)
	require.NoError(t, err)
	r.acceptTwice(t, 5)
	for _, id := range r.crowdFor(r.one, places+10) {
		a := w.practitioner.post("/v1/bookings", toBook(gen.Quote{ID: id, TotalPence: 1200}), key(shortbreaks.NewID().String()))
		if a.status != http.StatusCreated {
			a.refused(http.StatusConflict, "session-full")
			break
		}
	}
	var taken, capacity int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT taken, capacity FROM session_places WHERE session_id = $1`, r.one).Scan(&taken, &capacity))
	require.Equal(t, capacity, taken)
	w.noDeadlock()
}

// noDeadlock requires that PostgreSQL had none to break.
func (w *world) noDeadlock() {
	w.t.Helper()
	var deadlocks int
	require.NoError(w.t, dbtest.Owner(w.t, w.d).QueryRow(w.ctx, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks))
	require.Zero(w.t, deadlocks)
}

// ways is how many kinds of work there are, waysEach how many clients do each;
// waitsInLine is the kind that begins when the session is full.
const ways, waysEach, waitsInLine = 8, 6, 6

// contend lets clients do each kind of work, while others cancel, change the
// places and offer what is free. Two of each kind come before all others, so
// that each kind gets some, but for those who wait in line.
func (r *rush) contend(work [ways][]func(c *client) error, waiting int) {
	r.waiting = int64(waiting)
	var first sync.WaitGroup
	first.Add(2 * (ways - 1))
	var queues [ways]chan func(*client) error
	for i, list := range work {
		queues[i] = make(chan func(*client) error, len(list))
		for _, f := range list {
			queues[i] <- f
		}
		close(queues[i])
		r.left.Add(int64(len(list)))
	}
	r.clients(ways*waysEach+5, r.practitioner, func(c *client) (err error) {
		defer func() {
			if err != nil {
				r.left.Store(-1 << 40) // nobody waits for those who never come
				r.answered()
			}
		}()
		switch c.number - ways*waysEach {
		case 0, 1:
			return r.cancels(c)
		case 2:
			return r.changesPlaces(c)
		case 3:
			return r.offers()
		case 4:
			return r.looks()
		}
		queue := queues[c.number%ways]
		if c.number < 2*ways && c.number%ways != waitsInLine {
			err := (<-queue)(c)
			r.answered()
			first.Done()
			if err != nil {
				return err
			}
		}
		first.Wait()
		for f := range queue {
			err := f(c)
			r.answered()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// answered counts an answer. Every twentieth lets places be offered and
// changed, every fifth lets them be counted.
func (r *rush) answered() {
	left := r.left.Add(-1)
	if left <= r.waiting {
		r.once[0].Do(func() { close(r.full) }) // it never was, which the test finds out
	}
	if left <= 0 {
		r.once[1].Do(func() { close(r.done) })
	}
	for n, c := range r.every {
		if left%[]int64{20, 20, 5}[n] == 0 {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}

// nowAndThen does something until all contenders are done.
func (r *rush) nowAndThen(n int, do func(i int) error) error {
	for i := 0; ; i++ {
		select {
		case <-r.done:
			return nil
		case <-r.every[n]:
			if err := untilThereIsTime(func() error { return do(i) }); err != nil {
				return err
			}
		}
	}
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
		r.once[0].Do(func() { close(r.full) })
	}
	return nil
}

func (r *rush) books(c *client, path string, pence int64, quotes ...uuid.UUID) error {
	list := make([]gen.Quote, len(quotes))
	for i, id := range quotes {
		list[i] = gen.Quote{ID: id, TotalPence: pence}
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
	var basket *booking.Basket
	err := untilThereIsTime(func() (err error) {
		basket, _, err = booking.Create(r.ctx, r.d, r.ash.Practitioner, booking.CreateBooking{Quotes: []booking.QuoteToBook{{QuoteID: quote, ExpectedTotalPence: 1200}}})
		return err
	})
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

// waits joins the line once the session is full.
func (r *rush) waits(c *client, child uuid.UUID) error {
	<-r.full
	o, err := c.do(http.MethodPost, "/v1/waitlist-entries", object{"child_id": child, "offer_id": r.o.Offer.ID, "session_id": r.one})
	if err != nil {
		return err
	}
	return r.note("wait", o.code)
}

// offers gives free places to those in line until all contenders are done.
func (r *rush) offers() error {
	return r.nowAndThen(0, func(int) error {
		_, err := booking.OfferPlaces(r.ctx, r.d)
		return err
	})
}

// cancels lets one of three keep what they have.
func (r *rush) cancels(c *client) error {
	for i := 0; ; i++ {
		select {
		case <-r.done:
			return nil
		case id := <-r.won:
			if i%3 == 0 {
				continue
			}
			code, err := c.cancel(id)
			if err != nil {
				return err
			}
			if err := r.note("cancel", code); err != nil {
				return err
			}
		}
	}
}

func (r *rush) changesPlaces(c *client) error {
	c.who = r.as(r.stars.Coordinator)
	last := r.o.Sessions[theOne].StartsAt.Format("2006-01-02")
	return r.nowAndThen(1, func(i int) error {
		o, err := c.do(http.MethodPost, "/v1/offers/"+r.o.Offer.ID.String()+"/session-changes", object{"from_date": last, "capacity": 55 + i%3*5})
		if err != nil {
			return err
		}
		return r.note("change", o.code)
	})
}

// looks counts what is taken, and for whom.
func (r *rush) looks() error {
	owner := dbtest.Owner(r.t, r.d)
	return r.nowAndThen(2, func(int) error {
		if err := r.look(r.ctx, owner, r.one, 70); err != nil {
			return err
		}
		return r.note("look", "")
	})
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
