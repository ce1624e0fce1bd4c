package api_test

import (
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/marketplace/tariff"
)

// lateCharge is £5.00 for each started quarter of an hour late, up to £15.00.
func lateCharge() tariff.Charge {
	late, most := charge("late", "item", 500), shortbreaks.Pence(1500)
	late.When, late.Event, late.EachMinutes, late.CapPence = "contingent", "late_pick_up", 15, &most
	return late
}

// wantsLate is a date of a club of its own, since each has so many.
func (m *cast) wantsLate(target string) booking.CreateQuote {
	name := "late " + target
	o := m.club[name]
	if o == nil {
		d := club()
		d.Sessions.Weekdays = []int{1, 2, 3, 4, 5, 6, 7}
		d.Tariff.Options[0].Charges = []tariff.Charge{charge("place", "session", 100), lateCharge()}
		o = m.publish(m.houseOf(target), d)
		m.club[name] = o
	}
	m.next[name]++
	return booking.CreateQuote{ChildID: m.child[target], OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[m.next[name]].ID}}
}

// filedLate is an item that took an hour longer than booked; it leaves the
// clock at its end.
func (m *cast) filedLate(target string) *booking.Item {
	it := m.booked(m.wantsLate(target), target).Items[0]
	left := it.EndsAt.Add(time.Hour)
	m.clock.Set(left)
	done, err := booking.Record(m.ctx, m.d, m.houseOf(target).Coordinator, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.Delivered, LeftAt: &left})
	require.NoError(m.t, err)
	return done
}

// partPath is where something of an item is: a proposal of more time, an event.
func (m *cast) partPath(kind, target string, fresh bool, make func(*booking.Item) uuid.UUID) string {
	part := m.record(kind, target, fresh, func() uuid.UUID {
		it := m.filedLate(target)
		id := make(it)
		m.shared["item of "+id.String()] = it.ID
		return id
	})
	item, known := m.shared["item of "+part.String()]
	if !known {
		item = shortbreaks.NewID()
	}
	return "/v1/booking-items/" + item.String() + kind + part.String()
}

func (m *cast) extraPath(target string, fresh bool) string {
	return m.partPath("/extra-time/", target, fresh, func(it *booking.Item) uuid.UUID {
		done, err := booking.Propose(m.ctx, m.d, m.houseOf(target).Coordinator, booking.ProposeExtra{ItemID: it.ID, Minutes: 60, Reason: "The bus was late."})
		require.NoError(m.t, err)
		return done.Extra.ID
	})
}

func (m *cast) eventPath(target string, fresh bool) string {
	return m.partPath("/events/", target, fresh, func(it *booking.Item) uuid.UUID {
		done, err := booking.Happen(m.ctx, m.d, m.houseOf(target).Coordinator, booking.RecordEvent{
			ItemID: it.ID, Event: "late_pick_up", Amount: 5, HappenedAt: m.clock.Now(), NotedAt: m.clock.Now(),
		})
		require.NoError(m.t, err)
		return done.Happened[0].ID
	})
}

// occasionID is a session in which the target's child is expected, and has
// ended; it leaves the clock there.
func (m *cast) occasionID(target string, fresh bool) uuid.UUID {
	return m.record("occasion", target, fresh, func() uuid.UUID {
		it := m.booked(m.wantsLate(target), target).Items[0]
		m.clock.Set(it.EndsAt)
		return *it.SessionID
	})
}

// begunID is an item that has just ended and has no register yet; it leaves
// the clock there.
func (m *cast) begunID(target string, fresh bool) uuid.UUID {
	return m.record("item on the register", target, fresh, func() uuid.UUID {
		it := m.booked(m.wantsLate(target), target).Items[0]
		m.clock.Set(it.EndsAt)
		return it.ID
	})
}

// registerRequests are those of registers and of what comes of them.
func (m *cast) registerRequests() map[string]func(target string, fresh bool) request {
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	return map[string]func(target string, fresh bool) request{
		"listRegisters": func(string, bool) request { return req(get, "/v1/registers?date=2027-01-09", nil) },
		"getRegister": func(target string, fresh bool) request {
			return req(get, "/v1/registers/"+m.occasionID(target, fresh).String(), nil)
		},
		"noteStaff": func(target string, fresh bool) request {
			path := "/v1/registers/" + m.occasionID(target, fresh).String() + "/staff"
			return req(put, path, object{"worker_ids": []string{}, "noted_at": m.clock.Now()})
		},
		"noteAttendance": func(target string, fresh bool) request {
			path := "/v1/booking-items/" + m.begunID(target, fresh).String() + "/attendance-steps"
			return req(post, path, object{"step": "absent", "noted_at": m.clock.Now()})
		},
		"proposeExtraTime": func(target string, fresh bool) request {
			id := m.record("late item", target, fresh, func() uuid.UUID { return m.filedLate(target).ID })
			return req(post, "/v1/booking-items/"+id.String()+"/extra-time", object{"minutes": 60, "reason": "The bus was late."})
		},
		"answerExtraTime": func(target string, fresh bool) request {
			return req(post, m.extraPath(target, fresh)+"/answer", object{"agree": true, "expected_pence": 33})
		},
		"recordEvent": func(target string, fresh bool) request {
			id := m.record("item with events", target, fresh, func() uuid.UUID { return m.filedLate(target).ID })
			path := "/v1/booking-items/" + id.String() + "/events"
			now := m.clock.Now()
			return req(post, path, object{"event": "late_pick_up", "amount": 5, "happened_at": shortbreaks.Wall(now), "noted_at": now})
		},
		"withdrawEvent": func(target string, fresh bool) request {
			return req(post, m.eventPath(target, fresh)+"/withdrawal", nil)
		},
		"listAttendanceAgreements": func(string, bool) request { return req(get, "/v1/attendance-agreements", nil) },
		"listItemNotes": func(target string, fresh bool) request {
			return req(get, "/v1/booking-items/"+m.begunID(target, fresh).String()+"/notes", nil)
		},
		"addItemNote": func(target string, fresh bool) request {
			path := "/v1/booking-items/" + m.begunID(target, fresh).String() + "/notes"
			return req(post, path, object{"kind": "incident", "words": "A bumped knee.", "happened_at": shortbreaks.Wall(m.clock.Now())})
		},
		"getItemCareSheet": func(target string, fresh bool) request {
			return req(get, "/v1/booking-items/"+m.begunID(target, fresh).String()+"/care-sheet", nil)
		},
		"getCareSheet": func(target string, _ bool) request {
			return req(get, "/v1/children/"+m.childOf(target).String()+"/care-sheet", nil)
		},
		"setCareSheet": func(target string, _ bool) request {
			return req(put, "/v1/children/"+m.childOf(target).String()+"/care-sheet", object{"fields": []object{{"field": "avoid", "words": "Loud bells."}}})
		},
		"confirmCareSheet": func(target string, _ bool) request {
			return req(post, "/v1/children/"+m.childOf(target).String()+"/care-sheet/confirmation", object{})
		},
		"listReadings": func(target string, _ bool) request {
			return req(get, "/v1/children/"+m.childOf(target).String()+"/readings", nil)
		},
		"getCollection": func(target string, _ bool) request {
			return req(get, "/v1/children/"+m.childOf(target).String()+"/collection", nil)
		},
		"setCollection": func(target string, _ bool) request {
			return req(put, "/v1/children/"+m.childOf(target).String()+"/collection", object{"people": []object{{"name": "Grace", "relation": "grandmother"}}})
		},
	}
}
