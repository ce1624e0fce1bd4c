package api_test

import (
	"bytes"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
)

// paper checks what every paper must be: not kept by anybody on the way, under
// a neutral name, and without a child's name.
func (w *world) paper(a answer, kind string) string {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, a.status, "%s", a.body)
	require.Equal(w.t, kind, a.header.Get("Content-Type"))
	require.Equal(w.t, "private, no-store", a.header.Get("Cache-Control"))
	for _, c := range w.oakley.Children {
		require.NotContains(w.t, string(a.body), c.FirstName)
		require.NotContains(w.t, string(a.body), c.FamilyName)
	}
	return string(a.body)
}

func TestAQuoteIsReadBackAsFiguresAsAPageAndAsAPDF(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	q := w.mother.quote(w.sam, o, 2, object{"charge_kinds": []string{"support"}})
	path := "/v1/quotes/" + q.ID.String()
	require.Equal(t, q, into[gen.Quote](w.mother.get(path), http.StatusOK))
	require.Equal(t, q, into[gen.Quote](w.practitioner.get(path+"?as=figures"), http.StatusOK))

	page := w.paper(w.mother.get(path+"?as=paper"), "text/html; charset=UTF-8")
	for _, words := range []string{q.Explanation, *q.CancellationTerms.Explanation, q.OfferTitle, q.ProviderName, "This price holds until 09:30 on Monday 4 January 2027."} {
		require.Contains(t, page, words)
	}
	a := w.mother.get(path + "?as=pdf")
	pdf := w.paper(a, "application/pdf")
	require.Equal(t, `inline; filename="quote.pdf"`, a.header.Get("Content-Disposition"))
	read, at, err := booking.ReadQuote(w.ctx, w.d, w.oakley.Parents[0], q.ID)
	require.NoError(t, err)
	var same bytes.Buffer
	require.NoError(t, read.Paper(at).PDF(&same))
	require.Equal(t, same.String(), pdf, "the words of the PDF are those of the page")
	require.Contains(t, pdf, "D:20270104090000", "its date is the clock's")

	w.clock.Set(q.ExpiresAt)
	require.Contains(t, string(w.as(w.oakley.Parents[0]).get(path+"?as=paper").body), "Ask for a new quote to book.")
	w.refuse([]refusal{
		{"another family", w.as(w.begum.Parents[0]), http.MethodGet, path + "?as=pdf", nil, nil, 404, "not-found", ""},
		{"another form", w.as(w.oakley.Parents[0]), http.MethodGet, path + "?as=word", nil, nil, 400, "malformed", "query/as"},
	})
}

func TestACostingIsAPDFToo(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	plan := object{"child_id": w.sam, "starts_on": "2027-01-05", "ends_on": "2027-03-31", "lines": []object{
		{"name": "A trip", "fixed": object{"pence": 2500, "every": "month"}},
	}}
	figures := into[gen.PlanCosting](w.practitioner.post("/v1/plan-costings", plan), http.StatusOK)
	page := w.paper(w.practitioner.post("/v1/plan-costings?as=paper", plan), "text/html; charset=UTF-8")
	for _, words := range []string{"A trip", figures.Lines[0].Explanation, "Who pays", "By financial year", "By month", "Beside what the child has"} {
		require.Contains(t, page, words)
	}
	a := w.practitioner.post("/v1/plan-costings?as=pdf", plan)
	require.Regexp(t, regexp.MustCompile(`^%PDF-1\.`), w.paper(a, "application/pdf"))
	require.Equal(t, `inline; filename="plan-costs.pdf"`, a.header.Get("Content-Disposition"))
}
