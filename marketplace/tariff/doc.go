// Package tariff is how a price is written down, worked out, explained and
// compared. All of it is pure: nothing here reads a clock or a database, and
// the same ask always has the same answer.
//
// A Tariff is price options; an Option says who may use it, on which dates and
// how it is paid, and lists its charges; a Charge is one priced thing. What is
// asked is an Ask of occasions: sessions, a bundle of them, or visits. Price
// answers with the cheapest that this buyer may use, or the cheapest mix of
// options by the date, blocks and a membership. Check says what is wrong with
// a tariff; whatever passes it can be priced.
//
// The rules, and where each is:
//
//   - A line is one charge for one child on one date (or for one bundle, month
//     or year), worked out exactly and rounded once, half up: settle.go, line.go.
//   - Adjustments in this order: minimum, step, the discounts for brothers and
//     sisters and for long stays, the part of a family or group, the cap, who
//     bears it, VAT: line.go, settle.go, share.go.
//   - The minimum and the steps lengthen a visit at its end: line.go.
//   - Length is elapsed time; bands and dates are what the clock on the wall
//     shows. A boundary belongs to what begins there, and a window past
//     midnight to the date it begins on: bands.go.
//   - Tables, tiers, ratios and conversions: rate.go.
//   - A bundle costs its price x sessions still to run / sessions planned, one
//     line spread over its dates: line.go.
//   - Sums first, then percentages of what is left, then the remainder: share.go.
//   - Which options serve which dates, and why one may not be used: ask.go,
//     tariff.go.
//   - The cheapest mix, exactly: mix.go (what is all or nothing), fill.go
//     (dates, blocks, membership, and the bound of the work).
//   - The price laid out by date, line and payer, with the comparable rate on
//     the full cost: price.go. When it is due: due.go.
//   - What could be added if something happens, of this buyer's money: mightadd.go.
//   - What is said in a list before a pattern is known: headline.go.
//   - What a cancellation costs, by reason and notice: terms.go.
//   - What a price is made of, and equal prices at a universal activity:
//     costed.go.
//   - Plain English: explain.go, explainrate.go. What may be published:
//     check.go, checkrate.go.
//
// docs/adr/0007-tariffs.md says why.
package tariff

import "shortbreaks"

// ErrNotCosted refuses a price whose parts do not sum to it.
var ErrNotCosted = shortbreaks.NewError(shortbreaks.Invalid, "not-costed", "The components do not sum to the price")
