package booking

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// Message is something written about a booking, for everybody linked to it.
// It never changes. Who wrote it is known by side and role; the person's name
// and contact details belong to that adult and are told to nobody (T97).
type Message struct {
	AuthorityID uuid.UUID
	BookingID   uuid.UUID
	N           int // from 1, in the order of commits
	ID          uuid.UUID
	ProviderID  uuid.UUID
	Side        string // family, council or provider: for whom it speaks
	Role        shortbreaks.Role
	OnBehalf    bool // a practitioner wrote it for the family
	PersonID    uuid.UUID
	Words       string
	At          time.Time
}

// For whom a message speaks.
const (
	SideFamily   = "family"
	SideCouncil  = "council"
	SideProvider = "provider"
)

// maxMessages is how long one booking's thread may get.
const maxMessages = 500

// correspondents may write about a booking they are linked to.
var correspondents = []shortbreaks.Role{
	shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker,
}

// thread is a booking as those who write about it share it.
type thread struct {
	AuthorityID, ID, ProviderID uuid.UUID
	ChildID                     *uuid.UUID
}

const sqlThread = `SELECT b.authority_id, b.id, b.provider_id, b.child_id FROM booking b WHERE b.id = $1`

// sqlVisitedBy: the person makes a visit of the booking.
const sqlVisitedBy = `SELECT EXISTS (SELECT FROM booking_item i JOIN lane l ON l.provider_id = i.provider_id AND l.id = i.lane_id
    JOIN worker w ON w.provider_id = l.provider_id AND w.id = l.worker_id
    WHERE i.authority_id = $1 AND i.booking_id = $2 AND w.person_id = $3)`

// threadFor is the thread of a booking for one linked to it: the child's
// family, the council's practitioners, the provider's owner and co-ordinators,
// and of its workers the one who makes the visit. For anyone else it is not
// found.
func threadFor(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, booking uuid.UUID) (*thread, error) {
	var t thread
	err := tx.PGX.QueryRow(ctx, sqlThread, booking).Scan(&t.AuthorityID, &t.ID, &t.ProviderID, &t.ChildID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, shortbreaks.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read the thread of a booking: %w", err)
	}
	if !mayAct(who, &Item{AuthorityID: t.AuthorityID, ProviderID: t.ProviderID, ChildID: t.ChildID}) {
		return nil, shortbreaks.ErrNotFound
	}
	if who.Is(shortbreaks.Worker) {
		var visits bool
		if err := tx.PGX.QueryRow(ctx, sqlVisitedBy, t.AuthorityID, t.ID, who.Person).Scan(&visits); err != nil {
			return nil, fmt.Errorf("look who makes a visit: %w", err)
		}
		if !visits {
			return nil, shortbreaks.ErrNotFound
		}
	}
	return &t, nil
}

// WriteMessage is what somebody writes about a booking.
type WriteMessage struct {
	BookingID uuid.UUID
	Words     string
	ForFamily bool // of a practitioner: for the family, and labelled so
}

// side is for whom the writer speaks.
func (m WriteMessage) side(who shortbreaks.Actor) string {
	switch {
	case providerSide(who):
		return SideProvider
	case who.Is(shortbreaks.Practitioner) && !m.ForFamily:
		return SideCouncil
	}
	return SideFamily
}

