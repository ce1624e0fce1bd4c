package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestADateSaysWhichBlockItWasBookedOffToTheFamilyAndTheProvider(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, blocks())
	ticket := w.mother.ticket(w.sam, o).ID
	made := into[gen.Basket](w.mother.post("/v1/bookings", toBook(w.mother.quote(w.sam, o, 2, object{"ticket_id": ticket})), key("two")), http.StatusCreated).Bookings[0]
	path := "/v1/bookings/" + made.ID.String()
	seen := func(who string, c caller, used ...bool) {
		items := into[gen.Booking](c.get(path), 200).Items
		for i, want := range used {
			require.Equal(t, ticket, *items[i].TicketID, who)
			require.Equal(t, want, *items[i].TicketUsed, who)
		}
	}
	require.Equal(t, ticket, *made.Items[0].TicketID, "as it is booked")
	for who, c := range map[string]caller{"family": w.mother, "provider": w.as(w.stars.Coordinator), "practitioner": w.practitioner} {
		seen(who, c, true, true)
	}
	into[gen.Booking](w.mother.post(path+"/cancellation", object{"reason": "plans_changed", "item_ids": []uuid.UUID{made.Items[1].ID}}), 200)
	seen("family", w.mother, true, false)
	w.as(w.begum.Parents[0]).get(path).refused(404, "not-found")

	plain := w.mother.book(w.sam, w.publish(w.stars, club()), 3)
	require.Nil(t, plain.Items[0].TicketID)
	require.Nil(t, plain.Items[0].TicketUsed)
}
