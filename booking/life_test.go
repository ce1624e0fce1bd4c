package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// reserve runs Reserve in a transaction of the family.
func (w *world) reserve(orders []booking.Order) (verdicts []booking.Verdict) {
	w.t.Helper()
	err := w.d.Do(w.ctx, db.For(w.parent), func(tx *db.Tx) (err error) {
		verdicts, err = booking.Reserve(w.ctx, tx, orders)
		return err
	})
	require.NoError(w.t, err)
	return verdicts
}

// deliver files the register of an item an hour after it began.
func (w *world) deliver(it *booking.Item, r booking.RecordAttendance) *booking.Item {
	w.t.Helper()
	w.clock.Set(it.StartsAt.Add(time.Hour))
	r.ItemID = it.ID
	done, err := booking.Record(w.ctx, w.d, w.house.Coordinator, r)
	require.NoError(w.t, err)
	return done
}

func requestFor(w *world) *booking.Booking {
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Instant = false
	return w.book(ask(w.child, w.publish(draft), 2))
}

func TestT05_AnUnansweredRequestGivesBackPlaceAndMoneyOnce(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Instant = false
	club := w.publish(draft)
	b := w.book(ask(w.child, club, 2))
	require.Equal(t, []booking.State{booking.Requested, booking.Requested}, stateOf(b))
	require.Equal(t, monday.Add(48*time.Hour), *b.Items[0].ExpiresAt)
	w.requireMoney(w.child, 1600, 0, 98_400)

	w.clock.Set(b.Items[0].ExpiresAt.Add(-time.Microsecond))
	n, err := booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	require.Zero(t, n, "not before its time")

	w.clock.Set(*b.Items[0].ExpiresAt)
	for _, err := range together(2, func(int) error { _, err := booking.Sweep(w.ctx, w.d); return err }) {
		require.NoError(t, err)
	}
	w.requireMoney(w.child, 0, 0, 100_000)
	require.Zero(t, w.taken(club, 0))
	b, err = booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Expired, booking.Expired}, stateOf(b))
	require.Equal(t, payments.Expired, b.Items[0].Holds[0].State)
}

func TestT06_AcceptingAfterTheExpiryIsRefused(t *testing.T) {
	w := newWorld(t)
	b := requestFor(w)
	w.clock.Set(b.Items[0].ExpiresAt.Add(time.Second))
	_, err := booking.Accept(w.ctx, w.d, w.house.Owner, b.ID)
	require.ErrorIs(t, err, booking.ErrRequestExpired)
	w.requireMoney(w.child, 1600, 0, 98_400) // the sweep gives it back
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	_, err = booking.Accept(w.ctx, w.d, w.house.Owner, b.ID)
	require.ErrorIs(t, err, booking.ErrWrongState)
	w.requireMoney(w.child, 0, 0, 100_000)
}

func TestT07_TwoAcceptancesConfirmARequestOnce(t *testing.T) {
	w := newWorld(t)
	b := requestFor(w)
	errs := together(2, func(int) error {
		_, err := booking.Accept(w.ctx, w.d, w.house.Owner, b.ID)
		return err
	})
	oneOf(t, errs, 1, booking.ErrWrongState)
	got, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed, booking.Confirmed}, stateOf(got))
	require.Nil(t, got.Items[0].ExpiresAt)
}

func TestDecliningReleasesPlaceAndMoney(t *testing.T) {
	w := newWorld(t)
	b := requestFor(w)
	got, err := booking.Decline(w.ctx, w.d, w.house.Coordinator, b.ID, "no staff that day")
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Declined, booking.Declined}, stateOf(got))
	require.Nil(t, got.Items[0].Holds, "a provider never sees a family's holds")
	require.Empty(t, got.ChildFirstName)
	seen, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, "no staff that day", seen.Items[0].Reason, "the family reads why")
	w.requireMoney(w.child, 0, 0, 100_000)
}

func TestT09_AllocatedIsReservedSpentAndFreeAllTheWay(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 3))
	w.requireMoney(w.child, 2400, 0, 97_600)
	w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	w.requireMoney(w.child, 2400, 0, 97_600)
	it, err := booking.Confirm(w.ctx, w.d, w.parent, b.Items[0].ID)
	require.NoError(t, err)
	require.Equal(t, booking.Settled, it.State)
	w.requireMoney(w.child, 1600, 800, 97_600)
	require.Equal(t, map[string]int64{"authority": 800}, w.owed())

	budget, err := budgets.Get(w.ctx, w.d, w.parent, w.child)
	require.NoError(t, err)
	require.EqualValues(t, 1600, budget.Lines[0].Held)
	require.EqualValues(t, 800, budget.Lines[0].Spent)
	_, err = booking.Confirm(w.ctx, w.d, w.parent, b.Items[0].ID)
	require.ErrorIs(t, err, booking.ErrWrongState, "agreed once")
}

