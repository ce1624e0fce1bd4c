package api_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api"
	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

func TestAccess_SignInToTheDemo(t *testing.T) {
	w := setup(t)
	token := into[gen.Token](w.nobody().post("/v1/tokens", object{"subject": "mother.oakley"}), 200)
	require.Equal(t, gen.RoleFamily, token.Role)
	require.Equal(t, []gen.Role{gen.RoleFamily}, token.Roles)
	require.Equal(t, 900, token.ExpiresIn)
	require.Equal(t, w.oakley.Parents[0].Person, token.PersonID)
	require.Equal(t, 200, caller{w, token.AccessToken}.get("/v1/budgets").status)
	const post, path = http.MethodPost, "/v1/tokens"
	w.refuse([]refusal{
		{"an unknown name", w.nobody(), post, path, object{"subject": "nobody"}, nil, 401, "sign-in-unknown", ""},
		{"a role not held", w.nobody(), post, path, object{"subject": "mother.oakley", "role": "approver"}, nil, 403, "role-not-held", ""},
		{"a role that is none", w.nobody(), post, path, object{"subject": "mother.oakley", "role": "king"}, nil, 400, "malformed", "/role"},
		{"a password", w.nobody(), post, path, object{"subject": "mother.oakley", "password": "x"}, nil, 400, "malformed", "/password"},
		{"no name", w.nobody(), post, path, object{}, nil, 400, "malformed", "/subject"},
	})
	keys := into[gen.JWKS](w.nobody().get("/v1/jwks.json"), 200).Keys
	require.Len(t, keys, 1)
	require.Equal(t, "EdDSA", keys[0].Alg)
}

func TestAccess_OutsideTheDemoNobodySignsInByName(t *testing.T) {
	w := setup(t, func(c *api.Config) { c.Demo = false })
	for _, subject := range []string{"mother.oakley", "nobody"} {
		w.nobody().post("/v1/tokens", object{"subject": subject}).refused(http.StatusForbidden, "sign-in-unavailable")
	}
}

func TestAccess_TokensThatCannotBeUsed(t *testing.T) {
	w := setup(t)
	o := w.publish(w.stars, club())
	stranger, err := people.NewKeys(people.KeySettings{Issuer: "https://breaks.test", Audience: "https://breaks.test", Generate: true})
	require.NoError(t, err)
	forged, err := stranger.Issue(w.oakley.Parents[0].Person, shortbreaks.Family, shortbreaks.NewID(), monday)
	require.NoError(t, err)
	good := w.mother.token
	for name, header := range map[string]string{
		"forged": "Bearer " + forged, "cut": "Bearer " + good[:len(good)-4], "empty": "Bearer ", "no scheme": good, "basic": "Basic bW90aGVyOng=",
		"two in one": "Bearer " + good + " " + good, "long": "Bearer " + strings.Repeat("a.", 5000) + "a",
	} {
		for _, path := range []string{"/v1/bookings", "/v1/offers", "/v1/offers/" + o.Offer.ID.String(), "/v1/jwks.json"} {
			a := w.nobody().ask(http.MethodGet, path, nil, "Authorization: "+header)
			a.refusedAs(name+" "+path, http.StatusUnauthorized, "token-invalid")
			require.Equal(t, "Bearer", a.header.Get("Www-Authenticate"))
		}
	}
	a := w.nobody().get("/v1/bookings")
	a.refused(http.StatusUnauthorized, "sign-in-required")
	require.Equal(t, "Bearer", a.header.Get("Www-Authenticate"))
	require.Equal(t, 200, w.nobody().ask(http.MethodGet, "/v1/bookings", nil, "Authorization: bearer "+good).status)

	two := w.mother.request(http.MethodGet, "/v1/bookings", nil)
	two.Header.Add("Authorization", "Bearer "+good)
	rec := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(rec, two)
	require.Equal(t, http.StatusUnauthorized, rec.Code)

	w.clock.Advance(people.TokenLasts + time.Minute)
	w.mother.get("/v1/bookings").refused(http.StatusUnauthorized, "token-invalid")
}

