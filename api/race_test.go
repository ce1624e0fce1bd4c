package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/budgets"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// outcome is one answer of a race.
type outcome struct {
	status int
	code   string
	body   []byte
	err    error
}

// race sends n requests over real connections, atOnce at a time, all released
// together, and holds every answer against the contract.
func (w *world) race(n, atOnce int, who caller, request func(i int) (method, path string, body any)) []outcome {
	w.t.Helper()
	server := httptest.NewServer(w.server.Handler())
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	outcomes := make([]outcome, n)
	work, start := make(chan int, n), make(chan struct{})
	for i := range n {
		work <- i
	}
	close(work)
	var group sync.WaitGroup
	for range atOnce {
		group.Add(1)
		go func() {
			defer group.Done()
			<-start
			for i := range work {
				method, path, body := request(i)
				// A server with more to do than it can says 503 and does nothing;
				// whoever asks tries again with the same key.
				o := outcome{status: http.StatusServiceUnavailable}
				for o.err == nil && o.status == http.StatusServiceUnavailable {
					o = w.send(client, server.URL, who, method, path, body, fmt.Sprint("race-", i))
				}
				outcomes[i] = o
			}
		}()
	}
	close(start)
	group.Wait()
	for i := range outcomes {
		require.NoError(w.t, outcomes[i].err)
	}
	return outcomes
}

