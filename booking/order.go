package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// Order asks for places and money together. Its quotes stand or fall as one.
type Order struct {
	Authority uuid.UUID
	Who       shortbreaks.Actor
	Key       string // Idempotency-Key; empty if none
	Quotes    []*Quote

	FromLine bool // those who wait are asked, or have been: a place that came free is theirs

	Emergency *marketplace.EmergencyRef // the places it takes, if they were kept for emergencies

	Outside []*OutsidePlace // places taken by somebody who does not book here

	FirstNames map[uuid.UUID]string // of the quotes' children, already checked to be the caller's to book for
}

// Verdict is the answer to one order: bookings, or the reason for none.
type Verdict struct {
	Refusal error
	Basket  *Basket
}

// board is what the orders of one batch compete for, locked and in hand. What
// one order takes, the next no longer finds.
type board struct {
	places   map[marketplace.PlaceKey]*marketplace.Places
	lanes    *marketplace.LaneBoard
	lines    map[uuid.UUID]*budgets.PlanLine
	accounts map[uuid.UUID]*payments.Account
	open     map[uuid.UUID]bool // offers that may be booked
	used     map[uuid.UUID]bool // quotes booked already
	attends  map[attendance]bool

	introduced map[childAt]tariff.Ratio // decided for children whose offers need it
	crew       *crew                    // for children who need somebody signed off
	kept       map[uuid.UUID]*marketplace.EmergencyCapacity
	outside    map[outsideKey]*OutsidePlace
	tickets    map[uuid.UUID]*Ticket // that dates are booked off
}

// attendance is a child in a session; once at most.
type attendance struct{ child, session uuid.UUID }

// queueLocks puts into a batch what locks everything the orders need, in the
// one fixed order: tickets, session places, lanes, plan lines, accounts; each by id.
// Reads that decide come after the locks they depend on. Lanes are not locked
// by one statement, so if somebody's time is asked for, they and what comes
// after them are left to lockRest.
func (r *reservation) queueLocks(batch *pgx.Batch) {
	r.need = needs(r.orders)
	r.board = &board{}
	r.board.queue(batch, r.need, true)
	if len(r.need.lanes) == 0 {
		r.board.queueMoney(batch, r.need)
	}
}

func (r *reservation) lockRest(ctx context.Context, tx *db.Tx) (err error) {
	if r.board.lanes, err = marketplace.LockLanes(ctx, tx, r.need.lanes); err != nil || len(r.need.lanes) == 0 {
		return err
	}
	var batch pgx.Batch
	if r.board.queueMoney(&batch, r.need); batch.Len() == 0 {
		return nil
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("lock plan lines and accounts: %w", err)
	}
	return nil
}

// queue reads all of the board but the money; with lock, to take from it.
func (b *board) queue(batch *pgx.Batch, need needed, lock bool) {
	b.tickets = queueTickets(batch, need.tickets, lock)
	b.places = marketplace.QueuePlaces(batch, need.places, lock)
	b.kept = marketplace.QueueEmergency(batch, need.kept)
	b.outside = queueOutside(batch, need.outside)
	b.open = queueIDs(batch, `SELECT id FROM offer JOIN unnest($1::uuid[], $2::uuid[]) w (provider_id, id) USING (provider_id, id) WHERE state = 'published'`,
		need.offerProviders, need.offers)
	b.used = queueIDs(batch, `SELECT quote_id FROM booking JOIN unnest($1::uuid[], $2::uuid[]) w (authority_id, quote_id) USING (authority_id, quote_id)`,
		need.quoteAuthorities, need.quotes)
	b.attends = queueAttendances(batch, need)
	b.introduced = queueIntroductions(batch, need)
	b.crew = queueCrew(batch, need.skilled)
}

func (b *board) queueMoney(batch *pgx.Batch, need needed) {
	b.lines = budgets.QueueLockLines(batch, need.lines)
	b.accounts = payments.QueueLockAccounts(batch, need.accounts)
}

// fullFor is the refusal of an order that wants a place where none is left, or
// where its child has one.
func (b *board) fullFor(o Order) error {
	for _, q := range o.Quotes {
		for _, it := range q.Document.Items {
			if it.SessionID == nil {
				continue
			}
			if b.attends[attendance{child: q.ChildID, session: *it.SessionID}] {
				return alreadyBooked(it.LocalStart)
			}
			if p := b.places[marketplace.PlaceKey{Provider: q.ProviderID, Session: *it.SessionID}]; p.Free() == 0 || p.Moved(it.StartsAt, it.EndsAt) {
				return noPlace(p, p.Free(), it.LocalStart)
			}
		}
	}
	return nil
}

func alreadyBooked(localStart string) error {
	return ErrAlreadyBooked.With("Nothing was booked. Look at your bookings for " + localStart + ".")
}

