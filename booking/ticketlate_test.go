package booking_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// A block of three dates costs £25.00, so its dates are worth 8.34, 8.33, 8.33.
func TestT57_ADateTheProviderCouldNotKeepIsPaidBackOnceItsBlockIsOver(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	first, second, third := w.book(off(block, club, 0)), w.book(off(block, club, 1)), w.book(off(block, club, 2))
	refuse := booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit}
	w.deliver(first.Items[0], refuse)
	w.deliver(second.Items[0], booking.RecordAttendance{Outcome: booking.NoShow, Cause: "ill"})
	w.deliver(third.Items[0], refuse)
	w.clock.Set(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)) // the block is over, its registers are not agreed
	w.endTickets(1)
	w.requireMoney(w.child, 0, 2500, 97_500)
	require.Equal(t, map[string]int64{"authority": 2500}, w.owed())
	for _, b := range []*booking.Booking{second, third} {
		_, err := booking.Confirm(w.ctx, w.d, w.parent, b.Items[0].ID)
		require.NoError(t, err)
	}
	end := func() {
		for _, err := range together(3, func(int) error { _, err := booking.EndTickets(w.ctx, w.d); return err }) {
			require.NoError(t, err)
		}
	}
	end()
	w.requireMoney(w.child, 0, 2500-833, 97_500+833)
	require.Equal(t, map[string]int64{"authority": 2500 - 833}, w.owed())
	_, err := booking.Confirm(w.ctx, w.d, w.parent, first.Items[0].ID)
	require.NoError(t, err)
	end()
	end()
	w.requireMoney(w.child, 0, 834, 97_500+1666)
	require.Equal(t, map[string]int64{"authority": 834}, w.owed(), "the date the child was ill, and the odd penny")
	var refunds, used int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT (SELECT count(*) FROM refund), (SELECT used FROM ticket)`).Scan(&refunds, &used))
	require.Equal(t, []int{2, 1}, []int{refunds, used})
}

// What the family paid itself goes back to the family.
func TestADateOfABlockTheFamilyPaidIsPaidBackToItsOwnMoney(t *testing.T) {
	w := ownMoney(t, 2500)
	club := w.publish(inBlocks("at_booking"))
	buy := booking.BuyTicket{ChildID: w.child, OfferID: club.Offer.ID, Option: "Three", ExpectedTotalPence: 2500, FamilyPays: "top_up"}
	block, err := w.buy(buy)
	require.NoError(t, err)
	require.Equal(t, 1, w.takeDues())
	b := w.book(off(block, club, 0))
	w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	w.clock.Set(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC))
	w.endTickets(1)
	require.Equal(t, []int64{0, 2500, 0}, w.own(w.child))
	_, err = booking.Confirm(w.ctx, w.d, w.parent, b.Items[0].ID)
	require.NoError(t, err)
	w.endTickets(1)
	require.Equal(t, []int64{0, 1666, 834}, w.own(w.child))
	require.Empty(t, w.credits(), "as money, since the provider could not")
}

// A block that its provider cancels costs the dates that are booked by then. What
// comes back of them afterwards is paid back: the child was not admitted on one,
// the other is cancelled in time.
func TestT65_DatesThatComeBackToABlockItsProviderCancelledArePaidBack(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("at_booking"))
	block := w.block(club)
	require.Equal(t, 1, w.takeDues())
	first, second := w.book(off(block, club, 0)), w.book(off(block, club, 1))
	w.deliver(first.Items[0], booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: block.BookingID, Reason: "We close"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 1667, 98_333)
	w.endTickets(0)
	_, err = booking.Confirm(w.ctx, w.d, w.parent, first.Items[0].ID)
	require.NoError(t, err)
	for _, err := range together(3, func(int) error { _, err := booking.EndTickets(w.ctx, w.d); return err }) {
		require.NoError(t, err)
	}
	w.requireMoney(w.child, 0, 834, 99_166)
	_, err = booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: second.ID, Reason: "We close"})
	require.NoError(t, err)
	for _, err := range together(3, func(int) error { _, err := booking.EndTickets(w.ctx, w.d); return err }) {
		require.NoError(t, err)
	}
	w.requireMoney(w.child, 0, 0, 100_000)
	require.Equal(t, map[string]int64{"authority": 0}, w.owed())
	var refunds, used int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT (SELECT count(*) FROM refund), (SELECT used FROM ticket)`).Scan(&refunds, &used))
	require.Equal(t, []int{3, 0}, []int{refunds, used}, "what was paid ahead and not used, and two dates")
}

// Of a block of £25.00 all but £5.00, and then that too, was given back for
// another reason.
func TestT61_ADateOfABlockIsPaidBackAsFarAsAnythingIsLeft(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	first, second := w.book(off(block, club, 0)), w.book(off(block, club, 1))
	for _, date := range []*booking.Booking{first, second} {
		w.deliver(date.Items[0], booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	}
	w.clock.Set(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC))
	w.endTickets(1)
	b, err := booking.Load(w.ctx, w.d, w.parent, block.BookingID)
	require.NoError(t, err)
	w.refund(b.Items[0], "place", 2000)
	w.requireMoney(w.child, 0, 500, 99_500)
	for _, date := range []*booking.Booking{first, second} {
		_, err := booking.Confirm(w.ctx, w.d, w.parent, date.Items[0].ID)
		require.NoError(t, err)
		w.endTickets(1)
		w.requireMoney(w.child, 0, 0, 100_000)
	}
}

// Cancelled too late, a date of a block that has ended is used up all the same.
func TestT65_ADateLostToALateCancellationIsNotPaidBack(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("at_booking"))
	block := w.block(club)
	require.Equal(t, 1, w.takeDues())
	date := w.book(off(block, club, 0))
	_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: block.BookingID, Reason: "We close"})
	require.NoError(t, err)
	w.clock.Set(date.Items[0].StartsAt.Add(-time.Minute))
	w.cancelAs(guest{w.parent, w.child}, date)
	w.endTickets(0)
	w.requireMoney(w.child, 0, 834, 99_166)
}

// Two dates that come back in one go are two parts, and one that ends together
// with its block is not paid for in the first place.
func TestT65_DatesThatComeBackTogetherAreEachPaidBack(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("at_booking"))
	block := w.block(club)
	require.Equal(t, 1, w.takeDues())
	wish := off(block, club, 0)
	wish.SessionIDs = append(wish.SessionIDs, club.Sessions[1].ID)
	two := w.book(wish)
	_, err := booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: block.BookingID, Reason: "We close"})
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 1667, 98_333)
	_, err = booking.Cancel(w.ctx, w.d, w.house.Owner, booking.CancelBooking{BookingID: two.ID, Reason: "We close"})
	require.NoError(t, err)
	w.endTickets(2)
	w.requireMoney(w.child, 0, 0, 100_000)
}

func TestR025_ABlockThatEndsWithItsOfferCostsTheDatesThatWere(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("at_booking"))
	block := w.block(club)
	require.Equal(t, 1, w.takeDues())
	was := w.book(off(block, club, 0))
	w.book(off(block, club, 1))
	w.settled(was, 0, booking.RecordAttendance{Outcome: booking.Delivered})
	end := marketplace.EndOffer{OfferID: club.Offer.ID, From: day("2027-01-16"), Reason: "Too few of us are left to run it."}
	_, _, err := booking.EndOffer(w.ctx, w.d, w.house.Owner, end)
	require.NoError(t, err)
	w.endTickets(0)
	w.requireMoney(w.child, 0, 834, 99_166)
}
