package stripedouble

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Stripe's limits for a Checkout Session.
const (
	shortestLife = 30 * time.Minute
	longestLife  = 24 * time.Hour
	leastTotal   = 30         // pence
	mostTotal    = 99_999_999 // pence: eight digits
	mostLines    = 100
	currency     = "gbp"
)

// sessionPlaceholder in a success address becomes the session's id.
const sessionPlaceholder = "{CHECKOUT_SESSION_ID}"

// errNotOpen is given where only an open session will do.
var errNotOpen = errors.New("there is no open session of this id")

// createSession reads POST /v1/checkout/sessions.
func (d *Double) createSession(p *params, _ string, now time.Time) work {
	s := checkoutSession{
		Object: "checkout.session", Currency: currency, PaymentStatus: unpaid, Status: statusOpen, UIMode: "hosted",
		Created: now.Unix(), PaymentMethodTypes: []string{"card"},
	}
	if s.Mode = p.need("mode", 100); s.Mode != "payment" {
		p.refuse(invalid("", "mode", "Only mode 'payment' is known here."))
	}
	if url := p.address("success_url"); url != nil {
		s.SuccessURL = *url
	} else {
		p.refuse(invalid("parameter_missing", "success_url", "Missing required param: success_url."))
	}
	s.CancelURL = p.address("cancel_url")
	s.ClientReferenceID = p.text("client_reference_id", 200)
	s.Locale = p.text("locale", 10)
	s.Metadata = p.metadata("metadata")
	s.intentMetadata = p.metadata("payment_intent_data[metadata]")
	s.intentDescription = p.text("payment_intent_data[description]", 1000)
	p.list("payment_method_types", "card")
	s.ExpiresAt = p.expiry(now)
	s.lines, s.AmountTotal = p.lines()
	s.AmountSubtotal = s.AmountTotal
	return func(c call) (any, *apiError) {
		made := s
		made.ID = newID("cs_test_a1", 56)
		url := d.publicURL + "/pay/" + made.ID
		made.URL = &url
		d.sessions[made.ID] = &made
		return made.view(c.expand), nil
	}
}

// expiry reads expires_at, 24 hours ahead if absent.
func (p *params) expiry(now time.Time) int64 {
	at := p.integer("expires_at", 0)
	if at == nil {
		return now.Add(longestLife).Unix()
	}
	if *at < now.Add(shortestLife).Unix() || *at > now.Add(longestLife).Unix() {
		p.refuse(invalid("", "expires_at", "'expires_at' must be 30 minutes to 24 hours after the session is made."))
	}
	return *at
}

// lines reads line_items and their total in pence.
func (p *params) lines() (lines []lineItem, total int64) {
	for i := 0; i < mostLines && p.anyUnder(fmt.Sprintf("line_items[%d][", i)); i++ {
		line := p.line(fmt.Sprintf("line_items[%d]", i))
		total += line.AmountTotal
		lines = append(lines, line)
	}
	switch {
	case len(lines) == 0:
		p.refuse(invalid("parameter_missing", "line_items", "Missing required param: line_items."))
	case total < leastTotal:
		p.refuse(invalid("amount_too_small", "", "The total must be at least "+pounds(leastTotal)+"."))
	case total > mostTotal:
		p.refuse(invalid("amount_too_large", "", "The total must be at most "+pounds(mostTotal)+"."))
	}
	return lines, total
}

func (p *params) line(at string) lineItem {
	price := at + "[price_data]"
	line := lineItem{ID: newID("li_", 24), Object: "item", Currency: currency}
	if c := p.need(price+"[currency]", 10); c != currency {
		p.refuse(invalid("", price+"[currency]", "Invalid currency: "+c+". Only gbp is known here."))
	}
	amount := p.needInteger(price+"[unit_amount]", 0)
	line.Description = p.need(price+"[product_data][name]", 250)
	p.text(price+"[product_data][description]", 500)
	line.Quantity = p.needInteger(at+"[quantity]", 1)
	// Bounded before multiplying, so a total can never wrap round to a small one.
	if amount > mostTotal || line.Quantity > mostTotal {
		p.refuse(invalid("amount_too_large", price+"[unit_amount]", "Amounts have at most eight digits."))
		return line
	}
	line.AmountSubtotal = amount * line.Quantity
	line.AmountTotal = line.AmountSubtotal
	return line
}

