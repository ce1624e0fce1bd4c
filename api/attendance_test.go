package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestAttendance_RecordedAgreedCaptured(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Tariff.Options[0].BilledOn = "attended"
	b := w.mother.book(w.sam, w.publish(w.stars, d), 1)
	item := "/v1/booking-items/" + b.Items[0].ID.String()
	w.clock.Set(b.Items[0].EndsAt)
	worker := w.as(w.stars.Worker)
	register := object{"outcome": "partly_delivered", "cause": "child_ill", "arrived_at": "2027-01-09T10:00", "left_at": "2027-01-09T11:00", "note": "Collected early."}
	recorded := into[gen.BookingItem](worker.ask(http.MethodPut, item+"/attendance", register), 200)
	require.Equal(t, gen.ItemStatePartlyDelivered, recorded.State)
	require.EqualValues(t, 400, *recorded.ChargePence)
	require.Equal(t, "2027-01-09T11:00", *recorded.Attendance.LeftAt)
	require.Nil(t, recorded.Holds)
	require.Equal(t, b.Items[0].EndsAt.Add(7*24*time.Hour).UTC(), recorded.AutoConfirmAt.UTC())

	mother := w.as(w.oakley.Parents[0])
	disputed := into[gen.BookingItem](mother.post(item+"/query", object{"reason": "He left at half past ten."}), 200)
	require.Equal(t, gen.ItemStateDisputed, disputed.State)
	require.Nil(t, disputed.AutoConfirmAt)
	require.Equal(t, "He left at half past ten.", *disputed.Attendance.QueryReason)
	require.Equal(t, []int64{1200, 0, 98_800}, mother.money(w.sam))

	settled := into[gen.BookingItem](mother.post(item+"/confirmation", nil), 200)
	require.Equal(t, gen.ItemStateSettled, settled.State)
	require.EqualValues(t, 400, settled.Holds[0].Captured)
	require.Equal(t, []int64{0, 400, 99_600}, mother.money(w.sam))
}

func TestAttendance_Refusals(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	b := w.mother.book(w.sam, w.publish(w.stars, club()), 2)
	item := "/v1/booking-items/" + b.Items[0].ID.String()
	later := "/v1/booking-items/" + b.Items[1].ID.String()
	w.clock.Set(b.Items[0].StartsAt)
	worker, mother := w.as(w.stars.Worker), w.as(w.oakley.Parents[0])
	const put, post = http.MethodPut, http.MethodPost
	delivered := object{"outcome": "delivered"}
	w.refuse([]refusal{
		{"an unknown field", worker, put, item + "/attendance", object{"outcome": "delivered", "mood": "happy"}, nil, 400, "malformed", "/mood"},
		{"no outcome", worker, put, item + "/attendance", object{}, nil, 400, "malformed", "/outcome"},
		{"partly, but not which part", worker, put, item + "/attendance", object{"outcome": "partly_delivered"}, nil, 422, "invalid", "/left_at"},
		{"an hour that does not exist", worker, put, item + "/attendance", object{"outcome": "delivered", "left_at": "2027-03-28T01:30"}, nil, 422, "invalid", "/left_at"},
		{"before it starts", worker, put, later + "/attendance", delivered, nil, 409, "wrong-state", ""},
		{"by another provider", w.as(w.moor.Worker), put, item + "/attendance", delivered, nil, 404, "not-found", ""},
		{"by the family", mother, put, item + "/attendance", delivered, nil, 403, "forbidden", ""},
		{"by the owner", w.as(w.stars.Owner), put, item + "/attendance", delivered, nil, 403, "forbidden", ""},
		{"of no item", worker, put, "/v1/booking-items/" + anID + "/attendance", delivered, nil, 404, "not-found", ""},
		{"agreeing to nothing", mother, post, item + "/confirmation", nil, nil, 409, "wrong-state", ""},
		{"agreeing to another's", w.as(w.begum.Parents[0]), post, item + "/confirmation", nil, nil, 404, "not-found", ""},
		{"questioning without words", mother, post, item + "/query", object{"reason": ""}, nil, 400, "malformed", "/reason"},
		{"questioning as a provider", worker, post, item + "/query", object{"reason": "No."}, nil, 403, "forbidden", ""},
		{"unsigned", w.nobody(), post, item + "/query", object{"reason": "No."}, nil, 401, "sign-in-required", ""},
	})
	into[gen.BookingItem](worker.ask(put, item+"/attendance", delivered), 200)
	into[gen.BookingItem](mother.post(item+"/confirmation", nil), 200)
	w.refuse([]refusal{
		{"correcting what is settled", worker, put, item + "/attendance", object{"outcome": "no_show"}, nil, 409, "wrong-state", ""},
		{"agreeing twice", mother, post, item + "/confirmation", nil, nil, 409, "wrong-state", ""},
	})
	require.Equal(t, []int64{1200, 1200, 97_600}, mother.money(w.sam))
}
