package marketplace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// SchoolCalendar is the term dates of one school, or of an authority for the
// schools that have none of their own: academies and heads set their own
// (T36).
type SchoolCalendar struct {
	AuthorityID uuid.UUID  `gorm:"primaryKey"`
	ID          uuid.UUID  `gorm:"primaryKey"`
	SchoolID    *uuid.UUID // nil: the authority's own
	ImportedAt  time.Time
	ImportedBy  *uuid.UUID // nil: from the command line

	Name   string          `gorm:"-"` // the school's, or the authority's
	Ranges []CalendarRange `gorm:"-"` // by first date
}

// TableName is the table's.
func (SchoolCalendar) TableName() string { return "calendar" }

// RangeKind is what the days of a range are.
type RangeKind string

// The kinds, the stronger first: where ranges overlap, the stronger one says
// what a day is.
const (
	Inset      RangeKind = "inset"     // staff train; no pupils
	HalfTerm   RangeKind = "half_term" // the break in the middle of a term
	HolidayRun RangeKind = "holiday"
	TermRun    RangeKind = "term"
)

// RangeKinds lists the kinds, the stronger first.
var RangeKinds = []string{string(Inset), string(HalfTerm), string(HolidayRun), string(TermRun)}

// CalendarRange is some days of a calendar that are alike, both ends included.
type CalendarRange struct {
	AuthorityID uuid.UUID `gorm:"primaryKey"`
	CalendarID  uuid.UUID `gorm:"primaryKey"`
	Kind        RangeKind `gorm:"primaryKey"`
	StartsOn    time.Time `gorm:"primaryKey"` // dates: midnight UTC
	EndsOn      time.Time
	Name        string
}

// TableName is the table's.
func (CalendarRange) TableName() string { return "calendar_range" }

func (r CalendarRange) holds(on time.Time) bool { return !on.Before(r.StartsOn) && !on.After(r.EndsOn) }

// School is a school; its term dates are a SchoolCalendar.
type School struct {
	ID          uuid.UUID `gorm:"primaryKey"`
	AuthorityID *uuid.UUID
	Name        string
}

// TableName is the table's.
func (School) TableName() string { return "school" }

// Kind is what a date is, and the name of the range that says so. ok is false
// where the calendar does not reach. A day between the first and the last date
// that no range names is a holiday if the calendar lists its terms, and term
// if it lists only its holidays.
func (c SchoolCalendar) Kind(on time.Time) (kind RangeKind, name string, ok bool) {
	for _, k := range RangeKinds {
		for _, r := range c.Ranges {
			if string(r.Kind) == k && r.holds(on) {
				return r.Kind, r.Name, true
			}
		}
	}
	first, last := c.span()
	if len(c.Ranges) == 0 || on.Before(first) || on.After(last) {
		return "", "", false
	}
	if slices.ContainsFunc(c.Ranges, func(r CalendarRange) bool { return r.Kind == TermRun }) {
		return HolidayRun, "Holiday", true
	}
	return TermRun, "Term", true
}

// span is the first and the last date the calendar says anything about.
func (c SchoolCalendar) span() (first, last time.Time) {
	for i, r := range c.Ranges {
		if i == 0 || r.StartsOn.Before(first) {
			first = r.StartsOn
		}
		if i == 0 || r.EndsOn.After(last) {
			last = r.EndsOn
		}
	}
	return first, last
}

// DatesOnly says which dates of a series a calendar leaves.
type DatesOnly string

// A series may keep to the days of term, or to the days without school. An
// INSET day is neither: no pupils, and no holiday families have planned for.
const (
	TermTime DatesOnly = "term_time"
	Holidays DatesOnly = "holidays"
)

// leaves reports whether a date is left, and if not why; an error if the
// calendar does not reach it.
func (c SchoolCalendar) leaves(only DatesOnly, on time.Time) (left bool, because string, reached bool) {
	kind, name, reached := c.Kind(on)
	if !reached {
		return false, "", false
	}
	if only == TermTime {
		return kind == TermRun, c.Name + ": " + name, true
	}
	return kind == HolidayRun || kind == HalfTerm, c.Name + ": " + name, true
}

