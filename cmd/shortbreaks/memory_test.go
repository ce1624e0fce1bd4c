package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheHeapGrowsToItsTargetAndNeverLessThanTwofold(t *testing.T) {
	t.Parallel()
	for live, percent := range map[uint64]int{
		0:              400,   // before the first collection
		1 << 10:        5_000, // no more than that
		8 << 20:        1_100, // 8 MB and 88 more
		heapTarget / 4: 300,
		heapTarget / 2: 100,
		heapTarget * 3: 100,
	} {
		require.Equal(t, percent, heapGrowth(live), "%d bytes in use", live)
	}
}
