package api

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const (
	agreementsList = "agreements"
	notesList      = "notes"
	readingsList   = "readings"
)

// ListAttendanceAgreements lists registers that wait for a yes.
func (s *Server) ListAttendanceAgreements(ctx context.Context, r gen.ListAttendanceAgreementsRequestObject) (gen.ListAttendanceAgreementsResponseObject, error) {
	after, err := lastID(agreementsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.AwaitingYes(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, agreementsList, lastOf(page, more, func(it *booking.Item) uuid.UUID { return it.ID }))
	return gen.ListAttendanceAgreements200JSONResponse{
		Body:    gen.AgreementList{Items: mapped(page, itemFor(who(ctx))), NextCursor: cursor},
		Headers: gen.ListAttendanceAgreements200ResponseHeaders{Link: link},
	}, nil
}

// lastOf is where a page ended, if there are more.
func lastOf[T any](page []T, more bool, id func(T) uuid.UUID) string {
	if !more {
		return ""
	}
	return id(page[len(page)-1]).String()
}

// ListItemNotes reads the notes of an item.
func (s *Server) ListItemNotes(ctx context.Context, r gen.ListItemNotesRequestObject) (gen.ListItemNotesResponseObject, error) {
	after, err := lastID(notesList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Notes(ctx, s.DB, who(ctx), r.ItemID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, notesList, lastOf(page, more, func(n booking.ItemNote) uuid.UUID { return n.ID }))
	return gen.ListItemNotes200JSONResponse{
		Body:    gen.ItemNoteList{Items: mapped(page, noteOut), NextCursor: cursor},
		Headers: gen.ListItemNotes200ResponseHeaders{Link: link},
	}, nil
}

// AddItemNote writes a note.
func (s *Server) AddItemNote(ctx context.Context, r gen.AddItemNoteRequestObject) (gen.AddItemNoteResponseObject, error) {
	at, err := instantOf(&r.Body.HappenedAt, "/happened_at")
	if err != nil {
		return nil, err
	}
	n, err := booking.AddNote(ctx, s.DB, who(ctx), booking.WriteNote{
		ItemID: r.ItemID, Kind: string(r.Body.Kind), Words: r.Body.Words, HappenedAt: *at, Corrects: r.Body.Corrects,
	})
	if err != nil {
		return nil, err
	}
	return gen.AddItemNote201JSONResponse(noteOut(*n)), nil
}

func noteOut(n booking.ItemNote) gen.ItemNote {
	return gen.ItemNote{
		ID: n.ID, ItemID: n.ItemID, Kind: gen.NoteKind(n.Kind), Words: n.Words, HappenedAt: *wallOrNone(&n.HappenedAt), Corrects: n.Corrects,
		WrittenRole: gen.Role(n.WrittenRole), WrittenAt: london(n.WrittenAt),
	}
}

// GetItemCareSheet reads the care sheet of a booked child.
func (s *Server) GetItemCareSheet(ctx context.Context, r gen.GetItemCareSheetRequestObject) (gen.GetItemCareSheetResponseObject, error) {
	sheet, err := booking.ReadCareSheetFor(ctx, s.DB, who(ctx), r.ItemID)
	if err != nil {
		return nil, err
	}
	return gen.GetItemCareSheet200JSONResponse(careOut(sheet)), nil
}

// GetCareSheet reads a child's care sheet.
func (s *Server) GetCareSheet(ctx context.Context, r gen.GetCareSheetRequestObject) (gen.GetCareSheetResponseObject, error) {
	sheet, err := booking.ReadCareSheet(ctx, s.DB, who(ctx), r.ChildID)
	if err != nil {
		return nil, err
	}
	return gen.GetCareSheet200JSONResponse(careOut(sheet)), nil
}

// SetCareSheet writes fields of a care sheet.
func (s *Server) SetCareSheet(ctx context.Context, r gen.SetCareSheetRequestObject) (gen.SetCareSheetResponseObject, error) {
	sheet, err := booking.WriteCareSheet(ctx, s.DB, who(ctx), r.ChildID, mapped(r.Body.Fields, func(f gen.CareWords) booking.CareWords {
		return booking.CareWords{Field: string(f.Field), Words: f.Words}
	}))
	if err != nil {
		return nil, err
	}
	return gen.SetCareSheet200JSONResponse(careOut(sheet)), nil
}

// ConfirmCareSheet says that fields still hold.
func (s *Server) ConfirmCareSheet(ctx context.Context, r gen.ConfirmCareSheetRequestObject) (gen.ConfirmCareSheetResponseObject, error) {
	sheet, err := booking.ConfirmCareSheet(ctx, s.DB, who(ctx), r.ChildID, words[string](r.Body.Fields))
	if err != nil {
		return nil, err
	}
	return gen.ConfirmCareSheet200JSONResponse(careOut(sheet)), nil
}

func careOut(s *booking.CareSheet) gen.CareSheet {
	return gen.CareSheet{ChildID: optional(s.ChildID), Ask: optional(s.Ask), Facts: mapped(s.Facts, func(f booking.CareFact) gen.CareFact {
		return gen.CareFact{Field: gen.CareField(f.Field), Words: f.Words, ConfirmedAt: london(f.ConfirmedAt), Confirmed: f.Confirmed, Stale: f.Stale}
	})}
}

// ListReadings lists who read a child's most private records.
func (s *Server) ListReadings(ctx context.Context, r gen.ListReadingsRequestObject) (gen.ListReadingsResponseObject, error) {
	before, err := lastID(readingsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Readings(ctx, s.DB, who(ctx), r.ChildID, before, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, readingsList, lastOf(page, more, func(g booking.Reading) uuid.UUID { return g.ID }))
	return gen.ListReadings200JSONResponse{
		Body: gen.ReadingList{NextCursor: cursor, Items: mapped(page, func(g booking.Reading) gen.Reading {
			return gen.Reading{ID: g.ID, What: gen.ReadingWhat(g.What), Role: gen.Role(g.Role), ProviderName: optional(g.ProviderName), ItemID: g.ItemID, At: london(g.At)}
		})},
		Headers: gen.ListReadings200ResponseHeaders{Link: link},
	}, nil
}
