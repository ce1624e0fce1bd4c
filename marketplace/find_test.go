package marketplace_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

func (s *stall) page(q marketplace.SearchQuery) *marketplace.SearchPage {
	s.t.Helper()
	page, err := marketplace.Search(s.ctx, s.d, q)
	require.NoError(s.t, err)
	return page
}

func TestWordsSpeltNearlySoAreFoundAfterThoseSpeltExactly(t *testing.T) {
	t.Parallel()
	s := market(t)
	for text, want := range map[string][]string{
		"swimmng":      {"Warm water hour"}, // a letter left out
		"saturdya":     {"Saturday club"},   // two swapped
		"gardn music":  {"Saturday club"},
		"yuoth":        {"Youth 100% club"},
		"youth turst":  {"Youth 100% club"}, // a provider's name
		"saturday xyz": nil,
		"the":          nil, // a word that says nothing
	} {
		page := s.page(marketplace.SearchQuery{Text: text})
		var titles []string
		for _, o := range page.Items {
			titles = append(titles, o.Title)
		}
		require.Equal(t, want, titles, text)
		require.Equal(t, want != nil, page.Spelt, text)
	}

	// An offer that has the word as written comes first, though it is later.
	other := club(tariffOf(option("Each", charge("place", "session", 900))))
	other.Title, other.Sessions.FirstDate = "Saturdya club", date("2027-02-06")
	s.publish(s.owner, other)
	page := s.page(marketplace.SearchQuery{Text: "saturdya", Limit: 1})
	require.Equal(t, "Saturdya club", page.Items[0].Title)
	require.False(t, page.Spelt)
	page = s.page(marketplace.SearchQuery{Text: "saturdya", Limit: 1, Cursor: page.NextCursor})
	require.Equal(t, "Saturday club", page.Items[0].Title)
	require.True(t, page.Spelt)
	require.Empty(t, page.NextCursor)
}

func TestAWindowFindsWhatStillHasAPlaceInIt(t *testing.T) {
	t.Parallel()
	s := market(t)
	worker, water, saturday, youth := "One-to-one support worker", "Warm water hour", "Saturday club", "Youth 100% club"
	on := func(from, to string) marketplace.Window {
		return marketplace.Window{FromDate: date(from), ToDate: date(to)}
	}
	with := func(w marketplace.Window, change func(*marketplace.Window)) marketplace.Window {
		change(&w)
		return w
	}
	weekend := on("2027-01-16", "2027-01-17")
	for name, c := range map[string]struct {
		w    marketplace.Window
		want []string
	}{
		"a Saturday":                   {weekend, []string{worker, saturday}},
		"a Sunday":                     {on("2027-01-17", "2027-01-17"), nil},
		"a Wednesday":                  {on("2027-01-13", "2027-01-13"), []string{worker, water}},
		"from a date on":               {marketplace.Window{FromDate: date("2027-03-20")}, []string{saturday, worker, water, youth}},
		"in the past":                  {marketplace.Window{ToDate: date("2027-01-03")}, nil},
		"starts late enough":           {with(weekend, func(w *marketplace.Window) { w.Earliest = "10:00" }), []string{saturday, worker}},
		"a minute too late":            {with(weekend, func(w *marketplace.Window) { w.Earliest = "10:01" }), []string{worker}},
		"over early enough":            {with(weekend, func(w *marketplace.Window) { w.Latest = "13:00" }), []string{worker, saturday}},
		"not over early enough":        {with(weekend, func(w *marketplace.Window) { w.Latest = "12:59" }), []string{worker}},
		"only on Fridays":              {marketplace.Window{Weekdays: []int{5}}, []string{worker, youth}},
		"twelve places":                {with(weekend, func(w *marketplace.Window) { w.Places = 12 }), []string{saturday}},
		"thirteen places":              {with(weekend, func(w *marketplace.Window) { w.Places = 13 }), nil},
		"two workers at once":          {with(weekend, func(w *marketplace.Window) { w.Places = 2 }), []string{worker, saturday}},
		"no dates, but a time of day":  {marketplace.Window{Earliest: "09:00", Latest: "13:30"}, []string{worker, water, saturday, youth}},
		"nobody is there in the night": {with(weekend, func(w *marketplace.Window) { w.Earliest, w.Latest = "01:00", "05:00" }), nil},
	} {
		require.ElementsMatch(t, c.want, s.search(marketplace.SearchQuery{When: c.w}), name)
	}
	page := s.page(marketplace.SearchQuery{When: weekend, Category: "club"})
	require.Equal(t, at("2027-01-16T10:00"), page.Items[0].NextStart.UTC(), "the session in the window is shown")

	// Full is not a place left; a place given back is one again.
	_, err := s.admin.Exec(s.ctx, `UPDATE session_places p SET taken = capacity FROM session e WHERE e.id = p.session_id AND e.local_start LIKE '2027-01-16T%'`)
	require.NoError(t, err)
	require.Equal(t, []string{worker}, s.search(marketplace.SearchQuery{When: weekend}))
	page = s.page(marketplace.SearchQuery{When: weekend, Category: "club"})
	require.Equal(t, marketplace.ByWhen, page.Missing())
}

