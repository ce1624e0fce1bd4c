package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// blocks is the club, sold by the block of ten as well.
func blocks() marketplace.OfferDraft {
	d := club()
	ten := d.Tariff.Options[0]
	ten.Name, ten.Block, ten.Charges = "Ten", &tariff.Block{Count: 10, ValidWeeks: 12}, []tariff.Charge{charge("place", "item", 9000)}
	ten.Charges[0].IncludesMinutesWithChild = 180
	d.Tariff.Options = append(d.Tariff.Options, ten)
	return d
}

func buying(child uuid.UUID, o *marketplace.OfferDetail) object {
	return object{"child_id": child, "offer_id": o.Offer.ID, "option": "Ten", "expected_total_pence": 9000}
}

// ticket buys the block of an offer.
func (c caller) ticket(child uuid.UUID, o *marketplace.OfferDetail) gen.Ticket {
	c.w.t.Helper()
	return into[gen.Ticket](c.post("/v1/tickets", buying(child, o), key(shortbreaks.NewID().String())), http.StatusCreated)
}

func TestABlockOfTenIsBoughtOnceAndUsedDateByDate(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, blocks())
	first := w.mother.post("/v1/tickets", buying(w.sam, o), key("ten"))
	ticket := into[gen.Ticket](first, http.StatusCreated)
	again := w.mother.post("/v1/tickets", buying(w.sam, o), key("ten"))
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Equal(t, first.body, again.body)
	require.Equal(t, []int{10, 0, 10}, []int{ticket.Count, ticket.Used, ticket.Left})
	require.Equal(t, []int64{9000, 0, 91_000}, w.mother.money(w.sam))

	q := w.mother.quote(w.sam, o, 2, object{"ticket_id": ticket.ID})
	require.Zero(t, q.TotalPence)
	w.mother.post("/v1/bookings", toBook(q), key("two"))
	ticket = into[gen.Ticket](w.mother.get("/v1/tickets/"+ticket.ID.String()), http.StatusOK)
	require.Equal(t, []int{2, 8}, []int{ticket.Used, ticket.Left})
	require.Equal(t, []int64{9000, 0, 91_000}, w.mother.money(w.sam))
	require.Equal(t, 8, into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[0].PlacesLeft+
		into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[1].PlacesLeft-10)

	// A series off the block ends with the block.
	asked := everySaturday(w.sam, o, 2, 12)
	asked["ticket_id"] = ticket.ID
	made := into[gen.SeriesQuote](w.mother.post("/v1/series-quotes", asked), http.StatusOK)
	require.Equal(t, 8, made.Fitting)
	require.Equal(t, "ticket-used-up", *made.Dates[8].Code)
	require.Equal(t, "ticket-not-valid", *made.Dates[10].Code)
	w.mother.post("/v1/bookings", toBook(*made.Quote), key("rest"))
	one := into[gen.Quote](w.mother.post("/v1/quotes", object{
		"child_id": w.sam, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[10].ID}, "ticket_id": ticket.ID,
	}), http.StatusCreated)
	w.mother.post("/v1/bookings", toBook(one), key("more")).refused(http.StatusConflict, "ticket-used-up")
	w.mother.post("/v1/bookings/"+ticket.BookingID.String()+"/cancellation", object{"reason": "plans_changed"}).refused(http.StatusConflict, "ticket-in-use")
	require.Len(t, into[gen.TicketList](w.mother.get("/v1/tickets?child_id="+w.sam.String()), http.StatusOK).Items, 1)
	require.Empty(t, into[gen.TicketList](w.as(w.begum.Parents[0]).get("/v1/tickets?child_id="+w.sam.String()), http.StatusOK).Items)
	w.mother.post("/v1/tickets", object{"child_id": w.sam, "offer_id": o.Offer.ID, "option": "Nine", "expected_total_pence": 1}, key("nine")).
		refused(http.StatusUnprocessableEntity, "invalid")
	require.Equal(t, []int64{9000, 0, 91_000}, w.mother.money(w.sam))
}
