package marketplace

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// CalendarLimit keeps a series to the term or the holidays of a school, or of
// the schools of an authority. Give one of the two.
type CalendarLimit struct {
	SchoolID    *uuid.UUID
	AuthorityID *uuid.UUID
	Only        DatesOnly
}

// seriesDays are the days a series is held against.
type seriesDays struct {
	calendar *SchoolCalendar
	holidays map[time.Time]string
	closures []Closure
}

// PlannedDate is a date that a series names; one that is left out says why.
type PlannedDate struct {
	On      time.Time // a date: midnight UTC
	LeftOut string    // "" if there will be a session
}

// longestSeries is how far from its first date a series may reach.
const longestSeries = 2 * 366 * 24 * time.Hour

// resolve reads the calendar and the bank holidays that the series is held
// against. Series without are left alone.
func (s *SessionSeries) resolve(ctx context.Context, tx *db.Tx, at string) (*SessionSeries, error) {
	if s == nil {
		return nil, nil
	}
	r := *s
	if limit := s.Calendar; limit != nil {
		var f shortbreaks.Faults
		f.Unless((limit.SchoolID == nil) != (limit.AuthorityID == nil), at+"/calendar", "Give school_id or authority_id, and not both.")
		f.OneOf(at+"/calendar/only", string(limit.Only), []string{string(TermTime), string(Holidays)})
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return nil, err
		}
		calendar, err := TermDates(ctx, tx, limit.AuthorityID, limit.SchoolID)
		if refusal, isRefusal := err.(*shortbreaks.Error); isRefusal { //nolint:errorlint // TermDates gives it bare
			return nil, refusal.At(at+"/calendar", refusal.Detail)
		}
		if err != nil {
			return nil, err
		}
		r.days.calendar = calendar
	}
	if s.SkipBankHolidays {
		first, last := s.span()
		var err error
		if r.days.holidays, err = BankHolidays(ctx, tx, first, last); err != nil {
			return nil, err
		}
	}
	r.more = slices.Clone(s.more)
	for i := range r.more {
		more, err := s.more[i].resolve(ctx, tx, morePointer(i))
		if err != nil {
			return nil, err
		}
		r.more[i] = *more
	}
	return &r, nil
}

// unbind leaves out the calendars, which could not be used, so that the rest
// can be looked at.
func (s *SessionSeries) unbind() {
	if s == nil {
		return
	}
	s.Calendar = nil
	for i := range s.more {
		s.more[i].Calendar = nil
	}
}

// shutOn is the series without the days of these closures.
func (s *SessionSeries) shutOn(closures []Closure) *SessionSeries {
	if s == nil || len(closures) == 0 {
		return s
	}
	r := *s
	r.days.closures = closures
	r.more = slices.Clone(s.more)
	for i := range r.more {
		r.more[i].days.closures = closures
	}
	return &r
}

// way is the field that says which dates: where a fault of them belongs.
func (s SessionSeries) way() string {
	switch {
	case s.Rule != "":
		return "/rrule"
	case len(s.Dates) > 0:
		return "/dates"
	}
	return "/weekdays"
}

// checkWay notes what is wrong with the way the dates are given.
func (s SessionSeries) checkWay(f *shortbreaks.Faults, at string) {
	ways := 0
	for _, given := range []bool{len(s.Weekdays) > 0, s.Rule != "", len(s.Dates) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		f.Add(at+"/weekdays", "Give exactly one of weekdays, rrule and dates.")
		return
	case len(s.Dates) > 0:
		s.checkList(f, at)
		return
	}
	f.Unless(!s.FirstDate.IsZero(), at+"/first_date", "Give the first date.")
	if s.Rule == "" {
		f.Days(at+"/weekdays", s.Weekdays)
		f.Unless(!s.LastDate.IsZero(), at+"/last_date", "Give the last date.")
	} else if rule, trouble := ParseRule(s.Rule); trouble != "" {
		f.Add(at+"/rrule", "%s", trouble)
	} else {
		f.Unless(rule.Bounded() || !s.LastDate.IsZero(), at+"/rrule", "The rule has no end. Say how many (COUNT) or until when (UNTIL), or give last_date.")
	}
	f.Unless(s.LastDate.IsZero() || !s.LastDate.Before(s.FirstDate), at+"/last_date", "The last date is before the first.")
	f.Unless(s.LastDate.IsZero() || s.LastDate.Sub(s.FirstDate) <= longestSeries, at+"/last_date", "A series runs for two years at most.")
}

// checkList notes what is wrong with a plain list of dates.
func (s SessionSeries) checkList(f *shortbreaks.Faults, at string) {
	f.Unless(s.FirstDate.IsZero() && s.LastDate.IsZero(), at+"/first_date", "A list of dates needs no first and last date.")
	f.Unless(len(s.Dates) <= maxSessions, at+"/dates", "Give at most %d dates.", maxSessions)
	first, last := s.span()
	f.Unless(last.Sub(first) <= longestSeries, at+"/dates", "A series runs for two years at most.")
	sorted := s.listed()
	f.Unless(len(slices.CompactFunc(sorted, time.Time.Equal)) == len(s.Dates), at+"/dates", "A date is there twice.")
}