func TestAVisitNeedsSomebodyFreeInTheWindow(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly())) // two lanes, 8:00 to 20:00, buffers of 30 minutes
	day := marketplace.Window{FromDate: date("2027-01-05"), ToDate: date("2027-01-05"), Earliest: "10:00", Latest: "12:00"}
	require.Len(t, s.search(marketplace.SearchQuery{When: day}), 1)
	for i, lane := range made.Lanes {
		_, err := s.admin.Exec(s.ctx, `INSERT INTO lane_claim (provider_id, id, lane_id, item_id, during)
			VALUES ($1, gen_random_uuid(), $2, gen_random_uuid(), tstzrange('2027-01-05T09:00Z', '2027-01-05T12:00Z'))`, made.Provider.ID, lane.ID)
		require.NoError(t, err)
		found := s.search(marketplace.SearchQuery{When: day})
		require.Len(t, found, len(made.Lanes)-1-i, "with %d of the workers away", i+1)
		if len(found) == 0 {
			break
		}
	}
	day.Latest = "14:30"
	page := s.page(marketplace.SearchQuery{When: day})
	require.Equal(t, at("2027-01-05T12:00"), page.Items[0].NextStart.UTC(), "as soon as one of them is back")
}

func TestSearchesAreSortedByDistanceAndByTheComparableHour(t *testing.T) {
	t.Parallel()
	s := market(t)
	worker, water, saturday, youth := "One-to-one support worker", "Warm water hour", "Saturday club", "Youth 100% club"
	require.Equal(t, []string{saturday, water, worker, youth}, s.search(marketplace.SearchQuery{Postcode: "ZZ1 1AA", Sort: marketplace.ByNearest}))
	require.Equal(t, []string{youth, saturday, water, worker}, s.search(marketplace.SearchQuery{Sort: marketplace.ByCost}))
	_, err := marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{Sort: marketplace.ByNearest})
	require.Equal(t, []string{"query/sort"}, fields(err))
	page := s.page(marketplace.SearchQuery{Sort: marketplace.ByCost, Limit: 1})
	_, err = marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{Cursor: page.NextCursor})
	require.Equal(t, []string{"query/cursor"}, fields(err), "a cursor is of one order")
}

