package booking_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// queue is a club of one place, taken by the world's child, and families in line.
func queue(w *world, n int, change ...func(*marketplace.OfferDraft)) (club *marketplace.OfferDetail, taken *booking.Booking, line []guest, entries []*booking.WaitEntry) {
	w.t.Helper()
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity = 1
	for _, c := range change {
		c(&draft)
	}
	club = w.publish(draft)
	taken = w.book(ask(w.child, club, 1))
	line = w.guests(n)
	for _, g := range line {
		w.clock.Advance(time.Second)
		entries = append(entries, w.join(g, club))
	}
	return club, taken, line, entries
}

func (w *world) join(g guest, o *marketplace.OfferDetail) *booking.WaitEntry {
	w.t.Helper()
	e, err := booking.JoinWaitlist(w.ctx, w.d, g.parent, ask(g.child, o, 1))
	require.NoError(w.t, err)
	return e
}

func (w *world) offerPlaces() int {
	w.t.Helper()
	n, err := booking.OfferPlaces(w.ctx, w.d)
	require.NoError(w.t, err)
	return n
}

func (w *world) entry(g guest) *booking.WaitEntry {
	w.t.Helper()
	page, more, err := booking.Waitlist(w.ctx, w.d, g.parent, uuid.Nil, 10)
	require.NoError(w.t, err)
	require.False(w.t, more)
	require.Len(w.t, page, 1)
	return page[0]
}

func TestT49_AFreePlaceGoesToTheFirstWithMoneyWhoAnswersInTime(t *testing.T) {
	w := newWorld(t)
	club, taken, line, _ := queue(w, 4)
	require.Zero(t, w.offerPlaces(), "nothing is free")
	w.booksAs(line[0], ask(line[0].child, w.publish(saturdays(tariffOf(charge("place", "session", 99_500)))), 1)) // nearly all it has
	w.cancelAs(guest{w.parent, w.child}, taken)
	require.Equal(t, 1, w.offerPlaces())
	first := w.entry(line[0])
	require.Equal(t, booking.Waiting, first.State, "it has no money left; it keeps its turn")
	require.Equal(t, booking.ErrBudgetTooLow.Title, first.Because)
	second := w.entry(line[1])
	require.Equal(t, booking.PlaceOffered, second.State)
	require.Equal(t, w.clock.Now().Add(24*time.Hour), second.ExpiresAt.UTC())
	require.Equal(t, 1, w.taken(club, 0))
	w.requireMoney(line[1].child, 800, 0, 99_200)
	require.Zero(t, w.offerPlaces())

	w.clock.Set(*second.ExpiresAt) // no answer
	_, err := booking.AcceptPlace(w.ctx, w.d, line[1].parent, second.ID)
	require.ErrorIs(t, err, booking.ErrOfferLapsed)
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	require.Equal(t, 1, w.offerPlaces(), "the next family's")
	require.Equal(t, booking.PlaceLapsed, w.entry(line[1]).State)
	w.requireMoney(line[1].child, 0, 0, 100_000)

	third := w.entry(line[2])
	b, err := booking.AcceptPlace(w.ctx, w.d, line[2].parent, third.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(b))
	require.Nil(t, b.Items[0].ExpiresAt)
	_, err = booking.AcceptPlace(w.ctx, w.d, line[2].parent, third.ID)
	require.ErrorIs(t, err, booking.ErrWrongState)
	w.clock.Advance(30 * time.Hour)
	_, err = booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Confirmed}, stateOf(w.load(line[2], b)), "what was taken does not run out")
	require.Zero(t, w.offerPlaces())
	require.Equal(t, booking.Waiting, w.entry(line[3]).State)
}

