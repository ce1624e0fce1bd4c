package marketplace

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// SearchQuery is what somebody looks for; the zero value of each field asks
// nothing.
type SearchQuery struct {
	Text          string // in the title, the summary and the provider's name
	Category      string
	Postcode      string // full, or its first half
	WithinKM      int    // needs Postcode
	Age           *int
	PriceUnit     string
	MinPricePence *shortbreaks.Pence
	MaxPricePence *shortbreaks.Pence // 0 finds what is free
	AccessRoute   string
	Cursor        string
	Limit         int // 1 to 100; 0 is 20
}

// SearchPage is a page of offers, soonest suitable first.
type SearchPage struct {
	Items      []OfferSummary
	NextCursor string    // "" on the last page
	Area       string    // the district searched around, or ""
	At         time.Time // when it was read
}

// OfferSummary is an offer in a list.
type OfferSummary struct {
	ID            uuid.UUID
	ProviderID    uuid.UUID
	ProviderName  string
	Title         string
	Summary       string
	Category      string
	AccessRoute   string
	AgeFrom       int
	AgeTo         int
	RatioStaff    int
	RatioChildren int
	Instant       bool
	SettingName   string
	Area          string
	Postcode      string
	DistanceKM    *float64 // in a straight line; nil if no postcode was given
	PricePence    shortbreaks.Pence
	PriceUnit     string
	PriceText     string
	// ComparableRatePence is as in OfferDetail.
	ComparableRatePence *shortbreaks.Pence
	NextStart           *time.Time // of the next session with a place
	PlacesLeft          *int       // in that session
}

