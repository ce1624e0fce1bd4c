package stripedouble_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"

	"shortbreaks/internal/stripedouble"
)

// createForm is the least Stripe takes for a session.
const createForm = "mode=payment&success_url=https%3A%2F%2Fbreaks.example%2Fpaid&line_items[0][quantity]=2" +
	"&line_items[0][price_data][currency]=gbp&line_items[0][price_data][unit_amount]=1250" +
	"&line_items[0][price_data][product_data][name]=Top-up"

// raw is a request made by hand, rightly addressed and keyed.
func (b *bundle) raw(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+apiKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func TestTheDoorRefuses(t *testing.T) {
	b := setup(t)
	for name, c := range map[string]struct {
		change func(r *http.Request)
		status int
	}{
		"no key":          {func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"another key":     {func(r *http.Request) { r.Header.Set("Authorization", "Bearer sk_test_other") }, 401},
		"part of the key": {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+apiKey[:8]) }, 401},
		"no scheme":       {func(r *http.Request) { r.Header.Set("Authorization", apiKey) }, 401},
		"another version": {func(r *http.Request) { r.Header.Set("Stripe-Version", "2024-06-20") }, 400},
		"an account":      {func(r *http.Request) { r.Header.Set("Stripe-Account", "acct_1") }, 403},
		"json":            {func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400},
		"long key":        {func(r *http.Request) { r.Header.Set("Idempotency-Key", strings.Repeat("k", 256)) }, 400},
		"unknown address": {func(r *http.Request) { r.URL.Path = "/v1/customers" }, 404},
		"wrong method":    {func(r *http.Request) { r.Method = http.MethodDelete }, 404},
		"bad encoding":    {func(r *http.Request) { r.URL.RawQuery = "a=%zz" }, 400},
	} {
		r := b.raw(t, http.MethodPost, sessionsPath, createForm)
		c.change(r)
		status, header, body := b.send(t, r)
		require.Equal(t, c.status, status, name)
		require.NotEmpty(t, header.Get("Request-Id"), name)
		var e struct {
			Error struct{ Type, Message string }
		}
		require.NoError(t, json.Unmarshal([]byte(body), &e), name)
		require.NotEmpty(t, e.Error.Type, name)
		require.NotContains(t, body, apiKey, name)
	}
	require.Zero(t, b.worked(sessionsPath))
	status, _, _ := b.send(t, b.raw(t, http.MethodPost, sessionsPath, createForm+"&x="+strings.Repeat("x", 1<<20)))
	require.Equal(t, http.StatusBadRequest, status)
}

func TestCurlAsInStripesExamplesWorks(t *testing.T) {
	b := setup(t)
	r := b.raw(t, http.MethodPost, sessionsPath, createForm+"&expand[]=line_items&payment_method_types[]=card")
	r.SetBasicAuth(apiKey, "")
	r.Header.Set("Idempotency-Key", "k")
	status, header, body := b.send(t, r)
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, "k", header.Get("Idempotency-Key"))
	require.Equal(t, stripe.APIVersion, header.Get("Stripe-Version"))
	require.Contains(t, body, `"amount_total": 2500`)
	require.Contains(t, body, `"description": "Top-up"`)
}

func TestAParameterSentTwiceCountsOnceAndOrderDoesNotMatter(t *testing.T) {
	b := setup(t)
	r := b.raw(t, http.MethodPost, sessionsPath, "mode=subscription&"+createForm)
	status, _, body := b.send(t, r)
	require.Equal(t, http.StatusOK, status, body)

	var bodies []string
	parts := strings.Split(createForm, "&")
	for range 2 {
		r = b.raw(t, http.MethodPost, sessionsPath, strings.Join(parts, "&"))
		r.Header.Set("Idempotency-Key", "k")
		_, _, body = b.send(t, r)
		bodies = append(bodies, body)
		parts = append(parts[1:], parts[0])
	}
	require.Equal(t, bodies[0], bodies[1])
	require.Contains(t, bodies[0], "cs_test_")
}

func TestTheJournalHoldsAllThatWasSaid(t *testing.T) {
	b := setup(t)
	const name = "Mirabel Ashgrove"
	says := map[string]func(p *stripe.CheckoutSessionParams){
		"product name": func(p *stripe.CheckoutSessionParams) {
			p.LineItems[0].PriceData.ProductData.Name = stripe.String("For " + name)
		},
		"metadata value": func(p *stripe.CheckoutSessionParams) { p.Metadata["child"] = name },
		"metadata key":   func(p *stripe.CheckoutSessionParams) { p.Metadata[name] = "x" },
		"reference":      func(p *stripe.CheckoutSessionParams) { p.ClientReferenceID = stripe.String(name) },
		"address": func(p *stripe.CheckoutSessionParams) {
			p.SuccessURL = stripe.String("https://x.example/?n=" + url.QueryEscape(name))
		},
		"key":     func(p *stripe.CheckoutSessionParams) { p.SetIdempotencyKey(strings.ToUpper(name)) },
		"refused": func(p *stripe.CheckoutSessionParams) { p.CustomerEmail = stripe.String(name + "@example.org") },
	}
	for where, say := range says {
		p := topUp("", 2500)
		say(p)
		_, _ = b.api.CheckoutSessions.New(p)
		all := b.Requests()
		require.True(t, all[len(all)-1].Mentions("mirabel") && all[len(all)-1].Mentions("ASHGROVE"), where)
		_, err := b.api.CheckoutSessions.New(topUp("", 2500))
		require.NoError(t, err)
		all = b.Requests()
		require.False(t, all[len(all)-1].Mentions("mirabel"), where)
	}
	before := b.Requests()[0]
	require.False(t, before.Mentions(apiKey), "the key is no part of the journal")
	before.Params.Set("mode", "changed")
	require.Equal(t, "payment", b.Requests()[0].Params.Get("mode"), "the journal is a copy")
}

func TestTheLogHasNoParameters(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := stripedouble.New(stripedouble.Options{
		Clock: newClock().now, APIKey: apiKey, Secret: secret, Log: slog.New(slog.NewTextHandler(&out, nil)),
	})
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	url, err := d.Listen("127.0.0.1:0")
	require.NoError(t, err)
	b := &bundle{Double: d, url: url, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	status, _, _ := b.send(t, b.raw(t, http.MethodPost, sessionsPath, createForm))
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, d.Close())
	require.Contains(t, out.String(), "status=200")
	require.NotContains(t, out.String(), "Top-up")
	require.NotContains(t, out.String(), apiKey)
}
