package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"shortbreaks/api"
	"shortbreaks/internal/db"
	"shortbreaks/internal/demo"
	"shortbreaks/internal/stripedouble"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// finishWithin is how long requests under way may take after the last one was
// accepted.
const finishWithin = 25 * time.Second

// serve runs until ctx ends, then drains: readiness says no, requests under
// way finish, jobs are handed back, searches are written down.
func serve(ctx context.Context, cfg config, out io.Writer) error {
	spareTheCollector()
	if err := cfg.fitForProduction(); err != nil {
		return err
	}
	listener, err := listen(ctx, cfg.Addr, "SHORTBREAKS_ADDR")
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	metrics, err := listen(ctx, cfg.MetricsAddr, "SHORTBREAKS_METRICS_ADDR")
	if err != nil {
		return err
	}
	defer func() { _ = metrics.Close() }()
	d, err := openDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	err = serveOn(ctx, cfg, d, listener, metrics, out)
	return errors.Join(err, d.Close())
}

func listen(ctx context.Context, addr, setting string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w: stop what uses it, or set %s to another address", addr, errors.Unwrap(err), setting)
	}
	return l, nil
}

func serveOn(ctx context.Context, cfg config, d *database, listener, metrics net.Listener, out io.Writer) error {
	if err := d.Ready(ctx); err != nil {
		return fmt.Errorf("the database is not fit to serve on: %w", err)
	}
	keys, err := people.NewKeys(people.KeySettings{
		Issuer: cfg.PublicURL, Audience: cfg.PublicURL, Seed: cfg.SigningKey, Generate: cfg.Mode == modeDemo,
	})
	if err != nil {
		return err
	}
	stripe, standIn, err := newStripe(cfg)
	if err != nil {
		return err
	}
	if standIn != nil {
		defer func() { _ = standIn.Close() }()
	}
	if cfg.Mode == modeDemo {
		if err := demo.Load(ctx, d.DB, demo.Seed); err != nil {
			return fmt.Errorf("load the demo: %w", err)
		}
		if cfg.Scale > 1 {
			slog.Info("making the demo larger", "times", cfg.Scale)
			if err := demo.Scale(ctx, d.DB, cfg.Scale, nil); err != nil {
				return err
			}
		}
	}
	if _, err := marketplace.BuildListings(ctx, d.DB); err != nil {
		return err
	}
	searches := marketplace.NewSearchCounter()
	mailer, err := newMailer(cfg)
	if err != nil {
		return err
	}
	app, err := api.New(api.Config{
		DB: d.DB, Keys: keys, Stripe: stripe, Searches: searches, Demo: cfg.Mode == modeDemo, Log: slog.Default(), Now: time.Now,
		PublicURL: cfg.PublicURL, Mail: mailer != nil,
	})
	if err != nil {
		return err
	}
	jobs, err := newJobs(d.DB, mailer, cfg.PublicURL)
	if err != nil {
		return err
	}
	if err := jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	public := api.HTTPServer(cfg.Addr, app.Handler())
	private := api.HTTPServer(cfg.MetricsAddr, app.MetricsHandler())

	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return closedIsFine(public.Serve(listener)) })
	group.Go(func() error { return closedIsFine(private.Serve(metrics)) })
	group.Go(func() error { return flushSearches(running, searches, d.DB) })
	group.Go(func() error {
		<-running.Done()
		app.Drain()
		slog.Info("stopping: requests under way are finished first")
		after(cfg.Drain)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
		defer cancel()
		return errors.Join(public.Shutdown(limit), jobs.Stop(limit), searches.Flush(limit, d.DB), private.Shutdown(limit))
	})
	if d.own != nil {
		group.Go(func() error {
			select {
			case <-running.Done():
				return nil
			case <-d.own.Done():
				return errors.New("our own PostgreSQL ended; start again, nothing that was answered is lost")
			}
		})
	}
	welcome(out, cfg, standIn != nil)
	return group.Wait()
}

// after waits out the drain.
func after(d time.Duration) { <-time.After(d) }

func closedIsFine(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// flushSearches writes down what was searched for, every few seconds.
func flushSearches(ctx context.Context, c *marketplace.SearchCounter, d *db.DB) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.Flush(ctx, d); err != nil && ctx.Err() == nil {
				slog.Warn("searches could not be counted; they are kept for the next try", "error", err)
			}
		}
	}
}

// newStripe speaks to Stripe, or in the demo without a key to a stand-in of
// our own that moves no money. Without a key in production there are no card
// top-ups.
func newStripe(cfg config) (*payments.Stripe, *stripedouble.Double, error) {
	back := payments.StripeConfig{
		Key: cfg.StripeKey, WebhookSecret: cfg.StripeSecret, APIBase: cfg.StripeAPIBase,
		SuccessURL: cfg.PublicURL + "/docs", CancelURL: cfg.PublicURL + "/docs",
	}
	if cfg.StripeKey != "" {
		return payments.NewStripe(back), nil, nil
	}
	if cfg.Mode != modeDemo {
		return nil, nil, nil
	}
	back.Key, back.WebhookSecret = "sk_test_standin", "whsec_"+randomHex()
	double := stripedouble.New(stripedouble.Options{
		Clock: time.Now, APIKey: back.Key, Secret: back.WebhookSecret, WebhookURL: "http://" + cfg.Addr + "/v1/stripe-events", Log: slog.Default(),
	})
	var err error
	if back.APIBase, err = double.Listen("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("start the stand-in for Stripe: %w", err)
	}
	return payments.NewStripe(back), double, nil
}

func randomHex() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails
	return hex.EncodeToString(raw[:])
}

// healthcheck asks a running service whether it is alive.
func healthcheck(ctx context.Context, cfg config) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cfg.Addr+"/livez", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the service answered %s", res.Status)
	}
	return nil
}

// newMailer is nil where no e-mail goes out.
func newMailer(cfg config) (*people.Mailer, error) {
	if cfg.Mail.Address == "" {
		return nil, nil
	}
	mailer, err := people.NewMailer(cfg.Mail)
	if err != nil {
		return nil, fmt.Errorf("set up e-mail (SHORTBREAKS_SMTP_ADDRESS and those below it): %w", err)
	}
	return mailer, nil
}
