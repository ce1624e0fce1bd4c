// Package booking is about who attends: quotes, the one function that takes
// places and money together, and the life of a booking from request to
// settlement.
//
// A booking is one child at one provider; its items are one attendee at one
// session or visit. An item is the unit of the state machine (state.go), of
// places, of charges and of holds.
//
//   - quote.go: what it would cost and who would pay each part; holds nothing.
//   - paper.go: a quote read back, and as a paper to keep.
//   - reserve.go, order.go, write.go: Reserve, the only way to take a place and money.
//   - create.go: the request that reserves, once per Idempotency-Key.
//   - desk.go: the same for all who ask at the same moment.
//   - accept.go, cancel.go, attend.go, settle.go: the moves people make.
//   - sweep.go: the moves time makes.
//   - dues.go, takedues.go: what is paid at booking, in advance or as a deposit
//     and its balance, taken on its day; settle.go settles the difference.
//   - group.go, cut.go: places that depend on enough being taken, and what a
//     group pays; calloff.go, beyond.go: what a provider calls off or cuts.
//   - reschedule.go, cancelmany.go, fee.go: moving a date, cancelling several,
//     fees that wait; waitlist.go, promote.go: lines for full sessions;
//     party.go: who comes along.
//   - introduction.go, introduced.go: children a provider has met, and offers
//     that are booked for nobody else; nextstep.go: what has to happen before a quote is booked.
//   - nights.go: a child's nights away in twelve months, advice to staff.
//   - reason.go: by which rule and which facts each charge was allowed, kept
//     with the booking.
//   - need.go, competency.go, signedoff.go: what a child needs somebody to be
//     signed off for, who is, and that nobody else is booked; swap.go: another
//     worker for a visit; flag.go: the same looked at two days before.
//   - register.go, registerstep.go, staffpresent.go: the register on a phone, step
//     by step; collection.go, secret.go: who may collect a child.
//   - added.go: charges that join an item after it took place; extra.go: more time
//     than was booked; happening.go: what the quote said could be added.
//   - guess.go: passwords held against the list; correct.go: a register put right
//     after a question; withdraw.go: sign-offs that end early.
//   - agreement.go: what only a yes of the family agrees to; itemnote.go,
//     caresheet.go, sighting.go: the most private records, and who read them.
//   - emergency.go, emergencydecision.go: a place kept for emergencies, booked on
//     the authority's contingency, and what is decided of it the next working day.
//   - outside.go: places a provider takes for those who do not book here;
//     offlinecode.go, offline.go: bookings a provider enters with a family's code;
//     importrow.go, importbooking.go, importoutside.go: bookings there were before, from a file.
//   - movesdesk.go, recordmany.go: accepting, cancelling, attending and agreeing
//     for those who ask at the same time.
//   - series.go: every date of a rule, and what stands against each; basket.go:
//     several things priced and booked in one order, each line named that fails.
//   - ticket.go, ticketuse.go, ticketback.go: a block of dates bought as one,
//     used up, and what the provider could not keep of it.
//   - bundlemove.go: one date of a term or quarter moves at its part of the price.
//   - credit.go: what a family paid itself comes back as a credit, if the terms say so.
//   - read.go: what each role may see of a booking.
//   - message.go: what those linked to a booking write to each other about it.
//   - newskind.go: what each move tells whom; tell.go, tellwhom.go, tellcouncil.go, remind.go:
//     telling them, once; news.go: reading it; newsmail.go: e-mail about it.
//   - calendarlink.go, calendar.go: secret addresses, and the calendars they
//     lead to.
//
// Rows are locked in one order everywhere: idempotency key, waiting lists and
// codes, items, tickets, session places, lanes, plan lines, accounts; each by id.
package booking