func TestT49_JoiningIsForFullSessionsAndOnce(t *testing.T) {
	w := newWorld(t)
	club, _, line, entries := queue(w, 1)
	_, err := booking.JoinWaitlist(w.ctx, w.d, line[0].parent, ask(line[0].child, club, 1))
	require.ErrorIs(t, err, booking.ErrInLine)
	_, err = booking.JoinWaitlist(w.ctx, w.d, w.parent, ask(w.child, club, 1))
	require.ErrorIs(t, err, booking.ErrAlreadyBooked)
	open := ask(w.sibling, club, 2)
	open.SessionIDs = open.SessionIDs[1:]
	_, err = booking.JoinWaitlist(w.ctx, w.d, w.parent, open)
	require.ErrorIs(t, err, booking.ErrNotFull)
	_, err = booking.JoinWaitlist(w.ctx, w.d, w.parent, ask(line[0].child, club, 1))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another family's child")
	_, err = booking.AcceptPlace(w.ctx, w.d, w.parent, entries[0].ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	require.ErrorIs(t, booking.LeaveWaitlist(w.ctx, w.d, w.parent, entries[0].ID), shortbreaks.ErrNotFound)
	poor := w.family("poor", 1)
	_, err = booking.JoinWaitlist(w.ctx, w.d, poor.Parents[0], ask(poor.Children[0].ID, club, 1))
	require.ErrorIs(t, err, booking.ErrNotAllowed, "no plan pays for it")
	page, _, err := booking.Waitlist(w.ctx, w.d, w.parent, uuid.Nil, 10)
	require.NoError(t, err)
	require.Empty(t, page)
}

func TestT49_WhoLeavesPassesThePlaceOn(t *testing.T) {
	w := newWorld(t)
	club, taken, line, entries := queue(w, 2)
	w.cancelAs(guest{w.parent, w.child}, taken)
	require.Equal(t, 1, w.offerPlaces())
	require.NoError(t, booking.LeaveWaitlist(w.ctx, w.d, line[0].parent, entries[0].ID))
	require.ErrorIs(t, booking.LeaveWaitlist(w.ctx, w.d, line[0].parent, entries[0].ID), booking.ErrWrongState)
	w.requireMoney(line[0].child, 0, 0, 100_000)
	require.Zero(t, w.taken(club, 0))
	require.Equal(t, 1, w.offerPlaces())
	require.Equal(t, booking.PlaceOffered, w.entry(line[1]).State)
}

func TestT49_APlaceAcceptedGoesTheWayOfItsOffer(t *testing.T) {
	w := newWorld(t)
	_, taken, line, entries := queue(w, 1, func(d *marketplace.OfferDraft) { d.Instant = false })
	w.cancelAs(guest{w.parent, w.child}, taken)
	require.Equal(t, 1, w.offerPlaces())
	b, err := booking.AcceptPlace(w.ctx, w.d, line[0].parent, entries[0].ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Requested}, stateOf(b))
	require.NotNil(t, b.Items[0].ExpiresAt)
	_, err = booking.Accept(w.ctx, w.d, w.house.Owner, b.ID)
	require.NoError(t, err)

	draft := groupOf(func(d *marketplace.OfferDraft) {
		d.Sessions.Minimum.Places, d.Sessions.Capacity = 2, 2
		d.Sessions.Weekdays = []int{7}
	})
	group := w.publish(draft)
	mine := w.booksAs(guest{w.parent, w.child}, ask(w.child, group, 1))
	w.booksAs(line[0], ask(line[0].child, group, 1))
	g := w.guestNamed(1)
	e := w.join(g, group)
	w.cancelAs(guest{w.parent, w.child}, mine)
	require.Equal(t, 1, w.offerPlaces())
	b, err = booking.AcceptPlace(w.ctx, w.d, g.parent, e.ID)
	require.NoError(t, err)
	require.Equal(t, []booking.State{booking.Conditional}, stateOf(b), "it waits with its group")
	w.clock.Set(*b.Items[0].ExpiresAt)
	require.Equal(t, 2, w.decide())
}

func TestT49_ACouncilMaySayHowLongAPlaceIsKept(t *testing.T) {
	w := newWorld(t)
	w.setting("waitlist_hours", 2)
	_, taken, line, _ := queue(w, 1)
	w.cancelAs(guest{w.parent, w.child}, taken)
	require.Equal(t, 1, w.offerPlaces())
	require.Equal(t, w.clock.Now().Add(2*time.Hour), w.entry(line[0]).ExpiresAt.UTC())
}

// TestT49_ManyWaitAndManyLook races the job with itself, with acceptances, and
// with families that book or leave: no place is lost and none given twice.
func TestT49_ManyWaitAndManyLook(t *testing.T) {
	w := newWorld(t)
	club, taken, line, entries := queue(w, 8)
	w.cancelAs(guest{w.parent, w.child}, taken)
	passer := w.guestNamed(1)
	quote := w.quote(passer.parent, ask(passer.child, club, 1))
	offered := make(chan int, 6)
	errs := together(10, func(i int) error {
		switch {
		case i < 6:
			n, err := booking.OfferPlaces(w.ctx, w.d)
			offered <- n
			return err
		case i == 6:
			_, _, err := booking.Create(w.ctx, w.d, passer.parent, toBook(quote))
			if !errors.Is(err, booking.ErrSessionFull) {
				return fmt.Errorf("somebody passing by was let before those who wait: %w", err)
			}
			return nil
		case i == 7:
			return booking.LeaveWaitlist(w.ctx, w.d, line[0].parent, entries[0].ID)
		default:
			_, err := booking.AcceptPlace(w.ctx, w.d, line[i-8].parent, entries[i-8].ID)
			return err
		}
	})
	for _, err := range errs {
		if err != nil {
			require.True(t, shortbreaksIs(err, booking.ErrSessionFull, booking.ErrWrongState), "%v", err)
		}
	}
	require.LessOrEqual(t, w.taken(club, 0), 1)
	w.offerPlaces()
	require.Equal(t, 1, w.taken(club, 0), "nobody lets a place lie")
}

