package marketplace_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

// The fifteen words of the first contract are in plan lines, offers and counts.
var firstCategories = []string{
	"club", "holiday_scheme", "support_worker", "overnight", "swimming", "hydrotherapy", "music_therapy",
	"arts", "play", "sport", "trip", "family_activity", "transport", "equipment", "other",
}

func TestEveryCategoryHasItsPlaceAndItsWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"": true}
	for _, c := range marketplace.CategoryTree {
		require.False(t, seen[c.Value], "%s is there once", c.Value)
		require.True(t, seen[c.Parent], "%s comes after what it is below", c.Value)
		seen[c.Value] = true
		require.NotEmpty(t, c.Name, c.Value)
		require.NotEmpty(t, c.Said, c.Value)
		require.NotEmpty(t, c.About, c.Value)
		if c.Group {
			require.Greater(t, len(marketplace.Descendants(c.Value)), 1, "%s gathers others", c.Value)
		}
	}
	for _, first := range firstCategories {
		require.Contains(t, marketplace.OfferCategories, first, "an offer under it stays valid")
	}
}

func TestL08_EveryKindOfShortBreakTheLawNamesIsACategory(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"care_at_home", "care_elsewhere", "overnight", "leisure", "out_of_school"} {
		require.True(t, slices.ContainsFunc(marketplace.CategoryTree, func(c marketplace.Category) bool {
			return c.Value == kind && c.Parent == ""
		}), kind)
	}
}

func TestAnUpperCategoryMeansAllBelowIt(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, []string{"leisure", "club", "swimming", "arts", "play", "sport", "trip", "family_activity"}, marketplace.Descendants("leisure"))
	require.ElementsMatch(t, []string{"overnight", "overnight_residential", "overnight_family"}, marketplace.Descendants("overnight"))
	require.Equal(t, []string{"swimming"}, marketplace.Descendants("swimming"))
	require.Empty(t, marketplace.Descendants("golf"))
	require.Empty(t, marketplace.Descendants(""), "nothing is not everything")

	require.True(t, marketplace.Covers([]string{"equipment", "leisure"}, "swimming"))
	require.True(t, marketplace.Covers([]string{"swimming"}, "swimming"))
	require.False(t, marketplace.Covers([]string{"swimming"}, "leisure"))
	require.False(t, marketplace.Covers([]string{"therapy"}, "swimming"))
	require.False(t, marketplace.Covers(nil, "swimming"))
}

func TestAnOfferNamesANearCategory(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(hourly())
	draft.Category = "leisure"
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.Contains(t, fields(err), "/category")
}
