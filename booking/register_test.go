package booking_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// engage adds workers to the provider.
func (w *world) engage(names ...string) []uuid.UUID {
	w.t.Helper()
	var ids []uuid.UUID
	for _, name := range names {
		made, err := marketplace.CreateWorker(w.ctx, w.d, w.house.Owner, w.house.ID, marketplace.WorkerFacts{Name: name})
		require.NoError(w.t, err)
		ids = append(ids, made.ID)
	}
	return ids
}

// keeps makes the family's collection list: the grandmother, and a password.
func (w *world) keeps(password string) {
	w.t.Helper()
	_, err := booking.KeepCollection(w.ctx, w.d, w.parent, booking.SetCollection{
		ChildID: w.child, People: []booking.Collector{{Name: "Grace Oakley", Relation: "grandmother"}}, Password: &password,
	})
	require.NoError(w.t, err)
}

func (w *world) note(it *booking.Item, n booking.NoteStep) (*booking.Register, error) {
	n.ItemID = it.ID
	if n.NotedAt.IsZero() {
		n.NotedAt = w.clock.Now()
	}
	return booking.Note(w.ctx, w.d, w.house.Worker, n)
}

func at(t time.Time) *time.Time { return &t }

func TestTheRegisterNamesAChildOnlyAroundItsTime(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	w.keeps("purple umbrella")
	it := w.book(ask(w.child, club, 1)).Items[0]
	read := func() booking.Expected {
		reg, err := booking.ReadRegister(w.ctx, w.d, w.house.Worker, *it.SessionID)
		require.NoError(t, err)
		require.Len(t, reg.Children, 1)
		return reg.Children[0]
	}
	for _, c := range []struct {
		at            time.Time
		name, collect bool
	}{
		{it.StartsAt.Add(-48*time.Hour - time.Second), false, false},
		{it.StartsAt.Add(-48 * time.Hour), true, true},
		{it.EndsAt.Add(3*time.Hour - time.Second), true, true},
		{it.EndsAt.Add(3 * time.Hour), true, false},
		{it.EndsAt.Add(48*time.Hour - time.Second), true, false},
		{it.EndsAt.Add(48 * time.Hour), false, false},
	} {
		w.clock.Set(c.at)
		e := read()
		require.Equal(t, c.name, e.FirstName == "ChildA", c.at)
		require.Equal(t, c.collect, len(e.Collectors) == 1 && e.HasPassword, c.at)
	}
	_, err := booking.ReadRegister(w.ctx, w.d, w.parent, *it.SessionID)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	other, err := w.build.NewHouse(w.ctx, "Moor Lane", "moor", 2)
	require.NoError(t, err)
	_, err = booking.ReadRegister(w.ctx, w.d, other.Coordinator, *it.SessionID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = booking.Note(w.ctx, w.d, other.Coordinator, booking.NoteStep{ItemID: it.ID, Kind: booking.StepArrived, At: &it.StartsAt, NotedAt: w.clock.Now()})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}

func TestARegisterWrittenInStepsIsFiledWithThem(t *testing.T) {
	w := newWorld(t)
	byTime := tariffOf(charge("place", "session", 900))
	byTime.Options[0].BilledOn = "attended"
	it := w.book(ask(w.child, w.publish(saturdays(byTime)), 1)).Items[0]
	w.keeps("purple umbrella")
	w.clock.Set(it.StartsAt.Add(2 * time.Hour))
	left := booking.NoteStep{Kind: booking.StepLeft, At: at(it.StartsAt.Add(time.Hour)), CollectedBy: "grace oakley", NotedAt: it.StartsAt.Add(time.Hour)}
	came := booking.NoteStep{Kind: booking.StepArrived, At: &it.StartsAt, NotedAt: it.StartsAt}
	for _, n := range []booking.NoteStep{left, came, left, came} { // offline: in any order, more than once
		_, err := w.note(it, n)
		require.NoError(t, err)
	}
	reg, err := w.note(it, booking.NoteStep{Kind: booking.StepArrived, At: at(it.StartsAt.Add(-time.Hour)), NotedAt: it.StartsAt.Add(-time.Minute)})
	require.NoError(t, err)
	require.Equal(t, it.StartsAt, reg.Children[0].Noted.ArrivedAt.UTC(), "what was noted later counts, though it came first")
	require.Equal(t, "listed", reg.Children[0].Noted.CollectedHow)
	require.Empty(t, reg.Children[0].Collectors, "gone: nobody has to be looked up any more")

	filed, err := booking.Record(w.ctx, w.d, w.house.Worker, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.PartlyDelivered})
	require.NoError(t, err)
	require.EqualValues(t, 300, *filed.ChargePence, "T58: an hour of three, from the steps")
	require.Equal(t, "grace oakley", filed.Delivery.CollectedBy)
	var rows int
	require.NoError(t, w.d.Read(w.ctx, db.For(w.house.Worker), func(tx *db.Tx) error {
		return tx.PGX.QueryRow(w.ctx, `SELECT count(*) FROM register_step`).Scan(&rows)
	}))
	require.Equal(t, 3, rows, "a step sent again is the same step")
}

