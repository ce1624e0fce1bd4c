package marketplace

import (
	"context"

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
