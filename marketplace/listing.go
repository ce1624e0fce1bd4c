package marketplace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// A listing is what a search reads of an offer (docs/adr/0009-search.md). It
// is written with whatever changes the offer; what nobody rewrites it for, the
// passing of time above all, a sweep finds by marks and by next_at.

// never is when an offer with no date left can next be had.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

const sqlLockListed = `
SELECT o.provider_id, o.id FROM offer o
JOIN unnest($1::uuid[], $2::uuid[]) AS k (provider_id, id) USING (provider_id, id)
ORDER BY o.provider_id, o.id FOR NO KEY UPDATE OF o`

const sqlForgetMarks = `
DELETE FROM offer_stale m USING unnest($1::uuid[], $2::uuid[]) AS k (provider_id, offer_id)
WHERE m.provider_id = k.provider_id AND m.offer_id = k.offer_id`

const sqlUnlist = `
DELETE FROM offer_listing l USING unnest($1::uuid[], $2::uuid[]) AS k (provider_id, offer_id), offer o
WHERE l.provider_id = k.provider_id AND l.offer_id = k.offer_id
    AND o.provider_id = l.provider_id AND o.id = l.offer_id AND o.state <> 'published'`

// What of a listing only Go can work out: the comparable hour, the grid and
// the hours of visits.
const sqlToList = `
SELECT o.provider_id, o.id, v.tariff, o.visits, s.latitude, s.longitude, coalesce(a.minutes, 0), coalesce(b.planned, 0), v.price_unit,
    n.starts_at, coalesce(w.days, 0), coalesce(w.hours, 0), o.notice_minutes, concat_ws(' ', o.title, p.name, o.summary, CASE WHEN NOT s.discreet THEN s.name END),
    s.discreet
FROM unnest($1::uuid[], $2::uuid[]) AS k (provider_id, offer_id)
JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.offer_id
JOIN provider p ON p.id = o.provider_id
JOIN setting s ON s.provider_id = o.provider_id AND s.id = o.setting_id
JOIN offer_version v ON v.provider_id = o.provider_id AND v.id = o.version_id
LEFT JOIN LATERAL (
    SELECT e.starts_at
    FROM session e
    JOIN session_places c ON c.provider_id = e.provider_id AND c.session_id = e.id
    WHERE e.provider_id = o.provider_id AND e.offer_id = o.id AND e.state = 'scheduled' AND e.starts_at > $3 AND c.taken < c.capacity
        AND e.starts_at >= $3 + o.notice_minutes * interval '1 minute'
    ORDER BY e.starts_at LIMIT 1) n ON true
LEFT JOIN LATERAL (
    SELECT (extract(epoch FROM e.ends_at - e.starts_at) / 60)::int AS minutes
    FROM session e WHERE e.provider_id = o.provider_id AND e.offer_id = o.id ORDER BY e.starts_at DESC LIMIT 1) a ON true
LEFT JOIN LATERAL (
    SELECT t.planned_sessions AS planned FROM term t
    WHERE t.provider_id = o.provider_id AND t.offer_id = o.id ORDER BY t.starts_on DESC LIMIT 1) b ON true
LEFT JOIN LATERAL (
    SELECT bit_or(1 << (extract(isodow FROM left(e.local_start, 10)::date)::int - 1)) AS days, bit_or(1 << substr(e.local_start, 12, 2)::int) AS hours
    FROM session e WHERE e.provider_id = o.provider_id AND e.offer_id = o.id AND e.starts_at > $3 AND e.state = 'scheduled') w ON true
WHERE o.state = 'published'`

