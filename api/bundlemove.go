package api

import (
	"context"
	"net/http"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// MoveBundleDate gives one date of a bundle another session, once per key.
func (s *Server) MoveBundleDate(ctx context.Context, r gen.MoveBundleDateRequestObject) (gen.MoveBundleDateResponseObject, error) {
	_, reply, err := booking.MoveBundleDate(ctx, s.DB, who(ctx), booking.MoveInBundle{
		ItemID: r.ItemID, SessionID: r.Body.SessionID,
		Idem: once(ctx, "moveBundleDate", r.Params.IdempotencyKey, func(m *booking.Rescheduled) gen.MovedItem {
			return gen.MovedItem{Booking: bookingFor(who(ctx))(m.Booking), MovedFrom: itemFor(who(ctx))(m.Old)}
		}),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// VisitMoveBundleDateResponse writes the answer of moveBundleDate.
func (k kept) VisitMoveBundleDateResponse(w http.ResponseWriter) error { return k.write(w) }