func TestReadingOnInEachOrderNeitherRepeatsNorMisses(t *testing.T) {
	t.Parallel()
	s := setup(t)
	codes := []string{"ZZ1 1AA", "ZZ1 1AA", "ZZ1 1AA", "ZZ2 1AA", "ZX1 1AA"} // many at one point
	for i := range 24 {
		draft := club(tariffOf(option("Each", charge("place", "session", shortbreaks.Pence(300*(i%4))))))
		draft.Title, draft.Setting = fmt.Sprintf("Club %02d", i), &marketplace.SettingDraft{Name: fmt.Sprint("Hall ", i), Postcode: codes[i%5]}
		draft.Sessions.FirstDate = date("2027-01-09").AddDate(0, 0, 7*(i%3))
		s.publish(s.owner, draft)
	}
	// Next sessions that are full: their listings say sooner than the truth.
	_, err := s.admin.Exec(s.ctx, `UPDATE session_places p SET taken = capacity FROM session e WHERE e.id = p.session_id AND e.starts_at < '2027-01-12'`)
	require.NoError(t, err)
	for _, sort := range marketplace.Sorts {
		for _, when := range []marketplace.Window{{}, {FromDate: date("2027-01-16")}} {
			q := marketplace.SearchQuery{Postcode: "ZZ1 1AA", Sort: sort, When: when}
			q.Limit = 100
			whole := s.search(q)
			require.Len(t, whole, 24, sort)
			var met []string
			for q.Limit = 5; ; {
				page := s.page(q)
				for _, o := range page.Items {
					met = append(met, o.Title)
				}
				require.LessOrEqual(t, len(met), 24)
				if q.Cursor = page.NextCursor; q.Cursor == "" {
					break
				}
			}
			require.Equal(t, whole, met, "%s, window %t", sort, !when.FromDate.IsZero())
		}
	}
	var last time.Time
	for _, o := range s.page(marketplace.SearchQuery{Limit: 100}).Items {
		require.False(t, o.NextStart.Before(last), "soonest first by what is true, not by what is listed")
		last = *o.NextStart
	}
}

