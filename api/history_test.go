package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/budgets"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/payments"
)

// Many clients at once, each over its own connection: what each of them was
// told is written down with when it asked and when it heard, and there must be
// one order of all requests, no later than heard and no sooner than asked, in
// which every answer is right. Nothing but the answers is looked at.

// history is what clients were told, in the order of one clock.
type history struct {
	mu    sync.Mutex
	clock atomic.Int64
	told  []porcupine.Operation
}

// ask is what a request was about: a session, an account or a booking.
type ask struct {
	of   string
	what string
}

// heard is what came of it. seq is the ordinal of a place or a hold.
type heard struct {
	code string
	seq  int64
}

func (h *history) note(client int, a ask, call func() heard) {
	from := h.clock.Add(1)
	out := call()
	to := h.clock.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, porcupine.Operation{ClientId: client, Input: a, Call: from, Output: out, Return: to})
}

// linear requires that the history has such an order, thing by thing.
func (h *history) linear(t *testing.T, what string, model porcupine.Model) {
	t.Helper()
	model.Partition = func(all []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, o := range all {
			by[o.Input.(ask).of] = append(by[o.Input.(ask).of], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range by {
			parts = append(parts, part)
		}
		return parts
	}
	require.NotEmpty(t, h.told)
	result := porcupine.CheckOperationsTimeout(model, h.told, 5*time.Minute)
	require.Equal(t, porcupine.Ok, result, "the answers about %s have no order in which they are right", what)
}

// counter is how much of something is taken, and the ordinal of the last taking.
type counter struct{ taken, seq int64 }

// takesUpTo is a thing of which some may be taken: each taking has the next
// ordinal, and it is refused only when too little is left.
func takesUpTo(capacity, each int64, refusal string) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return counter{} },
		Step: func(state, input, output any) (bool, any) {
			c, in, out := state.(counter), input.(ask), output.(heard)
			switch {
			case in.what == "cancel":
				return out.code == "" && c.taken >= each, counter{c.taken - each, c.seq}
			case out.code == "":
				return c.taken+each <= capacity && out.seq == c.seq+1, counter{c.taken + each, c.seq + 1}
			}
			return out.code == refusal && c.taken+each > capacity, c
		},
	}
}

// client sends requests and reads what it needs to know.
type client struct {
	w      *world
	http   *http.Client
	base   string
	who    caller
	number int
	random *rand.Rand
}

// clients run f at the same moment, each with its own connection.
func (w *world) clients(n int, who caller, f func(c *client) error) {
	w.t.Helper()
	server := httptest.NewServer(w.server.Handler())
	defer server.Close()
	shared := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n}}
	defer shared.CloseIdleConnections()
	var group sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		group.Go(func() {
			errs[i] = f(&client{w, shared, server.URL, who, i, rand.New(rand.NewPCG(7, uint64(i)))}) //nolint:gosec // a test's
		})
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(w.t, err)
	}
}

// do asks until the server has time for it.
func (c *client) do(method, path string, body any) (outcome, error) {
	key := shortbreaks.NewID().String()
	for {
		o := c.w.send(c.http, c.base, c.who, method, path, body, key)
		if o.err != nil || o.status != http.StatusServiceUnavailable {
			return o, o.err
		}
	}
}

func (c *client) quote(child, offer, session uuid.UUID) (q gen.Quote, err error) {
	o, err := c.do(http.MethodPost, "/v1/quotes", object{"child_id": child, "offer_id": offer, "session_ids": []uuid.UUID{session}})
	if err == nil && o.status != http.StatusCreated {
		err = fmt.Errorf("a quote was refused: %s", o.body)
	}
	if err == nil {
		err = json.Unmarshal(o.body, &q)
	}
	return q, err
}

func (c *client) book(q gen.Quote) (b *gen.Booking, code string, err error) {
	o, err := c.do(http.MethodPost, "/v1/bookings", toBook(q))
	if err != nil || o.status != http.StatusCreated {
		return nil, o.code, err
	}
	var basket gen.Basket
	if err := json.Unmarshal(o.body, &basket); err != nil {
		return nil, "", err
	}
	return &basket.Bookings[0], "", nil
}

func (c *client) cancel(booking uuid.UUID) (code string, err error) {
	o, err := c.do(http.MethodPost, "/v1/bookings/"+booking.String()+"/cancellation", object{"reason": "plans_changed"})
	return o.code, err
}

