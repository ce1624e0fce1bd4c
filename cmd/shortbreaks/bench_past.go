package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/demo"
	"shortbreaks/payments"
)

// The lines of this bench.
const (
	amongFew  = "among few"
	amongMany = "among many"
)

// aimPast is how many times as much a booking may cost among many as among few.
const aimPast = 1.2

// pastBench measures what a booking costs in a database of a few bookings and
// in one with years of them. Machines change their pace within minutes, so both
// run at once and are measured in turn.
type pastBench struct {
	benchOptions
	past   int // bookings of the past
	rounds int // in which both are measured, one after the other
	faults int
}

func pastBenchArgs(args []string) (pastBench, error) {
	flags := flag.NewFlagSet("bench past", flag.ContinueOnError)
	past := flags.Int("bookings", 5_000_000, "how many bookings of the past; a million takes 5 GB of disk")
	seconds := flags.Int("seconds", 5, "how long each measurement takes; there are three of each kind")
	folder := flags.String("out", "bench", "the folder RESULTS.md and results.json are written to")
	if err := flags.Parse(args); err != nil {
		return pastBench{}, err
	}
	if flags.NArg() > 0 {
		return pastBench{}, fmt.Errorf("bench past takes no %q", flags.Arg(0))
	}
	if *seconds < 1 || *seconds > 30 || *past < 1 || *past > 50_000_000 {
		return pastBench{}, errors.New("--seconds is 1 to 30, --bookings 1 to 50000000")
	}
	o := pastBench{past: *past, rounds: 3, benchOptions: benchOptions{
		world: demo.BulkSize{Authorities: 10, Budgets: 10_000, Providers: 200, Sessions: 2_000},
		each:  time.Duration(*seconds) * time.Second, warm: time.Second, lead: 3 * time.Second, clients: []int{64}, folder: *folder,
	}}
	o.quotes = quotesPerSecond * (*seconds) * o.rounds
	o.world.Capacity = 4 * (o.quotes/o.world.Sessions + 1) // nobody is to be refused
	return o, nil
}

// benchPast measures createBooking among few bookings and among many.
func benchPast(ctx context.Context, args []string, out io.Writer) error {
	o, err := pastBenchArgs(args)
	if err != nil {
		return err
	}
	return unlessStopped(ctx, o.run(ctx, out))
}

