package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
)

// refusal is one request that must be refused, and how.
type refusal struct {
	name         string
	as           caller
	method, path string
	body         any
	head         []string
	status       int
	code         string
	pointer      string // of one of its errors; "" if it need name none
}

// refuse sends each and checks status, code and pointer.
func (w *world) refuse(list []refusal) {
	w.t.Helper()
	for _, r := range list {
		p := r.as.ask(r.method, r.path, r.body, r.head...).refusedAs(r.name, r.status, r.code)
		if r.pointer == "" {
			continue
		}
		var at []string
		for _, e := range p.Errors {
			at = append(at, e.Pointer)
		}
		require.Contains(w.t, at, r.pointer, r.name)
	}
}

func (a answer) refusedAs(name string, status int, code string) gen.Problem {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s: %s", name, a.body)
	return a.refused(status, code)
}

const anID = "01930a6e-7c00-7000-8000-000000000001"

func TestOffers_FromDraftToSearch(t *testing.T) {
	w := setup(t)
	owner, coordinator := w.as(w.stars.Owner), w.as(w.stars.Coordinator)
	a := coordinator.post("/v1/offers", draftBody())
	drafted := into[gen.Offer](a, http.StatusCreated)
	path := "/v1/offers/" + drafted.ID.String()
	require.Equal(t, path, a.header.Get("Location"))
	require.Equal(t, gen.OfferStateDraft, drafted.State)
	require.Len(t, drafted.Sessions, 3)
	require.Equal(t, "£12.00 a session", drafted.PriceText)
	require.EqualValues(t, 467, *drafted.ComparableRatePencePerChildHour)
	require.Len(t, drafted.Tariff.Options[0].Charges[0].Components, 4)
	w.nobody().get(path).refused(http.StatusNotFound, "not-found")
	require.Empty(t, into[gen.OfferList](w.nobody().get("/v1/offers"), 200).Items)
	require.Equal(t, drafted, into[gen.Offer](owner.get(path), 200))

	for range 2 { // publishing twice is publishing once
		require.Equal(t, gen.OfferStatePublished, into[gen.Offer](owner.post(path+"/publication", nil), 200).State)
	}
	require.Equal(t, drafted.ID, into[gen.Offer](w.nobody().get(path), 200).ID)
	list := into[gen.OfferList](w.nobody().get("/v1/offers?q=garden&category=club&postcode=zz1&within_km=20&age=9&price_unit=session"+
		"&min_price_pence=1200&max_price_pence=1200&access_route=universal"), 200)
	require.Len(t, list.Items, 1)
	require.NotNil(t, list.Items[0].DistanceKm)
	require.Empty(t, into[gen.OfferList](w.nobody().get("/v1/offers?max_price_pence=0"), 200).Items)
}

func TestOffers_InstantsCarryLondonsOffset(t *testing.T) {
	w := setup(t)
	// The series runs over the last Sunday of March: 16:00 stays 16:00 (T33).
	o := into[gen.Offer](w.as(w.stars.Owner).post("/v1/offers", draftBody()), http.StatusCreated)
	a := string(w.as(w.stars.Owner).get("/v1/offers/" + o.ID.String()).body)
	require.Contains(t, a, `"starts_at":"2027-03-27T10:00:00Z"`)
	require.Contains(t, a, `"starts_at":"2027-04-10T10:00:00+01:00"`)
	require.Contains(t, a, `"local_start":"2027-04-10T10:00"`)
}

func TestOffers_Refusals(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	mine := into[gen.Offer](owner.post("/v1/offers", draftBody()), http.StatusCreated).ID.String()
	theirs := into[gen.Offer](w.as(w.moor.Owner).post("/v1/offers", draftBody()), http.StatusCreated).ID.String()
	pattern := func(more object) object {
		return merged(object{"weekdays": []int{6}, "minutes": 180, "starts_on": "2027-01-09", "ends_on": "2027-03-27"}, more)
	}
	const get, post = http.MethodGet, http.MethodPost
	w.refuse([]refusal{
		{"an unknown field", owner, post, "/v1/offers", draftBody(object{"colour": "red"}), nil, 400, "malformed", "/colour"},
		{"a nested unknown field", owner, post, "/v1/offers", draftBody(object{"ratio": object{"staff": 1, "children": 2, "dogs": 1}}), nil, 400, "malformed", "/ratio/dogs"},
		{"a missing field", owner, post, "/v1/offers", draftBody(object{"title": nil}), nil, 400, "malformed", "/title"},
		{"not JSON", owner, post, "/v1/offers", `{"title":`, nil, 400, "malformed", ""},
		{"visits and sessions", owner, post, "/v1/offers", draftBody(object{"visits": object{
			"days": []int{1}, "from": "08:00", "to": "10:00", "minimum_minutes": 60, "maximum_minutes": 60, "step_minutes": 15,
			"buffer_before_minutes": 0, "buffer_after_minutes": 0, "lanes": []object{{"label": "A"}},
		}}), nil, 400, "malformed", "/sessions"},
		{"components that do not sum", owner, post, "/v1/offers", draftBody(object{"tariff": tariffBody(1300)}), nil, 422, "not-costed", "/tariff/options/0/charges/0/components"},
		{"a postcode nobody knows", owner, post, "/v1/offers", draftBody(object{"setting": object{"name": "Hall", "postcode": "MK9 2AB"}}), nil, 422, "invalid", "/setting/postcode"},
		{"a setting of another provider", owner, post, "/v1/offers", draftBody(object{"setting": nil, "setting_id": anID}), nil, 422, "invalid", "/setting_id"},
		{"drafting as a family", w.mother, post, "/v1/offers", draftBody(), nil, 403, "forbidden", ""},
		{"drafting unsigned", w.nobody(), post, "/v1/offers", draftBody(), nil, 401, "sign-in-required", ""},
		{"publishing as a co-ordinator", w.as(w.stars.Coordinator), post, "/v1/offers/" + mine + "/publication", nil, nil, 403, "forbidden", ""},
		{"publishing another's", owner, post, "/v1/offers/" + theirs + "/publication", nil, nil, 404, "not-found", ""},
		{"publishing nothing", owner, post, "/v1/offers/" + anID + "/publication", nil, nil, 404, "not-found", ""},
		{"another's draft", owner, get, "/v1/offers/" + theirs, nil, nil, 404, "not-found", ""},
		{"an id that is none", w.nobody(), get, "/v1/offers/7", nil, nil, 400, "malformed", "path/offer_id"},
		{"an unknown filter", w.nobody(), get, "/v1/offers?colour=red", nil, nil, 400, "malformed", "query/colour"},
		{"too long a page", w.nobody(), get, "/v1/offers?limit=101", nil, nil, 400, "malformed", "query/limit"},
		{"a cursor of another list", w.nobody(), get, "/v1/offers?cursor=" + tampered, nil, nil, 400, "malformed", "query/cursor"},
		{"a distance from nowhere", w.nobody(), get, "/v1/offers?within_km=5", nil, nil, 422, "invalid", "query/within_km"},
		{"a postcode unknown to search", w.nobody(), get, "/v1/offers?postcode=MK9", nil, nil, 422, "postcode-unknown", "query/postcode"},
		{"comparing backwards", w.nobody(), post, "/v1/offer-comparisons", pattern(object{"ends_on": "2027-01-08"}), nil, 422, "invalid", "/ends_on"},
		{"comparing no time", w.nobody(), post, "/v1/offer-comparisons", pattern(object{"minutes": 10}), nil, 400, "malformed", "/minutes"},
	})
}

