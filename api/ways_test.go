package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
)

// work is n contenders by each way, each with children of its own.
func (r *rush) work(n int) (work [ways][]func(c *client) error) {
	mothers, theirs := r.mothers(n)
	staff, alone := r.crowdFor(r.one, n+n/2), r.crowdFor(r.one, n)
	series := r.crowd(r.series(theOne), n*4/5)
	named := r.childrenOf(r.crowdFor(r.one, n+2*(n-len(series))))
	moves, waiting := r.movers(n), r.childrenOf(r.crowdFor(r.one, n))
	for i := range n {
		work[0] = append(work[0], func(c *client) error {
			c.who = mothers[i%len(mothers)]
			return r.books(c, "family", 1200, theirs[i])
		})
		if i%2 == 0 {
			work[1] = append(work[1], func(c *client) error { return r.books(c, "siblings", 1200, staff[n+i/2], staff[i]) })
		} else {
			work[1] = append(work[1], func(c *client) error { return r.books(c, "staff", 1200, staff[i]) })
		}
		work[2] = append(work[2], func(c *client) error { return r.takesOutside(c, i) })
		if i%5 != 0 {
			work[3] = append(work[3], func(c *client) error { return r.books(c, "series or basket", 4800, series[i-i/5-1]) })
		} else {
			two := named[n+2*i/5:]
			work[3] = append(work[3], func(c *client) error { return r.booksBasket(c, two[0], two[1]) })
		}
		work[4] = append(work[4], func(c *client) error { return r.moves(c, moves[i]) })
		work[5] = append(work[5], func(c *client) error { return r.imports(c, i, named[i]) })
		work[waitsInLine] = append(work[waitsInLine], func(c *client) error { return r.waits(c, waiting[i]) })
		work[7] = append(work[7], func(*client) error { return r.booksAlone(alone[i]) })
	}
	return work
}

// mothers are twenty, who share n children with a quote each among them: the
// ith is the (i mod 20)th's.
func (r *rush) mothers(n int) (who []caller, quotes []uuid.UUID) {
	quotes = r.crowdFor(r.one, n)
	owner := dbtest.Owner(r.t, r.d)
	for i := range 20 {
		home := r.family(r.ash, fmt.Sprint("rush", i), []string{"First"}, fmt.Sprint("rush", i))
		var hers []uuid.UUID
		for j := i; j < n; j += 20 {
			hers = append(hers, quotes[j])
		}
		_, err := owner.Exec(r.ctx, `WITH kid AS (
				UPDATE child c SET family_id = $1 FROM quote q WHERE q.id = ANY ($2) AND c.authority_id = q.authority_id AND c.id = q.child_id RETURNING c.id)
			INSERT INTO role_grant SELECT (jsonb_populate_record(g, jsonb_build_object('id', gen_random_uuid(), 'child_id', kid.id))).*
			FROM kid, role_grant g WHERE g.person_id = $3 AND g.child_id = $4`, home.ID, hers, home.Parents[0].Person, home.Children[0].ID)
		require.NoError(r.t, err)
		who = append(who, r.as(home.Parents[0]))
	}
	return who, quotes
}

// series is a quote of the four Saturdays that end with the nth.
func (r *rush) series(nth int) gen.Quote {
	return *into[gen.SeriesQuote](r.mother.post("/v1/series-quotes", everySaturday(r.sam, r.o, nth-3, nth)), http.StatusOK).Quote
}

func (r *rush) takesOutside(c *client, n int) error {
	c.who = r.as(r.stars.Coordinator)
	o, err := c.do(http.MethodPost, "/v1/outside-places", object{"session_ids": []uuid.UUID{r.one}, "reference": fmt.Sprint("Form ", n)})
	if err != nil {
		return err
	}
	return r.note("desk", o.code)
}