const sqlList = `
INSERT INTO offer_listing AS l (provider_id, offer_id, words, category, access_route, age_from, age_to, ratio_staff, ratio_children, sold_by,
    price_unit, price_pence, rate_pence, area, place, cell, next_at, days, hours, lapsed, listed_on, starts, traits)
SELECT o.provider_id, o.id,
    setweight(to_tsvector('english', o.title), 'A') || setweight(to_tsvector('english', p.name || ' ' || replace(o.category, '_', ' ')), 'B')
        || setweight(to_tsvector('english', concat_ws(' ', o.summary, CASE WHEN NOT s.discreet THEN s.name END)), 'C'),
    o.category, o.access_route, o.age_from, o.age_to, o.ratio_staff, o.ratio_children, string_to_array(k.sold_by, ' '),
    v.price_unit, v.price_pence, k.rate_pence, s.area, ll_to_earth(k.lat, k.lon), k.cell, k.next_at, k.days, k.hours, k.lapsed, $10::date,
    ARRAY(SELECT (extract(epoch FROM e.starts_at)::bigint / 60)::int FROM session e
        WHERE e.provider_id = o.provider_id AND e.offer_id = o.id AND e.state = 'scheduled' AND e.starts_at > $9 ORDER BY e.starts_at LIMIT 64),
    ARRAY(SELECT 'need:' || x FROM unnest(o.needs) x UNION ALL SELECT 'feature:' || x FROM unnest(o.access_features) x
        UNION ALL SELECT 'language:' || x FROM unnest(o.languages) x UNION ALL SELECT 'kind:' || p.kind)
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::int[], $6::timestamptz[], $7::int[], $8::int[], $11::int[], $12::float8[], $13::float8[])
    AS k (provider_id, offer_id, sold_by, rate_pence, cell, next_at, days, hours, lapsed, lat, lon)
JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.offer_id
JOIN provider p ON p.id = o.provider_id
JOIN setting s ON s.provider_id = o.provider_id AND s.id = o.setting_id
JOIN offer_version v ON v.provider_id = o.provider_id AND v.id = o.version_id
ON CONFLICT (provider_id, offer_id) DO UPDATE SET words = excluded.words, category = excluded.category, access_route = excluded.access_route,
    age_from = excluded.age_from, age_to = excluded.age_to, ratio_staff = excluded.ratio_staff, ratio_children = excluded.ratio_children,
    sold_by = excluded.sold_by, price_unit = excluded.price_unit, price_pence = excluded.price_pence, rate_pence = excluded.rate_pence,
    area = excluded.area, place = excluded.place, cell = excluded.cell, next_at = excluded.next_at,
    days = excluded.days, hours = excluded.hours, lapsed = excluded.lapsed, listed_on = excluded.listed_on,
    starts = excluded.starts, traits = excluded.traits
WHERE (l.*) IS DISTINCT FROM (excluded.*)`

// mostStarts is how many starts a listing holds; of what comes after them it
// knows nothing. sqlList has the same number.
const mostStarts = 64

// Words are added in one order, so that two who add the same never wait for
// each other in a ring.
const sqlLearnWords = `INSERT INTO search_word SELECT word FROM unnest($1::text[]) AS w (word) ORDER BY word ON CONFLICT DO NOTHING`

// offerKey names an offer.
type offerKey struct{ Provider, Offer uuid.UUID }

// keyColumns lays keys out as unnest wants them, in the form of an id that pgx
// encodes at once: as uuid.UUID it would try every other way first.
func keyColumns(keys []offerKey) (providers, offers [][16]byte) {
	providers, offers = make([][16]byte, 0, len(keys)), make([][16]byte, 0, len(keys))
	for _, k := range keys {
		providers, offers = append(providers, k.Provider), append(offers, k.Offer)
	}
	return providers, offers
}

// relist writes down anew what searches read of these offers, whose providers
// are in scope; one that is not published is no longer found. The offers are
// locked first, so that of two who do so the later has read the later state.
func relist(ctx context.Context, tx *db.Tx, keys []offerKey) error {
	if len(keys) == 0 {
		return nil
	}
	providers, offers := keyColumns(keys)
	for _, sql := range []string{sqlLockListed, sqlForgetMarks, sqlUnlist} {
		if _, err := tx.PGX.Exec(ctx, sql, plannedFor(keys, providers, offers)...); err != nil {
			return fmt.Errorf("listing %d offers: %w", len(keys), err)
		}
	}
	rows, err := tx.PGX.Query(ctx, sqlToList, plannedFor(keys, providers, offers, tx.Now)...)
	if err != nil {
		return fmt.Errorf("listing %d offers: %w", len(keys), err)
	}
	all, err := pgx.CollectRows(rows, scanListed)
	if err != nil {
		return fmt.Errorf("listing %d offers: %w", len(keys), err)
	}
	if len(all) == 0 {
		return nil
	}
	if err := freeFrom(ctx, tx, all); err != nil {
		return err
	}
	lapsed, err := LapsedAges(ctx, tx, keys, shortbreaks.Date(tx.Now))
	if err != nil {
		return err
	}
	for i := range all {
		all[i].lapsed = lapsed[all[i].Offer]
	}
	return writeListings(ctx, tx, all)
}

