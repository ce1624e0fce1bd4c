package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

func TestQuotes(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o, v := w.publish(w.stars, club()), w.publish(w.stars, visits())
	d := club()
	d.Tariff.Options[0].Charges = d.Tariff.Options[0].Charges[:1]
	d.Tariff.Options[0].Charges[0] = charge("place", "quarter", 15600)
	d.Sessions.Bundle = &marketplace.BundleDraft{Name: "Spring", Unit: "quarter"}
	quarter := w.publish(w.stars, d)

	q := w.mother.quote(w.sam, o, 2, object{"charge_kinds": []string{"support"}})
	require.EqualValues(t, 2*(1200+3*1800), q.TotalPence)
	require.Equal(t, q.TotalPence, q.BudgetPence+q.FamilyPence)
	require.Equal(t, london(t, "2027-01-04T09:30:00Z"), q.ExpiresAt.UTC())
	require.Len(t, q.Items, 2)

	visit := w.practitioner.quote(w.sam, v, 0, object{"visits": []object{{"local_start": "2027-04-02T10:00", "minutes": 95}}})
	require.EqualValues(t, 4375, visit.TotalPence) // T19
	require.Contains(t, string(w.mother.post("/v1/quotes", wanted(w.sam, v, 0, object{"visits": []object{{"local_start": "2027-04-02T10:00", "minutes": 60}}})).body),
		`"starts_at":"2027-04-02T10:00:00+01:00"`)

	w.clock.Set(o.Sessions[3].StartsAt) // joining before the 5th of 13 (T21)
	mother := w.as(w.oakley.Parents[0])
	id := quarter.Bundles[0].Term.ID
	joined := mother.quote(w.sam, quarter, 0, object{"bundle_id": id})
	require.EqualValues(t, 10800, joined.TotalPence)
	require.Equal(t, id, *joined.BundleID)
	require.Len(t, joined.Items, 9)
}

func TestQuotes_Refusals(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o, v, other := w.publish(w.stars, club()), w.publish(w.stars, visits()), w.publish(w.moor, club())
	draft := into[gen.Offer](w.as(w.stars.Owner).post("/v1/offers", draftBody()), http.StatusCreated)
	expired := w.as(w.oakley.Parents[0])
	foreign := w.rowe.Children[0].ID
	const post, path = http.MethodPost, "/v1/quotes"
	at := func(local string) object { return object{"visits": []object{{"local_start": local, "minutes": 60}}} }
	w.refuse([]refusal{
		{"an unknown field", w.mother, post, path, wanted(w.sam, o, 1, object{"voucher": "X"}), nil, 400, "malformed", "/voucher"},
		{"two ways to buy", w.mother, post, path, wanted(w.sam, o, 1, object{"bundle_id": anID}), nil, 400, "malformed", "/bundle_id"},
		{"no way to buy", w.mother, post, path, wanted(w.sam, o, 0), nil, 400, "malformed", "/session_ids"},
		{"a child of another family", w.mother, post, path, wanted(w.begum.Children[0].ID, o, 1), nil, 404, "not-found", ""},
		{"a child of another council", w.practitioner, post, path, wanted(foreign, o, 1), nil, 404, "not-found", ""},
		{"a child nobody knows", w.mother, post, path, wanted(uuid.MustParse(anID), o, 1), nil, 404, "not-found", ""},
		{"an offer nobody knows", w.mother, post, path, object{"child_id": w.sam, "offer_id": anID, "bundle_id": anID}, nil, 404, "not-found", ""},
		{"a draft", w.mother, post, path, object{"child_id": w.sam, "offer_id": draft.ID, "session_ids": []any{draft.Sessions[0].ID}}, nil, 404, "not-found", ""},
		{"a session of another offer", w.mother, post, path, object{"child_id": w.sam, "offer_id": o.Offer.ID, "session_ids": []any{other.Sessions[0].ID}}, nil, 422, "invalid", "/session_ids/0"},
		{"sessions of support by the hour", w.mother, post, path, merged(wanted(w.sam, o, 1), object{"offer_id": v.Offer.ID}), nil, 422, "invalid", "/session_ids"},
		{"a visit at night", w.mother, post, path, wanted(w.sam, v, 0, at("2027-01-09T22:00")), nil, 422, "invalid", "/visits/0/local_start"},
		{"an hour that does not exist", w.mother, post, path, wanted(w.sam, v, 0, at("2027-03-28T01:30")), nil, 422, "invalid", "/visits/0/local_start"},
		{"a day that does not exist", w.mother, post, path, wanted(w.sam, v, 0, at("2027-02-30T10:00")), nil, 400, "malformed", "/visits/0/local_start"},
		{"as a provider", w.as(w.stars.Owner), post, path, wanted(w.sam, o, 1), nil, 403, "forbidden", ""},
		{"as an approver", w.notary, post, path, wanted(w.sam, o, 1), nil, 403, "forbidden", ""},
		{"unsigned", w.nobody(), post, path, wanted(w.sam, o, 1), nil, 401, "sign-in-required", ""},
	})
	w.clock.Set(o.Sessions[0].StartsAt)
	mother := w.as(w.oakley.Parents[0])
	w.refuse([]refusal{
		{"with an expired token", expired, post, path, wanted(w.sam, o, 1), nil, 401, "token-invalid", ""},
		{"a session that has started", mother, post, path, wanted(w.sam, o, 1), nil, 409, "session-started", "/session_ids/0"},
	})
	_, err := dbtest.Owner(t, w.d).Exec(w.ctx, `UPDATE child SET date_of_birth = '2008-01-09' WHERE id = $1`, w.sam)
	require.NoError(t, err)
	w.refuse([]refusal{{"too old on the date", mother, post, path, merged(wanted(w.sam, o, 0), object{"session_ids": []any{o.Sessions[1].ID}}), nil, 422, "age-not-served", "/session_ids/0"}})
}

func london(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at.UTC()
}
