package api

import (
	"context"

	"shortbreaks/api/gen"
	"shortbreaks/budgets"
	"shortbreaks/payments"
)

// CreateAllocation adds to one account of a child's budget, once per key.
func (s *Server) CreateAllocation(ctx context.Context, r gen.CreateAllocationRequestObject) (gen.CreateAllocationResponseObject, error) {
	c := budgets.NewAllocation{
		ChildID: r.Body.ChildID, PeriodID: r.Body.PeriodID, Stream: string(r.Body.Stream), Unit: payments.Unit(r.Body.Unit),
		Amount: r.Body.Amount, Note: given(r.Body.Note), Idem: once(ctx, "createAllocation", r.Params.IdempotencyKey, allocationOut),
	}
	if p := r.Body.Period; p != nil {
		c.Period = &budgets.NewPeriod{Name: p.Name, StartsOn: p.StartsOn.Time, EndsOn: p.EndsOn.Time}
	}
	reply, err := budgets.CreateAllocation(ctx, s.DB, who(ctx), c)
	if err != nil {
		return nil, err
	}
	return kept{reply}, nil
}

func allocationOut(a *budgets.Allocation) gen.Allocation {
	return gen.Allocation{ID: a.ID, ChildID: a.ChildID, Amount: a.Amount, Note: optional(a.Note), Account: accountOut(a.Account)}
}

func shareOf(s gen.StreamShare) budgets.Share {
	return budgets.Share{Stream: string(s.Stream), Weight: int64(s.Weight)}
}

// CreatePlanLine drafts a line of a child's plan.
func (s *Server) CreatePlanLine(ctx context.Context, r gen.CreatePlanLineRequestObject) (gen.CreatePlanLineResponseObject, error) {
	line, err := budgets.CreatePlanLine(ctx, s.DB, who(ctx), budgets.NewPlanLine{
		ChildID: r.Body.ChildID, PlanType: string(given(r.Body.PlanType)), Description: r.Body.Description, Outcome: given(r.Body.Outcome),
		Categories: words[string](r.Body.Categories), PaysKinds: words[string](r.Body.PaysKinds),
		ManagementOption: string(r.Body.ManagementOption), HolderID: r.Body.RecipientID, Unit: payments.Unit(r.Body.Unit),
		Shares:      mapped(r.Body.Shares, shareOf),
		LimitAmount: r.Body.Limit, StartsOn: r.Body.StartsOn.Time, EndsOn: r.Body.EndsOn.Time,
	})
	if err != nil {
		return nil, err
	}
	return gen.CreatePlanLine201JSONResponse(lineFor(who(ctx).Person)(*line)), nil
}

// ApprovePlanLine makes a drafted line spendable.
func (s *Server) ApprovePlanLine(ctx context.Context, r gen.ApprovePlanLineRequestObject) (gen.ApprovePlanLineResponseObject, error) {
	line, err := budgets.ApprovePlanLine(ctx, s.DB, who(ctx), r.PlanLineID)
	if err != nil {
		return nil, err
	}
	return gen.ApprovePlanLine200JSONResponse(lineFor(who(ctx).Person)(*line)), nil
}
