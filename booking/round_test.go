package booking_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// scheme is a popular club: four Saturdays of n places each, all of them given
// to a round that opens in an hour and closes two days later.
func (w *world) scheme(n int, change ...func(*marketplace.OpenRound)) (*marketplace.OfferDetail, *marketplace.Round) {
	w.t.Helper()
	d := saturdays(tariffOf(charge("place", "session", 800)))
	d.Sessions.Capacity, d.Sessions.LastDate = n, d.Sessions.FirstDate.AddDate(0, 0, 21)
	club := w.publish(d)
	return club, w.announce(club, change...)
}

func (w *world) announce(club *marketplace.OfferDetail, change ...func(*marketplace.OpenRound)) *marketplace.Round {
	w.t.Helper()
	o := marketplace.OpenRound{OfferID: club.Offer.ID, OpensAt: w.clock.Now().Add(time.Hour), ClosesAt: w.clock.Now().Add(49 * time.Hour), Words: "Fair for all."}
	for _, s := range club.Sessions {
		o.Sessions = append(o.Sessions, marketplace.RoundPlaces{SessionID: s.ID})
	}
	for _, c := range change {
		c(&o)
	}
	r, err := marketplace.AnnounceRound(w.ctx, w.d, w.house.Owner, o)
	require.NoError(w.t, err)
	return r
}

// wish enters a child with wishes for the sessions of these numbers.
func (w *world) wish(g guest, r *marketplace.Round, club *marketplace.OfferDetail, ns ...int) *booking.RoundEntry {
	w.t.Helper()
	e, err := booking.PutWishes(w.ctx, w.d, g.parent, wishes(g, r, club, ns...))
	require.NoError(w.t, err)
	return e
}

func wishes(g guest, r *marketplace.Round, club *marketplace.OfferDetail, ns ...int) booking.EnterRound {
	c := booking.EnterRound{RoundID: r.ID, ChildID: g.child}
	for _, n := range ns {
		c.Wishes = append(c.Wishes, booking.CreateQuote{SessionIDs: []uuid.UUID{club.Sessions[n].ID}})
	}
	return c
}

func (w *world) runRounds() int {
	w.t.Helper()
	n, err := booking.RunRounds(w.ctx, w.d)
	require.NoError(w.t, err)
	return n
}

func (w *world) roundEntry(g guest, r *marketplace.Round) *booking.RoundEntry {
	w.t.Helper()
	page, _, err := booking.RoundEntries(w.ctx, w.d, g.parent, uuid.Nil, uuid.Nil, 50)
	require.NoError(w.t, err)
	for _, e := range page {
		if e.RoundID == r.ID && e.ChildID == g.child {
			return e
		}
	}
	w.t.Fatal("not in the round")
	return nil
}

func (w *world) round(r *marketplace.Round) *marketplace.Round {
	w.t.Helper()
	now, err := marketplace.GetRound(w.ctx, w.d, r.ID)
	require.NoError(w.t, err)
	return now
}

// drawn is the published draw; it proves that anybody comes to the same result
// with the seed that was promised.
func (w *world) drawn(r *marketplace.Round) booking.RoundDraw {
	w.t.Helper()
	now := w.round(r)
	require.Equal(w.t, marketplace.RoundDone, now.State)
	sum := sha256.Sum256(now.Seed)
	require.Equal(w.t, r.Commitment, sum[:], "the seed is the one promised before anybody wished")
	var published, again booking.RoundDraw
	require.NoError(w.t, json.Unmarshal(now.Draw, &published))
	require.NoError(w.t, json.Unmarshal(now.Draw, &again))
	for i := range again.Entries {
		again.Entries[i].Place, again.Entries[i].Wish = 0, 0
	}
	again.Run(now.Seed)
	require.Equal(w.t, published, again)
	return published
}

