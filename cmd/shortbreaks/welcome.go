package main

import (
	"fmt"
	"io"
	"time"
)

// welcome says where the service is and, in the demo, who may sign in and what
// to try first.
func welcome(out io.Writer, cfg config, standIn bool) {
	fmt.Fprintf(out, "\nShort Breaks is running at %s   (reference: %s/docs)\n", cfg.PublicURL, cfg.PublicURL)
	if cfg.Mode != modeDemo {
		return
	}
	if standIn {
		fmt.Fprintln(out, "No STRIPE_KEY is set: card payments go to a stand-in of our own and no money moves.")
	}
	fmt.Fprintf(out, `
Sign in by name (this works in the demo only):

  a family                 family.oakley             two children, Sam and Rosa
  a family with hours      family.hughes             forty hours a year instead of pounds
  a family, direct payment family.novak
  a lead practitioner      practitioner.ashmere
  an approver              approver.ashmere
  a finance officer        finance.ashmere
  a commissioner           commissioner.ashmere
  an auditor               auditor.ashmere
  a provider's owner       provider_owner.stars      Ashmere Stars
  its co-ordinator         coordinator.stars
  its worker               worker.stars

Three things to try, in another window:

  1. See what there is, without signing in:
     curl '%[1]s/v1/offers?postcode=ZZ1%%201AB&within_km=10&limit=5'

  2. Compare what three hours every Saturday would cost, anywhere:
     curl %[1]s/v1/offer-comparisons -H 'Content-Type: application/json' -d '{"weekdays": [6], "minutes": 180, "starts_on": "%[2]s", "ends_on": "%[3]s"}'

  3. Sign in as a family and look at its budgets:
     TOKEN=$(curl -s %[1]s/v1/tokens -H 'Content-Type: application/json' -d '{"subject": "family.oakley"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
     curl %[1]s/v1/budgets -H "Authorization: Bearer $TOKEN"

The whole way from offer to payment is in docs/first-booking.md. Ctrl-C stops.
`, cfg.PublicURL, firstSaturday(), lastSaturday())
}

// The nine Saturdays to come, which the demo's clubs run on.
func firstSaturday() string { return saturday(1) }

func lastSaturday() string { return saturday(1 + 7*8) }

// saturday is the first one so many days from now or later.
func saturday(days int) string {
	date := time.Now().AddDate(0, 0, days)
	for date.Weekday() != time.Saturday {
		date = date.AddDate(0, 0, 1)
	}
	return date.Format(time.DateOnly)
}
