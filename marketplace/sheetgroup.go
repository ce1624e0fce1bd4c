package marketplace

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// What a file says of a group beside its dates and places: the fewest with whom
// it runs (T45), the staff for children who need them to themselves (T51), and
// who may come along (T96). The first two stand in the row of the dates they
// are for; of the dates of a row that says nothing, nothing holds.

// readGroup reads the minimum and the staff of the dates of a row.
func (r *sheetRow) readGroup(s *SessionSeries) {
	s.StaffUnits = r.optional("staff_units")
	early := r.yes("confirm_early")
	if early || r.has("minimum_places", "decide_hours_before") {
		s.Minimum = &MinimumDraft{Places: r.number("minimum_places"), DecideHoursBefore: r.number("decide_hours_before"), ConfirmEarly: early}
	}
}

// refuseGroup notes what only sessions can have, in the row of an offer without
// any: it is not dropped in silence.
func (r *sheetRow) refuseGroup() {
	for _, column := range []string{"staff_units", "minimum_places", "decide_hours_before"} {
		if r.optional(column) > 0 {
			r.fault(column, "Only a group with sessions has this.")
		}
	}
	if r.yes("confirm_early") {
		r.fault("confirm_early", "Only a group with sessions has this.")
	}
}

// printGroup writes the same cells.
func printGroup(s SessionSeries) map[string]string {
	cells := map[string]string{"staff_units": printNumber(s.StaffUnits)}
	if m := s.Minimum; m != nil {
		cells["minimum_places"], cells["decide_hours_before"] = printCount(m.Places), printCount(m.DecideHoursBefore)
		cells["confirm_early"] = printYes(m.ConfirmEarly)
	}
	return cells
}

// printCompanions writes who may come along and the places each takes:
// "carer 0; sibling 1".
func printCompanions(places map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(places)) {
		parts = append(parts, fmt.Sprint(kind, " ", places[kind]))
	}
	return strings.Join(parts, "; ")
}

func parseCompanions(text string) (places map[string]int, ok bool) {
	places = map[string]int{}
	for _, part := range splitCell(text, ';') {
		words := strings.Fields(part)
		if len(words) != 2 || !aWord.MatchString(words[0]) {
			return nil, false
		}
		n, known := wholeNumber(words[1])
		if _, twice := places[words[0]]; twice || !known {
			return nil, false
		}
		places[words[0]] = n
	}
	return places, len(places) > 0
}

// minimumIn is a session's minimum as a draft of these dates would say it,
// decided so long before from. It is the zero value if it is to be decided this
// moment: no draft could say that any more.
func (p *plannedSession) minimumIn(from, decideAt, now time.Time) MinimumDraft {
	hours := int(from.Sub(decideAt) / time.Hour)
	m := MinimumDraft{
		Places: *p.MinimumPlaces, DecideHoursBefore: min(max(1, hours), longestUndecided), ConfirmEarly: p.ConfirmEarly,
	}
	if !m.before(from).After(now) {
		return MinimumDraft{}
	}
	return m
}

// compare orders minimums, those without first.
func (m MinimumDraft) compare(o MinimumDraft) int {
	return cmp.Or(cmp.Compare(m.Places, o.Places), cmp.Compare(m.DecideHoursBefore, o.DecideHoursBefore),
		cmp.Compare(printYes(m.ConfirmEarly), printYes(o.ConfirmEarly)))
}

// undecided reports whether it is open yet whether the session runs.
func (p *plannedSession) undecided() bool { return p.MinimumPlaces != nil && p.DecidedAt == nil }

// minima are the minimums of sessions that are in the order of their starts; the
// zero value where there is none, and where it was decided that one runs, since
// whoever books it then is confirmed at once. Those of a bundle are decided
// together, when the soonest of them is.
func minima(planned []plannedSession, bundled bool, now time.Time) []MinimumDraft {
	var together time.Time
	for i := range planned {
		if p := &planned[i]; p.undecided() && (together.IsZero() || p.DecideAt.Before(together)) {
			together = *p.DecideAt
		}
	}
	all := make([]MinimumDraft, len(planned))
	for i := range planned {
		p := &planned[i]
		switch {
		case !p.undecided():
		case bundled:
			all[i] = p.minimumIn(planned[0].StartsAt, together, now)
		default:
			all[i] = p.minimumIn(p.StartsAt, *p.DecideAt, now)
		}
	}
	return all
}
