package booking

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// CancelBooking cancels a booking or some of its items.
type CancelBooking struct {
	BookingID uuid.UUID
	ItemIDs   []uuid.UUID // empty: all that can still be cancelled
	Reason    string
}

// Cancel frees the place and the money. A family that cancels in time pays
// nothing, later the fee agreed at booking, and the rest is free at once
// (T40, T54); a request not yet confirmed never costs a fee; what a provider
// cancels is never charged (T56). A practitioner cancels for the family, an
// approver for the authority. Errors: forbidden, not-found, wrong-state,
// session-started.
func Cancel(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CancelBooking) (*Booking, error) {
	to, err := cancelledBy(who)
	if err != nil {
		return nil, err
	}
	var b *Booking
	err = d.Do(ctx, db.For(who).ByKey(), func(tx *db.Tx) error {
		items, err := lockBooking(ctx, tx, who, c.BookingID)
		if err != nil {
			return err
		}
		items, err = chosen(items, c.ItemIDs, to, tx.Now)
		if err != nil {
			return err
		}
		// A provider's cancellation gives money back in the family's authority.
		if err := tx.EnterAuthority(ctx, items[0].AuthorityID); err != nil {
			return err
		}
		if b, err = loadOne(ctx, tx, who, c.BookingID); err != nil {
			return err
		}
		if err := cancelItems(ctx, tx, b, items, to, mover{who: who, onBehalf: who.Is(shortbreaks.Practitioner), cause: c.Reason}); err != nil {
			return err
		}
		b, err = loadOne(ctx, tx, who, c.BookingID)
		return err
	})
	return b, err
}

func cancelledBy(who shortbreaks.Actor) (State, error) {
	switch who.Role {
	case shortbreaks.Family, shortbreaks.Practitioner:
		return CancelledByFamily, nil
	case shortbreaks.Approver:
		return CancelledByAuthority, nil
	case shortbreaks.ProviderOwner, shortbreaks.Coordinator:
		return CancelledByProvider, nil
	}
	return "", shortbreaks.ErrForbidden
}

// chosen are the items to cancel: those named, which must all be cancellable,
// or all that are.
func chosen(items []*Item, named []uuid.UUID, to State, now time.Time) ([]*Item, error) {
	cancellable := func(it *Item) bool {
		started := !now.Before(it.StartsAt)
		return it.State.CanBecome(to) && (to == CancelledByProvider || !started)
	}
	if len(named) > 0 {
		items = slices.DeleteFunc(items, func(it *Item) bool { return !slices.Contains(named, it.ID) })
		if len(items) != len(named) {
			return nil, shortbreaks.ErrNotFound.With("One of these dates is not part of this booking. Nothing was cancelled.")
		}
		for _, it := range items {
			if it.State.CanBecome(to) && !cancellable(it) {
				return nil, marketplace.ErrSessionStarted.With("It began at " + it.LocalStart + ". Nothing was cancelled; ask the provider to correct the register.")
			}
			if !cancellable(it) {
				return nil, ErrWrongState.With("The date " + it.LocalStart + " is finished or cancelled already. Nothing was cancelled.")
			}
		}
		return items, nil
	}
	if items = slices.DeleteFunc(items, func(it *Item) bool { return !cancellable(it) }); len(items) == 0 {
		return nil, ErrWrongState.With("Everything in it has started, is finished or is cancelled already.")
	}
	return items, nil
}

// holidaysUpTo are the bank holidays before the items start, if the terms of
// the booking count working days (T38).
func holidaysUpTo(ctx context.Context, tx *db.Tx, b *Booking, items []*Item) (map[time.Time]string, error) {
	if !b.Terms.WorkingDays() {
		return nil, nil
	}
	last := tx.Now
	for _, it := range items {
		if it.StartsAt.After(last) {
			last = it.StartsAt
		}
	}
	return marketplace.BankHolidays(ctx, tx, shortbreaks.Date(tx.Now), shortbreaks.Date(last))
}

// cancelItems moves items of one booking to a cancelled state; those that owe a
// fee capture it, the others release everything.
func cancelItems(ctx context.Context, tx *db.Tx, b *Booking, items []*Item, to State, by mover) error {
	if err := b.fees(ctx, tx, items, to, by); err != nil {
		return err
	}
	if err := end(ctx, tx, items, to, by); err != nil {
		return err
	}
	return keepCredits(ctx, tx, b, items, to, by)
}
