package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestBookings_OnBehalfIsSaid(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	b := w.practitioner.book(w.sam, w.publish(w.stars, club()), 1)
	require.True(t, b.OnBehalf)
	require.Equal(t, gen.BookingStateConfirmed, b.State)
	require.Equal(t, "Sam", *b.ChildFirstName)
	require.EqualValues(t, 1, *b.Items[0].PlaceSeq)
	require.EqualValues(t, 1, b.Items[0].Holds[0].AccountSeq)
	read := into[gen.Booking](w.father.get("/v1/bookings/"+b.ID.String()), 200)
	for i := range read.Items[0].Charges { // read later, a booking says besides why each charge was allowed
		c := &read.Items[0].Charges[i]
		require.NotNil(t, c.Reason)
		c.Verdict, c.Because, c.Reason = nil, nil, nil
	}
	require.Equal(t, b, read)
}

func TestBookings_ProvidersSeeNoChildPlanOrHold(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	b := w.mother.book(w.sam, w.publish(w.stars, club()), 1)
	require.NotEmpty(t, b.Items[0].Holds)
	require.NotNil(t, b.Items[0].Charges[0].PlanLineID)
	for _, as := range []caller{w.as(w.stars.Owner), w.as(w.stars.Coordinator), w.as(w.stars.Worker)} {
		for _, a := range []answer{as.get("/v1/bookings/" + b.ID.String()), as.get("/v1/bookings")} {
			require.Contains(t, string(a.body), b.Reference)
			for _, secret := range []string{"Sam", "child_id", "child_first_name", "holds", "plan_line_id", w.sam.String(), w.ash.ID.String()} {
				require.NotContains(t, string(a.body), secret)
			}
		}
		require.Empty(t, into[gen.BookingList](as.get("/v1/bookings?child_id="+w.sam.String()), 200).Items)
	}
	for _, as := range []caller{w.as(w.moor.Owner), w.as(w.begum.Parents[0]), w.as(w.bracken.Practitioner)} {
		require.Empty(t, into[gen.BookingList](as.get("/v1/bookings"), 200).Items)
	}
}

func TestBookings_ListNarrows(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	o, v := w.publish(w.stars, club()), w.publish(w.stars, visits())
	sam := w.mother.book(w.sam, o, 2) // 9 and 16 January
	rosa := w.mother.visit(w.rosa, v, "2027-01-20T17:00")
	for query, want := range map[string][]uuid.UUID{
		"": {rosa.ID, sam.ID}, "state=requested": {rosa.ID}, "state=settled": {}, "from=2027-01-16": {rosa.ID, sam.ID}, "from=2027-01-17": {rosa.ID},
		"to=2027-01-08": {}, "to=2027-01-09": {sam.ID}, "from=2027-01-10&to=2027-01-15": {}, "child_id=" + w.rosa.String(): {rosa.ID},
		"offer_id=" + o.Offer.ID.String(): {sam.ID}, "reference=" + rosa.Reference: {rosa.ID}, "state=confirmed&child_id=" + w.rosa.String(): {},
	} {
		got := []uuid.UUID{}
		for _, b := range into[gen.BookingList](w.mother.get("/v1/bookings?"+query), 200).Items {
			got = append(got, b.ID)
		}
		require.Equal(t, want, got, query)
	}
}

