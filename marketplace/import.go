package marketplace

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The most one file may hold.
const (
	maxImportRows     = 5000
	maxImportBytes    = 5_000_000
	maxImportSessions = 200_000
)

// ImportHelp says what a file of offers looks like.
const ImportHelp = `A file of offers is CSV in UTF-8, one offer a row, at most 5,000 rows and 5 MB. The
first row names the columns, in any order; those marked * must be there. A column
that does not apply to an offer is left empty.

  title*, summary*      what it is, in words
  category*             club, holiday_scheme, support_worker, overnight, swimming, ...
  access_route*         universal, targeted or specialist
  age_from*, age_to*    whole years
  ratio*                staff to children: 1:3
  setting*, postcode*   the place; a name and postcode used before is the same place
  instant               yes: booked at once; no: you accept each request (no)
  publish               yes: on sale at once; no: a draft (no)
  personal_care         yes: washing, dressing, toilet or feeding are part of it (no)
  price_unit*           hour, session, half_day, day, night, item; week, half_term, term or
                        quarter for a bundle of all the dates
  price*                pounds for one unit: 12.50
  components            what the price is made of: staff 9.00; premises 5.50; subsidy -2.00
  charge_kind           place, support, meal, transport, travel, equipment or other
                        (support for a price by the hour, else place)
  reduced_price         pounds, for families entitled to a reduced rate
  reduced_components    what that price is made of
  cap                   pounds; never more than this for one date
  minimum_minutes, step_minutes   how time is charged by the hour; steps are rounded up
  minutes_with_child    in one unit, if fewer than the time charged
  billed_on             booked or attended (booked)
  vat                   exempt, zero, standard or outside_scope (exempt)
  free_until_hours*     cancelling is free until so many hours before the start
  late_fee_percent*     the part of the price charged after that
  days*                 mon tue wed thu fri sat sun
  from*, to*            times of day: 16:00
  first_date, last_date, except, places   of sessions: 2027-01-09; except: 2027-02-20; 2027-02-27
  bundle_name           what a week, half term, term or quarter is called
  minimum_visit, maximum_visit, visit_step, buffer_before, buffer_after
                        minutes, of support by the hour at a time the family chooses
  lanes                 who gives it, one at a time each: Worker A; Worker B

A row with places is a group with sessions; a row with lanes is support by the hour. A cell
may not begin with =, +, -, @ or a tab: a spreadsheet would take it for a formula. Nothing is
imported unless every row can be.
`

// ImportOptions say how a file of offers is imported.
type ImportOptions struct {
	ProviderID *uuid.UUID            // nil: the one the actor acts for
	DryRun     bool                  // check everything, write nothing
	Progress   func(done, total int) // called after each row; may be nil
}

// ImportReport is what became of a file.
type ImportReport struct {
	Rows      int
	Drafts    int // made, or that would be made
	Published int
	Sessions  int
	DryRun    bool
	OfferIDs  []uuid.UUID // in the order of the rows; none in a dry run
	Errors    []ImportError
}

// ImportError is a value that cannot be used. Rows are counted as a
// spreadsheet counts them: the header is row 1.
type ImportError struct {
	Row    int
	Column string // "" for the row as a whole
	Detail string
}

// ImportOffers reads a CSV of offers (see ImportHelp) and makes all of them or
// none. If values cannot be used, the report lists every one by row and
// column, and the error is ErrInvalid with the same list.
func ImportOffers(ctx context.Context, d *db.DB, who shortbreaks.Actor, r io.Reader, opts ImportOptions) (ImportReport, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return ImportReport{}, shortbreaks.ErrForbidden
	}
	provider, err := chosenProvider(who, opts.ProviderID)
	if err != nil {
		return ImportReport{}, err
	}
	rows, err := readSheet(r)
	if err != nil {
		return ImportReport{}, err
	}
	report := ImportReport{}
	run := d.Do
	if opts.DryRun {
		run = d.Read
	}
	err = run(ctx, db.For(who), func(tx *db.Tx) error {
		report = ImportReport{Rows: len(rows.cells), DryRun: opts.DryRun} // anew if the transaction is run again
		shelf, err := openShelf(ctx, tx, provider, who.Person)
		if err != nil {
			return err
		}
		if err := report.fill(shelf, rows, who, opts.Progress); err != nil {
			return err
		}
		if opts.DryRun {
			return nil
		}
		for _, o := range shelf.offers {
			report.OfferIDs = append(report.OfferIDs, o.ID)
		}
		return shelf.write(ctx, tx)
	})
	if err != nil && len(report.Errors) == 0 {
		return ImportReport{}, err
	}
	return report, err
}