// getSession reads GET /v1/checkout/sessions/{id}.
func (d *Double) getSession(_ *params, id string, _ time.Time) work {
	return func(c call) (any, *apiError) {
		s := d.session(id, c)
		if s == nil {
			return nil, noSuch("checkout.session", "session", id)
		}
		return s.view(c.expand), nil
	}
}

// expireSession reads POST /v1/checkout/sessions/{id}/expire.
func (d *Double) expireSession(_ *params, id string, _ time.Time) work {
	return func(c call) (any, *apiError) {
		s := d.session(id, c)
		if s == nil {
			return nil, noSuch("checkout.session", "session", id)
		}
		if s.Status != statusOpen {
			return nil, invalid("", "", "Only an open Checkout Session can be expired; this one is "+s.Status+".")
		}
		d.lapse(s, c)
		return s.view(c.expand), nil
	}
}

// session finds a session, expired first if its time has come. The caller
// holds the lock.
func (d *Double) session(id string, c call) *checkoutSession {
	s := d.sessions[id]
	if s != nil && s.Status == statusOpen && c.now.Unix() >= s.ExpiresAt {
		d.lapse(s, call{now: c.now}) // by time, not by this request
	}
	return s
}

// lapse ends an open session unpaid. The caller holds the lock.
func (d *Double) lapse(s *checkoutSession, c call) {
	s.Status, s.URL = statusExpired, nil
	d.emit("checkout.session.expired", s.view(nil), c)
}

// lapseDue expires every session whose time has come, as Stripe does without
// being asked. The caller holds the lock.
func (d *Double) lapseDue(c call) {
	for id := range d.sessions {
		d.session(id, c)
	}
}

// pay is the payer paying: intent, charge and events appear together, once.
// It answers where the payer goes next, after the first delivery of each.
func (d *Double) pay(id string) (next string, err error) {
	made := d.change(func(now time.Time) {
		c := call{now: now}
		s := d.session(id, c)
		if s == nil || s.Status != statusOpen {
			err = fmt.Errorf("pay %s: %w", id, errNotOpen)
			return
		}
		d.settle(s, c)
		next = s.returnAddress()
	})
	d.deliverNow(made)
	return next, err
}

// settle makes an open session a paid one. The caller holds the lock.
func (d *Double) settle(s *checkoutSession, c call) {
	ch := &charge{
		ID: newID("ch_", 24), Object: "charge", Amount: s.AmountTotal, AmountCaptured: s.AmountTotal, Captured: true,
		Created: c.now.Unix(), Currency: currency, Metadata: s.intentMetadata, Paid: true,
		PaymentMethod: newID("pm_", 24), Status: succeeded,
	}
	pi := &paymentIntent{
		ID: newID("pi_", 24), Object: "payment_intent", Amount: s.AmountTotal, AmountReceived: s.AmountTotal,
		CaptureMethod: "automatic", ConfirmationMethod: "automatic", Created: c.now.Unix(), Currency: currency,
		Description: s.intentDescription, Metadata: s.intentMetadata, PaymentMethod: ch.PaymentMethod,
		PaymentMethodTypes: s.PaymentMethodTypes, Status: succeeded, charge: ch,
	}
	pi.ClientSecret = pi.ID + newID("_secret_", 24)
	ch.PaymentIntent = pi.ID
	d.intents[pi.ID] = pi
	s.intent, s.Status, s.PaymentStatus, s.URL = pi, statusComplete, paid, nil
	s.CustomerDetails = &customerDetails{}
	d.emit("payment_intent.succeeded", pi.view(false), c)
	d.emit("checkout.session.completed", s.view(nil), c)
}

func (s *checkoutSession) returnAddress() string {
	return strings.ReplaceAll(s.SuccessURL, sessionPlaceholder, s.ID)
}
