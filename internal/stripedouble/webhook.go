package stripedouble

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// Deliveries that fail are tried again after firstRetry, then after delays
// that grow fourfold up to longestRetry, mostAttempts times in all: a minute's
// failure heals in a demo, three days' failure gives up as Stripe does.
const (
	firstRetry   = time.Second
	longestRetry = 6 * time.Hour
	mostAttempts = 20
	// patience is how long one attempt may take; a payer waits for the first.
	patience = 10 * time.Second
)

// newSender is the client that delivers. It follows no redirect, as Stripe
// does not, and no proxy: it only ever calls the service beside it.
func newSender() *http.Client {
	return &http.Client{
		Timeout:   patience,
		Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Sign is the Stripe-Signature header of a body: time and HMAC-SHA256 of
// "time.body" under the endpoint's secret.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(seconds + ".")) // a hash never fails
	_, _ = mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Post sends any body under any signature to the webhook address and answers
// the status it got. An empty signature sends no header.
func (d *Double) Post(body []byte, signature string) (status int, err error) {
	d.mu.Lock()
	url := d.webhookURL
	d.mu.Unlock()
	if url == "" {
		return 0, errors.New("deliver an event: there is no webhook address")
	}
	r, err := http.NewRequestWithContext(d.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("deliver an event: %w", err)
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "stripedouble/1")
	if signature != "" {
		r.Header.Set("Stripe-Signature", signature)
	}
	reply, err := d.sender.Do(r)
	if err != nil {
		return 0, fmt.Errorf("deliver an event: %w", err)
	}
	defer func() { _ = reply.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 1<<16)) // so the connection can be used again
	return reply.StatusCode, nil
}

// Deliver sends an event now, whether or not it was sent before, as a person
// can from Stripe's dashboard. It is not retried.
func (d *Double) Deliver(eventID string) (status int, err error) {
	e, err := d.eventOf(eventID)
	if err != nil {
		return 0, err
	}
	return d.attempt(e)
}

// DeliverForged sends an event signed with a secret that is not the
// endpoint's.
func (d *Double) DeliverForged(eventID string) (status int, err error) {
	e, err := d.eventOf(eventID)
	if err != nil {
		return 0, err
	}
	return d.Post(e.body, Sign(d.opts.Secret+"-forged", d.opts.Clock(), e.body))
}

var amounts = regexp.MustCompile(`("amount[a-z_]*": )(\d)`)

// DeliverAltered sends an event whose amounts were raised after it was signed.
func (d *Double) DeliverAltered(eventID string) (status int, err error) {
	e, err := d.eventOf(eventID)
	if err != nil {
		return 0, err
	}
	altered := amounts.ReplaceAll(e.body, []byte("${1}9${2}"))
	return d.Post(altered, Sign(d.opts.Secret, d.opts.Clock(), e.body))
}

// DeliverOld sends an event rightly signed, age ago; a negative age signs it
// in the future.
func (d *Double) DeliverOld(eventID string, age time.Duration) (status int, err error) {
	e, err := d.eventOf(eventID)
	if err != nil {
		return 0, err
	}
	return d.Post(e.body, Sign(d.opts.Secret, d.opts.Clock().Add(-age), e.body))
}

// HoldWebhooks stops (or resumes) all delivery but Deliver's, so a test can
// choose order and delay, or lose events. Retries that come due meanwhile are
// lost. What was held is not sent on resuming.
func (d *Double) HoldWebhooks(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = on
}

func (d *Double) eventOf(id string) (*event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.eventByID[id]
	if e == nil {
		return nil, fmt.Errorf("deliver %s: there is no such event", id)
	}
	return e, nil
}

// attempt signs and sends an event once, and remembers how that went.
func (d *Double) attempt(e *event) (status int, err error) {
	d.mu.Lock()
	e.attempts++
	d.mu.Unlock()
	status, err = d.Post(e.body, Sign(d.opts.Secret, d.opts.Clock(), e.body))
	if status >= 200 && status < 300 {
		d.mu.Lock()
		e.delivered = true
		d.mu.Unlock()
	}
	return status, err
}

// deliverNow makes the first attempt of each, in turn, before it returns.
func (d *Double) deliverNow(events []*event) {
	for _, e := range events {
		d.try(e, 1)
	}
}

// deliverSoon makes the first attempts without keeping anybody waiting.
func (d *Double) deliverSoon(events []*event) {
	for _, e := range events {
		d.after(0, func() { d.try(e, 1) })
	}
}

// try makes the nth attempt and schedules the next if it failed.
func (d *Double) try(e *event, n int) {
	d.mu.Lock()
	skip := d.held || !e.wanted || d.webhookURL == "" || e.delivered
	d.mu.Unlock()
	if skip {
		return
	}
	status, err := d.attempt(e)
	if err == nil && status >= 200 && status < 300 {
		return
	}
	d.log.Warn("webhook not taken", "event", e.id, "type", e.kind, "attempt", n, "status", status, "error", err)
	if n < mostAttempts {
		d.after(retryDelay(n), func() { d.try(e, n+1) })
	}
}

// retryDelay is the wait after the nth failed attempt.
func retryDelay(n int) time.Duration {
	delay := firstRetry
	for range n - 1 {
		if delay *= 4; delay >= longestRetry {
			return longestRetry
		}
	}
	return delay
}

// after runs f after a delay unless the Double is closed by then; Close waits
// for one that has begun.
func (d *Double) after(delay time.Duration, f func()) {
	run := func() {
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			return
		}
		d.running.Add(1)
		d.mu.Unlock()
		defer d.running.Done()
		f()
	}
	if d.opts.Schedule != nil {
		d.opts.Schedule(delay, run)
		return
	}
	time.AfterFunc(delay, run)
}
