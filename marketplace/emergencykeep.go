package marketplace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// EmergencyPlaces is an EmergencyCapacity as duty staff and its provider read it.
type EmergencyPlaces struct {
	EmergencyCapacity
	ProviderName     string
	OfferID          uuid.UUID
	OfferTitle       string
	StartsAt, EndsAt time.Time
	LocalStart       string
}

// KeepForEmergency asks for places of one session to be set aside for an authority's emergencies.
type KeepForEmergency struct {
	SessionID          uuid.UUID
	AuthorityID        uuid.UUID
	Places             int
	ReleaseHoursBefore int // of the start: what is not used then goes on sale
}

const (
	sqlEmergencies = `
SELECT ` + emergencyColumns + `, v.name, s.offer_id, o.title, s.starts_at, s.ends_at, s.local_start
FROM emergency_capacity e
JOIN session s ON s.provider_id = e.provider_id AND s.id = e.session_id
JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id
JOIN provider v ON v.id = e.provider_id `

	// What is given back is read off the rows themselves, whoever asked: a
	// place is kept until its row says otherwise, and that is said once.
	sqlEndEmergency = `
WITH ended AS (
    UPDATE emergency_capacity e SET state = $3, ended_by = $4, ended_at = $5
    FROM unnest($1::uuid[], $2::uuid[]) k (authority_id, id), session s
    WHERE e.authority_id = k.authority_id AND e.id = k.id AND e.state = 'held' AND s.provider_id = e.provider_id AND s.id = e.session_id
        AND ($3 <> 'released' OR s.starts_at - make_interval(hours => e.release_hours_before) <= $5)
    RETURNING e.provider_id, e.session_id, e.places - e.used AS n
), back AS (
    SELECT provider_id, session_id, sum(n)::int AS n FROM ended GROUP BY 1, 2
), raised AS (
    UPDATE session_places p SET capacity = p.capacity + b.n FROM back b
    WHERE p.provider_id = b.provider_id AND p.session_id = b.session_id RETURNING p.session_id
)
SELECT (SELECT count(*) FROM ended), (SELECT count(*) FROM back), (SELECT count(*) FROM raised)`

	sqlEmergencyDue = `
SELECT e.authority_id, e.id, e.provider_id, e.session_id FROM emergency_capacity e
JOIN session s ON s.provider_id = e.provider_id AND s.id = e.session_id
WHERE e.state = 'held' AND s.starts_at - make_interval(hours => e.release_hours_before) <= $1
ORDER BY e.authority_id, e.id LIMIT 200`
)

// KeepPlaces sets free places of a session aside for an authority: from now on they
// are the authority's until the release time, and nobody else sees them. Only
// free places, and of a session that is sure to run. Errors: forbidden,
// not-found, invalid, session-started, capacity-below-taken, wrong-state.
func KeepPlaces(ctx context.Context, d *db.DB, who shortbreaks.Actor, k KeepForEmergency) (kept *EmergencyPlaces, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		s, err := gorm.G[Session](tx.DB).Where("id = ? AND provider_id IN ?", k.SessionID, who.Providers).First(ctx)
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return shortbreaks.ErrNotFound.With("There is no such session within your reach.")
		}
		if err != nil {
			return fmt.Errorf("reading session %s: %w", k.SessionID, err)
		}
		if err := k.check(ctx, tx); err != nil {
			return err
		}
		key := PlaceKey{s.ProviderID, s.ID}
		places, err := LockPlaces(ctx, tx, []PlaceKey{key})
		if err != nil {
			return err
		}
		if err := k.possible(ctx, tx, key, places[key]); err != nil {
			return err
		}
		id := shortbreaks.NewID()
		tag, err := tx.PGX.Exec(ctx, `WITH kept AS (
				INSERT INTO emergency_capacity (authority_id, id, provider_id, session_id, places, release_hours_before, state, agreed_by, agreed_at)
				VALUES ($1, $2, $3, $4, $5, $6, 'held', $7, $8) ON CONFLICT DO NOTHING RETURNING provider_id, session_id, places)
			UPDATE session_places p SET capacity = p.capacity - k.places FROM kept k WHERE p.provider_id = k.provider_id AND p.session_id = k.session_id`,
			k.AuthorityID, id, s.ProviderID, s.ID, k.Places, k.ReleaseHoursBefore, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("keeping places of session %s: %w", s.ID, err)
		}
		if tag.RowsAffected() != 1 {
			return ErrWrongState.With("Places of this session are kept for this authority already. End that first to keep another number.")
		}
		kept, err = ReadEmergency(ctx, tx, EmergencyRef{k.AuthorityID, id})
		return err
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

