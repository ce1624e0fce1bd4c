package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"shortbreaks/internal/db"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
)

// searchBench measures searching over HTTP against the same statements run by
// hand through pgbench, and comparing, in one market and one run.
type searchBench struct {
	bencher
	market  demo.MarketSize
	clients int
	mix     int // searches of each kind, sent again and again
	world   *demo.Market
	random  *rand.Rand

	priceNanos, priceAllocs float64
}

// searchKinds are the kinds of search that are measured, each with its aim.
var searchKinds = []string{"near", "words", "when", "wide"}

func searchBenchArgs(args []string) (searchBench, error) {
	flags := flag.NewFlagSet("bench search", flag.ContinueOnError)
	seconds := flags.Int("seconds", 10, "how long each measurement takes")
	quick := flags.Bool("quick", false, "a small market and two seconds each, to see that it runs; writes no files")
	folder := flags.String("out", "bench", "the folder RESULTS.md and results.json are written to")
	if err := flags.Parse(args); err != nil {
		return searchBench{}, err
	}
	if flags.NArg() > 0 {
		return searchBench{}, fmt.Errorf("bench search takes no %q", flags.Arg(0))
	}
	if *seconds < 1 || *seconds > 120 {
		return searchBench{}, errors.New("--seconds is 1 to 120")
	}
	o := searchBench{
		market:  demo.MarketSize{Providers: 20_000, Offers: 100_000, Sessions: 2_000_000, Seed: demo.Seed},
		clients: 16, mix: 100,
		bencher: bencher{ahead: new(atomic.Int64), benchOptions: benchOptions{each: time.Duration(*seconds) * time.Second, warm: 2 * time.Second, folder: *folder}},
	}
	if *quick {
		o.market = demo.MarketSize{Providers: 400, Offers: 2_000, Sessions: 20_000, Seed: demo.Seed}
		o.each, o.warm, o.mix, o.folder = 2*time.Second, 200*time.Millisecond, 20, ""
	}
	return o, nil
}

// benchSearch measures searches on a database of its own that it takes away
// again.
func benchSearch(ctx context.Context, args []string, out io.Writer) error {
	b, err := searchBenchArgs(args)
	if err != nil {
		return err
	}
	return unlessStopped(ctx, b.run(ctx, out))
}

