package stripedouble_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/stripedouble"
)

func TestWebhooksOfAPaymentArriveSignedBeforeThePayerReturns(t *testing.T) {
	b := setup(t)
	session, intent := b.paid(t, 2500)
	got := b.hooks.all()
	require.Len(t, got, 2)
	kinds := map[stripe.EventType]stripe.Event{}
	for _, g := range got {
		require.NoError(t, g.err, "ConstructEvent takes signature, age and api_version")
		require.Equal(t, stripe.APIVersion, g.event.APIVersion)
		require.False(t, g.event.Livemode)
		kinds[g.event.Type] = g.event
	}
	var s stripe.CheckoutSession
	require.NoError(t, json.Unmarshal(kinds["checkout.session.completed"].Data.Raw, &s))
	require.Equal(t, session, s.ID)
	require.Equal(t, intent, s.PaymentIntent.ID)
	require.Equal(t, stripe.CheckoutSessionPaymentStatusPaid, s.PaymentStatus)
	require.Equal(t, int64(2500), s.AmountTotal)
	require.Equal(t, "0199a0f2", s.Metadata["top_up"])
	var pi stripe.PaymentIntent
	require.NoError(t, json.Unmarshal(kinds["payment_intent.succeeded"].Data.Raw, &pi))
	require.Equal(t, intent, pi.ID)
	require.Equal(t, "0199a0f2", pi.Metadata["top_up"])
}

func TestWebhooksForgedAlteredOrOldAreRefusedByStripeGo(t *testing.T) {
	b := setup(t)
	b.paid(t, 2500)
	e := b.only(t, "checkout.session.completed")
	none := func(string) (int, error) { return b.Post(e.Body, "") }
	old := func(id string) (int, error) { return b.DeliverOld(id, 301*time.Second) }
	for name, c := range map[string]struct {
		send func(id string) (int, error)
		want error
	}{
		"forged":   {b.DeliverForged, webhook.ErrNoValidSignature},
		"altered":  {b.DeliverAltered, webhook.ErrNoValidSignature},
		"old":      {old, webhook.ErrTooOld},
		"unsigned": {none, webhook.ErrNotSigned},
	} {
		status, err := c.send(e.ID)
		require.NoError(t, err, name)
		require.Equal(t, http.StatusBadRequest, status, name)
		require.ErrorIs(t, b.hooks.last(t).err, c.want, name)
	}
	_, err := b.DeliverAltered(e.ID)
	require.NoError(t, err)
	require.Contains(t, b.hooks.last(t).body, `"amount_total": 92500`)
	require.True(t, json.Valid([]byte(b.hooks.last(t).body)), "a refusal is due to the signature alone")

	status, err := b.DeliverOld(e.ID, 270*time.Second)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "within the tolerance")
	status, err = b.DeliverOld(e.ID, -time.Hour)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "stripe-go takes the future: the service must look itself")
	status, err = b.Deliver(e.ID)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, string(e.Body), b.hooks.last(t).body, "the same bytes each time")

	rotated := stripedouble.Sign("whsec_next", b.clock.now(), e.Body)
	_, v1, _ := strings.Cut(stripedouble.Sign(secret, b.clock.now(), e.Body), ",")
	status, err = b.Post(e.Body, rotated+","+v1)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "two secrets while one is rotated")
	for _, send := range []func(string) (int, error){b.Deliver, b.DeliverForged, b.DeliverAltered, old} {
		_, err = send("evt_none")
		require.Error(t, err)
	}
}

func TestWebhooksAreTriedAgainWithGrowingDelayUntilTaken(t *testing.T) {
	b := setup(t)
	b.hooks.answer(http.StatusInternalServerError)
	s, err := b.api.CheckoutSessions.New(topUp("", 2500))
	require.NoError(t, err)
	require.NoError(t, b.Complete(s.ID))
	require.Len(t, b.hooks.all(), 2)

	want := time.Second
	for range 5 {
		require.Equal(t, []time.Duration{want, want}, b.later.flush())
		want *= 4
	}
	require.Len(t, b.hooks.all(), 12)
	b.hooks.answer(http.StatusFound)
	require.Len(t, b.later.flush(), 2)
	require.Len(t, b.hooks.all(), 14, "a redirect is not followed, and is no success")
	b.hooks.answer(http.StatusNoContent)
	b.clock.advance(4 * time.Minute)
	require.Len(t, b.later.flush(), 2)
	require.NoError(t, b.hooks.last(t).err)
	fresh := stripedouble.Sign(secret, b.clock.now(), []byte(b.hooks.last(t).body))
	require.Equal(t, fresh, b.hooks.last(t).signature, "each attempt is signed afresh")
	require.Empty(t, b.later.flush(), "taken: not sent again")
	e := b.only(t, "checkout.session.completed")
	require.True(t, e.Delivered)
	require.Equal(t, 8, e.Attempts)
}

