package api

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

const (
	roundList      = "rounds"
	roundEntryList = "round entries"
)

// ListAllocationRounds lists rounds, of all providers or of one offer.
func (s *Server) ListAllocationRounds(ctx context.Context, r gen.ListAllocationRoundsRequestObject) (gen.ListAllocationRoundsResponseObject, error) {
	after, err := lastID(roundList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := marketplace.ListRounds(ctx, s.DB, given(r.Params.OfferID), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, roundList, pageEnd(page, more, func(r *marketplace.Round) uuid.UUID { return r.ID }))
	return gen.ListAllocationRounds200JSONResponse{
		Body: gen.AllocationRoundList{Items: mapped(page, roundOut), NextCursor: cursor}, Headers: gen.ListAllocationRounds200ResponseHeaders{Link: link},
	}, nil
}

// CreateAllocationRound announces one.
func (s *Server) CreateAllocationRound(ctx context.Context, r gen.CreateAllocationRoundRequestObject) (gen.CreateAllocationRoundResponseObject, error) {
	b := r.Body
	round, err := marketplace.AnnounceRound(ctx, s.DB, who(ctx), marketplace.OpenRound{
		OfferID: b.OfferID, OpensAt: b.OpensAt, ClosesAt: b.ClosesAt, Groups: words[string](b.Groups), SiblingsTogether: given(b.SiblingsTogether), Words: given(b.Words),
		Sessions: mapped(b.Sessions, func(p gen.AllocationSession) marketplace.RoundPlaces {
			return marketplace.RoundPlaces{SessionID: p.SessionID, Places: given(p.Places)}
		}),
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateAllocationRound201JSONResponse(roundOut(round)), nil
}

// GetAllocationRound reads one.
func (s *Server) GetAllocationRound(ctx context.Context, r gen.GetAllocationRoundRequestObject) (gen.GetAllocationRoundResponseObject, error) {
	round, err := marketplace.GetRound(ctx, s.DB, r.RoundID)
	if err != nil {
		return nil, err
	}
	return gen.GetAllocationRound200JSONResponse(roundOut(round)), nil
}

// CallOffAllocationRound ends one before its places are given out.
func (s *Server) CallOffAllocationRound(ctx context.Context, r gen.CallOffAllocationRoundRequestObject) (gen.CallOffAllocationRoundResponseObject, error) {
	if _, err := marketplace.CallOffRound(ctx, s.DB, who(ctx), r.RoundID); err != nil {
		return nil, err
	}
	return gen.CallOffAllocationRound204Response{}, nil
}

// ReadAllocationDraw shows how one was drawn.
func (s *Server) ReadAllocationDraw(ctx context.Context, r gen.ReadAllocationDrawRequestObject) (gen.ReadAllocationDrawResponseObject, error) {
	draw, round, err := booking.PublishedDraw(ctx, s.DB, r.RoundID)
	if err != nil {
		return nil, err
	}
	out := gen.AllocationDraw{
		RoundID: round.ID, Seed: hex.EncodeToString(round.Seed), Commitment: hex.EncodeToString(round.Commitment), Groups: words[gen.RoundGroup](draw.Groups),
		SiblingsTogether: draw.SiblingsTogether, Entries: mapped(draw.Entries, drawnOut), Sessions: []gen.DrawnSession{},
	}
	for id, n := range draw.Places {
		out.Sessions = append(out.Sessions, gen.DrawnSession{SessionID: id, Places: n})
	}
	slices.SortFunc(out.Sessions, func(a, b gen.DrawnSession) int { return strings.Compare(a.SessionID.String(), b.SessionID.String()) })
	return gen.ReadAllocationDraw200JSONResponse(out), nil
}

func drawnOut(e booking.DrawEntry) gen.DrawnEntry {
	return gen.DrawnEntry{
		Ticket: e.Ticket, Family: e.Family, Groups: words[gen.RoundGroup](e.Groups), Place: e.Place, Wish: optional(e.Wish),
		Wishes: mapped(e.Wishes, func(w booking.DrawWish) gen.DrawnWish {
			return gen.DrawnWish{SessionIds: w.Sessions, Places: w.Places, Impossible: w.Impossible}
		}),
	}
}

// PutAllocationWishes enters a child, or writes its wishes anew.
func (s *Server) PutAllocationWishes(ctx context.Context, r gen.PutAllocationWishesRequestObject) (gen.PutAllocationWishesResponseObject, error) {
	e, err := booking.PutWishes(ctx, s.DB, who(ctx), booking.EnterRound{
		RoundID: r.RoundID, ChildID: r.ChildID, Wishes: mapped(r.Body.Wishes, func(w gen.AllocationWish) booking.CreateQuote {
			return booking.CreateQuote{
				SessionIDs: w.SessionIds, BundleID: w.BundleID, ChargeKinds: words[string](w.ChargeKinds), Companions: companionsOf(w.Companions),
				PlanLineID: w.PlanLineID, FamilyPays: string(given(w.FamilyPays)),
			}
		}),
	})
	if err != nil {
		return nil, err
	}
	return gen.PutAllocationWishes200JSONResponse(roundEntryOut(e)), nil
}

// LeaveAllocationRound takes a child out.
func (s *Server) LeaveAllocationRound(ctx context.Context, r gen.LeaveAllocationRoundRequestObject) (gen.LeaveAllocationRoundResponseObject, error) {
	if err := booking.LeaveRound(ctx, s.DB, who(ctx), r.RoundID, r.ChildID); err != nil {
		return nil, err
	}
	return gen.LeaveAllocationRound204Response{}, nil
}

// ListAllocationEntries lists the rounds the caller's children are in.
func (s *Server) ListAllocationEntries(ctx context.Context, r gen.ListAllocationEntriesRequestObject) (gen.ListAllocationEntriesResponseObject, error) {
	where, err := unsealed(roundEntryList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var round, child uuid.UUID
	if where != "" {
		a, b, _ := strings.Cut(where, " ")
		if round, err = uuid.Parse(a); err == nil {
			child, err = uuid.Parse(b)
		}
		if err != nil {
			return nil, errCursor
		}
	}
	page, more, err := booking.RoundEntries(ctx, s.DB, who(ctx), round, child, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		e := page[len(page)-1]
		last = e.RoundID.String() + " " + e.ChildID.String()
	}
	cursor, link := nextPage(ctx, roundEntryList, last)
	return gen.ListAllocationEntries200JSONResponse{
		Body: gen.AllocationEntryList{Items: mapped(page, roundEntryOut), NextCursor: cursor}, Headers: gen.ListAllocationEntries200ResponseHeaders{Link: link},
	}, nil
}

func roundEntryOut(e *booking.RoundEntry) gen.AllocationEntry {
	return gen.AllocationEntry{
		RoundID: e.RoundID, ChildID: e.ChildID, OfferID: e.OfferID, OfferTitle: e.OfferTitle, Ticket: e.Ticket(), State: gen.AllocationEntryState(e.State),
		Place: e.Place, Of: optional(e.Of), Wish: e.Wish, BookingID: e.BookingID, Words: optional(e.Words), CreatedAt: london(e.CreatedAt),
		Wishes: mapped(e.Wishes, func(w booking.RoundWish) gen.AllocationWishShown {
			return gen.AllocationWishShown{
				SessionIds: w.Sessions(), BundleID: w.Ask.BundleID, LocalStarts: w.LocalStart, Places: w.Places, TotalPence: int64(w.TotalPence), Because: optional(w.Because),
			}
		}),
	}
}

func roundOut(r *marketplace.Round) gen.AllocationRound {
	return gen.AllocationRound{
		ID: r.ID, ProviderID: r.ProviderID, ProviderName: r.ProviderName, OfferID: r.OfferID, OfferTitle: r.OfferTitle, OpensAt: london(r.OpensAt),
		ClosesAt: london(r.ClosesAt), Groups: words[gen.RoundGroup](r.Groups), SiblingsTogether: r.SiblingsTogether, Words: r.Words,
		Rule: booking.RuleWords(r.Groups, r.SiblingsTogether), Commitment: hex.EncodeToString(r.Commitment), Seed: optional(hex.EncodeToString(r.Seed)),
		State: gen.AllocationRoundState(r.Stage()), EndedAt: londonOrNone(r.EndedAt),
		Sessions: mapped(r.Places, func(p marketplace.RoundPlaces) gen.AllocationPlaces {
			return gen.AllocationPlaces{SessionID: p.SessionID, LocalStart: p.LocalStart, Places: p.Places, Kept: p.Kept, BundleID: p.BundleID}
		}),
	}
}
