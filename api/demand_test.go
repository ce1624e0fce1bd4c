package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestDemandSaysWhatSearchesThatFoundNothingLacked(t *testing.T) {
	w := setup(t)
	d := club()
	d.AgeFrom = 12
	w.publish(w.stars, d)
	for path, times := range map[string]int{
		"/v1/offers?age=6&category=club": 3, "/v1/offers?age=6&category=leisure": 2, "/v1/offers?needs=autism": 1, "/v1/offers?age=6&needs=autism": 4, "/v1/offers?category=club": 2,
	} {
		for range times {
			into[gen.OfferList](w.nobody().get(path), http.StatusOK)
		}
	}
	require.NoError(t, w.searches.Flush(w.ctx, w.d))
	commissioner := w.as(w.ash.Commissioner)
	demand := into[gen.Demand](commissioner.get("/v1/demand?by=missing"), http.StatusOK)
	zero := int64(0)
	cell := func(key string, n int64) gen.DemandCell {
		return gen.DemandCell{Key: key, Bookings: &zero, Children: &zero, Searches: n, SearchesWithNothing: n}
	}
	require.Equal(t, []gen.DemandCell{cell("age", 5), cell("needs", 1), cell("several", 4)}, demand.Cells)
	nothing := int64(0)
	for _, c := range into[gen.Demand](commissioner.get("/v1/demand?by=week"), http.StatusOK).Cells {
		nothing += c.SearchesWithNothing
	}
	require.EqualValues(t, 10, nothing, "each search that found nothing is in one cell, and no other is")
	commissioner.get("/v1/demand?by=missing&area=Ashmere").refused(http.StatusBadRequest, "malformed")
	w.mother.get("/v1/demand?by=missing").refused(http.StatusForbidden, "forbidden")
}
