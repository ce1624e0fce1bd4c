package stripedouble

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// APIVersion is the only version of Stripe's API spoken here, and the one
// events carry; it is the version stripe-go/v76 pins.
const APIVersion = "2023-10-16"

// Options says how a Double behaves. Clock, APIKey and Secret are required.
type Options struct {
	Clock      func() time.Time // the only clock; sessions, keys and signatures age by it
	APIKey     string           // the secret key accepted; any other is 401; never a live one
	Secret     string           // signs webhooks ("whsec_...")
	WebhookURL string           // where events go; empty: events are kept, none is sent
	PublicURL  string           // base of Checkout addresses; empty: the address Listen returns
	Log        *slog.Logger     // one line a request, without parameters; nil: silent

	// Schedule runs a delivery after a delay. Nil uses timers. A test hands in
	// its own to run retries when it likes; it may also run them at once.
	Schedule func(delay time.Duration, run func())
}

// Double is one stand-in Stripe account. All methods are safe for concurrent
// use.
type Double struct {
	opts    Options
	log     *slog.Logger
	mux     *http.ServeMux
	sender  *http.Client
	ctx     context.Context // ends with Close; deliveries hang on it
	cancel  context.CancelFunc
	running sync.WaitGroup // scheduled deliveries under way

	mu         sync.Mutex // guards all below
	closed     bool
	server     *http.Server
	publicURL  string
	webhookURL string
	held       bool // HoldWebhooks
	sessions   map[string]*checkoutSession
	intents    map[string]*paymentIntent
	refunds    map[string]*refund
	events     []*event
	eventByID  map[string]*event
	keys       map[string]*keyRecord
	journal    []*Request
	faults     faults
}

// New makes a Double with no state. It panics if a required option is missing
// or the key is a live one: both are mistakes in the program, and a stand-in
// must never be trusted with a key that can move money.
func New(opts Options) *Double {
	switch {
	case opts.Clock == nil, opts.APIKey == "", opts.Secret == "":
		panic("stripedouble: Options needs Clock, APIKey and Secret")
	case strings.HasPrefix(opts.APIKey, "sk_live_"), strings.HasPrefix(opts.APIKey, "rk_live_"):
		panic("stripedouble: a live Stripe key does not belong in a stand-in")
	}
	d := &Double{
		opts: opts, log: opts.Log, publicURL: strings.TrimSuffix(opts.PublicURL, "/"), webhookURL: opts.WebhookURL,
		sessions: map[string]*checkoutSession{}, intents: map[string]*paymentIntent{},
		refunds:   map[string]*refund{},
		eventByID: map[string]*event{}, keys: map[string]*keyRecord{},
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.sender = newSender()
	d.mux = d.routes()
	return d
}

// Handler serves the API, the payer's page and nothing else.
func (d *Double) Handler() http.Handler { return d.mux }

// Listen serves on addr ("127.0.0.1:0" for any free port) until Close, and
// returns the base address. Checkout addresses use it unless PublicURL is set.
func (d *Double) Listen(addr string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || d.server != nil {
		return "", errors.New("stripedouble: already listening or closed")
	}
	l, err := (&net.ListenConfig{}).Listen(d.ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("listen for the Stripe stand-in: %w", err)
	}
	base := "http://" + l.Addr().String()
	if d.publicURL == "" {
		d.publicURL = base
	}
	d.server = &http.Server{
		Handler: d.mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	d.running.Add(1)
	go func(s *http.Server) {
		defer d.running.Done()
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("the Stripe stand-in stopped", "error", err)
		}
	}(d.server)
	return base, nil
}

// Close stops serving and delivering; retries still scheduled never run. It
// may be called more than once.
func (d *Double) Close() error {
	d.mu.Lock()
	d.closed = true
	server := d.server
	d.mu.Unlock()
	d.cancel()
	var err error
	if server != nil {
		err = server.Close()
	}
	d.running.Wait()
	d.sender.CloseIdleConnections()
	return err
}

// SetWebhookURL changes where events go from now on; empty sends none.
func (d *Double) SetWebhookURL(url string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.webhookURL = url
}

// newID is an id as Stripe shapes them: a prefix and n random characters.
func newID(prefix string, n int) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // crypto/rand.Read never fails
	for i, b := range raw {
		raw[i] = alphabet[int(b)%len(alphabet)]
	}
	return prefix + string(raw)
}
