package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

func TestT49_WaitingForAPlaceOverHTTP(t *testing.T) {
	w := setup(t)
	amina := w.begum.Children[0].ID
	w.fund(w.ash, w.sam)
	w.fund(w.ash, amina)
	d := club()
	d.Sessions.Capacity = 1
	o := w.publish(w.stars, d)
	body := object{"child_id": amina, "offer_id": o.Offer.ID, "session_id": o.Sessions[0].ID}
	begum := w.as(w.begum.Parents[0])
	begum.post("/v1/waitlist-entries", body).refused(http.StatusConflict, "places-left")
	b := w.mother.book(w.sam, o, 1)
	e := into[gen.WaitlistEntry](begum.post("/v1/waitlist-entries", body), http.StatusCreated)
	require.Equal(t, gen.WaitlistStateWaiting, e.State)
	begum.post("/v1/waitlist-entries", body).refused(http.StatusConflict, "already-waiting")
	w.mother.post("/v1/waitlist-entries", body).refused(http.StatusNotFound, "not-found")
	require.Empty(t, into[gen.WaitlistEntryList](w.mother.get("/v1/waitlist-entries"), http.StatusOK).Items)

	into[gen.Booking](w.mother.post("/v1/bookings/"+b.ID.String()+"/cancellation", object{"reason": "plans_changed"}), http.StatusOK)
	_, err := booking.OfferPlaces(w.ctx, w.d)
	require.NoError(t, err)
	list := into[gen.WaitlistEntryList](begum.get("/v1/waitlist-entries"), http.StatusOK).Items
	require.Equal(t, gen.WaitlistStateOffered, list[0].State)
	require.Equal(t, w.clock.Now().Add(24*time.Hour), list[0].ExpiresAt.UTC())
	require.Equal(t, []int64{1200, 0, 98_800}, begum.money(amina))
	path := "/v1/waitlist-entries/" + e.ID.String()
	w.mother.post(path+"/acceptance", nil).refused(http.StatusNotFound, "not-found")
	got := into[gen.Booking](begum.post(path+"/acceptance", nil), http.StatusOK)
	require.Equal(t, gen.BookingStateConfirmed, got.State)
	require.Equal(t, list[0].BookingID, ref(got.ID))
	begum.ask(http.MethodDelete, path, nil).refused(http.StatusConflict, "wrong-state")
}

func ref(id uuid.UUID) *uuid.UUID { return &id }
