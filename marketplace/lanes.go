package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// LaneWish asks for a lane of an offer by the hour: a named one, or any. From
// and To hold the buffers already; they block the worker, not the bill (T42).
type LaneWish struct {
	Provider, Offer uuid.UUID
	Lane            *uuid.UUID
	From, To        time.Time

	Only map[uuid.UUID]bool // the lanes that will do; nil: any
}

// LaneClaim is a lane kept for a booking item, buffers included.
type LaneClaim struct {
	Provider, Lane, Item uuid.UUID
	From, To             time.Time
}

// LaneBoard knows which lanes serve which offers and when each is taken, as
// read under the lanes' locks, and remembers what it has given away since.
type LaneBoard struct {
	lanes map[laneOffer][]uuid.UUID
	busy  map[laneKey][]span
	shut  map[laneOffer][]span // closures; nobody is picked then
	picks []laneKey            // in the order given, so that they can be taken back
}

type (
	laneOffer struct{ provider, offer uuid.UUID }
	laneKey   struct{ provider, lane uuid.UUID }
	span      struct{ from, to time.Time } // half open: one visit may start as another ends
)

const (
	sqlLanes = `
SELECT l.provider_id, l.id
FROM lane l
WHERE (l.provider_id, l.id) IN (
    SELECT ol.provider_id, ol.lane_id FROM offer_lane ol
    JOIN unnest($1::uuid[], $2::uuid[]) AS w (provider_id, offer_id) USING (provider_id, offer_id))
ORDER BY l.provider_id, l.id`

	sqlOfferLanes = `
SELECT DISTINCT ol.provider_id, ol.offer_id, ol.lane_id
FROM offer_lane ol
JOIN unnest($1::uuid[], $2::uuid[]) AS w (provider_id, offer_id) USING (provider_id, offer_id)
ORDER BY ol.provider_id, ol.offer_id, ol.lane_id`

	// Each offer, and each lane, is looked up by key: OFFSET 0 keeps the
	// planner from reading all there are when many are asked for.
	sqlLanesShown = `
SELECT w.provider_id, w.offer_id, l.lane_id
FROM unnest($1::uuid[], $2::uuid[]) AS w (provider_id, offer_id)
CROSS JOIN LATERAL (
    SELECT ol.lane_id FROM offer_lane ol WHERE ol.provider_id = w.provider_id AND ol.offer_id = w.offer_id ORDER BY ol.lane_id OFFSET 0) l`

	sqlClaimsShown = `
WITH l AS MATERIALIZED (
    SELECT DISTINCT w.provider_id, ol.lane_id
    FROM unnest($1::uuid[], $2::uuid[]) AS w (provider_id, offer_id)
    CROSS JOIN LATERAL (SELECT lane_id FROM offer_lane WHERE provider_id = w.provider_id AND offer_id = w.offer_id OFFSET 0) ol)
SELECT l.provider_id, l.lane_id, lower(c.during), upper(c.during)
FROM l
CROSS JOIN LATERAL (
    SELECT c.during FROM lane_claim c
    WHERE c.provider_id = l.provider_id AND c.lane_id = l.lane_id AND c.during && tstzrange($3, $4) OFFSET 0) c
UNION ALL
SELECT l.provider_id, l.lane_id, lower(b.during), upper(b.during)
FROM l
CROSS JOIN LATERAL (
    SELECT b.during FROM lane_busy b
    WHERE b.provider_id = l.provider_id AND b.lane_id = l.lane_id AND b.during && tstzrange($3, $4) OFFSET 0) b`

	sqlOverlappingClaims = `
SELECT c.provider_id, c.lane_id, lower(c.during), upper(c.during)
FROM lane_claim c
JOIN unnest($1::uuid[], $2::uuid[]) AS l (provider_id, lane_id) USING (provider_id, lane_id)
WHERE c.during && tstzrange($3, $4)
UNION ALL
SELECT b.provider_id, b.lane_id, lower(b.during), upper(b.during)
FROM lane_busy b
JOIN unnest($1::uuid[], $2::uuid[]) AS l (provider_id, lane_id) USING (provider_id, lane_id)
WHERE b.during && tstzrange($3, $4)`

	sqlClosuresOfOffers = `
SELECT DISTINCT o.provider_id, o.id, c.starts_on, c.ends_on
FROM offer o
JOIN unnest($1::uuid[], $2::uuid[]) AS w (provider_id, id) USING (provider_id, id)
JOIN closure c ON c.provider_id = o.provider_id AND (c.setting_id IS NULL OR c.setting_id = o.setting_id)
WHERE c.starts_on <= $4 AND c.ends_on >= $3`

	sqlClaimLanes = `
INSERT INTO lane_claim (provider_id, id, lane_id, item_id, during)
SELECT provider_id, id, lane_id, item_id, tstzrange(from_at, to_at)
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
    AS c (provider_id, id, lane_id, item_id, from_at, to_at)`

	sqlReleaseLanes = `DELETE FROM lane_claim WHERE provider_id = $1 AND item_id = ANY ($2)`
)

