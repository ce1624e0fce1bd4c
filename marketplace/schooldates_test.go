package marketplace_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// council makes an authority and answers one of its staff.
func (s *stall) council(name string) shortbreaks.Actor {
	s.t.Helper()
	id := shortbreaks.NewID()
	_, err := s.admin.Exec(s.ctx, `INSERT INTO authority (id, name, slug, area) VALUES ($1, $2, $3, 'ZZ')`, id, name, strings.ToLower(name))
	require.NoError(s.t, err)
	return shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Practitioner, Authorities: []uuid.UUID{id}}
}

func (s *stall) importCalendar(who shortbreaks.Actor, file string, c marketplace.CalendarImport) (marketplace.CalendarReport, error) {
	s.t.Helper()
	return marketplace.ImportCalendar(s.ctx, s.d, who, strings.NewReader(file), c)
}

// school imports a school's own dates and answers the school.
func (s *stall) school(who shortbreaks.Actor, name, file string) (id uuid.UUID) {
	s.t.Helper()
	_, err := s.importCalendar(who, file, marketplace.CalendarImport{SchoolName: name, Format: "csv"})
	require.NoError(s.t, err)
	require.NoError(s.t, s.admin.QueryRow(s.ctx, `SELECT id FROM school WHERE name = $1`, name).Scan(&id))
	return id
}

func (s *stall) termDates(authority, school *uuid.UUID) (c *marketplace.SchoolCalendar, err error) {
	s.t.Helper()
	err = s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		c, err = marketplace.TermDates(s.ctx, tx, authority, school)
		return err
	})
	return c, err
}

// councilDates are the spring of 2027 as a council gives it.
const councilDates = `kind,first_date,last_date,name
term,2027-01-04,2027-03-25,Spring term
half term,2027-02-15,2027-02-19,February half term
inset,2027-01-04,,INSET day
holiday,2027-03-26,2027-04-09,Easter
`

func TestT36_ASchoolsOwnDatesWinAndItsCouncilsAreTheDefault(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash := s.council("Ashmere")
	_, err := s.importCalendar(ash, councilDates, marketplace.CalendarImport{Format: "csv"})
	require.NoError(t, err)
	academy := s.school(ash, "Hill Academy", "kind,first_date,last_date\nterm,2027-01-05,2027-03-19\nhalf_term,2027-02-08,2027-02-12\n")
	plain := shortbreaks.NewID()
	_, err = s.admin.Exec(s.ctx, `INSERT INTO school (id, authority_id, name) VALUES ($1, $2, 'Ash Primary')`, plain, ash.Authorities[0])
	require.NoError(t, err)

	own, err := s.termDates(nil, &academy)
	require.NoError(t, err)
	require.Equal(t, "Hill Academy", own.Name)
	other, err := s.termDates(nil, &plain)
	require.NoError(t, err)
	require.Equal(t, "Ashmere", other.Name)
	for _, c := range []struct {
		calendar *marketplace.SchoolCalendar
		on       string
		kind     marketplace.RangeKind
		reached  bool
	}{
		{own, "2027-02-08", marketplace.HalfTerm, true},
		{other, "2027-02-08", marketplace.TermRun, true},
		{own, "2027-02-15", marketplace.TermRun, true},
		{other, "2027-02-15", marketplace.HalfTerm, true},
		{other, "2027-01-04", marketplace.Inset, true}, // an INSET day of a term is no school day
		{own, "2027-01-04", "", false},                 // before its first date
		{other, "2027-03-26", marketplace.HolidayRun, true},
		{other, "2027-04-10", "", false},
	} {
		kind, _, reached := c.calendar.Kind(date(c.on))
		require.Equal(t, c.reached, reached, c.on)
		require.Equal(t, c.kind, kind, "%s %s", c.calendar.Name, c.on)
	}
	unknown := shortbreaks.NewID()
	_, err = s.termDates(nil, &unknown)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	_, err = s.termDates(&unknown, nil)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}

