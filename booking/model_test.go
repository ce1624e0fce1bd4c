package booking_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// Whatever families, a provider and time do one after the other, each of it
// works when the rules say so and is refused when they do not; and after each,
// the states, the places, the money and the lines are those of a model of a
// few sums (T09, T40, T49, T50, T54, T56, T57, T60, T65).
func TestAnyLifeOfBookingsIsThatOfTheModel(t *testing.T) {
	w := newWorld(t)
	t.Cleanup(func() { // what a run left to expire has expired
		w.clock.Set(monday.AddDate(1, 0, 0))
		_, err := booking.Sweep(context.WithoutCancel(w.ctx), w.d)
		require.NoError(t, err)
	})
	run, steps := 0, 50
	if os.Getenv("SHORTBREAKS_TORTURE") != "" {
		steps = 100
	}
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := newLifeModel(w, rt, run)
		for range steps {
			m.now = m.now.Add(time.Second)
			w.clock.Set(m.now)
			step := rapid.SampledFrom(m.commands()).Draw(rt, "step")
			m.said = ""
			step.do()
			m.markForLine()
			m.compare(step.name)
		}
	})
}

// lifeModel is what should be, beside what is.
type lifeModel struct {
	w     *world
	rt    *rapid.T
	now   time.Time
	kids  []*kid
	seats []*seat
	trips []*trip
	said  string // what the last command did, for a failure
}

// kid is a child with one account and one line.
type kid struct {
	guest
	account, line                  uuid.UUID
	balance, held                  int64
	lineLimit, lineHeld, lineSpent int64
}

func (k *kid) canPay(sum int64) bool {
	return k.balance-k.held >= sum && k.lineLimit-k.lineHeld-k.lineSpent >= sum
}

// seat is one session.
type seat struct {
	offer    *marketplace.OfferDetail
	n        int
	price    int64
	instant  bool
	capacity int
	off      bool
	lives    []*life
	line     []*waiter
	free     int  // after the command before
	first    bool // what came free is for the line
}

func (s *seat) id() uuid.UUID     { return s.offer.Sessions[s.n].ID }
func (s *seat) starts() time.Time { return s.offer.Sessions[s.n].StartsAt }
func (s *seat) ends() time.Time   { return s.offer.Sessions[s.n].EndsAt }

func (s *seat) taken() (n int) {
	for _, l := range s.lives {
		if l.state.Live() {
			n++
		}
	}
	return n
}

func (s *seat) has(k *kid) bool {
	return slices.ContainsFunc(s.lives, func(l *life) bool { return l.kid == k && l.state.Live() })
}

func (s *seat) open(now time.Time) bool { return !s.off && now.Before(s.starts()) }

// trip is a booking, life an item of it.
type trip struct {
	id    uuid.UUID
	kid   *kid
	lives []*life
}

type life struct {
	id      uuid.UUID
	trip    *trip
	kid     *kid
	seat    *seat
	state   booking.State
	expires time.Time // zero: does not
	auto    time.Time // zero: not by silence
	filed   bool
	onTime  bool
	due     int64
}

type waiter struct {
	id    uuid.UUID
	kid   *kid
	seat  *seat
	state booking.WaitState
	life  *life
}