// checkCalendar notes dates that the calendar does not reach, and a rule that
// does not come as often as it says.
func (s SessionSeries) checkCalendar(f *shortbreaks.Faults, at string) {
	if rule, _ := ParseRule(s.Rule); s.Rule != "" && s.LastDate.IsZero() {
		made := len(s.named())
		f.Unless(made >= min(rule.count(), maxSessions), at+"/rrule", "Within two years the rule comes %s, not %d.", shortbreaks.Plural(made, "time"), rule.count())
	}
	c := s.days.calendar
	if c == nil {
		return
	}
	for _, on := range s.named() {
		if _, _, reached := c.leaves(s.Calendar.Only, on); !reached {
			first, last := c.span()
			f.Add(at+"/calendar", "The term dates of %s go from %s to %s; the series has dates outside.", c.Name,
				shortbreaks.LongDate(first), shortbreaks.LongDate(last))
			return
		}
	}
}

// noDates says that a series comes to nothing.
func (s SessionSeries) noDates() string {
	if len(s.named()) > 0 {
		return "Every one of these dates is left out."
	}
	if s.Rule != "" {
		return "The rule gives no date."
	}
	return "None of these weekdays falls between the first and the last date."
}

// span is the first and the last date the series may name.
func (s SessionSeries) span() (first, last time.Time) {
	if len(s.Dates) > 0 {
		all := s.listed()
		return all[0], all[len(all)-1]
	}
	if s.Rule == "" || !s.LastDate.IsZero() {
		return s.FirstDate, s.LastDate
	}
	last = s.FirstDate.AddDate(2, 0, 0)
	if dates := s.named(); len(dates) > 0 {
		last = dates[len(dates)-1]
	}
	return s.FirstDate, last
}

// listed is the plain list, in order.
func (s SessionSeries) listed() []time.Time {
	all := slices.Clone(s.Dates)
	sortByDate(all, func(on time.Time) time.Time { return on })
	return all
}

// named are all dates the series names, in order, before any is left out.
func (s SessionSeries) named() []time.Time {
	switch {
	case len(s.Dates) > 0:
		return s.listed()
	case s.Rule == "":
		return datesOf(s.FirstDate, s.LastDate, s.Weekdays, nil)
	}
	rule, trouble := ParseRule(s.Rule)
	if trouble != "" {
		return nil // checkWay has said so
	}
	last := s.LastDate
	if last.IsZero() {
		last = s.FirstDate.AddDate(2, 0, 0)
	}
	return rule.dates(s.FirstDate, s.From, last)
}

// planned are the dates the series names, with why some are left out.
func (s SessionSeries) planned() []PlannedDate {
	named := s.named()
	dates := make([]PlannedDate, len(named))
	for i, on := range named {
		dates[i] = PlannedDate{On: on, LeftOut: s.leftOut(on)}
	}
	return dates
}

func (s SessionSeries) leftOut(on time.Time) string {
	if slices.ContainsFunc(s.Except, on.Equal) {
		return "You left it out."
	}
	if c := s.days.calendar; c != nil {
		if left, because, _ := c.leaves(s.Calendar.Only, on); !left {
			return because
		}
	}
	if name, is := s.days.holidays[on]; is {
		return "Bank holiday: " + name
	}
	for _, c := range s.days.closures {
		if o, trouble := s.occasion(on); trouble == "" && c.shuts(o) {
			return "Closed: " + c.Reason
		}
	}
	return ""
}

// dates are those on which there will be a session, in order.
func (s SessionSeries) dates() []time.Time {
	var dates []time.Time
	for _, d := range s.planned() {
		if d.LeftOut == "" {
			dates = append(dates, d.On)
		}
	}
	return dates
}

// PreviewSeries asks what a series would make.
type PreviewSeries struct {
	ProviderID *uuid.UUID // nil: the one the actor acts for
	SettingID  *uuid.UUID // whose closures count besides the provider's own
	Series     SessionSeries
}

// Preview is what a series would make, and what it would leave out and why.
type Preview struct {
	Sessions []Session // without ids: nothing is kept
	LeftOut  []PlannedDate
}

// PreviewSessions answers the dates a series would make and saves nothing.
func PreviewSessions(ctx context.Context, d *db.DB, who shortbreaks.Actor, p PreviewSeries) (*Preview, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	provider, err := chosenProvider(who, p.ProviderID)
	if err != nil {
		return nil, err
	}
	var preview Preview
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		closures, err := readClosures(ctx, tx, provider, shortbreaks.Date(tx.Now))
		if err != nil {
			return err
		}
		series, err := p.Series.resolve(ctx, tx, "/sessions")
		if err != nil {
			return err
		}
		series = series.shutOn(closuresAt(closures, p.SettingID))
		var f shortbreaks.Faults
		series.check(&f, "/sessions", tx.Now)
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		preview = series.preview()
		return nil
	})
	return &preview, err
}

func (s SessionSeries) preview() (p Preview) {
	for _, d := range s.planned() {
		if d.LeftOut != "" {
			p.LeftOut = append(p.LeftOut, d)
			continue
		}
		o, _ := s.occasion(d.On) // check has found it
		p.Sessions = append(p.Sessions, Session{
			StartsAt: o.StartsAt, EndsAt: o.EndsAt, LocalStart: wallOf(d.On, s.From), TimeZone: shortbreaks.ZoneName, State: "scheduled",
		})
	}
	return p
}
