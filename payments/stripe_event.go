package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The refusals of a notice.
var (
	ErrSignature = shortbreaks.NewError(shortbreaks.Malformed, "bad-signature", "This was not signed by Stripe for us, or too long ago")
	ErrEvent     = shortbreaks.NewError(shortbreaks.Malformed, "bad-stripe-event", "This is not an event of Stripe")
)

// signatureAge is how old a signature may be; an older one may be a replay.
const signatureAge = 5 * time.Minute

// StripeEventArgs is the job of handling one stored notice.
type StripeEventArgs struct {
	EventID string `json:"event_id"`
}

// Kind names the job.
func (StripeEventArgs) Kind() string { return "stripe_event" }

// StripeEventWorker works StripeEventArgs; cmd registers it.
type StripeEventWorker struct {
	river.WorkerDefaults[StripeEventArgs]
	DB *db.DB
}

// Work handles one notice.
func (w *StripeEventWorker) Work(ctx context.Context, job *river.Job[StripeEventArgs]) error {
	return HandleStripeEvent(ctx, w.DB, job.Args.EventID)
}

// notice is the part of an event that is kept: what a top-up is settled by,
// and nothing of the payer's name or address.
type notice struct {
	Session  string            `json:"session,omitempty"`
	TopUp    string            `json:"top_up,omitempty"`
	Intent   string            `json:"payment_intent,omitempty"`
	Amount   shortbreaks.Pence `json:"amount_pence,omitempty"`
	Currency string            `json:"currency,omitempty"`
	Paid     bool              `json:"paid,omitempty"`
}

// ReceiveStripeEvent takes a notice: its signature is checked before anything
// else, it is stored once, and a job to handle it is enqueued with it. A
// notice that came before is taken again and changes nothing.
func ReceiveStripeEvent(ctx context.Context, d *db.DB, st *Stripe, payload []byte, signature string) error {
	if err := webhook.ValidatePayloadIgnoringTolerance(payload, signature, st.cfg.WebhookSecret); err != nil {
		return ErrSignature
	}
	var event stripe.Event
	if err := json.Unmarshal(payload, &event); err != nil || event.ID == "" || event.Data == nil {
		return ErrEvent
	}
	object, kept, err := readNotice(&event)
	if err != nil {
		return ErrEvent
	}
	return d.Do(ctx, db.Scope{}, func(tx *db.Tx) error {
		// stripe-go would judge the age by the wall clock.
		if age := tx.Now.Sub(signedAt(signature)); age.Abs() > signatureAge {
			return ErrSignature
		}
		tag, err := tx.PGX.Exec(ctx, `INSERT INTO stripe_event (id, type, object_id, payload, received_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO NOTHING`, event.ID, string(event.Type), object, kept, tx.Now)
		if err != nil {
			return fmt.Errorf("store Stripe event: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return nil
		}
		return tx.Enqueue(ctx, StripeEventArgs{EventID: event.ID}, nil)
	})
}

// signedAt is the time in a signature header that has been found valid.
func signedAt(signature string) time.Time {
	for part := range strings.SplitSeq(signature, ",") {
		if seconds, ok := strings.CutPrefix(strings.TrimSpace(part), "t="); ok {
			n, _ := strconv.ParseInt(seconds, 10, 64) // a bad number would not have been signed
			return time.Unix(n, 0)
		}
	}
	return time.Time{}
}

func readNotice(event *stripe.Event) (object string, kept notice, err error) {
	if !strings.HasPrefix(string(event.Type), "checkout.session.") {
		object, _ = event.Data.Object["id"].(string)
		return object, notice{}, nil
	}
	var s stripe.CheckoutSession
	if err := json.Unmarshal(event.Data.Raw, &s); err != nil {
		return "", notice{}, err
	}
	kept = notice{
		Session: s.ID, TopUp: s.Metadata[topUpMetadata], Amount: shortbreaks.Pence(s.AmountTotal), Currency: string(s.Currency),
		Paid: s.PaymentStatus == stripe.CheckoutSessionPaymentStatusPaid,
	}
	if s.PaymentIntent != nil {
		kept.Intent = s.PaymentIntent.ID
	}
	return s.ID, kept, nil
}

// HandleStripeEvent settles what a stored notice is about, once. Notices that
// come twice or out of order end in the same state (T71).
func HandleStripeEvent(ctx context.Context, d *db.DB, eventID string) error {
	scope, err := d.System(ctx)
	if err != nil {
		return err
	}
	return d.Do(ctx, scope, func(tx *db.Tx) error {
		var kind string
		var n notice
		var handled *time.Time
		err := tx.PGX.QueryRow(ctx, `SELECT type, payload, handled_at FROM stripe_event WHERE id = $1 FOR UPDATE`, eventID).Scan(&kind, &n, &handled)
		if err != nil {
			return fmt.Errorf("read Stripe event %s: %w", eventID, err)
		}
		if handled != nil {
			return nil
		}
		outcome, err := settleNotice(ctx, tx, kind, n)
		if err != nil {
			return err
		}
		if strings.HasPrefix(outcome, string(TopUpReview)) {
			slog.WarnContext(ctx, "a card payment needs a person to look at it", "event", eventID, "outcome", outcome)
		}
		_, err = tx.PGX.Exec(ctx, `UPDATE stripe_event SET handled_at = $2, outcome = $3 WHERE id = $1`, eventID, tx.Now, outcome)
		return err
	})
}

// settleNotice moves the top-up a notice is about and says what came of it.
func settleNotice(ctx context.Context, tx *db.Tx, kind string, n notice) (outcome string, err error) {
	next := map[string]TopUpState{
		"checkout.session.completed":               TopUpSucceeded,
		"checkout.session.async_payment_succeeded": TopUpSucceeded,
		"checkout.session.async_payment_failed":    TopUpFailed,
		"checkout.session.expired":                 TopUpExpired,
	}[kind]
	switch {
	case next == "":
		return "ignored", nil
	case next == TopUpSucceeded && !n.Paid:
		return "unpaid so far", nil // the money comes, or not, with a later notice
	}
	top, err := lockTopUp(ctx, tx, n.TopUp)
	if err != nil {
		return "", err
	}
	if top == nil {
		return "review: no such top-up", nil
	}
	outcome = string(next)
	if next == TopUpSucceeded {
		fault, err := misfit(ctx, tx, top, n)
		if err != nil {
			return "", err
		}
		if fault != "" {
			next, outcome = TopUpReview, "review: "+fault
		}
	}
	if next != TopUpSucceeded && next != TopUpReview && top.session != "" && top.session != n.Session {
		return "ignored: of another checkout", nil
	}
	if !top.State.canBecome(next) {
		return outcome, nil
	}
	if next == TopUpSucceeded {
		if err := postTopUp(ctx, tx, top); err != nil {
			return "", err
		}
		top.intent = n.Intent
	}
	return outcome, moveTopUp(ctx, tx, top, next)
}

// lockTopUp finds a top-up by id in whichever authority it is; nil if none.
func lockTopUp(ctx context.Context, tx *db.Tx, id string) (*TopUp, error) {
	known, err := uuid.Parse(id)
	if err != nil {
		return nil, nil //nolint:nilerr // a notice that names no top-up is about none of ours
	}
	top, err := scanTopUp(tx.PGX.QueryRow(ctx, `SELECT `+topUpColumns+` FROM top_up WHERE id = $1 FOR NO KEY UPDATE`, known))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lock top-up %s: %w", known, err)
	}
	return top, nil
}

