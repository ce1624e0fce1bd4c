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

// The parts of RESULTS.md, each written by a bench of its own and begun by its
// title. Each bench leaves the others' parts and lines as they are.
const (
	bookingTitle = "# What a booking costs\n"
	pastTitle    = "# What a booking costs after years\n"
	searchTitle  = "# What a search costs\n"
)

var titles = []string{bookingTitle, pastTitle, searchTitle}

// write puts one part's text and lines beside the others'.
func (b *bencher) write(title, text string) error {
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
	lines, err := b.linesBeside(numbers, title)
	if err != nil {
		return err
	}
	parts := partsOf(string(old))
	parts[title] = title + text
	var whole []string
	for _, t := range titles {
		if part := strings.TrimRight(parts[t], "\n"); part != "" {
			whole = append(whole, part+"\n")
		}
	}
	for name, content := range map[string][]byte{results: []byte(strings.Join(whole, "\n")), numbers: lines} {
		if err := os.WriteFile(name, content, 0o644); err != nil { //nolint:gosec // for everybody to read
			return err
		}
	}
	say("written: %s and %s", results, numbers)
	return nil
}

// partsOf takes RESULTS.md apart by title.
func partsOf(text string) map[string]string {
	parts := map[string]string{}
	title := ""
	for line := range strings.Lines(text) {
		if slices.Contains(titles, line) {
			title = line
		}
		parts[title] += line
	}
	return parts
}

// partOf is the title of the part a line belongs to.
func partOf(line string) string {
	switch {
	case slices.Contains([]string{amongFew, amongMany}, line):
		return pastTitle
	case strings.HasPrefix(line, "by hand"), strings.HasPrefix(line, "search"), line == "compare", line == "plan":
		return searchTitle
	}
	return bookingTitle
}

// linesBeside is this run's lines with those of the other parts, in the parts' order.
func (b *bencher) linesBeside(file, title string) ([]byte, error) {
	var old, all []measurement
	text, err := os.ReadFile(file) //nolint:gosec // the folder the person named
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, t := range titles {
		if t == title {
			all = append(all, b.runs...)
			continue
		}
		for _, m := range old {
			if partOf(m.Name) == t {
				all = append(all, m)
			}
		}
	}
	numbers, err := json.MarshalIndent(all, "", "  ")
	return append(numbers, '\n'), err
}