func TestT98_ARoundGivesWishesByItsRuleAndSeedOnceAndTheRestWaitInOrder(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(2)
	require.Nil(t, r.Seed, "not told before")
	all := w.guests(7)
	_, err := booking.PutWishes(w.ctx, w.d, all[0].parent, wishes(all[0], r, club, 0))
	require.ErrorIs(t, err, booking.ErrRoundNotOpen, "not open yet")
	w.clock.Advance(time.Hour)
	for _, g := range all {
		w.wish(g, r, club, 0, 1) // seven want four places
	}
	require.Zero(t, w.runRounds(), "it is still open")
	w.clock.Set(r.ClosesAt)
	_, err = booking.PutWishes(w.ctx, w.d, all[0].parent, wishes(all[0], r, club, 1))
	require.ErrorIs(t, err, booking.ErrRoundNotOpen)
	require.ErrorIs(t, booking.LeaveRound(w.ctx, w.d, all[0].parent, r.ID, all[0].child), booking.ErrRoundNotOpen)

	require.Equal(t, 1, w.runRounds())
	draw := w.drawn(r)
	require.Len(t, draw.Entries, 7)
	byTicket := map[uuid.UUID]guest{}
	for _, g := range all {
		byTicket[w.roundEntry(g, r).Ticket()] = g
	}
	var waiting []guest
	for i, e := range draw.Entries {
		g := byTicket[e.Ticket]
		mine := w.roundEntry(g, r)
		require.Equal(t, i+1, *mine.Place)
		require.Equal(t, 7, mine.Of)
		if i < 4 {
			require.Equal(t, booking.EntryPlaced, mine.State)
			require.Equal(t, 1+i/2, *mine.Wish, "the first two have their first wish, the next two their second")
			require.Contains(t, mine.Words, "You have a place by your "+shortbreaks.Ordinal(1+i/2)+" wish.")
			w.requireMoney(g.child, 800, 0, 99_200)
			continue
		}
		require.Equal(t, booking.EntryWaiting, mine.State)
		require.Contains(t, mine.Words, "your second wish had too few places left")
		w.requireMoney(g.child, 0, 0, 100_000)
		waiting = append(waiting, g)
	}
	require.Equal(t, 2, w.taken(club, 0))
	require.Equal(t, 2, w.taken(club, 1))
	require.Zero(t, w.taken(club, 2))

	require.Zero(t, w.runRounds(), "again changes nothing")
	require.Equal(t, draw, w.drawn(r))
	require.Equal(t, 2, w.taken(club, 0))

	first := byTicket[draw.Entries[0].Ticket]
	b := w.load(first, &booking.Booking{ID: *w.roundEntry(first, r).BookingID})
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(b))
	w.cancelAs(first, b)
	require.Equal(t, 1, w.offerPlaces())
	page, _, err := booking.Waitlist(w.ctx, w.d, waiting[0].parent, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, page, 2, "a line for each session it wished for")
	require.Contains(t, []booking.WaitState{page[0].State, page[1].State}, booking.PlaceOffered, "the place goes to the next of the draw")
}

func TestT98_WhileARoundIsOpenItsPlacesCannotBeHadInAnyOtherWay(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(2, func(o *marketplace.OpenRound) { o.Sessions[0].Places = 1 })
	w.book(ask(w.child, club, 1)) // the one place the round has not
	g := w.guestNamed(1)
	two := ask(g.child, club, 2)
	_, _, err := booking.Create(w.ctx, w.d, g.parent, toBook(w.quote(g.parent, two)))
	require.ErrorIs(t, err, booking.ErrSessionFull)
	_, err = booking.JoinWaitlist(w.ctx, w.d, g.parent, ask(g.child, club, 1))
	require.ErrorIs(t, err, marketplace.ErrRoundOpen)
	_, err = marketplace.KeepPlaces(w.ctx, w.d, w.house.Owner, marketplace.KeepForEmergency{
		SessionID: club.Sessions[1].ID, AuthorityID: w.council.ID, Places: 1, ReleaseHoursBefore: 1,
	})
	require.ErrorIs(t, err, marketplace.ErrBelowTaken)
	zero := 0
	_, err = marketplace.ChangeSessions(w.ctx, w.d, w.house.Owner, marketplace.SessionChange{OfferID: club.Offer.ID, From: shortbreaks.Date(monday), Capacity: &zero})
	require.Error(t, err, "what a round has is part of the whole")
	_, err = marketplace.AnnounceRound(w.ctx, w.d, w.house.Owner, marketplace.OpenRound{
		OfferID: club.Offer.ID, OpensAt: w.clock.Now(), ClosesAt: w.clock.Now().Add(2 * time.Hour), Sessions: []marketplace.RoundPlaces{{SessionID: club.Sessions[1].ID}},
	})
	require.ErrorIs(t, err, marketplace.ErrBelowTaken)

	_, err = marketplace.CallOffRound(w.ctx, w.d, w.house.Owner, r.ID)
	require.NoError(t, err)
	_, err = marketplace.CallOffRound(w.ctx, w.d, w.house.Owner, r.ID)
	require.ErrorIs(t, err, marketplace.ErrWrongState)
	w.booksAs(g, two)
	require.Equal(t, 2, w.taken(club, 0))
	w.clock.Set(r.ClosesAt)
	require.Zero(t, w.runRounds())
}

