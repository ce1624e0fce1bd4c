package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// tellAtOnce is how many moves one transaction tells people of.
const tellAtOnce = 200

// Teller tells people what happens to the bookings that concern them.
type Teller struct {
	DB   *db.DB
	Mail bool // e-mail goes out here
}

// fact is something to be told: of a booking, from a source.
type fact struct {
	Authority, Provider, Booking, Source uuid.UUID
	Child                                uuid.UUID
	Lane                                 *uuid.UUID
	Starts                               time.Time
	Dates                                int
	Deadline                             *time.Time
	By                                   *uuid.UUID // who did it, and need not be told
	Family, ToProvider, ToCouncil        NewsKind   // "": not told
	Offer                                *uuid.UUID // what it is about if it is about no booking
}

// Tell tells people of what happened since it was last asked, once each: a
// move's mark is taken away by the transaction that writes the news of it, so
// two at once tell nothing twice, and after a crash it is told the next time.
// It returns how many moves and messages it took.
func (t Teller) Tell(ctx context.Context) (taken int, err error) {
	for {
		scope, err := t.scope(ctx, `SELECT DISTINCT provider_id FROM (SELECT provider_id FROM tell_mark LIMIT $1) m`, tellAtOnce)
		if err != nil || len(scope.Providers) == 0 {
			return taken, err
		}
		n := 0
		err = t.DB.Do(ctx, scope, func(tx *db.Tx) (err error) {
			n, err = t.tellSome(ctx, tx, scope)
			return err
		})
		taken += n
		if err != nil {
			return taken, fmt.Errorf("tell people: %w", err)
		}
		if n < tellAtOnce {
			return taken, nil
		}
	}
}

// scope is every authority, and the providers a statement names.
func (t Teller) scope(ctx context.Context, providers string, args ...any) (db.Scope, error) {
	scope, err := t.DB.System(ctx)
	if err != nil {
		return scope, err
	}
	err = t.DB.Read(ctx, scope, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, providers, args...)
		if err != nil {
			return err
		}
		scope.Providers, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return scope, fmt.Errorf("look for what to tell: %w", err)
	}
	return scope, nil
}

const sqlTakeMarks = `DELETE FROM tell_mark WHERE ctid IN (SELECT ctid FROM tell_mark WHERE provider_id = ANY ($1) LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING subject_id, source_id, is_message`

