package marketplace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// sessionRow is a session with its counter.
type sessionRow struct {
	ProviderID uuid.UUID
	ID         uuid.UUID
	OfferID    uuid.UUID
	TermID     *uuid.UUID
	StartsAt   time.Time
	EndsAt     time.Time
	LocalStart string
	TimeZone   string
	State      string
	Capacity   int
	Taken      int
	minimumColumns
}

func (s sessionRow) occasion() tariff.Occasion {
	return tariff.Occasion{StartsAt: s.StartsAt, EndsAt: s.EndsAt}
}

func (s sessionRow) left() int { return max(0, s.Capacity-s.Taken) }

func (s sessionRow) detail() SessionDetail {
	return SessionDetail{
		ID: s.ID, TermID: s.TermID, StartsAt: s.StartsAt, EndsAt: s.EndsAt,
		LocalStart: s.LocalStart, TimeZone: s.TimeZone, Capacity: s.Capacity, PlacesLeft: s.left(), Minimum: s.minimum(), Taken: s.Taken,
	}
}

// What is read of sessions is what is asked for: those of some dates, of some
// bundles, or the next few. None of it grows with all an offer ever ran.
const (
	sqlSessionColumns = `
SELECT s.provider_id, s.id, s.offer_id, s.term_id, s.starts_at, s.ends_at, s.local_start, s.time_zone, s.state, p.capacity, p.taken,
    s.minimum_places, s.decide_at, s.confirm_early, s.decided_at
FROM session s
JOIN session_places p ON p.provider_id = s.provider_id AND p.session_id = s.id`

	sqlSessionsOn = sqlSessionColumns + `
JOIN unnest($1::uuid[], $2::uuid[]) AS o (provider_id, offer_id) ON o.provider_id = s.provider_id AND o.offer_id = s.offer_id
WHERE s.starts_at >= $3 AND s.starts_at < $4 AND left(s.local_start, 10) = ANY ($5::text[])
ORDER BY s.starts_at, s.id`

	sqlSessionsOfTerms = sqlSessionColumns + `
JOIN unnest($1::uuid[], $2::uuid[]) AS t (provider_id, term_id) ON t.provider_id = s.provider_id AND t.term_id = s.term_id
ORDER BY s.starts_at, s.id`

	sqlUpcoming = sqlSessionColumns + `
WHERE s.provider_id = $1 AND s.offer_id = $2 AND s.starts_at > $3 AND s.state = 'scheduled'
ORDER BY s.starts_at, s.id LIMIT $4`

	sqlLastLength = `
SELECT (extract(epoch FROM ends_at - starts_at) / 60)::int FROM session
WHERE provider_id = $1 AND offer_id = $2 ORDER BY starts_at DESC LIMIT 1`

	// What a plan is projected from: of each offer's latest sessions, the last
	// on each day of the week, and the last called off there.
	sqlLatestSessions = `
SELECT DISTINCT ON (s.provider_id, s.offer_id, extract(isodow FROM left(s.local_start, 10)::date), s.state)
    s.provider_id, s.id, s.offer_id, s.term_id, s.starts_at, s.ends_at, s.local_start, s.time_zone, s.state, p.capacity, p.taken,
    s.minimum_places, s.decide_at, s.confirm_early, s.decided_at
FROM unnest($1::uuid[], $2::uuid[]) AS o (provider_id, offer_id)
CROSS JOIN LATERAL (
    SELECT * FROM session e WHERE e.provider_id = o.provider_id AND e.offer_id = o.offer_id ORDER BY e.starts_at DESC LIMIT $3) s
JOIN session_places p ON p.provider_id = s.provider_id AND p.session_id = s.id
ORDER BY s.provider_id, s.offer_id, extract(isodow FROM left(s.local_start, 10)::date), s.state, s.starts_at DESC, s.id DESC`

	sqlLatestPlanned = `
SELECT DISTINCT ON (t.provider_id, t.offer_id, t.unit) t.offer_id, t.unit, t.planned_sessions
FROM unnest($1::uuid[], $2::uuid[]) AS o (provider_id, offer_id)
JOIN term t ON t.provider_id = o.provider_id AND t.offer_id = o.offer_id
ORDER BY t.provider_id, t.offer_id, t.unit, t.starts_on DESC, t.id DESC`

	sqlTerms = `
SELECT t.provider_id, t.id, t.offer_id, t.name, t.unit, t.starts_on, t.ends_on, t.planned_sessions, t.capacity
FROM unnest($1::uuid[], $2::uuid[]) AS o (provider_id, offer_id)
JOIN term t ON t.provider_id = o.provider_id AND t.offer_id = o.offer_id
WHERE t.starts_on <= $4 AND t.ends_on >= $3
ORDER BY t.starts_on, t.id`
)

func collectSessions(ctx context.Context, tx *db.Tx, sql string, args ...any) ([]sessionRow, error) {
	rows, err := tx.PGX.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("reading sessions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s sessionRow, err error) {
		err = row.Scan(&s.ProviderID, &s.ID, &s.OfferID, &s.TermID, &s.StartsAt, &s.EndsAt, &s.LocalStart, &s.TimeZone, &s.State, &s.Capacity, &s.Taken,
			&s.places, &s.decideAt, &s.early, &s.decidedAt)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading sessions: %w", err)
	}
	return all, nil
}

