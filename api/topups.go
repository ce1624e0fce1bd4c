package api

import (
	"context"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/payments"
)

// CreateTopUp gives the address where a family pays by card.
func (s *Server) CreateTopUp(ctx context.Context, r gen.CreateTopUpRequestObject) (gen.CreateTopUpResponseObject, error) {
	if s.Stripe == nil {
		return nil, payments.ErrCardsUnavailable
	}
	_, reply, err := payments.CreateTopUp(ctx, s.DB, who(ctx), s.Stripe, payments.NewTopUp{
		ChildID: r.Body.ChildID, AmountPence: shortbreaks.Pence(r.Body.AmountPence),
		Idem: once(ctx, "createTopUp", r.Params.IdempotencyKey, topUpOut),
	})
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

// ReceiveStripeEvent takes a notice of Stripe. Its signature is over the bytes
// as sent, so what the decoder made of them is not looked at.
func (s *Server) ReceiveStripeEvent(ctx context.Context, r gen.ReceiveStripeEventRequestObject) (gen.ReceiveStripeEventResponseObject, error) {
	if s.Stripe == nil {
		return nil, payments.ErrCardsUnavailable
	}
	if err := payments.ReceiveStripeEvent(ctx, s.DB, s.Stripe, RawBody(ctx), r.Params.StripeSignature); err != nil {
		return nil, err
	}
	return gen.ReceiveStripeEvent200JSONResponse{Received: true}, nil
}

func topUpOut(t *payments.TopUp) gen.TopUp {
	return gen.TopUp{ID: t.ID, ChildID: t.Child, State: topUpState(t.State), AmountPence: int64(t.AmountPence), CheckoutURL: t.CheckoutURL}
}

// topUpState: whether Stripe has answered yet, or a person must look at what
// it said, is all "pending" to a family.
func topUpState(s payments.TopUpState) gen.TopUpState {
	switch s {
	case payments.TopUpSucceeded, payments.TopUpFailed, payments.TopUpExpired:
		return gen.TopUpState(s)
	case payments.TopUpPending, payments.TopUpOpen, payments.TopUpReview:
	}
	return gen.TopUpStatePending
}
