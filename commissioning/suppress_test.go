package commissioning

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCountsOfFewerThanFiveChildrenAreHiddenAndOthersRounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bookings, children int64
		shown              []int64 // nil: hidden
	}{
		{0, 0, []int64{0, 0}}, {1, 1, nil}, {40, 4, nil}, {5, 5, []int64{5, 5}}, {7, 6, []int64{5, 5}}, {8, 8, []int64{10, 10}}, {52, 13, []int64{50, 15}},
	} {
		bookings, children := c.bookings, c.children
		cell := Cell{Bookings: &bookings, Children: &children}
		suppress(&cell)
		require.Equal(t, c.shown == nil, cell.Suppressed)
		if c.shown == nil {
			require.Nil(t, cell.Bookings)
			require.Nil(t, cell.Children)
			continue
		}
		require.Equal(t, c.shown, []int64{*cell.Bookings, *cell.Children})
	}
}
