package budgets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Period is when money counts: a financial year, or a year of a family's own
// (R116). Both days are included.
type Period struct {
	AuthorityID uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	Name        string
	StartsOn    time.Time
	EndsOn      time.Time
}

// TableName is for GORM.
func (Period) TableName() string { return "period" }

// CreatePeriod gives the authority's period of these days, making it if there
// is none; one that is there keeps its name.
func CreatePeriod(ctx context.Context, tx *db.Tx, p Period) (*Period, error) {
	if p.ID == uuid.Nil {
		p.ID = shortbreaks.NewID()
	}
	days := clause.OnConflict{Columns: []clause.Column{{Name: "authority_id"}, {Name: "starts_on"}, {Name: "ends_on"}}, DoNothing: true}
	if err := gorm.G[Period](tx.DB, days).Create(ctx, &p); err != nil {
		return nil, fmt.Errorf("create period: %w", err)
	}
	stored, err := gorm.G[Period](tx.DB).Where("authority_id = ? AND starts_on = ? AND ends_on = ?", p.AuthorityID, p.StartsOn, p.EndsOn).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("create period: %w", err)
	}
	return &stored, nil
}

// loadPeriod is a period of an authority; nil if it has none of that id.
func loadPeriod(ctx context.Context, tx *db.Tx, authority, id uuid.UUID) (*Period, error) {
	p, err := gorm.G[Period](tx.DB).Where("authority_id = ? AND id = ?", authority, id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load period: %w", err)
	}
	return &p, nil
}

// covers reports whether a London date falls in the period.
func (p Period) covers(on time.Time) bool { return !on.Before(p.StartsOn) && !on.After(p.EndsOn) }