// tampered is well-formed, but no list gave it.
const tampered = "AAAAAGFiYw"

func TestOffers_Compare(t *testing.T) {
	w := setup(t)
	session, hourly := w.publish(w.stars, club()), w.publish(w.moor, visits())
	list := into[gen.Comparison](w.nobody().post("/v1/offer-comparisons", object{
		"weekdays": []int{6}, "minutes": 180, "from": "10:00", "starts_on": "2027-01-09", "ends_on": "2027-03-27", "except": []string{"2027-02-20"},
		"age": 9, "postcode": "ZZ1 1AB", "within_km": 25,
	}), 200).Items
	got := map[uuid.UUID]gen.ComparisonItem{}
	for _, it := range list {
		got[it.Offer.ID] = it
	}
	require.Len(t, got, 2)
	require.EqualValues(t, 11*1200, got[session.Offer.ID].TotalPence)
	require.EqualValues(t, 400, *got[session.Offer.ID].ComparableRatePencePerChildHour)
	require.EqualValues(t, 11*7500, got[hourly.Offer.ID].TotalPence)
	require.EqualValues(t, 2500, *got[hourly.Offer.ID].ComparableRatePencePerChildHour)
	require.Equal(t, gen.CoverageFull, got[session.Offer.ID].Covers)
}

func TestOffers_SearchesAreCountedAndNobodyIs(t *testing.T) {
	w := setup(t)
	w.publish(w.stars, club())
	for range 3 {
		w.mother.get("/v1/offers?category=club&postcode=ZZ1%201AB")
	}
	w.nobody().get("/v1/offers?category=overnight&postcode=ZX1")
	w.nobody().get("/v1/offers")
	w.nobody().get("/v1/offers?q=no+such+thing")
	w.nobody().get("/v1/offers?category=dragons").refused(400, "malformed")
	w.nobody().post("/v1/offer-comparisons", object{"weekdays": []int{6}, "minutes": 60, "starts_on": "2027-01-09", "ends_on": "2027-03-27"})
	require.NoError(t, w.searches.Flush(w.ctx, w.d))
	rows, err := dbtest.Owner(t, w.d).Query(w.ctx, `SELECT week || '|' || area || '|' || category || '|' || outcome || '|' || n FROM search_count ORDER BY 1`)
	require.NoError(t, err)
	counted, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{
		"2027-W01|Ashmere|club|found|3", "2027-W01|Brackenvale|overnight|nothing|1", "2027-W01|||found|1", "2027-W01|||nothing|1",
	}, counted)
}

func TestAnOfferWhoseCredentialRanOutIsComparedApart(t *testing.T) {
	w := setup(t)
	o := w.publish(w.stars, club())
	pattern := object{"weekdays": []int{6}, "minutes": 120, "starts_on": "2027-01-09", "ends_on": "2027-03-27", "age": 9}
	before := into[gen.Comparison](w.nobody().post("/v1/offer-comparisons", pattern), http.StatusOK)
	require.Len(t, before.Items, 1)
	require.Empty(t, before.CannotServe)

	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE credential_cover SET ends_on = '2027-01-08' WHERE kind = 'insurance_public_liability'`)
	require.NoError(t, err)
	after := into[gen.Comparison](w.nobody().post("/v1/offer-comparisons", pattern), http.StatusOK)
	require.Empty(t, after.Items)
	require.NotNil(t, after.Items)
	require.Len(t, after.CannotServe, 1)
	require.Equal(t, o.Offer.ID, after.CannotServe[0].Offer.ID)
	require.Contains(t, after.CannotServe[0].Because, "the provider's public liability insurance has run out")
	p := w.mother.post("/v1/quotes", wanted(w.sam, o, 1)).refused(http.StatusConflict, "credential-lapsed")
	require.Contains(t, *p.Detail, after.CannotServe[0].Because)
}
