package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// Open data is what others may copy and keep: a directory (openreferral.go)
// and feeds of changes (feedread.go). Behind both is feed_item, which numbers
// changes in the order of their commits. It is kept by marks that triggers
// leave with whatever changes, so a booking does no more than leave one.

// FeedKind is what an item of the feeds is about.
type FeedKind string

// The kinds of items. Services are offers of every sort; the other two are for
// offers that have an activity of OpenActive's list.
const (
	FeedService FeedKind = "service"
	FeedSeries  FeedKind = "session_series"
	FeedSession FeedKind = "scheduled_session"
)

// FeedItem says that something published changed. What it is now is read from
// the thing itself.
type FeedItem struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	Kind       FeedKind  `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"` // of the offer; of the session
	OfferID    uuid.UUID
	Gone       bool  // withdrawn, paused or called off
	Change     int64 // grows with every change, in the order of commits
	ChangedAt  time.Time
	EndsAt     *time.Time // of a session
}

// TableName is the table's.
func (FeedItem) TableName() string { return "feed_item" }

const (
	feedLock   = 7_214_053_891_147 // the one of number_feed_item, migration 15
	fedAtOnce  = 5_000             // marks in one transaction
	fedAtMost  = 200_000           // in one round, so that it ends
	keptInFeed = 7 * 24 * time.Hour
)

const (
	sqlMarkedProviders = `SELECT DISTINCT provider_id FROM (SELECT provider_id FROM feed_mark LIMIT $1) m`

	// Marks are taken away before anything is read, so that what commits in
	// between is seen, or leaves another.
	sqlTakeMarks = `
DELETE FROM feed_mark WHERE ctid = ANY (ARRAY(SELECT ctid FROM feed_mark WHERE provider_id = ANY ($1) LIMIT $2))
RETURNING provider_id, offer_id, session_id`

	// Nobody is told that something is gone of which they were never told.
	sqlFeedOffers = `
INSERT INTO feed_item AS f (provider_id, kind, id, offer_id, gone, change, changed_at)
SELECT o.provider_id, k.kind, o.id, o.id, k.gone, 0, $4
FROM unnest($1::uuid[], $2::uuid[]) AS m (provider_id, id)
JOIN offer o USING (provider_id, id)
CROSS JOIN LATERAL (VALUES ('service', o.state <> 'published'),
    ('session_series', o.state <> 'published' OR o.visits IS NOT NULL OR o.category <> ALL ($3::text[]))) AS k (kind, gone)
WHERE NOT k.gone OR EXISTS (SELECT FROM feed_item t WHERE t.provider_id = o.provider_id AND t.kind = k.kind AND t.id = o.id)
ORDER BY o.provider_id, o.id
ON CONFLICT (provider_id, kind, id) DO UPDATE SET gone = excluded.gone, changed_at = excluded.changed_at
WHERE NOT (f.gone AND excluded.gone)`

	// The sessions of an offer that came into the feeds, came back or grew.
	sqlFeedTheirSessions = `
INSERT INTO feed_item AS f (provider_id, kind, id, offer_id, gone, change, changed_at, ends_at)
SELECT s.provider_id, 'scheduled_session', s.id, s.offer_id, false, 0, $4, s.ends_at
FROM unnest($1::uuid[], $2::uuid[]) AS m (provider_id, id)
JOIN offer o USING (provider_id, id)
JOIN session s ON s.provider_id = o.provider_id AND s.offer_id = o.id
WHERE o.state = 'published' AND o.visits IS NULL AND o.category = ANY ($3::text[]) AND s.state = 'scheduled' AND s.ends_at > $4
    AND NOT EXISTS (SELECT FROM feed_item t WHERE t.provider_id = s.provider_id AND t.kind = 'scheduled_session' AND t.id = s.id AND NOT t.gone)
ORDER BY s.provider_id, s.starts_at, s.id
ON CONFLICT (provider_id, kind, id) DO UPDATE SET gone = false, changed_at = excluded.changed_at, ends_at = excluded.ends_at`

	// Those of one that left.
	sqlEndTheirSessions = `
UPDATE feed_item f SET gone = true, changed_at = $4
FROM unnest($1::uuid[], $2::uuid[]) AS m (provider_id, id)
JOIN offer o USING (provider_id, id)
WHERE f.provider_id = m.provider_id AND f.offer_id = m.id AND f.kind = 'scheduled_session' AND NOT f.gone
    AND (o.state <> 'published' OR o.visits IS NOT NULL OR o.category <> ALL ($3::text[]))`

	sqlFeedSessions = `
INSERT INTO feed_item AS f (provider_id, kind, id, offer_id, gone, change, changed_at, ends_at)
SELECT s.provider_id, 'scheduled_session', s.id, s.offer_id, k.gone, 0, $4, s.ends_at
FROM unnest($1::uuid[], $2::uuid[]) AS m (provider_id, id)
JOIN session s USING (provider_id, id)
JOIN offer o ON o.provider_id = s.provider_id AND o.id = s.offer_id
CROSS JOIN LATERAL (VALUES (s.state <> 'scheduled' OR o.state <> 'published' OR o.visits IS NOT NULL OR o.category <> ALL ($3::text[]))) AS k (gone)
WHERE s.ends_at > $4
    AND (NOT k.gone OR EXISTS (SELECT FROM feed_item t WHERE t.provider_id = s.provider_id AND t.kind = 'scheduled_session' AND t.id = s.id))
ORDER BY s.provider_id, s.id
ON CONFLICT (provider_id, kind, id) DO UPDATE SET gone = excluded.gone, changed_at = excluded.changed_at, ends_at = excluded.ends_at
WHERE NOT (f.gone AND excluded.gone)`

	// What ended a week ago is of no use to anybody who keeps a copy.
	sqlForgetEnded = `DELETE FROM feed_item WHERE provider_id = ANY ($1) AND ends_at < $2`
	sqlWhoseEnded  = `SELECT DISTINCT provider_id FROM (SELECT provider_id FROM feed_item WHERE ends_at < $1 LIMIT $2) e`
)

