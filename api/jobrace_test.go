package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// untilThereIsTime does something again as long as the database is too busy for
// it, as whoever is told so would: nothing was done. Deadlocks are counted by
// PostgreSQL.
func untilThereIsTime(do func() error) error {
	for {
		if err := do(); err == nil || !db.Unavailable(err) {
			return err
		}
	}
}

// everyWhile does something again and again until stop is closed, once at least.
func everyWhile(stop <-chan struct{}, do func() error) error {
	for {
		if err := untilThereIsTime(do); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		default:
		}
	}
}

// beside runs work beside f until f has ended.
func beside(t *testing.T, f func(), work ...func() error) {
	t.Helper()
	stop := make(chan struct{})
	errs := make([]error, len(work))
	var group sync.WaitGroup
	for i, do := range work {
		group.Go(func() { errs[i] = everyWhile(stop, do) })
	}
	f()
	close(stop)
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// findsNone is a look at all sessions: sql finds those where something is wrong.
func (w *world) findsNone(looks *atomic.Int64, sql string) func() error {
	owner := dbtest.Owner(w.t, w.d)
	return func() error {
		looks.Add(1)
		var wrong *string
		err := owner.QueryRow(w.ctx, `SELECT string_agg(x::text, ' ') FROM (`+sql+`) x`).Scan(&wrong)
		if err == nil && wrong != nil {
			err = fmt.Errorf("it is wrong: %s", *wrong)
		}
		return err
	}
}

// Five hundred book and cancel places of seven groups while three jobs decide
// on them, before and after the time comes: two groups are too small, which all
// who are in them are told together, and what runs is never oversold.
func TestRace_GroupsAreDecidedWhileFiveHundredComeAndGo(t *testing.T) {
	const contenders, capacity, minimum = 500, 25, 20
	w := setup(t)
	w.fund(w.ash, w.sam)
	var offers []*marketplace.OfferDetail
	for i := range 7 {
		d := club()
		d.Sessions.LastDate = d.Sessions.FirstDate
		d.Sessions.Capacity = capacity
		d.Sessions.Minimum = &marketplace.MinimumDraft{Places: minimum, DecideHoursBefore: 24, ConfirmEarly: i < 2}
		offers = append(offers, w.publish(w.stars, d))
	}
	decideAt := offers[0].Sessions[0].StartsAt.Add(-24 * time.Hour)
	w.clock.Set(decideAt.Add(-10 * time.Minute))
	mother, staff := w.as(w.oakley.Parents[0]), w.as(w.ash.Practitioner)
	quotes := make(chan uuid.UUID, contenders)
	of := make([][]uuid.UUID, len(offers))
	for i, o := range offers {
		of[i] = w.crowd(mother.quote(w.sam, o, 1), map[bool]int{true: 10, false: 96}[i >= 5])
	}
	for i := range 96 {
		for j := range offers {
			switch {
			case j < 5:
				quotes <- of[j][i]
			case i%10 == 5:
				quotes <- of[j][i/10]
			}
		}
	}
	close(quotes)
	var looks, answered, cancelled, full, closed atomic.Int64
	decide := func() error { _, err := booking.DecideGroups(w.ctx, w.d); return err }
	beside(t, func() {
		w.clients(24, staff, func(c *client) error {
			for id := range quotes {
				b, code, err := c.book(gen.Quote{ID: id, TotalPence: 1200})
				n := answered.Add(1)
				if n == contenders/2 {
					w.clock.Set(decideAt)
				}
				switch {
				case err != nil:
					return err
				case code == "session-full":
					full.Add(1)
				case code == "offer-closed":
					closed.Add(1)
				case b == nil:
					return fmt.Errorf("a place in a group is refused: %s", code)
				case n%3 == 0:
					if code, err := c.cancel(b.ID); err != nil || (code != "" && code != "wrong-state") {
						return fmt.Errorf("cancelling: %s %w", code, err)
					}
					cancelled.Add(1)
				}
			}
			return nil
		})
	}, decide, decide, decide, w.findsNone(&looks, sqlWrongGroups))
	require.NoError(t, decide())
	t.Log("looks", looks.Load(), "cancelled", cancelled.Load(), "full", full.Load(), "closed", closed.Load())
	require.Positive(t, min(cancelled.Load(), full.Load(), closed.Load()))
	owner := dbtest.Owner(t, w.d)
	runs := 0
	for i, o := range offers {
		var live, confirmed, taken int
		var state string
		require.NoError(t, owner.QueryRow(w.ctx, `SELECT s.state, p.taken, count(*) FILTER (WHERE item_is_live(i.state)), count(*) FILTER (WHERE i.state = 'confirmed')
			FROM session s JOIN session_places p ON p.provider_id = s.provider_id AND p.session_id = s.id
			JOIN booking_item i ON i.provider_id = s.provider_id AND i.session_id = s.id WHERE s.id = $1 GROUP BY 1, 2`, o.Sessions[0].ID).
			Scan(&state, &taken, &live, &confirmed))
		require.Equal(t, []int{taken, taken}, []int{live, confirmed}, "all are confirmed or none")
		require.Equal(t, state == "scheduled", taken > 0)
		require.False(t, i >= 5 && taken > 0, "too small a group")
		if taken > 0 {
			runs++
		}
	}
	require.Positive(t, runs)
	w.noDeadlock()
}

// sqlWrongGroups are sessions with other places taken than live, and groups
// some of whom were told no while others wait or have yes.
const sqlWrongGroups = `SELECT * FROM (` + sqlTakenAndLive + `) n WHERE taken <> live
	UNION ALL SELECT 0, count(*) FROM booking_item GROUP BY session_id
	HAVING bool_or(state = 'cancelled_by_provider') AND bool_or(item_is_live(state))`

// Five hundred children are in a round, and as many want the ordinary places
// of its sessions, by families' staff, files and the provider's own desk, while
// three servers run the round at once and the provider changes the places. The
// round gives out exactly what it kept, once; all that is taken has somebody;
// and what is kept and what can be booked are never more than there is.
func TestRace_ARoundIsRunWhileFiveHundredBookByTheOtherDoors(t *testing.T) {
	const contenders, capacity, kept, sessions = 500, 30, 20, 3
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity, d.Sessions.LastDate = capacity, d.Sessions.FirstDate.AddDate(0, 0, 7*(sessions-1))
	o := w.publish(w.stars, d)
	template := w.mother.quote(w.sam, o, 1)
	children := w.childrenOf(w.crowd(template, contenders))
	var list []object
	var ids []uuid.UUID
	for _, s := range o.Sessions {
		list, ids = append(list, object{"session_id": s.ID, "places": kept}), append(ids, s.ID)
	}
	r := into[gen.AllocationRound](w.as(w.stars.Owner).post("/v1/allocation-rounds", object{
		"offer_id": o.Offer.ID, "opens_at": w.clock.Now(), "closes_at": w.clock.Now().Add(time.Hour), "groups": []string{"new_here"},
		"siblings_together": false, "words": "Fair for all.", "sessions": list,
	}), http.StatusCreated)
	entered := w.race(contenders, 32, w.practitioner, func(i int) (string, string, any) {
		wish := func(n int) object { return object{"session_ids": []uuid.UUID{ids[(i+n)%sessions]}} }
		return http.MethodPut, "/v1/allocation-rounds/" + r.ID.String() + "/entries/" + children[i].String(), object{"wishes": []object{wish(0), wish(1), wish(2)}}
	})
	require.Equal(t, map[string]int{"200 ": contenders}, tally(entered))
	w.clock.Advance(time.Hour)
	mother, staff, desk := w.as(w.oakley.Parents[0]), w.as(w.ash.Practitioner), w.as(w.stars.Coordinator)
	var quotes []uuid.UUID
	for n := range sessions {
		q := into[gen.Quote](mother.post("/v1/quotes", object{"child_id": w.sam, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{ids[n]}}), http.StatusCreated)
		quotes = append(quotes, w.crowd(q, 100)...)
	}
	named := w.childrenOf(w.crowd(template, 100))
	work := make(chan int, contenders)
	for i := range contenders {
		work <- i * 7 % contenders // the ways mixed
	}
	close(work)
	var looks, ended, booked atomic.Int64
	begin := make(chan struct{})
	var once sync.Once
	run := func() error {
		<-begin
		n, err := booking.RunRounds(w.ctx, w.d)
		ended.Add(int64(n))
		return err
	}
	places := 0
	change := func() error {
		places++
		err := w.setCapacity(o, capacity-places%3)
		if err != nil && codeOf(err) == "capacity-below-taken" {
			return nil
		}
		return err
	}
	beside(t, func() {
		defer once.Do(func() { close(begin) })
		w.clients(24, staff, func(c *client) error {
			for i := range work {
				o, err := c.byAnotherDoor(i, o, ids, quotes, named, desk)
				if err != nil || (o.code != "" && o.code != "session-full") {
					return fmt.Errorf("by another door: %s %w", o.body, err)
				}
				if o.code == "" && booked.Add(1) == 10 {
					once.Do(func() { close(begin) })
				}
			}
			return nil
		})
	}, run, run, run, change, w.findsNone(&looks, `SELECT * FROM (`+sqlTakenAndLive+`) n WHERE taken <> live
		UNION ALL SELECT p.capacity, k.places FROM session_places p JOIN allocation_place k USING (provider_id, session_id) WHERE k.kept AND p.capacity + k.places > `+fmt.Sprint(capacity)))
	require.EqualValues(t, 1, ended.Load())
	t.Log("looks", looks.Load(), "booked by other doors", booked.Load(), "changes", places)
	owner := dbtest.Owner(t, w.d)
	states := map[string]int{}
	rows, err := owner.Query(w.ctx, `SELECT state, count(*) FROM allocation_entry GROUP BY 1`)
	require.NoError(t, err)
	for rows.Next() {
		var state string
		var n int
		require.NoError(t, rows.Scan(&state, &n))
		states[state] = n
	}
	require.NoError(t, rows.Err())
	require.Equal(t, map[string]int{"placed": sessions * kept, "waiting": contenders - sessions*kept}, states)
	require.NoError(t, w.setCapacity(o, capacity))
	for { // those who wait have what is left
		n, err := booking.OfferPlaces(w.ctx, w.d)
		require.NoError(t, err)
		if n == 0 {
			break
		}
	}
	for _, s := range into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions {
		require.Zero(t, s.PlacesLeft)
	}
	w.noDeadlock()
}

// byAnotherDoor wants a place by other ways than the round.
func (c *client) byAnotherDoor(i int, o *marketplace.OfferDetail, ids, quotes, named []uuid.UUID, desk caller) (outcome, error) {
	staff := c.who
	defer func() { c.who = staff }()
	switch i % 5 {
	case 0:
		c.who = desk
		return c.do(http.MethodPost, "/v1/outside-places", object{"session_ids": []uuid.UUID{ids[i%len(ids)]}, "reference": fmt.Sprint("Form ", i)})
	case 1:
		file := strings.Replace(bookingsOf([]uuid.UUID{named[i/5]}, o.Sessions[i%len(ids)]), "A-0", fmt.Sprint("A-", i), 1)
		return c.imports(file, fmt.Sprint("import-", i))
	}
	return c.do(http.MethodPost, "/v1/bookings", toBook(gen.Quote{ID: quotes[i/5*3+i%5-2], TotalPence: 1200}))
}

// imports sends a file. It is refused as a whole, with what is wrong with each
// row: one that is full is told as that.
func (c *client) imports(file, key string) (o outcome, err error) {
	o.status = http.StatusServiceUnavailable
	for o.err == nil && o.status == http.StatusServiceUnavailable {
		o = c.w.sendOne(c.base, sending{c.who, "/v1/booking-imports", []byte(file), key})
	}
	if text := string(o.body); o.code == "invalid" && (strings.Contains(text, "is full") || strings.Contains(text, "to the families who wait for it")) {
		o.code = "session-full"
	}
	return o, o.err
}

// setCapacity lets all sessions of an offer have so many places.
func (w *world) setCapacity(o *marketplace.OfferDetail, n int) error {
	_, err := marketplace.ChangeSessions(w.ctx, w.d, w.stars.Coordinator, marketplace.SessionChange{
		OfferID: o.Offer.ID, From: shortbreaks.Date(o.Sessions[0].StartsAt), Capacity: &n,
	})
	return err
}