// TermDates is the calendar that counts for a school: its own if it has one,
// else its authority's (T36). It is a refusal if there is neither. Give the
// authority alone for the authority's own.
func TermDates(ctx context.Context, tx *db.Tx, authority, school *uuid.UUID) (*SchoolCalendar, error) {
	if school != nil {
		s, err := gorm.G[School](tx.DB).Where("id = ?", *school).First(ctx)
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return nil, shortbreaks.ErrInvalid.With("There is no such school.")
		}
		if err != nil {
			return nil, fmt.Errorf("reading school %s: %w", school, err)
		}
		authority = s.AuthorityID
	}
	if authority == nil {
		return nil, shortbreaks.ErrInvalid.With("This school belongs to no council; it has no term dates here.")
	}
	found, err := gorm.G[SchoolCalendar](tx.DB).Where("authority_id = ? AND (school_id IS NULL OR school_id = ?)", *authority, school).
		Order("school_id NULLS LAST").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the term dates of authority %s: %w", authority, err)
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrInvalid.With("No term dates have been imported for this school or its council.")
	}
	return &found[0], fillCalendars(ctx, tx, found[:1])
}

// fillCalendars reads the names and the ranges of calendars.
func fillCalendars(ctx context.Context, tx *db.Tx, calendars []SchoolCalendar) error {
	ids := make([]uuid.UUID, len(calendars))
	at := make(map[uuid.UUID]*SchoolCalendar, len(calendars))
	for i := range calendars {
		ids[i], at[calendars[i].ID] = calendars[i].ID, &calendars[i]
	}
	rows, err := tx.PGX.Query(ctx, `SELECT c.id, coalesce(s.name, a.name) FROM calendar c
		JOIN authority a ON a.id = c.authority_id LEFT JOIN school s ON s.id = c.school_id WHERE c.id = ANY ($1)`, ids)
	if err != nil {
		return fmt.Errorf("reading whose calendars they are: %w", err)
	}
	var id uuid.UUID
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error { at[id].Name = name; return nil }); err != nil {
		return fmt.Errorf("reading whose calendars they are: %w", err)
	}
	ranges, err := gorm.G[CalendarRange](tx.DB).Where("calendar_id IN ?", ids).Order("starts_on, ends_on, kind").Find(ctx)
	if err != nil {
		return fmt.Errorf("reading the days of %d calendars: %w", len(ids), err)
	}
	for _, r := range ranges {
		at[r.CalendarID].Ranges = append(at[r.CalendarID].Ranges, r)
	}
	return nil
}

// CalendarQuery asks for calendars; the zero value of each field asks nothing.
type CalendarQuery struct {
	Name   string // the school's or authority's begins so
	Cursor string // the id after which to go on
	Limit  int
}

// ListCalendars lists term dates by when their calendar was first imported.
// Anyone may; they are public. next is "" on the last page.
func ListCalendars(ctx context.Context, d *db.DB, q CalendarQuery) (list []SchoolCalendar, next string, err error) {
	after := uuid.Nil
	if q.Cursor != "" {
		if after, err = uuid.Parse(q.Cursor); err != nil {
			return nil, "", shortbreaks.ErrInvalid.With("This cursor is not of this list.").At("query/cursor", "This is not of this list.")
		}
	}
	limit := min(max(q.Limit, 1), 100)
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		begins := likePrefix(strings.TrimSpace(q.Name))
		list, err = gorm.G[SchoolCalendar](tx.DB).Where(`calendar.id > ? AND EXISTS (SELECT FROM authority a LEFT JOIN school s ON s.id = calendar.school_id
			WHERE a.id = calendar.authority_id AND coalesce(s.name, a.name) ILIKE ?)`, after, begins).
			Order("calendar.id").Limit(limit + 1).Find(ctx)
		if err != nil {
			return fmt.Errorf("listing calendars: %w", err)
		}
		if len(list) > limit {
			list = list[:limit]
			next = list[limit-1].ID.String()
		}
		return fillCalendars(ctx, tx, list)
	})
	return list, next, err
}

// likePrefix is a pattern for words that begin so, whatever signs they hold.
func likePrefix(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
