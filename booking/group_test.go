package booking_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// groupOf is a club that runs if three come, decided two days before.
func groupOf(c ...func(*marketplace.OfferDraft)) marketplace.OfferDraft {
	d := saturdays(tariffOf(charge("place", "session", 800)))
	d.Sessions.Minimum = &marketplace.MinimumDraft{Places: 3, DecideHoursBefore: 48}
	for _, change := range c {
		change(&d)
	}
	return d
}

// guest is one more child with money, and its parent.
type guest struct {
	parent shortbreaks.Actor
	child  uuid.UUID
}

func (w *world) guests(n int) []guest {
	w.t.Helper()
	all := make([]guest, n)
	for i := range all {
		home := w.family(fmt.Sprintf("guest%d", i), 1)
		all[i] = guest{home.Parents[0], home.Children[0].ID}
		w.allocate(all[i].child, "social_care", payments.InPence, 100_000)
		w.line(all[i].child, budgets.NewPlanLine{})
	}
	return all
}

// booksAs quotes and books as another family.
func (w *world) booksAs(g guest, c booking.CreateQuote) *booking.Booking {
	w.t.Helper()
	c.ChildID = g.child
	basket, _, err := booking.Create(w.ctx, w.d, g.parent, toBook(w.quote(g.parent, c)))
	require.NoError(w.t, err)
	return basket.Bookings[0]
}

func (w *world) load(g guest, b *booking.Booking) *booking.Booking {
	w.t.Helper()
	got, err := booking.Load(w.ctx, w.d, g.parent, b.ID)
	require.NoError(w.t, err)
	return got
}

func (w *world) decide() int {
	w.t.Helper()
	n, err := booking.DecideGroups(w.ctx, w.d)
	require.NoError(w.t, err)
	return n
}

func (w *world) minimum(o *marketplace.OfferDetail) (m *marketplace.Minimum, neededMore int) {
	w.t.Helper()
	now, err := marketplace.Get(w.ctx, w.d, shortbreaks.Anonymous, o.Offer.ID)
	require.NoError(w.t, err)
	i := slices.IndexFunc(now.Sessions, func(s marketplace.SessionDetail) bool { return s.ID == o.Sessions[0].ID })
	require.GreaterOrEqual(w.t, i, 0)
	return now.Sessions[i].Minimum, now.Sessions[i].Minimum.Needed(now.Sessions[i].Taken)
}

