package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

func TestContent_CategoriesInPlainWords(t *testing.T) {
	w := setup(t)
	list := into[gen.CategoryList](w.nobody().get("/v1/categories"), 200).Items
	require.Len(t, list, len(marketplace.Categories))
	require.Nil(t, list[0].Parent)
	for _, c := range list {
		require.True(t, c.Value.Valid(), "the contract names %s", c.Value)
		if c.Value == "swimming" {
			require.Equal(t, "leisure", *c.Parent)
			require.True(t, c.ForOffers)
		}
	}
	// The contract names no category that is not one.
	a := w.nobody().get("/v1/offers?category=therapy")
	require.Equal(t, 200, a.status)
	w.nobody().get("/v1/offers?category=golf").refused(400, "malformed")
}

func TestContent_DraftedEditedPausedAndCopied(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	made := into[gen.Offer](owner.post("/v1/offers", draftBody(object{"content": contentBody(object{"languages": []string{"urdu"}})})), 201)
	require.Equal(t, []gen.Language{"urdu"}, made.Content.Languages)
	require.NotEmpty(t, made.ToPublish, "it has no photo")
	path := "/v1/offers/" + made.ID.String()
	edited := into[gen.Offer](owner.ask(http.MethodPut, path+"/content", editBody()), 200)
	require.Equal(t, 2, edited.Edition)
	require.Equal(t, []gen.Need{"autism", "epilepsy"}, edited.Content.Needs)
	require.Equal(t, "Show your register card on the first day.", edited.EligibilityText)
	owner.ask(http.MethodPut, path+"/content", editBody()).refused(409, "edited-meanwhile")
	into[gen.Offer](owner.post(path+"/publication", nil), 200)

	seen := into[gen.Offer](w.nobody().get(path), 200)
	require.Nil(t, seen.ToPublish)
	require.True(t, seen.Content.PersonalCare)
	require.Empty(t, seen.Photos)
	w.as(w.stars.Coordinator).ask(http.MethodPut, path+"/content", editBody(object{"edition": 2})).refused(403, "forbidden")

	w.fund(w.ash, w.sam)
	o, err := marketplace.Get(w.ctx, w.d, shortbreaks.Anonymous, made.ID)
	require.NoError(t, err)
	quoted := w.mother.quote(w.sam, o, 1)
	booked := w.mother.book(w.sam, o, 2)
	require.Equal(t, gen.OfferStatePaused, into[gen.Offer](owner.post(path+"/pause", nil), 200).State)
	w.mother.post("/v1/quotes", wanted(w.sam, o, 1)).refused(409, "offer-closed")
	w.mother.post("/v1/bookings", toBook(quoted), key("late")).refused(409, "offer-closed")
	require.Equal(t, gen.BookingStateConfirmed, into[gen.Booking](w.mother.get("/v1/bookings/"+booked.ID.String()), 200).State)
	require.Equal(t, gen.OfferStatePublished, into[gen.Offer](owner.post(path+"/resumption", nil), 200).State)

	copied := owner.post(path+"/copies", nil)
	twin := into[gen.Offer](copied, 201)
	require.Equal(t, "/v1/offers/"+twin.ID.String(), copied.header.Get("Location"))
	p := owner.post("/v1/offers/"+twin.ID.String()+"/publication", nil).refused(409, "offer-not-ready")
	require.Equal(t, "/sessions", p.Errors[0].Pointer)
	require.Equal(t, gen.OfferStateWithdrawn, into[gen.Offer](owner.post(path+"/withdrawal", nil), 200).State)
}

