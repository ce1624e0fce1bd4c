package main

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how far the heap may grow between two collections, in percent
// of what is in use. A request leaves little behind, so collecting at twice
// what is in use, as Go does by itself, is mostly work for nothing; more than
// this takes memory small servers do not have.
const heapGrowth = 200

// spareTheCollector lets the heap grow, unless whoever runs the program has
// said how it is to be.
func spareTheCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