func TestAnAbsenceNotedAfterAnArrivalCounts(t *testing.T) {
	w := newWorld(t)
	it := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)).Items[0]
	w.clock.Set(it.StartsAt.Add(time.Hour))
	_, err := w.note(it, booking.NoteStep{Kind: booking.StepAbsent, Cause: "transport_failed", NotedAt: it.StartsAt.Add(10 * time.Minute)})
	require.NoError(t, err)
	reg, err := w.note(it, booking.NoteStep{Kind: booking.StepArrived, At: at(it.StartsAt.Add(20 * time.Minute)), NotedAt: it.StartsAt.Add(20 * time.Minute)})
	require.NoError(t, err)
	require.False(t, reg.Children[0].Noted.Absent, "it came after all")
	reg, err = w.note(it, booking.NoteStep{Kind: booking.StepAbsent, Cause: "transport_failed", NotedAt: it.StartsAt.Add(30 * time.Minute)})
	require.NoError(t, err)
	require.True(t, reg.Children[0].Noted.Absent)
	require.Nil(t, reg.Children[0].Noted.ArrivedAt)
	require.Zero(t, reg.StaffNeeded, "nobody is expected any more")
	filed, err := booking.Record(w.ctx, w.d, w.house.Worker, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.NoShow})
	require.NoError(t, err)
	require.Equal(t, "transport_failed", filed.Delivery.Cause)
}

func TestStepsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	it := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)).Items[0]
	w.clock.Set(it.StartsAt)
	for name, n := range map[string]booking.NoteStep{
		"the phone is ahead":       {Kind: booking.StepArrived, At: &it.StartsAt, NotedAt: it.StartsAt.Add(6 * time.Minute)},
		"another day":              {Kind: booking.StepArrived, At: at(it.StartsAt.Add(-24 * time.Hour))},
		"no time":                  {Kind: booking.StepArrived},
		"an absence with a time":   {Kind: booking.StepAbsent, At: &it.StartsAt},
		"collected while arriving": {Kind: booking.StepArrived, At: &it.StartsAt, CollectedBy: "Grace Oakley"},
		"no such step":             {Kind: "sneezed"},
	} {
		_, err := w.note(it, n)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, name)
	}
	w.clock.Set(it.StartsAt.Add(-4 * time.Hour))
	_, err := w.note(it, booking.NoteStep{Kind: booking.StepAbsent})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "too early to be absent")
	w.clock.Set(it.StartsAt.Add(time.Hour))
	w.deliver(it, booking.RecordAttendance{Outcome: booking.Delivered})
	_, err = booking.Confirm(w.ctx, w.d, w.parent, it.ID)
	require.NoError(t, err)
	_, err = w.note(it, booking.NoteStep{Kind: booking.StepLeft, At: at(it.StartsAt.Add(time.Hour))})
	require.ErrorIs(t, err, booking.ErrWrongState, "settled")
}