// fill puts every row on the shelf, or gathers what is wrong with all of them.
func (report *ImportReport) fill(s *shelf, rows sheet, who shortbreaks.Actor, progress func(done, total int)) error {
	report.Errors = slices.Clone(rows.errors)
	for i := range rows.cells {
		report.Errors = append(report.Errors, report.row(s, rows.row(i), who)...)
		if len(s.sessions) > maxImportSessions {
			report.Errors = append(report.Errors, ImportError{
				rows.lines[i], "last_date",
				fmt.Sprintf("The file makes more than %d sessions; split it.", maxImportSessions),
			})
			break
		}
		if progress != nil {
			progress(i+1, len(rows.cells))
		}
	}
	report.Sessions = len(s.sessions)
	if len(report.Errors) == 0 {
		return nil
	}
	refusal := *shortbreaks.ErrInvalid
	refusal.Detail = "Nothing was imported: " + shortbreaks.Plural(len(report.Errors), "value") + " cannot be used."
	for _, e := range report.Errors {
		refusal.Fields = append(refusal.Fields, shortbreaks.Field{Pointer: fmt.Sprintf("/rows/%d/%s", e.Row, e.Column), Detail: e.Detail})
	}
	return &refusal
}

func (report *ImportReport) row(s *shelf, r sheetRow, who shortbreaks.Actor) []ImportError {
	draft, state := r.draft()
	draft.Setting = s.placed(draft.Setting)
	if state == Published && !who.Is(shortbreaks.ProviderOwner) {
		r.fault("publish", "Only the owner may publish; import drafts.")
	}
	if len(r.errors) > 0 {
		// The rest of the row is checked too, but what could not be read is
		// not blamed a second time.
		r.blame(draft.check(s.now).Fields, true)
		return r.errors
	}
	if _, err := s.add(draft, state); err != nil {
		var refusal *shortbreaks.Error
		if !errors.As(err, &refusal) {
			return []ImportError{{r.line, "", err.Error()}}
		}
		r.blame(refusal.Fields, false)
		return r.errors
	}
	if state == Published {
		report.Published++
	} else {
		report.Drafts++
	}
	return nil
}

// sheet is a file, read.
type sheet struct {
	columns []string
	cells   [][]string
	lines   []int // the row of each, as a spreadsheet counts
	errors  []ImportError
}

// readSheet reads the file as far as it can be read at all.
func readSheet(r io.Reader) (sheet, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxImportBytes+1))
	if err != nil {
		return sheet{}, fmt.Errorf("reading the file of offers: %w", err)
	}
	switch text := strings.TrimPrefix(string(raw), "\ufeff"); {
	case len(raw) > maxImportBytes:
		return sheet{}, unreadable("The file is larger than 5 MB; split it.")
	case !utf8.ValidString(text):
		return sheet{}, unreadable("The file is not UTF-8. Save it as CSV UTF-8.")
	default:
		return parseSheet(text)
	}
}

func parseSheet(text string) (sheet, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord = -1 // a row too long or short is told by its number
	header, err := c.Read()
	if err != nil {
		return sheet{}, unreadable("The file has no first row that names the columns.")
	}
	var s sheet
	for _, name := range header {
		s.columns = append(s.columns, strings.ToLower(strings.TrimSpace(name)))
	}
	if err := s.checkColumns(); err != nil {
		return sheet{}, err
	}
	for n := 2; ; n++ {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.errors = append(s.errors, ImportError{n, "", "The quotes of this row do not match up; rows from here on were not read."})
			break
		}
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue // an empty row still counts in a spreadsheet
		}
		if len(s.cells) == maxImportRows {
			return sheet{}, unreadable(fmt.Sprintf("The file has more than %d rows; split it.", maxImportRows))
		}
		if len(cells) != len(s.columns) {
			s.errors = append(s.errors, ImportError{n, "", fmt.Sprintf("The row has %d cells and there are %d columns.", len(cells), len(s.columns))})
			continue
		}
		s.cells, s.lines = append(s.cells, cells), append(s.lines, n)
	}
	if len(s.cells) == 0 && len(s.errors) == 0 {
		return sheet{}, unreadable("The file has no rows below its first.")
	}
	return s, nil
}

func (s sheet) checkColumns() error {
	for i, name := range s.columns {
		if !slices.Contains(importColumns, name) {
			return unreadable(fmt.Sprintf("There is no column %q. Columns are %s.", name, strings.Join(importColumns, ", ")))
		}
		if slices.Index(s.columns, name) != i {
			return unreadable(fmt.Sprintf("The column %q is there twice.", name))
		}
	}
	var missing []string
	for _, name := range requiredColumns {
		if !slices.Contains(s.columns, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return unreadable("These columns are missing: " + strings.Join(missing, ", ") + ".")
	}
	return nil
}

// row is one row, by column.
func (s sheet) row(i int) sheetRow {
	r := sheetRow{line: s.lines[i], cell: make(map[string]string, len(s.columns))}
	for j, name := range s.columns {
		r.cell[name] = strings.TrimSpace(s.cells[i][j])
		if text := s.cells[i][j]; text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
			r.fault(name, "A cell may not begin with =, +, -, @ or a tab; a spreadsheet would take it for a formula.")
		}
	}
	return r
}

// unreadable refuses the file as a whole.
func unreadable(words string) error { return shortbreaks.ErrInvalid.With(words).At("/file", words) }
