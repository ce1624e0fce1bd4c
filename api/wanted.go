package api

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/commissioning"
)

const (
	wantedList       = "wanted"
	wantedDemandList = "wanted demand"
)

// ListWantedTimes lists what the caller's children want and cannot find.
func (s *Server) ListWantedTimes(ctx context.Context, r gen.ListWantedTimesRequestObject) (gen.ListWantedTimesResponseObject, error) {
	after, err := lastID(wantedList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.WantedTimes(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, wantedList, pageEnd(page, more, func(w *booking.WantedTime) uuid.UUID { return w.ID }))
	return gen.ListWantedTimes200JSONResponse{
		Body: gen.WantedTimeList{Items: mapped(page, wantedOut), NextCursor: cursor}, Headers: gen.ListWantedTimes200ResponseHeaders{Link: link},
	}, nil
}

// CreateWantedTime posts one.
func (s *Server) CreateWantedTime(ctx context.Context, r gen.CreateWantedTimeRequestObject) (gen.CreateWantedTimeResponseObject, error) {
	b := r.Body
	w, err := booking.PostWanted(ctx, s.DB, who(ctx), b.ChildID, wantedIn(gen.WantedTimeChange{
		Category: b.Category, Postcode: b.Postcode, WithinKm: b.WithinKm, Windows: b.Windows, From: b.From, To: b.To, Needs: b.Needs,
	}))
	if err != nil {
		return nil, err
	}
	return gen.CreateWantedTime201JSONResponse(wantedOut(w)), nil
}

// UpdateWantedTime writes one anew.
func (s *Server) UpdateWantedTime(ctx context.Context, r gen.UpdateWantedTimeRequestObject) (gen.UpdateWantedTimeResponseObject, error) {
	w, err := booking.ChangeWanted(ctx, s.DB, who(ctx), r.WantedTimeID, wantedIn(*r.Body))
	if err != nil {
		return nil, err
	}
	return gen.UpdateWantedTime200JSONResponse(wantedOut(w)), nil
}

// WithdrawWantedTime ends one.
func (s *Server) WithdrawWantedTime(ctx context.Context, r gen.WithdrawWantedTimeRequestObject) (gen.WithdrawWantedTimeResponseObject, error) {
	if err := booking.WithdrawWanted(ctx, s.DB, who(ctx), r.WantedTimeID); err != nil {
		return nil, err
	}
	return gen.WithdrawWantedTime204Response{}, nil
}

func wantedIn(b gen.WantedTimeChange) booking.Wanted {
	return booking.Wanted{
		Category: string(b.Category), Postcode: b.Postcode, WithinKM: given(b.WithinKm), FromDate: dayOrZero(b.From), ToDate: dayOrZero(b.To),
		Needs: words[string](b.Needs), Windows: mapped(b.Windows, func(w gen.WantedWindow) booking.WantedWindow {
			return booking.WantedWindow{Weekdays: w.Weekdays, Earliest: w.Earliest, Latest: w.Latest}
		}),
	}
}

func wantedOut(w *booking.WantedTime) gen.WantedTime {
	state := gen.WantedTimeState(w.State)
	if w.Lapsed && state == gen.WantedTimeStateOpen {
		state = gen.WantedTimeStateLapsed
	}
	return gen.WantedTime{
		ID: w.ID, ChildID: w.ChildID, Category: gen.Category(w.Category), Postcode: w.Postcode, Area: w.Area, WithinKm: w.WithinKM,
		From: day(w.FromDate), To: day(w.ToDate), Needs: words[gen.Need](w.Needs), State: state, CreatedAt: london(w.CreatedAt),
		Windows: mapped(w.Windows, func(v booking.WantedWindow) gen.WantedWindow {
			return gen.WantedWindow{Weekdays: v.Weekdays, Earliest: v.Earliest, Latest: v.Latest}
		}),
		Matches: mapped(w.Matches, func(m booking.WantedMatch) gen.WantedMatch {
			return gen.WantedMatch{OfferID: m.OfferID, OfferTitle: m.OfferTitle, ProviderName: m.ProviderName, StartsAt: londonOrNone(m.StartsAt), FoundAt: london(m.FoundAt)}
		}),
	}
}

// ReadWantedDemand shows what families want and cannot find, in counts.
func (s *Server) ReadWantedDemand(ctx context.Context, r gen.ReadWantedDemandRequestObject) (gen.ReadWantedDemandResponseObject, error) {
	where, err := unsealed(wantedDemandList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	after := 0
	if where != "" {
		if after, err = strconv.Atoi(where); err != nil {
			return nil, errCursor
		}
	}
	page, more, err := commissioning.WantedDemand(ctx, s.DB, who(ctx), string(given(r.Params.Category)), given(r.Params.Area), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = strconv.Itoa(page[len(page)-1].N)
	}
	cursor, link := nextPage(ctx, wantedDemandList, last)
	return gen.ReadWantedDemand200JSONResponse{
		Body: gen.WantedDemand{NextCursor: cursor, SmallestCount: commissioning.Smallest, Items: mapped(page, func(c commissioning.WantedCell) gen.WantedCell {
			return gen.WantedCell{
				Category: gen.Category(c.Category), Area: c.Area, Weekday: c.Weekday, Band: gen.WantedCellBand(c.Band), Need: optional(gen.Need(c.Need)),
				Wanted: c.Wanted, Children: c.Children,
			}
		})},
		Headers: gen.ReadWantedDemand200ResponseHeaders{Link: link},
	}, nil
}
