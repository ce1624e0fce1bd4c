package api

import (
	"context"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace/tariff"
)

const introductionsList = "introductions"

// ListIntroductions lists introductions within reach.
func (s *Server) ListIntroductions(ctx context.Context, r gen.ListIntroductionsRequestObject) (gen.ListIntroductionsResponseObject, error) {
	after, err := lastID(introductionsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Introductions(ctx, s.DB, who(ctx), booking.ListIntroductions{
		ChildID: r.Params.ChildID, ProviderID: r.Params.ProviderID, State: booking.IntroductionState(given(r.Params.State)),
		After: after, Limit: limitOf(r.Params.Limit),
	})
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, introductionsList, last)
	return gen.ListIntroductions200JSONResponse{
		Body:    gen.IntroductionList{Items: mapped(page, introductionFor(who(ctx))), NextCursor: cursor},
		Headers: gen.ListIntroductions200ResponseHeaders{Link: link},
	}, nil
}

// AskIntroduction asks a provider to meet a child.
func (s *Server) AskIntroduction(ctx context.Context, r gen.AskIntroductionRequestObject) (gen.AskIntroductionResponseObject, error) {
	i, err := booking.Introduce(ctx, s.DB, who(ctx), booking.AskIntroduction{
		ChildID: r.Body.ChildID, ProviderID: r.Body.ProviderID, Consent: r.Body.Consent, Words: given(r.Body.Words),
	})
	if err != nil {
		return nil, err
	}
	at := "/v1/introductions/" + i.ID.String()
	return gen.AskIntroduction201JSONResponse{Body: introductionFor(who(ctx))(i), Headers: gen.AskIntroduction201ResponseHeaders{Location: &at}}, nil
}

// GetIntroduction reads an introduction.
func (s *Server) GetIntroduction(ctx context.Context, r gen.GetIntroductionRequestObject) (gen.GetIntroductionResponseObject, error) {
	i, err := booking.ReadIntroduction(ctx, s.DB, who(ctx), r.IntroductionID)
	if err != nil {
		return nil, err
	}
	return gen.GetIntroduction200JSONResponse(introductionFor(who(ctx))(i)), nil
}

// ArrangeIntroduction sets when a provider meets a child.
func (s *Server) ArrangeIntroduction(ctx context.Context, r gen.ArrangeIntroductionRequestObject) (gen.ArrangeIntroductionResponseObject, error) {
	i, err := booking.Arrange(ctx, s.DB, who(ctx), booking.ArrangeVisit{
		IntroductionID: r.IntroductionID, LocalStart: r.Body.LocalStart, Words: given(r.Body.Words),
	})
	if err != nil {
		return nil, err
	}
	return gen.ArrangeIntroduction200JSONResponse(introductionFor(who(ctx))(i)), nil
}

// DecideIntroduction is a provider's answer after the visit.
func (s *Server) DecideIntroduction(ctx context.Context, r gen.DecideIntroductionRequestObject) (gen.DecideIntroductionResponseObject, error) {
	i, err := booking.Decide(ctx, s.DB, who(ctx), booking.DecideIntroduction{
		IntroductionID: r.IntroductionID, Accept: r.Body.Decision == gen.IntroductionAnswerAccepted, Ratio: ratioOf(r.Body.Ratio),
		Words: given(r.Body.Words),
	})
	if err != nil {
		return nil, err
	}
	return gen.DecideIntroduction200JSONResponse(introductionFor(who(ctx))(i)), nil
}

// WithdrawIntroduction ends an introduction.
func (s *Server) WithdrawIntroduction(ctx context.Context, r gen.WithdrawIntroductionRequestObject) (gen.WithdrawIntroductionResponseObject, error) {
	i, err := booking.WithdrawIntroduction(ctx, s.DB, who(ctx), r.IntroductionID, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return gen.WithdrawIntroduction200JSONResponse(introductionFor(who(ctx))(i)), nil
}

// introductionFor shows an introduction to its reader: a provider is never
// given a child's id.
func introductionFor(who shortbreaks.Actor) func(*booking.Introduction) gen.Introduction {
	return func(i *booking.Introduction) gen.Introduction {
		out := gen.Introduction{
			ID: i.ID, ProviderID: i.ProviderID, ProviderName: i.ProviderName, State: gen.IntroductionState(i.State),
			ChildFirstName: optional(i.ToldName), ChildAge: i.ToldAge, Words: optional(i.ToldWords), AskedAt: london(i.AskedAt),
			VisitAt: londonOrNone(i.VisitAt), VisitLocalStart: wallOrNone(i.VisitAt), VisitWords: optional(i.VisitWords),
			AnswerWords: optional(i.AnswerWords), DecidedAt: londonOrNone(i.DecidedAt), EndedAt: londonOrNone(i.EndedAt),
		}
		if r := i.Ratio(); r != (tariff.Ratio{}) {
			out.Ratio = &gen.SupportRatio{Staff: r.Staff, Children: r.Children}
		}
		if len(i.Tasks) > 0 {
			out.Tasks = i.Tasks
		}
		if !providerSide(who) {
			out.ChildID = &i.ChildID
		}
		return out
	}
}
