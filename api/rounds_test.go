package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/commissioning"
	"shortbreaks/marketplace"
)

// announced is a round over the first session of a new club of the stars, open
// for an hour from now on.
func (w *world) announced(places int) gen.AllocationRound {
	w.t.Helper()
	d := club()
	d.Sessions.Capacity = places
	o := w.publish(w.stars, d)
	return into[gen.AllocationRound](w.as(w.stars.Owner).post("/v1/allocation-rounds", object{
		"offer_id": o.Offer.ID, "opens_at": w.clock.Now(), "closes_at": w.clock.Now().Add(time.Hour), "groups": []string{"new_here"}, "siblings_together": true,
		"words": "Fair for all.", "sessions": []object{{"session_id": o.Sessions[0].ID, "places": places}},
	}), http.StatusCreated)
}

func wishFor(r gen.AllocationRound) object {
	return object{"wishes": []object{{"session_ids": []uuid.UUID{r.Sessions[0].SessionID}}}}
}

func TestT98_ARoundOverHTTPFromItsAnnouncementToTheDrawAnybodyCanRepeat(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	begums := w.begum.Children[0].ID
	w.fund(w.ash, begums)
	r := w.announced(1)
	path := "/v1/allocation-rounds/" + r.ID.String()
	require.Equal(t, gen.AllocationRoundStateOpen, r.State)
	require.Nil(t, r.Seed)
	require.Contains(t, r.Rule, "never been with this provider")
	w.mother.get(path+"/draw").refused(http.StatusNotFound, "not-found")
	begum := w.as(w.begum.Parents[0])
	w.mother.post("/v1/waitlist-entries", object{"child_id": w.sam, "offer_id": r.OfferID, "session_id": r.Sessions[0].SessionID}).refused(http.StatusConflict, "round-gives-places")
	e := into[gen.AllocationEntry](w.mother.ask(http.MethodPut, path+"/entries/"+w.sam.String(), wishFor(r)), http.StatusOK)
	require.Equal(t, gen.AllocationEntryStateEntered, e.State)
	into[gen.AllocationEntry](begum.ask(http.MethodPut, path+"/entries/"+begums.String(), wishFor(r)), http.StatusOK)
	require.Equal(t, http.StatusNoContent, begum.ask(http.MethodDelete, path+"/entries/"+begums.String(), nil).status)
	begum.ask(http.MethodDelete, path+"/entries/"+begums.String(), nil).refused(http.StatusConflict, "wrong-state")
	into[gen.AllocationEntry](begum.ask(http.MethodPut, path+"/entries/"+begums.String(), wishFor(r)), http.StatusOK)

	w.clock.Advance(time.Hour)
	w.mother.token, begum.token = w.as(w.oakley.Parents[0]).token, w.as(w.begum.Parents[0]).token
	w.mother.ask(http.MethodPut, path+"/entries/"+w.sam.String(), wishFor(r)).refused(http.StatusConflict, "round-not-open")
	n, err := booking.RunRounds(w.ctx, w.d)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	w.as(w.stars.Owner).ask(http.MethodDelete, path, nil).refused(http.StatusConflict, "wrong-state")
	_, err = booking.Teller{DB: w.d}.TellRounds(w.ctx)
	require.NoError(t, err)

	draw := into[gen.AllocationDraw](w.as(w.bracken.Auditor).get(path+"/draw"), http.StatusOK)
	require.Equal(t, r.Commitment, draw.Commitment)
	seed, err := hex.DecodeString(draw.Seed)
	require.NoError(t, err)
	sum := sha256.Sum256(seed)
	require.Equal(t, r.Commitment, hex.EncodeToString(sum[:]))
	require.Len(t, draw.Entries, 2)
	body := string(w.as(w.stars.Owner).get(path + "/draw").body)
	require.NotContains(t, body, w.sam.String())
	require.NotContains(t, body, begums.String())
	require.NotContains(t, body, w.begum.Parents[0].Person.String())
	// The draw is repeated by hand, from what is published alone.
	lot := func(e gen.DrawnEntry) string {
		sum := sha256.Sum256(append(append([]byte{}, seed...), e.Family[:]...))
		return hex.EncodeToString(sum[:])
	}
	require.Less(t, lot(draw.Entries[0]), lot(draw.Entries[1]))
	require.Equal(t, 1, *draw.Entries[0].Wish)
	require.Nil(t, draw.Entries[1].Wish)

	states := map[gen.AllocationEntryState]int{}
	for _, c := range []caller{w.mother, begum} {
		list := into[gen.AllocationEntryList](c.get("/v1/allocation-entries"), http.StatusOK).Items
		require.Len(t, list, 1)
		states[list[0].State]++
		require.Contains(t, *list[0].Words, "By the rule and the lot you were number")
		news := into[gen.NewsList](c.get("/v1/news"), http.StatusOK).Items
		require.NotEmpty(t, news)
		if list[0].State == gen.AllocationEntryStatePlaced {
			require.Equal(t, http.StatusOK, c.get("/v1/bookings/"+list[0].BookingID.String()).status)
		}
	}
	require.Equal(t, map[gen.AllocationEntryState]int{gen.AllocationEntryStatePlaced: 1, gen.AllocationEntryStateWaiting: 1}, states)
	require.Equal(t, gen.AllocationRoundStateDone, into[gen.AllocationRoundList](w.mother.get("/v1/allocation-rounds?offer_id="+r.OfferID.String()), http.StatusOK).Items[0].State)
}

