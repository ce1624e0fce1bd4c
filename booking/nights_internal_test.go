package booking

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
)

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func TestT81_TwelveMonthsAreRightOverLeapYears(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ day, after time.Time }{
		{date(2027, 3, 1), date(2026, 3, 1)},
		{date(2028, 2, 28), date(2027, 2, 28)},
		{date(2028, 2, 29), date(2027, 2, 28)}, // 366 days: 1 March to 29 February
		{date(2028, 3, 1), date(2027, 3, 1)},
		{date(2029, 2, 28), date(2028, 2, 28)}, // the 29th of the year before is in it
		{date(2029, 3, 1), date(2028, 3, 1)},
	} {
		require.Equal(t, c.after, yearBefore(c.day), "%s", c.day)
	}
	leap := []time.Time{date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)}
	require.Equal(t, 2, nightsIn(leap, date(2029, 2, 28)))
	require.Equal(t, 0, nightsIn(leap, date(2029, 3, 1)))
	require.Equal(t, 1, nightsIn(leap, date(2028, 2, 28)))
	require.Equal(t, 2, nightsIn(leap, date(2028, 2, 29)))
}

func TestT81_WhoIsThereAtThreeHasStayedTheNight(t *testing.T) {
	t.Parallel()
	at := func(m time.Month, d, hour, minute int) time.Time {
		return shortbreaks.At(date(2027, m, d), hour*60+minute)
	}
	for _, c := range []struct {
		name   string
		stay   [2]time.Time
		nights int
	}{
		{"a club until late", [2]time.Time{at(1, 9, 18, 0), at(1, 10, 1, 0)}, 0},
		{"to the minute", [2]time.Time{at(1, 9, 18, 0), at(1, 10, 3, 0)}, 0},
		{"and a minute more", [2]time.Time{at(1, 9, 18, 0), at(1, 10, 3, 1)}, 1},
		{"a night", [2]time.Time{at(1, 9, 18, 0), at(1, 10, 10, 0)}, 1},
		{"a weekend", [2]time.Time{at(1, 8, 17, 0), at(1, 10, 17, 0)}, 2},
		{"the clocks go on", [2]time.Time{at(3, 27, 18, 0), at(3, 28, 10, 0)}, 1},
		{"the clocks go back", [2]time.Time{at(10, 30, 18, 0), at(10, 31, 10, 0)}, 1},
		{"from three on", [2]time.Time{at(1, 9, 3, 0), at(1, 9, 10, 0)}, 1},
		{"a morning", [2]time.Time{at(1, 9, 3, 1), at(1, 9, 10, 0)}, 0},
	} {
		require.Len(t, nightsBetween(c.stay[0], c.stay[1]), c.nights, c.name)
	}
	require.Equal(t, []time.Time{date(2027, 1, 9)}, nightsBetween(at(1, 9, 18, 0), at(1, 10, 10, 0)), "the date of the evening")
}

// nightly is one stay a night from a date on.
func nightly(provider uuid.UUID, from time.Time, nights int) (stays []stay) {
	for i := range nights {
		day := from.AddDate(0, 0, i)
		stays = append(stays, stay{provider, shortbreaks.At(day, 18*60), shortbreaks.At(day, 34*60)})
	}
	return stays
}

func TestT81_WarnsAt75NightsAndAtAStayOf17Days(t *testing.T) {
	t.Parallel()
	a, b := uuid.New(), uuid.New()
	count := func(on time.Time, stays ...[]stay) Nights {
		n := Nights{On: on}
		var all []stay
		for _, s := range stays {
			all = append(all, s...)
		}
		n.sum(all)
		return n
	}
	long := count(date(2027, 6, 1), nightly(a, date(2027, 1, 1), 15))
	require.Equal(t, 16, long.LongestStay)
	require.Empty(t, long.Warnings())
	long = count(date(2027, 6, 1), nightly(a, date(2027, 1, 1), 16))
	require.Equal(t, 17, long.LongestStay)
	require.Len(t, long.Warnings(), 1)
	require.Contains(t, long.Warnings()[0], "17 days in a row")
	require.Contains(t, long.Warnings()[0], "not recorded")
	moved := count(date(2027, 6, 1), nightly(a, date(2027, 1, 1), 9), nightly(b, date(2027, 1, 10), 9))
	require.Equal(t, 10, moved.LongestStay, "at one provider")

	var spread [][]stay // 74 nights, three at a time, every fortnight from January 2026
	for i := range 24 {
		spread = append(spread, nightly(a, date(2026, 1, 2).AddDate(0, 0, 14*i), 3))
	}
	spread = append(spread, nightly(a, date(2026, 12, 10), 2))
	year := count(date(2026, 12, 31), spread...)
	require.Equal(t, 74, year.Nights)
	require.Empty(t, year.Warnings())
	year = count(date(2026, 12, 31), append(spread, nightly(a, date(2026, 12, 20), 1))...)
	require.Equal(t, 75, year.Nights)
	require.Len(t, year.Warnings(), 1)
	year.Basis = Section17
	require.Contains(t, year.Warnings()[0], "does not apply by itself")
	year.Basis = Section20
	require.Contains(t, year.Warnings()[0], "looked after")
	// The same night at two places is one; those of a year ago have gone.
	require.Equal(t, 74, count(date(2026, 12, 31), append(spread, nightly(b, date(2026, 12, 10), 1))...).Nights)
	require.Equal(t, 71, count(date(2027, 1, 4), spread...).Nights)
	// What is booked ahead is seen from today.
	ahead := count(date(2026, 12, 15), append(spread, nightly(b, date(2026, 12, 20), 1))...)
	require.Equal(t, []int{74, 75}, []int{ahead.Nights, ahead.MostNights})
	require.Equal(t, date(2026, 12, 20), ahead.MostOn)
}
