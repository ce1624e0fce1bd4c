package marketplace

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Statement is a search's first page as one SQL statement with its values
// written in: for running it by hand, for EXPLAIN, and for measuring what the
// service adds to it. Whether somebody is free for a visit it leaves out.
func Statement(ctx context.Context, d *db.DB, q SearchQuery) (string, error) {
	f, err := q.filter(ctx, d)
	if err != nil {
		return "", err
	}
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		f.asOf = tx.Now
		return nil
	})
	if err != nil {
		return "", err
	}
	candidates, next := batchOf(20, 0), sqlNextSession
	order, suits := "", ""
	if f.window.asked() {
		candidates, next, suits = mostOrdered, sqlSessionWithin, "WHERE k.by_visit OR n.starts_at IS NOT NULL\n"
	}
	if f.sort == BySoonest {
		order = "ORDER BY coalesce(n.starts_at, k.next_at), k.offer_id\n"
	}
	walk, args := f.walkSQL(nil, candidates)
	session := "LEFT" + next[strings.Index(next, "CROSS JOIN LATERAL")+len("CROSS"):] + " ON NOT k.by_visit"
	for name, value := range f.sessionArgs(nil) {
		args[name] = value
	}
	return literal(`WITH k AS MATERIALIZED (
`+walk+`),
f AS MATERIALIZED (
SELECT k.provider_id, k.offer_id, n.starts_at, n.places_left
FROM k
`+session+`
`+suits+order+`LIMIT 20)
SELECT o.id, o.provider_id, p.name, o.title, o.summary, o.category, o.access_route, o.age_from, o.age_to, o.ratio_staff, o.ratio_children,
    o.instant, s.name, s.area, s.postcode, l.price_pence, l.price_unit, l.sold_by, l.rate_pence, s.latitude, s.longitude, s.discreet, f.starts_at, f.places_left
FROM f
JOIN offer_listing l ON l.provider_id = f.provider_id AND l.offer_id = f.offer_id
JOIN offer o ON o.provider_id = f.provider_id AND o.id = f.offer_id
JOIN provider p ON p.id = o.provider_id
JOIN setting s ON s.provider_id = o.provider_id AND s.id = o.setting_id`, args), nil
}

var namedValue = regexp.MustCompile(`@[a-z_]+`)

// literal writes the values into the statement.
func literal(sql string, args pgx.NamedArgs) string {
	return namedValue.ReplaceAllStringFunc(sql, func(name string) string { return literalOf(args[name[1:]]) })
}

func literalOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case int:
		return fmt.Sprint(v)
	case *int:
		return fmt.Sprint(*v)
	case float64:
		return fmt.Sprint(v)
	case *shortbreaks.Pence:
		return fmt.Sprint(int64(*v))
	case time.Time:
		return "'" + v.Format(time.RFC3339Nano) + "'"
	case []int32:
		return "'{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]") + "}'"
	case []int:
		return "'{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]") + "}'"
	case []string:
		return "'{" + strings.Join(v, ",") + "}'"
	case []uuid.UUID:
		return "'{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]") + "}'"
	}
	return "'" + strings.ReplaceAll(fmt.Sprint(value), "'", "''") + "'"
}
