package api

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const waitlistList = "waitlist"

// ListWaitlistEntries lists the lines the caller's children wait in.
func (s *Server) ListWaitlistEntries(ctx context.Context, r gen.ListWaitlistEntriesRequestObject) (gen.ListWaitlistEntriesResponseObject, error) {
	after, err := lastID(waitlistList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Waitlist(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, waitlistList, last)
	return gen.ListWaitlistEntries200JSONResponse{
		Body:    gen.WaitlistEntryList{Items: mapped(page, waitEntryOut), NextCursor: cursor},
		Headers: gen.ListWaitlistEntries200ResponseHeaders{Link: link},
	}, nil
}

// JoinWaitlist puts a child in the line for a session.
func (s *Server) JoinWaitlist(ctx context.Context, r gen.JoinWaitlistRequestObject) (gen.JoinWaitlistResponseObject, error) {
	e, err := booking.JoinWaitlist(ctx, s.DB, who(ctx), booking.CreateQuote{
		ChildID: r.Body.ChildID, OfferID: r.Body.OfferID, SessionIDs: []uuid.UUID{r.Body.SessionID}, ChargeKinds: words[string](r.Body.ChargeKinds),
		PlanLineID: r.Body.PlanLineID, FamilyPays: string(given(r.Body.FamilyPays)), Ratio: ratioOf(r.Body.Ratio),
		Children: given(r.Body.Children), ChildNo: given(r.Body.ChildNumber), Quantities: milesOf(r.Body.Miles), Companions: companionsOf(r.Body.Companions),
	})
	if err != nil {
		return nil, err
	}
	return gen.JoinWaitlist201JSONResponse(waitEntryOut(e)), nil
}

// LeaveWaitlist takes a child out of a line.
func (s *Server) LeaveWaitlist(ctx context.Context, r gen.LeaveWaitlistRequestObject) (gen.LeaveWaitlistResponseObject, error) {
	if err := booking.LeaveWaitlist(ctx, s.DB, who(ctx), r.EntryID); err != nil {
		return nil, err
	}
	return gen.LeaveWaitlist204Response{}, nil
}

// AcceptPlace takes the place that was offered.
func (s *Server) AcceptPlace(ctx context.Context, r gen.AcceptPlaceRequestObject) (gen.AcceptPlaceResponseObject, error) {
	b, err := booking.AcceptPlace(ctx, s.DB, who(ctx), r.EntryID)
	if err != nil {
		return nil, err
	}
	return gen.AcceptPlace200JSONResponse(bookingFor(who(ctx))(b)), nil
}

func waitEntryOut(e *booking.WaitEntry) gen.WaitlistEntry {
	return gen.WaitlistEntry{
		ID: e.ID, ChildID: e.ChildID, OfferID: e.OfferID, SessionID: e.SessionID, State: gen.WaitlistState(e.State), Because: optional(e.Because),
		Companions: companionsOut(e.Ask.Companions), BookingID: e.BookingID, ExpiresAt: londonOrNone(e.ExpiresAt), CreatedAt: london(e.CreatedAt),
	}
}