func TestASearchThatFindsNothingSaysWhatToLeaveOut(t *testing.T) {
	t.Parallel()
	s := market(t)
	age := 14
	page := s.page(marketplace.SearchQuery{Category: "swimming", Age: &age, Postcode: "ZX1 1AA", WithinKM: 5})
	require.Empty(t, page.Items)
	require.Equal(t, []marketplace.Relaxation{
		{Filter: marketplace.ByCategory, Count: 1, Text: "Without this kind of activity there is 1."},
		{Filter: marketplace.ByDistance, Count: 1, Text: "Without the distance there is 1."},
	}, page.Relax)
	require.Equal(t, "No offer matches all of this. Without this kind of activity there is 1. Without the distance there is 1.", page.Because())

	page = s.page(marketplace.SearchQuery{Text: "unicorn", Category: "hydrotherapy"})
	require.Empty(t, page.Relax)
	require.Contains(t, page.Because(), "leave out more")
	require.Empty(t, s.page(marketplace.SearchQuery{}).Because())

	counter := marketplace.NewSearchCounter()
	for _, q := range []marketplace.SearchQuery{{Category: "swimming", When: marketplace.Window{Weekdays: []int{7}}}, {Category: "club"}} {
		counter.Add(q, s.page(q))
	}
	require.NoError(t, counter.Flush(s.ctx, s.d))
	var missing string
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT missing FROM search_count WHERE outcome = 'nothing' AND category = 'swimming'`).Scan(&missing))
	require.Equal(t, marketplace.ByWhen, missing, "what was missing is counted, and nobody")
}

func TestFacetsCountWhatASearchFinds(t *testing.T) {
	t.Parallel()
	s := market(t)
	count := func(q marketplace.SearchQuery) map[string]int {
		c, err := marketplace.Facets(s.ctx, s.d, q)
		require.NoError(t, err)
		require.Equal(t, len(s.search(q)), c.Total)
		all := map[string]int{}
		for _, f := range c.Facets {
			all[f.Name+" "+f.Value] = f.Count
		}
		return all
	}
	require.Equal(t, map[string]int{
		"category club": 2, "category support_worker": 1, "category swimming": 1,
		"access_route universal": 2, "access_route targeted": 2,
		"price_unit hour": 1, "price_unit session": 2, "price_unit quarter": 1,
		"area Ashmere": 2, "area Brackenvale": 2, "free true": 1, "free false": 3, "provider_kind company": 4,
	}, count(marketplace.SearchQuery{}))
	require.Equal(t, 1, count(marketplace.SearchQuery{Category: "club", FreeOnly: true})["area Brackenvale"])
	require.Equal(t, 1, count(marketplace.SearchQuery{When: marketplace.Window{Weekdays: []int{6}, Places: 3}})["category club"])
	require.Equal(t, 1, count(marketplace.SearchQuery{Text: "swimmng"})["category swimming"])
	require.Empty(t, count(marketplace.SearchQuery{Text: "unicorn"}))
}

func TestKindsOfSaleAreFoundApart(t *testing.T) {
	t.Parallel()
	s := market(t)
	require.Equal(t, []string{"One-to-one support worker"}, s.search(marketplace.SearchQuery{SoldBy: "visit"}))
	require.Equal(t, []string{"Warm water hour"}, s.search(marketplace.SearchQuery{SoldBy: "bundle"}))
	require.Equal(t, []string{"Saturday club", "Youth 100% club"}, s.search(marketplace.SearchQuery{SoldBy: "session"}))
	require.Equal(t, []string{"Youth 100% club"}, s.search(marketplace.SearchQuery{FreeOnly: true}))
}

func TestR125_ChildrenFindSomethingTogetherOrNearEachOther(t *testing.T) {
	t.Parallel()
	s := market(t)
	together := func(c marketplace.Together) []marketplace.OfferSet {
		sets, err := marketplace.FindTogether(s.ctx, s.d, c)
		require.NoError(t, err)
		return sets
	}
	saturday := marketplace.Window{FromDate: date("2027-01-09"), ToDate: date("2027-01-09")}
	sets := together(marketplace.Together{When: saturday, Children: []marketplace.TogetherChild{{Age: 9, Category: "club"}, {Age: 12, Category: "club"}}})
	require.Len(t, sets, 1)
	require.True(t, sets[0].SameOffer)
	require.Zero(t, sets[0].ApartKM)
	require.Equal(t, at("2027-01-09T10:00"), sets[0].StartsAt.UTC())

	// One place is not enough for two.
	_, err := s.admin.Exec(s.ctx, `UPDATE session_places p SET taken = capacity - 1 FROM session e WHERE e.id = p.session_id AND e.local_start LIKE '2027-01-09T%'`)
	require.NoError(t, err)
	require.Empty(t, together(marketplace.Together{When: saturday, Children: []marketplace.TogetherChild{{Age: 9, Category: "club"}, {Age: 12, Category: "club"}}}))

	// The club and the pool are at different sites.
	week := marketplace.Window{FromDate: date("2027-01-06"), ToDate: date("2027-01-09")}
	sets = together(marketplace.Together{When: week, Postcode: "ZZ1", WithinKM: 20, Children: []marketplace.TogetherChild{{Age: 9, Category: "club"}, {Age: 14, Text: "swim"}}})
	require.Len(t, sets, 1)
	require.False(t, sets[0].SameOffer)
	require.Equal(t, []string{"Saturday club", "Warm water hour"}, []string{sets[0].Offers[0].Title, sets[0].Offers[1].Title})
	require.InDelta(t, 4.9, sets[0].ApartKM, 0.5)
	require.Equal(t, at("2027-01-09T10:00"), sets[0].StartsAt.UTC(), "the last to begin")

	_, err = marketplace.FindTogether(s.ctx, s.d, marketplace.Together{Children: []marketplace.TogetherChild{{Age: 9}}})
	require.Equal(t, []string{"/children"}, fields(err))
}

func TestAMapShowsSettingsWithTheirOffers(t *testing.T) {
	t.Parallel()
	s := market(t)
	settings, err := marketplace.OnMap(s.ctx, s.d, marketplace.SearchQuery{Category: "swimming"})
	require.NoError(t, err)
	require.Len(t, settings, 1)
	point, _ := marketplace.Locate("ZZ2 1AA")
	require.Equal(t, "Lakeside", settings[0].Name)
	require.InDelta(t, point.Lat, settings[0].Lat, 1e-9)
	require.Equal(t, "Warm water hour", settings[0].Offers[0].Title)
	settings, err = marketplace.OnMap(s.ctx, s.d, marketplace.SearchQuery{When: marketplace.Window{Weekdays: []int{7}}})
	require.NoError(t, err)
	require.Empty(t, settings)
}

func TestListingsFollowTheirOffers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 1200)))))
	require.Zero(t, s.count("offer_stale"), "publishing leaves nothing to a sweep")
	exec := func(sql string, args ...any) {
		_, err := s.admin.Exec(s.ctx, sql, args...)
		require.NoError(t, err)
	}
	refresh := func() (n int) {
		n, err := marketplace.RefreshListings(s.ctx, s.d)
		require.NoError(t, err)
		return n
	}
	nextAt := func() (at time.Time) {
		require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT next_at FROM offer_listing WHERE offer_id = $1`, made.Offer.ID).Scan(&at))
		return at.UTC()
	}
	require.Zero(t, refresh())

	// A session that fills is not written down until a search saw it.
	exec(`UPDATE session_places p SET taken = capacity FROM session e WHERE e.id = p.session_id AND e.starts_at < '2027-01-12'`)
	require.Zero(t, s.count("offer_stale"))
	require.Equal(t, at("2027-01-09T10:00"), nextAt())
	counter := marketplace.NewSearchCounter()
	counter.Add(marketplace.SearchQuery{}, s.page(marketplace.SearchQuery{}))
	require.NoError(t, counter.Flush(s.ctx, s.d))
	require.Equal(t, 1, refresh())
	require.Equal(t, at("2027-01-16T10:00"), nextAt())

	// A place given back brings the offer forward.
	exec(`UPDATE session_places p SET taken = taken - 1 FROM session e WHERE e.id = p.session_id AND e.starts_at < '2027-01-12'`)
	require.Equal(t, 1, refresh())
	require.Equal(t, at("2027-01-09T10:00"), nextAt())

	s.clock.Set(at("2027-01-09T10:00")) // it begins
	require.Equal(t, 1, refresh())
	require.Equal(t, at("2027-01-16T10:00"), nextAt())
	exec(`UPDATE provider SET name = 'Hawthorn Breaks'`)
	refresh()
	require.Len(t, s.search(marketplace.SearchQuery{Text: "hawthorn"}), 1)
	exec(`UPDATE setting SET latitude = 50, longitude = -4`)
	refresh()
	require.Empty(t, s.search(marketplace.SearchQuery{Postcode: "ZZ1", WithinKM: 200}))
	exec(`DELETE FROM offer_listing`)
	n, err := marketplace.BuildListings(s.ctx, s.d)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = marketplace.Withdraw(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	require.Zero(t, s.count("offer_listing"), "withdrawn is not found")
	require.Zero(t, refresh())
}

func TestOnlyItsProviderWritesAListing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 1200)))))
	other := s.provider("Somebody else", 3)
	for _, who := range []shortbreaks.Actor{shortbreaks.Anonymous, other} {
		require.NoError(t, s.d.Do(s.ctx, db.For(who), func(tx *db.Tx) error {
			done, err := tx.PGX.Exec(s.ctx, `UPDATE offer_listing SET price_pence = 0`)
			require.NoError(t, err)
			require.Zero(t, done.RowsAffected())
			done, err = tx.PGX.Exec(s.ctx, `DELETE FROM offer_listing`)
			require.NoError(t, err)
			require.Zero(t, done.RowsAffected())
			return nil
		}))
	}
}