// Search lists published offers. Anyone may; it writes nothing (searches are
// counted by SearchCounter). The order is that of the next session with a
// place, or of the next time support by the hour can be had; offers with
// neither come last. A session that fills up between two pages moves its offer
// back, so that one may be met again.
func Search(ctx context.Context, d *db.DB, q SearchQuery) (*SearchPage, error) {
	f, err := q.filter()
	if err != nil {
		return nil, err
	}
	limit := min(max(q.Limit, 1), 100)
	if q.Limit == 0 {
		limit = 20
	}
	page := &SearchPage{Area: f.near.Area}
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		page.At, f.asOf = tx.Now, tx.Now
		if q.Cursor != "" {
			after, err := parseCursor(q.Cursor)
			if err != nil {
				return err
			}
			f.asOf, f.after = after.AsOf, &after
		}
		found, err := f.find(ctx, tx, limit+1)
		if err != nil {
			return err
		}
		if len(found) > limit {
			found = found[:limit]
			last := found[limit-1]
			page.NextCursor = cursor{f.asOf, last.sortAt, last.ID}.String()
		}
		page.Items = make([]OfferSummary, 0, len(found))
		for _, o := range found {
			page.Items = append(page.Items, o.OfferSummary)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// filter checks the query and turns it into what SQL asks.
func (q SearchQuery) filter() (filter, error) {
	f := filter{
		text: strings.TrimSpace(q.Text), category: q.Category, age: q.Age, unit: q.PriceUnit,
		least: q.MinPricePence, most: q.MaxPricePence, route: q.AccessRoute,
	}
	var bad shortbreaks.Faults
	if q.Category != "" {
		bad.OneOf("query/category", q.Category, Categories)
	}
	if q.AccessRoute != "" {
		bad.OneOf("query/access_route", q.AccessRoute, AccessRoutes)
	}
	if q.PriceUnit != "" {
		bad.OneOf("query/price_unit", q.PriceUnit, tariff.PriceUnits)
	}
	bad.Unless(len([]rune(q.Text)) <= 100, "query/q", "Write at most 100 characters.")
	bad.Unless(q.Limit >= 0 && q.Limit <= 100, "query/limit", "Give 1 to 100.")
	if err := bad.As(shortbreaks.ErrInvalid); err != nil {
		return filter{}, err
	}
	err := f.locate(q.Postcode, q.WithinKM, "query/postcode", "query/within_km")
	return f, err
}

// filter is what an offer must meet, for search and comparison alike.
type filter struct {
	text, category, unit, route string
	age                         *int
	least, most                 *shortbreaks.Pence
	near                        Point // zero: anywhere
	withinKM                    int   // 0: however far
	ratioStaff, ratioChildren   int   // 0: any; else at least so many staff for a child
	only                        []uuid.UUID
	asOf                        time.Time
	after                       *cursor
}

// locate turns a postcode into a point, or refuses it.
func (f *filter) locate(postcode string, withinKM int, atPostcode, atWithin string) error {
	if postcode == "" {
		if withinKM == 0 {
			return nil
		}
		words := "A distance needs a postcode to be measured from."
		return shortbreaks.ErrInvalid.With(words).At(atWithin, words)
	}
	point, known := Locate(postcode)
	if !known {
		words := "We do not know this postcode. Check it, or give its first half only."
		return ErrPostcodeUnknown.With(words).At(atPostcode, words)
	}
	if withinKM < 0 || withinKM > 200 {
		words := "Give 1 to 200 kilometres."
		return shortbreaks.ErrInvalid.With(words).At(atWithin, words)
	}
	f.near, f.withinKM = point, withinKM
	return nil
}

// found is an offer that meets a filter, with what comparing it needs.
type found struct {
	OfferSummary
	tariff tariff.Tariff
	visits *VisitRules
	window Offer // its notice and horizon
	sortAt time.Time
}

// sqlFind joins each published offer with its next session that has a place
// (n), any of its sessions, for their length (a), the size of its bundle (b),
// and the next time support by the hour can be had (w).
const sqlFind = `
SELECT o.id, o.provider_id, p.name, o.title, o.summary, o.category, o.access_route, o.age_from, o.age_to, o.ratio_staff, o.ratio_children,
    o.instant, s.name, s.area, s.postcode, d.metres, v.price_pence, v.price_unit, v.tariff, o.visits,
    n.starts_at, n.places_left, coalesce(a.minutes, 0), coalesce(b.planned, 0),
    coalesce(n.starts_at, w.opens_at, '9999-01-01T00:00:00Z') AS sort_at, o.notice_minutes, o.horizon_days
FROM offer o
JOIN provider p ON p.id = o.provider_id
JOIN setting s ON s.provider_id = o.provider_id AND s.id = o.setting_id
JOIN offer_version v ON v.provider_id = o.provider_id AND v.id = o.version_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN @latitude::float8 IS NOT NULL
        THEN earth_distance(ll_to_earth(s.latitude, s.longitude), ll_to_earth(@latitude, @longitude::float8)) END AS metres) d
LEFT JOIN LATERAL (
    SELECT e.starts_at, c.capacity - c.taken AS places_left
    FROM session e
    JOIN session_places c ON c.provider_id = e.provider_id AND c.session_id = e.id
    WHERE e.provider_id = o.provider_id AND e.offer_id = o.id AND e.state = 'scheduled' AND e.starts_at > @as_of AND c.taken < c.capacity
        AND can_book(e.starts_at, @as_of, o.notice_minutes, o.horizon_days)
    ORDER BY e.starts_at LIMIT 1) n ON true
LEFT JOIN LATERAL (
    SELECT (extract(epoch FROM e.ends_at - e.starts_at) / 60)::int AS minutes
    FROM session e WHERE e.provider_id = o.provider_id AND e.offer_id = o.id ORDER BY e.starts_at DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (
    SELECT t.planned_sessions AS planned FROM term t
    WHERE t.provider_id = o.provider_id AND t.offer_id = o.id ORDER BY t.starts_on DESC LIMIT 1) b ON true
LEFT JOIN LATERAL (
    SELECT min(opening) AS opens_at
    FROM generate_series(0, 7 + o.notice_minutes / 1440) AS later,
        LATERAL (SELECT @today::date + later AS on_date) t,
        LATERAL (SELECT (t.on_date || ' ' || (o.visits ->> 'from'))::timestamp AT TIME ZONE 'Europe/London' AS opening) h
    WHERE o.visits -> 'days' @> to_jsonb(extract(isodow FROM t.on_date)::int) AND can_book(opening, @as_of, o.notice_minutes, o.horizon_days)) w ON true
WHERE o.state = 'published'
    AND (@text::text = '' OR o.words @@ websearch_to_tsquery('english', @text)
        OR o.title ILIKE @begins OR o.title ILIKE '% ' || @begins OR p.name ILIKE @begins OR p.name ILIKE '% ' || @begins)
    AND (@category::text = '' OR o.category = @category)
    AND (@route::text = '' OR o.access_route = @route)
    AND (@unit::text = '' OR v.price_unit = @unit)
    AND (@age::int IS NULL OR @age BETWEEN o.age_from AND o.age_to)
    AND (@least::bigint IS NULL OR v.price_pence >= @least)
    AND (@most::bigint IS NULL OR v.price_pence <= @most)
    AND (@within::float8 IS NULL OR d.metres <= @within)
    AND (@staff::int = 0 OR o.ratio_staff * @children::int >= @staff * o.ratio_children)
    AND (cardinality(@only::uuid[]) = 0 OR o.id = ANY (@only))
    AND (@after_at::timestamptz IS NULL
        OR (coalesce(n.starts_at, w.opens_at, '9999-01-01T00:00:00Z'), o.id) > (@after_at, @after_id::uuid))
ORDER BY sort_at, o.id
LIMIT @limit`

// find lists the offers that meet the filter, soonest first.
func (f filter) find(ctx context.Context, tx *db.Tx, limit int) ([]found, error) {
	rows, err := tx.PGX.Query(ctx, sqlFind, f.args(limit))
	if err != nil {
		return nil, fmt.Errorf("searching offers: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanFound)
	if err != nil {
		return nil, fmt.Errorf("searching offers: %w", err)
	}
	return all, nil
}

func (f filter) args(limit int) pgx.NamedArgs {
	args := pgx.NamedArgs{
		"text": f.text, "begins": likePrefix(f.text), "category": f.category, "route": f.route, "unit": f.unit,
		"age": f.age, "least": f.least, "most": f.most, "staff": f.ratioStaff, "children": f.ratioChildren,
		"latitude": nil, "longitude": nil, "within": nil, "only": f.only, "as_of": f.asOf,
		"today": shortbreaks.Date(f.asOf), "after_at": nil, "after_id": nil, "limit": limit,
	}
	if f.only == nil {
		args["only"] = []uuid.UUID{}
	}
	if f.near.Postcode != "" {
		args["latitude"], args["longitude"] = f.near.Lat, f.near.Lon
	}
	if f.withinKM > 0 {
		args["within"] = float64(f.withinKM) * 1000
	}
	if f.after != nil {
		args["after_at"], args["after_id"] = f.after.SortAt, f.after.ID
	}
	return args
}

// likePrefix is a pattern for words that begin so, whatever signs they hold.
func likePrefix(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

func scanFound(row pgx.CollectableRow) (found, error) {
	var o found
	var metres *float64
	var length, planned int
	err := row.Scan(&o.ID, &o.ProviderID, &o.ProviderName, &o.Title, &o.Summary, &o.Category, &o.AccessRoute, &o.AgeFrom, &o.AgeTo,
		&o.RatioStaff, &o.RatioChildren, &o.Instant, &o.SettingName, &o.Area, &o.Postcode, &metres, &o.PricePence, &o.PriceUnit,
		&o.tariff, &o.visits, &o.NextStart, &o.PlacesLeft, &length, &planned, &o.sortAt, &o.window.NoticeMinutes, &o.window.HorizonDays)
	if err != nil {
		return found{}, err
	}
	if metres != nil {
		km := float64(int64(*metres/100+0.5)) / 10 // a tenth of a kilometre is as much as a straight line can say
		o.DistanceKM = &km
	}
	o.PriceText = tariff.PriceText(o.PricePence, o.PriceUnit)
	o.ComparableRatePence = o.tariff.HeadlineRate(length, planned)
	return o, nil
}
