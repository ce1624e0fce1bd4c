package marketplace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

func (s *stall) preview(series marketplace.SessionSeries) (*marketplace.Preview, error) {
	s.t.Helper()
	if series.From == "" {
		series.From, series.To = "10:00", "13:00"
	}
	if series.Capacity == 0 {
		series.Capacity = 10
	}
	return marketplace.PreviewSessions(s.ctx, s.d, s.owner, marketplace.PreviewSeries{Series: series})
}

// walls are the local starts of a preview, joined.
func walls(p *marketplace.Preview) string {
	var out []string
	for _, s := range p.Sessions {
		out = append(out, s.LocalStart)
	}
	return strings.Join(out, " ")
}

func TestT33_ARuleKeepsItsWallTimeOverBothChangesOfTheClocks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, c := range []struct{ first, want string }{
		{"2027-03-21", "16:00 GMT 16:00 BST 16:00 BST"},
		{"2027-10-24", "16:00 BST 16:00 GMT 16:00 GMT"},
	} {
		p, err := s.preview(marketplace.SessionSeries{FirstDate: date(c.first), Rule: "FREQ=WEEKLY;COUNT=3", From: "16:00", To: "18:00"})
		require.NoError(t, err)
		var got []string
		for _, o := range p.Sessions {
			got = append(got, o.StartsAt.In(shortbreaks.London).Format("15:04 MST"))
			require.Equal(t, 2*time.Hour, o.EndsAt.Sub(o.StartsAt))
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
}

// An UNTIL in UTC is an instant: 9:00 UTC is 10:00 in London in summer.
func TestT33_AnEndInUTCIsReadByLondonsClocks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for until, want := range map[string]int{"20270405T090000Z": 2, "20270405T085959Z": 1, "20270405T100000": 2, "20270405": 2} {
		p, err := s.preview(marketplace.SessionSeries{FirstDate: date("2027-03-29"), Rule: "FREQ=WEEKLY;UNTIL=" + until})
		require.NoError(t, err)
		require.Len(t, p.Sessions, want, until)
	}
}

func TestT34_ANightOverAChangeOfTheClocksLastsNineOrElevenHours(t *testing.T) {
	t.Parallel()
	s := setup(t)
	p, err := s.preview(marketplace.SessionSeries{
		Dates: []time.Time{date("2027-10-30"), date("2027-03-27"), date("2027-03-28"), date("2027-10-31")}, From: "22:00", To: "08:00",
	})
	require.NoError(t, err)
	var hours []float64
	for _, o := range p.Sessions {
		hours = append(hours, o.EndsAt.Sub(o.StartsAt).Hours())
	}
	require.Equal(t, []float64{9, 10, 11, 10}, hours)
}

func TestT35_ASeriesWhoseHoursAreMissingOrDoubledIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, c := range []struct{ on, from, to, words string }{
		{"2027-03-28", "01:30", "05:00", "does not exist"},
		{"2027-10-31", "01:30", "05:00", "comes twice"},
		{"2027-03-27", "22:00", "01:30", "The end: This time does not exist"},
		{"2027-10-30", "22:00", "01:30", "The end: This time comes twice"},
	} {
		_, err := s.preview(marketplace.SessionSeries{Dates: []time.Time{date(c.on)}, From: c.from, To: c.to})
		require.ErrorContains(t, err, c.words)
		_, err = s.preview(marketplace.SessionSeries{FirstDate: date(c.on), Rule: "FREQ=DAILY;COUNT=2", From: c.from, To: c.to})
		require.ErrorContains(t, err, c.words)
	}
}

func TestT36_ATermTimeSeriesSkipsTheHolidaysAndInsetDaysOfTheSchool(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash := s.council("Ashmere")
	_, err := s.importCalendar(ash, councilDates, marketplace.CalendarImport{Format: "csv"})
	require.NoError(t, err)
	academy := s.school(ash, "Hill Academy", "kind,first_date,last_date\nterm,2027-01-04,2027-03-19\nhalf_term,2027-02-08,2027-02-12\ninset,2027-02-22,\nholiday,2027-03-20,2027-04-09\n")
	mondays := marketplace.SessionSeries{FirstDate: date("2027-02-01"), LastDate: date("2027-03-29"), Weekdays: []int{1}}
	ask := func(limit marketplace.CalendarLimit, skipBank bool) (string, []string) {
		series := mondays
		series.Calendar, series.SkipBankHolidays = &limit, skipBank
		p, err := s.preview(series)
		require.NoError(t, err)
		var left []string
		for _, d := range p.LeftOut {
			left = append(left, d.On.Format(time.DateOnly)+" "+d.LeftOut)
		}
		return strings.ReplaceAll(walls(p), "T10:00", ""), left
	}
	dates, left := ask(marketplace.CalendarLimit{SchoolID: &academy, Only: marketplace.TermTime}, false)
	require.Equal(t, "2027-02-01 2027-02-15 2027-03-01 2027-03-08 2027-03-15", dates)
	require.Equal(t, []string{
		"2027-02-08 Hill Academy: Half term", "2027-02-22 Hill Academy: Inset", "2027-03-22 Hill Academy: Holiday", "2027-03-29 Hill Academy: Holiday",
	}, left)
	dates, _ = ask(marketplace.CalendarLimit{AuthorityID: &ash.Authorities[0], Only: marketplace.TermTime}, false)
	require.Equal(t, "2027-02-01 2027-02-08 2027-02-22 2027-03-01 2027-03-08 2027-03-15 2027-03-22", dates)
	dates, left = ask(marketplace.CalendarLimit{SchoolID: &academy, Only: marketplace.Holidays}, true)
	require.Equal(t, "2027-02-08 2027-03-22", dates, "an INSET day is no holiday")
	require.Contains(t, left, "2027-03-29 Bank holiday: Easter Monday")

	// What is published is what was shown.
	draft := club(tariffOf(option("Standard", charge("place", "session", 900))))
	series := mondays
	series.From, series.To, series.Capacity = "10:00", "13:00", 5
	series.Calendar = &marketplace.CalendarLimit{SchoolID: &academy, Only: marketplace.Holidays}
	draft.Sessions = &series
	require.Len(t, s.publish(s.owner, draft).Sessions, 3)

	series.LastDate = date("2027-06-07")
	_, err = s.preview(series)
	require.Equal(t, []string{"/sessions/calendar"}, fields(err), "beyond what the school has given")
	series.Calendar = &marketplace.CalendarLimit{Only: marketplace.Holidays}
	_, err = s.preview(series)
	require.Equal(t, []string{"/sessions/calendar"}, fields(err))
	unknown := shortbreaks.NewID()
	series.Calendar = &marketplace.CalendarLimit{SchoolID: &unknown, Only: marketplace.Holidays}
	_, err = s.preview(series)
	require.Equal(t, []string{"/sessions/calendar"}, fields(err))
}

