package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

const correctionsList = "register-corrections"

// CorrectRegister puts a register right that the family has queried.
func (s *Server) CorrectRegister(ctx context.Context, r gen.CorrectRegisterRequestObject) (gen.CorrectRegisterResponseObject, error) {
	arrived, err := instantOf(r.Body.ArrivedAt, "/arrived_at")
	if err != nil {
		return nil, err
	}
	left, err := instantOf(r.Body.LeftAt, "/left_at")
	if err != nil {
		return nil, err
	}
	it, err := booking.CorrectQueried(ctx, s.DB, who(ctx), booking.RecordAttendance{
		ItemID: r.ItemID, Outcome: booking.State(r.Body.Outcome), Cause: string(given(r.Body.Cause)), ArrivedAt: arrived, LeftAt: left,
		Note: given(r.Body.Note),
	}, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return gen.CorrectRegister200JSONResponse(itemFor(who(ctx))(it)), nil
}

// ListRegisterCorrections tells what a register said before it was put right.
func (s *Server) ListRegisterCorrections(ctx context.Context, r gen.ListRegisterCorrectionsRequestObject) (gen.ListRegisterCorrectionsResponseObject, error) {
	after, err := lastID(correctionsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	page, more, err := booking.Corrections(ctx, s.DB, who(ctx), r.ItemID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	last := ""
	if more {
		last = page[len(page)-1].ID.String()
	}
	cursor, link := nextPage(ctx, correctionsList, last)
	return gen.ListRegisterCorrections200JSONResponse{
		Body:    gen.RegisterCorrectionList{Items: mapped(page, correctionOut), NextCursor: cursor},
		Headers: gen.ListRegisterCorrections200ResponseHeaders{Link: link},
	}, nil
}

func correctionOut(k booking.Correction) gen.RegisterCorrection {
	return gen.RegisterCorrection{
		ID: k.ID, Query: k.Query, Reason: k.Reason, OutcomeBefore: gen.AttendanceOutcome(k.WasOutcome), MinutesBefore: k.WasMinutes,
		DuePenceBefore: int64(k.WasPence), Outcome: gen.AttendanceOutcome(k.Outcome), Minutes: k.Minutes, DuePence: int64(k.Pence),
		CorrectedAt: london(k.CorrectedAt),
	}
}

// WithdrawCompetency ends a sign-off before its day.
func (s *Server) WithdrawCompetency(ctx context.Context, r gen.WithdrawCompetencyRequestObject) (gen.WithdrawCompetencyResponseObject, error) {
	c, err := booking.WithdrawCompetency(ctx, s.DB, who(ctx), r.CompetencyID, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return gen.WithdrawCompetency200JSONResponse(competencyFor(who(ctx))(*c)), nil
}
