package marketplace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// WorkerFacts is what a provider says of somebody who gives support. Only the
// provider reads it.
type WorkerFacts struct {
	Name      string
	Skills    []string
	Languages []string
	LaneIDs   []uuid.UUID // the lanes of support by the hour that are this worker
	LeftOn    *time.Time  // the last day; nil: still here
}

// WorkerDetail is a worker with its lanes.
type WorkerDetail struct {
	Worker
	LaneIDs []uuid.UUID
}

// ListWorkers lists a provider's workers, those who left too, and whether
// there are more.
func ListWorkers(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, after uuid.UUID, limit int) (list []WorkerDetail, more bool, err error) {
	if err := reach(who, provider, shortbreaks.ProviderOwner, shortbreaks.Coordinator); err != nil {
		return nil, false, err
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		workers, err := gorm.G[Worker](tx.DB).Where("provider_id = ? AND id > ?", provider, after).Order("id").Limit(limit + 1).Find(ctx)
		if err != nil {
			return fmt.Errorf("listing the workers of provider %s: %w", provider, err)
		}
		workers, more = paged(workers, limit)
		list, err = withLanes(ctx, tx, provider, workers)
		return err
	})
	return list, more, err
}

// CreateWorker adds a worker to a provider.
func CreateWorker(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, facts WorkerFacts) (*WorkerDetail, error) {
	return writeWorker(ctx, d, who, provider, func(tx *db.Tx) (*WorkerDetail, error) { return Engage(ctx, tx, provider, facts) })
}

// Engage adds a worker to a provider of the scope.
func Engage(ctx context.Context, tx *db.Tx, provider uuid.UUID, facts WorkerFacts) (*WorkerDetail, error) {
	return facts.write(ctx, tx, Worker{ProviderID: provider, ID: shortbreaks.NewID()}, func(w Worker) error {
		if err := gorm.G[Worker](tx.DB).Create(ctx, &w); err != nil {
			return fmt.Errorf("adding a worker to provider %s: %w", provider, err)
		}
		return nil
	})
}

const sqlUpdateWorker = `UPDATE worker SET display_name = $3, skills = $4, languages = $5, left_on = $6 WHERE provider_id = $1 AND id = $2`

// UpdateWorker replaces what a provider says of a worker. The credentials of
// one who leaves count to the last day.
func UpdateWorker(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, id uuid.UUID, facts WorkerFacts) (*WorkerDetail, error) {
	return writeWorker(ctx, d, who, provider, func(tx *db.Tx) (*WorkerDetail, error) {
		return facts.write(ctx, tx, Worker{ProviderID: provider, ID: id}, func(w Worker) error {
			tag, err := tx.PGX.Exec(ctx, sqlUpdateWorker, provider, id, w.DisplayName, w.Skills, w.Languages, w.LeftOn)
			if err != nil {
				return fmt.Errorf("updating worker %s: %w", id, err)
			}
			if tag.RowsAffected() != 1 {
				return errNoWorker
			}
			return nil
		})
	})
}

var errNoWorker = shortbreaks.ErrNotFound.With("This provider has no such worker.")

func writeWorker(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, write func(*db.Tx) (*WorkerDetail, error)) (detail *WorkerDetail, err error) {
	if err := reach(who, provider, shortbreaks.ProviderOwner, shortbreaks.Coordinator); err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		detail, err = write(tx)
		return err
	})
	return detail, err
}

