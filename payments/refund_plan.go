package payments

import (
	"fmt"

	"github.com/google/uuid"

	"shortbreaks"
)

// paidCharge is all that is known of what was paid for one charge of an item.
type paidCharge struct {
	item         uuid.UUID
	n            int
	charges      []chargePaid  // all of the item
	holds        []Hold        // captured, of this charge
	accounts     []outstanding // of the whole item
	handedOverBy []payer       // by plan line of this charge
}

// chargePaid is one charge of the item.
type chargePaid struct {
	N             int
	Payer         string
	Unit          Unit
	Quantity      int64 // in Unit
	AmountPence   shortbreaks.Pence
	Captured      int64 // in Unit
	RefundedPence shortbreaks.Pence
}

// outstanding is what the item's captures and refunds left on one account.
type outstanding struct {
	Account uuid.UUID
	Kind    AccountKind
	Unit    Unit
	Stream  string
	Payer   string
	Holder  *uuid.UUID
	Net     int64
}

// payer is who hands over the money of a plan line.
type payer struct {
	Line   uuid.UUID
	By     string
	Holder *uuid.UUID
}

// back is what one hold gets back, in its unit.
type back struct {
	hold   Hold
	amount int64
}

// refundPlan is what a refund will write.
type refundPlan struct {
	backs   []back
	entries []Entry
}

func (p refundPlan) moves(authority uuid.UUID) []LineMove {
	var moves []LineMove
	for _, b := range p.backs {
		if b.hold.Line != nil && b.amount != 0 {
			moves = append(moves, LineMove{Authority: authority, Line: *b.hold.Line, Spent: -b.amount})
		}
	}
	return mergeMoves(moves)
}

// plan works out where the money goes.
func (p *paidCharge) plan(amount shortbreaks.Pence) (refundPlan, error) {
	charge, ok := p.charge()
	if !ok {
		return refundPlan{}, shortbreaks.ErrNotFound
	}
	left := p.left()
	if amount > left {
		return refundPlan{}, ErrRefundTooHigh.With(fmt.Sprintf("%s is left to refund of this charge.", left))
	}
	if charge.Payer == PayerFamilyDirect {
		return p.planDirect(amount)
	}
	return p.planHeld(charge, amount, left)
}

// left is what was paid for the charge and not given back.
func (p *paidCharge) left() shortbreaks.Pence {
	charge, ok := p.charge()
	if !ok {
		return 0
	}
	return p.paidPence(charge) - charge.RefundedPence
}

func (p *paidCharge) charge() (chargePaid, bool) {
	for _, c := range p.charges {
		if c.N == p.n {
			return c, true
		}
	}
	return chargePaid{}, false
}

// paidPence is what was paid for a charge before any refund. For money it is
// what was captured. A charge without holds in pence shares one account with
// its like, so the ledger is asked for the sum and each charge has the share
// its size gives it; of a single one, that is all.
func (p *paidCharge) paidPence(charge chargePaid) shortbreaks.Pence {
	if charge.Payer != PayerFamilyDirect && charge.Unit == InPence {
		return shortbreaks.Pence(charge.Captured)
	}
	like := func(c chargePaid) bool {
		return (c.Payer == PayerFamilyDirect) == (charge.Payer == PayerFamilyDirect) && (c.Payer == PayerFamilyDirect || c.Unit != InPence)
	}
	var total int64
	for _, a := range p.accounts {
		if charge.Payer == PayerFamilyDirect && a.Kind == FamilyDue || charge.Payer != PayerFamilyDirect && a.Kind == AuthorityFunding {
			total -= a.Net
		}
	}
	weights := make([]int64, len(p.charges))
	for i, c := range p.charges {
		if !like(c) {
			continue
		}
		total += int64(c.RefundedPence)
		weights[i] = int64(c.AmountPence)
		if c.Payer != PayerFamilyDirect && c.Quantity > 0 {
			weights[i] = int64(shortbreaks.MulDiv(c.AmountPence, c.Captured, c.Quantity))
		}
	}
	for i, part := range shortbreaks.Split(total, weights) {
		if p.charges[i].N == charge.N {
			return shortbreaks.Pence(part)
		}
	}
	return 0
}

