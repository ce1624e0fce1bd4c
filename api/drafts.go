package api

import (
	"context"
	"encoding/json"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// CreateOffer writes an offer down as a draft of its provider.
func (s *Server) CreateOffer(ctx context.Context, r gen.CreateOfferRequestObject) (gen.CreateOfferResponseObject, error) {
	o, err := marketplace.CreateOffer(ctx, s.DB, who(ctx), draftOf(r.Body))
	if err != nil {
		return nil, err
	}
	location := "/v1/offers/" + o.Offer.ID.String()
	return gen.CreateOffer201JSONResponse{Body: offerOut(o), Headers: gen.CreateOffer201ResponseHeaders{Location: &location}}, nil
}

// PublishOffer makes a draft bookable.
func (s *Server) PublishOffer(ctx context.Context, r gen.PublishOfferRequestObject) (gen.PublishOfferResponseObject, error) {
	o, err := marketplace.PublishOffer(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return gen.PublishOffer200JSONResponse(offerOut(o)), nil
}

func draftOf(b *gen.OfferDraft) marketplace.OfferDraft {
	d := marketplace.OfferDraft{
		ProviderID: b.ProviderID, SettingID: b.SettingID, Title: b.Title, Summary: b.Summary, Category: string(b.Category),
		AccessRoute: string(b.AccessRoute), AgeFrom: b.AgeFrom, AgeTo: b.AgeTo, RatioStaff: b.Ratio.Staff, RatioChildren: b.Ratio.Children,
		Instant: b.Instant, Content: contentOf(given(b.Content)), Tariff: as[tariff.Tariff](b.Tariff),
		Terms: as[tariff.Terms](b.CancellationTerms),
	}
	if b.CancellationTerms.WaivedIfRefilled == nil && b.Visits != nil {
		d.Terms.WaivedIfRefilled = true // T55: unless they say otherwise
	}
	if b.Setting != nil {
		d.Setting = &marketplace.SettingDraft{Name: b.Setting.Name, Postcode: b.Setting.Postcode}
	}
	if v := b.Visits; v != nil {
		d.Visits = &marketplace.VisitRules{
			Days: v.Days, From: v.From, To: v.To, MinimumMinutes: v.MinimumMinutes, MaximumMinutes: v.MaximumMinutes, StepMinutes: v.StepMinutes,
			BufferBeforeMinutes: v.BufferBeforeMinutes, BufferAfterMinutes: v.BufferAfterMinutes,
			Lanes: mapped(v.Lanes, func(l gen.LaneDraft) marketplace.LaneDraft {
				return marketplace.LaneDraft{Label: given(l.Label), ID: l.LaneID}
			}),
		}
	}
	if b.Sessions != nil {
		series := seriesOf(*b.Sessions)
		d.Sessions = &series
	}
	d.Companions = countsOf(b.Companions)
	d.NoticeMinutes, d.HorizonDays = given(b.NoticeMinutes), b.HorizonDays
	return d
}

// as reads a value of the contract as the domain's, or the other way round.
// The tariff language has the same names in both, which a test holds; a field
// that fits neither is a fault of ours.
func as[T any](value any) (out T) {
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}
