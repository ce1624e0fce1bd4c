package booking

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// WithdrawCompetency ends a sign-off before its day, with a reason: from now on
// it counts for no booking. What is booked stands; for a child, the next look at
// the flags tells of all of its bookings that now have nobody, however far ahead
// they are (FlagCompetencies). Withdrawn again, it stays as it was. Errors:
// forbidden, not-found, invalid.
func WithdrawCompetency(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, reason string) (c *Competency, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	reason = strings.TrimSpace(reason)
	var f shortbreaks.Faults
	f.Text("/reason", reason, 3, 500)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE competency SET withdrawn_at = $3, withdrawn_by = $4, withdrawn_reason = $5
			WHERE provider_id = ANY ($1) AND id = $2 AND withdrawn_at IS NULL`, who.Providers, id, tx.Now, who.Person, reason)
		if err != nil {
			return fmt.Errorf("withdraw a sign-off: %w", err)
		}
		rows, err := tx.PGX.Query(ctx, `SELECT `+slimCompetency+` FROM competency WHERE provider_id = ANY ($1) AND id = $2`, who.Providers, id)
		if err != nil {
			return fmt.Errorf("read a sign-off: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Competency])
		if err != nil {
			return fmt.Errorf("read a sign-off: %w", err)
		}
		if len(found) == 0 {
			return shortbreaks.ErrNotFound
		}
		c = found[0]
		return nil
	})
	return c, err
}

// slimCompetency is a sign-off with its end.
const slimCompetency = competencyColumns + `, withdrawn_at, withdrawn_by, withdrawn_reason`
