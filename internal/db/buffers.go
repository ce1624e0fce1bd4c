package db

import (
	"os"
	"strconv"
	"strings"
)

// How much memory our own PostgreSQL keeps pages in: a quarter of what there
// is, as its manual advises, within these. What is not there it asks the system
// for, which checks and copies each page; a search touches hundreds.
const (
	leastBuffers = 128 << 20 // what PostgreSQL takes by itself
	mostBuffers  = 1 << 30
)

// buffers is shared_buffers, in bytes, for so much memory; 0 is not known.
func buffers(memory int64) int64 { return min(max(memory/4, leastBuffers), mostBuffers) }

// memory is what this machine has, or this container may use, in bytes; 0 if
// nobody says.
func memory() int64 {
	info, _ := os.ReadFile("/proc/meminfo")
	limit, _ := os.ReadFile("/sys/fs/cgroup/memory.max")
	return memoryOf(string(info), string(limit))
}

// memoryOf reads Linux's own words: "MemTotal:  1024 kB", and a number of bytes
// or "max".
func memoryOf(info, limit string) (bytes int64) {
	for line := range strings.Lines(info) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "MemTotal:" && words[2] == "kB" {
			kB, _ := strconv.ParseInt(words[1], 10, 64)
			bytes = kB << 10
		}
	}
	if most, err := strconv.ParseInt(strings.TrimSpace(limit), 10, 64); err == nil && (bytes == 0 || most < bytes) {
		bytes = most
	}
	return bytes
}
