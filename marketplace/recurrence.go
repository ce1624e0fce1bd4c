package marketplace

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"shortbreaks"
)

// Rule is a recurrence rule (RFC 5545) of the part that the library gets
// right, which its test vectors show: daily, weekly, monthly or yearly, with
// INTERVAL, COUNT or UNTIL, BYDAY, BYMONTHDAY, BYMONTH and WKST. The rest is
// refused in words.
type Rule struct {
	parts  map[string]string
	option rrule.ROption
}

// refusedParts are those of the standard that are not taken, and why.
var refusedParts = map[string]string{
	"BYSETPOS":  "choosing the n-th of several dates",
	"BYHOUR":    "several times in a day",
	"BYMINUTE":  "several times in an hour",
	"BYSECOND":  "several times in a minute",
	"BYWEEKNO":  "weeks by their number",
	"BYYEARDAY": "days by their number in the year",
	"BYEASTER":  "days counted from Easter",
}

// partForms are the parts that are taken, and how each is written.
var partForms = map[string]*regexp.Regexp{
	"FREQ":       regexp.MustCompile(`^(DAILY|WEEKLY|MONTHLY|YEARLY)$`),
	"INTERVAL":   regexp.MustCompile(`^[1-9]\d{0,2}$`),
	"COUNT":      regexp.MustCompile(`^[1-9]\d{0,3}$`),
	"UNTIL":      regexp.MustCompile(`^\d{8}(T\d{6}Z?)?$`),
	"BYDAY":      regexp.MustCompile(`^([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU))*$`),
	"BYMONTHDAY": regexp.MustCompile(`^-?([1-9]|[12]\d|3[01])(,-?([1-9]|[12]\d|3[01]))*$`),
	"BYMONTH":    regexp.MustCompile(`^([1-9]|1[0-2])(,([1-9]|1[0-2]))*$`),
	"WKST":       regexp.MustCompile(`^(MO|TU|WE|TH|FR|SA|SU)$`),
}

// ParseRule reads a rule such as "FREQ=WEEKLY;BYDAY=SA;COUNT=12", or says in
// words why it is not taken.
func ParseRule(text string) (r Rule, trouble string) {
	if len(text) > 300 {
		return Rule{}, "A rule has at most 300 characters."
	}
	r.parts = map[string]string{}
	for _, part := range strings.Split(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		form, known := partForms[name]
		_, twice := r.parts[name]
		switch {
		case refusedParts[name] != "":
			return Rule{}, fmt.Sprintf("We do not take %s (%s). Leave it out, or list the dates.", name, refusedParts[name])
		case !known:
			return Rule{}, "A rule is parts such as FREQ=WEEKLY with a semicolon between them, and nothing after the last."
		case twice:
			return Rule{}, name + " is there twice."
		case name == "FREQ" && slices.Contains([]string{"SECONDLY", "MINUTELY", "HOURLY"}, value):
			return Rule{}, "Dates repeat daily, weekly, monthly or yearly; nothing more often."
		case !form.MatchString(value):
			return Rule{}, "We cannot read " + name + " of the rule."
		}
		r.parts[name] = value
	}
	if trouble := r.togetherTrouble(); trouble != "" {
		return Rule{}, trouble
	}
	option, err := rrule.StrToROption(text)
	if err != nil {
		return Rule{}, "We cannot read this rule."
	}
	r.option = *option
	return r, ""
}

