package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks/internal/db"
)

// WorkersOn are a provider's workers who are on its staff on a London date, by
// name and id.
func WorkersOn(ctx context.Context, tx *db.Tx, provider uuid.UUID, on time.Time) ([]Worker, error) {
	workers, err := gorm.G[Worker](tx.DB).Where("provider_id = ? AND (left_on IS NULL OR left_on >= ?)", provider, on).Order("display_name, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the workers of provider %s: %w", provider, err)
	}
	return workers, nil
}
