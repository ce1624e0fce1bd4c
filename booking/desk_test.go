package booking_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// homes are families with a child and £1,000 each.
func (w *world) homes(n int) (children []uuid.UUID, parents []shortbreaks.Actor) {
	w.t.Helper()
	for i := range n {
		f := w.family(fmt.Sprintf("home%d", i), 1)
		w.allocate(f.Children[0].ID, "social_care", payments.InPence, 100_000)
		w.line(f.Children[0].ID, budgets.NewPlanLine{})
		children, parents = append(children, f.Children[0].ID), append(parents, f.Parents[0])
	}
	return children, parents
}

// clubFor is a club with so many places.
func (w *world) clubFor(places int) *marketplace.OfferDetail {
	w.t.Helper()
	d := saturdays(tariffOf(charge("place", "session", 800)))
	d.Sessions.Capacity = places
	return w.publish(d)
}

func (w *world) clean() {
	w.t.Helper()
	findings, err := payments.Audit(w.ctx, w.d)
	require.NoError(w.t, err)
	require.Empty(w.t, findings)
}

func TestTheDeskGivesEveryRequestItsOwnAnswer(t *testing.T) {
	w := newWorld(t)
	desk := booking.NewDesk(w.d)
	children, parents := w.homes(12)
	club, full := w.clubFor(8), w.clubFor(1)
	// Each family asks for the club, twice under one key; for the other club;
	// and for a price it was not shown.
	type result struct {
		reply *shortbreaks.Reply
		err   error
	}
	results := make([][4]result, len(children))
	asks := make([][4]booking.CreateBooking, len(children))
	for i, child := range children {
		a := toBook(w.quote(parents[i], ask(child, club, 1)))
		a.Idem = once(parents[i], "club", a)
		b := toBook(w.quote(parents[i], ask(child, full, 1)))
		b.Idem = once(parents[i], "full", b)
		c := toBook(w.quote(parents[i], ask(child, club, 2)))
		c.Quotes[0].ExpectedTotalPence--
		c.Idem = once(parents[i], "price", c)
		asks[i] = [4]booking.CreateBooking{a, a, b, c}
	}
	together(4*len(children), func(n int) error {
		i, j := n/4, n%4
		reply, err := desk.Create(w.ctx, people.As(parents[i]), asks[i][j])
		results[i][j] = result{reply, err}
		return nil
	})
	booked, fulls := 0, 0
	for i, r := range results {
		require.ErrorIs(t, r[3].err, booking.ErrPriceChanged)
		reserved := int64(0)
		if r[2].err == nil {
			fulls, reserved = fulls+1, reserved+800
		} else {
			require.ErrorIs(t, r[2].err, booking.ErrSessionFull)
		}
		if r[0].err == nil || r[1].err == nil {
			require.NoError(t, r[0].err)
			require.NoError(t, r[1].err)
			require.Equal(t, r[0].reply.Body, r[1].reply.Body, "T03")
			require.NotEqual(t, r[0].reply.Replayed, r[1].reply.Replayed, "one of them did the work")
			booked, reserved = booked+1, reserved+800
		} else {
			require.ErrorIs(t, r[0].err, booking.ErrSessionFull)
			require.ErrorIs(t, r[1].err, booking.ErrSessionFull)
		}
		w.requireMoney(children[i], reserved, 0, 100_000-reserved)
	}
	require.Equal(t, 8, booked)
	require.Equal(t, 1, fulls)
	require.Equal(t, 8, w.taken(club, 0))
	w.clean()
}

func TestWhatTheDatabaseRefusesOneNobodyElseIsRefused(t *testing.T) {
	w := newWorld(t)
	desk := booking.NewDesk(w.d)
	children, parents := w.homes(6)
	club := w.clubFor(20)
	asks := make([]booking.CreateBooking, len(children))
	for i, child := range children {
		asks[i] = toBook(w.quote(parents[i], ask(child, club, 1)))
		asks[i].Idem = once(parents[i], "key", asks[i])
	}
	owner := dbtest.Owner(t, w.d)
	_, err := owner.Exec(w.ctx, fmt.Sprintf(`CREATE FUNCTION refuse_this() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.quote_id = '%s' THEN RAISE 'not this one'; END IF; RETURN NEW; END $$;
		CREATE TRIGGER refuse_this BEFORE INSERT ON booking FOR EACH ROW EXECUTE FUNCTION refuse_this()`, asks[3].Quotes[0].QuoteID))
	require.NoError(t, err)
	refused := make([]error, len(asks))
	together(len(asks), func(i int) error {
		_, refused[i] = desk.Create(w.ctx, people.As(parents[i]), asks[i])
		return nil
	})
	for i, err := range refused {
		if i == 3 {
			require.ErrorContains(t, err, "not this one")
			w.requireMoney(children[i], 0, 0, 100_000)
			continue
		}
		require.NoError(t, err)
		w.requireMoney(children[i], 800, 0, 99_200)
	}
	require.Equal(t, 5, w.taken(club, 0))
	w.clean()
}

