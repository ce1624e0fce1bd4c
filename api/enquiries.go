package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

const enquiriesList = "enquiries"

// AskProvider opens a thread about an offer.
func (s *Server) AskProvider(ctx context.Context, r gen.AskProviderRequestObject) (gen.AskProviderResponseObject, error) {
	t, err := marketplace.AskProvider(ctx, s.DB, who(ctx), r.OfferID, r.Body.Words)
	if err != nil {
		return nil, err
	}
	location := "/v1/enquiries/" + t.ID.String()
	return gen.AskProvider201JSONResponse{Body: enquiryOut(*t), Headers: gen.AskProvider201ResponseHeaders{Location: &location}}, nil
}

// ListEnquiries lists the threads of the caller's side.
func (s *Server) ListEnquiries(ctx context.Context, r gen.ListEnquiriesRequestObject) (gen.ListEnquiriesResponseObject, error) {
	after, err := lastID(enquiriesList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := marketplace.Enquiries(ctx, s.DB, who(ctx), marketplace.ListEnquiries{
		OfferID: r.Params.OfferID, Waiting: given(r.Params.Waiting), Overdue: marketplace.Overdue(given(r.Params.Overdue)),
		After: after, Limit: limitOf(r.Params.Limit),
	})
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, enquiriesList, last)
	return gen.ListEnquiries200JSONResponse{
		Body:    gen.EnquiryList{Items: mapped(page, enquiryOut), NextCursor: cursor},
		Headers: gen.ListEnquiries200ResponseHeaders{Link: link},
	}, nil
}

// GetEnquiry reads a thread.
func (s *Server) GetEnquiry(ctx context.Context, r gen.GetEnquiryRequestObject) (gen.GetEnquiryResponseObject, error) {
	t, err := marketplace.GetEnquiry(ctx, s.DB, who(ctx), r.EnquiryID)
	if err != nil {
		return nil, err
	}
	return gen.GetEnquiry200JSONResponse(enquiryOut(*t)), nil
}

// ReplyToEnquiry writes to a thread.
func (s *Server) ReplyToEnquiry(ctx context.Context, r gen.ReplyToEnquiryRequestObject) (gen.ReplyToEnquiryResponseObject, error) {
	t, err := marketplace.Reply(ctx, s.DB, who(ctx), r.EnquiryID, r.Body.Words)
	if err != nil {
		return nil, err
	}
	return gen.ReplyToEnquiry201JSONResponse(enquiryOut(*t)), nil
}

// ShareContact hands the provider a way to be reached.
func (s *Server) ShareContact(ctx context.Context, r gen.ShareContactRequestObject) (gen.ShareContactResponseObject, error) {
	t, err := marketplace.ShareContact(ctx, s.DB, who(ctx), r.EnquiryID, r.Body.Contact)
	if err != nil {
		return nil, err
	}
	return gen.ShareContact200JSONResponse(enquiryOut(*t)), nil
}

// WithdrawContact takes it back.
func (s *Server) WithdrawContact(ctx context.Context, r gen.WithdrawContactRequestObject) (gen.WithdrawContactResponseObject, error) {
	if _, err := marketplace.ShareContact(ctx, s.DB, who(ctx), r.EnquiryID, ""); err != nil {
		return nil, err
	}
	return gen.WithdrawContact204Response{}, nil
}

// PublishAnswer tells everybody what was answered.
func (s *Server) PublishAnswer(ctx context.Context, r gen.PublishAnswerRequestObject) (gen.PublishAnswerResponseObject, error) {
	f, err := marketplace.PublishAnswer(ctx, s.DB, who(ctx), r.EnquiryID, marketplace.NewFact{Question: r.Body.Question, Answer: r.Body.Answer})
	if err != nil {
		return nil, err
	}
	return gen.PublishAnswer201JSONResponse(factOut(*f)), nil
}

// RemoveFact takes an answer off an offer.
func (s *Server) RemoveFact(ctx context.Context, r gen.RemoveFactRequestObject) (gen.RemoveFactResponseObject, error) {
	if err := marketplace.RemoveFact(ctx, s.DB, who(ctx), r.OfferID, r.FactID); err != nil {
		return nil, err
	}
	return gen.RemoveFact204Response{}, nil
}

// enquiryOut shows a thread; who asked, and who of the provider's answered,
// stay out of it.
func enquiryOut(t marketplace.Thread) gen.Enquiry {
	return gen.Enquiry{
		ID: t.ID, OfferID: t.OfferID, OfferTitle: t.OfferTitle, ProviderID: t.ProviderID, ProviderName: t.ProviderName,
		AskedAs: gen.EnquiryAskedAs(t.AskedAs), AskedAt: london(t.AskedAt), Contact: t.Contact, WaitingSince: londonOrNone(t.WaitingSince),
		Overdue: gen.Overdue(t.Overdue),
		Messages: mapped(t.Messages, func(m marketplace.EnquiryMessage) gen.EnquiryMessage {
			return gen.EnquiryMessage{ID: m.ID, Side: gen.EnquirySide(m.Side), Words: m.Words, At: london(m.At)}
		}),
	}
}