// plannedFor are the values of a statement about these offers, which PostgreSQL
// plans for them if they are many. The plan it would keep from the sixth time on
// is for any values: it read every session for each batch of an import.
func plannedFor[T any](of []T, values ...any) []any {
	if len(of) < fewOffers {
		return values
	}
	return append([]any{pgx.QueryExecModeCacheDescribe}, values...)
}

// fewOffers are looked up by key whatever the plan.
const fewOffers = 50

// listed is an offer on its way to be listed.
type listed struct {
	offerKey
	tariff          tariff.Tariff
	visits          *VisitRules
	where           Setting // as everybody may know it
	length, planned int
	unit            string
	next            *time.Time // by the notice it asks for; whether that is too far ahead changes by itself, so that is looked up
	window          Offer      // its notice
	days, hours     int32      // of sessions still to run
	text            string
	lapsed          int32 // ages, as LapsedAges has them
}

func scanListed(row pgx.CollectableRow) (l listed, err error) {
	s := &l.where
	err = row.Scan(&l.Provider, &l.Offer, &l.tariff, &l.visits, &s.Latitude, &s.Longitude, &l.length, &l.planned, &l.unit, &l.next, &l.days, &l.hours,
		&l.window.NoticeMinutes, &l.text, &s.Discreet)
	*s = s.Public()
	return l, err
}

func writeListings(ctx context.Context, tx *db.Tx, all []listed) error {
	var providers, offers []uuid.UUID
	var soldBy, vocabulary []string
	var rates []*shortbreaks.Pence
	var cells, days, hours, lapsed []int32
	var lats, lons []float64
	var next []time.Time
	for _, l := range all {
		providers, offers = append(providers, l.Provider), append(offers, l.Offer)
		soldBy, rates = append(soldBy, l.soldBy()), append(rates, l.tariff.HeadlineRate(l.length, l.planned))
		cells, next = append(cells, cellOf(l.where.Latitude, l.where.Longitude)), append(next, l.nextAt())
		lats, lons = append(lats, l.where.Latitude), append(lons, l.where.Longitude)
		d, h := l.when()
		days, hours, lapsed = append(days, d), append(hours, h), append(lapsed, l.lapsed)
		for _, w := range wordsOf(l.text) {
			if n := len([]rune(w)); n >= 3 && n <= 40 {
				vocabulary = append(vocabulary, w)
			}
		}
	}
	values := plannedFor(all, providers, offers, soldBy, rates, cells, next, days, hours, tx.Now, shortbreaks.Date(tx.Now), lapsed, lats, lons)
	if _, err := tx.PGX.Exec(ctx, sqlList, values...); err != nil {
		return fmt.Errorf("listing %d offers: %w", len(all), err)
	}
	slices.Sort(vocabulary)
	if _, err := tx.PGX.Exec(ctx, sqlLearnWords, slices.Compact(vocabulary)); err != nil {
		return fmt.Errorf("learning the words of %d offers: %w", len(all), err)
	}
	return nil
}

// soldBy is how the offer can be bought.
func (l listed) soldBy() string {
	bundle := slices.Contains(tariff.BundleUnits, l.unit)
	switch {
	case l.visits != nil:
		return string(tariff.ByVisit)
	case bundle:
		return string(tariff.ByBundle)
	case l.planned > 0:
		return string(tariff.BySession) + " " + string(tariff.ByBundle)
	}
	return string(tariff.BySession)
}

// when is the days and hours the offer can still be had, as bits.
func (l listed) when() (days, hours int32) {
	if l.visits == nil {
		return l.days, l.hours
	}
	return dayBits(l.visits.Days), hourBits(l.visits.From, l.visits.To)
}

const (
	everyDay  = 1<<7 - 1
	everyHour = 1<<24 - 1
)

// dayBits has a bit for each of these days of the week.
func dayBits(days []int) (bits int32) {
	for _, d := range days {
		bits |= 1 << (d - 1)
	}
	return bits
}

// hourBits has a bit for each hour of the day between two times; all, if the
// second is on the next day.
func hourBits(from, to string) (bits int32) {
	first, last := clockMinutes(from), clockMinutes(to)
	if last <= first {
		return everyHour
	}
	for h := first / 60; h*60 < last; h++ {
		bits |= 1 << h
	}
	return bits
}

func (l listed) nextAt() time.Time {
	if l.next == nil {
		return never
	}
	return *l.next
}
