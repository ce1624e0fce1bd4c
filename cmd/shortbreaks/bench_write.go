package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// searchTitle begins the part of RESULTS.md that the bench of searches writes;
// what stands before it is that of bookings. Each leaves the other's as it is.
const searchTitle = "# What a search costs\n"

// write puts one part's text and lines beside the other's.
func (b *bencher) write(text string, search bool) error {
	if b.folder == "" {
		return nil
	}
	if err := os.MkdirAll(b.folder, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	results, numbers := filepath.Join(b.folder, "RESULTS.md"), filepath.Join(b.folder, "results.json")
	old, err := os.ReadFile(results) //nolint:gosec // the folder the person named
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bookings, searches, found := strings.Cut(string(old), searchTitle)
	if found {
		searches = searchTitle + searches
	}
	if search {
		searches = text
	} else {
		bookings = text
	}
	if bookings != "" && searches != "" {
		bookings = strings.TrimRight(bookings, "\n") + "\n\n"
	}
	lines, err := b.linesBeside(numbers, search)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{results: []byte(bookings + searches), numbers: lines} {
		if err := os.WriteFile(name, content, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	say("written: %s and %s", results, numbers)
	return nil
}

// ofBookings are the lines of the bench of bookings.
var ofBookings = []string{"floor", "createBooking", "at half the rate", "one row", "one session", "sold out"}

// linesBeside is this run's lines with those of the other part, bookings first.
func (b *bencher) linesBeside(file string, search bool) ([]byte, error) {
	var old, kept []measurement
	text, err := os.ReadFile(file) //nolint:gosec // the folder the person named
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, m := range old {
		if slices.Contains(ofBookings, m.Name) == search {
			kept = append(kept, m)
		}
	}
	all := append(kept, b.runs...) //nolint:gocritic // a new list
	if !search {
		all = append(append([]measurement{}, b.runs...), kept...)
	}
	numbers, err := json.MarshalIndent(all, "", "  ")
	return append(numbers, '\n'), err
}
