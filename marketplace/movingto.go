package marketplace

import (
	"context"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// MovingTo reads sessions that dates are moved to, which are paid for already:
// it asks no price, and all else that Offering asks. Errors: not-found,
// offer-closed, session-started, not-yet-open, age-not-served and those of
// credentials.
func MovingTo(ctx context.Context, tx *db.Tx, w Want) (*Offered, error) {
	o, _, err := onSale(ctx, tx, w.OfferID)
	if err != nil {
		return nil, err
	}
	if err := o.sessions(ctx, tx, w.SessionIDs, &tariff.Ask{}); err != nil {
		return nil, err
	}
	if err := o.ages(w); err != nil {
		return nil, err
	}
	return o, o.covered(ctx, tx, w)
}
