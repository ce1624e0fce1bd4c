package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

// EndOffer ends an offer from a date on, with what is booked from then on.
func (s *Server) EndOffer(ctx context.Context, r gen.EndOfferRequestObject) (gen.EndOfferResponseObject, error) {
	e, cancelled, err := booking.EndOffer(ctx, s.DB, who(ctx), marketplace.EndOffer{
		OfferID: r.OfferID, From: r.Body.FromDate.Time, Reason: r.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	return gen.EndOffer200JSONResponse{State: gen.OfferState(e.Offer.State), SessionsCalledOff: e.Sessions, PlacesCancelled: cancelled}, nil
}

// ListPlacesBeyond lists the places to rearrange before a session is cut.
func (s *Server) ListPlacesBeyond(ctx context.Context, r gen.ListPlacesBeyondRequestObject) (gen.ListPlacesBeyondResponseObject, error) {
	list, err := booking.Beyond(ctx, s.DB, who(ctx), r.SessionID, r.Params.Capacity)
	if err != nil {
		return nil, err
	}
	return gen.ListPlacesBeyond200JSONResponse{Items: mapped(list, func(p booking.Placed) gen.TakenPlace {
		return gen.TakenPlace{
			BookingID: p.BookingID, ItemID: p.ItemID, Reference: p.Reference, State: gen.ItemState(p.State), PlaceSeq: p.PlaceSeq,
			BookedAt: london(p.BookedAt),
		}
	})}, nil
}
