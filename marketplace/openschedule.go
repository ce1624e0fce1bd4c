package marketplace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"shortbreaks"
)

// OpenSchedule is when something is, as a rule that Open Referral and
// OpenActive can both carry: by the week or the month, between two dates, at
// one wall time. What no such rule says has no Freq, and its Words tell.
type OpenSchedule struct {
	From, To  time.Time // dates: the first and the last
	Freq      string    // WEEKLY, MONTHLY; "": no rule says it
	Interval  int       // every so many weeks or months
	Days      []int     // ISO; of WEEKLY, and the one of MONTHLY by weekday
	Nth       int       // MONTHLY: the first to fourth such day of the month, or -1 for the last
	MonthDay  int       // MONTHLY: the day of the month, if not by weekday
	Opens     string    // wall time, "10:00"
	Closes    string    // "" if it ends on another date
	Offset    string    // London's offset from UTC all through, "Z" or "+01:00"; "" if that changes
	Occasions int       // how many dates
	Words     string
	AnyTime   bool // visits can be had within these hours, none is fixed
}

// The most rules one offer's dates are written as, and the widest weekly step.
const (
	mostSchedules = 12
	mostRuns      = 6
	widestStep    = 3
)

// moment is one date of an offer.
type moment struct {
	on            time.Time // a date: midnight UTC
	opens, closes string
	offset        string
}

// momentsOf are sessions as dates and wall times.
func momentsOf(sessions []Session) []moment {
	all := make([]moment, 0, len(sessions))
	for _, s := range sessions {
		start, end := s.StartsAt.In(shortbreaks.London), s.EndsAt.In(shortbreaks.London)
		m := moment{on: shortbreaks.Date(s.StartsAt), opens: start.Format("15:04"), offset: start.Format("Z07:00")}
		if shortbreaks.Date(s.EndsAt).Equal(m.on) {
			m.closes = end.Format("15:04")
		}
		all = append(all, m)
	}
	return all
}

// schedulesOf writes dates as rules. With an offset from UTC to each, as Open
// Referral wants its times, a rule ends where the clocks change.
func schedulesOf(all []moment, withOffset bool) []OpenSchedule {
	var order []moment
	groups := map[moment][]time.Time{}
	for _, m := range all {
		key := moment{opens: m.opens, closes: m.closes}
		if withOffset {
			key.offset = m.offset
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], m.on)
	}
	var list []OpenSchedule
	for _, key := range order {
		dates := groups[key]
		slices.SortFunc(dates, time.Time.Compare)
		for _, s := range rulesOf(dates, key.closes != "") {
			s.Opens, s.Closes, s.Offset = key.opens, key.closes, key.offset
			s.Words = s.words()
			list = append(list, s)
		}
	}
	if len(list) > mostSchedules {
		one := OpenSchedule{From: list[0].From, Occasions: len(all)}
		for _, s := range list {
			one.To = latest(one.To, s.To)
		}
		one.Words = one.words()
		return []OpenSchedule{one}
	}
	return list
}

// rulesOf are the rules that give exactly these dates, in order and each once:
// one if one will do, else one for each run of weeks without a gap. What is
// left has no rule, and neither has what goes on past midnight.
func rulesOf(dates []time.Time, sameDay bool) []OpenSchedule {
	none := []OpenSchedule{{From: dates[0], To: dates[len(dates)-1], Occasions: len(dates)}}
	if !sameDay {
		return none
	}
	if s, ok := weekly(dates); ok {
		return []OpenSchedule{s}
	}
	if s, ok := monthly(dates); ok {
		return []OpenSchedule{s}
	}
	var rules []OpenSchedule
	for _, run := range runsOf(dates) {
		s, ok := weekly(run)
		if !ok {
			return none
		}
		rules = append(rules, s)
	}
	if len(rules) > mostRuns || 2*len(rules) > len(dates) {
		return none
	}
	return rules
}

// runsOf cuts dates where a week has none.
func runsOf(dates []time.Time) (runs [][]time.Time) {
	begun := 0
	for i := 1; i <= len(dates); i++ {
		if i == len(dates) || mondayOf(dates[i]).Sub(mondayOf(dates[i-1])) > 7*24*time.Hour {
			runs = append(runs, dates[begun:i])
			begun = i
		}
	}
	return runs
}

func mondayOf(on time.Time) time.Time { return on.AddDate(0, 0, 1-shortbreaks.ISOWeekday(on)) }