// planDirect is the reverse of what a charge paid directly by the family
// posted: it owes less, and the provider is owed less.
func (p *paidCharge) planDirect(amount shortbreaks.Pence) (plan refundPlan, err error) {
	due, err := p.account(func(a outstanding) bool { return a.Kind == FamilyDue })
	if err != nil {
		return plan, err
	}
	payable, err := p.account(func(a outstanding) bool { return a.Kind == ProviderPayable && a.Payer == PayableByFamily })
	if err != nil {
		return plan, err
	}
	plan.entries = []Entry{{due.Account, InPence, int64(amount)}, {payable.Account, InPence, -int64(amount)}}
	return plan, nil
}

// planHeld returns money to the accounts it was held on. Of an allowance the
// same share is given back in its own unit, and the stream is paid back the
// price.
func (p *paidCharge) planHeld(charge chargePaid, amount, left shortbreaks.Pence) (plan refundPlan, err error) {
	weights := make([]int64, len(p.holds))
	var remaining int64
	for i, h := range p.holds {
		weights[i] = h.Captured - h.Refunded
		remaining += weights[i]
	}
	share := int64(amount)
	if charge.Unit != InPence {
		share = allowanceFor(remaining, amount, left)
	}
	payable, err := p.payable(charge)
	if err != nil {
		return plan, err
	}
	plan.entries = append(plan.entries, Entry{payable.Account, InPence, -int64(amount)})
	for i, part := range shortbreaks.Split(share, weights) {
		plan.backs = append(plan.backs, back{hold: p.holds[i], amount: part})
		plan.entries = append(plan.entries, Entry{p.holds[i].Account, p.holds[i].Unit, part})
	}
	if charge.Unit == InPence {
		return plan, nil
	}
	rest, err := p.planAllowance(charge.Unit, amount, share)
	plan.entries = append(plan.entries, rest...)
	return plan, err
}

// planAllowance takes what was consumed back, and its price back to the
// funding it came from, each stream in proportion to what is left of it.
func (p *paidCharge) planAllowance(unit Unit, amount shortbreaks.Pence, share int64) ([]Entry, error) {
	var entries []Entry
	spread := func(kind AccountKind, in Unit, total, sign int64) error {
		var of []outstanding
		var weights []int64
		var left int64
		for _, a := range p.accounts {
			if a.Kind == kind && a.Unit == in && a.Net*sign < 0 {
				of, weights, left = append(of, a), append(weights, -a.Net*sign), left-a.Net*sign
			}
		}
		if total > left {
			return fmt.Errorf("refund item %s: %d %s left on %s, %d to go back", p.item, left, in, kind, total)
		}
		for i, part := range shortbreaks.Split(total, weights) {
			entries = append(entries, Entry{of[i].Account, in, sign * part})
		}
		return nil
	}
	if err := spread(Consumed, unit, share, -1); err != nil {
		return nil, err
	}
	err := spread(AuthorityFunding, InPence, int64(amount), 1)
	return entries, err
}

// payable is the account the charge was owed on.
func (p *paidCharge) payable(charge chargePaid) (outstanding, error) {
	by, holder := PayableByAuthority, (*uuid.UUID)(nil)
	if charge.Payer == PayerBudget && charge.Unit == InPence && len(p.handedOverBy) > 0 && p.handedOverBy[0].By != PayableByAuthority {
		by, holder = p.handedOverBy[0].By, p.handedOverBy[0].Holder
	}
	return p.account(func(a outstanding) bool {
		return a.Kind == ProviderPayable && a.Payer == by && (a.Holder == nil) == (holder == nil) && (holder == nil || *a.Holder == *holder)
	})
}

// account finds the one account of the item's postings that fits.
func (p *paidCharge) account(fits func(outstanding) bool) (outstanding, error) {
	var found []outstanding
	for _, a := range p.accounts {
		if fits(a) {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		return outstanding{}, fmt.Errorf("refund item %s charge %d: %d accounts fit what was posted", p.item, p.n, len(found))
	}
	return found[0], nil
}
