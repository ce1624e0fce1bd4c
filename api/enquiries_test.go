package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestR006_AskedAnsweredShared(t *testing.T) {
	w := setup(t)
	o := w.publish(w.stars, club())
	offer := "/v1/offers/" + o.Offer.ID.String()
	owner := w.as(w.stars.Owner)
	// No child's name, whoever is asked and however it is written.
	for _, words := range []string{"Could Sam come with his chair?", "could rosa come too", "Is it right for the oakley boy?", "Ring 07700 900123."} {
		p := w.mother.post(offer+"/enquiries", object{"words": words}).refused(422, "contact-details")
		require.Equal(t, "/words", p.Errors[0].Pointer)
	}
	asked := w.mother.post(offer+"/enquiries", object{"words": "Could my child come with a wheelchair?"})
	e := into[gen.Enquiry](asked, 201)
	path := asked.header.Get("Location")
	require.Equal(t, "Saturday club", e.OfferTitle)
	require.NotNil(t, e.WaitingSince)
	w.mother.post(path+"/messages", object{"words": "Sam is nine."}).refused(422, "contact-details")

	list := owner.get("/v1/enquiries?waiting=true")
	require.NotContains(t, string(list.body), w.oakley.Parents[0].Person.String(), "a provider is not told who asks")
	require.Len(t, into[gen.EnquiryList](list, 200).Items, 1)
	require.Empty(t, into[gen.EnquiryList](owner.get("/v1/enquiries?overdue=two_days"), 200).Items)
	into[gen.Enquiry](w.as(w.stars.Coordinator).post(path+"/messages", object{"words": "Yes, it is all on one level."}), 201)
	read := into[gen.Enquiry](w.mother.get(path), 200)
	require.Nil(t, read.WaitingSince)
	require.Len(t, read.Messages, 2)
	w.father.get(path).refused(404, "not-found")
	require.Empty(t, into[gen.EnquiryList](w.father.get("/v1/enquiries"), 200).Items)

	fact := into[gen.OfferFact](owner.post(path+"/fact", object{"question": "Can wheelchairs come in?", "answer": "Yes, it is all on one level."}), 201)
	require.Equal(t, fact.Answer, into[gen.Offer](w.nobody().get(offer), 200).Facts[0].Answer)
	require.Equal(t, http.StatusNoContent, owner.ask(http.MethodDelete, offer+"/facts/"+fact.ID.String(), nil).status)
	require.Empty(t, into[gen.Offer](w.nobody().get(offer), 200).Facts)

	shared := into[gen.Enquiry](w.mother.ask(http.MethodPut, path+"/contact", object{"contact": "Aisha, 07700 900123"}), 200)
	require.Equal(t, "Aisha, 07700 900123", *shared.Contact)
	require.Equal(t, "Aisha, 07700 900123", *into[gen.Enquiry](owner.get(path), 200).Contact)
	require.Equal(t, http.StatusNoContent, w.mother.ask(http.MethodDelete, path+"/contact", nil).status)
	require.Nil(t, into[gen.Enquiry](owner.get(path), 200).Contact)

	for range 2 {
		into[gen.Enquiry](w.practitioner.post(offer+"/enquiries", object{"words": "Do you take children with epilepsy?"}), 201)
	}
	page := into[gen.EnquiryList](owner.get("/v1/enquiries?limit=2"), 200)
	require.Equal(t, gen.EnquiryAskedAs("practitioner"), page.Items[0].AskedAs)
	rest := into[gen.EnquiryList](owner.get("/v1/enquiries?limit=2&cursor="+*page.NextCursor), 200)
	require.Len(t, rest.Items, 1)
	require.Nil(t, rest.NextCursor)
}
