package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// SearchCounter counts searches in memory and writes them down in bulk. It
// knows week, area, category and outcome, and of nobody who searched: a search
// that finds nothing is unmet need, not a person's record.
type SearchCounter struct {
	mu     sync.Mutex
	counts map[searchKey]int64
	stale  map[offerKey]bool // offers whose listing a search saw to be behind
}

// searchKey is what a search is counted by. What was missing is the filter
// without which a search that found nothing finds most (R103).
type searchKey struct{ week, area, category, outcome, missing string }

// maxSearchKeys bounds what is kept between two flushes. Beyond it searches
// are counted without area and category rather than lost.
const maxSearchKeys = 2_000

// NewSearchCounter counts from nothing.
func NewSearchCounter() *SearchCounter {
	return &SearchCounter{counts: map[searchKey]int64{}, stale: map[offerKey]bool{}}
}

// Add counts a search by its first page; reading on is not another search.
func (c *SearchCounter) Add(q SearchQuery, page *SearchPage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range page.stale {
		if len(c.stale) < maxSearchKeys {
			c.stale[k] = true
		}
	}
	if q.Cursor != "" {
		return
	}
	key := searchKey{isoWeek(page.At), page.Area, q.Category, "nothing", page.Missing()}
	if len(page.Items) > 0 || page.NextCursor != "" {
		key.outcome = "found"
	}
	c.count(key, 1)
}

func (c *SearchCounter) count(key searchKey, n int64) {
	if _, known := c.counts[key]; !known && len(c.counts) >= maxSearchKeys {
		key.area, key.category, key.missing = "", "", ""
	}
	c.counts[key] += n
}

// Keys go in one order, so that two processes never wait for each other in a
// ring.
const sqlCountSearches = `
INSERT INTO search_count AS s (week, area, category, outcome, missing, n)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
ON CONFLICT (week, area, category, outcome, missing) DO UPDATE SET n = s.n + excluded.n`

// sqlMarkStale hands offers to the next sweep.
const sqlMarkStale = `INSERT INTO offer_stale (provider_id, offer_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])`

// Flush adds what was counted to the table. If it fails, nothing is lost: the
// counts wait for the next flush.
func (c *SearchCounter) Flush(ctx context.Context, d *db.DB) error {
	c.mu.Lock()
	taken, stale := c.counts, c.stale
	c.counts, c.stale = map[searchKey]int64{}, map[offerKey]bool{}
	c.mu.Unlock()
	if len(taken)+len(stale) == 0 {
		return nil
	}
	keys := make([]searchKey, 0, len(taken))
	for key := range taken {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b searchKey) int {
		return cmp.Or(cmp.Compare(a.week, b.week), cmp.Compare(a.area, b.area), cmp.Compare(a.category, b.category), cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.missing, b.missing))
	})
	var weeks, areas, categories, outcomes, missing []string
	var counts []int64
	for _, k := range keys {
		weeks, areas, categories = append(weeks, k.week), append(areas, k.area), append(categories, k.category)
		outcomes, missing, counts = append(outcomes, k.outcome), append(missing, k.missing), append(counts, taken[k])
	}
	err := d.Do(ctx, db.Scope{}, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, sqlCountSearches, weeks, areas, categories, outcomes, missing, counts)
		if err != nil || len(stale) == 0 {
			return err
		}
		providers, offers := keyColumns(slices.Collect(maps.Keys(stale)))
		_, err = tx.PGX.Exec(ctx, sqlMarkStale, providers, offers)
		return err
	})
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		for key, n := range taken {
			c.count(key, n)
		}
		return fmt.Errorf("counting searches: %w", err)
	}
	return nil
}

// isoWeek is the ISO week of London's date: "2027-W02".
func isoWeek(at time.Time) string {
	year, week := at.In(shortbreaks.London).ISOWeek()
	return fmt.Sprintf("%d-W%02d", year, week)
}
