package payments

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/checkout/session"

	"shortbreaks"
)

const (
	stripeTimeout = 10 * time.Second // of one attempt
	stripeRetries = 2                // all with the same idempotency key
	pounds        = "gbp"
)

// StripeConfig says which Stripe account and where its payers come back to.
type StripeConfig struct {
	Key           string // secret API key
	WebhookSecret string // signs the notices Stripe sends
	APIBase       string // "" is Stripe itself; tests and the demo name a stand-in
	SuccessURL    string // where a payer goes after paying
	CancelURL     string // where a payer goes who did not
}

// Stripe is one account at Stripe. It keeps its own client: stripe-go's
// globals would be shared by all.
type Stripe struct {
	cfg      StripeConfig
	sessions session.Client
}

// NewStripe makes a client; it calls nobody.
func NewStripe(cfg StripeConfig) *Stripe {
	backend := &stripe.BackendConfig{
		HTTPClient:        &http.Client{Timeout: stripeTimeout},
		MaxNetworkRetries: stripe.Int64(stripeRetries),
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // errors are returned, not logged twice
	}
	if cfg.APIBase != "" {
		backend.URL = stripe.String(cfg.APIBase)
	}
	return &Stripe{cfg: cfg, sessions: session.Client{B: stripe.GetBackendWithConfig(stripe.APIBackend, backend), Key: cfg.Key}}
}

// checkout is what Stripe answered.
type checkout struct{ session, url string }

// createCheckout opens a page where the top-up can be paid. The top-up's id is
// Stripe's idempotency key, so asking twice opens one page; it is also the
// only thing Stripe is told of whom the money is for.
func (s *Stripe) createCheckout(ctx context.Context, t *TopUp) (checkout, error) {
	id := t.ID.String()
	params := &stripe.CheckoutSessionParams{
		Mode:              stripe.String(string(stripe.CheckoutSessionModePayment)),
		SuccessURL:        stripe.String(s.cfg.SuccessURL),
		CancelURL:         stripe.String(s.cfg.CancelURL),
		ClientReferenceID: stripe.String(id),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency: stripe.String(pounds), UnitAmount: stripe.Int64(int64(t.AmountPence)),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Top-up")},
			},
		}},
		Metadata: map[string]string{topUpMetadata: id},
	}
	params.Context = ctx
	params.SetIdempotencyKey(id)
	made, err := s.sessions.New(params)
	if err != nil {
		return checkout{}, stripeRefusal(err)
	}
	return checkout{session: made.ID, url: made.URL}, nil
}

// topUpMetadata names the top-up on everything Stripe keeps of it.
const topUpMetadata = "top_up"

// stripeRefusal says what a caller can do about an error of Stripe: wait, try
// again later, or give this request up.
func stripeRefusal(err error) error {
	refusal := ErrCardsUnavailable
	var e *stripe.Error
	if errors.As(err, &e) {
		switch e.HTTPStatusCode {
		case http.StatusConflict:
			refusal = shortbreaks.ErrStillRunning
		case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound:
			refusal = ErrTopUpRefused
		}
	}
	return fmt.Errorf("%w (open checkout: %w)", refusal, err)
}
