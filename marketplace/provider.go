package marketplace

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// CreateProvider adds a provider; its id must be in the scope.
func CreateProvider(ctx context.Context, tx *db.Tx, p Provider) (*Provider, error) {
	if p.ID == uuid.Nil {
		p.ID = shortbreaks.NewID()
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = tx.Now
	}
	if p.Kind == "" {
		p.Kind = ProviderKinds[0]
	}
	p.Languages = tidyList(p.Languages)
	if err := gorm.G[Provider](tx.DB).Create(ctx, &p); err != nil {
		return nil, fmt.Errorf("create provider: %w", err)
	}
	return &p, nil
}

// ProvidersNamed are the providers of exactly this name.
func ProvidersNamed(ctx context.Context, tx *db.Tx, name string) ([]Provider, error) {
	found, err := gorm.G[Provider](tx.DB).Where("name = ?", name).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("find provider: %w", err)
	}
	return found, nil
}

// ProvidersAfter lists providers' ids in order, for work done on all of them a
// part at a time.
func ProvidersAfter(ctx context.Context, d *db.DB, after uuid.UUID, limit int) (ids []uuid.UUID, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT id FROM provider WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing providers: %w", err)
	}
	return ids, nil
}
