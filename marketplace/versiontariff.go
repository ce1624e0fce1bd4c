package marketplace

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// VersionTariff is the price list of one version of an offer: what was booked
// is charged by it for ever, whatever came later. Errors: not-found.
func VersionTariff(ctx context.Context, tx *db.Tx, provider, version uuid.UUID) (*tariff.Tariff, error) {
	into := map[uuid.UUID]tariff.Tariff{}
	if err := readTariffs(ctx, tx, []offerKey{{provider, version}}, into); err != nil {
		return nil, err
	}
	t, ok := into[version]
	if !ok {
		return nil, shortbreaks.ErrNotFound
	}
	return &t, nil
}
