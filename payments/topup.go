package payments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The refusals of a top-up.
var (
	ErrCardsUnavailable = shortbreaks.NewError(shortbreaks.Unavailable, "cards-unavailable", "Card payments cannot be reached; nothing was taken")
	ErrTopUpRefused     = shortbreaks.NewError(shortbreaks.Conflict, "top-up-refused", "The card service refused this top-up; nothing was taken")
)

// The least and most a card may be charged at once, as the contract says; well
// within Stripe's own limits.
const (
	leastTopUp shortbreaks.Pence = 1_00
	mostTopUp  shortbreaks.Pence = 1_000_00
)

// TopUpState is where a top-up is in its life.
type TopUpState string

// The states of a top-up. A later one is never overtaken by an earlier, in
// whatever order Stripe's notices come (T71).
const (
	TopUpPending   TopUpState = "pending" // Stripe has not answered yet
	TopUpOpen      TopUpState = "open"    // the payer may pay at CheckoutURL
	TopUpExpired   TopUpState = "expired"
	TopUpFailed    TopUpState = "failed"
	TopUpReview    TopUpState = "review"    // Stripe's notice does not fit; a person looks at it, nothing is posted
	TopUpSucceeded TopUpState = "succeeded" // posted
)

// canBecome reports whether a top-up in state s may still become next.
func (s TopUpState) canBecome(next TopUpState) bool {
	rank := map[TopUpState]int{TopUpPending: 0, TopUpOpen: 1, TopUpExpired: 2, TopUpFailed: 3, TopUpReview: 4, TopUpSucceeded: 5}
	return rank[next] > rank[s]
}

// TopUp is a family's own contribution for a child, paid by card.
type TopUp struct {
	Authority, ID, Child, Person uuid.UUID
	AmountPence                  shortbreaks.Pence
	State                        TopUpState
	CheckoutURL                  string // where the payer pays; "" until Stripe has answered
	CreatedAt                    time.Time
	SettledAt                    *time.Time

	hash    []byte
	session string // Stripe's ids
	intent  string
}

// NewTopUp asks for a top-up. Idem may be nil for a caller that repeats
// nothing.
type NewTopUp struct {
	ChildID     uuid.UUID
	AmountPence shortbreaks.Pence
	Idem        *shortbreaks.Idem
}

func (c NewTopUp) check(who shortbreaks.Actor) error {
	switch {
	case !who.Is(shortbreaks.Family):
		return shortbreaks.ErrForbidden
	case !who.ForChild(c.ChildID):
		return shortbreaks.ErrNotFound
	case c.AmountPence < leastTopUp || c.AmountPence > mostTopUp:
		return shortbreaks.ErrInvalid.At("/amount_pence", fmt.Sprintf("A card can pay from %s to %s at once.", leastTopUp, mostTopUp))
	}
	return nil
}

// CreateTopUp gives a family the address to pay at. It takes three steps, so
// that no transaction waits for Stripe: the row is written, Stripe is asked
// with the row's id as its idempotency key, the answer is stored. If it stops
// half-way, the same request resumes it. It answers the top-up, or, where an
// earlier request with the same key did the work, only that one's reply.
func CreateTopUp(ctx context.Context, d *db.DB, who shortbreaks.Actor, st *Stripe, c NewTopUp) (*TopUp, *shortbreaks.Reply, error) {
	if err := c.check(who); err != nil {
		return nil, nil, err
	}
	top, reply, err := beginTopUp(ctx, d, who, c)
	if err != nil || reply != nil {
		return nil, reply, err
	}
	var made checkout
	if top.session == "" {
		made, err = st.createCheckout(ctx, top)
		if errors.Is(err, ErrTopUpRefused) {
			return nil, nil, errors.Join(err, failTopUp(ctx, d, who, top))
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return finishTopUp(ctx, d, who, c, top, made)
}

// beginTopUp writes the pending row, or finds the one this request wrote
// before.
func beginTopUp(ctx context.Context, d *db.DB, who shortbreaks.Actor, c NewTopUp) (top *TopUp, reply *shortbreaks.Reply, err error) {
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		authority, err := authorityOfChild(ctx, tx, c.ChildID)
		if err != nil {
			return err
		}
		if reply, err = tx.Replay(ctx, authority, c.Idem); err != nil || reply != nil {
			return err
		}
		want := &TopUp{Authority: authority, ID: newID(), Child: c.ChildID, Person: who.Person, AmountPence: c.AmountPence, hash: []byte{}}
		key := want.ID.String()
		if c.Idem != nil {
			key, want.hash = c.Idem.Key, c.Idem.Hash
		}
		if top, err = insertTopUp(ctx, tx, want, key); err != nil {
			return err
		}
		if !bytes.Equal(top.hash, want.hash) || top.Child != want.Child || top.AmountPence != want.AmountPence {
			return shortbreaks.ErrKeyReused
		}
		if top.State == TopUpFailed {
			return ErrTopUpRefused
		}
		return nil
	})
	return top, reply, err
}

