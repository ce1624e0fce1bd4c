package booking

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// Accept is the provider's yes to a request: its items are confirmed, once
// (T07). A request whose time has run out is refused and no money moves (T06).
// Errors: forbidden, not-found, wrong-state, booking-expired.
func Accept(ctx context.Context, d *db.DB, who shortbreaks.Actor, booking uuid.UUID) (*Booking, error) {
	return answer(ctx, d, who, booking, Confirmed, "accepted")
}

// Decline is the provider's no: the place and all money are free again.
// Errors: as Accept; an expired request can still be declined.
func Decline(ctx context.Context, d *db.DB, who shortbreaks.Actor, booking uuid.UUID, reason string) (*Booking, error) {
	return answer(ctx, d, who, booking, Declined, reason)
}

func answer(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, to State, cause string) (*Booking, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	var b *Booking
	err := d.Do(ctx, db.For(who).ByKey(), func(tx *db.Tx) error {
		items, replaced, err := lockAnswered(ctx, tx, who, id)
		if err != nil {
			return err
		}
		asked := slices.DeleteFunc(items, func(it *Item) bool { return it.State != Requested })
		if len(asked) == 0 {
			return errAnsweredAlready
		}
		if _, err := acceptable(asked, tx.Now); to == Confirmed && err != nil {
			return err
		}
		if to == Confirmed {
			if err := releaseMoved(ctx, tx, who, replaced); err != nil {
				return err
			}
		}
		if err := move(ctx, tx, asked, to, mover{who: who, cause: cause}); err != nil {
			return err
		}
		if to == Declined {
			// Giving money back needs the family's authority in scope.
			if err := tx.EnterAuthority(ctx, asked[0].AuthorityID); err != nil {
				return err
			}
			if err := giveBack(ctx, tx, asked); err != nil {
				return err
			}
			if err := release(ctx, tx, asked, payments.Released); err != nil {
				return err
			}
		}
		b, err = loadOne(ctx, tx, who, id)
		return err
	})
	return b, err
}

var errAnsweredAlready = ErrWrongState.With("It was answered, cancelled or ran out before. Look at it again.")

// acceptable are the items of a booking that wait for the provider's yes.
func acceptable(items []*Item, now time.Time) ([]*Item, error) {
	asked := slices.DeleteFunc(items, func(it *Item) bool { return it.State != Requested })
	if len(asked) == 0 {
		return nil, errAnsweredAlready
	}
	if anyExpired(asked, now) {
		return nil, ErrRequestExpired.With("The place and the money are free again. The family can ask once more.")
	}
	return asked, nil
}

func anyExpired(items []*Item, now time.Time) bool {
	return slices.ContainsFunc(items, func(it *Item) bool { return it.ExpiresAt != nil && !now.Before(*it.ExpiresAt) })
}

// lockBooking locks the items of a booking the actor may act on. For anyone
// else the booking is not found.
func lockBooking(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) ([]*Item, error) {
	items, err := selectItems(ctx, tx, `booking_id = $1 ORDER BY authority_id, id FOR UPDATE`, id)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || !mayAct(who, items[0]) {
		return nil, shortbreaks.ErrNotFound
	}
	return items, nil
}

// mayAct says whose record an item is: its child's family, the child's
// authority, its provider.
func mayAct(who shortbreaks.Actor, it *Item) bool {
	switch who.Role {
	case shortbreaks.Family:
		return it.ChildID != nil && who.ForChild(*it.ChildID)
	case shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker:
		return who.ForProvider(it.ProviderID)
	default:
		return who.ForAuthority(it.AuthorityID)
	}
}
