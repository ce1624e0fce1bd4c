package stripedouble

import (
	"crypto/subtle"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// bodyLimit is the largest request read, in bytes.
const bodyLimit = 1 << 20

// call is one request at work, under the lock.
type call struct {
	now       time.Time
	requestID string
	key       string
	expand    expanded
}

// work changes or reads state under the lock and answers an object.
type work func(c call) (any, *apiError)

// endpoint reads parameters outside the lock. A refusal here means the work
// never began, so the Idempotency-Key is not spent.
type endpoint struct {
	expand []string // fields that may be expanded
	read   func(p *params, id string, now time.Time) work
}

func (d *Double) routes() *http.ServeMux {
	mux := http.NewServeMux()
	session := []string{"line_items", "payment_intent", "payment_intent.latest_charge"}
	mux.HandleFunc("POST /v1/checkout/sessions", d.serve(endpoint{session, d.createSession}))
	mux.HandleFunc("GET /v1/checkout/sessions/{id}", d.serve(endpoint{session, d.getSession}))
	mux.HandleFunc("POST /v1/checkout/sessions/{id}/expire", d.serve(endpoint{session, d.expireSession}))
	mux.HandleFunc("GET /v1/payment_intents/{id}", d.serve(endpoint{[]string{"latest_charge"}, d.getIntent}))
	mux.HandleFunc("POST /v1/refunds", d.serve(endpoint{[]string{"payment_intent", "charge"}, d.createRefund}))
	mux.HandleFunc("GET /v1/refunds/{id}", d.serve(endpoint{[]string{"payment_intent", "charge"}, d.getRefund}))
	mux.HandleFunc("GET /v1/events", d.serve(endpoint{nil, d.listEvents}))
	mux.HandleFunc("GET /v1/events/{id}", d.serve(endpoint{nil, d.getEvent}))
	mux.HandleFunc("/v1/", d.serve(endpoint{nil, nil}))
	d.pageRoutes(mux)
	return mux
}

// serve is the door to an endpoint: journal, key, version, form, faults,
// idempotency, then the work.
func (d *Double) serve(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, tooLong := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		entry := d.record(r, body)
		if tooLong != nil {
			d.refuse(w, entry, invalid("", "", "The request body could not be read, or is too long."))
			return
		}
		if refusal := d.door(r, entry, e.read == nil); refusal != nil {
			d.refuse(w, entry, refusal)
			return
		}
		key := ""
		if r.Method == http.MethodPost {
			key = r.Header.Get("Idempotency-Key")
		}
		if len(key) > 255 {
			d.refuse(w, entry, invalid("", "", "An Idempotency-Key has at most 255 characters."))
			return
		}
		if key != "" {
			request := r.Method + " " + r.URL.Path + "?" + entry.Params.Encode()
			earlier, refusal := d.claim(key, request, entry.ID, entry.At)
			switch {
			case refusal != nil:
				d.refuse(w, entry, refusal)
				return
			case earlier != nil:
				w.Header().Set("Idempotent-Replayed", "true")
				w.Header().Set("Original-Request", earlier.first)
				d.answer(w, entry, earlier.status, earlier.body, true)
				return
			}
		}
		d.perform(w, r, e, entry, key)
	}
}

// perform reads the parameters, does the work and keeps the answer.
func (d *Double) perform(w http.ResponseWriter, r *http.Request, e endpoint, entry *Request, key string) {
	p := newParams(entry.Params)
	expand := p.list("expand", e.expand...)
	do := e.read(p, r.PathValue("id"), entry.At)
	if refusal := p.refusal(); refusal != nil {
		d.forget(key)
		d.refuse(w, entry, refusal)
		return
	}
	d.waitWhileStalled()
	status, body := d.run(do, call{requestID: entry.ID, key: key, expand: expand})
	d.answer(w, entry, status, body, false)
}

// run does the work and stores its answer under the key in one step, then has
// the events it caused sent.
func (d *Double) run(do work, c call) (status int, body []byte) {
	made := d.change(func(now time.Time) {
		c.now = now // a stalled call works later than it came
		object, refusal := any(nil), d.faults.late()
		if refusal == nil {
			object, refusal = do(c)
		}
		status = http.StatusOK
		if refusal != nil {
			status, object = refusal.status, envelope{refusal}
		}
		body = render(object)
		d.keep(c.key, status, body)
	})
	d.deliverSoon(made)
	return status, body
}

// change runs f alone, at one moment, and answers the events it made. They are
// delivered by the caller, without the lock: the receiver may call back.
func (d *Double) change(f func(now time.Time)) (made []*event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.events)
	f(d.opts.Clock())
	return slices.Clone(d.events[before:])
}

// door refuses what Stripe refuses before looking at parameters.
func (d *Double) door(r *http.Request, entry *Request, unknown bool) *apiError {
	key, _, basic := r.BasicAuth()
	if !basic {
		key = bearer(r)
	}
	if subtle.ConstantTimeCompare([]byte(key), []byte(d.opts.APIKey)) != 1 {
		return &apiError{status: http.StatusUnauthorized, Type: typeInvalid, Message: "No valid API key was given."}
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != APIVersion {
		return invalid("", "", "Only API version "+APIVersion+" is spoken here.")
	}
	if r.Header.Get("Stripe-Account") != "" {
		return &apiError{
			status: http.StatusForbidden, Type: typeInvalid, Code: "account_invalid",
			Message: "There are no connected accounts here.",
		}
	}
	if unknown {
		return &apiError{
			status: http.StatusNotFound, Type: typeInvalid,
			Message: "Unrecognized request URL (" + r.Method + ": " + r.URL.Path + ").",
		}
	}
	if entry.malformed {
		return invalid("", "", "Parameters must be form encoded (application/x-www-form-urlencoded).")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults.early()
}

func bearer(r *http.Request) string {
	const scheme = "Bearer "
	h := r.Header.Get("Authorization")
	if len(h) < len(scheme) || h[:len(scheme)] != scheme {
		return ""
	}
	return h[len(scheme):]
}

// parameters are those of the query and of a form body together.
func parameters(r *http.Request, body []byte) (values url.Values, ok bool) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return values, false
	}
	if len(body) == 0 {
		return values, true
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != formType {
		return values, false
	}
	form, err := url.ParseQuery(string(body))
	for name, all := range form {
		values[name] = append(values[name], all...)
	}
	return values, err == nil
}

const formType = "application/x-www-form-urlencoded"

func (d *Double) refuse(w http.ResponseWriter, entry *Request, e *apiError) {
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Stripe"`)
	}
	d.answer(w, entry, e.status, render(envelope{e}), false)
}

// answer writes the reply, or loses it on purpose when a test asked for that.
func (d *Double) answer(w http.ResponseWriter, entry *Request, status int, body []byte, replayed bool) {
	d.mu.Lock()
	entry.Status, entry.Replayed = status, replayed
	entry.Lost = d.faults.lose()
	lost := entry.Lost
	d.mu.Unlock()
	d.log.Info("stripe stand-in", "request", entry.ID, "method", entry.Method, "path", entry.Path,
		"status", status, "replayed", replayed, "lost", lost)

	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Request-Id", entry.ID)
	h.Set("Stripe-Version", APIVersion)
	if entry.IdempotencyKey != "" {
		h.Set("Idempotency-Key", entry.IdempotencyKey)
	}
	w.WriteHeader(status)
	if lost {
		// Part of the reply is sent before the cut: an HTTP client that has seen
		// nothing may quietly send a keyed request again, and the test would
		// never meet the lost answer.
		_, _ = w.Write(body[:1])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body) // a caller that has gone away asks again with its key
}