// noPlace says why a session has no place to take for an order that may take so
// many of them.
func noPlace(p *marketplace.Places, free int, localStart string) error {
	if p.Cancelled {
		return marketplace.ErrOfferClosed.With("The session of " + localStart + " is not running. Nothing was booked.")
	}
	if free == 0 && p.Left() > 0 {
		return ErrSessionFull.With("A place of " + localStart + " has come free and is being offered to the families who wait for it. " +
			"Nothing was booked and no money was kept. Join the waiting list to be asked next.")
	}
	if free > 0 {
		return ErrQuoteExpired.With("The provider has moved the session of " + localStart + ". Nothing was booked; ask for a new quote.")
	}
	return ErrSessionFull.With("The session of " + localStart + " is full. Nothing was booked and no money was kept.")
}

// needed is what a set of orders touches, each once.
type needed struct {
	places                   []marketplace.PlaceKey
	lanes                    []marketplace.LaneWish
	lines                    []budgets.LineRef
	accounts                 []payments.AccountRef
	offerProviders, offers   []uuid.UUID
	quoteAuthorities, quotes []uuid.UUID

	// children in sessions, as they may attend already
	attending []uuid.UUID // authorities
	children  []uuid.UUID
	sessions  []uuid.UUID

	kept []marketplace.EmergencyRef // places kept for emergencies

	outside []*OutsidePlace
	tickets []ticketRef // that dates are booked off

	introduced []*Quote // of offers that need an introduction
	skilled    []*Quote // for which somebody has to be signed off
}

func needs(orders []Order) needed {
	var n needed
	seen := map[uuid.UUID]bool{} // ids never meet across tables
	first := func(id uuid.UUID) bool {
		fresh := id != uuid.Nil && !seen[id]
		seen[id] = true
		return fresh
	}
	for _, o := range orders {
		if o.Emergency != nil {
			n.kept = append(n.kept, *o.Emergency)
		}
		n.addOutside(o, first)
		for _, q := range o.Quotes {
			n.quoteAuthorities, n.quotes = append(n.quoteAuthorities, o.Authority), append(n.quotes, q.ID)
			if first(q.OfferID) {
				n.offerProviders, n.offers = append(n.offerProviders, q.ProviderID), append(n.offers, q.OfferID)
			}
			if q.Document.Introduction != nil {
				n.introduced = append(n.introduced, q)
			}
			if q.needsTasks() {
				n.skilled = append(n.skilled, q)
			}
			if id := q.Document.TicketID; id != nil && first(*id) {
				n.tickets = append(n.tickets, ticketRef{o.Authority, *id})
			}
			for _, it := range q.Document.Items {
				n.item(o, q, it, first)
			}
		}
	}
	return n
}

func (n *needed) item(o Order, q *Quote, it QuotedItem, first func(uuid.UUID) bool) {
	switch {
	case it.Ticket != nil: // takes no place and nobody's time
	case it.SessionID == nil:
		n.lanes = append(n.lanes, laneWish(q, it))
	default:
		n.attending, n.children, n.sessions = append(n.attending, o.Authority), append(n.children, q.ChildID), append(n.sessions, *it.SessionID)
		if first(*it.SessionID) {
			n.places = append(n.places, marketplace.PlaceKey{Provider: q.ProviderID, Session: *it.SessionID})
		}
	}
	for _, c := range it.Charges {
		if c.LineID != nil && first(*c.LineID) {
			n.lines = append(n.lines, budgets.LineRef{Authority: o.Authority, ID: *c.LineID})
		}
		for _, s := range c.Funding {
			if first(s.AccountID) {
				n.accounts = append(n.accounts, payments.AccountRef{Authority: o.Authority, ID: s.AccountID})
			}
		}
	}
}

// laneWish is the time a visit blocks its worker, buffers included; the family
// pays for the visit alone (T42).
func laneWish(q *Quote, it QuotedItem) marketplace.LaneWish {
	return marketplace.LaneWish{
		Provider: q.ProviderID, Offer: q.OfferID, Lane: it.LaneWish,
		From: it.StartsAt.Add(-q.Document.BufferBefore), To: it.EndsAt.Add(q.Document.BufferAfter),
	}
}

// queueIDs reads ids into the set it gives.
func queueIDs(batch *pgx.Batch, sql string, args ...any) map[uuid.UUID]bool {
	set := map[uuid.UUID]bool{}
	batch.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&id}, func() error { set[id] = true; return nil })
		return err
	})
	return set
}

func queueAttendances(batch *pgx.Batch, need needed) map[attendance]bool {
	set := map[attendance]bool{}
	if len(need.sessions) == 0 {
		return set
	}
	batch.Queue(`SELECT i.child_id, i.session_id FROM booking_item i
		JOIN unnest($1::uuid[], $2::uuid[], $3::uuid[]) w (authority_id, child_id, session_id) USING (authority_id, child_id, session_id)
		WHERE i.state IN ('held', 'requested', 'conditional', 'confirmed', 'delivered', 'partly_delivered', 'no_show', 'disputed', 'settled')`,
		need.attending, need.children, need.sessions).Query(func(rows pgx.Rows) error {
		var a attendance
		_, err := pgx.ForEachRow(rows, []any{&a.child, &a.session}, func() error { set[a] = true; return nil })
		return err
	})
	return set
}