var claimLanes = db.NewExact("claiming lanes", sqlClaimLanes, 6)

// LockLanes locks every lane of the offers wished for, in the order of
// provider and lane, and only then reads the claims that overlap: a claim made
// by whoever held a lock before is seen.
func LockLanes(ctx context.Context, tx *db.Tx, wishes []LaneWish) (*LaneBoard, error) {
	b, keys, hull := newBoard(wishes)
	if len(wishes) == 0 {
		return b, nil
	}
	providers, offers := keyColumns(keys)
	locked, err := b.lanesOf(ctx, tx, sqlLanes+"\nFOR UPDATE OF l", providers, offers)
	if err != nil {
		return nil, fmt.Errorf("reading the lanes of %d wishes: %w", len(wishes), err)
	}
	if err := b.readOffers(ctx, tx, providers, offers, locked); err != nil {
		return nil, fmt.Errorf("reading which lanes serve which offers: %w", err)
	}
	if err := b.readClaims(ctx, tx, sqlOverlappingClaims, locked, hull); err != nil {
		return nil, fmt.Errorf("reading the claims on %d lanes: %w", len(locked), err)
	}
	if err := b.readClosures(ctx, tx, providers, offers, hull); err != nil {
		return nil, fmt.Errorf("reading the closures of %d offers: %w", len(offers), err)
	}
	return b, nil
}

// readLanes reads the same board without locks, to show what may be free.
func readLanes(ctx context.Context, tx *db.Tx, wishes []LaneWish) (*LaneBoard, error) {
	if len(wishes) == 0 {
		b, _, _ := newBoard(wishes)
		return b, nil
	}
	var batch pgx.Batch
	b := queueLanes(&batch, wishes)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("reading lanes for %d wishes: %w", len(wishes), err)
	}
	return b, nil
}

// queueLanes adds what fills the board to a batch, all of it by the offers'
// keys, so that it takes no round trip of its own.
func queueLanes(batch *pgx.Batch, wishes []LaneWish) *LaneBoard {
	b, keys, hull := newBoard(wishes)
	providers, offers := keyColumns(keys)
	batch.Queue(sqlLanesShown, providers, offers).Query(func(rows pgx.Rows) error {
		var o laneOffer
		var lane uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&o.provider, &o.offer, &lane}, func() error {
			b.lanes[o] = append(b.lanes[o], lane)
			return nil
		})
		return err
	})
	batch.Queue(sqlClaimsShown, providers, offers, hull.from, hull.to).Query(b.scanClaims)
	batch.Queue(sqlClosuresOfOffers, providers, offers, shortbreaks.Date(hull.from), shortbreaks.Date(hull.to)).Query(b.scanClosures)
	return b
}

