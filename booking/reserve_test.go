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
	"shortbreaks/payments"
)

func TestT01_TheLastPlaceGoesToOneFamily(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity = 1
	club := w.publish(draft)
	quotes := []*booking.Quote{w.quote(w.parent, ask(w.child, club, 1)), w.quote(w.parent, ask(w.sibling, club, 1))}
	errs := together(2, func(i int) error {
		_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(quotes[i]))
		return err
	})
	oneOf(t, errs, 1, booking.ErrSessionFull)
	require.Equal(t, 1, w.taken(club, 0))
	_, r1, _, _ := w.money(w.child, "social_care", payments.InPence)
	_, r2, _, _ := w.money(w.sibling, "social_care", payments.InPence)
	require.EqualValues(t, 800, r1+r2, "one reservation only")
}

func TestT02_OneBudgetPaysForOneOfTwoRacingBookings(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 60_000))))
	quotes := []*booking.Quote{
		w.quote(w.parent, ask(w.child, club, 1)),
		w.quote(w.parent, booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[1].ID}}),
	}
	errs := together(2, func(i int) error {
		_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(quotes[i]))
		return err
	})
	oneOf(t, errs, 1, booking.ErrBudgetTooLow)
	w.requireMoney(w.child, 60_000, 0, 40_000)
	require.Equal(t, 1, w.taken(club, 0)+w.taken(club, 1), "the refused one keeps no place")
}

func TestT10_ABasketBooksEachChildOnItsOwnBudgetOrNobody(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	basket, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, ask(w.child, club, 2)), w.quote(w.parent, ask(w.sibling, club, 1))))
	require.NoError(t, err)
	require.Len(t, basket.Bookings, 2)
	require.Equal(t, basket.ID, basket.Bookings[1].BasketID)
	w.requireMoney(w.child, 1600, 0, 98_400)
	w.requireMoney(w.sibling, 800, 0, 99_200)

	dear := saturdays(tariffOf(charge("place", "session", 99_300)))
	dear.Title = "Dear club"
	expensive := w.publish(dear)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, ask(w.child, club, 3)), w.quote(w.parent, ask(w.sibling, expensive, 1))))
	require.ErrorIs(t, err, booking.ErrAlreadyBooked)
	third := booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[2].ID}}
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, third), w.quote(w.parent, ask(w.sibling, expensive, 1))))
	require.ErrorIs(t, err, booking.ErrBudgetTooLow, "the sibling has £992.00 and cannot use the other's money")
	w.requireMoney(w.child, 1600, 0, 98_400)
	w.requireMoney(w.sibling, 800, 0, 99_200)
	require.Zero(t, w.taken(club, 2))
}

func TestT12_ALineThatForbidsTheCategoryBlocksBeforeAnyHold(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	swimming := w.line(w.child, budgets.NewPlanLine{Description: "Swimming", Categories: []string{"swimming"}})
	c := ask(w.child, club, 1)
	c.PlanLineID = &swimming.ID
	q := w.quote(w.parent, c)
	require.False(t, q.Document.Allowed)
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(q))
	require.ErrorIs(t, err, booking.ErrNotAllowed)
	require.Contains(t, err.Error(), "covers swimming, not clubs", "the rule is named")
	w.requireMoney(w.child, 0, 0, 100_000)
	require.Zero(t, w.taken(club, 0))
}

func TestT14_ThePriceOfAQuoteStandsWhileItLives(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	q := w.quote(w.parent, ask(w.child, club, 1))
	_, err := marketplace.ReviseOffer(w.ctx, w.d, w.house.Owner, club.Offer.ID, marketplace.Revision{
		Tariff: tariffOf(charge("place", "session", 900)), Terms: club.Version.Terms,
	})
	require.NoError(t, err)
	w.clock.Advance(30*time.Minute - time.Second)
	basket, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(q))
	require.NoError(t, err, "a newer version does not matter while the quote lives")
	require.EqualValues(t, 800, basket.Bookings[0].TotalPence)
	require.Equal(t, q.VersionID, basket.Bookings[0].VersionID)

	late := w.quote(w.parent, ask(w.sibling, club, 1))
	require.EqualValues(t, 900, late.TotalPence, "a new quote has the new price")
	w.clock.Advance(30 * time.Minute)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(late))
	require.ErrorIs(t, err, booking.ErrQuoteExpired)
	w.requireMoney(w.sibling, 0, 0, 100_000)
}

func TestT15_AnotherTotalIsRefusedNotCharged(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	c := toBook(w.quote(w.parent, ask(w.child, club, 1)))
	c.Quotes[0].ExpectedTotalPence = 799
	_, _, err := booking.Create(w.ctx, w.d, w.parent, c)
	require.ErrorIs(t, err, booking.ErrPriceChanged)
	w.requireMoney(w.child, 0, 0, 100_000)
}

