package booking_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
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