// togetherTrouble says which parts do not go together, as the standard has it.
func (r Rule) togetherTrouble() string {
	freq, numbered := r.parts["FREQ"], strings.ContainsAny(r.parts["BYDAY"], "0123456789")
	switch {
	case freq == "":
		return "A rule begins with how often: FREQ=WEEKLY."
	case r.parts["COUNT"] != "" && r.parts["UNTIL"] != "":
		return "Give COUNT or UNTIL, and not both."
	case numbered && freq != "MONTHLY" && freq != "YEARLY":
		return "A numbered day such as 2MO goes with FREQ=MONTHLY or FREQ=YEARLY."
	case numbered && someWithoutNumber(r.parts["BYDAY"]):
		return "Give each day of BYDAY a number, or none of them."
	case (freq == "MONTHLY" || r.parts["BYMONTH"] != "") && ordinalAbove(r.parts["BYDAY"], 5):
		return "No month has a sixth week: number its days 1 to 5, or -1 to -5 from its end."
	case ordinalAbove(r.parts["BYDAY"], 52):
		return "Number the days of a year 1 to 52, or -1 to -52 from its end."
	case freq == "WEEKLY" && r.parts["BYMONTHDAY"] != "":
		return "BYMONTHDAY does not go with FREQ=WEEKLY."
	case freq == "YEARLY" && r.parts["BYMONTHDAY"] != "" && r.parts["BYMONTH"] == "":
		return "With FREQ=YEARLY, BYMONTHDAY needs BYMONTH: programs differ on what it means alone."
	case listsTwice(r.parts["BYDAY"]), listsTwice(r.parts["BYMONTHDAY"]), listsTwice(r.parts["BYMONTH"]):
		return "A list in the rule has the same entry twice."
	}
	return ""
}

// ordinalAbove reports whether a day of a BYDAY list has a number beyond most,
// counted from either end.
func ordinalAbove(days string, most int) bool {
	for _, day := range strings.Split(days, ",") {
		if n, err := strconv.Atoi(day[:max(0, len(day)-2)]); err == nil && (n > most || n < -most) {
			return true
		}
	}
	return false
}

func someWithoutNumber(days string) bool {
	return slices.ContainsFunc(strings.Split(days, ","), func(day string) bool { return len(day) == len("MO") })
}

func listsTwice(list string) bool {
	entries := strings.Split(list, ",")
	slices.Sort(entries)
	return list != "" && len(slices.Compact(slices.Clone(entries))) != len(entries)
}

// Bounded reports whether the rule itself says when it ends.
func (r Rule) Bounded() bool { return r.parts["COUNT"] != "" || r.parts["UNTIL"] != "" }

// count is how many times the rule is to come, 0 if it does not say.
func (r Rule) count() int {
	n, _ := strconv.Atoi(r.parts["COUNT"]) // ParseRule has read it
	return n
}

// Times are the wall times of the rule from the first on, written as if they
// were UTC, none later than last and at most the number given. Wall time is
// what recurs: an hour stays itself over a change of the clocks (T33). An
// UNTIL in UTC is turned into the zone's wall time.
func (r Rule) Times(first, last time.Time, zone *time.Location, most int) []time.Time {
	if until := r.until(zone); !until.IsZero() && until.Before(last) {
		last = until
	}
	if last.Before(first) {
		return nil
	}
	// A rule that never comes true is looked for until the year 9999. The
	// calendar repeats every 400 years, so looking begins late.
	later := max(0, (9999-last.Year())/400*400)
	option := r.option
	option.Dtstart, option.Until = first.AddDate(later, 0, 0), last.AddDate(later, 0, 0)
	rule, err := rrule.NewRRule(option)
	if err != nil {
		return nil // ParseRule has taken it
	}
	var times []time.Time
	next := rule.Iterator()
	for len(times) < most {
		at, ok := next()
		if !ok {
			break
		}
		times = append(times, at.AddDate(-later, 0, 0))
	}
	return times
}

// until is the rule's own end as wall time, zero if it has none. A date counts
// whole.
func (r Rule) until(zone *time.Location) time.Time {
	text := r.parts["UNTIL"]
	if text == "" {
		return time.Time{}
	}
	if len(text) == len("20060102") {
		on, _ := time.Parse("20060102", text)
		return on.Add(24*time.Hour - time.Second)
	}
	bare, isUTC := strings.CutSuffix(text, "Z")
	at, err := time.Parse("20060102T150405", bare)
	if err != nil {
		return time.Time{} // ParseRule has read it
	}
	if isUTC {
		local := at.In(zone)
		return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
	}
	return at
}

// dates are the dates of a rule that begins on one, at a time of day, up to
// two years on.
func (r Rule) dates(first time.Time, clock string, last time.Time) []time.Time {
	start := first.Add(time.Duration(clockMinutes(clock)) * time.Minute)
	var dates []time.Time
	for _, at := range r.Times(start, last.Add(24*time.Hour-time.Second), shortbreaks.London, maxSessions+1) {
		dates = append(dates, time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC))
	}
	return dates
}
