package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace/tariff"
)

// inTurn runs f n times together and gives each its error by its number.
func inTurn(n int, f func(i int) error) []error {
	errs := make([]error, n)
	together(n, func(i int) error { errs[i] = f(i); return nil })
	return errs
}

// movedBy is who an item's last move is written down for, and why.
func (w *world) movedBy(it *booking.Item) (person uuid.UUID, role, cause string) {
	w.t.Helper()
	require.NoError(w.t, dbtest.Owner(w.t, w.d).QueryRow(w.ctx, `SELECT actor_id, actor_role, cause FROM item_event
		WHERE item_id = $1 ORDER BY at DESC, id DESC LIMIT 1`, it.ID).Scan(&person, &role, &cause))
	return person, role, cause
}

// requests are bookings of one club, each of another family, that wait for its
// provider.
func (w *world) requests(n int) (parents []shortbreaks.Actor, children []uuid.UUID, made []*booking.Booking) {
	w.t.Helper()
	children, parents = w.homes(n)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Instant, draft.Sessions.Capacity = false, n
	draft.Terms.Reasons = []tariff.ReasonTerms{{Reason: "hospital", Steps: []tariff.TermStep{{Notice: 0, Unit: "hours", FeePercent: 0}}}}
	club := w.publish(draft)
	for i := range n {
		made = append(made, w.booksAs(guest{parents[i], children[i]}, ask(children[i], club, 1)))
	}
	return parents, children, made
}