func (w *world) send(client *http.Client, base string, who caller, method, path string, body any, idempotency string) outcome {
	text, err := json.Marshal(body)
	if err != nil {
		return outcome{err: err}
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequestWithContext(w.ctx, method, base+path, bytes.NewReader(text))
	if err != nil {
		return outcome{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+who.token)
	req.Header.Set("Idempotency-Key", idempotency)
	res, err := client.Do(req)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	got, err := io.ReadAll(res.Body)
	if err == nil {
		err = w.contract.CheckResponse(req, res.StatusCode, res.Header, got)
	}
	o := outcome{status: res.StatusCode, body: got, err: err}
	if res.StatusCode >= 400 && err == nil {
		var p gen.Problem
		o.err = json.Unmarshal(got, &p)
		o.code = p.Code
	}
	return o
}

// tally counts outcomes by status and code.
func tally(outcomes []outcome) map[string]int {
	counts := map[string]int{}
	for _, o := range outcomes {
		counts[fmt.Sprint(o.status, " ", o.code)]++
	}
	return counts
}

func winners(t *testing.T, outcomes []outcome) (won []gen.BookingItem) {
	t.Helper()
	for _, o := range outcomes {
		if o.status == http.StatusCreated {
			var b gen.Basket
			require.NoError(t, json.Unmarshal(o.body, &b))
			won = append(won, b.Bookings[0].Items...)
		}
	}
	return won
}

// upTo is 1 to n.
func upTo(n int64) (all []int64) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

func TestRace_FiveThousandForFiftyPlaces(t *testing.T) {
	const requests, places = 5000, 50
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = places
	o := w.publish(w.stars, d)
	quotes := w.crowd(w.mother.quote(w.sam, o, 1), requests)
	outcomes := w.race(requests, 64, w.practitioner, func(i int) (string, string, any) {
		return http.MethodPost, "/v1/bookings", toBook(gen.Quote{ID: quotes[i], TotalPence: 1200})
	})
	require.Equal(t, map[string]int{"201 ": places, "409 session-full": requests - places}, tally(outcomes))
	var seqs []int64
	for _, it := range winners(t, outcomes) {
		seqs = append(seqs, *it.PlaceSeq)
	}
	slices.Sort(seqs)
	require.Equal(t, upTo(places), seqs)
	require.Equal(t, 0, into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[0].PlacesLeft)
}

func TestRace_TwoHundredOnABalanceForTen(t *testing.T) {
	const requests, enough = 200, 10
	w := setup(t)
	require.NoError(t, w.build.Allocate(w.ctx, w.ash, w.sam, "social_care", payments.InPence, enough*1200, shortbreaks.Date(monday)))
	w.line(w.ash, budgets.NewPlanLine{ChildID: w.sam})
	var wants []object
	for range 3 { // a child takes a session once, so there must be many
		d := club()
		d.Sessions.Weekdays = []int{1, 2, 3, 4, 5, 6, 7}
		d.Sessions.LastDate = shortbreaks.Date(monday).AddDate(0, 2, 20)
		o := w.publish(w.stars, d)
		for _, id := range w.sessionsOf(o) {
			wants = append(wants, object{"child_id": w.sam, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{id}})
		}
	}
	require.GreaterOrEqual(t, len(wants), requests)
	quotes := make([]gen.Quote, requests)
	for i := range quotes {
		quotes[i] = into[gen.Quote](w.mother.post("/v1/quotes", wants[i]), http.StatusCreated)
	}
	outcomes := w.race(requests, 64, w.mother, func(i int) (string, string, any) {
		return http.MethodPost, "/v1/bookings", toBook(quotes[i])
	})
	require.Equal(t, map[string]int{"201 ": enough, "409 budget-too-low": requests - enough}, tally(outcomes))
	var seqs []int64
	for _, it := range winners(t, outcomes) {
		seqs = append(seqs, it.Holds[0].AccountSeq)
	}
	slices.Sort(seqs)
	require.Len(t, slices.Compact(slices.Clone(seqs)), enough)
	require.Equal(t, []int64{enough * 1200, 0, 0}, w.mother.money(w.sam))
}

func TestT07_TwoAcceptancesConfirmOnce(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, visits())
	for round := range 8 {
		b := w.mother.visit(w.sam, o, fmt.Sprintf("2027-01-1%dT10:00", round))
		require.Equal(t, gen.BookingStateRequested, b.State)
		outcomes := w.race(2, 2, w.as(w.stars.Owner), func(int) (string, string, any) {
			return http.MethodPost, "/v1/bookings/" + b.ID.String() + "/acceptance", nil
		})
		require.Equal(t, map[string]int{"200 ": 1, "409 wrong-state": 1}, tally(outcomes))
		require.Equal(t, gen.BookingStateConfirmed, into[gen.Booking](w.mother.get("/v1/bookings/"+b.ID.String()), 200).State)
	}
	require.Equal(t, []int64{8 * 7500, 0, 100_000 - 8*7500}, w.mother.money(w.sam))
}

func TestT07_TheSecondRequestForTheLastPlaceIsRefused(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	d := club()
	d.Instant, d.Sessions.Capacity = false, 1
	o := w.publish(w.stars, d)
	sam, rosa := w.mother.quote(w.sam, o, 1), w.mother.quote(w.rosa, o, 1)
	b := into[gen.Basket](w.mother.post("/v1/bookings", toBook(sam), key("a")), http.StatusCreated).Bookings[0]
	require.Equal(t, gen.BookingStateRequested, b.State)
	w.mother.post("/v1/bookings", toBook(rosa), key("b")).refused(http.StatusConflict, "session-full")
	into[gen.Booking](w.as(w.stars.Owner).post("/v1/bookings/"+b.ID.String()+"/decline", object{"reason": "Nobody is free."}), 200)
	require.Equal(t, http.StatusCreated, w.mother.post("/v1/bookings", toBook(rosa), key("c")).status)
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.sam))
}

