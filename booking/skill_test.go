package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

const feed = "Gastrostomy feed"

// crewed is support by the hour by two known workers, Ada in the first lane.
func (w *world) crewed() (o *marketplace.OfferDetail, ada, ben uuid.UUID) {
	w.t.Helper()
	o = w.publish(hourly(2500))
	var ids []uuid.UUID
	for i, name := range []string{"Ada", "Ben"} {
		made, err := marketplace.CreateWorker(w.ctx, w.d, w.house.Owner, w.house.ID, marketplace.WorkerFacts{Name: name, LaneIDs: []uuid.UUID{o.Lanes[i].ID}})
		require.NoError(w.t, err)
		ids = append(ids, made.ID)
	}
	return o, ids[0], ids[1]
}

// needs records that the child needs somebody signed off.
func (w *world) needs(task string, categories ...string) *booking.Need {
	w.t.Helper()
	n, err := booking.AddNeed(w.ctx, w.d, w.council.Practitioner, booking.RecordNeed{ChildID: w.child, Task: task, Categories: categories})
	require.NoError(w.t, err)
	return n
}

// signOff signs a worker off for the child who is being introduced.
func (w *world) signOff(worker, introduction uuid.UUID, task string, until *time.Time) {
	w.t.Helper()
	_, err := booking.AddCompetency(w.ctx, w.d, w.house.Coordinator, w.house.ID, booking.RecordCompetency{
		WorkerID: worker, Task: task, Introduced: &introduction, AssessedBy: "Nurse Cole", AssessedOn: shortbreaks.Date(monday).AddDate(0, 0, -1), ExpiresOn: until,
	})
	require.NoError(w.t, err)
}

// visit asks for an hour at a wall time, with a worker or anybody.
func visit(child uuid.UUID, o *marketplace.OfferDetail, at string, lane *uuid.UUID) booking.CreateQuote {
	return booking.CreateQuote{ChildID: child, OfferID: o.Offer.ID, Visits: []marketplace.Visit{{LocalStart: at, Minutes: 60}}, LaneID: lane}
}

func TestT95_AWorkerWithoutTheCompetencyIsNotBooked(t *testing.T) {
	w := newWorld(t)
	o, ada, ben := w.crewed()
	at := "2027-01-09T10:00"
	w.needs(feed)
	q := w.quote(w.parent, visit(w.child, o, at, nil))
	require.Equal(t, booking.VerdictAsk, q.Verdict())
	require.Equal(t, "competency-missing", q.NextSteps()[0].Code)
	require.ErrorIs(t, w.create(q), booking.ErrCompetencyMissing)
	asked := toBook(q)
	asked.Idem = once(w.parent, "key", asked)
	_, err := booking.NewDesk(w.d).Create(w.ctx, people.As(w.parent), asked)
	require.ErrorIs(t, err, booking.ErrCompetencyMissing)
	w.book(visit(w.sibling, o, at, nil)) // who needs nothing is booked: by the first lane, Ada's

	i := w.introduce(w.parent, w.child)
	_, err = booking.AddCompetency(w.ctx, w.d, w.house.Owner, w.house.ID, booking.RecordCompetency{
		WorkerID: ben, Task: feed, AssessedBy: "Nurse Cole", AssessedOn: shortbreaks.Date(monday),
	})
	require.NoError(t, err)
	require.ErrorIs(t, w.create(q), booking.ErrCompetencyMissing, "a sign-off in general is none for this child")
	until := time.Date(2027, 1, 8, 0, 0, 0, 0, time.UTC)
	w.signOff(ben, i.ID, feed, &until)
	require.ErrorIs(t, w.create(q), booking.ErrCompetencyMissing, "it ends the day before")
	w.signOff(ada, i.ID, "  gastrostomy   FEED", nil)
	require.ErrorIs(t, w.create(q), marketplace.ErrLaneTaken, "who is signed off is busy, who is free is not signed off")
	until = until.AddDate(0, 0, 1)
	w.signOff(ben, i.ID, feed, &until)
	require.NoError(t, w.create(q), "the last day counts")

	later := "2027-01-10T10:00"
	named := w.quote(w.parent, visit(w.child, o, later, &o.Lanes[1].ID))
	require.Equal(t, booking.VerdictAsk, named.Verdict())
	require.ErrorIs(t, w.create(named), booking.ErrCompetencyMissing)
	anyone := w.book(visit(w.child, o, later, nil))
	require.Equal(t, o.Lanes[0].ID, *anyone.Items[0].LaneID, "whoever is signed off")
	n := w.needs("Buccal midazolam", "swimming")
	w.book(visit(w.child, o, "2027-01-11T10:00", nil)) // it does not matter here
	_, err = booking.EndNeed(w.ctx, w.d, w.council.Practitioner, n.ID, shortbreaks.Date(monday))
	require.NoError(t, err)
	_, err = booking.EndNeed(w.ctx, w.d, w.council.Practitioner, n.ID, shortbreaks.Date(monday))
	require.ErrorIs(t, err, booking.ErrWrongState)
}

