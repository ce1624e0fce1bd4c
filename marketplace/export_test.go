package marketplace

import (
	"context"
	"time"

	"github.com/google/uuid"

	"shortbreaks/internal/db"
)

// Stretch is when a session runs.
type Stretch = stretch

// What tests of the pure rules look at.
var (
	FactsOf = factsOf
	CoverOf = coverOf
)

// ReadRules reads the rules that ship.
func ReadRules(ctx context.Context, tx *db.Tx) ([]CredentialRule, []RatioRule, error) {
	b, err := readBook(ctx, tx, [16]byte{})
	return b.credentials, b.ratios, err
}

// Better is promise.better of a promise made of its parts.
func Better(full bool, first time.Time, offer uuid.UUID, than Compared) bool {
	return promise{candidate: candidate{offerKey: offerKey{Offer: offer}}, full: full, first: first}.better(than)
}

// Rescaled is rescaled, for its property.
var Rescaled = rescaled

// ContactIn is contactIn, NamedIn is namedIn.
var (
	ContactIn = contactIn
	NamedIn   = namedIn
)

// Inspect is inspect.
var Inspect = inspect

// Remade is a picture as its tests see it.
type Remade struct {
	Large, Small                           []byte
	Width, Height, SmallWidth, SmallHeight int
}

// Remake is remake.
func Remake(raw []byte, contentType string) (Remade, error) {
	p, err := remake(raw, contentType)
	if err != nil {
		return Remade{}, err
	}
	return Remade{p.large, p.small, p.width, p.height, p.smallWidth, p.smallHeight}, nil
}

// LapsedOn is LapsedAges of one offer.
func LapsedOn(ctx context.Context, tx *db.Tx, o *OfferDetail, on time.Time) (int32, error) {
	ages, err := LapsedAges(ctx, tx, []offerKey{{o.Provider.ID, o.Offer.ID}}, on)
	return ages[o.Offer.ID], err
}