// sessionsOf are all sessions of an offer; an answer shows the next fifty.
func (w *world) sessionsOf(o *marketplace.OfferDetail) []uuid.UUID {
	w.t.Helper()
	rows, err := dbtest.Owner(w.t, w.d).Query(w.ctx, `SELECT id FROM session WHERE offer_id = $1 ORDER BY starts_at`, o.Offer.ID)
	require.NoError(w.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(w.t, err)
	return ids
}

// crowdSQL copies a quote for many children of its family, each with a plan
// line and a budget of its own that was allocated as any budget is.
var crowdSQL = []string{
	`CREATE TEMP TABLE kid ON COMMIT DROP AS SELECT n, gen_random_uuid() AS child, gen_random_uuid() AS plan, gen_random_uuid() AS line,
		gen_random_uuid() AS account, gen_random_uuid() AS allocation, gen_random_uuid() AS posting, gen_random_uuid() AS quote
		FROM generate_series(1, $2::int) n, quote q WHERE q.id = $1`,
	`CREATE TEMP TABLE template ON COMMIT DROP AS SELECT q.authority_id, q.id AS quote, q.child_id AS child, l.id AS line, l.plan_id AS plan, a.id AS account
		FROM quote q
		JOIN plan_line l ON l.authority_id = q.authority_id AND l.child_id = q.child_id
		JOIN account a ON a.authority_id = q.authority_id AND a.child_id = q.child_id AND a.kind = 'budget'
		WHERE q.id = $1 AND $2 > 0`,
	`INSERT INTO child (authority_id, id, family_id, first_name, family_name, date_of_birth)
		SELECT c.authority_id, k.child, c.family_id, 'Kid' || k.n, c.family_name, c.date_of_birth
		FROM kid k, template t JOIN child c ON c.authority_id = t.authority_id AND c.id = t.child WHERE $1::uuid IS NOT NULL AND $2 > 0`,
	`INSERT INTO plan SELECT p.authority_id, k.plan, k.child, p.plan_type, p.created_at
		FROM kid k, template t JOIN plan p ON p.authority_id = t.authority_id AND p.id = t.plan WHERE $1::uuid IS NOT NULL AND $2 > 0`,
	`INSERT INTO plan_line SELECT (jsonb_populate_record(l, jsonb_build_object('id', k.line, 'plan_id', k.plan, 'child_id', k.child))).*
		FROM kid k, template t JOIN plan_line l ON l.authority_id = t.authority_id AND l.id = t.line WHERE $1::uuid IS NOT NULL AND $2 > 0`,
	`INSERT INTO account SELECT (jsonb_populate_record(a, jsonb_build_object('id', k.account, 'child_id', k.child))).*
		FROM kid k, template t JOIN account a ON a.authority_id = t.authority_id AND a.id = t.account WHERE $1::uuid IS NOT NULL AND $2 > 0`,
	`INSERT INTO allocation SELECT (jsonb_populate_record(a, jsonb_build_object('id', k.allocation, 'child_id', k.child, 'account_id', k.account))).*
		FROM kid k, template t JOIN allocation a ON a.authority_id = t.authority_id AND a.account_id = t.account WHERE $1::uuid IS NOT NULL AND $2 > 0`,
	`INSERT INTO ledger_transaction SELECT (jsonb_populate_record(x, jsonb_build_object('id', k.posting, 'source_id', k.allocation))).*
		FROM kid k, template t
		JOIN allocation a ON a.authority_id = t.authority_id AND a.account_id = t.account
		JOIN ledger_transaction x ON x.authority_id = t.authority_id AND x.source_id = a.id WHERE $1::uuid IS NOT NULL AND $2 > 0`,
	`INSERT INTO ledger_entry SELECT (jsonb_populate_record(e, jsonb_build_object('transaction_id', k.posting,
			'account_id', CASE e.account_id WHEN t.account THEN k.account ELSE e.account_id END))).*
		FROM kid k, template t
		JOIN allocation a ON a.authority_id = t.authority_id AND a.account_id = t.account
		JOIN ledger_transaction x ON x.authority_id = t.authority_id AND x.source_id = a.id
		JOIN ledger_entry e ON e.authority_id = x.authority_id AND e.transaction_id = x.id WHERE $1::uuid IS NOT NULL AND $2 > 0`,
	`INSERT INTO quote SELECT (jsonb_populate_record(q, jsonb_build_object('id', k.quote, 'child_id', k.child,
			'document', replace(replace(q.document::text, t.line::text, k.line::text), t.account::text, k.account::text)::jsonb))).*
		FROM kid k, template t JOIN quote q ON q.authority_id = t.authority_id AND q.id = t.quote WHERE $1::uuid IS NOT NULL AND $2 > 0`,
}

// crowd copies a quote n times, each for a child with money of its own: five
// thousand through the front door would take minutes.
func (w *world) crowd(template gen.Quote, n int) (quotes []uuid.UUID) {
	w.t.Helper()
	err := pgx.BeginFunc(w.ctx, dbtest.Owner(w.t, w.d), func(tx pgx.Tx) error {
		for _, statement := range crowdSQL {
			if _, err := tx.Exec(w.ctx, statement, template.ID, n); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		rows, err := tx.Query(w.ctx, `SELECT quote FROM kid ORDER BY n`)
		if err != nil {
			return err
		}
		quotes, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	require.NoError(w.t, err)
	require.Len(w.t, quotes, n)
	return quotes
}