func newLifeModel(w *world, rt *rapid.T, run int) *lifeModel {
	m := &lifeModel{w: w, rt: rt, now: monday.AddDate(0, 0, 2)}
	w.clock.Set(monday)
	for n := range 2 {
		home := w.family(fmt.Sprintf("model%d-%d", run, n), 2)
		for _, c := range home.Children {
			k := &kid{guest: guest{home.Parents[0], c.ID}, balance: rapid.Int64Range(500, 6000).Draw(rt, "money"), lineLimit: rapid.Int64Range(500, 6000).Draw(rt, "limit")}
			w.allocate(c.ID, "social_care", payments.InPence, k.balance)
			k.line = w.line(c.ID, budgets.NewPlanLine{LimitAmount: k.lineLimit}).ID
			m.kids = append(m.kids, k)
		}
	}
	for n, price := range []shortbreaks.Pence{801, 500} {
		draft := saturdays(tariffOf(charge("place", "session", price)))
		draft.Instant = n == 0
		draft.Sessions.LastDate, draft.Sessions.Weekdays = draft.Sessions.FirstDate.AddDate(0, 0, 2), []int{6, 7, 1}
		draft.Sessions.Capacity = rapid.IntRange(1, 2).Draw(rt, "capacity")
		o := w.publish(draft)
		for i := range o.Sessions {
			m.seats = append(m.seats, &seat{offer: o, n: i, price: int64(price), instant: draft.Instant, capacity: draft.Sessions.Capacity, free: draft.Sessions.Capacity})
		}
	}
	m.readAccounts()
	return m
}

type command struct {
	name string
	do   func()
}

// commands are those that make sense now; booking always does.
func (m *lifeModel) commands() []command {
	all := []command{
		{"book", m.book},
		{"book", m.book},
		{"book for two", m.bookBasket},
		{"allocate", m.allocate},
		{"join", m.join},
		{"join", m.join},
		{"join", m.join},
		{"book", m.book},
		{"offer places", m.offerPlaces},
		{"offer places", m.offerPlaces},
		{"let time pass", m.pass},
		{"let time pass", m.pass},
		{"sweep", m.sweep},
		{"change places", m.changePlaces},
		{"call off", m.callOff},
	}
	if len(m.trips) > 0 {
		all = append(all, []command{
			{"accept", m.accept},
			{"accept", m.accept},
			{"decline", m.decline},
			{"cancel one", m.cancelOne},
			{"cancel all", m.cancelAll},
			{"provider cancels", m.providerCancels},
			{"record", m.record},
			{"record", m.record},
			{"agree", m.agree},
			{"query", m.query},
		}...)
	}
	if len(m.waiters()) > 0 {
		all = append(all, command{"take the place", m.takePlace}, command{"take the place", m.takePlace}, command{"leave the line", m.leave})
	}
	return all
}

// did requires that it worked if and only if it could.
func (m *lifeModel) did(could bool, err error, what string, args ...any) bool {
	m.said = fmt.Sprintf(what, args...)
	if could {
		require.NoError(m.rt, err, m.said)
		return true
	}
	known := &shortbreaks.Error{}
	require.ErrorAs(m.rt, err, &known, "%s should be refused", m.said)
	return false
}

func (m *lifeModel) aKid() *kid { return rapid.SampledFrom(m.kids).Draw(m.rt, "child") }

func (m *lifeModel) aSeat() *seat { return rapid.SampledFrom(m.seats).Draw(m.rt, "session") }

// likely is one of those with which it should work, if there is any, three
// times out of four; else any.
func likely[T any](m *lifeModel, all []T, works func(T) bool, what string) T {
	if rapid.IntRange(0, 3).Draw(m.rt, "likely") > 0 {
		if some := slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !works(one) }); len(some) > 0 {
			all = some
		}
	}
	return rapid.SampledFrom(all).Draw(m.rt, what)
}

func (m *lifeModel) aTrip(works func(*life) bool) *trip {
	return likely(m, m.trips, func(t *trip) bool { return slices.ContainsFunc(t.lives, works) }, "booking")
}

func (m *lifeModel) aLife(works func(*life) bool) *life {
	var all []*life
	for _, t := range m.trips {
		all = append(all, t.lives...)
	}
	return likely(m, all, works, "item")
}

func (m *lifeModel) aWaiter(works func(*waiter) bool) *waiter {
	return likely(m, m.waiters(), works, "in line")
}

func in(states ...booking.State) func(*life) bool {
	return func(l *life) bool { return l.in(states...) }
}

