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
)

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
	if err := f.lookUp(ctx, tx, sessions, visits, byOffer); err != nil {
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

// lookUp fills in when each offer can be had, in one round trip for all.
func (f filter) lookUp(ctx context.Context, tx *db.Tx, sessions, visits []offerKey, into map[uuid.UUID]*hit) error {
	var batch pgx.Batch
	if len(sessions) > 0 {
		f.queueSessions(&batch, sessions, into)
	}
	hours, board := map[uuid.UUID]openHours{}, &LaneBoard{}
	if len(visits) > 0 {
		queueVisitRules(&batch, visits, hours)
		wishes := promised(visits, into)
		if f.timed() {
			wishes = f.hulls(visits)
		}
		board = queueLanes(&batch, wishes)
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("looking up %d offers: %w", len(into), err)
	}
	if !f.timed() {
		return f.fillBehind(ctx, tx, f.fillNext(visits, hours, board, into), hours, into)
	}
	f.fillVisits(visits, hours, board, into)
	return nil
}

// queueSessions fills in the sessions that suit.
func (f filter) queueSessions(batch *pgx.Batch, keys []offerKey, into map[uuid.UUID]*hit) {
	sql := sqlNextSession
	if f.timed() {
		sql = sqlSessionWithin
	}
	batch.Queue(sql, f.sessionArgs(keys)).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var start time.Time
		var left int
		var bookable bool
		_, err := pgx.ForEachRow(rows, []any{&id, &start, &left, &bookable}, func() error {
			h, at, n := into[id], start, left
			h.next = start
			if bookable {
				h.start, h.left = &at, &n
			}
			return nil
		})
		return err
	})
}

// openHours are an offer's hours, with its notice and horizon.
type openHours struct {
	VisitRules
	window Offer
}

func queueVisitRules(batch *pgx.Batch, keys []offerKey, into map[uuid.UUID]openHours) {
	providers, offers := keyColumns(keys)
	batch.Queue(sqlVisitRules, providers, offers).Query(func(rows pgx.Rows) error {
		read := hoursRead{}
		var id uuid.UUID
		var text *string
		var notice int
		var horizon *int
		_, err := pgx.ForEachRow(rows, []any{&id, &text, &notice, &horizon}, func() error {
			rules, err := read.of(text)
			if rules != nil {
				into[id] = openHours{*rules, Offer{NoticeMinutes: notice, HorizonDays: horizon}}
			}
			return err
		})
		return err
	})
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

// hulls are wishes for all the time a window may be about, of each offer.
func (f filter) hulls(keys []offerKey) []LaneWish {
	within := f.window.between(f.asOf)
	hulls := make([]LaneWish, 0, len(keys))
	for _, k := range keys {
		hulls = append(hulls, LaneWish{Provider: k.Provider, Offer: k.Offer, From: within.from.AddDate(0, 0, -1), To: within.to.AddDate(0, 0, 1)})
	}
	return hulls
}

// fillVisits fills in when somebody can come in a window: as soon as a lane is
// free for the shortest visit.
func (f filter) fillVisits(keys []offerKey, visits map[uuid.UUID]openHours, lanes *LaneBoard, into map[uuid.UUID]*hit) {
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
	return r.triesOn(w, now, o, mostTried)
}

// triesOn are those on so many dates.
func (r VisitRules) triesOn(w Window, now time.Time, o Offer, most int) []time.Time {
	within, starts := w.between(now), []time.Time{}
	if soonest := o.cutoff(now); soonest.After(within.from) {
		within.from = soonest
	}
	length := time.Duration(r.MinimumMinutes) * time.Minute
	dates := 0
	for on := shortbreaks.Date(within.from); dates < most && shortbreaks.At(on, 0).Before(within.to); on = on.AddDate(0, 0, 1) {
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
