package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
)

// cottage is a home that children go to: its street, its name and what one
// sees there are nobody's business.
var cottage = marketplace.SettingFacts{
	Name: "Foxglove Cottage", Postcode: "ZZ1 2FA", AddressLines: []string{"27 Quarrybank Gardens"}, AccessFeatures: "A ramp beside the blue gate.",
}

// homely is the world with a carer's home of a charity, and the same house of
// somebody who works alone: sessions, visits and days with a family.
type homely struct {
	*world
	offers   []uuid.UUID
	houses   []*demo.House
	settings []uuid.UUID
}

func newHomely(t *testing.T) *homely {
	t.Helper()
	h := &homely{world: setup(t)}
	h.fund(h.ash, h.sam)
	admin := dbtest.Owner(t, h.d)
	_, err := admin.Exec(h.ctx, `UPDATE provider SET kind = 'sole_trader' WHERE id = $1`, h.moor.ID)
	require.NoError(t, err)
	at := func(house *demo.House) uuid.UUID {
		made, err := marketplace.CreateSetting(h.ctx, h.d, house.Owner, house.ID, cottage)
		require.NoError(t, err)
		h.houses, h.settings = append(h.houses, house), append(h.settings, made.ID)
		return made.ID
	}
	stars, moor := at(h.stars), at(h.moor)
	offer := func(house *demo.House, setting uuid.UUID, d marketplace.OfferDraft) {
		d.Setting, d.SettingID = nil, &setting
		h.offers = append(h.offers, h.publish(house, d).Offer.ID)
	}
	days := club()
	days.Title, days.Category = "Days with a family", "family_based_care"
	offer(h.stars, stars, days)
	pool := club()
	pool.Title, pool.Category = "Swimming in the garden", "swimming"
	offer(h.stars, stars, pool)
	offer(h.moor, moor, pool)
	offer(h.moor, moor, visits())
	h.upToDate()
	return h
}

func (h *homely) upToDate() {
	h.t.Helper()
	h.feedsUpToDate()
	_, err := marketplace.RefreshListings(h.ctx, h.d)
	require.NoError(h.t, err)
}

