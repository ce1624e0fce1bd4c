package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// paysIn is what a card payment of a family leaves behind.
func (w *world) paysIn(council *demo.Council, parent shortbreaks.Actor, child uuid.UUID, pence int64) {
	w.t.Helper()
	id := shortbreaks.NewID()
	_, err := dbtest.Owner(w.t, w.d).Exec(w.ctx, `INSERT INTO top_up (authority_id, id, child_id, person_id, amount_pence, state, idempotency_key, request_hash, payment_intent_id, created_at)
		VALUES ($1, $2, $3, $4, $5, 'succeeded', $6, '', $6, $7)`, council.ID, id, child, parent.Person, pence, id.String(), monday)
	require.NoError(w.t, err)
	require.NoError(w.t, w.d.Do(w.ctx, db.Scope{Authorities: []uuid.UUID{council.ID}}, func(tx *db.Tx) error {
		ids, err := payments.EnsureAccounts(w.ctx, tx, []payments.AccountKey{
			{Authority: council.ID, Kind: payments.CardClearing, Unit: payments.InPence},
			{Authority: council.ID, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: &child},
		})
		if err != nil {
			return err
		}
		_, err = payments.Post(w.ctx, tx, []payments.Posting{{Authority: council.ID, Kind: payments.KindTopUp, Source: id, Entries: []payments.Entry{
			{Account: ids[0], Unit: payments.InPence, Amount: -pence}, {Account: ids[1], Unit: payments.InPence, Amount: pence},
		}}})
		return err
	}))
}

// crediting is a club paid at booking whose terms give a credit that brothers
// and sisters may use.
func crediting() marketplace.OfferDraft {
	d := club()
	d.Terms.Credit = &tariff.CreditTerms{Days: 90, Siblings: true}
	d.Tariff.Options[0].PaymentTiming = "at_booking"
	d.Tariff.Options[0].Charges = []tariff.Charge{charge("place", "session", 1200)}
	return d
}

// creditOf is a credit of £12.00 of a child that has no budget.
func (w *world) creditOf(council *demo.Council, house *demo.House, parent shortbreaks.Actor, child uuid.UUID) uuid.UUID {
	w.t.Helper()
	w.paysIn(council, parent, child, 1200)
	o := w.publish(house, crediting())
	basket, err := w.build.Book(w.ctx, parent, booking.CreateQuote{ChildID: child, OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[0].ID}, FamilyPays: "top_up"})
	require.NoError(w.t, err)
	_, err = booking.TakeDues(w.ctx, w.d)
	require.NoError(w.t, err)
	_, err = booking.Cancel(w.ctx, w.d, parent, booking.CancelBooking{BookingID: basket.Bookings[0].ID, Reason: "plans_changed"})
	require.NoError(w.t, err)
	list, _, err := payments.Credits(w.ctx, w.d, parent, payments.ListCredits{ChildID: &child, Limit: 1})
	require.NoError(w.t, err)
	require.Len(w.t, list, 1)
	return list[0].ID
}

// creditRequests are those of credits.
func (m *cast) creditRequests() map[string]func(target string, fresh bool) request {
	return map[string]func(target string, fresh bool) request{
		"listOpenCredits": func(string, bool) request { return req(http.MethodGet, "/v1/open-credits", nil) },
		"listCredits":     func(string, bool) request { return req(http.MethodGet, "/v1/credits", nil) },
		"moveBundleDate": func(target string, fresh bool) request {
			to := shortbreaks.NewID()
			id := m.record("bundle", target, fresh, func() uuid.UUID {
				d := club()
				d.Sessions.Bundle = &marketplace.BundleDraft{Name: "Spring", Unit: "quarter"}
				d.Tariff.Options[0].Charges = []tariff.Charge{charge("place", "quarter", 100)}
				o := m.publish(m.houseOf(target), d)
				to = o.Sessions[0].ID
				m.clock.Set(o.Sessions[0].StartsAt) // begun, so the bundle leaves it out
				b := m.booked(booking.CreateQuote{ChildID: m.child[target], OfferID: o.Offer.ID, BundleID: &o.Bundles[0].Term.ID}, target)
				m.clock.Set(monday)
				return b.Items[0].ID
			})
			return req(http.MethodPost, "/v1/booking-items/"+id.String()+"/bundle-move", object{"session_id": to})
		},
		"transferCredit": func(target string, fresh bool) request {
			parent, child := m.parent[target], m.rosa
			id := m.record("credit", target, fresh, func() uuid.UUID {
				if target != "own" { // a child without a budget
					m.next["credit "+target]++
					name := fmt.Sprint("credit-", target, m.next["credit "+target])
					home := m.family(m.council[target], name, []string{"Kit"}, "mother."+name)
					parent, child = home.Parents[0], home.Children[0].ID
				}
				return m.creditOf(m.council[target], m.houseOf(target), parent, child)
			})
			return req(http.MethodPost, "/v1/credits/"+id.String()+"/transfer", object{"child_id": m.sam})
		},
	}
}