func (k KeepForEmergency) check(ctx context.Context, tx *db.Tx) error {
	var f shortbreaks.Faults
	f.Within("/places", k.Places, 1, 50)
	f.Within("/release_hours_before", k.ReleaseHoursBefore, 0, 336)
	var known bool
	if err := tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM authority WHERE id = $1)`, k.AuthorityID).Scan(&known); err != nil {
		return fmt.Errorf("looking for authority %s: %w", k.AuthorityID, err)
	}
	f.Unless(known, "/authority_id", "There is no such authority.")
	return f.As(shortbreaks.ErrInvalid)
}

// possible holds the wish against the session as it is under the lock.
func (k KeepForEmergency) possible(ctx context.Context, tx *db.Tx, key PlaceKey, p *Places) error {
	var starts time.Time
	var offer string
	err := tx.PGX.QueryRow(ctx, `SELECT s.starts_at, o.state FROM session s JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id
		WHERE s.provider_id = $1 AND s.id = $2`, key.Provider, key.Session).Scan(&starts, &offer)
	if err != nil {
		return fmt.Errorf("reading session %s: %w", key.Session, err)
	}
	release := (&EmergencyCapacity{ReleaseHoursBefore: k.ReleaseHoursBefore}).ReleaseAt(starts)
	switch {
	case offer == string(Draft):
		return ErrWrongState.With("This offer is a draft, and nobody could book the place. Publish it first.")
	case p.Cancelled:
		return ErrWrongState.With("This session was called off. No place was kept.")
	case !starts.After(tx.Now):
		return ErrSessionStarted.With("No place was kept.")
	case !release.After(tx.Now):
		return shortbreaks.ErrInvalid.With("No place was kept.").At("/release_hours_before", "That time has passed; give fewer hours.")
	case p.Minimum != nil && p.Minimum.DecidedAt == nil:
		return ErrWrongState.With("It is not decided yet whether this session runs. No place was kept.")
	case p.Free() < k.Places:
		return ErrBelowTaken.With(fmt.Sprintf("The session has %s free and %d were to be kept. No place was kept.", shortbreaks.Plural(p.Free(), "place"), k.Places))
	}
	return nil
}

// EndKeeping gives what is kept and not used back to the session before its
// time: the provider may, and the authority's commissioner. What is booked
// stays booked. Errors: forbidden, not-found, wrong-state.
func EndKeeping(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (kept *EmergencyPlaces, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Commissioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		list, err := selectEmergency(ctx, tx, `WHERE e.id = $1 AND (e.authority_id = ANY ($2) OR e.provider_id = ANY ($3))`, id, who.Authorities, who.Providers)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return shortbreaks.ErrNotFound
		}
		e := list[0]
		if _, err := LockPlaces(ctx, tx, []PlaceKey{{e.ProviderID, e.SessionID}}); err != nil {
			return err
		}
		ref := EmergencyRef{e.AuthorityID, e.ID}
		ended, err := endEmergencies(ctx, tx, []EmergencyRef{ref}, EmergencyEnded, &who.Person)
		if err != nil {
			return err
		}
		if ended == 0 {
			return ErrWrongState.With("These places are no longer kept. Nothing was changed.")
		}
		kept, err = ReadEmergency(ctx, tx, ref)
		return err
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

// endEmergencies ends those of the rows that are still held, and puts what was not
// used of them on sale. The caller has locked the places.
func endEmergencies(ctx context.Context, tx *db.Tx, refs []EmergencyRef, state string, by *uuid.UUID) (ended int, err error) {
	authorities, ids := make([]uuid.UUID, len(refs)), make([]uuid.UUID, len(refs))
	for i, r := range refs {
		authorities[i], ids[i] = r.Authority, r.ID
	}
	var sessions, raised int
	err = tx.PGX.QueryRow(ctx, sqlEndEmergency, authorities, ids, state, by, tx.Now).Scan(&ended, &sessions, &raised)
	if err == nil && sessions != raised {
		err = fmt.Errorf("%d of %d sessions have their places back", raised, sessions)
	}
	if err != nil {
		return 0, fmt.Errorf("ending what is kept for emergencies: %w", err)
	}
	return ended, nil
}

// ReleaseEmergency puts on sale, once, what is kept and not used of every
// session whose release time has come (T53). However often and by however many
// it runs, each place returns once. It returns how many rows it ended.
func ReleaseEmergency(ctx context.Context, d *db.DB) (released int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	for {
		n := 0
		err := d.Do(ctx, scope, func(tx *db.Tx) error {
			refs, keys, err := emergencyDue(ctx, tx)
			if n = len(refs); err != nil || n == 0 {
				return err
			}
			if _, err := LockPlaces(ctx, tx, keys); err != nil {
				return err
			}
			ended, err := endEmergencies(ctx, tx, refs, EmergencyReleased, nil)
			released += ended
			return err
		})
		if err != nil || n < 200 {
			return released, err
		}
	}
}

func emergencyDue(ctx context.Context, tx *db.Tx) (refs []EmergencyRef, keys []PlaceKey, err error) {
	rows, err := tx.PGX.Query(ctx, sqlEmergencyDue, tx.Now)
	if err != nil {
		return nil, nil, fmt.Errorf("looking for emergency places to release: %w", err)
	}
	var r EmergencyRef
	var k PlaceKey
	_, err = pgx.ForEachRow(rows, []any{&r.Authority, &r.ID, &k.Provider, &k.Session}, func() error {
		refs, keys = append(refs, r), append(keys, k)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("looking for emergency places to release: %w", err)
	}
	return refs, keys, nil
}

// ListEmergency is one page of what is kept, the newest first, and whether more
// follow: a provider's own, or an authority's. An empty state is all of them.
// Errors: forbidden.
func ListEmergency(ctx context.Context, d *db.DB, who shortbreaks.Actor, state string, after uuid.UUID, limit int) (page []*EmergencyPlaces, more bool, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Commissioner,
		shortbreaks.Finance, shortbreaks.Auditor) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectEmergency(ctx, tx, `WHERE (e.authority_id = ANY ($1) OR e.provider_id = ANY ($2)) AND ($3 = '' OR e.state = $3)
			AND ($4 = '00000000-0000-0000-0000-000000000000'::uuid OR e.id < $4) ORDER BY e.id DESC LIMIT $5`,
			who.Authorities, who.Providers, state, after, limit+1)
		return err
	})
	more = len(page) > limit
	return page[:min(len(page), limit)], more, err
}

// ReadEmergency is one EmergencyCapacity in scope. Errors: not-found.
func ReadEmergency(ctx context.Context, tx *db.Tx, ref EmergencyRef) (*EmergencyPlaces, error) {
	list, err := selectEmergency(ctx, tx, `WHERE e.authority_id = $1 AND e.id = $2`, ref.Authority, ref.ID)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return list[0], nil
}

func selectEmergency(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*EmergencyPlaces, error) {
	rows, err := tx.PGX.Query(ctx, sqlEmergencies+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading what is kept for emergencies: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*EmergencyPlaces, error) {
		k := new(EmergencyPlaces)
		return k, row.Scan(&k.AuthorityID, &k.ID, &k.ProviderID, &k.SessionID, &k.Places, &k.Used, &k.ReleaseHoursBefore, &k.State, &k.AgreedBy, &k.AgreedAt,
			&k.EndedBy, &k.EndedAt, &k.ProviderName, &k.OfferID, &k.OfferTitle, &k.StartsAt, &k.EndsAt, &k.LocalStart)
	})
	if err != nil {
		return nil, fmt.Errorf("reading what is kept for emergencies: %w", err)
	}
	return list, nil
}
