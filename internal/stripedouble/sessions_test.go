package stripedouble_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"

	"shortbreaks/internal/stripedouble"
)

func TestSessionIsMadePaidAndRead(t *testing.T) {
	b := setup(t)
	s, err := b.api.CheckoutSessions.New(topUp("k1", 2500))
	require.NoError(t, err)
	require.Equal(t, stripe.CheckoutSessionStatusOpen, s.Status)
	require.Equal(t, stripe.CheckoutSessionPaymentStatusUnpaid, s.PaymentStatus)
	require.Equal(t, int64(2500), s.AmountTotal)
	require.Equal(t, stripe.CurrencyGBP, s.Currency)
	require.Equal(t, "0199a0f2-top-up", s.ClientReferenceID)
	require.Equal(t, map[string]string{"top_up": "0199a0f2"}, s.Metadata)
	require.Nil(t, s.PaymentIntent, "the intent is made when the payer pays")
	require.Equal(t, b.url+"/pay/"+s.ID, s.URL)
	require.False(t, s.Livemode)

	require.NoError(t, b.Complete(s.ID))
	p := &stripe.CheckoutSessionParams{}
	p.AddExpand("payment_intent.latest_charge")
	p.AddExpand("line_items")
	s, err = b.api.CheckoutSessions.Get(s.ID, p)
	require.NoError(t, err)
	require.Equal(t, stripe.CheckoutSessionStatusComplete, s.Status)
	require.Equal(t, stripe.CheckoutSessionPaymentStatusPaid, s.PaymentStatus)
	require.Empty(t, s.URL)
	require.Equal(t, int64(2500), s.PaymentIntent.LatestCharge.Amount)
	require.Equal(t, "Top-up", s.LineItems.Data[0].Description)

	pi, err := b.api.PaymentIntents.Get(s.PaymentIntent.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stripe.PaymentIntentStatusSucceeded, pi.Status)
	require.Equal(t, int64(2500), pi.AmountReceived)
	require.Equal(t, map[string]string{"top_up": "0199a0f2"}, pi.Metadata)
	require.ErrorContains(t, b.Complete(s.ID), "no open session", "paid once")
	b.only(t, "payment_intent.succeeded")
}

func TestSessionExpiresByTheClockAndIsThenNotPaid(t *testing.T) {
	b := setup(t)
	p := topUp("", 2500)
	p.ExpiresAt = stripe.Int64(b.clock.now().Add(30 * time.Minute).Unix())
	s, err := b.api.CheckoutSessions.New(p)
	require.NoError(t, err)

	b.clock.advance(30*time.Minute - 2*time.Second)
	s, err = b.api.CheckoutSessions.Get(s.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stripe.CheckoutSessionStatusOpen, s.Status)

	b.clock.advance(2 * time.Second)
	require.ErrorContains(t, b.Complete(s.ID), "no open session")
	s, err = b.api.CheckoutSessions.Get(s.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stripe.CheckoutSessionStatusExpired, s.Status)
	require.Equal(t, stripe.CheckoutSessionPaymentStatusUnpaid, s.PaymentStatus)
	require.True(t, b.only(t, "checkout.session.expired").Delivered)
}

func TestSessionExpiredByRequestOnce(t *testing.T) {
	b := setup(t)
	s, err := b.api.CheckoutSessions.New(topUp("", 2500))
	require.NoError(t, err)
	s, err = b.api.CheckoutSessions.Expire(s.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stripe.CheckoutSessionStatusExpired, s.Status)
	_, err = b.api.CheckoutSessions.Expire(s.ID, nil)
	require.Equal(t, http.StatusBadRequest, refusal(t, err).HTTPStatusCode)
	require.ErrorContains(t, b.Expire(s.ID), "no open session")
	b.later.flush()
	require.Equal(t, stripe.EventType("checkout.session.expired"), b.hooks.last(t).event.Type)
}

