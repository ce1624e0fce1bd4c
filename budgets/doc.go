// Package budgets says what may be spent on a child, and on what: children and
// their families, funding periods, allocations, and the lines of a support
// plan.
//
// Words: an account of a child's budget is money (or an allowance in minutes,
// nights or sessions) of one stream for one period; payments keeps it. A
// PlanLine says what that may buy: which categories, which kinds of charge, up
// to which limit, and in which shares its streams bear it. A line is spendable
// once somebody other than its proposer has approved it. A line limits
// spending inside the accounts its shares name; both must have enough free.
//
// Rules, and where each is:
//
//   - child.go: whom a role reaches. A family its own children, staff those of
//     their authority; everyone else's are not found. Row-level security keeps
//     authorities apart a second time; family against family is only here.
//   - plan.go: what a line pays for (Pays), what is left of it (Free), who
//     hands its money over (PayableBy).
//   - rule.go: what each stream pays for, in versions; why a verdict was come to.
//   - fund.go: which line and which accounts pay each charge of a quote, or in
//     plain words why none does (T12, T20, T85, T86).
//   - plan_lock.go: locking and moving lines, in id order, never above the limit.
//   - plan_draft.go, plan_approve.go: four eyes; nobody approves what they proposed.
//   - allocate.go, period.go: money in, by an approver, once per Idempotency-Key.
//   - budget.go, statement.go: what a family and its authority read, to the
//     penny: allocated = reserved + spent + free (T09).
//   - cost.go, costsum.go, assistant.go: what a whole plan would cost; paper.go: as
//     a paper for a panel.
//   - settings.go: an authority's choices, by the day they hold from.
//   - values.go: the words the contract allows, and how they are said aloud.
package budgets
