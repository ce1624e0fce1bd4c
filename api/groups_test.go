package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

func TestT45_HowManyMoreMakeItRunIsPublic(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	owner := w.as(w.stars.Owner)
	made := into[gen.Offer](owner.post("/v1/offers", draftBody(object{"sessions": object{
		"dates": []string{"2027-01-09"}, "from": "10:00", "to": "13:00", "capacity": 6, "minimum": object{"places": 2, "decide_hours_before": 24},
	}})), http.StatusCreated)
	into[gen.Offer](owner.post("/v1/offers/"+made.ID.String()+"/publication", nil), http.StatusOK)
	read := func() gen.Session {
		return into[gen.Offer](w.nobody().get("/v1/offers/"+made.ID.String()), http.StatusOK).Sessions[0]
	}
	require.Equal(t, 2, read().Minimum.NeededMore)

	mother := w.mother
	body := object{"child_id": w.sam, "offer_id": made.ID, "session_ids": []any{read().ID}}
	q := into[gen.Quote](mother.post("/v1/quotes", body), http.StatusCreated)
	require.Equal(t, 2, q.Items[0].Minimum.Places)
	require.Equal(t, read().StartsAt.Add(-24*time.Hour), q.Items[0].Minimum.DecideAt)
	b := into[gen.Basket](mother.post("/v1/bookings", toBook(q), key("sam")), http.StatusCreated).Bookings[0]
	require.Equal(t, gen.BookingStateConditional, b.State)
	require.Equal(t, 1, read().Minimum.NeededMore)
	body["child_id"] = w.rosa
	into[gen.Basket](mother.post("/v1/bookings", toBook(into[gen.Quote](mother.post("/v1/quotes", body), 201)), key("rosa")), http.StatusCreated)
	require.Zero(t, read().Minimum.NeededMore)
	require.False(t, read().Minimum.Decided)

	w.clock.Set(*b.Items[0].ExpiresAt)
	_, err := booking.DecideGroups(w.ctx, w.d)
	require.NoError(t, err)
	require.Equal(t, gen.BookingStateConfirmed, into[gen.Booking](w.as(w.oakley.Parents[0]).get("/v1/bookings/"+b.ID.String()), 200).State)
	require.True(t, read().Minimum.Decided)

	w.as(w.stars.Owner).post("/v1/offers", draftBody(object{"sessions": object{
		"dates": []string{"2027-02-09"}, "from": "10:00", "to": "13:00", "capacity": 6, "minimum": object{"places": 7, "decide_hours_before": 24},
	}})).refused(http.StatusUnprocessableEntity, "invalid")
}
