package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

func TestChosenOffersAreSideBySideWithTheirLinesOrTheirReasons(t *testing.T) {
	w := setup(t)
	made, far := w.bath(), club()
	far.Setting, far.AgeFrom = &marketplace.SettingDraft{Name: "Far Hall", Postcode: "ZX1 1AA"}, 12
	away, nobody := w.publish(w.moor, far), uuid.New()
	body := object{
		"weekdays": []int{6}, "minutes": 180, "starts_on": "2027-01-09", "ends_on": "2027-01-23", "age": 9, "postcode": "ZZ1 1AA", "within_km": 5,
		"charge_kinds": []string{"support"}, "offer_ids": []uuid.UUID{away.Offer.ID, nobody, made.Offer.ID},
	}
	got := into[gen.Comparison](w.nobody().post("/v1/offer-comparisons", body), http.StatusOK)
	require.Len(t, got.Items, 1)
	item := got.Items[0]
	require.Equal(t, made.Offer.ID, item.Offer.ID)
	require.Equal(t, []gen.ComparisonLine{
		{OptionName: "Standard", Kind: "place", Unit: "session", Words: "3 Saturdays at £12.00: £36.00.", Pence: 3600, FullPence: 3600},
		{OptionName: "Standard", Kind: "support", Unit: "hour", Words: "3 Saturdays of 3 hours, 9 hours in all at £18.00 an hour: £162.00.", Pence: 16200, FullPence: 16200},
	}, item.Lines)
	require.Equal(t, int64(3600+16200), item.TotalPence)
	require.Len(t, got.CannotServe, 2)
	require.Equal(t, []gen.CannotServeReason{{Code: "age", Words: "It is for ages 12 to 17."}}, got.CannotServe[0].Reasons[:1])
	require.Equal(t, gen.CannotServeCode("distance"), got.CannotServe[0].Reasons[1].Code)
	require.Equal(t, away.Offer.ID, got.CannotServe[0].Offer.ID)
	require.Equal(t, nobody, got.CannotServe[1].OfferID)
	require.Equal(t, "It is not on sale now.", got.CannotServe[1].Because)
	require.Nil(t, got.CannotServe[1].Offer)

	many := make([]uuid.UUID, 51)
	for i := range many {
		many[i] = uuid.New()
	}
	w.nobody().post("/v1/offer-comparisons", with(body, "offer_ids", many)).refused(400, "malformed")
	w.nobody().post("/v1/offer-comparisons", with(body, "needs", []string{"magic"})).refused(400, "malformed")
}

func TestTheContractHasEveryReason(t *testing.T) {
	t.Parallel()
	for _, code := range marketplace.ReasonCodes {
		require.True(t, gen.CannotServeCode(code).Valid(), code)
	}
}
