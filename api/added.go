package api

import (
	"context"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// ProposeExtraTime asks the family for more time than was booked.
func (s *Server) ProposeExtraTime(ctx context.Context, r gen.ProposeExtraTimeRequestObject) (gen.ProposeExtraTimeResponseObject, error) {
	it, err := booking.Propose(ctx, s.DB, who(ctx), booking.ProposeExtra{ItemID: r.ItemID, Minutes: r.Body.Minutes, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return gen.ProposeExtraTime201JSONResponse(itemFor(who(ctx))(it)), nil
}

// AnswerExtraTime is the family's answer to that.
func (s *Server) AnswerExtraTime(ctx context.Context, r gen.AnswerExtraTimeRequestObject) (gen.AnswerExtraTimeResponseObject, error) {
	it, err := booking.Answer(ctx, s.DB, who(ctx), booking.AnswerExtra{
		ItemID: r.ItemID, ExtraID: r.ExtraID, Agree: r.Body.Agree, ExpectedPence: shortbreaks.Pence(given(r.Body.ExpectedPence)), Reason: given(r.Body.Reason),
	})
	if err != nil {
		return nil, err
	}
	return gen.AnswerExtraTime200JSONResponse(itemFor(who(ctx))(it)), nil
}

// RecordEvent records what adds to the price.
func (s *Server) RecordEvent(ctx context.Context, r gen.RecordEventRequestObject) (gen.RecordEventResponseObject, error) {
	at, err := instantOf(&r.Body.HappenedAt, "/happened_at")
	if err != nil {
		return nil, err
	}
	it, err := booking.Happen(ctx, s.DB, who(ctx), booking.RecordEvent{
		ItemID: r.ItemID, Event: string(r.Body.Event), Amount: r.Body.Amount, HappenedAt: *at, NotedAt: r.Body.NotedAt, Note: given(r.Body.Note),
	})
	if err != nil {
		return nil, err
	}
	return gen.RecordEvent200JSONResponse(itemFor(who(ctx))(it)), nil
}

// WithdrawEvent takes off what an event added.
func (s *Server) WithdrawEvent(ctx context.Context, r gen.WithdrawEventRequestObject) (gen.WithdrawEventResponseObject, error) {
	it, err := booking.WithdrawEvent(ctx, s.DB, who(ctx), r.ItemID, r.EventID)
	if err != nil {
		return nil, err
	}
	return gen.WithdrawEvent200JSONResponse(itemFor(who(ctx))(it)), nil
}

func extraOut(x *booking.ExtraTime) *gen.ExtraTime {
	if x == nil {
		return nil
	}
	return &gen.ExtraTime{
		ID: x.ID, Minutes: x.Minutes, AmountPence: int64(x.AmountPence), Reason: x.Reason, State: gen.ExtraTimeState(x.State), Answer: optional(x.Answer),
		ProposedAt: london(x.ProposedAt), AnsweredAt: londonOrNone(x.AnsweredAt),
	}
}

func eventsOut(list []booking.Happening) []gen.ItemEvent {
	if len(list) == 0 {
		return nil
	}
	return mapped(list, func(h booking.Happening) gen.ItemEvent {
		return gen.ItemEvent{
			ID: h.ID, Event: gen.ChargeEvent(h.Event), Amount: h.Amount, HappenedAt: shortbreaks.Wall(h.HappenedAt), Note: optional(h.Note),
			ChargeN: h.ChargeN, ChargePence: int64(h.ChargePence), Because: optional(h.Because), Withdrawn: h.WithdrawnAt != nil,
		}
	})
}
