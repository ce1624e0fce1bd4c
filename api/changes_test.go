package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// left is how many places the nth date of an offer has, as anybody reads it.
func (w *world) left(o *marketplace.OfferDetail, n int) int {
	w.t.Helper()
	for _, s := range into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), http.StatusOK).Sessions {
		if s.ID == o.Sessions[n].ID {
			return s.PlacesLeft
		}
	}
	w.t.Fatal("the session is gone")
	return 0
}

func TestT47_T48_PlacesAreFreedOnceWhateverIsCancelled(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	w.fund(w.ash, w.begum.Children[0].ID)
	o := w.publish(w.stars, club())
	w.as(w.begum.Parents[0]).book(w.begum.Children[0].ID, o, 1)
	basket := into[gen.Basket](w.mother.post("/v1/bookings", toBook(w.mother.quote(w.sam, o, 2), w.mother.quote(w.rosa, o, 1)), key("b")), http.StatusCreated)
	require.Equal(t, 7, w.left(o, 0))
	sam, rosa := basket.Bookings[0], basket.Bookings[1]
	one := object{"reason": "plans_changed", "item_ids": []uuid.UUID{sam.Items[0].ID}}
	into[gen.Booking](w.mother.post("/v1/bookings/"+sam.ID.String()+"/cancellation", one), http.StatusOK)
	require.Equal(t, []int{8, 9}, []int{w.left(o, 0), w.left(o, 1)}, "one of three, and its money only")
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.sam))
	w.mother.post("/v1/bookings/"+sam.ID.String()+"/cancellation", one).refused(http.StatusConflict, "wrong-state")

	all := "/v1/baskets/" + basket.BasketID.String() + "/cancellation"
	got := into[gen.BookingsChanged](w.mother.post(all, object{"reason": "plans_changed", "child_id": w.rosa}), http.StatusOK)
	require.Equal(t, rosa.ID, got.Items[0].ID)
	require.Equal(t, []int{9, 9}, []int{w.left(o, 0), w.left(o, 1)})
	got = into[gen.BookingsChanged](w.mother.post(all, object{"reason": "plans_changed"}), http.StatusOK)
	require.Len(t, got.Items, 2)
	require.Equal(t, []int{9, 10}, []int{w.left(o, 0), w.left(o, 1)}, "the other family's place is still taken")
	w.mother.post(all, object{"reason": "plans_changed"}).refused(http.StatusConflict, "wrong-state")
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.sam))
}

func TestT37_AMoveIsDoneOncePerKey(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	b := w.mother.book(w.sam, o, 2)
	q := into[gen.Quote](w.mother.post("/v1/quotes", object{"child_id": w.sam, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[5].ID}}), 201)
	body, path := object{"quote_id": q.ID, "expected_total_pence": q.TotalPence}, "/v1/booking-items/"+b.Items[1].ID.String()+"/move"
	w.mother.post(path, object{"quote_id": q.ID, "expected_total_pence": q.TotalPence + 1}, key("n")).refused(http.StatusConflict, "price-changed")
	first := w.mother.post(path, body, key("m"))
	m := into[gen.MovedItem](first, http.StatusCreated)
	require.Equal(t, gen.ItemStateCancelledByFamily, m.MovedFrom.State)
	again := w.mother.post(path, body, key("m"))
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Equal(t, []int64{2400, 0, 97_600}, w.mother.money(w.sam))
	w.as(w.begum.Parents[0]).post(path, body, key("m")).refused(http.StatusNotFound, "not-found")
	require.Equal(t, []int{9, 10, 9}, []int{w.left(o, 0), w.left(o, 1), w.left(o, 5)})
}

func TestR126_IllTodayShowsWhatItCostsAndThenCancelsEverything(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Terms.FreeUntilHours, d.Terms.LateFeePercent = 24*7, 100
	own, v := w.publish(w.stars, d), visits()
	v.Instant = true
	worker := w.publish(w.moor, v)
	w.mother.book(w.sam, own, 2) // 9 and 16 January
	w.mother.visit(w.sam, worker, "2027-01-09T15:00")
	day := object{"child_id": w.sam, "date": "2027-01-09"}
	would := into[gen.BookingsChanged](w.mother.post("/v1/day-cancellations", object{"child_id": w.sam, "date": "2027-01-09", "dry_run": true}), http.StatusOK)
	cost := map[uuid.UUID]int64{}
	for _, b := range would.Items {
		require.Len(t, b.Items, 1, "that day's only")
		cost[b.OfferID] = *b.Items[0].ChargePence
	}
	require.Equal(t, map[uuid.UUID]int64{own.Offer.ID: 1200, worker.Offer.ID: 0}, cost)
	require.Equal(t, []int64{2400 + 7500, 0, 90_100}, w.mother.money(w.sam), "nothing was changed")
	into[gen.BookingsChanged](w.mother.post("/v1/day-cancellations", day), http.StatusOK)
	require.Equal(t, []int64{1200, 1200, 97_600}, w.mother.money(w.sam))
	w.mother.post("/v1/day-cancellations", day).refused(http.StatusConflict, "wrong-state")
	w.mother.post("/v1/day-cancellations", object{"child_id": w.sam, "date": "2027-01-10"}).refused(http.StatusNotFound, "not-found")
}

func TestT65_CallingOffOverHTTP(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.begum.Children[0].ID)
	o := w.publish(w.stars, club())
	b := w.mother.book(w.sam, o, 2)
	w.as(w.begum.Parents[0]).book(w.begum.Children[0].ID, o, 1)
	owner, path := w.as(w.stars.Owner), "/v1/sessions/"+o.Sessions[0].ID.String()
	owner.post(path+"/calling-off", object{"reason": "No heating."}).refused(http.StatusConflict, "session-booked")
	require.Len(t, into[gen.TakenPlaceList](owner.get(path+"/places-beyond?capacity=1"), http.StatusOK).Items, 1)
	s := into[gen.PlannedSession](owner.post(path+"/calling-off", object{"reason": "No heating.", "cancel_bookings": true}), http.StatusOK)
	require.Equal(t, 2, *s.PlacesCancelled)
	require.Equal(t, gen.SessionStateCancelled, s.State)
	got := into[gen.Booking](w.mother.get("/v1/bookings/"+b.ID.String()), http.StatusOK)
	require.Equal(t, "No heating.", *got.Items[0].CancelReason)
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.sam))

	ended := into[gen.OfferEnded](owner.post("/v1/offers/"+o.Offer.ID.String()+"/ending", object{"from_date": "2027-01-10", "reason": "The hall is sold."}), http.StatusOK)
	require.Equal(t, 1, ended.PlacesCancelled)
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.sam))
}
