package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// openDataRequests are those of the matrix: a published offer is everybody's
// to copy.
func (m *cast) openDataRequests() map[string]func(target string, fresh bool) request {
	type ask = func(target string, fresh bool) request
	plain := func(path string) ask {
		return func(string, bool) request { return req(http.MethodGet, path, nil) }
	}
	one := func(before string, id func(string) uuid.UUID) ask {
		return func(target string, _ bool) request { return req(http.MethodGet, before+id(target).String(), nil) }
	}
	club := func(target string) uuid.UUID { return m.clubID(target, false) }
	of := func(known uuid.UUID) func(string) uuid.UUID {
		return func(target string) uuid.UUID {
			if target == "missing" {
				return uuid.New()
			}
			return known
		}
	}
	return map[string]ask{
		"getDirectoryAbout": plain("/oruk/v3"), "listDirectoryServices": plain("/oruk/v3/services"), "listDirectoryPlaces": plain("/oruk/v3/service_at_locations"),
		"listDirectoryTaxonomies": plain("/oruk/v3/taxonomies"), "listDirectoryTerms": plain("/oruk/v3/taxonomy_terms"), "getOpenDataset": plain("/openactive"),
		"getSessionSeriesFeed": plain("/openactive/session-series"), "getScheduledSessionsFeed": plain("/openactive/scheduled-sessions"),
		"getDirectoryService": one("/oruk/v3/services/", club), "getDirectoryPlace": one("/oruk/v3/service_at_locations/", club),
		"getDirectoryTaxonomy": one("/oruk/v3/taxonomies/", of(marketplace.Taxonomies[0].ID)),
		"getDirectoryTerm":     one("/oruk/v3/taxonomy_terms/", of(marketplace.OpenTerms[0].ID)),
	}
}

// bath is a pool with a price for those who have the reduced rate, at a
// setting with an address.
func (w *world) bath() *marketplace.OfferDetail {
	d := club()
	d.Title, d.Category = "Swimming", "swimming"
	d.Content.Needs, d.Content.AccessFeatures, d.Content.Languages = []string{"autism", "wheelchair_user"}, []string{"hoist", "parking"}, []string{"english", "british_sign_language"}
	low := d.Tariff.Options[0]
	low.Name, low.WhoMayUse, low.Charges = "Reduced rate", "reduced_rate", low.Charges[:1:1]
	low.Charges = append(low.Charges[:0:0], charge("place", "session", 600))
	d.Tariff.Options = append(d.Tariff.Options, low)
	return w.publish(w.stars, d)
}

func (w *world) feedsUpToDate() {
	w.t.Helper()
	_, err := marketplace.RefreshFeeds(w.ctx, w.d)
	require.NoError(w.t, err)
}

func TestDirectoryTellsAnOfferAsAService(t *testing.T) {
	w := setup(t, func(c *api.Config) { c.PublicURL = "https://breaks.example/" })
	made := w.bath()
	w.feedsUpToDate()
	o := into[gen.DirectoryService](w.nobody().get("/oruk/v3/services/"+made.Offer.ID.String()), http.StatusOK)
	require.Equal(t, "Swimming", o.Name)
	require.Equal(t, "https://breaks.example/v1/offers/"+made.Offer.ID.String(), o.URL)
	require.Equal(t, "Standard: £12.00 a session. Standard: support: £18.00 an hour, if you ask for it. Reduced rate: £6.00 a session, for families who have the reduced rate.", o.Fees)
	require.Equal(t, []int{5, 17}, []int{o.MinimumAge, o.MaximumAge})
	require.Contains(t, o.Description, "you do not need an assessment", "who may come")
	require.Equal(t, []string{"12.00", "18.00", "6.00"}, []string{o.CostOptions[0].Amount.String(), o.CostOptions[1].Amount.String(), o.CostOptions[2].Amount.String()})
	require.Contains(t, *o.Accreditations, "Ofsted registration")
	terms := map[string]gen.DirectoryAttributeLinkType{}
	for _, a := range o.Attributes {
		terms[a.TaxonomyTerm.Term] = a.LinkType
		require.Equal(t, o.ID, a.LinkID)
	}
	require.Equal(t, map[string]gen.DirectoryAttributeLinkType{
		"leisure": "service_type", "swimming": "service_type", "targeted": "eligibility", "autism": "eligibility", "wheelchair_user": "eligibility",
	}, terms)
	require.Equal(t, []string{"English", "British Sign Language"}, []string{o.Languages[0].Name, o.Languages[1].Name})
	location := o.ServiceAtLocations[0].Location
	require.Equal(t, "ZZ1 1AA", location.Addresses[0].PostalCode)
	require.Equal(t, "Hoist", location.Accessibility[0].Accessibility)
	// 13 Saturdays, and the clocks go forward before the last.
	require.Len(t, o.Schedules, 2)
	require.Equal(t, []string{"2027-01-09", "2027-03-27", "WEEKLY", "SA", "10:00Z", "13:00Z"}, schedule(o.Schedules[0]))
	require.Equal(t, []string{"2027-04-03", "2027-04-03", "WEEKLY", "SA", "10:00+01:00", "13:00+01:00"}, schedule(o.Schedules[1]))

	same := into[gen.DirectoryService](w.nobody().get("/oruk/v3/services/"+made.Offer.ID.String()), http.StatusOK)
	require.Equal(t, o, same, "what is derived has the same ids each time")
	place := into[gen.DirectoryPlace](w.nobody().get("/oruk/v3/service_at_locations/"+made.Offer.ID.String()), http.StatusOK)
	require.Equal(t, []any{o.ID, o.Name, "active"}, []any{place.ID, place.Name, string(place.Status)}, "a service beside its place")
	require.Equal(t, o, place.Service)
}