func (o *pastBench) run(ctx context.Context, out io.Writer) (err error) {
	others := otherWork()
	dir, remove, err := benchFolder(o.temp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	var sides []*pastSide
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.stop())
		}
	}()
	for _, name := range []string{amongFew, amongMany} {
		s := &pastSide{name: name, bencher: bencher{benchOptions: o.benchOptions, dir: filepath.Join(dir, name[len("among "):]), others: others, ahead: new(atomic.Int64)}}
		sides = append(sides, s)
		past := 0
		if name == amongMany {
			past = o.past
		}
		if err := s.start(ctx, past); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for range o.rounds {
		for _, s := range sides {
			if err := s.measure(ctx); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	for _, s := range sides {
		if err := o.prove(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return o.report(ctx, sides[0], sides[1], out)
}

// pastSide is one of the two databases with its service and its clients.
type pastSide struct {
	bencher
	name     string
	postgres *db.Embedded
	booker   *booker
	queue    *quoteQueue
	before   int // bookings there were before the first measurement
}

func (s *pastSide) start(ctx context.Context, past int) (err error) {
	if err := os.Mkdir(s.dir, 0o711); err != nil { //nolint:gosec // as root, PostgreSQL runs as a user who must pass through
		return err
	}
	if s.postgres, err = db.StartEmbedded(ctx, s.dir, db.EmbeddedOptions{}); err != nil {
		return err
	}
	if err := s.open(ctx, s.postgres.ServeURL(), s.postgres.OwnerURL()); err != nil {
		return err
	}
	world, err := demo.Bulk(ctx, s.owner, s.world)
	if err != nil {
		return err
	}
	if past > 0 {
		say("%s: writing a past of %d bookings", s.name, past)
		if _, err := world.Past(ctx, s.owner, past, tellTenths(past)); err != nil {
			return err
		}
	}
	quotes, err := world.Quotes(ctx, s.owner, s.quotes, demo.Seed)
	if err != nil {
		return err
	}
	s.queue = &quoteQueue{quotes: quotes}
	if s.service, err = startService(ctx, s.serve, s.dir); err != nil {
		return err
	}
	if s.booker, err = newBooker(s.service.base, s.service.keys, s.queue.people(), max(16, s.clients[0])); err != nil {
		return err
	}
	if err := s.booker.lookIn(ctx, s.queue.people()); err != nil {
		return err
	}
	s.booker.run(ctx, s.queue, 16, 0, s.lead)
	say("%s: counting and tidying", s.name)
	if _, err := s.owner.Exec(ctx, `VACUUM (ANALYZE)`); err != nil {
		return err
	}
	return s.owner.QueryRow(ctx, `SELECT count(*) FROM booking`).Scan(&s.before)
}

// tellTenths tells every tenth of a long work.
func tellTenths(all int) func(made int) {
	var told atomic.Int64
	return func(made int) {
		tenth := int64(made) * 10 / int64(all)
		if before := told.Load(); tenth > before && told.CompareAndSwap(before, tenth) {
			say("  %d of %d", made, all)
		}
	}
}

// measure is one measurement, from a fresh checkpoint.
func (s *pastSide) measure(ctx context.Context) error {
	if _, err := s.owner.Exec(ctx, `CHECKPOINT`); err != nil {
		return err
	}
	say("createBooking %s, %d clients, %s", s.name, s.clients[0], s.each)
	before := s.cpuTime(ctx)
	run := s.booker.run(ctx, s.queue, s.clients[0], s.warm, s.each)
	if s.queue.empty() {
		return fmt.Errorf("all %d quotes are booked: take fewer --seconds", len(s.queue.quotes))
	}
	m := run.measurement(s.name, s.clients[0])
	m.used = s.cpuTime(ctx).since(before).per(run.sent)
	s.runs = append(s.runs, m)
	say("  %.0f/s, p50 %.2f ms, p99 %.2f ms, %.2f ms of processor time, %d refused", m.Rate, m.P50, m.P99, millis(m.used.all()), m.refused)
	return ctx.Err()
}

func (u cpuTime) all() time.Duration { return u.service + u.clients + u.database }

// prove holds the books of a side against the audit.
func (o *pastBench) prove(ctx context.Context, s *pastSide) error {
	say("%s: proving the books", s.name)
	if _, err := booking.Sweep(ctx, s.d); err != nil { // requests nobody answered before their time
		return err
	}
	findings, err := payments.Audit(ctx, s.d)
	for _, f := range findings[:min(len(findings), 5)] {
		say("  %s: %s %s", f.View, f.Subject, f.Detail)
	}
	o.faults += len(findings)
	return err
}

func (s *pastSide) stop() (err error) {
	if s.service != nil {
		s.service.stop()
	}
	if s.d != nil {
		s.close()
	}
	if s.postgres != nil {
		err = s.postgres.Stop()
	}
	return err
}

// report prints the medians of both and, if asked, writes them down.
func (o *pastBench) report(ctx context.Context, few, many *pastSide, out io.Writer) error {
	least, most := middle(few.runs), middle(many.runs)
	times := float64(most.used.all()) / float64(max(1, least.used.all()))
	least.Ratio, most.Ratio = 1, rounded(most.Rate/max(1, least.Rate)*100)/100
	b := few.bencher
	b.runs = []measurement{least, most}
	b.holds = fmt.Sprintf(`%d budgets, %d sessions to come and
%d providers, twice: beside %d bookings and beside %d. %d measurements of %s of each, in turn; the table has the middle ones.`,
		b.world.Budgets, b.world.Sessions, b.world.Providers, few.before, many.before, o.rounds, b.each)
	text := b.table() + fmt.Sprintf("\nAmong many a booking took %.2f times the processor time it took among few: %s. %s\n",
		times, met(times <= aimPast, fmt.Sprintf("at most %.1f times", aimPast)), books(o.faults))
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if err := b.write(pastTitle, "\n"+b.machine(ctx)+"\n"+text+howToReadPast); err != nil {
		return err
	}
	if o.faults > 0 || few.refusals()+many.refusals() > 0 {
		return errFailed
	}
	return nil
}

// middle is the measurement whose bookings took the middle of all processor times.
func middle(runs []measurement) measurement {
	sorted := slices.Clone(runs)
	slices.SortFunc(sorted, func(a, b measurement) int { return cmp.Compare(a.used.all(), b.used.all()) })
	return sorted[len(sorted)/2]
}

const howToReadPast = `
**among many** is createBooking as above, where every child was at a session every day for years: registers filed and agreed to, the
money posted; only the documents of old quotes are empty. **among few** is the same without that past. Each has a PostgreSQL of its own, and
both run all the time. **of the floor** is the rate in that of *among few*.
`
