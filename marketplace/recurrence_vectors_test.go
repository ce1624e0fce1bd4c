//go:build conformance

package marketplace_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

// vector is one block of libical's file of recurrence rules.
type vector struct{ name, rule, start, want string }

// TestRulesAgreeWithLibicalsVectors reads the vectors of the folder that
// SHORTBREAKS_JUDGES names. Whatever rule is taken must give exactly the
// moments of its vector; which are taken is counted, so that refusing
// everything is no way to pass.
func TestRulesAgreeWithLibicalsVectors(t *testing.T) {
	folder := os.Getenv("SHORTBREAKS_JUDGES")
	require.NotEmpty(t, folder, "SHORTBREAKS_JUDGES names the folder with rrule/icalrecur_test.txt")
	taken, refused := 0, map[string]int{}
	for _, v := range readVectors(t, filepath.Join(folder, "rrule", "icalrecur_test.txt")) {
		rule, trouble := marketplace.ParseRule(v.rule)
		if trouble != "" {
			refused[trouble]++
			continue
		}
		start, ok := moment(v.start)
		require.True(t, ok, v.name)
		taken++
		want := strings.Split(v.want, ",")
		var got []string
		for _, at := range rule.Times(start, start.AddDate(200, 0, 0), time.UTC, len(want)+1) {
			text := at.Format("20060102T150405")
			if len(v.start) == len("20060102") {
				text = text[:8]
			}
			got = append(got, text)
		}
		for i := range want {
			want[i] = strings.TrimSuffix(want[i], "Z")
		}
		if !rule.Bounded() {
			got = got[:min(len(got), len(want))]
		}
		if !slices.Equal(want, got) {
			t.Errorf("%s: %s from %s\nwant %v\ngot  %v", v.name, v.rule, v.start, want, got)
		}
	}
	t.Logf("%d rules taken, all as their vectors say; refused: %v", taken, refused)
	require.GreaterOrEqual(t, taken, 60)
}

// moment reads a date or a time without zone.
func moment(text string) (time.Time, bool) {
	text = strings.TrimSuffix(text, "Z")
	for _, layout := range []string{"20060102T150405", "20060102"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func readVectors(t *testing.T, path string) (all []vector) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<20)
	var v vector
	for in.Scan() {
		line := strings.TrimRight(in.Text(), "\r")
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "RRULE":
			v.rule = value
		case "DTSTART":
			v.start = value
		case "INSTANCES":
			v.want = value
			all = append(all, v)
			v = vector{}
		default:
			if strings.HasPrefix(line, "#") {
				v.name = strings.TrimSpace(line[1:])
			}
		}
	}
	require.NoError(t, in.Err())
	require.Greater(t, len(all), 100)
	return all
}
