package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

func (w *world) decideFees() int {
	w.t.Helper()
	n, err := booking.DecideFees(w.ctx, w.d)
	require.NoError(w.t, err)
	return n
}

// refillable is a club of two places whose late fee is waived if one is taken again.
func refillable() marketplace.OfferDraft {
	d := saturdays(tariffOf(charge("place", "session", 801)))
	d.Sessions.Capacity, d.Terms.WaivedIfRefilled = 2, true
	return d
}

func (w *world) cancelAs(g guest, b *booking.Booking) *booking.Booking {
	w.t.Helper()
	got, err := booking.Cancel(w.ctx, w.d, g.parent, booking.CancelBooking{BookingID: b.ID, Reason: "plans_changed"})
	require.NoError(w.t, err)
	return got
}

func TestT55_ALateFeeIsNotDueIfThePlaceWasTakenAgain(t *testing.T) {
	w := newWorld(t)
	club := w.publish(refillable())
	others, me := w.guests(3), guest{w.parent, w.child}
	mine, theirs := w.book(ask(w.child, club, 1)), w.booksAs(others[0], ask(w.child, club, 1))
	start := mine.Items[0].StartsAt
	w.clock.Set(start.Add(-3 * time.Hour))
	got := w.cancelAs(me, mine)
	require.EqualValues(t, 401, *got.Items[0].FeePence)
	require.Equal(t, start, *got.Items[0].FeeDueAt)
	require.Nil(t, got.Items[0].ChargePence, "not known before the start")
	w.requireMoney(w.child, 401, 0, 99_599) // the rest is free at once
	require.Zero(t, w.taken(club, 0)-1)
	w.clock.Set(start.Add(-2 * time.Hour))
	w.cancelAs(others[0], theirs)
	w.booksAs(others[1], ask(w.child, club, 1))

	w.clock.Set(start.Add(-time.Microsecond))
	require.Zero(t, w.decideFees(), "not before the start")
	w.clock.Set(start)
	for _, err := range together(3, func(int) error { _, err := booking.DecideFees(w.ctx, w.d); return err }) {
		require.NoError(t, err)
	}
	w.requireMoney(w.child, 0, 0, 100_000) // the first to go was replaced
	w.requireMoney(others[0].child, 0, 401, 99_599)
	require.Equal(t, map[string]int64{"authority": 401}, w.owed())
	require.Zero(t, w.decideFees())
	done := w.load(me, mine)
	require.Zero(t, *done.Items[0].ChargePence)
	require.Nil(t, done.Items[0].FeeDueAt)
}

func TestT55_WhatTheTermsDoNotWaiveIsCapturedAtOnce(t *testing.T) {
	w := newWorld(t)
	draft := refillable()
	draft.Terms.WaivedIfRefilled = false
	club := w.publish(draft)
	mine := w.book(ask(w.child, club, 1))
	w.clock.Set(mine.Items[0].StartsAt.Add(-time.Hour))
	w.cancelAs(guest{w.parent, w.child}, mine)
	w.requireMoney(w.child, 0, 401, 99_599)
}

func TestT55_AWorkerWhoFoundOtherWorkCostsNoFee(t *testing.T) {
	w := newWorld(t)
	draft := hourly(2500)
	draft.Visits.Lanes, draft.Terms.WaivedIfRefilled = draft.Visits.Lanes[:1], true
	support := w.publish(draft)
	g := w.guests(1)[0]
	visit := func(who guest, at string) *booking.Booking {
		return w.booksAs(who, booking.CreateQuote{OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: at, Minutes: 60}}})
	}
	me := guest{w.parent, w.child}
	redeployed, idle := visit(me, "2027-01-05T10:00"), visit(me, "2027-01-05T14:00")
	w.cancelAs(me, redeployed)
	w.cancelAs(me, idle)
	w.requireMoney(w.child, 2500, 0, 97_500)
	visit(g, "2027-01-05T10:30")
	visit(g, "2027-01-05T15:05") // beside it: only its buffer reaches into the hour
	w.clock.Set(idle.Items[0].StartsAt)
	require.Equal(t, 2, w.decideFees())
	w.requireMoney(w.child, 0, 1250, 98_750)
}

func TestT55_ASessionThatDidNotRunCostsNoFee(t *testing.T) {
	w := newWorld(t)
	club := w.publish(refillable())
	mine := w.book(ask(w.child, club, 1))
	w.clock.Set(mine.Items[0].StartsAt.Add(-2 * time.Hour))
	w.cancelAs(guest{w.parent, w.child}, mine)
	_, _, err := booking.CallOffSession(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, "No heating.")
	require.NoError(t, err)
	w.clock.Set(mine.Items[0].StartsAt)
	require.Equal(t, 1, w.decideFees())
	w.requireMoney(w.child, 0, 0, 100_000)
}