// setting states a choice of the council from today on.
func (w *world) setting(name string, value int) {
	w.t.Helper()
	_, err := dbtest.Owner(w.t, w.d).Exec(w.ctx, `INSERT INTO tenant_setting (authority_id, name, valid_from, value) VALUES ($1, $2, $3, to_jsonb($4::int))`,
		w.council.ID, name, shortbreaks.Date(monday), value)
	require.NoError(w.t, err)
}

func TestT49_WhatComesFreeIsForThoseWhoWait(t *testing.T) {
	w := newWorld(t)
	club, taken, line, entries := queue(w, 2)
	passer := w.guestNamed(1)
	passes := func() error {
		_, _, err := booking.Create(w.ctx, w.d, passer.parent, toBook(w.quote(passer.parent, ask(passer.child, club, 1))))
		return err
	}
	w.cancelAs(guest{w.parent, w.child}, taken)
	require.ErrorIs(t, passes(), booking.ErrSessionFull)
	require.ErrorContains(t, passes(), "is being offered to the families who wait for it")
	_, err := booking.OutsidePlaces(w.ctx, w.d, w.house.Owner, booking.TakeOutside{SessionIDs: []uuid.UUID{club.Sessions[0].ID}, Reference: "A", Places: 1})
	require.ErrorIs(t, err, booking.ErrSessionFull, "nor may the provider give it to somebody on the telephone")
	require.ErrorContains(t, err, "is being offered to the families who wait for it")
	last := w.join(passer, club)
	require.Equal(t, 1, w.offerPlaces())
	require.Equal(t, booking.PlaceOffered, w.entry(line[0]).State)

	require.NoError(t, booking.LeaveWaitlist(w.ctx, w.d, line[0].parent, entries[0].ID))
	require.ErrorIs(t, passes(), booking.ErrSessionFull, "free again, and the second's")
	require.Equal(t, 1, w.offerPlaces())
	_, err = booking.AcceptPlace(w.ctx, w.d, line[1].parent, entries[1].ID)
	require.NoError(t, err)

	two := 2
	_, err = marketplace.ChangeSessions(w.ctx, w.d, w.house.Owner, marketplace.SessionChange{OfferID: club.Offer.ID, From: day("2027-01-09"), Capacity: &two})
	require.NoError(t, err)
	require.ErrorIs(t, passes(), booking.ErrSessionFull, "one more place is the line's as well, though it is the passer's own line")
	require.NoError(t, booking.LeaveWaitlist(w.ctx, w.d, passer.parent, last.ID))
	require.ErrorIs(t, passes(), booking.ErrSessionFull)
	require.Zero(t, w.offerPlaces(), "nobody waits any more")
	require.NoError(t, passes())
}

func TestT49_WhatTheLineCannotTakeIsAnybodys(t *testing.T) {
	w := newWorld(t)
	club, taken, line, _ := queue(w, 1)
	w.booksAs(line[0], ask(line[0].child, w.publish(saturdays(tariffOf(charge("place", "session", 99_500)))), 1)) // nearly all it has
	w.cancelAs(guest{w.parent, w.child}, taken)
	require.Zero(t, w.offerPlaces())
	w.booksAs(w.guestNamed(1), ask(uuid.Nil, club, 1))
	require.Equal(t, booking.Waiting, w.entry(line[0]).State)
}

