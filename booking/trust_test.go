package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
)

// A lapse cancels nothing: what was booked for a later date is delivered and
// paid, and only new quotes of such dates are refused.
func TestT82_ALapseCancelsNothingByItself(t *testing.T) {
	w := newWorld(t)
	o := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, o, 3))
	quoted := w.quote(w.parent, ask(w.sibling, o, 3))
	list, _, err := marketplace.ListCredentials(w.ctx, w.d, w.house.Owner, w.house.ID, uuid.Nil, 100)
	require.NoError(t, err)
	for _, c := range list {
		if c.Kind == "insurance_public_liability" {
			_, err := marketplace.WithdrawCredential(w.ctx, w.d, w.house.Owner, w.house.ID, c.ID)
			require.NoError(t, err)
		}
	}
	until := time.Date(2027, 1, 9, 0, 0, 0, 0, time.UTC) // the first Saturday
	_, err = marketplace.AddCredential(w.ctx, w.d, w.house.Owner, w.house.ID, marketplace.CredentialDraft{
		Kind: "insurance_public_liability", IssuedOn: until.AddDate(-1, 0, 0), ExpiresOn: &until,
	})
	require.NoError(t, err)

	_, err = booking.MakeQuote(w.ctx, w.d, w.parent, ask(w.sibling, o, 2))
	require.ErrorIs(t, err, marketplace.ErrCredentialLapsed)
	_, err = booking.MakeQuote(w.ctx, w.d, w.parent, ask(w.sibling, o, 1))
	require.NoError(t, err)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(quoted))
	require.NoError(t, err, "a quote that lives is kept")

	_, err = marketplace.WarnOfExpiry(w.ctx, w.d)
	require.NoError(t, err)
	notices, _, err := marketplace.ListNotices(w.ctx, w.d, w.house.Coordinator, w.house.ID, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, notices, 1)
	require.Equal(t, 2, notices[0].BookedAfter, "of three sessions, two are later; two children in one are one")
	require.Contains(t, notices[0].Words, "What is booked stays booked: 2 sessions after it.")

	w.clock.Set(b.Items[2].EndsAt)
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	now, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed, booking.Confirmed, booking.Confirmed}, stateOf(now))
	it := w.deliver(b.Items[2], booking.RecordAttendance{Outcome: booking.Delivered})
	_, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
}

// R037: sessions are counted, not children; what the provider called off or
// could not admit counts against it, what a family or an authority cancelled
// does not, nor a group that was too small.
func TestR037_ReliabilityCountsSessionsThatRanAsBooked(t *testing.T) {
	w := newWorld(t)
	o := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	both := []*booking.Booking{w.book(ask(w.child, o, 7)), w.book(ask(w.sibling, o, 7))}
	cancel := func(who shortbreaks.Actor, n int, reason string) {
		for _, b := range both {
			_, err := booking.Cancel(w.ctx, w.d, who, booking.CancelBooking{BookingID: b.ID, ItemIDs: []uuid.UUID{b.Items[n].ID}, Reason: reason})
			require.NoError(t, err)
		}
	}
	count := func() (sessions, asBooked int) {
		_, err := booking.CountReliability(w.ctx, w.d)
		require.NoError(t, err)
		require.NoError(t, w.d.Read(w.ctx, db.Scope{}, func(tx *db.Tx) error {
			return tx.PGX.QueryRow(w.ctx, `SELECT coalesce(sum(sessions), 0), coalesce(sum(as_booked), 0) FROM reliability`).Scan(&sessions, &asBooked)
		}))
		return sessions, asBooked
	}
	requireCount := func(wantSessions, wantAsBooked int) {
		t.Helper()
		sessions, asBooked := count()
		require.Equal(t, []int{wantSessions, wantAsBooked}, []int{sessions, asBooked})
	}
	cancel(w.house.Owner, 1, "The hall is flooded")
	cancel(w.house.Owner, 2, "minimum_not_met")
	cancel(w.parent, 3, "ill")
	requireCount(0, 0) // none has come round

	for _, b := range both {
		w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	}
	w.clock.Set(both[0].Items[0].EndsAt)
	requireCount(1, 1)
	w.clock.Set(both[0].Items[3].EndsAt)
	requireCount(3, 1) // the flooded hall and the small group, which the provider called off itself; not the illness
	admin, err := dbtest.Owner(t, w.d).Begin(w.ctx)
	require.NoError(t, err)
	_, err = admin.Exec(w.ctx, `SET LOCAL session_replication_role = replica`) // past the trigger that keeps history
	require.NoError(t, err)
	_, err = admin.Exec(w.ctx, `UPDATE item_event SET actor_id = NULL, actor_role = 'system' WHERE cause = 'minimum_not_met'`)
	require.NoError(t, err)
	require.NoError(t, admin.Commit(w.ctx))
	requireCount(2, 1) // as the system calls it off, it is nobody's fault
	w.deliver(both[0].Items[4], booking.RecordAttendance{Outcome: booking.NoShow})
	w.deliver(both[1].Items[4], booking.RecordAttendance{Outcome: booking.Delivered})
	w.deliver(both[0].Items[5], booking.RecordAttendance{Outcome: booking.Delivered})
	turnedAway := w.deliver(both[1].Items[5], booking.RecordAttendance{Outcome: booking.NoShow, Cause: booking.CouldNotAdmit})
	w.clock.Set(both[0].Items[5].EndsAt)
	for range 2 {
		requireCount(4, 2) // a child who did not come is nobody's fault; one turned away is
	}
	_, err = booking.Record(w.ctx, w.d, w.house.Coordinator, booking.RecordAttendance{ItemID: turnedAway.ID, Outcome: booking.Delivered})
	require.NoError(t, err)
	requireCount(4, 3) // a register put right counts at the next round

	var columns []string
	require.NoError(t, w.d.Read(w.ctx, db.Scope{}, func(tx *db.Tx) error {
		return tx.PGX.QueryRow(w.ctx, `SELECT array_agg(column_name::text ORDER BY column_name) FROM information_schema.columns WHERE table_name = 'reliability'`).Scan(&columns)
	}))
	require.Equal(t, []string{"as_booked", "counted_at", "provider_id", "sessions"}, columns, "and says nothing of who came")
}

