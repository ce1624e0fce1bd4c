package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The states of an EmergencyCapacity.
const (
	EmergencyHeld     = "held"
	EmergencyReleased = "released" // its time came: what was not used is on sale
	EmergencyEnded    = "ended"    // given up before, or the session was called off
)

// ErrNotEmergency says that places are not kept for emergencies, or not any
// longer.
var ErrNotEmergency = shortbreaks.NewError(shortbreaks.Conflict, "no-emergency-places", "No places are kept for emergencies here")

// EmergencyCapacity is places of one session that a provider keeps for an
// authority's emergencies (R027): invisible to everybody else until the
// release time (T53). They are taken off the session's capacity while they
// are kept, so that no other path can find them.
type EmergencyCapacity struct {
	AuthorityID        uuid.UUID `gorm:"primaryKey"`
	ID                 uuid.UUID `gorm:"primaryKey"`
	ProviderID         uuid.UUID
	SessionID          uuid.UUID
	Places, Used       int
	ReleaseHoursBefore int // of the start, wherever that moves to
	State              string
	AgreedBy           uuid.UUID
	AgreedAt           time.Time
	EndedBy            *uuid.UUID // nil: the time, or the session was called off
	EndedAt            *time.Time
}

// TableName is for GORM.
func (EmergencyCapacity) TableName() string { return "emergency_capacity" }

// ReleaseAt is when the places go on sale if the session starts at an instant.
func (e *EmergencyCapacity) ReleaseAt(starts time.Time) time.Time {
	return starts.Add(-time.Duration(e.ReleaseHoursBefore) * time.Hour)
}

// Take takes n places, to be booked as any others, of a session that starts at
// an instant; p are its places, locked. It gives what undoes it. The release
// time does not wait for the sweep.
func (e *EmergencyCapacity) Take(p *Places, n int, starts, now time.Time) (undo func(), err error) {
	switch {
	case e.State != EmergencyHeld || p.Cancelled:
		return nil, ErrNotEmergency.With("These places are no longer kept. Nothing was booked; look at the list again.")
	case !now.Before(e.ReleaseAt(starts)):
		return nil, ErrNotEmergency.With("These places went on sale at " + shortbreaks.Wall(e.ReleaseAt(starts)) + ". Nothing was booked; book one as any other.")
	case e.Places-e.Used < n:
		return nil, ErrNotEmergency.With(fmt.Sprintf("%s kept for emergencies left and %d asked for. Nothing was booked and no money was kept.",
			shortbreaks.Capital(shortbreaks.Plural(e.Places-e.Used, "place")), n))
	}
	e.Used += n
	p.Capacity += n
	return func() { e.Used, p.Capacity = e.Used-n, p.Capacity-n }, nil
}

const emergencyColumns = `e.authority_id, e.id, e.provider_id, e.session_id, e.places, e.used, e.release_hours_before, e.state, e.agreed_by, e.agreed_at,
	e.ended_by, e.ended_at`

const (
	// Nobody changes these rows without the lock of the places, so they need
	// none of their own.
	sqlEmergency = `
SELECT ` + emergencyColumns + ` FROM emergency_capacity e
JOIN unnest($1::uuid[], $2::uuid[]) k (authority_id, id) USING (authority_id, id)`

	sqlUseEmergency = `
WITH used AS (
    UPDATE emergency_capacity e SET used = e.used + k.n FROM unnest($1::uuid[], $2::uuid[], $3::int[]) k (authority_id, id, n)
    WHERE e.authority_id = k.authority_id AND e.id = k.id AND e.state = 'held' RETURNING e.provider_id, e.session_id, k.n
), more AS (
    SELECT provider_id, session_id, sum(n)::int AS n FROM used GROUP BY 1, 2
), raised AS (
    UPDATE session_places p SET capacity = p.capacity + m.n FROM more m
    WHERE p.provider_id = m.provider_id AND p.session_id = m.session_id RETURNING p.session_id
)
SELECT changed_exactly((SELECT count(*) FROM used), $4, 'using emergency places'),
    changed_exactly((SELECT count(*) FROM raised), (SELECT count(*) FROM more), 'raising sessions by emergency places')`

	// What allocation rounds keep (round.go) is aside in the same way.
	sqlSetAside = `
SELECT session_id, sum(n)::int FROM (
    SELECT session_id, places - used AS n FROM emergency_capacity WHERE provider_id = $1 AND session_id = ANY ($2) AND state = 'held'
    UNION ALL SELECT session_id, places FROM allocation_place WHERE provider_id = $1 AND session_id = ANY ($2) AND kept
) k GROUP BY 1`
)

