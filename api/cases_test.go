package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
)

func TestT03_SameKeySameBytes(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	body := toBook(w.mother.quote(w.sam, o, 2))
	first := w.mother.post("/v1/bookings", body, key("basket-1"))
	require.Equal(t, http.StatusCreated, first.status, "%s", first.body)
	require.Empty(t, first.header.Get("Idempotency-Replayed"))
	for range 3 {
		w.clock.Advance(time.Hour) // the quote has run out meanwhile: the answer stands
		mother := w.as(w.oakley.Parents[0])
		again := mother.post("/v1/bookings", body, key("basket-1"))
		require.Equal(t, http.StatusCreated, again.status)
		require.Equal(t, first.body, again.body)
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, []int64{2400, 0, 97_600}, mother.money(w.sam))
	}
	// The other parent's same key is another request, never this answer.
	father := w.as(w.oakley.Parents[1])
	father.post("/v1/bookings", body, key("basket-1")).refused(http.StatusConflict, "quote-used")
}

func TestT04_SameKeyOtherBody(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	one, two := toBook(w.mother.quote(w.sam, o, 1)), toBook(w.mother.quote(w.sam, o, 2))
	require.Equal(t, http.StatusCreated, w.mother.post("/v1/bookings", one, key("k")).status)
	w.mother.post("/v1/bookings", two, key("k")).refused(http.StatusUnprocessableEntity, "idempotency-key-reused")
	// Another operation with the same key is another request too.
	w.mother.post("/v1/top-ups", object{"child_id": w.sam, "amount_pence": 2500}, key("k")).
		refused(http.StatusUnprocessableEntity, "idempotency-key-reused")
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.sam))
}

func TestT10_BasketOfSiblings(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	sam, rosa := w.mother.quote(w.sam, o, 1), w.mother.quote(w.rosa, o, 1)
	// Rosa has no plan: nobody is booked, Sam's money is not touched.
	w.mother.post("/v1/bookings", toBook(sam, rosa), key("a")).refused(http.StatusConflict, "not-allowed-by-plan")
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.sam))
	require.Equal(t, 10, into[gen.Offer](w.nobody().get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[0].PlacesLeft)

	w.fund(w.ash, w.rosa)
	rosa = w.mother.quote(w.rosa, o, 3)
	basket := into[gen.Basket](w.mother.post("/v1/bookings", toBook(sam, rosa), key("b")), http.StatusCreated)
	require.Len(t, basket.Bookings, 2)
	require.Equal(t, w.sam, *basket.Bookings[0].ChildID)
	require.Equal(t, w.rosa, *basket.Bookings[1].ChildID)
	require.Equal(t, []int64{1200, 0, 98_800}, w.mother.money(w.sam))
	require.Equal(t, []int64{3600, 0, 96_400}, w.mother.money(w.rosa))
}

func TestT14_PriceHeldWhileTheQuoteLives(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	quoted, late := w.mother.quote(w.sam, o, 1), w.mother.quote(w.sam, o, 2)
	dearer := club()
	dearer.Tariff.Options[0].Charges[0] = charge("place", "session", 1500)
	_, err := marketplace.ReviseOffer(w.ctx, w.d, w.stars.Owner, o.Offer.ID, marketplace.Revision{Tariff: dearer.Tariff, Terms: dearer.Terms})
	require.NoError(t, err)

	w.clock.Advance(30*time.Minute - time.Microsecond)
	mother := w.as(w.oakley.Parents[0])
	b := into[gen.Basket](mother.post("/v1/bookings", toBook(quoted), key("held")), http.StatusCreated).Bookings[0]
	require.EqualValues(t, 1200, b.TotalPence)
	require.Equal(t, []int64{1200, 0, 98_800}, mother.money(w.sam))

	w.clock.Advance(time.Microsecond) // exactly 30 minutes: run out
	mother.post("/v1/bookings", toBook(late), key("late")).refused(http.StatusConflict, "quote-expired")
	require.EqualValues(t, 1500, mother.quote(w.sam, &marketplace.OfferDetail{Offer: o.Offer, Sessions: o.Sessions[1:]}, 1).TotalPence)
}

func TestT15_AnotherTotalIsRefused(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	q := w.mother.quote(w.sam, o, 1)
	for _, wrong := range []int64{q.TotalPence - 1, q.TotalPence + 1} {
		seen := q
		seen.TotalPence = wrong
		p := w.mother.post("/v1/bookings", toBook(seen), key("k")).refused(http.StatusConflict, "price-changed")
		require.Equal(t, "/quotes/0/expected_total_pence", p.Errors[0].Pointer)
	}
	require.Equal(t, []int64{0, 0, 100_000}, w.mother.money(w.sam))
	// A refusal is not kept: the same key may try again.
	require.Equal(t, http.StatusCreated, w.mother.post("/v1/bookings", toBook(q), key("k")).status)
}

func TestT40_CancelAtTheDeadline(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration // the deadline, 48 elapsed hours before the start
		fee   int64
	}{
		{"one second before", -time.Second, 0}, {"at the deadline", 0, 0}, {"one second after", time.Second, 600},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setup(t)
			w.fund(w.ash, w.sam)
			b := w.mother.book(w.sam, w.publish(w.stars, club()), 1)
			w.clock.Set(b.Items[0].StartsAt.Add(-48 * time.Hour).Add(c.after))
			mother := w.as(w.oakley.Parents[0])
			cancelled := into[gen.Booking](mother.post("/v1/bookings/"+b.ID.String()+"/cancellation", object{"reason": "ill"}), 200)
			require.Equal(t, gen.BookingStateCancelledByFamily, cancelled.State)
			require.Equal(t, c.fee, *cancelled.Items[0].ChargePence)
			require.Equal(t, []int64{0, c.fee, 100_000 - c.fee}, mother.money(w.sam))
		})
	}
}