// feedMark is an offer, or one session, of which something changed.
type feedMark struct {
	Provider       uuid.UUID
	Offer, Session *uuid.UUID
}

// RefreshFeeds numbers what changed since it last ran, and says how many marks
// there were. It is run every few seconds, and that is how late readers learn
// of a change; nothing is lost while it is not run. Only one process does it
// at a time; another that tries has nothing to do.
func RefreshFeeds(ctx context.Context, d *db.DB) (int, error) {
	n := 0
	for n < fedAtMost {
		done, err := feedSome(ctx, d)
		n += done
		if err != nil {
			return n, err
		}
		if done == 0 {
			break
		}
	}
	return n, forgetEnded(ctx, d)
}

// feedSome acts as the providers of what is marked: it writes nothing but
// their items.
func feedSome(ctx context.Context, d *db.DB) (n int, err error) {
	var providers []uuid.UUID
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		providers, err = providerIDs(ctx, tx, sqlMarkedProviders, fedAtOnce)
		return err
	})
	if err != nil || len(providers) == 0 {
		return 0, err
	}
	err = d.Do(ctx, db.Scope{Providers: providers}, func(tx *db.Tx) (err error) {
		n, err = feedMarked(ctx, tx, providers)
		return err
	})
	return n, err
}

// feedMarked takes the lock first: marks and rows are then read by statements
// that began after whoever held it before had committed.
func feedMarked(ctx context.Context, tx *db.Tx, providers []uuid.UUID) (int, error) {
	alone := false
	if err := tx.PGX.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(feedLock)).Scan(&alone); err != nil || !alone {
		return 0, err
	}
	rows, err := tx.PGX.Query(ctx, sqlTakeMarks, providers, fedAtOnce)
	if err != nil {
		return 0, fmt.Errorf("taking the feeds' marks: %w", err)
	}
	marks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[feedMark])
	if err != nil {
		return 0, fmt.Errorf("taking the feeds' marks: %w", err)
	}
	offers, sessions := marked(marks)
	for _, step := range []struct {
		sql  string
		keys []offerKey
	}{{sqlFeedOffers, offers}, {sqlEndTheirSessions, offers}, {sqlFeedTheirSessions, offers}, {sqlFeedSessions, sessions}} {
		if len(step.keys) == 0 {
			continue
		}
		of, ids := keyColumns(step.keys)
		if _, err := tx.PGX.Exec(ctx, step.sql, of, ids, activityCategories, tx.Now); err != nil {
			return 0, fmt.Errorf("bringing the feeds up to date: %w", err)
		}
	}
	return len(marks), nil
}

// marked are the offers and the sessions of some marks, each once.
func marked(marks []feedMark) (offers, sessions []offerKey) {
	seen := make(map[offerKey]bool, len(marks))
	for _, m := range marks {
		list, k := &sessions, offerKey{m.Provider, uuid.Nil}
		if m.Offer != nil {
			list, k.Offer = &offers, *m.Offer
		} else {
			k.Offer = *m.Session
		}
		if !seen[k] {
			seen[k] = true
			*list = append(*list, k)
		}
	}
	return offers, sessions
}

// forgetEnded drops sessions long over.
func forgetEnded(ctx context.Context, d *db.DB) error {
	var providers []uuid.UUID
	var before time.Time
	err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		before = tx.Now.Add(-keptInFeed)
		providers, err = providerIDs(ctx, tx, sqlWhoseEnded, before, fedAtOnce)
		return err
	})
	if err != nil || len(providers) == 0 {
		return err
	}
	return d.Do(ctx, db.Scope{Providers: providers}, func(tx *db.Tx) error {
		if _, err := tx.PGX.Exec(ctx, sqlForgetEnded, providers, before); err != nil {
			return fmt.Errorf("dropping ended sessions from the feeds: %w", err)
		}
		return nil
	})
}

func providerIDs(ctx context.Context, tx *db.Tx, sql string, args ...any) ([]uuid.UUID, error) {
	rows, err := tx.PGX.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("finding what the feeds lack: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("finding what the feeds lack: %w", err)
	}
	return ids, nil
}