func TestRevisions_NewPricesAreVersionsWithAHistory(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	o := w.publish(w.stars, club())
	path := "/v1/offers/" + o.Offer.ID.String()
	terms := object{"free_until_hours": 24, "late_fee_percent": 100}
	w.clock.Advance(time.Minute)
	revision := object{"version_id": o.Version.ID, "tariff": tariffBody(1200), "cancellation_terms": terms, "note": "Simpler terms."}
	revised := owner.post(path+"/versions", revision)
	now := into[gen.Offer](revised, 201)
	require.Equal(t, path, revised.header.Get("Location"))
	require.NotEqual(t, o.Version.ID, now.VersionID)
	owner.post(path+"/versions", revision).refused(409, "edited-meanwhile")
	wrong := tariffBody(1201)
	owner.post(path+"/versions", object{"version_id": now.VersionID, "tariff": wrong, "cancellation_terms": terms}).refused(422, "not-costed")

	w.clock.Advance(time.Minute)
	owner = w.as(w.stars.Owner)
	change := object{
		"offers": []object{{"offer_id": now.ID, "version_id": now.VersionID}}, "percent_hundredths": 350, "effective_on": "2027-02-01", "dry_run": true,
	}
	dry := into[gen.BulkRevised](owner.post("/v1/offer-revisions", change), 200)
	require.True(t, dry.DryRun)
	require.Nil(t, dry.Items[0].VersionID)
	require.EqualValues(t, 1242, dry.Items[0].Charges[0].NowPence)
	done := into[gen.BulkRevised](owner.post("/v1/offer-revisions", merged(change, object{"dry_run": false})), 200)
	require.NotNil(t, done.Items[0].VersionID)
	owner.post("/v1/offer-revisions", change).refused(409, "edited-meanwhile")
	owner.post("/v1/offer-revisions", merged(change, object{"pence": 1})).refused(400, "malformed")

	first := w.nobody().get(path + "/versions?limit=2")
	page := into[gen.OfferVersionList](first, 200)
	require.Len(t, page.Items, 2)
	require.Equal(t, []string{"From 1 February 2027, Standard costs £12.42 a session."}, page.Items[0].Changes)
	require.Equal(t, "Simpler terms.", page.Items[1].Note)
	require.NotNil(t, page.NextCursor)
	last := into[gen.OfferVersionList](w.nobody().get(path+"/versions?limit=2&cursor="+*page.NextCursor), 200)
	require.Len(t, last.Items, 1)
	require.Nil(t, last.NextCursor)
	require.EqualValues(t, 1200, *last.Items[0].PricePence)
	other := w.publish(w.stars, club())
	w.nobody().get("/v1/offers/"+other.Offer.ID.String()+"/versions?cursor="+*page.NextCursor).refused(400, "malformed")
}

func TestCostings_WorkedOutAndKeptOnlyIfAsked(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	c := into[gen.Costing](owner.post("/v1/costings", costingBody()), 200)
	require.EqualValues(t, 1000, c.PricePence)
	require.Nil(t, c.ID)
	require.EqualValues(t, 4500, c.BreakEven.ChildSessions)
	require.NotEmpty(t, c.Explanation)
	require.Empty(t, into[gen.CostingList](owner.get("/v1/costings"), 200).Items)
	for _, name := range []string{"First", "Second"} {
		kept := into[gen.Costing](owner.post("/v1/costings", costingBody(object{"save_as": name})), 200)
		require.Equal(t, name, *kept.Name)
	}
	page := into[gen.CostingList](owner.get("/v1/costings?limit=1"), 200)
	require.Equal(t, "Second", *page.Items[0].Name)
	require.EqualValues(t, 1000, page.Items[0].PricePence)
	page = into[gen.CostingList](owner.get("/v1/costings?limit=1&cursor="+*page.NextCursor), 200)
	require.Equal(t, "First", *page.Items[0].Name)
	require.Nil(t, page.NextCursor)
	require.Empty(t, into[gen.CostingList](w.as(w.moor.Owner).get("/v1/costings"), 200).Items)

	nothing := costingBody()
	nothing["worksheet"].(object)["costs"] = []object{}
	p := owner.post("/v1/costings", nothing).refused(422, "invalid")
	require.Equal(t, "/worksheet/costs", p.Errors[0].Pointer)
}
