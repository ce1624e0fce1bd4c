package people_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/people"
)

func TestAddressesThatAreNone(t *testing.T) {
	w := setup(t)
	who := shortbreaks.Actor{Person: w.person("jo"), Role: shortbreaks.Family}
	for _, bad := range []string{
		"", "jo", "jo@", "@example.org", "jo@localhost", "jo@.", "jo@example.", "Jo <jo@example.org>", "jo@example.org, sam@example.org", "jo@@example.org",
		"jo@example.org\r\nBcc: sam@example.org", "jo o@example.org", `"jo o"@example.org`, `<jo@example.org>`, `"jo"@example.org`, "jo@[127.0.0.1]", "jö@example.org", "jo@exämple.org", "jo(x)@example.org",
		strings.Repeat("a", 65) + "@example.org", "jo@" + strings.Repeat("a.", 130) + "org", "jo@example.org\x00",
	} {
		_, err := people.SetEmail(w.ctx, w.d, who, bad)
		var refused *shortbreaks.Error
		require.ErrorAs(t, err, &refused, bad)
		require.Equal(t, "invalid", refused.Code, bad)
		require.Equal(t, "/address", refused.Fields[0].Pointer, bad)
	}
	e, err := people.SetEmail(w.ctx, w.d, who, " Jo.O+breaks@Example.ORG ")
	require.NoError(t, err)
	require.Equal(t, "Jo.O+breaks@example.org", e.Waiting)
}

// TestCodesAskedForAtOnceAreCounted: twelve at the same moment are four.
func TestCodesAskedForAtOnceAreCounted(t *testing.T) {
	w := setup(t)
	who := shortbreaks.Actor{Person: w.person("jo"), Role: shortbreaks.Family}
	var mu sync.Mutex
	asked, often := 0, 0
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			_, err := people.SetEmail(w.ctx, w.d, who, "jo@example.org")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				asked++
			case errors.Is(err, people.ErrAskedOften):
				often++
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, []int{4, 8}, []int{asked, often})
}
