package api

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const registersList = "registers"

// ListRegisters gives the registers of a day.
func (s *Server) ListRegisters(ctx context.Context, r gen.ListRegistersRequestObject) (gen.ListRegistersResponseObject, error) {
	l := booking.ListRegisters{Day: r.Params.Date.Time, WorkerID: r.Params.WorkerID, Limit: limitOf(r.Params.Limit)}
	where, err := unsealed(registersList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	if where != "" {
		at, id, _ := strings.Cut(where, " ")
		l.After, err = time.Parse(time.RFC3339, at)
		if err != nil {
			return nil, errCursor
		}
		if l.AfterID, err = uuid.Parse(id); err != nil {
			return nil, errCursor
		}
	}
	page, more, err := booking.Registers(ctx, s.DB, who(ctx), l)
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		end := page[len(page)-1]
		last = end.StartsAt.UTC().Format(time.RFC3339) + " " + end.ID.String()
	}
	cursor, link := nextPage(ctx, registersList, last)
	return gen.ListRegisters200JSONResponse{
		Body:    gen.RegisterList{Items: mapped(page, registerOut), NextCursor: cursor},
		Headers: gen.ListRegisters200ResponseHeaders{Link: link},
	}, nil
}

// GetRegister gives one register.
func (s *Server) GetRegister(ctx context.Context, r gen.GetRegisterRequestObject) (gen.GetRegisterResponseObject, error) {
	reg, err := booking.ReadRegister(ctx, s.DB, who(ctx), r.OccasionID)
	if err != nil {
		return nil, err
	}
	return gen.GetRegister200JSONResponse(registerOut(reg)), nil
}

// NoteStaff says who of the staff is there.
func (s *Server) NoteStaff(ctx context.Context, r gen.NoteStaffRequestObject) (gen.NoteStaffResponseObject, error) {
	reg, err := booking.NoteStaffPresent(ctx, s.DB, who(ctx), booking.NoteStaff{Occasion: r.OccasionID, WorkerIDs: r.Body.WorkerIds, NotedAt: r.Body.NotedAt})
	if err != nil {
		return nil, err
	}
	return gen.NoteStaff200JSONResponse(registerOut(reg)), nil
}

// NoteAttendance notes one step of a register.
func (s *Server) NoteAttendance(ctx context.Context, r gen.NoteAttendanceRequestObject) (gen.NoteAttendanceResponseObject, error) {
	at, err := instantOf(r.Body.At, "/at")
	if err != nil {
		return nil, err
	}
	reg, err := booking.Note(ctx, s.DB, who(ctx), booking.NoteStep{
		ItemID: r.ItemID, Kind: string(r.Body.Step), At: at, NotedAt: r.Body.NotedAt, Cause: string(given(r.Body.Cause)),
		CollectedBy: given(r.Body.CollectedBy), Password: given(r.Body.Password),
	})
	if err != nil {
		return nil, err
	}
	return gen.NoteAttendance200JSONResponse(registerOut(reg)), nil
}

// GetCollection reads who may collect a child.
func (s *Server) GetCollection(ctx context.Context, r gen.GetCollectionRequestObject) (gen.GetCollectionResponseObject, error) {
	list, err := booking.Collection(ctx, s.DB, who(ctx), r.ChildID)
	if err != nil {
		return nil, err
	}
	return gen.GetCollection200JSONResponse(collectionOut(list)), nil
}

// SetCollection replaces who may collect a child.
func (s *Server) SetCollection(ctx context.Context, r gen.SetCollectionRequestObject) (gen.SetCollectionResponseObject, error) {
	list, err := booking.KeepCollection(ctx, s.DB, who(ctx), booking.SetCollection{
		ChildID: r.ChildID, Password: r.Body.Password,
		People: mapped(r.Body.People, func(c gen.Collector) booking.Collector { return booking.Collector(c) }),
	})
	if err != nil {
		return nil, err
	}
	return gen.SetCollection200JSONResponse(collectionOut(list)), nil
}

func collectorOut(c booking.Collector) gen.Collector { return gen.Collector(c) }

func collectionOut(l *booking.CollectionList) gen.CollectionList {
	return gen.CollectionList{ChildID: l.ChildID, People: mapped(l.People, collectorOut), PasswordKept: l.HasPassword, SetAt: londonOrNone(l.SetAt)}
}

func registerOut(r *booking.Register) gen.Register {
	return gen.Register{
		ID: r.ID, ProviderID: r.ProviderID, Kind: gen.RegisterKind(r.Kind), OfferID: r.OfferID, Title: r.Title, StartsAt: london(r.StartsAt),
		EndsAt: london(r.EndsAt), LocalStart: r.LocalStart, WorkerID: r.WorkerID, StaffNeeded: r.StaffNeeded, StaffNoted: r.StaffNoted,
		Warning: optional(r.Warning), Children: mapped(r.Children, expectedOut),
		Staff: mapped(r.Staff, func(h booking.StaffHere) gen.RegisterStaff {
			return gen.RegisterStaff{WorkerID: h.WorkerID, Name: h.Name, Present: h.Present}
		}),
	}
}

func expectedOut(e booking.Expected) gen.RegisterChild {
	out := gen.RegisterChild{
		ItemID: e.Item.ID, Reference: e.Reference, FirstName: optional(e.FirstName), State: gen.ItemState(e.Item.State),
		Companions: companionsOut(e.Item.Companions), PasswordKept: e.HasPassword, ArrivedAt: wallOrNone(e.Noted.ArrivedAt),
		LeftAt: wallOrNone(e.Noted.LeftAt), CollectedBy: optional(e.Noted.CollectedBy), CollectedHow: optional(gen.CollectedHow(e.Noted.CollectedHow)),
		Absent: e.Noted.Absent, Cause: optional(gen.AttendanceCause(e.Noted.Cause)),
	}
	if e.Collectors != nil {
		out.Collectors = mapped(e.Collectors, collectorOut)
	}
	if e.Filed != nil {
		out.Filed = optional(gen.AttendanceOutcome(e.Filed.Outcome))
	}
	return out
}
