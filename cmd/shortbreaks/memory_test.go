package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheHeapGrowsToItsTargetAndNeverLessThanTwofold(t *testing.T) {
	t.Parallel()
	for live, percent := range map[uint64]int{
		0:              400,   // before the first collection
		1 << 10:        5_000, // no more than that
		8 << 20:        900,   // 8 MB and 72 more
		heapTarget / 4: 300,
		heapTarget / 2: 100,
		heapTarget * 3: 100,
	} {
		require.Equal(t, percent, heapGrowth(live), "%d bytes in use", live)
	}
}

func TestEveryCollectionIsFollowed(t *testing.T) {
	t.Parallel()
	followed := make(chan struct{}, 100)
	afterEachCollection(func() {
		select {
		case followed <- struct{}{}:
		default: // the test is over, and whatever else follows collections is not to wait
		}
	})
	for range 3 {
		for len(followed) == 0 { // the last one may only now be followed to its end
			runtime.GC()
		}
		<-followed
	}
}
