package marketplace_test

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
)

// bulkMarket is a market of so many offers, every third session of which is full.
func bulkMarket(t *testing.T, offers int) (*stall, *demo.Market) {
	t.Helper()
	d := dbtest.New(t)
	s := &stall{ctx: t.Context(), t: t, d: d, admin: dbtest.Owner(t, d)}
	m, err := demo.BulkMarket(s.ctx, s.admin, d, demo.MarketSize{Providers: 200, Offers: offers, Sessions: 16 * offers, Seed: 7}, t.Logf)
	require.NoError(t, err)
	_, err = s.admin.Exec(s.ctx, `UPDATE session_places SET taken = capacity WHERE hashtext(session_id::text) % 3 = 0`)
	require.NoError(t, err)
	// Every other week runs on another day, so that an offer full in its first
	// week comes between those of the next days.
	_, err = s.admin.Exec(s.ctx, `UPDATE session SET starts_at = starts_at + interval '3 days', ends_at = ends_at + interval '3 days',
		local_start = to_char((starts_at + interval '3 days') AT TIME ZONE time_zone, 'YYYY-MM-DD"T"HH24:MI')
		WHERE starts_at > now() AND extract(week FROM starts_at)::int % 2 = 0`)
	require.NoError(t, err)
	_, err = marketplace.RefreshListings(s.ctx, d)
	require.NoError(t, err)
	return s, m
}

// sqlWithin is what a search in a window should find of sessions, asked of the
// sessions themselves.
const sqlWithin = `
SELECT DISTINCT ON (e.offer_id) e.offer_id, e.starts_at
FROM session e JOIN session_places c USING (provider_id) JOIN offer o ON o.provider_id = e.provider_id AND o.id = e.offer_id
WHERE c.session_id = e.id AND e.state = 'scheduled' AND o.state = 'published' AND e.starts_at > $1 AND can_book(e.starts_at, $1, o.notice_minutes, o.horizon_days)
    AND left(e.local_start, 10) BETWEEN $2 AND $3 AND substr(e.local_start, 12) >= $4 AND c.capacity - c.taken >= $5
    AND (e.ends_at AT TIME ZONE 'Europe/London')::time <= $6::time AND (e.ends_at AT TIME ZONE 'Europe/London')::date::text = left(e.local_start, 10)
    AND (cardinality($7::int[]) = 0 OR extract(isodow FROM left(e.local_start, 10)::date)::int = ANY ($7))
ORDER BY e.offer_id, e.starts_at`

// circle tells which offers are in a circle, and nil if none is asked for.
func circle(s *stall) func(postcode string, km int) map[uuid.UUID]bool {
	return func(postcode string, km int) map[uuid.UUID]bool {
		if postcode == "" {
			return nil
		}
		rows, err := s.admin.Query(s.ctx, `SELECT l.offer_id FROM offer_listing l, place p
			WHERE p.code = $1 AND earth_distance(l.place, ll_to_earth(p.latitude, p.longitude)) <= $2 * 1000`, postcode, km)
		require.NoError(s.t, err)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		require.NoError(s.t, err)
		within := make(map[uuid.UUID]bool, len(ids))
		for _, id := range ids {
			within[id] = true
		}
		return within
	}
}