func TestT95_InASessionSomebodyIsSignedOff(t *testing.T) {
	w := newWorld(t)
	_, ada, _ := w.crewed()
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	w.needs(feed)
	q := w.quote(w.parent, ask(w.child, club, 1))
	require.ErrorIs(t, w.create(q), booking.ErrCompetencyMissing)
	w.requireMoney(w.child, 0, 0, 100_000)
	full := saturdays(tariffOf(charge("place", "session", 800)))
	full.Sessions.Capacity, full.Title = 1, "Full"
	_, err := booking.JoinWaitlist(w.ctx, w.d, w.parent, ask(w.child, w.publish(full), 1))
	require.ErrorIs(t, err, booking.ErrCompetencyMissing)
	w.signOff(ada, w.introduce(w.parent, w.child).ID, feed, nil)
	require.NoError(t, w.create(q))
}

func TestT95_AnotherWorkerIsFreeAndSignedOff(t *testing.T) {
	w := newWorld(t)
	o, ada, ben := w.crewed()
	w.needs(feed)
	i := w.introduce(w.parent, w.child)
	w.signOff(ada, i.ID, feed, nil)
	b := w.book(visit(w.child, o, "2027-01-09T10:00", nil))
	it := b.Items[0]
	require.Equal(t, o.Lanes[0].ID, *it.LaneID)
	swap := booking.SwapWorker{ItemID: it.ID, LaneID: o.Lanes[1].ID, Reason: "Ada is ill."}
	_, err := booking.Swap(w.ctx, w.d, w.house.Coordinator, swap)
	require.ErrorIs(t, err, booking.ErrCompetencyMissing)
	require.ErrorContains(t, err, feed)
	w.signOff(ben, i.ID, feed, nil)
	busy := w.book(visit(w.sibling, o, "2027-01-09T11:15", &o.Lanes[1].ID)) // within the buffers
	_, err = booking.Swap(w.ctx, w.d, w.house.Coordinator, swap)
	require.ErrorIs(t, err, marketplace.ErrLaneTaken)
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: busy.ID, Reason: "ill"})
	require.NoError(t, err)

	for _, who := range []shortbreaks.Actor{w.parent, w.house.Worker, w.council.Practitioner} {
		_, err := booking.Swap(w.ctx, w.d, who, swap)
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	rival, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 3)
	require.NoError(t, err)
	_, err = booking.Swap(w.ctx, w.d, rival.Owner, swap)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	now, err := booking.Swap(w.ctx, w.d, w.house.Coordinator, swap)
	require.NoError(t, err)
	require.Equal(t, o.Lanes[1].ID, *now.LaneID)
	w.book(visit(w.sibling, o, "2027-01-09T10:00", &o.Lanes[0].ID)) // Ada is free again
	seen, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.WorkerChange{{ItemID: it.ID, FromLabel: "A", ToLabel: "B", Reason: "Ada is ill.", ChangedAt: monday}}, inUTC(seen.Items[0].Changes))
	_, err = booking.Swap(w.ctx, w.d, w.house.Coordinator, swap)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "the same worker")
	swap.LaneID = uuid.New()
	_, err = booking.Swap(w.ctx, w.d, w.house.Coordinator, swap)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	w.clock.Set(it.StartsAt)
	swap.LaneID = o.Lanes[0].ID
	_, err = booking.Swap(w.ctx, w.d, w.house.Coordinator, swap)
	require.ErrorIs(t, err, marketplace.ErrSessionStarted)
}

func inUTC(changes []booking.WorkerChange) []booking.WorkerChange {
	for i := range changes {
		changes[i].ChangedAt = changes[i].ChangedAt.UTC()
	}
	return changes
}

// Two visits at one time and one free worker: one of them gets her, whoever
// else books meanwhile.
func TestT95_SwapsRaceForOneWorker(t *testing.T) {
	w := newWorld(t)
	d := hourly(2500)
	d.Visits.Lanes = []marketplace.LaneDraft{{Label: "A"}, {Label: "B"}, {Label: "C"}}
	o := w.publish(d)
	at := "2027-01-09T10:00"
	one, two := w.book(visit(w.child, o, at, &o.Lanes[0].ID)), w.book(visit(w.sibling, o, at, &o.Lanes[1].ID))
	third := w.quote(w.council.Practitioner, visit(w.another("novak", 100_000, 100_000), o, at, &o.Lanes[2].ID))
	errs := together(6, func(i int) error {
		if i%3 == 2 {
			_, _, err := booking.Create(w.ctx, w.d, w.council.Practitioner, toBook(third))
			return err
		}
		it := []*booking.Booking{one, two}[i%3].Items[0]
		_, err := booking.Swap(w.ctx, w.d, w.house.Owner, booking.SwapWorker{ItemID: it.ID, LaneID: o.Lanes[2].ID, Reason: "She knows him."})
		return err
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		}
	}
	require.Equal(t, 1, won, "%v", errs)
}

