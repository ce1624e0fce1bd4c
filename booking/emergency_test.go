package booking_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// somebody is another person of the council in a role.
func (w *world) somebody(role shortbreaks.Role) shortbreaks.Actor {
	return shortbreaks.Actor{Person: shortbreaks.NewID(), Role: role, Authorities: []uuid.UUID{w.council.ID}}
}

// emergencyClub is a Saturday club of so many places, of which some are kept for
// the council until a day before each start.
func (w *world) emergencyClub(capacity, kept int) (*marketplace.OfferDetail, *marketplace.EmergencyPlaces) {
	w.t.Helper()
	d := saturdays(tariffOf(charge("place", "session", 800)))
	d.Sessions.Capacity = capacity
	club := w.publish(d)
	return club, w.keep(club, 0, kept, 24)
}

func (w *world) keep(club *marketplace.OfferDetail, n, places, hours int) *marketplace.EmergencyPlaces {
	w.t.Helper()
	k, err := marketplace.KeepPlaces(w.ctx, w.d, w.house.Owner, marketplace.KeepForEmergency{
		SessionID: club.Sessions[n].ID, AuthorityID: w.council.ID, Places: places, ReleaseHoursBefore: hours,
	})
	require.NoError(w.t, err)
	return k
}

// fundEmergencies puts social care money there for emergencies.
func (w *world) fundEmergencies(pence shortbreaks.Pence) {
	w.t.Helper()
	from, to := demo.FinancialYear(monday)
	f, err := budgets.ProposeContingency(w.ctx, w.d, w.council.Commissioner, budgets.NewContingency{
		Stream: "social_care", AmountPence: pence, Period: &budgets.NewPeriod{Name: "This year", StartsOn: from, EndsOn: to},
	})
	require.NoError(w.t, err)
	_, err = budgets.ApproveContingency(w.ctx, w.d, w.somebody(shortbreaks.Commissioner), f.ID)
	require.NoError(w.t, err)
}

// contingency is what the emergency money comes to: balance and held.
func (w *world) contingency() (balance, held int64) {
	w.t.Helper()
	page, _, err := budgets.ContingencyFundings(w.ctx, w.d, w.council.Finance, uuid.Nil, 1)
	require.NoError(w.t, err)
	return int64(page[0].BalancePence), int64(page[0].HeldPence)
}

func (w *world) requireContingency(balance, held int64) {
	w.t.Helper()
	b, h := w.contingency()
	require.Equal(w.t, []int64{balance, held}, []int64{b, h}, "balance and held of the contingency")
}

func (w *world) emergency(who shortbreaks.Actor, child uuid.UUID, k *marketplace.EmergencyPlaces) (*booking.Emergency, error) {
	e, _, err := booking.BookEmergency(w.ctx, w.d, who, booking.CreateEmergency{
		ChildID: child, CapacityID: k.ID, Stream: "social_care", Reason: "The carer was taken to hospital.",
	})
	return e, err
}

func (w *world) mustEmergency(child uuid.UUID, k *marketplace.EmergencyPlaces) *booking.Emergency {
	w.t.Helper()
	e, err := w.emergency(w.council.Practitioner, child, k)
	require.NoError(w.t, err)
	return e
}

// seen is what everybody is told of a session: its places, and those left.
func (w *world) seen(o *marketplace.OfferDetail, n int) (capacity, left int) {
	w.t.Helper()
	now, err := marketplace.Get(w.ctx, w.d, shortbreaks.Anonymous, o.Offer.ID)
	require.NoError(w.t, err)
	for _, s := range now.Sessions {
		if s.ID == o.Sessions[n].ID {
			return s.Capacity, s.PlacesLeft
		}
	}
	w.t.Fatal("the session is gone")
	return 0, 0
}

func (w *world) requireSeen(o *marketplace.OfferDetail, n, capacity, left int) {
	w.t.Helper()
	c, l := w.seen(o, n)
	require.Equal(w.t, []int{capacity, left}, []int{c, l}, "capacity and places left, as everybody sees them")
}

func (w *world) release() int {
	w.t.Helper()
	n, err := marketplace.ReleaseEmergency(w.ctx, w.d)
	require.NoError(w.t, err)
	return n
}