// R120: a sign-off for a child is its provider's while it serves that child,
// and its authority's.
func TestR120_ACompetencyForAChildIsReadByThoseItConcerns(t *testing.T) {
	w := newWorld(t)
	o := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	b := w.book(ask(w.child, o, 1))
	rival, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 3)
	require.NoError(t, err)
	bracken, err := w.build.NewCouncil(w.ctx, "Brackenvale Council", "bracken", "Brackenvale")
	require.NoError(t, err)
	worker := func(h *demo.House) uuid.UUID {
		list, _, err := marketplace.ListWorkers(w.ctx, w.d, h.Owner, h.ID, uuid.Nil, 1)
		require.NoError(t, err)
		return list[0].ID
	}
	record := booking.RecordCompetency{
		WorkerID: worker(w.house), Task: "Gastrostomy feed", BookingID: &b.ID, AssessedBy: "Nurse Cole", AssessedOn: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
	}
	made, err := booking.AddCompetency(w.ctx, w.d, w.house.Coordinator, w.house.ID, record)
	require.NoError(t, err)
	require.Equal(t, w.child, *made.ChildID)
	general := record
	general.BookingID, general.Task = nil, "Moving and handling"
	_, err = booking.AddCompetency(w.ctx, w.d, w.house.Owner, w.house.ID, general)
	require.NoError(t, err)

	tasks := func(who shortbreaks.Actor) (list []string) {
		found, _, err := booking.Competencies(w.ctx, w.d, who, booking.ListCompetencies{Limit: 10})
		require.NoError(t, err)
		for _, c := range found {
			list = append(list, c.Task)
		}
		return list
	}
	require.Equal(t, []string{"Gastrostomy feed", "Moving and handling"}, tasks(w.house.Coordinator))
	require.Equal(t, []string{"Gastrostomy feed"}, tasks(w.council.Practitioner), "the child's authority reads what is about the child")
	require.Empty(t, tasks(rival.Owner))
	require.Empty(t, tasks(bracken.Practitioner))
	for _, who := range []shortbreaks.Actor{w.parent, w.house.Worker, w.council.Commissioner} {
		_, _, err := booking.Competencies(w.ctx, w.d, who, booking.ListCompetencies{Limit: 10})
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	stolen := record
	stolen.WorkerID = worker(rival)
	_, err = booking.AddCompetency(w.ctx, w.d, rival.Owner, rival.ID, stolen)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "another's booking names nobody")
	_, err = booking.AddCompetency(w.ctx, w.d, rival.Owner, w.house.ID, general)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)

	w.clock.Set(b.Items[0].EndsAt.Add(90*24*time.Hour - time.Minute))
	require.Len(t, tasks(w.house.Coordinator), 2)
	w.clock.Advance(time.Minute)
	require.Equal(t, []string{"Moving and handling"}, tasks(w.house.Coordinator), "90 days after the last time it is out of reach")
	w.clock.Set(monday)
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: b.ID, Reason: "ill"})
	require.NoError(t, err)
	require.Equal(t, []string{"Moving and handling"}, tasks(w.house.Coordinator), "and once the child has no place there")
	require.Equal(t, []string{"Gastrostomy feed"}, tasks(w.council.Practitioner))
	_, err = booking.AddCompetency(w.ctx, w.d, w.house.Owner, w.house.ID, record)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	// The schema says so too, whatever is asked.
	require.NoError(t, w.d.Read(w.ctx, db.For(w.house.Owner), func(tx *db.Tx) error {
		var n int
		require.NoError(t, tx.PGX.QueryRow(w.ctx, `SELECT count(*) FROM competency WHERE child_id IS NOT NULL`).Scan(&n))
		require.Zero(t, n, "rows about a child the provider no longer serves")
		return nil
	}))
}
