package db

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	// jobsAtOnce leaves most of the pool to people.
	jobsAtOnce = 4
	// rescueAfter is when a job whose process died is given to another. It
	// exceeds jobTimeout, so a job still running is never run twice.
	rescueAfter = 2 * time.Minute
	jobTimeout  = time.Minute
	// outsideAtOnce are the workers of QueueOutside.
	outsideAtOnce = 2
)

// QueueOutside is for jobs that wait for somebody else's server: however slow
// they are, the sweep and the payments do not wait behind them.
const QueueOutside = "outside"

// Enqueue adds a job that exists if and only if this transaction commits.
func (tx *Tx) Enqueue(ctx context.Context, job river.JobArgs, opts *river.InsertOpts) error {
	if _, err := tx.d.jobs.InsertTx(ctx, tx.PGX, job, opts); err != nil {
		return fmt.Errorf("enqueue %s: %w", job.Kind(), err)
	}
	return nil
}

// NewJobs makes the client that works jobs on d's pool; the caller starts and
// stops it. A job runs at least once, so each must bear being repeated.
func NewJobs(d *DB, workers *river.Workers, periodic []*river.PeriodicJob) (*river.Client[pgx.Tx], error) {
	c, err := river.NewClient(riverpgxv5.New(d.Pool), &river.Config{
		Logger:               slog.Default(),
		Workers:              workers,
		PeriodicJobs:         periodic,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: jobsAtOnce}, QueueOutside: {MaxWorkers: outsideAtOnce}},
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		PollOnly:             d.cfg.Pooler,
		// Only a table's owner may rebuild its indexes, and the serving
		// login owns nothing.
		ReindexerSchedule: river.NeverSchedule(),
	})
	if err != nil {
		return nil, fmt.Errorf("set up jobs: %w", err)
	}
	return c, nil
}
