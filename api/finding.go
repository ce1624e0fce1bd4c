package api

import (
	"context"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// searchFilters are what the contract calls a search's filters, which finding,
// counting and mapping share.
func searchFilters(p gen.GetOfferFacetsParams) marketplace.SearchQuery {
	return marketplace.SearchQuery{
		Text: given(p.Q), Category: string(given(p.Category)), Postcode: given(p.Postcode), WithinKM: given(p.WithinKm),
		Age: p.Age, PriceUnit: string(given(p.PriceUnit)), MinPricePence: (*shortbreaks.Pence)(p.MinPricePence),
		MaxPricePence: (*shortbreaks.Pence)(p.MaxPricePence), AccessRoute: string(given(p.AccessRoute)),
		FreeOnly: given(p.FreeOnly), SoldBy: string(given(p.SoldBy)), Needs: words[string](p.Needs), AccessFeatures: words[string](p.AccessFeatures),
		Languages: words[string](p.Languages), ProviderKind: string(given(p.ProviderKind)),
		When: marketplace.Window{
			FromDate: dayOrZero(p.From), ToDate: dayOrZero(p.To), Earliest: given(p.Earliest), Latest: given(p.Latest),
			Weekdays: p.Weekdays, Places: given(p.Places),
		},
	}
}

// GetOfferFacets counts what a search finds.
func (s *Server) GetOfferFacets(ctx context.Context, r gen.GetOfferFacetsRequestObject) (gen.GetOfferFacetsResponseObject, error) {
	counts, err := marketplace.Facets(ctx, s.DB, searchFilters(r.Params))
	if err != nil {
		return nil, err
	}
	return gen.GetOfferFacets200JSONResponse{Total: counts.Total, More: counts.More, Facets: mapped(counts.Facets, func(f marketplace.Facet) gen.OfferFacet {
		return gen.OfferFacet{Name: gen.OfferFacetName(f.Name), Value: f.Value, Count: f.Count}
	})}, nil
}

// GetOfferMap shows where what a search finds is.
func (s *Server) GetOfferMap(ctx context.Context, r gen.GetOfferMapRequestObject) (gen.GetOfferMapResponseObject, error) {
	settings, err := marketplace.OnMap(ctx, s.DB, searchFilters(gen.GetOfferFacetsParams(r.Params)))
	if err != nil {
		return nil, err
	}
	return gen.GetOfferMap200ApplicationGeoPlusJSONResponse{Type: gen.OfferMapTypeFeatureCollection, Features: mapped(settings, featureOut)}, nil
}

func featureOut(m marketplace.MapSetting) gen.OfferMapSetting {
	f := gen.OfferMapSetting{Type: gen.OfferMapSettingTypeFeature, Geometry: gen.OfferMapPoint{Type: gen.OfferMapPointTypePoint, Coordinates: []float64{m.Lon, m.Lat}}}
	f.Properties.SettingName, f.Properties.Area = m.Name, m.Area
	f.Properties.ProviderID, f.Properties.ProviderName = m.ProviderID, m.ProviderName
	for _, o := range m.Offers {
		f.Properties.Offers = append(f.Properties.Offers, struct {
			ID    gen.ID `json:"id"`
			Title string `json:"title"`
		}{o.ID, o.Title})
	}
	return f
}

// FindOffersTogether searches for several children at once. Nothing is kept.
func (s *Server) FindOffersTogether(ctx context.Context, r gen.FindOffersTogetherRequestObject) (gen.FindOffersTogetherResponseObject, error) {
	b := r.Body
	t := marketplace.Together{
		When: marketplace.Window{
			FromDate: dayOrZero(b.From), ToDate: dayOrZero(b.To), Earliest: given(b.Earliest), Latest: given(b.Latest), Weekdays: b.Weekdays,
		},
		Postcode: given(b.Postcode), WithinKM: given(b.WithinKm), AccessRoute: string(given(b.AccessRoute)), MaxPricePence: (*shortbreaks.Pence)(b.MaxPricePence),
	}
	for _, c := range b.Children {
		t.Children = append(t.Children, marketplace.TogetherChild{Age: c.Age, Category: string(given(c.Category)), Text: given(c.Q), Needs: words[string](c.Needs)})
	}
	sets, err := marketplace.FindTogether(ctx, s.DB, t)
	if err != nil {
		return nil, err
	}
	return gen.FindOffersTogether200JSONResponse{Items: mapped(sets, func(set marketplace.OfferSet) gen.OfferSet {
		return gen.OfferSet{
			Offers: mapped(set.Offers, offerSummaryOut), SameOffer: set.SameOffer, ApartKm: set.ApartKM, StartsAt: londonOrNone(set.StartsAt),
		}
	})}, nil
}

const shortlistList = "shortlist"

// ListShortlist reads the caller's own shortlist.
func (s *Server) ListShortlist(ctx context.Context, r gen.ListShortlistRequestObject) (gen.ListShortlistResponseObject, error) {
	after, err := lastID(shortlistList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	items, more, err := marketplace.Shortlist(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = items[len(items)-1].OfferID.String()
	}
	cursor, link := nextPage(ctx, shortlistList, last)
	return gen.ListShortlist200JSONResponse{
		Body:    gen.Shortlist{Items: mapped(items, keptOut), NextCursor: cursor},
		Headers: gen.ListShortlist200ResponseHeaders{Link: link},
	}, nil
}

// AddToShortlist keeps an offer for the caller.
func (s *Server) AddToShortlist(ctx context.Context, r gen.AddToShortlistRequestObject) (gen.AddToShortlistResponseObject, error) {
	kept, err := marketplace.Keep(ctx, s.DB, who(ctx), r.OfferID, given(r.Body.Note))
	if err != nil {
		return nil, err
	}
	return gen.AddToShortlist200JSONResponse(keptOut(*kept)), nil
}

// RemoveFromShortlist keeps an offer no longer.
func (s *Server) RemoveFromShortlist(ctx context.Context, r gen.RemoveFromShortlistRequestObject) (gen.RemoveFromShortlistResponseObject, error) {
	if err := marketplace.Unkeep(ctx, s.DB, who(ctx), r.OfferID); err != nil {
		return nil, err
	}
	return gen.RemoveFromShortlist204Response{}, nil
}

func keptOut(k marketplace.Kept) gen.ShortlistItem {
	return gen.ShortlistItem{
		OfferID: k.OfferID, Title: k.Title, ProviderName: k.ProviderName, Category: gen.Category(k.Category), PriceText: k.PriceText,
		State: gen.OfferState(k.State), Note: k.Note, AddedAt: london(k.AddedAt),
	}
}

func relaxOut(p *marketplace.SearchPage) []gen.Relaxation {
	if len(p.Relax) == 0 {
		return nil
	}
	return mapped(p.Relax, func(r marketplace.Relaxation) gen.Relaxation {
		return gen.Relaxation{Filter: gen.SearchFilter(r.Filter), Count: r.Count, More: r.More, Text: r.Text}
	})
}