func TestAKeyAtWorkElsewhereKeepsNobodyElseWaiting(t *testing.T) {
	w := newWorld(t)
	desk := booking.NewDesk(w.d)
	children, parents := w.homes(2)
	club := w.clubFor(20)
	asks := make([]booking.CreateBooking, len(children))
	for i, child := range children {
		asks[i] = toBook(w.quote(parents[i], ask(child, club, 1)))
		asks[i].Idem = once(parents[i], "key", asks[i])
	}
	holding, letGo, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() { // another process, in the middle of the first one's request
		ended <- w.d.Do(w.ctx, db.For(parents[0]), func(tx *db.Tx) error {
			_, err := tx.Replay(w.ctx, w.council.ID, asks[0].Idem)
			close(holding)
			<-letGo
			return err
		})
	}()
	<-holding
	_, err := desk.Create(w.ctx, people.As(parents[1]), asks[1])
	require.NoError(t, err)
	_, err = desk.Create(w.ctx, people.As(parents[0]), asks[0])
	require.ErrorIs(t, err, shortbreaks.ErrStillRunning)
	close(letGo)
	require.NoError(t, <-ended)
	reply, err := desk.Create(w.ctx, people.As(parents[0]), asks[0])
	require.NoError(t, err)
	require.False(t, reply.Replayed)
	w.clean()
}

func TestASoldOutSessionIsRefusedAtAGlanceAndBookedAgainOnceAPlaceIsFree(t *testing.T) {
	w := newWorld(t)
	desk := booking.NewDesk(w.d)
	children, parents := w.homes(3)
	club := w.clubFor(1)
	asks := make([]booking.CreateBooking, len(children))
	for i, child := range children {
		asks[i] = toBook(w.quote(parents[i], ask(child, club, 1)))
		asks[i].Idem = once(parents[i], "key", asks[i])
	}
	first, err := desk.Create(w.ctx, people.As(parents[0]), asks[0])
	require.NoError(t, err)
	for range 2 { // the second time nothing is locked
		_, err = desk.Create(w.ctx, people.As(parents[1]), asks[1])
		require.ErrorIs(t, err, booking.ErrSessionFull)
	}
	again, err := desk.Create(w.ctx, people.As(parents[0]), asks[0])
	require.NoError(t, err, "whoever took the last place is told so")
	require.True(t, again.Replayed)
	require.Equal(t, first.Body, again.Body)
	wrong := asks[2]
	wrong.Quotes = []booking.QuoteToBook{{QuoteID: wrong.Quotes[0].QuoteID, ExpectedTotalPence: 1}}
	wrong.Idem = once(parents[2], "wrong", wrong)
	_, err = desk.Create(w.ctx, people.As(parents[2]), wrong)
	require.ErrorIs(t, err, booking.ErrPriceChanged)
	_, err = desk.Create(w.ctx, people.As(parents[2]), asks[2])
	require.ErrorIs(t, err, booking.ErrSessionFull, "and it is remembered to be full")

	list, _, err := booking.List(w.ctx, w.d, parents[0], booking.ListBookings{Limit: 10})
	require.NoError(t, err)
	_, err = booking.Cancel(w.ctx, w.d, parents[0], booking.CancelBooking{BookingID: list[0].ID, Reason: "ill"})
	require.NoError(t, err)
	got, err := desk.Create(w.ctx, people.As(parents[1]), asks[1])
	require.NoError(t, err)
	require.NotNil(t, got)
	require.Equal(t, 1, w.taken(club, 0))
	_, err = desk.Create(w.ctx, people.As(parents[2]), asks[2])
	require.ErrorIs(t, err, booking.ErrSessionFull)
	w.clean()
}

func TestOnlyAFamilyOrItsPractitionerBooksAtTheDesk(t *testing.T) {
	w := newWorld(t)
	desk := booking.NewDesk(w.d)
	_, parents := w.homes(1)
	club := w.clubFor(5)
	c := toBook(w.quote(w.parent, ask(w.child, club, 1)))
	c.Idem = once(parents[0], "key", c)
	_, err := desk.Create(w.ctx, people.As(parents[0]), c)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another family of the same council")
	bracken, err := w.build.NewCouncil(w.ctx, "Brackenvale Council", "bracken", "Brackenvale")
	require.NoError(t, err)
	elsewhere, err := w.build.NewHome(w.ctx, bracken.ID, []budgets.Child{{FirstName: "Ada", FamilyName: "Elsewhere", DateOfBirth: time.Date(2017, 5, 1, 0, 0, 0, 0, time.UTC)}}, "family.elsewhere")
	require.NoError(t, err)
	_, err = desk.Create(w.ctx, people.As(elsewhere.Parents[0]), c)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another council")
	_, err = desk.Create(w.ctx, people.Acting{Person: w.house.Owner.Person, Role: shortbreaks.Family}, c)
	require.ErrorIs(t, err, people.ErrRoleNotHeld)
	for _, who := range []shortbreaks.Actor{w.house.Owner, w.council.Finance, {}} {
		_, err = desk.Create(w.ctx, people.As(who), c)
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	gone, cancel := context.WithCancel(w.ctx)
	cancel()
	_, err = desk.Create(gone, people.As(w.parent), c)
	require.True(t, err == nil || errors.Is(err, context.Canceled))
}
