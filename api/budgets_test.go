package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/people"
)

func allocation(child any, more ...object) object {
	return merged(object{
		"child_id": child, "stream": "social_care", "unit": "pence", "amount": 240_000, "note": "Agreed at panel",
		"period": object{"name": "2026 to 2027", "starts_on": "2026-04-01", "ends_on": "2027-03-31"},
	}, more...)
}

func TestBudgets_AllocatedPlannedSpent(t *testing.T) {
	w := setup(t)
	first := w.notary.post("/v1/allocations", allocation(w.sam), key("a"))
	made := into[gen.Allocation](first, http.StatusCreated)
	require.EqualValues(t, 240_000, made.Account.Free)
	require.Equal(t, gen.FundingStreamSocialCare, made.Account.Stream)
	again := w.notary.post("/v1/allocations", allocation(w.sam), key("a"))
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	second := into[gen.Allocation](w.notary.post("/v1/allocations",
		allocation(w.sam, object{"period": nil, "period_id": made.Account.Period.ID, "stream": "health", "amount": 1000}), key("b")), http.StatusCreated)
	require.Equal(t, made.Account.Period, second.Account.Period)
	hours := into[gen.Allocation](w.notary.post("/v1/allocations", allocation(w.sam, object{"unit": "minutes", "amount": 2400}), key("c")), http.StatusCreated)
	require.Equal(t, gen.AccountUnitMinutes, hours.Account.Unit)

	line := into[gen.PlanLine](w.practitioner.post("/v1/plan-lines", lineBody(w.sam)), http.StatusCreated)
	require.Equal(t, gen.PlanLineStateDraft, line.State)
	require.True(t, line.ProposedByMe)
	approval := "/v1/plan-lines/" + line.ID.String() + "/approval"
	approved := into[gen.PlanLine](w.notary.post(approval, nil), 200)
	require.Equal(t, gen.PlanLineStateApproved, approved.State)
	require.False(t, approved.ProposedByMe)
	require.NotNil(t, approved.ApprovedAt)
	w.notary.post(approval, nil).refused(http.StatusConflict, "line-not-draft")

	d := club()
	d.Category = "swimming"
	w.mother.book(w.sam, w.publish(w.stars, d), 1)
	b := into[gen.Budget](w.mother.get("/v1/budgets/"+w.sam.String()), 200)
	require.Len(t, b.Accounts, 3)
	require.Equal(t, "Ashmere", b.AuthorityName)
	require.EqualValues(t, 1200, b.PlanLines[0].Held)
	require.EqualValues(t, 178_800, b.PlanLines[0].Free)
	st := into[gen.Statement](w.mother.get("/v1/budgets/"+w.sam.String()+"/statement"), 200)
	require.Equal(t, "2026-04-01", st.From.String())
	require.Equal(t, "2027-01-04", st.To.String())
	for _, a := range st.Accounts {
		sum := a.Opening
		for _, e := range a.Entries {
			sum += e.Amount
		}
		require.Equal(t, a.Closing, sum)
		require.Equal(t, a.Summary.Allocated, a.Summary.Reserved+a.Summary.Spent+a.Summary.Free)
	}
	require.Len(t, into[gen.BudgetList](w.mother.get("/v1/budgets"), 200).Items, 2)
}