func TestPayingAndExpiringRaceAndOneWins(t *testing.T) {
	b := setup(t)
	for range 30 {
		s, err := b.api.CheckoutSessions.New(topUp("", 2500))
		require.NoError(t, err)
		var won atomic.Int32
		var all sync.WaitGroup
		for _, move := range []func(string) error{b.Complete, b.Expire, b.Complete} {
			all.Go(func() {
				if move(s.ID) == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		require.Equal(t, int32(1), won.Load())
	}
	ends := 0
	for _, e := range b.Events() {
		if strings.HasPrefix(e.Type, "checkout.session.") {
			ends++
		}
	}
	require.Equal(t, 30, ends)
}

func TestValuesAreRefusedAsStripeDoes(t *testing.T) {
	b := setup(t)
	type session = stripe.CheckoutSessionParams
	const amount = "line_items[0][price_data][unit_amount]"
	line := func(p *session) *stripe.CheckoutSessionLineItemParams { return p.LineItems[0] }
	soon := func(d time.Duration) *int64 { return stripe.Int64(b.clock.now().Add(d).Unix()) }
	cases := map[string]struct {
		change      func(p *session)
		code, param string
	}{
		"29 pence":           {func(p *session) { line(p).PriceData.UnitAmount = stripe.Int64(29) }, "amount_too_small", ""},
		"nine digits":        {func(p *session) { line(p).PriceData.UnitAmount = stripe.Int64(100_000_000) }, "amount_too_large", amount},
		"nine digits in all": {func(p *session) { line(p).Quantity = stripe.Int64(1_000_000) }, "amount_too_large", ""},
		"minus":              {func(p *session) { line(p).PriceData.UnitAmount = stripe.Int64(-500) }, "parameter_invalid_integer", amount},
		"no quantity":        {func(p *session) { line(p).Quantity = nil }, "parameter_missing", "line_items[0][quantity]"},
		"none of it":         {func(p *session) { line(p).Quantity = stripe.Int64(0) }, "parameter_invalid_integer", "line_items[0][quantity]"},
		"no lines":           {func(p *session) { p.LineItems = nil }, "parameter_missing", "line_items"},
		"euros":              {func(p *session) { line(p).PriceData.Currency = stripe.String("eur") }, "", "line_items[0][price_data][currency]"},
		"no name":            {func(p *session) { line(p).PriceData.ProductData = nil }, "parameter_missing", "line_items[0][price_data][product_data][name]"},
		"no mode":            {func(p *session) { p.Mode = nil }, "parameter_missing", "mode"},
		"subscription":       {func(p *session) { p.Mode = stripe.String("subscription") }, "", "mode"},
		"no success":         {func(p *session) { p.SuccessURL = nil }, "parameter_missing", "success_url"},
		"relative":           {func(p *session) { p.SuccessURL = stripe.String("/paid") }, "url_invalid", "success_url"},
		"script":             {func(p *session) { p.CancelURL = stripe.String("javascript:alert(1)") }, "url_invalid", "cancel_url"},
		"empty":              {func(p *session) { p.ClientReferenceID = stripe.String("") }, "parameter_invalid_empty", "client_reference_id"},
		"long reference":     {func(p *session) { p.ClientReferenceID = stripe.String(strings.Repeat("x", 201)) }, "", "client_reference_id"},
		"too soon":           {func(p *session) { p.ExpiresAt = soon(29*time.Minute + 59*time.Second) }, "", "expires_at"},
		"too late":           {func(p *session) { p.ExpiresAt = soon(24*time.Hour + time.Second) }, "", "expires_at"},
		"unknown here":       {func(p *session) { p.CustomerEmail = stripe.String("a@example.org") }, "parameter_unknown", "customer_email"},
		"unknown nested": {func(p *session) {
			line(p).AdjustableQuantity = &stripe.CheckoutSessionLineItemAdjustableQuantityParams{Enabled: stripe.Bool(true)}
		}, "parameter_unknown", "line_items[0][adjustable_quantity][enabled]"},
		"bad expansion":     {func(p *session) { p.AddExpand("customer") }, "", "expand"},
		"long metadata":     {func(p *session) { p.Metadata["top_up"] = strings.Repeat("x", 501) }, "", "metadata[top_up]"},
		"long metadata key": {func(p *session) { p.Metadata[strings.Repeat("k", 41)] = "x" }, "", "metadata[" + strings.Repeat("k", 41) + "]"},
		"bracket in key":    {func(p *session) { p.Metadata["a[b]"] = "x" }, "parameter_unknown", "metadata[a[b]]"},
	}
	for name, c := range cases {
		p := topUp("the-same-key-each-time", 2500)
		c.change(p)
		_, err := b.api.CheckoutSessions.New(p)
		e := refusal(t, err)
		require.Equal(t, http.StatusBadRequest, e.HTTPStatusCode, name)
		require.Equal(t, stripe.ErrorTypeInvalidRequest, e.Type, name)
		require.Equal(t, stripe.ErrorCode(c.code), e.Code, name)
		require.Equal(t, c.param, e.Param, name)
		require.NotEmpty(t, e.Msg, name)
		require.NotEmpty(t, e.RequestID, name)
	}
	_, err := b.api.CheckoutSessions.New(topUp("the-same-key-each-time", 30))
	require.NoError(t, err, "refused parameters never spend a key, and 30 pence is enough")
	require.Equal(t, 1, b.worked("/v1/checkout/sessions"))
}

func TestUnknownIdsAndAddressesAre404(t *testing.T) {
	b := setup(t)
	_, err := b.api.CheckoutSessions.Get("cs_test_none", nil)
	require.Equal(t, http.StatusNotFound, refusal(t, err).HTTPStatusCode)
	require.Equal(t, stripe.ErrorCodeResourceMissing, refusal(t, err).Code)
	_, err = b.api.CheckoutSessions.Expire("cs_test_none", nil)
	require.Equal(t, stripe.ErrorCodeResourceMissing, refusal(t, err).Code)
	_, err = b.api.PaymentIntents.Get("pi_none", nil)
	require.Equal(t, stripe.ErrorCodeResourceMissing, refusal(t, err).Code)
	_, err = b.api.Refunds.Get("re_none", nil)
	require.Equal(t, stripe.ErrorCodeResourceMissing, refusal(t, err).Code)
	_, err = b.api.Events.Get("evt_none", nil)
	require.Equal(t, stripe.ErrorCodeResourceMissing, refusal(t, err).Code)
	_, err = b.api.Customers.New(&stripe.CustomerParams{Name: stripe.String("Nobody")})
	require.Equal(t, http.StatusNotFound, refusal(t, err).HTTPStatusCode)
	require.Error(t, b.Complete("cs_test_none"))
}

func TestLongPricesNeverWrapRoundToASmallTotal(t *testing.T) {
	b := setup(t)
	p := topUp("", 4_611_686_018_427_387_905) // times 4 is 4 in 64 bits
	p.LineItems[0].Quantity = stripe.Int64(4)
	_, err := b.api.CheckoutSessions.New(p)
	require.Equal(t, stripe.ErrorCodeAmountTooLarge, refusal(t, err).Code)
}

func TestOptionsThatAreAMistakeStopTheProgram(t *testing.T) {
	t.Parallel()
	good := stripedouble.Options{Clock: newClock().now, APIKey: apiKey, Secret: secret}
	require.NotPanics(t, func() { require.NoError(t, stripedouble.New(good).Close()) })
	for name, break1 := range map[string]func(o *stripedouble.Options){
		"no clock":            func(o *stripedouble.Options) { o.Clock = nil },
		"no key":              func(o *stripedouble.Options) { o.APIKey = "" },
		"no secret":           func(o *stripedouble.Options) { o.Secret = "" },
		"live key":            func(o *stripedouble.Options) { o.APIKey = "sk_live_x" },
		"restricted live key": func(o *stripedouble.Options) { o.APIKey = "rk_live_x" },
	} {
		o := good
		break1(&o)
		require.Panics(t, func() { stripedouble.New(o) }, name)
	}
}
