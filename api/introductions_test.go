package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

func TestT94_AFamilyAsksForAnIntroductionAndBooks(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Content.NeedsIntroduction = true
	o := w.publish(w.stars, d)
	shown := into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200)
	require.True(t, *shown.Content.NeedsIntroduction)
	q := w.mother.quote(w.sam, o, 1)
	require.Equal(t, gen.VerdictAsk, q.Verdict)
	require.Equal(t, "introduction-needed", q.NextSteps[0].Code)
	w.mother.post("/v1/bookings", toBook(q), key("one")).refused(http.StatusConflict, "introduction-needed")

	ask := object{"child_id": w.sam, "provider_id": w.stars.ID, "consent": true, "words": "Loves trains."}
	w.mother.post("/v1/introductions", merged(object{}, ask, object{"consent": false})).refused(http.StatusUnprocessableEntity, "invalid")
	asked := w.mother.post("/v1/introductions", ask)
	i := into[gen.Introduction](asked, http.StatusCreated)
	at := "/v1/introductions/" + i.ID.String()
	require.Equal(t, at, asked.header.Get("Location"))
	require.Equal(t, w.sam, *i.ChildID)
	w.mother.post("/v1/introductions", ask).refused(http.StatusConflict, "introduction-exists")
	owner := w.as(w.stars.Owner)
	told := into[gen.Introduction](owner.get(at), 200)
	require.Equal(t, "Sam", *told.ChildFirstName)
	require.NotContains(t, string(owner.get(at).body)+string(owner.get("/v1/introductions").body), w.sam.String(), "a provider is given no child's id")
	yes := object{"decision": "accepted", "ratio": object{"staff": 1, "children": 3}}
	owner.post(at+"/decision", yes).refused(http.StatusConflict, "visit-to-come")
	into[gen.Introduction](owner.ask(http.MethodPut, at+"/visit", object{"local_start": "2027-01-03T10:00", "words": "At the hall."}), 200)
	done := into[gen.Introduction](owner.post(at+"/decision", yes), 200)
	require.Equal(t, gen.IntroductionStateAccepted, done.State)
	require.Equal(t, gen.SupportRatio{Staff: 1, Children: 3}, *done.Ratio)
	into[gen.Basket](w.mother.post("/v1/bookings", toBook(q), key("two")), http.StatusCreated)

	page := into[gen.IntroductionList](w.mother.get("/v1/introductions?state=accepted&limit=1"), 200)
	require.Len(t, page.Items, 1)
	require.Equal(t, "2027-01-03T10:00", *page.Items[0].VisitLocalStart)
	_, err := marketplace.CreateOffer(w.ctx, w.d, w.stars.Owner, func() marketplace.OfferDraft { d.Content.FirstVisit = true; return d }())
	require.Error(t, err, "a first visit cannot need an introduction")
}
