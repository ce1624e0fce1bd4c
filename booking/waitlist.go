package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// WaitState is where a family stands in a line.
type WaitState string

// A waiting family is offered a place, which it accepts or lets go; a place
// let go is the next family's, and this one is out of the line.
const (
	Waiting       WaitState = "waiting"
	PlaceOffered  WaitState = "offered"
	PlaceAccepted WaitState = "accepted"
	PlaceLapsed   WaitState = "lapsed" // not answered in time
	LeftLine      WaitState = "left"
)

// The refusals of a waiting list.
var (
	ErrNotFull     = shortbreaks.NewError(shortbreaks.Conflict, "places-left", "There are places left")
	ErrInLine      = shortbreaks.NewError(shortbreaks.Conflict, "already-waiting", "This child is in the line already")
	ErrOfferLapsed = shortbreaks.NewError(shortbreaks.Conflict, "waitlist-offer-lapsed", "The time to take this place has run out")
)

// WaitEntry is a child in the line for a session, with what would be booked.
type WaitEntry struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	ChildID     uuid.UUID
	ProviderID  uuid.UUID
	OfferID     uuid.UUID
	SessionID   uuid.UUID
	Ask         CreateQuote
	State       WaitState
	Because     string     // why the last place went to the next family; "" if none did
	BookingID   *uuid.UUID // of the place offered
	ItemID      *uuid.UUID
	ExpiresAt   *time.Time // of the offer
	CreatedAt   time.Time
	CreatedBy   uuid.UUID
}

const waitColumns = `authority_id, id, child_id, provider_id, offer_id, session_id, ask, state, because, booking_id, item_id, expires_at, created_at, created_by`

// JoinWaitlist puts a child in the line for a full session, on behalf of a
// family that agrees to its money being held when a place is offered. What is
// asked is quoted first, so that nobody waits for what cannot be had. Errors:
// those of MakeQuote, invalid, not-allowed-by-plan, ask-first,
// introduction-needed, competency-missing, places-left,
// round-gives-places, already-waiting, already-booked.
func JoinWaitlist(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CreateQuote) (*WaitEntry, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var e *WaitEntry
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if len(c.SessionIDs) != 1 {
			return shortbreaks.ErrInvalid.At("/session_id", "Wait for one session at a time.")
		}
		q, err := draftFor(ctx, tx, who, c)
		if err != nil {
			return err
		}
		if err := q.refusal(); err != nil {
			return err
		}
		it := q.Document.Items[0]
		key := marketplace.PlaceKey{Provider: q.ProviderID, Session: *it.SessionID}
		places, err := marketplace.LockPlaces(ctx, tx, []marketplace.PlaceKey{key})
		if err != nil {
			return err
		}
		if q.Document.Items[0].fits(places[key]) {
			return ErrNotFull.With("Book it; there is nothing to wait for.")
		}
		if in, err := marketplace.InRound(ctx, tx, key); err != nil {
			return err
		} else if in {
			return marketplace.ErrRoundOpen.With("Say there what you wish for; who gets no place then waits in the order of the round.")
		}
		aside, err := marketplace.SetAside(ctx, tx, key.Provider, []uuid.UUID{key.Session})
		if err != nil {
			return err
		}
		if whole := places[key].Capacity + aside[key.Session]; q.Document.Items[0].places() > whole && !places[key].Cancelled {
			return shortbreaks.ErrInvalid.At("/companions", "The session has "+shortbreaks.Plural(whole, "place")+" in all.")
		}
		var batch pgx.Batch
		attends := queueAttendances(&batch, needs([]Order{{Authority: q.AuthorityID, Quotes: []*Quote{q}}}))
		if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
			return fmt.Errorf("read who attends: %w", err)
		}
		if len(attends) > 0 {
			return alreadyBooked(it.LocalStart)
		}
		e = &WaitEntry{
			AuthorityID: q.AuthorityID, ID: shortbreaks.NewID(), ChildID: q.ChildID, ProviderID: q.ProviderID, OfferID: q.OfferID, SessionID: *it.SessionID,
			Ask: c, State: Waiting, CreatedAt: tx.Now, CreatedBy: who.Person,
		}
		tag, err := tx.PGX.Exec(ctx, `INSERT INTO waitlist_entry (authority_id, id, child_id, provider_id, offer_id, session_id, ask, state, created_at, created_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			e.AuthorityID, e.ID, e.ChildID, e.ProviderID, e.OfferID, e.SessionID, e.Ask, string(e.State), e.CreatedAt, e.CreatedBy)
		if err != nil {
			return fmt.Errorf("join the line of session %s: %w", e.SessionID, err)
		}
		if tag.RowsAffected() == 0 {
			return ErrInLine.With("Look at your waiting lists.")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Waitlist is one page of the lines the actor's children stand in, the oldest
// first, and whether more follow. Errors: forbidden.
func Waitlist(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (page []*WaitEntry, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	reach, column := who.Authorities, "authority_id"
	if who.Is(shortbreaks.Family) {
		reach, column = who.Children, "child_id"
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectEntries(ctx, tx, column+` = ANY ($1) AND id > $2 AND state <> 'left' ORDER BY id LIMIT $3`, reach, after, limit+1)
		return err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, err
}

func selectEntries(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*WaitEntry, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+waitColumns+` FROM waitlist_entry WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read waiting lists: %w", err)
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[WaitEntry])
	if err != nil {
		return nil, fmt.Errorf("read waiting lists: %w", err)
	}
	return entries, nil
}

