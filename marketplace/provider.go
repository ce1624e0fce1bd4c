package marketplace

import (
	"context"
	"fmt"

	"github.com/google/uuid"
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
