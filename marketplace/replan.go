package marketplace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// plannedSession is a session with its places locked, to be changed.
type plannedSession struct {
	Session
	capacity, taken int // capacity is the whole, with what is kept for emergencies
	aside           int // so many are
	newCapacity     int
	staffUnits      int // read for a file only
}

// lockSessions locks the places of these sessions, in the order everybody
// does, and then reads the sessions: a change made by whoever held a lock
// before is seen. Those called off meanwhile are left out.
func lockSessions(ctx context.Context, tx *db.Tx, provider uuid.UUID, ids []uuid.UUID) ([]*plannedSession, error) {
	keys := make([]PlaceKey, len(ids))
	for i, id := range ids {
		keys[i] = PlaceKey{Provider: provider, Session: id}
	}
	places, err := LockPlaces(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	sessions, err := gorm.G[Session](tx.DB).Where("provider_id = ? AND id IN ? AND state = 'scheduled'", provider, ids).Order("starts_at, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading %d sessions to change: %w", len(ids), err)
	}
	aside, err := SetAside(ctx, tx, provider, ids)
	if err != nil {
		return nil, err
	}
	planned := make([]*plannedSession, len(sessions))
	for i, s := range sessions {
		p := places[PlaceKey{Provider: provider, Session: s.ID}]
		whole := p.Capacity + aside[s.ID]
		planned[i] = &plannedSession{Session: s, capacity: whole, taken: p.Taken, aside: aside[s.ID], newCapacity: whole}
	}
	return planned, nil
}

// bookedOf notes every session in which a place is taken.
func bookedOf(planned []*plannedSession) *shortbreaks.Faults {
	var f shortbreaks.Faults
	for _, p := range planned {
		f.Unless(p.taken == 0, "/sessions/"+p.ID.String(), "%s has %s booked.", shortbreaks.LongDate(p.StartsAt), shortbreaks.Plural(p.taken, "place"))
	}
	return &f
}

// cancel calls the session off. It keeps its times and its place in the plan.
func (p *plannedSession) cancel(reason string, now time.Time) {
	p.State, p.Reason, p.ChangedAt = "cancelled", &reason, &now
	p.Sequence++
}

// moveTo gives the session another time; the wall time first planned is kept.
// Its term and the others of its plan stay as they are (T37).
func (p *plannedSession) moveTo(on time.Time, from, to string, closures []Closure, now time.Time) (trouble string) {
	o, trouble := SessionSeries{From: from, To: to}.occasion(on)
	switch c := slices.IndexFunc(closures, func(c Closure) bool { return c.shuts(o) }); {
	case trouble != "":
		return trouble
	case !o.StartsAt.After(now):
		return "This time has passed; choose a later one."
	case o.StartsAt.After(now.AddDate(2, 0, 0)):
		return "Choose a date within the next two years."
	case c >= 0:
		return "Closed then: " + closures[c].Reason
	}
	if wall := wallOf(on, from); wall != p.LocalStart {
		if p.PlannedStart == nil {
			first := p.LocalStart
			p.PlannedStart = &first
		}
		p.LocalStart = wall
	}
	p.StartsAt, p.EndsAt, p.ChangedAt = o.StartsAt, o.EndsAt, &now
	p.Sequence++
	return ""
}

// date and clocks are the session's own, as agreed.
func (p *plannedSession) date() time.Time { return shortbreaks.Date(p.StartsAt) }

func (p *plannedSession) clocks() (from, to string) {
	return p.LocalStart[len("2006-01-02T"):], shortbreaks.Wall(p.EndsAt)[len("2006-01-02T"):]
}

const (
	sqlSaveSessions = `
UPDATE session s SET starts_at = k.starts_at, ends_at = k.ends_at, local_start = k.local_start, state = k.state, sequence = k.sequence,
    planned_start = k.planned_start, changed_at = k.changed_at, reason = k.reason,
    decide_at = CASE WHEN s.decided_at IS NULL AND s.term_id IS NULL THEN s.decide_at + (k.starts_at - s.starts_at) ELSE s.decide_at END
FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::int[], $8::text[], $9::timestamptz[], $10::text[])
    AS k (id, starts_at, ends_at, local_start, state, sequence, planned_start, changed_at, reason)
WHERE s.provider_id = $1 AND s.id = k.id`

	// The dates of a bundle are decided together, so long before its first one.
	sqlDecideBundles = `
UPDATE session s SET decide_at = s.decide_at + m.later
FROM (SELECT b.term_id, min(coalesce(k.starts_at, b.starts_at)) - min(b.starts_at) AS later
    FROM session b LEFT JOIN unnest($2::uuid[], $3::timestamptz[], $4::text[]) AS k (id, starts_at, state) ON k.id = b.id
    WHERE b.provider_id = $1 AND b.term_id IN (SELECT term_id FROM session WHERE provider_id = $1 AND id = ANY ($2))
        AND b.minimum_places IS NOT NULL AND b.decided_at IS NULL AND b.state = 'scheduled' AND coalesce(k.state, b.state) = 'scheduled'
    GROUP BY b.term_id) m
WHERE s.provider_id = $1 AND s.term_id = m.term_id AND s.minimum_places IS NOT NULL AND s.decided_at IS NULL AND m.later <> interval '0'`

	sqlSaveCapacity = `
UPDATE session_places p SET capacity = k.capacity
FROM unnest($2::uuid[], $3::int[]) AS k (id, capacity)
WHERE p.provider_id = $1 AND p.session_id = k.id`
)

