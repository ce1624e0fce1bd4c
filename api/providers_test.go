package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/people"
)

// A small club, from nothing to its first offer on sale, with what it is told
// at each step.
func TestProviders_ASmallClubGetsOnSale(t *testing.T) {
	w := setup(t)
	p := into[gen.Provider](w.mother.post("/v1/providers", object{
		"kind": "charity", "name": "Oakley Club", "staff_count": 2, "languages": []string{"English"}, "charity_number": "1098 765",
	}), http.StatusCreated)
	require.Equal(t, gen.IdentifierStateUnverified, p.Identifiers[0].State)
	require.Equal(t, "1098765", p.Identifiers[0].Value)
	who, err := people.Load(w.ctx, w.d, w.oakley.Parents[0].Person, shortbreaks.ProviderOwner)
	require.NoError(t, err, "who registers owns")
	owner, at := w.as(who), "/v1/providers/"+p.ID.String()
	todo := func() (names []gen.OnboardingStepName) {
		for _, s := range into[gen.Onboarding](owner.get(at+"/onboarding"), 200).Steps {
			require.Equal(t, s.State == gen.OnboardingStateDone, len(s.Missing) == 0)
			if s.State == gen.OnboardingStateToDo {
				names = append(names, s.Name)
			}
		}
		return names
	}
	require.Len(t, todo(), 6)
	owner.ask(http.MethodPut, at, object{"kind": "charity", "name": "Oakley Club", "description": "A club.", "staff_count": 2, "charity_number": "1098765"})
	setting := into[gen.Setting](owner.post(at+"/settings", object{"name": "Hall", "postcode": "ZZ1 1AA", "access_features": "A ramp."}), 201)
	jo := into[gen.Worker](owner.post(at+"/workers", object{"name": "Jo", "skills": []string{"Makaton"}}), 201)
	body := draftBody(object{"provider_id": p.ID, "setting_id": setting.ID})
	delete(body, "setting")
	offer := into[gen.Offer](owner.post("/v1/offers", body), 201)
	require.Equal(t, []gen.OnboardingStepName{"credentials", "publish"}, todo())
	refused := owner.post("/v1/offers/"+offer.ID.String()+"/publication", nil).refused(409, "credential-missing")
	rules := into[gen.OfferRequirements](owner.get("/v1/offers/"+offer.ID.String()+"/requirements"), 200)
	require.Len(t, refused.Errors, len(rules.Credentials))
	for _, q := range rules.Credentials {
		require.False(t, q.Met)
		c := object{"kind": q.Kind, "issued_on": "2026-09-01", "checked_on": "2027-01-04"}
		switch q.Kind {
		case "dbs_enhanced":
			c["dbs_level"], c["dbs_workforce"] = "enhanced_with_barred_list", "child"
			fallthrough
		case "first_aid", "safeguarding_training":
			c["worker_id"] = jo.ID
		}
		made := into[gen.Credential](owner.post(at+"/credentials", c), 201)
		require.Equal(t, who.Person, *made.CheckedBy)
	}
	require.Equal(t, 200, owner.post("/v1/offers/"+offer.ID.String()+"/publication", nil).status)
	require.Empty(t, todo())
	require.Equal(t, "A ramp.", *into[gen.Offer](w.nobody().get("/v1/offers/"+offer.ID.String()), 200).Setting.AccessFeatures)

	// The authority looks the number up, and takes the file for itself.
	checker := w.as(w.ash.Commissioner)
	p = into[gen.Provider](checker.post(at+"/identifier-confirmations", object{"scheme": "charity", "value": "1098765"}), 200)
	require.Equal(t, gen.IdentifierStateConfirmed, p.Identifiers[0].State)
	require.Equal(t, []string{"Ashmere"}, p.Identifiers[0].ConfirmedBy)
	file := into[gen.CredentialList](checker.get(at+"/credentials"), 200).Items
	require.NotEmpty(t, file)
	for _, c := range file {
		require.Nil(t, c.WorkerName)
	}
	decided := into[gen.Credential](checker.post(at+"/credentials/"+file[0].ID.String()+"/decisions", object{"decision": "accepted", "until": "2027-12-31"}), 200)
	require.Equal(t, w.ash.ID, decided.Decisions[0].AuthorityID)
	require.Empty(t, into[gen.CredentialList](w.as(w.bracken.Commissioner).get(at+"/credentials"), 200).Items[0].Decisions, "another authority decides for itself")
}

func TestProviders_ARoleTakenAwayEndsAtTheNextRequest(t *testing.T) {
	w := setup(t)
	at := "/v1/providers/" + w.stars.ID.String()
	owner, coordinator := w.as(w.stars.Owner), w.as(w.stars.Coordinator)
	require.Equal(t, 200, coordinator.get(at+"/workers").status)
	for _, s := range into[gen.StaffList](owner.get(at+"/staff"), 200).Items {
		a := owner.post(at+"/staff/"+s.ID.String()+"/end", object{})
		if s.Role == gen.ProviderRoleProviderOwner {
			a.refused(http.StatusConflict, "last-owner")
			continue
		}
		require.NotNil(t, into[gen.Staff](a, 200).EndsOn)
	}
	coordinator.get(at+"/workers").refused(http.StatusForbidden, "role-not-held")
	made := owner.post(at+"/staff", object{"sign_in": "coordinator.stars", "role": "coordinator", "name": "Back again"})
	require.Equal(t, 201, made.status)
	require.Equal(t, 200, coordinator.get(at+"/workers").status)
	owner.post(at+"/staff", object{"sign_in": "coordinator.stars", "role": "coordinator", "name": "Twice"}).refused(http.StatusConflict, "role-already-held")
	require.NotContains(t, string(made.body), "Ashmere Stars coordinator", "nobody is told another's own name")
}