func TestT98_TheRulesGroupsComeFirstAndBrothersAndSistersStayTogether(t *testing.T) {
	w := newWorld(t)
	club, first := w.scheme(1, func(o *marketplace.OpenRound) { o.Sessions = o.Sessions[:1] })
	all := w.guests(5)
	w.clock.Set(first.OpensAt)
	for _, g := range all {
		w.wish(g, first, club, 0)
	}
	w.clock.Set(first.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	lucky := 0
	for i, g := range all {
		if w.roundEntry(g, first).State == booking.EntryPlaced {
			lucky = i
		}
	}
	// In the next, four missed the last, the lucky one has been here, and the
	// world's two children are new.
	second := w.announce(club, func(o *marketplace.OpenRound) {
		o.Sessions, o.Groups, o.SiblingsTogether = o.Sessions[1:2], []string{"missed_last_round", "new_here"}, true
		o.Sessions[0].Places = 1
	})
	w.clock.Set(second.OpensAt)
	for _, g := range append(all, guest{w.parent, w.child}, guest{w.parent, w.sibling}) {
		w.wish(g, second, club, 1)
	}
	w.clock.Set(second.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	w.drawn(second)
	require.Equal(t, 7, *w.roundEntry(all[lucky], second).Place, "behind all the others")
	elder, younger := *w.roundEntry(guest{w.parent, w.child}, second).Place, *w.roundEntry(guest{w.parent, w.sibling}, second).Place
	require.Equal(t, 11, elder+younger, "fifth and sixth, behind one another")
	for i, g := range all {
		if i != lucky {
			e := w.roundEntry(g, second)
			require.LessOrEqual(t, *e.Place, 4)
			require.Contains(t, e.Words, "children who got no place in the last round")
		}
	}
}

func TestT98_AWishThatCannotBeBookedIsPassedOverForTheNext(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(3)
	all := w.guests(3)
	w.clock.Set(r.OpensAt)
	for _, g := range all {
		w.wish(g, r, club, 0, 1)
	}
	poor := all[0]
	w.booksAs(poor, ask(poor.child, w.publish(saturdays(tariffOf(charge("place", "session", 99_500)))), 1)) // nearly all it has
	gone := all[1]
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE role_grant SET ends_on = '2027-01-03' WHERE person_id = $1`, gone.parent.Person)
	require.NoError(t, err)
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	draw := w.drawn(r)
	e := w.roundEntry(poor, r)
	require.Equal(t, booking.EntryWithout, e.State)
	require.Contains(t, e.Words, booking.ErrBudgetTooLow.Title)
	require.Equal(t, booking.EntryPlaced, w.roundEntry(all[2], r).State)
	require.Equal(t, 1, *w.roundEntry(all[2], r).Wish, "those before it took nothing")
	impossible := 0
	for _, d := range draw.Entries {
		for _, wish := range d.Wishes {
			if wish.Impossible {
				impossible++
			}
		}
	}
	require.Equal(t, 4, impossible)
	w.requireMoney(poor.child, 99_500, 0, 500)
}

func TestT98_APriceRaisedOrASessionMovedSinceIsNotTheFamilysWish(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(3)
	w.clock.Set(r.OpensAt)
	g := w.guestNamed(1)
	e := w.wish(g, r, club, 0, 1)
	require.EqualValues(t, 800, e.Wishes[0].TotalPence)
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE allocation_entry SET wishes = jsonb_set(wishes, '{0,total_pence}', '799')`)
	require.NoError(t, err)
	w.shift(club, 1)
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	e = w.roundEntry(g, r)
	require.Equal(t, booking.EntryWithout, e.State)
	require.Contains(t, e.Words, "It would cost more than you were shown")
	require.Contains(t, e.Words, "The provider moved it to another time")
	require.Zero(t, w.taken(club, 0))
}

// shift gives a session an hour later.
func (w *world) shift(club *marketplace.OfferDetail, n int) {
	w.t.Helper()
	_, err := dbtest.Owner(w.t, w.d).Exec(w.ctx, `UPDATE session SET local_start = replace(local_start, 'T10', 'T11'), starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour'
		WHERE id = $1`, club.Sessions[n].ID)
	require.NoError(w.t, err)
}

func TestT98_ASessionCalledOffLeavesItsRoundAndStaffMayEnterForAFamily(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(2)
	w.clock.Set(r.OpensAt)
	g := w.guestNamed(1)
	w.wish(guest{w.council.Practitioner, g.child}, r, club, 0, 1)
	_, err := booking.PutWishes(w.ctx, w.d, w.parent, wishes(g, r, club, 0))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another family's child")
	_, err = booking.PutWishes(w.ctx, w.d, w.house.Owner, wishes(g, r, club, 0))
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, _, err = booking.CallOffSession(w.ctx, w.d, w.house.Owner, club.Sessions[0].ID, "The boiler broke.")
	require.NoError(t, err)
	w.clean() // nothing is kept of what cannot run
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	e := w.roundEntry(g, r)
	require.Equal(t, 2, *e.Wish)
	b := w.load(g, &booking.Booking{ID: *e.BookingID})
	require.True(t, b.OnBehalf)
	_, err = booking.PutWishes(w.ctx, w.d, g.parent, wishes(g, r, club, 2))
	require.ErrorIs(t, err, booking.ErrRoundNotOpen)
}

func TestT98_LeavingAndEnteringAgainKeepsTheTicket(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(2)
	w.clock.Set(r.OpensAt)
	g := guest{w.parent, w.child}
	ticket := w.wish(g, r, club, 0).Ticket()
	require.NoError(t, booking.LeaveRound(w.ctx, w.d, w.parent, r.ID, w.child))
	require.ErrorIs(t, booking.LeaveRound(w.ctx, w.d, w.parent, r.ID, w.child), booking.ErrWrongState)
	require.Equal(t, ticket, w.wish(g, r, club, 1).Ticket())
	require.NoError(t, booking.LeaveRound(w.ctx, w.d, w.parent, r.ID, w.child))
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds(), "a round nobody is in ends too")
	require.Empty(t, w.drawn(r).Entries)
	require.Equal(t, booking.EntryWithdrawn, w.roundEntry(g, r).State)
	w.booksAs(g, ask(w.child, club, 1))
}