func TestT40_ExactlyAtTheDeadlineIsInTime(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 801))))
	b := w.book(ask(w.child, club, 2))
	deadline := b.Items[0].StartsAt.Add(-48 * time.Hour)
	w.clock.Set(deadline)
	_, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, 0), Reason: "ill"})
	require.NoError(t, err)
	w.requireMoney(w.child, 801, 0, 99_199)

	w.clock.Set(b.Items[1].StartsAt.Add(-48*time.Hour + time.Second))
	got, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "ill"})
	require.NoError(t, err)
	require.EqualValues(t, 401, *got.Items[1].ChargePence, "half of £8.01, rounded half up")
	w.requireMoney(w.child, 0, 401, 99_599)
}

func TestT54_CancellingInTimeIsFreeAndLateCostsTheFeeAgreed(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 2))
	got, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, 1), Reason: "plans_changed"})
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed, booking.CancelledByFamily}, stateOf(got))
	require.Zero(t, *got.Items[1].ChargePence)
	w.requireMoney(w.child, 800, 0, 99_200)
	require.Zero(t, w.taken(club, 1))
	require.Empty(t, w.owed())

	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour))
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "ill"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 400, 99_600)
	require.Zero(t, w.taken(club, 0))
	require.Equal(t, map[string]int64{"authority": 400}, w.owed())
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "ill"})
	require.ErrorIs(t, err, booking.ErrWrongState)
}

func TestARequestNotYetConfirmedNeverCostsAFee(t *testing.T) {
	w := newWorld(t)
	b := requestFor(w)
	w.clock.Set(b.Items[0].ExpiresAt.Add(-time.Second))
	_, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "ill"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 0, 100_000)
}

func TestT56_WhatTheProviderCancelsIsNeverCharged(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 1))
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Minute))
	got, err := booking.Cancel(w.ctx, w.d, w.house.Coordinator, booking.CancelBooking{BookingID: b.ID, Reason: "staffing"})
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.CancelledByProvider}, stateOf(got))
	w.requireMoney(w.child, 0, 0, 100_000)
	require.Empty(t, w.owed())
	require.Zero(t, w.taken(club, 0))
}

func TestT57_AnAbsenceTheProviderCausedIsNotCharged(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 2))
	it := w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	require.Zero(t, *it.ChargePence)
	_, err := booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 800, 0, 99_200)
	it = w.deliver(b.Items[1], booking.RecordAttendance{Outcome: booking.NoShow, Cause: "family"})
	require.EqualValues(t, 400, *it.ChargePence, "any other absence costs the late fee")
}

func TestT58_PartAttendanceIsChargedByTheOffersRule(t *testing.T) {
	w := newWorld(t)
	byTime := tariffOf(charge("place", "session", 900))
	byTime.Options[0].BilledOn = "attended"
	club := w.publish(saturdays(byTime))
	b := w.book(ask(w.child, club, 1))
	left := b.Items[0].StartsAt.Add(time.Hour)
	it := w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.PartlyDelivered, LeftAt: &left})
	require.EqualValues(t, 300, *it.ChargePence, "one hour of three")
	require.Equal(t, 60, it.Delivery.AttendedMinutes)
	_, err := booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 300, 99_700)
}

func TestT60_SilenceAgreesOnlyIfTheRegisterWasOnTimeAndNobodyQueried(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 3))
	onTime := w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	queried := w.deliver(b.Items[1], booking.RecordAttendance{Outcome: booking.Delivered})
	_, err := booking.Query(w.ctx, w.d, w.parent, queried.ID, "we left at eleven")
	require.NoError(t, err)
	w.clock.Set(b.Items[2].EndsAt.Add(48*time.Hour + time.Second))
	late, err := booking.Record(w.ctx, w.d, w.house.Worker, booking.RecordAttendance{ItemID: b.Items[2].ID, Outcome: booking.Delivered})
	require.NoError(t, err)
	require.Nil(t, late.AutoConfirmAt, "filed late: no timer")

	w.clock.Advance(30 * 24 * time.Hour)
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	got, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Settled, booking.Disputed, booking.Delivered}, stateOf(got))
	require.Equal(t, onTime.ID, got.Items[0].ID)
	require.Equal(t, "we left at eleven", got.Items[1].Reason)
	w.requireMoney(w.child, 1600, 800, 97_600)

	_, err = booking.Confirm(w.ctx, w.d, w.parent, queried.ID)
	require.NoError(t, err, "agreeing withdraws the query")
	w.requireMoney(w.child, 800, 1600, 97_600)
}

