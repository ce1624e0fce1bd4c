package marketplace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

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

// ImportOptions say how a file of offers is imported.
type ImportOptions struct {
	ProviderID *uuid.UUID            // nil: the one the actor acts for
	DryRun     bool                  // check everything, write nothing
	Progress   func(done, total int) // rows looked at, called after each offer; may be nil
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
	Row    int    `json:"row"`
	Column string `json:"column"` // "" for the row as a whole
	Detail string `json:"detail"`
}

// ImportOffers reads a file of offers, CSV or XLSX (see ImportHelp), and makes
// all of them or none. If values cannot be used, the report lists every one by
// row and column, and the error is ErrInvalid with the same list.
func ImportOffers(ctx context.Context, d *db.DB, who shortbreaks.Actor, r io.Reader, opts ImportOptions) (ImportReport, error) {
	if !who.Is(editors...) {
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
	return importSheet(ctx, d, who, provider, rows, opts, nil)
}

// importSheet is ImportOffers once the file has been read. done, if given, is
// the last step of the transaction that wrote the offers.
func importSheet(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, rows sheet, opts ImportOptions,
	done func(tx *db.Tx, report ImportReport) error,
) (report ImportReport, err error) {
	run := d.Do
	if opts.DryRun && done == nil {
		run = d.Read
	}
	err = run(ctx, db.For(who), func(tx *db.Tx) error {
		report = ImportReport{Rows: len(rows.cells), DryRun: opts.DryRun} // anew if the transaction is run again
		if err := tx.TakeTime(ctx); err != nil {
			return err
		}
		desk, err := openSheetDesk(ctx, tx, provider, who)
		if err != nil {
			return err
		}
		if err := report.fill(desk, rows, opts.Progress); err != nil {
			return err
		}
		if !opts.DryRun {
			for _, o := range desk.shelf.offers {
				report.OfferIDs = append(report.OfferIDs, o.ID)
			}
			if err := desk.shelf.write(ctx, tx); err != nil {
				return err
			}
		}
		if done == nil {
			return nil
		}
		return done(tx, report)
	})
	if err != nil && len(report.Errors) == 0 {
		return ImportReport{}, err
	}
	return report, err
}

// fill puts every offer on the shelf, or gathers what is wrong with all of
// them.
func (report *ImportReport) fill(desk *sheetDesk, rows sheet, progress func(done, total int)) error {
	report.Errors = slices.Clone(rows.errors)
	looked := 0
	for _, block := range rows.blocks() {
		wrong, err := report.offer(desk, &sheetOffer{rows: block})
		if err != nil {
			return err
		}
		report.Errors = append(report.Errors, wrong...)
		if len(desk.shelf.sessions) > maxImportSessions {
			report.Errors = append(report.Errors, ImportError{
				block[0].line, "last_date",
				fmt.Sprintf("The file makes more than %d sessions; split it.", maxImportSessions),
			})
			break
		}
		if looked += len(block); progress != nil {
			progress(looked, len(rows.cells))
		}
	}
	report.Sessions = len(desk.shelf.sessions)
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

// offer puts one offer on the shelf or lists what is wrong with it; the error
// is of the database only.
func (report *ImportReport) offer(desk *sheetDesk, o *sheetOffer) ([]ImportError, error) {
	draft, state := o.draft(desk.lookups())
	draft.Setting = desk.shelf.placed(draft.Setting)
	head := o.rows[0]
	if state == Published && !desk.who.Is(shortbreaks.ProviderOwner) {
		head.fault("publish", "Only the owner may publish; import drafts.")
	}
	series, err := draft.Sessions.resolve(desk.ctx, desk.tx, "/sessions")
	refusal, fault := asRefusal(err)
	if fault != nil || desk.broken != nil {
		return nil, errors.Join(fault, desk.broken)
	}
	if refusal != nil {
		o.blame(refusal.Fields, false)
		draft.Sessions.unbind()
	} else {
		draft.Sessions = series
	}
	if o.unread() {
		// The rest of the rows is checked too, but what could not be read is
		// not blamed a second time.
		o.blame(draft.check(desk.shelf.now).Fields, true)
		return o.faults(), nil
	}
	_, err = desk.shelf.add(draft, state)
	refusal, fault = asRefusal(err)
	if fault != nil {
		return nil, fault
	}
	if refusal != nil {
		o.blame(refusal.Fields, false)
		if len(refusal.Fields) == 0 {
			head.fault("", "%s", refusal.Error())
		}
		return o.faults(), nil
	}
	if state == Published {
		report.Published++
	} else {
		report.Drafts++
	}
	return nil, nil
}

// asRefusal parts what a person can put right from what they cannot.
func asRefusal(err error) (*shortbreaks.Error, error) {
	var refusal *shortbreaks.Error
	if err == nil || errors.As(err, &refusal) {
		return refusal, nil
	}
	return nil, err
}