func TestASeriesSaysItsDatesInOneWay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	days := []time.Time{date("2027-02-06"), date("2027-01-09")}
	for _, c := range []struct {
		series marketplace.SessionSeries
		at     string
	}{
		{marketplace.SessionSeries{FirstDate: date("2027-01-09"), LastDate: date("2027-02-09")}, "/sessions/weekdays"},
		{marketplace.SessionSeries{FirstDate: date("2027-01-09"), LastDate: date("2027-02-09"), Weekdays: []int{6}, Rule: "FREQ=DAILY;COUNT=2"}, "/sessions/weekdays"},
		{marketplace.SessionSeries{Dates: days, Weekdays: []int{6}}, "/sessions/weekdays"},
		{marketplace.SessionSeries{Dates: days, FirstDate: date("2027-01-09")}, "/sessions/first_date"},
		{marketplace.SessionSeries{Dates: append(days, days[0])}, "/sessions/dates"},
		{marketplace.SessionSeries{Dates: append(days, date("2030-01-01"))}, "/sessions/dates"},
		{marketplace.SessionSeries{Dates: []time.Time{date("2026-01-01")}}, "/sessions/dates"},
		{marketplace.SessionSeries{FirstDate: date("2027-01-09"), Rule: "FREQ=WEEKLY"}, "/sessions/rrule"},
		{marketplace.SessionSeries{FirstDate: date("2027-01-09"), Rule: "FREQ=YEARLY;COUNT=9"}, "/sessions/rrule"},
		{marketplace.SessionSeries{Rule: "FREQ=DAILY;COUNT=9"}, "/sessions/first_date"},
		{marketplace.SessionSeries{FirstDate: date("2027-01-09"), Rule: "FREQ=DAILY;COUNT=9;"}, "/sessions/rrule"},
		{marketplace.SessionSeries{FirstDate: date("2027-01-09"), Rule: "FREQ=DAILY;COUNT=500"}, "/sessions/last_date"},
		{marketplace.SessionSeries{FirstDate: date("2027-01-09"), LastDate: date("2027-01-08"), Rule: "FREQ=DAILY;COUNT=5"}, "/sessions/last_date"},
		{marketplace.SessionSeries{Dates: days, Except: days}, "/sessions/dates"},
	} {
		_, err := s.preview(c.series)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, "%+v", c.series)
		require.Equal(t, []string{c.at}, fields(err), "%+v", c.series)
	}
	p, err := s.preview(marketplace.SessionSeries{Dates: days})
	require.NoError(t, err)
	require.Equal(t, "2027-01-09T10:00 2027-02-06T10:00", walls(p))
	p, err = s.preview(marketplace.SessionSeries{FirstDate: date("2027-01-04"), LastDate: date("2027-01-20"), Rule: "FREQ=WEEKLY;BYDAY=MO,WE", Except: []time.Time{date("2027-01-06")}})
	require.NoError(t, err)
	require.Equal(t, "2027-01-04T10:00 2027-01-11T10:00 2027-01-13T10:00 2027-01-18T10:00 2027-01-20T10:00", walls(p), "a last date ends a rule without an end")
	require.Zero(t, s.count("session"), "a preview saves nothing")
	worker := s.owner
	worker.Role = shortbreaks.Worker
	_, err = marketplace.PreviewSessions(s.ctx, s.d, worker, marketplace.PreviewSeries{})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

func TestABundleOfARuleRunsFromItsFirstDateToItsLast(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := bundled(club(tariffOf(option("Term", charge("place", "term", 9600)))), "term")
	draft.Sessions.FirstDate, draft.Sessions.LastDate, draft.Sessions.Weekdays, draft.Sessions.Except = date("2027-01-09"), time.Time{}, nil, nil
	draft.Sessions.Rule = "FREQ=WEEKLY;COUNT=6"
	o := s.publish(s.owner, draft)
	require.Equal(t, 6, o.Bundles[0].Term.PlannedSessions)
	require.Equal(t, date("2027-01-09"), o.Bundles[0].Term.StartsOn)
	require.Equal(t, date("2027-02-13"), o.Bundles[0].Term.EndsOn)
}
