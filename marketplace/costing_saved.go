package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// SavedWorksheet is a worksheet its provider kept; nobody else sees it.
type SavedWorksheet struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"`
	Name       string
	Sheet      Worksheet `gorm:"serializer:json"`
	CreatedAt  time.Time
	CreatedBy  uuid.UUID
}

// TableName is the table's.
func (SavedWorksheet) TableName() string { return "cost_worksheet" }

// NewCosting is a worksheet to be worked out, and kept if it has a name.
type NewCosting struct {
	Sheet      Worksheet
	SaveAs     string     // "": nothing is kept
	ProviderID *uuid.UUID // whose it is to be; nil: the one the actor acts for
}

// CostOffer works a worksheet out and keeps it only if asked; saved is nil if
// not. Errors: forbidden, not-found, invalid.
func CostOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, n NewCosting) (c *Costed, saved *SavedWorksheet, err error) {
	if !who.Is(editors...) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	if c, err = Cost(n.Sheet); err != nil || n.SaveAs == "" {
		return c, nil, err
	}
	var f shortbreaks.Faults
	f.Text("/save_as", n.SaveAs, 1, 120)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, nil, err
	}
	provider, err := chosenProvider(who, n.ProviderID)
	if err != nil {
		return nil, nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		saved = &SavedWorksheet{
			ProviderID: provider, ID: shortbreaks.NewID(), Name: n.SaveAs, Sheet: n.Sheet, CreatedAt: tx.Now, CreatedBy: who.Person,
		}
		if err := gorm.G[SavedWorksheet](tx.DB).Create(ctx, saved); err != nil {
			return fmt.Errorf("keeping a worksheet: %w", err)
		}
		return nil
	})
	return c, saved, err
}

// Costings are the worksheets the actor's providers kept, the newest first;
// after is the id the page before ended with. Errors: forbidden.
func Costings(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (page []SavedWorksheet, more bool, err error) {
	if !who.Is(editors...) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = gorm.G[SavedWorksheet](tx.DB).Where("provider_id IN ? AND (? OR id < ?)", who.Providers, after == uuid.Nil, after).
			Order("id DESC").Limit(limit + 1).Find(ctx)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("reading worksheets: %w", err)
	}
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, nil
}
