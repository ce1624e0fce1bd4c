package booking_test

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
)

func (m *lifeModel) waiters() (all []*waiter) {
	for _, s := range m.seats {
		all = append(all, s.line...)
	}
	return all
}

// full is when there is something to wait for.
func (s *seat) full() bool { return s.first || s.taken() >= s.capacity }

// markForLine keeps what the last command set free for those who wait then.
func (m *lifeModel) markForLine() {
	for _, s := range m.seats {
		free := s.capacity - s.taken()
		if free > s.free && slices.ContainsFunc(s.line, func(e *waiter) bool { return e.state == booking.Waiting }) {
			s.first = true
		}
		s.free = free
	}
}

func (m *lifeModel) join() {
	k, s := m.aKid(), likely(m, m.seats, func(s *seat) bool { return s.open(m.now) && s.full() }, "session")
	waits := slices.ContainsFunc(s.line, func(e *waiter) bool {
		return e.kid == k && (e.state == booking.Waiting || e.state == booking.PlaceOffered)
	})
	could := s.open(m.now) && s.full() && !s.has(k) && !waits
	e, err := booking.JoinWaitlist(m.w.ctx, m.w.d, k.parent, m.wish(k, []*seat{s}))
	if m.did(could, err, "joining the line") {
		s.line = append(s.line, &waiter{id: e.ID, kid: k, seat: s, state: booking.Waiting})
	}
}

// offerPlaces gives each free place to the first in line who can pay (T49).
func (m *lifeModel) offerPlaces() {
	_, err := booking.OfferPlaces(m.w.ctx, m.w.d)
	require.NoError(m.rt, err)
	for _, e := range m.waiters() {
		if e.state == booking.PlaceOffered && !e.life.state.Live() {
			if e.state = booking.PlaceLapsed; e.life.state == booking.CancelledByFamily {
				e.state = booking.LeftLine
			}
		}
	}
	offered := map[uuid.UUID]*waiter{}
	// The lines move one after the other in no order a family could know. A
	// child first in two lines may have the money for one only: which is read.
	moved := m.readLines()
	for _, s := range m.seats {
		for _, e := range s.line {
			if s.open(m.now) && e.state == booking.Waiting && moved[e.id].state == booking.PlaceOffered {
				require.Less(m.rt, s.taken(), s.capacity, "a place is offered that is not there")
				require.False(m.rt, s.has(e.kid), "a second place is offered")
				e.state, e.life = booking.PlaceOffered, m.take(&trip{id: moved[e.id].booking, kid: e.kid}, s)
				e.life.id, e.life.state, e.life.expires = moved[e.id].item, booking.Held, earlier(m.now.Add(24*time.Hour), s.starts())
				m.trips = append(m.trips, e.life.trip)
				offered[e.id] = e
			}
		}
	}
	for _, s := range m.seats {
		s.first = s.first && !s.open(m.now)
		for i, e := range s.line {
			if !s.open(m.now) || e.state != booking.Waiting || s.has(e.kid) {
				continue
			}
			// Passed over: there was no place when its turn came, or no money.
			before := slices.ContainsFunc(s.line[i+1:], func(o *waiter) bool { return offered[o.id] != nil })
			require.True(m.rt, !before || !e.kid.canPay(s.price), "a family behind was offered the place")
			require.True(m.rt, s.taken() >= s.capacity || !e.kid.canPay(s.price), "a place is free and a family with the money waits")
		}
	}
}

func (m *lifeModel) takePlace() {
	e := m.aWaiter(func(e *waiter) bool { return e.state == booking.PlaceOffered })
	could := e.state == booking.PlaceOffered && e.life.state == booking.Held && m.now.Before(e.life.expires)
	_, err := booking.AcceptPlace(m.w.ctx, m.w.d, e.kid.parent, e.id)
	if m.did(could, err, "taking the place") {
		e.state, e.life.state, e.life.expires = booking.PlaceAccepted, booking.Confirmed, time.Time{}
		if !e.seat.instant {
			e.life.state, e.life.expires = booking.Requested, earlier(m.now.Add(48*time.Hour), e.seat.starts())
		}
	}
}

func (m *lifeModel) leave() {
	e := m.aWaiter(func(e *waiter) bool { return e.state == booking.Waiting || e.state == booking.PlaceOffered })
	could := e.state == booking.Waiting || e.state == booking.PlaceOffered
	err := booking.LeaveWaitlist(m.w.ctx, m.w.d, e.kid.parent, e.id)
	if m.did(could, err, "leaving the line") {
		if e.state == booking.PlaceOffered && e.life.state == booking.Held {
			e.life.ended(booking.CancelledByFamily, 0)
		}
		e.state = booking.LeftLine
	}
}
