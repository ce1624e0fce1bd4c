package booking_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// ahead is the Saturday club paid at a set time before.
func ahead(timing string, p *tariff.Payment, charges ...tariff.Charge) marketplace.OfferDraft {
	if len(charges) == 0 {
		charges = []tariff.Charge{charge("place", "session", 801)}
	}
	t := tariffOf(charges...)
	t.Options[0].PaymentTiming, t.Options[0].Payment = timing, p
	return saturdays(t)
}

func (w *world) takeDues() int {
	w.t.Helper()
	n, err := booking.TakeDues(w.ctx, w.d)
	require.NoError(w.t, err)
	return n
}

// noon is twelve o'clock of a date.
func noon(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

func (w *world) cancel(b *booking.Booking, reason string, items ...int) *booking.Booking {
	w.t.Helper()
	c := booking.CancelBooking{BookingID: b.ID, Reason: reason}
	for _, n := range items {
		c.ItemIDs = append(c.ItemIDs, b.Items[n].ID)
	}
	got, err := booking.Cancel(w.ctx, w.d, w.parent, c)
	require.NoError(w.t, err)
	return got
}

func (w *world) settled(b *booking.Booking, n int, r booking.RecordAttendance) *booking.Item {
	w.t.Helper()
	w.deliver(b.Items[n], r)
	it, err := booking.Confirm(w.ctx, w.d, w.parent, b.Items[n].ID)
	require.NoError(w.t, err)
	return it
}

func TestT91_PaymentInAdvanceIsTakenOnItsDayOnceAndOnlyOfWhatIsConfirmed(t *testing.T) {
	w := newWorld(t)
	d := ahead("advance", &tariff.Payment{Period: "occasion", DaysBefore: 7})
	d.Instant = false
	b := w.book(ask(w.child, w.publish(d), 3)) // 9, 16 and 23 January
	require.Zero(t, w.takeDues(), "the first is due, and nothing is confirmed")
	w.requireMoney(w.child, 2403, 0, 97_597)
	_, err := booking.Accept(w.ctx, w.d, w.house.Owner, b.ID)
	require.NoError(t, err)
	for _, err := range together(3, func(int) error { _, err := booking.TakeDues(w.ctx, w.d); return err }) {
		require.NoError(t, err)
	}
	w.requireMoney(w.child, 1602, 801, 97_597)
	w.clock.Set(time.Date(2027, 1, 8, 23, 59, 59, 0, time.UTC))
	require.Zero(t, w.takeDues())
	w.clock.Set(time.Date(2027, 1, 9, 0, 0, 0, 0, time.UTC))
	require.Equal(t, 1, w.takeDues())
	require.Zero(t, w.takeDues())
	w.requireMoney(w.child, 801, 1602, 97_597)
	require.Equal(t, map[string]int64{"authority": 1602}, w.owed())

	w.settled(b, 0, booking.RecordAttendance{Outcome: booking.Delivered})
	w.requireMoney(w.child, 801, 1602, 97_597) // nothing is captured twice
	got := w.load(guest{w.parent, w.child}, b)
	require.Equal(t, booking.DueTaken, got.Items[0].Dues[0].State)
	require.Equal(t, monday, *got.Items[0].Dues[0].TakenAt)
	require.Equal(t, booking.DueOpen, got.Items[2].Dues[0].State)
	require.Equal(t, time.Date(2027, 1, 16, 0, 0, 0, 0, time.UTC), got.Items[2].Dues[0].DueOn)
	paid, back, due := got.Items[2].PaidAhead()
	require.Equal(t, []shortbreaks.Pence{0, 0, 801}, []shortbreaks.Pence{paid, back, due})
}

func TestT91_WhatWasPaidAheadGoesBackAsTheTermsSay(t *testing.T) {
	w := newWorld(t)
	b := w.book(ask(w.child, w.publish(ahead("at_booking", nil)), 4))
	require.Equal(t, 4, w.takeDues())
	w.requireMoney(w.child, 0, 3204, 96_796)
	w.cancel(b, "plans_changed", 0) // in time
	w.requireMoney(w.child, 0, 2403, 97_597)
	w.clock.Set(b.Items[1].StartsAt.Add(-47 * time.Hour))
	got := w.cancel(b, "plans_changed", 1) // half is kept
	w.requireMoney(w.child, 0, 2003, 97_997)
	require.EqualValues(t, 401, *got.Items[1].ChargePence)
	require.EqualValues(t, 400, got.Items[1].Back[0].AmountPence)
	require.True(t, got.Items[1].Back[0].Ahead)
	w.clock.Set(b.Items[2].StartsAt.Add(-time.Hour))
	_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, 2), Reason: "no staff"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 1202, 98_798) // all of it (T56)
	w.settled(b, 3, booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	w.requireMoney(w.child, 0, 401, 99_599)
	require.Equal(t, map[string]int64{"authority": 401}, w.owed())
}

