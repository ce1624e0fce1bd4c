// Package marketplace is who offers what, when and at what price: providers
// and their settings, costed offers and their versions, sessions with places,
// lanes for support by the hour, search and comparison. Everything published
// is public; drafts belong to their provider.
//
// An offer is sold by the session (one or some of its dates), by the bundle (a
// week, half term, term or quarter of its sessions) or by the visit (support
// by the hour). Its version carries a tariff: price options, each a list of
// charges whose components sum to it. A version never changes.
//
// Where things are:
//
//   - tariff/: how a price is written down, worked out and explained.
//   - model.go: the rows; provider.go: providers.
//   - offering.go, visits.go: what a quote is made from (Want to Offered).
//   - places.go, lanes.go: the counters the desk locks and moves, set-based.
//   - draft.go, calendar.go: an offer as its provider writes it;
//     publish.go, shelf.go: drafting, publishing, withdrawing, revising.
//   - category.go: the tree of categories; content.go: what an offer says;
//     lifecycle.go: what it lacks, pausing, copying.
//   - revise.go, history.go: new prices and the public history of them;
//     bulk.go, rescale.go: many at once, to the penny.
//   - picture.go, photo.go: photos, drawn anew; fact.go: answers for everybody.
//   - enquiry.go, enquiry_read.go, discreet.go: questions before booking.
//   - costing.go, costing_saved.go: a year's costs to the price of a place.
//   - search.go, cursor.go, detail.go, sessions.go: reading them.
//   - compare.go, ways.go: one pattern of use priced at every offer.
//   - searchcount.go: searches counted without anyone's identity.
//   - import.go, importrow.go: offers from a CSV, all or nothing.
//   - postcode.go: the made-up postcode table.
package marketplace
