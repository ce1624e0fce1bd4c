package shortbreaks_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
)

func TestT20_AHundredPoundsInThreeSumsExactly(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int64{3334, 3333, 3333}, shortbreaks.Split(10000, []int64{1, 1, 1}))
	require.Equal(t, []int64{600, 400}, shortbreaks.Split(1000, []int64{60, 40}))
	require.Equal(t, []int64{0, 1}, shortbreaks.Split(1, []int64{40, 60}))
	require.Equal(t, []int64{7, 0}, shortbreaks.Split(7, []int64{0, 0}))
	require.Equal(t, []int64{-51, -50}, shortbreaks.Split(-101, []int64{1, 1}))
}

func TestSplitAlwaysSumsAndNeverStraysAPenny(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, 1_000_000_000).Draw(t, "total")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 10_000), 1, 60).Draw(t, "weights")
		var sum, all int64
		for _, w := range weights {
			all += w
		}
		for i, p := range shortbreaks.Split(total, weights) {
			sum += p
			if all > 0 {
				down := total * weights[i] / all
				require.GreaterOrEqual(t, p, down)
				require.LessOrEqual(t, p, down+1)
			}
		}
		require.Equal(t, total, sum)
	})
}

func TestMulDivRoundsHalfUpOnce(t *testing.T) {
	t.Parallel()
	require.Equal(t, shortbreaks.Pence(4375), shortbreaks.MulDiv(2500, 105, 60))
	require.Equal(t, shortbreaks.Pence(1), shortbreaks.MulDiv(1, 1, 2))
	require.Equal(t, shortbreaks.Pence(-1), shortbreaks.MulDiv(-1, 1, 2))
	require.Equal(t, shortbreaks.Pence(0), shortbreaks.MulDiv(1, 49, 100))
}

func TestPenceAreWrittenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	require.Equal(t, "£12.50", shortbreaks.Pence(1250).String())
	require.Equal(t, "-£0.05", shortbreaks.Pence(-5).String())
}