func TestT92_ADepositAndItsBalanceAreTwoHoldsTakenOnTheirDays(t *testing.T) {
	w := newWorld(t)
	b := w.book(ask(w.child, w.publish(ahead("deposit", &tariff.Payment{DepositPercent: 25, DaysBefore: 3},
		charge("place", "session", 801), charge("meal", "session", 200))), 2)) // 2002, of it 500.5 deposit
	it := b.Items[0]
	require.Len(t, it.Charges, 2)
	require.Len(t, it.Holds, 4)
	for _, c := range it.Charges {
		var sum int64
		for _, h := range it.Holds {
			if h.ChargeN == c.N {
				sum += h.Amount
			}
		}
		require.Equal(t, int64(c.AmountPence), sum, "the two holds sum to the price")
	}
	require.Equal(t, 2, w.takeDues())
	w.requireMoney(w.child, 1501, 501, 97_998)
	w.clock.Set(noon(2027, 1, 5))
	require.Zero(t, w.takeDues())
	w.clock.Set(noon(2027, 1, 6))
	require.Equal(t, 2, w.takeDues(), "three days before the first date")
	w.requireMoney(w.child, 0, 2002, 97_998)
	w.settled(b, 0, booking.RecordAttendance{Outcome: booking.Delivered})
	w.requireMoney(w.child, 0, 2002, 97_998)
	st, err := budgets.GetStatement(w.ctx, w.d, w.parent, w.child, monday, noon(2027, 1, 31))
	require.NoError(t, err)
	said := map[string]int{}
	for _, e := range st.Accounts[0].Entries {
		said[e.Description]++
		if e.Kind != payments.KindAllocate {
			require.Equal(t, b.Reference, e.BookingReference)
		}
	}
	require.Equal(t, map[string]int{"Added to the budget": 1, "Deposit for a booking": 4, "Balance of a booking, after its deposit": 4}, said)
}

// On each side of each boundary what was paid ahead is given back but for the
// fee, whatever part of it was paid, and the rest of a fee is captured.
func TestT92_TermsByReasonAndNoticeHoldForWhatWasPaidAhead(t *testing.T) {
	w := newWorld(t)
	half := shortbreaks.Pence(401)
	steps := func(hours, percent int) []tariff.TermStep {
		return []tariff.TermStep{{Notice: hours, Unit: "hours"}, {Unit: "hours", FeePercent: percent}}
	}
	d := ahead("deposit", &tariff.Payment{DepositPercent: 25, DaysBefore: 0})
	d.Sessions.Capacity = 100
	d.Terms.Reasons = []tariff.ReasonTerms{
		{Reason: "ill", Steps: steps(4, 25)},
		{Reason: "hospital", Steps: []tariff.TermStep{{Unit: "hours"}}},
		{Reason: "school_closed", Steps: steps(2, 10)},
		{Reason: "transport_failed", Steps: steps(1, 100)},
		{Reason: "bereavement", Steps: []tariff.TermStep{{Unit: "hours"}}},
	}
	club := w.publish(d)
	for n, c := range []struct {
		reason string
		before time.Duration // of the start; a microsecond less is late
		in     shortbreaks.Pence
		late   shortbreaks.Pence
	}{
		{"plans_changed", 48 * time.Hour, 0, half},
		{"ill", 4 * time.Hour, 0, 200},
		{"hospital: since Monday", time.Hour, 0, 0},
		{"school_closed", 2 * time.Hour, 0, 80},
		{"transport_failed", time.Hour, 0, 801},
		{"bereavement", time.Minute, 0, 0},
	} {
		for late, want := range map[bool]shortbreaks.Pence{false: c.in, true: c.late} {
			for _, balance := range []bool{false, true} {
				w.clock.Set(monday)
				q := ask(w.child, club, 0)
				q.SessionIDs = []uuid.UUID{club.Sessions[n].ID}
				b := w.book(q)
				start := b.Items[0].StartsAt
				require.Equal(t, 1, w.takeDues())
				if balance {
					w.clock.Set(start.Add(-time.Hour * 24 * 3))
					require.Zero(t, w.takeDues())
					w.clock.Set(shortbreaks.At(shortbreaks.Date(start), 0))
					if c.before < 10*time.Hour {
						require.Equal(t, 1, w.takeDues())
					}
				}
				at := start.Add(-c.before)
				if late {
					at = at.Add(time.Microsecond)
				}
				w.clock.Set(at)
				_, _, spent, _ := w.money(w.child, "social_care", payments.InPence)
				got := w.cancel(b, c.reason)
				require.Equal(t, want, *got.Items[0].ChargePence, "%s late %v", c.reason, late)
				_, reserved, now, _ := w.money(w.child, "social_care", payments.InPence)
				require.Zero(t, reserved)
				paid, back, due := got.Items[0].PaidAhead()
				require.Zero(t, due)
				require.Equal(t, int64(want)-int64(paid), now-spent, "%s late %v: what is kept is the fee", c.reason, late)
				require.Equal(t, max(0, paid-want), back)
			}
		}
	}
}

