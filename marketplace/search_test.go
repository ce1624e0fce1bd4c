package marketplace_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// market has one offer of each kind, named after what finds it.
func market(t testing.TB) *stall {
	s := setup(t)
	s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 1200))))) // ZZ1, from 9 January

	swim := bundled(club(tariffOf(option("Quarter", charge("place", "quarter", 15600)))), "quarter")
	swim.Title, swim.Summary, swim.Category, swim.AccessRoute = "Warm water hour", "Swimming with two teachers.", "swimming", "targeted"
	swim.Setting = &marketplace.SettingDraft{Name: "Lakeside", Postcode: "ZZ2 1AA"}
	swim.AgeFrom, swim.AgeTo = 12, 18
	swim.Sessions.FirstDate, swim.Sessions.Weekdays = date("2027-01-06"), []int{3}
	s.publish(s.owner, swim)

	free := club(tariffOf(option("Free", charge("place", "session", 0))))
	free.Title, free.Summary, free.Setting = "Youth 100% club", "Drop in.", &marketplace.SettingDraft{Name: "Old Mill", Postcode: "ZX2 1AA"}
	free.Sessions.FirstDate, free.Sessions.Weekdays = date("2027-01-15"), []int{5}
	s.publish(s.provider("Brackenvale Youth Trust", 9), free)

	s.publish(s.owner, support(hourly())) // ZX1; opens on Tuesday 5 January at 8:00
	return s
}

func (s *stall) search(q marketplace.SearchQuery) (titles []string) {
	s.t.Helper()
	page, err := marketplace.Search(s.ctx, s.d, q)
	require.NoError(s.t, err)
	for _, o := range page.Items {
		titles = append(titles, o.Title)
	}
	return titles
}

func TestSearchFindsByEachFilterSoonestFirst(t *testing.T) {
	t.Parallel()
	s := market(t)
	worker, water, saturday, youth := "One-to-one support worker", "Warm water hour", "Saturday club", "Youth 100% club"
	age := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		q    marketplace.SearchQuery
		want []string
	}{
		"everything":               {marketplace.SearchQuery{}, []string{worker, water, saturday, youth}},
		"a word, by its stem":      {marketplace.SearchQuery{Text: "swim"}, []string{water}},
		"a word of the summary":    {marketplace.SearchQuery{Text: "gardens"}, []string{saturday}},
		"two words":                {marketplace.SearchQuery{Text: "saturday music"}, []string{saturday}},
		"the start of the title":   {marketplace.SearchQuery{Text: "satur"}, []string{saturday}},
		"the start of a word":      {marketplace.SearchQuery{Text: "wat"}, []string{water}},
		"the provider's name":      {marketplace.SearchQuery{Text: "youth trust"}, []string{youth}},
		"signs are not a pattern":  {marketplace.SearchQuery{Text: "100%"}, []string{youth}},
		"a sign alone":             {marketplace.SearchQuery{Text: "%"}, nil},
		"quotes do no harm":        {marketplace.SearchQuery{Text: `'"; TRUNCATE`}, nil},
		"category":                 {marketplace.SearchQuery{Category: "swimming"}, []string{water}},
		"age, at the lower edge":   {marketplace.SearchQuery{Age: age(5)}, []string{worker, saturday, youth}},
		"age, below it":            {marketplace.SearchQuery{Age: age(4)}, nil},
		"age, at the upper edge":   {marketplace.SearchQuery{Age: age(18)}, []string{worker, water}},
		"price unit":               {marketplace.SearchQuery{PriceUnit: "hour"}, []string{worker}},
		"free":                     {marketplace.SearchQuery{MaxPricePence: pence(0)}, []string{youth}},
		"price, at the edge":       {marketplace.SearchQuery{MaxPricePence: pence(1200)}, []string{saturday, youth}},
		"price, a penny below":     {marketplace.SearchQuery{MaxPricePence: pence(1199)}, []string{youth}},
		"least price":              {marketplace.SearchQuery{MinPricePence: pence(2500)}, []string{worker, water}},
		"access route":             {marketplace.SearchQuery{AccessRoute: "targeted"}, []string{worker, water}},
		"near a postcode":          {marketplace.SearchQuery{Postcode: "zz11aa", WithinKM: 3}, []string{saturday}},
		"further off":              {marketplace.SearchQuery{Postcode: "ZZ1", WithinKM: 10}, []string{water, saturday}},
		"however far":              {marketplace.SearchQuery{Postcode: "ZZ1"}, []string{worker, water, saturday, youth}},
		"filters narrow together":  {marketplace.SearchQuery{Text: "club", Postcode: "ZX2", WithinKM: 5}, []string{youth}},
		"nothing is an answer too": {marketplace.SearchQuery{Category: "hydrotherapy"}, nil},
	} {
		require.Equal(t, c.want, s.search(c.q), name)
	}
}

