package api

import (
	"context"
	"time"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

// RecordAttendance fills in or corrects the register of one item.
func (s *Server) RecordAttendance(ctx context.Context, r gen.RecordAttendanceRequestObject) (gen.RecordAttendanceResponseObject, error) {
	arrived, err := instantOf(r.Body.ArrivedAt, "/arrived_at")
	if err != nil {
		return nil, err
	}
	left, err := instantOf(r.Body.LeftAt, "/left_at")
	if err != nil {
		return nil, err
	}
	it, err := s.moves.Record(ctx, who(ctx), booking.RecordAttendance{
		ItemID: r.ItemID, Outcome: booking.State(r.Body.Outcome), Cause: string(given(r.Body.Cause)), ArrivedAt: arrived, LeftAt: left,
		Note: given(r.Body.Note),
	})
	if err != nil {
		return nil, err
	}
	return gen.RecordAttendance200JSONResponse(itemFor(who(ctx))(it)), nil
}

// instantOf is the one instant of a wall time, or where it is wrong: the
// clocks leave an hour out and repeat another.
func instantOf(wall *string, pointer string) (*time.Time, error) {
	if wall == nil {
		return nil, nil
	}
	at, trouble := marketplace.Instant(*wall)
	if trouble != "" {
		return nil, shortbreaks.ErrInvalid.With("Nothing was recorded.").At(pointer, trouble)
	}
	return &at, nil
}

// ConfirmAttendance is the family's agreement: the charge is captured.
func (s *Server) ConfirmAttendance(ctx context.Context, r gen.ConfirmAttendanceRequestObject) (gen.ConfirmAttendanceResponseObject, error) {
	it, err := s.moves.Confirm(ctx, who(ctx), r.ItemID)
	if err != nil {
		return nil, err
	}
	return gen.ConfirmAttendance200JSONResponse(itemFor(who(ctx))(it)), nil
}

// QueryAttendance is the family's objection: every clock stops.
func (s *Server) QueryAttendance(ctx context.Context, r gen.QueryAttendanceRequestObject) (gen.QueryAttendanceResponseObject, error) {
	it, err := booking.Query(ctx, s.DB, who(ctx), r.ItemID, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return gen.QueryAttendance200JSONResponse(itemFor(who(ctx))(it)), nil
}

func attendanceOut(it *booking.Item) *gen.Attendance {
	d := it.Delivery
	if d == nil {
		return nil
	}
	return &gen.Attendance{
		Outcome: gen.AttendanceOutcome(d.Outcome), Cause: optional(gen.AttendanceCause(d.Cause)), ArrivedAt: wallOrNone(d.ArrivedAt),
		LeftAt: wallOrNone(d.LeftAt), Note: optional(d.Note), RecordedAt: london(d.RecordedAt), QueryReason: optional(it.Reason),
		AgreeBecause: optional(gen.AgreeBecause(d.AgreeBecause)), CollectedBy: optional(d.CollectedBy), CollectedHow: optional(gen.CollectedHow(d.CollectedHow)),
	}
}