func TestT92_ALateFeeThatWaitsKeepsNoMoreThanTheFeeOfWhatWasPaidAhead(t *testing.T) {
	w := newWorld(t)
	for _, timing := range []string{"at_booking", "deposit"} {
		var p *tariff.Payment
		if timing == "deposit" {
			p = &tariff.Payment{DepositPercent: 25}
		}
		d := ahead(timing, p)
		d.Sessions.Capacity, d.Terms.WaivedIfRefilled = 2, true
		club := w.publish(d)
		others := w.guests2(timing, 2)
		w.clock.Set(monday)
		mine, theirs := w.book(ask(w.child, club, 1)), w.booksAs(others[0], ask(w.child, club, 1))
		_, _, spent, _ := w.money(w.child, "social_care", payments.InPence)
		require.Equal(t, 2, w.takeDues())
		w.clock.Set(mine.Items[0].StartsAt.Add(-3 * time.Hour))
		w.cancel(mine, "plans_changed")
		_, reserved, now, _ := w.money(w.child, "social_care", payments.InPence)
		require.EqualValues(t, 401, reserved+now-spent, "paid and kept together are the fee")
		w.clock.Set(mine.Items[0].StartsAt.Add(-2 * time.Hour))
		w.cancelAs(others[0], theirs)
		w.booksAs(others[1], ask(w.child, club, 1))
		w.takeDues()
		w.auditIsClean()
		w.clock.Set(mine.Items[0].StartsAt)
		require.Equal(t, 2, w.decideFees())
		w.requireMoney(w.child, 0, 0, 100_000) // taken again: all goes back
		w.requireMoney(others[0].child, 0, 401, 99_599)
	}
}

// guests2 are guests with names of their own.
func (w *world) guests2(name string, n int) []guest {
	all := make([]guest, n)
	for i := range all {
		home := w.family(name+string(rune('a'+i)), 1)
		all[i] = guest{home.Parents[0], home.Children[0].ID}
		w.allocate(all[i].child, "social_care", payments.InPence, 100_000)
		w.line(all[i].child, budgets.NewPlanLine{})
	}
	return all
}

func TestT91_PaidAheadGoesBackInProportionToItsAccountsAndToTheTopUp(t *testing.T) {
	w := newWorld(t)
	g := w.family("split", 1)
	w.parent, w.child = g.Parents[0], g.Children[0].ID
	w.allocate(w.child, "education", payments.InPence, 10_000)
	w.allocate(w.child, "health", payments.InPence, 10_000)
	w.line(w.child, budgets.NewPlanLine{Shares: []budgets.Share{{Stream: "education", Weight: 6}, {Stream: "health", Weight: 4}}})
	b := w.book(ask(w.child, w.publish(ahead("deposit", &tariff.Payment{DepositPence: 200})), 1))
	require.Len(t, b.Items[0].Holds, 4)
	require.Equal(t, 1, w.takeDues())
	spent := func() []int64 {
		_, _, e, _ := w.money(w.child, "education", payments.InPence)
		_, _, h, _ := w.money(w.child, "health", payments.InPence)
		return []int64{e, h}
	}
	require.Equal(t, []int64{120, 80}, spent())
	w.clock.Set(b.Items[0].StartsAt.Add(-10 * time.Hour))
	require.Equal(t, 1, w.takeDues())
	require.Equal(t, []int64{481, 320}, spent())
	w.cancel(b, "plans_changed")
	require.Equal(t, []int64{241, 160}, spent())
}

