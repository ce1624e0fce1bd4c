package demo_test

import (
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

func TestAnInterruptedDemoSaysSo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	_, err := demo.Builder{D: d}.NewCouncil(t.Context(), "Ashmere Council", "ashmere", "Ashmere")
	require.NoError(t, err)
	require.ErrorIs(t, demo.Load(t.Context(), d, demo.Seed), demo.ErrCutShort)
}
