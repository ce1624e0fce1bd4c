package main

import (
	"context"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db/dbtest"
)

// Servers of two versions run beside each other while one replaces the other,
// so a job is known by the same name in both.
func TestTheJobsKeepTheirNames(t *testing.T) {
	t.Parallel()
	names := []string{}
	for _, j := range []river.JobArgs{sweepArgs{}, purgeArgs{}, roundArgs{}, pricesArgs{}, listArgs{}} {
		names = append(names, j.Kind())
	}
	require.Equal(t, []string{"sweep", "purge_replies", "daily_round", "roll_prices", "refresh_listings"}, names)
}

func TestEveryJobHasAWorkerAndAWorkerDoesWhatItIsFor(t *testing.T) {
	t.Parallel()
	jobs, err := newJobs(dbtest.New(t), nil, "")
	require.NoError(t, err)
	require.NotNil(t, jobs)

	done := 0
	workers := river.NewWorkers()
	require.NotNil(t, runs[sweepArgs](workers, time.Minute, func(context.Context) error { return nil }))
	require.ErrorContains(t, river.AddWorkerSafely(workers, &worker[sweepArgs]{}), "sweep", "it is registered")
	w := worker[sweepArgs]{do: func(context.Context) error { done++; return context.Canceled }}
	require.ErrorIs(t, w.Work(t.Context(), nil), context.Canceled)
	require.Equal(t, 1, done)
}
