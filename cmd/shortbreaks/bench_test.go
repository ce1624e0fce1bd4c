package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
)

// smallBench is `make bench` in a small world and a few seconds.
func smallBench(t *testing.T) benchOptions {
	t.Helper()
	temp, err := os.MkdirTemp("", "shortbreaks-benchtest-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(temp, 0o711)) // as root, PostgreSQL runs as a user who must pass through
	t.Cleanup(func() {
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		require.Empty(t, left, "the bench left something behind")
		require.NoError(t, os.RemoveAll(temp))
	})
	return benchOptions{
		world: demo.BulkSize{Authorities: 2, Budgets: 400, Providers: 4, Sessions: 40, Capacity: 600},
		floor: 4, clients: []int{1, 4}, each: time.Second, warm: 100 * time.Millisecond, lead: 300 * time.Millisecond, quotes: 3000, moved: 600, crowd: 300, folder: t.TempDir(), temp: temp,
	}
}

func TestBenchMeasuresBothAndWritesItDown(t *testing.T) {
	t.Parallel()
	o := smallBench(t)
	var out bytes.Buffer
	err := o.run(t.Context(), &out)
	if errors.Is(err, errNoPgbench) { // PostgreSQL as npm has it: said in a sentence, and nothing measured
		require.Empty(t, out.String())
		return
	}
	require.NoError(t, err)
	require.Contains(t, out.String(), "found the books of this database right")

	text, err := os.ReadFile(filepath.Join(o.folder, "results.json"))
	require.NoError(t, err)
	var lines []map[string]any
	var floor float64
	require.NoError(t, json.Unmarshal(text, &lines))
	require.Len(t, lines, 16)
	for i, want := range []struct {
		name    string
		clients float64
	}{
		{"floor", 4},
		{"createBooking", 1},
		{"floor", 4},
		{"createBooking", 4},
		{"at half the rate", 256},
		{"one row", 64},
		{"one session", 64},
		{"sold out", 256},
		{"floor", 4},
		{"accepted", 64},
		{"floor", 4},
		{"cancelled", 64},
		{"floor", 4},
		{"attended", 64},
		{"floor", 4},
		{"agreed", 64},
	} {
		require.Len(t, lines[i], 6)
		require.Equal(t, want.name, lines[i]["name"])
		require.InDelta(t, want.clients, lines[i]["clients"], 0)
		for _, figure := range []string{"rate_per_s", "p50_ms", "p99_ms", "ratio_to_floor"} {
			require.Contains(t, lines[i], figure)
		}
		require.Positive(t, lines[i]["rate_per_s"])
		require.LessOrEqual(t, lines[i]["p50_ms"], lines[i]["p99_ms"])
		if want.name == "floor" {
			floor = lines[i]["rate_per_s"].(float64)
		}
		if !slices.Contains([]string{"one row", "one session", "sold out"}, want.name) {
			require.InDelta(t, lines[i]["rate_per_s"].(float64)/floor, lines[i]["ratio_to_floor"], 0.0051, "of the floor above it")
		}
	}
	report, err := os.ReadFile(filepath.Join(o.folder, "RESULTS.md"))
	require.NoError(t, err)
	require.Contains(t, string(report), out.String(), "the same table")
	require.Contains(t, string(report), "PostgreSQL")
	amongFewAndMany(t) // after it: two at once leave each other too little to measure
}

func TestBenchStoppedHalfWayLeavesNothing(t *testing.T) {
	t.Parallel()
	o := smallBench(t)
	ctx, stop := context.WithCancel(t.Context())
	o.each = time.Hour // unless it is stopped
	done := make(chan error, 1)
	var out bytes.Buffer
	go func() { done <- o.run(ctx, &out) }()
	var err error
	require.Eventually(t, func() bool {
		select {
		case err = <-done:
			return true
		default:
		}
		script, _ := filepath.Glob(filepath.Join(o.temp, "*", "floor", "floor.sql"))
		return len(script) > 0
	}, dbtest.Patience, 10*time.Millisecond)
	stop()
	if err == nil {
		require.Error(t, <-done)
	} else {
		require.ErrorIs(t, err, errNoPgbench)
	}
	require.Empty(t, out.String())
	written, err := os.ReadDir(o.folder)
	require.NoError(t, err)
	require.Empty(t, written)
}

// Whatever is not a booking is counted as refused, with its reason, and is no
// part of the rate.
func TestBenchCountsRefusals(t *testing.T) {
	t.Parallel()
	run := loadRun{sent: 5, took: time.Second, times: []time.Duration{time.Millisecond, 3 * time.Millisecond}, refused: map[string]int{"409 session-full": 2, "503 busy": 1}}
	m := run.measurement("createBooking", 64)
	require.Equal(t, 3, m.refused)
	require.InDelta(t, 2, m.Rate, 0)
	b := bencher{runs: []measurement{{Name: "floor"}, m}}
	require.Equal(t, 3, b.refusals())
	require.Equal(t, "409 session-full", answered{status: 409, body: []byte(`{"code": "session-full"}`)}.reason())
	require.Contains(t, b.results(7), "7 ROWS BROKE AN INVARIANT")
}

// Each bench writes a part of the results and leaves those of the others.
func TestBenchLeavesTheResultsOfOthers(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	at := func(lines ...string) *bencher {
		b := &bencher{benchOptions: benchOptions{folder: folder}}
		for _, name := range lines {
			b.runs = append(b.runs, measurement{Name: name})
		}
		return b
	}
	require.NoError(t, at("by hand near", "search near", "compare", "plan").write(searchTitle, "\nsearches\n"))
	require.NoError(t, at("floor", "createBooking", "agreed").write(bookingTitle, "\nold bookings\n"))
	require.NoError(t, at(amongFew, amongMany).write(pastTitle, "\nyears\n"))
	require.NoError(t, at("floor", "accepted").write(bookingTitle, "\nbookings\n"))

	text, err := os.ReadFile(filepath.Join(folder, "RESULTS.md"))
	require.NoError(t, err)
	require.Equal(t, bookingTitle+"\nbookings\n\n"+pastTitle+"\nyears\n\n"+searchTitle+"\nsearches\n", string(text))
	text, err = os.ReadFile(filepath.Join(folder, "results.json"))
	require.NoError(t, err)
	var lines []measurement
	require.NoError(t, json.Unmarshal(text, &lines))
	var names []string
	for _, l := range lines {
		names = append(names, l.Name)
	}
	require.Equal(t, []string{"floor", "accepted", amongFew, amongMany, "by hand near", "search near", "compare", "plan"}, names)
}

// amongFewAndMany is the bench of the past in small.
func amongFewAndMany(t *testing.T) {
	t.Helper()
	small := smallBench(t)
	small.clients, small.each, small.quotes = []int{4}, time.Second, 4000
	o := pastBench{past: 800, rounds: 1, benchOptions: small}
	var out bytes.Buffer
	err := o.run(t.Context(), &out)
	if errors.Is(err, errNoPgbench) { // PostgreSQL as npm has it
		require.Empty(t, out.String())
		return
	}
	require.NoError(t, err)
	require.Contains(t, out.String(), "found the books of this database right")
	require.Regexp(t, `(?m)^\| among few .*\n\| among many `, out.String())
	report, err := os.ReadFile(filepath.Join(o.folder, "RESULTS.md"))
	require.NoError(t, err)
	require.Contains(t, string(report), out.String())
	for _, bad := range [][]string{{"--bookings", "0"}, {"--seconds", "31"}, {"now"}} {
		_, err = pastBenchArgs(bad)
		require.Error(t, err, "%v", bad)
	}
}

func TestPercentileIsTheNearestRank(t *testing.T) {
	t.Parallel()
	times := make([]time.Duration, 200)
	for i := range times {
		times[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		n, of int
		want  time.Duration
	}{{200, 50, 100}, {200, 99, 198}, {200, 100, 200}, {3, 50, 2}, {1, 50, 1}, {1, 99, 1}, {0, 99, 0}} {
		require.Equal(t, c.want, percentile(times[:c.n], c.of), "%d of %d", c.of, c.n)
	}
}

func TestPgbenchLogsAreReadFromEveryThread(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	_, _, err := pgbenchTimes(dir)
	require.Error(t, err, "no log is no measurement")
	write("floor.sql", "SELECT 1")
	write("floor.4711", "0 1 2500 0 1700000000 12500\n1 1 700 0 1700000001 300\n")
	write("floor.4711.1", "2 1 900 0 1700000000 500000\n")
	times, took, err := pgbenchTimes(dir)
	require.NoError(t, err)
	require.Equal(t, []time.Duration{700 * time.Microsecond, 900 * time.Microsecond, 2500 * time.Microsecond}, times)
	require.Equal(t, time.Second-12500*time.Microsecond+2500*time.Microsecond+300*time.Microsecond, took)
	write("floor.4711.2", "2 1 skipped 0 1700000000 14\n")
	_, _, err = pgbenchTimes(dir)
	require.Error(t, err)
}

func TestBenchArguments(t *testing.T) {
	t.Parallel()
	o, err := benchArgs(nil)
	require.NoError(t, err)
	require.Equal(t, 10_000, o.world.Budgets)
	require.Equal(t, 2_000, o.world.Sessions)
	require.Equal(t, 200, o.world.Providers)
	require.Equal(t, 64, o.floor)
	require.Equal(t, []int{1, 64, 256, 512}, o.clients)
	require.Equal(t, "bench", o.folder)
	require.Greater(t, o.world.Capacity*o.world.Sessions, 2*o.quotes)
	o, err = benchArgs([]string{"--quick"})
	require.NoError(t, err)
	require.Empty(t, o.folder)
	for _, bad := range [][]string{{"--seconds", "0"}, {"--seconds", "x"}, {"--nothing"}, {"now"}} {
		_, err = benchArgs(bad)
		require.Error(t, err, "%v", bad)
	}
}
