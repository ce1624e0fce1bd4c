package api

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const newsList = "news"

// ListNews reads what the caller was told.
func (s *Server) ListNews(ctx context.Context, r gen.ListNewsRequestObject) (gen.ListNewsResponseObject, error) {
	after, err := lastID(newsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, unread, err := booking.ListNews(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, newsList, pageEnd(page, more, func(n booking.News) uuid.UUID { return n.ID }))
	return gen.ListNews200JSONResponse{
		Body: gen.NewsList{Items: mapped(page, newsOut), Unread: unread, NextCursor: cursor}, Headers: gen.ListNews200ResponseHeaders{Link: link},
	}, nil
}

func newsOut(n booking.News) gen.News {
	return gen.News{
		ID: n.ID, Kind: gen.NewsKind(n.Kind), BookingID: n.BookingID, Reference: optional(n.Reference), OfferID: n.OfferID, OfferTitle: n.Title, Words: n.Words(),
		StartsAt: london(n.StartsAt), Dates: n.Dates, Deadline: londonOrNone(n.Deadline), At: london(n.At), Read: n.ReadAt != nil,
	}
}

// ReadNews marks news as read.
func (s *Server) ReadNews(ctx context.Context, r gen.ReadNewsRequestObject) (gen.ReadNewsResponseObject, error) {
	if err := booking.ReadNews(ctx, s.DB, who(ctx), r.Body.Ids); err != nil {
		return nil, err
	}
	return gen.ReadNews204Response{}, nil
}

// ListNewsChoices says which e-mails the caller gets.
func (s *Server) ListNewsChoices(ctx context.Context, _ gen.ListNewsChoicesRequestObject) (gen.ListNewsChoicesResponseObject, error) {
	choices, err := booking.NewsChoices(ctx, s.DB, who(ctx))
	if err != nil {
		return nil, err
	}
	return gen.ListNewsChoices200JSONResponse{Items: mapped(choices, choiceOut)}, nil
}

// ChooseNews changes which e-mails the caller gets.
func (s *Server) ChooseNews(ctx context.Context, r gen.ChooseNewsRequestObject) (gen.ChooseNewsResponseObject, error) {
	choices, err := booking.ChooseNews(ctx, s.DB, who(ctx), mapped(r.Body.Items, func(c gen.NewsChoice) booking.NewsChoice {
		return booking.NewsChoice{Kind: booking.NewsKind(c.Kind), Mail: c.Mail}
	}))
	if err != nil {
		return nil, err
	}
	return gen.ChooseNews200JSONResponse{Items: mapped(choices, choiceOut)}, nil
}

func choiceOut(c booking.NewsChoice) gen.NewsChoice {
	return gen.NewsChoice{Kind: gen.NewsKind(c.Kind), Mail: c.Mail}
}
