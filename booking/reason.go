package booking

import (
	"context"
	"fmt"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// ErrAskFirst says that a rule wants a practitioner's yes.
var ErrAskFirst = shortbreaks.NewError(shortbreaks.Conflict, "ask-first", "A practitioner has to agree to this first")

// QuotedReason is why a charge may be paid from the budget, or not, as it was
// when it was quoted. It stays with the booking, whatever becomes of the rule
// (R091, L18).
type QuotedReason struct {
	Verdict string         `json:"verdict"` // one of the Verdict constants
	Rule    string         `json:"rule"`
	Version int            `json:"version"`
	Facts   []budgets.Fact `json:"facts"`
}

func quotedReason(r budgets.Reason) *QuotedReason {
	return &QuotedReason{Verdict: r.Verdict, Rule: r.Rule, Version: r.Version, Facts: r.Facts}
}

// VerdictOf is a charge's verdict; quotes made before there were rules have
// that of the plan alone.
func (c QuotedCharge) VerdictOf() string {
	switch {
	case c.Reason != nil:
		return c.Reason.Verdict
	case c.Allowed:
		return VerdictAllowed
	}
	return VerdictNotAllowed
}

// noteAsk keeps what has to be agreed to before the quote is booked. A
// practitioner who asks for the quote agrees by it, and that is a fact of it.
func (q *Quote) noteAsk(who shortbreaks.Actor) {
	for i := range q.Document.Items {
		for j := range q.Document.Items[i].Charges {
			c := &q.Document.Items[i].Charges[j]
			switch {
			case c.Reason == nil || c.Reason.Verdict != VerdictAsk:
			case who.Is(shortbreaks.Practitioner):
				c.Reason.Verdict = VerdictAllowed
				c.Reason.Facts = append(c.Reason.Facts, budgets.Fact{Name: "agreed_by", Value: "practitioner"})
			case q.Document.Ask == "":
				q.Document.Ask = c.Because
			}
		}
	}
}

// ChargeReason is why a charge of a booking was allowed when it was booked.
type ChargeReason struct {
	QuotedReason
	Because string
}

// explain reads from the quote of a booking why each charge was allowed, for
// those who may know the child's plan.
func (b *Booking) explain(ctx context.Context, tx *db.Tx) error {
	var doc QuoteDocument
	if err := tx.PGX.QueryRow(ctx, `SELECT document FROM quote WHERE authority_id = $1 AND id = $2`, b.AuthorityID, b.QuoteID).Scan(&doc); err != nil {
		return fmt.Errorf("read the quote of booking %s: %w", b.ID, err)
	}
	b.Advice = doc.Advice
	for _, it := range b.Items {
		if it.N >= len(doc.Items) {
			continue
		}
		for i := range it.Charges {
			it.Charges[i].Reason = chargeReason(doc.Items[it.N], it.Charges[i].N)
		}
	}
	return nil
}

func chargeReason(it QuotedItem, n int) *ChargeReason {
	for _, c := range it.Charges {
		if c.N == n && c.Reason != nil {
			return &ChargeReason{*c.Reason, c.Because}
		}
	}
	return nil
}