func schedule(s gen.DirectorySchedule) []string {
	return []string{s.ValidFrom.String(), s.ValidTo.String(), string(*s.Freq), *s.Byday, *s.OpensAt, *s.ClosesAt}
}

func TestDirectoryPointsToTheCalendarForWhatItCannotSay(t *testing.T) {
	w := setup(t, func(c *api.Config) { c.PublicURL = "https://breaks.example" })
	d := club()
	d.Category, d.Title = "overnight_residential", "A night away"
	d.Sessions.From, d.Sessions.To = "18:00", "10:00"
	night := w.publish(w.stars, d)
	o := into[gen.DirectoryService](w.nobody().get("/oruk/v3/services/"+night.Offer.ID.String()), http.StatusOK)
	require.NotEmpty(t, o.Schedules)
	for _, s := range o.Schedules {
		require.Nil(t, s.Freq)
		require.Nil(t, s.OpensAt)
		require.Equal(t, "https://breaks.example/v1/offers/"+night.Offer.ID.String()+"/calendar.ics", *s.ScheduleLink)
		require.Contains(t, s.Description, "18:00")
	}
	linked := w.nobody().get("/v1/offers/" + night.Offer.ID.String() + "/calendar.ics")
	require.Equal(t, http.StatusOK, linked.status)
	require.Equal(t, 13, strings.Count(string(linked.body), "BEGIN:VEVENT"))
	location := o.ServiceAtLocations[0].Location
	require.Nil(t, location.Latitude)
	require.Equal(t, "ZZ1", location.Addresses[0].PostalCode, "a house where children sleep")
	require.NotContains(t, string(linked.body), "ZZ1 1AA")
	support := w.publish(w.stars, visits())
	o = into[gen.DirectoryService](w.nobody().get("/oruk/v3/services/"+support.Offer.ID.String()), http.StatusOK)
	require.Equal(t, "MO,TU,WE,TH,FR,SA,SU", *o.Schedules[0].Byday)
	require.Len(t, o.ServiceAreas, 1)
}

