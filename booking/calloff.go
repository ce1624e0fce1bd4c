package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// CallOffSession calls a session off with every booking in it: each place is
// cancelled by the provider and all of its money is free again, the first
// family's as the last's (T65, T56). It returns the session and how many
// places were cancelled. First nobody takes a place any more, then all are
// cancelled in one transaction; asked again, it finishes what a crash left
// over and else changes nothing. Errors: forbidden, not-found, invalid,
// session-started.
func CallOffSession(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, reason string) (*marketplace.SessionDetail, int, error) {
	stopped, detail, err := marketplace.StopSession(ctx, d, who, id, reason)
	if err != nil {
		return nil, 0, err
	}
	n, err := cancelStopped(ctx, d, db.For(who), mover{who: who, cause: stopped.Reason}, *stopped)
	return detail, n, err
}

// Close shuts a provider or a setting on some dates and, if c says so, cancels
// what is booked then. It returns what was called off and how many places and
// visits were cancelled. Errors: those of marketplace.CreateClosure.
func Close(ctx context.Context, d *db.DB, who shortbreaks.Actor, c marketplace.NewClosure) (*marketplace.CalledOff, int, error) {
	done, err := marketplace.CreateClosure(ctx, d, who, c)
	if err != nil || !c.CancelBookings {
		return done, 0, err
	}
	n, err := cancelStopped(ctx, d, db.For(who), mover{who: who, cause: done.Stopped.Reason}, done.Stopped)
	return done, n, err
}

// EndOffer ends an offer from a date on, and every booking from then on; each
// family reads the reason on its booking (R025). What is booked before the date
// stands. It returns what was called off and how many places and visits were
// cancelled. Errors: forbidden, not-found, invalid, wrong-state.
func EndOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, e marketplace.EndOffer) (*marketplace.Ended, int, error) {
	done, err := marketplace.StopOffer(ctx, d, who, e)
	if err != nil {
		return nil, 0, err
	}
	n, err := cancelStopped(ctx, d, db.For(who), mover{who: who, cause: done.Stopped.Reason}, done.Stopped)
	return done, n, err
}

// cancellableStates are those a provider may still cancel from.
const cancellableStates = `('held', 'requested', 'conditional', 'confirmed')`

// cancelStopped cancels every place and visit in what was stopped, all in one
// transaction. Nobody can have come since: whoever reserves sees it stopped.
func cancelStopped(ctx context.Context, d *db.DB, scope db.Scope, by mover, s marketplace.Stopped) (n int, err error) {
	err = d.Do(ctx, scope, func(tx *db.Tx) error {
		ids, err := itemsIn(ctx, tx, s)
		if err != nil {
			return err
		}
		n, err = cancelForProvider(ctx, tx, s.Provider, ids, by)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cancel what was called off: %w", err)
	}
	_, err = endOutside(ctx, d, scope, by.who.Person, s.Provider, s.Sessions)
	return n, err
}

// itemsIn finds what is booked in what was stopped.
func itemsIn(ctx context.Context, tx *db.Tx, s marketplace.Stopped) ([]uuid.UUID, error) {
	where, args := `i.session_id = ANY ($2)`, []any{s.Provider, s.Sessions}
	switch {
	case s.Closure != nil:
		from, to := shortbreaks.At(s.Closure.StartsOn, 0), shortbreaks.At(s.Closure.EndsOn, 24*60)
		where += ` OR (i.session_id IS NULL AND ($5::uuid IS NULL OR o.setting_id = $5) AND EXISTS (SELECT FROM lane_claim c
			WHERE c.provider_id = i.provider_id AND c.item_id = i.id AND c.during && tstzrange($3, $4)))`
		args = append(args, from, to, s.Closure.SettingID)
	case s.OfferID != nil:
		where += ` OR (i.session_id IS NULL AND b.offer_id = $3 AND i.starts_at >= $4)`
		args = append(args, *s.OfferID, s.From)
	}
	rows, err := tx.PGX.Query(ctx, `SELECT i.id FROM booking_item i
		JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
		JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
		WHERE i.provider_id = $1 AND i.state IN `+cancellableStates+` AND (`+where+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("read what is booked in it: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read what is booked in it: %w", err)
	}
	return ids, nil
}

// cancelForProvider locks items of one provider, of whichever authorities, and
// cancels those that still can be, without a charge.
func cancelForProvider(ctx context.Context, tx *db.Tx, provider uuid.UUID, ids []uuid.UUID, by mover) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	items, err := selectItems(ctx, tx, `provider_id = $1 AND id = ANY ($2) AND state IN `+cancellableStates+`
		ORDER BY authority_id, id FOR UPDATE`, provider, ids)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	// Giving money back needs the families' authorities in scope.
	for i, it := range items {
		if i > 0 && it.AuthorityID == items[i-1].AuthorityID {
			continue
		}
		if err := tx.EnterAuthority(ctx, it.AuthorityID); err != nil {
			return 0, err
		}
	}
	return len(items), cancelItems(ctx, tx, &Booking{}, items, CancelledByProvider, by)
}

// sqlLeftOver finds what is still booked in sessions that were called off, and
// in closures that end what is booked. Groups that were too small are
// DecideGroups'.
const sqlLeftOver = `
SELECT i.provider_id, i.id, coalesce(s.reason, '') FROM session s
JOIN booking_item i ON i.provider_id = s.provider_id AND i.session_id = s.id
WHERE s.state = 'cancelled' AND s.starts_at > $1 AND i.state IN ` + cancellableStates + `
    AND NOT (i.state = 'conditional' AND s.decided_at IS NOT NULL AND s.changed_at = s.decided_at)
UNION ALL
SELECT i.provider_id, i.id, k.reason FROM closure k
JOIN lane_claim c ON c.provider_id = k.provider_id
    AND c.during && tstzrange(k.starts_on::timestamp AT TIME ZONE 'Europe/London', (k.ends_on + 1)::timestamp AT TIME ZONE 'Europe/London')
JOIN booking_item i ON i.provider_id = c.provider_id AND i.id = c.item_id
JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
JOIN offer o ON o.provider_id = b.provider_id AND o.id = b.offer_id
WHERE k.cancels_bookings AND k.ends_on >= $2 AND (k.setting_id IS NULL OR k.setting_id = o.setting_id) AND i.starts_at > $1
    AND i.state IN ` + cancellableStates + `
ORDER BY 1, 3, 2 LIMIT 500`

// FinishCallingOff cancels what is still booked in what was called off: there
// is something only if whoever called it off was cut short. It returns how
// many items it cancelled.
func FinishCallingOff(ctx context.Context, d *db.DB) (n int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	type left struct {
		Provider, Item uuid.UUID
		Reason         string
	}
	var found []left
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, sqlLeftOver, tx.Now, shortbreaks.Date(tx.Now))
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[left])
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for bookings of what was called off: %w", err)
	}
	for len(found) > 0 {
		first, ids := found[0], []uuid.UUID{}
		for len(found) > 0 && found[0].Provider == first.Provider && found[0].Reason == first.Reason {
			ids, found = append(ids, found[0].Item), found[1:]
		}
		err := d.Do(ctx, scope, func(tx *db.Tx) error {
			moved, err := cancelForProvider(ctx, tx, first.Provider, ids, mover{cause: first.Reason})
			n += moved
			return err
		})
		if err != nil {
			return n, fmt.Errorf("finish calling off: %w", err)
		}
	}
	ended, err := endOutsideLeftOver(ctx, d, scope)
	return n + ended, err
}