// TestT49_APlaceFreedWhileTheLineIsAskedIsTheLinesToo has a second place come
// free after the line was looked at and before that was noted.
func TestT49_APlaceFreedWhileTheLineIsAskedIsTheLinesToo(t *testing.T) {
	w := newWorld(t)
	club, first, line, _ := queue(w, 3, func(d *marketplace.OfferDraft) { d.Sessions.Capacity = 1 })
	w.cancelAs(guest{w.parent, w.child}, first)
	require.Equal(t, 1, w.offerPlaces())
	require.NoError(t, booking.LeaveWaitlist(w.ctx, w.d, line[0].parent, w.entry(line[0]).ID))
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE session_places SET line_moved = 0 WHERE session_id = $1`, club.Sessions[0].ID) // it is being asked for the first
	require.NoError(t, err)
	require.NoError(t, booking.LineAsked(w.ctx, w.d, marketplace.PlaceKey{Provider: club.Offer.ProviderID, Session: club.Sessions[0].ID}, 1))
	passer := w.guestNamed(1)
	_, _, err = booking.Create(w.ctx, w.d, passer.parent, toBook(w.quote(passer.parent, ask(passer.child, club, 1))))
	require.ErrorIs(t, err, booking.ErrSessionFull)
	require.Equal(t, 1, w.offerPlaces())
}

// TestT49_WhoWaitsIsNotBeforeAnEmergencyOrARound has places that were never the
// line's: those kept for emergencies, and those of a round.
func TestT49_WhoWaitsIsNotBeforeAnEmergencyOrARound(t *testing.T) {
	w := newWorld(t)
	club, kept := w.emergencyClub(2, 1)
	w.fundEmergencies(10_000)
	taken := w.book(ask(w.child, club, 1))
	line := w.guests(3)
	w.join(line[0], club)
	w.cancelAs(guest{w.parent, w.child}, taken)
	w.mustEmergency(w.sibling, kept)
	require.Equal(t, 1, w.offerPlaces())
	_, err := booking.AcceptPlace(w.ctx, w.d, line[0].parent, w.entry(line[0]).ID)
	require.NoError(t, err)

	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity, draft.Sessions.LastDate = 1, draft.Sessions.FirstDate
	scheme := w.publish(draft)
	taken = w.book(ask(w.child, scheme, 1))
	w.join(line[1], scheme)
	w.booksAs(line[1], ask(line[1].child, w.publish(saturdays(tariffOf(charge("place", "session", 99_500)))), 1)) // nearly all it has
	w.cancelAs(guest{w.parent, w.child}, taken)
	require.Zero(t, w.offerPlaces(), "it has no money left")
	r := w.announce(scheme)
	w.clock.Set(r.OpensAt)
	w.wish(line[2], r, scheme, 0)
	w.clock.Set(r.ClosesAt)
	require.Equal(t, 1, w.runRounds())
	require.Equal(t, 1, w.taken(scheme, 0), "drawn, whoever waits")
}

func TestT96_AFamilyWaitsForAsManyPlacesAsItNeeds(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity, draft.Companions = 2, map[string]int{"sibling": 1}
	club := w.publish(draft)
	line := w.guests(3)
	taken := []*booking.Booking{w.book(ask(w.child, club, 1))}
	_, err := booking.JoinWaitlist(w.ctx, w.d, line[0].parent, with(ask(line[0].child, club, 1), map[string]int{"sibling": 2}))
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "three never fit")
	_, err = booking.JoinWaitlist(w.ctx, w.d, line[0].parent, ask(line[0].child, club, 1))
	require.ErrorIs(t, err, booking.ErrNotFull, "one does now")
	two, err := booking.JoinWaitlist(w.ctx, w.d, line[0].parent, with(ask(line[0].child, club, 1), map[string]int{"sibling": 1}))
	require.NoError(t, err, "two do not now")
	taken = append(taken, w.booksAs(line[2], ask(line[2].child, club, 1)))
	w.clock.Advance(time.Second)
	one := w.join(line[1], club)

	w.cancelAs(guest{w.parent, w.child}, taken[0])
	require.Equal(t, 1, w.offerPlaces())
	require.Equal(t, booking.PlaceOffered, w.entry(line[1]).State, "one place is for one")
	require.Equal(t, booking.Waiting, w.entry(line[0]).State)
	require.Equal(t, "Fewer places came free than you need", w.entry(line[0]).Because)
	require.NoError(t, booking.LeaveWaitlist(w.ctx, w.d, line[1].parent, one.ID))
	w.cancelAs(line[2], taken[1])
	require.Equal(t, 1, w.offerPlaces())
	b, err := booking.AcceptPlace(w.ctx, w.d, line[0].parent, two.ID)
	require.NoError(t, err)
	require.Equal(t, 2, b.Items[0].Places)
	require.Equal(t, 2, w.taken(club, 0))
}

func TestT51_WhoNeedsMoreStaffThanCameFreeIsPassedOver(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity, draft.Sessions.StaffUnits = 3, 2
	draft.RatioStaff, draft.RatioChildren = 1, 1
	club := w.publish(draft)
	line := w.guests(3)
	first := w.book(ask(w.child, club, 1))
	w.booksAs(line[0], ask(line[0].child, club, 1))
	_, err := booking.JoinWaitlist(w.ctx, w.d, line[1].parent, ask(line[1].child, club, 1))
	require.NoError(t, err, "a place is left, and nobody to look after the child")
	require.Zero(t, w.offerPlaces())
	require.Equal(t, booking.ErrStaffTaken.Title, w.entry(line[1]).Because)
	w.cancelAs(guest{w.parent, w.child}, first)
	require.Equal(t, 1, w.offerPlaces())
	require.Equal(t, booking.PlaceOffered, w.entry(line[1]).State)
}