// weekly is the rule by the week that gives exactly these dates, if one does.
func weekly(dates []time.Time) (OpenSchedule, bool) {
	var days []int
	for _, on := range dates {
		if d := shortbreaks.ISOWeekday(on); !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	slices.Sort(days)
	first, last := dates[0], dates[len(dates)-1]
	for step := 1; step <= widestStep; step++ {
		var given []time.Time
		for week := mondayOf(first); !week.After(last); week = week.AddDate(0, 0, 7*step) {
			for _, d := range days {
				if on := week.AddDate(0, 0, d-1); !on.Before(first) && !on.After(last) {
					given = append(given, on)
				}
			}
		}
		if slices.EqualFunc(given, dates, time.Time.Equal) {
			return OpenSchedule{From: first, To: last, Freq: "WEEKLY", Interval: step, Days: days, Occasions: len(dates)}, true
		}
	}
	return OpenSchedule{}, false
}

// monthly is the rule by the month that gives exactly these dates: one in each
// month, on the same day of it or the same weekday in order.
func monthly(dates []time.Time) (OpenSchedule, bool) {
	first := dates[0]
	s := OpenSchedule{
		From: first, To: dates[len(dates)-1], Freq: "MONTHLY", Interval: 1, Days: []int{shortbreaks.ISOWeekday(first)},
		Nth: nth(first), MonthDay: first.Day(), Occasions: len(dates),
	}
	last := true // of its weekday in its month
	for i, on := range dates {
		if month := first.AddDate(0, 0, 1-first.Day()).AddDate(0, i, 0); on.Year() != month.Year() || on.Month() != month.Month() {
			return OpenSchedule{}, false
		}
		same := shortbreaks.ISOWeekday(on) == s.Days[0]
		last = last && same && on.AddDate(0, 0, 7).Month() != on.Month()
		if !same || nth(on) != s.Nth {
			s.Nth = 0
		}
		if on.Day() != s.MonthDay {
			s.MonthDay = 0
		}
	}
	switch {
	case last:
		s.Nth, s.MonthDay = -1, 0
	case s.Nth > 0 && s.Nth < 5:
		s.MonthDay = 0
	case s.MonthDay > 0:
		s.Days, s.Nth = nil, 0
	default:
		return OpenSchedule{}, false
	}
	return s, true
}

// nth is which of its weekday in its month a date is.
func nth(on time.Time) int { return (on.Day()-1)/7 + 1 }

// openHours are the hours of visits as rules, from today on: until the clocks
// change, and then until they change again.
func (r VisitRules) openHours(now time.Time) []OpenSchedule {
	closes := r.To
	if clockMinutes(r.To) <= clockMinutes(r.From) {
		closes = ""
	}
	offset := func(on time.Time) string { return shortbreaks.At(on, clockMinutes(r.From)).Format("Z07:00") }
	var list []OpenSchedule
	on := shortbreaks.Date(now)
	for range 2 {
		s := OpenSchedule{From: on, Freq: "WEEKLY", Interval: 1, Days: r.Days, Opens: r.From, Closes: closes, Offset: offset(on), AnyTime: true}
		for s.To = on; offset(s.To.AddDate(0, 0, 1)) == s.Offset; {
			s.To = s.To.AddDate(0, 0, 1)
		}
		if closes == "" {
			s.Freq, s.Interval, s.Days = "", 0, nil
		}
		s.Words = "Visits on " + shortbreaks.Weekdays(r.Days) + ", at times you choose from " + r.From + " to " + r.To + "."
		list, on = append(list, s), s.To.AddDate(0, 0, 1)
	}
	return list
}

var icalDays = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

// ByDay is the days of the week as iCalendar writes them: "TH,FR", "2MO".
func (s OpenSchedule) ByDay() string {
	var days []string
	for _, d := range s.Days {
		if s.Nth != 0 {
			days = append(days, strconv.Itoa(s.Nth)+icalDays[d-1])
			continue
		}
		days = append(days, icalDays[d-1])
	}
	return strings.Join(days, ",")
}

// Lasts is how long one occasion is, by the clock.
func (s OpenSchedule) Lasts() time.Duration {
	return time.Duration(clockMinutes(s.Closes)-clockMinutes(s.Opens)) * time.Minute
}

// words say the rule, or that there is none, to people.
func (s OpenSchedule) words() string {
	when := "from " + s.From.Format("2 January 2006") + " to " + s.To.Format("2 January 2006")
	if s.From.Equal(s.To) {
		when = "on " + s.From.Format("Monday 2 January 2006")
	}
	at := ""
	if s.Opens != "" && s.Closes != "" {
		at = ", " + s.Opens + " to " + s.Closes
	} else if s.Opens != "" {
		at = ", starting at " + s.Opens + " and ending on another day"
	}
	switch {
	case s.Freq == "":
		return fmt.Sprintf("%s, %s%s. The calendar has each date.", shortbreaks.Plural(s.Occasions, "date"), when, at)
	case s.From.Equal(s.To):
		return shortbreaks.Capital(when) + at + "."
	case s.Freq == "MONTHLY":
		return "Once a month, " + when + at + "."
	case s.Interval > 1:
		return fmt.Sprintf("Every %s week, on %s, %s%s.", shortbreaks.Ordinal(s.Interval), shortbreaks.Weekdays(s.Days), when, at)
	}
	return "On " + shortbreaks.Weekdays(s.Days) + ", " + when + at + "."
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
