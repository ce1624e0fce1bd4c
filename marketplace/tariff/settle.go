package tariff

import (
	"math/big"

	"shortbreaks"
)

// exact is pence before rounding: n / d.
type exact struct{ n, d int64 }

// settle turns exact pence into a line: attendees, then the discounts of
// brothers and sisters and of long stays, rounded once; then this child's part
// of what a family or a group shares.
func (c *Charge) settle(e exact, ask *Ask, o *Occasion) shortbreaks.Pence {
	if c.Basis == PerAttendee {
		e.n *= int64(max(1, ask.Attendees))
	}
	var amount shortbreaks.Pence
	sibling, stay := c.siblingOff(ask), c.stayOff(o)
	if sibling == 0 && stay == 0 {
		amount = e.round()
	} else {
		r := big.NewRat(e.n, e.d)
		r.Mul(r, big.NewRat(int64(10_000-sibling), 10_000))
		r.Mul(r, big.NewRat(int64(10_000-stay), 10_000))
		amount = shortbreaks.RoundHalfUp(r)
	}
	switch c.Basis {
	case PerFamily:
		return part(amount, max(1, ask.Children), max(1, ask.ChildNo))
	case PerGroup: // never more than the share of the smallest group, which is held until the group is known (T24, T90)
		return part(amount, max(1, c.SmallestGroup, ask.Sharing), max(1, ask.ShareNo))
	}
	return amount
}

// round is half up, once.
func (e exact) round() shortbreaks.Pence {
	if e.n >= 0 && e.n < 1<<61 {
		return shortbreaks.Pence((2*e.n + e.d) / (2 * e.d))
	}
	return shortbreaks.RoundHalfUp(big.NewRat(e.n, e.d))
}

// part is the nth of equal shares of an amount, spare pennies to the earlier.
func part(amount shortbreaks.Pence, among, nth int) shortbreaks.Pence {
	share := amount / shortbreaks.Pence(among)
	if shortbreaks.Pence(min(nth, among)) <= amount%shortbreaks.Pence(among) {
		share++
	}
	return share
}

// siblingOff is the discount for this child of the family, in basis points:
// the rule of the most children that applies.
func (c *Charge) siblingOff(ask *Ask) (off int) {
	best := 0
	for _, n := range c.NthChild {
		reached := ask.ChildNo
		if n.For == "every_child" {
			reached = ask.Children
		}
		if reached >= n.Child && n.Child > best {
			best, off = n.Child, n.BasisPoints
		}
	}
	return off
}

func (c *Charge) stayOff(o *Occasion) (off int) {
	if len(c.LongStay) == 0 {
		return 0
	}
	best, nights := 0, o.nights()
	for _, s := range c.LongStay {
		if nights >= s.FromNights && s.FromNights > best {
			best, off = s.FromNights, s.BasisPoints
		}
	}
	return off
}
