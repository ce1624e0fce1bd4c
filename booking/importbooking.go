package booking

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// ImportBookings makes the bookings of an authority's file, all of them or none:
// each row is quoted as a practitioner would quote it, and all are one batch of
// orders at Reserve. What a row may not book is an error by row and column, like
// what cannot be read. A row whose reference was imported before is left as it
// is, so that two who send a file at once make it once. Errors: forbidden,
// not-found, invalid with every error, idempotency-key-reused,
// request-in-progress.
func ImportBookings(ctx context.Context, d *db.DB, who shortbreaks.Actor, authority *uuid.UUID, r io.Reader, opts ImportOptions, idem *shortbreaks.Idem,
) (report ImportReport, reply *shortbreaks.Reply, err error) {
	if !who.Is(shortbreaks.Practitioner) {
		return report, nil, shortbreaks.ErrForbidden
	}
	of, err := oneOf(who.Authorities, authority)
	if err != nil {
		return report, nil, err
	}
	raw, err := readBookingFile(r, opts.Progress, []string{"reference", "child"}, "reference", "child", "option", "total")
	if err != nil {
		return report, nil, err
	}
	read := len(raw.Errors)
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		raw.Errors, reply = raw.Errors[:read], nil // anew if the transaction is run again
		report = ImportReport{Rows: len(raw.Rows), DryRun: opts.DryRun}
		var err error
		if reply, err = tx.Replay(ctx, of, idem); reply != nil || err != nil {
			return err
		}
		f := authorityFile{bookingFile: raw, who: who, authority: of}
		if err := f.run(ctx, tx, &report); err != nil {
			return err
		}
		if opts.DryRun {
			report.Bookings = nil
			return errDryRun
		}
		reply, err = tx.Keep(ctx, of, idem, report)
		return err
	})
	report.Errors = raw.Errors
	if errors.Is(err, errDryRun) {
		err = nil
		if idem != nil {
			reply = &shortbreaks.Reply{}
			reply.Status, reply.Body, err = idem.Render(report)
		}
	}
	return report, reply, err
}

// oneOf is the one chosen of what an actor reaches, or the only one.
func oneOf(reach []uuid.UUID, chosen *uuid.UUID) (uuid.UUID, error) {
	switch {
	case chosen == nil && len(reach) == 1:
		return reach[0], nil
	case chosen == nil:
		return uuid.Nil, shortbreaks.ErrInvalid.With("You act for several. Say for which.").At("query/authority_id", "Say for which.")
	}
	for _, id := range reach {
		if id == *chosen {
			return id, nil
		}
	}
	return uuid.Nil, shortbreaks.ErrNotFound
}

// authorityFile is a file of an authority's bookings.
type authorityFile struct {
	*bookingFile
	who       shortbreaks.Actor
	authority uuid.UUID
	orders    []Order
	of        []parsed // the row of each order
}

func (f *authorityFile) run(ctx context.Context, tx *db.Tx, report *ImportReport) error {
	if err := lockImports(ctx, tx, f.authority); err != nil {
		return err
	}
	rows := f.parse()
	f.oncePerFile(rows)
	if err := f.findSessions(ctx, tx, rows); err != nil {
		return err
	}
	before, err := f.before(ctx, tx, rows)
	if err != nil {
		return err
	}
	for i, p := range rows {
		if f.progress(i+1, len(rows)); before[p.reference] {
			report.Unchanged++
			continue
		}
		if err := f.quote(ctx, tx, p); err != nil {
			return err
		}
	}
	verdicts, err := Reserve(ctx, tx, f.orders)
	if err != nil {
		return err
	}
	for i, v := range verdicts {
		if v.Refusal != nil {
			if err := f.blame(f.of[i].row, v.Refusal); err != nil {
				return err
			}
			continue
		}
		b := v.Basket.Bookings[0]
		report.Bookings = append(report.Bookings, ImportedRow{
			Row: f.of[i].row.Line, Reference: f.of[i].reference, BookingID: b.ID, Booking: b.Reference, State: b.Items[0].State,
		})
	}
	if err := f.Refusal(); err != nil {
		return err
	}
	report.Made = len(report.Bookings)
	return f.keep(ctx, tx, report.Bookings)
}

// oncePerFile faults a reference that is in the file twice.
func (f *authorityFile) oncePerFile(rows []parsed) {
	first := map[string]int{}
	for _, p := range rows {
		if line, ok := first[p.reference]; ok {
			f.Fault(p.row, "reference", "This reference is in row %d already.", line)
			continue
		}
		first[p.reference] = p.row.Line
	}
}

