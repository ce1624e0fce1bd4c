package commissioning

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Grouping is what demand is counted by; one at a time, so that no two
// answers differ by a handful of children.
type Grouping string

// The groupings.
const (
	ByCategory Grouping = "category"
	ByArea     Grouping = "area"
	ByWeek     Grouping = "week"    // ISO, "2027-W02"
	ByMissing  Grouping = "missing" // the filter without which a search that found nothing finds most (R103)
)

// Cell is demand under one key. Bookings and Children are nil where fewer than
// five children stand behind them, and rounded to five elsewhere.
type Cell struct {
	Key                 string
	Bookings            *int64
	Children            *int64
	Searches            int64
	SearchesWithNothing int64
	Suppressed          bool
}

// columns keeps SQL free of anything a caller sends.
var columns = map[Grouping]string{ByCategory: "category", ByArea: "area", ByWeek: "week"}

// Demand counts bookings of the actor's authorities and the public's searches
// by one grouping, in key order. Errors: forbidden, invalid.
func Demand(ctx context.Context, d *db.DB, who shortbreaks.Actor, by Grouping) ([]Cell, error) {
	if !who.Is(shortbreaks.Commissioner, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Finance, shortbreaks.Auditor) {
		return nil, shortbreaks.ErrForbidden
	}
	query, args, ok := queryOf(by, who)
	if !ok {
		return nil, shortbreaks.ErrInvalid.At("query/by", "Choose category, area, week or missing.")
	}
	var cells []Cell
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		var err error
		cells, err = gorm.G[Cell](tx.DB).Raw(query, args...).Find(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count demand: %w", err)
	}
	for i := range cells {
		suppress(&cells[i])
	}
	return cells, nil
}

// queryOf is the statement for a grouping; false if there is no such one.
func queryOf(by Grouping, who shortbreaks.Actor) (query string, args []any, ok bool) {
	if by == ByMissing {
		return missingSQL, nil, true
	}
	column, ok := columns[by]
	return fmt.Sprintf(demandSQL, column), []any{sql.Named("authorities", who.Authorities)}, ok
}

// missingSQL counts the searches that found nothing by what each lacked. Where
// leaving out one filter was not enough, that is "several". No booking stands
// behind any of them, and so no child.
const missingSQL = `
SELECT coalesce(nullif(missing, ''), 'several') AS key, 0::bigint AS bookings, 0::bigint AS children,
	sum(n)::bigint AS searches, sum(n)::bigint AS searches_with_nothing
FROM search_count WHERE outcome = 'nothing' GROUP BY 1 ORDER BY 1`

// demandSQL counts by the column named in its three places. A search without
// category or area is counted under "not given".
const demandSQL = `
WITH booked AS (
	SELECT %[1]s AS key, count(*) AS bookings, count(DISTINCT child_id) AS children
	FROM demand_booking WHERE authority_id IN @authorities GROUP BY 1
), searched AS (
	SELECT coalesce(nullif(%[1]s, ''), 'not_given') AS key, sum(n) AS searches,
		coalesce(sum(n) FILTER (WHERE outcome = 'nothing'), 0) AS searches_with_nothing
	FROM search_count GROUP BY 1
)
SELECT key, coalesce(bookings, 0) AS bookings, coalesce(children, 0) AS children,
	coalesce(searches, 0)::bigint AS searches, coalesce(searches_with_nothing, 0)::bigint AS searches_with_nothing
FROM booked FULL JOIN searched USING (key) ORDER BY key`