// A week of a scheme is wished for by the bundle it is sold as.
func TestT98_ABundleIsWishedForOverHTTPAndBookedWhole(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Tariff.Options[0].Charges[0] = charge("place", "quarter", 15_600)
	d.Sessions.Bundle = &marketplace.BundleDraft{Name: "Spring", Unit: "quarter"}
	o := w.publish(w.stars, d)
	var sessions []object
	for _, s := range o.Sessions {
		sessions = append(sessions, object{"session_id": s.ID})
	}
	r := into[gen.AllocationRound](w.as(w.stars.Owner).post("/v1/allocation-rounds", object{
		"offer_id": o.Offer.ID, "opens_at": w.clock.Now(), "closes_at": w.clock.Now().Add(time.Hour), "sessions": sessions,
	}), http.StatusCreated)
	path := "/v1/allocation-rounds/" + r.ID.String() + "/entries/" + w.sam.String()
	whole := *r.Sessions[0].BundleID
	require.Equal(t, o.Bundles[0].Term.ID, whole)
	both := object{"session_ids": []uuid.UUID{o.Sessions[0].ID}, "bundle_id": whole}
	for _, wish := range []object{both, {}, {"bundle_id": o.Sessions[0].ID}} {
		require.NotEqual(t, http.StatusOK, w.mother.ask(http.MethodPut, path, object{"wishes": []object{wish}}).status)
	}
	e := into[gen.AllocationEntry](w.mother.ask(http.MethodPut, path, object{"wishes": []object{{"bundle_id": whole}}}), http.StatusOK)
	require.Equal(t, whole, *e.Wishes[0].BundleID)
	require.Len(t, e.Wishes[0].SessionIds, len(o.Sessions))
	require.EqualValues(t, 15_600, e.Wishes[0].TotalPence)
	w.clock.Advance(time.Hour)
	_, err := booking.RunRounds(w.ctx, w.d)
	require.NoError(t, err)
	mother := w.as(w.oakley.Parents[0])
	e = into[gen.AllocationEntryList](mother.get("/v1/allocation-entries"), http.StatusOK).Items[0]
	b := into[gen.Booking](mother.get("/v1/bookings/"+e.BookingID.String()), http.StatusOK)
	require.Len(t, b.Items, len(o.Sessions))
	require.EqualValues(t, 15_600, b.TotalPence)
}

func TestT98_PagesOfRoundsAndEntriesAreWhole(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	for range 3 {
		r := w.announced(1)
		into[gen.AllocationEntry](w.mother.ask(http.MethodPut, "/v1/allocation-rounds/"+r.ID.String()+"/entries/"+w.sam.String(), wishFor(r)), http.StatusOK)
	}
	first := into[gen.AllocationEntryList](w.mother.get("/v1/allocation-entries?limit=2"), http.StatusOK)
	require.Len(t, first.Items, 2)
	rest := into[gen.AllocationEntryList](w.mother.get("/v1/allocation-entries?limit=2&cursor="+*first.NextCursor), http.StatusOK)
	require.Len(t, rest.Items, 1)
	require.Nil(t, rest.NextCursor)
	rounds := into[gen.AllocationRoundList](w.mother.get("/v1/allocation-rounds?limit=2"), http.StatusOK)
	require.Len(t, into[gen.AllocationRoundList](w.mother.get("/v1/allocation-rounds?limit=2&cursor="+*rounds.NextCursor), http.StatusOK).Items, 1)
}

func TestR104_AWantedTimeOverHTTPIsCountedWithoutAName(t *testing.T) {
	w := setup(t)
	body := saturdayMornings()
	body["child_id"] = w.sam
	made := into[gen.WantedTime](w.mother.post("/v1/wanted-times", body), http.StatusCreated)
	require.Equal(t, gen.WantedTimeStateOpen, made.State)
	require.Equal(t, 10, made.WithinKm)
	require.Equal(t, "2027-07-04", made.To.String())
	bad := saturdayMornings()
	bad["child_id"], bad["to"] = w.sam, "2026-12-01"
	w.mother.post("/v1/wanted-times", bad).refused(http.StatusUnprocessableEntity, "invalid")
	_, err := commissioning.CountWanted(w.ctx, w.d)
	require.NoError(t, err)
	cells := into[gen.WantedDemand](w.as(w.stars.Owner).get("/v1/wanted-demand"), http.StatusOK)
	require.Empty(t, cells.Items, "one child is too few")
	require.Equal(t, 5, cells.SmallestCount)
	path := "/v1/wanted-times/" + made.ID.String()
	changed := saturdayMornings()
	changed["needs"] = []string{"wheelchair_user"}
	require.Len(t, into[gen.WantedTime](w.mother.ask(http.MethodPut, path, changed), http.StatusOK).Needs, 1)
	require.Equal(t, http.StatusNoContent, w.mother.ask(http.MethodDelete, path, nil).status)
	w.mother.ask(http.MethodPut, path, changed).refused(http.StatusConflict, "wrong-state")
	require.Equal(t, gen.WantedTimeStateWithdrawn, into[gen.WantedTimeList](w.mother.get("/v1/wanted-times"), http.StatusOK).Items[0].State)
}

// roundPaths are the records of rounds that everybody's eyes are tried on: one
// that is open, and one that is drawn.
func (w *world) roundPaths() []string {
	w.t.Helper()
	r := w.announced(1)
	mother := w.as(w.oakley.Parents[0])
	into[gen.AllocationEntry](mother.ask(http.MethodPut, "/v1/allocation-rounds/"+r.ID.String()+"/entries/"+w.sam.String(), wishFor(r)), http.StatusOK)
	w.clock.Advance(time.Hour)
	_, err := booking.RunRounds(w.ctx, w.d)
	require.NoError(w.t, err)
	w.clock.Advance(-time.Hour)
	return []string{"/v1/allocation-rounds/" + r.ID.String(), "/v1/allocation-rounds/" + r.ID.String() + "/draw"}
}
