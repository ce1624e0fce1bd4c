package api

import (
	"context"
	"net/http"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

// QuoteSeries prices every date of a rule.
func (s *Server) QuoteSeries(ctx context.Context, r gen.QuoteSeriesRequestObject) (gen.QuoteSeriesResponseObject, error) {
	b := r.Body
	made, err := booking.MakeSeriesQuote(ctx, s.DB, who(ctx), booking.QuoteSeries{
		Wanted: quoteWanted(gen.QuoteRequest{
			ChildID: b.ChildID, OfferID: b.OfferID, LaneID: b.LaneID, ChargeKinds: b.ChargeKinds, PlanLineID: b.PlanLineID, FamilyPays: b.FamilyPays,
			Ratio: b.Ratio, Children: b.Children, ChildNumber: b.ChildNumber, Miles: b.Miles, Companions: b.Companions, TicketID: b.TicketID,
		}),
		Rule: marketplace.SeriesAsk{
			Weekdays: b.Weekdays, First: b.From.Time, Last: b.Until.Time, Start: given(b.Start), Minutes: given(b.Minutes),
			TermTimeOnly: given(b.TermTimeOnly), SkipBankHolidays: given(b.SkipBankHolidays),
			Except: mapped(b.Except, func(on types.Date) time.Time { return on.Time }),
		},
		AllOrNone: given(b.Take) == gen.SeriesTakeAllOrNone,
	})
	if err != nil {
		return nil, err
	}
	return gen.QuoteSeries200JSONResponse(seriesOut(who(ctx), made)), nil
}

func seriesOut(who shortbreaks.Actor, made *booking.SeriesQuote) gen.SeriesQuote {
	out := gen.SeriesQuote{Dates: mapped(made.Dates, seriesDateOut)}
	for _, d := range made.Dates {
		switch {
		case d.Open():
			out.Fitting++
		case !d.LeftOut():
			out.Missing++
		}
	}
	if made.Quote != nil {
		q := quoteFor(who, made.Quote)
		out.Quote = &q
	}
	return out
}

func seriesDateOut(d booking.SeriesQuoteDate) gen.SeriesDate {
	out := gen.SeriesDate{On: day(d.On), Fits: d.Open(), Code: optional(d.Code), Because: optional(d.Because), SessionID: d.SessionID, LeftOut: optional(d.LeftOut())}
	if d.Visit != nil {
		out.LocalStart = optional(d.Visit.LocalStart)
	}
	if d.Item != nil {
		price := int64(d.Item.PricePence)
		out.LocalStart, out.PricePence = &d.Item.LocalStart, &price
	}
	return out
}

// CreateBasket prices and books several things at once, once per key.
func (s *Server) CreateBasket(ctx context.Context, r gen.CreateBasketRequestObject) (gen.CreateBasketResponseObject, error) {
	reply, err := s.desk.CreateBasket(ctx, who(ctx), booking.CreateBasket{
		Lines: mapped(r.Body.Lines, func(l gen.BasketLine) booking.BasketLine {
			return booking.BasketLine{Wanted: quoteWanted(l.Want), ExpectedTotalPence: shortbreaks.Pence(l.ExpectedTotalPence)}
		}),
		Idem: once(ctx, "createBasket", r.Params.IdempotencyKey, func(b *booking.Basket) gen.Basket {
			return gen.Basket{BasketID: b.ID, Bookings: mapped(b.Bookings, bookingFor(who(ctx)))}
		}),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// VisitCreateBasketResponse writes the answer of createBasket.
func (k kept) VisitCreateBasketResponse(w http.ResponseWriter) error { return k.write(w) }