func TestDirectoryPagesAsItsStandardWants(t *testing.T) {
	w := setup(t)
	for range 3 {
		w.bath()
	}
	type envelope struct {
		Total int  `json:"total_items"`
		Pages int  `json:"total_pages"`
		Page  int  `json:"page_number"`
		Size  int  `json:"size"`
		First bool `json:"first_page"`
		Last  bool `json:"last_page"`
		Empty bool `json:"empty"`
	}
	for _, list := range []string{"/oruk/v3/services", "/oruk/v3/service_at_locations"} {
		require.Equal(t, envelope{3, 2, 1, 2, true, false, false}, into[envelope](w.nobody().get(list+"?per_page=2"), http.StatusOK))
		require.Equal(t, envelope{3, 2, 2, 1, false, true, false}, into[envelope](w.nobody().get(list+"?per_page=2&page=2"), http.StatusOK))
		require.Equal(t, envelope{3, 2, 9, 0, false, true, true}, into[envelope](w.nobody().get(list+"?per_page=2&page=9"), http.StatusOK))
		require.Equal(t, envelope{0, 0, 1, 0, true, true, true}, into[envelope](w.nobody().get(list+"?search=nothing"), http.StatusOK))
		for _, bad := range []string{"page=0", "per_page=501", "minimum_age=abc", "day=8", "start_time=25:00", "taxonomy_term_id=x", "modified_after=yesterday", "sort=name"} {
			w.nobody().get(list+"?"+bad).refused(http.StatusBadRequest, "malformed")
		}
		require.Equal(t, 3, into[envelope](w.nobody().get(list+"?day=Saturday&start_time=10:00&end_time=13:00&minimum_age=5&maximum_age=17"), http.StatusOK).Total)
		require.Zero(t, into[envelope](w.nobody().get(list+"?day=MO"), http.StatusOK).Total)
	}
	terms := len(marketplace.OpenTerms)
	require.Equal(t, envelope{terms, (terms + 9) / 10, 2, 10, false, false, false}, into[envelope](w.nobody().get("/oruk/v3/taxonomy_terms?per_page=10&page=2"), http.StatusOK))
	require.Equal(t, envelope{4, 1, 2, 0, false, true, true}, into[envelope](w.nobody().get("/oruk/v3/taxonomies?page=2"), http.StatusOK))
	near := into[gen.DirectoryPlacePage](w.nobody().get("/oruk/v3/service_at_locations?postcode=ZZ1%201AA&proximity=1000"), http.StatusOK)
	require.Len(t, near.Contents, 3)
	w.nobody().get("/oruk/v3/service_at_locations?postcode=QQ9%209QQ").refused(http.StatusUnprocessableEntity, "postcode-unknown")
	w.nobody().get("/oruk/v3/service_at_locations?proximity=5").refused(http.StatusUnprocessableEntity, "invalid")
}

func TestOpenDataIsForEverybodyAndMayBeKept(t *testing.T) {
	w := setup(t)
	w.bath()
	w.feedsUpToDate()
	for path, keep := range map[string]string{
		"/oruk/v3": "public, max-age=300", "/oruk/v3/services": "public, max-age=300", "/openactive": "public, max-age=300",
		"/openactive/session-series": "public, max-age=3600", "/openactive/session-series?afterChangeNumber=1000000": "public, max-age=8",
	} {
		a := w.nobody().get(path)
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, "*", a.header.Get("Access-Control-Allow-Origin"), path)
		require.Equal(t, "cross-origin", a.header.Get("Cross-Origin-Resource-Policy"))
		require.Equal(t, keep, a.header.Get("Cache-Control"), path)
		require.Equal(t, "no-store", w.mother.get(path).header.Get("Cache-Control"), "an answer to somebody is for nobody else")
	}
	missing := w.nobody().get("/oruk/v3/services/" + uuid.NewString())
	missing.refused(http.StatusNotFound, "not-found")
	require.Equal(t, "*", missing.header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "no-store", missing.header.Get("Cache-Control"), "a refusal is not kept")
	require.Empty(t, w.nobody().get("/v1/offers").header.Get("Access-Control-Allow-Origin"), "and the rest of the API is not")
	for path, want := range map[string]int{"/oruk/v3/": http.StatusOK, "/oruk/v3/nothing": http.StatusNotFound} {
		rec := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(rec, w.nobody().request(http.MethodGet, path, nil))
		require.Equal(t, want, rec.Code, path)
	}
	rec := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(rec, w.nobody().request(http.MethodPost, "/oruk/v3/services", "{}"))
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
}

