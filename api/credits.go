package api

import (
	"context"
	"net/http"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/payments"
)

const creditsList = "credits"

// ListCredits lists the credits within reach, newest first.
func (s *Server) ListCredits(ctx context.Context, r gen.ListCreditsRequestObject) (gen.ListCreditsResponseObject, error) {
	after, err := lastID(creditsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	found, more, err := payments.Credits(ctx, s.DB, who(ctx), payments.ListCredits{ChildID: r.Params.ChildID, Limit: limitOf(r.Params.Limit), After: after})
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = found[len(found)-1].ID.String()
	}
	cursor, link := nextPage(ctx, creditsList, last)
	return gen.ListCredits200JSONResponse{
		Body:    gen.CreditList{Items: mapped(found, creditOut), NextCursor: cursor},
		Headers: gen.ListCredits200ResponseHeaders{Link: link},
	}, nil
}

// TransferCredit gives a credit to a brother or sister, once per key.
func (s *Server) TransferCredit(ctx context.Context, r gen.TransferCreditRequestObject) (gen.TransferCreditResponseObject, error) {
	_, reply, err := payments.Transfer(ctx, s.DB, who(ctx), payments.TransferCredit{
		CreditID: r.CreditID, ToChildID: r.Body.ChildID, AmountPence: shortbreaks.Pence(given(r.Body.AmountPence)),
		Idem: once(ctx, "transferCredit", r.Params.IdempotencyKey, creditOut),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// VisitTransferCreditResponse writes the answer of transferCredit.
func (k kept) VisitTransferCreditResponse(w http.ResponseWriter) error { return k.write(w) }

func creditOut(c *payments.Credit) gen.Credit {
	out := gen.Credit{
		ID: c.ID, ChildID: c.ChildID, ProviderID: c.ProviderID, ProviderName: c.ProviderName, OfferID: c.OfferID, OfferTitle: c.OfferTitle,
		ItemID: c.ItemID, CancelledStart: c.LocalStart, FromID: c.FromID, AgainOf: c.AgainOf, AmountPence: int64(c.AmountPence), MovedPence: int64(c.MovedPence),
		LeftPence: int64(c.LeftPence), LastOn: day(c.LastOn), ForSiblings: c.ForSiblings, CreatedAt: london(c.CreatedAt),
	}
	if c.LapsedPence != nil {
		lapsed := int64(*c.LapsedPence)
		out.LapsedPence = &lapsed
	}
	return out
}
