package stripedouble_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"
	"go.uber.org/goleak"

	"shortbreaks/internal/stripedouble"
)

// A connection that net/http closes lingers for half a second by design.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

const (
	apiKey = "sk_test_stand_in"
	secret = "whsec_stand_in"
)

// bundle is one Double, listening, with a stripe-go client and a receiver of
// webhooks of its own.
type bundle struct {
	*stripedouble.Double
	url   string
	clock *clock
	later *schedule
	hooks *receiver
	api   *client.API
	http  *http.Client // follows no redirect
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	b := &bundle{clock: newClock(), later: &schedule{}, hooks: newReceiver(t)}
	b.Double = stripedouble.New(stripedouble.Options{
		Clock: b.clock.now, APIKey: apiKey, Secret: secret, WebhookURL: b.hooks.server.URL, Schedule: b.later.add,
	})
	url, err := b.Listen("127.0.0.1:0")
	require.NoError(t, err)
	b.url = url
	b.http = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		b.http.CloseIdleConnections()
		require.NoError(t, b.Close())
	})
	b.api = b.client(0)
	return b
}

// client is a stripe-go client that retries so often, without sleeping.
func (b *bundle) client(retries int64) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(b.url), MaxNetworkRetries: stripe.Int64(retries), HTTPClient: b.http,
		EnableTelemetry: stripe.Bool(false), LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	backend.(*stripe.BackendImplementation).SetNetworkRetriesSleep(false)
	return client.New(apiKey, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
}

// topUp is the session the service asks for, with a key.
func topUp(key string, pence int64) *stripe.CheckoutSessionParams {
	p := &stripe.CheckoutSessionParams{
		Mode:              stripe.String("payment"),
		SuccessURL:        stripe.String("https://breaks.example/paid?session={CHECKOUT_SESSION_ID}"),
		CancelURL:         stripe.String("https://breaks.example/back"),
		ClientReferenceID: stripe.String("0199a0f2-top-up"),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency: stripe.String("gbp"), UnitAmount: stripe.Int64(pence),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Top-up")},
			},
		}},
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: map[string]string{"top_up": "0199a0f2"}},
		Metadata:          map[string]string{"top_up": "0199a0f2"},
	}
	if key != "" {
		p.SetIdempotencyKey(key)
	}
	return p
}

// paid is a session already paid, and its intent's id.
func (b *bundle) paid(t *testing.T, pence int64) (session, intent string) {
	t.Helper()
	s, err := b.api.CheckoutSessions.New(topUp("", pence))
	require.NoError(t, err)
	require.NoError(t, b.Complete(s.ID))
	s, err = b.api.CheckoutSessions.Get(s.ID, nil)
	require.NoError(t, err)
	return s.ID, s.PaymentIntent.ID
}

// only is the one event of a type.
func (b *bundle) only(t *testing.T, kind string) stripedouble.Event {
	t.Helper()
	var found []stripedouble.Event
	for _, e := range b.Events() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	require.Len(t, found, 1, kind)
	return found[0]
}

// worked counts the requests to a path that did work.
func (b *bundle) worked(path string) (n int) {
	for _, r := range b.Requests() {
		if r.Path == path && r.Status == http.StatusOK && !r.Replayed {
			n++
		}
	}
	return n
}

// send is a request without stripe-go, for what stripe-go would not send.
func (b *bundle) send(t *testing.T, r *http.Request) (status int, header http.Header, body string) {
	t.Helper()
	reply, err := b.http.Do(r)
	require.NoError(t, err)
	defer func() { _ = reply.Body.Close() }()
	raw, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return reply.StatusCode, reply.Header, string(raw)
}

// refusal is the Stripe error in err.
func refusal(t *testing.T, err error) *stripe.Error {
	t.Helper()
	var e *stripe.Error
	require.ErrorAs(t, err, &e)
	return e
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock {
	// stripe-go measures a signature's age against the wall, so these tests start there.
	return &clock{at: time.Now()}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// schedule keeps what is due later and runs it when told to.
type schedule struct {
	mu     sync.Mutex
	delays []time.Duration
	runs   []func()
}

func (s *schedule) add(delay time.Duration, run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delays, s.runs = append(s.delays, delay), append(s.runs, run)
}

// flush runs what is due now and answers the delays it was asked for.
func (s *schedule) flush() (delays []time.Duration) {
	s.mu.Lock()
	delays, runs := s.delays, s.runs
	s.delays, s.runs = nil, nil
	s.mu.Unlock()
	for _, run := range runs {
		run()
	}
	return delays
}

// receiver checks each webhook as the service must, with stripe-go.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	reply  int // status for a good one
	got    []received
}

type received struct {
	event     stripe.Event
	err       error
	body      string
	signature string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{reply: http.StatusOK}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		signature := req.Header.Get("Stripe-Signature")
		ev, err := webhook.ConstructEvent(body, signature, secret)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, received{ev, err, string(body), signature})
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(r.reply)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reply = status
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

func (r *receiver) last(t *testing.T) received {
	t.Helper()
	all := r.all()
	require.NotEmpty(t, all)
	return all[len(all)-1]
}
