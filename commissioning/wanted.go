package commissioning

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// WantedCell is how many children want a kind of break in a district, on a day
// of the week and at a part of the day (R104). Need is "" for whatever the
// need. Both counts are rounded to five and rest on five children at least.
type WantedCell struct {
	N        int // its place in the list
	Category string
	Area     string
	Weekday  int    // ISO
	Band     string // morning, afternoon or evening
	Need     string
	Wanted   int64
	Children int64
}

// WantedDemand is one page of what families want and cannot find, after a
// place in the list, of a category and a district ("" is all); and whether more
// follows. Providers read it as councils do. Errors: forbidden.
func WantedDemand(ctx context.Context, d *db.DB, who shortbreaks.Actor, category, area string, after, limit int) (page []WantedCell, more bool, err error) {
	if !who.Is(shortbreaks.Commissioner, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Finance, shortbreaks.Auditor,
		shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT n, category, area, weekday, band, need, wanted, children FROM wanted_cell
			WHERE n > $1 AND ($2 = '' OR category = $2) AND ($3 = '' OR area = $3) ORDER BY n LIMIT $4`, after, category, area, limit+1)
		if err == nil {
			page, err = pgx.CollectRows(rows, pgx.RowToStructByPos[WantedCell])
		}
		if err != nil {
			return fmt.Errorf("read wanted demand: %w", err)
		}
		return nil
	})
	more = len(page) > limit
	return page[:min(len(page), limit)], more, err
}

// sqlWantedSlots counts, with what is wanted whatever the need before each need.
const sqlWantedSlots = `
SELECT category, area, weekday, band, need, count(DISTINCT wanted_id), count(DISTINCT child_id)
FROM wanted_slot WHERE to_date >= $1 GROUP BY 1, 2, 3, 4, 5
ORDER BY category, area, weekday, array_position(ARRAY['morning', 'afternoon', 'evening'], band), need`

// CountWanted counts anew what families want, over every authority, and returns
// how many cells may be shown. It is done once a day, so that nobody sees one
// family come or go; what is too small is not even kept.
func CountWanted(ctx context.Context, d *db.DB) (shown int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	err = d.Do(ctx, scope, func(tx *db.Tx) error {
		if _, err := tx.PGX.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('wanted_cell', 104))`); err != nil {
			return fmt.Errorf("count alone: %w", err)
		}
		rows, err := tx.PGX.Query(ctx, sqlWantedSlots, shortbreaks.Date(tx.Now))
		if err != nil {
			return fmt.Errorf("count wanted times: %w", err)
		}
		counted, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c WantedCell, err error) {
			return c, row.Scan(&c.Category, &c.Area, &c.Weekday, &c.Band, &c.Need, &c.Wanted, &c.Children)
		})
		if err != nil {
			return fmt.Errorf("count wanted times: %w", err)
		}
		cells := showable(counted)
		shown = len(cells)
		if _, err := tx.PGX.Exec(ctx, `DELETE FROM wanted_cell`); err != nil {
			return fmt.Errorf("forget the last count: %w", err)
		}
		_, err = tx.PGX.CopyFrom(ctx, pgx.Identifier{"wanted_cell"}, []string{"n", "category", "area", "weekday", "band", "need", "wanted", "children"},
			pgx.CopyFromSlice(len(cells), func(i int) ([]any, error) {
				c := cells[i]
				return []any{c.N, c.Category, c.Area, c.Weekday, c.Band, c.Need, c.Wanted, c.Children}, nil
			}))
		if err != nil {
			return fmt.Errorf("keep what was counted: %w", err)
		}
		return nil
	})
	return shown, err
}

// showable hides and rounds as all demand is (suppress), and hides a need also
// where those without it are too few: they could be found by subtraction.
func showable(counted []WantedCell) (cells []WantedCell) {
	var all WantedCell // whatever the need, in front of each need of the same slot
	for _, c := range counted {
		if c.Need == "" {
			all = c
		}
		if others := all.Children - c.Children; c.Need != "" && others > 0 && others < Smallest {
			continue
		}
		shown := Cell{Bookings: &c.Wanted, Children: &c.Children}
		if suppress(&shown); shown.Suppressed {
			continue
		}
		c.N = len(cells) + 1
		cells = append(cells, c)
	}
	return cells
}
