package marketplace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

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