// someSeats are one to three sessions of one offer, in order.
func (m *lifeModel) someSeats() []*seat {
	first := m.aSeat()
	chosen := []*seat{first}
	for range rapid.IntRange(0, 2).Draw(m.rt, "more") {
		if s := m.aSeat(); s.offer == first.offer && !slices.Contains(chosen, s) {
			chosen = append(chosen, s)
		}
	}
	slices.SortFunc(chosen, func(a, b *seat) int { return a.n - b.n })
	return chosen
}

func (m *lifeModel) wish(k *kid, seats []*seat) booking.CreateQuote {
	c := booking.CreateQuote{ChildID: k.child, OfferID: seats[0].offer.Offer.ID}
	for _, s := range seats {
		c.SessionIDs = append(c.SessionIDs, s.id())
	}
	return c
}

// could says whether a child could book these sessions, when some places and
// money are spoken for already.
func (m *lifeModel) could(k *kid, seats []*seat, spoken map[*seat]int) bool {
	var sum int64
	for _, s := range seats {
		if !s.open(m.now) || s.has(k) || s.first || s.taken()+spoken[s] >= s.capacity {
			return false
		}
		sum += s.price
	}
	return k.canPay(sum)
}

func (m *lifeModel) book() {
	k, seats := m.aKid(), m.someSeats()
	could := m.could(k, seats, nil)
	basket, err := m.reserve(k.guest, m.wish(k, seats))
	if m.did(could, err, "booking %d sessions", len(seats)) {
		m.booked(k, seats, basket.Bookings[0])
	}
}

// bookBasket books for two children of a family together or not at all (T10).
func (m *lifeModel) bookBasket() {
	n := 2 * rapid.IntRange(0, 1).Draw(m.rt, "family")
	a, b := m.kids[n], m.kids[n+1]
	first, second := m.someSeats(), m.someSeats()
	spoken := map[*seat]int{}
	could := m.could(a, first, spoken)
	for _, s := range first {
		spoken[s]++
	}
	could = could && m.could(b, second, spoken)
	basket, err := m.reserve(a.guest, m.wish(a, first), m.wish(b, second))
	if m.did(could, err, "booking for two") {
		m.booked(a, first, basket.Bookings[0])
		m.booked(b, second, basket.Bookings[1])
	}
}

func (m *lifeModel) reserve(g guest, wishes ...booking.CreateQuote) (*booking.Basket, error) {
	var quotes []*booking.Quote
	for _, c := range wishes {
		q, err := booking.MakeQuote(m.w.ctx, m.w.d, g.parent, c)
		if err != nil {
			return nil, err
		}
		quotes = append(quotes, q)
	}
	basket, _, err := booking.Create(m.w.ctx, m.w.d, g.parent, toBook(quotes...))
	return basket, err
}

func (m *lifeModel) booked(k *kid, seats []*seat, b *booking.Booking) {
	t := &trip{id: b.ID, kid: k}
	first := seats[0].starts()
	for i, s := range seats {
		l := m.take(t, s)
		l.id = b.Items[i].ID
		if l.state = booking.Confirmed; !s.instant {
			l.state, l.expires = booking.Requested, earlier(m.now.Add(48*time.Hour), first)
		}
	}
	m.trips = append(m.trips, t)
}