// misfit says why a payment is not the one this top-up asked for; "" if it is.
func misfit(ctx context.Context, tx *db.Tx, top *TopUp, n notice) (string, error) {
	switch {
	case n.Amount != top.AmountPence:
		return "the amount differs", nil
	case n.Currency != pounds:
		return "the currency differs", nil
	case n.Intent == "":
		return "it names no payment", nil
	case top.session != "" && top.session != n.Session:
		return "it is of another checkout", nil
	case top.intent != "" && top.intent != n.Intent:
		return "it is another payment", nil
	}
	var taken bool
	err := tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM top_up WHERE payment_intent_id = $1 AND id <> $2)`, n.Intent, top.ID).Scan(&taken)
	if err != nil {
		return "", fmt.Errorf("look up payment: %w", err)
	}
	if taken {
		return "the payment belongs to another top-up", nil
	}
	return "", nil
}

// postTopUp: the money is at Stripe, and the family's.
func postTopUp(ctx context.Context, tx *db.Tx, top *TopUp) error {
	ids, err := EnsureAccounts(ctx, tx, []AccountKey{
		{Authority: top.Authority, Kind: CardClearing, Unit: InPence},
		{Authority: top.Authority, Kind: TopUpMoney, Unit: InPence, Child: &top.Child},
	})
	if err != nil {
		return err
	}
	posted, err := Post(ctx, tx, []Posting{{
		Authority: top.Authority, Kind: KindTopUp, Source: top.ID,
		Entries: []Entry{{ids[0], InPence, -int64(top.AmountPence)}, {ids[1], InPence, int64(top.AmountPence)}},
	}})
	if err == nil && !posted[0] {
		err = fmt.Errorf("top-up %s is %s but was posted", top.ID, top.State)
	}
	return err
}

func moveTopUp(ctx context.Context, tx *db.Tx, top *TopUp, next TopUpState) error {
	var intent *string
	if top.intent != "" {
		intent = &top.intent
	}
	tag, err := tx.PGX.Exec(ctx, `UPDATE top_up SET state = $3, payment_intent_id = $4, settled_at = $5 WHERE authority_id = $1 AND id = $2 AND state = $6`,
		top.Authority, top.ID, string(next), intent, tx.Now, string(top.State))
	if err != nil {
		return fmt.Errorf("settle top-up %s: %w", top.ID, err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("settle top-up %s: it moved meanwhile", top.ID)
	}
	return nil
}