func TestT95_WhatIsNearIsFlaggedAndNothingCancelled(t *testing.T) {
	w := newWorld(t)
	o, ada, _ := w.crewed()
	b := w.book(visit(w.child, o, "2027-01-09T10:00", nil))
	w.needs(feed)
	i := w.introduce(w.parent, w.child)
	flags := func(who shortbreaks.Actor, cleared bool) []booking.Flag {
		list, _, err := booking.Flags(w.ctx, w.d, who, cleared, uuid.Nil, 10)
		require.NoError(t, err)
		return list
	}
	look := func(want int) {
		t.Helper()
		n, err := booking.FlagCompetencies(w.ctx, w.d)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	start := b.Items[0].StartsAt
	w.clock.Set(start.Add(-48*time.Hour - time.Minute))
	look(0)
	w.clock.Advance(time.Minute)
	look(1)
	look(0) // once
	require.Len(t, flags(w.house.Coordinator, false), 1)
	require.Equal(t, b.Items[0].ID, flags(w.council.Practitioner, false)[0].ItemID)
	require.Contains(t, flags(w.house.Owner, false)[0].Words(), "Nothing was cancelled.")
	rival, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 3)
	require.NoError(t, err)
	require.Empty(t, flags(rival.Owner, true))
	_, _, err = booking.Flags(w.ctx, w.d, w.parent, true, uuid.Nil, 10)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	now, err := booking.Load(w.ctx, w.d, w.parent, b.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(now))
	w.signOff(ada, i.ID, feed, nil)
	look(1)
	require.Empty(t, flags(w.house.Coordinator, false))
	require.NotNil(t, flags(w.house.Coordinator, true)[0].ClearedAt)
	until := shortbreaks.Date(start).AddDate(0, 0, -1)
	_, err = booking.AddNeed(w.ctx, w.d, w.council.Practitioner, booking.RecordNeed{ChildID: w.child, Task: "Oxygen"})
	require.NoError(t, err)
	w.signOff(ada, i.ID, "Oxygen", &until)
	look(1) // signed off, and lapsed by the day
	require.Len(t, flags(w.house.Coordinator, false), 1)
}

// R120: what a child needs is read by its family, its authority and the
// provider concerned, and by nobody else.
func TestR120_NeedsAreReadByThoseTheyConcern(t *testing.T) {
	w := newWorld(t)
	n := w.needs(feed)
	rival, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 3)
	require.NoError(t, err)
	bracken, err := w.build.NewCouncil(w.ctx, "Brackenvale Council", "bracken", "Brackenvale")
	require.NoError(t, err)
	count := func(who shortbreaks.Actor) (found int) {
		require.NoError(t, w.d.Read(w.ctx, db.For(who), func(tx *db.Tx) error {
			return tx.PGX.QueryRow(w.ctx, `SELECT count(*) FROM child_need`).Scan(&found)
		}))
		return found
	}
	require.Equal(t, []int{1, 0, 0, 0}, []int{count(w.council.Practitioner), count(w.house.Owner), count(rival.Owner), count(bracken.Practitioner)})
	i := w.introduce(w.parent, w.child)
	require.Equal(t, []int{1, 0}, []int{count(w.house.Owner), count(rival.Owner)})
	told, err := booking.ReadIntroduction(w.ctx, w.d, w.house.Coordinator, i.ID)
	require.NoError(t, err)
	require.Equal(t, []string{feed}, told.Tasks)
	_, err = booking.WithdrawIntroduction(w.ctx, w.d, w.parent, i.ID, "We moved away.")
	require.NoError(t, err)
	require.Zero(t, count(w.house.Owner))
	other := w.family("novak", 1)
	list, _, err := booking.Needs(w.ctx, w.d, w.parent, w.child, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, _, err = booking.Needs(w.ctx, w.d, other.Parents[0], w.child, uuid.Nil, 10)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, _, err = booking.Needs(w.ctx, w.d, w.house.Owner, w.child, uuid.Nil, 10)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = booking.AddNeed(w.ctx, w.d, w.parent, booking.RecordNeed{ChildID: w.child, Task: feed})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = booking.EndNeed(w.ctx, w.d, bracken.Practitioner, n.ID, shortbreaks.Date(monday))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = booking.AddNeed(w.ctx, w.d, w.council.Practitioner, booking.RecordNeed{ChildID: w.child, Task: "x", Categories: []string{"golf"}})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}
