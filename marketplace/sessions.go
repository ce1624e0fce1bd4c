package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
}

func (s sessionRow) occasion() tariff.Occasion {
	return tariff.Occasion{StartsAt: s.StartsAt, EndsAt: s.EndsAt}
}

func (s sessionRow) left() int { return max(0, s.Capacity-s.Taken) }

func (s sessionRow) detail() SessionDetail {
	return SessionDetail{
		ID: s.ID, TermID: s.TermID, StartsAt: s.StartsAt, EndsAt: s.EndsAt,
		LocalStart: s.LocalStart, TimeZone: s.TimeZone, Capacity: s.Capacity, PlacesLeft: s.left(),
	}
}

const sqlSessions = `
SELECT s.provider_id, s.id, s.offer_id, s.term_id, s.starts_at, s.ends_at, s.local_start, s.time_zone, s.state, p.capacity, p.taken
FROM session s
JOIN session_places p ON p.provider_id = s.provider_id AND p.session_id = s.id
JOIN unnest($1::uuid[], $2::uuid[]) AS o (provider_id, offer_id) ON o.provider_id = s.provider_id AND o.offer_id = s.offer_id
ORDER BY s.starts_at, s.id`

// readSessions reads all sessions of these offers, past and called off ones
// too, by start.
func readSessions(ctx context.Context, tx *db.Tx, offers []Offer) (map[uuid.UUID][]sessionRow, error) {
	var providers, ids []uuid.UUID
	for _, o := range offers {
		providers, ids = append(providers, o.ProviderID), append(ids, o.ID)
	}
	rows, err := tx.PGX.Query(ctx, sqlSessions, providers, ids)
	if err != nil {
		return nil, fmt.Errorf("reading sessions: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sessionRow])
	if err != nil {
		return nil, fmt.Errorf("reading sessions: %w", err)
	}
	byOffer := make(map[uuid.UUID][]sessionRow, len(offers))
	for _, s := range all {
		byOffer[s.OfferID] = append(byOffer[s.OfferID], s)
	}
	return byOffer, nil
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