func (c caller) credits() []gen.Credit {
	c.w.t.Helper()
	return into[gen.CreditList](c.get("/v1/credits?limit=50"), 200).Items
}

func TestR109_ACreditIsMovedOncePerKeyAndShownWithWhatIsLeft(t *testing.T) {
	w := setup(t)
	id := w.creditOf(w.ash, w.stars, w.oakley.Parents[0], w.rosa)
	path := "/v1/credits/" + id.String() + "/transfer"
	first := w.mother.post(path, object{"child_id": w.sam, "amount_pence": 500}, key("once"))
	made := into[gen.Credit](first, http.StatusCreated)
	require.Equal(t, []any{w.sam, id, int64(500), "2027-04-04"}, []any{made.ChildID, *made.FromID, made.LeftPence, made.LastOn.String()})
	again := w.mother.post(path, object{"child_id": w.sam, "amount_pence": 500}, key("once"))
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	w.mother.post(path, object{"child_id": w.sam, "amount_pence": 501}, key("once")).refused(422, "idempotency-key-reused")
	list := w.mother.credits()
	require.Equal(t, []int64{500, 700}, []int64{list[0].LeftPence, list[1].LeftPence})
	require.Equal(t, list, w.father.credits())
	require.Len(t, w.practitioner.credits(), 2)
	require.Empty(t, w.as(w.begum.Parents[0]).credits())
	require.Empty(t, w.as(w.rowe.Parents[0]).credits())
	page := into[gen.CreditList](w.mother.get("/v1/credits?limit=1"), 200)
	require.Equal(t, list[1:], into[gen.CreditList](w.mother.get("/v1/credits?limit=1&cursor="+*page.NextCursor), 200).Items)
	require.Len(t, into[gen.CreditList](w.mother.get("/v1/credits?child_id="+w.rosa.String()), 200).Items, 1)
	w.refuse([]refusal{
		{"more than is left", w.mother, http.MethodPost, path, object{"child_id": w.sam, "amount_pence": 701}, []string{key("a")}, 409, "credit-too-low", ""},
		{"to itself", w.mother, http.MethodPost, path, object{"child_id": w.rosa}, []string{key("b")}, 422, "invalid", "/child_id"},
		{"another family's child", w.mother, http.MethodPost, path, object{"child_id": w.begum.Children[0].ID}, []string{key("c")}, 404, "not-found", ""},
		{"no key", w.mother, http.MethodPost, path, object{"child_id": w.sam}, nil, 400, "idempotency-key-required", "header/Idempotency-Key"},
	})
}

// Many transfers and bookings at once want the same credit of £12.00: each
// takes £4.00, and three of them have it.
func TestRace_OneCreditIsMovedOrBookedAndNeverBoth(t *testing.T) {
	w := setup(t)
	id := w.creditOf(w.ash, w.stars, w.oakley.Parents[0], w.rosa)
	d := club()
	d.Tariff.Options[0].Charges = []tariff.Charge{charge("place", "session", 400)}
	o := w.publish(w.stars, d)
	quotes := make([]gen.Quote, 8)
	for i := range quotes {
		quotes[i] = into[gen.Quote](w.mother.post("/v1/quotes", object{
			"child_id": w.rosa, "offer_id": o.Offer.ID, "session_ids": []uuid.UUID{o.Sessions[i].ID}, "family_pays": "top_up",
		}), http.StatusCreated)
	}
	outcomes := w.race(16, 16, w.mother, func(i int) (string, string, any) {
		if i%2 == 0 {
			return http.MethodPost, "/v1/credits/" + id.String() + "/transfer", object{"child_id": w.sam, "amount_pence": 400}
		}
		return http.MethodPost, "/v1/bookings", toBook(quotes[i/2])
	})
	counts := tally(outcomes)
	require.Equal(t, 3, counts["201 "], "%v", counts)
	require.Equal(t, 13, counts["409 credit-too-low"]+counts["409 budget-too-low"], "%v", counts)
	var left, moved int64
	for _, c := range w.mother.credits() {
		if c.ID == id {
			left, moved = c.LeftPence, c.MovedPence
		}
	}
	require.Zero(t, left)
	booked := int64(len(winnersOf(outcomes, 1)) * 400)
	require.Equal(t, int64(1200), moved+booked)
	require.Equal(t, moved, int64(len(winnersOf(outcomes, 0))*400))
}

// winnersOf are the successes of every second outcome, from one.
func winnersOf(outcomes []outcome, from int) (won []outcome) {
	for i := from; i < len(outcomes); i += 2 {
		if outcomes[i].status == http.StatusCreated {
			won = append(won, outcomes[i])
		}
	}
	return won
}
