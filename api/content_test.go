package api_test

import (
	"net/http"
	"testing"

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