// authorityOfChild is the authority in the caller's scope that has the child.
func authorityOfChild(ctx context.Context, tx *db.Tx, child uuid.UUID) (authority uuid.UUID, err error) {
	err = tx.PGX.QueryRow(ctx, `SELECT authority_id FROM child WHERE id = $1`, child).Scan(&authority)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, shortbreaks.ErrNotFound
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find child: %w", err)
	}
	return authority, nil
}

const topUpColumns = `authority_id, id, child_id, person_id, amount_pence, state, request_hash,
	coalesce(checkout_session_id, ''), coalesce(checkout_url, ''), coalesce(payment_intent_id, ''), created_at, settled_at`

func scanTopUp(row pgx.Row) (*TopUp, error) {
	t := new(TopUp)
	err := row.Scan(&t.Authority, &t.ID, &t.Child, &t.Person, &t.AmountPence, &t.State, &t.hash,
		&t.session, &t.CheckoutURL, &t.intent, &t.CreatedAt, &t.SettledAt)
	return t, err
}

// insertTopUp writes the row unless this person has written one with this key,
// and reads whichever there is.
func insertTopUp(ctx context.Context, tx *db.Tx, t *TopUp, key string) (*TopUp, error) {
	_, err := tx.PGX.Exec(ctx, `INSERT INTO top_up (authority_id, id, child_id, person_id, amount_pence, state, idempotency_key, request_hash, created_at)
		VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8) ON CONFLICT (authority_id, person_id, idempotency_key) DO NOTHING`,
		t.Authority, t.ID, t.Child, t.Person, t.AmountPence, key, t.hash, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("write top-up: %w", err)
	}
	row, err := scanTopUp(tx.PGX.QueryRow(ctx, `SELECT `+topUpColumns+` FROM top_up
		WHERE authority_id = $1 AND person_id = $2 AND idempotency_key = $3`, t.Authority, t.Person, key))
	if err != nil {
		return nil, fmt.Errorf("read top-up: %w", err)
	}
	return row, nil
}

// finishTopUp stores what Stripe answered and keeps the reply. A notice may
// have come first; then only the address is added.
func finishTopUp(ctx context.Context, d *db.DB, who shortbreaks.Actor, c NewTopUp, top *TopUp, made checkout) (*TopUp, *shortbreaks.Reply, error) {
	var reply *shortbreaks.Reply
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) (err error) {
		// Another request with this key may have been as far; the first to
		// lock it has answered.
		if reply, err = tx.Replay(ctx, top.Authority, c.Idem); err != nil || reply != nil {
			return err
		}
		if made.session != "" {
			top, err = scanTopUp(tx.PGX.QueryRow(ctx, `UPDATE top_up SET checkout_session_id = $3, checkout_url = $4,
					state = CASE state WHEN 'pending' THEN 'open' ELSE state END
				WHERE authority_id = $1 AND id = $2 AND coalesce(checkout_session_id, $3) = $3
				RETURNING `+topUpColumns, top.Authority, top.ID, made.session, made.url))
			if err != nil {
				return fmt.Errorf("store checkout of top-up: %w", err)
			}
		}
		reply, err = tx.Keep(ctx, top.Authority, c.Idem, top)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if reply != nil && reply.Replayed {
		return nil, reply, nil
	}
	return top, reply, nil
}

// failTopUp ends a top-up Stripe will not take, whatever is tried again.
func failTopUp(ctx context.Context, d *db.DB, who shortbreaks.Actor, top *TopUp) error {
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE top_up SET state = 'failed', settled_at = $3
			WHERE authority_id = $1 AND id = $2 AND state = 'pending'`, top.Authority, top.ID, tx.Now)
		return err
	})
}
