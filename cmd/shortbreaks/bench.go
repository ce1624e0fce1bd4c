package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/demo"
	"shortbreaks/payments"
)

// quotesPerSecond is how many quotes are prepared for each second booked. A
// machine that books more ends a measurement early and is told so.
const quotesPerSecond = 14_000

// benchOptions is what to measure, and for how long.
type benchOptions struct {
	world   demo.BulkSize
	each    time.Duration // of one measurement
	warm    time.Duration // before each, not counted
	lead    time.Duration // of booking before the first
	floor   int           // clients of the floor: every ratio is to the rate of these
	clients []int         // of createBooking, one measurement each
	quotes  int
	moved   int    // bookings that are accepted, and then half cancelled, half attended and agreed
	crowd   int    // who want one session
	folder  string // where RESULTS.md and results.json go; "" is nowhere
	profile string // a file for the CPU profile of all bookings; "" is none
	temp    string // where the database is made; "" is the system's folder
}

// benchArgs reads the command line.
func benchArgs(args []string) (benchOptions, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	seconds := flags.Int("seconds", 10, "how long each measurement takes")
	quick := flags.Bool("quick", false, "a small world and two seconds each, to see that it runs; writes no files")
	folder := flags.String("out", "bench", "the folder RESULTS.md and results.json are written to")
	clients := flags.String("clients", "1,64,256,512", "how many clients create bookings at once, one measurement each")
	profile := flags.String("cpuprofile", "", "a file for a CPU profile of the service while it books (go tool pprof)")
	if err := flags.Parse(args); err != nil {
		return benchOptions{}, err
	}
	if flags.NArg() > 0 {
		return benchOptions{}, fmt.Errorf("bench takes no %q", flags.Arg(0))
	}
	if *seconds < 1 || *seconds > 120 { // tokens last a quarter of an hour
		return benchOptions{}, errors.New("--seconds is 1 to 120")
	}
	numbers, err := numberList(*clients)
	if err != nil {
		return benchOptions{}, err
	}
	o := benchOptions{
		world: demo.BulkSize{Authorities: 10, Budgets: 10_000, Providers: 200, Sessions: 2_000},
		each:  time.Duration(*seconds) * time.Second, warm: time.Second, lead: 5 * time.Second, floor: 64, clients: numbers, folder: *folder, profile: *profile,
	}
	if *quick {
		o.world = demo.BulkSize{Authorities: 2, Budgets: 1_000, Providers: 20, Sessions: 200}
		o.each, o.warm, o.lead, o.folder = 2*time.Second, 200*time.Millisecond, time.Second, ""
	}
	o.quotes, o.moved, o.crowd = quotesPerSecond*int(o.each/time.Second), movedPerSecond*int(o.each/time.Second), o.world.Budgets
	o.world.Capacity = 4 * ((o.quotes+o.moved)/o.world.Sessions + 1) // nobody is to be refused
	return o, nil
}

// numberList reads numbers of clients with commas between them.
func numberList(text string) (numbers []int, err error) {
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > lateClients*4 {
			return nil, fmt.Errorf("--clients is numbers from 1 to %d with commas between them, not %q", lateClients*4, text)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// bench measures createBooking over HTTP against the least PostgreSQL could do
// for it, on a durable database of its own that it takes away again.
func bench(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) > 0 && args[0] == "search":
		return benchSearch(ctx, args[1:], out)
	case len(args) > 0 && args[0] == "past":
		return benchPast(ctx, args[1:], out)
	case len(args) == 1 && args[0] == "service":
		return benchService(ctx, os.Stdin, out)
	}
	o, err := benchArgs(args)
	if err != nil {
		return err
	}
	return unlessStopped(ctx, o.run(ctx, out))
}

// unlessStopped is the error of a bench, in plain words if somebody stopped it.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return errors.New("bench was stopped; nothing was written and nothing is left behind")
}

// benchFolder makes a folder for all a bench needs, and what takes it away.
func benchFolder(temp string) (dir string, remove func() error, err error) {
	if dir, err = os.MkdirTemp(temp, "shortbreaks-bench-*"); err != nil {
		return "", nil, err
	}
	remove = func() error { return os.RemoveAll(dir) } //nolint:gosec // a folder of our own
	if err := os.Chmod(dir, 0o711); err != nil {       //nolint:gosec // as root, PostgreSQL runs as a user who must pass through
		return "", nil, errors.Join(err, remove())
	}
	return dir, remove, nil
}

