// Package commissioning shows what is missing: bookings, searches, and
// searches that found nothing, never a named child. It only reads (but for its own counts), through
// views the other packages publish.
//
//   - demand.go: Demand, one grouping at a time.
//   - wanted.go: CountWanted and WantedDemand, what families would book and
//     cannot find.
//   - suppress.go: the rule that hides small counts and rounds the rest.
package commissioning
