package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

func TestT95_AProviderSignsAWorkerOffAndSendsAnother(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := visits()
	d.Instant = true
	o := w.publish(w.stars, d)
	var workers []uuid.UUID
	for i, name := range []string{"Ada", "Ben"} {
		made, err := marketplace.CreateWorker(w.ctx, w.d, w.stars.Owner, w.stars.ID, marketplace.WorkerFacts{Name: name, LaneIDs: []uuid.UUID{o.Lanes[i].ID}})
		require.NoError(t, err)
		workers = append(workers, made.ID)
	}
	owner := w.as(w.stars.Owner)
	need := into[gen.ChildNeed](w.practitioner.post("/v1/child-needs", object{"child_id": w.sam, "task": "Gastrostomy feed"}), http.StatusCreated)
	require.Empty(t, need.Categories)
	require.Len(t, into[gen.ChildNeedList](w.mother.get("/v1/child-needs?child_id="+w.sam.String()), 200).Items, 1)
	ask := object{"child_id": w.sam, "offer_id": o.Offer.ID, "visits": []object{{"local_start": "2027-01-09T10:00", "minutes": 60}}}
	q := into[gen.Quote](w.mother.post("/v1/quotes", ask), http.StatusCreated)
	require.Equal(t, gen.VerdictAsk, q.Verdict)
	w.mother.post("/v1/bookings", toBook(q), key("one")).refused(http.StatusConflict, "competency-missing")

	i := into[gen.Introduction](w.mother.post("/v1/introductions", object{"child_id": w.sam, "provider_id": w.stars.ID, "consent": true}), http.StatusCreated)
	told := owner.get("/v1/introductions/" + i.ID.String())
	require.Equal(t, []string{"Gastrostomy feed"}, into[gen.Introduction](told, 200).Tasks)
	sign := func(worker uuid.UUID) object {
		return object{"worker_id": worker, "task": "Gastrostomy feed", "introduction_id": i.ID, "assessed_by": "Nurse Cole", "assessed_on": "2027-01-01"}
	}
	made := into[gen.Competency](owner.post("/v1/providers/"+w.stars.ID.String()+"/competencies", sign(workers[0])), http.StatusCreated)
	require.Equal(t, i.ID, *made.IntroductionID)
	require.Nil(t, made.ChildID)
	b := into[gen.Basket](w.mother.post("/v1/bookings", toBook(q), key("two")), http.StatusCreated).Bookings[0]
	at := "/v1/booking-items/" + b.Items[0].ID.String() + "/worker"
	swap := object{"lane_id": o.Lanes[1].ID, "reason": "Ada is ill."}
	owner.ask(http.MethodPut, at, swap).refused(http.StatusConflict, "competency-missing")
	into[gen.Competency](owner.post("/v1/providers/"+w.stars.ID.String()+"/competencies", sign(workers[1])), http.StatusCreated)
	into[gen.BookingItem](owner.ask(http.MethodPut, at, swap), 200)
	seen := into[gen.Booking](w.mother.get("/v1/bookings/"+b.ID.String()), 200).Items[0]
	require.Equal(t, "Ada is ill.", seen.WorkerChanges[0].Reason)
	require.Equal(t, "B", seen.WorkerChanges[0].ToWorker)

	into[gen.ChildNeed](w.practitioner.post("/v1/child-needs", object{"child_id": w.sam, "task": "Oxygen"}), http.StatusCreated)
	w.clock.Set(seen.StartsAt.AddDate(0, 0, -1))
	_, err := booking.FlagCompetencies(w.ctx, w.d)
	require.NoError(t, err)
	flags := into[gen.CompetencyFlagList](w.as(w.stars.Coordinator).get("/v1/competency-flags"), 200).Items
	require.Len(t, flags, 1)
	require.Equal(t, "Oxygen", flags[0].Task)
}