func TestT53_EmergencyPlacesAreInvisibleUntilTheirReleaseTimeAndReturnOnce(t *testing.T) {
	w := newWorld(t)
	club, kept := w.emergencyClub(3, 2)
	w.fundEmergencies(10_000)
	w.requireSeen(club, 0, 1, 1)
	w.book(ask(w.child, club, 1))
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, ask(w.sibling, club, 1))))
	require.ErrorIs(t, err, booking.ErrSessionFull, "two places are there, and not for a family")
	w.mustEmergency(w.sibling, kept)
	w.requireSeen(club, 0, 2, 0)

	release := kept.StartsAt.Add(-24 * time.Hour)
	w.clock.Set(release.Add(-time.Microsecond))
	require.Zero(t, w.release())
	w.requireSeen(club, 0, 2, 0)
	w.clock.Set(release)
	g := w.guests(2)
	_, err = w.emergency(w.council.Practitioner, g[0].child, kept)
	require.ErrorIs(t, err, marketplace.ErrNotEmergency, "the time does not wait for the sweep")
	var returned atomic.Int64
	for _, err := range together(4, func(int) error {
		n, err := marketplace.ReleaseEmergency(w.ctx, w.d)
		returned.Add(int64(n))
		return err
	}) {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, returned.Load(), "once, by whoever runs it")
	w.requireSeen(club, 0, 3, 1)
	w.booksAs(g[1], ask(g[1].child, club, 1))
	require.Zero(t, w.release())
	w.requireSeen(club, 0, 3, 0)
}

