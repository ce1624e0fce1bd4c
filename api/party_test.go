package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

func TestT96_WhoComesAlongOverHTTP(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Companions, d.Sessions.Capacity = map[string]int{"sibling": 1, "carer": 0}, 2
	o := w.publish(w.stars, d)
	counts := into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), http.StatusOK).Companions
	require.Equal(t, 0, *counts.Carer)
	require.Nil(t, counts.PersonalAssistant)
	w.mother.post("/v1/quotes", wanted(w.sam, o, 1, object{"companions": object{"personal_assistant": 1}})).refused(http.StatusUnprocessableEntity, "invalid")
	q := w.mother.quote(w.sam, o, 1, object{"companions": object{"sibling": 1, "carer": 1}})
	b := into[gen.Basket](w.mother.post("/v1/bookings", toBook(q), key("party")), http.StatusCreated).Bookings[0]
	require.Equal(t, 2, *b.Items[0].Places)
	require.Equal(t, 1, *b.Items[0].Companions.Carer)
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.sam), "the tariff asks for nothing more")
	require.Zero(t, w.left(o, 0))

	// Full for them: a second family waits for two places.
	amina := w.begum.Children[0].ID
	w.fund(w.ash, amina)
	begum, wait := w.as(w.begum.Parents[0]), object{"child_id": amina, "offer_id": o.Offer.ID, "session_id": o.Sessions[0].ID, "companions": object{"sibling": 2}}
	begum.post("/v1/waitlist-entries", wait).refused(http.StatusUnprocessableEntity, "invalid")
	wait["companions"] = object{"sibling": 1}
	e := into[gen.WaitlistEntry](begum.post("/v1/waitlist-entries", wait), http.StatusCreated)
	require.Equal(t, 1, *e.Companions.Sibling)
	into[gen.Booking](w.mother.post("/v1/bookings/"+b.ID.String()+"/cancellation", object{"reason": "plans_changed"}), http.StatusOK)
	_, err := booking.OfferPlaces(w.ctx, w.d)
	require.NoError(t, err)
	got := into[gen.Booking](begum.post("/v1/waitlist-entries/"+e.ID.String()+"/acceptance", nil), http.StatusOK)
	require.Equal(t, 2, *got.Items[0].Places)
}

func TestT51_StaffAreCountedBesidePlaces(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	d := club()
	d.RatioStaff, d.RatioChildren, d.Sessions.StaffUnits = 1, 1, 2
	o := w.publish(w.stars, d)
	two := w.mother.quote(w.sam, o, 1, object{"ratio": object{"staff": 2, "children": 1}})
	into[gen.Basket](w.mother.post("/v1/bookings", toBook(two), key("two")), http.StatusCreated)
	one := w.mother.quote(w.rosa, o, 1)
	w.mother.post("/v1/bookings", toBook(one), key("one")).refused(http.StatusConflict, "staff-taken")
	require.Equal(t, 9, w.left(o, 0), "places were left")
}
