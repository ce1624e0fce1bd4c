package api

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/runtime/types"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

const (
	credentialsList  = "credentials"
	competenciesList = "competencies"
	noticesList      = "notices"
)

// ListCredentials lists a provider's file.
func (s *Server) ListCredentials(ctx context.Context, r gen.ListCredentialsRequestObject) (gen.ListCredentialsResponseObject, error) {
	after, err := lastID(credentialsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := marketplace.ListCredentials(ctx, s.DB, who(ctx), r.ProviderID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, credentialsList, pageEnd(list, more, func(c marketplace.CredentialDetail) uuid.UUID { return c.ID }))
	return gen.ListCredentials200JSONResponse{
		Body:    gen.CredentialList{Items: mapped(list, credentialOut), NextCursor: cursor},
		Headers: gen.ListCredentials200ResponseHeaders{Link: link},
	}, nil
}

// AddCredential puts a credential on a provider's file.
func (s *Server) AddCredential(ctx context.Context, r gen.AddCredentialRequestObject) (gen.AddCredentialResponseObject, error) {
	b := r.Body
	c, err := marketplace.AddCredential(ctx, s.DB, who(ctx), r.ProviderID, marketplace.CredentialDraft{
		Kind: string(b.Kind), WorkerID: b.WorkerID, Reference: given(b.Reference), IssuedOn: b.IssuedOn.Time, ExpiresOn: dayOrNone(b.ExpiresOn),
		Evidence: given(b.Evidence), CheckedOn: dayOrNone(b.CheckedOn), DBSLevel: string(given(b.DbsLevel)), DBSWorkforce: string(given(b.DbsWorkforce)),
		UpdateCheckedOn: dayOrNone(b.UpdateCheckedOn),
	})
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("/v1/providers/%s/credentials", r.ProviderID)
	return gen.AddCredential201JSONResponse{Body: credentialOut(*c), Headers: gen.AddCredential201ResponseHeaders{Location: &at}}, nil
}

// WithdrawCredential takes a credential out of a provider's file.
func (s *Server) WithdrawCredential(ctx context.Context, r gen.WithdrawCredentialRequestObject) (gen.WithdrawCredentialResponseObject, error) {
	c, err := marketplace.WithdrawCredential(ctx, s.DB, who(ctx), r.ProviderID, r.CredentialID)
	if err != nil {
		return nil, err
	}
	return gen.WithdrawCredential200JSONResponse(credentialOut(*c)), nil
}

// AcceptCredential records what an authority makes of a credential.
func (s *Server) AcceptCredential(ctx context.Context, r gen.AcceptCredentialRequestObject) (gen.AcceptCredentialResponseObject, error) {
	c, err := marketplace.AcceptCredential(ctx, s.DB, who(ctx), marketplace.CredentialDecision{
		Provider: r.ProviderID, Credential: r.CredentialID, Authority: r.Body.AuthorityID, Accept: r.Body.Decision == gen.CredentialVerdictAccepted,
		Until: dayOrNone(r.Body.Until), Reason: given(r.Body.Reason),
	})
	if err != nil {
		return nil, err
	}
	return gen.AcceptCredential200JSONResponse(credentialOut(*c)), nil
}

// GetOfferRequirements says what an offer needs and what of it is there.
func (s *Server) GetOfferRequirements(ctx context.Context, r gen.GetOfferRequirementsRequestObject) (gen.GetOfferRequirementsResponseObject, error) {
	rules, err := marketplace.Rules(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return gen.GetOfferRequirements200JSONResponse{
		Credentials: mapped(rules.Credentials, func(q marketplace.OfferRequirement) gen.CredentialRequirement {
			return gen.CredentialRequirement{
				Kind: gen.CredentialKind(q.Kind), Name: shortbreaks.Capital(marketplace.CredentialWords(q.Kind)), Needed: q.Needed, Holders: q.Holders,
				Met: q.Met, Words: q.Words, AgeFrom: q.AgeFrom, AgeTo: q.AgeTo, EndedOn: dateOrNone(q.EndedOn),
			}
		}),
		Ratios: mapped(rules.Ratios, func(f marketplace.RatioFinding) gen.RatioRequirement {
			return gen.RatioRequirement{
				Words: f.Rule.Words, ChildrenPerStaff: f.Rule.ChildrenPerStaff, AgeFrom: f.Rule.AgeFrom, AgeTo: f.Rule.AgeTo, Binding: f.Rule.Binding, Met: f.Met,
			}
		}),
	}, nil
}

// ListCompetencies lists sign-offs within reach.
func (s *Server) ListCompetencies(ctx context.Context, r gen.ListCompetenciesRequestObject) (gen.ListCompetenciesResponseObject, error) {
	after, err := lastID(competenciesList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := booking.Competencies(ctx, s.DB, who(ctx), booking.ListCompetencies{
		ProviderID: r.Params.ProviderID, ChildID: r.Params.ChildID, After: after, Limit: limitOf(r.Params.Limit),
	})
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, competenciesList, pageEnd(list, more, func(c booking.Competency) uuid.UUID { return c.ID }))
	return gen.ListCompetencies200JSONResponse{
		Body:    gen.CompetencyList{Items: mapped(list, competencyFor(who(ctx))), NextCursor: cursor},
		Headers: gen.ListCompetencies200ResponseHeaders{Link: link},
	}, nil
}

// AddCompetency records that a worker was signed off for a task.
func (s *Server) AddCompetency(ctx context.Context, r gen.AddCompetencyRequestObject) (gen.AddCompetencyResponseObject, error) {
	b := r.Body
	c, err := booking.AddCompetency(ctx, s.DB, who(ctx), r.ProviderID, booking.RecordCompetency{
		WorkerID: b.WorkerID, Task: b.Task, BookingID: b.BookingID, AssessedBy: b.AssessedBy, AssessedOn: b.AssessedOn.Time, ExpiresOn: dayOrNone(b.ExpiresOn),
		Introduced: b.IntroductionID,
	})
	if err != nil {
		return nil, err
	}
	at := "/v1/competencies"
	return gen.AddCompetency201JSONResponse{Body: competencyFor(who(ctx))(*c), Headers: gen.AddCompetency201ResponseHeaders{Location: &at}}, nil
}

// ListNotices lists what a provider's people have been told.
func (s *Server) ListNotices(ctx context.Context, r gen.ListNoticesRequestObject) (gen.ListNoticesResponseObject, error) {
	after, err := lastID(noticesList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := marketplace.ListNotices(ctx, s.DB, who(ctx), r.ProviderID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, noticesList, pageEnd(list, more, func(n marketplace.NoticeDetail) uuid.UUID { return n.ID }))
	return gen.ListNotices200JSONResponse{
		Body: gen.NoticeList{Items: mapped(list, func(n marketplace.NoticeDetail) gen.Notice {
			return gen.Notice{
				ID: n.ID, CredentialID: n.CredentialID, Kind: gen.CredentialKind(n.Kind), DaysBefore: n.DaysBefore, ExpiresOn: day(n.ExpiresOn),
				WrittenAt: london(n.WrittenAt), Words: n.Words, BookedAfter: n.BookedAfter,
			}
		}), NextCursor: cursor},
		Headers: gen.ListNotices200ResponseHeaders{Link: link},
	}, nil
}

// GetOnboarding is a provider's task list.
func (s *Server) GetOnboarding(ctx context.Context, r gen.GetOnboardingRequestObject) (gen.GetOnboardingResponseObject, error) {
	o, err := marketplace.GetOnboarding(ctx, s.DB, who(ctx), r.ProviderID)
	if err != nil {
		return nil, err
	}
	return gen.GetOnboarding200JSONResponse{
		ProviderID: o.ProviderID, State: onboardingState(o.Done), Steps: mapped(o.Steps, func(t marketplace.OnboardingStep) gen.OnboardingStep {
			return gen.OnboardingStep{
				Name: gen.OnboardingStepName(t.Name), State: onboardingState(t.Done), Missing: words[string](t.Missing), Operation: t.Operation, Path: t.Path,
			}
		}),
	}, nil
}

func onboardingState(done bool) gen.OnboardingState {
	if done {
		return gen.OnboardingStateDone
	}
	return gen.OnboardingStateToDo
}

func credentialOut(c marketplace.CredentialDetail) gen.Credential {
	return gen.Credential{
		ID: c.ID, Kind: gen.CredentialKind(c.Kind), Words: marketplace.CredentialWords(c.Kind), WorkerID: c.WorkerID, WorkerName: optional(c.WorkerName),
		Reference: optional(c.Reference), IssuedOn: day(c.IssuedOn), ExpiresOn: dateOrNone(c.ExpiresOn), Evidence: optional(c.Evidence),
		CheckedOn: dateOrNone(c.CheckedOn), CheckedBy: c.CheckedBy, DbsLevel: (*gen.DBSLevel)(c.DBSLevel), DbsWorkforce: (*gen.DBSWorkforce)(c.DBSWorkforce),
		UpdateCheckedOn: dateOrNone(c.UpdateCheckedOn), WithdrawnAt: londonOrNone(c.WithdrawnAt),
		Decisions: mapped(c.Acceptances, func(a marketplace.Acceptance) gen.CredentialAcceptance {
			return gen.CredentialAcceptance{
				AuthorityID: a.AuthorityID, Decision: gen.CredentialVerdict(a.Decision), Until: dateOrNone(a.Until), Reason: optional(a.Reason), DecidedAt: london(a.DecidedAt),
			}
		}),
	}
}

// competencyFor shows a sign-off to its reader: a provider knows a child by
// its booking and never by its id.
func competencyFor(who shortbreaks.Actor) func(booking.Competency) gen.Competency {
	return func(c booking.Competency) gen.Competency {
		out := gen.Competency{
			ID: c.ID, ProviderID: c.ProviderID, WorkerID: c.WorkerID, Task: c.Task, BookingID: c.BookingID, AssessedBy: c.AssessedBy,
			AssessedOn: day(c.AssessedOn), ExpiresOn: dateOrNone(c.ExpiresOn), IntroductionID: c.IntroductionID,
			WithdrawnAt: londonOrNone(c.WithdrawnAt), WithdrawnReason: optional(c.WithdrawnReason),
		}
		if who.Staff() {
			out.ChildID = c.ChildID
		}
		return out
	}
}

// dateOrNone is an optional date of an answer.
func dateOrNone(t *time.Time) *types.Date {
	if t == nil {
		return nil
	}
	return &types.Date{Time: *t}
}