func TestAccess_ARoleTakenAwayEndsAtTheNextRequest(t *testing.T) {
	w := setup(t)
	require.Equal(t, 200, w.practitioner.get("/v1/bookings").status)
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE role_grant SET ends_on = '2027-01-03' WHERE person_id = $1`, w.ash.Practitioner.Person)
	require.NoError(t, err)
	w.practitioner.get("/v1/bookings").refused(http.StatusForbidden, "role-not-held")
}

func TestAccess_ARoleIsReadFromTheGrantsNotTheToken(t *testing.T) {
	w := setup(t)
	who := w.oakley.Parents[0]
	who.Role = shortbreaks.Approver // signed by us, held by nobody
	w.as(who).post("/v1/allocations", allocation(w.sam), key("k")).refused(http.StatusForbidden, "role-not-held")
}

// TestT97_WhatOneParentEntersTheOtherNeverSees puts a mark into everything one
// parent enters, and reads everything there is as everybody else.
func TestT97_WhatOneParentEntersTheOtherNeverSees(t *testing.T) {
	w := setup(t)
	const mark = "CANARY"
	mother := w.oakley.Parents[0]
	for _, kind := range []string{"email", "phone", "address", "calendar"} {
		w.addContact(mother.Person, kind, mark+"-"+kind)
	}
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE person SET display_name = $2 WHERE id = $1`, mother.Person, mark+" name")
	require.NoError(t, err)

	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	b := w.mother.book(w.sam, o, 2)
	into[gen.TopUp](w.mother.post("/v1/top-ups", object{"child_id": w.sam, "amount_pence": 2500}, key("t")), http.StatusCreated)
	item := b.Items[0].ID.String()
	quoted := w.mother.quote(w.sam, o, 3).ID.String()
	w.clock.Set(b.Items[0].EndsAt)
	into[gen.BookingItem](w.as(w.stars.Worker).ask(http.MethodPut, "/v1/booking-items/"+item+"/attendance", object{"outcome": "delivered"}), 200)

	offer := "/v1/offers/" + o.Offer.ID.String()
	asked := w.as(w.begum.Parents[0]).post(offer+"/enquiries", object{"words": "Is there a hoist?"}).header.Get("Location")
	shown := w.as(w.stars.Owner).post(offer+"/photos?alt_text=A%20sunny%20hall", photo(t, ""), "Content-Type: image/jpeg").header.Get("Location")

	paths := []string{
		"/v1/categories", offer + "/versions", shown, "/v1/costings", "/v1/enquiries", asked,
		"/v1/bookings", "/v1/bookings/" + b.ID.String(), "/v1/budgets", "/v1/budgets/" + w.sam.String(), "/v1/budgets/" + w.sam.String() + "/statement",
		"/v1/trial-balance", "/v1/ledger-transactions", "/v1/demand?by=category", "/v1/demand?by=area", "/v1/demand?by=week", "/v1/demand?by=missing", "/v1/offers",
		"/v1/offers/" + o.Offer.ID.String(), "/v1/jwks.json", "/v1/bookings?reference=" + b.Reference, "/v1/bookings/" + mother.Person.String(),
	}
	list := into[gen.OfferImport](w.as(w.stars.Owner).importing(priceList, "the-list", ""), http.StatusAccepted).ID.String()
	paths = append(paths, "/v1/quotes/"+quoted, "/v1/quotes/"+quoted+"?as=paper", "/v1/quotes/"+quoted+"?as=pdf", "/v1/offer-imports/"+list)
	open := "/oruk/v3/"
	paths = append(paths, open+"services/"+o.Offer.ID.String(), open+"service_at_locations/"+o.Offer.ID.String(),
		open+"taxonomies/"+marketplace.Taxonomies[0].ID.String(), open+"taxonomy_terms/"+marketplace.OpenTerms[0].ID.String())
	house := "/v1/providers/" + w.stars.ID.String()
	for _, part := range []string{"", "/settings", "/workers", "/staff", "/credentials", "/notices", "/onboarding"} {
		paths = append(paths, house+part)
	}
	lane := w.publish(w.stars, visits()).Lanes[0].ID.String()
	into[gen.BusyStatus](w.as(w.stars.Owner).ask(http.MethodPut, "/v1/lanes/"+lane+"/busy-calendar", object{"file": busyFile}), 200)
	paths = append(paths, offer+"/calendar.ics", "/v1/lanes/"+lane+"/busy-calendar")
	paths = append(paths, "/v1/sessions/"+o.Sessions[0].ID.String()+"/places-beyond?capacity=0")
	told, _ := w.as(mother).address("bookings", object{"name": mark})
	thread := "/v1/bookings/" + b.ID.String() + "/messages"
	into[gen.BookingMessage](w.as(mother).post(thread, object{"words": "Can we come early?"}), http.StatusCreated)
	paths = append(paths, told, thread)
	paths = append(paths, "/v1/providers", "/v1/competencies", "/v1/offers/"+o.Offer.ID.String()+"/requirements")
	introduced := into[gen.Introduction](w.as(mother).post("/v1/introductions", object{"child_id": w.sam, "provider_id": w.stars.ID, "consent": true}), http.StatusCreated).ID
	paths = append(paths, "/v1/tickets", "/v1/tickets/"+w.as(mother).ticket(w.sam, w.publish(w.stars, blocks())).ID.String())
	paths = append(paths, "/v1/introductions", "/v1/introductions/"+introduced.String(), "/v1/child-needs?child_id="+w.sam.String(),
		"/v1/children/"+w.sam.String()+"/nights")
	paths = append(paths, "/v1/registers?date=2027-01-09", "/v1/registers/"+o.Sessions[0].ID.String(), "/v1/children/"+w.sam.String()+"/collection",
		"/v1/children/"+w.sam.String()+"/care-sheet", "/v1/children/"+w.sam.String()+"/readings", "/v1/booking-items/"+item+"/notes", "/v1/booking-items/"+item+"/care-sheet")
	paths = append(paths, w.roundPaths()...)
	paths = append(paths, "/v1/booking-items/"+item+"/corrections", "/v1/credits")
	gets := 0
	for _, op := range w.contract.Operations() {
		if op.Method != http.MethodGet {
			continue
		}
		gets++
		if !strings.Contains(op.Path, "{") && !slices.ContainsFunc(paths, func(p string) bool { return p == op.Path || strings.HasPrefix(p, op.Path+"?") }) {
			paths = append(paths, op.Path)
		}
	}
	readers := map[string]caller{
		"the other parent": w.as(w.oakley.Parents[1]), "practitioner": w.as(w.ash.Practitioner), "approver": w.as(w.ash.Approver),
		"finance": w.as(w.ash.Finance), "auditor": w.as(w.ash.Auditor), "commissioner": w.as(w.ash.Commissioner),
		"owner": w.as(w.stars.Owner), "co-ordinator": w.as(w.stars.Coordinator), "worker": w.as(w.stars.Worker),
		"another family": w.as(w.begum.Parents[0]), "nobody": w.nobody(),
	}
	seen := map[string]bool{}
	for name, as := range readers {
		for _, path := range paths {
			a := as.get(path)
			require.NotContains(t, string(a.body), mark, "%s reads %s", name, path)
			for header := range a.header {
				require.NotContains(t, a.header.Get(header), mark)
			}
			seen[operationOf(w, path)] = seen[operationOf(w, path)] || a.status == 200
		}
	}
	require.Len(t, seen, gets, "every GET of the contract was asked")
	for op, answered := range seen {
		require.True(t, answered, "%s answered somebody", op)
	}
	// What is written about a booking is read by both sides; who wrote it is not.
	disputed := w.as(w.oakley.Parents[1]).post("/v1/booking-items/"+item+"/query", object{"reason": "Not at one."})
	require.Equal(t, 200, disputed.status)
	require.NotContains(t, string(disputed.body), mark)
	require.NotContains(t, string(disputed.body), w.oakley.Parents[1].Person.String())
	require.NotContains(t, w.log.String(), mark)
	for _, r := range w.double.Requests() {
		require.False(t, r.Mentions(mark))
	}
	require.Contains(t, w.log.String(), `"route":"/v1/budgets/:child_id"`)
}
