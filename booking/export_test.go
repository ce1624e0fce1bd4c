package booking

import (
	"context"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// LineAsked notes that a line was asked about places that came free so often.
func LineAsked(ctx context.Context, d *db.DB, key marketplace.PlaceKey, freed int64) error {
	scope, err := d.System(ctx)
	if err != nil {
		return err
	}
	return lineToMove{key.Provider, key.Session, freed}.moved(ctx, d, scope)
}
