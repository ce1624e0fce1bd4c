package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapTarget is how large the heap may grow before it is collected, in bytes.
// A request leaves little behind, so collecting at twice what is in use, as Go
// does by itself, is mostly work for nothing, and while it goes on the others
// wait: a service with little in use would do so ten times a second.
const heapTarget = 96 << 20

// spareTheCollector lets the heap grow to heapTarget, or to twice what is in use
// where that is more, until ctx ends; unless whoever runs the program has said
// how it is to be.
func spareTheCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(heapGrowth(0))
	go func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for tick := time.NewTicker(time.Second); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				metrics.Read(live)
				debug.SetGCPercent(heapGrowth(live[0].Value.Uint64()))
			}
		}
	}()
}

// heapGrowth is how far the heap may grow between two collections, in percent of
// what the last one left in use.
func heapGrowth(live uint64) int {
	const least, start, most = 100, 400, 5_000
	if live == 0 { // nothing was collected yet
		return start
	}
	if live >= heapTarget/2 {
		return least
	}
	return int(min(100*(heapTarget-live)/live, most)) //nolint:gosec // at most 5,000
}
