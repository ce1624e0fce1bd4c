package booking

import (
	"context"
	"encoding/json"
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

// EntryState is where a child stands in an allocation round.
type EntryState string

// A child enters, may leave while the round is open, and is then placed, or
// stands in the waiting line, or neither because nothing it wished for can be
// booked for it.
const (
	Entered         EntryState = "entered"
	EntryWithdrawn  EntryState = "withdrawn"
	EntryPlaced     EntryState = "placed"
	EntryWaiting    EntryState = "waiting"
	EntryWithout    EntryState = "without"
	RoundsCalledOff EntryState = "called_off" // the round was
)

// ErrRoundNotOpen says that wishes cannot be changed now.
var ErrRoundNotOpen = shortbreaks.NewError(shortbreaks.Conflict, "round-not-open", "This round is not open")

// RoundEntry is a child in an allocation round with its wishes.
type RoundEntry struct {
	AuthorityID uuid.UUID
	RoundID     uuid.UUID
	ChildID     uuid.UUID
	ProviderID  uuid.UUID
	OfferID     uuid.UUID
	Wishes      []RoundWish
	State       EntryState
	Place       *int // in the order of the draw
	Wish        *int // that was granted, from 1
	Groups      []string
	BookingID   *uuid.UUID
	CreatedBy   uuid.UUID
	CreatedAt   time.Time

	OfferTitle string
	Of         int    // how many were in the draw; 0 before
	Words      string // what became of it and why; "" before
}

// Ticket is by what the child stands in the published draw.
func (e *RoundEntry) Ticket() uuid.UUID { return ticketOf(e.RoundID, e.ChildID) }

// RoundWish is sessions a child wants together, or a bundle, at the price its
// family was shown. If it would cost more in the end, the wish is passed over.
type RoundWish struct {
	Ask        CreateQuote       `json:"ask"`
	Dates      []uuid.UUID       `json:"dates,omitempty"` // the sessions of a bundle
	TotalPence shortbreaks.Pence `json:"total_pence"`
	Places     int               `json:"places"` // in each session
	LocalStart []string          `json:"local_start"`
	Because    string            `json:"because,omitempty"` // why it could not be booked
}

// Sessions are those wished for.
func (w RoundWish) Sessions() []uuid.UUID {
	if w.Ask.BundleID != nil {
		return w.Dates
	}
	return w.Ask.SessionIDs
}

// EnterRound asks for a child's wishes, the dearest first, to be those of a
// round.
type EnterRound struct {
	RoundID uuid.UUID
	ChildID uuid.UUID
	Wishes  []CreateQuote // whose child and offer are the round's
}

const roundEntryColumns = `e.authority_id, e.round_id, e.child_id, e.provider_id, e.offer_id, e.wishes,
	CASE WHEN r.state = 'called_off' AND e.state = 'entered' THEN 'called_off' ELSE e.state END AS state, e.place, e.wish, e.groups, e.booking_id,
	e.created_by, e.created_at, o.title, coalesce(jsonb_array_length(r.draw->'entries'), 0) AS of`

const sqlRoundEntries = `SELECT ` + roundEntryColumns + ` FROM allocation_entry e
JOIN allocation_round r ON r.provider_id = e.provider_id AND r.id = e.round_id
JOIN offer o ON o.provider_id = e.provider_id AND o.id = e.offer_id `

// PutWishes enters a child or changes its wishes, as often as one likes while
// the round is open; when is of no matter. Each wish is quoted first, so that
// nobody wishes for what cannot be had, and takes neither place nor money. By
// entering a family agrees that what it is given is booked at no more than the
// price it was shown. Errors: forbidden, not-found, invalid, round-not-open,
// already-booked, and those of MakeQuote and JoinWaitlist.
func PutWishes(ctx context.Context, d *db.DB, who shortbreaks.Actor, c EnterRound) (e *RoundEntry, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		child, err := budgets.LoadChild(ctx, tx, who, c.ChildID)
		if err != nil {
			return err
		}
		r, err := openRound(ctx, tx, c.RoundID)
		if err != nil {
			return err
		}
		wishes, err := c.quoted(ctx, tx, who, r)
		if err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO allocation_entry (authority_id, round_id, child_id, provider_id, offer_id, wishes, state, created_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, 'entered', $7, $8)
			ON CONFLICT (authority_id, round_id, child_id) DO UPDATE SET wishes = excluded.wishes, state = 'entered', created_by = excluded.created_by`,
			child.AuthorityID, r.ID, child.ID, r.ProviderID, r.OfferID, wishes, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("enter a round: %w", err)
		}
		e, err = entryOf(ctx, tx, r.ID, child.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// openRound is a round that is open and stays so until the transaction ends.
func openRound(ctx context.Context, tx *db.Tx, id uuid.UUID) (*marketplace.Round, error) {
	if _, err := marketplace.ShareRound(ctx, tx, id); err != nil {
		return nil, err
	}
	r, err := marketplace.ReadRound(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case r.State != marketplace.RoundAnnounced || !tx.Now.Before(r.ClosesAt):
		return nil, ErrRoundNotOpen.With("It closed at " + shortbreaks.Wall(r.ClosesAt) + ". Nothing was changed.")
	case !r.Open(tx.Now):
		return nil, ErrRoundNotOpen.With("It opens at " + shortbreaks.Wall(r.OpensAt) + ". Nothing was changed.")
	}
	return r, nil
}

// quoted holds each wish against the round and quotes it.
func (c EnterRound) quoted(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, r *marketplace.Round) ([]RoundWish, error) {
	var f shortbreaks.Faults
	f.Unless(len(c.Wishes) >= 1 && len(c.Wishes) <= 10, "/wishes", "Give 1 to 10 wishes.")
	for i, w := range c.Wishes {
		if w.BundleID != nil {
			continue
		}
		at := fmt.Sprintf("/wishes/%d/session_ids", i)
		f.Unless(len(w.SessionIDs) >= 1 && len(w.SessionIDs) <= 20, at, "Give 1 to 20 sessions.")
		for j, id := range w.SessionIDs {
			f.Unless(keeps(r, id), at, "Choose among the sessions of this round.")
			f.Unless(!slices.Contains(w.SessionIDs[:j], id), at, "A session is named twice.")
		}
	}
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	wishes := make([]RoundWish, len(c.Wishes))
	for i, w := range c.Wishes {
		w.ChildID, w.OfferID = c.ChildID, r.OfferID
		q, err := draftWish(ctx, tx, who, w)
		if err != nil {
			return nil, err
		}
		wish := RoundWish{Ask: w, TotalPence: q.TotalPence}
		for _, it := range q.Document.Items {
			wish.Places, wish.LocalStart = max(wish.Places, it.places()), append(wish.LocalStart, it.LocalStart)
			if w.BundleID == nil {
				continue
			}
			f.Unless(keeps(r, *it.SessionID), fmt.Sprintf("/wishes/%d/bundle_id", i), "Not all dates of this are given out in this round: %s is not.", shortbreaks.LongDate(it.StartsAt))
			wish.Dates = append(wish.Dates, *it.SessionID)
		}
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return nil, err
		}
		if err := notYetAttending(ctx, tx, q); err != nil {
			return nil, err
		}
		wishes[i] = wish
	}
	return wishes, nil
}

// keeps reports whether a round has places of a session to give.
func keeps(r *marketplace.Round, session uuid.UUID) bool {
	return slices.ContainsFunc(r.Places, func(p marketplace.RoundPlaces) bool { return p.SessionID == session && p.Kept })
}

// draftWish quotes a wish as it would be booked: without notice or horizon,
// since the round has a window of its own, and confirmed at once, since the
// provider gave the places to the round.
func draftWish(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, w CreateQuote) (*Quote, error) {
	w.anyHour = true
	q, err := draftFor(ctx, tx, who, w)
	if err != nil {
		return nil, err
	}
	q.Document.Instant = true
	return q, q.refusal()
}

// refusal says why something cannot be booked for a child, however many places
// there are: nobody waits or wishes for that.
func (q *Quote) refusal() error {
	d := &q.Document
	switch {
	case !d.Allowed:
		return ErrNotAllowed.With(because(d.Because))
	case d.Introduction != nil && d.Introduction.ID == nil:
		return ErrIntroductionNeeded.With(introductionNeeded(d.ProviderName))
	case d.Ask != "":
		return ErrAskFirst.With(d.Ask + " " + askPractitioner)
	case d.Unskilled != "":
		return ErrCompetencyMissing.With(d.Unskilled)
	}
	return nil
}

func notYetAttending(ctx context.Context, tx *db.Tx, q *Quote) error {
	var batch pgx.Batch
	attends := queueAttendances(&batch, needs([]Order{{Authority: q.AuthorityID, Quotes: []*Quote{q}}}))
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read who attends: %w", err)
	}
	for _, it := range q.Document.Items {
		if attends[attendance{child: q.ChildID, session: *it.SessionID}] {
			return alreadyBooked(it.LocalStart)
		}
	}
	return nil
}

// LeaveRound takes a child out of a round while it is open. Errors: forbidden,
// not-found, round-not-open, wrong-state.
func LeaveRound(ctx context.Context, d *db.DB, who shortbreaks.Actor, round, child uuid.UUID) error {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if _, err := budgets.LoadChild(ctx, tx, who, child); err != nil {
			return err
		}
		if _, err := entryOf(ctx, tx, round, child); err != nil {
			return err
		}
		if _, err := openRound(ctx, tx, round); err != nil {
			return err
		}
		tag, err := tx.PGX.Exec(ctx, `UPDATE allocation_entry SET state = 'withdrawn' WHERE round_id = $1 AND child_id = $2 AND state = 'entered'`, round, child)
		if err != nil {
			return fmt.Errorf("leave a round: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return ErrWrongState.With("The child has left this round already.")
		}
		return nil
	})
}

// RoundEntries is one page of the rounds the actor's children are in, the
// newest first, and whether more follow; the page ends with a round and child.
// Errors: forbidden.
func RoundEntries(ctx context.Context, d *db.DB, who shortbreaks.Actor, round, child uuid.UUID, limit int) (page []*RoundEntry, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	reach, column := who.Authorities, "authority_id"
	if who.Is(shortbreaks.Family) {
		reach, column = who.Children, "child_id"
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectRoundEntries(ctx, tx, `WHERE e.`+column+` = ANY ($1)
			AND ($2 = '00000000-0000-0000-0000-000000000000'::uuid OR (e.round_id, e.child_id) < ($2, $3)) ORDER BY e.round_id DESC, e.child_id DESC LIMIT $4`,
			reach, round, child, limit+1)
		return err
	})
	more = len(page) > limit
	return page[:min(len(page), limit)], more, err
}

// entryOf is a child's entry. Errors: not-found.
func entryOf(ctx context.Context, tx *db.Tx, round, child uuid.UUID) (*RoundEntry, error) {
	found, err := selectRoundEntries(ctx, tx, `WHERE e.round_id = $1 AND e.child_id = $2`, round, child)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return found[0], nil
}

func selectRoundEntries(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*RoundEntry, error) {
	rows, err := tx.PGX.Query(ctx, sqlRoundEntries+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read entries of rounds: %w", err)
	}
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*RoundEntry, error) {
		e := new(RoundEntry)
		err := row.Scan(&e.AuthorityID, &e.RoundID, &e.ChildID, &e.ProviderID, &e.OfferID, &e.Wishes, &e.State, &e.Place, &e.Wish, &e.Groups, &e.BookingID,
			&e.CreatedBy, &e.CreatedAt, &e.OfferTitle, &e.Of)
		e.Words = e.words(e.Of)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read entries of rounds: %w", err)
	}
	return entries, nil
}

// PublishedDraw is how a round was drawn, and the round. Errors: not-found,
// also before it is done.
func PublishedDraw(ctx context.Context, d *db.DB, round uuid.UUID) (draw *RoundDraw, r *marketplace.Round, err error) {
	if r, err = marketplace.GetRound(ctx, d, round); err != nil {
		return nil, nil, err
	}
	if r.State != marketplace.RoundDone {
		return nil, nil, shortbreaks.ErrNotFound.With("This round has not been drawn.")
	}
	draw = new(RoundDraw)
	if err := json.Unmarshal(r.Draw, draw); err != nil {
		return nil, nil, fmt.Errorf("read the draw of round %s: %w", round, err)
	}
	return draw, r, nil
}
