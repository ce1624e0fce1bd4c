package api

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const messagesList = "messages"

// ListBookingMessages reads the thread of a booking.
func (s *Server) ListBookingMessages(ctx context.Context, r gen.ListBookingMessagesRequestObject) (gen.ListBookingMessagesResponseObject, error) {
	before, err := numberBefore(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, unread, err := booking.Messages(ctx, s.DB, who(ctx), r.BookingID, before, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = strconv.Itoa(page[len(page)-1].N)
	}
	cursor, link := nextPage(ctx, messagesList, last)
	me := who(ctx).Person
	return gen.ListBookingMessages200JSONResponse{
		Body: gen.BookingMessageList{
			Items: mapped(page, func(m booking.Message) gen.BookingMessage { return messageOut(m, me) }), Unread: unread, NextCursor: cursor,
		},
		Headers: gen.ListBookingMessages200ResponseHeaders{Link: link},
	}, nil
}

// numberBefore is the number a cursor of messages stands for; 0 if there is
// none.
func numberBefore(cursor *string) (int, error) {
	at, err := unsealed(messagesList, cursor)
	if err != nil || at == "" {
		return 0, err
	}
	return strconv.Atoi(at)
}

// WriteBookingMessage writes to the thread of a booking.
func (s *Server) WriteBookingMessage(ctx context.Context, r gen.WriteBookingMessageRequestObject) (gen.WriteBookingMessageResponseObject, error) {
	m, err := booking.Write(ctx, s.DB, who(ctx), booking.WriteMessage{BookingID: r.BookingID, Words: r.Body.Words, ForFamily: given(r.Body.ForFamily)})
	if err != nil {
		return nil, err
	}
	return gen.WriteBookingMessage201JSONResponse(messageOut(*m, who(ctx).Person)), nil
}

// MarkMessagesRead says how far the caller has read.
func (s *Server) MarkMessagesRead(ctx context.Context, r gen.MarkMessagesReadRequestObject) (gen.MarkMessagesReadResponseObject, error) {
	if err := booking.MarkRead(ctx, s.DB, who(ctx), r.BookingID, r.Body.UpTo); err != nil {
		return nil, err
	}
	return gen.MarkMessagesRead204Response{}, nil
}

// messageOut shows a message; which person wrote it stays out of it.
func messageOut(m booking.Message, me uuid.UUID) gen.BookingMessage {
	return gen.BookingMessage{
		Number: m.N, Side: gen.BookingMessageSide(m.Side), Role: gen.Role(m.Role), OnBehalf: m.OnBehalf, Mine: m.PersonID == me, Words: m.Words, At: london(m.At),
	}
}
