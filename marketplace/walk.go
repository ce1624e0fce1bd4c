package marketplace

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
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
	all, err := exactly(ctx, tx, sql, args, func(row pgx.CollectableRow) (c candidate, err error) {
		err = row.Scan(&c.Provider, &c.Offer, &c.nextAt, &c.rate, &c.visits, &c.bundles, &c.chord, &c.days, &c.hours, &c.starts)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("searching offers: %w", err)
	}
	return all, nil
}

// How many offers a circle, a word or an age leaves decides how best to go, so
// such a statement is planned for its values each time. What a search reads
// besides is by key, whatever the keys: that is planned once for a connection.
const (
	sqlPlanForValues = `SELECT set_config('plan_cache_mode', 'force_custom_plan', true)`
	sqlPlanOnce      = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true)`
)

// exactly reads the rows of a statement planned for its values, in one round
// trip. What follows in the transaction is planned once.
func exactly[T any](ctx context.Context, tx *db.Tx, sql string, args pgx.NamedArgs, row pgx.RowToFunc[T]) (all []T, err error) {
	var batch pgx.Batch
	batch.Queue(sqlPlanForValues)
	batch.Queue(sql, args).Query(func(rows pgx.Rows) (err error) {
		all, err = pgx.CollectRows(rows, row)
		return err
	})
	batch.Queue(sqlPlanOnce)
	return all, tx.PGX.SendBatch(ctx, &batch).Close()
}

// columns are what is read of a candidate.
func (f filter) columns() string {
	chord, starts := "NULL::float8", "NULL::int[]"
	if f.near.Postcode != "" {
		chord = "l.place <-> @point::cube"
	}
	if f.timed() {
		starts = "l.starts"
	}
	return "l.provider_id, l.offer_id, l.next_at, " + dearest + ", " + byVisit + ", 'bundle' = ANY (l.sold_by), " + chord + " AS chord, l.days, l.hours, " + starts
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
	if f.sort == BySoonest && f.byCells() {
		return f.walkCells(asked), args
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

// walkCells takes the soonest of each square, and of those the soonest of all.
func (f filter) walkCells(asked []condition) string {
	within := slices.DeleteFunc(slices.Clone(asked), func(c condition) bool { return c.sql == inCells })
	return `SELECT n.* FROM unnest(@cells::int[]) AS g (cell)
CROSS JOIN LATERAL (
    SELECT ` + f.columns() + `
    FROM offer_listing l
    WHERE l.cell = g.cell AND ` + where(within) + `
    ORDER BY l.next_at, l.offer_id LIMIT @limit) n
