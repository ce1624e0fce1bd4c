package api_test

import (
	"net/http"

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
	return map[string]func(target string, fresh bool) request{
		"quoteSeries": func(target string, _ bool) request {
			return req(http.MethodPost, "/v1/series-quotes", object{
				"child_id": m.childOf(target), "offer_id": m.clubID(target, false), "weekdays": []int{6}, "from": "2027-01-09", "until": "2027-02-06",
			})
		},
		"createBasket": func(target string, fresh bool) request {
			return req(http.MethodPost, "/v1/baskets", lines(line(m.childOf(target), clubOf(target, fresh), 0, 1200)))
		},
	}
}
