package api

import (
	"context"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// CancelBasket cancels what was booked together.
func (s *Server) CancelBasket(ctx context.Context, r gen.CancelBasketRequestObject) (gen.CancelBasketResponseObject, error) {
	changed, err := booking.CancelTogether(ctx, s.DB, who(ctx), booking.CancelBasket{
		BasketID: r.BasketID, ChildID: r.Body.ChildID, Reason: reasonWith(r.Body.Reason, r.Body.Note),
	})
	if err != nil {
		return nil, err
	}
	return gen.CancelBasket200JSONResponse{Items: mapped(changed, bookingFor(who(ctx)))}, nil
}

// CancelDay cancels a child's day, or says what it would cost.
func (s *Server) CancelDay(ctx context.Context, r gen.CancelDayRequestObject) (gen.CancelDayResponseObject, error) {
	changed, err := booking.CancelDay(ctx, s.DB, who(ctx), booking.IllToday{ChildID: r.Body.ChildID, On: dayOrNone(r.Body.Date), DryRun: given(r.Body.DryRun)})
	if err != nil {
		return nil, err
	}
	return gen.CancelDay200JSONResponse{Items: mapped(changed, bookingFor(who(ctx)))}, nil
}

// MoveBookingItem gives one date another, once per key.
func (s *Server) MoveBookingItem(ctx context.Context, r gen.MoveBookingItemRequestObject) (gen.MoveBookingItemResponseObject, error) {
	_, reply, err := booking.Move(ctx, s.DB, who(ctx), booking.Reschedule{
		ItemID: r.ItemID, To: booking.QuoteToBook{QuoteID: r.Body.QuoteID, ExpectedTotalPence: shortbreaks.Pence(r.Body.ExpectedTotalPence)},
		Idem: once(ctx, "moveBookingItem", r.Params.IdempotencyKey, func(m *booking.Rescheduled) gen.MovedItem {
			return gen.MovedItem{Booking: bookingFor(who(ctx))(m.Booking), MovedFrom: itemFor(who(ctx))(m.Old)}
		}),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// reasonWith is a reason with the note beside it.
func reasonWith(reason gen.CancellationReason, note *string) string {
	if note == nil {
		return string(reason)
	}
	return string(reason) + ": " + *note
}