// lockEntry locks an entry of one's own, before any other row.
func lockEntry(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*WaitEntry, error) {
	found, err := selectEntries(ctx, tx, `id = $1 FOR UPDATE`, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || !mayAct(who, &Item{AuthorityID: found[0].AuthorityID, ChildID: &found[0].ChildID}) {
		return nil, shortbreaks.ErrNotFound
	}
	return found[0], nil
}

func (e *WaitEntry) become(ctx context.Context, tx *db.Tx, state WaitState) error {
	e.State, e.ExpiresAt = state, nil
	_, err := tx.PGX.Exec(ctx, `UPDATE waitlist_entry SET state = $3, expires_at = NULL WHERE authority_id = $1 AND id = $2`, e.AuthorityID, e.ID, string(state))
	if err != nil {
		return fmt.Errorf("change entry %s: %w", e.ID, err)
	}
	return nil
}

// AcceptPlace takes the place that was offered, before its time runs out: it is
// confirmed, or asks the provider, or waits with its group, as any booking of
// the offer. Errors: forbidden, not-found, wrong-state, waitlist-offer-lapsed.
func AcceptPlace(ctx context.Context, d *db.DB, who shortbreaks.Actor, entry uuid.UUID) (*Booking, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var b *Booking
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		e, err := lockEntry(ctx, tx, who, entry)
		if err != nil {
			return err
		}
		if e.State != PlaceOffered {
			return ErrWrongState.With("No place is offered: it is " + string(e.State) + ".")
		}
		items, err := selectItems(ctx, tx, `authority_id = $1 AND id = $2 FOR UPDATE`, e.AuthorityID, *e.ItemID)
		if err != nil {
			return err
		}
		if items[0].State != Held || anyExpired(items, tx.Now) {
			return ErrOfferLapsed.With("The place was offered to the next family. Join the line again if you still want one.")
		}
		to, until, err := onAccepting(ctx, tx, items[0])
		if err != nil {
			return err
		}
		by := mover{who: who, onBehalf: who.Is(shortbreaks.Practitioner), cause: "accepted"}
		if err := moveUntil(ctx, tx, items, to, by, until); err != nil {
			return err
		}
		if err := e.become(ctx, tx, PlaceAccepted); err != nil {
			return err
		}
		b, err = loadOne(ctx, tx, who, items[0].BookingID)
		return err
	})
	return b, err
}

// onAccepting is what a held place becomes, and until when.
func onAccepting(ctx context.Context, tx *db.Tx, it *Item) (State, *time.Time, error) {
	key := marketplace.PlaceKey{Provider: it.ProviderID, Session: *it.SessionID}
	places, err := marketplace.LockPlaces(ctx, tx, []marketplace.PlaceKey{key})
	if err != nil {
		return "", nil, err
	}
	if places[key].Cancelled {
		return "", nil, marketplace.ErrOfferClosed.With("The session of " + it.LocalStart + " is not running.")
	}
	var q Quote
	err = tx.PGX.QueryRow(ctx, `SELECT q.document FROM booking b JOIN quote q ON q.authority_id = b.authority_id AND q.id = b.quote_id
		WHERE b.authority_id = $1 AND b.id = $2`, it.AuthorityID, it.BookingID).Scan(&q.Document)
	if err != nil {
		return "", nil, fmt.Errorf("read the quote of a held place: %w", err)
	}
	if !q.Document.Instant {
		return Requested, requestExpiry(&q, tx.Now), nil
	}
	next := *it
	next.State = Confirmed
	if err := next.awaitGroup(places[key].Minimum, q.Document.Items[0], tx.Now); err != nil {
		return "", nil, err
	}
	if next.State == Conditional {
		return Conditional, next.ExpiresAt, nil
	}
	return Confirmed, nil, nil
}

// LeaveWaitlist takes a child out of a line; a place that was offered to it is
// free at once. Errors: forbidden, not-found, wrong-state.
func LeaveWaitlist(ctx context.Context, d *db.DB, who shortbreaks.Actor, entry uuid.UUID) error {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		e, err := lockEntry(ctx, tx, who, entry)
		if err != nil {
			return err
		}
		if e.State != Waiting && e.State != PlaceOffered {
			return ErrWrongState.With("It is " + string(e.State) + " already.")
		}
		offered := e.State == PlaceOffered
		if err := e.become(ctx, tx, LeftLine); err != nil || !offered {
			return err
		}
		items, err := selectItems(ctx, tx, `authority_id = $1 AND id = $2 AND state = 'held' FOR UPDATE`, e.AuthorityID, *e.ItemID)
		if err != nil || len(items) == 0 {
			return err
		}
		by := mover{who: who, onBehalf: who.Is(shortbreaks.Practitioner), cause: "left the waiting list"}
		return cancelItems(ctx, tx, &Booking{}, items, CancelledByFamily, by)
	})
}

// errNextFamily ends the transaction of an offer that could not be made.
var errNextFamily = errors.New("the place goes to the next family")

// isAboutTheFamily reports whether a refusal is the family's alone, or about how
// many come and what they need, so that the place may go to the next; else the
// place itself is not to be had.
func isAboutTheFamily(err error) bool {
	return slices.ContainsFunc([]error{
		ErrBudgetTooLow, ErrNotAllowed, ErrAlreadyBooked, budgets.ErrLineTooLow, shortbreaks.ErrNotFound, shortbreaks.ErrForbidden, marketplace.ErrAge,
		ErrIntroductionNeeded, ErrRatioDecided, ErrCompetencyMissing, ErrAskFirst, ErrStaffTaken, errSomeLeft,
	},
		func(e error) bool { return errors.Is(err, e) })
}
