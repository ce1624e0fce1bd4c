package shortbreaks

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Faults gathers every value that breaks a rule, so that a person is told of
// all of them at once. Its zero value is ready to use.
type Faults struct{ Fields []Field }

// Add notes a value by its JSON pointer ("" is the whole).
func (f *Faults) Add(pointer, format string, args ...any) {
	f.Fields = append(f.Fields, Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// Unless notes a value unless the rule holds.
func (f *Faults) Unless(rule bool, pointer, format string, args ...any) {
	if !rule {
		f.Add(pointer, format, args...)
	}
}

// As is the refusal with every value noted, or nil if there is none. A refusal
// without detail gets that of the first value.
func (f *Faults) As(refusal *Error) error {
	if len(f.Fields) == 0 {
		return nil
	}
	e := *refusal
	e.Fields = f.Fields
	if e.Detail == "" {
		e.Detail = f.Fields[0].Detail
	}
	return &e
}

// None reports whether nothing was noted.
func (f *Faults) None() bool { return len(f.Fields) == 0 }

// Text notes words that are too short or too long, in characters.
func (f *Faults) Text(at, words string, least, most int) {
	n := len([]rune(strings.TrimSpace(words)))
	f.Unless(n >= least && n <= most, at, "Write %d to %d characters.", least, most)
}

// OneOf notes a value that is not in the list.
func (f *Faults) OneOf(at, value string, values []string) {
	f.Unless(slices.Contains(values, value), at, "Give one of %s.", strings.Join(values, ", "))
}

// Within notes a number outside of the bounds, both included.
func (f *Faults) Within(at string, n, least, most int) {
	f.Unless(n >= least && n <= most, at, "Give %d to %d.", least, most)
}

// Date notes a text that is not a date; "" is none and passes.
func (f *Faults) Date(at, s string) {
	_, err := time.Parse(time.DateOnly, s)
	f.Unless(s == "" || err == nil, at, "Give a date such as 2027-01-09.")
}

// Clock notes a text that is not a time of day.
func (f *Faults) Clock(at, s string) {
	_, err := time.Parse("15:04", s)
	f.Unless(err == nil && len(s) == 5, at, "Give a time such as 16:00.")
}

// Days notes a list that is not of ISO weekdays, each once.
func (f *Faults) Days(at string, days []int) {
	ok := len(days) >= 1 && len(days) <= 7
	for i, d := range days {
		ok = ok && d >= 1 && d <= 7 && !slices.Contains(days[:i], d)
	}
	f.Unless(ok, at, "Give days of the week, Monday 1 to Sunday 7, each once.")
}
