package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Placed is one place in a session, in the order they were taken.
type Placed struct {
	BookingID uuid.UUID
	ItemID    uuid.UUID
	Reference string
	State     State
	PlaceSeq  int64
	BookedAt  time.Time
}

// Beyond lists the places to rearrange before a session can do with fewer: the
// last booked first, as many as there would be too many, and none if it has
// them all (T50). Whoever finishes the list can cut it to that number. Errors:
// forbidden, not-found.
func Beyond(ctx context.Context, d *db.DB, who shortbreaks.Actor, session uuid.UUID, capacity int) (list []Placed, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		var own bool
		err := tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM session WHERE id = $1 AND provider_id = ANY ($2))`, session, who.Providers).Scan(&own)
		if err != nil {
			return err
		}
		if !own {
			return shortbreaks.ErrNotFound.With("There is no such session within your reach.")
		}
		if capacity, err = besidesKept(ctx, tx, who, session, capacity); err != nil {
			return err
		}
		outside, err := outsideOf(ctx, tx, session)
		if err != nil {
			return err
		}
		capacity -= outside // these are the provider's own to end
		rows, err := tx.PGX.Query(ctx, `SELECT booking_id, id, reference, state, place_seq, created_at FROM (
			SELECT i.booking_id, i.id, b.reference, i.state, coalesce(i.place_seq, 0) AS place_seq, b.created_at,
				sum(i.places) OVER (ORDER BY i.place_seq, i.id) AS used
			FROM booking_item i JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
			WHERE i.provider_id = ANY ($1) AND i.session_id = $2 AND item_is_live(i.state)) p
			WHERE used > $3 ORDER BY place_seq, id`, who.Providers, session, max(0, capacity))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Placed])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the places of session %s: %w", session, err)
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list, nil
}
