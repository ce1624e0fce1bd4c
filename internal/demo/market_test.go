package demo_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
)

// seqScans is how often each large table was read from end to end, and how
// many rows that read.
func seqScans(t *testing.T, owner interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
},
) map[string]int64 {
	t.Helper()
	rows, err := owner.Query(t.Context(), `SELECT relname, seq_scan FROM pg_stat_user_tables
		WHERE relname IN ('offer', 'offer_listing', 'offer_version', 'session', 'session_places')`)
	require.NoError(t, err)
	scans := map[string]int64{}
	var name string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		scans[name] = n
		return nil
	})
	require.NoError(t, err)
	require.Len(t, scans, 5)
	return scans
}

// In a market large enough to have statistics, no question reads a whole table
// of offers or sessions, as PostgreSQL itself counts it.
func TestNoSearchReadsAllOffersOrSessions(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	owner := dbtest.Owner(t, d)
	market, err := demo.BulkMarket(t.Context(), owner, d, demo.MarketSize{Providers: 4_000, Offers: 20_000, Sessions: 120_000, Seed: 3}, t.Logf)
	require.NoError(t, err)
	serve, _ := dbtest.URLs(t, d)

	// counted runs f on connections of its own and waits until they have ended:
	// then what they did is in PostgreSQL's counts.
	counted := func(f func(d *db.DB)) (grown map[string]int64) {
		before := seqScans(t, owner)
		own, err := db.Open(t.Context(), db.Config{URL: serve + "&application_name=counted", AllowUnsafe: true})
		require.NoError(t, err)
		f(own)
		own.Close()
		require.Eventually(t, func() bool {
			var n int
			err := owner.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'`).Scan(&n)
			return err == nil && n == 0
		}, dbtest.Patience, 10*time.Millisecond)
		grown = map[string]int64{}
		for name, n := range seqScans(t, owner) {
			if n > before[name] {
				grown[name] = n - before[name]
			}
		}
		return grown
	}
	control := counted(func(d *db.DB) {
		require.NoError(t, d.Read(t.Context(), db.Scope{}, func(tx *db.Tx) error {
			_, err := tx.PGX.Exec(t.Context(), `SELECT max(ends_at) FROM session_places JOIN session USING (provider_id) WHERE capacity = 100`)
			return err
		}))
	})
	require.Contains(t, control, "session_places", "a scan would be seen")

	for name, q := range marketQueries(market) {
		grown := counted(func(d *db.DB) {
			for range 7 { // plans that are kept are made by the sixth time
				page, err := marketplace.Search(t.Context(), d, q)
				require.NoError(t, err)
				if page.NextCursor != "" {
					next := q
					next.Cursor = page.NextCursor
					_, err = marketplace.Search(t.Context(), d, next)
					require.NoError(t, err)
				}
			}
			_, err := marketplace.Facets(t.Context(), d, q)
			require.NoError(t, err)
			_, err = marketplace.OnMap(t.Context(), d, q)
			require.NoError(t, err)
		})
		require.Empty(t, grown, name)
	}
	age := 9
	grown := counted(func(d *db.DB) {
		for range 7 {
			compared, err := marketplace.Compare(t.Context(), d, marketplace.Pattern{
				Weekdays: []int{6}, Minutes: 60, StartsOn: market.Weekend(), EndsOn: market.Weekend().AddDate(0, 0, 28), Age: &age,
			})
			require.NoError(t, err)
			require.NotEmpty(t, compared)
			_, err = marketplace.Get(t.Context(), d, shortbreaks.Anonymous, compared[0].Offer.ID)
			require.NoError(t, err)
			_, err = marketplace.FindTogether(t.Context(), d, marketplace.Together{Children: []marketplace.TogetherChild{{Age: 5}, {Age: 11}}})
			require.NoError(t, err)
		}
	})
	require.Empty(t, grown, "comparing")
	require.Empty(t, counted(func(d *db.DB) {
		_, err := marketplace.RefreshListings(t.Context(), d)
		require.NoError(t, err)
	}), "listing anew")
}

func marketQueries(m *demo.Market) map[string]marketplace.SearchQuery {
	age, dear := 9, shortbreaks.Pence(500)
	near := marketplace.SearchQuery{Postcode: m.Outcodes[0], WithinKM: 10, Age: &age}
	when := near
	when.When = marketplace.Window{FromDate: m.Weekend(), ToDate: m.Weekend().AddDate(0, 0, 1), Earliest: "09:00"}
	return map[string]marketplace.SearchQuery{
		"everything": {}, "near": near, "when": when,
		"a word": {Text: "pottery"}, "a word misspelt": {Text: "potery saturday"}, "a category": {Category: "swimming", Age: &age},
		"nothing": {Text: "pottery", Category: "equipment", Postcode: m.Outcodes[1], WithinKM: 1, MaxPricePence: &dear},
		"nearest": {Postcode: m.Outcodes[2], Sort: marketplace.ByNearest}, "cheapest": {Category: "club", Sort: marketplace.ByCost},
		"far": {Postcode: m.Outcodes[3], WithinKM: 150, FreeOnly: true}, "when, anywhere": {When: when.When},
	}
}

func TestTheDemoCanBeMadeLarger(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	owner := dbtest.Owner(t, d)
	require.NoError(t, demo.Load(t.Context(), d, demo.Seed))
	offers := func() (n int) {
		require.NoError(t, owner.QueryRow(t.Context(), `SELECT count(*) FROM offer_listing`).Scan(&n))
		return n
	}
	once := offers()
	for range 2 { // again is as large as before
		require.NoError(t, demo.Scale(t.Context(), d, 3, nil))
		require.Equal(t, 3*once, offers())
	}
	require.Error(t, demo.Scale(t.Context(), d, 0, nil))
}
