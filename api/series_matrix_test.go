package api_test

import (
	"net/http"

	"github.com/google/uuid"

	"shortbreaks/marketplace"
)

// seriesRequests are those of series and baskets.
func (m *cast) seriesRequests() map[string]func(target string, fresh bool) request {
	clubs := map[string]*marketplace.OfferDetail{}
	clubOf := func(target string, fresh bool) *marketplace.OfferDetail {
		if fresh || clubs[target] == nil {
			clubs[target] = m.publish(m.houseOf(target), club())
		}
		return clubs[target]
	}
	tickets := map[string]*marketplace.OfferDetail{}
	blockOf := func(target string) *marketplace.OfferDetail {
		if tickets[target] == nil {
			tickets[target] = m.publish(m.houseOf(target), blocks())
		}
		return tickets[target]
	}
	return map[string]func(target string, fresh bool) request{
		"quoteSeries": func(target string, _ bool) request {
			return req(http.MethodPost, "/v1/series-quotes", object{
				"child_id": m.childOf(target), "offer_id": m.clubID(target, false), "weekdays": []int{6}, "from": "2027-01-09", "until": "2027-02-06",
			})
		},
		"listTickets": func(string, bool) request { return req(http.MethodGet, "/v1/tickets", nil) },
		"buyTicket": func(target string, _ bool) request {
			return req(http.MethodPost, "/v1/tickets", buying(m.childOf(target), blockOf(target)))
		},
		"getTicket": func(target string, fresh bool) request {
			id := m.record("ticket", target, fresh, func() uuid.UUID { return m.as(m.parent[target]).ticket(m.child[target], blockOf(target)).ID })
			return req(http.MethodGet, "/v1/tickets/"+id.String(), nil)
		},
		"createBasket": func(target string, fresh bool) request {
			return req(http.MethodPost, "/v1/baskets", lines(line(m.childOf(target), clubOf(target, fresh), 0, 1200)))
		},
	}
}
