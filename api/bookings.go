package api

import (
	"context"
	"time"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/people"
)

// CreateBooking books a basket of quotes, all or nothing, once per key.
func (s *Server) CreateBooking(ctx context.Context, r gen.CreateBookingRequestObject) (gen.CreateBookingResponseObject, error) {
	reply, err := s.desk.Create(ctx, people.As(who(ctx)), booking.CreateBooking{
		Quotes: mapped(r.Body.Quotes, func(q gen.QuoteToBook) booking.QuoteToBook {
			return booking.QuoteToBook{QuoteID: q.QuoteID, ExpectedTotalPence: shortbreaks.Pence(q.ExpectedTotalPence)}
		}),
		Idem: once(ctx, "createBooking", r.Params.IdempotencyKey, func(b *booking.Basket) gen.Basket {
			return gen.Basket{BasketID: b.ID, Bookings: mapped(b.Bookings, bookingFor(who(ctx)))}
		}),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// GetBooking reads a booking.
func (s *Server) GetBooking(ctx context.Context, r gen.GetBookingRequestObject) (gen.GetBookingResponseObject, error) {
	b, err := booking.Load(ctx, s.DB, who(ctx), r.BookingID)
	if err != nil {
		return nil, err
	}
	return gen.GetBooking200JSONResponse(bookingFor(who(ctx))(b)), nil
}

const bookingsList = "bookings"

// ListBookings lists what is within reach, newest first.
func (s *Server) ListBookings(ctx context.Context, r gen.ListBookingsRequestObject) (gen.ListBookingsResponseObject, error) {
	after, err := lastID(bookingsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	l := booking.ListBookings{
		State: booking.State(given(r.Params.State)), ChildID: r.Params.ChildID, OfferID: r.Params.OfferID,
		Reference: given(r.Params.Reference), Limit: limitOf(r.Params.Limit), After: after,
	}
	if from := dayOrNone(r.Params.From); from != nil {
		l.From = startOf(*from)
	}
	if to := dayOrNone(r.Params.To); to != nil { // the day itself included
		l.To = startOf(to.AddDate(0, 0, 1))
	}
	found, more, err := booking.List(ctx, s.DB, who(ctx), l)
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = found[len(found)-1].ID.String()
	}
	cursor, link := nextPage(ctx, bookingsList, last)
	return gen.ListBookings200JSONResponse{
		Body:    gen.BookingList{Items: mapped(found, bookingFor(who(ctx))), NextCursor: cursor},
		Headers: gen.ListBookings200ResponseHeaders{Link: link},
	}, nil
}

// startOf is the instant a London day begins.
func startOf(day time.Time) *time.Time {
	at := shortbreaks.At(day, 0)
	return &at
}

// AcceptBooking is the provider's yes.
func (s *Server) AcceptBooking(ctx context.Context, r gen.AcceptBookingRequestObject) (gen.AcceptBookingResponseObject, error) {
	b, err := s.moves.Accept(ctx, who(ctx), r.BookingID)
	if err != nil {
		return nil, err
	}
	return gen.AcceptBooking200JSONResponse(bookingFor(who(ctx))(b)), nil
}

// DeclineBooking is the provider's no.
func (s *Server) DeclineBooking(ctx context.Context, r gen.DeclineBookingRequestObject) (gen.DeclineBookingResponseObject, error) {
	b, err := booking.Decline(ctx, s.DB, who(ctx), r.BookingID, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return gen.DeclineBooking200JSONResponse(bookingFor(who(ctx))(b)), nil
}

// CancelBooking cancels all or some of a booking.
func (s *Server) CancelBooking(ctx context.Context, r gen.CancelBookingRequestObject) (gen.CancelBookingResponseObject, error) {
	b, err := s.moves.Cancel(ctx, who(ctx), booking.CancelBooking{
		BookingID: r.BookingID, ItemIDs: r.Body.ItemIds, Reason: reasonWith(r.Body.Reason, r.Body.Note),
	})
	if err != nil {
		return nil, err
	}
	return gen.CancelBooking200JSONResponse(bookingFor(who(ctx))(b)), nil
}

// providerSide are the roles that are never told whose booking it is or what
// is reserved for it.
func providerSide(who shortbreaks.Actor) bool {
	return who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker)
}

// bookingFor writes a booking as this actor may see it.
func bookingFor(who shortbreaks.Actor) func(*booking.Booking) gen.Booking {
	return func(b *booking.Booking) gen.Booking {
		out := gen.Booking{
			ID: b.ID, Reference: b.Reference, BasketID: b.BasketID, ProviderID: b.ProviderID, ProviderName: b.ProviderName,
			OfferID: b.OfferID, OfferTitle: b.OfferTitle, CreatedAt: london(b.CreatedAt), OnBehalf: b.OnBehalf,
			TotalPence: int64(b.TotalPence), State: stateOf(b), CancellationTerms: termsOut(b.Terms), Items: mapped(b.Items, itemFor(who)),
		}
		if !providerSide(who) {
			out.ChildID, out.ChildFirstName = &b.ChildID, optional(b.ChildFirstName)
		}
		if booking.Advised(who) {
			out.Advice = b.Advice
		}
		return out
	}
}

// stateOf is the state all items share.
func stateOf(b *booking.Booking) gen.BookingState {
	state := gen.BookingStateMixed
	for i, it := range b.Items {
		if i > 0 && it.State != b.Items[0].State {
			return gen.BookingStateMixed
		}
		state = gen.BookingState(it.State)
	}
	return state
}

// itemFor writes an item as this actor may see it.
func itemFor(who shortbreaks.Actor) func(*booking.Item) gen.BookingItem {
	return func(it *booking.Item) gen.BookingItem {
		out := gen.BookingItem{
			ID: it.ID, BookingID: it.BookingID, AttendeeKind: gen.AttendeeKind(it.AttendeeKind), SessionID: it.SessionID, LaneID: it.LaneID,
			StartsAt: london(it.StartsAt), EndsAt: london(it.EndsAt), LocalStart: it.LocalStart, TimeZone: it.TimeZone,
			State: gen.ItemState(it.State), ExpiresAt: londonOrNone(it.ExpiresAt), AutoConfirmAt: londonOrNone(it.AutoConfirmAt),
			PricePence: int64(it.PricePence), ChargePence: pence64(it.ChargePence), PlaceSeq: it.PlaceSeq,
			Attendance: attendanceOut(it), Charges: mapped(it.Charges, chargeOut), ExtraTime: extraOut(it.Extra), Events: eventsOut(it.Happened),
		}
		if it.Places > 1 {
			out.Places = &it.Places
		}
		out.Companions, out.WorkerChanges = companionsOut(it.Companions), changesOut(it.Changes)
		out.PaidAhead = paidAheadFor(who)(it)
		out.TicketID, out.TicketUsed = ticketUse(it)
		if it.FeeDueAt != nil {
			out.FeePence, out.FeeDueAt = pence64(it.FeePence), londonOrNone(it.FeeDueAt)
		}
		if it.State == booking.Declined {
			out.DeclineReason = optional(it.Reason)
		}
		if it.State == booking.CancelledByProvider {
			out.CancelReason = optional(it.Reason)
		}
		if providerSide(who) {
			for i := range out.Charges { // the plan is not the provider's to know
				out.Charges[i].PlanLineID = nil
			}
			return out
		}
		out.Holds = mapped(it.Holds, holdOut)
		return out
	}
}

func chargeOut(c booking.Charge) gen.ItemCharge {
	out := gen.ItemCharge{
		N: c.N, Kind: gen.ChargeKind(c.Kind), Quantity: c.Quantity, QuantityUnit: gen.AccountUnit(c.Unit), AmountPence: int64(c.AmountPence),
		Payer: payerOut(c.Payer), PlanLineID: c.LineID, Added: optional(gen.AddedBy(c.Added)),
	}
	if r := c.Reason; r != nil {
		said := gen.Verdict(r.Verdict)
		out.Verdict, out.Because, out.Reason = &said, &r.Because, reasonOut(&r.QuotedReason)
	}
	return out
}

func holdOut(h booking.ItemHold) gen.Hold {
	return gen.Hold{
		ChargeN: h.ChargeN, AccountKind: gen.HoldAccount(h.AccountKind), Stream: optional(gen.FundingStream(h.Stream)), Unit: gen.AccountUnit(h.Unit),
		Amount: h.Amount, State: gen.HoldState(h.State), Captured: h.Captured, AccountSeq: h.AccountSeq,
	}
}