func TestDaysThatNoRangeNamesAreTheRestOfTheYear(t *testing.T) {
	t.Parallel()
	day := func(kind marketplace.RangeKind, from, to string) marketplace.CalendarRange {
		return marketplace.CalendarRange{Kind: kind, StartsOn: date(from), EndsOn: date(to)}
	}
	terms := marketplace.SchoolCalendar{Ranges: []marketplace.CalendarRange{
		day(marketplace.TermRun, "2027-01-04", "2027-03-25"), day(marketplace.TermRun, "2027-04-12", "2027-07-21"),
	}}
	kind, _, ok := terms.Kind(date("2027-04-01"))
	require.True(t, ok)
	require.Equal(t, marketplace.HolidayRun, kind, "between two terms")
	breaks := marketplace.SchoolCalendar{Ranges: []marketplace.CalendarRange{
		day(marketplace.HolidayRun, "2026-12-19", "2027-01-03"), day(marketplace.HolidayRun, "2027-03-26", "2027-04-11"),
	}}
	kind, _, ok = breaks.Kind(date("2027-02-01"))
	require.True(t, ok)
	require.Equal(t, marketplace.TermRun, kind, "between two holidays")
}

const iCalendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n" +
	"BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20270104\r\nDTEND;VALUE=DATE:20270326\r\nSUMMARY:Spring term\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20270215\r\nDTEND;VALUE=DATE:20270220\r\nSUMMARY:Half-term\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:3\r\nDTSTART;VALUE=DATE:20270104\r\nSUMMARY:School closed to pupils\r\nCATEGORIES:INSET\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:4\r\nDTSTART;TZID=Europe/London:20270326T000000\r\nDTEND;TZID=Europe/London:20270410T000000\r\nSUMMARY:Easter holi\r\n days\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:5\r\nDTSTART;VALUE=DATE:20270501\r\nSTATUS:CANCELLED\r\nSUMMARY:Fair\r\nEND:VEVENT\r\n" +
	"END:VCALENDAR\r\n"

func TestTermDatesAreReadFromICalendar(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash := s.council("Ashmere")
	report, err := s.importCalendar(ash, iCalendar, marketplace.CalendarImport{Format: "ical", DryRun: true})
	require.NoError(t, err)
	require.Nil(t, report.CalendarID)
	require.Zero(t, s.count("calendar_range"))
	report, err = s.importCalendar(ash, iCalendar, marketplace.CalendarImport{Format: "ical"})
	require.NoError(t, err)
	require.NotNil(t, report.CalendarID)
	require.Equal(t, date("2027-01-04"), report.FirstDate)
	require.Equal(t, date("2027-04-09"), report.LastDate)
	c, err := s.termDates(&ash.Authorities[0], nil)
	require.NoError(t, err)
	type row struct{ kind, from, to, name string }
	var got []row
	for _, r := range c.Ranges {
		got = append(got, row{string(r.Kind), r.StartsOn.Format("2006-01-02"), r.EndsOn.Format("2006-01-02"), r.Name})
	}
	require.Equal(t, []row{
		{"inset", "2027-01-04", "2027-01-04", "School closed to pupils"},
		{"term", "2027-01-04", "2027-03-25", "Spring term"},
		{"half_term", "2027-02-15", "2027-02-19", "Half-term"},
		{"holiday", "2027-03-26", "2027-04-09", "Easter holidays"},
	}, got)
}

func TestANewFileReplacesTheDatesItCoversAndNoOthers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash := s.council("Ashmere")
	_, err := s.importCalendar(ash, councilDates, marketplace.CalendarImport{Format: "csv"})
	require.NoError(t, err)
	next := "kind,first_date,last_date\nholiday,2027-03-27,2027-04-11\nterm,2027-04-12,2027-07-21\n"
	dry, err := s.importCalendar(ash, next, marketplace.CalendarImport{Format: "csv", DryRun: true})
	require.NoError(t, err)
	require.Equal(t, 1, dry.Replaced)
	report, err := s.importCalendar(ash, next, marketplace.CalendarImport{Format: "csv"})
	require.NoError(t, err)
	require.Equal(t, 1, report.Replaced, "Easter")
	require.Equal(t, 5, s.count("calendar_range"))
	require.Equal(t, 1, s.count("calendar"))
}

func TestAFileOfTermDatesIsImportedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash := s.council("Ashmere")
	report, err := s.importCalendar(ash, "kind,first_date,last_date\nterm,2027-01-04,2027-03-25\nfete,2027-01-05,\nholiday,soon,2027-13-01\nhalf_term,2027-02-19,2027-02-15\nterm,2027-03-01,2027-04-01\n",
		marketplace.CalendarImport{Format: "csv", SchoolName: "Hill Academy"})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	var places []string
	for _, e := range report.Errors {
		places = append(places, e.Column, string(rune('0'+e.Row)))
	}
	require.ElementsMatch(t, []string{"kind", "3", "first_date", "4", "last_date", "4", "last_date", "5", "first_date", "6"}, places)
	require.Zero(t, s.count("calendar_range")+s.count("school"))

	event := func(lines string) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n" + lines + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	for file, column := range map[string]string{
		event("DTSTART;VALUE=DATE:20270104\r\nSUMMARY:Summer fair"):                      "SUMMARY",
		event("DTSTART;VALUE=DATE:20270104\r\nSUMMARY:Term starts"):                      "SUMMARY",
		event("DTSTART;VALUE=DATE:20270104\r\nRRULE:FREQ=DAILY;COUNT=2\r\nSUMMARY:Term"): "RRULE",
		event("SUMMARY:Term"):                                                                  "DTSTART",
		event("DTSTART;VALUE=DATE:20279904\r\nSUMMARY:Term"):                                   "DTSTART",
		event("DTSTART;VALUE=DATE:20270104\r\nDTEND:20270105T100000Z\r\nSUMMARY:Term"):         "DTEND",
		event("DTSTART;VALUE=DATE:20270110\r\nDTEND;VALUE=DATE:20270105\r\nSUMMARY:Half term"): "last_date",
		event("DTSTART;TZID=Moon/Sea of Calm:20270110T000000\r\nSUMMARY:Half term"):            "DTSTART",
	} {
		report, err := s.importCalendar(ash, file, marketplace.CalendarImport{Format: "ical"})
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, file)
		require.Len(t, report.Errors, 1, file)
		require.Equal(t, column, report.Errors[0].Column, file)
		require.Equal(t, 1, report.Errors[0].Row)
	}
	for _, file := range []string{"", "hello", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", iCalendar[:len(iCalendar)/2]} {
		_, err := s.importCalendar(ash, file, marketplace.CalendarImport{Format: "ical"})
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, file)
	}
	require.Zero(t, s.count("calendar"))
}

func TestOnlyStaffOfACouncilImportItsTermDates(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash, bracken := s.council("Ashmere"), s.council("Brackenvale")
	file := marketplace.CalendarImport{Format: "csv", AuthorityID: &ash.Authorities[0]}
	_, err := s.importCalendar(bracken, councilDates, file)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = s.importCalendar(s.owner, councilDates, file)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	both := ash
	both.Authorities = append(both.Authorities, bracken.Authorities...)
	_, err = s.importCalendar(both, councilDates, marketplace.CalendarImport{Format: "csv"})
	require.Equal(t, []string{"/authority_id"}, fields(err))
	_, err = s.importCalendar(ash, councilDates, file)
	require.NoError(t, err)
	// The rows themselves refuse another council, whatever the code does.
	err = s.d.Do(s.ctx, db.For(bracken), func(tx *db.Tx) error {
		done, err := tx.PGX.Exec(s.ctx, `DELETE FROM calendar_range`)
		require.Zero(t, done.RowsAffected())
		return err
	})
	require.NoError(t, err)
	s.school(ash, "Hill Academy", councilDates)
	list, next, err := marketplace.ListCalendars(s.ctx, s.d, marketplace.CalendarQuery{Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "Ashmere", list[0].Name)
	require.Len(t, list[0].Ranges, 4)
	list, next, err = marketplace.ListCalendars(s.ctx, s.d, marketplace.CalendarQuery{Limit: 1, Cursor: next})
	require.NoError(t, err)
	require.Equal(t, "Hill Academy", list[0].Name)
	require.Empty(t, next)
	list, _, err = marketplace.ListCalendars(s.ctx, s.d, marketplace.CalendarQuery{Name: "hill", Limit: 5})
	require.NoError(t, err)
	require.Len(t, list, 1)
}
