package marketplace

import (
	"time"

	"github.com/google/uuid"
)

// Photo is a picture of an offer as it was made anew here, in two sizes.
type Photo struct {
	ProviderID  uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	OfferID     uuid.UUID
	N           int    // its place in the row of photos, from 1
	AltText     string // for those who do not see it
	Width       int    // of the large one, in pixels
	Height      int
	SmallWidth  int
	SmallHeight int
	Large       []byte // JPEG; not read with an offer's detail
	Small       []byte
	Digest      string // SHA-256 of both, in hex
	CreatedAt   time.Time
	CreatedBy   uuid.UUID
}

// TableName is the table's.
func (Photo) TableName() string { return "offer_photo" }
