package booking

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// CancelBasket cancels what was booked together, or one child's part of it.
type CancelBasket struct {
	BasketID uuid.UUID
	ChildID  *uuid.UUID // nil: everybody's
	Reason   string
}

// CancelTogether cancels all of a basket that can still be cancelled, each date
// by the terms of its own booking. What was cancelled before is left alone, so
// that no place and no money is given back twice (T47, T48). Errors: forbidden,
// not-found, wrong-state.
func CancelTogether(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CancelBasket) ([]*Booking, error) {
	return cancelMany(ctx, d, who, c.Reason, false, `booking_id IN (SELECT id FROM booking WHERE basket_id = $1)
		AND ($2::uuid IS NULL OR child_id = $2)`, c.BasketID, c.ChildID)
}

// IllToday is a child who cannot come.
type IllToday struct {
	ChildID uuid.UUID
	On      *time.Time // a London date; nil: today
	DryRun  bool       // only say what each would cost
}

// CancelDay cancels every item of a child that is still to start on a day,
// wherever it is booked, because the child is ill: club, worker and transport
// at once, each by its own terms for that reason (R126, T92). A dry run says
// what each would cost and changes nothing. Errors: forbidden, not-found,
// wrong-state.
func CancelDay(ctx context.Context, d *db.DB, who shortbreaks.Actor, c IllToday) ([]*Booking, error) {
	var day any
	if c.On != nil {
		day = c.On.Format(time.DateOnly)
	}
	return cancelMany(ctx, d, who, "ill", c.DryRun, `child_id = $1 AND (session_id IS NOT NULL OR lane_id IS NOT NULL) AND left(local_start, 10) =
		coalesce($2::text, to_char($3::timestamptz AT TIME ZONE 'Europe/London', 'YYYY-MM-DD'))`, c.ChildID, day)
}

// cancelMany locks the items a condition names, all of them first and in one
// order, and cancels those that still can be; $3 is the time. Items of others
// are not found.
func cancelMany(ctx context.Context, d *db.DB, who shortbreaks.Actor, reason string, dry bool, where string, args ...any) (bookings []*Booking, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		items, err := selectItems(ctx, tx, where+` AND $3::timestamptz IS NOT NULL ORDER BY authority_id, id FOR UPDATE`, append(slices.Clone(args), tx.Now)...)
		if err != nil {
			return err
		}
		items = slices.DeleteFunc(items, func(it *Item) bool { return !mayAct(who, it) })
		if len(items) == 0 {
			return shortbreaks.ErrNotFound.With("Nothing of yours is booked there. Nothing was cancelled.")
		}
		ids := bookingsOf(items)
		if items, err = chosen(items, nil, CancelledByFamily, tx.Now); err != nil {
			return err
		}
		if bookings, err = loadBookings(ctx, tx, who, `b.id = ANY ($3) ORDER BY b.id`, ids); err != nil {
			return err
		}
		by := mover{who: who, onBehalf: who.Is(shortbreaks.Practitioner), cause: reason}
		if dry {
			for _, b := range bookings {
				b.Items = slices.DeleteFunc(b.Items, func(it *Item) bool { return !slices.ContainsFunc(items, func(c *Item) bool { return c.ID == it.ID }) })
				if err := b.fees(ctx, tx, b.Items, CancelledByFamily, by); err != nil {
					return err
				}
			}
			return nil
		}
		if err := cancelAcross(ctx, tx, bookings, items, CancelledByFamily, by); err != nil {
			return err
		}
		bookings, err = loadBookings(ctx, tx, who, `b.id = ANY ($3) ORDER BY b.id`, ids)
		return err
	})
	return bookings, err
}

func bookingsOf(items []*Item) []uuid.UUID {
	var ids []uuid.UUID
	for _, it := range items {
		if !slices.Contains(ids, it.BookingID) {
			ids = append(ids, it.BookingID)
		}
	}
	return ids
}

// cancelAcross cancels items of several bookings, each by its own terms, and
// moves all places, then all money: one order for everybody.
func cancelAcross(ctx context.Context, tx *db.Tx, bookings []*Booking, items []*Item, to State, by mover) error {
	if err := lockTickets(ctx, tx, items, nil); err != nil {
		return err
	}
	if err := feesAcross(ctx, tx, bookings, items, to, by); err != nil {
		return err
	}
	if err := end(ctx, tx, items, to, by); err != nil {
		return err
	}
	for _, b := range bookings {
		own := b.among(items)
		if len(own) == 0 {
			continue
		}
		if err := keepCredits(ctx, tx, b, own, to, own[0].movedBy(by)); err != nil {
			return err
		}
	}
	return nil
}

// among are those of the items that are of this booking.
func (b *Booking) among(items []*Item) (own []*Item) {
	for _, it := range items {
		if it.BookingID == b.ID {
			own = append(own, it)
		}
	}
	return own
}

func feesAcross(ctx context.Context, tx *db.Tx, bookings []*Booking, items []*Item, to State, by mover) error {
	for _, b := range bookings {
		own := b.among(items)
		if len(own) == 0 {
			continue
		}
		if err := b.fees(ctx, tx, own, to, own[0].movedBy(by)); err != nil {
			return err
		}
	}
	return nil
}

// fees works out what cancelling items of one booking now costs. Only what was
// confirmed costs anything, and never what the provider cancels.
func (b *Booking) fees(ctx context.Context, tx *db.Tx, items []*Item, to State, by mover) error {
	holidays, err := holidaysUpTo(ctx, tx, b, items)
	if err != nil {
		return err
	}
	if items, err = endTickets(ctx, tx, items, to); err != nil {
		return err
	}
	for _, it := range items {
		fee := shortbreaks.Pence(0)
		if it.State == Confirmed && to != CancelledByProvider {
			fee = b.Terms.Fee(tariff.Cancellation{Price: it.worth(), Start: it.StartsAt, At: tx.Now, Reason: reasonOf(by.cause), Holidays: holidays})
			fee = it.ticketFee(fee)
		}
		it.ChargePence, it.AutoConfirmAt = &fee, nil
		it.await(fee, b.Terms.WaivedIfRefilled)
	}
	return nil
}

// reasonOf is the reason of a cause that carries a note beside it ("ill: a
// cold"): terms by reason go by the reason alone (T92).
func reasonOf(cause string) string {
	reason, _, _ := strings.Cut(cause, ": ")
	return reason
}
