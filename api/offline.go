package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"strconv"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const (
	outsideList      = "outside-places"
	bookingCodesList = "booking-codes"
	offlineList      = "offline-bookings"
)

// ListOutsidePlaces lists a provider's places that are taken outside.
func (s *Server) ListOutsidePlaces(ctx context.Context, r gen.ListOutsidePlacesRequestObject) (gen.ListOutsidePlacesResponseObject, error) {
	after, err := lastID(outsideList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.ListOutside(ctx, s.DB, who(ctx), r.Params.SessionID, given(r.Params.Ended), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, outsideList, last)
	return gen.ListOutsidePlaces200JSONResponse{
		Body:    gen.OutsidePlaceList{Items: mapped(page, outsideOut), NextCursor: cursor},
		Headers: gen.ListOutsidePlaces200ResponseHeaders{Link: link},
	}, nil
}

// TakeOutsidePlaces takes places for somebody who does not book here.
func (s *Server) TakeOutsidePlaces(ctx context.Context, r gen.TakeOutsidePlacesRequestObject) (gen.TakeOutsidePlacesResponseObject, error) {
	places := 1
	if r.Body.Places != nil {
		places = *r.Body.Places
	}
	taken, err := booking.OutsidePlaces(ctx, s.DB, who(ctx), booking.TakeOutside{SessionIDs: r.Body.SessionIds, Reference: r.Body.Reference, Places: places})
	if err != nil {
		return nil, err
	}
	return gen.TakeOutsidePlaces201JSONResponse{Items: mapped(taken, outsideOut)}, nil
}

// EndOutsidePlace gives places taken outside back.
func (s *Server) EndOutsidePlace(ctx context.Context, r gen.EndOutsidePlaceRequestObject) (gen.EndOutsidePlaceResponseObject, error) {
	o, err := booking.EndOutside(ctx, s.DB, who(ctx), r.OutsidePlaceID)
	if err != nil {
		return nil, err
	}
	return gen.EndOutsidePlace200JSONResponse(outsideOut(o)), nil
}

func outsideOut(o *booking.OutsidePlace) gen.OutsidePlace {
	return gen.OutsidePlace{
		ID: o.ID, ProviderID: o.ProviderID, SessionID: o.SessionID, OfferID: o.OfferID, OfferTitle: o.OfferTitle, StartsAt: london(o.StartsAt),
		LocalStart: o.LocalStart, Reference: o.Reference, Places: o.Places, PlaceSeq: o.PlaceSeq, State: gen.OutsidePlaceState(o.State),
		TakenAt: london(o.TakenAt), EndedAt: londonOrNone(o.EndedAt),
	}
}

// ImportOutsidePlaces takes the places of a provider's file.
func (s *Server) ImportOutsidePlaces(ctx context.Context, r gen.ImportOutsidePlacesRequestObject) (gen.ImportOutsidePlacesResponseObject, error) {
	report, err := booking.ImportOutside(ctx, s.DB, who(ctx), r.Params.ProviderID, bytes.NewReader(RawBody(ctx)), booking.ImportOptions{DryRun: given(r.Params.DryRun)})
	if err != nil {
		return nil, err
	}
	return gen.ImportOutsidePlaces201JSONResponse(bookingImportOut(report)), nil
}

// ImportBookings makes the bookings of an authority's file, once per key. What
// is asked of the file is part of what the key stands for.
func (s *Server) ImportBookings(ctx context.Context, r gen.ImportBookingsRequestObject) (gen.ImportBookingsResponseObject, error) {
	idem := once(ctx, "importBookings", r.Params.IdempotencyKey, bookingImportOut)
	how := sha256.Sum256([]byte(strconv.FormatBool(given(r.Params.DryRun)) + given(r.Params.AuthorityID).String() + string(idem.Hash)))
	idem.Hash = how[:]
	_, reply, err := booking.ImportBookings(ctx, s.DB, who(ctx), r.Params.AuthorityID, bytes.NewReader(RawBody(ctx)),
		booking.ImportOptions{DryRun: given(r.Params.DryRun)}, idem)
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// VisitImportBookingsResponse writes the answer of importBookings.
func (k kept) VisitImportBookingsResponse(w http.ResponseWriter) error { return k.write(w) }

func bookingImportOut(r booking.ImportReport) gen.BookingImport {
	return gen.BookingImport{
		Rows: r.Rows, Made: r.Made, Unchanged: r.Unchanged, DryRun: r.DryRun,
		Bookings: mapped(r.Bookings, func(b booking.ImportedRow) gen.ImportedBooking {
			return gen.ImportedBooking{Row: b.Row, Reference: b.Reference, BookingID: b.BookingID, BookingReference: b.Booking, State: gen.ItemState(b.State)}
		}),
	}
}

// ListBookingCodes lists codes, without what is read out.
func (s *Server) ListBookingCodes(ctx context.Context, r gen.ListBookingCodesRequestObject) (gen.ListBookingCodesResponseObject, error) {
	after, err := lastID(bookingCodesList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, now, more, err := booking.Codes(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, bookingCodesList, last)
	return gen.ListBookingCodes200JSONResponse{
		Body: gen.BookingCodeList{
			Items:      mapped(page, func(c booking.FamilyCode) gen.BookingCode { return bookingCodeOut(c, c.State(now), "") }),
			NextCursor: cursor,
		},
		Headers: gen.ListBookingCodes200ResponseHeaders{Link: link},
	}, nil
}

// MakeBookingCode makes a code and tells it, once.
func (s *Server) MakeBookingCode(ctx context.Context, r gen.MakeBookingCodeRequestObject) (gen.MakeBookingCodeResponseObject, error) {
	c, code, err := booking.MakeCode(ctx, s.DB, who(ctx), r.Body.ChildID, r.Body.ProviderID)
	if err != nil {
		return nil, err
	}
	return gen.MakeBookingCode201JSONResponse(bookingCodeOut(*c, "open", code)), nil
}

// WithdrawBookingCode takes a code back.
func (s *Server) WithdrawBookingCode(ctx context.Context, r gen.WithdrawBookingCodeRequestObject) (gen.WithdrawBookingCodeResponseObject, error) {
	if err := booking.WithdrawCode(ctx, s.DB, who(ctx), r.CodeID); err != nil {
		return nil, err
	}
	return gen.WithdrawBookingCode204Response{}, nil
}

func bookingCodeOut(c booking.FamilyCode, state, code string) gen.BookingCode {
	return gen.BookingCode{
		ID: c.ID, ChildID: c.ChildID, ProviderID: c.ProviderID, Code: optional(code), State: gen.BookingCodeState(state),
		MadeAt: london(c.MadeAt), ExpiresAt: london(c.ExpiresAt),
	}
}

// CreateOfflineBooking enters a booking with a family's code, once per key.
func (s *Server) CreateOfflineBooking(ctx context.Context, r gen.CreateOfflineBookingRequestObject) (gen.CreateOfflineBookingResponseObject, error) {
	_, reply, err := booking.EnterBooking(ctx, s.DB, who(ctx), booking.EnterOffline{
		Code: r.Body.Code, OfferID: r.Body.OfferID, SessionIDs: r.Body.SessionIds, BundleID: r.Body.BundleID, Visits: mapped(r.Body.Visits, visitOf),
		ChargeKinds: words[string](r.Body.ChargeKinds), Reference: given(r.Body.Reference),
		Idem: once(ctx, "createOfflineBooking", r.Params.IdempotencyKey, offlineFor(who(ctx))),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// VisitCreateOfflineBookingResponse writes the answer of createOfflineBooking.
func (k kept) VisitCreateOfflineBookingResponse(w http.ResponseWriter) error { return k.write(w) }

// ListOfflineBookings lists what providers entered.
func (s *Server) ListOfflineBookings(ctx context.Context, r gen.ListOfflineBookingsRequestObject) (gen.ListOfflineBookingsResponseObject, error) {
	after, err := lastID(offlineList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Offline(ctx, s.DB, who(ctx), given(r.Params.Waiting), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].BookingID.String()
	}
	cursor, link := nextPage(ctx, offlineList, last)
	return gen.ListOfflineBookings200JSONResponse{
		Body:    gen.OfflineBookingList{Items: mapped(page, offlineFor(who(ctx))), NextCursor: cursor},
		Headers: gen.ListOfflineBookings200ResponseHeaders{Link: link},
	}, nil
}

// AgreeOfflineBooking is the family's yes.
func (s *Server) AgreeOfflineBooking(ctx context.Context, r gen.AgreeOfflineBookingRequestObject) (gen.AgreeOfflineBookingResponseObject, error) {
	o, err := booking.AgreeOffline(ctx, s.DB, who(ctx), r.BookingID)
	if err != nil {
		return nil, err
	}
	return gen.AgreeOfflineBooking200JSONResponse(offlineFor(who(ctx))(o)), nil
}

// offlineFor shows a booking that was entered; a provider is not told whose it is.
func offlineFor(who shortbreaks.Actor) func(*booking.OfflineBooking) gen.OfflineBooking {
	return func(o *booking.OfflineBooking) gen.OfflineBooking {
		out := gen.OfflineBooking{
			BookingID: o.BookingID, BookingReference: o.BookingReference, Reference: optional(o.Reference), OfferTitle: o.OfferTitle,
			TotalPence: int64(o.TotalPence), State: gen.ItemState(o.State), StartsAt: london(o.StartsAt), LocalStart: o.LocalStart,
			EnteredAt: london(o.EnteredAt), ExpiresAt: londonOrNone(o.ExpiresAt), AgreedAt: londonOrNone(o.AgreedAt),
		}
		if len(who.Providers) == 0 {
			out.ChildID = &o.ChildID
		}
		return out
	}
}
