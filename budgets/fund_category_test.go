package budgets

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A line that names an upper category pays for all below it, and one that
// names the nearer category goes first.
func TestALineOfAnUpperCategoryPaysForAllBelowIt(t *testing.T) {
	t.Parallel()
	on := time.Date(2027, 1, 9, 0, 0, 0, 0, time.UTC)
	leisure := PlanLine{State: Approved, Categories: []string{"leisure"}, StartsOn: on, EndsOn: on}
	two := PlanLine{State: Approved, Categories: []string{"swimming", "club"}, StartsOn: on, EndsOn: on}
	require.Equal(t, pays, leisure.fit("swimming", "place", on))
	require.Equal(t, otherCategory, leisure.fit("hydrotherapy", "place", on))
	require.Equal(t, pays, two.fit("club", "place", on))
	require.Equal(t, otherCategory, two.fit("leisure", "place", on))
	require.Positive(t, moreSpecific(leisure, two), "leisure names seven kinds, the other line two")
}