func TestWebhooksAreGivenUpInTheEnd(t *testing.T) {
	b := setup(t)
	b.hooks.server.Close() // nobody there at all
	s, err := b.api.CheckoutSessions.New(topUp("", 2500))
	require.NoError(t, err)
	require.NoError(t, b.Complete(s.ID))
	var total, before time.Duration
	for range 19 {
		delays := b.later.flush()
		require.Len(t, delays, 2)
		require.GreaterOrEqual(t, delays[0], before)
		before = delays[0]
		total += delays[0]
	}
	require.Empty(t, b.later.flush())
	require.Equal(t, 20, b.only(t, "checkout.session.completed").Attempts)
	require.InDelta(t, 3*24, total.Hours(), 10, "about three days")
}

func TestNothingIsTriedAfterClose(t *testing.T) {
	b := setup(t)
	b.hooks.answer(http.StatusInternalServerError)
	b.paid(t, 2500)
	require.NoError(t, b.Close())
	require.Len(t, b.later.flush(), 2)
	require.Len(t, b.hooks.all(), 2)
	require.Equal(t, 1, b.only(t, "checkout.session.completed").Attempts)
}

func TestHeldWebhooksArriveInTheOrderATestChooses(t *testing.T) {
	b := setup(t)
	b.HoldWebhooks(true)
	b.paid(t, 2500)
	require.Empty(t, b.hooks.all())
	for _, kind := range []string{"checkout.session.completed", "payment_intent.succeeded", "checkout.session.completed"} {
		status, err := b.Deliver(b.only(t, kind).ID)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, stripe.EventType(kind), b.hooks.last(t).event.Type)
	}
	b.HoldWebhooks(false)
	b.paid(t, 100)
	require.Len(t, b.hooks.all(), 5)
}

func TestEventsAreListedSoThatLostOnesAreFound(t *testing.T) {
	b := setup(t)
	b.HoldWebhooks(true)
	start := b.clock.now()
	for range 7 {
		b.paid(t, 2500)
		b.clock.advance(time.Minute)
	}
	taken := b.Events()[0]
	_, err := b.Deliver(taken.ID)
	require.NoError(t, err)

	list := func(change func(p *stripe.EventListParams)) (ids []string) {
		p := &stripe.EventListParams{}
		p.Limit = stripe.Int64(3) // so that several pages are read
		change(p)
		all := b.api.Events.List(p)
		for all.Next() {
			ids = append(ids, all.Event().ID)
		}
		require.NoError(t, all.Err())
		return ids
	}
	all := list(func(*stripe.EventListParams) {})
	require.Len(t, all, 14)
	require.Equal(t, taken.ID, all[13], "newest first")
	require.Len(t, list(func(p *stripe.EventListParams) { p.DeliverySuccess = stripe.Bool(false) }), 13)
	require.Equal(t, []string{taken.ID}, list(func(p *stripe.EventListParams) { p.DeliverySuccess = stripe.Bool(true) }))
	require.Len(t, list(func(p *stripe.EventListParams) { p.Type = stripe.String("payment_intent.succeeded") }), 7)
	require.Len(t, list(func(p *stripe.EventListParams) { p.Types = []*string{stripe.String("checkout.session.completed")} }), 7)
	require.Len(t, list(func(p *stripe.EventListParams) {
		p.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: start.Add(2 * time.Minute).Unix(), LesserThan: start.Add(4 * time.Minute).Unix()}
	}), 4)
	back := list(func(p *stripe.EventListParams) { p.EndingBefore = stripe.String(all[4]) })
	slices.Reverse(back) // stripe-go walks away from the cursor
	require.Equal(t, all[:4], back)

	e, err := b.api.Events.Get(taken.ID, nil)
	require.NoError(t, err)
	require.Zero(t, e.PendingWebhooks)
	e, err = b.api.Events.Get(all[0], nil)
	require.NoError(t, err)
	require.Equal(t, int64(1), e.PendingWebhooks)
	bad := b.api.Events.List(&stripe.EventListParams{ListParams: stripe.ListParams{StartingAfter: stripe.String("evt_none")}})
	require.False(t, bad.Next())
	require.Equal(t, "starting_after", refusal(t, bad.Err()).Param)
}

func TestWithoutAnAddressEventsAreOnlyKept(t *testing.T) {
	b := setup(t)
	b.SetWebhookURL("")
	b.paid(t, 2500)
	require.Empty(t, b.hooks.all())
	e := b.only(t, "payment_intent.succeeded")
	_, err := b.Deliver(e.ID)
	require.ErrorContains(t, err, "no webhook address")
}

func TestTimersDeliverRetriesAndCloseStopsThem(t *testing.T) {
	t.Parallel()
	hooks, at := newReceiver(t), newClock()
	hooks.answer(http.StatusServiceUnavailable)
	d := stripedouble.New(stripedouble.Options{Clock: at.now, APIKey: apiKey, Secret: secret, WebhookURL: hooks.server.URL})
	url, err := d.Listen("127.0.0.1:0")
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+sessionsPath, strings.NewReader(createForm))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := c.Do(r)
	require.NoError(t, err)
	var s struct{ ID string }
	require.NoError(t, json.NewDecoder(reply.Body).Decode(&s))
	require.NoError(t, reply.Body.Close())
	require.NoError(t, d.Complete(s.ID))
	require.Eventually(t, func() bool { return len(hooks.all()) >= 4 }, dbtest.Patience, 10*time.Millisecond)
	require.NoError(t, d.Close())
	require.False(t, d.Events()[0].Delivered)
}
