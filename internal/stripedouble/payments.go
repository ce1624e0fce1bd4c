package stripedouble

import "time"

// getIntent reads GET /v1/payment_intents/{id}.
func (d *Double) getIntent(_ *params, id string, _ time.Time) work {
	return func(c call) (any, *apiError) {
		pi := d.intents[id]
		if pi == nil {
			return nil, noSuch("payment_intent", "intent", id)
		}
		return pi.view(c.expand.has("latest_charge")), nil
	}
}

// createRefund reads POST /v1/refunds. Without an amount it is all that is
// left. What was refunded is checked and counted under one lock, so refunds
// that race never sum to more than was paid.
func (d *Double) createRefund(p *params, _ string, _ time.Time) work {
	id := p.need("payment_intent", 100)
	amount := p.integer("amount", 1)
	reason := p.oneOf("reason", "duplicate", "fraudulent", "requested_by_customer")
	metadata := p.metadata("metadata")
	return func(c call) (any, *apiError) {
		pi := d.intents[id]
		if pi == nil {
			return nil, noSuch("payment_intent", "payment_intent", id)
		}
		left := pi.charge.Amount - pi.charge.AmountRefunded
		want := left
		if amount != nil {
			want = *amount
		}
		switch {
		case left == 0:
			return nil, invalid("charge_already_refunded", "", "Charge "+pi.charge.ID+" has already been refunded.")
		case want > left:
			return nil, invalid("", "amount", "A refund of "+pounds(want)+" is more than the "+pounds(left)+" not yet refunded.")
		}
		r := &refund{
			ID: newID("re_", 24), Object: "refund", Amount: want, Created: c.now.Unix(), Currency: currency,
			Metadata: metadata, Reason: reason, Status: succeeded, intent: pi,
		}
		d.refunds[r.ID] = r
		pi.charge.AmountRefunded += want
		pi.charge.Refunded = pi.charge.AmountRefunded == pi.charge.Amount
		d.emit("charge.refunded", *pi.charge, c)
		return r.view(c.expand), nil
	}
}

// getRefund reads GET /v1/refunds/{id}.
func (d *Double) getRefund(_ *params, id string, _ time.Time) work {
	return func(c call) (any, *apiError) {
		r := d.refunds[id]
		if r == nil {
			return nil, noSuch("refund", "refund", id)
		}
		return r.view(c.expand), nil
	}
}
