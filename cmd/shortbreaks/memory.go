package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapTarget is how large the heap may grow before it is collected, in bytes.
// A request leaves little behind, so collecting at twice what is in use, as Go
// does by itself, is mostly work for nothing, and while it goes on the others
// wait: a service with little in use would do so ten times a second.
const heapTarget = 80 << 20

// spareTheCollector lets the heap grow to heapTarget, or to twice what is in use
// where that is more, unless whoever runs the program has said how it is to be.
func spareTheCollector() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(heapGrowth(0))
	afterEachCollection(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetGCPercent(heapGrowth(live[0].Value.Uint64()))
	})
}

// afterEachCollection calls f whenever the heap was collected: what is left
// lying about is found then.
func afterEachCollection(f func()) {
	left := new([16]byte)
	runtime.AddCleanup(left, func(struct{}) {
		f()
		afterEachCollection(f)
	}, struct{}{})
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