// children are those of a crowd's quotes.
func (w *world) childrenOf(quotes []uuid.UUID) (children []uuid.UUID) {
	w.t.Helper()
	rows, err := dbtest.Owner(w.t, w.d).Query(w.ctx, `SELECT child_id FROM quote WHERE id = ANY ($1) ORDER BY child_id`, quotes)
	require.NoError(w.t, err)
	for rows.Next() {
		var id uuid.UUID
		require.NoError(w.t, rows.Scan(&id))
		children = append(children, id)
	}
	require.NoError(w.t, rows.Err())
	return children
}

// rounds is how often each client asks; more in `make torture`.
func rounds(n int) int {
	if os.Getenv("SHORTBREAKS_TORTURE") != "" {
		return 10 * n
	}
	return n
}

func TestT01_WhatManyAreToldAboutPlacesHasOneRightOrder(t *testing.T) {
	const places, families = 3, 12
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = places
	o := w.publish(w.stars, d)
	children := w.childrenOf(w.crowd(w.mother.quote(w.sam, o, 1), families))
	var h history
	w.clients(families, w.practitioner, func(c *client) error {
		booked := map[uuid.UUID]uuid.UUID{}
		for range rounds(16) {
			session := o.Sessions[c.random.IntN(2)].ID
			about := ask{of: session.String(), what: "book"}
			var err error
			if mine, ok := booked[session]; ok {
				about.what = "cancel"
				h.note(c.number, about, func() (out heard) {
					out.code, err = c.cancel(mine)
					return out
				})
				delete(booked, session)
			} else {
				var q gen.Quote
				if q, err = c.quote(children[c.number], o.Offer.ID, session); err != nil {
					return err
				}
				h.note(c.number, about, func() (out heard) {
					var b *gen.Booking
					if b, out.code, err = c.book(q); b != nil {
						booked[session], out.seq = b.ID, *b.Items[0].PlaceSeq
					}
					return out
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	h.linear(t, "places", takesUpTo(places, 1, "session-full"))
}

func TestT02_WhatManyAreToldAboutOneBudgetHasOneRightOrder(t *testing.T) {
	const enough, helpers = 3, 8
	w := setup(t)
	require.NoError(t, w.build.Allocate(w.ctx, w.ash, w.sam, "social_care", payments.InPence, enough*1200+500, shortbreaks.Date(monday)))
	w.line(w.ash, budgets.NewPlanLine{ChildID: w.sam})
	d := club()
	d.Sessions.Weekdays = []int{1, 2, 3, 4, 5, 6, 7}
	o := w.publish(w.stars, d)
	sessions := w.sessionsOf(o)
	require.GreaterOrEqual(t, len(sessions), 2*helpers)
	var h history
	w.clients(helpers, w.mother, func(c *client) error {
		booked := map[uuid.UUID]uuid.UUID{}
		for range rounds(14) {
			session := sessions[2*c.number+c.random.IntN(2)] // its own: a child takes a session once
			about := ask{of: "the account", what: "book"}
			var err error
			if mine, ok := booked[session]; ok {
				about.what = "cancel"
				h.note(c.number, about, func() (out heard) {
					out.code, err = c.cancel(mine)
					return out
				})
				delete(booked, session)
			} else {
				var q gen.Quote
				if q, err = c.quote(w.sam, o.Offer.ID, session); err != nil {
					return err
				}
				h.note(c.number, about, func() (out heard) {
					var b *gen.Booking
					if b, out.code, err = c.book(q); b != nil {
						booked[session], out.seq = b.ID, b.Items[0].Holds[0].AccountSeq
					}
					return out
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	h.linear(t, "the budget", takesUpTo(enough*1200+500, 1200, "budget-too-low"))
}

// A request is answered once: yes, no or never mind (T07). A yes may still be
// cancelled.
func TestT07_WhatManyAreToldAboutOneRequestHasOneRightOrder(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := visits()
	d.Tariff.Options[0].Charges[0] = charge("support", "hour", 300) // a hundred visits are within the plan
	o := w.publish(w.stars, d)
	var requests []uuid.UUID
	for n := range rounds(10) {
		at := time.Date(2027, 2, 1+n%50, 9+2*(n/50), 0, 0, 0, time.UTC)
		requests = append(requests, w.mother.visit(w.sam, o, at.Format("2006-01-02T15:04")).ID)
	}
	var h history
	provider := w.as(w.stars.Owner)
	w.clients(4, w.mother, func(c *client) error {
		moves := []string{"acceptance", "decline", "cancellation"}
		for _, id := range requests {
			move := moves[c.random.IntN(len(moves))]
			body := object{"reason": "plans_changed"}
			if c.who = provider; move == "cancellation" {
				c.who = w.mother
			}
			if move == "acceptance" {
				body = nil
			}
			var err error
			h.note(c.number, ask{of: id.String(), what: move}, func() heard {
				var o outcome
				o, err = c.do(http.MethodPost, "/v1/bookings/"+id.String()+"/"+move, bodyOrNone(body))
				return heard{code: o.code}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	h.linear(t, "requests", porcupine.Model{
		Init: func() any { return "requested" },
		Step: func(state, input, output any) (bool, any) {
			can := map[string]bool{"requested acceptance": true, "requested decline": true, "requested cancellation": true, "acceptance cancellation": true}
			move, worked := input.(ask).what, output.(heard).code == ""
			if !can[state.(string)+" "+move] {
				return !worked, state
			}
			return worked, move
		},
	})
}

func bodyOrNone(o object) any {
	if o == nil {
		return nil
	}
	return o
}

// Places that are given back and taken again, two thousand times: at every
// instant as many are taken as bookings have a place, and never more than
// there are.
func TestRace_CancellingAndBookingAgainTwoThousandTimes(t *testing.T) {
	const cycles, places, atOnce = 2000, 14, 16
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = places
	o := w.publish(w.stars, d)
	quotes := make(chan uuid.UUID, cycles)
	for _, id := range w.crowd(w.mother.quote(w.sam, o, 1), cycles) {
		quotes <- id
	}
	close(quotes)
	again, freed, watched := make(chan struct{}, 1), make(chan struct{}, 1), make(chan error, 1)
	go func() { watched <- w.watch(again, o.Sessions[0].ID, places) }()
	var full, done atomic.Int64
	w.clients(atOnce, w.practitioner, func(c *client) error {
		for id := range quotes {
			b, code, err := c.book(gen.Quote{ID: id, TotalPence: 1200})
			for b == nil && err == nil && code == "session-full" {
				full.Add(1)
				<-freed // whoever has a place gives it back
				b, code, err = c.book(gen.Quote{ID: id, TotalPence: 1200})
			}
			if err != nil || b == nil {
				return fmt.Errorf("booking: %s %w", code, err)
			}
			if code, err := c.cancel(b.ID); err != nil || code != "" {
				return fmt.Errorf("cancelling: %s %w", code, err)
			}
			tell(freed)
			if done.Add(1)%8 == 0 {
				tell(again)
			}
		}
		return nil
	})
	close(again)
	require.NoError(t, <-watched)
	require.Positive(t, full.Load(), "nobody had to wait for a place: this shows nothing")
	require.Zero(t, into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[0].PlacesLeft-places)
}

// sqlTakenAndLive is what is taken of a session, and for whom: bookings and
// those who do not book here.
const sqlTakenAndLive = `SELECT p.taken, (SELECT count(*) FROM booking_item i WHERE i.provider_id = p.provider_id AND i.session_id = p.session_id AND item_is_live(i.state))
	+ (SELECT count(*) FROM outside_place o WHERE o.provider_id = p.provider_id AND o.session_id = p.session_id AND o.state = 'live') AS live
	FROM session_places p`

// tell wakes one who waits, or whoever is next to.
func tell(waits chan<- struct{}) {
	select {
	case waits <- struct{}{}:
	default: // it has been told
	}
}

// watch looks at a session whenever it is told to, until nobody tells it any
// more; looking all the time would take a core from those it watches.
func (w *world) watch(again <-chan struct{}, session uuid.UUID, places int) error {
	owner := dbtest.Owner(w.t, w.d)
	var wrong error
	for range again {
		wrong = errors.Join(wrong, w.look(w.ctx, owner, session, places))
	}
	return errors.Join(wrong, w.look(w.ctx, owner, session, places))
}

// look finds as many places taken as bookings and others have one, and no more
// than there are.
func (w *world) look(ctx context.Context, owner *pgxpool.Pool, session uuid.UUID, places int) error {
	var taken, live int
	if err := owner.QueryRow(ctx, sqlTakenAndLive+` WHERE p.session_id = $1`, session).Scan(&taken, &live); err != nil {
		return err
	}
	if taken != live || taken > places {
		return fmt.Errorf("%d places of %d taken by %d bookings", taken, places, live)
	}
	return nil
}
