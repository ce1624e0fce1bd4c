package tariff

import (
	"time"

	"shortbreaks"
)

// line is one charge worked out for all dates of what is asked.
type line struct {
	n      int // place of the charge in its option, from 0
	charge *Charge
	full   []shortbreaks.Pence // by occasion: what all payers together bear
	buyer  []shortbreaks.Pence // by occasion: what the buyer bears; shares full where nobody else does
	capped bool                // at least one amount was cut to the cap
}

// worked works every included charge of the option out, percentages last. skip
// leaves out the first charge: a ticket's, which is paid once.
func (o *Option) worked(ask *Ask, skip bool) []line {
	lines := make([]line, 0, len(o.Charges))
	for _, percent := range []bool{false, true} {
		for n := range o.Charges {
			c := &o.Charges[n]
			if c.percentage() != percent || skip && n == 0 || !c.included(ask.ChargeKinds) || !c.happened(ask) {
				continue
			}
			l := line{n: n, charge: c, full: make([]shortbreaks.Pence, len(ask.Occasions))}
			switch {
			case percent:
				l.percent(ask, lines)
			case c.bundled():
				l.bundle(ask)
			default:
				l.occasions(ask)
			}
			l.limit(ask)
			l.share()
			lines = append(lines, l)
		}
	}
	return lines
}

// percentage reports whether the charge is a part of others.
func (c *Charge) percentage() bool { return c.Rate != nil && c.Rate.PercentOf != nil }

// happened reports whether a charge is planned, or its event is recorded.
func (c *Charge) happened(ask *Ask) bool {
	if c.When != Contingent {
		return true
	}
	for i := range ask.Occasions {
		if ask.Occasions[i].Events[c.Event] > 0 {
			return true
		}
	}
	return false
}

// occasions prices each date on its own: each is a line, rounded once (T19).
func (l *line) occasions(ask *Ask) {
	c := l.charge
	var volume []exact
	if c.Rate != nil && c.Rate.Volume != nil {
		volume = c.Rate.Volume.amounts(c, ask)
	}
	for i := range ask.Occasions {
		switch {
		case !c.due(ask, i):
		case volume != nil:
			l.full[i] = c.settle(volume[i], ask, &ask.Occasions[i])
		default:
			l.full[i] = c.settle(c.amount(ask, i), ask, &ask.Occasions[i])
		}
	}
}

// due reports whether the charge is made on a date: its window covers the
// start and, by the month or year, no earlier date of that period had it.
func (c *Charge) due(ask *Ask, i int) bool {
	start := ask.Occasions[i].StartsAt
	if c.Only != nil && !c.Only.covers(wallOf(start), ask.Holidays) {
		return false
	}
	if c.Unit != UnitMonth && c.Unit != UnitYear {
		return true
	}
	period := periodOf(c.Unit, start)
	for before := i - 1; before >= 0 && periodOf(c.Unit, ask.Occasions[before].StartsAt) == period; before-- {
		if c.Only == nil || c.Only.covers(wallOf(ask.Occasions[before].StartsAt), ask.Holidays) {
			return false
		}
	}
	return true
}

// periodOf names the calendar week, month or year of an instant.
func periodOf(per string, t time.Time) string {
	t = t.In(shortbreaks.London)
	switch per {
	case UnitYear:
		return t.Format("2006")
	case UnitMonth:
		return t.Format("2006-01")
	case "week":
		return t.AddDate(0, 0, 1-shortbreaks.ISOWeekday(t)).Format(time.DateOnly)
	}
	return ""
}

// amount is one date's pence before discounts.
func (c *Charge) amount(ask *Ask, i int) exact {
	o := &ask.Occasions[i]
	if c.Rate != nil {
		return c.rated(ask, i)
	}
	return c.times(int64(c.AmountPence), 1, ask, o)
}

// times is an amount (in parts of a penny) for the quantity of its unit.
func (c *Charge) times(amount, parts int64, ask *Ask, o *Occasion) exact {
	if c.Unit == UnitHour {
		return exact{amount * int64(c.chargedMinutes(o.Minutes())), 60 * parts}
	}
	return exact{amount * int64(c.quantity(ask, o)), parts}
}

