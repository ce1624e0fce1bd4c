package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// to quotes the nth date of an offer, to move to it.
func (w *world) to(child uuid.UUID, o *marketplace.OfferDetail, n int) booking.QuoteToBook {
	w.t.Helper()
	q := w.quote(w.parent, booking.CreateQuote{ChildID: child, OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[n].ID}})
	return booking.QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence}
}

func (w *world) move(it *booking.Item, to booking.QuoteToBook) (*booking.Rescheduled, error) {
	done, _, err := booking.Move(w.ctx, w.d, w.parent, booking.Reschedule{ItemID: it.ID, To: to})
	return done, err
}

func TestT37_MovingOrSkippingOneDateLeavesTheOthersAndTheirPrice(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 3))
	done, err := w.move(b.Items[1], w.to(w.child, club, 5))
	require.NoError(t, err)
	require.Equal(t, booking.CancelledByFamily, done.Old.State)
	require.Zero(t, *done.Old.ChargePence)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(done.Booking))
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, ItemIDs: itemIDs(b, 2), Reason: "plans_changed"}) // skip it
	require.NoError(t, err)
	got := w.load(guest{w.parent, w.child}, b)
	require.Equal(t, []booking.State{booking.Confirmed, booking.CancelledByFamily, booking.CancelledByFamily}, stateOf(got))
	require.Equal(t, b.Items[0].StartsAt, got.Items[0].StartsAt)
	require.EqualValues(t, 800, got.Items[0].PricePence)
	w.requireMoney(w.child, 1600, 0, 98_400)
	require.Equal(t, []int{1, 0, 0, 1}, []int{w.taken(club, 0), w.taken(club, 1), w.taken(club, 2), w.taken(club, 5)})
}

func TestMovingHoldsOnlyTheDifference(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 100_000)))) // all there is
	b := w.book(ask(w.child, club, 1))
	w.requireMoney(w.child, 100_000, 0, 0)
	done, err := w.move(b.Items[0], w.to(w.child, club, 1))
	require.NoError(t, err, "what the old date held pays for the new one")
	w.requireMoney(w.child, 100_000, 0, 0)

	full := saturdays(tariffOf(charge("place", "session", 100)))
	full.Sessions.Capacity = 1
	small := w.publish(full)
	_, err = w.move(done.Booking.Items[0], w.to(w.child, small, 0))
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "another offer")
	w.allocate(w.sibling, "social_care", payments.InPence, 100)
	mine := w.book(booking.CreateQuote{ChildID: w.sibling, OfferID: small.Offer.ID, SessionIDs: []uuid.UUID{small.Sessions[0].ID}})
	g := w.guests(1)[0]
	w.booksAs(g, booking.CreateQuote{OfferID: small.Offer.ID, SessionIDs: []uuid.UUID{small.Sessions[1].ID}})
	_, err = w.move(mine.Items[0], w.to(w.sibling, small, 1))
	require.ErrorIs(t, err, booking.ErrSessionFull)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(w.load(guest{w.parent, w.sibling}, mine)), "nothing happened to the old date")
	require.Equal(t, 1, w.taken(small, 0))
}

func TestMovingLateOrAtAnOfferByRequestNeedsTheProvidersYes(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, club, 1))
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour)) // cancelling would cost half
	done, err := w.move(b.Items[0], w.to(w.child, club, 1))
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Requested}, stateOf(done.Booking))
	require.Equal(t, booking.Confirmed, done.Old.State, "it stands until the provider has agreed")
	w.requireMoney(w.child, 1600, 0, 98_400)
	_, err = booking.Decline(w.ctx, w.d, w.house.Owner, done.Booking.ID, "no")
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(w.load(guest{w.parent, w.child}, b)))
	w.requireMoney(w.child, 800, 0, 99_200)

	done, err = w.move(b.Items[0], w.to(w.child, club, 2))
	require.NoError(t, err)
	errs := together(2, func(int) error { _, err := booking.Accept(w.ctx, w.d, w.house.Owner, done.Booking.ID); return err })
	oneOf(t, errs, 1, booking.ErrWrongState)
	require.Equal(t, []booking.State{booking.CancelledByFamily}, stateOf(w.load(guest{w.parent, w.child}, b)))
	w.requireMoney(w.child, 800, 0, 99_200)
	require.Empty(t, w.owed(), "no fee: the provider agreed")
	require.Zero(t, w.taken(club, 0))

	again, err := w.move(done.Booking.Items[0], w.to(w.child, club, 3))
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(again.Booking), "weeks before it is the family's own to move")
}

