package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// readers are the roles that may see bookings at all; commissioners never see
// a named child, and finance sees the books.
var readers = []shortbreaks.Role{
	shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.ProviderOwner, shortbreaks.Coordinator,
	shortbreaks.Worker, shortbreaks.Auditor,
}

// Load reads one booking with its items, charges, register and, for the
// family's side, its holds. Errors: forbidden, not-found.
func Load(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*Booking, error) {
	if !who.Is(readers...) {
		return nil, shortbreaks.ErrForbidden
	}
	var b *Booking
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		if b, err = loadOne(ctx, tx, who, id); err != nil || providerSide(who) {
			return err
		}
		return b.explain(ctx, tx)
	})
	return b, err
}

// ListBookings chooses bookings; every field narrows.
type ListBookings struct {
	State     State
	From, To  *time.Time // of an item's start, From included
	ChildID   *uuid.UUID
	OfferID   *uuid.UUID
	Reference string
	Limit     int
	After     uuid.UUID // the last id of the page before; newest first
}

// List is one page of the actor's bookings, newest first, and whether more
// follow. Errors: forbidden.
func List(ctx context.Context, d *db.DB, who shortbreaks.Actor, l ListBookings) (page []*Booking, more bool, err error) {
	if !who.Is(readers...) {
		return nil, false, shortbreaks.ErrForbidden
	}
	if l.ChildID != nil && providerSide(who) {
		return nil, false, nil // who is never told a child's id cannot ask by one
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = loadBookings(ctx, tx, who, `($3 = '' OR EXISTS (SELECT FROM booking_item i WHERE i.authority_id = b.authority_id AND i.booking_id = b.id AND i.state = $3))
			AND (($4::timestamptz IS NULL AND $5::timestamptz IS NULL) OR EXISTS (SELECT FROM booking_item i WHERE i.authority_id = b.authority_id AND i.booking_id = b.id
				AND ($4::timestamptz IS NULL OR i.starts_at >= $4) AND ($5::timestamptz IS NULL OR i.starts_at < $5)))
			AND ($6::uuid IS NULL OR b.child_id = $6) AND ($7::uuid IS NULL OR b.offer_id = $7) AND ($8 = '' OR b.reference = $8)
			AND ($9 = '00000000-0000-0000-0000-000000000000'::uuid OR b.id < $9)
			ORDER BY b.id DESC LIMIT $10`, string(l.State), l.From, l.To, l.ChildID, l.OfferID, l.Reference, l.After, l.Limit+1)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if more = len(page) > l.Limit; more {
		page = page[:l.Limit]
	}
	return page, more, nil
}

func loadOne(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*Booking, error) {
	found, err := loadBookings(ctx, tx, who, `b.id = $3`, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return found[0], nil
}

// loadBookings reads whole bookings inside the actor's reach: a family its
// children's, a provider its own, staff those of their authority.
func loadBookings(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, where string, args ...any) ([]*Booking, error) {
	found, err := selectBookings(ctx, tx, who, where, args...)
	if err != nil {
		return nil, err
	}
	return found, fillBookings(ctx, tx, who, found)
}

// selectBookings is loadBookings without what hangs on them: terms, not items.
func selectBookings(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, where string, args ...any) ([]*Booking, error) {
	reach, column := who.Authorities, "b.authority_id"
	switch {
	case who.Is(shortbreaks.Family):
		reach, column = who.Children, "b.child_id"
	case providerSide(who):
		reach, column = who.Providers, "b.provider_id"
	}
	rows, err := tx.PGX.Query(ctx, `SELECT b.authority_id, b.id, b.basket_id, b.quote_id, b.reference, b.child_id, b.provider_id, b.offer_id,
			b.version_id, b.total_pence, b.terms, b.billed_on, b.created_by, b.on_behalf, b.created_at, b.created_key,
			p.name AS provider_name, o.title AS offer_title,
			CASE WHEN $2 THEN '' ELSE coalesce(c.first_name, '') END AS child_first_name
		FROM booking b
		JOIN provider p ON p.id = b.provider_id
		JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
		LEFT JOIN child c ON c.authority_id = b.authority_id AND c.id = b.child_id
		WHERE `+column+` = ANY ($1) AND `+where, append([]any{reach, providerSide(who)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read bookings: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByNameLax[Booking])
	if err != nil {
		return nil, fmt.Errorf("read bookings: %w", err)
	}
	return found, nil
}

func fillBookings(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, bookings []*Booking) error {
	ids := make([]uuid.UUID, len(bookings))
	byID := map[uuid.UUID]*Booking{}
	for i, b := range bookings {
		ids[i], byID[b.ID] = b.ID, b
	}
	items, err := selectItems(ctx, tx, `booking_id = ANY ($1) ORDER BY booking_id, n`, ids)
	if err != nil {
		return err
	}
	for _, it := range items {
		b := byID[it.BookingID]
		b.Items = append(b.Items, it)
	}
	return fill(ctx, tx, who, items)
}

func providerSide(who shortbreaks.Actor) bool {
	return who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker)
}

// fill reads what hangs on items: charges, register, and holds for those who
// may see the child's money; a provider never does.
func fill(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, items []*Item) error {
	if len(items) == 0 {
		return nil
	}
	var batch pgx.Batch
	charges, deliveries, dues := queueChargesOf(&batch, items), queueDeliveriesOf(&batch, items), queueDuesOf(&batch, items, "true")
	reasons, changes := queueReasonsOf(&batch, items), queueWorkerChangesOf(&batch, items)
	holds, accounts := new([]payments.Hold), map[uuid.UUID]ItemHold{}
	if !providerSide(who) {
		holds = payments.QueueHoldsOf(&batch, authoritiesOf(items), idsOf(items))
		accounts = queueAccountsOf(&batch, items)
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read what hangs on items: %w", err)
	}
	of := map[uuid.UUID][]ItemHold{}
	for _, h := range *holds {
		in := accounts[h.Account]
		in.Hold = h
		of[h.Item] = append(of[h.Item], in)
	}
	for _, it := range items {
		it.Charges, it.Holds, it.Reason, it.Delivery, it.Changes = charges[it.ID], of[it.ID], reasons[it.ID], deliveries[it.ID], changes[it.ID]
	}
	if err := fillDues(ctx, tx, who, items, dues); err != nil {
		return err
	}
	if len(deliveries) > 0 {
		return fillAfter(ctx, tx, items)
	}
	return nil
}

// queueAccountsOf reads what kind of account the holds of items are in.
func queueAccountsOf(batch *pgx.Batch, items []*Item) map[uuid.UUID]ItemHold {
	accounts := map[uuid.UUID]ItemHold{}
	batch.Queue(`SELECT a.id, a.kind, coalesce(a.stream, '') FROM `+ofItems(`hold`)+`
		JOIN account a ON a.authority_id = its.authority_id AND a.id = its.account_id`, idsOf(items), authoritiesOf(items)).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var of ItemHold
		_, err := pgx.ForEachRow(rows, []any{&id, &of.AccountKind, &of.Stream}, func() error { accounts[id] = of; return nil })
		return err
	})
	return accounts
}

// queueReasonsOf reads what is said to be wrong with the disputed ones, and why
// the provider declined or cancelled those it did.
func queueReasonsOf(batch *pgx.Batch, items []*Item) map[uuid.UUID]string {
	var asked []*Item
	for _, it := range items {
		if it.State == Disputed || it.State == Declined || it.State == CancelledByProvider {
			asked = append(asked, it)
		}
	}
	reasons := map[uuid.UUID]string{}
	if len(asked) == 0 {
		return reasons
	}
	batch.Queue(`SELECT DISTINCT ON (item_id) item_id, cause FROM `+ofItems(`item_event`)+`
		WHERE to_state IN ('disputed', 'declined', 'cancelled_by_provider')
		ORDER BY item_id, at DESC, id DESC`, idsOf(asked), authoritiesOf(asked)).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var cause string
		_, err := pgx.ForEachRow(rows, []any{&id, &cause}, func() error { reasons[id] = cause; return nil })
		return err
	})
	return reasons
}