// write brings a worker to what the facts say, with lanes and what the
// provider's file then comes to.
func (w WorkerFacts) write(ctx context.Context, tx *db.Tx, row Worker, put func(Worker) error) (*WorkerDetail, error) {
	if err := w.check().As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	row.DisplayName, row.Skills, row.Languages, row.LeftOn = strings.TrimSpace(w.Name), tidyList(w.Skills), tidyList(w.Languages), w.LeftOn
	if err := lockProvider(ctx, tx, row.ProviderID); err != nil {
		return nil, err
	}
	if err := put(row); err != nil {
		return nil, err
	}
	if err := nameLanes(ctx, tx, row, w.LaneIDs); err != nil {
		return nil, err
	}
	if err := refreshCover(ctx, tx, row.ProviderID); err != nil {
		return nil, err
	}
	after, err := findWorker(ctx, tx, row.ProviderID, row.ID)
	if err != nil {
		return nil, err
	}
	all, err := withLanes(ctx, tx, row.ProviderID, []Worker{after})
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

func (w WorkerFacts) check() *shortbreaks.Faults {
	f := &shortbreaks.Faults{}
	f.Text("/name", w.Name, 1, 120)
	checkList(f, "/skills", w.Skills)
	checkList(f, "/languages", w.Languages)
	f.Unless(len(w.LaneIDs) <= 20, "/lane_ids", "Give at most 20 lanes.")
	return f
}

// nameLanes makes these lanes the worker's, and no other.
func nameLanes(ctx context.Context, tx *db.Tx, w Worker, lanes []uuid.UUID) error {
	if lanes == nil {
		lanes = []uuid.UUID{}
	}
	_, err := tx.PGX.Exec(ctx, `UPDATE lane SET worker_id = NULL WHERE provider_id = $1 AND worker_id = $2 AND id <> ALL ($3)`, w.ProviderID, w.ID, lanes)
	if err != nil {
		return fmt.Errorf("freeing the lanes of worker %s: %w", w.ID, err)
	}
	tag, err := tx.PGX.Exec(ctx, `UPDATE lane SET worker_id = $2 WHERE provider_id = $1 AND id = ANY ($3) AND (worker_id IS NULL OR worker_id = $2)`, w.ProviderID, w.ID, lanes)
	if err != nil {
		return fmt.Errorf("naming the lanes of worker %s: %w", w.ID, err)
	}
	if int(tag.RowsAffected()) != len(lanes) {
		words := "One of these lanes is not the provider's, is there twice, or is another worker's."
		return shortbreaks.ErrInvalid.With(words).At("/lane_ids", words)
	}
	return nil
}

// withLanes adds to workers which lanes they are.
func withLanes(ctx context.Context, tx *db.Tx, provider uuid.UUID, workers []Worker) ([]WorkerDetail, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT worker_id, id FROM lane WHERE provider_id = $1 AND worker_id IS NOT NULL ORDER BY label, id`, provider)
	if err != nil {
		return nil, fmt.Errorf("reading the lanes of provider %s: %w", provider, err)
	}
	pairs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Worker, Lane uuid.UUID }])
	if err != nil {
		return nil, fmt.Errorf("reading the lanes of provider %s: %w", provider, err)
	}
	list := make([]WorkerDetail, 0, len(workers))
	for _, w := range workers {
		detail := WorkerDetail{Worker: w}
		for _, p := range pairs {
			if p.Worker == w.ID {
				detail.LaneIDs = append(detail.LaneIDs, p.Lane)
			}
		}
		list = append(list, detail)
	}
	return list, nil
}

// findWorker reads a worker of a provider.
func findWorker(ctx context.Context, tx *db.Tx, provider, id uuid.UUID) (Worker, error) {
	w, err := gorm.G[Worker](tx.DB).Where("provider_id = ? AND id = ?", provider, id).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return Worker{}, errNoWorker
	}
	if err != nil {
		return Worker{}, fmt.Errorf("reading worker %s: %w", id, err)
	}
	return w, nil
}

// WorkersNamed are the names of a provider's workers by id.
func WorkersNamed(ctx context.Context, tx *db.Tx, provider uuid.UUID) (map[uuid.UUID]string, error) {
	workers, err := gorm.G[Worker](tx.DB).Where("provider_id = ?", provider).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the workers of provider %s: %w", provider, err)
	}
	names := make(map[uuid.UUID]string, len(workers))
	for _, w := range workers {
		names[w.ID] = w.DisplayName
	}
	return names, nil
}

// here reports whether a worker is on the staff on a date.
func (w Worker) here(on time.Time) bool { return w.LeftOn == nil || !w.LeftOn.Before(on) }

// hereOn counts the workers on the staff on a date.
func hereOn(workers []Worker, on time.Time) (n int) {
	for _, w := range workers {
		if w.here(on) {
			n++
		}
	}
	return n
}
