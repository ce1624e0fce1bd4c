package marketplace

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
)

// Days and hours alone may say "sooner" than the starts do, and never "later":
// else a search would stop before it has met what is soonest.
func TestDaysAndHoursNeverPromiseLessThanTheStarts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(3, 5)) //nolint:gosec // a test's choice
	told := 0
	for range 2_000 {
		c := candidate{}
		for range 1 + r.IntN(6) {
			at := shortbreaks.At(shortbreaks.Date(now).AddDate(0, 0, r.IntN(30)), 8*60+15*r.IntN(48))
			c.starts = append(c.starts, int32(at.Unix()/60)) //nolint:gosec // minutes of this century
			c.days |= dayBits([]int{shortbreaks.ISOWeekday(shortbreaks.Date(at))})
			c.hours |= 1 << at.In(shortbreaks.London).Hour()
		}
		slices.Sort(c.starts)
		f := filter{asOf: now, window: Window{
			FromDate: shortbreaks.Date(now).AddDate(0, 0, r.IntN(20)), Earliest: []string{"", "09:30", "15:00"}[r.IntN(3)], Weekdays: [][]int{nil, {6}, {1, 3, 7}}[r.IntN(3)],
		}}
		exact := f.soonestOf(c)
		if exact == nil {
			continue
		}
		told++
		f.startsLater = true
		rough := f.soonestOf(c)
		require.NotNil(t, rough, "%+v", f.window)
		require.False(t, rough.After(*exact), "%+v: %s, which is after %s", f.window, rough, exact)
	}
	require.Greater(t, told, 500)
}