func TestBookings_Refusals(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.begum.Children[0].ID)
	d := club()
	d.Sessions.Capacity = 1
	o, dear := w.publish(w.stars, d), club()
	dear.Tariff.Options[0].Charges[0] = charge("place", "session", 100_100)
	amina := w.begum.Children[0].ID
	sam := w.mother.quote(w.sam, o, 1)
	theirs := w.as(w.begum.Parents[0]).quote(amina, o, 1)
	tooDear := w.mother.quote(w.sam, w.publish(w.stars, dear), 1)
	unplanned := w.mother.quote(w.rosa, o, 1)
	expired := w.as(w.oakley.Parents[0])
	const post, path = http.MethodPost, "/v1/bookings"
	k := []string{key("k")}
	w.refuse([]refusal{
		{"no key", w.mother, post, path, toBook(sam), nil, 400, "idempotency-key-required", "header/Idempotency-Key"},
		{"too long a key", w.mother, post, path, toBook(sam), []string{key(strings.Repeat("k", 256))}, 400, "malformed", "header/Idempotency-Key"},
		{"an unknown field", w.mother, post, path, merged(toBook(sam), object{"voucher": "X"}), k, 400, "malformed", "/voucher"},
		{"no quotes", w.mother, post, path, object{"quotes": []object{}}, k, 400, "malformed", "/quotes"},
		{"not JSON", w.mother, post, path, "quotes", k, 400, "malformed", ""},
		{"as a form", w.mother, post, path, toBook(sam), append(k, "Content-Type: text/plain"), 415, "unsupported-media-type", ""},
		{"as a provider", w.as(w.stars.Owner), post, path, toBook(sam), k, 403, "forbidden", ""},
		{"unsigned", w.nobody(), post, path, toBook(sam), k, 401, "sign-in-required", ""},
		{"a quote of another family", w.mother, post, path, toBook(theirs), k, 404, "not-found", ""},
		{"a quote of another council", w.as(w.bracken.Practitioner), post, path, toBook(sam), k, 404, "not-found", "/quotes/0/quote_id"},
		{"a quote nobody made", w.mother, post, path, toBook(gen.Quote{ID: uuid.MustParse(anID)}), k, 404, "not-found", "/quotes/0/quote_id"},
		{"a quote twice", w.mother, post, path, toBook(sam, sam), k, 422, "invalid", "/quotes/1/quote_id"},
		{"more than there is", w.mother, post, path, toBook(tooDear), k, 409, "budget-too-low", ""},
		{"what no plan pays", w.mother, post, path, toBook(unplanned), k, 409, "not-allowed-by-plan", ""},
	})
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.sam))
	again := w.mother.quote(w.sam, o, 1)
	b := into[gen.Basket](w.mother.post(path, toBook(sam), k...), http.StatusCreated).Bookings[0]
	mine := path + "/" + b.ID.String()
	const accept, decline, cancel = "/acceptance", "/decline", "/cancellation"
	because := object{"reason": "Nobody is free."}
	w.refuse([]refusal{
		{"the quote again", w.mother, post, path, toBook(sam), []string{key("l")}, 409, "quote-used", ""},
		{"the session again", w.mother, post, path, toBook(again), []string{key("l")}, 409, "already-booked", ""},
		{"the last place again", w.as(w.begum.Parents[0]), post, path, toBook(theirs), k, 409, "session-full", ""},
		{"accepting what is confirmed", w.as(w.stars.Owner), post, mine + accept, nil, nil, 409, "wrong-state", ""},
		{"declining what is confirmed", w.as(w.stars.Owner), post, mine + decline, because, nil, 409, "wrong-state", ""},
		{"declining without a reason", w.as(w.stars.Owner), post, mine + decline, object{"reason": "x"}, nil, 400, "malformed", "/reason"},
		{"accepting another's", w.as(w.moor.Owner), post, mine + accept, nil, nil, 404, "not-found", ""},
		{"accepting as a worker", w.as(w.stars.Worker), post, mine + accept, nil, nil, 403, "forbidden", ""},
		{"accepting with a body", w.as(w.stars.Owner), post, mine + accept, object{"yes": true}, nil, 400, "malformed", ""},
		{"cancelling a date of another", w.mother, post, mine + cancel, object{"reason": "ill", "item_ids": []string{anID}}, nil, 404, "not-found", ""},
		{"cancelling for no known reason", w.mother, post, mine + cancel, object{"reason": "rain"}, nil, 400, "malformed", "/reason"},
		{"cancelling another's", w.as(w.begum.Parents[0]), post, mine + cancel, object{"reason": "ill"}, nil, 404, "not-found", ""},
		{"reading another's", w.as(w.begum.Parents[0]), http.MethodGet, mine, nil, nil, 404, "not-found", ""},
		{"reading as finance", w.as(w.ash.Finance), http.MethodGet, mine, nil, nil, 403, "forbidden", ""},
		{"a state that is none", w.mother, http.MethodGet, path + "?state=lost", nil, nil, 400, "malformed", "query/state"},
		{"a date that is none", w.mother, http.MethodGet, path + "?from=2027-02-30", nil, nil, 400, "malformed", "query/from"},
	})
	w.clock.Advance(time.Hour)
	w.refuse([]refusal{{"with an expired token", expired, post, path, toBook(again), k, 401, "token-invalid", ""}})
}

func TestBookings_RequestsAreAnsweredOrRunOut(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	v := w.publish(w.stars, visits())
	accepted, declined, late := w.mother.visit(w.sam, v, "2027-01-11T10:00"), w.mother.visit(w.sam, v, "2027-01-12T10:00"), w.mother.visit(w.sam, v, "2027-01-13T10:00")
	require.Equal(t, london(t, "2027-01-06T09:00:00Z"), accepted.Items[0].ExpiresAt.UTC())
	require.Equal(t, []int64{22_500, 0, 77_500}, w.mother.money(w.sam))

	owner := w.as(w.stars.Owner)
	yes := into[gen.Booking](owner.post("/v1/bookings/"+accepted.ID.String()+"/acceptance", nil), 200)
	require.Equal(t, gen.BookingStateConfirmed, yes.State)
	require.Nil(t, yes.Items[0].ExpiresAt)
	no := into[gen.Booking](owner.post("/v1/bookings/"+declined.ID.String()+"/decline", object{"reason": "On leave that day."}), 200)
	require.Equal(t, gen.BookingStateDeclined, no.State)
	require.Equal(t, []int64{15_000, 0, 85_000}, w.mother.money(w.sam))

	w.clock.Set(*late.Items[0].ExpiresAt) // T06: the second is over
	w.as(w.stars.Owner).post("/v1/bookings/"+late.ID.String()+"/acceptance", nil).refused(http.StatusConflict, "booking-expired")
	w.clock.Set(late.Items[0].ExpiresAt.Add(-time.Second))
	require.Equal(t, 200, w.as(w.stars.Owner).post("/v1/bookings/"+late.ID.String()+"/acceptance", nil).status)
}