// saveSessions writes what was changed of sessions and of their places, in two
// statements whatever their number.
func saveSessions(ctx context.Context, tx *db.Tx, planned []*plannedSession) error {
	if len(planned) == 0 {
		return nil
	}
	var (
		ids                   []uuid.UUID
		starts, ends          []time.Time
		walls, states         []string
		sequences, capacities []int32
		planneds, reasons     []*string
		changed               []*time.Time
	)
	for _, p := range planned {
		ids, starts, ends = append(ids, p.ID), append(starts, p.StartsAt), append(ends, p.EndsAt)
		walls, states, sequences = append(walls, p.LocalStart), append(states, p.State), append(sequences, int32(p.Sequence)) //nolint:gosec // a session is changed far fewer times
		planneds, changed, reasons = append(planneds, p.PlannedStart), append(changed, p.ChangedAt), append(reasons, p.Reason)
		capacities = append(capacities, int32(p.onSale())) //nolint:gosec // at most 500
	}
	if err := endEmergency(ctx, tx, planned); err != nil {
		return err
	}
	provider := planned[0].ProviderID
	if _, err := tx.PGX.Exec(ctx, sqlDecideBundles, provider, ids, starts, states); err != nil {
		return fmt.Errorf("changing when %d sessions are decided: %w", len(ids), err)
	}
	batch := &pgx.Batch{}
	batch.Queue(sqlSaveSessions, provider, ids, starts, ends, walls, states, sequences, planneds, changed, reasons)
	batch.Queue(sqlSaveCapacity, provider, ids, capacities)
	results := tx.PGX.SendBatch(ctx, batch)
	for range 2 {
		done, err := results.Exec()
		if err == nil && done.RowsAffected() != int64(len(ids)) {
			err = fmt.Errorf("%d were there", done.RowsAffected())
		}
		if err != nil {
			return errors.Join(fmt.Errorf("changing %d sessions: %w", len(ids), err), results.Close())
		}
	}
	return results.Close()
}

// SessionChange is a change to the sessions of an offer from a date on. What
// is nil stays as it is.
type SessionChange struct {
	OfferID  uuid.UUID
	From     time.Time // a date: sessions on it and later
	Weekday  *int      // ISO: only sessions on this day of the week
	ToDay    *int      // ISO: the day of the same week they move to; needs Weekday
	Start    *string   // "16:30"
	End      *string
	Capacity *int
}

// mostChanged is how many sessions one change may touch.
const mostChanged = maxSessions