// newBoard is an empty board, with the offers wished for, each once, and the
// time all wishes lie in.
func newBoard(wishes []LaneWish) (b *LaneBoard, keys []offerKey, hull span) {
	b = &LaneBoard{lanes: map[laneOffer][]uuid.UUID{}, busy: map[laneKey][]span{}, shut: map[laneOffer][]span{}}
	asked := map[offerKey]bool{}
	for i, w := range wishes {
		if k := (offerKey{w.Provider, w.Offer}); !asked[k] {
			asked[k] = true
			keys = append(keys, k)
		}
		if i == 0 || w.From.Before(hull.from) {
			hull.from = w.From
		}
		if w.To.After(hull.to) {
			hull.to = w.To
		}
	}
	return b, keys, hull
}

func (b *LaneBoard) lanesOf(ctx context.Context, tx *db.Tx, sql string, providers, offers [][16]byte) ([]laneKey, error) {
	rows, err := tx.PGX.Query(ctx, sql, providers, offers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []laneKey
	for rows.Next() {
		var k laneKey
		if err := rows.Scan(&k.provider, &k.lane); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

func (b *LaneBoard) readOffers(ctx context.Context, tx *db.Tx, providers, offers [][16]byte, locked []laneKey) error {
	held := make(map[laneKey]bool, len(locked))
	for _, k := range locked {
		held[k] = true
	}
	rows, err := tx.PGX.Query(ctx, sqlOfferLanes, providers, offers)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o laneOffer
		var lane uuid.UUID
		if err := rows.Scan(&o.provider, &o.offer, &lane); err != nil {
			return err
		}
		if held[laneKey{o.provider, lane}] { // a lane that joined the offer since is not ours to give
			b.lanes[o] = append(b.lanes[o], lane)
		}
	}
	return rows.Err()
}

func (b *LaneBoard) readClaims(ctx context.Context, tx *db.Tx, sql string, locked []laneKey, hull span) error {
	var providers, lanes [][16]byte
	for _, k := range locked {
		providers, lanes = append(providers, k.provider), append(lanes, k.lane)
	}
	rows, err := tx.PGX.Query(ctx, sql, providers, lanes, hull.from, hull.to)
	if err != nil {
		return err
	}
	return b.scanClaims(rows)
}

func (b *LaneBoard) scanClaims(rows pgx.Rows) error {
	var k laneKey
	var s span
	_, err := pgx.ForEachRow(rows, []any{&k.provider, &k.lane, &s.from, &s.to}, func() error {
		b.busy[k] = append(b.busy[k], s)
		return nil
	})
	return err
}

func (b *LaneBoard) readClosures(ctx context.Context, tx *db.Tx, providers, offers [][16]byte, hull span) error {
	rows, err := tx.PGX.Query(ctx, sqlClosuresOfOffers, providers, offers, shortbreaks.Date(hull.from), shortbreaks.Date(hull.to))
	if err != nil {
		return err
	}
	return b.scanClosures(rows)
}

func (b *LaneBoard) scanClosures(rows pgx.Rows) error {
	var o laneOffer
	var c Closure
	_, err := pgx.ForEachRow(rows, []any{&o.provider, &o.offer, &c.StartsOn, &c.EndsOn}, func() error {
		b.shut[o] = append(b.shut[o], span{c.from(), c.to()})
		return nil
	})
	return err
}

// Pick gives the first free lane of the offer (the named one, if one is named)
// and remembers it as taken. False means that none is free.
func (b *LaneBoard) Pick(w LaneWish) (uuid.UUID, bool) {
	if overlaps(b.shut[laneOffer{w.Provider, w.Offer}], w.From, w.To) {
		return uuid.Nil, false
	}
	for _, lane := range b.lanes[laneOffer{w.Provider, w.Offer}] {
		if w.Lane != nil && *w.Lane != lane || w.Only != nil && !w.Only[lane] {
			continue
		}
		key := laneKey{w.Provider, lane}
		if !overlaps(b.busy[key], w.From, w.To) {
			b.busy[key] = append(b.busy[key], span{w.From, w.To})
			b.picks = append(b.picks, key)
			return lane, true
		}
	}
	return uuid.Nil, false
}

// Mark remembers where an order's picks begin, for Undo.
func (b *LaneBoard) Mark() int { return len(b.picks) }

// Undo takes back every pick since the mark: an order that fails leaves its
// lanes to the next.
func (b *LaneBoard) Undo(mark int) {
	for i := len(b.picks) - 1; i >= mark; i-- {
		key := b.picks[i]
		b.busy[key] = b.busy[key][:len(b.busy[key])-1]
	}
	b.picks = b.picks[:mark]
}

// anyFree reports whether so many lanes of the offer are free for a wish; it
// gives none away.
func (b *LaneBoard) anyFree(w LaneWish, n int) bool {
	if overlaps(b.shut[laneOffer{w.Provider, w.Offer}], w.From, w.To) {
		return false
	}
	for _, lane := range b.lanes[laneOffer{w.Provider, w.Offer}] {
		if !overlaps(b.busy[laneKey{w.Provider, lane}], w.From, w.To) {
			n--
		}
	}
	return n <= 0
}

func overlaps(spans []span, from, to time.Time) bool {
	for _, s := range spans {
		if from.Before(s.to) && s.from.Before(to) {
			return true
		}
	}
	return false
}

// QueueClaimLanes puts into a batch what writes what was picked. The schema
// refuses a lane used twice at once whatever was picked, and TakenLane knows
// that refusal; after it the transaction is lost.
func QueueClaimLanes(batch *pgx.Batch, claims []LaneClaim) {
	if len(claims) == 0 {
		return
	}
	var providers, ids, lanes, items []uuid.UUID
	var from, to []time.Time
	for _, c := range claims {
		providers, ids = append(providers, c.Provider), append(ids, shortbreaks.NewID())
		lanes, items = append(lanes, c.Lane), append(items, c.Item)
		from, to = append(from, c.From), append(to, c.To)
	}
	claimLanes.Queue(batch, len(claims), providers, ids, lanes, items, from, to)
}

// TakenLane reports whether err is the schema refusing a lane that is used, or
// whose worker is busy, at that time.
func TakenLane(err error) bool {
	name := db.ConstraintName(err)
	return name == "lane_never_used_twice" || name == "lane_never_used_when_busy"
}

// ReleaseLanes gives back the lanes of these items of one provider. Each item
// is a visit and holds one claim; one that holds none is an error.
func ReleaseLanes(ctx context.Context, tx *db.Tx, provider uuid.UUID, items []uuid.UUID) error {
	if len(items) == 0 {
		return nil
	}
	done, err := tx.PGX.Exec(ctx, sqlReleaseLanes, provider, items)
	if err != nil {
		return fmt.Errorf("releasing %d lanes: %w", len(items), err)
	}
	if done.RowsAffected() != int64(len(items)) {
		return fmt.Errorf("releasing %d lanes: %d were held", len(items), done.RowsAffected())
	}
	return nil
}

// checkLanes refuses lanes that are not the provider's own.
func (d OfferDraft) checkLanes(ctx context.Context, tx *db.Tx, provider uuid.UUID) error {
	if d.Visits == nil {
		return nil
	}
	var f shortbreaks.Faults
	for i, l := range d.Visits.Lanes {
		if l.ID == nil {
			continue
		}
		var known bool
		if err := tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM lane WHERE provider_id = $1 AND id = $2)`, provider, *l.ID).Scan(&known); err != nil {
			return fmt.Errorf("looking for a lane: %w", err)
		}
		f.Unless(known, fmt.Sprintf("/visits/lanes/%d/lane_id", i), "You have no such lane.")
	}
	return f.As(shortbreaks.ErrInvalid)
}
