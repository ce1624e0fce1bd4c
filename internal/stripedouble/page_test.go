package stripedouble_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"

	"shortbreaks/internal/stripedouble"
)

func TestThePayerPaysOnThePageAndIsSentBack(t *testing.T) {
	b := setup(t)
	s, err := b.api.CheckoutSessions.New(topUp("", 2500))
	require.NoError(t, err)
	path := strings.TrimPrefix(s.URL, b.url)
	status, header, page := b.send(t, b.raw(t, http.MethodGet, path, ""))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	for _, must := range []string{
		`<html lang="en-GB">`, "This is a stand-in for Stripe.", "no money moves", "<h1>Pay £25.00</h1>", "Top-up",
		`<button type="submit">Pay £25.00 (pretend)</button>`, "Go back without paying",
	} {
		require.Contains(t, page, must)
	}
	require.NotContains(t, page, "<script")
	status, header, _ = b.send(t, b.raw(t, http.MethodGet, "/pay.css", ""))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "text/css; charset=utf-8", header.Get("Content-Type"))

	for range 2 { // a double press pays once and goes the same way
		status, header, _ = b.send(t, b.raw(t, http.MethodPost, path+"/complete", ""))
		require.Equal(t, http.StatusSeeOther, status)
		require.Equal(t, "https://breaks.example/paid?session="+s.ID, header.Get("Location"))
	}
	require.True(t, b.only(t, "checkout.session.completed").Delivered, "before the payer is sent back")
	_, _, page = b.send(t, b.raw(t, http.MethodGet, path, ""))
	require.Contains(t, page, "This has been paid")
	require.NotContains(t, page, "<form")
}

func TestCancellingLeavesTheSessionOpen(t *testing.T) {
	b := setup(t)
	s, err := b.api.CheckoutSessions.New(topUp("", 2500))
	require.NoError(t, err)
	status, header, _ := b.send(t, b.raw(t, http.MethodPost, "/pay/"+s.ID+"/cancel", ""))
	require.Equal(t, http.StatusSeeOther, status)
	require.Equal(t, "https://breaks.example/back", header.Get("Location"))
	s, err = b.api.CheckoutSessions.Get(s.ID, nil)
	require.NoError(t, err)
	require.Equal(t, stripe.CheckoutSessionStatusOpen, s.Status)
	require.NoError(t, b.Complete(s.ID), "a late payment after going back")

	p := topUp("", 2500)
	p.CancelURL = nil
	s, err = b.api.CheckoutSessions.New(p)
	require.NoError(t, err)
	status, _, page := b.send(t, b.raw(t, http.MethodPost, "/pay/"+s.ID+"/cancel", ""))
	require.Equal(t, http.StatusOK, status)
	require.NotContains(t, page, "Go back without paying")
}

func TestThePageOfAnExpiredOrUnknownSessionTakesNoPayment(t *testing.T) {
	b := setup(t)
	s, err := b.api.CheckoutSessions.New(topUp("", 2500))
	require.NoError(t, err)
	b.clock.advance(24 * time.Hour)
	_, _, page := b.send(t, b.raw(t, http.MethodPost, "/pay/"+s.ID+"/complete", ""))
	require.Contains(t, page, "has expired")
	require.NotContains(t, page, "<form")
	require.True(t, b.only(t, "checkout.session.expired").Delivered)
	status, _, page := b.send(t, b.raw(t, http.MethodPost, "/pay/cs_test_none/complete", ""))
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, page, "There is no such payment")
}

func TestWhatAPayerReadsIsEscaped(t *testing.T) {
	b := setup(t)
	p := topUp("", 2500)
	p.LineItems[0].PriceData.ProductData.Name = stripe.String(`<script>alert("x")</script>`)
	s, err := b.api.CheckoutSessions.New(p)
	require.NoError(t, err)
	_, _, page := b.send(t, b.raw(t, http.MethodGet, "/pay/"+s.ID, ""))
	require.NotContains(t, page, "<script>")
	require.Contains(t, page, "&lt;script&gt;")
}

func TestCheckoutAddressesFollowPublicURL(t *testing.T) {
	t.Parallel()
	d := stripedouble.New(stripedouble.Options{
		Clock: newClock().now, APIKey: apiKey, Secret: secret, PublicURL: "https://pay.breaks.example/",
	})
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	url, err := d.Listen("127.0.0.1:0")
	require.NoError(t, err)
	b := &bundle{Double: d, url: url, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	_, _, body := b.send(t, b.raw(t, http.MethodPost, sessionsPath, createForm))
	require.Contains(t, body, `"url": "https://pay.breaks.example/pay/cs_test_`)
}
