package main

import (
	"os"
	"runtime/debug"
)

// What the collector may spend. A request leaves little behind, so collecting
// at twice the live heap, as Go does by itself, is mostly work for nothing;
// beyond heapSoftly it is done as often as it takes to stay there.
const (
	heapGrowth = 400      // percent
	heapSoftly = 96 << 20 // bytes, of everything Go keeps
)

// spareTheCollector lets the heap grow, unless whoever runs the program has
// said how it is to be.
func spareTheCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapSoftly)
	}
}