// EmergencyRef names an EmergencyCapacity.
type EmergencyRef struct{ Authority, ID uuid.UUID }

// QueueEmergency reads what is kept, after the places were locked in the same
// batch: what it gives is filled once the batch has been sent.
func QueueEmergency(batch *pgx.Batch, refs []EmergencyRef) map[uuid.UUID]*EmergencyCapacity {
	found := make(map[uuid.UUID]*EmergencyCapacity, len(refs))
	if len(refs) == 0 {
		return found
	}
	authorities, ids := make([]uuid.UUID, len(refs)), make([]uuid.UUID, len(refs))
	for i, r := range refs {
		authorities[i], ids[i] = r.Authority, r.ID
	}
	batch.Queue(sqlEmergency, authorities, ids).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[EmergencyCapacity])
		for _, e := range list {
			found[e.ID] = e
		}
		return err
	})
	return found
}

// QueueUseEmergency puts into a batch what uses n places of each: they join the
// capacity of their session, where QueueTakePlaces takes them. The caller has
// locked the places.
func QueueUseEmergency(batch *pgx.Batch, n map[EmergencyRef]int) {
	if len(n) == 0 {
		return
	}
	var authorities, ids []uuid.UUID
	var counts []int32
	for r, c := range n {
		authorities, ids, counts = append(authorities, r.Authority), append(ids, r.ID), append(counts, int32(c)) //nolint:gosec // a handful of places
	}
	batch.Queue(sqlUseEmergency, authorities, ids, counts, len(n))
}

// SetAside is how many places of each session are kept for emergencies and not
// used, or for an allocation round. A session whose places the caller has locked keeps that number.
func SetAside(ctx context.Context, tx *db.Tx, provider uuid.UUID, sessions []uuid.UUID) (map[uuid.UUID]int, error) {
	rows, err := tx.PGX.Query(ctx, sqlSetAside, provider, sessions)
	if err != nil {
		return nil, fmt.Errorf("reading what is kept for emergencies: %w", err)
	}
	aside := map[uuid.UUID]int{}
	var id uuid.UUID
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { aside[id] = n; return nil }); err != nil {
		return nil, fmt.Errorf("reading what is kept for emergencies: %w", err)
	}
	return aside, nil
}

// The one rule of places kept for emergencies and a change of capacity: what a
// provider states is the whole, and what is kept is part of it. So the whole
// may not fall below what is booked and kept together, only the rest is on
// sale, and a session called off keeps nothing.

// needed is the least the whole of the session may be.
func (p *plannedSession) needed() int { return p.taken + p.aside }

// spoken says what is booked and kept.
func (p *plannedSession) spoken() string {
	booked := shortbreaks.Plural(p.taken, "place") + " booked"
	if p.aside == 0 {
		return booked
	}
	return booked + fmt.Sprintf(" and %d kept for emergencies or a round", p.aside)
}

// onSale is what session_places is to say.
func (p *plannedSession) onSale() int {
	if p.State != "scheduled" {
		return p.newCapacity
	}
	return p.newCapacity - p.aside
}

// endEmergency ends what is kept of sessions that are called off, whose places
// the caller has locked and writes whole again.
func endEmergency(ctx context.Context, tx *db.Tx, planned []*plannedSession) error {
	var off []uuid.UUID
	for _, p := range planned {
		if p.State != "scheduled" && p.aside > 0 {
			off = append(off, p.ID)
		}
	}
	if len(off) == 0 {
		return nil
	}
	_, err := tx.PGX.Exec(ctx, `UPDATE emergency_capacity SET state = 'ended', ended_at = $3 WHERE provider_id = $1 AND session_id = ANY ($2) AND state = 'held'`,
		planned[0].ProviderID, off, tx.Now)
	if err != nil {
		return fmt.Errorf("ending what is kept for emergencies: %w", err)
	}
	return dropFromRounds(ctx, tx, planned[0].ProviderID, off)
}
