package booking_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// Whatever falls due, is cancelled, recorded, questioned and given back, in any
// order: what a family has paid of an item is what of its parts was due while
// it stood, and in the end what is owed; and its accounts are those sums (T91,
// T92).
func TestAnySequenceOfDuesEndsWithWhatIsOwedPaid(t *testing.T) {
	w := newWorld(t)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := newDuesModel(w, rt, run)
		for range 14 {
			m.now = m.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(rt, "hours")) * time.Hour)
			w.clock.Set(m.now)
			rapid.SampledFrom([]func(){m.take, m.take, m.cancel, m.providerCancels, m.record, m.record, m.agree, m.agree, m.query, m.refund, m.decide, m.moveDate}).Draw(rt, "step")()
			m.compare()
		}
		w.auditIsClean()
	})
}

// duesModel is one child's bookings at one offer, as sums.
type duesModel struct {
	w     *world
	rt    *rapid.T
	now   time.Time
	g     guest
	offer *marketplace.OfferDetail
	asked bool // leaving early is billed by the minute
	items []*duesItem
}

type duesItem struct {
	id      uuid.UUID
	booking uuid.UUID
	start   time.Time
	price   int64
	parts   []duesPart
	state   booking.State
	due     int64     // once the register is filed
	feeAt   time.Time // a fee that waits
	paid    int64     // net
	held    int64
}

type duesPart struct {
	on    time.Time
	pence int64
	taken bool
}

func newDuesModel(w *world, rt *rapid.T, run int) *duesModel {
	home := w.family(fmt.Sprintf("dues%d", run), 1)
	m := &duesModel{w: w, rt: rt, now: monday, g: guest{home.Parents[0], home.Children[0].ID}}
	w.clock.Set(monday)
	w.allocate(m.g.child, "social_care", payments.InPence, 30_000)
	w.allocate(m.g.child, "education", payments.InPence, 30_000)
	w.line(m.g.child, budgets.NewPlanLine{Shares: []budgets.Share{{Stream: "social_care", Weight: 6}, {Stream: "education", Weight: 4}}})
	timing := rapid.SampledFrom(tariff.PaymentTimings).Draw(rt, "timing")
	var p *tariff.Payment
	switch timing {
	case tariff.Advance:
		p = &tariff.Payment{DaysBefore: rapid.IntRange(0, 10).Draw(rt, "before"), Period: rapid.SampledFrom(tariff.Periods).Draw(rt, "period")}
	case tariff.Deposit:
		p = &tariff.Payment{DaysBefore: rapid.IntRange(0, 10).Draw(rt, "before"), DepositPercent: rapid.IntRange(1, 100).Draw(rt, "percent")}
	}
	charges := []tariff.Charge{charge("place", "session", shortbreaks.Pence(rapid.Int64Range(1, 2000).Draw(rt, "price")))}
	if rapid.Bool().Draw(rt, "meal") {
		charges = append(charges, charge("meal", "session", shortbreaks.Pence(rapid.Int64Range(1, 300).Draw(rt, "meal price"))))
	}
	d := ahead(timing, p, charges...)
	m.asked = rapid.Bool().Draw(rt, "by the minute")
	if m.asked {
		d.Tariff.Options[0].BilledOn = "attended"
	}
	d.Terms.LateFeePercent = rapid.IntRange(1, 100).Draw(rt, "fee")
	d.Terms.WaivedIfRefilled = rapid.Bool().Draw(rt, "waits")
	m.offer = w.publish(d)
	c := ask(m.g.child, m.offer, 4)
	m.booked(w.booksAs(m.g, c))
	m.compare()
	return m
}

