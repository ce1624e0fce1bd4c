package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// FeedLimit is how many items a page of a feed has.
const FeedLimit = 500

// SeriesChange is an offer that changed: what it is now, or nil if it is gone.
type SeriesChange struct {
	ID     uuid.UUID
	Change int64
	Series *OpenOffer
}

// FedSession is a session as a feed tells it. How many places are left is a
// number and nobody's.
type FedSession struct {
	OfferID    uuid.UUID
	StartsAt   time.Time
	EndsAt     time.Time
	Capacity   int
	PlacesLeft int
}

// SessionDelta is a session that changed: what it is now, or nil if it is gone.
type SessionDelta struct {
	ID      uuid.UUID
	Change  int64
	Session *FedSession
}

const (
	sqlSeriesChanges = `
SELECT provider_id, id, change, gone FROM feed_item WHERE kind = 'session_series' AND change > $1 ORDER BY change LIMIT $2`

	// What is gone since, and not yet numbered, is told as gone at once.
	sqlSessionChanges = `
SELECT f.id, f.change, f.gone OR s.id IS NULL OR s.state <> 'scheduled' OR o.id IS NULL OR o.state <> 'published' OR p.session_id IS NULL,
    f.offer_id, coalesce(s.starts_at, f.changed_at), coalesce(s.ends_at, f.changed_at), coalesce(p.capacity, 0), coalesce(p.taken, 0)
FROM (SELECT * FROM feed_item WHERE kind = 'scheduled_session' AND change > $1 ORDER BY change LIMIT $2) f
LEFT JOIN offer o ON o.provider_id = f.provider_id AND o.id = f.offer_id
LEFT JOIN session s ON s.provider_id = f.provider_id AND s.id = f.id
LEFT JOIN session_places p ON p.provider_id = f.provider_id AND p.session_id = f.id
ORDER BY f.change`
)

// SeriesChanges are the next offers of the feed after a change number, in the
// order of the numbers. Fewer than FeedLimit means that these are the last.
func SeriesChanges(ctx context.Context, d *db.DB, after int64) (list []SeriesChange, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, sqlSeriesChanges, after, FeedLimit)
		if err != nil {
			return err
		}
		var keys []offerKey
		var k offerKey
		var change int64
		var gone bool
		_, err = pgx.ForEachRow(rows, []any{&k.Provider, &k.Offer, &change, &gone}, func() error {
			list = append(list, SeriesChange{ID: k.Offer, Change: change})
			if !gone {
				keys = append(keys, k)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return joinSeries(ctx, tx, list, keys)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the feed of series: %w", err)
	}
	return list, nil
}

// joinSeries puts what each series is now beside its change.
func joinSeries(ctx context.Context, tx *db.Tx, list []SeriesChange, keys []offerKey) error {
	offers, err := readOpen(ctx, tx, keys)
	if err != nil {
		return err
	}
	providers, ids := idsOf(keys)
	sessions, err := openSessions(ctx, tx, providers, ids)
	if err != nil {
		return err
	}
	byID := make(map[uuid.UUID]*OpenOffer, len(offers))
	for i := range offers {
		o := &offers[i]
		if _, fits := o.Offer.Activity(); fits && o.Offer.Visits == nil {
			o.Schedules = schedulesOf(momentsOf(sessions[o.Offer.ID]), false)
			byID[o.Offer.ID] = o
		}
	}
	for i := range list {
		list[i].Series = byID[list[i].ID]
	}
	return nil
}

// SessionChanges are the next sessions of the feed after a change number, as
// SeriesChanges are its offers.
func SessionChanges(ctx context.Context, d *db.DB, after int64) (list []SessionDelta, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, sqlSessionChanges, after, FeedLimit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n SessionDelta, err error) {
			var s FedSession
			var gone bool
			var taken int
			err = row.Scan(&n.ID, &n.Change, &gone, &s.OfferID, &s.StartsAt, &s.EndsAt, &s.Capacity, &taken)
			if s.PlacesLeft = max(0, s.Capacity-taken); !gone {
				n.Session = &s
			}
			return n, err
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the feed of sessions: %w", err)
	}
	return list, nil
}
