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

// Minimum says that a session runs only if so many places are taken (T45).
// Until that is decided each place is taken on that condition.
type Minimum struct {
	Places    int
	DecideAt  time.Time
	Early     bool       // decided as soon as so many are taken, not only then
	DecidedAt *time.Time // nil: not yet
}

// Needed is how many more places make a session run, of which so many are
// taken; 0 once that is decided.
func (m *Minimum) Needed(taken int) int {
	if m == nil || m.DecidedAt != nil {
		return 0
	}
	return max(0, m.Places-taken)
}

// minimumColumns is a session's minimum as its row has it.
type minimumColumns struct {
	places    *int
	decideAt  *time.Time
	early     bool
	decidedAt *time.Time
}

func (c minimumColumns) minimum() *Minimum {
	if c.places == nil {
		return nil
	}
	return &Minimum{Places: *c.places, DecideAt: *c.decideAt, Early: c.early, DecidedAt: c.decidedAt}
}

func (s *Session) minimum() *Minimum {
	return minimumColumns{s.MinimumPlaces, s.DecideAt, s.ConfirmEarly, s.DecidedAt}.minimum()
}

// longestUndecided is how many hours before its start a group may be decided.
const longestUndecided = 2160

// MinimumDraft gives each session of a series a minimum. Sessions sold as one
// bundle are decided together, by the start of the first.
type MinimumDraft struct {
	Places            int
	DecideHoursBefore int
	ConfirmEarly      bool
}

func (m *MinimumDraft) check(f *shortbreaks.Faults, at string, s SessionSeries, now time.Time) {
	f.Unless(m.Places >= 2 && m.Places <= s.Capacity, at+"/places", "Give 2 or more, and no more than there are places.")
	f.Within(at+"/decide_hours_before", m.DecideHoursBefore, 1, longestUndecided)
	if len(f.Fields) > 0 {
		return
	}
	for _, on := range s.dates() {
		o, _ := s.occasion(on) // the dates were checked before
		m.checkStart(f, at, o.StartsAt, now)
	}
}

// checkStart notes that it would have to be decided before now.
func (m *MinimumDraft) checkStart(f *shortbreaks.Faults, at string, starts, now time.Time) {
	f.Unless(m.before(starts).After(now), at+"/decide_hours_before", "The session on %s is sooner than that.", shortbreaks.LongDate(starts))
}

func (m *MinimumDraft) before(starts time.Time) time.Time {
	return starts.Add(-time.Duration(m.DecideHoursBefore) * time.Hour)
}

// apply writes the minimum onto a session; first is when the first of its
// bundle starts.
func (m *MinimumDraft) apply(s *Session, first time.Time) {
	if m == nil {
		return
	}
	at := m.before(s.StartsAt)
	if s.TermID != nil {
		at = m.before(first)
	}
	s.MinimumPlaces, s.DecideAt, s.ConfirmEarly = &m.Places, &at, m.ConfirmEarly
}

const (
	sqlGroupsToDecide = `
SELECT s.provider_id, s.id
FROM session s
JOIN session_places p ON p.provider_id = s.provider_id AND p.session_id = s.id
WHERE s.minimum_places IS NOT NULL AND s.decided_at IS NULL AND s.state = 'scheduled'
    AND (s.decide_at <= $1 OR (s.confirm_early AND p.taken >= s.minimum_places))
ORDER BY s.decide_at, s.provider_id, s.id LIMIT 500`

	sqlGroupRuns = `
UPDATE session SET decided_at = $3 WHERE provider_id = $1 AND id = $2 AND decided_at IS NULL AND state = 'scheduled'`

	sqlGroupCalledOff = `
UPDATE session SET decided_at = $3, state = 'cancelled', reason = $4, changed_at = $3, sequence = sequence + 1
WHERE provider_id = $1 AND id = $2 AND decided_at IS NULL AND state = 'scheduled'`
)

// GroupsToDecide lists sessions whose minimum is to be decided now: those whose
// time has come, and those that have enough and say so early.
func GroupsToDecide(ctx context.Context, d *db.DB) (keys []PlaceKey, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, sqlGroupsToDecide, tx.Now)
		if err != nil {
			return err
		}
		keys, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PlaceKey])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for groups to decide: %w", err)
	}
	return keys, nil
}

// tooFew is what families read of a session that did not reach its minimum.
const tooFew = "Too few families booked."

// DecideGroup decides, once and for good, whether a session runs. Under the
// lock of its places, so that whoever reserves sees it decided or is counted.
// The places themselves are moved by whoever calls, in a transaction of its
// own: from now on nobody takes one on condition. Deciding again does nothing.
func DecideGroup(ctx context.Context, tx *db.Tx, key PlaceKey) error {
	places, err := LockPlaces(ctx, tx, []PlaceKey{key})
	if err != nil {
		return err
	}
	p := places[key]
	m := p.Minimum
	if m == nil || m.DecidedAt != nil || p.Cancelled || (p.Taken < m.Places && tx.Now.Before(m.DecideAt)) {
		return nil
	}
	sql, args := sqlGroupRuns, []any{key.Provider, key.Session, tx.Now}
	if p.Taken < m.Places {
		sql, args = sqlGroupCalledOff, append(args, tooFew)
	}
	tag, err := tx.PGX.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("deciding on session %s: %w", key.Session, err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("deciding on session %s: it is out of scope", key.Session)
	}
	var offer uuid.UUID
	if err := tx.PGX.QueryRow(ctx, `SELECT offer_id FROM session WHERE provider_id = $1 AND id = $2`, key.Provider, key.Session).Scan(&offer); err != nil {
		return fmt.Errorf("deciding on session %s: %w", key.Session, err)
	}
	return relist(ctx, tx, []offerKey{{key.Provider, offer}})
}
