package api_test

import (
	"net/http"
	"net/http/httptest"
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/api"
	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/payments"
)

// listens lets the Stripe double send its notices to this server.
func (w *world) listens() {
	server := httptest.NewServer(w.server.Handler())
	w.t.Cleanup(server.Close)
	w.double.SetWebhookURL(server.URL + "/v1/stripe-events")
}

// handled works the jobs that the notices made.
func (w *world) handled() {
	w.t.Helper()
	for _, e := range w.double.Events() {
		require.NoError(w.t, payments.HandleStripeEvent(w.ctx, w.d, e.ID))
	}
}

func (w *world) stripeEvents() (n int) {
	w.t.Helper()
	require.NoError(w.t, dbtest.Owner(w.t, w.d).QueryRow(w.ctx, `SELECT count(*) FROM stripe_event`).Scan(&n))
	return n
}

func (c caller) topUpMoney() *gen.TopUpAccount {
	c.w.t.Helper()
	return into[gen.Budget](c.get("/v1/budgets/"+c.w.sam.String()), 200).TopUp
}

func TestT71_TopUpPostsOnce(t *testing.T) {
	w := setup(t)
	w.listens()
	body := object{"child_id": w.sam, "amount_pence": 2500}
	first := w.mother.post("/v1/top-ups", body, key("t"))
	top := into[gen.TopUp](first, http.StatusCreated)
	require.Equal(t, gen.TopUpStatePending, top.State)
	require.NotEmpty(t, top.CheckoutURL)
	again := w.mother.post("/v1/top-ups", body, key("t"))
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Len(t, w.double.Requests(), 1)
	w.mother.post("/v1/top-ups", object{"child_id": w.sam, "amount_pence": 2600}, key("t")).refused(422, "idempotency-key-reused")

	require.NoError(t, w.double.Complete(path.Base(top.CheckoutURL)))
	event := w.double.Events()[0]
	for range 3 { // taken now or before
		status, err := w.double.Deliver(event.ID)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
	}
	w.handled()
	require.Equal(t, len(w.double.Events()), w.stripeEvents())
	require.Equal(t, &gen.TopUpAccount{AccountID: w.mother.topUpMoney().AccountID, PaidInPence: 2500, FreePence: 2500}, w.mother.topUpMoney())
}

func TestTopUps_NoticesNobodySignedChangeNothing(t *testing.T) {
	w := setup(t)
	w.listens()
	top := into[gen.TopUp](w.mother.post("/v1/top-ups", object{"child_id": w.sam, "amount_pence": 2500}, key("t")), http.StatusCreated)
	w.double.HoldWebhooks(true)
	require.NoError(t, w.double.Complete(path.Base(top.CheckoutURL)))
	event := w.double.Events()[0].ID
	for name, send := range map[string]func() (int, error){
		"forged":  func() (int, error) { return w.double.DeliverForged(event) },
		"altered": func() (int, error) { return w.double.DeliverAltered(event) },
		"old":     func() (int, error) { return w.double.DeliverOld(event, 10*time.Minute) },
		"future":  func() (int, error) { return w.double.DeliverOld(event, -10*time.Minute) },
		"bare":    func() (int, error) { return w.double.Post([]byte(`{}`), "") },
	} {
		status, err := send()
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, status, name)
	}
	require.Zero(t, w.stripeEvents())
	require.Nil(t, w.mother.topUpMoney())
	w.nobody().post("/v1/stripe-events", `{"id":"evt_1"}`, "Stripe-Signature: t=1,v1=00").refused(400, "bad-signature")
	status, err := w.double.Deliver(event)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 1, w.stripeEvents())
}

func TestTopUps_Refusals(t *testing.T) {
	w := setup(t)
	const post, topUps = http.MethodPost, "/v1/top-ups"
	k := []string{key("k")}
	body := func(child any, pence int) object { return object{"child_id": child, "amount_pence": pence} }
	w.refuse([]refusal{
		{"no key", w.mother, post, topUps, body(w.sam, 2500), nil, 400, "idempotency-key-required", "header/Idempotency-Key"},
		{"an unknown field", w.mother, post, topUps, merged(body(w.sam, 2500), object{"card": "4242"}), k, 400, "malformed", "/card"},
		{"too little", w.mother, post, topUps, body(w.sam, 99), k, 400, "malformed", "/amount_pence"},
		{"another family's child", w.mother, post, topUps, body(w.begum.Children[0].ID, 2500), k, 404, "not-found", ""},
		{"as a practitioner", w.practitioner, post, topUps, body(w.sam, 2500), k, 403, "forbidden", ""},
		{"unsigned", w.nobody(), post, topUps, body(w.sam, 2500), k, 401, "sign-in-required", ""},
	})
	w.double.Fail(10, http.StatusServiceUnavailable)
	w.mother.post(topUps, body(w.sam, 2500), k...).refused(http.StatusServiceUnavailable, "cards-unavailable")
	w.double.Fail(0, 0)
	require.Equal(t, http.StatusCreated, w.mother.post(topUps, body(w.sam, 2500), k...).status) // the same request resumes
}

func TestTopUps_WithoutStripe(t *testing.T) {
	w := setup(t, func(c *api.Config) { c.Stripe = nil })
	w.mother.post("/v1/top-ups", object{"child_id": w.sam, "amount_pence": 2500}, key("k")).refused(503, "cards-unavailable")
	w.nobody().post("/v1/stripe-events", `{}`, "Stripe-Signature: t=1,v1=00").refused(503, "cards-unavailable")
}