ORDER BY n.next_at, n.offer_id
LIMIT @limit`
}

// hit is a candidate with when it can be had.
type hit struct {
	candidate
	start *time.Time // of the session or visit to be shown; nil: none
	left  *int       // places in that session; nil for a visit
	next  time.Time  // what next_at of its listing should be
	sort  step
}

// look finds out when each candidate can be had and leaves out those that
// cannot in the window, if one is asked for.
func (f filter) look(ctx context.Context, tx *db.Tx, all []candidate) ([]hit, error) {
	if f.timed() {
		all = slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return f.soonestOf(c) == nil })
	}
	hits := make([]hit, len(all))
	byOffer := make(map[uuid.UUID]*hit, len(all))
	var sessions, visits []offerKey
	for i, c := range all {
		hits[i] = hit{candidate: c, next: never}
		byOffer[c.Offer] = &hits[i]
		if c.visits {
			visits = append(visits, c.offerKey)
		} else {
			sessions = append(sessions, c.offerKey)
		}
	}
	if err := f.nextSessions(ctx, tx, sessions, byOffer); err != nil {
		return nil, err
	}
	if err := f.nextVisits(ctx, tx, visits, byOffer); err != nil {
		return nil, err
	}
	suits := hits[:0]
	for _, h := range hits {
		if f.timed() && h.start == nil {
			continue
		}
		h.sort = f.at(h.candidate)
		if f.sort == BySoonest {
			h.sort.at = never.UnixMicro()
			if h.start != nil {
				h.sort.at = h.start.UnixMicro()
			}
		}
		suits = append(suits, h)
	}
	return suits, nil
}

// sqlNextSession is the first session after a time that has places and is not
// too late to book. If it is too far ahead, so are all that follow.
const sqlNextSession = `
SELECT k.offer_id, n.starts_at, n.places_left, n.bookable
FROM unnest(@providers::uuid[], @offers::uuid[]) AS k (provider_id, offer_id)
CROSS JOIN LATERAL (
    SELECT e.starts_at, c.capacity - c.taken AS places_left, can_book(e.starts_at, @as_of, o.notice_minutes, o.horizon_days) AS bookable
    FROM session e
    JOIN session_places c ON c.provider_id = e.provider_id AND c.session_id = e.id
    JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.offer_id
    WHERE e.provider_id = k.provider_id AND e.offer_id = k.offer_id AND e.state = 'scheduled' AND e.starts_at > @as_of
        AND c.capacity - c.taken > 0 AND e.starts_at >= @as_of::timestamptz + o.notice_minutes * interval '1 minute'
    ORDER BY e.starts_at LIMIT 1) n`

// sqlSessionWithin is the first session within a window.
const sqlSessionWithin = `
SELECT k.offer_id, n.starts_at, n.places_left, n.bookable
FROM unnest(@providers::uuid[], @offers::uuid[]) AS k (provider_id, offer_id)
CROSS JOIN LATERAL (
    SELECT e.starts_at, c.capacity - c.taken AS places_left, true AS bookable
    FROM session e
    JOIN session_places c ON c.provider_id = e.provider_id AND c.session_id = e.id
    JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.offer_id
    WHERE e.provider_id = k.provider_id AND e.offer_id = k.offer_id AND e.state = 'scheduled'
        AND e.starts_at > @from AND e.starts_at < @until AND c.capacity - c.taken >= @places::int
        AND can_book(e.starts_at, @as_of, o.notice_minutes, o.horizon_days)
        AND (@earliest::text = '' OR substr(e.local_start, 12) >= @earliest)
        AND (@latest::text = '' OR e.ends_at <= ((left(e.local_start, 10) || ' ' || @latest)::timestamp AT TIME ZONE e.time_zone))
        AND (cardinality(@weekdays::int[]) = 0 OR extract(isodow FROM left(e.local_start, 10)::date)::int = ANY (@weekdays))
    ORDER BY e.starts_at LIMIT 1) n`

// sqlVisitRules are the hours of support by the hour, each looked up by key
// however many are asked for.
const sqlVisitRules = `
SELECT k.offer_id, o.visits::text, o.notice_minutes, o.horizon_days
FROM unnest($1::uuid[], $2::uuid[]) AS k (provider_id, offer_id)
CROSS JOIN LATERAL (SELECT visits, notice_minutes, horizon_days FROM offer WHERE provider_id = k.provider_id AND id = k.offer_id OFFSET 0) o`

// nextSessions fills in the sessions that suit.
func (f filter) nextSessions(ctx context.Context, tx *db.Tx, keys []offerKey, into map[uuid.UUID]*hit) error {
	if len(keys) == 0 {
		return nil
	}
	sql := sqlNextSession
	if f.timed() {
		sql = sqlSessionWithin
	}
	rows, err := tx.PGX.Query(ctx, sql, f.sessionArgs(keys))
	if err != nil {
		return fmt.Errorf("looking up sessions: %w", err)
	}
	var id uuid.UUID
	var start time.Time
	var left int
	var bookable bool
	_, err = pgx.ForEachRow(rows, []any{&id, &start, &left, &bookable}, func() error {
		h, at, n := into[id], start, left
		h.next = start
		if bookable {
			h.start, h.left = &at, &n
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking up sessions: %w", err)
	}
	return nil
}

// openHours are an offer's hours, with its notice and horizon.
type openHours struct {
	VisitRules
	window Offer
}

func readVisitRules(ctx context.Context, tx *db.Tx, keys []offerKey) (map[uuid.UUID]openHours, error) {
	providers, offers := keyColumns(keys)
	rows, err := tx.PGX.Query(ctx, sqlVisitRules, providers, offers)
	if err != nil {
		return nil, fmt.Errorf("looking up visits: %w", err)
	}
	all, hours := make(map[uuid.UUID]openHours, len(keys)), hoursRead{}
	var id uuid.UUID
	var text *string
	var notice int
	var horizon *int
	_, err = pgx.ForEachRow(rows, []any{&id, &text, &notice, &horizon}, func() error {
		rules, err := hours.of(text)
		if rules != nil {
			all[id] = openHours{*rules, Offer{NoticeMinutes: notice, HorizonDays: horizon}}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking up visits: %w", err)
	}
	return all, nil
}

// sessionArgs are the values of sqlNextSession and sqlSessionWithin.
func (f filter) sessionArgs(keys []offerKey) pgx.NamedArgs {
	providers, offers := keyColumns(keys)
	s, days := f.window.between(f.asOf), f.window.Weekdays
	if days == nil {
		days = []int{}
	}
	after := s.from.Add(-time.Microsecond)
	if s.from.Equal(f.asOf) {
		after = f.asOf // what starts this moment has started
	}
	return pgx.NamedArgs{
		"providers": providers, "offers": offers, "as_of": f.asOf, "from": after, "until": s.to, "places": f.window.places(),
		"earliest": f.window.Earliest, "latest": f.window.Latest, "weekdays": days,
	}
}

// nextVisits fills in when somebody can come: whenever the offer opens or, in
// a window, as soon as a lane is free for the shortest visit.
func (f filter) nextVisits(ctx context.Context, tx *db.Tx, keys []offerKey, into map[uuid.UUID]*hit) error {
	if len(keys) == 0 {
		return nil
	}
	visits, err := readVisitRules(ctx, tx, keys)
	if err != nil {
		return err
	}
	if !f.timed() {
		for id, r := range visits {
			opens := r.nextOpening(r.window, f.asOf)
			into[id].next = opens
			if r.window.CanBook(opens, f.asOf) {
				into[id].start = &opens
			}
		}
		return nil
	}
	within := f.window.between(f.asOf)
	hulls := make([]LaneWish, 0, len(keys))
	for _, k := range keys {
		hulls = append(hulls, LaneWish{Provider: k.Provider, Offer: k.Offer, From: within.from.AddDate(0, 0, -1), To: within.to.AddDate(0, 0, 1)})
	}
	lanes, err := readLanes(ctx, tx, hulls)
	if err != nil {
		return err
	}
	starts := map[string][]time.Time{} // many offers have the same hours
	for _, k := range keys {
		r := visits[k.Offer]
		hours := fmt.Sprint(dayBits(r.Days), r.From, r.To, r.MinimumMinutes, r.window.NoticeMinutes)
		if starts[hours] == nil {
			starts[hours] = r.tries(f.window, f.asOf, r.window)
		}
		for _, at := range starts[hours] {
			if r.window.CanBook(at, f.asOf) && lanes.anyFree(r.wish(k, at), f.window.places()) {
				into[k.Offer].start = &at
				break
			}
		}
	}
	return nil
}

// wish is for the shortest visit at a time, buffers and all.
func (r VisitRules) wish(k offerKey, at time.Time) LaneWish {
	length := time.Duration(r.MinimumMinutes) * time.Minute
	return LaneWish{Provider: k.Provider, Offer: k.Offer, From: at.Add(-r.before()), To: at.Add(length + r.after())}
}

// The most dates of a window a visit is tried on, and how far apart on one.
const (
	mostTried  = 14
	triedEvery = 30 * time.Minute
)

// tries are the times the shortest visit could be had in a window, in order,
// with the notice the offer asks for.
func (r VisitRules) tries(w Window, now time.Time, o Offer) []time.Time {
	within, starts := w.between(now), []time.Time{}
	if soonest := o.cutoff(now); soonest.After(within.from) {
		within.from = soonest
	}
	length := time.Duration(r.MinimumMinutes) * time.Minute
	dates := 0
	for on := shortbreaks.Date(within.from); dates < mostTried && shortbreaks.At(on, 0).Before(within.to); on = on.AddDate(0, 0, 1) {
		if !containsDay(r.Days, on) || (len(w.Weekdays) > 0 && !containsDay(w.Weekdays, on)) {
			continue
		}
		dates++
		open := r.openOn(on, w)
		for at := open.from; !at.Add(length).After(open.to); at = at.Add(triedEvery) {
			if at.After(now) && !at.Before(within.from) && at.Before(within.to) {
				starts = append(starts, at.UTC())
			}
		}
	}
	return starts
}

// openOn is when visits can be had on a date within a window's time of day.
func (r VisitRules) openOn(on time.Time, w Window) span {
	open := span{shortbreaks.At(on, clockMinutes(r.From)), shortbreaks.At(on, clockMinutes(r.To))}
	if r.To <= r.From {
		open.to = shortbreaks.At(on.AddDate(0, 0, 1), clockMinutes(r.To))
	}
	if e := shortbreaks.At(on, clockMinutes(w.Earliest)); w.Earliest != "" && e.After(open.from) {
		open.from = e
	}
	if l := shortbreaks.At(on, clockMinutes(w.Latest)); w.Latest != "" && l.Before(open.to) {
		open.to = l
	}
	return open
}

func containsDay(days []int, on time.Time) bool {
	for _, d := range days {
		if d == shortbreaks.ISOWeekday(on) {
			return true
		}
	}
	return false
}