func TestT44_MovingAcrossTheFinancialYearTakesThatYearsMoneyOrIsRefused(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.FirstDate, draft.Sessions.LastDate = day("2027-03-27"), day("2027-04-17")
	club := w.publish(draft) // 27 March, then 3, 10 and 17 April
	b := w.book(ask(w.child, club, 1))
	_, err := w.move(b.Items[0], w.to(w.child, club, 1))
	require.ErrorIs(t, err, booking.ErrNotAllowed, "nothing is planned for the new year")
	w.requireMoney(w.child, 800, 0, 99_200)

	april := time.Date(2027, 4, 2, 9, 0, 0, 0, time.UTC)
	l := budgets.NewPlanLine{
		ChildID: w.child, PlanType: "ehc", Description: "Next year", ManagementOption: budgets.Notional, Unit: payments.InPence,
		Shares: []budgets.Share{{Stream: "social_care", Weight: 1}}, LimitAmount: 50_000,
	}
	l.StartsOn, l.EndsOn = demo.FinancialYear(april)
	_, err = w.build.ApprovePlanLine(w.ctx, w.council, l)
	require.NoError(t, err)
	_, err = w.move(b.Items[0], w.to(w.child, club, 1))
	require.ErrorIs(t, err, booking.ErrBudgetTooLow, "a plan, and no money yet")
	require.NoError(t, w.build.Allocate(w.ctx, w.council, w.child, "social_care", payments.InPence, 50_000, shortbreaks.Date(april)))
	_, err = w.move(b.Items[0], w.to(w.child, club, 1))
	require.NoError(t, err)
	got, err := budgets.Get(w.ctx, w.d, w.parent, w.child)
	require.NoError(t, err)
	reserved := map[int64]int64{}
	for _, a := range got.Accounts {
		reserved[a.Allocated] = a.Reserved
	}
	require.Equal(t, map[int64]int64{100_000: 0, 50_000: 800}, reserved)
}

func TestAVisitIsMovedWithItsWorker(t *testing.T) {
	w := newWorld(t)
	draft := hourly(2500)
	draft.Visits.Lanes = draft.Visits.Lanes[:1]
	support := w.publish(draft)
	at := func(when string) booking.CreateQuote {
		return booking.CreateQuote{ChildID: w.child, OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: when, Minutes: 60}}}
	}
	b := w.book(at("2027-01-20T10:00"))
	q := w.quote(w.parent, at("2027-01-20T10:30"))
	_, err := w.move(b.Items[0], booking.QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence})
	require.NoError(t, err, "half an hour later, with the only worker, who is there until then")
	w.requireMoney(w.child, 2500, 0, 97_500)
}

// TestMovesBookingsAndCancellationsNeverLoseAPlace churns: what is taken is
// what lives, and nobody waits for ever (the audit at the end).
func TestMovesBookingsAndCancellationsNeverLoseAPlace(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity = 3
	club := w.publish(draft)
	all := append(w.guests(5), guest{w.parent, w.child})
	items := make([]*booking.Item, len(all))
	for i, g := range all {
		items[i] = w.booksAs(g, booking.CreateQuote{OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[i%2].ID}}).Items[0]
	}
	quotes := make([][]*booking.Quote, len(all)) // everybody wants the other session, both are full
	for i, g := range all {
		for _, n := range []int{1 - i%2, 2} {
			quotes[i] = append(quotes[i], w.quote(g.parent, booking.CreateQuote{ChildID: g.child, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[n].ID}}))
		}
	}
	errs := together(3*len(all), func(i int) error {
		g, k := all[i%len(all)], i/len(all)
		if k == 2 {
			if i%3 > 0 {
				return nil
			}
			_, err := booking.Cancel(w.ctx, w.d, g.parent, booking.CancelBooking{BookingID: items[i%len(all)].BookingID, Reason: "ill"})
			return err
		}
		q := quotes[i%len(all)][k]
		_, _, err := booking.Move(w.ctx, w.d, g.parent, booking.Reschedule{
			ItemID: items[i%len(all)].ID, To: booking.QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence},
		})
		return err
	})
	ok := 0
	for _, err := range errs {
		if err == nil {
			ok++
			continue
		}
		require.True(t, shortbreaksIs(err, booking.ErrSessionFull, booking.ErrWrongState), "%v", err)
	}
	require.Positive(t, ok)
}

func TestT48_CancellingAChildAndThenTheBasketFreesCapacityOnce(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	basket, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, ask(w.child, club, 2)), w.quote(w.parent, ask(w.sibling, club, 2))))
	require.NoError(t, err)
	w.booksAs(w.guests(1)[0], ask(w.child, club, 2))
	cancel := func(c booking.CancelBasket) ([]*booking.Booking, error) {
		c.BasketID, c.Reason = basket.ID, "plans_changed"
		return booking.CancelTogether(w.ctx, w.d, w.parent, c)
	}
	got, err := cancel(booking.CancelBasket{ChildID: &w.child})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, 2, w.taken(club, 0), "T47: one of three")
	w.requireMoney(w.child, 0, 0, 100_000)
	w.requireMoney(w.sibling, 1600, 0, 98_400)
	errs := together(3, func(int) error { _, err := cancel(booking.CancelBasket{}); return err })
	oneOf(t, errs, 1, booking.ErrWrongState)
	require.Equal(t, 1, w.taken(club, 0))
	w.requireMoney(w.sibling, 0, 0, 100_000)
	_, err = booking.CancelTogether(w.ctx, w.d, w.family("stranger", 1).Parents[0], booking.CancelBasket{BasketID: basket.ID, Reason: "ill"})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}