// TestT98_TwoServersRunARoundAtOnceWhileFamiliesBookByTheOrdinaryDoor also
// kills a run in the middle: nothing is lost and nothing happens twice.
func TestT98_TwoServersRunARoundAtOnceWhileFamiliesBookByTheOrdinaryDoor(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(3)
	all := w.guests(8)
	w.clock.Set(r.OpensAt)
	for _, g := range all[:6] {
		w.wish(g, r, club, 0, 1)
	}
	passers := all[6:]
	w.clock.Set(r.ClosesAt)
	quotes := []*booking.Quote{w.quote(passers[0].parent, ask(passers[0].child, club, 1)), w.quote(passers[1].parent, ask(passers[1].child, club, 1))}
	w.killInTheMiddle(club)
	require.Equal(t, marketplace.RoundAnnounced, w.round(r).State)
	require.Equal(t, booking.Entered, w.roundEntry(all[0], r).State)

	ended := make(chan int, 4)
	errs := together(6, func(i int) error {
		if i < 4 {
			n, err := booking.RunRounds(w.ctx, w.d)
			ended <- n
			return err
		}
		_, _, err := booking.Create(w.ctx, w.d, passers[i-4].parent, toBook(quotes[i-4]))
		if shortbreaksIs(err, booking.ErrSessionFull) {
			return nil
		}
		return errors.Join(err, errors.New("a place of the round was booked"))
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	total := 0
	for range 4 {
		total += <-ended
	}
	require.Equal(t, 1, total, "one of them ended it")
	require.Equal(t, 3, w.taken(club, 0))
	w.drawn(r)
	for _, g := range all[:6] {
		e := w.roundEntry(g, r)
		require.Equal(t, booking.EntryPlaced, e.State)
		w.requireMoney(g.child, 800, 0, 99_200)
	}
}

// killInTheMiddle ends a run that has begun and waits for a place.
func (w *world) killInTheMiddle(club *marketplace.OfferDetail) {
	w.t.Helper()
	owner := dbtest.Owner(w.t, w.d)
	held, err := owner.Begin(w.ctx)
	require.NoError(w.t, err)
	_, err = held.Exec(w.ctx, `SELECT FROM session_places WHERE session_id = $1 FOR UPDATE`, club.Sessions[0].ID)
	require.NoError(w.t, err)
	ctx, kill := context.WithCancel(w.ctx)
	defer kill()
	ended := make(chan error, 1)
	go func() {
		_, err := booking.RunRounds(ctx, w.d)
		ended <- err
	}()
	require.Eventually(w.t, func() bool {
		waiting := 0
		err := held.QueryRow(w.ctx, `SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()
			AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`).Scan(&waiting)
		return err == nil && waiting > 0
	}, dbtest.Patience, 5*time.Millisecond)
	kill()
	require.Error(w.t, <-ended)
	require.NoError(w.t, held.Rollback(w.ctx))
}

func TestT98_EveryFamilyIsToldOnceWhatBecameOfItsWishes(t *testing.T) {
	w := newWorld(t)
	club, r := w.scheme(1)
	off := w.announce(w.publish(saturdays(tariffOf(charge("place", "session", 800)))), func(o *marketplace.OpenRound) { o.Sessions = o.Sessions[:1] })
	all := w.guests(2)
	w.clock.Set(r.OpensAt)
	for _, g := range all {
		w.wish(g, r, club, 0)
	}
	offClub, err := marketplace.Get(w.ctx, w.d, shortbreaks.Anonymous, off.OfferID)
	require.NoError(t, err)
	w.wish(all[0], off, offClub, 0)
	_, err = marketplace.CallOffRound(w.ctx, w.d, w.house.Owner, off.ID)
	require.NoError(t, err)
	require.Equal(t, booking.RoundsCalledOff, w.roundEntry(all[0], off).State)
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	teller := booking.Teller{DB: w.d}
	told := make(chan int, 3)
	for _, err := range together(3, func(int) error {
		n, err := teller.TellRounds(w.ctx)
		told <- n
		return err
	}) {
		require.NoError(t, err)
	}
	require.Equal(t, 3, <-told+<-told+<-told)
	n, err := teller.TellRounds(w.ctx)
	require.NoError(t, err)
	require.Zero(t, n, "all have been told")
	placed, not, calledOff := 0, 0, 0
	for _, g := range all {
		page, _, _, err := booking.ListNews(w.ctx, w.d, g.parent, uuid.Nil, 50)
		require.NoError(t, err)
		for _, n := range page {
			switch n.Kind {
			case booking.NewsRoundPlaced:
				placed++
			case booking.NewsRoundNotPlaced:
				not++
			case booking.NewsRoundCalledOff:
				calledOff++
			default:
				continue
			}
			require.Nil(t, n.BookingID)
			require.Contains(t, n.Words(), "Saturday club")
		}
	}
	require.Equal(t, []int{1, 1, 1}, []int{placed, not, calledOff})
}
