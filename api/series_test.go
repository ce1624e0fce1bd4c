package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// line is one line of a basket: the nth session of an offer for a child.
func line(child uuid.UUID, o *marketplace.OfferDetail, n int, pence int64) object {
	return object{"want": object{"child_id": child, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[n].ID}}, "expected_total_pence": pence}
}

func lines(of ...object) object { return object{"lines": of} }

// everySaturday asks for the club's Saturdays, the first n of them.
func everySaturday(child uuid.UUID, o *marketplace.OfferDetail, first, last int) object {
	on := func(n int) string { return o.Sessions[n].LocalStart[:10] }
	return object{"child_id": child, "offer_id": o.Offer.ID, "weekdays": []int{6}, "from": on(first), "until": on(last)}
}

func TestT37_ASeriesIsQuotedBookedAndChangedDateByDate(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Sessions.Capacity = 1
	o := w.publish(w.stars, d)
	w.fund(w.ash, w.begum.Children[0].ID)
	_, err := w.build.Book(w.ctx, w.begum.Parents[0], booking.CreateQuote{ChildID: w.begum.Children[0].ID, OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[1].ID}})
	require.NoError(t, err)

	asked := everySaturday(w.sam, o, 0, 3)
	asked["except"] = []string{o.Sessions[3].LocalStart[:10]}
	made := into[gen.SeriesQuote](w.mother.post("/v1/series-quotes", asked), http.StatusOK)
	require.Equal(t, []int{2, 1}, []int{made.Fitting, made.Missing})
	require.Equal(t, "session-full", *made.Dates[1].Code)
	require.Equal(t, "skipped", *made.Dates[3].Code)
	require.True(t, *made.Dates[3].LeftOut)
	require.EqualValues(t, 1200, *made.Dates[0].PricePence)
	require.EqualValues(t, 2400, made.Quote.TotalPence)
	b := into[gen.Basket](w.mother.post("/v1/bookings", toBook(*made.Quote), key("series")), http.StatusCreated).Bookings[0]
	require.Len(t, b.Items, 2)

	to := w.mother.ask(http.MethodPost, "/v1/quotes", object{"child_id": w.sam, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[5].ID}})
	q := into[gen.Quote](to, http.StatusCreated)
	w.mother.post("/v1/booking-items/"+b.Items[0].ID.String()+"/move", object{"quote_id": q.ID, "expected_total_pence": q.TotalPence}, key("move"))
	got := into[gen.Booking](w.mother.get("/v1/bookings/"+b.ID.String()), http.StatusOK)
	require.Equal(t, gen.ItemState("confirmed"), got.Items[1].State)
	require.Equal(t, b.Items[1].StartsAt, got.Items[1].StartsAt)
	require.EqualValues(t, 1200, got.Items[1].PricePence)
	require.Equal(t, []int64{2400, 0, 97_600}, w.mother.money(w.sam))

	asked["take"] = "all_or_none"
	require.Nil(t, into[gen.SeriesQuote](w.mother.post("/v1/series-quotes", asked), http.StatusOK).Quote)
	asked["start"] = "25:00"
	w.mother.post("/v1/series-quotes", asked).refused(http.StatusBadRequest, "malformed")
	asked["start"], asked["minutes"] = "10:00", 60
	p := w.mother.post("/v1/series-quotes", asked).refused(http.StatusUnprocessableEntity, "invalid")
	require.Equal(t, "/minutes", p.Errors[0].Pointer)
}

func TestT10_ABasketIsBookedInOneRequestOrNotAtAll(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	d := club()
	d.Sessions.Capacity = 1
	o, dear := w.publish(w.stars, club()), club()
	small := w.publish(w.stars, d)
	dear.Title, dear.Tariff.Options[0].Charges[0] = "Dear club", charge("place", "session", 99_000)
	costly := w.publish(w.stars, dear)
	w.mother.post("/v1/baskets", lines(line(w.sam, o, 0, 1200)), key("first"))
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.sam))

	// Three lines of five cannot be booked: each is named, and nothing is done.
	p := w.mother.post("/v1/baskets", lines(
		line(w.sam, o, 1, 1200), line(w.sam, o, 0, 1200), line(w.rosa, small, 0, 1200), line(w.sam, small, 0, 1200), line(w.sam, costly, 0, 99_000),
	), key("no")).refused(http.StatusConflict, "already-booked")
	var at []string
	for _, e := range p.Errors {
		at = append(at, e.Pointer)
	}
	require.Equal(t, []string{"/lines/1", "/lines/3", "/lines/4"}, at)
	require.Contains(t, p.Errors[1].Detail, "Sam, Saturday club: The session of 2027-01-09T10:00 is full.")
	require.Contains(t, p.Errors[2].Detail, "Sam, Dear club: ")
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.sam))
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.rosa))
	require.Equal(t, 1, into[gen.Offer](w.nobody().get("/v1/offers/"+small.Offer.ID.String()), 200).Sessions[0].PlacesLeft)

	good := lines(line(w.rosa, small, 0, 1200), line(w.sam, o, 1, 1200))
	basket := into[gen.Basket](w.mother.post("/v1/baskets", good, key("yes")), http.StatusCreated)
	require.Equal(t, []uuid.UUID{w.rosa, w.sam}, []uuid.UUID{*basket.Bookings[0].ChildID, *basket.Bookings[1].ChildID})
	require.Equal(t, []int64{2400, 0, 97_600}, w.mother.money(w.sam))
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.rosa))
	again := w.mother.post("/v1/baskets", good, key("yes"))
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Equal(t, basket, into[gen.Basket](again, http.StatusCreated))
	w.mother.post("/v1/baskets", lines(line(w.sam, o, 2, 1200)), key("yes")).refused(http.StatusUnprocessableEntity, "idempotency-key-reused")

	// Another price than was shown, and something that is not for sale.
	p = w.mother.post("/v1/baskets", lines(line(w.sam, o, 2, 1100), line(w.rosa, o, 2, 1200), line(w.rosa, small, 3, 1)), key("price")).refused(http.StatusConflict, "price-changed")
	require.Equal(t, "/lines/0/expected_total_pence", p.Errors[0].Pointer)
	require.Equal(t, "/lines/2/expected_total_pence", p.Errors[1].Pointer)
	p = w.mother.post("/v1/baskets", lines(line(w.sam, o, 2, 1200), object{
		"want": object{"child_id": w.rosa, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{small.Sessions[2].ID}}, "expected_total_pence": 1200,
	}), key("wrong")).refused(http.StatusUnprocessableEntity, "invalid")
	require.Equal(t, "/lines/1/want/session_ids/0", p.Errors[0].Pointer)
	w.mother.post("/v1/baskets", lines(line(w.sam, o, 2, 1200), line(w.begum.Children[0].ID, o, 2, 1200)), key("other")).refused(http.StatusNotFound, "not-found")
	require.Equal(t, []int64{2400, 0, 97_600}, w.mother.money(w.sam))
}

