package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"shortbreaks/booking"
	"shortbreaks/commissioning"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// How often what happens by itself is looked at.
const (
	sweepEvery = 15 * time.Second // requests expire within this (the audit allows two minutes)
	purgeEvery = time.Hour
	// tellEvery is how late people may learn of what happened to a booking.
	tellEvery   = 15 * time.Second
	remindEvery = 15 * time.Minute
	roundEvery  = 24 * time.Hour // and at each start: a day on which nothing ran is made up for
	flushEvery  = 10 * time.Second
	// pricesEvery is how long after midnight a price announced for that day may
	// still not be the one shown; what is quoted goes by the date at once.
	pricesEvery = 15 * time.Minute
	// listEvery is how far behind searches may be when a place is given back, or
	// a listing is changed by what does not list it itself.
	listEvery = 5 * time.Second
	// feedEvery is how late those who keep copies of what is published may learn
	// of a change, such as a place taken.
	feedEvery = 5 * time.Second
)

// Kinds of job that need to be told nothing: each is named by a type.
type (
	sweepArgs  struct{} // ends what has run out of time
	purgeArgs  struct{} // forgets stored answers after their 72 hours
	roundArgs  struct{} // the round of the day: warnings of what ends, files kept too long, how often sessions ran as booked
	pricesArgs struct{} // shows the prices announced for today, and no offer whose credentials ended
	listArgs   struct{} // brings up to date what searches read of offers
	feedArgs   struct{} // numbers what changed, for the open feeds
	tellArgs   struct{} // tells people what happened to their bookings
	remindArgs struct{} // reminds them of what is soon

	roundsToldArgs  struct{} // tells them what became of their wishes in a round
	creditsToldArgs struct{} // tells families of credits that end soon
	councilToldArgs struct{} // tells councils what waits for them
	wantedArgs      struct{} // looks for what families want and could not find
)

// Kind names the job.
func (sweepArgs) Kind() string { return "sweep" }

// Kind names the job.
func (purgeArgs) Kind() string { return "purge_replies" }

// Kind names the job.
func (roundArgs) Kind() string { return "daily_round" }

// Kind names the job.
func (pricesArgs) Kind() string { return "roll_prices" }

// Kind names the job.
func (listArgs) Kind() string { return "refresh_listings" }

// Kind names the job.
func (feedArgs) Kind() string { return "refresh_feeds" }

// Kind names the job.
func (tellArgs) Kind() string { return "tell" }

// Kind names the job.
func (remindArgs) Kind() string { return "remind" }

// Kind names the job.
func (roundsToldArgs) Kind() string { return "tell_rounds" }

// Kind names the job.
func (creditsToldArgs) Kind() string { return "tell_credits" }

// Kind names the job.
func (councilToldArgs) Kind() string { return "tell_councils" }

// Kind names the job.
func (wantedArgs) Kind() string { return "look_for_wanted" }

// worker does one kind of job.
type worker[J river.JobArgs] struct {
	river.WorkerDefaults[J]
	do func(ctx context.Context) error
}

// Work does the job.
func (w *worker[J]) Work(ctx context.Context, _ *river.Job[J]) error { return w.do(ctx) }

// runs adds the worker of a kind of job that runs at each start and every so
// often, on one server of many.
func runs[J river.JobArgs](workers *river.Workers, every time.Duration, do func(ctx context.Context) error) *river.PeriodicJob {
	river.AddWorker(workers, &worker[J]{do: do})
	return river.NewPeriodicJob(river.PeriodicInterval(every), func() (river.JobArgs, *river.InsertOpts) {
		var args J
		return args, &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByPeriod: every}, MaxAttempts: 1}
	}, &river.PeriodicJobOpts{RunOnStart: true})
}

// newJobs registers every worker and what runs at set times.
func newJobs(d *db.DB, mailer *people.Mailer, signIn string) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &payments.StripeEventWorker{DB: d})
	river.AddWorker(workers, &marketplace.BusyWorker{DB: d})
	river.AddWorker(workers, &marketplace.ImportWorker{DB: d})
	river.AddWorker(workers, &booking.NewsMailWorker{DB: d, Mailer: mailer, Address: signIn})
	river.AddWorker(workers, &people.EmailWorker{DB: d, Mailer: mailer, Address: signIn})
	teller := booking.Teller{DB: d, Mail: mailer != nil}
	counted := func(do func(context.Context) (int, error)) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := do(ctx)
			return err
		}
	}
	all := func(steps ...func(context.Context, *db.DB) (int, error)) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			for _, step := range steps {
				if _, err := step(ctx, d); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return db.NewJobs(d, workers, []*river.PeriodicJob{
		runs[sweepArgs](workers, sweepEvery, all(
			booking.Sweep, booking.DecideGroups, booking.FinishCallingOff, booking.DecideFees, booking.TakeDues, booking.EndTickets, payments.LapseCredits,
			booking.RunRounds, booking.OfferPlaces, booking.FlagCompetencies,
			marketplace.ReleaseEmergency, booking.PostRecharges)),
		runs[tellArgs](workers, tellEvery, counted(teller.Tell)),
		runs[roundsToldArgs](workers, tellEvery, counted(teller.TellRounds)),
		runs[wantedArgs](workers, remindEvery, counted(teller.LookForWanted)),
		runs[remindArgs](workers, remindEvery, counted(teller.Remind)),
		runs[creditsToldArgs](workers, remindEvery, counted(teller.TellCredits)),
		runs[councilToldArgs](workers, remindEvery, counted(teller.TellCouncils)),
		runs[purgeArgs](workers, purgeEvery, d.PurgeReplies),
		runs[roundArgs](workers, roundEvery, all(marketplace.WarnOfExpiry, marketplace.TidyImports, booking.CountReliability, commissioning.CountWanted)),
		runs[pricesArgs](workers, pricesEvery, all(marketplace.RollPrices, marketplace.MarkLapses)),
		runs[listArgs](workers, listEvery, all(marketplace.RefreshListings)),
		runs[feedArgs](workers, feedEvery, all(marketplace.RefreshFeeds)),
	})
}
