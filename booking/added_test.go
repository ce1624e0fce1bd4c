package booking_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// contingent is a charge for an event: so much each time, or for each started
// so many minutes, up to a cap on one date.
func contingent(kind, event string, each int, pence, most shortbreaks.Pence) tariff.Charge {
	c := charge(kind, "item", pence)
	c.When, c.Event, c.EachMinutes, c.CapPence = "contingent", event, each, &most
	return c
}

// lateClub is £9.00 a time, and £5.00 for each started 15 minutes late, up to £12.00.
func lateClub() marketplace.OfferDraft {
	return saturdays(tariffOf(charge("place", "session", 900), contingent("late", "late_pick_up", 15, 500, 1200)))
}

// delivered books the first date of an offer and files a register that ends
// so much after what was booked.
func (w *world) delivered(o *marketplace.OfferDetail, over time.Duration) *booking.Item {
	w.t.Helper()
	it := w.book(ask(w.child, o, 1)).Items[0]
	return w.filed(it, over)
}

func (w *world) filed(it *booking.Item, over time.Duration) *booking.Item {
	w.t.Helper()
	left := it.EndsAt.Add(over)
	w.clock.Set(left)
	done, err := booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.Delivered, LeftAt: &left})
	require.NoError(w.t, err)
	return done
}

func (w *world) propose(it *booking.Item, minutes int) (*booking.Item, error) {
	return booking.Propose(w.ctx, w.d, w.house.Worker, booking.ProposeExtra{ItemID: it.ID, Minutes: minutes, Reason: "The bus was late."})
}

func (w *world) answer(it *booking.Item, agree bool) (*booking.Item, error) {
	return booking.Answer(w.ctx, w.d, w.parent, booking.AnswerExtra{ItemID: it.ID, ExtraID: it.Extra.ID, Agree: agree, ExpectedPence: it.Extra.AmountPence})
}

func (w *world) happens(it *booking.Item, event string, amount int, noted time.Time) (*booking.Item, error) {
	return booking.Happen(w.ctx, w.d, w.house.Worker, booking.RecordEvent{ItemID: it.ID, Event: event, Amount: amount, HappenedAt: it.EndsAt, NotedAt: noted})
}

func TestT59_MoreTimeIsChargedOnlyWhenTheFamilyAgrees(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 900))))
	it := w.delivered(club, time.Hour)
	require.EqualValues(t, 900, *it.ChargePence, "by itself more time costs nothing")
	_, err := w.propose(it, 61)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "more than the register shows")
	it, err = w.propose(it, 60)
	require.NoError(t, err)
	require.EqualValues(t, 300, it.Extra.AmountPence, "a third of three hours")
	w.requireMoney(w.child, 900, 0, 99_100)
	_, err = w.propose(it, 30)
	require.ErrorIs(t, err, booking.ErrWrongState, "one question at a time")

	w.clock.Advance(30 * 24 * time.Hour)
	_, err = booking.Answer(w.ctx, w.d, w.parent, booking.AnswerExtra{ItemID: it.ID, ExtraID: it.Extra.ID, Agree: true, ExpectedPence: 299})
	require.ErrorIs(t, err, booking.ErrPriceChanged)
	it, err = w.answer(it, true)
	require.NoError(t, err)
	require.Equal(t, booking.Settled, it.State)
	require.Equal(t, booking.ExtraAgreed, it.Extra.State)
	require.EqualValues(t, 1200, *it.ChargePence)
	require.Len(t, it.Charges, 2)
	w.requireMoney(w.child, 0, 1200, 98_800)
	require.Equal(t, map[string]int64{"authority": 1200}, w.owed())
	w.refund(it, "place", 100) // of each of the two
	w.requireMoney(w.child, 0, 1000, 99_000)
}

func TestT59_MoreTimeIsNeverChargedByTheClock(t *testing.T) {
	w := newWorld(t)
	it := w.delivered(w.publish(saturdays(tariffOf(charge("place", "session", 900)))), time.Hour)
	it, err := w.propose(it, 60)
	require.NoError(t, err)
	w.clock.Advance(30 * 24 * time.Hour)
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 900, 99_100)
	b, err := booking.Load(w.ctx, w.d, w.parent, it.BookingID)
	require.NoError(t, err)
	require.Equal(t, booking.ExtraLapsed, b.Items[0].Extra.State)
	_, err = w.answer(it, true)
	require.ErrorIs(t, err, booking.ErrWrongState)
	w.requireMoney(w.child, 0, 900, 99_100)
}

