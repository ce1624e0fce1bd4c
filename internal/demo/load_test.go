package demo_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestTheDemoHasEveryFormOfPriceAndCleanBooks(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, demo.Load(t.Context(), d, demo.Seed))
	require.NoError(t, demo.Load(t.Context(), d, demo.Seed), "a second start leaves it as it is")

	page, err := marketplace.Search(t.Context(), d, marketplace.SearchQuery{Limit: 100})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(page.Items), 24)
	units, providers := map[string]bool{}, map[uuid.UUID]bool{}
	var free, capped, reduced int
	for _, o := range page.Items {
		units[o.PriceUnit], providers[o.ProviderID] = true, true
		if o.PricePence == 0 {
			free++
		}
		detail, err := marketplace.Get(t.Context(), d, shortbreaks.Anonymous, o.ID)
		require.NoError(t, err)
		for _, option := range detail.Tariff.Options {
			if option.WhoMayUse == "reduced_rate" {
				reduced++
			}
			if option.Charges[0].CapPence != nil {
				capped++
			}
		}
	}
	for _, unit := range []string{"hour", "session", "day", "week", "quarter", "term", "half_day", "item"} {
		require.True(t, units[unit], "an offer by the %s", unit)
	}
	require.Len(t, providers, 12)
	require.Positive(t, free)
	require.Positive(t, capped)
	require.Positive(t, reduced)

	findings, err := payments.Audit(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, findings)
}

func TestEveryProviderOfTheDemoHasAKindAndOneIsWarned(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	require.NoError(t, demo.Load(t.Context(), d, demo.Seed))
	list, more, err := marketplace.ListProviders(t.Context(), d, marketplace.ProviderQuery{Limit: 50})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, list, 12)
	kinds := map[string]int{}
	for _, p := range list {
		kinds[p.Provider.Kind]++
		require.NotEmpty(t, p.Provider.Description, p.Provider.Name)
		require.Equal(t, p.Provider.Kind == "consortium", len(p.Members) > 0)
		require.True(t, len(p.Identifiers) > 0 || p.Provider.Kind == "sole_trader", p.Provider.Name)
	}
	require.Len(t, kinds, len(marketplace.ProviderKinds))

	for _, written := range []int{1, 0} {
		n, err := marketplace.WarnOfExpiry(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, written, n)
	}
	i := slices.IndexFunc(list, func(p marketplace.ProviderDetail) bool { return p.Provider.Name == "Well Water" })
	id := list[i].Provider.ID
	who := shortbreaks.Actor{Role: shortbreaks.Coordinator, Providers: []uuid.UUID{id}}
	notices, _, err := marketplace.ListNotices(t.Context(), d, who, id, uuid.Nil, 10)
	require.NoError(t, err)
	require.Len(t, notices, 1)
	require.Contains(t, notices[0].Words, "Your public liability insurance ends in 25 days")
}

func TestAnInterruptedDemoSaysSo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	_, err := demo.Builder{D: d}.NewCouncil(t.Context(), "Ashmere Council", "ashmere", "Ashmere")
	require.NoError(t, err)
	require.ErrorIs(t, demo.Load(t.Context(), d, demo.Seed), demo.ErrCutShort)
}