func TestT54_FamilyCancels(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	o := w.publish(w.stars, club())
	b := w.mother.book(w.sam, o, 3)
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Hour)) // late for the first, in time for the others
	mother := w.as(w.oakley.Parents[0])
	path := "/v1/bookings/" + b.ID.String() + "/cancellation"
	one := into[gen.Booking](mother.post(path, object{"reason": "hospital", "item_ids": []any{b.Items[1].ID}, "note": "Two weeks."}), 200)
	require.Equal(t, gen.BookingStateMixed, one.State)
	require.Equal(t, gen.HoldStateReleased, one.Items[1].Holds[0].State)
	require.Equal(t, []int64{2400, 0, 97_600}, mother.money(w.sam))

	all := into[gen.Booking](mother.post(path, object{"reason": "ill"}), 200)
	require.Equal(t, gen.BookingStateCancelledByFamily, all.State)
	require.EqualValues(t, 600, *all.Items[0].ChargePence)
	require.EqualValues(t, 600, all.Items[0].Holds[0].Captured)
	require.EqualValues(t, 0, *all.Items[2].ChargePence)
	require.Equal(t, []int64{0, 600, 99_400}, mother.money(w.sam))
	for _, s := range into[gen.Offer](mother.get("/v1/offers/"+o.Offer.ID.String()), 200).Sessions[:3] {
		require.Equal(t, s.Capacity, s.PlacesLeft)
	}
	mother.post(path, object{"reason": "ill"}).refused(http.StatusConflict, "wrong-state")
}

func TestT56_ProviderCancels(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	b := w.mother.book(w.sam, w.publish(w.stars, club()), 2)
	w.clock.Set(b.Items[0].StartsAt.Add(-time.Minute))
	owner, mother := w.as(w.stars.Owner), w.as(w.oakley.Parents[0])
	cancelled := into[gen.Booking](owner.post("/v1/bookings/"+b.ID.String()+"/cancellation", object{"reason": "staffing"}), 200)
	require.Equal(t, gen.BookingStateCancelledByProvider, cancelled.State)
	require.EqualValues(t, 0, *cancelled.Items[0].ChargePence)
	require.Equal(t, []int64{0, 0, 100_000}, mother.money(w.sam))
	require.Equal(t, gen.BookingStateCancelledByProvider, into[gen.Booking](mother.get("/v1/bookings/"+b.ID.String()), 200).State)
}

func TestT85_EachLineHasItsPayer(t *testing.T) {
	w := setup(t)
	require.NoError(t, w.build.Allocate(w.ctx, w.ash, w.sam, "social_care", "pence", 100_000, shortbreaks.Date(monday)))
	w.line(w.ash, budgets.NewPlanLine{ChildID: w.sam, Categories: []string{"club"}, PaysKinds: []string{"support"}})
	d := club()
	bus := charge("transport", "session", 300)
	bus.Optional = true
	d.Tariff.Options[0].Charges = append(d.Tariff.Options[0].Charges, bus)
	o := w.publish(w.stars, d)
	q := w.mother.quote(w.sam, o, 1, object{"charge_kinds": []string{"support", "transport"}, "family_pays": "direct"})
	require.EqualValues(t, 1200+5400+300, q.TotalPence)
	require.EqualValues(t, 5400, q.BudgetPence)
	require.EqualValues(t, 1500, q.FamilyPence)
	require.Equal(t, gen.VerdictAllowed, q.Verdict)
	payers := map[gen.ChargeKind]gen.Payer{}
	for _, c := range q.Items[0].Charges {
		payers[c.Kind] = c.Payer
		require.Equal(t, c.Payer == gen.PayerBudget, len(c.Funding) > 0)
		if c.Payer == gen.PayerFamily {
			require.NotEmpty(t, c.Because)
		}
	}
	require.Equal(t, map[gen.ChargeKind]gen.Payer{"place": gen.PayerFamily, "support": gen.PayerBudget, "transport": gen.PayerFamily}, payers)

	b := into[gen.Basket](w.mother.post("/v1/bookings", toBook(q), key("k")), http.StatusCreated).Bookings[0]
	require.Len(t, b.Items[0].Charges, 3)
	require.Len(t, b.Items[0].Holds, 1)
	require.Equal(t, []int64{5400, 0, 94_600}, w.mother.money(w.sam))

	w.clock.Set(b.Items[0].EndsAt)
	item := "/v1/booking-items/" + b.Items[0].ID.String()
	into[gen.BookingItem](w.as(w.stars.Worker).ask(http.MethodPut, item+"/attendance", object{"outcome": "delivered"}), 200)
	mother := w.as(w.oakley.Parents[0])
	into[gen.BookingItem](mother.post(item+"/confirmation", nil), 200)
	require.Equal(t, []int64{0, 5400, 94_600}, mother.money(w.sam))
	owed := map[gen.PayableBy]int64{}
	for _, r := range into[gen.TrialBalance](w.as(w.stars.Owner).get("/v1/trial-balance"), 200).Rows {
		owed[*r.Payer] += r.Balance
	}
	require.Equal(t, map[gen.PayableBy]int64{"authority": 5400, "family": 1500}, owed)
}