func TestAnEmergencyIsBookedAtAnyHourOnTheContingencyAloneHoweverShortTheBudget(t *testing.T) {
	w := newWorld(t)
	d := saturdays(tariffOf(charge("place", "session", 800), charge("meal", "session", 150)))
	d.NoticeMinutes, d.Instant = 7*24*60, false
	club := w.publish(d)
	kept := w.keep(club, 0, 1, 1)
	poor := w.family("poor", 1).Children[0].ID // no budget, no plan
	_, err := w.emergency(w.council.Practitioner, poor, kept)
	require.ErrorIs(t, err, booking.ErrBudgetTooLow, "there is no emergency money")
	w.fundEmergencies(1500)
	w.clock.Set(kept.StartsAt.Add(-10 * time.Hour)) // midnight, within the notice
	total := shortbreaks.Pence(900)
	_, _, err = booking.BookEmergency(w.ctx, w.d, w.council.Approver, booking.CreateEmergency{
		ChildID: poor, CapacityID: kept.ID, Stream: "social_care", Reason: "Out of hours", ExpectedTotalPence: &total,
	})
	require.ErrorIs(t, err, booking.ErrPriceChanged)
	for _, who := range []shortbreaks.Actor{w.parent, w.house.Owner, w.council.Commissioner, w.council.Finance} {
		_, err = w.emergency(who, poor, kept)
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	e := w.mustEmergency(poor, kept)
	require.Equal(t, booking.Confirmed, e.State, "the provider agreed when it kept the place")
	require.Equal(t, "2027-01-11", e.DecideBy.Format(time.DateOnly), "Saturday's is decided on Monday")
	w.requireContingency(1500, 950)
	b, err := booking.Load(w.ctx, w.d, w.council.Practitioner, e.BookingID)
	require.NoError(t, err)
	require.True(t, b.OnBehalf)
	require.Equal(t, payments.PayerContingency, b.Items[0].Charges[0].Payer)
	require.Nil(t, b.Items[0].Charges[0].LineID)

	second := w.keep(club, 1, 1, 1)
	_, err = w.emergency(w.council.Practitioner, poor, second)
	require.ErrorIs(t, err, booking.ErrBudgetTooLow, "never an overdraft of the contingency either")
	w.requireSeen(club, 1, 9, 9)

	w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	w.clock.Set(w.clock.Now().AddDate(0, 0, 8))
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	require.Equal(t, 2, w.release())
	w.requireContingency(550, 0)
	require.Equal(t, int64(950), w.owed()[payments.PayableByAuthority])
}

func TestManyDutyOfficersForTheLastEmergencyPlacesGetExactlyThose(t *testing.T) {
	w := newWorld(t)
	club, kept := w.emergencyClub(5, 3)
	w.fundEmergencies(100_000)
	g := w.guests(12)
	errs := together(12, func(i int) error {
		_, err := w.emergency(w.somebody(shortbreaks.Practitioner), g[i].child, kept)
		return err
	})
	oneOf(t, errs, 3, marketplace.ErrNotEmergency)
	w.requireSeen(club, 0, 5, 2)
	w.requireContingency(100_000, 2400)
}

func TestPlacesGivenUpWhileTheyAreBookedAreCountedOnce(t *testing.T) {
	w := newWorld(t)
	club, kept := w.emergencyClub(9, 6)
	w.fundEmergencies(100_000)
	g := w.guests(10)
	quotes := make([]*booking.Quote, len(g))
	for i := range g {
		quotes[i] = w.quote(g[i].parent, ask(g[i].child, club, 1))
	}
	errs := together(12, func(i int) error {
		switch {
		case i < 5:
			_, err := w.emergency(w.somebody(shortbreaks.Practitioner), g[i].child, kept)
			return err
		case i < 10: // families take what there is
			_, _, err := booking.Create(w.ctx, w.d, g[i].parent, toBook(quotes[i]))
			return err
		}
		_, err := marketplace.EndKeeping(w.ctx, w.d, w.council.Commissioner, kept.ID)
		return err
	})
	taken, ended := 0, 0
	for _, err := range errs {
		switch {
		case err == nil:
			taken++
		case errors.Is(err, booking.ErrWrongState):
			ended++
		default:
			require.True(t, errors.Is(err, marketplace.ErrNotEmergency) || errors.Is(err, booking.ErrSessionFull), "%v", err)
		}
	}
	require.Equal(t, 1, ended, "the second who gives them up finds them given up")
	capacity, left := w.seen(club, 0)
	require.Equal(t, 9, capacity, "every place is on sale or booked, and there is no more")
	require.Equal(t, 9-(taken-1), left)
}

func TestWhatAProviderKeepsIsPartOfTheWholeWhenItChangesASession(t *testing.T) {
	w := newWorld(t)
	club, kept := w.emergencyClub(4, 2)
	w.fundEmergencies(10_000)
	w.book(ask(w.child, club, 1))
	owner, session := w.house.Owner, club.Sessions[0].ID
	change := func(capacity int) error {
		_, err := marketplace.ChangeSessions(w.ctx, w.d, owner, marketplace.SessionChange{OfferID: club.Offer.ID, From: shortbreaks.Date(monday), Capacity: &capacity})
		return err
	}
	require.ErrorIs(t, change(2), marketplace.ErrBelowTaken, "one is booked and two are kept")
	beyond, err := booking.Beyond(w.ctx, w.d, owner, session, 2)
	require.NoError(t, err)
	require.Len(t, beyond, 1, "the booking is in the way of what is kept")
	require.NoError(t, change(3))
	w.requireSeen(club, 0, 1, 0)
	require.NoError(t, change(6))
	w.requireSeen(club, 0, 4, 3)
	w.mustEmergency(w.sibling, kept)
	require.NoError(t, change(5))
	w.requireSeen(club, 0, 4, 2)
	_, err = marketplace.KeepPlaces(w.ctx, w.d, owner, marketplace.KeepForEmergency{SessionID: session, AuthorityID: w.council.ID, Places: 1, ReleaseHoursBefore: 24})
	require.ErrorIs(t, err, booking.ErrWrongState, "one lot for an authority at a time")
	other, err := w.build.NewCouncil(w.ctx, "Bracken", "bracken", "Bracken")
	require.NoError(t, err)
	_, err = marketplace.KeepPlaces(w.ctx, w.d, owner, marketplace.KeepForEmergency{SessionID: session, AuthorityID: other.ID, Places: 3, ReleaseHoursBefore: 24})
	require.ErrorIs(t, err, marketplace.ErrBelowTaken, "only free places")
	w.clock.Set(kept.StartsAt.Add(-24 * time.Hour))
	require.Equal(t, 1, w.release())
	w.requireSeen(club, 0, 5, 3)

	// A session called off keeps nothing, and gives it back once.
	second := w.keep(club, 1, 2, 24)
	_, _, err = booking.CallOffSession(w.ctx, w.d, owner, club.Sessions[1].ID, "No heating.")
	require.NoError(t, err)
	_, err = w.emergency(w.council.Practitioner, w.sibling, second)
	require.Error(t, err)
	_, err = marketplace.EndKeeping(w.ctx, w.d, owner, second.ID)
	require.ErrorIs(t, err, booking.ErrWrongState)
	// One moved keeps its hours before the start.
	third := w.keep(club, 2, 1, 24)
	_, err = marketplace.MoveSession(w.ctx, w.d, owner, marketplace.SessionMove{SessionID: club.Sessions[2].ID, On: shortbreaks.Date(third.StartsAt.AddDate(0, 0, 1)), From: "10:00", To: "13:00"})
	require.NoError(t, err)
	w.clock.Set(third.StartsAt.Add(-24 * time.Hour))
	require.Zero(t, w.release())
	w.clock.Set(third.StartsAt)
	require.Equal(t, 1, w.release())
	w.requireSeen(club, 2, 5, 5)
	// An offer that ends keeps nothing either.
	fourth := w.keep(club, 5, 1, 24)
	_, _, err = booking.EndOffer(w.ctx, w.d, owner, marketplace.EndOffer{OfferID: club.Offer.ID, From: shortbreaks.Date(fourth.StartsAt), Reason: "The hall is sold."})
	require.NoError(t, err)
	w.clock.Set(fourth.StartsAt)
	require.Zero(t, w.release())
}

// linesOf are the lines of a child's plan.
func (w *world) linesOf(child uuid.UUID) []uuid.UUID {
	w.t.Helper()
	b, err := budgets.Get(w.ctx, w.d, w.council.Approver, child)
	require.NoError(w.t, err)
	ids := make([]uuid.UUID, len(b.Lines))
	for i, l := range b.Lines {
		ids[i] = l.ID
	}
	return ids
}

func (w *world) settleEmergency(e *booking.Emergency) {
	w.t.Helper()
	b, err := booking.Load(w.ctx, w.d, w.council.Practitioner, e.BookingID)
	require.NoError(w.t, err)
	w.deliver(b.Items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	w.clock.Set(w.clock.Now().AddDate(0, 0, 8))
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(w.t, err)
	w.release()
}

func TestAnEmergencyIsReChargedToTheBudgetOnceAndNeverIntoAnOverdraft(t *testing.T) {
	w := newWorld(t)
	_, kept := w.emergencyClub(5, 2)
	w.fundEmergencies(10_000)
	e := w.mustEmergency(w.child, kept)
	w.requireMoney(w.child, 0, 0, 100_000) // the budget knows nothing of it
	lines := w.linesOf(w.child)
	approver := w.council.Approver
	decide := booking.DecideEmergency{BookingID: e.BookingID, Decision: booking.GoesToBudget, LineID: &lines[0]}

	self, err := w.emergency(approver, w.sibling, kept)
	require.NoError(t, err)
	_, err = booking.DecideEmergency{BookingID: self.BookingID, Decision: booking.StaysOnContingency}.Decide(w.ctx, w.d, approver)
	require.ErrorIs(t, err, budgets.ErrApproverIsProposer)
	siblings := w.linesOf(w.sibling)
	_, err = booking.DecideEmergency{BookingID: e.BookingID, Decision: booking.GoesToBudget, LineID: &siblings[0]}.Decide(w.ctx, w.d, approver)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "another child's line")
	small := w.line(w.child, budgets.NewPlanLine{LimitAmount: 799})
	_, err = booking.DecideEmergency{BookingID: e.BookingID, Decision: booking.GoesToBudget, LineID: &small.ID}.Decide(w.ctx, w.d, approver)
	require.ErrorIs(t, err, booking.ErrBudgetTooLow)
	meals := w.line(w.child, budgets.NewPlanLine{PaysKinds: []string{"meal"}})
	_, err = booking.DecideEmergency{BookingID: e.BookingID, Decision: booking.GoesToBudget, LineID: &meals.ID}.Decide(w.ctx, w.d, approver)
	require.ErrorIs(t, err, booking.ErrNotAllowed)

	decided, err := decide.Decide(w.ctx, w.d, approver)
	require.NoError(t, err)
	require.Nil(t, decided.RechargedPence, "nothing is spent yet")
	n, err := booking.PostRecharges(w.ctx, w.d)
	require.NoError(t, err)
	require.Zero(t, n)
	w.settleEmergency(e)
	w.requireContingency(9200, 800) // the sibling's is still held
	for _, err := range together(3, func(int) error { _, err := booking.PostRecharges(w.ctx, w.d); return err }) {
		require.NoError(t, err)
	}
	w.requireContingency(10_000, 800)
	w.requireMoney(w.child, 0, 800, 99_200)
	_, err = decide.Decide(w.ctx, w.d, approver)
	require.ErrorIs(t, err, booking.ErrWrongState, "once")
	require.Equal(t, int64(800), w.owed()[payments.PayableByAuthority], "the provider is owed what it was owed before")
}

func TestAReChargeTheBudgetCannotBearAnyMoreStaysOnTheContingencyAndSaysSo(t *testing.T) {
	w := newWorld(t)
	club, kept := w.emergencyClub(5, 1)
	w.fundEmergencies(10_000)
	tight := w.family("tight", 1)
	child := tight.Children[0].ID
	w.allocate(child, "social_care", payments.InPence, 1000)
	line := w.line(child, budgets.NewPlanLine{})
	e := w.mustEmergency(child, kept)
	decide := booking.DecideEmergency{BookingID: e.BookingID, Decision: booking.GoesToBudget, LineID: &line.ID}
	_, err := decide.Decide(w.ctx, w.d, w.council.Approver)
	require.NoError(t, err)
	later := ask(child, club, 1)
	later.SessionIDs[0] = club.Sessions[3].ID
	w.booksAs(guest{tight.Parents[0], child}, later) // takes 800 of the 1,000
	w.settleEmergency(e)
	_, err = booking.PostRecharges(w.ctx, w.d)
	require.NoError(t, err)
	w.requireMoney(child, 800, 0, 200)
	w.requireContingency(9200, 0)
	page, _, err := booking.Emergencies(w.ctx, w.d, w.council.Approver, true, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, page, 1, "it is on the list again")
	require.Contains(t, page[0].Words, "could not be re-charged")
	_, err = decide.Decide(w.ctx, w.d, w.council.Approver)
	require.ErrorIs(t, err, booking.ErrBudgetTooLow)
	_, err = booking.DecideEmergency{BookingID: e.BookingID, Decision: booking.StaysOnContingency, Words: "Agreed."}.Decide(w.ctx, w.d, w.council.Approver)
	require.NoError(t, err)
	page, _, err = booking.Emergencies(w.ctx, w.d, w.council.Approver, true, uuid.Nil, 10)
	require.NoError(t, err)
	require.Empty(t, page)
}

func TestEmergencyMoneyTakesTwoPeopleAndIsAddedOnce(t *testing.T) {
	w := newWorld(t)
	from, to := demo.FinancialYear(monday)
	f, err := budgets.ProposeContingency(w.ctx, w.d, w.council.Commissioner, budgets.NewContingency{
		Stream: "social_care", AmountPence: 5000, Period: &budgets.NewPeriod{Name: "This year", StartsOn: from, EndsOn: to},
	})
	require.NoError(t, err)
	w.requireContingency(0, 0)
	_, err = budgets.ApproveContingency(w.ctx, w.d, w.council.Commissioner, f.ID)
	require.ErrorIs(t, err, budgets.ErrApproverIsProposer)
	_, err = budgets.ApproveContingency(w.ctx, w.d, w.council.Approver, f.ID)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	errs := together(4, func(int) error {
		_, err := budgets.ApproveContingency(w.ctx, w.d, w.somebody(shortbreaks.Commissioner), f.ID)
		return err
	})
	oneOf(t, errs, 1, budgets.ErrAlreadyApproved)
	w.requireContingency(5000, 0)
}