// ChangeSessions changes times, weekday or capacity of what is planned, from a
// date on. Sessions with bookings are not moved: it is refused with their list
// (telling families comes first), and so is a capacity below what is taken
// (T50). All of it is done or nothing. It answers how many were changed.
func ChangeSessions(ctx context.Context, d *db.DB, who shortbreaks.Actor, c SessionChange) (changed int, err error) {
	err = replan(ctx, d, who, c.OfferID, func(tx *db.Tx, o Offer) error {
		if err := c.check(); err != nil {
			return err
		}
		rows, err := tx.PGX.Query(ctx, `SELECT id FROM session WHERE provider_id = $1 AND offer_id = $2 AND state = 'scheduled'
			AND starts_at > $3 AND left(local_start, 10) >= $4 ORDER BY starts_at LIMIT $5`,
			o.ProviderID, o.ID, tx.Now, c.From.Format(time.DateOnly), mostChanged+1)
		if err != nil {
			return fmt.Errorf("looking for sessions to change: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return fmt.Errorf("looking for sessions to change: %w", err)
		}
		if len(ids) > mostChanged {
			return shortbreaks.ErrInvalid.With(fmt.Sprintf("More than %d sessions would change; choose a later date.", mostChanged))
		}
		planned, err := lockSessions(ctx, tx, o.ProviderID, ids)
		if err != nil {
			return err
		}
		planned = c.chosen(planned, tx.Now)
		if len(planned) == 0 {
			return shortbreaks.ErrInvalid.With("No session still to start is on these days.").At("/from_date", "No session still to start is on these days.")
		}
		closures, err := closuresOfOffer(ctx, tx, o.ProviderID, o.ID)
		if err != nil {
			return err
		}
		if err := c.apply(planned, closures, tx.Now); err != nil {
			return err
		}
		changed = len(planned)
		return saveSessions(ctx, tx, planned)
	})
	return changed, err
}

func (c SessionChange) check() error {
	var f shortbreaks.Faults
	f.Unless(c.ToDay != nil || c.Start != nil || c.End != nil || c.Capacity != nil, "", "Say what is to change: the day, the times or the places.")
	f.Unless(c.ToDay == nil || c.Weekday != nil, "/weekday", "Say which day of the week is to move.")
	for at, day := range map[string]*int{"/weekday": c.Weekday, "/to_weekday": c.ToDay} {
		f.Unless(day == nil || (*day >= 1 && *day <= 7), at, "Give a day of the week, Monday 1 to Sunday 7.")
	}
	for at, clock := range map[string]*string{"/start": c.Start, "/end": c.End} {
		if clock != nil {
			f.Clock(at, *clock)
		}
	}
	f.Unless(c.Capacity == nil || (*c.Capacity >= 1 && *c.Capacity <= 500), "/capacity", "Give 1 to 500 places.")
	return f.As(shortbreaks.ErrInvalid)
}

// chosen are the sessions the change is about.
func (c SessionChange) chosen(planned []*plannedSession, now time.Time) (chosen []*plannedSession) {
	for _, p := range planned {
		onDay := c.Weekday == nil || shortbreaks.ISOWeekday(p.date()) == *c.Weekday
		if onDay && p.StartsAt.After(now) && !p.date().Before(c.From) {
			chosen = append(chosen, p)
		}
	}
	return chosen
}

// apply changes them, or notes everything that stands in the way.
func (c SessionChange) apply(planned []*plannedSession, closures []Closure, now time.Time) error {
	if c.ToDay != nil || c.Start != nil || c.End != nil {
		booked := bookedOf(planned)
		if err := booked.As(ErrSessionBooked.With(bookedWords)); err != nil {
			return err
		}
	}
	var small, bad shortbreaks.Faults
	for _, p := range planned {
		if c.Capacity != nil {
			small.Unless(*c.Capacity >= p.needed(), "/sessions/"+p.ID.String(), "%s has %s.", shortbreaks.LongDate(p.StartsAt), p.spoken())
			p.newCapacity = *c.Capacity
			if m := p.minimum(); m.Needed(p.onSale()) > 0 {
				bad.Add("/capacity", "The session on %s runs only if %d places are taken: call it off, or leave it as many.", shortbreaks.LongDate(p.StartsAt), m.Places)
			}
		}
		if c.ToDay == nil && c.Start == nil && c.End == nil {
			continue
		}
		on, at := p.date(), "/start"
		if c.ToDay != nil {
			on, at = on.AddDate(0, 0, *c.ToDay-*c.Weekday), "/to_weekday"
		}
		from, to := p.clocks()
		if c.Start != nil {
			from = *c.Start
		}
		if c.End != nil {
			to = *c.End
		}
		if trouble := p.moveTo(on, from, to, closures, now); trouble != "" {
			bad.Add(at, "On %s: %s", shortbreaks.LongDate(shortbreaks.At(on, 12*60)), trouble)
		}
	}
	if err := bad.As(shortbreaks.ErrInvalid); err != nil {
		return err
	}
	return small.As(ErrBelowTaken.With("Nothing was changed. Move or cancel bookings of these sessions first, or leave them the places they have."))
}

const bookedWords = "Nothing was changed. Families have booked these sessions; cancel or move their bookings first."

// replan runs what changes an offer's sessions. The offer's row is locked
// first, so that two changes follow each other.
func replan(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID, f func(*db.Tx, Offer) error) error {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		var provider uuid.UUID
		err := tx.PGX.QueryRow(ctx, sqlLockOffer, offer, who.Providers).Scan(&provider)
		if errors.Is(err, errNoRows) {
			return shortbreaks.ErrNotFound.With("There is no such offer within your reach.")
		}
		if err != nil {
			return fmt.Errorf("locking offer %s: %w", offer, err)
		}
		if err := f(tx, Offer{ProviderID: provider, ID: offer}); err != nil {
			return err
		}
		return relist(ctx, tx, []offerKey{{provider, offer}})
	})
}
