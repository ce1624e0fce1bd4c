package api

import (
	"context"

	"github.com/google/uuid"

	"shortbreaks/api/gen"
	"shortbreaks/budgets"
)

const budgetsList = "budgets"

// ListBudgets lists the budgets within reach, by child.
func (s *Server) ListBudgets(ctx context.Context, r gen.ListBudgetsRequestObject) (gen.ListBudgetsResponseObject, error) {
	after, err := lastID(budgetsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	found, next, err := budgets.List(ctx, s.DB, who(ctx), budgets.Page{After: after, Limit: limitOf(r.Params.Limit)})
	if err != nil {
		return nil, err
	}
	last := ""
	if next != nil {
		last = next.String()
	}
	cursor, link := nextPage(ctx, budgetsList, last)
	return gen.ListBudgets200JSONResponse{
		Body:    gen.BudgetList{Items: mapped(found, summaryOut), NextCursor: cursor},
		Headers: gen.ListBudgets200ResponseHeaders{Link: link},
	}, nil
}

// GetBudget reads one child's budget with its plan lines.
func (s *Server) GetBudget(ctx context.Context, r gen.GetBudgetRequestObject) (gen.GetBudgetResponseObject, error) {
	b, err := budgets.Get(ctx, s.DB, who(ctx), r.ChildID)
	if err != nil {
		return nil, err
	}
	return gen.GetBudget200JSONResponse{
		ChildID: b.Child.ID, ChildFirstName: b.Child.FirstName, AuthorityID: b.Child.AuthorityID, AuthorityName: b.AuthorityName,
		Accounts: mapped(b.Accounts, accountOut), TopUp: topUpMoneyOut(b.TopUp), PlanLines: mapped(b.Lines, lineFor(who(ctx).Person)),
	}, nil
}

// GetStatement reads every movement of a child's accounts between two days.
func (s *Server) GetStatement(ctx context.Context, r gen.GetStatementRequestObject) (gen.GetStatementResponseObject, error) {
	st, err := budgets.GetStatement(ctx, s.DB, who(ctx), r.ChildID, dayOrZero(r.Params.From), dayOrZero(r.Params.To))
	if err != nil {
		return nil, err
	}
	return gen.GetStatement200JSONResponse{
		ChildID: st.Child.ID, ChildFirstName: st.Child.FirstName, From: day(st.From), To: day(st.To),
		Accounts: mapped(st.Accounts, statementAccountOut),
	}, nil
}

func summaryOut(b budgets.Budget) gen.BudgetSummary {
	return gen.BudgetSummary{
		ChildID: b.Child.ID, ChildFirstName: b.Child.FirstName, AuthorityID: b.Child.AuthorityID, AuthorityName: b.AuthorityName,
		Accounts: mapped(b.Accounts, accountOut), TopUp: topUpMoneyOut(b.TopUp),
	}
}

func accountOut(a budgets.Account) gen.BudgetAccount {
	return gen.BudgetAccount{
		AccountID: a.ID, Stream: gen.FundingStream(a.Stream), Period: periodOut(a.Period), Unit: gen.AccountUnit(a.Unit),
		Allocated: a.Allocated, Reserved: a.Reserved, Spent: a.Spent, Free: a.Free,
	}
}

func periodOut(p budgets.Period) gen.FundingPeriod {
	return gen.FundingPeriod{ID: p.ID, Name: p.Name, StartsOn: day(p.StartsOn), EndsOn: day(p.EndsOn)}
}

func topUpMoneyOut(t *budgets.TopUp) *gen.TopUpAccount {
	if t == nil {
		return nil
	}
	return &gen.TopUpAccount{AccountID: t.ID, PaidInPence: t.Allocated, ReservedPence: t.Reserved, SpentPence: t.Spent, FreePence: t.Free}
}

func statementAccountOut(a budgets.StatementAccount) gen.StatementAccount {
	out := gen.StatementAccount{
		AccountID: a.ID, AccountKind: gen.HoldAccount(a.Kind), Stream: optional(gen.FundingStream(a.Stream)), Unit: gen.AccountUnit(a.Unit),
		Opening: a.Opening, Closing: a.Closing, Prepaid: &a.Prepaid, Entries: mapped(a.Entries, statementEntryOut),
		Summary: gen.Amounts{Allocated: a.Allocated, Reserved: a.Reserved, Spent: a.Spent, Free: a.Free},
	}
	if a.Period != nil {
		period := periodOut(*a.Period)
		out.Period = &period
	}
	return out
}

func statementEntryOut(e budgets.StatementEntry) gen.StatementEntry {
	return gen.StatementEntry{
		At: london(e.At), OnDate: day(e.OnDate), Kind: e.Kind, Description: e.Description, BookingReference: optional(e.BookingReference),
		Amount: e.Amount, BalanceAfter: &e.BalanceAfter,
	}
}

// lineFor writes a plan line; whoever proposed it is told so, and nobody else
// is told who did.
func lineFor(person uuid.UUID) func(budgets.PlanLine) gen.PlanLine {
	return func(l budgets.PlanLine) gen.PlanLine {
		return gen.PlanLine{
			ID: l.ID, ChildID: l.ChildID, PlanType: gen.PlanType(l.PlanType), Description: l.Description, Outcome: optional(l.Outcome),
			Categories: words[gen.Category](l.Categories), PaysKinds: words[gen.ChargeKind](l.PaysKinds),
			ManagementOption: gen.ManagementOption(l.ManagementOption), RecipientID: l.HolderID, Unit: gen.AccountUnit(l.Unit),
			Limit: l.LimitAmount, Held: l.Held, Spent: l.Spent, Free: l.Free(),
			Shares: mapped(l.Shares, func(s budgets.Share) gen.StreamShare {
				return gen.StreamShare{Stream: gen.FundingStream(s.Stream), Weight: int(s.Weight)}
			}),
			State: gen.PlanLineState(l.State), StartsOn: day(l.StartsOn), EndsOn: day(l.EndsOn), ProposedByMe: l.ProposedBy == person,
			ApprovedAt: londonOrNone(l.ApprovedAt),
		}
	}
}
