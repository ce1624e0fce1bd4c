package marketplace

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// laterDates is the word of the column dates for a draft that has none yet.
const laterDates = "later"

// readDates reads when an offer can be had.
func (o *sheetOffer) readDates(d *OfferDraft, find lookups) {
	head := o.rows[0]
	for _, r := range o.rows[1:] {
		if r.has(seriesCells...) {
			o.series = append(o.series, r)
		}
	}
	groups, hourly, later := head.cell["places"] != "", head.cell["lanes"] != "", head.cell["dates"] == laterDates
	switch {
	case later && !hourly && !groups:
		d.datesLater = true
		head.refuseGroup()
	case groups == hourly:
		head.fault("places", "Give places for a group with sessions, or lanes for support by the hour, and not both.")
	case groups:
		d.Sessions = head.series(find)
		d.Sessions.Bundle = head.bundle(d.Tariff)
		for _, r := range o.series {
			more := r.series(find)
			more.beside = true
			d.Sessions.more = append(d.Sessions.more, *more)
		}
		d.Sessions.beside = len(o.series) > 0
		return
	default:
		d.Visits = head.visits(find)
		head.refuseGroup()
	}
	for _, r := range o.series {
		r.fault("places", "Only a group with sessions has further dates.")
	}
}

func (r *sheetRow) series(find lookups) *SessionSeries {
	s := &SessionSeries{
		FirstDate: r.date("first_date"), LastDate: r.date("last_date"), Weekdays: r.days(), Rule: r.cell["rule"], Dates: r.dates("dates"),
		From: r.cell["from"], To: r.cell["to"], Except: r.dates("except"), Capacity: r.number("places"), SkipBankHolidays: r.yes("skip_bank_holidays"),
	}
	r.readGroup(s)
	if text := r.cell["calendar"]; text != "" {
		limit, trouble := find.calendar(text)
		if s.Calendar = limit; trouble != "" {
			r.fault("calendar", "%s", trouble)
		}
	}
	return s
}

// bundle reads the bundle; its unit is that of the price that sells it.
func (r *sheetRow) bundle(t tariff.Tariff) *BundleDraft {
	b := &BundleDraft{Name: r.cell["bundle_name"], planned: r.optional("bundle_dates")}
	for _, o := range t.Options {
		for _, c := range o.Charges {
			if b.Unit == "" && slices.Contains(tariff.BundleUnits, c.Unit) {
				b.Unit = c.Unit
			}
		}
	}
	if text := r.cell["bundle_span"]; text != "" {
		first, last, _ := strings.Cut(text, " to ")
		var ok1, ok2 bool
		b.startsOn, ok1 = parseOn(strings.TrimSpace(first))
		b.endsOn, ok2 = parseOn(strings.TrimSpace(last))
		if !ok1 || !ok2 || b.endsOn.Before(b.startsOn) {
			r.fault("bundle_span", "Write it like 2027-01-04 to 2027-03-28.")
		}
	}
	if b.Unit != "" {
		return b
	}
	for _, column := range []string{"bundle_name", "bundle_dates", "bundle_span"} {
		if r.cell[column] != "" {
			r.fault(column, "Only a price by the week, half term, term or quarter has a bundle.")
		}
	}
	return nil
}

func (r *sheetRow) visits(find lookups) *VisitRules {
	v := &VisitRules{
		Days: r.days(), From: r.cell["from"], To: r.cell["to"],
		MinimumMinutes: r.number("minimum_visit"), MaximumMinutes: r.number("maximum_visit"), StepMinutes: r.number("visit_step"),
		BufferBeforeMinutes: r.optional("buffer_before"), BufferAfterMinutes: r.optional("buffer_after"),
	}
	seen := map[string]bool{}
	for _, part := range splitCell(r.cell["lanes"], ';') {
		if label, _ := laneName(part); label == "" || len([]rune(label)) > 60 || seen[part] {
			r.fault("lanes", "Give each lane a name of 1 to 60 characters, each once.")
			continue
		}
		seen[part] = true
		v.Lanes = append(v.Lanes, find.lane(part))
	}
	return v
}

// laneName is a lane's label and which of those of that label it is, from 1:
// "Worker A #2".
func laneName(text string) (label string, n int) {
	if at := strings.LastIndex(text, " #"); at > 0 {
		if n, ok := wholeNumber(text[at+2:]); ok && n >= 1 && n < 10_000 {
			return unquoted(text[:at]), n
		}
	}
	return unquoted(text), 1
}

// printLane is the reverse.
func printLane(label string, n int) string {
	text := listedText(label)
	if again, m := laneName(text); n > 1 || again != label || m != 1 {
		return text + " #" + strconv.Itoa(n)
	}
	return text
}

// printSeries writes a series' cells, which read back as the same dates.
func printSeries(s SessionSeries) map[string]string {
	cells := map[string]string{
		"days": printDays(s.Weekdays), "from": s.From, "to": s.To, "first_date": printOn(s.FirstDate), "last_date": printOn(s.LastDate),
		"rule": s.Rule, "dates": printOns(s.Dates), "except": printOns(s.Except), "skip_bank_holidays": printYes(s.SkipBankHolidays),
		"places": printCount(s.Capacity),
	}
	maps.Copy(cells, printGroup(s))
	return cells
}

func printCount(n int) string { return strconv.Itoa(n) }

// mostExcepted is how many dates a weekly series may leave out and still be
// written as one; with more, a list of its dates is plainer.
const mostExcepted = 12

// seriesOn is the plainest series that makes just these dates: days of the
// week from the first to the last with some left out, or else a list. Where
// from and to are given, they are its first and last date.
func seriesOn(dates []time.Time, from, to time.Time) SessionSeries {
	if from.IsZero() {
		from, to = dates[0], dates[len(dates)-1]
	}
	var days []int
	for _, on := range dates {
		if day := shortbreaks.ISOWeekday(on); !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	var except []time.Time
	for _, on := range datesOf(from, to, days, nil) {
		if !slices.ContainsFunc(dates, on.Equal) {
			except = append(except, on)
		}
	}
	weekly := len(dates) > 2*len(days) || len(dates) == len(days) && len(days) == 1
	if len(except) > mostExcepted || !weekly || dates[0].Before(from) || dates[len(dates)-1].After(to) {
		return SessionSeries{Dates: dates}
	}
	return SessionSeries{FirstDate: from, LastDate: to, Weekdays: days, Except: except}
}
