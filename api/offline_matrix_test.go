package api_test

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
)

// codeFor is a booking code of the target's child for the target's provider.
func (m *cast) codeFor(target string) (id uuid.UUID, code string) {
	c, code, err := booking.MakeCode(m.ctx, m.d, m.parent[target], m.child[target], m.houseOf(target).ID)
	require.NoError(m.t, err)
	return c.ID, code
}

// newSession is a session of the target's provider, each time another; m.full has
// its offer.
func (m *cast) newSession(target string) uuid.UUID {
	house := m.houseOf(target)
	name := "offline at " + house.ID.String()
	if m.full[name] == nil || m.next[name] == len(m.full[name].Sessions) {
		d := club()
		d.Sessions.Weekdays = []int{1, 2, 3, 4, 5, 6, 7}
		d.Tariff.Options[0].Charges[0] = charge("place", "session", 100)
		m.full[name], m.next[name] = m.publish(house, d), 0
	}
	m.next[name]++
	return m.full[name].Sessions[m.next[name]-1].ID
}

// enteredID is what the target's provider entered.
func (m *cast) enteredID(target string, fresh bool) uuid.UUID {
	return m.record("entered", target, fresh, func() uuid.UUID {
		_, code := m.codeFor(target)
		session := m.newSession(target)
		e, _, err := booking.EnterBooking(m.ctx, m.d, m.houseOf(target).Coordinator, booking.EnterOffline{Code: code, OfferID: m.full["offline at "+m.houseOf(target).ID.String()].Offer.ID, SessionIDs: []uuid.UUID{session}})
		require.NoError(m.t, err)
		return e.BookingID
	})
}

// placed is a session of the target's provider: one nobody else has to do with,
// if the cell is to succeed.
func (m *cast) placed(target string, fresh bool) uuid.UUID {
	switch {
	case target == "missing":
		return shortbreaks.NewID()
	case fresh:
		return m.newSession(target)
	}
	return m.club[target].Sessions[0].ID
}

// offlineRequests are those of what was booked elsewhere.
func (m *cast) offlineRequests() map[string]func(target string, fresh bool) request {
	const get, post = http.MethodGet, http.MethodPost
	file := func(path, text string) request {
		return request{method: post, path: path, body: []byte(text), head: asCSV}
	}
	return map[string]func(target string, fresh bool) request{
		"listOutsidePlaces": func(string, bool) request { return req(get, "/v1/outside-places", nil) },
		"takeOutsidePlaces": func(target string, _ bool) request {
			return req(post, "/v1/outside-places", object{"session_ids": []uuid.UUID{m.placed(target, false)}, "reference": "Form 1"})
		},
		"endOutsidePlace": func(target string, fresh bool) request {
			id := m.record("outside", target, fresh, func() uuid.UUID {
				taken, err := booking.OutsidePlaces(m.ctx, m.d, m.houseOf(target).Owner, booking.TakeOutside{
					SessionIDs: []uuid.UUID{m.placed(target, false)}, Reference: shortbreaks.NewReference(), Places: 1,
				})
				require.NoError(m.t, err)
				return taken[0].ID
			})
			return req(post, "/v1/outside-places/"+id.String()+"/ending", nil)
		},
		"importOutsidePlaces": func(target string, _ bool) request {
			return file("/v1/outside-place-imports?provider_id="+m.stars.ID.String(), fmt.Sprintf("reference,session_id\nForm 3,%s\n", m.placed(target, false)))
		},
		"importBookings": func(target string, fresh bool) request {
			session := m.placed(target, fresh)
			return file("/v1/booking-imports", fmt.Sprintf("reference,child,session_id\n%s,%s,%s\n", session, m.childOf(target), session))
		},
		"listBookingCodes": func(string, bool) request { return req(get, "/v1/booking-codes", nil) },
		"makeBookingCode": func(target string, _ bool) request {
			return req(post, "/v1/booking-codes", object{"child_id": m.childOf(target), "provider_id": m.stars.ID})
		},
		"withdrawBookingCode": func(target string, fresh bool) request {
			id := m.record("code", target, fresh, func() uuid.UUID {
				id, _ := m.codeFor(target)
				return id
			})
			return req(http.MethodDelete, "/v1/booking-codes/"+id.String(), nil)
		},
		"listOfflineBookings": func(string, bool) request { return req(get, "/v1/offline-bookings", nil) },
		"createOfflineBooking": func(target string, fresh bool) request {
			code := "AAAAA-AAAAA"
			m.record("code to use", target, fresh, func() (id uuid.UUID) {
				id, code = m.codeFor(target)
				return id
			})
			session := m.newSession(target)
			return req(post, "/v1/offline-bookings", object{"code": code, "offer_id": m.full["offline at "+m.houseOf(target).ID.String()].Offer.ID, "session_ids": []uuid.UUID{session}})
		},
		"withdrawCompetency": func(target string, fresh bool) request {
			id := m.record("sign-off", target, fresh, func() uuid.UUID {
				house := m.houseOf(target)
				c, err := booking.AddCompetency(m.ctx, m.d, house.Owner, house.ID, booking.RecordCompetency{
					WorkerID: m.workerID(target, false), Task: "Tube feeding", AssessedBy: "Nurse Ford", AssessedOn: shortbreaks.Date(monday),
				})
				require.NoError(m.t, err)
				return c.ID
			})
			return req(post, "/v1/competencies/"+id.String()+"/withdrawal", object{"reason": "She asked for more training."})
		},
		"listRegisterCorrections": func(target string, _ bool) request {
			return req(get, "/v1/booking-items/"+m.itemID(target, false, true).String()+"/corrections", nil)
		},
		"correctRegister": func(target string, fresh bool) request {
			id := m.record("queried", target, fresh, func() uuid.UUID {
				session := m.newSession(target)
				it := m.booked(booking.CreateQuote{ChildID: m.child[target], OfferID: m.full["offline at "+m.houseOf(target).ID.String()].Offer.ID, SessionIDs: []uuid.UUID{session}}, target).Items[0]
				m.clock.Set(it.EndsAt)
				_, err := booking.Record(m.ctx, m.d, m.houseOf(target).Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.Delivered})
				require.NoError(m.t, err)
				_, err = booking.Query(m.ctx, m.d, m.parent[target], it.ID, "She left early.")
				require.NoError(m.t, err)
				return it.ID
			})
			return req(post, "/v1/booking-items/"+id.String()+"/corrections", object{"outcome": "delivered", "reason": "She stayed."})
		},
		"agreeOfflineBooking": func(target string, fresh bool) request {
			return req(post, "/v1/offline-bookings/"+m.enteredID(target, fresh).String()+"/agreement", nil)
		},
	}
}