func TestBudgets_Refusals(t *testing.T) {
	w := setup(t)
	line := into[gen.PlanLine](w.practitioner.post("/v1/plan-lines", lineBody(w.sam)), http.StatusCreated)
	foreign, amina := w.rowe.Children[0].ID, w.begum.Children[0].ID
	const get, post, allocations, lines = http.MethodGet, http.MethodPost, "/v1/allocations", "/v1/plan-lines"
	k := []string{key("k")}
	w.refuse([]refusal{
		{"no key", w.notary, post, allocations, allocation(w.sam), nil, 400, "idempotency-key-required", "header/Idempotency-Key"},
		{"an unknown field", w.notary, post, allocations, allocation(w.sam, object{"pot": 1}), k, 400, "malformed", "/pot"},
		{"pounds for pence", w.notary, post, allocations, allocation(w.sam, object{"amount": 12.5}), k, 400, "malformed", "/amount"},
		{"nothing", w.notary, post, allocations, allocation(w.sam, object{"amount": 0}), k, 400, "malformed", "/amount"},
		{"a period twice", w.notary, post, allocations, allocation(w.sam, object{"period_id": anID}), k, 400, "malformed", "/period"},
		{"a period nobody knows", w.notary, post, allocations, allocation(w.sam, object{"period": nil, "period_id": anID}), k, 422, "invalid", "/period_id"},
		{"a period backwards", w.notary, post, allocations, allocation(w.sam, object{"period": object{"name": "x", "starts_on": "2027-04-01", "ends_on": "2026-04-01"}}), k, 422, "invalid", "/period/ends_on"},
		{"another council's child", w.notary, post, allocations, allocation(foreign), k, 404, "not-found", ""},
		{"as finance", w.as(w.ash.Finance), post, allocations, allocation(w.sam), k, 403, "forbidden", ""},
		{"as the family", w.mother, post, allocations, allocation(w.sam), k, 403, "forbidden", ""},
		{"a line with a field unknown", w.practitioner, post, lines, lineBody(w.sam, object{"colour": 1}), nil, 400, "malformed", "/colour"},
		{"a line backwards", w.practitioner, post, lines, lineBody(w.sam, object{"ends_on": "2026-03-31"}), nil, 422, "invalid", "/ends_on"},
		{"a stream twice", w.practitioner, post, lines, lineBody(w.sam, object{"shares": []object{{"stream": "health", "weight": 1}, {"stream": "health", "weight": 2}}}), nil, 422, "invalid", "/shares/1/stream"},
		{"a direct payment to nobody", w.practitioner, post, lines, lineBody(w.sam, object{"management_option": "direct_payment"}), nil, 422, "invalid", "/recipient_id"},
		{"a line of another council's child", w.practitioner, post, lines, lineBody(foreign), nil, 404, "not-found", ""},
		{"a line by an approver", w.notary, post, lines, lineBody(w.sam), nil, 403, "forbidden", ""},
		{"approving as its practitioner", w.practitioner, post, lines + "/" + line.ID.String() + "/approval", nil, nil, 403, "forbidden", ""},
		{"approving from another council", w.as(w.bracken.Approver), post, lines + "/" + line.ID.String() + "/approval", nil, nil, 404, "not-found", ""},
		{"another family's budget", w.mother, get, "/v1/budgets/" + amina.String(), nil, nil, 404, "not-found", ""},
		{"another family's statement", w.mother, get, "/v1/budgets/" + amina.String() + "/statement", nil, nil, 404, "not-found", ""},
		{"a budget as a commissioner", w.as(w.ash.Commissioner), get, "/v1/budgets/" + w.sam.String(), nil, nil, 403, "forbidden", ""},
		{"a statement backwards", w.mother, get, "/v1/budgets/" + w.sam.String() + "/statement?from=2027-01-02&to=2027-01-01", nil, nil, 422, "invalid", ""},
	})
}

func TestBudgets_NobodyApprovesTheirOwnProposal(t *testing.T) {
	w := setup(t)
	both := w.ash.Practitioner // one person in two roles
	alan := w.as(w.grant(people.Grant{PersonID: both.Person, Role: shortbreaks.Approver, AuthorityID: &w.ash.ID}))
	line := into[gen.PlanLine](w.as(both).post("/v1/plan-lines", lineBody(w.sam)), http.StatusCreated)
	approval := "/v1/plan-lines/" + line.ID.String() + "/approval"
	alan.post(approval, nil).refused(http.StatusForbidden, "approver-is-proposer")
	require.Equal(t, 200, w.notary.post(approval, nil).status)
}
