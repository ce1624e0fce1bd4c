package payments

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks/internal/db"
)

// Smaller is a pending hold that may keep more than is needed, and what is
// needed.
type Smaller struct {
	Hold   Hold
	Amount int64 // 0: nothing
}

// ReplaceHolds releases holds and puts smaller ones in their place, on the
// same accounts, charges and lines: a hold's amount never changes. The released
// ones are marked, so that a charge is still the sum of its holds. What becomes
// of the plan lines is the caller's, before. Errors: hold-resolved.
func ReplaceHolds(ctx context.Context, tx *db.Tx, list []Smaller) error {
	for _, s := range list {
		if s.Amount >= s.Hold.Amount {
			return fmt.Errorf("replace hold %s of %d by one of %d", s.Hold.ID, s.Hold.Amount, s.Amount)
		}
	}
	if _, err := exchange(ctx, tx, list, true); err != nil {
		return err
	}
	var old []Hold
	for _, s := range list {
		old = append(old, s.Hold)
	}
	return mark(ctx, tx, "replaced", old)
}

// KeepForFee releases the holds of cancelled items and keeps what a late fee
// may need, until it is decided whether it is due (T55). What becomes of the
// plan lines is the caller's, before. Errors: hold-resolved.
func KeepForFee(ctx context.Context, tx *db.Tx, list []Smaller) error {
	fresh, err := exchange(ctx, tx, list, false)
	if err != nil {
		return err
	}
	return mark(ctx, tx, "for_fee", fresh)
}

// exchange releases holds and places the amounts in their stead, for the same
// parts due ahead if anything is still to be taken ahead.
func exchange(ctx context.Context, tx *db.Tx, list []Smaller, ahead bool) ([]Hold, error) {
	var outcomes []Outcome
	var fresh []*Hold
	for _, s := range list {
		h := s.Hold
		if s.Amount < 0 || s.Amount > h.Amount {
			return nil, fmt.Errorf("keep %d of hold %s of %d", s.Amount, h.ID, h.Amount)
		}
		outcomes = append(outcomes, Outcome{Hold: h, State: Released})
		if !ahead {
			h.Due = ""
		}
		if s.Amount > 0 {
			fresh = append(fresh, &Hold{
				Authority: h.Authority, Item: h.Item, ChargeN: h.ChargeN, Account: h.Account, Line: h.Line, Due: h.Due, Unit: h.Unit, Amount: s.Amount,
			})
		}
	}
	if err := Resolve(ctx, tx, outcomes); err != nil {
		return nil, err
	}
	if err := PlaceHolds(ctx, tx, fresh); err != nil {
		return nil, err
	}
	made := make([]Hold, len(fresh))
	for i, h := range fresh {
		made[i] = *h
	}
	return made, nil
}

// mark notes what holds are, for the audit: a charge is the sum of its holds,
// without those replaced and those kept for a fee.
func mark(ctx context.Context, tx *db.Tx, column string, holds []Hold) error {
	authorities, ids := make([]uuid.UUID, len(holds)), make([]uuid.UUID, len(holds))
	for i, h := range holds {
		authorities[i], ids[i] = h.Authority, h.ID
	}
	_, err := tx.PGX.Exec(ctx, `UPDATE hold h SET `+column+` = true FROM unnest($1::uuid[], $2::uuid[]) AS k (authority_id, id)
		WHERE h.authority_id = k.authority_id AND h.id = k.id`, authorities, ids)
	if err != nil {
		return fmt.Errorf("mark holds as %s: %w", column, err)
	}
	return nil
}
