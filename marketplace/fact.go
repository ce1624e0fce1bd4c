package marketplace

import (
	"context"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks/internal/db"
)

// Fact is a question people ask about an offer and its answer, told to
// everybody in the provider's words (R006).
type Fact struct {
	ProviderID  uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	OfferID     uuid.UUID
	Question    string
	Answer      string
	PublishedAt time.Time
	PublishedBy uuid.UUID
}

// TableName is the table's.
func (Fact) TableName() string { return "offer_fact" }

// readShown reads what stands beside the words of an offer: its photos without
// their bytes, and its facts.
func (o *OfferDetail) readShown(ctx context.Context, tx *db.Tx) (err error) {
	of := "provider_id = ? AND offer_id = ?"
	o.Photos, err = gorm.G[Photo](tx.DB).Select("provider_id, id, offer_id, n, alt_text, width, height, small_width, small_height, digest, created_at").
		Where(of, o.Offer.ProviderID, o.Offer.ID).Order("n, id").Find(ctx)
	if err != nil {
		return err
	}
	o.Facts, err = gorm.G[Fact](tx.DB).Where(of, o.Offer.ProviderID, o.Offer.ID).Order("published_at, id").Find(ctx)
	return err
}