func (b *searchBench) run(ctx context.Context, out io.Writer) (err error) {
	b.others = otherWork()
	var remove func() error
	if b.dir, remove, err = benchFolder(b.temp); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	server, err := db.StartEmbedded(ctx, b.dir, db.EmbeddedOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := b.open(ctx, server.ServeURL(), server.OwnerURL()); err != nil {
		return err
	}
	defer b.close()
	b.random = rand.New(rand.NewPCG(b.market.Seed, 5)) //nolint:gosec // load, not secrets
	if b.world, err = demo.BulkMarket(ctx, b.owner, b.d, b.market, say); err != nil {
		return err
	}
	if _, err := b.owner.Exec(ctx, `CHECKPOINT`); err != nil {
		return err
	}
	if err := b.readAll(ctx); err != nil {
		return err
	}
	if err := b.measureSearches(ctx); err != nil {
		return err
	}
	if err := b.measureCompare(ctx); err != nil {
		return err
	}
	if err := b.measurePlan(ctx); err != nil {
		return err
	}
	if err := b.measurePrice(); err != nil {
		return err
	}
	return b.reportSearch(ctx, out)
}

// readAll reads every table and index once, so that they are in the machine's
// memory, as after a day's work, and no measurement waits for the disk.
func (b *searchBench) readAll(ctx context.Context) error {
	say("reading everything into memory once")
	_, err := b.owner.Exec(ctx, `CREATE EXTENSION pg_prewarm`)
	if err == nil {
		_, err = b.owner.Exec(ctx, `SELECT pg_prewarm(oid, 'read') FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace`)
	}
	return err
}

// measureSearches measures each kind, by hand and then through the service.
func (b *searchBench) measureSearches(ctx context.Context) error {
	spareTheCollector()
	base, stop, err := serveLoopback(ctx, b.d, serviceSettings{Folder: b.dir, Seed: newSeed()})
	if err != nil {
		return err
	}
	defer stop()
	for _, kind := range searchKinds {
		queries := make([]marketplace.SearchQuery, b.mix)
		for i := range queries {
			queries[i] = b.query(kind)
		}
		hand, err := b.byHand(ctx, kind, queries)
		if err != nil {
			return err
		}
		b.keep(hand, hand)
		run := b.search(ctx, base, queries)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m := run.measurement("search "+kind, b.clients)
		m.P95 = millis(percentile(run.times, 95))
		b.keep(m, hand)
	}
	return nil
}

// query is one search of a kind, somewhere people live.
func (b *searchBench) query(kind string) marketplace.SearchQuery {
	age := b.random.IntN(17)
	pick := func(of []string) string { return of[b.random.IntN(len(of))] }
	q := marketplace.SearchQuery{Age: &age, Postcode: pick(b.world.Outcodes), WithinKM: 10}
	switch kind {
	case "words":
		q = marketplace.SearchQuery{Text: pick(demo.MarketWords), Age: &age}
		if b.random.IntN(2) == 0 {
			q.Postcode, q.WithinKM = pick(b.world.Outcodes), 25
		}
	case "when":
		saturday := b.world.Weekend()
		q.When = marketplace.Window{FromDate: saturday, ToDate: saturday.AddDate(0, 0, 1), Earliest: "09:00", Latest: "18:00"}
	case "wide":
		q.Postcode, q.WithinKM = "", 0
		q.Category = pick(marketplace.Categories)
	}
	return q
}

// byHand runs the statements through pgbench, as whoever owns the database and
// so without row-level security.
func (b *searchBench) byHand(ctx context.Context, kind string, queries []marketplace.SearchQuery) (measurement, error) {
	name := "by hand " + kind
	args := []string{
		"--no-vacuum", "--protocol=simple", "--client=" + strconv.Itoa(b.clients), "--jobs=" + strconv.Itoa(min(runtime.NumCPU(), b.clients)),
		"--time=" + strconv.Itoa(int((b.each+b.warm)/time.Second)), "--log", "--log-prefix=floor",
	}
	dir := filepath.Join(b.dir, kind)
	if err := os.Mkdir(dir, 0o700); err != nil { //nolint:gosec // a folder of our own
		return measurement{}, err
	}
	for i, q := range queries {
		sql, err := marketplace.Statement(ctx, b.d, q)
		if err != nil {
			return measurement{}, err
		}
		file := filepath.Join(dir, fmt.Sprintf("%d.sql", i))
		if err := os.WriteFile(file, []byte(sql+";\n"), 0o600); err != nil { //nolint:gosec // a folder of our own
			return measurement{}, err
		}
		args = append(args, "--file="+file)
	}
	say("%s: pgbench, %d clients, %s", name, b.clients, b.each)
	to := b.owner.Config().ConnConfig
	cmd := exec.CommandContext(ctx, b.pgb, append(args, "--host="+to.Host, "--port="+strconv.Itoa(int(to.Port)), "--username="+to.User, to.Database)...) //nolint:gosec // our own arguments
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PGPASSWORD="+to.Password)
	if text, err := cmd.CombinedOutput(); err != nil {
		return measurement{}, errors.Join(ctx.Err(), fmt.Errorf("pgbench: %w: %s", err, strings.TrimSpace(string(text))))
	}
	times, took, err := pgbenchTimes(dir)
	if err != nil {
		return measurement{}, err
	}
	m := measured(name, b.clients, times, took)
	m.P95 = millis(percentile(times, 95))
	return m, nil
}

// search sends the queries over HTTP from many clients at once, each the next
// as soon as its last was answered.
func (b *searchBench) search(ctx context.Context, base string, queries []marketplace.SearchQuery) loadRun {
	say("search: %d clients, %s", b.clients, b.each)
	addresses := make([]string, len(queries))
	for i, q := range queries {
		addresses[i] = base + "/v1/offers?" + addressOf(q)
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConns: b.clients, MaxIdleConnsPerHost: b.clients}}
	all := loadRun{refused: map[string]int{}}
	from := time.Now().Add(b.warm)
	until := from.Add(b.each)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for n := range b.clients {
		wg.Go(func() {
			for i := n; ; i += b.clients + 1 {
				began := time.Now()
				if !began.Before(until) || ctx.Err() != nil {
					return
				}
				why := get(ctx, client, addresses[i%len(addresses)])
				took := time.Since(began)
				mu.Lock()
				all.sent++
				if why != "" {
					all.refused[why]++
				} else if !began.Before(from) {
					all.times = append(all.times, took)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	all.took = time.Since(from)
	slices.Sort(all.times)
	return all
}

// get reads one answer whole and says what was wrong with it, or "".
func get(ctx context.Context, client *http.Client, address string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err.Error()
	}
	res, err := client.Do(req)
	if err != nil {
		return "no whole answer"
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return "no whole answer"
	}
	if res.StatusCode != http.StatusOK {
		return answered{status: res.StatusCode, body: text}.reason()
	}
	return ""
}

func addressOf(q marketplace.SearchQuery) string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			v.Set(name, value)
		}
	}
	set("q", q.Text)
	set("category", q.Category)
	set("postcode", q.Postcode)
	set("within_km", strconv.Itoa(q.WithinKM))
	if q.Age != nil {
		v.Set("age", strconv.Itoa(*q.Age))
	}
	if !q.When.FromDate.IsZero() {
		set("from", q.When.FromDate.Format(time.DateOnly))
		set("to", q.When.ToDate.Format(time.DateOnly))
	}
	set("earliest", q.When.Earliest)
	set("latest", q.When.Latest)
	return v.Encode()
}

// comparedRounds is how many comparisons are timed; one client, one after the
// other.
const comparedRounds = 40

// sqlOnSaturdays picks offers, from everywhere, that can be had on a Saturday
// at nine years of age.
const sqlOnSaturdays = `SELECT offer_id FROM offer_listing WHERE days & 32 <> 0 AND 9 BETWEEN age_from AND age_to ORDER BY hashtext(offer_id::text) LIMIT $1`

// measureCompare times a comparison of as many offers as are ever priced: it
// asks nothing but an age and a day, so more could serve.
func (b *searchBench) measureCompare(ctx context.Context) error {
	say("comparing, one client, %d times", comparedRounds)
	saturday, age := b.world.Weekend(), 9
	pattern := marketplace.Pattern{Weekdays: []int{6}, Minutes: 60, StartsOn: saturday, EndsOn: saturday.AddDate(0, 0, 42), Age: &age}
	return b.rounds("compare", func() error {
		_, err := marketplace.Compare(ctx, b.d, pattern)
		return err
	})
}

// rounds times one caller doing the same again and again.
func (b *searchBench) rounds(name string, once func() error) error {
	var times []time.Duration
	start := time.Now()
	for range comparedRounds {
		began := time.Now()
		if err := once(); err != nil {
			return err
		}
		times = append(times, time.Since(began))
	}
	took := time.Since(start)
	slices.Sort(times)
	m := measured(name, 1, times, took)
	m.P95 = millis(percentile(times, 95))
	b.keep(m, m)
	return nil
}

// keep adds a line and tells it; its ratio is to what was done by hand.
func (b *searchBench) keep(m, hand measurement) {
	m.Ratio = 0
	if m.Rate > 0 {
		m.Ratio = rounded(m.Rate/hand.Rate*100) / 100
	}
	b.runs = append(b.runs, m)
	say("  %s: %.0f/s, p50 %.2f ms, p95 %.2f ms, p99 %.2f ms, %d refused", m.Name, m.Rate, m.P50, m.P95, m.P99, m.refused)
	for why, n := range m.why {
		say("  %d x %s", n, why)
	}
}
