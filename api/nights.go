package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// GetNights counts a child's nights away.
func (s *Server) GetNights(ctx context.Context, r gen.GetNightsRequestObject) (gen.GetNightsResponseObject, error) {
	n, err := booking.CountNights(ctx, s.DB, who(ctx), r.ChildID, dayOrZero(r.Params.OnDate))
	if err != nil {
		return nil, err
	}
	return gen.GetNights200JSONResponse(nightsOut(n)), nil
}

// SetLegalBasis records on which law a child's nights rest.
func (s *Server) SetLegalBasis(ctx context.Context, r gen.SetLegalBasisRequestObject) (gen.SetLegalBasisResponseObject, error) {
	n, err := booking.RecordBasis(ctx, s.DB, who(ctx), booking.SetBasis{ChildID: r.ChildID, Basis: string(r.Body.Basis), StartsOn: r.Body.StartsOn.Time})
	if err != nil {
		return nil, err
	}
	return gen.SetLegalBasis200JSONResponse(nightsOut(n)), nil
}

func nightsOut(n *booking.Nights) gen.Nights {
	return gen.Nights{
		ChildID: n.ChildID, OnDate: day(n.On), Nights: n.Nights, MostNights: n.MostNights, MostOn: day(n.MostOn), LongestStayDays: n.LongestStay,
		Basis: optional(gen.LegalBasis(n.Basis)), BasisFrom: dateOrNone(n.BasisFrom), Warnings: append([]string{}, n.Warnings()...),
	}
}
