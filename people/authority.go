package people

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Authority is a council: the tenant whose money, plans and children these are.
type Authority struct {
	ID        uuid.UUID `gorm:"primaryKey"`
	Name      string
	Slug      string
	Area      string // what people call the place
	CreatedAt time.Time
}

// TableName is the table's.
func (Authority) TableName() string { return "authority" }

// CreateAuthority adds a council. Every other row of its own comes after.
func CreateAuthority(ctx context.Context, tx *db.Tx, a Authority) (*Authority, error) {
	if a.ID == uuid.Nil {
		a.ID = shortbreaks.NewID()
	}
	if a.CreatedAt.IsZero() {
		a.CreatedAt = tx.Now
	}
	if err := gorm.G[Authority](tx.DB).Create(ctx, &a); err != nil {
		return nil, fmt.Errorf("create authority: %w", err)
	}
	return &a, nil
}
