package marketplace

import (
	"slices"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"shortbreaks"
)

// The most a diary may hold. Looking a rule up may take some milliseconds.
const (
	maxBusyRules  = 300
	maxBusyRanges = 5000
)

// busyAhead is how far a diary is read.
const busyAhead = 400 * 24 * time.Hour

// diary reads when somebody is busy out of an iCalendar file. It keeps times
// and nothing else. What cannot be understood is counted: a worker is not
// taken for free because an event was written in a way we do not know.
type diary struct {
	from, to  time.Time
	busy      []span
	rules     int
	unread    int
	overrides map[string][]time.Time // by UID: occurrences that stand elsewhere in the file
}

// busyTimes are the times between from and to, merged and in order, or why the
// file cannot be used.
func busyTimes(text string, from, to time.Time) (busy []span, trouble string) {
	cal, err := readICal(text)
	if err != nil {
		return nil, "This is not an iCalendar file of at most 5,000 events."
	}
	if strings.Contains(text, "BEGIN:VFREEBUSY") {
		return nil, "The calendar lists free and busy times apart from its events (VFREEBUSY), which we do not read. Publish its events; we keep no titles."
	}
	d := diary{from: from, to: to, overrides: map[string][]time.Time{}}
	for _, e := range cal {
		if id := e.GetProperty(ics.ComponentPropertyRecurrenceId); id != nil {
			at, ok := eventTimeOf(id.Value, id.ICalParameters)
			if !ok || len(id.ICalParameters["RANGE"]) > 0 {
				d.unread++
				continue
			}
			d.overrides[e.Id()] = append(d.overrides[e.Id()], at.instant())
		}
	}
	for _, e := range cal {
		d.add(e)
	}
	switch {
	case d.rules > maxBusyRules:
		return nil, "The calendar has more than 300 events that repeat."
	case d.unread > 0:
		return nil, "We cannot read the times of " + shortbreaks.Plural(d.unread, "event") + ". Nothing was changed."
	}
	if busy = merged(d.busy); len(busy) > maxBusyRanges {
		return nil, "The calendar has more than 5,000 busy times."
	}
	return busy, ""
}

// add takes one event.
func (d *diary) add(e *ics.VEvent) {
	is := func(p ics.ComponentProperty, value string) bool {
		found := e.GetProperty(p)
		return found != nil && strings.EqualFold(found.Value, value)
	}
	if is(ics.ComponentPropertyTransp, "TRANSPARENT") || is(ics.ComponentPropertyStatus, "CANCELLED") || is("X-MICROSOFT-CDO-BUSYSTATUS", "FREE") {
		return
	}
	from, to, ok := eventSpan(e)
	if !ok || e.GetProperty(ics.ComponentPropertyRdate) != nil || e.GetProperty(ics.ComponentPropertyExrule) != nil {
		d.unread++
		return
	}
	if e.GetProperty(ics.ComponentPropertyRrule) == nil {
		d.take(from.instant(), to.instant())
		return
	}
	if d.rules++; d.rules <= maxBusyRules {
		d.repeat(e, from, to)
	}
}

// eventSpan is the first time of an event; without an end a day lasts a day,
// and a moment takes no time.
func eventSpan(e *ics.VEvent) (from, to eventTime, ok bool) {
	start, end := e.GetProperty(ics.ComponentPropertyDtStart), e.GetProperty(ics.ComponentPropertyDtEnd)
	if start == nil {
		return from, to, false
	}
	if from, ok = eventTimeOf(start.Value, start.ICalParameters); !ok || from.wall.Year() < 1970 || from.wall.Year() > 2200 {
		return from, to, false
	}
	switch length := e.GetProperty(ics.ComponentPropertyDuration); {
	case end != nil:
		to, ok = eventTimeOf(end.Value, end.ICalParameters)
		return from, to, ok && to.allDay == from.allDay
	case length != nil:
		lasts, ok := durationOf(length.Value)
		return from, from.later(lasts), ok
	case from.allDay:
		return from, from.later(24 * time.Hour), true
	}
	return from, from, true
}

// later is the time a while on, by the clock on the wall.
func (e eventTime) later(by time.Duration) eventTime {
	e.wall = e.wall.Add(by)
	e.at = e.wall
	if !e.allDay {
		e.at = inZone(e.wall, e.zone)
	}
	return e
}

// durationOf reads "PT1H30M", "P1D" or "P2W"; Go reads what follows the T.
func durationOf(text string) (time.Duration, bool) {
	days, clock, hasClock := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(text, "+"), "P"), "T")
	var d time.Duration
	if days != "" {
		unit := map[byte]time.Duration{'D': 24 * time.Hour, 'W': 7 * 24 * time.Hour}[days[len(days)-1]]
		n, err := time.ParseDuration(days[:len(days)-1] + "ns")
		if err != nil || unit == 0 || n < 0 || n > 1000 {
			return 0, false
		}
		d = time.Duration(n.Nanoseconds()) * unit
	}
	if hasClock {
		rest, err := time.ParseDuration(strings.ToLower(clock))
		if err != nil || rest < 0 || rest > 1000*24*time.Hour {
			return 0, false
		}
		d += rest
	}
	return d, strings.Contains(text, "P")
}

// repeat takes every occurrence of a rule that falls into the window.
func (d *diary) repeat(e *ics.VEvent, from, to eventTime) {
	text := e.GetProperty(ics.ComponentPropertyRrule).Value
	rule, trouble := ParseRule(strings.TrimSuffix(text, ";")) // some programs write one too many
	except, ok := exceptions(e)
	lasts := to.wall.Sub(from.wall)
	if trouble != "" || !ok || lasts < 0 || lasts > 31*24*time.Hour || len(e.GetProperties(ics.ComponentPropertyRrule)) > 1 {
		d.unread++
		return
	}
	except = append(except, d.overrides[e.Id()]...)
	most := int(d.to.Sub(from.instant()).Hours()/24) + 2 // a rule comes once a day at most
	for _, wall := range rule.Times(from.wall, d.to.UTC().Add(24*time.Hour), from.zone, most) {
		at := from.later(wall.Sub(from.wall))
		if !slices.ContainsFunc(except, at.instant().Equal) {
			d.take(at.instant(), at.later(lasts).instant())
		}
	}
}

// exceptions are the occurrences an event leaves out.
func exceptions(e *ics.VEvent) (except []time.Time, ok bool) {
	for _, p := range e.GetProperties(ics.ComponentPropertyExdate) {
		for _, value := range strings.Split(p.Value, ",") {
			at, ok := eventTimeOf(value, p.ICalParameters)
			if !ok {
				return nil, false
			}
			except = append(except, at.instant())
		}
	}
	return except, true
}

// take keeps what of a time falls into the window.
func (d *diary) take(from, to time.Time) {
	if from.Before(d.from) {
		from = d.from
	}
	if to.After(d.to) {
		to = d.to
	}
	if from.Before(to) {
		d.busy = append(d.busy, span{from, to})
	}
}

// merged joins times that overlap or touch.
func merged(times []span) []span {
	slices.SortFunc(times, func(a, b span) int { return a.from.Compare(b.from) })
	var out []span
	for _, t := range times {
		if n := len(out); n > 0 && !t.from.After(out[n-1].to) {
			if t.to.After(out[n-1].to) {
				out[n-1].to = t.to
			}
			continue
		}
		out = append(out, t)
	}
	return out
}
