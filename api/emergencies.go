package api

import (
	"context"
	"net/http"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
)

const (
	emergencyPlacesList   = "emergency-places"
	emergencyBookingsList = "emergency-bookings"
	contingencyList       = "contingency-fundings"
)

// KeepEmergencyPlaces sets places of a session aside for an authority.
func (s *Server) KeepEmergencyPlaces(ctx context.Context, r gen.KeepEmergencyPlacesRequestObject) (gen.KeepEmergencyPlacesResponseObject, error) {
	kept, err := marketplace.KeepPlaces(ctx, s.DB, who(ctx), marketplace.KeepForEmergency{
		SessionID: r.SessionID, AuthorityID: r.Body.AuthorityID, Places: r.Body.Places, ReleaseHoursBefore: r.Body.ReleaseHoursBefore,
	})
	if err != nil {
		return nil, err
	}
	return gen.KeepEmergencyPlaces201JSONResponse(emergencyPlacesOut(kept)), nil
}

// ListEmergencyPlaces lists what is kept for emergencies.
func (s *Server) ListEmergencyPlaces(ctx context.Context, r gen.ListEmergencyPlacesRequestObject) (gen.ListEmergencyPlacesResponseObject, error) {
	after, err := lastID(emergencyPlacesList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := marketplace.ListEmergency(ctx, s.DB, who(ctx), string(given(r.Params.State)), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, emergencyPlacesList, last)
	return gen.ListEmergencyPlaces200JSONResponse{
		Body:    gen.EmergencyPlacesList{Items: mapped(page, emergencyPlacesOut), NextCursor: cursor},
		Headers: gen.ListEmergencyPlaces200ResponseHeaders{Link: link},
	}, nil
}

// EndEmergencyPlaces gives back what is kept and not used.
func (s *Server) EndEmergencyPlaces(ctx context.Context, r gen.EndEmergencyPlacesRequestObject) (gen.EndEmergencyPlacesResponseObject, error) {
	kept, err := marketplace.EndKeeping(ctx, s.DB, who(ctx), r.EmergencyPlacesID)
	if err != nil {
		return nil, err
	}
	return gen.EndEmergencyPlaces200JSONResponse(emergencyPlacesOut(kept)), nil
}

func emergencyPlacesOut(k *marketplace.EmergencyPlaces) gen.EmergencyPlaces {
	return gen.EmergencyPlaces{
		ID: k.ID, AuthorityID: k.AuthorityID, ProviderID: k.ProviderID, ProviderName: k.ProviderName, OfferID: k.OfferID, OfferTitle: k.OfferTitle,
		SessionID: k.SessionID, StartsAt: london(k.StartsAt), EndsAt: london(k.EndsAt), LocalStart: k.LocalStart, Places: k.Places, Used: k.Used,
		ReleaseAt: london(k.ReleaseAt(k.StartsAt)), State: gen.EmergencyPlacesState(k.State), EndedAt: londonOrNone(k.EndedAt),
	}
}

// CreateEmergencyBooking books a place kept for emergencies, once per key.
func (s *Server) CreateEmergencyBooking(ctx context.Context, r gen.CreateEmergencyBookingRequestObject) (gen.CreateEmergencyBookingResponseObject, error) {
	_, reply, err := booking.BookEmergency(ctx, s.DB, who(ctx), booking.CreateEmergency{
		ChildID: r.Body.ChildID, CapacityID: r.Body.EmergencyPlacesID, Stream: string(r.Body.Stream), Reason: r.Body.Reason,
		ChargeKinds: words[string](r.Body.ChargeKinds), ExpectedTotalPence: (*shortbreaks.Pence)(r.Body.ExpectedTotalPence),
		Idem: once(ctx, "createEmergencyBooking", r.Params.IdempotencyKey, emergencyOut),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// VisitCreateEmergencyBookingResponse writes the answer of createEmergencyBooking.
func (k kept) VisitCreateEmergencyBookingResponse(w http.ResponseWriter) error { return k.write(w) }

// ListEmergencyBookings lists emergency bookings.
func (s *Server) ListEmergencyBookings(ctx context.Context, r gen.ListEmergencyBookingsRequestObject) (gen.ListEmergencyBookingsResponseObject, error) {
	after, err := lastID(emergencyBookingsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Emergencies(ctx, s.DB, who(ctx), given(r.Params.Undecided), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].BookingID.String()
	}
	cursor, link := nextPage(ctx, emergencyBookingsList, last)
	return gen.ListEmergencyBookings200JSONResponse{
		Body:    gen.EmergencyBookingList{Items: mapped(page, emergencyOut), NextCursor: cursor},
		Headers: gen.ListEmergencyBookings200ResponseHeaders{Link: link},
	}, nil
}

// DecideEmergencyBooking says who bears an emergency booking.
func (s *Server) DecideEmergencyBooking(ctx context.Context, r gen.DecideEmergencyBookingRequestObject) (gen.DecideEmergencyBookingResponseObject, error) {
	e, err := booking.DecideEmergency{
		BookingID: r.BookingID, Decision: string(r.Body.Decision), LineID: r.Body.PlanLineID, Words: given(r.Body.Words),
	}.Decide(ctx, s.DB, who(ctx))
	if err != nil {
		return nil, err
	}
	return gen.DecideEmergencyBooking200JSONResponse(emergencyOut(e)), nil
}

func emergencyOut(e *booking.Emergency) gen.EmergencyBooking {
	return gen.EmergencyBooking{
		BookingID: e.BookingID, Reference: e.Reference, ChildID: e.ChildID, ChildFirstName: e.ChildFirstName, ProviderName: e.ProviderName,
		OfferTitle: e.OfferTitle, StartsAt: london(e.StartsAt), LocalStart: e.LocalStart, State: gen.ItemState(e.State),
		Stream: gen.FundingStream(e.Stream), PricePence: int64(e.PricePence), Reason: e.Reason, BookedAt: london(e.BookedAt), DecideBy: day(e.DecideBy),
		Decision: optional(gen.EmergencyDecisionKind(e.Decision)), PlanLineID: e.LineID, Words: optional(e.Words), DecidedAt: londonOrNone(e.DecidedAt),
		RechargedPence: pence64(e.RechargedPence),
	}
}

// ProposeContingencyFunding writes down money for emergencies to be approved.
func (s *Server) ProposeContingencyFunding(ctx context.Context, r gen.ProposeContingencyFundingRequestObject) (gen.ProposeContingencyFundingResponseObject, error) {
	c := budgets.NewContingency{
		AuthorityID: r.Body.AuthorityID, PeriodID: r.Body.PeriodID, Stream: string(r.Body.Stream), AmountPence: shortbreaks.Pence(r.Body.AmountPence),
		Note: given(r.Body.Note),
	}
	if p := r.Body.Period; p != nil {
		c.Period = &budgets.NewPeriod{Name: p.Name, StartsOn: p.StartsOn.Time, EndsOn: p.EndsOn.Time}
	}
	f, err := budgets.ProposeContingency(ctx, s.DB, who(ctx), c)
	if err != nil {
		return nil, err
	}
	return gen.ProposeContingencyFunding201JSONResponse(contingencyOut(*f)), nil
}

// ApproveContingencyFunding puts money for emergencies there.
func (s *Server) ApproveContingencyFunding(ctx context.Context, r gen.ApproveContingencyFundingRequestObject) (gen.ApproveContingencyFundingResponseObject, error) {
	f, err := budgets.ApproveContingency(ctx, s.DB, who(ctx), r.FundingID)
	if err != nil {
		return nil, err
	}
	return gen.ApproveContingencyFunding200JSONResponse(contingencyOut(*f)), nil
}

// ListContingencyFundings lists money for emergencies.
func (s *Server) ListContingencyFundings(ctx context.Context, r gen.ListContingencyFundingsRequestObject) (gen.ListContingencyFundingsResponseObject, error) {
	after, err := lastID(contingencyList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := budgets.ContingencyFundings(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, contingencyList, last)
	return gen.ListContingencyFundings200JSONResponse{
		Body:    gen.ContingencyFundingList{Items: mapped(page, contingencyOut), NextCursor: cursor},
		Headers: gen.ListContingencyFundings200ResponseHeaders{Link: link},
	}, nil
}

func contingencyOut(f budgets.ContingencyFunding) gen.ContingencyFunding {
	out := gen.ContingencyFunding{
		ID: f.ID, AuthorityID: f.AuthorityID, PeriodID: f.PeriodID, Stream: gen.FundingStream(f.Stream), AmountPence: int64(f.AmountPence),
		Note: optional(f.Note), State: "proposed", ProposedAt: london(f.ProposedAt), ApprovedAt: londonOrNone(f.ApprovedAt),
		BalancePence: int64(f.BalancePence), HeldPence: int64(f.HeldPence),
	}
	if f.ApprovedBy != nil {
		out.State = "approved"
	}
	return out
}
