package api

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// CreateQuote prices what one child would book.
func (s *Server) CreateQuote(ctx context.Context, r gen.CreateQuoteRequestObject) (gen.CreateQuoteResponseObject, error) {
	q, err := booking.MakeQuote(ctx, s.DB, who(ctx), quoteWanted(*r.Body))
	if err != nil {
		return nil, err
	}
	return gen.CreateQuote201JSONResponse(quoteFor(who(ctx), q)), nil
}

// quoteWanted is what a request would have.
func quoteWanted(b gen.QuoteRequest) booking.CreateQuote {
	return booking.CreateQuote{
		ChildID: b.ChildID, OfferID: b.OfferID, SessionIDs: b.SessionIds, BundleID: b.BundleID,
		Visits: mapped(b.Visits, visitOf), LaneID: b.LaneID, ChargeKinds: words[string](b.ChargeKinds),
		PlanLineID: b.PlanLineID, FamilyPays: string(given(b.FamilyPays)), Ratio: ratioOf(b.Ratio),
		Children: given(b.Children), ChildNo: given(b.ChildNumber), Quantities: milesOf(b.Miles),
		Companions: companionsOf(b.Companions), TicketID: b.TicketID,
	}
}

// GetQuote reads a quote back, as figures or as a paper.
func (s *Server) GetQuote(ctx context.Context, r gen.GetQuoteRequestObject) (gen.GetQuoteResponseObject, error) {
	q, at, err := booking.ReadQuote(ctx, s.DB, who(ctx), r.QuoteID)
	if err != nil {
		return nil, err
	}
	if as := given(r.Params.As); as == gen.PaperFormPaper || as == gen.PaperFormPdf {
		return draw(q.Paper(at), as)
	}
	return gen.GetQuote200JSONResponse(quoteFor(who(ctx), q)), nil
}

func ratioOf(r *gen.SupportRatio) tariff.Ratio {
	given := given(r)
	return tariff.Ratio{Staff: given.Staff, Children: given.Children}
}

// milesOf says how far, for the kinds of charge that may be by the mile.
func milesOf(miles *int) map[string]int {
	if miles == nil {
		return nil
	}
	return map[string]int{"travel": *miles, "transport": *miles}
}

func visitOf(v gen.Visit) marketplace.Visit {
	return marketplace.Visit{LocalStart: v.LocalStart, Minutes: v.Minutes}
}

// quoteFor shows a quote to its reader; advice is for staff.
func quoteFor(who shortbreaks.Actor, q *booking.Quote) gen.Quote {
	out := quoteOut(q)
	if booking.Advised(who) {
		out.Advice = q.Document.Advice
	}
	return out
}

func quoteOut(q *booking.Quote) gen.Quote {
	d := q.Document
	return gen.Quote{
		ID: q.ID, ChildID: q.ChildID, OfferID: q.OfferID, OfferVersionID: q.VersionID, OfferTitle: d.OfferTitle,
		ProviderID: q.ProviderID, ProviderName: d.ProviderName, OptionName: d.OptionName, ExpiresAt: london(q.ExpiresAt),
		TotalPence: int64(q.TotalPence), FullPence: int64(d.FullPence), MightAdd: mapped(d.MightAdd, mightAddOut), Dues: mapped(d.Dues, dueOut),
		BudgetPence: int64(q.BudgetPence()), FamilyPence: int64(q.TotalPence - q.BudgetPence()),
		Items: mapped(d.Items, quoteItemOut), CancellationTerms: termsOut(d.Terms), Explanation: d.Explanation,
		Verdict: gen.Verdict(q.Verdict()), Because: append([]string{}, d.Because...), BundleID: d.BundleID,
		NextSteps: mapped(q.NextSteps(), func(n booking.NextStep) gen.NextStep {
			return gen.NextStep{Code: n.Code, Words: n.Words, Operation: n.Operation}
		}),
	}
}

func mightAddOut(m tariff.MightAdd) gen.MightAdd {
	return gen.MightAdd{
		Event: gen.ChargeEvent(m.Event), Pence: int64(m.Pence), EachMinutes: optional(m.Each), UpToPence: pence64(m.UpToPence), Words: m.Words(),
	}
}

func dueOut(d tariff.Due) gen.Due {
	out := gen.Due{What: gen.DueKind(d.What), Pence: int64(d.Pence)}
	if !d.On.IsZero() {
		on := day(d.On)
		out.DueOn = &on
	}
	return out
}

func quoteItemOut(it booking.QuotedItem) gen.QuoteItem {
	return gen.QuoteItem{
		SessionID: it.SessionID, LaneID: it.LaneWish, StartsAt: london(it.StartsAt), EndsAt: london(it.EndsAt), LocalStart: it.LocalStart,
		TimeZone: shortbreaks.ZoneName, PricePence: int64(it.PricePence), Charges: mapped(it.Charges, quoteChargeOut),
		Minimum: quoteMinimumOut(it.Minimum),
	}
}

func quoteChargeOut(c booking.QuotedCharge) gen.QuoteCharge {
	out := gen.QuoteCharge{
		N: c.N, Kind: gen.ChargeKind(c.Kind), Quantity: c.Quantity, QuantityUnit: gen.AccountUnit(c.Unit), AmountPence: int64(c.AmountPence),
		Payer: payerOut(c.Payer), Verdict: gen.Verdict(c.VerdictOf()), Because: c.Because, Reason: reasonOut(c.Reason), PlanLineID: c.LineID, Funding: []gen.Funding{},
		VatPence: optional(int64(c.VATPence)), Payee: optional(c.Payee), Others: mapped(c.Others, borneOut),
	}
	if c.FullPence != c.AmountPence {
		out.FullPence = optional(int64(c.FullPence))
	}
	if c.Payer == payments.PayerBudget {
		out.Funding = mapped(c.Funding, func(f booking.QuotedShare) gen.Funding {
			return gen.Funding{Stream: gen.FundingStream(f.Stream), PeriodID: optional[uuid.UUID](f.PeriodID), Unit: out.QuantityUnit, Amount: f.Amount}
		})
	}
	return out
}

// reasonOut is by which rule a verdict was come to.
func reasonOut(r *booking.QuotedReason) *gen.VerdictReason {
	if r == nil {
		return nil
	}
	return &gen.VerdictReason{Rule: r.Rule, Version: r.Version, Facts: mapped(r.Facts, func(f budgets.Fact) gen.VerdictFact {
		return gen.VerdictFact{Name: f.Name, Value: f.Value}
	})}
}

// payerOut: to the contract a family is one payer, however it pays.
func payerOut(payer string) gen.Payer {
	switch payer {
	case payments.PayerFamilyDirect, payments.PayerFamilyTopUp:
		return gen.PayerFamily
	}
	return gen.Payer(payer)
}

func termsOut(t tariff.Terms) gen.CancellationTerms {
	out := as[gen.CancellationTerms](t)
	words := t.Explain()
	out.Explanation, out.WaivedIfRefilled = &words, &t.WaivedIfRefilled // said either way: left out it would mean the default
	return out
}
