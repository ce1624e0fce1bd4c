package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestR091_ARuleIsWrittenReadAndShownOnTheBooking(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	rule := object{
		"code": "clubs", "after_version": 0, "stream": "social_care", "verdict": "allowed", "categories": []string{"club"},
		"words": "Social care pays for clubs.", "starts_on": "2027-01-01",
	}
	approver := w.as(w.ash.Approver)
	into[gen.FundingRule](approver.post("/v1/funding-rules", rule), http.StatusCreated)
	approver.post("/v1/funding-rules", rule).refused(http.StatusConflict, "rule-changed")
	b := w.mother.book(w.sam, o, 1)
	next := merged(object{}, rule, object{"after_version": 1, "verdict": "not_allowed", "words": "Social care pays for no clubs."})
	into[gen.FundingRule](approver.post("/v1/funding-rules", next), http.StatusCreated)
	seen := into[gen.Booking](w.mother.get("/v1/bookings/"+b.ID.String()), 200).Items[0].Charges[0]
	require.Equal(t, gen.VerdictAllowed, *seen.Verdict)
	require.Equal(t, "clubs", seen.Reason.Rule)
	require.Equal(t, 1, seen.Reason.Version)
	require.Equal(t, "Social care pays for clubs.", *seen.Because)
	require.NotContains(t, string(w.as(w.stars.Owner).get("/v1/bookings/"+b.ID.String()).body), "reason")
	q := w.mother.quote(w.sam, o, 2).Items[1].Charges[0]
	require.Equal(t, gen.VerdictNotAllowed, q.Verdict)
	require.Equal(t, 2, q.Reason.Version)
	one := into[gen.FundingRuleList](w.mother.get("/v1/funding-rules?limit=1"), 200)
	require.Equal(t, 1, one.Items[0].Version)
	two := into[gen.FundingRuleList](w.mother.get("/v1/funding-rules?limit=1&cursor="+*one.NextCursor), 200)
	require.Equal(t, 2, two.Items[0].Version)
	require.Nil(t, two.NextCursor)
}
