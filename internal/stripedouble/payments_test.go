package stripedouble_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"
)

func TestRefundsUpToWhatWasPaid(t *testing.T) {
	b := setup(t)
	_, intent := b.paid(t, 1000)
	p := &stripe.RefundParams{
		PaymentIntent: stripe.String(intent), Amount: stripe.Int64(400), Reason: stripe.String("requested_by_customer"),
		Metadata: map[string]string{"refund": "0199"},
	}
	p.AddExpand("charge")
	first, err := b.api.Refunds.New(p)
	require.NoError(t, err)
	require.Equal(t, stripe.RefundStatusSucceeded, first.Status)
	require.Equal(t, intent, first.PaymentIntent.ID)
	require.Equal(t, int64(400), first.Charge.AmountRefunded)
	require.False(t, first.Charge.Refunded)

	_, err = b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(intent), Amount: stripe.Int64(601)})
	require.Equal(t, http.StatusBadRequest, refusal(t, err).HTTPStatusCode)
	require.Equal(t, "amount", refusal(t, err).Param)

	rest, err := b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(intent)})
	require.NoError(t, err)
	require.Equal(t, int64(600), rest.Amount, "without an amount, all that is left")
	_, err = b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(intent), Amount: stripe.Int64(1)})
	require.Equal(t, stripe.ErrorCodeChargeAlreadyRefunded, refusal(t, err).Code)

	again, err := b.api.Refunds.Get(first.ID, nil)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"refund": "0199"}, again.Metadata)
	b.later.flush()
	require.Equal(t, stripe.EventType("charge.refunded"), b.hooks.last(t).event.Type)
	require.Equal(t, true, b.hooks.last(t).event.Data.Object["refunded"])
}

func TestRefundValuesAreRefused(t *testing.T) {
	b := setup(t)
	session, intent := b.paid(t, 1000)
	cases := map[string]struct {
		p      *stripe.RefundParams
		status int
		code   string
		param  string
	}{
		"no intent":      {&stripe.RefundParams{Amount: stripe.Int64(1)}, 400, "parameter_missing", "payment_intent"},
		"nothing":        {&stripe.RefundParams{PaymentIntent: &intent, Amount: stripe.Int64(0)}, 400, "parameter_invalid_integer", "amount"},
		"minus":          {&stripe.RefundParams{PaymentIntent: &intent, Amount: stripe.Int64(-1)}, 400, "parameter_invalid_integer", "amount"},
		"unknown intent": {&stripe.RefundParams{PaymentIntent: stripe.String("pi_none")}, 404, "resource_missing", "payment_intent"},
		"a session":      {&stripe.RefundParams{PaymentIntent: &session}, 404, "resource_missing", "payment_intent"},
		"bad reason":     {&stripe.RefundParams{PaymentIntent: &intent, Reason: stripe.String("whim")}, 400, "", "reason"},
		"currency":       {&stripe.RefundParams{PaymentIntent: &intent, Currency: stripe.String("gbp")}, 400, "parameter_unknown", "currency"},
	}
	for name, c := range cases {
		_, err := b.api.Refunds.New(c.p)
		e := refusal(t, err)
		require.Equal(t, c.status, e.HTTPStatusCode, name)
		require.Equal(t, stripe.ErrorCode(c.code), e.Code, name)
		require.Equal(t, c.param, e.Param, name)
	}
	require.Zero(t, b.worked("/v1/refunds"))
}

func TestRefundsThatRaceNeverExceedWhatWasPaid(t *testing.T) {
	b := setup(t)
	_, intent := b.paid(t, 1000)
	var done, refused atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			r, err := b.api.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(intent), Amount: stripe.Int64(150)})
			if err != nil {
				refused.Add(1)
				return
			}
			done.Add(r.Amount)
		})
	}
	all.Wait()
	require.Equal(t, int64(900), done.Load())
	require.Equal(t, int64(44), refused.Load())
	p := &stripe.PaymentIntentParams{}
	p.AddExpand("latest_charge")
	pi, err := b.api.PaymentIntents.Get(intent, p)
	require.NoError(t, err)
	require.Equal(t, int64(900), pi.LatestCharge.AmountRefunded)
}
