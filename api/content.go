package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// ListCategories gives the kinds of support in plain words.
func (s *Server) ListCategories(context.Context, gen.ListCategoriesRequestObject) (gen.ListCategoriesResponseObject, error) {
	return gen.ListCategories200JSONResponse{Items: mapped(marketplace.CategoryTree, func(c marketplace.Category) gen.CategoryEntry {
		return gen.CategoryEntry{Value: gen.Category(c.Value), Parent: optional(c.Parent), Name: c.Name, About: c.About, ForOffers: !c.Group}
	})}, nil
}

// UpdateOffer changes what an offer says.
func (s *Server) UpdateOffer(ctx context.Context, r gen.UpdateOfferRequestObject) (gen.UpdateOfferResponseObject, error) {
	b := r.Body
	o, err := marketplace.UpdateOffer(ctx, s.DB, who(ctx), r.OfferID, marketplace.OfferEdit{
		Edition: b.Edition, Title: b.Title, Summary: b.Summary, Category: string(b.Category), AccessRoute: string(b.AccessRoute),
		AgeFrom: b.AgeFrom, AgeTo: b.AgeTo, RatioStaff: b.Ratio.Staff, RatioChildren: b.Ratio.Children, Instant: b.Instant,
		Content: contentOf(b.Content),
	})
	if err != nil {
		return nil, err
	}
	return gen.UpdateOffer200JSONResponse(offerOut(o)), nil
}

// PauseOffer takes no new bookings for a while.
func (s *Server) PauseOffer(ctx context.Context, r gen.PauseOfferRequestObject) (gen.PauseOfferResponseObject, error) {
	o, err := marketplace.PauseOffer(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return gen.PauseOffer200JSONResponse(offerOut(o)), nil
}

// ResumeOffer puts a paused offer on sale again.
func (s *Server) ResumeOffer(ctx context.Context, r gen.ResumeOfferRequestObject) (gen.ResumeOfferResponseObject, error) {
	o, err := marketplace.ResumeOffer(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return gen.ResumeOffer200JSONResponse(offerOut(o)), nil
}

// WithdrawOffer takes an offer off sale for good.
func (s *Server) WithdrawOffer(ctx context.Context, r gen.WithdrawOfferRequestObject) (gen.WithdrawOfferResponseObject, error) {
	o, err := marketplace.Withdraw(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return gen.WithdrawOffer200JSONResponse(offerOut(o)), nil
}

// CopyOffer drafts an offer like another.
func (s *Server) CopyOffer(ctx context.Context, r gen.CopyOfferRequestObject) (gen.CopyOfferResponseObject, error) {
	o, err := marketplace.CopyOffer(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	location := "/v1/offers/" + o.Offer.ID.String()
	return gen.CopyOffer201JSONResponse{Body: offerOut(o), Headers: gen.CopyOffer201ResponseHeaders{Location: &location}}, nil
}

func contentOf(c gen.OfferContent) marketplace.Content {
	return marketplace.Content{
		Needs: words[string](c.Needs), AccessFeatures: words[string](c.AccessFeatures), Languages: words[string](c.Languages),
		Included: c.Included, ToBring: c.ToBring, Eligibility: c.Eligibility, PersonalCare: c.PersonalCare, TransportGiven: c.TransportGiven,
		NeedsIntroduction: given(c.NeedsIntroduction), FirstVisit: given(c.FirstVisit),
	}
}

func contentOut(c marketplace.Content) gen.OfferContent {
	return gen.OfferContent{
		Needs: words[gen.Need](c.Needs), AccessFeatures: words[gen.AccessFeature](c.AccessFeatures), Languages: words[gen.Language](c.Languages),
		Included: words[string](c.Included), ToBring: words[string](c.ToBring), Eligibility: c.Eligibility,
		PersonalCare: c.PersonalCare, TransportGiven: c.TransportGiven,
		NeedsIntroduction: &c.NeedsIntroduction, FirstVisit: &c.FirstVisit,
	}
}

// gapsOut is what an offer not on sale lacks; only its provider is ever given
// a draft, and what a paused one lacks is no secret.
func gapsOut(o *marketplace.OfferDetail) []gen.OfferGap {
	if o.Offer.State != marketplace.Draft && o.Offer.State != marketplace.Paused {
		return nil
	}
	return mapped(o.Gaps(), func(g marketplace.Gap) gen.OfferGap {
		return gen.OfferGap{Pointer: g.Pointer, Detail: g.Detail, Blocks: g.Blocks}
	})
}

func photoOut(p marketplace.Photo) gen.OfferPhoto {
	return gen.OfferPhoto{ID: p.ID, AltText: p.AltText, Width: p.Width, Height: p.Height, SmallWidth: p.SmallWidth, SmallHeight: p.SmallHeight}
}

func factOut(f marketplace.Fact) gen.OfferFact {
	return gen.OfferFact{ID: f.ID, Question: f.Question, Answer: f.Answer, PublishedAt: london(f.PublishedAt)}
}
