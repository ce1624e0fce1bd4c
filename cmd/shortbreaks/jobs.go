package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// How often what happens by itself is looked at.
const (
	sweepEvery = 15 * time.Second // requests expire within this (the audit allows two minutes)
	purgeEvery = time.Hour
	roundEvery = 24 * time.Hour // and at each start: a day on which nothing ran is made up for
	flushEvery = 10 * time.Second
)

// sweepArgs ends what has run out of time; one server of many does it.
type sweepArgs struct{}

// Kind names the job.
func (sweepArgs) Kind() string { return "sweep" }

type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	d *db.DB
}

// Work moves the items whose time has come.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	_, err := booking.Sweep(ctx, w.d)
	return err
}

// purgeArgs forgets stored answers after their 72 hours.
type purgeArgs struct{}

// Kind names the job.
func (purgeArgs) Kind() string { return "purge_replies" }

type purgeWorker struct {
	river.WorkerDefaults[purgeArgs]
	d *db.DB
}

// Work deletes what is too old to be asked for again.
func (w *purgeWorker) Work(ctx context.Context, _ *river.Job[purgeArgs]) error {
	return w.d.PurgeReplies(ctx)
}

// roundArgs is the round of the day: who must be warned of a credential that
// will end, how often each provider's sessions ran as booked, and which files
// of offers have been kept for too long.
type roundArgs struct{}

// Kind names the job.
func (roundArgs) Kind() string { return "daily_round" }

type roundWorker struct {
	river.WorkerDefaults[roundArgs]
	d *db.DB
}

// Work makes all three; each bears being repeated.
func (w *roundWorker) Work(ctx context.Context, _ *river.Job[roundArgs]) error {
	if _, err := marketplace.WarnOfExpiry(ctx, w.d); err != nil {
		return err
	}
	if err := marketplace.TidyImports(ctx, w.d); err != nil {
		return err
	}
	_, err := booking.CountReliability(ctx, w.d)
	return err
}

// listEvery is how far behind searches may be when a place is given back, or a
// listing is changed by what does not list it itself.
const listEvery = 5 * time.Second

// listArgs brings up to date what searches read of offers.
type listArgs struct{}

// Kind names the job.
func (listArgs) Kind() string { return "refresh_listings" }

type listWorker struct {
	river.WorkerDefaults[listArgs]
	d *db.DB
}

// Work lists anew what was marked or has passed.
func (w *listWorker) Work(ctx context.Context, _ *river.Job[listArgs]) error {
	_, err := marketplace.RefreshListings(ctx, w.d)
	return err
}

// newJobs registers every worker and what runs at set times.
func newJobs(d *db.DB) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &payments.StripeEventWorker{DB: d})
	river.AddWorker(workers, &sweepWorker{d: d})
	river.AddWorker(workers, &marketplace.BusyWorker{DB: d})
	river.AddWorker(workers, &marketplace.ImportWorker{DB: d})
	river.AddWorker(workers, &purgeWorker{d: d})
	river.AddWorker(workers, &roundWorker{d: d})
	river.AddWorker(workers, &pricesWorker{d: d})
	river.AddWorker(workers, &listWorker{d: d})
	once := func(every time.Duration) *river.InsertOpts {
		return &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: every}, MaxAttempts: 1}
	}
	return db.NewJobs(d, workers, []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery), func() (river.JobArgs, *river.InsertOpts) {
			return sweepArgs{}, once(sweepEvery)
		}, &river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(purgeEvery), func() (river.JobArgs, *river.InsertOpts) {
			return purgeArgs{}, once(purgeEvery)
		}, &river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(roundEvery), func() (river.JobArgs, *river.InsertOpts) {
			return roundArgs{}, once(roundEvery)
		}, &river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(pricesEvery), func() (river.JobArgs, *river.InsertOpts) {
			return pricesArgs{}, once(pricesEvery)
		}, &river.PeriodicJobOpts{RunOnStart: true}),
		river.NewPeriodicJob(river.PeriodicInterval(listEvery), func() (river.JobArgs, *river.InsertOpts) {
			return listArgs{}, once(listEvery)
		}, &river.PeriodicJobOpts{RunOnStart: true}),
	})
}
