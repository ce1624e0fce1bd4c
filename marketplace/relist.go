package marketplace

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// relistedAtOnce is how many offers one transaction lists; relistedAtMost how
// many one sweep does, so that it ends.
const (
	relistedAtOnce = 500
	relistedAtMost = 20_000
)

const (
	sqlMarked = `SELECT DISTINCT provider_id, offer_id FROM (SELECT provider_id, offer_id FROM offer_stale LIMIT $1) m`

	sqlPassed = `SELECT provider_id, offer_id FROM offer_listing WHERE next_at <= $2 ORDER BY next_at LIMIT $1`

	sqlUnlisted = `SELECT o.provider_id, o.id FROM offer o
WHERE o.state = 'published' AND o.id > $2 AND NOT EXISTS (SELECT FROM offer_listing l WHERE l.provider_id = o.provider_id AND l.offer_id = o.id)
ORDER BY o.id LIMIT $1`
)

// RefreshListings brings up to date what searches read of offers that were
// marked, or whose next date has passed, and says how many there were. It is
// run every few seconds; while it is not, searches stay right and do more work.
func RefreshListings(ctx context.Context, d *db.DB) (int, error) {
	n := 0
	for n < relistedAtMost {
		done, err := refreshSome(ctx, d)
		n += done
		if err != nil || done == 0 {
			return n, err
		}
	}
	return n, nil
}

func refreshSome(ctx context.Context, d *db.DB) (int, error) {
	var keys []offerKey
	err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		keys, err = offerKeys(ctx, tx, sqlMarked, relistedAtOnce)
		if err != nil || len(keys) > 0 {
			return err
		}
		keys, err = offerKeys(ctx, tx, sqlPassed, relistedAtOnce, tx.Now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("finding offers to list anew: %w", err)
	}
	return len(keys), relistAll(ctx, d, keys)
}

// BuildListings lists every published offer that is not listed: those of a
// database that is older than listings are. It is run when the service starts.
func BuildListings(ctx context.Context, d *db.DB) (int, error) {
	n, after := 0, uuid.Nil
	for {
		var keys []offerKey
		err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
			keys, err = offerKeys(ctx, tx, sqlUnlisted, relistedAtOnce, after)
			return err
		})
		if err != nil {
			return n, fmt.Errorf("finding offers to list: %w", err)
		}
		if len(keys) == 0 {
			return n, nil
		}
		if err := relistAll(ctx, d, keys); err != nil {
			return n, err
		}
		n, after = n+len(keys), keys[len(keys)-1].Offer
	}
}

// relistAll acts as the providers of the offers: it writes nothing but their
// listings.
func relistAll(ctx context.Context, d *db.DB, keys []offerKey) error {
	if len(keys) == 0 {
		return nil
	}
	return d.Do(ctx, db.Scope{Providers: providersOf(keys)}, func(tx *db.Tx) error { return relist(ctx, tx, keys) })
}

// providersOf are the providers of the offers, each once.
func providersOf(keys []offerKey) (once []uuid.UUID) {
	seen := make(map[uuid.UUID]bool, len(keys))
	for _, k := range keys {
		if !seen[k.Provider] {
			seen[k.Provider] = true
			once = append(once, k.Provider)
		}
	}
	return once
}

func offerKeys(ctx context.Context, tx *db.Tx, sql string, args ...any) ([]offerKey, error) {
	rows, err := tx.PGX.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[offerKey])
}
