package marketplace_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

func TestRulesThatAreNotTakenAreRefusedInWords(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;COUNT=3":            "BYSETPOS",
		"FREQ=DAILY;BYHOUR=9,10;COUNT=3":                          "BYHOUR",
		"FREQ=DAILY;BYMINUTE=0;COUNT=3":                           "BYMINUTE",
		"FREQ=DAILY;BYSECOND=0;COUNT=3":                           "BYSECOND",
		"FREQ=YEARLY;BYWEEKNO=20;COUNT=3":                         "BYWEEKNO",
		"FREQ=YEARLY;BYYEARDAY=100;COUNT=3":                       "BYYEARDAY",
		"FREQ=YEARLY;BYEASTER=1;COUNT=3":                          "BYEASTER",
		"FREQ=HOURLY;COUNT=3":                                     "nothing more often",
		"FREQ=MINUTELY;COUNT=3":                                   "nothing more often",
		"FREQ=SECONDLY;COUNT=3":                                   "nothing more often",
		"FREQ=WEEKLY;COUNT=3;":                                    "nothing after the last",
		"FREQ=WEEKLY;COUNT=3\nEXDATE:20270101":                    "cannot read COUNT",
		"FREQ=WEEKLY;COUNT=3;X-FOO=1":                             "nothing after the last",
		"RRULE:FREQ=WEEKLY;COUNT=3":                               "nothing after the last",
		"FREQ=WEEKLY;COUNT=3;COUNT=4":                             "twice",
		"FREQ=WEEKLY;BYDAY=MO,MO;COUNT=3":                         "twice",
		"FREQ=WEEKLY;COUNT=0":                                     "cannot read COUNT",
		"FREQ=WEEKLY;INTERVAL=-1;COUNT=2":                         "cannot read INTERVAL",
		"FREQ=WEEKLY;COUNT=3;UNTIL=20270101":                      "not both",
		"FREQ=WEEKLY;BYDAY=2MO;COUNT=3":                           "numbered day",
		"FREQ=WEEKLY;BYMONTHDAY=1;COUNT=3":                        "does not go with",
		"FREQ=YEARLY;BYMONTHDAY=1;COUNT=3":                        "needs BYMONTH",
		"FREQ=MONTHLY;BYDAY=-53MO;COUNT=3":                        "sixth week",
		"FREQ=YEARLY;BYDAY=53MO;COUNT=3":                          "1 to 52",
		"FREQ=MONTHLY;BYMONTHDAY=32;COUNT=3":                      "cannot read BYMONTHDAY",
		"FREQ=YEARLY;BYDAY=SA,10MO;COUNT=3":                       "each day of BYDAY",
		"FREQ=DAILY;UNTIL=20269999T000000Z":                       "cannot read this rule",
		"COUNT=3":                                                 "how often",
		"":                                                        "A rule is parts",
		"freq=weekly;count=3":                                     "A rule is parts",
		"FREQ=WEEKLY;COUNT=3;BYDAY=" + strings.Repeat("MO,", 200): "300 characters",
	} {
		_, trouble := marketplace.ParseRule(text)
		require.Contains(t, trouble, words, text)
	}
}

func TestARuleGivesItsWallTimes(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"FREQ=WEEKLY;BYDAY=SA;COUNT=3":                   "2027-01-09 2027-01-16 2027-01-23",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=SA;UNTIL=20270206": "2027-01-09 2027-01-23 2027-02-06",
		"FREQ=MONTHLY;BYDAY=2SA;COUNT=3":                 "2027-01-09 2027-02-13 2027-03-13",
		"FREQ=MONTHLY;BYDAY=-1SA;COUNT=2":                "2027-01-30 2027-02-27",
		"FREQ=DAILY;UNTIL=20270110T100000Z":              "2027-01-09 2027-01-10",
		"FREQ=DAILY;UNTIL=20270110T095959Z":              "2027-01-09",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=1":    "2028-02-29",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1":    "",
	} {
		r, trouble := marketplace.ParseRule(rule)
		require.Empty(t, trouble, rule)
		var got []string
		for _, at := range r.Times(date("2027-01-09").Add(10*time.Hour), date("2029-01-09"), time.UTC, 400) {
			got = append(got, at.Format(time.DateOnly))
		}
		require.Equal(t, want, strings.Join(got, " "), rule)
	}
}