func TestT59_WithoutFreeMoneyMoreTimeIsRefusedAndTheBookedPartStands(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 33_000))))
	b := w.book(ask(w.child, club, 3)) // £990.00 of £1,000.00
	it, err := w.propose(w.filed(b.Items[0], time.Hour), 60)
	require.NoError(t, err)
	_, err = w.answer(it, true)
	require.ErrorIs(t, err, booking.ErrBudgetTooLow)
	w.requireMoney(w.child, 99_000, 0, 1000)
	got, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, booking.Delivered, got.Items[0].State)
	require.Equal(t, booking.ExtraOpen, got.Items[0].Extra.State, "it can be agreed once there is money")
	it, err = w.answer(it, false)
	require.NoError(t, err)
	require.Equal(t, booking.ExtraRefused, it.Extra.State)
	_, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 66_000, 33_000, 1000)
}

func TestT59_MoreTimeFollowsThePayersOfWhatWasBooked(t *testing.T) {
	w := newWorld(t)
	other := w.family("begum", 1)
	child, parent := other.Children[0].ID, other.Parents[0]
	w.allocate(child, "social_care", payments.InMinutes, 600)
	w.line(child, budgets.NewPlanLine{Description: "Support in hours", Categories: []string{"club"}, PaysKinds: []string{"support"}, Unit: payments.InMinutes, LimitAmount: 600})
	support := charge("support", "hour", 1800)
	support.Optional = true
	c := ask(child, w.publish(saturdays(tariffOf(charge("place", "session", 900), support))), 1)
	c.ChargeKinds = []string{"support"}
	basket, _, err := booking.Create(w.ctx, w.d, parent, toBook(w.quote(parent, c)))
	require.NoError(t, err)
	it, err := w.propose(w.filed(basket.Bookings[0].Items[0], 30*time.Minute), 30)
	require.NoError(t, err)
	require.EqualValues(t, 1050, it.Extra.AmountPence, "a sixth of £9.00 and £54.00")
	it, err = booking.Answer(w.ctx, w.d, parent, booking.AnswerExtra{ItemID: it.ID, ExtraID: it.Extra.ID, Agree: true, ExpectedPence: 1050})
	require.NoError(t, err)
	_, reserved, spent, free := w.money(child, "social_care", payments.InMinutes)
	require.Equal(t, []int64{0, 210, 390}, []int64{reserved, spent, free})
	require.Equal(t, map[string]int64{"authority": 6300, "family": 1050}, w.owed())
	require.Len(t, it.Charges, 4)
}

func TestAgreeingMoreTimeTwiceOrQueryingAtOnceHappensOnce(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 900))))
	b := w.book(ask(w.child, club, 2))
	it, err := w.propose(w.filed(b.Items[0], time.Hour), 60)
	require.NoError(t, err)
	errs := together(4, func(int) error { _, err := w.answer(it, true); return err })
	oneOf(t, errs, 1, booking.ErrWrongState)
	w.requireMoney(w.child, 900, 1200, 97_900)

	it, err = w.propose(w.filed(b.Items[1], time.Hour), 60)
	require.NoError(t, err)
	for _, err := range together(6, func(i int) (err error) {
		switch i % 3 {
		case 0:
			_, err = w.answer(it, true)
		case 1:
			_, err = booking.Query(w.ctx, w.d, w.parent, it.ID, "It was shorter.")
		case 2:
			_, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
		}
		return err
	}) {
		if err != nil {
			require.ErrorIs(t, err, booking.ErrWrongState)
		}
	}
	got, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Contains(t, []booking.State{booking.Settled, booking.Disputed}, got.Items[1].State)
	require.Equal(t, got.Items[1].Extra.State == booking.ExtraAgreed, *got.Items[1].ChargePence == 1200)
}

func TestMoreTimeAgreedWhileTheBudgetIsTakenElsewhere(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 9000))))
	dear := w.publish(saturdays(tariffOf(charge("place", "session", 89_000))))
	it, err := w.propose(w.delivered(club, time.Hour), 60) // £30.00 more, of £910.00 free
	require.NoError(t, err)
	late := dear.Sessions[5]
	q := w.quote(w.parent, booking.CreateQuote{ChildID: w.child, OfferID: dear.Offer.ID, SessionIDs: []uuid.UUID{late.ID}})
	errs := together(2, func(i int) (err error) {
		if i == 0 {
			_, err = w.answer(it, true)
		} else {
			_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(q))
		}
		return err
	})
	oneOf(t, errs, 1, booking.ErrBudgetTooLow)
}