func TestAWithdrawnOfferIsClosedAndAUsedQuoteIsUsed(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	first, second := w.quote(w.parent, ask(w.child, club, 1)), w.quote(w.parent, ask(w.sibling, club, 1))
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(first))
	require.NoError(t, err)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(first))
	require.ErrorIs(t, err, booking.ErrQuoteUsed)
	_, err = marketplace.Withdraw(w.ctx, w.d, w.house.Owner, club.Offer.ID)
	require.NoError(t, err)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(second))
	require.ErrorIs(t, err, marketplace.ErrOfferClosed)
	w.requireMoney(w.sibling, 0, 0, 100_000)
}

func TestT20_ThreeStreamsHoldAHundredPoundsExactly(t *testing.T) {
	w := newWorld(t)
	other := w.family("novak", 1)
	child, parent := other.Children[0].ID, other.Parents[0]
	for _, s := range []string{"social_care", "health", "education"} {
		w.allocate(child, s, payments.InPence, 50_000)
	}
	w.line(child, budgets.NewPlanLine{Shares: []budgets.Share{{Stream: "social_care", Weight: 1}, {Stream: "health", Weight: 1}, {Stream: "education", Weight: 1}}})
	club := w.publish(saturdays(tariffOf(charge("place", "session", 10_000))))
	basket, _, err := booking.Create(w.ctx, w.d, parent, toBook(w.quote(parent, ask(child, club, 1))))
	require.NoError(t, err)
	var amounts []int64
	for _, h := range basket.Bookings[0].Items[0].Holds {
		amounts = append(amounts, h.Amount)
	}
	require.Equal(t, []int64{3334, 3333, 3333}, amounts)
}

func TestT21_AQuarterJoinedAtTheFifthOfThirteenCostsNineThirteenths(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "quarter", 15_600)))
	draft.Sessions.Bundle = &marketplace.BundleDraft{Name: "Spring quarter", Unit: "quarter"}
	draft.Sessions.Weekdays = []int{3} // 6 January to 31 March: 13 Wednesdays in one financial year
	draft.Sessions.FirstDate, draft.Sessions.LastDate = draft.Sessions.FirstDate.AddDate(0, 0, -3), draft.Sessions.LastDate.AddDate(0, 0, -3)
	club := w.publish(draft)
	require.Len(t, club.Sessions, 13)
	w.clock.Set(club.Sessions[3].StartsAt.Add(time.Hour)) // the fourth has begun
	b := w.book(booking.CreateQuote{ChildID: w.child, OfferID: club.Offer.ID, BundleID: &club.Bundles[0].Term.ID})
	require.Len(t, b.Items, 9, "an item for each session still to run")
	require.EqualValues(t, 10_800, b.TotalPence, "156.00 x 9 / 13")
	var sum shortbreaks.Pence
	for _, it := range b.Items {
		require.NotNil(t, it.PlaceSeq)
		sum += it.PricePence
	}
	require.Equal(t, b.TotalPence, sum)
	w.requireMoney(w.child, 10_800, 0, 89_200)
	require.Equal(t, 0, w.taken(club, 4)-1, "its place is taken in each")
}

func TestT42_BuffersBlockTheWorkerAndNotTheBill(t *testing.T) {
	w := newWorld(t)
	draft := hourly(2500)
	draft.Visits.Lanes = draft.Visits.Lanes[:1]
	support := w.publish(draft)
	visit := func(at string) booking.CreateQuote {
		return booking.CreateQuote{ChildID: w.child, OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: at, Minutes: 95}}}
	}
	b := w.book(visit("2027-01-09T10:00"))
	require.EqualValues(t, 4375, b.TotalPence, "T19: 95 minutes in steps of 15 at £25.00")
	require.EqualValues(t, 95, b.Items[0].Minutes())
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, visit("2027-01-09T12:00"))))
	require.ErrorIs(t, err, marketplace.ErrLaneTaken, "10:00 to 11:35 with 15 minutes after meets 12:00 with 15 before")
	w.book(visit("2027-01-09T12:05"))
}

func TestWorkersAreNeverInTwoPlaces(t *testing.T) {
	w := newWorld(t)
	support := w.publish(hourly(100))
	quotes := make([]*booking.Quote, 20)
	for i := range quotes {
		quotes[i] = w.quote(w.parent, booking.CreateQuote{ChildID: w.child, OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: "2027-01-09T10:00", Minutes: 60}}})
	}
	errs := together(len(quotes), func(i int) error {
		_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(quotes[i]))
		return err
	})
	oneOf(t, errs, 2, marketplace.ErrLaneTaken)
}

