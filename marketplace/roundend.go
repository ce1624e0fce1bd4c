package marketplace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

const roundColumns = `r.provider_id, r.id, r.offer_id, r.opens_at, r.closes_at, r.groups, r.siblings_together, r.words, r.commitment, r.state, r.seed, r.draw,
	r.ended_at, r.opened_by, r.created_at, o.title, v.name`

const sqlRounds = `SELECT ` + roundColumns + ` FROM allocation_round r
JOIN offer o ON o.provider_id = r.provider_id AND o.id = r.offer_id
JOIN provider v ON v.id = r.provider_id `

// ReadRound is one round, whoever asks. Errors: not-found.
func ReadRound(ctx context.Context, tx *db.Tx, id uuid.UUID) (*Round, error) {
	list, err := selectRounds(ctx, tx, `WHERE r.id = $1`, id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return list[0], nil
}

// GetRound is ReadRound in a transaction of its own. Errors: not-found.
func GetRound(ctx context.Context, d *db.DB, id uuid.UUID) (r *Round, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		r, err = ReadRound(ctx, tx, id)
		return err
	})
	return r, err
}

// ListRounds is one page of rounds, the newest first, and whether more follow:
// of one offer, or (the zero id) of all.
func ListRounds(ctx context.Context, d *db.DB, offer, after uuid.UUID, limit int) (page []*Round, more bool, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		page, err = selectRounds(ctx, tx, `WHERE ($1 = '00000000-0000-0000-0000-000000000000'::uuid OR r.offer_id = $1)
			AND ($2 = '00000000-0000-0000-0000-000000000000'::uuid OR r.id < $2) ORDER BY r.id DESC LIMIT $3`, offer, after, limit+1)
		return err
	})
	more = len(page) > limit
	return page[:min(len(page), limit)], more, err
}

func selectRounds(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*Round, error) {
	rows, err := tx.PGX.Query(ctx, sqlRounds+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading rounds: %w", err)
	}
	byID, ids := map[uuid.UUID]*Round{}, []uuid.UUID{}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Round, error) {
		r := new(Round)
		err := row.Scan(&r.ProviderID, &r.ID, &r.OfferID, &r.OpensAt, &r.ClosesAt, &r.Groups, &r.SiblingsTogether, &r.Words, &r.Commitment, &r.State, &r.Seed, &r.Draw,
			&r.EndedAt, &r.OpenedBy, &r.CreatedAt, &r.OfferTitle, &r.ProviderName)
		r.ReadAt = tx.Now
		byID[r.ID], ids = r, append(ids, r.ID)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading rounds: %w", err)
	}
	rows, err = tx.PGX.Query(ctx, `SELECT p.round_id, p.session_id, p.places, p.kept, s.starts_at, s.local_start, s.term_id FROM allocation_place p
		JOIN session s ON s.provider_id = p.provider_id AND s.id = p.session_id WHERE p.round_id = ANY ($1) ORDER BY s.starts_at, s.id`, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the places of rounds: %w", err)
	}
	var id uuid.UUID
	var p RoundPlaces
	_, err = pgx.ForEachRow(rows, []any{&id, &p.SessionID, &p.Places, &p.Kept, &p.StartsAt, &p.LocalStart, &p.BundleID}, func() error {
		byID[id].Places = append(byID[id].Places, p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the places of rounds: %w", err)
	}
	return list, nil
}

// Stage is the state at the time the round was read: announced, open, closed
// (until it is drawn), done or called_off.
func (r *Round) Stage() string {
	switch {
	case r.Open(r.ReadAt):
		return "open"
	case r.State == RoundAnnounced && !r.ReadAt.Before(r.ClosesAt):
		return "closed"
	}
	return r.State
}

// Open reports whether families may enter and change their wishes.
func (r *Round) Open(now time.Time) bool {
	return r.State == RoundAnnounced && !now.Before(r.OpensAt) && now.Before(r.ClosesAt)
}

// CallOffRound puts the places of a round back on sale before they are given
// out. Errors: forbidden, not-found, wrong-state.
func CallOffRound(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (r *Round, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		own, err := selectRounds(ctx, tx, `WHERE r.id = $1 AND r.provider_id = ANY ($2)`, id, who.Providers)
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return shortbreaks.ErrNotFound
		}
		still, err := LockRound(ctx, tx, own[0])
		if err != nil {
			return err
		}
		if !still {
			return ErrWrongState.With("Its places have been given out, or it was called off before.")
		}
		if _, err := tx.PGX.Exec(ctx, `UPDATE allocation_round SET state = 'called_off', ended_at = $3 WHERE provider_id = $1 AND id = $2`, own[0].ProviderID, id, tx.Now); err != nil {
			return fmt.Errorf("calling off a round: %w", err)
		}
		if _, err := GiveUpPlaces(ctx, tx, own[0]); err != nil {
			return err
		}
		r, err = ReadRound(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// LockRound makes the transaction the only one that ends the round or changes
// its wishes, and reports whether it has still to be ended. It comes before any
// other lock. Those who wish share it (ShareRound).
func LockRound(ctx context.Context, tx *db.Tx, r *Round) (still bool, err error) {
	return lockRound(ctx, tx, `pg_advisory_xact_lock`, r.ID)
}

// ShareRound keeps the round from being ended while its wishes change.
func ShareRound(ctx context.Context, tx *db.Tx, id uuid.UUID) (still bool, err error) {
	return lockRound(ctx, tx, `pg_advisory_xact_lock_shared`, id)
}

// lockRound takes a lock by name, since a family may not lock the row of a
// provider. The state is read by a statement of its own: it is that of after
// the wait.
func lockRound(ctx context.Context, tx *db.Tx, how string, id uuid.UUID) (still bool, err error) {
	if _, err := tx.PGX.Exec(ctx, `SELECT `+how+`(hashtextextended($1::text, 122))`, id); err != nil {
		return false, fmt.Errorf("locking round %s: %w", id, err)
	}
	err = tx.PGX.QueryRow(ctx, `SELECT state = 'announced' FROM allocation_round WHERE id = $1`, id).Scan(&still)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, shortbreaks.ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("reading round %s: %w", id, err)
	}
	return still, nil
}

// GiveUpPlaces puts what a round keeps back into the capacity of its sessions,
// once, and says how many places each has. The places stay locked until the
// transaction ends, so that what comes next in it takes them before anybody.
func GiveUpPlaces(ctx context.Context, tx *db.Tx, r *Round) (map[uuid.UUID]int, error) {
	keys := make([]PlaceKey, len(r.Places))
	for i, p := range r.Places {
		keys[i] = PlaceKey{Provider: r.ProviderID, Session: p.SessionID}
	}
	if _, err := LockPlaces(ctx, tx, keys); err != nil {
		return nil, err
	}
	rows, err := tx.PGX.Query(ctx, `WITH given AS (
			UPDATE allocation_place SET kept = false WHERE provider_id = $1 AND round_id = $2 AND kept RETURNING session_id, places)
		UPDATE session_places p SET capacity = p.capacity + g.places FROM given g WHERE p.provider_id = $1 AND p.session_id = g.session_id
		RETURNING g.session_id, g.places`, r.ProviderID, r.ID)
	if err != nil {
		return nil, fmt.Errorf("giving up the places of round %s: %w", r.ID, err)
	}
	places := map[uuid.UUID]int{}
	var id uuid.UUID
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { places[id] = n; return nil }); err != nil {
		return nil, fmt.Errorf("giving up the places of round %s: %w", r.ID, err)
	}
	return places, nil
}

// FinishRound ends a round that the caller has locked and given out: seed and
// draw are public from now on.
func FinishRound(ctx context.Context, tx *db.Tx, r *Round, draw json.RawMessage) error {
	tag, err := tx.PGX.Exec(ctx, `UPDATE allocation_round r SET state = 'done', seed = s.seed, draw = $3, ended_at = $4 FROM allocation_seed s
		WHERE r.provider_id = $1 AND r.id = $2 AND r.state = 'announced' AND s.provider_id = r.provider_id AND s.round_id = r.id`, r.ProviderID, r.ID, draw, tx.Now)
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("it was ended before")
	}
	if err != nil {
		return fmt.Errorf("ending round %s: %w", r.ID, err)
	}
	return nil
}