func TestT59_WhatTheQuoteShowedMayBeAddedUpToItsCap(t *testing.T) {
	w := newWorld(t)
	it := w.delivered(w.publish(lateClub()), 0)
	noted := w.clock.Now()
	it, err := w.happens(it, "late_pick_up", 16, noted)
	require.NoError(t, err)
	require.EqualValues(t, 1900, *it.ChargePence, "two started quarters of an hour")
	require.Equal(t, "late_pick_up", it.Charges[1].Added)
	w.requireMoney(w.child, 1900, 0, 98_100)
	it, err = w.happens(it, "late_pick_up", 16, noted)
	require.NoError(t, err, "sent again")
	require.Len(t, it.Happened, 1)
	it, err = w.happens(it, "late_pick_up", 20, noted.Add(time.Second))
	require.NoError(t, err)
	require.EqualValues(t, 2100, *it.ChargePence, "£12.00 is the most")
	it, err = w.happens(it, "late_pick_up", 10, noted.Add(2*time.Second))
	require.NoError(t, err)
	require.EqualValues(t, 2100, *it.ChargePence)
	require.Contains(t, it.Happened[2].Because, "the most that was shown is reached")
	_, err = w.happens(it, "damage", 1, noted)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "the family was shown nothing of it")

	it, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 2100, 97_900)
	_, err = w.happens(it, "late_pick_up", 10, noted.Add(3*time.Second))
	require.ErrorIs(t, err, booking.ErrWrongState, "settled")
}

func TestT59_WithoutFreeMoneyTheEventStandsAndNothingIsCharged(t *testing.T) {
	w := newWorld(t)
	d := lateClub()
	d.Tariff.Options[0].Charges[0] = charge("place", "session", 49_900)
	b := w.book(ask(w.child, w.publish(d), 2)) // £998.00 of £1,000.00
	it := w.filed(b.Items[0], 0)
	noted := w.clock.Now()
	it, err := w.happens(it, "late_pick_up", 5, noted)
	require.NoError(t, err)
	require.Nil(t, it.Happened[0].ChargeN)
	require.Contains(t, it.Happened[0].Because, "Nothing could be set aside")
	w.requireMoney(w.child, 99_800, 0, 200)
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, 1), Reason: "plans_changed"})
	require.NoError(t, err)
	it, err = w.happens(it, "late_pick_up", 5, noted)
	require.NoError(t, err)
	require.NotNil(t, it.Happened[0].ChargeN, "tried again, there is money")
	w.requireMoney(w.child, 50_400, 0, 49_600)
}

func TestAnEventTakenOffCostsNothingEvenInAQuery(t *testing.T) {
	w := newWorld(t)
	it := w.delivered(w.publish(lateClub()), 0)
	it, err := w.happens(it, "late_pick_up", 5, w.clock.Now())
	require.NoError(t, err)
	_, err = booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.NoShow})
	require.ErrorIs(t, err, booking.ErrWrongState, "who was late came")
	_, err = booking.Query(w.ctx, w.d, w.parent, it.ID, "We were on time.")
	require.NoError(t, err)
	_, err = booking.WithdrawEvent(w.ctx, w.d, w.house.Worker, it.ID, it.Happened[0].ID)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	it, err = booking.WithdrawEvent(w.ctx, w.d, w.house.Coordinator, it.ID, it.Happened[0].ID)
	require.NoError(t, err)
	require.Equal(t, booking.Disputed, it.State)
	w.requireMoney(w.child, 900, 0, 99_100)
	_, err = booking.WithdrawEvent(w.ctx, w.d, w.house.Coordinator, it.ID, it.Happened[0].ID)
	require.ErrorIs(t, err, booking.ErrWrongState)
	_, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 900, 99_100)
}

func TestAnEventWhosePlanPaysNothingForItIsTheFamilys(t *testing.T) {
	w := newWorld(t)
	other := w.family("begum", 1)
	child, parent := other.Children[0].ID, other.Parents[0]
	w.allocate(child, "social_care", payments.InPence, 100_000)
	w.line(child, budgets.NewPlanLine{PaysKinds: []string{"support"}})
	d := lateClub()
	d.Tariff.Options[0].BilledOn = "attended"
	c := ask(child, w.publish(d), 1)
	c.FamilyPays = "direct"
	basket, _, err := booking.Create(w.ctx, w.d, parent, toBook(w.quote(parent, c)))
	require.NoError(t, err)
	it := basket.Bookings[0].Items[0]
	left := it.StartsAt.Add(time.Hour)
	w.clock.Set(it.EndsAt)
	_, err = booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.PartlyDelivered, LeftAt: &left})
	require.NoError(t, err)
	it, err = w.happens(it, "late_pick_up", 5, w.clock.Now())
	require.NoError(t, err)
	require.EqualValues(t, 300+500, *it.ChargePence, "an hour of three, and the event in full")
	it, err = booking.Confirm(w.ctx, w.d, parent, it.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"family": 800}, w.owed())
	w.refund(it, "late", 500)
	require.Equal(t, map[string]int64{"family": 300}, w.owed(), "all of it can be given back: it was due in full")
}