// quantity is how many units one date buys; hours are counted in minutes
// elsewhere.
func (c *Charge) quantity(ask *Ask, o *Occasion) int {
	if c.When == Contingent {
		n := max(0, min(o.Events[c.Event], mostQuantity))
		if c.EachMinutes > 0 {
			n = (n + c.EachMinutes - 1) / c.EachMinutes
		}
		return n
	}
	switch c.Unit {
	case UnitNight:
		return o.nights()
	case UnitDay:
		return o.days()
	case UnitItem, UnitMile:
		if n, given := ask.Quantities[c.Kind]; given {
			return n
		}
	}
	return 1
}

// bundle is price x sessions still to run / sessions planned, one line rounded
// once and then split over its dates, spare pennies to the earlier (T21). A
// session added after the price was set makes nobody pay more than the price.
// Where the price is by ratio, each date has its own (T32).
func (l *line) bundle(ask *Ask) {
	c := l.charge
	dates, planned := int64(len(ask.Occasions)), int64(ask.Bundle.Planned)
	weights, of := make([]int64, dates), int64(0)
	for i := range weights {
		weights[i] = int64(c.AmountPence)
		if c.Rate != nil {
			weights[i] = int64(c.atRatio(ask.ratio(i)))
		}
		of += weights[i]
	}
	e := exact{of, planned}
	if dates > planned {
		e = exact{of, dates}
	}
	total := c.settle(e, ask, &ask.Occasions[0])
	if c.CapPence != nil && total > *c.CapPence {
		total, l.capped = *c.CapPence, true
	}
	for i, p := range shortbreaks.Split(int64(total), weights) {
		l.full[i] = shortbreaks.Pence(p)
	}
}

// spread divides an amount equally over dates, spare pennies to the earlier.
func spread(total shortbreaks.Pence, over []shortbreaks.Pence) {
	ones := make([]int64, len(over))
	for i := range ones {
		ones[i] = 1
	}
	for i, p := range shortbreaks.Split(int64(total), ones) {
		over[i] = shortbreaks.Pence(p)
	}
}

// percent is a part of what another kind comes to, date by date; of a bundle,
// of its whole (T93). Percentages are not taken of percentages.
func (l *line) percent(ask *Ask, others []line) {
	of := l.charge.Rate.PercentOf
	bundles, bundled := shortbreaks.Pence(0), false
	for _, base := range others {
		if base.charge.Kind == of.Kind && base.charge.bundled() {
			bundles += sum(base.full)
			bundled = true
		}
	}
	if bundled {
		spread(shortbreaks.MulDiv(bundles, int64(of.BasisPoints), 10_000), l.full)
	}
	for i := range l.full {
		base := shortbreaks.Pence(0)
		for _, other := range others {
			if c := other.charge; c.Kind == of.Kind && !c.bundled() && !c.percentage() {
				base += other.full[i]
			}
		}
		if l.charge.due(ask, i) {
			l.full[i] += shortbreaks.MulDiv(base, int64(of.BasisPoints), 10_000)
		}
	}
}

// limit cuts to the cap: each line, or what a week, a month or the whole
// booking comes to. A bundle has been cut already.
func (l *line) limit(ask *Ask) {
	limit := l.charge.CapPence
	if limit == nil || l.charge.bundled() {
		return
	}
	per := l.charge.CapPer
	left, period := *limit, ""
	for i := range l.full {
		switch now := periodOf(per, ask.Occasions[i].StartsAt); {
		case per == "" || per == "line":
			left = *limit
		case now != period:
			left, period = *limit, now
		}
		if l.full[i] > left {
			l.full[i], l.capped = left, true
		}
		left -= l.full[i]
	}
}

func sum(all []shortbreaks.Pence) (total shortbreaks.Pence) {
	for _, p := range all {
		total += p
	}
	return total
}

// chargedMinutes brings a length to what is charged: the minimum first, then
// the step. What is added is charged as if the visit had ended later.
func (c *Charge) chargedMinutes(minutes int) int {
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
