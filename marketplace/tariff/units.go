package tariff

import (
	"math/big"

	"shortbreaks"
)

// line is one charge worked out for what is asked.
type line struct {
	n       int // place in its option, from 1
	charge  Charge
	each    []shortbreaks.Pence // by occasion; they sum to total
	total   shortbreaks.Pence
	minutes []int // as charged, by occasion; only for a price by the hour
	capped  bool  // at least one amount was cut to the cap
}

// line works a charge out. By the hour and by the occasion each date is a line
// of its own, rounded once; a bundle is one line, rounded once and then split
// over its dates, spare pennies to the earlier (T19, T21).
func (c Charge) line(n int, ask Ask) line {
	l := line{n: n, charge: c}
	switch {
	case c.bundled():
		return l.bundle(ask)
	case c.Unit == UnitHour:
		for _, o := range ask.Occasions {
			minutes := c.chargedMinutes(o.Minutes())
			l.minutes = append(l.minutes, minutes)
			l.add(shortbreaks.MulDiv(c.AmountPence, int64(minutes), 60))
		}
	default:
		for range ask.Occasions {
			l.add(c.AmountPence)
		}
	}
	return l
}

// add appends an occasion's amount, cut to the cap.
func (l *line) add(amount shortbreaks.Pence) {
	amount = l.cut(amount)
	l.each = append(l.each, amount)
	l.total += amount
}

func (l *line) cut(amount shortbreaks.Pence) shortbreaks.Pence {
	if limit := l.charge.CapPence; limit != nil && amount > *limit {
		l.capped = true
		return *limit
	}
	return amount
}

// bundle is price x sessions still to run / sessions planned. A session added
// after the price was set makes nobody pay more than the price.
func (l line) bundle(ask Ask) line {
	remaining := min(len(ask.Occasions), ask.Bundle.Planned)
	l.total = l.cut(shortbreaks.MulDiv(l.charge.AmountPence, int64(remaining), int64(ask.Bundle.Planned)))
	weights := make([]int64, len(ask.Occasions))
	for i := range weights {
		weights[i] = 1
	}
	for _, part := range shortbreaks.Split(int64(l.total), weights) {
		l.each = append(l.each, shortbreaks.Pence(part))
	}
	return l
}

// chargedMinutes brings a length to what is charged: the minimum first, then
// the step.
func (c Charge) chargedMinutes(minutes int) int {
	minutes = max(minutes, c.MinimumMinutes)
	step := c.StepMinutes
	if step <= 1 {
		return minutes
	}
	switch c.StepMode {
	case "up":
		return (minutes + step - 1) / step * step
	case "nearest": // a half step goes up
		return (2*minutes + step) / (2 * step) * step
	}
	return minutes
}

// childMinutes is the time with the child that a price buys. Where a charged
// hour (or session) holds less of it than its length, only that counts. An
// item has no time unless it says so.
func childMinutes(lead Charge, occasions []Occasion) *big.Rat {
	sum, includes := new(big.Rat), int64(lead.IncludesMinutesWithChild)
	for _, o := range occasions {
		minutes := int64(o.Minutes())
		switch {
		case lead.Unit == UnitHour && includes > 0 && includes < 60:
			sum.Add(sum, big.NewRat(minutes*includes, 60))
		case lead.Unit != UnitHour && includes > 0:
			sum.Add(sum, new(big.Rat).SetInt64(min(minutes, includes)))
		case lead.Unit != UnitItem:
			sum.Add(sum, new(big.Rat).SetInt64(minutes))
		}
	}
	return sum
}
