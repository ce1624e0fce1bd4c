package marketplace

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// The orders of a search.
const (
	BySoonest = "soonest"  // when it can next be had
	ByNearest = "distance" // in a straight line
	ByCost    = "cost"     // of a comparable hour; what has none comes last
)

// Sorts are the orders, in the contract's order.
var Sorts = []string{BySoonest, ByNearest, ByCost}

// candidate is an offer that meets all of a filter but perhaps its window.
type candidate struct {
	offerKey
	nextAt  time.Time
	rate    int64 // the comparable hour, or the largest number if it has none
	visits  bool  // support by the hour
	bundles bool  // sold by the bundle too
	chord   *float64
	days    int32   // of the week, as bits
	hours   int32   // of the day, as bits
	starts  []int32 // as the listing has them; only if a window is asked for
}

// step is a place in a walk: the sorted value, as a number, and the offer.
type step struct {
	at    int64
	offer uuid.UUID
}

// at is the candidate's place in the walk of a filter.
func (f filter) at(c candidate) step {
	switch f.sort {
	case ByNearest:
		return step{int64(math.Float64bits(*c.chord)), c.Offer} //nolint:gosec // kept as bits, read back as bits
	case ByCost:
		return step{c.rate, c.Offer}
	}
	return step{c.nextAt.UnixMicro(), c.Offer}
}

// walk reads the next candidates in the filter's order. It asks one table only.
func (f filter) walk(ctx context.Context, tx *db.Tx, after *step, limit int) ([]candidate, error) {
	sql, args := f.walkSQL(after, limit)
	plan := forValues
	switch {
	case f.walksCells():
		plan = inOrder
	case f.byWordsNear():
		plan = once
	}
	all, err := planned(ctx, tx, plan, sql, args, func(row pgx.CollectableRow) (c candidate, err error) {
		err = row.Scan(&c.Provider, &c.Offer, &c.nextAt, &c.rate, &c.visits, &c.bundles, &c.chord, &c.days, &c.hours, &c.starts)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("searching offers: %w", err)
	}
	return all, nil
}

// planning is how PostgreSQL is told to plan a statement, and what to go back to.
type planning struct{ before, after string }

// How many offers a circle, a word or an age leaves decides how best to go, so
// such a statement is planned for its values each time. Squares are each read
// in order and no further than a page needs: that is best in a town and no
// worse in the country, but looks dear to a planner that thinks them alike, so
// it is told, and plans it once. A word in a circle is always one look in the
// index of both. What a search reads besides is by key, whatever the
// keys: that is planned once for a connection.
var (
	forValues = planning{`SELECT set_config('plan_cache_mode', 'force_custom_plan', true)`, sqlPlanOnce}
	inOrder   = planning{
		`SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_bitmapscan', 'off', true)`,
		`SELECT set_config('enable_bitmapscan', 'on', true)`,
	}
	once = planning{before: sqlPlanOnce}
)

const sqlPlanOnce = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true)`

// exactly reads the rows of a statement planned for its values.
func exactly[T any](ctx context.Context, tx *db.Tx, sql string, args pgx.NamedArgs, row pgx.RowToFunc[T]) ([]T, error) {
	return planned(ctx, tx, forValues, sql, args, row)
}

// planned reads the rows of a statement in one round trip. What follows in the
// transaction is planned once.
func planned[T any](ctx context.Context, tx *db.Tx, how planning, sql string, args pgx.NamedArgs, row pgx.RowToFunc[T]) (all []T, err error) {
	var batch pgx.Batch
	batch.Queue(how.before)
	batch.Queue(sql, args).Query(func(rows pgx.Rows) (err error) {
		all, err = pgx.CollectRows(rows, row)
		return err
	})
	if how.after != "" {
		batch.Queue(how.after)
	}
	return all, tx.PGX.SendBatch(ctx, &batch).Close()
}

// columns are what is read of a candidate.
func (f filter) columns() string {
	starts := "NULL::int[]"
	if f.timed() {
		starts = "l.starts"
	}
	return f.listed() + ", " + starts
}

// listed are those of the columns that the squares' index has.
func (f filter) listed() string {
	chord := "NULL::float8"
	if f.near.Postcode != "" {
		chord = "l.place <-> @point::cube"
	}
	return "l.provider_id, l.offer_id, l.next_at, " + dearest + ", " + byVisit + ", 'bundle' = ANY (l.sold_by), " + chord + " AS chord, l.days, l.hours"
}

const byVisit = "'visit' = ANY (l.sold_by) AS by_visit"

const dearest = "coalesce(l.rate_pence, 9223372036854775807)" // as the index has it

func (f filter) walkSQL(after *step, limit int) (string, pgx.NamedArgs) {
	args, asked := f.args(), f.conditions()
	order := "l.next_at"
	switch f.sort {
	case ByNearest:
		order = "l.place <-> @point::cube"
	case ByCost:
		order = dearest
	}
	if after != nil {
		args["after_offer"] = after.offer
		var from string
		switch f.sort {
		case ByNearest:
			from, args["after"] = "@after::float8", math.Float64frombits(uint64(after.at)) //nolint:gosec // as at wrote it
		case ByCost:
			from, args["after"] = "@after::bigint", after.at
		default:
			from, args["after"] = "@after::timestamptz", time.UnixMicro(after.at).UTC()
		}
		asked = append(asked, condition{"", "(" + order + ", l.offer_id) > (" + from + ", @after_offer::uuid)"})
	}
	args["limit"] = limit
	switch {
	case f.walksCells():
		return f.walkCells(asked), args
	case f.walksKinds():
		return f.walkKinds(asked), args
	}
	if f.sort == ByNearest {
		// An index gives the nearest by distance alone, so all of one distance
		// are taken together and put in order afterwards.
		return `SELECT * FROM (
    SELECT ` + f.columns() + `
    FROM offer_listing l
    WHERE ` + where(asked) + `
    ORDER BY ` + order + ` FETCH FIRST @limit ROWS WITH TIES) n
