package tariff

import (
	"shortbreaks"
)

// Borne is what one payer bears of a line.
type Borne struct {
	Payer string            `json:"payer"` // one of SharePayers
	Pence shortbreaks.Pence `json:"pence"`
}

// share works out what the buyer bears of each date.
func (l *line) share() {
	l.buyer = l.full
	if len(l.charge.CostShares) == 0 {
		return
	}
	l.buyer = make([]shortbreaks.Pence, len(l.full))
	for _, b := range l.borne() {
		if b.Payer == Buyer {
			for i, p := range b.by {
				l.buyer[i] += p
			}
		}
	}
}

// borneBy is a payer's part of a line, by occasion.
type borneBy struct {
	Payer string
	by    []shortbreaks.Pence
}

// borne divides the line: of a bundle, the whole is shared and each part then
// spread over the dates; else each date is shared on its own.
func (l *line) borne() []borneBy {
	shares := l.charge.CostShares
	out := make([]borneBy, len(shares))
	for n, s := range shares {
		out[n] = borneBy{s.Payer, make([]shortbreaks.Pence, len(l.full))}
	}
	if l.charge.bundled() {
		parts := divide(sum(l.full), shares)
		left := append([]shortbreaks.Pence(nil), l.full...)
		for n := range shares[:len(shares)-1] {
			weights := make([]int64, len(left))
			for i, p := range left {
				weights[i] = int64(p)
			}
			for i, p := range shortbreaks.Split(int64(parts[n]), weights) {
				out[n].by[i] = shortbreaks.Pence(p)
				left[i] -= shortbreaks.Pence(p)
			}
		}
		copy(out[len(shares)-1].by, left) // what is left is the last payer's: every date sums to its line
		return out
	}
	for i, p := range l.full {
		for n, part := range divide(p, shares) {
			out[n].by[i] = part
		}
	}
	return out
}

// divide shares an amount so that the parts sum to it: sums first, then
// percentages (spare pennies to the largest remainders), each cut to its cap;
// what is left is the remainder's. Check has made sure that there is one
// unless the percentages are the whole.
func divide(amount shortbreaks.Pence, shares []CostShare) []shortbreaks.Pence {
	parts := make([]shortbreaks.Pence, len(shares))
	left := amount
	for i, s := range shares {
		if s.AmountPence != nil {
			parts[i] = min(*s.AmountPence, left)
			left -= parts[i]
		}
	}
	weights, percent := make([]int64, len(shares)+1), int64(0)
	for i, s := range shares {
		weights[i] = int64(s.BasisPoints)
		percent += weights[i]
	}
	if weights[len(shares)] = max(0, 10_000-percent); percent > 0 {
		for i, p := range shortbreaks.Split(int64(left), weights)[:len(shares)] {
			if shares[i].BasisPoints > 0 {
				parts[i] = shortbreaks.Pence(p)
			}
		}
	}
	left = amount
	rest := -1
	for i, s := range shares {
		if s.CapPence != nil {
			parts[i] = min(parts[i], *s.CapPence)
		}
		if s.Remainder {
			rest = i
			continue
		}
		left -= parts[i]
	}
	if rest >= 0 {
		parts[rest] = left
	}
	return parts
}

// vatPercent is the standard rate.
const vatPercent = 20

// vat is the value added tax inside a gross amount, half up (T29).
func (c *Charge) vat(gross shortbreaks.Pence) shortbreaks.Pence {
	if c.VAT != "standard" {
		return 0
	}
	return shortbreaks.MulDiv(gross, vatPercent, 100+vatPercent)
}

// subsidies are what grants and donations add to a line on some dates to make
// its full cost. A bundle is one line, so its dates are rounded as one.
func (l *line) subsidies(ask *Ask, dates []int) (all shortbreaks.Pence) {
	c := l.charge
	if c.SubsidyPence == 0 {
		return 0
	}
	of, parts := int64(0), int64(c.AmountPence)
	for _, i := range dates {
		switch {
		case c.AmountPence == 0 && !c.bundled():
			if c.due(ask, i) {
				all += c.times(int64(c.SubsidyPence), 1, ask, &ask.Occasions[i]).round()
			}
		case c.AmountPence == 0:
			of, parts = of+1, int64(max(ask.Bundle.Planned, len(ask.Occasions)))
		case c.bundled():
			of += int64(l.full[i])
		default:
			all += shortbreaks.MulDiv(c.SubsidyPence, int64(l.full[i]), parts)
		}
	}
	if of > 0 {
		all = shortbreaks.MulDiv(c.SubsidyPence, of, parts)
	}
	return all
}
