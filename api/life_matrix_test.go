package api_test

import (
	"cmp"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// lifeRequests are those of the life of a booking.
func (m *cast) lifeRequests() map[string]func(target string, fresh bool) request {
	days := map[uuid.UUID]string{}
	return map[string]func(target string, fresh bool) request{
		"cancelBasket": func(target string, fresh bool) request {
			id := m.record("basket", target, fresh, func() uuid.UUID { return m.booked(m.wants(target), target).BasketID })
			return req(http.MethodPost, "/v1/baskets/"+id.String()+"/cancellation", object{"reason": "plans_changed"})
		},
		"cancelDay": func(target string, fresh bool) request {
			id := m.record("day", target, fresh, func() uuid.UUID {
				b := m.booked(m.wants(target), target)
				days[b.ID] = b.Items[0].LocalStart[:len(time.DateOnly)]
				return b.ID
			})
			on := cmp.Or(days[id], "2027-02-01")
			return req(http.MethodPost, "/v1/day-cancellations", object{"child_id": m.childOf(target), "date": on})
		},
		"moveBookingItem": func(target string, fresh bool) request {
			id := m.record("date to move", target, fresh, func() uuid.UUID { return m.booked(m.wants(target), target).Items[0].ID })
			body := object{"quote_id": m.quoteID(target, fresh), "expected_total_pence": 100}
			return req(http.MethodPost, "/v1/booking-items/"+id.String()+"/move", body)
		},
		"endOffer": func(target string, fresh bool) request {
			return req(http.MethodPost, "/v1/offers/"+m.offerID(target, fresh, false).String()+"/ending", object{"from_date": "2027-02-01", "reason": "Sold."})
		},
		"listPlacesBeyond": func(target string, fresh bool) request {
			return req(http.MethodGet, "/v1/sessions/"+m.sessionID(target, fresh).String()+"/places-beyond?capacity=1", nil)
		},
	}
}