func TestT45_BelowTheMinimumAllPlacesAndAllMoneyAreReleasedOnce(t *testing.T) {
	w := newWorld(t)
	club := w.publish(groupOf())
	others := w.guests(1)
	first, second := w.book(ask(w.child, club, 1)), w.booksAs(others[0], ask(w.child, club, 1))
	require.Equal(t, []booking.State{booking.Conditional}, stateOf(first))
	require.Equal(t, club.Sessions[0].StartsAt.Add(-48*time.Hour), *first.Items[0].ExpiresAt)
	w.requireMoney(w.child, 800, 0, 99_200)
	_, needed := w.minimum(club)
	require.Equal(t, 1, needed, "one more family makes it run")

	w.clock.Set(first.Items[0].ExpiresAt.Add(-time.Microsecond))
	require.Zero(t, w.decide(), "not before its time")
	w.clock.Set(*first.Items[0].ExpiresAt)
	n, err := booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	require.Zero(t, n, "a place on condition does not run out: it is decided")
	moved := make(chan int, 4)
	for _, err := range together(4, func(int) error {
		n, err := booking.DecideGroups(w.ctx, w.d)
		moved <- n
		return err
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 2, <-moved+<-moved+<-moved+<-moved, "each place moved once")
	require.Zero(t, w.decide(), "and again nothing")
	require.Equal(t, []booking.State{booking.CancelledByProvider}, stateOf(w.load(guest{w.parent, w.child}, first)))
	require.Equal(t, []booking.State{booking.CancelledByProvider}, stateOf(w.load(others[0], second)))
	w.requireMoney(w.child, 0, 0, 100_000)
	w.requireMoney(others[0].child, 0, 0, 100_000)
	require.Empty(t, w.owed())
	_, err = booking.MakeQuote(w.ctx, w.d, w.parent, ask(w.sibling, club, 1))
	require.ErrorIs(t, err, marketplace.ErrOfferClosed, "it is called off")
	next := ask(w.sibling, club, 2)
	next.SessionIDs = next.SessionIDs[1:]
	require.Equal(t, []booking.State{booking.Conditional}, stateOf(w.book(next)), "the next one is still open")

	w.clock.Set(first.Items[0].EndsAt.Add(time.Hour))
	_, err = booking.CountReliability(w.ctx, w.d)
	require.NoError(t, err)
	var failed int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT coalesce(sum(sessions - as_booked), 0) FROM reliability`).Scan(&failed))
	require.Zero(t, failed, "too few families is nobody's fault")
}

func TestT46_AtTheMinimumAllAreConfirmedAndStayIt(t *testing.T) {
	w := newWorld(t)
	club := w.publish(groupOf())
	others := w.guests(2)
	first := w.book(ask(w.child, club, 1))
	second, third := w.booksAs(others[0], ask(w.child, club, 1)), w.booksAs(others[1], ask(w.child, club, 1))
	require.Zero(t, w.decide(), "enough, but the offer does not say so early")
	stale := w.quote(w.parent, ask(w.sibling, club, 1))
	w.clock.Set(*first.Items[0].ExpiresAt)
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(stale))
	require.Error(t, err, "the quote has run out; nobody slips in while it is decided")
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, ask(w.sibling, club, 1))))
	require.ErrorIs(t, err, marketplace.ErrOfferClosed, "it is being decided")
	require.Equal(t, 3, w.decide())
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(w.load(guest{w.parent, w.child}, first)))

	_, err = booking.Cancel(w.ctx, w.d, others[0].parent, booking.CancelBooking{BookingID: second.ID, Reason: "ill"})
	require.NoError(t, err)
	require.Zero(t, w.decide(), "one that leaves later undoes nothing")
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(w.load(others[1], third)))
	m, needed := w.minimum(club)
	require.NotNil(t, m.DecidedAt)
	require.Zero(t, needed)
	late := w.book(ask(w.sibling, club, 1))
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(late), "it runs: who comes now is confirmed at once")
}

func TestAGroupMayBeConfirmedAsSoonAsItIsReached(t *testing.T) {
	w := newWorld(t)
	club := w.publish(groupOf(func(d *marketplace.OfferDraft) { d.Sessions.Minimum.ConfirmEarly = true }))
	others := w.guests(2)
	first := w.book(ask(w.child, club, 1))
	w.booksAs(others[0], ask(w.child, club, 1))
	require.Zero(t, w.decide())
	w.booksAs(others[1], ask(w.child, club, 1))
	require.Equal(t, 3, w.decide())
	require.Nil(t, w.load(guest{w.parent, w.child}, first).Items[0].ExpiresAt)
}

// TestAGroupIsDecidedWhileFamiliesComeAndGo races bookings, cancellations and
// the decision: whatever wins, all places in a session end alike.
func TestAGroupIsDecidedWhileFamiliesComeAndGo(t *testing.T) {
	w := newWorld(t)
	club := w.publish(groupOf(func(d *marketplace.OfferDraft) { d.Sessions.Minimum.ConfirmEarly = true }))
	all := append(w.guests(10), guest{w.parent, w.child})
	quotes := make([]*booking.Quote, len(all))
	for i, g := range all {
		quotes[i] = w.quote(g.parent, ask(g.child, club, 1))
	}
	errs := together(3*len(all), func(i int) error {
		g := all[i%len(all)]
		if i >= 2*len(all) {
			_, err := booking.DecideGroups(w.ctx, w.d)
			return err
		}
		if i >= len(all) {
			return nil
		}
		basket, _, err := booking.Create(w.ctx, w.d, g.parent, toBook(quotes[i]))
		if err == nil && i%2 == 0 {
			_, err = booking.Cancel(w.ctx, w.d, g.parent, booking.CancelBooking{BookingID: basket.Bookings[0].ID, Reason: "ill"})
		}
		return err
	})
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, booking.ErrSessionFull)
		}
	}
	w.decide()
	owner := dbtest.Owner(t, w.d)
	var states []string
	require.NoError(t, owner.QueryRow(context.WithoutCancel(w.ctx), `SELECT array_agg(DISTINCT state) FROM booking_item WHERE item_is_live(state)`).Scan(&states))
	require.Len(t, states, 1, "all alike")
}

func TestT90_APriceForTheGroupIsSharedByThoseWhoAreInIt(t *testing.T) {
	w := newWorld(t)
	whole := charge("place", "session", 10_000)
	whole.Basis, whole.SmallestGroup = "per_group", 3
	club := w.publish(groupOf(func(d *marketplace.OfferDraft) { d.Tariff = tariffOf(whole, charge("meal", "session", 300)) }))
	others := w.guests(3)
	first := w.book(ask(w.child, club, 1))
	for _, g := range others {
		w.booksAs(g, ask(w.child, club, 1))
	}
	w.requireMoney(w.child, 3334+300, 0, 100_000-3634) // the share of the smallest group
	w.clock.Set(*first.Items[0].ExpiresAt)
	require.Equal(t, 4, w.decide())
	w.requireMoney(w.child, 2500+300, 0, 100_000-2800)
	got := w.load(guest{w.parent, w.child}, first)
	require.EqualValues(t, 2800, got.TotalPence)
	require.EqualValues(t, 2800, got.Items[0].PricePence)
	b, err := budgets.Get(w.ctx, w.d, w.parent, w.child)
	require.NoError(t, err)
	require.EqualValues(t, 2800, b.Lines[0].Held)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, toBook(w.quote(w.parent, ask(w.sibling, club, 1))))
	require.ErrorIs(t, err, marketplace.ErrOfferClosed, "the price is divided; nobody joins")

	w.deliver(got.Items[0], booking.RecordAttendance{Outcome: booking.Delivered})
	_, err = booking.Confirm(w.ctx, w.d, w.parent, got.Items[0].ID)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 2800, 97_200)
}

func TestT90_TheSharesOfAGroupAreTheWholeToThePenny(t *testing.T) {
	w := newWorld(t)
	whole := charge("place", "session", 10_000)
	whole.Basis, whole.SmallestGroup = "per_group", 2
	club := w.publish(groupOf(func(d *marketplace.OfferDraft) { d.Tariff = tariffOf(whole) }))
	others := w.guests(2)
	first := w.book(ask(w.child, club, 1))
	for _, g := range others {
		w.booksAs(g, ask(w.child, club, 1))
	}
	w.clock.Set(*first.Items[0].ExpiresAt)
	require.Equal(t, 3, w.decide())
	var reserved []int64
	for _, child := range []uuid.UUID{w.child, others[0].child, others[1].child} {
		_, r, _, _ := w.money(child, "social_care", payments.InPence)
		reserved = append(reserved, r)
	}
	require.ElementsMatch(t, []int64{3334, 3333, 3333}, reserved)
}

func TestAMinimumIsHeldAgainstItsSeries(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*marketplace.OfferDraft){
		"more than there are places": func(d *marketplace.OfferDraft) { d.Sessions.Minimum.Places = 11 },
		"one is none":                func(d *marketplace.OfferDraft) { d.Sessions.Minimum.Places = 1 },
		"decided in the past":        func(d *marketplace.OfferDraft) { d.Sessions.Minimum.DecideHoursBefore = 24 * 7 },
		"by request":                 func(d *marketplace.OfferDraft) { d.Instant = false },
	} {
		_, err := marketplace.CreateOffer(w.ctx, w.d, w.house.Owner, groupOf(change))
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, name)
	}
}

// Cut to two places, what three make run would never run and nobody would have
// said so. Once it is decided places are cut to what is taken.
func TestT46_PlacesAreNotCutBelowTheMinimum(t *testing.T) {
	w := newWorld(t)
	club := w.publish(groupOf(func(d *marketplace.OfferDraft) { d.Sessions.LastDate = d.Sessions.FirstDate }))
	cut := func(places int) error {
		_, err := marketplace.ChangeSessions(w.ctx, w.d, w.house.Owner, marketplace.SessionChange{
			OfferID: club.Offer.ID, From: shortbreaks.Date(club.Sessions[0].StartsAt), Capacity: &places,
		})
		return err
	}
	err := cut(2)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	var refusal *shortbreaks.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "/capacity", refusal.Fields[0].Pointer)
	require.NoError(t, cut(3))
	for _, g := range w.guests(3) {
		w.booksAs(g, ask(w.child, club, 1))
	}
	w.clock.Set(club.Sessions[0].StartsAt.Add(-48 * time.Hour))
	w.decide()
	m, _ := w.minimum(club)
	require.NotNil(t, m.DecidedAt)
	require.ErrorIs(t, cut(2), marketplace.ErrBelowTaken)
}

func day(text string) time.Time {
	on, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return on
}

func shortbreaksIs(err error, any ...error) bool {
	return slices.ContainsFunc(any, func(e error) bool { return errors.Is(err, e) })
}

// guestNamed is one more family with money, by number.
func (w *world) guestNamed(n int) guest {
	w.t.Helper()
	home := w.family(fmt.Sprintf("named%d", n), 1)
	g := guest{home.Parents[0], home.Children[0].ID}
	w.allocate(g.child, "social_care", payments.InPence, 100_000)
	w.line(g.child, budgets.NewPlanLine{})
	return g
}
