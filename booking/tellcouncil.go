package booking

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// councilOf are the practitioners and approvers of authorities today, each once
// for a role.
func councilOf(ctx context.Context, tx *db.Tx, authorities []uuid.UUID) (map[uuid.UUID][]recipient, error) {
	by := map[uuid.UUID][]recipient{}
	if len(authorities) == 0 {
		return by, nil
	}
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT person_id, role, authority_id FROM role_grant
		WHERE authority_id = ANY ($1) AND role IN ('practitioner', 'approver') AND starts_on <= $2 AND (ends_on IS NULL OR ends_on >= $2)
		ORDER BY person_id, role`, authorities, shortbreaks.Date(tx.Now)) // in a fixed order, so that two who tell at once never wait crosswise
	if err != nil {
		return nil, fmt.Errorf("read whom of a council to tell: %w", err)
	}
	var authority uuid.UUID
	var r recipient
	_, err = pgx.ForEachRow(rows, []any{&r.person, (*string)(&r.role), &authority}, func() error {
		by[authority] = append(by[authority], r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read whom of a council to tell: %w", err)
	}
	return by, nil
}

// councilRole is who of a council hears of a kind of news: those who can do
// something about it.
func councilRole(kind NewsKind) shortbreaks.Role {
	if kind == NewsEmergencyWaiting {
		return shortbreaks.Approver
	}
	return shortbreaks.Practitioner
}

// sqlEmergenciesWaiting: whoever booked it does not decide on it.
const sqlEmergenciesWaiting = `
SELECT e.authority_id, i.provider_id, e.booking_id, e.child_id, e.booking_id, i.starts_at, e.booked_by, e.decide_by
FROM emergency_booking e JOIN booking_item i ON i.authority_id = e.authority_id AND i.id = e.item_id
WHERE e.authority_id = ANY ($1) AND e.decision IS NULL
    AND NOT EXISTS (SELECT FROM news n WHERE n.source_id = e.booking_id AND n.kind = 'emergency_waiting')
ORDER BY e.booking_id LIMIT $2`

// sqlAsksWaiting finds what families were quoted that a practitioner has to
// agree to first, and what of it can still be said to have just been asked.
const sqlAsksWaiting = `
SELECT DISTINCT ON (q.child_id, q.offer_id) q.authority_id, q.provider_id, q.child_id, q.offer_id,
    (SELECT min((i ->> 'starts_at')::timestamptz) FROM json_array_elements(q.document -> 'items') i), q.created_by, q.created_at
FROM quote q WHERE q.authority_id = ANY ($1) AND q.expires_at > $2 AND coalesce(q.document ->> 'ask', '') <> ''
ORDER BY q.child_id, q.offer_id, q.created_at LIMIT $3`

// TellCouncils tells approvers of emergency bookings that wait for their
// decision, once each, and practitioners of what a family was quoted and they
// have to agree to first, once a week for a child and an offer. It returns how
// many news it wrote.
func (t Teller) TellCouncils(ctx context.Context) (written int, err error) {
	scope, err := t.scope(ctx, `SELECT id FROM provider`)
	if err != nil {
		return 0, err
	}
	err = t.DB.Do(ctx, scope, func(tx *db.Tx) error {
		facts, err := emergenciesWaiting(ctx, tx, scope)
		if err != nil {
			return err
		}
		asks, err := asksWaiting(ctx, tx, scope)
		if err != nil {
			return err
		}
		written, err = t.tell(ctx, tx, append(facts, asks...))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("tell councils: %w", err)
	}
	return written, nil
}

func emergenciesWaiting(ctx context.Context, tx *db.Tx, scope db.Scope) ([]fact, error) {
	rows, err := tx.PGX.Query(ctx, sqlEmergenciesWaiting, scope.Authorities, remindAtOnce)
	if err != nil {
		return nil, fmt.Errorf("read emergencies to tell of: %w", err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fact, err error) {
		var by time.Time
		f.ToCouncil, f.Dates = NewsEmergencyWaiting, 1
		err = row.Scan(&f.Authority, &f.Provider, &f.Booking, &f.Child, &f.Source, &f.Starts, &f.By, &by)
		until := shortbreaks.At(by.AddDate(0, 0, 1), 0)
		f.Deadline = &until
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read emergencies to tell of: %w", err)
	}
	return facts, nil
}

func asksWaiting(ctx context.Context, tx *db.Tx, scope db.Scope) ([]fact, error) {
	rows, err := tx.PGX.Query(ctx, sqlAsksWaiting, scope.Authorities, tx.Now, remindAtOnce)
	if err != nil {
		return nil, fmt.Errorf("read what is to be agreed to: %w", err)
	}
	facts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f fact, err error) {
		var offer uuid.UUID
		var at time.Time
		f.ToCouncil, f.Dates = NewsAskWaiting, 1
		err = row.Scan(&f.Authority, &f.Provider, &f.Child, &offer, &f.Starts, &f.By, &at)
		year, week := at.In(shortbreaks.London).ISOWeek()
		f.Offer, f.Source = &offer, sourceOf(f.Child, offer, fmt.Sprint(year, "-", week))
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what is to be agreed to: %w", err)
	}
	return facts, nil
}

// sourceOf names what is told of a child once for some words, and of an offer.
func sourceOf(child, offer uuid.UUID, words string) uuid.UUID {
	sum := sha256.Sum256(append(append(child[:], offer[:]...), words...))
	return ticketOf(uuid.UUID(sum[:16]), child)
}

const sqlNightsBooked = `
SELECT DISTINCT ON (b.authority_id, b.child_id) b.authority_id, b.child_id, b.id
FROM booking b JOIN booking_item i ON i.authority_id = b.authority_id AND i.booking_id = b.id
WHERE b.authority_id = ANY ($1) AND b.id = ANY ($2) AND i.state = 'confirmed'
    AND (i.starts_at AT TIME ZONE 'Europe/London')::date < (i.ends_at AT TIME ZONE 'Europe/London')::date
ORDER BY b.authority_id, b.child_id, b.id`

// nightFacts tell practitioners of a child whose nights away come to what the
// regulations speak of with what was just booked (L09): once for each of the two
// limits.
func nightFacts(ctx context.Context, tx *db.Tx, scope db.Scope, moves []fact) (facts []fact, err error) {
	by := map[uuid.UUID]fact{}
	var bookings []uuid.UUID
	for _, m := range moves {
		switch m.Family {
		case NewsBooked, NewsAccepted, NewsGroupRuns:
			by[m.Booking], bookings = m, append(bookings, m.Booking)
		}
	}
	if len(bookings) == 0 {
		return nil, nil
	}
	rows, err := tx.PGX.Query(ctx, sqlNightsBooked, scope.Authorities, bookings)
	if err != nil {
		return nil, fmt.Errorf("read nights that were booked: %w", err)
	}
	type booked struct{ Authority, Child, Booking uuid.UUID }
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[booked])
	if err != nil {
		return nil, fmt.Errorf("read nights that were booked: %w", err)
	}
	for _, b := range list {
		n, err := countNights(ctx, tx, b.Authority, b.Child, shortbreaks.Date(tx.Now), nil)
		if err != nil {
			return nil, err
		}
		for _, limit := range n.limits() {
			m := by[b.Booking]
			facts = append(facts, fact{
				Authority: b.Authority, Provider: m.Provider, Booking: b.Booking, Child: b.Child, Source: sourceOf(b.Child, uuid.Nil, limit),
				Starts: m.Starts, Dates: m.Dates, ToCouncil: NewsNightsReached,
			})
		}
	}
	return facts, nil
}

// limits are those the nights come to.
func (n Nights) limits() (reached []string) {
	if n.MostNights >= NightsInAYear {
		reached = append(reached, "year")
	}
	if n.LongestStay >= DaysInAStay {
		reached = append(reached, "stay")
	}
	return reached
}
