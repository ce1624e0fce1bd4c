package booking_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// inBlocks is a club on Saturdays at £10.00, or a block of three for £25.00 to
// use within eight weeks, with a meal at £1.00 each time.
func inBlocks(timing string) marketplace.OfferDraft {
	block := charge("place", "item", 2500)
	block.IncludesMinutesWithChild = 180
	meal := charge("meal", "session", 100)
	meal.Optional = true
	d := saturdays(tariffOf(charge("place", "session", 1000), meal))
	three := d.Tariff.Options[0]
	three.Name, three.PaymentTiming, three.Block, three.Charges = "Three", timing, &tariff.Block{Count: 3, ValidWeeks: 8}, []tariff.Charge{block, meal}
	d.Tariff.Options = append(d.Tariff.Options, three)
	return d
}

// buy buys the block and answers it.
func (w *world) buy(c booking.BuyTicket) (t *booking.Ticket, err error) {
	w.t.Helper()
	c.Idem = &shortbreaks.Idem{
		Caller: w.parent.Person, Operation: "buyTicket", Key: shortbreaks.NewID().String(), Hash: []byte("x"),
		Render: func(made any) (int, []byte, error) {
			t = made.(*booking.Basket).Bookings[0].Items[0].Ticket
			return http.StatusCreated, []byte("{}"), nil
		},
	}
	_, err = booking.NewDesk(w.d).BuyTicket(w.ctx, w.parent, c)
	return t, err
}

func (w *world) block(club *marketplace.OfferDetail) *booking.Ticket {
	w.t.Helper()
	t, err := w.buy(booking.BuyTicket{ChildID: w.child, OfferID: club.Offer.ID, Option: "Three", ExpectedTotalPence: 2500})
	require.NoError(w.t, err)
	return t
}

// off asks for one date of the club, off the block.
func off(t *booking.Ticket, club *marketplace.OfferDetail, n int) booking.CreateQuote {
	return booking.CreateQuote{ChildID: t.ChildID, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{club.Sessions[n].ID}, TicketID: &t.ID}
}

func (w *world) left(t *booking.Ticket) int {
	w.t.Helper()
	got, err := booking.LoadTicket(w.ctx, w.d, w.parent, t.ID)
	require.NoError(w.t, err)
	return got.Left()
}

func TestABlockIsPaidForOnceAndItsDatesCostNoMore(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	require.Equal(t, "2027-01-04", block.ValidFrom.Format(time.DateOnly))
	require.Equal(t, "2027-02-28", block.ValidTo.Format(time.DateOnly))
	w.requireMoney(w.child, 2500, 0, 97_500)
	require.Equal(t, 3, w.left(block))

	for n := range 2 {
		require.Zero(t, w.book(off(block, club, n)).TotalPence)
	}
	meal := off(block, club, 2)
	meal.ChargeKinds = []string{"meal"}
	require.EqualValues(t, 100, w.book(meal).TotalPence, "what each use costs besides")
	w.requireMoney(w.child, 2600, 0, 97_400)
	require.Equal(t, []int{1, 1, 1, 0}, []int{w.taken(club, 0), w.taken(club, 1), w.taken(club, 2), w.taken(club, 3)}, "each has its place")
	require.Zero(t, w.left(block))
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, off(block, club, 3))))
	require.ErrorIs(t, err, booking.ErrTicketUsedUp)
	require.Zero(t, w.taken(club, 3))

	_, err = booking.MakeQuote(w.ctx, w.d, w.parent, off(block, club, 8)) // 6 March
	require.ErrorIs(t, err, booking.ErrTicketDates)
	other := off(block, club, 3)
	other.ChildID = w.sibling
	_, err = booking.MakeQuote(w.ctx, w.d, w.parent, other)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "no child uses another's block")
	_, err = w.buy(booking.BuyTicket{ChildID: w.child, OfferID: club.Offer.ID, Option: "Three", ExpectedTotalPence: 2400})
	require.ErrorIs(t, err, booking.ErrPriceChanged)
}

