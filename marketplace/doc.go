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
//   - model.go: the rows; provider.go, register.go, directory.go: providers,
//     identifier.go: their numbers; settings.go, workers.go: places and people.
//   - credential.go: a provider's file; acceptance.go: what each authority
//     makes of it; cover.go: what it comes to by day.
//     required.go: which credentials and ratios the rules ask for; facts.go:
//     what they look at, and publishing and quotes held against them.
//     lapse.go: many offers held against them at once.
//   - notices.go: warning before a credential ends; onboarding.go: what a new
//     provider has still to do; reliability.go: how often sessions ran.
//   - offering.go, visits.go: what a quote is made from (Want to Offered).
//   - places.go, lanes.go: the counters the desk locks and moves, set-based.
//   - draft.go, calendar.go: an offer as its provider writes it;
//     publish.go, shelf.go: drafting, publishing, withdrawing, revising.
//   - seriesask.go: the dates a family's rule names at an offer; ticket.go: blocks
//     of dates as they are sold and used.
//   - seriesdates.go, recurrence.go: which dates a series makes and leaves out.
//   - holidays.go, schooldates.go, schoolimport.go, schoolfile.go: bank holidays and term dates.
//   - replan.go, replanone.go, closure.go: changing, moving and calling off what is planned.
//   - emergency.go, emergencykeep.go: places kept for an authority's emergencies.
//   - notice.go: how late and how early something can be booked.
//   - busy.go, busyread.go, busyfetch.go: a worker's own calendar as busy time.
//   - icalwrite.go: calendars for other programs; offerfeed.go: an offer's sessions as one.
//   - category.go: the tree of categories; content.go: what an offer says;
//     lifecycle.go: what it lacks, pausing, copying.
//   - revise.go, history.go: new prices and the public history of them;
//     bulk.go, rescale.go: many at once, to the penny.
//   - picture.go, photo.go: photos, drawn anew; fact.go: answers for everybody.
//   - enquiry.go, enquiry_read.go, discreet.go: questions before booking.
//   - discreetplace.go: what everybody may know of where somebody lives.
//   - costing.go, costing_saved.go: a year's costs to the price of a place.
//   - contract.go: what authorities have agreed with providers.
//   - listing.go, relist.go: what searches read of an offer, and keeping it so;
//     filter.go, walk.go, lookup.go, read.go, cursor.go, search.go: finding;
//     soonest.go: what a listing promises of a window; spelling.go: words;
//     nextvisit.go: when somebody is next free for a visit;
//     facets.go, relax.go, onmap.go, together.go: counts, what to leave out, maps,
//     several children; statement.go: a search by hand.
//   - detail.go, sessions.go: reading an offer; shortlist.go: keeping it in mind.
//   - compare.go, ranked.go, comparable.go, ways.go: one pattern of use priced
//     at every offer that may be among the best; lapse.go: what credentials do
//     to it; use.go: for a plan, beyond what is published.
//   - chosen.go, reason.go, obstacle.go: offers chosen side by side, and every
//     reason why one cannot serve.
//   - searchcount.go: searches counted without anyone's identity.
//   - opendata.go, openreferral.go, openprice.go, openschedule.go, openterms.go:
//     what a directory may copy; activity.go, feed.go, feedread.go: feeds.
//   - import.go, sheetdesk.go: offers from a file, all or nothing;
//     offerimport.go, importjob.go: the same by a job that says how far it is;
//     export.go, exportdates.go: and back into a file. sheethelp.go says what
//     a file looks like; sheetfile.go, sheetxlsx.go: CSV and workbooks, hostile
//     ones too; sheetoffer.go, sheetrow.go, sheetprice.go, sheetdates.go: rows
//     read; sheetprint.go: rows written; sheetwords.go, sheetrate.go,
//     sheetcharge.go: what stands in a cell, both ways; sheetgroup.go: with how
//     few a group runs, its staff and who comes along; moredates.go: an offer
//     whose dates were changed.
//     sheettable.go: the same reading for files of other things.
//   - postcode.go: the made-up postcode table; place.go, importplaces.go: real
//     places beside it; grid.go: squares and distances.
package marketplace