func TestReserveGivesEachOrderOfASetItsOwnVerdict(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity = 1
	club := w.publish(draft)
	var orders []booking.Order
	for _, c := range []uuid.UUID{w.child, w.sibling} {
		orders = append(orders, booking.Order{Authority: w.council.ID, Who: w.parent, Quotes: []*booking.Quote{w.quote(w.parent, ask(c, club, 1))}})
	}
	elsewhere := booking.CreateQuote{ChildID: w.sibling, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[1].ID}}
	orders = append(orders, booking.Order{Authority: w.council.ID, Who: w.parent, Quotes: []*booking.Quote{w.quote(w.parent, elsewhere)}})
	verdicts := w.reserve(orders)
	require.NoError(t, verdicts[0].Refusal)
	require.ErrorIs(t, verdicts[1].Refusal, booking.ErrSessionFull, "the first of the set took the last place")
	require.NoError(t, verdicts[2].Refusal, "a refusal does not touch its neighbours")
	require.EqualValues(t, 1, *verdicts[0].Basket.Bookings[0].Items[0].PlaceSeq)
	w.requireMoney(w.sibling, 800, 0, 99_200)
}

// An order that is refused at its last line has by then the last place, the only
// worker and all the money there is. The next of the same set finds it all.
func TestARefusedOrderLeavesAllItTookToTheNextOfItsSet(t *testing.T) {
	w := newWorld(t)
	home := w.family("refused", 1)
	child, parent := home.Children[0].ID, home.Parents[0]
	w.allocate(child, "social_care", payments.InPence, 800+2500)
	w.line(child, budgets.NewPlanLine{LimitAmount: 800 + 2500})
	lane := hourly(2500)
	lane.Visits.Lanes = lane.Visits.Lanes[:1]
	support := w.publish(lane)
	last, full := w.clubFor(1), w.clubFor(1)
	quote := func(c booking.CreateQuote) *booking.Quote { return w.quote(parent, c) }
	place := quote(ask(child, last, 1))
	visit := quote(booking.CreateQuote{ChildID: child, OfferID: support.Offer.ID, Visits: []marketplace.Visit{{LocalStart: "2027-01-12T10:00", Minutes: 60}}})
	none := quote(ask(child, full, 1))
	w.book(ask(w.sibling, full, 1))

	of := func(quotes ...*booking.Quote) booking.Order {
		return booking.Order{Authority: w.council.ID, Who: parent, Quotes: quotes}
	}
	verdicts := w.reserve([]booking.Order{of(place, visit, none), of(place, visit)})
	require.ErrorIs(t, verdicts[0].Refusal, booking.ErrSessionFull)
	require.NoError(t, verdicts[1].Refusal)
	require.EqualValues(t, 1, *verdicts[1].Basket.Bookings[0].Items[0].PlaceSeq)
	require.Equal(t, 1, w.taken(last, 0))
	w.requireMoney(child, 800+2500, 0, 0)
	w.clean()
}

func TestT86_AnAllowanceOfHoursIsHeldAndUsedInMinutes(t *testing.T) {
	w := newWorld(t)
	other := w.family("hughes", 1)
	child, parent := other.Children[0].ID, other.Parents[0]
	w.allocate(child, "social_care", payments.InMinutes, 600)
	w.line(child, budgets.NewPlanLine{Unit: payments.InMinutes, LimitAmount: 600})
	club := w.publish(saturdays(tariffOf(charge("place", "session", 1000))))
	basket, _, err := booking.Create(w.ctx, w.d, parent, toBook(w.quote(parent, ask(child, club, 3))))
	require.NoError(t, err)
	_, reserved, _, free := w.money(child, "social_care", payments.InMinutes)
	require.Equal(t, []int64{540, 60}, []int64{reserved, free}, "three sessions of three hours, and no pounds")

	fourth := booking.CreateQuote{ChildID: child, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[3].ID}}
	_, _, err = booking.Create(w.ctx, w.d, parent, toBook(w.quote(parent, fourth)))
	require.ErrorIs(t, err, booking.ErrBudgetTooLow, "one hour is left")

	item := basket.Bookings[0].Items[0]
	w.deliver(item, booking.RecordAttendance{Outcome: booking.Delivered})
	_, err = booking.Confirm(w.ctx, w.d, parent, item.ID)
	require.NoError(t, err)
	_, reserved, spent, free := w.money(child, "social_care", payments.InMinutes)
	require.Equal(t, []int64{360, 180, 60}, []int64{reserved, spent, free})
	require.Equal(t, map[string]int64{"authority": 1000}, w.owed(), "the authority owes the provider pounds for the hours")
}