func (t Teller) tellSome(ctx context.Context, tx *db.Tx, scope db.Scope) (int, error) {
	rows, err := tx.PGX.Query(ctx, sqlTakeMarks, scope.Providers, tellAtOnce)
	if err != nil {
		return 0, fmt.Errorf("take marks: %w", err)
	}
	var items, events, bookings, messages []uuid.UUID
	var subject, source uuid.UUID
	var isMessage bool
	_, err = pgx.ForEachRow(rows, []any{&subject, &source, &isMessage}, func() error {
		if isMessage {
			bookings, messages = append(bookings, subject), append(messages, source)
		} else {
			items, events = append(items, subject), append(events, source)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("take marks: %w", err)
	}
	moves, err := movesOf(ctx, tx, scope, items, events)
	if err != nil {
		return 0, err
	}
	written, err := messageFacts(ctx, tx, scope, bookings, messages)
	if err != nil {
		return 0, err
	}
	nights, err := nightFacts(ctx, tx, scope, moves)
	if err != nil {
		return 0, err
	}
	_, err = t.tell(ctx, tx, slices.Concat(moves, written, nights))
	return len(events) + len(messages), err
}

// sqlMoves reads moves with what else moved in the same way and transaction in
// the same booking: that is told as one.
const sqlMoves = `
SELECT coalesce(e.from_state, ''), e.to_state, e.cause, e.actor_role, e.actor_id,
    EXISTS (SELECT FROM waitlist_entry w WHERE w.authority_id = i.authority_id AND w.item_id = i.id), i.moved_from IS NOT NULL,
    i.authority_id, i.provider_id, i.booking_id, b.child_id, i.lane_id, i.expires_at, i.auto_confirm_at, g.source, g.dates, g.starts_at
FROM unnest($1::uuid[], $2::uuid[]) AS m(item_id, id)
JOIN booking_item i ON i.authority_id = ANY ($3) AND i.id = m.item_id
JOIN item_event e ON e.authority_id = i.authority_id AND e.item_id = i.id AND e.id = m.id
JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
CROSS JOIN LATERAL (SELECT min(o.id::text)::uuid AS source, count(*) AS dates, min(s.starts_at) AS starts_at
    FROM booking_item s JOIN item_event o ON o.authority_id = s.authority_id AND o.item_id = s.id
    WHERE s.authority_id = i.authority_id AND s.booking_id = i.booking_id AND o.at = e.at AND o.to_state = e.to_state AND o.cause = e.cause
        AND o.from_state IS NOT DISTINCT FROM e.from_state) g`

func movesOf(ctx context.Context, tx *db.Tx, scope db.Scope, items, events []uuid.UUID) ([]fact, error) {
	rows, err := tx.PGX.Query(ctx, sqlMoves, items, events, scope.Authorities)
	if err != nil {
		return nil, fmt.Errorf("read moves: %w", err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fact, err error) {
		var h happening
		var expires, agreed *time.Time
		err = row.Scan(&h.from, &h.to, &h.cause, &h.role, &f.By, &h.fromLine, &h.takesPlace, &f.Authority, &f.Provider, &f.Booking, &f.Child, &f.Lane,
			&expires, &agreed, &f.Source, &f.Dates, &f.Starts)
		f.Family, f.ToProvider = h.told()
		switch {
		case f.Family == NewsPlaceOffered:
			f.Deadline, f.By = expires, nil // whoever stands in line did not do it
		case f.ToProvider == NewsAsked, f.Family == NewsEntered:
			f.Deadline = expires
		case f.Family == NewsRegisterFiled:
			f.Deadline = agreed
		}
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read moves: %w", err)
	}
	return facts, nil
}

const sqlWritten = `
SELECT m.authority_id, m.provider_id, m.booking_id, b.child_id, m.id, m.person_id, i.starts_at, i.lane_id
FROM unnest($1::uuid[], $2::uuid[]) AS t(booking_id, id)
JOIN booking_message m ON m.authority_id = ANY ($3) AND m.booking_id = t.booking_id AND m.id = t.id
JOIN booking b ON b.authority_id = m.authority_id AND b.id = m.booking_id
CROSS JOIN LATERAL (SELECT starts_at, lane_id FROM booking_item i WHERE i.authority_id = b.authority_id AND i.booking_id = b.id ORDER BY starts_at LIMIT 1) i`

func messageFacts(ctx context.Context, tx *db.Tx, scope db.Scope, bookings, messages []uuid.UUID) ([]fact, error) {
	rows, err := tx.PGX.Query(ctx, sqlWritten, bookings, messages, scope.Authorities)
	if err != nil {
		return nil, fmt.Errorf("read messages to tell of: %w", err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fact, err error) {
		f.Family, f.ToProvider, f.Dates = NewsMessage, NewsMessage, 1
		err = row.Scan(&f.Authority, &f.Provider, &f.Booking, &f.Child, &f.Source, &f.By, &f.Starts, &f.Lane)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read messages to tell of: %w", err)
	}
	return facts, nil
}

// tell writes news for everybody whom facts concern, and asks for their
// e-mails. What somebody was told already is not told again. It returns how
// many it wrote.
func (t Teller) tell(ctx context.Context, tx *db.Tx, facts []fact) (int, error) {
	if len(facts) == 0 {
		return 0, nil
	}
	concerned, err := whomOf(ctx, tx, facts)
	if err != nil {
		return 0, err
	}
	written := 0
	for _, f := range facts {
		for _, to := range concerned.by(f) {
			n, err := t.write(ctx, tx, f, to)
			if err != nil {
				return written, err
			}
			written += n
		}
	}
	return written, nil
}

// write tells one person of one fact.
func (t Teller) write(ctx context.Context, tx *db.Tx, f fact, to recipient) (int, error) {
	id := shortbreaks.NewID()
	done, err := tx.PGX.Exec(ctx, `INSERT INTO news (person_id, id, kind, source_id, role, authority_id, provider_id, booking_id, starts_at, dates, deadline, at,
			offer_id, child_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $13::uuid IS NULL THEN $8::uuid END, $9, $10, $11, $12, $13, CASE WHEN $13 IS NOT NULL THEN $14::uuid END)
		ON CONFLICT ON CONSTRAINT news_once DO NOTHING`,
		to.person, id, to.kind, f.Source, to.role, f.Authority, f.Provider, f.Booking, f.Starts, f.Dates, f.Deadline, tx.Now, f.Offer, f.Child)
	if err != nil {
		return 0, fmt.Errorf("write news: %w", err)
	}
	if done.RowsAffected() == 0 || !t.Mail {
		return int(done.RowsAffected()), nil
	}
	return 1, tx.Enqueue(ctx, NewsMailArgs{PersonID: to.person, NewsID: id}, mailOptions)
}
