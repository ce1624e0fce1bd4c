package api

import (
	"context"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
)

// CostPlan works out what a whole plan would cost. Nothing is kept.
func (s *Server) CostPlan(ctx context.Context, r gen.CostPlanRequestObject) (gen.CostPlanResponseObject, error) {
	b := r.Body
	c, err := budgets.Cost(ctx, s.DB, who(ctx), budgets.CostPlan{
		ChildID: b.ChildID, Age: b.Age, Postcode: given(b.Postcode), ReducedRate: given(b.ReducedRate), StartsOn: b.StartsOn.Time, EndsOn: b.EndsOn.Time,
		Shares: mapped(b.Shares, shareOf), Lines: mapped(b.Lines, costLineOf),
	})
	if err != nil {
		return nil, err
	}
	if as := given(r.Params.As); as == gen.PaperFormPaper || as == gen.PaperFormPdf {
		return draw(c.Paper(), as)
	}
	return gen.CostPlan200JSONResponse(planCostingOut(c)), nil
}

func costLineOf(l gen.PlanCostingLine) budgets.CostLine {
	out := budgets.CostLine{
		Name: l.Name, Shares: mapped(l.Shares, shareOf), FamilyPays: words[string](l.FamilyPays), StartsOn: dayOrNone(l.StartsOn), EndsOn: dayOrNone(l.EndsOn),
		OfferID: l.OfferID,
	}
	if u := l.Use; u != nil {
		out.Use = &budgets.CostUse{
			Weekdays: u.Weekdays, Minutes: u.Minutes, From: given(u.From), Except: mapped(u.Except, dateOf),
			Ratio: ratioOf(u.Ratio), ChargeKinds: words[string](u.ChargeKinds),
			Taper: mapped(u.Taper, func(t gen.TaperStep) marketplace.RatioFrom {
				return marketplace.RatioFrom{On: t.From.Time, Ratio: ratioOf(&t.Ratio)}
			}),
		}
		out.Use.Quantities = milesOf(u.Miles)
	}
	if c := l.Cheapest; c != nil {
		out.Cheapest = &budgets.Cheapest{Category: string(given(c.Category)), Text: given(c.Q), WithinMiles: given(c.WithinMiles)}
	}
	if a := l.PersonalAssistant; a != nil {
		out.Assistant = &budgets.Assistant{
			WagePence: shortbreaks.Pence(a.WagePence), NationalInsurancePercent: a.NationalInsuranceBasisPoints,
			NationalInsuranceFrom: (*shortbreaks.Pence)(a.NationalInsuranceFromPence), EmploymentAllowance: given(a.EmploymentAllowance),
			PensionPercent: a.PensionBasisPoints, HolidayPercent: a.HolidayBasisPoints, InsurancePence: shortbreaks.Pence(given(a.InsurancePenceAYear)),
			PayrollPence: shortbreaks.Pence(given(a.PayrollPenceAMonth)), ContingencyPercent: given(a.ContingencyBasisPoints),
		}
	}
	if f := l.Fixed; f != nil {
		out.Fixed = &budgets.FixedSum{Pence: shortbreaks.Pence(f.Pence), Every: string(f.Every)}
	}
	return out
}

func planCostingOut(c *budgets.Costing) gen.PlanCosting {
	return gen.PlanCosting{
		StartsOn: day(c.StartsOn), EndsOn: day(c.EndsOn), CostedAt: london(c.CostedAt), Lines: mapped(c.Lines, costedLineOut),
		TotalPence: int64(c.TotalPence), FullPence: int64(c.FullPence), ChildMinutes: c.Minutes, Sums: sumsOut(c.Totals),
		Against: mapped(c.Against, func(a budgets.Against) gen.CostAgainst {
			return gen.CostAgainst{
				Stream: gen.FundingStream(a.Stream), CostPence: int64(a.CostPence), FreePence: pence64(a.FreePence),
				CostMinutes: a.CostMinutes, FreeMinutes: a.FreeMinutes,
			}
		}),
	}
}

func costedLineOut(l budgets.CostedLine) gen.CostedPlanLine {
	out := gen.CostedPlanLine{
		Name: l.Name, Kind: gen.PlanLineKind(l.Kind), OptionName: optional(l.OptionName), Occasions: l.Dates, Projected: l.Projected,
		MissingDates: mapped(l.Missing, day), ChildMinutes: l.Minutes, TotalPence: int64(l.TotalPence), FullPence: int64(l.FullPence),
		ComparableRatePencePerChildHour: pence64(l.RatePence), Sums: sumsOut(l.Sums), Explanation: l.Explanation, Trouble: optional(l.Trouble),
		Parts: mapped(l.Parts, func(p budgets.CostPart) gen.CostPart {
			return gen.CostPart{Kind: gen.CostPartKind(p.Kind), Pence: int64(p.Pence), Words: p.Words}
		}),
	}
	if l.Offer != nil {
		o := offerSummaryOut(*l.Offer)
		out.Offer = &o
	}
	return out
}

func sumsOut(s budgets.Sums) gen.CostSums {
	named := func(sums []budgets.Sum) gen.NamedSums {
		return mapped(sums, func(s budgets.Sum) gen.NamedSum { return gen.NamedSum{Name: s.Name, Pence: int64(s.Pence)} })
	}
	return gen.CostSums{ByPayer: named(s.ByPayer), ByStream: named(s.ByStream), ByMonth: named(s.ByMonth), ByYear: named(s.ByYear)}
}