// asked are requests that look for or at the offers, by the operation; in
// circles of these radii, in kilometres.
func (h *homely) asked(radii ...int) map[string][]request {
	const get, post = http.MethodGet, http.MethodPost
	pattern := object{"weekdays": []int{6}, "minutes": 60, "starts_on": "2027-01-09", "ends_on": "2027-03-27"}
	all := map[string][]request{
		"searchOffers": {
			req(get, "/v1/offers", nil), req(get, "/v1/offers?q=foxglove", nil), req(get, "/v1/offers?q=gardens", nil),
			req(get, "/v1/offers?q=nothing+like+it", nil),
		},
		"getOfferFacets": {req(get, "/v1/offer-facets", nil)}, "getOfferMap": {req(get, "/v1/offer-map", nil)},
		"findOffersTogether": {req(post, "/v1/offer-sets", object{"children": []object{{"age": 9}, {"age": 12}}})},
		"compareOffers":      {req(post, "/v1/offer-comparisons", pattern), req(post, "/v1/offer-comparisons", with(pattern, "offer_ids", h.offers))},
		"listCategories":     {req(get, "/v1/categories", nil)}, "listCalendars": {req(get, "/v1/calendars", nil)}, "listProviders": {req(get, "/v1/providers", nil)},
		"getDirectoryAbout": {req(get, "/oruk/v3", nil)}, "listDirectoryServices": {req(get, "/oruk/v3/services", nil)},
		"listDirectoryTaxonomies": {req(get, "/oruk/v3/taxonomies", nil)}, "listDirectoryTerms": {req(get, "/oruk/v3/taxonomy_terms", nil)},
		"getDirectoryTaxonomy":     {req(get, "/oruk/v3/taxonomies/"+marketplace.Taxonomies[0].ID.String(), nil)},
		"getDirectoryTerm":         {req(get, "/oruk/v3/taxonomy_terms/"+marketplace.OpenTerms[0].ID.String(), nil)},
		"listDirectoryPlaces":      {req(get, "/oruk/v3/service_at_locations", nil)},
		"getOpenDataset":           {req(get, "/openactive", nil)},
		"getSessionSeriesFeed":     {req(get, "/openactive/session-series", nil)},
		"getScheduledSessionsFeed": {req(get, "/openactive/scheduled-sessions", nil)},
		"costPlan": {req(post, "/v1/plan-costings", object{
			"postcode": "ZZ1 1AA", "starts_on": "2027-01-04", "ends_on": "2027-03-27", "lines": []object{{
				"name": "Saturdays", "cheapest": object{"within_miles": 20}, "use": object{"weekdays": []int{6}, "minutes": 60},
			}},
		})},
	}
	for _, near := range []string{"ZZ1", "ZZ1 2FA", "ZZ1 1AA", "ZZ2 1AA"} {
		near = strings.ReplaceAll(near, " ", "")
		for _, km := range radii {
			where := fmt.Sprintf("?postcode=%s&within_km=%d", near, km)
			for _, sort := range marketplace.Sorts {
				all["searchOffers"] = append(all["searchOffers"], req(get, "/v1/offers"+where+"&sort="+sort, nil))
			}
			all["getOfferMap"] = append(all["getOfferMap"], req(get, "/v1/offer-map"+where, nil))
			all["getOfferFacets"] = append(all["getOfferFacets"], req(get, "/v1/offer-facets"+where, nil))
			all["compareOffers"] = append(all["compareOffers"], req(post, "/v1/offer-comparisons", with(with(pattern, "postcode", near), "within_km", km)))
			all["findOffersTogether"] = append(all["findOffersTogether"], req(post, "/v1/offer-sets", object{
				"children": []object{{"age": 9}, {"age": 12}}, "postcode": near, "within_km": km,
			}))
			all["listDirectoryPlaces"] = append(all["listDirectoryPlaces"], req(get, fmt.Sprintf("/oruk/v3/service_at_locations?postcode=%s&proximity=%d", near, km*1000), nil))
		}
	}
	for _, house := range h.houses {
		at := "/v1/providers/" + house.ID.String()
		all["getProvider"] = append(all["getProvider"], req(get, at, nil))
		all["listSettings"] = append(all["listSettings"], req(get, at+"/settings", nil), req(get, at+"/settings?limit=1", nil))
	}
	for _, id := range h.offers {
		for operation, path := range map[string]string{
			"getOffer": "/v1/offers/%s", "listOfferVersions": "/v1/offers/%s/versions", "getOfferCalendar": "/v1/offers/%s/calendar.ics",
			"getDirectoryService": "/oruk/v3/services/%s", "getDirectoryPlace": "/oruk/v3/service_at_locations/%s",
		} {
			all[operation] = append(all[operation], req(get, fmt.Sprintf(path, id), nil))
		}
		all["askProvider"] = append(all["askProvider"], req(post, fmt.Sprintf("/v1/offers/%s/enquiries", id), object{"words": "Is there a garden?"}))
		all["addToShortlist"] = append(all["addToShortlist"], req(http.MethodPut, "/v1/shortlist/"+id.String(), object{"note": "Near us"}))
	}
	all["listShortlist"] = []request{req(get, "/v1/shortlist", nil)}
	all["listEnquiries"] = []request{req(get, "/v1/enquiries", nil)}
	return all
}

// with is the body with one value more.
func with(o object, name string, value any) object {
	all := maps.Clone(o)
	all[name] = value
	return all
}

// placeless are public operations whose answers are not about offers, their
// places or their providers.
var placeless = map[string]bool{"getJWKS": true, "issueToken": true, "receiveStripeEvent": true, "getPhoto": true}

// tells is what of the cottage, as it is now, stands in an answer: in any case,
// and however it is spaced.
func (h *homely) tells(body []byte) (found []string) {
	h.t.Helper()
	point, known := marketplace.Locate(cottage.Postcode)
	require.True(h.t, known)
	squashed := strings.ToLower(regexp.MustCompile(`[\s+]|%20`).ReplaceAllString(string(body), ""))
	for _, secret := range []string{
		cottage.Postcode, "Foxglove", "Quarrybank", "27 Quarry", "blue gate",
		strconv.FormatFloat(point.Lat, 'f', 3, 64), strconv.FormatFloat(point.Lon, 'f', 3, 64),
	} {
		if strings.Contains(squashed, strings.ToLower(strings.ReplaceAll(secret, " ", ""))) {
			found = append(found, secret)
		}
	}
	return found
}