ORDER BY chord, offer_id`, args
	}
	return `SELECT ` + f.columns() + `
FROM offer_listing l
WHERE ` + where(asked) + `
ORDER BY ` + order + `, l.offer_id
LIMIT @limit`, args
}

// mostCellsWalked is how many squares are worth reading one by one.
const mostCellsWalked = 30

// byCells reports whether to read each square of a circle in order: of a town's
// offers only the soonest are then looked at. Words leave so few that their own
// index is better.
func (f filter) byCells() bool {
	n := len(f.cells())
	return f.withinKM > 0 && f.dropped != ByDistance && n > 0 && n <= mostCellsWalked && f.exact == ""
}

// byWordsNear reports whether words within a circle of some squares are asked
// for, the last of them perhaps only begun.
func (f filter) byWordsNear() bool {
	return f.begun != "" && f.spelt == "" && f.sort == BySoonest && f.withinKM > 0 && f.dropped != ByDistance && f.dropped != ByText && f.cells() != nil
}

func (f filter) walksCells() bool { return f.sort == BySoonest && f.byCells() }

// walksKinds reports whether to read each of several categories in order. One by
// next_at alone would first pass all that is sooner and of another kind.
func (f filter) walksKinds() bool {
	traits := len(f.needs)+len(f.features)+len(f.spoken) > 0 || f.kind != "" // their own index may leave less
	return f.sort == BySoonest && f.category != "" && f.dropped != ByCategory && len(f.kinds()) > 1 && f.exact == "" && f.withinKM == 0 && !f.timed() && !traits
}

// walkKinds takes the soonest of each category, and of those the soonest of all.
func (f filter) walkKinds(asked []condition) string {
	within := slices.DeleteFunc(slices.Clone(asked), func(c condition) bool { return c.sql == inKinds })
	return `SELECT n.* FROM unnest(@kinds::text[]) AS g (kind)
CROSS JOIN LATERAL (
    SELECT ` + f.columns() + `
    FROM offer_listing l
    WHERE l.category = g.kind AND ` + where(within) + `
    ORDER BY l.next_at, l.offer_id LIMIT @limit) n
ORDER BY n.next_at, n.offer_id
LIMIT @limit`
}

// walkCells takes the soonest of each square, and of those the soonest of all.
func (f filter) walkCells(asked []condition) string {
	within := slices.DeleteFunc(slices.Clone(asked), func(c condition) bool { return c.sql == inCells })
	starts, of := "NULL::int[]", ""
	if f.timed() && !f.startsLater {
		starts, of = "l.starts", `
CROSS JOIN LATERAL (SELECT starts FROM offer_listing WHERE provider_id = n.provider_id AND offer_id = n.offer_id OFFSET 0) l`
	}
	return `SELECT n.*, ` + starts + ` FROM (
    SELECT n.* FROM unnest(@cells::int[]) AS g (cell)
    CROSS JOIN LATERAL (
        SELECT ` + f.listed() + `
        FROM offer_listing l
        WHERE l.cell = g.cell AND ` + where(within) + `
        ORDER BY l.next_at, l.offer_id LIMIT @limit) n
    ORDER BY n.next_at, n.offer_id
    LIMIT @limit) n` + of + `
ORDER BY n.next_at, n.offer_id`
}