func TestT85_EachChargeGoesToItsOwnPayerAllTheWay(t *testing.T) {
	w := newWorld(t)
	other := w.family("begum", 1)
	child, parent := other.Children[0].ID, other.Parents[0]
	w.allocate(child, "social_care", payments.InPence, 100_000)
	w.line(child, budgets.NewPlanLine{Description: "Support to join in", Categories: []string{"club"}, PaysKinds: []string{"support"}})
	support, transport := charge("support", "hour", 1800), charge("transport", "item", 450)
	support.Optional, transport.Optional = true, true
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800), support, transport)))
	c := ask(child, club, 2)
	c.ChargeKinds = []string{"support", "transport"}
	q := w.quote(parent, c)
	require.EqualValues(t, 2*(800+5400+450), q.TotalPence)
	require.EqualValues(t, 2*5400, q.BudgetPence(), "the council pays the support and nothing else")
	for _, ch := range q.Document.Items[0].Charges {
		require.Equal(t, ch.Kind == "support", ch.Payer == payments.PayerBudget, ch.Kind)
		require.NotEmpty(t, ch.Because)
	}
	basket, _, err := booking.Create(w.ctx, w.d, parent, toBook(q))
	require.NoError(t, err)
	w.requireMoney(child, 10_800, 0, 89_200)

	items := basket.Bookings[0].Items
	w.deliver(items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	_, err = booking.Confirm(w.ctx, w.d, parent, items[0].ID)
	require.NoError(t, err)
	w.requireMoney(child, 5400, 5400, 89_200)
	require.Equal(t, map[string]int64{"authority": 5400, "family": 1250}, w.owed())

	w.refund(items[0], "support", 1000)
	w.requireMoney(child, 5400, 4400, 90_200)
	require.Equal(t, map[string]int64{"authority": 4400, "family": 1250}, w.owed())
	w.refund(items[0], "place", 800)
	require.Equal(t, map[string]int64{"authority": 4400, "family": 450}, w.owed())

	w.clock.Set(items[1].StartsAt.Add(-time.Hour))
	_, err = booking.Cancel(w.ctx, w.d, parent, booking.CancelBooking{BookingID: basket.Bookings[0].ID, Reason: "ill"})
	require.NoError(t, err)
	w.requireMoney(child, 0, 4400+2700, 92_900)
	require.Equal(t, map[string]int64{"authority": 4400 + 2700, "family": 450 + 625}, w.owed(), "half of each line, by its payer")
}

// refund gives back part of what one charge of an item cost.
func (w *world) refund(it *booking.Item, kind string, pence shortbreaks.Pence) {
	w.t.Helper()
	for _, c := range it.Charges {
		if c.Kind != kind {
			continue
		}
		err := w.d.Do(w.ctx, db.For(w.council.Approver), func(tx *db.Tx) error {
			_, moves, err := payments.Refund(w.ctx, tx, payments.RefundItem{
				Authority: w.council.ID, Item: it.ID, ChargeN: c.N, Amount: pence, Reason: "test", Actor: w.council.Approver.Person,
			})
			if err != nil {
				return err
			}
			return budgets.MoveLines(w.ctx, tx, moves)
		})
		require.NoError(w.t, err)
	}
}

func TestAFamilysBookingIsItsOwnPeoplesToSeeAndMove(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 1))
	stranger := w.family("stranger", 1).Parents[0]
	_, err := booking.Load(w.ctx, w.d, stranger, b.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = booking.Cancel(w.ctx, w.d, stranger, booking.CancelBooking{BookingID: b.ID, Reason: "ill"})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = booking.MakeQuote(w.ctx, w.d, stranger, ask(w.child, club, 1))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = booking.Load(w.ctx, w.d, w.council.Commissioner, b.ID)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = booking.Accept(w.ctx, w.d, w.parent, b.ID)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	w.requireMoney(w.child, 800, 0, 99_200)
}

func itemIDs(b *booking.Booking, n ...int) []uuid.UUID {
	ids := make([]uuid.UUID, len(n))
	for i, k := range n {
		ids[i] = b.Items[k].ID
	}
	return ids
}
