package marketplace

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// PlaceKey names the places of one session.
type PlaceKey struct{ Provider, Session uuid.UUID }

// Places is the counter of one session, as read under its lock. A cancelled
// session has capacity 0, so that nothing can be taken of it.
type Places struct {
	Capacity, Taken int
	StaffUnits      int   // 0: not limited by staff (T51)
	StaffTaken      int   // by children who have staff to themselves
	Seq             int64 // grows with every place taken
	Cancelled       bool
	LineFirst       bool // places came free, and those who wait have not all been asked yet

	changed *span // its times, if they may not be those first planned
	Minimum *Minimum
}

// Moved reports whether the session no longer has these times: whoever was
// shown them has to be asked again.
func (p *Places) Moved(starts, ends time.Time) bool {
	return p.changed != nil && (!p.changed.from.Equal(starts) || !p.changed.to.Equal(ends))
}

// Left is the number of places not taken; never negative.
func (p *Places) Left() int { return max(0, p.Capacity-p.Taken) }

// Free is the number of places anybody may take: none while places that came
// free are being offered to those who wait for them (T49).
func (p *Places) Free() int {
	if p.LineFirst {
		return 0
	}
	return p.Left()
}

// The lock comes first and the state of the session is read by a second
// statement: under READ COMMITTED that one sees what committed while the lock
// was waited for.
const (
	sqlPlaces = `
SELECT p.provider_id, p.session_id, p.capacity, p.taken, p.seq, p.staff_units, p.staff_taken, p.line_freed > p.line_moved
FROM session_places p
JOIN unnest($1::uuid[], $2::uuid[]) AS k (provider_id, session_id) USING (provider_id, session_id)`

	sqlLockPlaces = sqlPlaces + `
ORDER BY p.provider_id, p.session_id
FOR UPDATE OF p`

	sqlChangedSessions = `
SELECT s.provider_id, s.id, s.state <> 'scheduled', s.starts_at, s.ends_at, s.minimum_places, s.decide_at, s.confirm_early, s.decided_at
FROM session s
JOIN unnest($1::uuid[], $2::uuid[]) AS k (provider_id, id) USING (provider_id, id)
WHERE s.state <> 'scheduled' OR s.sequence > 0 OR s.minimum_places IS NOT NULL`
)

var (
	sqlTakePlaces = db.NewExact("taking places", `
UPDATE session_places p SET taken = p.taken + k.n, seq = p.seq + k.n
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (provider_id, session_id, n)
WHERE p.provider_id = k.provider_id AND p.session_id = k.session_id`, 3)

	sqlGiveBackPlaces = db.NewExact("giving back places", `
UPDATE session_places p SET taken = p.taken - k.n
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (provider_id, session_id, n)
WHERE p.provider_id = k.provider_id AND p.session_id = k.session_id`, 3)
)

// LockPlaces locks the counters of these sessions, in the order of provider
// and session whatever order they come in, and reads them. A session without a
// counter is an error: every session is made with one.
func LockPlaces(ctx context.Context, tx *db.Tx, keys []PlaceKey) (map[PlaceKey]*Places, error) {
	batch := &pgx.Batch{}
	places := QueuePlaces(batch, keys, true)
	if batch.Len() == 0 {
		return places, nil
	}
	if err := tx.PGX.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("locking places: %w", err)
	}
	return places, nil
}

// QueuePlaces is LockPlaces as part of a batch: what it gives is filled once
// the batch has been sent. Without lock it only looks.
func QueuePlaces(batch *pgx.Batch, keys []PlaceKey, lock bool) map[PlaceKey]*Places {
	unique := make(map[PlaceKey]int, len(keys))
	for _, k := range keys {
		unique[k] = 0
	}
	places := make(map[PlaceKey]*Places, len(unique))
	if len(unique) == 0 {
		return places
	}
	providers, sessions, _ := columns(unique)
	read := sqlPlaces
	if lock {
		read = sqlLockPlaces
	}
	batch.Queue(read, providers, sessions).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var k PlaceKey
			var p Places
			if err := rows.Scan(&k.Provider, &k.Session, &p.Capacity, &p.Taken, &p.Seq, &p.StaffUnits, &p.StaffTaken, &p.LineFirst); err != nil {
				return err
			}
			places[k] = &p
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if len(places) != len(unique) {
			return fmt.Errorf("reading the places of %d sessions: %d are there", len(unique), len(places))
		}
		return nil
	})
	batch.Queue(sqlChangedSessions, providers, sessions).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var k PlaceKey
			var now span
			var cancelled bool
			var m minimumColumns
			if err := rows.Scan(&k.Provider, &k.Session, &cancelled, &now.from, &now.to, &m.places, &m.decideAt, &m.early, &m.decidedAt); err != nil {
				return err
			}
			p := places[k]
			if p == nil {
				continue
			}
			p.Minimum = m.minimum()
			if p.changed = &now; cancelled {
				p.Capacity, p.Cancelled = 0, true
			}
		}
		return rows.Err()
	})
	return places
}

// QueueTakePlaces puts into a batch what takes n places of each session, whose
// counters the caller has locked. Taking more than there are breaks
// places_never_oversold and takes none.
func QueueTakePlaces(batch *pgx.Batch, n map[PlaceKey]int) {
	queueMove(batch, sqlTakePlaces, n)
}

// GiveBackPlaces gives back n places of each session; it takes the locks
// itself, in key order, so it may be called without LockPlaces.
func GiveBackPlaces(ctx context.Context, tx *db.Tx, n map[PlaceKey]int) error {
	if len(n) == 0 {
		return nil
	}
	providers, sessions, _ := columns(n)
	if _, err := tx.PGX.Exec(ctx, sqlLockPlaces, providers, sessions); err != nil {
		return fmt.Errorf("locking the places of %d sessions: %w", len(n), err)
	}
	return movePlaces(ctx, tx, sqlGiveBackPlaces, n)
}

// movePlaces adds or takes away with one statement.
func movePlaces(ctx context.Context, tx *db.Tx, move db.Exact, n map[PlaceKey]int) error {
	if len(n) == 0 {
		return nil
	}
	for _, c := range n {
		if c <= 0 {
			return fmt.Errorf("moving places: %d is not a number of places", c)
		}
	}
	batch := &pgx.Batch{}
	queueMove(batch, move, n)
	if err := tx.PGX.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("moving places of %d sessions: %w", len(n), err)
	}
	return nil
}

func queueMove(batch *pgx.Batch, move db.Exact, n map[PlaceKey]int) {
	if len(n) == 0 {
		return
	}
	providers, sessions, counts := columns(n)
	move.Queue(batch, len(n), providers, sessions, counts)
}

// columns lays the keys out in key order, as unnest wants them.
func columns(n map[PlaceKey]int) (providers, sessions []uuid.UUID, counts []int32) {
	keys := make([]PlaceKey, 0, len(n))
	for k := range n {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b PlaceKey) int {
		if c := bytes.Compare(a.Provider[:], b.Provider[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.Session[:], b.Session[:])
	})
	for _, k := range keys {
		providers, sessions, counts = append(providers, k.Provider), append(sessions, k.Session), append(counts, int32(n[k])) //nolint:gosec // a batch takes far fewer places than that
	}
	return providers, sessions, counts
}