// take is the place and the money of an item.
func (m *lifeModel) take(t *trip, s *seat) *life {
	l := &life{trip: t, kid: t.kid, seat: s}
	t.lives, s.lives = append(t.lives, l), append(s.lives, l)
	t.kid.held += s.price
	t.kid.lineHeld += s.price
	return l
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// ended is what an item that closes costs; the rest is free.
func (l *life) ended(to booking.State, cost int64) {
	l.state, l.expires, l.auto = to, time.Time{}, time.Time{}
	l.kid.held -= l.seat.price
	l.kid.lineHeld -= l.seat.price
	l.kid.balance -= cost
	l.kid.lineSpent += cost
}

func (l *life) in(states ...booking.State) bool { return slices.Contains(states, l.state) }

func (t *trip) having(f func(*life) bool) (some []*life) {
	for _, l := range t.lives {
		if f(l) {
			some = append(some, l)
		}
	}
	return some
}

func (m *lifeModel) accept() {
	t := m.aTrip(in(booking.Requested))
	asked := t.having(func(l *life) bool { return l.state == booking.Requested })
	could := len(asked) > 0 && !slices.ContainsFunc(asked, func(l *life) bool { return !m.now.Before(l.expires) })
	_, err := booking.Accept(m.w.ctx, m.w.d, m.w.house.Owner, t.id)
	if m.did(could, err, "accepting") {
		for _, l := range asked {
			l.state, l.expires = booking.Confirmed, time.Time{}
		}
	}
}

func (m *lifeModel) decline() {
	t := m.aTrip(in(booking.Requested))
	asked := t.having(func(l *life) bool { return l.state == booking.Requested })
	_, err := booking.Decline(m.w.ctx, m.w.d, m.w.house.Coordinator, t.id, "no staff")
	if m.did(len(asked) > 0, err, "declining") {
		for _, l := range asked {
			l.ended(booking.Declined, 0)
		}
	}
}

var before = []booking.State{booking.Held, booking.Requested, booking.Confirmed}

// late is the fee of an item that a family cancels now: half, half up, from a
// moment after 48 hours before.
func (m *lifeModel) late(l *life) int64 {
	if l.state == booking.Confirmed && m.now.After(l.seat.starts().Add(-48*time.Hour)) {
		return (l.seat.price + 1) / 2
	}
	return 0
}

// cancellable by its family.
func (m *lifeModel) cancellable(l *life) bool {
	return l.in(before...) && m.now.Before(l.seat.starts())
}

func (m *lifeModel) cancelOne() {
	could := m.cancellable
	l := m.aLife(could)
	_, err := booking.Cancel(m.w.ctx, m.w.d, l.kid.parent, booking.CancelBooking{BookingID: l.trip.id, ItemIDs: []uuid.UUID{l.id}, Reason: "plans_changed"})
	if m.did(could(l), err, "cancelling one date") {
		l.ended(booking.CancelledByFamily, m.late(l))
	}
}

func (m *lifeModel) cancelAll() {
	t := m.aTrip(m.cancellable)
	some := t.having(m.cancellable)
	_, err := booking.Cancel(m.w.ctx, m.w.d, t.kid.parent, booking.CancelBooking{BookingID: t.id, Reason: "plans_changed"})
	if m.did(len(some) > 0, err, "cancelling all") {
		for _, l := range some {
			l.ended(booking.CancelledByFamily, m.late(l))
		}
	}
}

func (m *lifeModel) providerCancels() {
	t := m.aTrip(in(before...))
	some := t.having(in(before...))
	_, err := booking.Cancel(m.w.ctx, m.w.d, m.w.house.Coordinator, booking.CancelBooking{BookingID: t.id, Reason: "no staff"})
	if m.did(len(some) > 0, err, "the provider's cancelling") {
		for _, l := range some {
			l.ended(booking.CancelledByProvider, 0)
		}
	}
}

func (m *lifeModel) record() {
	recordable := func(l *life) bool {
		return l.in(booking.Confirmed, booking.Delivered, booking.PartlyDelivered, booking.NoShow) && !m.now.Before(l.seat.starts())
	}
	l := m.aLife(recordable)
	r := rapid.SampledFrom([]booking.RecordAttendance{
		{Outcome: booking.Delivered}, {Outcome: booking.PartlyDelivered}, {Outcome: booking.NoShow, Cause: "ill"}, {Outcome: booking.NoShow, Cause: booking.CouldNotAdmit},
	}).Draw(m.rt, "register")
	r.ItemID = l.id
	due := l.seat.price
	switch {
	case r.Outcome == booking.PartlyDelivered:
		left := l.seat.starts().Add(time.Hour)
		r.LeftAt = &left
	case r.Cause == booking.CouldNotAdmit:
		due = 0
	case r.Outcome == booking.NoShow:
		due = (l.seat.price + 1) / 2
	}
	_, err := booking.Record(m.w.ctx, m.w.d, m.w.house.Coordinator, r)
	if !m.did(recordable(l), err, "recording %s", r.Outcome) {
		return
	}
	if !l.filed {
		l.filed, l.onTime = true, !m.now.After(l.seat.ends().Add(48*time.Hour))
	}
	if l.state, l.due, l.auto = r.Outcome, due, (time.Time{}); l.onTime {
		l.auto = m.now.Add(7 * 24 * time.Hour)
	}
}

var recorded = []booking.State{booking.Delivered, booking.PartlyDelivered, booking.NoShow}

func (m *lifeModel) agree() {
	l := m.aLife(in(append(recorded, booking.Disputed)...))
	_, err := booking.Confirm(m.w.ctx, m.w.d, l.kid.parent, l.id)
	if m.did(l.in(recorded...) || l.state == booking.Disputed, err, "agreeing") {
		l.ended(booking.Settled, l.due)
	}
}

func (m *lifeModel) query() {
	l := m.aLife(in(recorded...))
	_, err := booking.Query(m.w.ctx, m.w.d, l.kid.parent, l.id, "shorter than that")
	if m.did(l.in(recorded...), err, "querying") {
		l.state, l.auto = booking.Disputed, time.Time{}
	}
}

func (m *lifeModel) pass() {
	m.now = m.now.Add(time.Duration(rapid.SampledFrom([]int{1, 3, 6, 20, 24, 47, 48, 169}).Draw(m.rt, "hours")) * time.Hour)
	m.w.clock.Set(m.now)
	m.said = "time"
}

// sweep is what time does.
func (m *lifeModel) sweep() {
	_, err := booking.Sweep(m.w.ctx, m.w.d)
	require.NoError(m.rt, err)
	for _, t := range m.trips {
		for _, l := range t.lives {
			switch {
			case !l.expires.IsZero() && !m.now.Before(l.expires):
				l.ended(booking.Expired, 0)
			case !l.auto.IsZero() && !m.now.Before(l.auto):
				l.ended(booking.Settled, l.due)
			}
		}
	}
}

func (m *lifeModel) allocate() {
	k, more := m.aKid(), rapid.Int64Range(1, 2000).Draw(m.rt, "money")
	m.w.allocate(k.child, "social_care", payments.InPence, more)
	k.balance += more
}

// changePlaces sets the places of an offer from a date on (T50).
func (m *lifeModel) changePlaces() {
	from, n := m.aSeat(), rapid.IntRange(1, 4).Draw(m.rt, "places")
	var changed []*seat
	could := true
	for _, s := range m.seats {
		if s.offer == from.offer && s.n >= from.n && s.open(m.now) {
			changed, could = append(changed, s), could && s.taken() <= n
		}
	}
	_, err := marketplace.ChangeSessions(m.w.ctx, m.w.d, m.w.house.Coordinator, marketplace.SessionChange{
		OfferID: from.offer.Offer.ID, From: shortbreaks.Date(from.starts()), Capacity: &n,
	})
	if m.did(could && len(changed) > 0, err, "changing to %d places", n) {
		for _, s := range changed {
			s.capacity = n
		}
	}
}

func (m *lifeModel) callOff() {
	if rapid.IntRange(0, 5).Draw(m.rt, "rarely") > 0 {
		return
	}
	s := m.aSeat()
	_, _, err := booking.CallOffSession(m.w.ctx, m.w.d, m.w.house.Owner, s.id(), "a flood")
	if m.did(m.now.Before(s.starts()), err, "calling off") {
		s.off = true
		for _, l := range s.lives {
			if l.in(before...) {
				l.ended(booking.CancelledByProvider, 0)
			}
		}
	}
}