// What a listing promises may only ever be too good: then looking up in its
// order misses nothing.
func TestAWindowMissesNoOfferAndPutsTheSoonestFirst(t *testing.T) {
	t.Parallel()
	s, m := bulkMarket(t, 1_000)     // all of them one stretch
	r := rand.New(rand.NewPCG(1, 9)) //nolint:gosec // a test's choice
	within := circle(s)
	for n := range 50 {
		from := m.Weekend().AddDate(0, 0, r.IntN(30)-10)
		w := marketplace.Window{
			FromDate: from, ToDate: from.AddDate(0, 0, r.IntN(20)), Earliest: []string{"00:00", "09:30", "15:00"}[r.IntN(3)],
			Latest: []string{"23:59", "17:00"}[r.IntN(2)], Weekdays: [][]int{{}, {6}, {1, 3, 7}}[r.IntN(3)], Places: 1 + r.IntN(3),
		}
		var got []marketplace.OfferSummary
		q := marketplace.SearchQuery{When: w, SoldBy: "session", Limit: []int{30, 100}[r.IntN(2)]}
		if n%2 == 0 { // through the squares of the largest town, among support by the hour
			q.Postcode, q.WithinKM, q.SoldBy = "ZQ1", 25, ""
			q.Limit = []int{5, 30}[r.IntN(2)]
		}
		var at time.Time
		for {
			page, err := marketplace.Search(s.ctx, s.d, q)
			require.NoError(t, err)
			items := slices.DeleteFunc(page.Items, func(o marketplace.OfferSummary) bool { return slices.Contains(o.SoldBy, "visit") })
			got, at = append(got, items...), page.At
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
		rows, err := s.admin.Query(s.ctx, sqlWithin, at, w.FromDate.Format(time.DateOnly), w.ToDate.Format(time.DateOnly), w.Earliest, w.Places, w.Latest, w.Weekdays)
		require.NoError(t, err)
		want := map[uuid.UUID]time.Time{}
		var id uuid.UUID
		var start time.Time
		near := within(q.Postcode, q.WithinKM)
		_, err = pgx.ForEachRow(rows, []any{&id, &start}, func() error {
			if near == nil || near[id] {
				want[id] = start.UTC()
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, len(want), len(got), "%+v", w)
		for i, o := range got {
			require.Equal(t, want[o.ID], o.NextStart.UTC(), "%+v", w)
			require.False(t, i > 0 && o.NextStart.Before(*got[i-1].NextStart), "%+v: number %d is sooner than the one before it", w, i)
		}
	}
}

func TestACategoryAndThoseBelowItAreOneOrder(t *testing.T) {
	t.Parallel()
	s, _ := bulkMarket(t, 1_000) // all of them one stretch
	q := marketplace.SearchQuery{Category: "leisure", Limit: 7, Age: new(int)}
	*q.Age = 9
	var got []marketplace.OfferSummary
	for {
		page, err := marketplace.Search(s.ctx, s.d, q)
		require.NoError(t, err)
		got = append(got, page.Items...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			break
		}
	}
	var want int
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT count(*) FROM offer_listing WHERE category = ANY ($1) AND 9 BETWEEN age_from AND age_to`,
		marketplace.Descendants("leisure")).Scan(&want))
	require.Greater(t, want, 100)
	seen := map[uuid.UUID]bool{}
	for i, o := range got {
		require.Contains(t, marketplace.Descendants("leisure"), o.Category)
		require.False(t, seen[o.ID], "met twice")
		seen[o.ID] = true
		if i > 0 && o.NextStart != nil {
			require.False(t, got[i-1].NextStart == nil || o.NextStart.Before(*got[i-1].NextStart), "number %d is sooner than the one before it", i)
		}
	}
	require.Len(t, got, want)
}

func TestStoppingEarlyChangesNoComparison(t *testing.T) {
	t.Parallel()
	s, m := bulkMarket(t, 2_500)
	rows, err := s.admin.Query(s.ctx, `SELECT offer_id FROM offer_listing WHERE days & 32 <> 0 OR hashtext(offer_id::text) % 5 = 0 ORDER BY hashtext(offer_id::text) LIMIT 1000`)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(t, err)
	_, err = s.admin.Exec(s.ctx, `UPDATE offer_listing SET words = words || to_tsvector('english', 'zebra') WHERE offer_id = ANY ($1)`, ids)
	require.NoError(t, err)
	age, most := 9, 0
	for name, p := range map[string]marketplace.Pattern{
		"Saturdays":    {Weekdays: []int{6}, Minutes: 30, EndsOn: m.Weekend().AddDate(0, 0, 21)},
		"a week":       {Weekdays: []int{1, 2, 3, 4, 5, 6, 7}, Minutes: 45, EndsOn: m.Weekend().AddDate(0, 0, 6)},
		"a month":      {Weekdays: []int{6, 7}, Minutes: 60, EndsOn: m.Weekend().AddDate(0, 0, 27)},
		"at nine":      {Weekdays: []int{1, 2, 3, 4, 5, 6, 7}, Minutes: 30, EndsOn: m.Weekend().AddDate(0, 0, 13), Age: &age},
		"in afternoon": {Weekdays: []int{1, 2, 3, 4, 5, 6, 7}, Minutes: 30, EndsOn: m.Weekend().AddDate(0, 0, 6), From: "15:00"},
	} {
		p.StartsOn = m.Weekend()
		var all []marketplace.Compared // of so few at a time that each is priced and answered
		for some := range slices.Chunk(ids, 50) {
			p.OfferIDs = some
			part, err := marketplace.Compare(s.ctx, s.d, p)
			require.NoError(t, err)
			all = append(all, slices.DeleteFunc(part, func(c marketplace.Compared) bool { return c.CannotServe != "" })...)
		}
		slices.SortFunc(all, func(a, b marketplace.Compared) int {
			if a.Full != b.Full {
				return map[bool]int{true: -1, false: 1}[a.Full]
			}
			return cmp.Or(a.FirstStart.Compare(b.FirstStart), bytes.Compare(a.Offer.ID[:], b.Offer.ID[:]))
		})
		p.OfferIDs, p.Text = nil, "zebra"
		got, err := marketplace.Compare(s.ctx, s.d, p)
		require.NoError(t, err)
		require.Len(t, got, min(100, len(all)), name)
		most = max(most, len(all))
		for i := range got {
			require.Equal(t, all[i].Offer.ID, got[i].Offer.ID, "number %d of %s", i, name)
			require.Equal(t, all[i].TotalPence, got[i].TotalPence)
		}
	}
	require.Greater(t, most, 250, "else little is left out")
}

func TestOffersAreFoundByNeedsPlaceLanguageAndKindOfProvider(t *testing.T) {
	t.Parallel()
	s := market(t)
	draft := single()
	draft.Title, draft.Content = "Sensory club", said()
	s.publish(s.owner, draft)
	for name, c := range map[string]struct {
		q    marketplace.SearchQuery
		want []string
	}{
		"one need":             {marketplace.SearchQuery{Needs: []string{"autism"}}, []string{"Sensory club"}},
		"all of several":       {marketplace.SearchQuery{Needs: []string{"wheelchair_user", "autism"}, AccessFeatures: []string{"hoist"}}, []string{"Sensory club"}},
		"one of several lacks": {marketplace.SearchQuery{Needs: []string{"autism", "epilepsy"}}, nil},
		"a language":           {marketplace.SearchQuery{Languages: []string{"makaton"}}, []string{"Sensory club"}},
		"a need as a feature":  {marketplace.SearchQuery{AccessFeatures: []string{"lift"}}, nil},
		"no such provider":     {marketplace.SearchQuery{ProviderKind: "council_in_house", Needs: []string{"autism"}}, nil},
		"a kind of provider":   {marketplace.SearchQuery{ProviderKind: "company", Languages: []string{"makaton"}}, []string{"Sensory club"}},
	} {
		require.Equal(t, c.want, s.search(c.q), name)
	}
	page := s.page(marketplace.SearchQuery{Needs: []string{"epilepsy"}, Category: "club"})
	require.Equal(t, marketplace.ByNeeds, page.Missing())

	counts, err := marketplace.Facets(s.ctx, s.d, marketplace.SearchQuery{Needs: []string{"autism"}})
	require.NoError(t, err)
	require.Contains(t, counts.Facets, marketplace.Facet{Name: "access_feature", Value: "hoist", Count: 1})
	require.Contains(t, counts.Facets, marketplace.Facet{Name: "provider_kind", Value: "company", Count: 1})

	sets, err := marketplace.FindTogether(s.ctx, s.d, marketplace.Together{
		Children: []marketplace.TogetherChild{{Age: 9, Needs: []string{"autism"}}, {Age: 9}}, When: marketplace.Window{Weekdays: []int{6}},
	})
	require.NoError(t, err)
	require.NotEmpty(t, sets)
	for _, set := range sets {
		require.Equal(t, "Sensory club", set.Offers[0].Title, "the first child's needs are met in each set")
	}
}

func TestSessionsBeyondWhatAListingHoldsAreFound(t *testing.T) {
	t.Parallel()
	s := setup(t)
	daily := single()
	daily.Sessions.Weekdays, daily.Sessions.LastDate = []int{1, 2, 3, 4, 5, 6, 7}, daily.Sessions.FirstDate.AddDate(0, 0, 90)
	s.publish(s.owner, daily)
	for _, days := range []int{1, 63, 64, 65, 89} {
		on := daily.Sessions.FirstDate.AddDate(0, 0, days)
		page := s.page(marketplace.SearchQuery{When: marketplace.Window{FromDate: on, ToDate: on}})
		require.Len(t, page.Items, 1, "day %d", days)
		require.Equal(t, on, shortbreaks.Date(*page.Items[0].NextStart))
	}
	on := daily.Sessions.FirstDate.AddDate(0, 0, 91)
	require.Empty(t, s.page(marketplace.SearchQuery{When: marketplace.Window{FromDate: on, ToDate: on}}).Items)
}

func TestAPromiseIsBetterOnlyIfItCouldComeBefore(t *testing.T) {
	t.Parallel()
	low, high := uuid.UUID{1}, uuid.UUID{2}
	nine, ten := at("2027-01-09T09:00"), at("2027-01-09T10:00")
	known := func(full bool, first time.Time, id uuid.UUID) marketplace.Compared {
		return marketplace.Compared{Offer: marketplace.OfferSummary{ID: id}, Full: full, FirstStart: first}
	}
	for name, c := range map[string]struct {
		full  bool
		first time.Time
		offer uuid.UUID
		than  marketplace.Compared
		want  bool
	}{
		"all dates, though later":          {true, ten, high, known(false, nine, low), true},
		"not all dates, though sooner":     {false, nine, low, known(true, ten, high), false},
		"sooner":                           {true, nine, high, known(true, ten, low), true},
		"later":                            {false, ten, low, known(false, nine, high), false},
		"at the same time, lower by id":    {true, nine, low, known(true, nine, high), true},
		"at the same time, higher by id":   {true, nine, high, known(true, nine, low), false},
		"what cannot be booked comes last": {false, ten, high, marketplace.Compared{CannotServe: "It has run out."}, true},
		"the same":                         {true, nine, low, known(true, nine, low), false},
	} {
		require.Equal(t, c.want, marketplace.Better(c.full, c.first, c.offer, c.than), name)
	}
}
