package demo

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every offer of the demo says all a family would ask, in words of the
// contract; what is written for an offer that is not there is a slip.
func TestEveryOfferOfTheDemoSaysWhatItIs(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, h := range houses {
		for _, s := range h.offers {
			c := h.draft(s, time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)).Content
			for _, list := range [][]string{c.Needs, c.AccessFeatures, c.Languages, c.Included, c.ToBring, {c.Eligibility}} {
				require.NotEmpty(t, list, s.title)
				require.NotEmpty(t, list[0], s.title)
			}
			seen++
		}
	}
	require.Len(t, contents, seen)
}