func TestT91_AnAllowanceIsUsedWholeAndComesBackInItsUnit(t *testing.T) {
	w := newWorld(t)
	g := w.family("hours", 1)
	w.parent, w.child = g.Parents[0], g.Children[0].ID
	w.allocate(w.child, "social_care", payments.InMinutes, 2400)
	w.line(w.child, budgets.NewPlanLine{Unit: payments.InMinutes, LimitAmount: 2400})
	b := w.book(ask(w.child, w.publish(ahead("at_booking", nil, charge("place", "session", 801), charge("meal", "session", 99))), 2))
	require.Equal(t, 2, w.takeDues())
	minutes := func() []int64 {
		_, r, s, _ := w.money(w.child, "social_care", payments.InMinutes)
		return []int64{r, s}
	}
	require.Equal(t, []int64{0, 360}, minutes())
	require.Equal(t, map[string]int64{"authority": 1800}, w.owed())
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour))
	w.cancel(b, "plans_changed", 0)
	require.Equal(t, []int64{0, 270}, minutes())
	require.Equal(t, map[string]int64{"authority": 1350}, w.owed())

	deposit := w.publish(ahead("deposit", &tariff.Payment{DepositPercent: 25}))
	q := w.quote(w.parent, ask(w.child, deposit, 3))
	require.False(t, q.Document.Allowed)
	require.Contains(t, q.Document.Because[0], "an allowance, which is used whole")
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(q))
	require.ErrorIs(t, err, booking.ErrNotAllowed)
}

func TestT91_WhatTheFamilyPaysTheProviderIsShownAndNotTakenAhead(t *testing.T) {
	w := newWorld(t)
	stranger := w.family("direct", 1)
	w.parent, w.child = stranger.Parents[0], stranger.Children[0].ID
	c := ask(w.child, w.publish(ahead("at_booking", nil)), 2)
	c.FamilyPays = "direct"
	b := w.book(c)
	require.Zero(t, w.takeDues())
	require.Empty(t, w.owed())
	require.Equal(t, booking.DueOutside, b.Items[0].Dues[0].State)
	w.settled(b, 0, booking.RecordAttendance{Outcome: booking.Delivered})
	require.Equal(t, map[string]int64{"family": 801}, w.owed())
}

func TestT91_MovingADateGivesBackWhatWasPaidAheadAndTakesTheNewOnItsDay(t *testing.T) {
	w := newWorld(t)
	d := ahead("advance", &tariff.Payment{Period: "occasion", DaysBefore: 7})
	club := w.publish(d)
	b := w.book(ask(w.child, club, 1))
	require.Equal(t, 1, w.takeDues())
	_, err := w.move(b.Items[0], w.to(w.child, club, 4))
	require.NoError(t, err)
	w.requireMoney(w.child, 801, 0, 99_199)
	require.Zero(t, w.takeDues(), "due a week before the new date")

	byRequest := ahead("at_booking", nil)
	byRequest.Instant, byRequest.Title = false, "By request"
	asked := w.publish(byRequest)
	second := w.book(ask(w.child, asked, 3))
	_, err = booking.Accept(w.ctx, w.d, w.house.Owner, second.ID)
	require.NoError(t, err)
	require.Equal(t, 3, w.takeDues())
	moved, err := w.move(second.Items[2], w.to(w.child, asked, 6))
	require.NoError(t, err)
	w.requireMoney(w.child, 1602, 2403, 95_995)
	_, err = booking.Accept(w.ctx, w.d, w.house.Owner, moved.Booking.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 1602, 1602, 96_796)
	require.Equal(t, 1, w.takeDues())
	w.requireMoney(w.child, 801, 2403, 96_796)
}

func TestT91_LeavingEarlyAndAQueryAreSettledAgainstWhatWasPaidAhead(t *testing.T) {
	w := newWorld(t)
	d := ahead("deposit", &tariff.Payment{DepositPercent: 25}, charge("place", "session", 900))
	d.Tariff.Options[0].BilledOn = "attended"
	b := w.book(ask(w.child, w.publish(d), 3))
	require.Equal(t, 3, w.takeDues())
	left := b.Items[0].StartsAt.Add(time.Hour)
	w.settled(b, 0, booking.RecordAttendance{Outcome: booking.PartlyDelivered, LeftAt: &left})
	w.requireMoney(w.child, 1350, 750, 97_900) // 300 of 900: 225 was paid, 75 more
	w.deliver(b.Items[1], booking.RecordAttendance{Outcome: booking.Delivered})
	_, err := booking.Query(w.ctx, w.d, w.parent, b.Items[1].ID, "She was not there.")
	require.NoError(t, err)
	require.Equal(t, 1, w.takeDues(), "the third is due, and what is questioned waits")
	w.requireMoney(w.child, 675, 1425, 97_900)
	_, err = booking.Confirm(w.ctx, w.d, w.parent, b.Items[1].ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 2100, 97_900)
}