func TestT55_AnAllowanceWaitsWholeAndPaysItsPart(t *testing.T) {
	w := newWorld(t)
	other := w.family("hughes", 1)
	g := guest{other.Parents[0], other.Children[0].ID}
	w.allocate(g.child, "social_care", payments.InMinutes, 600)
	w.line(g.child, budgets.NewPlanLine{Unit: payments.InMinutes, LimitAmount: 600})
	club := w.publish(refillable())
	b := w.booksAs(g, ask(g.child, club, 1))
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour))
	w.cancelAs(g, b)
	_, reserved, _, _ := w.money(g.child, "social_care", payments.InMinutes)
	require.EqualValues(t, 180, reserved)
	w.clock.Set(b.Items[0].StartsAt)
	require.Equal(t, 1, w.decideFees())
	_, reserved, spent, _ := w.money(g.child, "social_care", payments.InMinutes)
	require.Equal(t, []int64{0, 90}, []int64{reserved, spent}, "half of three hours")
	require.Equal(t, map[string]int64{"authority": 401}, w.owed())
}

func TestT92_TermsByReasonAndNoticeOnEachSideOfEachBoundary(t *testing.T) {
	w := newWorld(t)
	ten := shortbreaks.Pence(1000)
	draft := saturdays(tariffOf(charge("place", "session", 4000)))
	draft.Sessions.Capacity = 20
	draft.Terms = tariff.Terms{
		Steps: []tariff.TermStep{{Notice: 2, Unit: "clear_working_days"}, {Notice: 24, Unit: "hours", FeePercent: 50}, {Unit: "hours", FeePercent: 100}},
		Reasons: []tariff.ReasonTerms{
			{Reason: "ill", Steps: []tariff.TermStep{{Notice: 2, Unit: "hours"}, {Unit: "hours", FeePence: &ten}}},
			{Reason: "bereavement", Steps: []tariff.TermStep{{Unit: "hours"}}},
		},
	}
	club := w.publish(draft)
	start := club.Sessions[0].StartsAt // Saturday 9 January at 10; Thursday and Friday lie between it and Wednesday
	thursday := time.Date(2027, 1, 7, 0, 0, 0, 0, time.UTC)
	for i, c := range []struct {
		at     time.Time
		reason string
		fee    int64
	}{
		{thursday, "plans_changed", 0},
		{thursday.Add(time.Second), "plans_changed", 2000},
		{start.Add(-24 * time.Hour), "other: we forgot", 2000},
		{start.Add(-24*time.Hour + time.Second), "other", 4000},
		{start.Add(-2 * time.Hour), "ill: a cold", 0},
		{start.Add(-2*time.Hour + time.Second), "ill: a cold", 1000},
		{start.Add(-time.Second), "bereavement", 0},
	} {
		g := w.guestNamed(i)
		w.clock.Set(monday)
		b := w.booksAs(g, booking.CreateQuote{OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[0].ID}})
		w.clock.Set(c.at)
		got, err := booking.Cancel(w.ctx, w.d, g.parent, booking.CancelBooking{BookingID: b.ID, Reason: c.reason})
		require.NoError(t, err)
		require.EqualValues(t, c.fee, *got.Items[0].ChargePence, "%s at %s", c.reason, c.at)
	}
}

// TestT55_FeesAreDecidedWhileFamiliesCancelTogether cancels baskets of dates
// that wait and dates that do not, and decides meanwhile.
func TestT55_FeesAreDecidedWhileFamiliesCancelTogether(t *testing.T) {
	w := newWorld(t)
	waits, plain := refillable(), saturdays(tariffOf(charge("place", "session", 500)))
	waits.Sessions.Capacity = 10
	clubs := []*marketplace.OfferDetail{w.publish(waits), w.publish(plain)}
	all := append(w.guests(4), guest{w.parent, w.child})
	baskets := make([]uuid.UUID, len(all))
	for i, g := range all {
		var quotes []*booking.Quote
		for n, c := range clubs {
			quotes = append(quotes, w.quote(g.parent, booking.CreateQuote{ChildID: g.child, OfferID: c.Offer.ID, SessionIDs: []uuid.UUID{c.Sessions[n].ID}}))
		}
		basket, _, err := booking.Create(w.ctx, w.d, g.parent, toBook(quotes...))
		require.NoError(t, err)
		baskets[i] = basket.ID
	}
	w.clock.Set(clubs[0].Sessions[0].StartsAt.Add(-time.Second))
	for _, err := range together(2*len(all), func(i int) error {
		if i >= len(all) {
			_, err := booking.DecideFees(w.ctx, w.d)
			return err
		}
		_, err := booking.CancelTogether(w.ctx, w.d, all[i].parent, booking.CancelBasket{BasketID: baskets[i], Reason: "ill"})
		return err
	}) {
		require.NoError(t, err)
	}
	w.clock.Set(clubs[0].Sessions[0].StartsAt)
	require.Equal(t, len(all), w.decideFees())
	for _, g := range all {
		w.requireMoney(g.child, 0, 401, 99_599)
	}
}