func TestNobodyButItsProviderIsToldWhereADiscreetSettingIs(t *testing.T) {
	h := newHomely(t)
	asked := h.asked(3)
	pool, err := marketplace.Get(h.ctx, h.d, h.stars.Owner, h.offers[1])
	require.NoError(t, err)
	h.mother.book(h.sam, pool, 1)
	bookings, _ := h.mother.address("bookings")
	sessions, _ := h.as(h.stars.Owner).address("setting", object{"setting_id": h.settings[0]})
	asked["getCalendarFeed"] = []request{req(http.MethodGet, bookings, nil), req(http.MethodGet, sessions, nil)}
	strangers := map[string]caller{
		anonymous: h.nobody(), "family": h.mother, "practitioner": h.practitioner, "commissioner": h.as(h.ash.Commissioner), "finance": h.as(h.ash.Finance),
	}
	for _, o := range h.contract.Operations() {
		if o.Public && !placeless[o.ID] {
			require.NotEmpty(t, asked[o.ID], "%s is public: ask for it here", o.ID)
		}
	}
	for operation, requests := range asked {
		answered := 0
		for _, r := range requests {
			for who, c := range strangers {
				a := c.ask(r.method, r.path, r.body)
				require.Empty(t, h.tells(a.body), "%s %s as %s: %s", operation, r.path, who, a.body)
				if a.status < 300 {
					answered++
				}
			}
		}
		require.NotZero(t, answered, operation)
	}
	// Each of two providers is a stranger to the other and at home with itself.
	for i, house := range h.houses {
		for _, who := range []caller{h.as(house.Owner), h.as(house.Coordinator), h.as(house.Worker)} {
			for j, other := range h.houses {
				list := who.get("/v1/providers/" + other.ID.String() + "/settings")
				offer := who.get("/v1/offers/" + h.offers[2*j].String())
				if i != j {
					require.Empty(t, append(h.tells(list.body), h.tells(offer.body)...))
					continue
				}
				require.Equal(t, []string{"27 Quarrybank Gardens"}, into[gen.SettingList](list, 200).Items[0].AddressLines)
				require.Equal(t, cottage.Postcode, into[gen.Offer](offer, 200).Setting.Postcode)
			}
		}
	}
	shown := into[gen.Offer](h.nobody().get("/v1/offers/"+h.offers[1].String()), 200).Setting
	require.Equal(t, []any{"Near ZZ1, Ashmere", "ZZ1", true}, []any{shown.Name, shown.Postcode, shown.Discreet}, "the pool is at the house too")
}

// TestMovingHouseWithinItsSquareChangesNoAnswer: what does not depend on where
// in a square of some kilometres a house is tells nothing about it, however
// often and from wherever one asks.
func TestMovingHouseWithinItsSquareChangesNoAnswer(t *testing.T) {
	h := newHomely(t)
	searches := []string{"searchOffers", "getOfferMap", "getOfferFacets", "compareOffers", "findOffersTogether", "listDirectoryPlaces", "costPlan", "getOffer", "listSettings"}
	answers := func() (all []string) {
		asked := h.asked(1, 2, 3, 4, 5, 8, 200)
		for _, operation := range searches {
			for _, r := range asked[operation] {
				c := h.nobody()
				if operation == "costPlan" {
					c = h.practitioner
				}
				a := c.ask(r.method, r.path, r.body)
				require.Equal(t, http.StatusOK, a.status, "%s", a.body)
				all = append(all, r.path+" "+volatile.ReplaceAllString(string(a.body), ""))
			}
		}
		return all
	}
	before := answers()
	require.Contains(t, strings.Join(before, ""), "distance_km\":")
	_, err := dbtest.Owner(t, h.d).Exec(h.ctx, `UPDATE setting SET postcode = 'ZZ1 2FB', name = 'The Larches', address_lines = '["4 Spinney Way"]', access_features = 'Steps.',
		latitude = floor(latitude * 20) / 20 + 0.049, longitude = floor(longitude * 20) / 20 + 0.049 WHERE discreet`)
	require.NoError(t, err)
	h.upToDate()
	require.Equal(t, before, answers())
}

// volatile is when somebody last changed or read something.
var volatile = regexp.MustCompile(`"(last_modified|as_of|assured_date)":"[^"]*",?`)
