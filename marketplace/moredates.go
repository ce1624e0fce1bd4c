package marketplace

import (
	"fmt"
	"time"

	"shortbreaks"
)

// An offer is drafted with one series. Later, single sessions are moved and
// times or places change from a date on; a file of offers then needs several
// series to say what there is. They belong together: one offer, one bundle.

// morePointer is where faults of a further series are told.
func morePointer(i int) string { return fmt.Sprintf("/sessions/more/%d", i) }

// all are the series and those beside it.
func (s SessionSeries) all() []SessionSeries { return append([]SessionSeries{s}, s.more...) }

// checkMore notes what is wrong with the further series, and with all of them
// together.
func (s SessionSeries) checkMore(f *shortbreaks.Faults, now time.Time) {
	if b := s.Bundle; b != nil {
		s.checkBundle(f)
	}
	if len(s.more) == 0 {
		return
	}
	for i, more := range s.more {
		var own shortbreaks.Faults
		more.check(&own, morePointer(i), now)
		f.Fields = append(f.Fields, own.Fields...)
	}
	if len(f.Fields) > 0 {
		return
	}
	s.checkTogether(f, now)
	upcoming, total := false, 0
	for _, one := range s.all() {
		for _, on := range one.dates() {
			o, trouble := one.occasion(on)
			upcoming = upcoming || trouble == "" && o.StartsAt.After(now)
			total++
		}
	}
	f.Unless(upcoming, "/sessions"+s.way(), "All of these dates have passed.")
	f.Unless(total <= maxSessions, "/sessions/last_date", "A series makes at most %d sessions; this one would make more.", maxSessions)
}

// checkBundle: a bundle is never of fewer dates than it has, nor of other days.
func (s SessionSeries) checkBundle(f *shortbreaks.Faults) {
	if len(f.Fields) > 0 {
		return
	}
	made := 0
	for _, one := range s.all() {
		made += len(one.dates())
	}
	f.Unless(s.Bundle.planned == 0 || s.Bundle.planned >= made && s.Bundle.planned <= 2*maxSessions, "/sessions/bundle/planned",
		"Give as many dates as there are, %d, or more.", made)
	if s.Bundle.startsOn.IsZero() {
		return
	}
	first, last := s.bundleSpan()
	f.Unless(last.Sub(first) <= longestSeries, "/sessions/bundle/span", "A series runs for two years at most.")
}

// checkTogether: the dates of a bundle are decided together, by the start of the
// first (T45).
func (s SessionSeries) checkTogether(f *shortbreaks.Faults, now time.Time) {
	if s.Bundle == nil {
		return
	}
	hours := 0
	for i, one := range s.all() {
		m, at := one.Minimum, "/sessions/minimum"
		if m == nil {
			continue
		}
		if i > 0 {
			at = morePointer(i-1) + "/minimum"
		}
		if hours == 0 {
			hours = m.DecideHoursBefore
		}
		f.Unless(m.DecideHoursBefore == hours, at+"/decide_hours_before", "The dates of a bundle are decided together; give %d for all of them.", hours)
		m.checkStart(f, at, s.firstStart(), now)
	}
}

// firstStart is when the first of all the sessions starts.
func (s SessionSeries) firstStart() (first time.Time) {
	for _, one := range s.all() {
		for _, on := range one.dates() {
			if o, _ := one.occasion(on); first.IsZero() || o.StartsAt.Before(first) {
				first = o.StartsAt
			}
		}
	}
	return first
}

// plannedSessions is how many dates the bundle's price was set for.
func (s SessionSeries) plannedSessions() (n int) {
	if s.Bundle != nil && s.Bundle.planned > 0 {
		return s.Bundle.planned
	}
	for _, one := range s.all() {
		n += len(one.dates())
	}
	return n
}

// bundleSpan is the first and the last date of the bundle.
func (s SessionSeries) bundleSpan() (first, last time.Time) {
	if b := s.Bundle; b != nil && !b.startsOn.IsZero() {
		return b.startsOn, b.endsOn
	}
	first, last = s.span()
	for _, one := range s.more {
		from, to := one.span()
		if from.Before(first) {
			first = from
		}
		if to.After(last) {
			last = to
		}
	}
	return first, last
}
