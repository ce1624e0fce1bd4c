package api

import (
	"context"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

const costingsList = "costings"

// CostOffer works a worksheet out.
func (s *Server) CostOffer(ctx context.Context, r gen.CostOfferRequestObject) (gen.CostOfferResponseObject, error) {
	sheet := worksheetOf(r.Body.Worksheet)
	c, saved, err := marketplace.CostOffer(ctx, s.DB, who(ctx), marketplace.NewCosting{
		Sheet: sheet, SaveAs: given(r.Body.SaveAs), ProviderID: r.Body.ProviderID,
	})
	if err != nil {
		return nil, err
	}
	out := costingOut(sheet, c)
	if saved != nil {
		out.ID, out.Name = &saved.ID, &saved.Name
	}
	return gen.CostOffer200JSONResponse(out), nil
}

// ListCostings gives the worksheets that were kept.
func (s *Server) ListCostings(ctx context.Context, r gen.ListCostingsRequestObject) (gen.ListCostingsResponseObject, error) {
	after, err := lastID(costingsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := marketplace.Costings(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	list := gen.CostingList{Items: []gen.Costing{}}
	for _, saved := range page {
		c, err := marketplace.Cost(saved.Sheet)
		if err != nil {
			return nil, err
		}
		out := costingOut(saved.Sheet, c)
		out.ID, out.Name = &saved.ID, &saved.Name
		list.Items = append(list.Items, out)
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	var link *string
	list.NextCursor, link = nextPage(ctx, costingsList, last)
	return gen.ListCostings200JSONResponse{Body: list, Headers: gen.ListCostings200ResponseHeaders{Link: link}}, nil
}

func worksheetOf(w gen.Worksheet) marketplace.Worksheet {
	return marketplace.Worksheet{
		Staff: mapped(w.Staff, func(s gen.StaffCost) marketplace.StaffCost {
			return marketplace.StaffCost{Role: s.Role, MinutesPerWeek: s.MinutesPerWeek, Weeks: s.Weeks, RatePence: shortbreaks.Pence(s.RatePence)}
		}),
		OnCostsHundredths: w.OnCostsHundredths,
		Costs: mapped(w.Costs, func(c gen.YearlyCost) marketplace.YearlyCost {
			return marketplace.YearlyCost{Kind: string(c.Kind), Name: c.Name, Pence: shortbreaks.Pence(c.Pence)}
		}),
		Income: mapped(w.Income, func(c gen.YearlyIncome) marketplace.YearlyIncome {
			return marketplace.YearlyIncome{Kind: string(c.Kind), Name: c.Name, Pence: shortbreaks.Pence(c.Pence)}
		}),
		Places: w.Places, SessionsPerWeek: w.SessionsPerWeek, Weeks: w.Weeks, SessionMinutes: w.SessionMinutes,
		ExpectedPercent: w.ExpectedPercent, Unit: string(w.Unit),
	}
}

func worksheetOut(w marketplace.Worksheet) gen.Worksheet {
	return gen.Worksheet{
		Staff: mapped(w.Staff, func(s marketplace.StaffCost) gen.StaffCost {
			return gen.StaffCost{Role: s.Role, MinutesPerWeek: s.MinutesPerWeek, Weeks: s.Weeks, RatePence: int64(s.RatePence)}
		}),
		OnCostsHundredths: w.OnCostsHundredths,
		Costs: mapped(w.Costs, func(c marketplace.YearlyCost) gen.YearlyCost {
			return gen.YearlyCost{Kind: gen.CostKind(c.Kind), Name: c.Name, Pence: int64(c.Pence)}
		}),
		Income: mapped(w.Income, func(c marketplace.YearlyIncome) gen.YearlyIncome {
			return gen.YearlyIncome{Kind: gen.IncomeKind(c.Kind), Name: c.Name, Pence: int64(c.Pence)}
		}),
		Places: w.Places, SessionsPerWeek: w.SessionsPerWeek, Weeks: w.Weeks, SessionMinutes: w.SessionMinutes,
		ExpectedPercent: w.ExpectedPercent, Unit: gen.CostingUnit(w.Unit),
	}
}

func costingOut(w marketplace.Worksheet, c *marketplace.Costed) gen.Costing {
	return gen.Costing{
		Worksheet: worksheetOut(w),
		Lines: mapped(c.Lines, func(l marketplace.CostedLine) gen.CostedLine {
			return gen.CostedLine{Kind: gen.ComponentKind(l.Kind), Name: l.Name, Pence: int64(l.Pence), Words: l.Words}
		}),
		GrossPence: int64(c.GrossPence), IncomePence: int64(c.IncomePence), DonationsPence: int64(c.DonationsPence), NetPence: int64(c.NetPence),
		Sessions: c.Sessions, ChildSessions: c.ChildSessions, PricePence: int64(c.PricePence), PriceUnit: gen.CostingUnit(c.PriceUnit),
		FullPricePence: int64(c.FullPence),
		Components: mapped(c.Components, func(p tariff.Component) gen.PriceComponent {
			return gen.PriceComponent{Kind: gen.ComponentKind(p.Kind), AmountPence: int64(p.AmountPence), Note: optional(p.Note)}
		}),
		BreakEven: gen.BreakEven{
			ChildSessions: c.BreakEven.ChildSessions, TenthsPerSession: c.BreakEven.TenthsPerSession, PercentHundredths: c.BreakEven.PercentHundredths,
		},
		Filled: mapped(c.Filled, func(f marketplace.FilledPrice) gen.FilledPrice {
			return gen.FilledPrice{Percent: f.Percent, PricePence: int64(f.PricePence)}
		}),
		Explanation: c.Explanation,
	}
}
