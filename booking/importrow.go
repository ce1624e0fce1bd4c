package booking

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// MostImported is how many rows a file of bookings may have: as many as are
// quoted well within the time of a request.
const MostImported = 300

// ImportBookingsHelp says what a file of bookings looks like.
const ImportBookingsHelp = `A file of bookings is CSV in UTF-8 or an Excel workbook (.xlsx) with one sheet, at most
300 rows. The first row names the columns, in any order; those marked * must be there. It is
all or nothing: every error is named by row and column, and nothing is made if there is one.
A row whose reference was imported before is left as it is, so a file can be sent again.

An authority's file: one child on one date a row, booked on behalf of the family as any other
booking, at today's price and from the child's plan. The provider of an offer that is not
booked at once still has to say yes.
  reference*            your own, once in the authority
  child*                the id this system has for the child
  session_id            the date; or:
  offer_id, date, from  the offer, 2027-01-09, and 10:00 if there are several that day
  option                the price option you expect; another one is an error
  total                 the price you expect, such as 12.50; another one is an error

A provider's file: places taken by families that do not book here. They count against the
capacity; nothing is known of them but the reference, and no money of theirs is kept.
  reference*            your own, once a session; no names
  session_id            the date; or:
  offer_id, date, from  as above
  places                how many (1)
`

// ImportOptions say how a file of bookings is imported.
type ImportOptions struct {
	DryRun   bool                  // check everything, places and money too, and keep nothing
	Progress func(done, total int) // rows looked at; may be nil
}

// ImportReport is what became of a file of bookings.
type ImportReport struct {
	Rows      int
	Made      int // or, in a dry run, what would be
	Unchanged int // imported before, and left as they are
	DryRun    bool
	Bookings  []ImportedRow // by an authority; none in a dry run
	Errors    []marketplace.ImportError
}

// ImportedRow is what became of one row.
type ImportedRow struct {
	Row       int
	Reference string // the importer's
	BookingID uuid.UUID
	Booking   string // the booking's own reference
	State     State
}

var whenColumns = []string{"session_id", "offer_id", "date", "from"}

// bookingFile is a file on its way in.
type bookingFile struct {
	*marketplace.Table
	sessions map[uuid.UUID]*OutsidePlace // by id; only what a session is
	byDate   map[string][]*OutsidePlace  // by offer and date
	progress func(done, total int)
}

func readBookingFile(r io.Reader, progress func(done, total int), required []string, columns ...string) (*bookingFile, error) {
	t, err := marketplace.ReadTable(r, append(columns, whenColumns...), required, MostImported)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(int, int) {}
	}
	return &bookingFile{Table: t, progress: progress}, nil
}

// parsed is what of a row can be read without the database.
type parsed struct {
	row       marketplace.TableRow
	reference string
	session   uuid.UUID
	offer     uuid.UUID
	date      string
}

func (f *bookingFile) parse() []parsed {
	all := make([]parsed, len(f.Rows))
	for i, row := range f.Rows {
		p := parsed{row: row, reference: row.Cell["reference"], date: row.Cell["date"]}
		if n := len([]rune(p.reference)); n < 1 || n > 60 {
			f.Fault(row, "reference", "Give your own reference, of 1 to 60 characters.")
		}
		p.session, p.offer = f.id(row, "session_id"), f.id(row, "offer_id")
		_, err := time.Parse(time.DateOnly, p.date)
		switch {
		case row.Cell["session_id"] != "":
		case row.Cell["offer_id"] == "":
			f.Fault(row, "session_id", "Give a session, or an offer and a date.")
		case err != nil:
			f.Fault(row, "date", "Give a date such as 2027-01-09.")
		}
		all[i] = p
	}
	return all
}

// id reads a cell that holds an id, or nothing.
func (f *bookingFile) id(row marketplace.TableRow, column string) uuid.UUID {
	text := row.Cell[column]
	if text == "" {
		return uuid.Nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		f.Fault(row, column, "This is not an id of this system.")
	}
	return id
}

// findSessions reads the sessions that rows name, by id or by offer and date.
func (f *bookingFile) findSessions(ctx context.Context, tx *db.Tx, rows []parsed) error {
	var ids, offers []uuid.UUID
	var dates []string
	for _, p := range rows {
		ids, offers, dates = append(ids, p.session), append(offers, p.offer), append(dates, p.date)
	}
	found, err := tx.PGX.Query(ctx, `SELECT s.provider_id, s.id, s.offer_id, o.title, s.starts_at, s.local_start, o.state = 'draft'
		FROM session s JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id
		WHERE s.id = ANY ($1) OR (s.offer_id = ANY ($2) AND left(s.local_start, 10) = ANY ($3) AND s.state = 'scheduled') ORDER BY s.id`, ids, offers, dates)
	if err != nil {
		return fmt.Errorf("find sessions of a file: %w", err)
	}
	defer found.Close()
	f.sessions, f.byDate = map[uuid.UUID]*OutsidePlace{}, map[string][]*OutsidePlace{}
	for found.Next() {
		o := &OutsidePlace{Places: 1}
		if err := found.Scan(&o.ProviderID, &o.SessionID, &o.OfferID, &o.OfferTitle, &o.StartsAt, &o.LocalStart, &o.draft); err != nil {
			return fmt.Errorf("find sessions of a file: %w", err)
		}
		on := o.OfferID.String() + o.LocalStart[:len(time.DateOnly)]
		f.sessions[o.SessionID], f.byDate[on] = o, append(f.byDate[on], o)
	}
	return found.Err()
}

// session is the session a row means, for one row alone; nil if there is a fault.
func (f *bookingFile) session(p parsed) *OutsidePlace {
	if p.row.Cell["session_id"] != "" {
		s := f.sessions[p.session]
		if s == nil || (p.offer != uuid.Nil && s.OfferID != p.offer) {
			f.Fault(p.row, "session_id", "There is no such session.")
			return nil
		}
		own := *s
		return &own
	}
	from := p.row.Cell["from"]
	day := slices.Clone(f.byDate[p.offer.String()+p.date])
	day = slices.DeleteFunc(day, func(s *OutsidePlace) bool { return from != "" && s.LocalStart[len(s.LocalStart)-len("10:00"):] != from })
	switch {
	case len(day) == 1:
		own := *day[0]
		return &own
	case len(day) > 1:
		f.Fault(p.row, "from", "There are several sessions that day; give the time, such as 10:00.")
	default:
		f.Fault(p.row, "date", "This offer has no session then.")
	}
	return nil
}

// blame notes a refusal of a row; what is no refusal is given back.
func (f *bookingFile) blame(row marketplace.TableRow, err error) error {
	var known *shortbreaks.Error
	if !errors.As(err, &known) {
		return err
	}
	words := known.Title + "."
	if known.Detail != "" {
		words = known.Detail
	} else if len(known.Fields) > 0 {
		words = known.Fields[0].Detail
	}
	f.Fault(row, "", "%s", words)
	return nil
}

// errDryRun ends the transaction of an import that is to keep nothing.
var errDryRun = errors.New("booking: a dry run")

// lockImports lets an authority import one file at a time, so that a row is
// imported once whoever sends it.
func lockImports(ctx context.Context, tx *db.Tx, authority uuid.UUID) error {
	if _, err := tx.PGX.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('import bookings ' || $1::text, 0))`, authority); err != nil {
		return fmt.Errorf("lock imports of bookings: %w", err)
	}
	return nil
}