func TestProviders_AFamilyIsToldWhichDatesALapseTakes(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	at := "/v1/providers/" + w.stars.ID.String()
	owner := w.as(w.stars.Owner)
	for _, c := range into[gen.CredentialList](owner.get(at+"/credentials?limit=100"), 200).Items {
		if c.Kind == "first_aid" {
			require.Equal(t, 200, owner.post(at+"/credentials/"+c.ID.String()+"/withdrawal", nil).status)
		}
	}
	got := into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200)
	require.Equal(t, []gen.CredentialKind{"first_aid"}, got.LapsedCredentials)
	p := w.mother.post("/v1/quotes", wanted(w.sam, o, 1)).refused(http.StatusConflict, "credential-lapsed")
	require.Equal(t, "/session_ids/0", p.Errors[0].Pointer)
}

func TestProviders_ASignOffShowsTheChildToItsAuthorityAlone(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	b := w.mother.book(w.sam, w.publish(w.stars, club()), 1)
	at := "/v1/providers/" + w.stars.ID.String()
	owner := w.as(w.stars.Owner)
	jo := into[gen.WorkerList](owner.get(at+"/workers"), 200).Items[0]
	a := owner.post(at+"/competencies", object{
		"worker_id": jo.ID, "task": "Gastrostomy feed", "booking_id": b.ID, "assessed_by": "Nurse Cole", "assessed_on": "2026-12-01", "expires_on": "2027-11-30",
	})
	require.Equal(t, 201, a.status)
	for _, body := range [][]byte{a.body, owner.get("/v1/competencies").body} {
		require.NotContains(t, string(body), w.sam.String(), "a provider reads no child's id")
		require.Contains(t, string(body), b.ID.String())
	}
	seen := into[gen.CompetencyList](w.practitioner.get("/v1/competencies?child_id="+w.sam.String()), 200).Items
	require.Equal(t, w.sam, *seen[0].ChildID)
	require.Empty(t, into[gen.CompetencyList](w.as(w.bracken.Practitioner).get("/v1/competencies"), 200).Items)
	require.Empty(t, into[gen.CompetencyList](owner.get("/v1/competencies?child_id="+shortbreaks.NewID().String()), 200).Items)
}

func TestProviders_TheirListsAreReadPageByPage(t *testing.T) {
	w := setup(t)
	at := "/v1/providers/" + w.stars.ID.String()
	owner := w.as(w.stars.Owner)
	for _, name := range []string{"Hall", "Pool"} {
		require.Equal(t, 201, owner.post(at+"/settings", object{"name": name, "postcode": "ZZ1 1AA"}).status)
	}
	require.Len(t, into[gen.ProviderList](w.nobody().get("/v1/providers?kind=company"), 200).Items, 2)
	require.Empty(t, into[gen.ProviderList](w.nobody().get("/v1/providers?kind=charity"), 200).Items)
	for path, as := range map[string]caller{
		"/v1/providers": w.nobody(), at + "/settings": w.nobody(), at + "/workers": owner, at + "/staff": owner, at + "/credentials": w.as(w.ash.Auditor),
	} {
		whole := into[struct{ Items []object }](as.get(path+"?limit=100"), 200).Items
		require.GreaterOrEqual(t, len(whole), 2, path)
		var met []object
		for next := path + "?limit=1"; next != ""; {
			page := into[struct {
				Items      []object
				NextCursor *string `json:"next_cursor"`
			}](as.get(next), 200)
			met, next = append(met, page.Items...), ""
			if page.NextCursor != nil {
				next = path + "?limit=1&cursor=" + *page.NextCursor
			}
		}
		require.Equal(t, whole, met, path)
		as.get(path+"?cursor=bm9uZQ").refused(http.StatusBadRequest, "malformed")
	}
}

func TestProviders_ReliabilityIsShownOnceThereIsEnough(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	draft := club()
	draft.Sessions.Weekdays = []int{1, 2, 3, 4, 5, 6, 7}
	draft.Tariff.Options[0].Charges[0] = charge("place", "session", 100)
	o := w.publish(w.stars, draft)
	b := w.mother.book(w.sam, o, 20)
	shown := func() *gen.Reliability {
		_, err := booking.CountReliability(w.ctx, w.d)
		require.NoError(t, err)
		offer := into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200)
		provider := into[gen.Provider](w.nobody().get("/v1/providers/"+w.stars.ID.String()), 200)
		require.Equal(t, provider.Reliability, offer.Reliability)
		return offer.Reliability
	}
	for i, it := range b.Items {
		w.clock.Set(it.EndsAt)
		require.Nil(t, shown(), "after %d", i)
		outcome := object{"outcome": "delivered"}
		if i == 7 {
			outcome = object{"outcome": "no_show", "cause": "provider_could_not_admit"}
		}
		require.Equal(t, 200, w.as(w.stars.Coordinator).ask(http.MethodPut, "/v1/booking-items/"+it.ID.String()+"/attendance", outcome).status)
	}
	require.Equal(t, gen.Reliability{Sessions: 20, AsBookedPercent: 95, Words: "19 of 20 sessions ran as booked."}, *shown())
}
