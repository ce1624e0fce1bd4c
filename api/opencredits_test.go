package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/internal/demo"
)

func TestFinanceSeesEveryOpenCreditOfItsCouncilSoonestEndingFirst(t *testing.T) {
	w := setup(t)
	var ids []uuid.UUID
	give := func(c *demo.Council, h *demo.House, n int) (uuid.UUID, *demo.Home) {
		w.clock.Set(monday.AddDate(0, 0, n%4)) // so that they end on several days, and not in the order they were made
		name := fmt.Sprint("open", c.ID, n)
		home := w.family(c, name, []string{"Kit"}, "mother."+name)
		return w.creditOf(c, h, home.Parents[0], home.Children[0].ID), home
	}
	used, home := give(w.ash, w.stars, 3)
	for _, n := range []int{2, 1, 0} {
		id, _ := give(w.ash, w.stars, n)
		ids = append([]uuid.UUID{id}, ids...)
	}
	foreign, _ := give(w.bracken, w.moor, 0)
	w.clock.Set(monday.AddDate(0, 0, 3))
	finance := w.as(w.ash.Finance)
	list := into[gen.OpenCreditList](finance.get("/v1/open-credits"), 200)
	require.Len(t, list.Items, 4)
	require.Equal(t, used, list.Items[3].ID)
	require.EqualValues(t, 1200, list.Items[0].LeftPence)
	require.Equal(t, "2027-04-04", list.Items[0].LastOn.String())

	var got []uuid.UUID
	path := "/v1/open-credits?limit=1"
	for page := range 10 {
		list = into[gen.OpenCreditList](finance.get(path), 200)
		for _, c := range list.Items {
			got = append(got, c.ID)
		}
		if list.NextCursor == nil {
			require.Equal(t, 3, page)
			break
		}
		path = "/v1/open-credits?limit=1&cursor=" + *list.NextCursor
	}
	require.Equal(t, append(ids, used), got, "each once, the soonest first")
	require.Len(t, into[gen.OpenCreditList](finance.get("/v1/open-credits?ends_before=2027-04-06"), 200).Items, 2, "4 and 5 April")
	finance.get("/v1/open-credits?cursor=x").refused(400, "malformed")

	// What is used up, given on or over is not open.
	parent := w.as(home.Parents[0])
	o := w.publish(w.stars, crediting())
	q := into[gen.Quote](parent.post("/v1/quotes", object{
		"child_id": home.Children[0].ID, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[1].ID}, "family_pays": "top_up",
	}), http.StatusCreated)
	into[gen.Basket](parent.post("/v1/bookings", object{"quotes": []object{{"quote_id": q.ID, "expected_total_pence": q.TotalPence}}}, key("k")), http.StatusCreated)
	require.Len(t, into[gen.OpenCreditList](finance.get("/v1/open-credits"), 200).Items, 3)
	require.Equal(t, foreign, into[gen.OpenCreditList](w.as(w.bracken.Finance).get("/v1/open-credits"), 200).Items[0].ID)
	w.clock.Set(monday.AddDate(0, 0, 92)) // 6 April; nothing was swept
	over := into[gen.OpenCreditList](w.as(w.ash.Finance).get("/v1/open-credits"), 200).Items
	require.Len(t, over, 1)
	require.Equal(t, ids[2], over[0].ID)
}