func TestFeedsAreWalkedByTheirNextAddress(t *testing.T) {
	w := setup(t, func(c *api.Config) { c.PublicURL = "https://breaks.example" })
	made := w.bath()
	w.publish(w.stars, club())
	first := w.nobody().get("/openactive/session-series")
	page := into[gen.FeedPage](first, http.StatusOK)
	require.Empty(t, page.Items)
	require.Equal(t, "https://breaks.example/openactive/session-series", page.Next, "an empty feed links to itself")
	require.Equal(t, "application/vnd.openactive.rpde+json; version=1", first.header.Get("Content-Type"))
	w.feedsUpToDate()
	follow := func(next string) gen.FeedPage {
		return into[gen.FeedPage](w.nobody().get(strings.TrimPrefix(next, "https://breaks.example")), http.StatusOK)
	}
	page = follow(page.Next)
	require.Len(t, page.Items, 1, "the club has no activity of the list")
	last := follow(page.Next)
	require.Empty(t, last.Items)
	require.Equal(t, page.Next, last.Next, "the last page links to itself")
	require.Equal(t, "https://breaks.example/openactive/session-series?afterChangeNumber="+strconv.FormatInt(page.Items[0].Modified, 10), last.Next)

	var series struct {
		ID       string `json:"@id"`
		Activity []struct {
			ID string `json:"@id"`
		} `json:"activity"`
		Offers []struct {
			Price json.Number `json:"price"`
		} `json:"offers"`
		Schedule []struct {
			Days     []string `json:"byDay"`
			Duration string   `json:"duration"`
		} `json:"eventSchedule"`
		Supports []struct {
			Label string `json:"prefLabel"`
		} `json:"accessibilitySupport"`
		Location struct {
			Address struct {
				Postcode string `json:"postalCode"`
			} `json:"address"`
		} `json:"location"`
	}
	require.NoError(t, json.Unmarshal(page.Items[0].Data, &series))
	require.Equal(t, "https://breaks.example/v1/offers/"+made.Offer.ID.String(), series.ID)
	require.Equal(t, "https://openactive.io/activity-list#2750229d-b725-4171-9276-376be913957c", series.Activity[0].ID)
	require.Equal(t, "12.00", series.Offers[0].Price.String())
	require.Equal(t, []string{"https://schema.org/Saturday"}, series.Schedule[0].Days)
	require.Equal(t, "PT3H", series.Schedule[0].Duration)
	require.Equal(t, "Physical impairment", series.Supports[0].Label)
	require.Equal(t, "ZZ1 1AA", series.Location.Address.Postcode)

	sessions := follow("https://breaks.example/openactive/scheduled-sessions")
	require.Len(t, sessions.Items, 13)
	w.fund(w.ash, w.sam)
	w.mother.book(w.sam, made, 1)
	w.feedsUpToDate()
	changed := follow(sessions.Next)
	require.Len(t, changed.Items, 1)
	var session struct {
		Series    string `json:"superEvent"`
		Start     string `json:"startDate"`
		Capacity  int    `json:"maximumAttendeeCapacity"`
		Remaining int    `json:"remainingAttendeeCapacity"`
	}
	require.NoError(t, json.Unmarshal(changed.Items[0].Data, &session))
	require.Equal(t, series.ID, session.Series)
	require.Equal(t, []any{"2027-01-09T10:00:00Z", 10, 9}, []any{session.Start, session.Capacity, session.Remaining})
	_, err := marketplace.PauseOffer(w.ctx, w.d, w.stars.Owner, made.Offer.ID)
	require.NoError(t, err)
	w.feedsUpToDate()
	gone := follow(changed.Next)
	require.Len(t, gone.Items, 13)
	for _, item := range gone.Items {
		require.Equal(t, gen.FeedItemStateDeleted, item.State)
		require.Empty(t, item.Data)
	}
	for _, bad := range []string{"0", "-1", "abc", "1.5", "9007199254740992"} {
		w.nobody().get("/openactive/session-series?afterChangeNumber="+bad).refused(http.StatusBadRequest, "malformed")
	}
}

// Whatever families book and however they are called, nothing of it is in open
// data.
func TestOpenDataNamesNoFamilyAndNoWorker(t *testing.T) {
	w := setup(t)
	made := w.bath()
	support := w.publish(w.stars, visits())
	w.fund(w.ash, w.sam)
	w.mother.book(w.sam, made, 2)
	w.feedsUpToDate()
	secret := []string{"Sam", "Oakley", "Rosa", "Begum", w.sam.String(), w.oakley.Parents[0].Person.String(), w.stars.Owner.Person.String()}
	for _, l := range support.Lanes {
		secret = append(secret, l.ID.String())
	}
	for _, path := range []string{
		"/oruk/v3/services", "/oruk/v3/services/" + made.Offer.ID.String(), "/oruk/v3/services/" + support.Offer.ID.String(), "/oruk/v3/service_at_locations",
		"/oruk/v3/service_at_locations/" + made.Offer.ID.String(), "/openactive", "/openactive/session-series", "/openactive/scheduled-sessions",
	} {
		a := w.nobody().get(path)
		require.Equal(t, http.StatusOK, a.status, path)
		for _, word := range secret {
			require.NotContains(t, string(a.body), word, path)
		}
	}
}
