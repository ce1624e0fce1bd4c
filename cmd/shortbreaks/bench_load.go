package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"shortbreaks"
	"shortbreaks/internal/demo"
	"shortbreaks/people"
)

// quoteQueue hands each quote out once.
type quoteQueue struct {
	quotes []demo.BulkQuote
	taken  atomic.Int64
}

// take is the next quote, or false if all have been handed out.
func (q *quoteQueue) take() (demo.BulkQuote, bool) {
	n := int(q.taken.Add(1)) - 1
	if n >= len(q.quotes) {
		return demo.BulkQuote{}, false
	}
	return q.quotes[n], true
}

// empty reports whether somebody asked for a quote and got none.
func (q *quoteQueue) empty() bool { return int(q.taken.Load()) > len(q.quotes) }

// people are those who book, each once.
func (q *quoteQueue) people() []uuid.UUID {
	seen := map[uuid.UUID]bool{}
	var ids []uuid.UUID
	for _, quote := range q.quotes {
		if !seen[quote.Person] {
			seen[quote.Person] = true
			ids = append(ids, quote.Person)
		}
	}
	return ids
}

// booker books quotes over HTTP as the families they were made for.
type booker struct {
	base   string
	client *fasthttp.Client
	tokens map[uuid.UUID]string
}

// newBooker signs everybody in. Its connections are kept: one for each client.
// The processors it shares with the service are to be left to the service, so
// it speaks HTTP through a library that spends little on it. Nothing is ever
// sent a second time unnoticed.
func newBooker(base string, keys *people.Keys, who []uuid.UUID, clients int) (*booker, error) {
	b := &booker{base: base, tokens: make(map[uuid.UUID]string, len(who)), client: &fasthttp.Client{
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, // longer than any answer takes
		MaxConnsPerHost: clients + 1, MaxIdleConnDuration: time.Minute, MaxIdemponentCallAttempts: 1, NoDefaultUserAgentHeader: true,
	}}
	for _, person := range who {
		if err := b.signIn(keys, person, shortbreaks.Family); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *booker) signIn(keys *people.Keys, person uuid.UUID, role shortbreaks.Role) error {
	token, err := keys.Issue(person, role, shortbreaks.NewID(), time.Now())
	b.tokens[person] = token
	return err
}

// lookIn has everybody look at their news first, as whoever asks for a
// quote has done: the signature of their token has been checked by then.
func (b *booker) lookIn(ctx context.Context, people []uuid.UUID) error {
	var g errgroup.Group
	g.SetLimit(16)
	for _, person := range people {
		g.Go(func() error {
			got, err := b.send(ctx, http.MethodGet, "/v1/news", person, nil, "")
			if err == nil && got.status != http.StatusOK {
				err = fmt.Errorf("look at the news: %s", got.reason())
			}
			return err
		})
	}
	return g.Wait()
}

// answered is one whole answer.
type answered struct {
	status   int
	replayed bool // it was given before
	body     []byte
}

// reason is the status and, of a refusal, its code.
func (a answered) reason() string {
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(a.body, &problem) // anything else has no code
	return fmt.Sprintf("%d %s", a.status, problem.Code)
}

// book sends createBooking for one quote. An error is an answer that did not
// arrive whole.
func (b *booker) book(ctx context.Context, q demo.BulkQuote, key string) (answered, error) {
	body := fmt.Appendf(nil, `{"quotes":[{"quote_id":"%s","expected_total_pence":%d}]}`, q.ID, q.TotalPence)
	return b.send(ctx, http.MethodPost, "/v1/bookings", q.Person, body, key)
}

func (b *booker) send(ctx context.Context, method, path string, as uuid.UUID, body []byte, key string) (answered, error) {
	if ctx.Err() != nil {
		return answered{}, ctx.Err()
	}
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	req.SetRequestURI(b.base + path)
	req.Header.SetMethod(method)
	req.Header.Set("Authorization", "Bearer "+b.tokens[as])
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if body != nil {
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(body)
	}
	if err := b.client.Do(req, res); err != nil {
		return answered{}, err
	}
	return answered{
		status: res.StatusCode(), replayed: string(res.Header.Peek("Idempotency-Replayed")) == "true", body: bytes.Clone(res.Body()),
	}, nil
}

// loadRun is what one measurement saw.
type loadRun struct {
	sent    int // warm-up included
	took    time.Duration
	times   []time.Duration // of each booking made, shortest first
	refused map[string]int  // what was answered instead of 201, warm-up included
}

// run books from many clients at once, each the next quote as soon as its last
// was answered, until the time is up or the quotes are.
func (b *booker) run(ctx context.Context, queue *quoteQueue, clients int, warm, each time.Duration) loadRun {
	all := loadRun{refused: map[string]int{}}
	from := time.Now().Add(warm)
	until := from.Add(each)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range clients {
		wg.Go(func() {
			mine := b.client1(ctx, queue, from, until)
			mu.Lock()
			defer mu.Unlock()
			all.add(mine)
		})
	}
	wg.Wait()
	all.took = time.Since(from)
	slices.Sort(all.times)
	return all
}

// client1 is one client of run.
func (b *booker) client1(ctx context.Context, queue *quoteQueue, from, until time.Time) loadRun {
	mine := loadRun{refused: map[string]int{}}
	for {
		began := time.Now()
		if !began.Before(until) || ctx.Err() != nil {
			return mine
		}
		q, ok := queue.take()
		if !ok {
			return mine
		}
		a, err := b.book(ctx, q, q.ID.String())
		took := time.Since(began)
		mine.sent++
		switch {
		case err != nil:
			mine.refused["no whole answer"]++
		case a.status != http.StatusCreated:
			mine.refused[a.reason()]++
		case !began.Before(from):
			mine.times = append(mine.times, took)
		}
	}
}

// measurement is a line of the results, in the words of results.json.
type measurement struct {
	Name    string  `json:"name"`
	Clients int     `json:"clients"`
	Rate    float64 `json:"rate_per_s"`
	P50     float64 `json:"p50_ms"`
	P95     float64 `json:"p95_ms,omitempty"` // of searches
	P99     float64 `json:"p99_ms"`
	Ratio   float64 `json:"ratio_to_floor"`

	refused int
	why     map[string]int
	used    cpuTime // for each request
	calls   int     // of pgbench
}

func (r loadRun) measurement(name string, clients int) measurement {
	m := measured(name, clients, r.times, r.took)
	m.why = r.refused
	for _, n := range r.refused {
		m.refused += n
	}
	return m
}

// measured works out rate and percentiles of times, which are sorted.
func measured(name string, clients int, times []time.Duration, took time.Duration) measurement {
	return measurement{
		Name: name, Clients: clients, Rate: rounded(float64(len(times)) / took.Seconds()),
		P50: millis(percentile(times, 50)), P99: millis(percentile(times, 99)),
	}
}

// percentile is the smallest time that so many in a hundred do not exceed.
func percentile(sorted []time.Duration, of int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*of+99)/100-1]
}

func millis(d time.Duration) float64 { return rounded(float64(d) / float64(time.Millisecond)) }

// rounded keeps two decimals: more would be noise.
func rounded(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }
