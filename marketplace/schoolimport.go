package marketplace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// CalendarHelp says what a file of term dates looks like.
const CalendarHelp = `A file of term dates is CSV or iCalendar (.ics), in UTF-8, at most 5 MB.

CSV: the first row names the columns.
  kind*         term, half_term, holiday or inset
  first_date*   2027-01-04
  last_date     2027-02-12; the same day if it is left out
  name          Spring term, first half

iCalendar: one event for each term, break and INSET day, over whole days. What an event is,
its CATEGORIES say (as the kinds above) or else its title: "half term"; "INSET" or "training
day"; "holiday", "break" or "closed"; "term". An event that only marks the start or the end
of a term is not enough.

What the calendar says of other dates stays; ranges that touch the dates of the file are
replaced. Nothing is imported unless every row can be.
`

// CalendarImport is a file of term dates and whose they are.
type CalendarImport struct {
	AuthorityID *uuid.UUID // nil: the one the actor acts for
	SchoolName  string     // "": the authority's own; a school of that name is made if there is none
	Format      string     // "csv" or "ical"
	DryRun      bool       // check everything, write nothing
}

// CalendarReport is what became of a file of term dates. Rows of an iCalendar
// file are its events, from 1.
type CalendarReport struct {
	Rows       int
	Replaced   int // ranges of before that went
	FirstDate  time.Time
	LastDate   time.Time
	NewSchool  bool // the school was made, or would be
	DryRun     bool
	CalendarID *uuid.UUID // nil in a dry run
	Errors     []ImportError
}

// ImportCalendar reads the term dates of a school or an authority: all of the
// file or none. Staff of the authority may. If values cannot be used, the
// report lists every one by row and column, and the error is ErrInvalid with
// the same list.
func ImportCalendar(ctx context.Context, d *db.DB, who shortbreaks.Actor, r io.Reader, c CalendarImport) (CalendarReport, error) {
	if !who.Is(shortbreaks.Practitioner, shortbreaks.Commissioner) {
		return CalendarReport{}, shortbreaks.ErrForbidden
	}
	authority, err := c.authority(who)
	if err != nil {
		return CalendarReport{}, err
	}
	ranges, rows, faults, err := readRanges(r, c.Format)
	if err != nil {
		return CalendarReport{}, err
	}
	report := CalendarReport{Rows: rows, DryRun: c.DryRun, Errors: faults}
	if err := importRefusal(faults); err != nil {
		return report, err
	}
	report.FirstDate, report.LastDate = SchoolCalendar{Ranges: ranges}.span()
	run := d.Do
	if c.DryRun {
		run = d.Read
	}
	err = run(ctx, db.For(who), func(tx *db.Tx) error {
		school, err := findSchool(ctx, tx, authority, c.SchoolName)
		if err != nil {
			return err
		}
		report.NewSchool = c.SchoolName != "" && school == nil
		if c.DryRun {
			return report.countReplaced(ctx, tx, authority, school)
		}
		return report.write(ctx, tx, who, authority, c.SchoolName, school, ranges)
	})
	return report, err
}

func (c CalendarImport) authority(who shortbreaks.Actor) (uuid.UUID, error) {
	var f shortbreaks.Faults
	if c.SchoolName != "" {
		f.Text("/school_name", c.SchoolName, 2, 120)
	}
	f.OneOf("/format", c.Format, []string{"csv", "ical"})
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return uuid.Nil, err
	}
	switch {
	case c.AuthorityID != nil && who.ForAuthority(*c.AuthorityID):
		return *c.AuthorityID, nil
	case c.AuthorityID != nil:
		return uuid.Nil, shortbreaks.ErrNotFound.With("There is no such council within your reach.")
	case len(who.Authorities) == 1:
		return who.Authorities[0], nil
	}
	words := "You act for several councils; say which."
	return uuid.Nil, shortbreaks.ErrInvalid.With(words).At("/authority_id", words)
}

func findSchool(ctx context.Context, tx *db.Tx, authority uuid.UUID, name string) (*School, error) {
	if name = strings.TrimSpace(name); name == "" {
		return nil, nil
	}
	s, err := gorm.G[School](tx.DB).Where("authority_id = ? AND lower(name) = lower(?)", authority, name).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a school: %w", err)
	}
	return &s, nil
}

// sqlTouched are the ranges of a calendar that touch the dates of a file.
const sqlTouched = `FROM calendar_range r USING calendar c
WHERE c.authority_id = $1 AND c.school_id IS NOT DISTINCT FROM $2 AND r.authority_id = c.authority_id AND r.calendar_id = c.id
    AND r.starts_on <= $4 AND r.ends_on >= $3`

func (report *CalendarReport) countReplaced(ctx context.Context, tx *db.Tx, authority uuid.UUID, school *School) error {
	count := `SELECT count(*) ` + strings.Replace(sqlTouched, "r USING calendar c", "r, calendar c", 1)
	return tx.PGX.QueryRow(ctx, count, authority, schoolID(school), report.FirstDate, report.LastDate).Scan(&report.Replaced)
}

func schoolID(s *School) *uuid.UUID {
	if s == nil {
		return nil
	}
	return &s.ID
}

// write puts the ranges into the calendar, which is made if there is none. Two
// files for one calendar follow each other: each first writes the calendar's
// row, and the later waits for the earlier.
func (report *CalendarReport) write(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, authority uuid.UUID, name string, school *School, ranges []CalendarRange) error {
	if report.NewSchool {
		school = &School{ID: shortbreaks.NewID(), AuthorityID: &authority, Name: strings.TrimSpace(name)}
		if err := gorm.G[School](tx.DB).Create(ctx, school); err != nil {
			return fmt.Errorf("making a school: %w", err)
		}
	}
	var by *uuid.UUID
	if who.Person != uuid.Nil {
		by = &who.Person
	}
	var id uuid.UUID
	err := tx.PGX.QueryRow(ctx, `INSERT INTO calendar (authority_id, id, school_id, imported_at, imported_by) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (authority_id, school_id) DO UPDATE SET imported_at = excluded.imported_at, imported_by = excluded.imported_by
		RETURNING id`, authority, shortbreaks.NewID(), schoolID(school), tx.Now, by).Scan(&id)
	if err != nil {
		return fmt.Errorf("writing the calendar: %w", err)
	}
	gone, err := tx.PGX.Exec(ctx, `DELETE `+sqlTouched, authority, schoolID(school), report.FirstDate, report.LastDate)
	if err != nil {
		return fmt.Errorf("replacing days of calendar %s: %w", id, err)
	}
	report.Replaced, report.CalendarID = int(gone.RowsAffected()), &id
	for i := range ranges {
		ranges[i].AuthorityID, ranges[i].CalendarID = authority, id
	}
	if err := insert(ctx, tx, ranges); err != nil {
		return fmt.Errorf("writing the days of calendar %s: %w", id, err)
	}
	return nil
}

// readRanges reads a file of term dates.
func readRanges(r io.Reader, format string) (ranges []CalendarRange, rows int, faults []ImportError, err error) {
	var lines []int
	if format == "csv" {
		ranges, lines, rows, faults, err = rangesOfCSV(r)
	} else {
		ranges, lines, rows, faults, err = rangesOfICal(r)
	}
	if err != nil {
		return nil, 0, nil, err
	}
	for i, a := range ranges {
		if a.EndsOn.Before(a.StartsOn) {
			faults = append(faults, ImportError{lines[i], "last_date", "The last date is before the first."})
		} else if a.EndsOn.Sub(a.StartsOn) > 366*24*time.Hour {
			faults = append(faults, ImportError{lines[i], "last_date", "A range is at most a year long."})
		}
		for j, b := range ranges[:i] {
			if a.Kind == b.Kind && a.holds(b.StartsOn) || b.Kind == a.Kind && b.holds(a.StartsOn) {
				faults = append(faults, ImportError{lines[i], "first_date", fmt.Sprintf("It overlaps row %d, which is of the same kind.", lines[j])})
				break
			}
		}
	}
	if len(ranges) == 0 && len(faults) == 0 {
		return nil, 0, nil, unreadable("The file has no term dates in it.")
	}
	return ranges, rows, faults, nil
}

func rangesOfCSV(r io.Reader) (ranges []CalendarRange, lines []int, n int, faults []ImportError, err error) {
	rows, faults, err := readCSV(r, []string{"kind", "first_date", "last_date", "name"}, []string{"kind", "first_date"})
	if err != nil {
		return nil, nil, 0, nil, err
	}
	for _, row := range rows {
		var f shortbreaks.Faults
		kind := strings.ReplaceAll(strings.ToLower(row.cell["kind"]), " ", "_")
		f.OneOf("kind", kind, RangeKinds)
		first, trouble := csvDate(row.cell["first_date"])
		f.Unless(trouble == "", "first_date", "%s", trouble)
		last := first
		if text := row.cell["last_date"]; text != "" {
			last, trouble = csvDate(text)
			f.Unless(trouble == "", "last_date", "%s", trouble)
		}
		name := row.cell["name"]
		if name == "" {
			name = shortbreaks.Capital(shortbreaks.Spaced(kind))
		}
		f.Text("name", name, 1, 100)
		for _, bad := range f.Fields {
			faults = append(faults, ImportError{row.line, bad.Pointer, bad.Detail})
		}
		if f.None() {
			ranges, lines = append(ranges, CalendarRange{Kind: RangeKind(kind), StartsOn: first, EndsOn: last, Name: name}), append(lines, row.line)
		}
	}
	return ranges, lines, len(rows), faults, nil
}

func rangesOfICal(r io.Reader) (ranges []CalendarRange, lines []int, n int, faults []ImportError, err error) {
	text, err := readText(r)
	if err != nil {
		return nil, nil, 0, nil, err
	}
	events, err := readICal(text)
	if err != nil {
		return nil, nil, 0, nil, err
	}
	for i, e := range events {
		if p := e.GetProperty(ics.ComponentPropertyStatus); p != nil && p.Value == string(ics.ObjectStatusCancelled) {
			continue
		}
		c, column, trouble := rangeOfEvent(e)
		if trouble != "" {
			faults = append(faults, ImportError{i + 1, column, trouble})
			continue
		}
		ranges, lines = append(ranges, c), append(lines, i+1)
	}
	return ranges, lines, len(events), faults, nil
}

// rangeOfEvent reads one event, or says what is wrong with it and where.
func rangeOfEvent(e *ics.VEvent) (c CalendarRange, column, trouble string) {
	if e.GetProperty(ics.ComponentPropertyRrule) != nil {
		return c, "RRULE", "Term dates do not repeat; give each year's."
	}
	start := e.GetProperty(ics.ComponentPropertyDtStart)
	if start == nil {
		return c, "DTSTART", "The event has no first day."
	}
	from, ok := eventTimeOf(start.Value, start.ICalParameters)
	if !ok || from.instant().Year() < 2000 || from.instant().Year() > 2100 {
		return c, "DTSTART", "The first day is not a date we can read."
	}
	to := from
	if end := e.GetProperty(ics.ComponentPropertyDtEnd); end != nil {
		if to, ok = eventTimeOf(end.Value, end.ICalParameters); !ok || to.allDay != from.allDay {
			return c, "DTEND", "The last day is not a date we can read."
		}
	}
	c.StartsOn, c.EndsOn = shortbreaks.Date(from.instant()), shortbreaks.Date(to.instant())
	if to.instant().After(from.instant()) { // the end of an event is the moment after it
		c.EndsOn = shortbreaks.Date(to.instant().Add(-time.Second))
	}
	name := ""
	if p := e.GetProperty(ics.ComponentPropertySummary); p != nil {
		name = strings.TrimSpace(p.Value)
	}
	var categories []string
	for _, p := range e.GetProperties(ics.ComponentPropertyCategories) {
		categories = append(categories, strings.Split(p.Value, ",")...)
	}
	kind, ok := kindOfEvent(name, categories)
	switch {
	case !ok:
		return c, "SUMMARY", "We cannot tell whether this is term, half term, a holiday or an INSET day. Say so in CATEGORIES."
	case kind == TermRun && c.StartsOn.Equal(c.EndsOn):
		return c, "SUMMARY", "A term is one event from its first day to its last; this one is a single day."
	}
	c.Kind, c.Name = kind, shortened(name, 100)
	if c.Name == "" {
		c.Name = shortbreaks.Capital(shortbreaks.Spaced(string(kind)))
	}
	return c, "", ""
}

// kindOfEvent tells from the categories, or else from the title, what an event
// of a school's calendar is.
func kindOfEvent(title string, categories []string) (RangeKind, bool) {
	for _, c := range categories {
		for _, k := range RangeKinds {
			if strings.EqualFold(strings.ReplaceAll(strings.TrimSpace(c), " ", "_"), k) {
				return RangeKind(k), true
			}
		}
	}
	title = strings.NewReplacer("-", " ", "_", " ").Replace(strings.ToLower(title))
	for _, k := range []struct {
		kind  RangeKind
		words []string
	}{
		{Inset, []string{"inset", "training day", "non pupil", "staff day"}},
		{HalfTerm, []string{"half term break", "half term holiday", "half term"}},
		{HolidayRun, []string{"holiday", "break", "closed", "closure"}},
		{TermRun, []string{"term"}},
	} {
		for _, w := range k.words {
			if strings.Contains(title, w) {
				return k.kind, true
			}
		}
	}
	return "", false
}

// shortened is the first characters of a text.
func shortened(text string, most int) string {
	letters := []rune(text)
	return string(letters[:min(len(letters), most)])
}

// AuthorityOf finds the authority of that name, or of the one school of that
// name. It is for whoever runs the service.
func AuthorityOf(ctx context.Context, d *db.DB, authority, school string) (id uuid.UUID, err error) {
	sql, name, what := `SELECT id FROM authority WHERE name = $1`, authority, "council"
	if authority == "" {
		sql, name, what = `SELECT authority_id FROM school WHERE lower(name) = lower($1) AND authority_id IS NOT NULL`, school, "school"
	}
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, sql, strings.TrimSpace(name))
		if err != nil {
			return fmt.Errorf("looking for a %s: %w", what, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		switch {
		case err != nil:
			return fmt.Errorf("looking for a %s: %w", what, err)
		case len(found) == 0:
			return shortbreaks.ErrNotFound.With(fmt.Sprintf("There is no %s called %q.", what, name))
		case len(found) > 1:
			return shortbreaks.ErrInvalid.With(fmt.Sprintf("There are %d of them called %q; name the council too.", len(found), name))
		}
		id = found[0]
		return nil
	})
	return id, err
}
