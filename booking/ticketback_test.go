package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
)

func TestT57_ADateTheProviderCouldNotKeepGoesBackToItsBlockOnce(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	block := w.block(club)
	refused, absent := w.book(off(block, club, 0)), w.book(off(block, club, 1))
	last := w.book(off(block, club, 2))
	require.Zero(t, w.left(block))
	w.deliver(refused.Items[0], booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	w.endTickets(0)
	require.Zero(t, w.left(block), "the register may still be put right")
	_, err := booking.Confirm(w.ctx, w.d, w.parent, refused.Items[0].ID)
	require.NoError(t, err)
	for _, err := range together(3, func(int) error { _, err := booking.EndTickets(w.ctx, w.d); return err }) {
		require.NoError(t, err)
	}
	require.Equal(t, 1, w.left(block))
	w.settled(absent, 0, booking.RecordAttendance{Outcome: booking.NoShow, Cause: "ill"})
	w.endTickets(0)
	require.Equal(t, 1, w.left(block), "an absence of the child's own uses its date")
	again := w.book(off(block, club, 3))
	w.settled(last, 0, booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	w.settled(again, 0, booking.RecordAttendance{Outcome: booking.Delivered})
	require.Zero(t, w.left(block))
	w.endTickets(1) // the date goes back, so the block is not used up and goes on
	require.Equal(t, 1, w.left(block))
	w.requireMoney(w.child, 2500, 0, 97_500)
	w.clock.Set(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC))
	w.endTickets(1)
	w.requireMoney(w.child, 0, 2500, 97_500)
}

func TestFamiliesAreToldOfABlockThatIsSoonOverWithDatesLeft(t *testing.T) {
	w := newWorld(t)
	club := w.publish(inBlocks("arrears"))
	left, full := w.block(club), w.block(club)
	for n := range 3 {
		w.book(off(full, club, n))
	}
	teller := booking.Teller{DB: w.d}
	told := func() (of []uuid.UUID) {
		for _, err := range together(2, func(int) error { _, err := teller.Remind(w.ctx); return err }) {
			require.NoError(t, err)
		}
		news, _, _, err := booking.ListNews(w.ctx, w.d, w.parent, uuid.Nil, 100)
		require.NoError(t, err)
		for _, one := range news {
			if one.Kind == booking.NewsTicketEnding {
				of = append(of, *one.BookingID)
				require.Contains(t, one.Words(), "28 February 2027")
			}
		}
		return of
	}
	w.clock.Set(time.Date(2027, 2, 14, 23, 0, 0, 0, time.UTC)) // over at midnight after the 28th
	require.Empty(t, told())
	w.clock.Set(time.Date(2027, 2, 15, 0, 0, 0, 0, time.UTC))
	require.Equal(t, []uuid.UUID{left.BookingID}, told())
	w.clock.Set(time.Date(2027, 2, 20, 0, 0, 0, 0, time.UTC))
	require.Len(t, told(), 1)
}
