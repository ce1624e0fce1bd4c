package marketplace

import (
	"fmt"
	"io"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"shortbreaks"
)

// readRanges reads a file of term dates.
func readRanges(r io.Reader, format string) (ranges []CalendarRange, rows int, faults []ImportError, err error) {
	var lines []int
	if format == "csv" {
		ranges, lines, rows, faults, err = rangesOfCSV(r)
	} else {
		ranges, lines, rows, faults, err = rangesOfICal(r)
	}
	if err != nil {
		return nil, 0, nil, err
	}
	for i, a := range ranges {
		if a.EndsOn.Before(a.StartsOn) {
			faults = append(faults, ImportError{lines[i], "last_date", "The last date is before the first."})
		} else if a.EndsOn.Sub(a.StartsOn) > 366*24*time.Hour {
			faults = append(faults, ImportError{lines[i], "last_date", "A range is at most a year long."})
		}
		for j, b := range ranges[:i] {
			if a.Kind == b.Kind && a.holds(b.StartsOn) || b.Kind == a.Kind && b.holds(a.StartsOn) {
				faults = append(faults, ImportError{lines[i], "first_date", fmt.Sprintf("It overlaps row %d, which is of the same kind.", lines[j])})
				break
			}
		}
	}
	if len(ranges) == 0 && len(faults) == 0 {
		return nil, 0, nil, unreadable("The file has no term dates in it.")
	}
	return ranges, rows, faults, nil
}

func rangesOfCSV(r io.Reader) (ranges []CalendarRange, lines []int, n int, faults []ImportError, err error) {
	rows, faults, err := readCSV(r, []string{"kind", "first_date", "last_date", "name"}, []string{"kind", "first_date"})
	if err != nil {
		return nil, nil, 0, nil, err
	}
	for _, row := range rows {
		var f shortbreaks.Faults
		kind := strings.ReplaceAll(strings.ToLower(row.cell["kind"]), " ", "_")
		f.OneOf("kind", kind, RangeKinds)
		first, trouble := csvDate(row.cell["first_date"])
		f.Unless(trouble == "", "first_date", "%s", trouble)
		last := first
		if text := row.cell["last_date"]; text != "" {
			last, trouble = csvDate(text)
			f.Unless(trouble == "", "last_date", "%s", trouble)
		}
		name := row.cell["name"]
		if name == "" {
			name = shortbreaks.Capital(shortbreaks.Spaced(kind))
		}
		f.Text("name", name, 1, 100)
		for _, bad := range f.Fields {
			faults = append(faults, ImportError{row.line, bad.Pointer, bad.Detail})
		}
		if f.None() {
			ranges, lines = append(ranges, CalendarRange{Kind: RangeKind(kind), StartsOn: first, EndsOn: last, Name: name}), append(lines, row.line)
		}
	}
	return ranges, lines, len(rows), faults, nil
}

func rangesOfICal(r io.Reader) (ranges []CalendarRange, lines []int, n int, faults []ImportError, err error) {
	text, err := readText(r)
	if err != nil {
		return nil, nil, 0, nil, err
	}
	events, err := readICal(text)
	if err != nil {
		return nil, nil, 0, nil, err
	}
	for i, e := range events {
		if p := e.GetProperty(ics.ComponentPropertyStatus); p != nil && p.Value == string(ics.ObjectStatusCancelled) {
			continue
		}
		c, column, trouble := rangeOfEvent(e)
		if trouble != "" {
			faults = append(faults, ImportError{i + 1, column, trouble})
			continue
		}
		ranges, lines = append(ranges, c), append(lines, i+1)
	}
	return ranges, lines, len(events), faults, nil
}

// rangeOfEvent reads one event, or says what is wrong with it and where.
func rangeOfEvent(e *ics.VEvent) (c CalendarRange, column, trouble string) {
	if e.GetProperty(ics.ComponentPropertyRrule) != nil {
		return c, "RRULE", "Term dates do not repeat; give each year's."
	}
	start := e.GetProperty(ics.ComponentPropertyDtStart)
	if start == nil {
		return c, "DTSTART", "The event has no first day."
	}
	from, ok := eventTimeOf(start.Value, start.ICalParameters)
	if !ok || from.instant().Year() < 2000 || from.instant().Year() > 2100 {
		return c, "DTSTART", "The first day is not a date we can read."
	}
	to := from
	if end := e.GetProperty(ics.ComponentPropertyDtEnd); end != nil {
		if to, ok = eventTimeOf(end.Value, end.ICalParameters); !ok || to.allDay != from.allDay {
			return c, "DTEND", "The last day is not a date we can read."
		}
	}
	c.StartsOn, c.EndsOn = shortbreaks.Date(from.instant()), shortbreaks.Date(to.instant())
	if to.instant().After(from.instant()) { // the end of an event is the moment after it
		c.EndsOn = shortbreaks.Date(to.instant().Add(-time.Second))
	}
	name := ""
	if p := e.GetProperty(ics.ComponentPropertySummary); p != nil {
		name = strings.TrimSpace(p.Value)
	}
	var categories []string
	for _, p := range e.GetProperties(ics.ComponentPropertyCategories) {
		categories = append(categories, strings.Split(p.Value, ",")...)
	}
	kind, ok := kindOfEvent(name, categories)
	switch {
	case !ok:
		return c, "SUMMARY", "We cannot tell whether this is term, half term, a holiday or an INSET day. Say so in CATEGORIES."
	case kind == TermRun && c.StartsOn.Equal(c.EndsOn):
		return c, "SUMMARY", "A term is one event from its first day to its last; this one is a single day."
	}
	c.Kind, c.Name = kind, shortened(name, 100)
	if c.Name == "" {
		c.Name = shortbreaks.Capital(shortbreaks.Spaced(string(kind)))
	}
	return c, "", ""
}

// kindOfEvent tells from the categories, or else from the title, what an event
// of a school's calendar is.
func kindOfEvent(title string, categories []string) (RangeKind, bool) {
	for _, c := range categories {
		for _, k := range RangeKinds {
			if strings.EqualFold(strings.ReplaceAll(strings.TrimSpace(c), " ", "_"), k) {
				return RangeKind(k), true
			}
		}
	}
	title = strings.NewReplacer("-", " ", "_", " ").Replace(strings.ToLower(title))
	for _, k := range []struct {
		kind  RangeKind
		words []string
	}{
		{Inset, []string{"inset", "training day", "non pupil", "staff day"}},
		{HalfTerm, []string{"half term break", "half term holiday", "half term"}},
		{HolidayRun, []string{"holiday", "break", "closed", "closure"}},
		{TermRun, []string{"term"}},
	} {
		for _, w := range k.words {
			if strings.Contains(title, w) {
				return k.kind, true
			}
		}
	}
	return "", false
}

// shortened is the first characters of a text.
func shortened(text string, most int) string {
	letters := []rune(text)
	return string(letters[:min(len(letters), most)])
}
