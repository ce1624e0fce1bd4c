package booking

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// Order asks for places and money together. Its quotes stand or fall as one.
type Order struct {
	Authority uuid.UUID
	Who       shortbreaks.Actor
	Key       string // Idempotency-Key; empty if none
	Quotes    []*Quote
	Children  map[uuid.UUID]*budgets.Child // of the quotes; already checked to be the caller's to book for
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
}

// attendance is a child in a session; once at most.
type attendance struct{ child, session uuid.UUID }

// lockBoard locks everything the orders need, in the one fixed order: session
// places, lanes, plan lines, accounts; each by id. Reads that decide come
// after the locks they depend on. If the places alone refuse every order, the
// rest is left unlocked and soldOut is true: a rush on a full session costs
// each family one lock.
func lockBoard(ctx context.Context, tx *db.Tx, orders []Order) (b *board, soldOut bool, err error) {
	b = &board{}
	need := needs(orders)
	if b.places, err = marketplace.LockPlaces(ctx, tx, need.places); err != nil {
		return nil, false, err
	}
	if b.open, err = idsWhere(ctx, tx, `SELECT id FROM offer WHERE state = 'published' AND id = ANY ($1)`, need.offers); err != nil {
		return nil, false, err
	}
	if b.used, err = idsWhere(ctx, tx, `SELECT quote_id FROM booking WHERE quote_id = ANY ($1)`, need.quotes); err != nil {
		return nil, false, err
	}
	if b.attends, err = liveAttendances(ctx, tx, need.children, need.sessions); err != nil {
		return nil, false, err
	}
	if !slices.ContainsFunc(orders, func(o Order) bool { return b.fullFor(o) == nil }) {
		return b, true, nil
	}
	return b, false, b.lockRest(ctx, tx, need)
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
				return noPlace(p, it.LocalStart)
			}
		}
	}
	return nil
}

func alreadyBooked(localStart string) error {
	return ErrAlreadyBooked.With("Nothing was booked. Look at your bookings for " + localStart + ".")
}

// noPlace says why a session has no place to take.
func noPlace(p *marketplace.Places, localStart string) error {
	if p.Cancelled {
		return marketplace.ErrOfferClosed.With("The session of " + localStart + " is not running. Nothing was booked.")
	}
	if p.Free() > 0 {
		return ErrQuoteExpired.With("The provider has moved the session of " + localStart + ". Nothing was booked; ask for a new quote.")
	}
	return ErrSessionFull.With("The session of " + localStart + " is full. Nothing was booked and no money was kept.")
}

func (b *board) lockRest(ctx context.Context, tx *db.Tx, need needed) (err error) {
	if b.lanes, err = marketplace.LockLanes(ctx, tx, need.lanes); err != nil {
		return err
	}
	if b.lines, err = budgets.LockLines(ctx, tx, need.lines); err != nil {
		return err
	}
	if b.accounts, err = payments.LockAccounts(ctx, tx, need.accounts); err != nil {
		return err
	}
	return nil
}

type needed struct {
	places                             []marketplace.PlaceKey
	lanes                              []marketplace.LaneWish
	lines                              []budgets.LineRef
	accounts                           []payments.AccountRef
	offers, quotes, children, sessions []uuid.UUID
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
		for _, q := range o.Quotes {
			n.quotes = append(n.quotes, q.ID)
			n.children = append(n.children, q.ChildID)
			if first(q.OfferID) {
				n.offers = append(n.offers, q.OfferID)
			}
			for _, it := range q.Document.Items {
				if it.SessionID == nil {
					n.lanes = append(n.lanes, laneWish(q, it))
				} else if first(*it.SessionID) {
					n.sessions = append(n.sessions, *it.SessionID)
					n.places = append(n.places, marketplace.PlaceKey{Provider: q.ProviderID, Session: *it.SessionID})
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
		}
	}
	return n
}

// laneWish is the time a visit blocks its worker, buffers included; the family
// pays for the visit alone (T42).
func laneWish(q *Quote, it QuotedItem) marketplace.LaneWish {
	return marketplace.LaneWish{
		Provider: q.ProviderID, Offer: q.OfferID, Lane: it.LaneWish,
		From: it.StartsAt.Add(-q.Document.BufferBefore), To: it.EndsAt.Add(q.Document.BufferAfter),
	}
}

func idsWhere(ctx context.Context, tx *db.Tx, sql string, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := tx.PGX.Query(ctx, sql, ids)
	if err != nil {
		return nil, fmt.Errorf("read for reserve: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read for reserve: %w", err)
	}
	set := make(map[uuid.UUID]bool, len(found))
	for _, id := range found {
		set[id] = true
	}
	return set, nil
}

func liveAttendances(ctx context.Context, tx *db.Tx, children, sessions []uuid.UUID) (map[attendance]bool, error) {
	set := map[attendance]bool{}
	if len(sessions) == 0 {
		return set, nil
	}
	rows, err := tx.PGX.Query(ctx, `SELECT child_id, session_id FROM booking_item
		WHERE child_id = ANY ($1) AND session_id = ANY ($2)
		AND state IN ('held', 'requested', 'conditional', 'confirmed', 'delivered', 'partly_delivered', 'no_show', 'disputed', 'settled')`, children, sessions)
	if err != nil {
		return nil, fmt.Errorf("read who attends: %w", err)
	}
	var a attendance
	_, err = pgx.ForEachRow(rows, []any{&a.child, &a.session}, func() error { set[a] = true; return nil })
	if err != nil {
		return nil, fmt.Errorf("read who attends: %w", err)
	}
	return set, nil
}
