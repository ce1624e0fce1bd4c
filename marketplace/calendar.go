package marketplace

import (
	"slices"
	"time"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// maxSessions is the most one series may make.
const maxSessions = 400

// datesOf lists the dates from first to last that fall on the weekdays and are
// not excepted.
func datesOf(first, last time.Time, days []int, except []time.Time) []time.Time {
	var dates []time.Time
	for on := first; !on.After(last); on = on.AddDate(0, 0, 1) {
		if slices.Contains(days, shortbreaks.ISOWeekday(on)) && !slices.ContainsFunc(except, on.Equal) {
			dates = append(dates, on)
		}
	}
	return dates
}

// occasion is the series on one date. Wall time is what was agreed, so 16:00
// stays 16:00 over a change of the clocks (T33), and a night that spans one is
// an hour longer or shorter.
func (s SessionSeries) occasion(on time.Time) (o tariff.Occasion, trouble string) {
	start, trouble := Instant(wallOf(on, s.From))
	if trouble != "" {
		return tariff.Occasion{}, trouble
	}
	last := on
	if s.To <= s.From {
		last = on.AddDate(0, 0, 1)
	}
	end, trouble := Instant(wallOf(last, s.To))
	if trouble != "" {
		return tariff.Occasion{}, "The end: " + trouble
	}
	return tariff.Occasion{StartsAt: start, EndsAt: end}, ""
}

func (s SessionSeries) checkDates(f *shortbreaks.Faults, at string, now time.Time) {
	dates := s.dates()
	s.checkCalendar(f, at)
	f.Unless(len(dates) > 0 || len(f.Fields) > 0, at+s.way(), "%s", s.noDates())
	if len(dates) > maxSessions {
		f.Add(at+"/last_date", "A series makes at most %d sessions; this one would make more.", maxSessions)
		return
	}
	upcoming := false
	for _, on := range dates {
		o, trouble := s.occasion(on)
		if trouble != "" {
			f.Add(at+"/from", "On %s: %s", shortbreaks.LongDate(shortbreaks.At(on, 12*60)), trouble)
		}
		upcoming = upcoming || o.StartsAt.After(now)
	}
	f.Unless(len(dates) == 0 || upcoming || s.beside || len(f.Fields) > 0, at+s.way(), "All of these dates have passed.")
}

// clockMinutes is "16:30" as minutes after midnight; the text has been checked.
func clockMinutes(clock string) int {
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return 0
	}
	return t.Hour()*60 + t.Minute()
}