// FuzzRecurrence holds every rule that is taken against a slow reading of the
// standard, day by day.
func FuzzRecurrence(f *testing.F) {
	for _, rule := range []string{
		"FREQ=WEEKLY;BYDAY=SA;COUNT=12", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU;COUNT=8", "FREQ=MONTHLY;BYDAY=1FR,-1FR;COUNT=10",
		"FREQ=MONTHLY;BYMONTHDAY=-1,31;UNTIL=20280101", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5", "FREQ=YEARLY;BYDAY=20MO;COUNT=2",
		"FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU;COUNT=4", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=2", "FREQ=DAILY;INTERVAL=3;BYMONTH=1;COUNT=9",
		"FREQ=YEARLY;BYDAY=TU;COUNT=60", "FREQ=DAILY;BYDAY=MO,WE;BYMONTHDAY=1,2,3;COUNT=9", "FREQ=WEEKLY;WKST=WE;INTERVAL=3;COUNT=4",
		"FREQ=MONTHLY;INTERVAL=18;COUNT=2", "FREQ=YEARLY;BYMONTH=6;COUNT=2", "FREQ=WEEKLY;BYMONTH=7,8;BYDAY=MO;UNTIL=20280831T235959Z",
		"FREQ=YEARLY;BYDAY=-52SU,52MO;COUNT=3", "FREQ=MONTHLY;BYDAY=5SA,-5SA;COUNT=9", "FREQ=DAILY;INTERVAL=7;BYDAY=MO;COUNT=2",
		"FREQ=MONTHLY;BYDAY=2TU;BYMONTHDAY=8,9,10;BYMONTH=1,6;COUNT=4", ";", "FREQ=WEEKLY;COUNT=3;", "FREQ=WEEKLY\x00",
	} {
		for _, start := range []uint16{0, 59, 365, 424, 3000} {
			f.Add(rule, start)
		}
	}
	f.Fuzz(func(t *testing.T, text string, offset uint16) {
		rule, trouble := marketplace.ParseRule(text)
		if trouble != "" {
			return
		}
		start := date("2023-01-01").AddDate(0, 0, int(offset)%20000)
		last := start.AddDate(3, 0, 0)
		got := rule.Times(start, last, time.UTC, 2000)
		want := slowly(text, start, last)
		require.Equal(t, len(want), len(got), "%s from %s: %v against %v", text, start, got, want)
		for i := range want {
			require.True(t, want[i].Equal(got[i]), "%s from %s: %s, not %s", text, start, got[i], want[i])
		}
	})
}

var dayNames = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// slowly reads a rule as RFC 5545 says, asking of each day whether it is one.
func slowly(text string, start, last time.Time) (days []time.Time) {
	part := map[string]string{}
	for _, p := range strings.Split(text, ";") {
		name, value, _ := strings.Cut(p, "=")
		part[name] = value
	}
	interval, count := 1, math.MaxInt
	if part["INTERVAL"] != "" {
		interval, _ = strconv.Atoi(part["INTERVAL"])
	}
	if part["COUNT"] != "" {
		count, _ = strconv.Atoi(part["COUNT"])
	}
	if u := part["UNTIL"]; u != "" {
		layout := "20060102T150405"
		at, err := time.Parse(layout[:min(len(layout), len(strings.TrimSuffix(u, "Z")))], strings.TrimSuffix(u, "Z"))
		if len(u) == 8 {
			at = at.Add(24*time.Hour - 1)
		}
		if err != nil {
			return nil
		}
		if at.Before(last) {
			last = at
		}
	}
	for d := start; !d.After(last) && len(days) < count; d = d.AddDate(0, 0, 1) {
		if inPeriod(part["FREQ"], interval, part["WKST"], start, d) && named(part, start, d) {
			days = append(days, d)
		}
	}
	return days
}

// inPeriod reports whether a day is in a period the interval reaches.
func inPeriod(freq string, interval int, wkst string, start, d time.Time) bool {
	days := func(a, b time.Time) int { return int(b.Sub(a).Hours()) / 24 }
	switch freq {
	case "DAILY":
		return days(start, d)%interval == 0
	case "WEEKLY":
		first := max(0, slices.Index(dayNames, wkst))
		if wkst == "" {
			first = 1
		}
		week := func(d time.Time) time.Time { return d.AddDate(0, 0, -((int(d.Weekday()) - first + 7) % 7)) }
		return days(week(start), week(d))/7%interval == 0
	case "MONTHLY":
		return ((d.Year()-start.Year())*12+int(d.Month())-int(start.Month()))%interval == 0
	}
	return (d.Year()-start.Year())%interval == 0
}

// named reports whether the lists of the rule, or else its start, name a day.
func named(part map[string]string, start, d time.Time) bool {
	has := func(list string, match func(string) bool) bool {
		return slices.ContainsFunc(strings.Split(list, ","), match)
	}
	monthEnd := time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if list := part["BYMONTH"]; list != "" && !has(list, func(m string) bool { return m == strconv.Itoa(int(d.Month())) }) {
		return false
	}
	if list := part["BYMONTHDAY"]; list != "" && !has(list, func(m string) bool {
		return m == strconv.Itoa(d.Day()) || m == strconv.Itoa(d.Day()-monthEnd-1)
	}) {
		return false
	}
	nth, fromEnd := (d.Day()-1)/7+1, -((monthEnd-d.Day())/7 + 1)
	if part["FREQ"] == "YEARLY" && part["BYMONTH"] == "" {
		yearEnd := time.Date(d.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
		nth, fromEnd = (d.YearDay()-1)/7+1, -((yearEnd-d.YearDay())/7 + 1)
	}
	name := dayNames[d.Weekday()]
	if list := part["BYDAY"]; list != "" && !has(list, func(w string) bool {
		return slices.Contains([]string{name, fmt.Sprintf("%d%s", nth, name), fmt.Sprintf("+%d%s", nth, name), fmt.Sprintf("%d%s", fromEnd, name)}, w)
	}) {
		return false
	}
	if part["BYDAY"] != "" || part["BYMONTHDAY"] != "" || part["FREQ"] == "DAILY" {
		return true
	}
	switch part["FREQ"] {
	case "WEEKLY":
		return d.Weekday() == start.Weekday()
	case "YEARLY":
		return d.Day() == start.Day() && (part["BYMONTH"] != "" || d.Month() == start.Month())
	}
	return d.Day() == start.Day()
}