func TestOnlySomebodyListedOrWithThePasswordCollectsAChild(t *testing.T) {
	w := newWorld(t)
	it := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)).Items[0]
	w.clock.Set(it.EndsAt)
	n := 0
	leaves := func(by, password string) error {
		n++
		_, err := w.note(it, booking.NoteStep{Kind: booking.StepLeft, At: &it.EndsAt, CollectedBy: by, Password: password, NotedAt: it.EndsAt.Add(time.Duration(n) * time.Second)})
		return err
	}
	require.NoError(t, leaves("Anybody", ""), "no list is kept")
	w.keeps("purple umbrella")
	require.ErrorIs(t, leaves("", ""), shortbreaks.ErrInvalid, "somebody has to be named")
	require.ErrorIs(t, leaves("Uncle Bob", ""), booking.ErrNotOnList)
	require.NoError(t, leaves("Uncle Bob", " Purple UMBRELLA "))
	for range 5 {
		require.ErrorIs(t, leaves("Uncle Bob", "red umbrella"), booking.ErrWrongPassword)
	}
	require.ErrorIs(t, leaves("Uncle Bob", "purple umbrella"), booking.ErrTooManyTries, "even the right one")
	require.NoError(t, leaves("Grace Oakley", ""), "who is listed needs none")
	w.clock.Advance(15*time.Minute + time.Second)
	require.NoError(t, leaves("Uncle Bob", "purple umbrella"))
	w.keeps("")
	require.ErrorIs(t, leaves("Uncle Bob", "purple umbrella"), booking.ErrNotOnList, "no password is kept")
}

func TestFiveGuessesAtOnceAreFiveAndNoMore(t *testing.T) {
	w := newWorld(t)
	var items []*booking.Item // of one child, at two doors
	for range 2 {
		items = append(items, w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 800)))), 1)).Items[0])
	}
	it := items[0]
	w.keeps("purple umbrella")
	w.clock.Set(it.EndsAt)
	errs := together(9, func(i int) error {
		for { // passwords are slow to check: who waits too long for a turn is told to try again
			_, err := w.note(items[i%2], booking.NoteStep{Kind: booking.StepLeft, At: &it.EndsAt, CollectedBy: "Bob", Password: "wrong one", NotedAt: it.EndsAt.Add(time.Duration(i) * time.Millisecond)})
			if !db.Unavailable(err) {
				return err
			}
		}
	})
	wrong := 0
	for _, err := range errs {
		if errors.Is(err, booking.ErrWrongPassword) {
			wrong++
		} else {
			require.ErrorIs(t, err, booking.ErrTooManyTries)
		}
	}
	require.Equal(t, 5, wrong)
}

func TestACollectionListIsTheFamilysAndHoldsNoTelephone(t *testing.T) {
	w := newWorld(t)
	w.keeps("purple umbrella")
	list, err := booking.Collection(w.ctx, w.d, w.council.Practitioner, w.child)
	require.NoError(t, err)
	require.True(t, list.HasPassword)
	keep := func(who shortbreaks.Actor, c booking.SetCollection) error {
		c.ChildID = w.child
		_, err := booking.KeepCollection(w.ctx, w.d, who, c)
		return err
	}
	require.NoError(t, keep(w.parent, booking.SetCollection{}), "nobody, and the password stays")
	list, err = booking.Collection(w.ctx, w.d, w.parent, w.child)
	require.NoError(t, err)
	require.True(t, list.HasPassword)
	require.Empty(t, list.People)
	require.ErrorIs(t, keep(w.parent, booking.SetCollection{People: []booking.Collector{{Name: "Bob 07700 900123", Relation: "uncle"}}}), marketplace.ErrContactDetails)
	short := "abc"
	require.ErrorIs(t, keep(w.parent, booking.SetCollection{Password: &short}), shortbreaks.ErrInvalid)
	require.ErrorIs(t, keep(w.family("stranger", 1).Parents[0], booking.SetCollection{}), shortbreaks.ErrNotFound)
	for _, who := range []shortbreaks.Actor{w.council.Practitioner, w.council.Finance, w.council.Commissioner, w.house.Coordinator} {
		require.ErrorIs(t, keep(who, booking.SetCollection{}), shortbreaks.ErrForbidden)
	}
	_, err = booking.Collection(w.ctx, w.d, w.house.Coordinator, w.child)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden, "a provider reads it only in a register")
}