// RoundSeed is the seed of a round, for the draw alone.
func RoundSeed(ctx context.Context, tx *db.Tx, r *Round) (seed []byte, err error) {
	if err := tx.PGX.QueryRow(ctx, `SELECT seed FROM allocation_seed WHERE provider_id = $1 AND round_id = $2`, r.ProviderID, r.ID).Scan(&seed); err != nil {
		return nil, fmt.Errorf("reading the seed of round %s: %w", r.ID, err)
	}
	return seed, nil
}

// DueRounds are rounds that have closed and are not given out yet.
func DueRounds(ctx context.Context, tx *db.Tx) ([]*Round, error) {
	return selectRounds(ctx, tx, `WHERE r.state = 'announced' AND r.closes_at <= $1 ORDER BY r.closes_at, r.id LIMIT 50`, tx.Now)
}

// InRound reports whether a round keeps places of a session.
func InRound(ctx context.Context, tx *db.Tx, key PlaceKey) (in bool, err error) {
	err = tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM allocation_place WHERE provider_id = $1 AND session_id = $2 AND kept)`, key.Provider, key.Session).Scan(&in)
	if err != nil {
		return false, fmt.Errorf("looking for a round of session %s: %w", key.Session, err)
	}
	return in, nil
}

// dropFromRounds takes sessions that are called off out of their rounds; the
// caller has locked their places and writes their whole capacity.
func dropFromRounds(ctx context.Context, tx *db.Tx, provider uuid.UUID, sessions []uuid.UUID) error {
	_, err := tx.PGX.Exec(ctx, `UPDATE allocation_place SET kept = false WHERE provider_id = $1 AND session_id = ANY ($2) AND kept`, provider, sessions)
	if err != nil {
		return fmt.Errorf("taking sessions out of their rounds: %w", err)
	}
	return nil
}
