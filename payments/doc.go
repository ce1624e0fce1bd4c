// Package payments knows whose money moved: the double-entry ledger, holds on
// accounts, captures, refunds and allocations, a family's top-ups by card
// through Stripe, and the audit that proves the books. It knows nothing of
// offers, plans or bookings but their ids; those packages call its steps.
//
// Words:
//
//   - An account keeps one unit: pence, minutes, nights or sessions. Those a
//     child's money may be taken from (budget, topup, contingency) have a floor:
//     a running balance, what is held of it, and free = balance - held, never
//     negative. The others derive their balance from their entries, so no row
//     exists that every booking must touch.
//   - A posting is one ledger transaction: entries that sum to zero in each
//     unit. Plus is what the account has or is owed. Entries are never changed;
//     a correction is a new posting. An event (kind and source row) posts once.
//   - A hold keeps an amount of one account for one charge of one booking item
//     and is resolved once: captured (all or part), released or expired.
//
// Locks are always taken in this order: the item, plan lines, accounts by
// (authority, id). Steps that lock say so. Whoever settles an item moves its
// plan lines first (LineMoves), then calls Resolve, then PostCaptures: what is
// held falls before the balance does, or free would pass below zero on the way.
//
// Where things are:
//
//   - accounts.go: keys, finding and making accounts, locking them.
//   - post.go: Post, the only way money moves.
//   - holds.go: PlaceHolds, HoldsOf, Release, LineMoves, Resolve.
//   - capture.go: CaptureOutcomes (how a charge falls on its holds) and PostCaptures.
//   - refund.go, refund_plan.go: Refund, back to where it came from.
//   - ahead.go: what was paid ahead of a date counts when the date is settled,
//     and goes back if it is not owed (PlanBack); prepaid.go: what of it is
//     for later than a day (Prepayments, Prepaid).
//   - allocate.go: Allocate.
//   - credit.go: money that came back to be used by a day, and what is left of
//     it; creditagain.go: what comes back, with its old day if a credit had paid
//     it; credittransfer.go: to a brother or sister; creditlapse.go: its end;
//     creditsopen.go: those of an authority that can be used.
//   - topup.go, stripe.go, stripe_event.go: top-ups by card; only stripe*.go
//     speak to Stripe.
//   - read.go, statement.go: trial balance, transactions, statements, totals.
//   - audit.go: Audit, over the views audit_* of the schema.
//
// Entries of each event and the accounts' keys stand in docs/ARCHITECTURE.md.
package payments
