// Package shortbreaks holds the words every other package shares: money, ids,
// the person who is asking, errors written for people, splitting without
// losing a penny, papers, and the contract itself. It imports nothing of ours.
//
// Where things are:
//
//   - money.go: Pence, exact rounding (half up, once a line) and Split.
//   - clock.go: Europe/London, dates and wall time.
//   - id.go: UUIDv7 ids and booking references people can read aloud.
//   - actor.go: Role and Actor, which is who asks and in which role.
//   - error.go: Error, the only error a person ever sees.
//   - idempotency.go: Idem, a request that must take effect once.
//   - paper.go: Paper, a document for people, and its page; paperpdf.go: its PDF.
//   - openapi.go: the contract, embedded.
package shortbreaks