func TestTooFewStaffAreWarnedOfAndRecorded(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800)))) // one of staff for three
	workers := w.engage("Ada Cole", "Ben Day")
	it := w.book(ask(w.child, club, 1)).Items[0]
	for range 3 {
		home := w.family("f"+shortbreaks.NewID().String()[:8], 1)
		_, _, err := booking.Create(w.ctx, w.d, home.Parents[0], toBook(w.quote(home.Parents[0], booking.CreateQuote{
			ChildID: home.Children[0].ID, OfferID: club.Offer.ID, SessionIDs: []uuid.UUID{*it.SessionID}, FamilyPays: "direct",
		})))
		require.NoError(t, err)
	}
	staff := func(noted time.Time, ids ...uuid.UUID) (*booking.Register, error) {
		return booking.NoteStaffPresent(w.ctx, w.d, w.house.Worker, booking.NoteStaff{Occasion: *it.SessionID, WorkerIDs: ids, NotedAt: noted})
	}
	_, err := staff(monday, workers[0])
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "days before")
	w.clock.Set(it.StartsAt)
	reg, err := staff(it.StartsAt, workers[0])
	require.NoError(t, err)
	require.Equal(t, 2, reg.StaffNeeded, "four children, one for three")
	require.Equal(t, "1 member of staff here and 2 staff needed. Call for help, or tell the families.", reg.Warning)
	reg, err = staff(it.StartsAt.Add(-time.Minute), workers[0], workers[1])
	require.NoError(t, err)
	require.NotEmpty(t, reg.Warning, "noted before, sent after")
	reg, err = staff(it.StartsAt.Add(time.Minute), workers[0], workers[1])
	require.NoError(t, err)
	require.Empty(t, reg.Warning)
	require.True(t, reg.StaffNoted && reg.Staff[0].Present && reg.Staff[1].Present)
	_, err = staff(it.StartsAt.Add(2*time.Minute), shortbreaks.NewID())
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}

func TestTheRegistersOfADayAreInOrderOfTime(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	hours := w.publish(hourly(1000))
	it := w.book(ask(w.child, club, 1)).Items[0]
	visit := w.book(booking.CreateQuote{ChildID: w.sibling, OfferID: hours.Offer.ID, Visits: []marketplace.Visit{{LocalStart: "2027-01-09T09:00", Minutes: 60}}}).Items[0]
	day := time.Date(2027, 1, 9, 0, 0, 0, 0, time.UTC)
	first, more, err := booking.Registers(w.ctx, w.d, w.house.Worker, booking.ListRegisters{Day: day, Limit: 1})
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, visit.ID, first[0].ID)
	require.Equal(t, "visit", first[0].Kind)
	rest, more, err := booking.Registers(w.ctx, w.d, w.house.Worker, booking.ListRegisters{Day: day, Limit: 1, After: first[0].StartsAt, AfterID: first[0].ID})
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, *it.SessionID, rest[0].ID)
	none, _, err := booking.Registers(w.ctx, w.d, w.house.Worker, booking.ListRegisters{Day: day.AddDate(0, 0, 1), Limit: 10})
	require.NoError(t, err)
	require.Empty(t, none)
	worker := shortbreaks.NewID()
	none, _, err = booking.Registers(w.ctx, w.d, w.house.Worker, booking.ListRegisters{Day: day, Limit: 10, WorkerID: &worker})
	require.NoError(t, err)
	require.Empty(t, none)
}