func (r *rush) booksBasket(c *client, one, other uuid.UUID) error {
	o, err := c.do(http.MethodPost, "/v1/baskets", lines(line(one, r.o, theOne, 1200), line(other, r.o, theOne, 1200)))
	if err != nil {
		return err
	}
	return r.note("series or basket", o.code)
}

// imports sends a file of one row.
func (r *rush) imports(c *client, n int, child uuid.UUID) error {
	file := strings.Replace(bookingsOf([]uuid.UUID{child}, r.o.Sessions[theOne]), "A-0", fmt.Sprint("A-", n), 1)
	o, err := c.imports(file, fmt.Sprint("import-", n))
	if err != nil {
		return err
	}
	return r.note("import", o.code)
}

// dated is a date that is booked and the quote it shall be moved by.
type dated struct{ item, quote uuid.UUID }

func (r *rush) moves(c *client, m dated) error {
	o, err := c.do(http.MethodPost, "/v1/booking-items/"+m.item.String()+"/move", object{"quote_id": m.quote, "expected_total_pence": 1200})
	if err != nil {
		return err
	}
	return r.note("move", o.code)
}

// movers have another session booked and a quote of the one wanted.
func (r *rush) movers(n int) []dated {
	booked := r.crowdFor(r.old, n)
	to := into[gen.Quote](r.mother.post("/v1/quotes", object{"child_id": r.sam, "offer_id": r.o.Offer.ID, "session_ids": []uuid.UUID{r.one}}), http.StatusCreated)
	for _, o := range r.race(n, 32, r.practitioner, func(i int) (string, string, any) {
		return http.MethodPost, "/v1/bookings", toBook(gen.Quote{ID: booked[i], TotalPence: 1200})
	}) {
		require.Equal(r.t, http.StatusCreated, o.status, "%s", o.body)
	}
	// The second quote is for the same children, paid from the same lines.
	rows, err := dbtest.Owner(r.t, r.d).Query(r.ctx, `WITH made AS (
			INSERT INTO quote SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'child_id', b.child_id, 'document',
				replace(replace(t.document::text, tl.id::text, l.id::text), ta.id::text, a.id::text)::jsonb))).*
			FROM quote t, booking b
			JOIN plan_line l ON l.authority_id = b.authority_id AND l.child_id = b.child_id
			JOIN account a ON a.authority_id = b.authority_id AND a.child_id = b.child_id AND a.kind = 'budget',
				plan_line tl, account ta
			WHERE t.id = $1 AND b.quote_id = ANY ($2) AND tl.child_id = t.child_id AND ta.child_id = t.child_id AND ta.kind = 'budget'
			RETURNING id, child_id, authority_id)
		SELECT i.id, m.id FROM made m JOIN booking_item i ON i.authority_id = m.authority_id AND i.child_id = m.child_id`, to.ID, booked)
	require.NoError(r.t, err)
	moves, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m dated, err error) { return m, row.Scan(&m.item, &m.quote) })
	require.NoError(r.t, err)
	require.Len(r.t, moves, n)
	return moves
}

// acceptTwice says yes twice at once to everything that is offered, to at least
// so many: each yes counts once.
func (r *rush) acceptTwice(t *testing.T, atLeast int) {
	t.Helper()
	rows, err := dbtest.Owner(t, r.d).Query(r.ctx, `SELECT id FROM waitlist_entry WHERE session_id = $1 AND state = 'offered'`, r.one)
	require.NoError(t, err)
	offered, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(offered), atLeast)
	var mu sync.Mutex
	var heard []outcome
	r.clients(2, r.practitioner, func(c *client) error {
		for _, id := range offered {
			o, err := c.do(http.MethodPost, "/v1/waitlist-entries/"+id.String()+"/acceptance", nil)
			if err != nil {
				return err
			}
			mu.Lock()
			heard = append(heard, o)
			mu.Unlock()
		}
		return nil
	})
	require.Equal(t, map[string]int{"200 ": len(offered), "409 wrong-state": len(offered)}, tally(heard))
}
