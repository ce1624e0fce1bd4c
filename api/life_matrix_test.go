package api_test

import "net/http"

// lifeRequests are those of the life of a booking.
func (m *cast) lifeRequests() map[string]func(target string, fresh bool) request {
	return map[string]func(target string, fresh bool) request{
		"endOffer": func(target string, fresh bool) request {
			return req(http.MethodPost, "/v1/offers/"+m.offerID(target, fresh, false).String()+"/ending", object{"from_date": "2027-02-01", "reason": "Sold."})
		},
		"listPlacesBeyond": func(target string, fresh bool) request {
			return req(http.MethodGet, "/v1/sessions/"+m.sessionID(target, fresh).String()+"/places-beyond?capacity=1", nil)
		},
	}
}