// before are the references imported before.
func (f *authorityFile) before(ctx context.Context, tx *db.Tx, rows []parsed) (map[string]bool, error) {
	references := make([]string, len(rows))
	for i, p := range rows {
		references[i] = p.reference
	}
	found, err := tx.PGX.Query(ctx, `SELECT reference FROM imported_booking WHERE authority_id = $1 AND reference = ANY ($2)`, f.authority, references)
	if err != nil {
		return nil, fmt.Errorf("read what was imported before: %w", err)
	}
	known, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read what was imported before: %w", err)
	}
	before := map[string]bool{}
	for _, r := range known {
		before[r] = true
	}
	return before, nil
}

// quote makes the order of a row; what is wrong with it is noted.
func (f *authorityFile) quote(ctx context.Context, tx *db.Tx, p parsed) error {
	if p.row.Cell["child"] == "" {
		f.Fault(p.row, "child", "Give the id of the child.")
	}
	id, expected := f.id(p.row, "child"), f.Pounds(p.row, "total")
	s := f.session(p)
	if f.Faulty(p.row) {
		return nil
	}
	child, err := budgets.LoadChild(ctx, tx, f.who, id)
	if errors.Is(err, shortbreaks.ErrNotFound) || (err == nil && child.AuthorityID != f.authority) {
		f.Fault(p.row, "child", "There is no such child in this authority.")
		return nil
	}
	if err != nil {
		return err
	}
	q, err := draftFor(ctx, tx, f.who, CreateQuote{ChildID: id, OfferID: s.OfferID, SessionIDs: []uuid.UUID{s.SessionID}})
	if err != nil {
		return f.blame(p.row, err)
	}
	if option := p.row.Cell["option"]; option != "" && option != q.Document.OptionName {
		f.Fault(p.row, "option", "It would be booked with %q.", q.Document.OptionName)
	}
	if expected != nil && *expected != q.TotalPence {
		f.Fault(p.row, "total", "It costs %s.", q.TotalPence)
	}
	if f.Faulty(p.row) {
		return nil
	}
	if err := insertQuote(ctx, tx, q); err != nil {
		return err
	}
	f.of = append(f.of, p)
	f.orders = append(f.orders, Order{Authority: f.authority, Who: f.who, Quotes: []*Quote{q}, FirstNames: map[uuid.UUID]string{id: child.FirstName}})
	return nil
}

// keep notes which booking each reference became.
func (f *authorityFile) keep(ctx context.Context, tx *db.Tx, made []ImportedRow) error {
	if len(made) == 0 {
		return nil
	}
	references, ids := make([]string, len(made)), make([]uuid.UUID, len(made))
	for i, m := range made {
		references[i], ids[i] = m.Reference, m.BookingID
	}
	var by *uuid.UUID
	if f.who.Person != uuid.Nil {
		by = &f.who.Person
	}
	_, err := tx.PGX.Exec(ctx, `INSERT INTO imported_booking (authority_id, reference, booking_id, imported_by, imported_at)
		SELECT $1, u.reference, u.booking_id, $4, $5 FROM unnest($2::text[], $3::uuid[]) u (reference, booking_id)`, f.authority, references, ids, by, tx.Now)
	if err != nil {
		return fmt.Errorf("note what was imported: %w", err)
	}
	return nil
}

// ImportOutside takes the places of a provider's file: families that do not book
// here. Each row is an order of its own, all are one batch at Reserve, and all
// are taken or none. The provider's own reference makes it repeatable: what it
// stands for already is left as it is, ended or not. Errors: forbidden,
// not-found, invalid with every error.
func ImportOutside(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider *uuid.UUID, r io.Reader, opts ImportOptions) (report ImportReport, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return report, shortbreaks.ErrForbidden
	}
	own, err := oneOf(who.Providers, provider)
	if err != nil {
		return report, err
	}
	f, err := readBookingFile(r, opts.Progress, []string{"reference"}, "reference", "places")
	if err != nil {
		return report, err
	}
	read := len(f.Errors)
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		f.Errors = f.Errors[:read]
		report = ImportReport{Rows: len(f.Rows), DryRun: opts.DryRun}
		if err := f.takeAll(ctx, tx, who, own, &report); err != nil {
			return err
		}
		if opts.DryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	report.Errors = f.Errors
	return report, err
}