func TestADateGivenBackInTimeGoesBackToItsBlock(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	bookings := []*booking.Booking{w.book(off(block, club, 0)), w.book(off(block, club, 1)), w.book(off(block, club, 2))}
	cancel := func(who shortbreaks.Actor, n int) {
		_, err := booking.Cancel(w.ctx, w.d, who, booking.CancelBooking{BookingID: bookings[n].ID, Reason: "plans_changed"})
		require.NoError(t, err)
	}
	cancel(w.parent, 2)
	require.Equal(t, 1, w.left(block), "in time")
	w.clock.Set(bookings[0].Items[0].StartsAt.Add(-time.Hour))
	cancel(w.parent, 0)
	require.Equal(t, 1, w.left(block), "too late: it is used")
	cancel(w.house.Owner, 1)
	require.Equal(t, 2, w.left(block), "the provider's doing")
	w.requireMoney(w.child, 2500, 0, 97_500)

	moved := w.book(off(block, club, 3))
	q := w.quote(w.parent, off(block, club, 4))
	_, err := w.move(moved.Items[0], booking.QuoteToBook{QuoteID: q.ID})
	require.NoError(t, err)
	require.Equal(t, 1, w.left(block), "moved: one date, as before")

	tickets, more, err := booking.Tickets(w.ctx, w.d, w.parent, booking.ListTickets{ChildID: &w.child, Limit: 10})
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, 2, tickets[0].Used)
	_, err = booking.LoadTicket(w.ctx, w.d, w.guests(1)[0].parent, block.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}

func TestABlockIsPaidAsItsTermsSay(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	w.book(off(block, club, 0))
	w.endTickets(0)
	w.clock.Set(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC))
	w.endTickets(1)
	w.endTickets(0)
	w.requireMoney(w.child, 0, 2500, 97_500) // what is not used lapses
	require.Equal(t, map[string]int64{"authority": 2500}, w.owed())
	late := off(block, club, 8)
	_, err := booking.MakeQuote(w.ctx, w.d, w.parent, late)
	require.ErrorIs(t, err, booking.ErrTicketDates)
}

func TestABlockPaidAtBookingIsTakenAtOnce(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("at_booking"))
	block := w.block(club)
	require.Equal(t, 1, w.takeDues())
	w.requireMoney(w.child, 0, 2500, 97_500)
	b := w.book(off(block, club, 0))
	_, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: block.BookingID, Reason: "plans_changed"})
	require.ErrorIs(t, err, booking.ErrTicketInUse)
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "plans_changed"})
	require.NoError(t, err)
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: block.BookingID, Reason: "plans_changed"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 0, 100_000) // given back whole
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, off(block, club, 0))))
	require.ErrorIs(t, err, booking.ErrTicketDates)
}

func TestABlockItsProviderCancelsCostsWhatWasUsed(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("at_booking"))
	block := w.block(club)
	w.takeDues()
	w.book(off(block, club, 0))
	_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: block.BookingID, Reason: "We close"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 834, 99_166) // a third of £25.00, the spare penny with the first
}

func TestABlockEndsWithItsLastDate(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	var last *booking.Booking
	for n := range 3 {
		last = w.book(off(block, club, n))
		w.clock.Set(last.Items[0].EndsAt)
		_, err := booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: last.Items[0].ID, Outcome: booking.Delivered})
		require.NoError(t, err)
		w.endTickets(0)
		_, err = booking.Confirm(w.ctx, w.d, w.parent, last.Items[0].ID)
		require.NoError(t, err)
	}
	w.endTickets(1)
	w.requireMoney(w.child, 0, 2500, 97_500)
}

// endTickets requires how many blocks end now.
func (w *world) endTickets(want int) {
	w.t.Helper()
	n, err := booking.EndTickets(w.ctx, w.d)
	require.NoError(w.t, err)
	require.Equal(w.t, want, n)
}

func TestRacingDatesNeverUseMoreThanTheBlockHas(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	quotes := make([]*booking.Quote, 7)
	for n := range quotes {
		quotes[n] = w.quote(w.parent, off(block, club, n))
	}
	errs := together(len(quotes), func(i int) error {
		_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(quotes[i]))
		return err
	})
	oneOf(t, errs, 3, booking.ErrTicketUsedUp)
	require.Zero(t, w.left(block))

	// Given back and used again at the same moment, in every order.
	found, _, err := booking.List(w.ctx, w.d, w.parent, booking.ListBookings{ChildID: &w.child, Limit: 50})
	require.NoError(t, err)
	var dates []*booking.Booking
	for _, b := range found {
		if b.ID != block.BookingID {
			dates = append(dates, b)
		}
	}
	require.Len(t, dates, 3)
	again := make([]*booking.Quote, 4)
	for n := range again {
		again[n] = w.quote(w.parent, off(block, club, 3+n))
	}
	together(3+len(again), func(i int) error {
		if i < 3 {
			_, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: dates[i].ID, Reason: "plans_changed"})
			return err
		}
		_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(again[i-3]))
		return err
	})
	var counts, deadlocks int
	owner := dbtest.Owner(t, w.d)
	require.NoError(t, owner.QueryRow(w.ctx, `SELECT count(*) FROM booking_item WHERE ticket_counts`).Scan(&counts))
	require.Equal(t, 3-counts, w.left(block))
	require.NoError(t, owner.QueryRow(w.ctx, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks))
	require.Zero(t, deadlocks)
}
