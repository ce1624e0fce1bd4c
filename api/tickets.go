package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// BuyTicket buys a block of dates, once per key.
func (s *Server) BuyTicket(ctx context.Context, r gen.BuyTicketRequestObject) (gen.BuyTicketResponseObject, error) {
	reply, err := s.desk.BuyTicket(ctx, who(ctx), booking.BuyTicket{
		ChildID: r.Body.ChildID, OfferID: r.Body.OfferID, Option: r.Body.Option, From: dayOrNone(r.Body.From), PlanLineID: r.Body.PlanLineID,
		FamilyPays: string(given(r.Body.FamilyPays)), ExpectedTotalPence: shortbreaks.Pence(r.Body.ExpectedTotalPence),
		Idem: once(ctx, "buyTicket", r.Params.IdempotencyKey, func(b *booking.Basket) gen.Ticket { return ticketOut(b.Bookings[0].Items[0].Ticket) }),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// VisitBuyTicketResponse writes the answer of buyTicket.
func (k kept) VisitBuyTicketResponse(w http.ResponseWriter) error { return k.write(w) }

// GetTicket reads a block of dates.
func (s *Server) GetTicket(ctx context.Context, r gen.GetTicketRequestObject) (gen.GetTicketResponseObject, error) {
	t, err := booking.LoadTicket(ctx, s.DB, who(ctx), r.TicketID)
	if err != nil {
		return nil, err
	}
	return gen.GetTicket200JSONResponse(ticketOut(t)), nil
}

const ticketsList = "tickets"

// ListTickets lists the blocks within reach, newest first.
func (s *Server) ListTickets(ctx context.Context, r gen.ListTicketsRequestObject) (gen.ListTicketsResponseObject, error) {
	after, err := lastID(ticketsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	found, more, err := booking.Tickets(ctx, s.DB, who(ctx), booking.ListTickets{ChildID: r.Params.ChildID, Limit: limitOf(r.Params.Limit), After: after})
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = found[len(found)-1].ID.String()
	}
	cursor, link := nextPage(ctx, ticketsList, last)
	return gen.ListTickets200JSONResponse{
		Body:    gen.TicketList{Items: mapped(found, ticketOut), NextCursor: cursor},
		Headers: gen.ListTickets200ResponseHeaders{Link: link},
	}, nil
}

func ticketOut(t *booking.Ticket) gen.Ticket {
	return gen.Ticket{
		ID: t.ID, BookingID: t.BookingID, ChildID: t.ChildID, ProviderID: t.ProviderID, ProviderName: t.ProviderName, OfferID: t.OfferID,
		OfferTitle: t.OfferTitle, OptionName: t.OptionName, State: gen.ItemState(t.State), Count: t.Count, Used: t.Used, Left: t.Left(),
		ValidFrom: day(t.ValidFrom), ValidTo: day(t.ValidTo), PricePence: int64(t.PricePence), CreatedAt: london(t.CreatedAt),
	}
}

// ticketUse is the block an item was booked off, and whether it is used of it.
func ticketUse(it *booking.Item) (id *uuid.UUID, used *bool) {
	if it.TicketID == nil {
		return nil, nil
	}
	return it.TicketID, &it.TicketCounts
}