// booked takes the parts from the booking: that they are those of the quote is
// another test's; here, that they sum to the price.
func (m *duesModel) booked(b *booking.Booking) {
	for _, it := range m.w.load(m.g, b).Items {
		i := &duesItem{id: it.ID, booking: b.ID, start: it.StartsAt, price: int64(it.PricePence), state: it.State, held: int64(it.PricePence)}
		var sum int64
		for _, d := range it.Dues {
			i.parts = append(i.parts, duesPart{on: d.DueOn, pence: int64(d.AmountPence)})
			sum += int64(d.AmountPence)
		}
		require.Contains(m.rt, []int64{0, i.price}, sum)
		for _, c := range it.Charges { // in however many holds, each account pays its share
			by := map[string]int64{}
			for _, h := range it.Holds {
				if h.ChargeN == c.N {
					by[h.Stream] += h.Amount
				}
			}
			want := shortbreaks.Split(int64(c.AmountPence), []int64{6, 4})
			require.Equal(m.rt, want, []int64{by["social_care"], by["education"]})
		}
		m.items = append(m.items, i)
	}
}

func (m *duesModel) pick(states ...booking.State) *duesItem {
	var fit []*duesItem
	for _, i := range m.items {
		if slices.Contains(states, i.state) {
			fit = append(fit, i)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return rapid.SampledFrom(fit).Draw(m.rt, "item")
}

func (m *duesModel) take() {
	_, err := booking.TakeDues(m.w.ctx, m.w.d)
	require.NoError(m.rt, err)
	for _, i := range m.items {
		for n := range i.parts {
			if p := &i.parts[n]; i.state == booking.Confirmed && !p.taken && !p.on.After(shortbreaks.Date(m.now)) {
				p.taken = true
				i.paid, i.held = i.paid+p.pence, i.held-p.pence
			}
		}
	}
}

// ends fixes what is owed of an item; nothing else is held of it.
func (i *duesItem) ends(state booking.State, owed int64) { i.state, i.paid, i.held = state, owed, 0 }

func (m *duesModel) cancel() {
	i := m.pick(booking.Confirmed)
	if i == nil || !m.now.Before(i.start) {
		return
	}
	got, err := booking.Cancel(m.w.ctx, m.w.d, m.g.parent, booking.CancelBooking{BookingID: i.booking, ItemIDs: []uuid.UUID{i.id}, Reason: "plans_changed"})
	require.NoError(m.rt, err)
	n := slices.IndexFunc(got.Items, func(it *booking.Item) bool { return it.ID == i.id })
	if it := got.Items[n]; it.FeeDueAt != nil {
		fee := int64(*it.FeePence)
		i.state, i.feeAt, i.due = booking.CancelledByFamily, *it.FeeDueAt, fee
		i.keepFee(got.Items[n])
		return
	}
	i.ends(booking.CancelledByFamily, int64(*got.Items[n].ChargePence))
}

// keepFee: of each charge no more than its share of the fee is kept, paid or
// held.
func (i *duesItem) keepFee(it *booking.Item) {
	weights := make([]int64, len(it.Charges))
	for n, c := range it.Charges {
		weights[n] = int64(c.AmountPence)
	}
	i.paid, i.held = 0, 0
	for n, share := range shortbreaks.Split(i.due, weights) {
		var taken int64
		for _, d := range it.Dues {
			if d.ChargeN == it.Charges[n].N && d.State == booking.DueTaken {
				taken += int64(d.AmountPence)
			}
		}
		i.paid += min(taken, share)
		i.held += share - min(taken, share)
	}
}

// decide makes waiting fees due: none of these places was taken again.
func (m *duesModel) decide() {
	_, err := booking.DecideFees(m.w.ctx, m.w.d)
	require.NoError(m.rt, err)
	for _, i := range m.items {
		if !i.feeAt.IsZero() && !i.feeAt.After(m.now) {
			i.ends(i.state, i.due)
			i.feeAt = time.Time{}
		}
	}
}

func (m *duesModel) providerCancels() {
	i := m.pick(booking.Confirmed)
	if i == nil {
		return
	}
	_, err := booking.Cancel(m.w.ctx, m.w.d, m.w.house.Owner, booking.CancelBooking{BookingID: i.booking, ItemIDs: []uuid.UUID{i.id}, Reason: "no staff"})
	require.NoError(m.rt, err)
	i.ends(booking.CancelledByProvider, 0)
}

func (m *duesModel) record() {
	i := m.pick(booking.Confirmed, booking.Delivered, booking.PartlyDelivered, booking.NoShow)
	if i == nil || m.now.Before(i.start) {
		return
	}
	r := booking.RecordAttendance{ItemID: i.id, Outcome: rapid.SampledFrom([]booking.State{booking.Delivered, booking.PartlyDelivered, booking.NoShow}).Draw(m.rt, "outcome")}
	if r.Outcome == booking.PartlyDelivered {
		left := i.start.Add(time.Duration(rapid.IntRange(1, 179).Draw(m.rt, "minutes")) * time.Minute)
		r.LeftAt = &left
	}
	if r.Outcome == booking.NoShow && rapid.Bool().Draw(m.rt, "provider's") {
		r.Cause = booking.CouldNotAdmit
	}
	it, err := booking.Record(m.w.ctx, m.w.d, m.w.house.Coordinator, r)
	require.NoError(m.rt, err)
	i.state, i.due = r.Outcome, int64(*it.ChargePence)
}

func (m *duesModel) agree() {
	i := m.pick(booking.Delivered, booking.PartlyDelivered, booking.NoShow, booking.Disputed)
	if i == nil {
		return
	}
	_, err := booking.Confirm(m.w.ctx, m.w.d, m.g.parent, i.id)
	require.NoError(m.rt, err)
	i.ends(booking.Settled, i.due)
}

func (m *duesModel) query() {
	i := m.pick(booking.Delivered, booking.PartlyDelivered, booking.NoShow)
	if i == nil {
		return
	}
	_, err := booking.Query(m.w.ctx, m.w.d, m.g.parent, i.id, "Not so.")
	require.NoError(m.rt, err)
	i.state = booking.Disputed
}

// refund gives back a part of what a settled item paid, as the books allow.
func (m *duesModel) refund() {
	i := m.pick(booking.Settled)
	if i == nil || i.paid == 0 {
		return
	}
	err := m.w.d.Do(m.w.ctx, db.Scope{Authorities: []uuid.UUID{m.w.council.ID}}, func(tx *db.Tx) error {
		_, moves, err := payments.Refund(m.w.ctx, tx, payments.RefundItem{
			Authority: m.w.council.ID, Item: i.id, ChargeN: 1, Amount: 1, Reason: "goodwill", Actor: m.w.council.Finance.Person,
		})
		if err != nil {
			return err
		}
		return budgets.MoveLines(m.w.ctx, tx, moves)
	})
	if err != nil { // nothing is left of the first charge
		require.ErrorIs(m.rt, err, payments.ErrRefundTooHigh)
		return
	}
	i.paid--
}

// moveDate moves a date that is free to cancel.
func (m *duesModel) moveDate() {
	i := m.pick(booking.Confirmed)
	if i == nil || m.now.After(i.start.Add(-48*time.Hour)) || len(m.items) > 6 {
		return
	}
	n := 4 + len(m.items) // not booked before
	q, err := booking.MakeQuote(m.w.ctx, m.w.d, m.g.parent, booking.CreateQuote{ChildID: m.g.child, OfferID: m.offer.Offer.ID, SessionIDs: []uuid.UUID{m.offer.Sessions[n].ID}})
	require.NoError(m.rt, err)
	done, _, err := booking.Move(m.w.ctx, m.w.d, m.g.parent, booking.Reschedule{ItemID: i.id, To: booking.QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence}})
	require.NoError(m.rt, err)
	i.ends(booking.CancelledByFamily, 0)
	m.booked(done.Booking)
}

// compare holds the child's accounts together against the sums.
func (m *duesModel) compare() {
	var reserved, spent, wantHeld, wantPaid int64
	for _, stream := range []string{"social_care", "education"} {
		_, r, s, _ := m.w.money(m.g.child, stream, payments.InPence)
		reserved, spent = reserved+r, spent+s
	}
	for _, i := range m.items {
		wantHeld, wantPaid = wantHeld+i.held, wantPaid+i.paid
	}
	require.Equal(m.rt, []int64{wantHeld, wantPaid}, []int64{reserved, spent}, "reserved and spent")
}
