package stripedouble

import (
	"encoding/json"
	"fmt"
)

// The objects are kept as they are answered; what Stripe keeps to itself is in
// the unexported fields. Fields this service never uses and that Stripe would
// answer as null are left out, which stripe-go reads alike.

// Session states, and whether it was paid.
const (
	statusOpen     = "open"
	statusComplete = "complete"
	statusExpired  = "expired"

	unpaid = "unpaid"
	paid   = "paid"

	succeeded = "succeeded"
)

type checkoutSession struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	AmountSubtotal     int64             `json:"amount_subtotal"` // pence
	AmountTotal        int64             `json:"amount_total"`    // pence
	CancelURL          *string           `json:"cancel_url"`
	ClientReferenceID  *string           `json:"client_reference_id"`
	Created            int64             `json:"created"`
	Currency           string            `json:"currency"`
	Customer           *string           `json:"customer"`
	CustomerDetails    *customerDetails  `json:"customer_details"`
	CustomerEmail      *string           `json:"customer_email"`
	ExpiresAt          int64             `json:"expires_at"`
	LineItems          *list[lineItem]   `json:"line_items,omitempty"` // only when expanded
	Livemode           bool              `json:"livemode"`
	Locale             *string           `json:"locale"`
	Metadata           map[string]string `json:"metadata"`
	Mode               string            `json:"mode"`
	PaymentIntent      any               `json:"payment_intent"` // null until paid; id, or object when expanded
	PaymentMethodTypes []string          `json:"payment_method_types"`
	PaymentStatus      string            `json:"payment_status"`
	Status             string            `json:"status"`
	SuccessURL         string            `json:"success_url"`
	TotalDetails       totalDetails      `json:"total_details"`
	UIMode             string            `json:"ui_mode"`
	URL                *string           `json:"url"` // null once closed

	lines             []lineItem
	intentMetadata    map[string]string
	intentDescription *string
	intent            *paymentIntent // nil until paid
}

// customerDetails is what the payer typed; the stand-in asks for nothing.
type customerDetails struct {
	Email *string `json:"email"`
	Name  *string `json:"name"`
}

type totalDetails struct {
	AmountDiscount int64 `json:"amount_discount"`
	AmountShipping int64 `json:"amount_shipping"`
	AmountTax      int64 `json:"amount_tax"`
}

type lineItem struct {
	ID             string `json:"id"`
	Object         string `json:"object"`
	AmountSubtotal int64  `json:"amount_subtotal"` // pence
	AmountTotal    int64  `json:"amount_total"`    // pence
	Currency       string `json:"currency"`
	Description    string `json:"description"`
	Quantity       int64  `json:"quantity"`
}

type paymentIntent struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	Amount             int64             `json:"amount"` // pence
	AmountCapturable   int64             `json:"amount_capturable"`
	AmountReceived     int64             `json:"amount_received"`
	CaptureMethod      string            `json:"capture_method"`
	ClientSecret       string            `json:"client_secret"`
	ConfirmationMethod string            `json:"confirmation_method"`
	Created            int64             `json:"created"`
	Currency           string            `json:"currency"`
	Customer           *string           `json:"customer"`
	Description        *string           `json:"description"`
	LatestCharge       any               `json:"latest_charge"` // id, or object when expanded
	Livemode           bool              `json:"livemode"`
	Metadata           map[string]string `json:"metadata"`
	PaymentMethod      string            `json:"payment_method"`
	PaymentMethodTypes []string          `json:"payment_method_types"`
	Status             string            `json:"status"`

	charge *charge
}

type charge struct {
	ID             string            `json:"id"`
	Object         string            `json:"object"`
	Amount         int64             `json:"amount"` // pence
	AmountCaptured int64             `json:"amount_captured"`
	AmountRefunded int64             `json:"amount_refunded"`
	Captured       bool              `json:"captured"`
	Created        int64             `json:"created"`
	Currency       string            `json:"currency"`
	Disputed       bool              `json:"disputed"`
	Livemode       bool              `json:"livemode"`
	Metadata       map[string]string `json:"metadata"`
	Paid           bool              `json:"paid"`
	PaymentIntent  string            `json:"payment_intent"`
	PaymentMethod  string            `json:"payment_method"`
	Refunded       bool              `json:"refunded"` // all of it
	Status         string            `json:"status"`
}

type refund struct {
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	Amount        int64             `json:"amount"` // pence
	Charge        any               `json:"charge"` // id, or object when expanded
	Created       int64             `json:"created"`
	Currency      string            `json:"currency"`
	Metadata      map[string]string `json:"metadata"`
	PaymentIntent any               `json:"payment_intent"` // id, or object when expanded
	Reason        *string           `json:"reason"`
	Status        string            `json:"status"`

	intent *paymentIntent
}

// list is Stripe's envelope for many.
type list[T any] struct {
	Object  string `json:"object"`
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"`
	URL     string `json:"url"`
}

// expanded are the fields a caller wants as objects instead of ids.
type expanded []string

func (e expanded) has(name string) bool {
	for _, s := range e {
		if s == name {
			return true
		}
	}
	return false
}

// view is the session as answered.
func (s *checkoutSession) view(e expanded) checkoutSession {
	v := *s
	if e.has("line_items") {
		v.LineItems = &list[lineItem]{Object: "list", Data: s.lines, URL: "/v1/checkout/sessions/" + s.ID + "/line_items"}
	}
	if s.intent != nil {
		v.PaymentIntent = s.intent.ID
		if e.has("payment_intent") || e.has("payment_intent.latest_charge") {
			v.PaymentIntent = s.intent.view(e.has("payment_intent.latest_charge"))
		}
	}
	return v
}

// view is the intent as answered, with its charge as an object if wanted.
func (p *paymentIntent) view(withCharge bool) paymentIntent {
	v := *p
	v.LatestCharge = p.charge.ID
	if withCharge {
		v.LatestCharge = *p.charge
	}
	return v
}

// view is the refund as answered.
func (r *refund) view(e expanded) refund {
	v := *r
	v.PaymentIntent, v.Charge = r.intent.ID, r.intent.charge.ID
	if e.has("payment_intent") {
		v.PaymentIntent = r.intent.view(false)
	}
	if e.has("charge") {
		v.Charge = *r.intent.charge
	}
	return v
}

// render is an object as bytes. It is called under the lock, so the bytes are
// one moment's state and what is stored for a replay is what was sent.
func render(object any) []byte {
	b, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		panic(err) // impossible: only our own types
	}
	return append(b, '\n')
}

// pounds writes pence for people, from integers alone.
func pounds(pence int64) string {
	return fmt.Sprintf("£%d.%02d", pence/100, pence%100)
}
