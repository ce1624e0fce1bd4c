package db

import (
	"slices"
	"strings"
	"testing"
)

func TestPostgreSQLKeepsAQuarterOfTheMemoryForPagesWithinBounds(t *testing.T) {
	t.Parallel()
	const gB = int64(1) << 30
	for _, c := range []struct {
		name, info, limit string
		want              int64
	}{
		{"a machine of 2 GB", "MemTotal:        2097152 kB\nMemFree: 1 kB\n", "", gB / 2},
		{"a large one", "MemTotal:       65970236 kB\n", "max\n", gB},
		{"a small one", "MemTotal:         262144 kB\n", "", 128 << 20},
		{"a container of 1 GB on a large one", "MemTotal:       65970236 kB\n", "1073741824\n", gB / 4},
		{"a container that may use more than there is", "MemTotal:        2097152 kB\n", "65970236000\n", gB / 2},
		{"nobody says", "", "", 128 << 20},
	} {
		if got := buffers(memoryOf(c.info, c.limit)); got != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, got, c.want)
		}
	}
}

func TestOnlyAServerThatKeepsDataIsGivenMemory(t *testing.T) {
	t.Parallel()
	given := func(o EmbeddedOptions) bool {
		return slices.ContainsFunc((&Embedded{opts: o}).settings(), func(s string) bool { return strings.HasPrefix(s, "shared_buffers=") })
	}
	if !given(EmbeddedOptions{}) || given(EmbeddedOptions{Throwaway: true}) {
		t.Error("a database of tests is small, and there are many of them")
	}
}
