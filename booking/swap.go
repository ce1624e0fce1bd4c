package booking

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// WorkerChange is that somebody else comes to a visit than was booked.
type WorkerChange struct {
	ItemID    uuid.UUID
	FromLabel string // as the public knows the worker
	ToLabel   string
	Reason    string
	ChangedAt time.Time
}

// SwapWorker gives a visit to another worker of the same offer.
type SwapWorker struct {
	ItemID uuid.UUID
	LaneID uuid.UUID
	Reason string // for the family
}

// Swap gives a confirmed visit that has not begun to another worker, who is
// free then, buffers included, and signed off for what the child needs (T95).
// The family sees who came instead and why. Errors: forbidden, not-found,
// invalid, wrong-state, session-started, lane-taken, competency-missing.
func Swap(ctx context.Context, d *db.DB, who shortbreaks.Actor, s SwapWorker) (*Item, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	var it *Item
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) (err error) {
		if it, err = lockVisit(ctx, tx, who, s.ItemID); err != nil {
			return err
		}
		var f shortbreaks.Faults
		f.Text("/reason", s.Reason, 3, 500)
		f.Unless(s.LaneID != *it.LaneID, "/lane_id", "This worker is booked already.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		claim, err := claimOf(ctx, tx, it, s.LaneID)
		if err != nil {
			return err
		}
		if err := checkSwap(ctx, tx, it, claim); err != nil {
			return err
		}
		if err := s.write(ctx, tx, who, it, claim); err != nil {
			return err
		}
		return fill(ctx, tx, who, []*Item{it})
	})
	if err != nil {
		return nil, err
	}
	return it, nil
}

// lockVisit locks the visit, before any lane.
func lockVisit(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*Item, error) {
	items, err := selectItems(ctx, tx, `id = $1 FOR UPDATE`, id)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || !mayAct(who, items[0]) {
		return nil, shortbreaks.ErrNotFound
	}
	switch it := items[0]; {
	case it.LaneID == nil:
		return nil, ErrWrongState.With("It is a place in a session; no worker was booked for it.")
	case it.State != Confirmed:
		return nil, ErrWrongState.With("It is " + strings.ReplaceAll(string(it.State), "_", " ") + ". Only a confirmed visit is given to somebody else.")
	case !tx.Now.Before(it.StartsAt):
		return nil, marketplace.ErrSessionStarted.With("It began at " + it.LocalStart + ". Nothing was changed.")
	default:
		return it, nil
	}
}