// All that comes after a booking, asked for by many at the same moment: each is
// answered for themselves, and what each did stands under their own name.
func TestMovesAskedForTogetherAreEachTheirOwn(t *testing.T) {
	w := newWorld(t)
	moves := booking.NewMoves(w.d)
	parents, children, made := w.requests(10)
	foreign := shortbreaks.Actor{Person: w.house.Owner.Person, Role: shortbreaks.Coordinator, Providers: []uuid.UUID{shortbreaks.NewID()}}
	staff := func(i int) shortbreaks.Actor {
		if i%2 == 0 {
			return w.house.Owner
		}
		return w.house.Coordinator
	}

	// Eight are accepted; one is asked for by somebody else's staff, one twice.
	accepted := inTurn(11, func(i int) error {
		who, b := staff(i), made[min(i, 9)]
		if i == 8 {
			who = foreign
		}
		got, err := moves.Accept(w.ctx, who, b.ID)
		if err == nil {
			require.Equal(t, b.ID, got.ID)
			require.Equal(t, booking.Confirmed, got.Items[0].State)
			require.Nil(t, got.Items[0].Holds, "a provider sees no money")
		}
		return err
	})
	for i, err := range accepted[:8] {
		require.NoError(t, err)
		person, role, cause := w.movedBy(made[i].Items[0])
		require.Equal(t, staff(i).Person, person, i)
		require.Equal(t, string(staff(i).Role), role)
		require.Equal(t, "accepted", cause)
	}
	require.ErrorIs(t, accepted[8], shortbreaks.ErrNotFound)
	require.NotEqual(t, accepted[9] == nil, accepted[10] == nil, "once")
	for _, err := range accepted[9:] {
		if err != nil {
			require.ErrorIs(t, err, booking.ErrWrongState)
		}
	}

	// Three hours before: half the price is due, but not of a child in hospital,
	// and nobody ends another's.
	start := made[0].Items[0].StartsAt
	w.clock.Set(start.Add(-3 * time.Hour))
	reasons, fees := []string{"hospital", "plans_changed", "other"}, []int64{0, 400}
	for i, err := range inTurn(3, func(i int) error {
		who := parents[i]
		if i == 2 {
			who = parents[5]
		}
		_, err := moves.Cancel(w.ctx, who, booking.CancelBooking{BookingID: made[i].ID, Reason: reasons[i]})
		return err
	}) {
		if i == 2 {
			require.ErrorIs(t, err, shortbreaks.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		person, role, cause := w.movedBy(made[i].Items[0])
		require.Equal(t, parents[i].Person, person)
		require.Equal(t, string(shortbreaks.Family), role)
		require.Equal(t, reasons[i], cause)
		w.requireMoney(children[i], 0, fees[i], 100_000-fees[i])
	}

	for _, err := range inTurn(4, func(n int) error {
		_, err := moves.Record(w.ctx, w.house.Coordinator, booking.RecordAttendance{ItemID: made[n+3].Items[0].ID, Outcome: booking.Delivered})
		return err
	}) {
		require.ErrorIs(t, err, booking.ErrWrongState, "it has not begun")
	}
	w.clock.Set(start.Add(time.Hour))
	entries := []booking.RecordAttendance{
		3: {Outcome: booking.Delivered, Note: "A good day."}, 4: {Outcome: booking.NoShow, Cause: booking.CouldNotAdmit},
		5: {Outcome: booking.NoShow, Cause: "ill"}, 6: {Outcome: booking.PartlyDelivered}, 7: {Outcome: booking.Delivered},
	}
	for n, err := range inTurn(5, func(n int) error {
		i, who := n+3, staff(1)
		r := entries[i]
		r.ItemID = made[i].Items[0].ID
		if i == 7 {
			who = foreign
		}
		it, err := moves.Record(w.ctx, who, r)
		if err == nil {
			require.Equal(t, r.ItemID, it.ID)
			require.Equal(t, r.Outcome, it.State)
			require.Equal(t, r.Note, it.Delivery.Note)
			require.NotNil(t, it.AutoConfirmAt)
		}
		return err
	}) {
		switch n + 3 {
		case 6:
			require.ErrorIs(t, err, shortbreaks.ErrInvalid, "when did the child leave?")
		case 7:
			require.ErrorIs(t, err, shortbreaks.ErrNotFound)
		default:
			require.NoError(t, err)
			_, _, cause := w.movedBy(made[n+3].Items[0])
			require.Equal(t, entries[n+3].Cause, cause)
		}
	}

	_, err := booking.Query(w.ctx, w.d, parents[3], made[3].Items[0].ID, "She was at home.")
	require.NoError(t, err)
	for n, err := range inTurn(4, func(n int) error {
		who := parents[n+3]
		if n == 3 { // not filed, and not theirs
			who = parents[3]
		}
		it, err := moves.Confirm(w.ctx, who, made[n+3].Items[0].ID)
		if err == nil {
			require.Equal(t, booking.Settled, it.State)
			require.NotEmpty(t, it.Holds)
		}
		return err
	}) {
		if n == 3 {
			require.ErrorIs(t, err, shortbreaks.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		person, _, cause := w.movedBy(made[n+3].Items[0])
		require.Equal(t, parents[n+3].Person, person)
		require.Equal(t, "agreed", cause)
	}
	var withdrawn int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT count(*) FROM item_event WHERE cause = 'query withdrawn'`).Scan(&withdrawn))
	require.Equal(t, 1, withdrawn, "agreeing takes the query back first")
	w.requireMoney(children[3], 0, 800, 99_200)
	w.requireMoney(children[4], 0, 0, 100_000)
	w.requireMoney(children[5], 0, 400, 99_600)
	w.requireMoney(children[7], 800, 0, 99_200)
	var payers int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT count(DISTINCT actor_id) FROM ledger_transaction WHERE kind = 'capture'`).Scan(&payers))
	require.Equal(t, 2, payers, "each capture under the family that agreed")
	_, err = booking.Sweep(w.ctx, w.d) // the request nobody answered
	require.NoError(t, err)
	w.clean()
}

func TestARequestThatRanOutIsRefusedAmongMany(t *testing.T) {
	w := newWorld(t)
	moves := booking.NewMoves(w.d)
	_, children, made := w.requests(4)
	w.clock.Set(*made[0].Items[0].ExpiresAt)
	for _, err := range inTurn(4, func(i int) error {
		_, err := moves.Accept(w.ctx, w.house.Owner, made[i].ID)
		return err
	}) {
		require.ErrorIs(t, err, booking.ErrRequestExpired)
	}
	for _, child := range children {
		w.requireMoney(child, 800, 0, 99_200)
	}
}
