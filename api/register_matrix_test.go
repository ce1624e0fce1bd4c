package api_test

import (
	"net/http"

	"github.com/google/uuid"
)

// occasionID is a session in which the target's child is expected, and has
// ended; it leaves the clock there.
func (m *cast) occasionID(target string, fresh bool) uuid.UUID {
	return m.record("occasion", target, fresh, func() uuid.UUID {
		it := m.booked(m.wants(target), target).Items[0]
		m.clock.Set(it.EndsAt)
		return *it.SessionID
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
			path := "/v1/booking-items/" + m.itemID(target, fresh, false).String() + "/attendance-steps"
			return req(post, path, object{"step": "absent", "noted_at": m.clock.Now()})
		},
		"getCollection": func(target string, _ bool) request {
			return req(get, "/v1/children/"+m.childOf(target).String()+"/collection", nil)
		},
		"setCollection": func(target string, _ bool) request {
			return req(put, "/v1/children/"+m.childOf(target).String()+"/collection", object{"people": []object{{"name": "Grace", "relation": "grandmother"}}})
		},
	}
}