// Write adds a message to the thread of a booking. Errors: forbidden,
// not-found, invalid, contact-details, wrong-state (a thread of 500).
func Write(ctx context.Context, d *db.DB, who shortbreaks.Actor, m WriteMessage) (*Message, error) {
	if !who.Is(correspondents...) {
		return nil, shortbreaks.ErrForbidden
	}
	var f shortbreaks.Faults
	f.Text("/words", m.Words, 1, 2000)
	f.Unless(!m.ForFamily || who.Is(shortbreaks.Practitioner), "/for_family", "Only a practitioner writes for a family.")
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	if err := marketplace.NoContactDetails("/words", m.Words); err != nil {
		return nil, err
	}
	var written *Message
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		t, err := threadFor(ctx, tx, who, m.BookingID)
		if err != nil {
			return err
		}
		written = &Message{
			AuthorityID: t.AuthorityID, BookingID: t.ID, ID: shortbreaks.NewID(), ProviderID: t.ProviderID, Side: m.side(who), Role: who.Role,
			OnBehalf: m.ForFamily, PersonID: who.Person, Words: strings.TrimSpace(m.Words), At: tx.Now,
		}
		return written.keep(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return written, nil
}

// keep gives the message its number. Whoever writes to a booking holds its
// lock until the commit: a reader who has seen a number never misses a smaller.
func (m *Message) keep(ctx context.Context, tx *db.Tx) error {
	if _, err := tx.PGX.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1::text, 23))`, m.BookingID); err != nil {
		return fmt.Errorf("lock a thread: %w", err)
	}
	err := tx.PGX.QueryRow(ctx, `SELECT coalesce(max(n), 0) + 1 FROM booking_message WHERE authority_id = $1 AND booking_id = $2`, m.AuthorityID, m.BookingID).Scan(&m.N)
	if err != nil {
		return fmt.Errorf("number a message: %w", err)
	}
	if m.N > maxMessages {
		return ErrWrongState.With("This thread is as long as one may get. Ring each other.")
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO booking_message (`+messageColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		m.AuthorityID, m.BookingID, m.N, m.ID, m.ProviderID, m.Side, m.Role, m.OnBehalf, m.PersonID, m.Words, m.At)
	if err != nil {
		return fmt.Errorf("keep a message: %w", err)
	}
	return nil
}

const messageColumns = `authority_id, booking_id, n, id, provider_id, side, role, on_behalf, person_id, words, at`

// Messages is a page of a booking's thread, the newest first: those before a
// number (0: the newest), whether more follow, and how many of others' the
// actor has not read. Errors: forbidden, not-found.
func Messages(ctx context.Context, d *db.DB, who shortbreaks.Actor, booking uuid.UUID, before, limit int) (page []Message, more bool, unread int, err error) {
	if !who.Is(correspondents...) {
		return nil, false, 0, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		t, err := threadFor(ctx, tx, who, booking)
		if err != nil {
			return err
		}
		rows, err := tx.PGX.Query(ctx, `SELECT `+messageColumns+` FROM booking_message
			WHERE authority_id = $1 AND booking_id = $2 AND ($3 = 0 OR n < $3) ORDER BY n DESC LIMIT $4`, t.AuthorityID, t.ID, before, limit+1)
		if err == nil {
			page, err = pgx.CollectRows(rows, pgx.RowToStructByName[Message])
		}
		if err != nil {
			return fmt.Errorf("read a thread: %w", err)
		}
		err = tx.PGX.QueryRow(ctx, `SELECT count(*) FROM booking_message WHERE authority_id = $1 AND booking_id = $2 AND person_id <> $3
			AND n > coalesce((SELECT read_to FROM message_mark WHERE person_id = $3 AND booking_id = $2), 0)`, t.AuthorityID, t.ID, who.Person).Scan(&unread)
		if err != nil {
			return fmt.Errorf("count what is unread: %w", err)
		}
		return nil
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, unread, err
}

// MarkRead says how far somebody has read a booking's thread; it never goes
// back, and never beyond what is there. Errors: forbidden, not-found.
func MarkRead(ctx context.Context, d *db.DB, who shortbreaks.Actor, booking uuid.UUID, upTo int) error {
	if !who.Is(correspondents...) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		t, err := threadFor(ctx, tx, who, booking)
		if err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO message_mark (person_id, booking_id, read_to)
			SELECT $1, $3, least($4, coalesce(max(n), 0)) FROM booking_message WHERE authority_id = $2 AND booking_id = $3
			ON CONFLICT (person_id, booking_id) DO UPDATE SET read_to = greatest(message_mark.read_to, excluded.read_to)`, who.Person, t.AuthorityID, t.ID, upTo)
		if err != nil {
			return fmt.Errorf("keep how far somebody read: %w", err)
		}
		return nil
	})
}
