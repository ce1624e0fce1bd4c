package main

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// pricesEvery is how long after midnight a price announced for that day may
// still not be the one shown; what is quoted goes by the date at once.
const pricesEvery = 15 * time.Minute

// pricesArgs shows the prices announced for today.
type pricesArgs struct{}

// Kind names the job.
func (pricesArgs) Kind() string { return "roll_prices" }

type pricesWorker struct {
	river.WorkerDefaults[pricesArgs]
	d *db.DB
}

// Work moves the offers whose price changes today.
func (w *pricesWorker) Work(ctx context.Context, _ *river.Job[pricesArgs]) error {
	_, err := marketplace.RollPrices(ctx, w.d)
	return err
}