func (o benchOptions) run(ctx context.Context, out io.Writer) (err error) {
	others := otherWork()
	dir, remove, err := benchFolder(o.temp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	say("starting a PostgreSQL of its own in %s; every commit reaches the disk", dir)
	server, err := db.StartEmbedded(ctx, dir, db.EmbeddedOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	b := &bencher{benchOptions: o, dir: dir, others: others, ahead: new(atomic.Int64)}
	if err := b.open(ctx, server.ServeURL(), server.OwnerURL()); err != nil {
		return err
	}
	defer b.close()
	if err := b.measure(ctx); err != nil {
		return err
	}
	say("proving the books")
	if _, err := booking.Sweep(ctx, b.d); err != nil { // requests nobody answered before their time
		return err
	}
	findings, err := payments.Audit(ctx, b.d)
	if err != nil {
		return err
	}
	for _, f := range findings[:min(len(findings), 5)] {
		say("  %s: %s %s", f.View, f.Subject, f.Detail)
	}
	if err := b.report(ctx, out, len(findings)); err != nil {
		return err
	}
	if len(findings) > 0 || b.refusals() > 0 {
		return errFailed
	}
	return nil
}

// bencher is one run of the bench.
type bencher struct {
	benchOptions
	dir    string
	d      *db.DB
	owner  *pgxpool.Pool
	server string // PostgreSQL's version
	others string // what else the machine was doing
	holds  string // what the database holds, if not a world of bookings
	pgb    string // the program pgbench
	runs   []measurement
	pace   float64 // of the last floor, a second

	serve   string // the URL of the service's role
	service *service
	ahead   *atomic.Int64 // how far this program's clock is put forward, for what comes after a session
	memory  int64         // the most the service had up to the last line of createBooking, bytes
}

func (b *bencher) open(ctx context.Context, serve, owner string) (err error) {
	b.serve = serve
	if err := db.Migrate(ctx, owner); err != nil {
		return err
	}
	if b.owner, err = pgxpool.New(ctx, owner); err != nil {
		return err
	}
	if b.d, err = db.Open(ctx, db.Config{URL: serve, Clock: func(now time.Time) time.Time { return now.Add(time.Duration(b.ahead.Load())) }}); err != nil {
		b.owner.Close()
		return err
	}
	if err := b.findPgbench(ctx); err != nil {
		b.close()
		return err
	}
	return nil
}

func (b *bencher) close() {
	b.d.Close()
	b.owner.Close()
}

// measure loads the world, then takes every measurement in turn, each from a
// fresh checkpoint.
func (b *bencher) measure(ctx context.Context) error {
	say("loading %d budgets, %d sessions, %d providers and %d quotes", b.world.Budgets, b.world.Sessions, b.world.Providers, b.quotes)
	world, err := demo.Bulk(ctx, b.owner, b.world)
	if err != nil {
		return err
	}
	quotes, err := world.Quotes(ctx, b.owner, b.quotes+b.moved, demo.Seed)
	if err != nil {
		return err
	}
	if err := demo.AskFirst(ctx, b.owner, quotes[b.quotes:]); err != nil {
		return err
	}
	if err := b.makeFloor(ctx); err != nil {
		return err
	}
	if _, err := b.owner.Exec(ctx, `VACUUM (ANALYZE) floor.budget`); err != nil {
		return err
	}
	rush, err := world.RushQuotes(ctx, b.owner, b.crowd)
	if err != nil {
		return err
	}
	return b.bookings(ctx, world, quotes, rush)
}

// bookings measures createBooking with each number of clients, and then what
// comes after a booking.
func (b *bencher) bookings(ctx context.Context, world *demo.BulkWorld, quotes, rush []demo.BulkQuote) error {
	queue, moved := &quoteQueue{quotes: quotes[:b.quotes]}, quotes[b.quotes:]
	service, err := startService(ctx, b.serve, b.dir)
	if err != nil {
		return err
	}
	defer service.stop()
	b.service = service
	booker, err := newBooker(service.base, service.keys, queue.people(), max(lateClients, slices.Max(b.clients)))
	if err != nil {
		return err
	}
	if err := booker.lookIn(ctx, queue.people()); err != nil {
		return err
	}
	// As after the first day: PostgreSQL knows how much there is in each table.
	say("some bookings first, %s", b.lead)
	booker.run(ctx, queue, slices.Min([]int{16, slices.Max(b.clients)}), 0, b.lead)
	if _, err := b.owner.Exec(ctx, `VACUUM (ANALYZE)`); err != nil {
		return err
	}
	if b.profile != "" {
		if _, err := service.order("profile " + b.profile); err != nil {
			return err
		}
	}
	for _, clients := range b.clients {
		if err := b.measureFloor(ctx); err != nil {
			return err
		}
		if _, err := b.owner.Exec(ctx, `CHECKPOINT`); err != nil {
			return err
		}
		say("createBooking, %d clients, %s", clients, b.each)
		before := b.cpuTime(ctx)
		run := booker.run(ctx, queue, clients, b.warm, b.each)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if queue.empty() {
			say("  all %d quotes are booked: this measurement ended early; take fewer --seconds", b.quotes)
		}
		m := run.measurement("createBooking", clients)
		m.used = b.cpuTime(ctx).since(before).per(run.sent)
		b.add(m)
		b.memory = service.mostMemory()
	}
	if b.profile != "" {
		if _, err := service.order("profiled"); err != nil {
			return err
		}
	}
	if err := b.steady(ctx, booker, queue); err != nil {
		return err
	}
	if err := b.rush(ctx, booker, rush); err != nil {
		return err
	}
	return b.moves(ctx, booker, world, moved)
}

// steady measures how long a booking takes when half of what could be booked
// is asked for.
func (b *bencher) steady(ctx context.Context, booker *booker, queue *quoteQueue) error {
	top := 0.0
	for _, m := range b.runs {
		if m.Name != floorLine {
			top = max(top, m.Rate)
		}
	}
	say("createBooking at half of %.0f/s, %d clients, %s", top, lateClients, b.each)
	if top > 0 {
		b.add(booker.paced(ctx, queue, lateClients, top/2, b.each).measurement("at half the rate", lateClients))
	}
	return ctx.Err()
}

// add keeps a measurement and tells it.
func (b *bencher) add(m measurement) {
	m.Ratio = rounded(m.Rate/b.pace*100) / 100
	b.runs = append(b.runs, m)
	say("  %.0f/s, p50 %.2f ms, p99 %.2f ms, %.4f of the floor, %d refused", m.Rate, m.P50, m.P99, m.Ratio, m.refused)
	for why, n := range m.why {
		say("  %d x %s", n, why)
	}
}

func (b *bencher) refusals() (n int) {
	for _, m := range b.runs {
		n += m.refused
	}
	return n
}

// say tells how far it is; results go to standard output.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