func TestT10_QuotesBookedTogetherNameTheLinesThatFail(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	o := w.publish(w.stars, club())
	w.mother.book(w.rosa, o, 1)
	sam, rosa := w.mother.quote(w.sam, o, 1), w.mother.quote(w.rosa, o, 1)
	p := w.mother.post("/v1/bookings", toBook(sam, rosa), key("two")).refused(http.StatusConflict, "already-booked")
	require.Len(t, p.Errors, 1)
	require.Equal(t, "/quotes/1", p.Errors[0].Pointer)
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.sam))
}

func TestRace_BasketsSeriesAndSingleBookingsOnTheSamePlacesAndBudgets(t *testing.T) {
	const requests, capacity = 250, 6
	w := setup(t)
	d := club()
	d.Sessions.Capacity = capacity
	o := w.publish(w.stars, d)
	var kids []uuid.UUID
	for i := range 8 {
		home := w.family(w.ash, fmt.Sprint("kin", i), []string{"Ann", "Bob"}, fmt.Sprint("kin", i))
		for _, c := range home.Children {
			w.fund(w.ash, c.ID)
			kids = append(kids, c.ID)
		}
	}
	desk := w.practitioner
	bodies := make([]object, requests)
	paths := make([]string, requests)
	for i := range requests {
		child, other := kids[i%len(kids)], kids[(i*7+3)%len(kids)]
		switch i % 3 {
		case 0:
			a, b := line(child, o, (i/3)%12, 1200), line(other, o, (i*5+1)%12, 1200)
			paths[i], bodies[i] = "/v1/baskets", lines(a, b)
		case 1:
			first := (i / 3) % 9
			q := into[gen.SeriesQuote](desk.post("/v1/series-quotes", everySaturday(child, o, first, first+3)), http.StatusOK).Quote
			paths[i], bodies[i] = "/v1/bookings", toBook(*q)
		default:
			q := into[gen.Quote](desk.post("/v1/quotes", object{"child_id": child, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[(i/2)%12].ID}}), http.StatusCreated)
			paths[i], bodies[i] = "/v1/bookings", toBook(q)
		}
	}
	outcomes := w.race(requests, 64, desk, func(i int) (string, string, any) { return http.MethodPost, paths[i], bodies[i] })
	t.Log(tally(outcomes))
	won, items := map[int]int{}, 0
	held := map[uuid.UUID]int64{}
	for i, out := range outcomes {
		if out.status != http.StatusCreated {
			require.Contains(t, []string{"session-full", "already-booked", "budget-too-low"}, out.code, "%s", out.body)
			continue
		}
		won[i%3]++
		var b gen.Basket
		require.NoError(t, json.Unmarshal(out.body, &b))
		of := 0
		for _, bk := range b.Bookings {
			of += len(bk.Items)
			for _, it := range bk.Items {
				held[*bk.ChildID] += it.PricePence
			}
		}
		require.Equal(t, []int{2, 4, 1}[i%3], of, "all of it or nothing")
		items += of
	}
	require.Len(t, won, 3, "each way won some")
	now := into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200)
	taken := 0
	for _, s := range now.Sessions {
		require.GreaterOrEqual(t, s.PlacesLeft, 0)
		taken += capacity - s.PlacesLeft
	}
	require.Equal(t, items, taken)
	for _, kid := range kids {
		require.Equal(t, []int64{held[kid], 0, 100_000 - held[kid]}, desk.money(kid))
	}
	var deadlocks int
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`).Scan(&deadlocks))
	require.Zero(t, deadlocks)
}
