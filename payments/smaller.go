package payments

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks/internal/db"
)

// Smaller is a pending hold that keeps more than is needed, and what is needed.
type Smaller struct {
	Hold   Hold
	Amount int64 // 0: nothing
}

// ReplaceHolds releases holds and puts smaller ones in their place, on the
// same accounts, charges and lines: a hold's amount never changes. The released
// ones are marked, so that a charge is still the sum of its holds. What becomes
// of the plan lines is the caller's, before. Errors: hold-resolved.
func ReplaceHolds(ctx context.Context, tx *db.Tx, list []Smaller) error {
	if len(list) == 0 {
		return nil
	}
	var outcomes []Outcome
	var fresh []*Hold
	authorities, ids := make([]uuid.UUID, len(list)), make([]uuid.UUID, len(list))
	for i, s := range list {
		h := s.Hold
		if s.Amount < 0 || s.Amount >= h.Amount {
			return fmt.Errorf("replace hold %s of %d by one of %d", h.ID, h.Amount, s.Amount)
		}
		authorities[i], ids[i] = h.Authority, h.ID
		outcomes = append(outcomes, Outcome{Hold: h, State: Released})
		if s.Amount > 0 {
			fresh = append(fresh, &Hold{
				Authority: h.Authority, Item: h.Item, ChargeN: h.ChargeN, Account: h.Account, Line: h.Line, Unit: h.Unit, Amount: s.Amount,
			})
		}
	}
	if err := Resolve(ctx, tx, outcomes); err != nil {
		return err
	}
	_, err := tx.PGX.Exec(ctx, `UPDATE hold h SET replaced = true FROM unnest($1::uuid[], $2::uuid[]) AS k (authority_id, id)
		WHERE h.authority_id = k.authority_id AND h.id = k.id`, authorities, ids)
	if err != nil {
		return fmt.Errorf("mark replaced holds: %w", err)
	}
	return PlaceHolds(ctx, tx, fresh)
}
