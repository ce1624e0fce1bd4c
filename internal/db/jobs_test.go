package db_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
)

// noteArgs is a job that says what it was given.
type noteArgs struct {
	Text string `json:"text"`
}

// Kind names the job.
func (noteArgs) Kind() string { return "note" }

type noteWorker struct {
	river.WorkerDefaults[noteArgs]
	seen chan string
}

// Work passes on what the job was given.
func (w *noteWorker) Work(_ context.Context, j *river.Job[noteArgs]) error {
	w.seen <- j.Args.Text
	return nil
}

// The worker runs on the serving login, so this also proves River's grants.
func TestAJobExistsIfItsTransactionCommits(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	w := &noteWorker{seen: make(chan string, 10)}
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	jobs, err := db.NewJobs(d, workers, []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) {
			return noteArgs{"periodic"}, nil
		}, &river.PeriodicJobOpts{RunOnStart: true}),
	})
	require.NoError(t, err)
	require.NoError(t, jobs.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, jobs.Stop(context.Background())) })

	undo := errors.New("undo")
	enqueue := func(text string, end error) error {
		return d.Do(ctx, within(a), func(tx *db.Tx) error {
			require.NoError(t, tx.Enqueue(ctx, noteArgs{text}, nil))
			require.NoError(t, add(ctx, tx, a, 1))
			return end
		})
	}
	require.ErrorIs(t, enqueue("rolled back", undo), undo)
	require.NoError(t, enqueue("committed", nil))
	var seen []string
	for range 2 {
		select {
		case text := <-w.seen:
			seen = append(seen, text)
		case <-time.After(dbtest.Patience):
			t.Fatalf("only %v were worked", seen)
		}
	}
	require.ElementsMatch(t, []string{"periodic", "committed"}, seen)
	require.Equal(t, 1, total(t, d, within(a)))
}