// sessionsOn reads the sessions of these offers on some dates, which are in
// order, by offer and date.
func sessionsOn(ctx context.Context, tx *db.Tx, offers []offerKey, dates []time.Time) (map[uuid.UUID]map[string][]sessionRow, error) {
	days := make([]string, 0, len(dates))
	for _, on := range dates {
		days = append(days, on.Format(time.DateOnly))
	}
	providers, ids := keyColumns(offers)
	first, last := shortbreaks.At(dates[0], 0), shortbreaks.At(dates[len(dates)-1], 24*60)
	all, err := collectSessions(ctx, tx, sqlSessionsOn, providers, ids, first, last, days)
	if err != nil {
		return nil, err
	}
	byOffer := make(map[uuid.UUID]map[string][]sessionRow, len(offers))
	for _, s := range all {
		on := s.LocalStart[:len(time.DateOnly)]
		if byOffer[s.OfferID] == nil {
			byOffer[s.OfferID] = make(map[string][]sessionRow, len(dates))
		}
		byOffer[s.OfferID][on] = append(byOffer[s.OfferID][on], s)
	}
	return byOffer, nil
}

// sessionsOfTerms reads all sessions of these bundles, past and called off ones
// too, by start.
func sessionsOfTerms(ctx context.Context, tx *db.Tx, terms []Term) (map[uuid.UUID][]sessionRow, error) {
	byTerm := make(map[uuid.UUID][]sessionRow, len(terms))
	if len(terms) == 0 {
		return byTerm, nil
	}
	var providers, ids [][16]byte
	for _, t := range terms {
		providers, ids = append(providers, t.ProviderID), append(ids, t.ID)
	}
	all, err := collectSessions(ctx, tx, sqlSessionsOfTerms, providers, ids)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		byTerm[*s.TermID] = append(byTerm[*s.TermID], s)
	}
	return byTerm, nil
}

// mostLatest is how many of an offer's latest sessions say how it goes on: what
// it last ran on each day of the week is among them, even at a dozen a day.
const mostLatest = 100

// latestSessions reads the last session of each offer on each day of the week,
// and the last one called off there.
func latestSessions(ctx context.Context, tx *db.Tx, offers []offerKey) (map[uuid.UUID][]sessionRow, error) {
	providers, ids := keyColumns(offers)
	all, err := collectSessions(ctx, tx, sqlLatestSessions, providers, ids, mostLatest)
	if err != nil {
		return nil, err
	}
	byOffer := make(map[uuid.UUID][]sessionRow, len(offers))
	for _, s := range all {
		byOffer[s.OfferID] = append(byOffer[s.OfferID], s)
	}
	return byOffer, nil
}

// latestPlanned reads how many sessions the latest bundle of each unit has, by
// offer and unit.
func latestPlanned(ctx context.Context, tx *db.Tx, offers []offerKey) (map[uuid.UUID]map[string]int, error) {
	providers, ids := keyColumns(offers)
	rows, err := tx.PGX.Query(ctx, sqlLatestPlanned, providers, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the latest bundles: %w", err)
	}
	planned := map[uuid.UUID]map[string]int{}
	var offer uuid.UUID
	var unit string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&offer, &unit, &n}, func() error {
		if planned[offer] == nil {
			planned[offer] = map[string]int{}
		}
		planned[offer][unit] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the latest bundles: %w", err)
	}
	return planned, nil
}

// upcomingSessions reads the next sessions of an offer that are to run.
func upcomingSessions(ctx context.Context, tx *db.Tx, offer Offer, most int) ([]sessionRow, error) {
	return collectSessions(ctx, tx, sqlUpcoming, offer.ProviderID, offer.ID, tx.Now, most)
}

// lastLength is how many minutes the offer's last session takes; 0 if it has
// none.
func lastLength(ctx context.Context, tx *db.Tx, offer Offer) (minutes int, err error) {
	err = tx.PGX.QueryRow(ctx, sqlLastLength, offer.ProviderID, offer.ID).Scan(&minutes)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading a session's length: %w", err)
	}
	return minutes, nil
}

// readTerms reads the bundles of these offers that run on some of the dates.
func readTerms(ctx context.Context, tx *db.Tx, offers []offerKey, first, last time.Time) ([]Term, error) {
	providers, ids := keyColumns(offers)
	rows, err := tx.PGX.Query(ctx, sqlTerms, providers, ids, first, last)
	if err != nil {
		return nil, fmt.Errorf("reading bundles: %w", err)
	}
	terms, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Term])
	if err != nil {
		return nil, fmt.Errorf("reading bundles: %w", err)
	}
	return terms, nil
}

// bundleNow is a bundle as it stands: what has begun and what is still to run.
type bundleNow struct {
	term      Term
	started   int
	remaining []sessionRow
}

func bundleOf(t Term, all []sessionRow, now time.Time) bundleNow {
	b := bundleNow{term: t}
	for _, s := range all {
		switch {
		case s.TermID == nil || *s.TermID != t.ID:
		case !s.StartsAt.After(now):
			b.started++
		case s.State == "scheduled":
			b.remaining = append(b.remaining, s)
		}
	}
	return b
}

// ask is the question that prices what remains.
func (b bundleNow) ask() tariff.Ask {
	ask := tariff.Ask{SoldBy: tariff.ByBundle, Bundle: &tariff.BundleAsk{Name: b.term.Name, Unit: b.term.Unit, Planned: b.term.PlannedSessions, Started: b.started}}
	for _, s := range b.remaining {
		ask.Occasions = append(ask.Occasions, s.occasion())
	}
	return ask
}

// placesLeft is the number of places in the fullest session still to run.
func (b bundleNow) placesLeft() int {
	left := -1
	for _, s := range b.remaining {
		if left < 0 || s.left() < left {
			left = s.left()
		}
	}
	return max(0, left)
}
