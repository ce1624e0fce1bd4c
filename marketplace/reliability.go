package marketplace

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks/internal/db"
)

// shownFrom is how many sessions make a share worth showing (R037).
const shownFrom = 20

// Reliability is how often a provider's sessions ran as booked. It counts
// sessions and visits and nothing about who came.
type Reliability struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	Sessions   int       // booked ones whose time has come: they ran, or the provider called them off
	AsBooked   int       // of those, for everybody who was booked
	CountedAt  time.Time
}

// TableName is the table's.
func (Reliability) TableName() string { return "reliability" }

// Percent is the share in whole percent, rounded down, so that 100 means all.
func (r Reliability) Percent() int { return r.AsBooked * 100 / max(1, r.Sessions) }

// SetReliability writes down counts made elsewhere: bookings are not this
// package's to read. Their providers must be in the scope.
func SetReliability(ctx context.Context, tx *db.Tx, counts []Reliability) error {
	for _, c := range counts {
		tag, err := tx.PGX.Exec(ctx, `INSERT INTO reliability (provider_id, sessions, as_booked, counted_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (provider_id) DO UPDATE SET sessions = excluded.sessions, as_booked = excluded.as_booked, counted_at = excluded.counted_at`,
			c.ProviderID, c.Sessions, c.AsBooked, tx.Now)
		if err != nil {
			return fmt.Errorf("writing reliability of provider %s: %w", c.ProviderID, err)
		}
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("writing reliability of provider %s: it is out of scope", c.ProviderID)
		}
	}
	return nil
}

// readReliability reads the shares that may be shown.
func readReliability(ctx context.Context, tx *db.Tx, providers []uuid.UUID) (map[uuid.UUID]*Reliability, error) {
	found, err := gorm.G[Reliability](tx.DB).Where("provider_id IN ? AND sessions >= ?", providers, shownFrom).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading reliability: %w", err)
	}
	shown := map[uuid.UUID]*Reliability{}
	for _, r := range found {
		shown[r.ProviderID] = &r
	}
	return shown, nil
}