func TestT91_CallingOffASessionGivesEverybodyTheirMoneyBack(t *testing.T) {
	w := newWorld(t)
	club := w.publish(ahead("at_booking", nil))
	others := w.guests(2)
	w.book(ask(w.child, club, 1))
	for _, g := range others {
		w.booksAs(g, ask(w.child, club, 1))
	}
	require.Equal(t, 3, w.takeDues())
	_, n, err := booking.CallOffSession(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, "No heating.")
	require.NoError(t, err)
	require.Equal(t, 3, n)
	w.requireMoney(w.child, 0, 0, 100_000)
	w.requireMoney(others[1].child, 0, 0, 100_000)
	require.Equal(t, map[string]int64{"authority": 0}, w.owed())
}

func TestT90_APriceForTheGroupIsTakenOnceItIsKnown(t *testing.T) {
	w := newWorld(t)
	c := charge("place", "session", 3000)
	c.Basis, c.SmallestGroup = "per_group", 3
	d := ahead("at_booking", nil, c)
	d.Sessions.Minimum = &marketplace.MinimumDraft{Places: 3, DecideHoursBefore: 48}
	club := w.publish(d)
	all := append(w.guests(3), guest{w.parent, w.child})
	for _, g := range all {
		w.booksAs(g, ask(g.child, club, 1))
	}
	require.Zero(t, w.takeDues(), "not confirmed")
	w.clock.Set(club.Sessions[0].StartsAt.Add(-48 * time.Hour))
	require.Equal(t, 4, w.decide())
	require.Equal(t, 4, w.takeDues())
	w.requireMoney(w.child, 0, 750, 99_250)

	d.Tariff.Options[0].PaymentTiming, d.Tariff.Options[0].Payment = "deposit", &tariff.Payment{DepositPercent: 10}
	_, err := w.build.PublishOffer(w.ctx, w.house, d)
	known := &shortbreaks.Error{}
	require.ErrorAs(t, err, &known)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.True(t, strings.HasSuffix(known.Fields[0].Pointer, "/payment_timing"), known.Fields)
}

func TestT91_AnItemThatEndsBeforeItsDayIsNeverTaken(t *testing.T) {
	w := newWorld(t)
	b := w.book(ask(w.child, w.publish(ahead("advance", &tariff.Payment{Period: "occasion", DaysBefore: 1})), 2))
	got := w.cancel(b, "plans_changed", 1)
	require.Equal(t, booking.DueEnded, got.Items[1].Dues[0].State)
	w.clock.Set(noon(2027, 1, 16))
	_, err := booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	require.Equal(t, 1, w.takeDues())
	w.requireMoney(w.child, 0, 801, 99_199)
	require.Zero(t, w.takeDues())
}

