package api

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const (
	needsList = "child-needs"
	flagsList = "competency-flags"
)

// ListChildNeeds lists what a child needs somebody to be signed off for.
func (s *Server) ListChildNeeds(ctx context.Context, r gen.ListChildNeedsRequestObject) (gen.ListChildNeedsResponseObject, error) {
	after, err := lastID(needsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Needs(ctx, s.DB, who(ctx), r.Params.ChildID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, needsList, pageEnd(page, more, func(n booking.Need) uuid.UUID { return n.ID }))
	return gen.ListChildNeeds200JSONResponse{
		Body:    gen.ChildNeedList{Items: mapped(page, needOut), NextCursor: cursor},
		Headers: gen.ListChildNeeds200ResponseHeaders{Link: link},
	}, nil
}

// RecordChildNeed records a task somebody has to be signed off for.
func (s *Server) RecordChildNeed(ctx context.Context, r gen.RecordChildNeedRequestObject) (gen.RecordChildNeedResponseObject, error) {
	n, err := booking.AddNeed(ctx, s.DB, who(ctx), booking.RecordNeed{
		ChildID: r.Body.ChildID, Task: r.Body.Task, Categories: words[string](r.Body.Categories), StartsOn: dayOrZero(r.Body.StartsOn),
	})
	if err != nil {
		return nil, err
	}
	at := "/v1/child-needs?child_id=" + n.ChildID.String()
	return gen.RecordChildNeed201JSONResponse{Body: needOut(*n), Headers: gen.RecordChildNeed201ResponseHeaders{Location: &at}}, nil
}

// EndChildNeed says until when a child needs it.
func (s *Server) EndChildNeed(ctx context.Context, r gen.EndChildNeedRequestObject) (gen.EndChildNeedResponseObject, error) {
	n, err := booking.EndNeed(ctx, s.DB, who(ctx), r.NeedID, r.Body.EndsOn.Time)
	if err != nil {
		return nil, err
	}
	return gen.EndChildNeed200JSONResponse(needOut(*n)), nil
}

// ListCompetencyFlags lists what is near and has nobody signed off.
func (s *Server) ListCompetencyFlags(ctx context.Context, r gen.ListCompetencyFlagsRequestObject) (gen.ListCompetencyFlagsResponseObject, error) {
	after, err := lastID(flagsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Flags(ctx, s.DB, who(ctx), given(r.Params.Cleared), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, flagsList, pageEnd(page, more, func(f booking.Flag) uuid.UUID { return f.ID }))
	return gen.ListCompetencyFlags200JSONResponse{
		Body:    gen.CompetencyFlagList{Items: mapped(page, flagOut), NextCursor: cursor},
		Headers: gen.ListCompetencyFlags200ResponseHeaders{Link: link},
	}, nil
}

// SwapWorker gives a visit to another worker.
func (s *Server) SwapWorker(ctx context.Context, r gen.SwapWorkerRequestObject) (gen.SwapWorkerResponseObject, error) {
	it, err := booking.Swap(ctx, s.DB, who(ctx), booking.SwapWorker{ItemID: r.ItemID, LaneID: r.Body.LaneID, Reason: r.Body.Reason})
	if err != nil {
		return nil, err
	}
	return gen.SwapWorker200JSONResponse(itemFor(who(ctx))(it)), nil
}

func needOut(n booking.Need) gen.ChildNeed {
	return gen.ChildNeed{
		ID: n.ID, ChildID: n.ChildID, Task: n.Task, Categories: words[gen.Category](n.Categories), StartsOn: day(n.StartsOn),
		EndsOn: dateOrNone(n.EndsOn), RecordedAt: london(n.RecordedAt),
	}
}

func flagOut(f booking.Flag) gen.CompetencyFlag {
	return gen.CompetencyFlag{
		ID: f.ID, BookingID: f.BookingID, ItemID: f.ItemID, ProviderID: f.ProviderID, Task: f.Task, StartsAt: london(f.StartsAt), LocalStart: f.LocalStart,
		WrittenAt: london(f.WrittenAt), ClearedAt: londonOrNone(f.ClearedAt), Words: f.Words(),
	}
}

// changesOut is who came instead of whom; nothing if nobody did.
func changesOut(changes []booking.WorkerChange) []gen.WorkerChange {
	if len(changes) == 0 {
		return nil
	}
	return mapped(changes, func(c booking.WorkerChange) gen.WorkerChange {
		return gen.WorkerChange{FromWorker: c.FromLabel, ToWorker: c.ToLabel, Reason: c.Reason, ChangedAt: london(c.ChangedAt)}
	})
}
