package api_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestLists_AreReadPageByPage(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	w.fund(w.ash, w.begum.Children[0].ID)
	for range 3 {
		o := w.publish(w.stars, club())
		w.mother.book(w.sam, o, 1)
	}
	for _, c := range []struct {
		as   caller
		path string
		want int
	}{
		{w.nobody(), "/v1/offers?category=club", 3},
		{w.mother, "/v1/bookings?child_id=" + w.sam.String(), 3},
		{w.practitioner, "/v1/budgets?", 3},
		{w.as(w.ash.Finance), "/v1/ledger-transactions?kind=allocate", 3},
	} {
		separator := map[bool]string{true: "", false: "&"}[strings.HasSuffix(c.path, "?")]
		whole := into[struct{ Items []object }](c.as.get(c.path), 200).Items
		require.Len(t, whole, c.want, c.path)
		var met []object
		next := c.path + separator + "limit=1"
		for next != "" {
			a := c.as.get(next)
			one := into[struct {
				Items      []object
				NextCursor *string `json:"next_cursor"`
			}](a, 200)
			require.Len(t, one.Items, 1, next)
			met = append(met, one.Items...)
			next = ""
			if one.NextCursor != nil {
				link := regexp.MustCompile(`^<(/v1/[^>]+)>; rel="next"$`).FindStringSubmatch(a.header.Get("Link"))
				require.NotNil(t, link, a.header.Get("Link"))
				require.Contains(t, link[1], *one.NextCursor)
				next = link[1]
			} else {
				require.Empty(t, a.header.Get("Link"))
			}
		}
		require.Equal(t, whole, met, "%s in pages is the whole", c.path)
	}
}

func TestLists_RefuseCursorsTheyDidNotGive(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	for range 2 {
		w.mother.book(w.sam, w.publish(w.stars, club()), 1)
	}
	given := *into[gen.BookingList](w.mother.get("/v1/bookings?limit=1"), 200).NextCursor
	last := given[:len(given)-1] + map[bool]string{true: "B", false: "A"}[given[len(given)-1] == 'A']
	for _, path := range []string{"/v1/bookings", "/v1/budgets", "/v1/offers"} {
		for _, cursor := range []string{tampered, last, "x", anID, strings.Repeat("A", 500)} {
			p := w.mother.get(path+"?cursor="+cursor).refused(400, "malformed")
			require.Equal(t, "query/cursor", p.Errors[0].Pointer)
		}
	}
	w.mother.get("/v1/budgets?cursor="+given).refused(400, "malformed")
	w.as(w.ash.Finance).get("/v1/ledger-transactions?cursor="+given).refused(400, "malformed")
	require.Equal(t, 200, w.mother.get("/v1/bookings?cursor="+given).status)
}
