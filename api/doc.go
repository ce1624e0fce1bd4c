// Package api is JSON over HTTP, exactly as openapi.yaml says it. Nothing here
// decides anything: a handler translates a request, calls one use case, and
// translates what it made.
//
// What a request passes, in order (server.go):
//
//   - observe.go: one log line and one count, by route template and never by
//     address; a panic becomes a 500.
//   - limits.go: request id, safe headers, the largest body.
//   - server.go: a deadline that reaches SQL.
//   - validate.go, faults.go: held against the contract; every fault at once,
//     each with its place.
//   - auth.go: who asks, with what reach, and whether the operation names
//     their role. Whether they may touch this record is the domain's to say.
//   - the handler.
//
// Handlers, a file for each area: offers.go, drafts.go, quotes.go, bookings.go,
// attendance.go, budgets.go, allocations.go (and plan lines), topups.go,
// demand.go, ledger.go, tokens.go. convert.go has what they share.
//
//   - problem.go: refusals as problem documents; nothing else knows a status.
//   - idempotency.go: an answer kept, and given again, as the same bytes.
//   - cursor.go: where a page ends.
//   - papers.go: what is asked for as a page or as a PDF.
//   - contract.go: openapi.yaml as the border uses it; docs.go: its pages.
//   - gen/: types and routes made from openapi.yaml.
//
// Instants are answered with London's offset. A provider's answers carry no
// child, plan or hold (bookings.go).
package api