func TestAListedOfferSaysWhatFamiliesAskFirst(t *testing.T) {
	t.Parallel()
	s := market(t)
	page, err := marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{Postcode: "zz1 1aa", Category: "club"})
	require.NoError(t, err)
	require.Equal(t, "Ashmere", page.Area)
	require.Equal(t, start, page.At)
	o := page.Items[0]
	require.Equal(t, "Willow Breaks", o.ProviderName)
	require.Equal(t, "£12.00 a session", o.PriceText)
	require.Equal(t, pence(400), o.ComparableRatePence)
	require.Equal(t, at("2027-01-09T10:00"), o.NextStart.UTC())
	require.Equal(t, 12, *o.PlacesLeft)
	require.Zero(t, *o.DistanceKM)
	require.InDelta(t, 57, *page.Items[1].DistanceKM, 5, "ZX2 is some 57 km away")

	// A full session is not the next one.
	_, err = s.admin.Exec(s.ctx, `UPDATE session_places p SET taken = capacity FROM session e
		WHERE e.id = p.session_id AND e.local_start = '2027-01-09T10:00'`)
	require.NoError(t, err)
	page, err = marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{Text: "Saturday"})
	require.NoError(t, err)
	require.Equal(t, at("2027-01-16T10:00"), page.Items[0].NextStart.UTC())
	require.Nil(t, page.Items[0].DistanceKM)

	page, err = marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{PriceUnit: "hour"})
	require.NoError(t, err)
	require.Equal(t, at("2027-01-04T09:30"), page.Items[0].NextStart.UTC(), "the next half hour at which somebody is free")
	require.Nil(t, page.Items[0].PlacesLeft)
	require.Equal(t, pence(2500), page.Items[0].ComparableRatePence)

	s.clock.Set(at("2027-06-01T09:00")) // all terms are over
	require.Equal(t, "One-to-one support worker", s.search(marketplace.SearchQuery{})[0], "what has no dates left comes last")
}

func TestReadingOnNeitherRepeatsNorMissesAnOffer(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var want []string
	for i := range 23 {
		draft := club(tariffOf(option("Each", charge("place", "session", 800))))
		draft.Title = fmt.Sprintf("Club %02d", i)
		draft.Sessions.FirstDate = date("2027-01-09").AddDate(0, 0, 7*(i%3)) // many start at the same moment
		s.publish(s.owner, draft)
		want = append(want, draft.Title)
	}
	var got []string
	var last time.Time
	q := marketplace.SearchQuery{Limit: 5}
	for pages := 1; ; pages++ {
		require.LessOrEqual(t, pages, 5, "reading on comes to an end")
		page, err := marketplace.Search(s.ctx, s.d, q)
		require.NoError(t, err)
		require.Regexp(t, `^[A-Za-z0-9_-]*$`, page.NextCursor)
		for _, o := range page.Items {
			got = append(got, o.Title)
			require.False(t, o.NextStart.Before(last), "soonest first, over all pages")
			last = *o.NextStart
		}
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			require.Equal(t, 5, pages)
			break
		}
		s.clock.Advance(3 * 24 * time.Hour) // reading slowly; sessions begin meanwhile
	}
	slices.Sort(got)
	require.Equal(t, want, got)
}

func TestASearchThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for at, q := range map[string]marketplace.SearchQuery{
		"query/within_km":         {WithinKM: 5},
		"query/category":          {Category: "golf"},
		"query/access_route":      {AccessRoute: "open"},
		"query/price_unit":        {PriceUnit: "minute"},
		"query/limit":             {Limit: 101},
		"query/needs/0":           {Needs: []string{"height"}},
		"query/languages/1":       {Languages: []string{"makaton", "klingon"}},
		"query/provider_kind":     {ProviderKind: "bank"},
		"query/access_features/0": {AccessFeatures: []string{"pool"}},
		"query/cursor":            {Cursor: "bm90LWEtY3Vyc29y"},
	} {
		_, err := marketplace.Search(s.ctx, s.d, q)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
		require.Equal(t, []string{at}, fields(err))
	}
	_, err := marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{Postcode: "QQ1 1QQ"})
	require.ErrorIs(t, err, marketplace.ErrPostcodeUnknown)
	require.Equal(t, []string{"query/postcode"}, fields(err))
}

func TestSearchesAreCountedByWeekAreaCategoryAndOutcome(t *testing.T) {
	t.Parallel()
	s := market(t)
	counter := marketplace.NewSearchCounter()
	look := func(q marketplace.SearchQuery) *marketplace.SearchPage {
		page, err := marketplace.Search(s.ctx, s.d, q)
		require.NoError(t, err)
		counter.Add(q, page)
		return page
	}
	look(marketplace.SearchQuery{Postcode: "ZZ1", Category: "club"})
	look(marketplace.SearchQuery{Postcode: "ZZ2 1AA", Category: "club"})
	look(marketplace.SearchQuery{Postcode: "ZX1", Category: "hydrotherapy"})
	first := look(marketplace.SearchQuery{Limit: 1})
	look(marketplace.SearchQuery{Limit: 1, Cursor: first.NextCursor}) // reading on is not another search
	require.Zero(t, s.count("search_count"), "a search writes nothing")

	rows := func() (got []string) {
		r, err := s.admin.Query(s.ctx, `SELECT concat_ws(' ', week, area, category, outcome, n) FROM search_count ORDER BY area, category`)
		require.NoError(t, err)
		for r.Next() {
			var line string
			require.NoError(t, r.Scan(&line))
			got = append(got, line)
		}
		return got
	}
	require.NoError(t, counter.Flush(s.ctx, s.d))
	require.NoError(t, counter.Flush(s.ctx, s.d), "nothing to write is no trouble")
	want := []string{"2027-W01   found 1", "2027-W01 Ashmere club found 2", "2027-W01 Brackenvale hydrotherapy nothing 1"}
	require.Equal(t, want, rows())

	// What could not be written waits for the next time.
	look(marketplace.SearchQuery{Postcode: "ZZ1", Category: "club"})
	_, err := s.admin.Exec(s.ctx, `ALTER TABLE search_count RENAME TO away`)
	require.NoError(t, err)
	require.Error(t, counter.Flush(s.ctx, s.d))
	look(marketplace.SearchQuery{Postcode: "ZZ1", Category: "club"})
	_, err = s.admin.Exec(s.ctx, `ALTER TABLE away RENAME TO search_count`)
	require.NoError(t, err)
	require.NoError(t, counter.Flush(s.ctx, s.d))
	want[1] = "2027-W01 Ashmere club found 4"
	require.Equal(t, want, rows())
}

func TestTheSearchCounterIsBounded(t *testing.T) {
	t.Parallel()
	s := setup(t)
	counter := marketplace.NewSearchCounter()
	for i := range 2_100 {
		counter.Add(marketplace.SearchQuery{Category: fmt.Sprint("category", i)}, &marketplace.SearchPage{At: start, Area: "Ashmere"})
	}
	require.NoError(t, counter.Flush(s.ctx, s.d))
	require.LessOrEqual(t, s.count("search_count"), 2_001)
	var n int
	require.NoError(t, s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		return tx.PGX.QueryRow(s.ctx, `SELECT sum(n) FROM search_count`).Scan(&n)
	}))
	require.Equal(t, 2_100, n, "none is lost")
}