// claimOf picks the new lane under the locks of all lanes of the offer, for
// the time the visit blocks its worker now.
func claimOf(ctx context.Context, tx *db.Tx, it *Item, lane uuid.UUID) (marketplace.LaneClaim, error) {
	wish := marketplace.LaneWish{Provider: it.ProviderID, Lane: &lane}
	err := tx.PGX.QueryRow(ctx, `SELECT b.offer_id, lower(c.during), upper(c.during) FROM booking b
		JOIN lane_claim c ON c.provider_id = b.provider_id AND c.item_id = $3 WHERE b.provider_id = $1 AND b.id = $2`,
		it.ProviderID, it.BookingID, it.ID).Scan(&wish.Offer, &wish.From, &wish.To)
	if err != nil {
		return marketplace.LaneClaim{}, fmt.Errorf("read the claim of a visit: %w", err)
	}
	var serves bool
	err = tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM offer_lane WHERE provider_id = $1 AND offer_id = $2 AND lane_id = $3)`,
		it.ProviderID, wish.Offer, lane).Scan(&serves)
	if err != nil {
		return marketplace.LaneClaim{}, fmt.Errorf("look for the new lane: %w", err)
	}
	if !serves {
		words := "Nobody of this name serves this offer."
		return marketplace.LaneClaim{}, shortbreaks.ErrInvalid.With(words).At("/lane_id", words)
	}
	lanes, err := marketplace.LockLanes(ctx, tx, []marketplace.LaneWish{wish})
	if err != nil {
		return marketplace.LaneClaim{}, err
	}
	if _, ok := lanes.Pick(wish); !ok {
		return marketplace.LaneClaim{}, marketplace.ErrLaneTaken.With("This worker is not free at " + it.LocalStart + ". Nothing was changed.")
	}
	return marketplace.LaneClaim{Provider: it.ProviderID, Lane: lane, Item: it.ID, From: wish.From, To: wish.To}, nil
}

// checkSwap holds the new worker against what the child needs, as far as its
// provider may know it.
func checkSwap(ctx context.Context, tx *db.Tx, it *Item, claim marketplace.LaneClaim) error {
	if it.ChildID == nil {
		return nil
	}
	var category string
	var worker *uuid.UUID
	err := tx.PGX.QueryRow(ctx, `SELECT o.category, l.worker_id FROM booking b JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
		JOIN lane l ON l.provider_id = b.provider_id AND l.id = $3 WHERE b.provider_id = $1 AND b.id = $2`, it.ProviderID, it.BookingID, claim.Lane).Scan(&category, &worker)
	if err != nil {
		return fmt.Errorf("read who takes over: %w", err)
	}
	needs, err := selectNeeds(ctx, tx, `authority_id = $1 AND child_id = $2 ORDER BY task, id`, it.AuthorityID, *it.ChildID)
	if err != nil || len(needs) == 0 {
		return err
	}
	var tasks []string
	for _, n := range needs {
		if n.matters(category, shortbreaks.Date(it.StartsAt)) {
			tasks = append(tasks, n.Task)
		}
	}
	if worker == nil {
		worker = &uuid.Nil // somebody nobody knows is signed off for nothing
	}
	rows, err := tx.PGX.Query(ctx, `SELECT `+signOffColumns+` FROM competency c WHERE c.provider_id = $1 AND c.child_id = $2 AND c.worker_id = $3 AND c.withdrawn_at IS NULL`,
		it.ProviderID, *it.ChildID, *worker)
	if err != nil {
		return fmt.Errorf("read sign-offs: %w", err)
	}
	var c crew
	if c.signed, err = pgx.CollectRows(rows, pgx.RowToStructByPos[signOff]); err != nil {
		return fmt.Errorf("read sign-offs: %w", err)
	}
	if lacks := c.lacking(childAt{*it.ChildID, it.ProviderID}, tasks, it.StartsAt, it.EndsAt, worker); len(lacks) > 0 {
		return ErrCompetencyMissing.With("This worker is not signed off for " + listed(lacks) + " for this child. Nothing was changed.")
	}
	return nil
}

// write moves the claim, the visit and its history together.
func (s SwapWorker) write(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, it *Item, claim marketplace.LaneClaim) error {
	if err := marketplace.ReleaseLanes(ctx, tx, it.ProviderID, []uuid.UUID{it.ID}); err != nil {
		return err
	}
	var batch pgx.Batch
	marketplace.QueueClaimLanes(&batch, []marketplace.LaneClaim{claim})
	batch.Queue(`UPDATE booking_item SET lane_id = $3 WHERE authority_id = $1 AND id = $2`, it.AuthorityID, it.ID, claim.Lane)
	batch.Queue(`INSERT INTO worker_change (authority_id, id, item_id, provider_id, from_lane, to_lane, reason, changed_by, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, it.AuthorityID, shortbreaks.NewID(), it.ID, it.ProviderID, *it.LaneID, claim.Lane,
		strings.TrimSpace(s.Reason), who.Person, tx.Now)
	if err := send(ctx, tx, &batch); err != nil {
		return err
	}
	it.LaneID = &claim.Lane
	return nil
}

// workerChangesOf reads who came instead of whom, by item, the oldest first.
func queueWorkerChangesOf(batch *pgx.Batch, items []*Item) map[uuid.UUID][]WorkerChange {
	by := map[uuid.UUID][]WorkerChange{}
	var authorities, ids []uuid.UUID
	for _, it := range items {
		if it.LaneID != nil {
			authorities, ids = append(authorities, it.AuthorityID), append(ids, it.ID)
		}
	}
	if len(ids) == 0 {
		return by
	}
	batch.Queue(`SELECT c.item_id, coalesce(f.label, '') AS from_label, coalesce(t.label, '') AS to_label, c.reason, c.changed_at
		FROM unnest($1::uuid[], $2::uuid[]) w (authority_id, item_id) JOIN worker_change c USING (authority_id, item_id)
		LEFT JOIN lane f ON f.provider_id = c.provider_id AND f.id = c.from_lane LEFT JOIN lane t ON t.provider_id = c.provider_id AND t.id = c.to_lane
		ORDER BY c.changed_at, c.id`, authorities, ids).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, pgx.RowToStructByName[WorkerChange])
		for _, c := range found {
			by[c.ItemID] = append(by[c.ItemID], c)
		}
		return err
	})
	return by
}
