package marketplace

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
)

// momentsAt are wall times "2027-01-09T10:00" of sessions so many minutes long.
func momentsAt(minutes int, walls ...string) []moment {
	var list []Session
	for _, w := range walls {
		start, err := time.ParseInLocation(shortbreaks.WallLayout, w, shortbreaks.London)
		if err != nil {
			panic(err)
		}
		list = append(list, Session{StartsAt: start.UTC(), EndsAt: start.Add(time.Duration(minutes) * time.Minute).UTC()})
	}
	return momentsOf(list)
}

// written is a schedule as one line: freq, interval, days, from, to, hours.
func written(list []OpenSchedule) (lines []string) {
	for _, s := range list {
		line := strings.Join([]string{s.Freq, s.ByDay(), s.From.Format("0102"), s.To.Format("0102"), s.Opens + s.Offset, s.Closes + s.Offset}, " ")
		if s.Interval > 1 {
			line += " every " + shortbreaks.Plural(s.Interval, "")
		}
		if s.MonthDay > 0 {
			line += " on the " + shortbreaks.Ordinal(s.MonthDay)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestDatesBecomeTheRuleThatGivesExactlyThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		walls []string
		want  []string
	}{
		"weeks": {
			[]string{"2027-01-09T10:00", "2027-01-16T10:00", "2027-01-23T10:00"},
			[]string{"WEEKLY SA 0109 0123 10:00Z 13:00Z"},
		},
		"one date": {[]string{"2027-01-09T10:00"}, []string{"WEEKLY SA 0109 0109 10:00Z 13:00Z"}},
		"two days a week, the first and last week cut short": {
			[]string{"2027-01-07T15:30", "2027-01-12T15:30", "2027-01-14T15:30", "2027-01-19T15:30"},
			[]string{"WEEKLY TU,TH 0107 0119 15:30Z 18:30Z"},
		},
		"every other week":    {[]string{"2027-01-09T10:00", "2027-01-23T10:00", "2027-02-06T10:00"}, []string{"WEEKLY SA 0109 0206 10:00Z 13:00Z every 2 s"}},
		"the second Saturday": {[]string{"2027-01-09T10:00", "2027-02-13T10:00", "2027-03-13T10:00"}, []string{"MONTHLY 2SA 0109 0313 10:00Z 13:00Z"}},
		"the last Friday":     {[]string{"2027-01-29T10:00", "2027-02-26T10:00", "2027-03-26T10:00", "2027-04-30T10:00"}, []string{"MONTHLY -1FR 0129 0326 10:00Z 13:00Z", "WEEKLY FR 0430 0430 10:00+01:00 13:00+01:00"}},
		"the 15th":            {[]string{"2027-01-15T10:00", "2027-02-15T10:00", "2027-03-15T10:00"}, []string{"MONTHLY  0115 0315 10:00Z 13:00Z on the 15th"}},
		"a gap": {
			[]string{"2027-01-09T10:00", "2027-01-16T10:00", "2027-02-06T10:00", "2027-02-13T10:00"},
			[]string{"WEEKLY SA 0109 0116 10:00Z 13:00Z", "WEEKLY SA 0206 0213 10:00Z 13:00Z"},
		},
		"summer time begins": {
			[]string{"2027-03-20T10:00", "2027-03-27T10:00", "2027-04-03T10:00"},
			[]string{"WEEKLY SA 0320 0327 10:00Z 13:00Z", "WEEKLY SA 0403 0403 10:00+01:00 13:00+01:00"},
		},
		"two times of day": {
			[]string{"2027-01-09T10:00", "2027-01-09T14:00", "2027-01-16T10:00", "2027-01-16T14:00"},
			[]string{"WEEKLY SA 0109 0116 10:00Z 13:00Z", "WEEKLY SA 0109 0116 14:00Z 17:00Z"},
		},
		"no rule": {[]string{"2027-01-09T10:00", "2027-01-13T10:00", "2027-02-04T10:00", "2027-03-01T10:00"}, []string{"  0109 0301 10:00Z 13:00Z"}},
	} {
		require.Equal(t, c.want, written(schedulesOf(momentsAt(180, c.walls...), true)), name)
	}
	night := schedulesOf(momentsAt(900, "2027-01-09T18:00", "2027-01-16T18:00"), true)
	require.Len(t, night, 1)
	require.Empty(t, night[0].Freq, "closing before opening would say something else")
	require.Contains(t, night[0].Words, "ending on another day")
	require.Len(t, schedulesOf(momentsAt(180, "2027-03-20T10:00", "2027-03-27T10:00", "2027-04-03T10:00"), false), 1, "by wall time alone")
}

func TestAllTooManyRulesAreOneThatPointsElsewhere(t *testing.T) {
	t.Parallel()
	var walls []string
	for h := range 13 {
		walls = append(walls, time.Date(2027, 1, 9, h+6, 0, 0, 0, time.UTC).Format(shortbreaks.WallLayout))
	}
	list := schedulesOf(momentsAt(30, walls...), true)
	require.Len(t, list, 1)
	require.Empty(t, list[0].Freq)
	require.Contains(t, list[0].Words, "13 dates, on Saturday 9 January 2027")
}

func TestHoursOfVisitsFollowTheClocks(t *testing.T) {
	t.Parallel()
	r := VisitRules{Days: []int{1, 2}, From: "08:00", To: "20:00"}
	list := r.openHours(time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC))
	require.Equal(t, []string{"WEEKLY MO,TU 0104 0327 08:00Z 20:00Z", "WEEKLY MO,TU 0328 1030 08:00+01:00 20:00+01:00"}, written(list))
	r.From, r.To = "20:00", "08:00"
	require.Empty(t, r.openHours(time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC))[0].Freq)
}

func TestEveryWordOfOpenDataHasItsName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range OpenTerms {
		require.NotEmpty(t, o.Name, o.Value)
		require.NotEmpty(t, o.About, o.Value)
		require.False(t, seen[o.ID.String()], o.Value)
		seen[o.ID.String()] = true
		require.Equal(t, byte(5), o.ID[6]>>4, "a UUID of version 5")
	}
	for _, value := range Languages {
		name, _ := LanguageName(value)
		require.NotEmpty(t, name, value)
	}
	for category := range activities {
		require.Contains(t, OfferCategories, category)
	}
	for _, s := range supports {
		require.Subset(t, Needs, s.needs)
	}
}
