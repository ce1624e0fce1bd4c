package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// attendedClub is a club of £9.00 for three hours that bills what was attended.
func (w *world) attendedClub() *marketplace.OfferDetail {
	t := tariffOf(charge("place", "session", 900))
	t.Options[0].BilledOn = "attended"
	return w.publish(saturdays(t))
}

func TestARegisterTheFamilyQueriedIsPutRightAndAgreedToAgain(t *testing.T) {
	w := newWorld(t)
	it := w.book(ask(w.child, w.attendedClub(), 1)).Items[0]
	w.clock.Set(it.EndsAt)
	w.deliver(it, booking.RecordAttendance{Outcome: booking.Delivered})
	left := it.StartsAt.Add(time.Hour)
	right := booking.RecordAttendance{ItemID: it.ID, Outcome: booking.PartlyDelivered, LeftAt: &left}
	_, err := booking.CorrectQueried(w.ctx, w.d, w.house.Coordinator, right, "She left at 11.")
	require.ErrorIs(t, err, booking.ErrWrongState, "nobody has queried it")
	_, err = booking.Query(w.ctx, w.d, w.parent, it.ID, "She was there for one hour.")
	require.NoError(t, err)
	for _, who := range []shortbreaks.Actor{w.parent, w.council.Practitioner, w.house.Worker} {
		_, err = booking.CorrectQueried(w.ctx, w.d, who, right, "She left at 11.")
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	_, err = booking.CorrectQueried(w.ctx, w.d, w.house.Coordinator, right, " ")
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	now, err := booking.CorrectQueried(w.ctx, w.d, w.house.Coordinator, right, "She left at 11.")
	require.NoError(t, err)
	require.Equal(t, booking.PartlyDelivered, now.State)
	require.EqualValues(t, 300, *now.ChargePence)
	require.Equal(t, booking.AgreeCorrected, now.Delivery.AgreeBecause)
	require.Nil(t, now.AutoConfirmAt)
	w.requireMoney(w.child, 900, 0, 99_100)
	w.clock.Advance(30 * 24 * time.Hour)
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	w.requireMoney(w.child, 900, 0, 99_100) // silence does not agree
	list, _, err := booking.Corrections(w.ctx, w.d, w.parent, it.ID, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	k := list[0]
	require.Equal(t, []any{"She was there for one hour.", shortbreaks.Pence(900), shortbreaks.Pence(300), 180, 60}, []any{k.Query, k.WasPence, k.Pence, k.WasMinutes, k.Minutes})
	_, _, err = booking.Corrections(w.ctx, w.d, w.family("begum", 1).Parents[0], it.ID, uuid.Nil, 10)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)

	_, err = booking.Query(w.ctx, w.d, w.parent, it.ID, "It was half an hour.")
	require.NoError(t, err, "it may be queried again")
	_, err = booking.CorrectQueried(w.ctx, w.d, w.house.Owner, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.Delivered}, "She stayed after all.")
	require.NoError(t, err)
	_, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 900, 99_100)
}

func TestASignOffIsWithdrawnEarlyAndWhatIsBookedAheadIsFlagged(t *testing.T) {
	w := newWorld(t)
	o, ada, _ := w.crewed()
	w.needs(feed)
	i := w.introduce(w.parent, w.child)
	w.signOff(ada, i.ID, feed, nil)
	b := w.book(visit(w.child, o, "2027-02-13T10:00", nil)) // weeks ahead
	list, _, err := booking.Competencies(w.ctx, w.d, w.house.Owner, booking.ListCompetencies{Limit: 10})
	require.NoError(t, err)
	id := list[0].ID
	look := func(want int) {
		t.Helper()
		n, err := booking.FlagCompetencies(w.ctx, w.d)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	look(0)
	_, err = booking.WithdrawCompetency(w.ctx, w.d, w.council.Practitioner, id, "Ada asked for more training.")
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = booking.WithdrawCompetency(w.ctx, w.d, w.house.Owner, id, "")
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	rival, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 3)
	require.NoError(t, err)
	_, err = booking.WithdrawCompetency(w.ctx, w.d, rival.Owner, id, "Not ours.")
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	c, err := booking.WithdrawCompetency(w.ctx, w.d, w.house.Coordinator, id, "Ada asked for more training.")
	require.NoError(t, err)
	require.Equal(t, w.house.Coordinator.Person, *c.WithdrawnBy)
	again, err := booking.WithdrawCompetency(w.ctx, w.d, w.house.Owner, id, "Another reason.")
	require.NoError(t, err)
	require.Equal(t, c.WithdrawnReason, again.WithdrawnReason, "it stays as it was")
	look(1)
	look(0) // once, and it stays
	flags, _, err := booking.Flags(w.ctx, w.d, w.council.Practitioner, false, uuid.Nil, 10)
	require.NoError(t, err)
	require.Equal(t, b.Items[0].ID, flags[0].ItemID)
	q := w.quote(w.parent, visit(w.child, o, "2027-02-20T10:00", nil))
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(q))
	require.ErrorIs(t, err, booking.ErrCompetencyMissing, "it counts for no new booking")
	w.signOff(ada, i.ID, feed, nil)
	look(1) // in order again
}

func TestAPasswordIsWorkedOutBeforeTheListIsLocked(t *testing.T) {
	w := newWorld(t)
	it := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)).Items[0]
	w.keeps("purple umbrella")
	w.clock.Set(it.EndsAt)
	release := booking.HoldHashing()
	defer release()
	done := make(chan error, 1)
	go func() {
		_, err := w.note(it, booking.NoteStep{Kind: booking.StepLeft, At: &it.EndsAt, CollectedBy: "Bob", Password: "purple umbrella", NotedAt: it.EndsAt})
		done <- err
	}()
	admin := dbtest.Owner(t, w.d)
	require.Eventually(t, func() bool { // the guess has begun: it holds its item
		var free int
		tx, err := admin.Begin(w.ctx)
		require.NoError(t, err)
		defer func() { require.NoError(t, tx.Rollback(w.ctx)) }()
		require.NoError(t, tx.QueryRow(w.ctx, `SELECT count(*) FROM (SELECT FROM booking_item WHERE id = $1 FOR UPDATE SKIP LOCKED) i`, it.ID).Scan(&free))
		return free == 0
	}, dbtest.Patience, 5*time.Millisecond)
	var free int
	require.Never(t, func() bool {
		require.NoError(t, admin.QueryRow(w.ctx, `SELECT count(*) FROM (SELECT FROM collection_list FOR UPDATE SKIP LOCKED) l`).Scan(&free))
		return free == 0
	}, 200*time.Millisecond, 10*time.Millisecond, "nobody else waits for a list while a password is worked out")
	release()
	require.NoError(t, <-done)
}