func TestAnEventGivesTheFamilyItsDaysAnew(t *testing.T) {
	w := newWorld(t)
	b := w.book(ask(w.child, w.publish(lateClub()), 2))
	it := w.filed(b.Items[0], 0)
	w.clock.Advance(time.Hour)
	it, err := w.happens(it, "late_pick_up", 5, w.clock.Now())
	require.NoError(t, err)
	require.Equal(t, w.clock.Now().Add(7*24*time.Hour), it.AutoConfirmAt.UTC())
	w.clock.Set(it.EndsAt.Add(48*time.Hour + time.Second))
	it, err = w.happens(it, "late_pick_up", 20, w.clock.Now())
	require.NoError(t, err)
	require.Nil(t, it.AutoConfirmAt, "recorded after the days of the register: only a yes agrees")
}

// TestTheBooksHoldWhateverIsAdded walks items through random moves; the audit
// at the end of every test proves that charges are holds and what was added has
// its reasons.
func TestTheBooksHoldWhateverIsAdded(t *testing.T) {
	w := newWorld(t)
	d := lateClub()
	d.Tariff.Options[0].BilledOn = "attended"
	d.Tariff.Options[0].Charges = append(d.Tariff.Options[0].Charges, contingent("disturbance", "disturbance", 0, 700, 1500))
	b := w.book(ask(w.child, w.publish(d), 12))
	random := rand.New(rand.NewPCG(59, 60)) //nolint:gosec // repeatable on purpose
	moves := 0
	for _, it := range b.Items {
		left := it.EndsAt.Add(time.Duration(random.IntN(3)-1) * time.Hour)
		w.clock.Set(it.EndsAt.Add(time.Hour))
		outcome := booking.Delivered
		if left.Before(it.EndsAt) {
			outcome = booking.PartlyDelivered
		}
		_, err := booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: outcome, LeftAt: &left})
		require.NoError(t, err)
		for range 6 {
			now := it
			if got, err := booking.Load(w.ctx, w.d, w.parent, b.ID); err == nil {
				now = got.Items[it.N]
			}
			switch random.IntN(7) {
			case 0:
				_, err = w.happens(now, "late_pick_up", 1+random.IntN(40), w.clock.Now())
			case 1:
				_, err = w.happens(now, "disturbance", 1+random.IntN(3), w.clock.Now())
			case 2:
				_, err = w.propose(now, 1+random.IntN(60))
			case 3:
				if now.Extra != nil {
					_, err = w.answer(now, random.IntN(2) == 0)
				}
			case 4:
				_, err = booking.Query(w.ctx, w.d, w.parent, now.ID, "Not so long.")
			case 5:
				if len(now.Happened) > 0 {
					_, err = booking.WithdrawEvent(w.ctx, w.d, w.house.Coordinator, now.ID, now.Happened[random.IntN(len(now.Happened))].ID)
				}
			case 6:
				_, err = booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: now.ID, Outcome: booking.Delivered, LeftAt: &left})
			}
			if err == nil {
				moves++
			} else {
				require.True(t, isRefusal(err), "%v", err)
			}
			w.clock.Advance(time.Minute)
		}
		if random.IntN(2) == 0 {
			_, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
			require.True(t, err == nil || isRefusal(err), "%v", err)
		}
	}
	require.Greater(t, moves, 30)
	w.money(w.child, "social_care", payments.InPence)
	var added int64
	require.NoError(t, w.d.Read(w.ctx, db.For(w.council.Finance), func(tx *db.Tx) error {
		return tx.PGX.QueryRow(w.ctx, `SELECT sum(amount_pence) FROM item_charge WHERE added <> ''`).Scan(&added)
	}))
	require.Positive(t, added)
}

func isRefusal(err error) bool {
	for _, r := range []error{booking.ErrWrongState, shortbreaks.ErrInvalid, booking.ErrBudgetTooLow, shortbreaks.ErrNotFound} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}
