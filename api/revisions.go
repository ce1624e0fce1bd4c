package api

import (
	"context"
	"strconv"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

const versionsList = "versions"

// ListOfferVersions gives the prices an offer has had.
func (s *Server) ListOfferVersions(ctx context.Context, r gen.ListOfferVersionsRequestObject) (gen.ListOfferVersionsResponseObject, error) {
	list := versionsList + r.OfferID.String()
	where, err := unsealed(list, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	before := 0
	if where != "" {
		if before, err = strconv.Atoi(where); err != nil {
			return nil, errCursor
		}
	}
	page, more, err := marketplace.Versions(ctx, s.DB, who(ctx), r.OfferID, before, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = strconv.Itoa(page[len(page)-1].N)
	}
	cursor, link := nextPage(ctx, list, last)
	return gen.ListOfferVersions200JSONResponse{
		Body:    gen.OfferVersionList{Items: mapped(page, versionOut), NextCursor: cursor},
		Headers: gen.ListOfferVersions200ResponseHeaders{Link: link},
	}, nil
}

func versionOut(v marketplace.VersionEntry) gen.OfferVersionEntry {
	out := gen.OfferVersionEntry{VersionID: v.ID, Number: v.N, At: london(v.At), PriceText: v.PriceText, Changes: v.Changes, Note: v.Note}
	if v.PriceUnit != "" {
		out.PricePence, out.PriceUnit = pence64(&v.PricePence), &v.PriceUnit
	}
	return out
}

// ReviseOffer gives an offer a new version.
func (s *Server) ReviseOffer(ctx context.Context, r gen.ReviseOfferRequestObject) (gen.ReviseOfferResponseObject, error) {
	o, err := marketplace.ReviseOffer(ctx, s.DB, who(ctx), r.OfferID, marketplace.Revision{
		VersionID: &r.Body.VersionID, Tariff: as[tariff.Tariff](r.Body.Tariff),
		Terms: termsOf(r.Body.CancellationTerms), Note: given(r.Body.Note), RefillUnsaid: r.Body.CancellationTerms.WaivedIfRefilled == nil,
	})
	if err != nil {
		return nil, err
	}
	location := "/v1/offers/" + o.Offer.ID.String()
	return gen.ReviseOffer201JSONResponse{Body: offerOut(o), Headers: gen.ReviseOffer201ResponseHeaders{Location: &location}}, nil
}

func termsOf(t gen.CancellationTerms) tariff.Terms {
	return as[tariff.Terms](t).Resolved()
}

// BulkReviseOffers changes many offers at once, or says what that would do.
func (s *Server) BulkReviseOffers(ctx context.Context, r gen.BulkReviseOffersRequestObject) (gen.BulkReviseOffersResponseObject, error) {
	b := r.Body
	change := marketplace.BulkRevision{
		Offers: mapped(b.Offers, func(o gen.OfferAtVersion) marketplace.OfferAtVersion {
			return marketplace.OfferAtVersion{OfferID: o.OfferID, VersionID: o.VersionID}
		}),
		EffectiveOn: dayOrNone(b.EffectiveOn), Note: given(b.Note), DryRun: b.DryRun,
	}
	if b.CancellationTerms != nil {
		terms := termsOf(*b.CancellationTerms)
		change.Terms = &terms
	} else {
		change.Price = &marketplace.PriceMove{PercentHundredths: given(b.PercentHundredths), Pence: shortbreaks.Pence(given(b.Pence))}
	}
	done, err := marketplace.BulkRevise(ctx, s.DB, who(ctx), change)
	if err != nil {
		return nil, err
	}
	return gen.BulkReviseOffers200JSONResponse{DryRun: b.DryRun, Items: mapped(done, bulkRevisedOut)}, nil
}

func bulkRevisedOut(d marketplace.BulkRevised) gen.BulkRevisedOffer {
	return gen.BulkRevisedOffer{
		OfferID: d.OfferID, Title: d.Title, WasText: d.WasText, NowText: d.NowText, TermsText: optional(d.Terms), VersionID: d.VersionID,
		Charges: mapped(d.Moves, func(m marketplace.ChargeMove) gen.ChargeMove {
			return gen.ChargeMove{
				OptionName: m.OptionName, Kind: gen.ChargeKind(m.Kind), Unit: gen.PriceUnit(m.Unit), WasPence: int64(m.WasPence), NowPence: int64(m.NowPence),
			}
		}),
	}
}