// What was paid by 31 March for dates after it is a prepayment of that day; at
// the next year's start it is so no longer, date by date.
func TestT91_Across31MarchItShowsAsAPrepayment(t *testing.T) {
	w := newWorld(t)
	draft := ahead("at_booking", nil)
	draft.Sessions.FirstDate, draft.Sessions.LastDate = day("2027-03-27"), day("2027-04-17")
	april := noon(2027, 4, 2)
	l := budgets.NewPlanLine{
		ChildID: w.child, PlanType: "ehc", Description: "Next year", ManagementOption: budgets.Notional, Unit: payments.InPence,
		Shares: []budgets.Share{{Stream: "social_care", Weight: 1}}, LimitAmount: 50_000,
	}
	l.StartsOn, l.EndsOn = demo.FinancialYear(april)
	_, err := w.build.ApprovePlanLine(w.ctx, w.council, l)
	require.NoError(t, err)
	require.NoError(t, w.build.Allocate(w.ctx, w.council, w.child, "social_care", payments.InPence, 50_000, shortbreaks.Date(april)))
	b := w.book(ask(w.child, w.publish(draft), 3)) // 27 March, 3 and 10 April
	require.Equal(t, 3, w.takeDues())

	prepaid := func(to string) map[int64]int64 { // by what was allocated
		st, err := budgets.GetStatement(w.ctx, w.d, w.parent, w.child, day("2027-01-01"), day(to))
		require.NoError(t, err)
		by := map[int64]int64{}
		for _, a := range st.Accounts {
			by[a.Allocated] = a.Prepaid
		}
		return by
	}
	require.Equal(t, map[int64]int64{100_000: 0, 50_000: 0}, prepaid("2027-01-03"), "nothing was paid yet")
	require.Equal(t, map[int64]int64{100_000: 801, 50_000: 1602}, prepaid("2027-03-26"))
	require.Equal(t, map[int64]int64{100_000: 0, 50_000: 1602}, prepaid("2027-03-31"))
	require.Equal(t, map[int64]int64{100_000: 0, 50_000: 801}, prepaid("2027-04-03"))
	sheet := func(who shortbreaks.Actor, on string) map[payments.AccountKind]int64 {
		at := time.Time{}
		if on != "" {
			at = day(on)
		}
		s, err := payments.Prepayments(w.ctx, w.d, who, at)
		require.NoError(t, err)
		by := map[payments.AccountKind]int64{}
		for _, r := range s.Rows {
			by[r.Kind] += r.Balance
		}
		return by
	}
	books := map[payments.AccountKind]int64{payments.Budget: -1602, payments.ProviderPayable: 1602}
	require.Equal(t, books, sheet(w.council.Finance, ""), "at the end of this financial year")
	require.Equal(t, map[payments.AccountKind]int64{payments.ProviderPayable: 1602}, sheet(w.house.Owner, "2027-03-31"))
	require.Equal(t, map[payments.AccountKind]int64{payments.Budget: -1602}, sheet(w.parent, "2027-03-31"))

	w.clock.Set(noon(2027, 4, 1))
	w.cancel(b, "plans_changed", 2)
	require.Equal(t, map[int64]int64{100_000: 0, 50_000: 1602}, prepaid("2027-03-31"), "what it was that day it stays")
	require.Equal(t, map[int64]int64{100_000: 0, 50_000: 801}, prepaid("2027-04-01"))
	require.Equal(t, map[int64]int64{100_000: 0, 50_000: 0}, prepaid("2027-04-03"))
	require.Equal(t, books, sheet(w.council.Finance, "2027-03-31"))
	require.Empty(t, sheet(w.council.Finance, ""))
}

// Whoever is first, the sweep or a family that cancels or moves, a provider who
// calls off or a register that is agreed: every penny is where it belongs, and
// nobody waits for nobody.
func TestDuesAreTakenWhileFamiliesAndProvidersComeAndGo(t *testing.T) {
	w := newWorld(t)
	d := ahead("deposit", &tariff.Payment{DepositPercent: 30, DaysBefore: 1}, charge("place", "session", 801), charge("meal", "session", 199))
	d.Sessions.Capacity = 50
	club := w.publish(d)
	all := w.guests(8)
	booked := make([]*booking.Booking, len(all))
	for i, g := range all {
		booked[i] = w.booksAs(g, ask(g.child, club, 4))
	}
	for round, at := range []time.Time{monday, noon(2027, 1, 8), club.Sessions[1].StartsAt.Add(-time.Hour)} {
		w.clock.Set(at)
		errs := together(3*len(all)+6, func(i int) error {
			g, b := all[i%len(all)], booked[i%len(all)]
			var err error
			switch {
			case i >= 3*len(all):
				_, err = booking.TakeDues(w.ctx, w.d)
			case i%4 == 0:
				_, err = booking.Cancel(w.ctx, w.d, g.parent, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, round+1), Reason: "plans_changed"})
			case i%4 == 1:
				_, err = booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: b.ID, Reason: "no staff"})
			case i%4 == 2 && round == 2:
				_, err = booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: b.Items[0].ID, Outcome: booking.NoShow})
				if err == nil {
					_, err = booking.Confirm(w.ctx, w.d, g.parent, b.Items[0].ID)
				}
			}
			known := &shortbreaks.Error{}
			if errors.As(err, &known) && known.Kind == shortbreaks.Conflict { // somebody else was there first
				return nil
			}
			return err
		})
		for _, err := range errs {
			require.NoError(t, err)
		}
		w.auditIsClean()
	}
}
