// Package commissioning shows what is missing: bookings, searches, and
// searches that found nothing, never a named child. It only reads, through
// views the other packages publish.
//
//   - demand.go: Demand, one grouping at a time.
//   - suppress.go: the rule that hides small counts and rounds the rest.
package commissioning
