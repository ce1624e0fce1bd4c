package api

import (
	"context"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

const offersList = "offers"

// SearchOffers lists published offers, soonest suitable first, and counts that
// somebody looked.
func (s *Server) SearchOffers(ctx context.Context, r gen.SearchOffersRequestObject) (gen.SearchOffersResponseObject, error) {
	after, err := unsealed(offersList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	p := r.Params
	q := searchFilters(gen.GetOfferFacetsParams{
		Q: p.Q, Category: p.Category, Postcode: p.Postcode, WithinKm: p.WithinKm, Age: p.Age, PriceUnit: p.PriceUnit,
		MinPricePence: p.MinPricePence, MaxPricePence: p.MaxPricePence, AccessRoute: p.AccessRoute, FreeOnly: p.FreeOnly, SoldBy: p.SoldBy,
		Needs: p.Needs, AccessFeatures: p.AccessFeatures, Languages: p.Languages, ProviderKind: p.ProviderKind,
		From: p.From, To: p.To, Earliest: p.Earliest, Latest: p.Latest, Weekdays: p.Weekdays, Places: p.Places,
	})
	q.Sort, q.Cursor, q.Limit = string(given(p.Sort)), after, limitOf(p.Limit)
	found, err := marketplace.Search(ctx, s.DB, q)
	if err != nil {
		return nil, err
	}
	s.Searches.Add(q, found)
	cursor, link := nextPage(ctx, offersList, found.NextCursor)
	return gen.SearchOffers200JSONResponse{
		Body: gen.OfferList{
			Items: mapped(found.Items, offerSummaryOut), NextCursor: cursor,
			SpeltAlike: optional(found.Spelt), Because: optional(found.Because()), Relax: relaxOut(found),
		},
		Headers: gen.SearchOffers200ResponseHeaders{Link: link},
	}, nil
}

// GetOffer reads an offer; its provider also reads its drafts.
func (s *Server) GetOffer(ctx context.Context, r gen.GetOfferRequestObject) (gen.GetOfferResponseObject, error) {
	o, err := marketplace.Get(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return gen.GetOffer200JSONResponse(offerOut(o)), nil
}

// CompareOffers prices one pattern of use at every offer that could serve it.
// Nothing is kept of it.
func (s *Server) CompareOffers(ctx context.Context, r gen.CompareOffersRequestObject) (gen.CompareOffersResponseObject, error) {
	b, ratio := r.Body, given(r.Body.Ratio)
	compared, err := marketplace.Compare(ctx, s.DB, marketplace.Pattern{
		Weekdays: b.Weekdays, Minutes: b.Minutes, From: given(b.From), StartsOn: b.StartsOn.Time, EndsOn: b.EndsOn.Time,
		Except: mapped(b.Except, dateOf), RatioStaff: ratio.Staff, RatioChildren: ratio.Children, Age: b.Age,
		Category: string(given(b.Category)), Postcode: given(b.Postcode), WithinKM: given(b.WithinKm), ReducedRate: given(b.ReducedRate),
		ChargeKinds: words[string](b.ChargeKinds), OfferIDs: b.OfferIds, Text: given(b.Q), Needs: words[string](b.Needs),
		AccessFeatures: words[string](b.AccessFeatures),
	})
	if err != nil {
		return nil, err
	}
	out := gen.CompareOffers200JSONResponse{Items: []gen.ComparisonItem{}}
	for _, c := range compared {
		if c.CannotServe == "" {
			out.Items = append(out.Items, comparedOut(c))
		} else {
			out.CannotServe = append(out.CannotServe, cannotServeOut(c))
		}
	}
	return out, nil
}

func dateOf(d types.Date) time.Time { return d.Time }

func offerSummaryOut(o marketplace.OfferSummary) gen.OfferSummary {
	return gen.OfferSummary{
		ID: o.ID, ProviderID: o.ProviderID, ProviderName: o.ProviderName, Title: o.Title, Summary: o.Summary, Category: gen.Category(o.Category),
		AccessRoute: gen.AccessRoute(o.AccessRoute), AgeFrom: o.AgeFrom, AgeTo: o.AgeTo, SettingName: o.SettingName, Area: o.Area,
		Postcode: o.Postcode, DistanceKm: o.DistanceKM, PricePence: int64(o.PricePence), PriceUnit: gen.PriceUnit(o.PriceUnit),
		PriceText: o.PriceText, ComparableRatePencePerChildHour: pence64(o.ComparableRatePence), NextStart: londonOrNone(o.NextStart),
		PlacesLeft: o.PlacesLeft, Instant: o.Instant, SoldBy: words[gen.SoldBy](o.SoldBy),
	}
}

func cannotServeOut(c marketplace.Compared) gen.CannotServe {
	out := gen.CannotServe{
		OfferID: c.Offer.ID, Because: c.CannotServe,
		Reasons: mapped(c.Reasons, func(r marketplace.Reason) gen.CannotServeReason {
			return gen.CannotServeReason{Code: gen.CannotServeCode(r.Code), Words: r.Words}
		}),
	}
	if c.Offer.Title != "" { // one that is not on sale is not shown
		shown := offerSummaryOut(c.Offer)
		out.Offer = &shown
	}
	return out
}

func comparedOut(c marketplace.Compared) gen.ComparisonItem {
	covers := gen.CoveragePartly
	if c.Full {
		covers = gen.CoverageFull
	}
	return gen.ComparisonItem{
		Offer: offerSummaryOut(c.Offer), OptionName: c.OptionName, TotalPence: int64(c.TotalPence), FullPence: int64(c.FullPence), Occasions: c.Occasions,
		ChildMinutes: c.ChildMinutes, ComparableRatePencePerChildHour: pence64(c.ComparableRatePence), Covers: covers,
		MissingDates: mapped(c.MissingDates, day), Explanation: c.Explanation,
		Beats: mapped(c.Beats, func(b tariff.Beaten) gen.BeatenOption {
			return gen.BeatenOption{OptionName: b.OptionName, TotalPence: int64(b.TotalPence)}
		}),
		PlacesLeft: c.PlacesLeft, Included: append([]string{}, c.Included...),
		Lines: mapped(c.Lines, func(l tariff.SummedLine) gen.ComparisonLine {
			return gen.ComparisonLine{
				OptionName: l.OptionName, Kind: gen.ChargeKind(l.Kind), Unit: gen.PriceUnit(l.Unit), Words: l.Words, Pence: int64(l.Pence), FullPence: int64(l.FullPence),
				VatPence: optional(int64(l.VATPence)), Payee: optional(l.Payee), Payer: optional(gen.SettledBy(l.Payer)), Others: mapped(l.Others, borneOut),
			}
		}),
	}
}

func borneOut(b tariff.Borne) gen.BorneShare {
	return gen.BorneShare{Payer: gen.SharePayer(b.Payer), Pence: int64(b.Pence)}
}

func offerOut(o *marketplace.OfferDetail) gen.Offer {
	return gen.Offer{
		Content: contentOut(o.Offer.Content), EligibilityText: o.Offer.EligibilityText(), Edition: o.Offer.Edition,
		Photos: mapped(o.Photos, photoOut), Facts: mapped(o.Facts, factOut), ToPublish: gapsOut(o),
		ID: o.Offer.ID, VersionID: o.Version.ID, State: gen.OfferState(o.Offer.State), ProviderID: o.Provider.ID, ProviderName: o.Provider.Name,
		Title: o.Offer.Title, Summary: o.Offer.Summary, Category: gen.Category(o.Offer.Category), AccessRoute: gen.AccessRoute(o.Offer.AccessRoute),
		AgeFrom: o.Offer.AgeFrom, AgeTo: o.Offer.AgeTo, Ratio: gen.SupportRatio{Staff: o.Offer.RatioStaff, Children: o.Offer.RatioChildren},
		Setting: settingOut(o.Setting), LapsedCredentials: words[gen.CredentialKind](o.Lapsed), Reliability: reliabilityOut(o.Reliability),
		FrameworkRate: optional(o.FrameworkRate), Tariff: as[gen.Tariff](o.Tariff), CancellationTerms: termsOut(o.Version.Terms), Instant: o.Offer.Instant,
		NoticeMinutes: o.Offer.NoticeMinutes, HorizonDays: o.Offer.HorizonDays, Companions: countsOut(o.Offer.Companions),
		PricePence: int64(o.Version.PricePence), PriceUnit: gen.PriceUnit(o.Version.PriceUnit), PriceText: o.PriceText,
		ComparableRatePencePerChildHour: pence64(o.ComparableRatePence), VisitHours: visitHoursOut(o),
		Sessions: mapped(o.Sessions, sessionOut), Bundles: mapped(o.Bundles, bundleOut),
	}
}

func visitHoursOut(o *marketplace.OfferDetail) *gen.VisitHours {
	v := o.Offer.Visits
	if v == nil {
		return nil
	}
	return &gen.VisitHours{
		Days: v.Days, From: v.From, To: v.To, MinimumMinutes: v.MinimumMinutes, MaximumMinutes: v.MaximumMinutes, StepMinutes: v.StepMinutes,
		Lanes: mapped(o.Lanes, func(l marketplace.Lane) gen.Lane { return gen.Lane{ID: l.ID, Label: l.Label} }),
	}
}

func sessionOut(s marketplace.SessionDetail) gen.Session {
	return gen.Session{
		ID: s.ID, StartsAt: london(s.StartsAt), EndsAt: london(s.EndsAt), LocalStart: s.LocalStart, TimeZone: s.TimeZone,
		Capacity: s.Capacity, PlacesLeft: s.PlacesLeft, Minimum: minimumOut(s),
	}
}

func bundleOut(b marketplace.BundleDetail) gen.Bundle {
	return gen.Bundle{
		ID: b.Term.ID, Name: b.Term.Name, Unit: gen.BundleUnit(b.Term.Unit), StartsOn: day(b.Term.StartsOn), EndsOn: day(b.Term.EndsOn),
		PlannedSessions: b.Term.PlannedSessions, RemainingSessions: b.Remaining, PricePence: int64(b.PricePence),
	}
}
