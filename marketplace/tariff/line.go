package tariff

import (
	"math/big"
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

// exact is pence before rounding: n / d.
type exact struct{ n, d int64 }

// worked works every included charge of the option out, percentages last. skip
// leaves out the first charge: a ticket's, which is paid once.
func (o *Option) worked(ask *Ask, skip bool) []line {
	lines := make([]line, 0, len(o.Charges))
	for _, percent := range []bool{false, true} {
		for n := range o.Charges {
			c := &o.Charges[n]
			isPercent := c.Rate != nil && c.Rate.PercentOf != nil
			if isPercent != percent || skip && n == 0 || !c.included(ask.ChargeKinds) || !c.happened(ask) {
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
			l.share(ask)
			lines = append(lines, l)
		}
	}
	return lines
}

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
	period := ""
	for i := range ask.Occasions {
		o := &ask.Occasions[i]
		if c.Only != nil && !c.Only.covers(wallOf(o.StartsAt), ask.Holidays) {
			continue
		}
		if c.Unit == UnitMonth || c.Unit == UnitYear {
			if now := periodOf(c.Unit, o.StartsAt); now == period {
				continue
			} else {
				period = now
			}
		}
		e := exact{}
		if volume != nil {
			e = volume[i]
		} else {
			e = c.amount(ask, i)
		}
		l.full[i] = c.settle(e, ask, o)
	}
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
		n := o.Events[c.Event]
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

// rated is the amount by the charge's rate.
func (c *Charge) rated(ask *Ask, i int) exact {
	o, r := &ask.Occasions[i], c.Rate
	switch {
	case r.Bands != nil:
		return c.banded(ask, o)
	case len(r.Durations) > 0:
		return exact{int64(byDuration(r.Durations, c.chargedMinutes(o.Minutes()))), 1}
	case len(r.Ratios) > 0:
		return c.times(int64(c.atRatio(ask.ratio(i))), 1, ask, o)
	case len(r.Conversions) > 0:
		for _, v := range r.Conversions {
			if v.holds(o) {
				return exact{int64(v.AmountPence), 1}
			}
		}
	}
	return c.times(int64(c.AmountPence), 1, ask, o)
}

func (c *Charge) banded(ask *Ask, o *Occasion) exact {
	b := c.Rate.Bands
	if b.Mode == Split {
		sum := int64(0)
		for i, minutes := range b.split(o.StartsAt, c.chargedMinutes(o.Minutes()), ask.Holidays) {
			sum += b.amount(i, c.AmountPence) * int64(minutes)
		}
		return exact{sum, 60 * 100}
	}
	if c.Unit != UnitNight {
		return c.times(b.amount(b.class(o, ask.Holidays), c.AmountPence), 100, ask, o)
	}
	sum, m := int64(0), wallOf(o.StartsAt)
	for night := range o.nights() {
		sum += b.amount(b.at(moment{m.day + night, m.minute}, ask.Holidays), c.AmountPence)
	}
	return exact{sum, 100}
}

// atRatio is the amount of a unit at a ratio; where none is asked for, the
// plain one.
func (c *Charge) atRatio(ratio Ratio) shortbreaks.Pence {
	for _, r := range c.Rate.Ratios {
		if r.Ratio == ratio {
			return r.AmountPence
		}
	}
	return c.AmountPence
}

// byDuration reads a table ordered by length: the first row that is long
// enough; beyond the last, whole multiples of it and the rest by the table.
func byDuration(rows []Duration, minutes int) (sum shortbreaks.Pence) {
	last := rows[len(rows)-1]
	if minutes > last.Minutes {
		sum = last.AmountPence * shortbreaks.Pence(minutes/last.Minutes)
		minutes %= last.Minutes
	}
	if minutes == 0 {
		return sum
	}
	for _, r := range rows {
		if minutes <= r.Minutes {
			return sum + r.AmountPence
		}
	}
	return sum
}

// holds reports whether a conversion applies to a date.
func (v *Conversion) holds(o *Occasion) bool {
	if v.Event != "" {
		return o.Events[v.Event] > v.MoreThan
	}
	return o.Minutes() >= v.FromMinutes
}

// amounts is every date's pence by the tier its week or month has reached.
func (v *Volume) amounts(c *Charge, ask *Ask) []exact {
	all := make([]exact, len(ask.Occasions))
	size, unit := make([]int64, len(all)), int64(1) // how much each date uses, and how much of that is one unit
	if c.Unit == UnitHour {
		unit = 60
	}
	total := map[string]int64{}
	for i := range ask.Occasions {
		o := &ask.Occasions[i]
		size[i] = int64(c.quantity(ask, o))
		if c.Unit == UnitHour {
			size[i] = int64(c.chargedMinutes(o.Minutes()))
		}
		total[periodOf(v.Per, o.StartsAt)] += size[i]
	}
	used := map[string]int64{}
	for i := range ask.Occasions {
		period := periodOf(v.Per, ask.Occasions[i].StartsAt)
		if v.Mode == "whole" {
			all[i] = exact{int64(v.tier(total[period]/unit, c.AmountPence)) * size[i], unit}
			continue
		}
		sum, from := int64(0), used[period]
		for n, left := 0, size[i]; left > 0; n++ {
			until := int64(1) << 60
			if n < len(v.Tiers) {
				until = int64(v.Tiers[n].From) * unit
			}
			if until <= from {
				continue
			}
			part := min(left, until-from)
			sum += int64(v.tier(from/unit, c.AmountPence)) * part
			from, left = from+part, left-part
		}
		used[period] = from
		all[i] = exact{sum, unit}
	}
	return all
}

// tier is the amount of a unit once so many are used; tiers are in order.
func (v *Volume) tier(used int64, base shortbreaks.Pence) shortbreaks.Pence {
	for _, t := range v.Tiers {
		if used >= int64(t.From) {
			base = t.AmountPence
		}
	}
	return base
}

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
	case PerGroup: // until the group is known, the most a family can owe (T90)
		sharing := ask.Sharing
		if sharing == 0 {
			sharing = max(1, c.SmallestGroup)
		}
		return part(amount, sharing, max(1, ask.ChildNo))
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
	if among == 1 {
		return amount
	}
	ones := make([]int64, among)
	for i := range ones {
		ones[i] = 1
	}
	return shortbreaks.Pence(shortbreaks.Split(int64(amount), ones)[min(nth, among)-1])
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

// bundle is price x sessions still to run / sessions planned, one line rounded
// once and then split over its dates, spare pennies to the earlier (T21). A
// session added after the price was set makes nobody pay more than the price.
func (l *line) bundle(ask *Ask) {
	c := l.charge
	remaining := min(len(ask.Occasions), ask.Bundle.Planned)
	amount := c.AmountPence
	if c.Rate != nil && len(c.Rate.Ratios) > 0 {
		amount = c.atRatio(ask.ratio(0))
	}
	total := c.settle(exact{int64(amount) * int64(remaining), int64(ask.Bundle.Planned)}, ask, &ask.Occasions[0])
	if c.CapPence != nil && total > *c.CapPence {
		total, l.capped = *c.CapPence, true
	}
	spread(total, l.full)
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
// of its whole (T93).
func (l *line) percent(ask *Ask, others []line) {
	of := l.charge.Rate.PercentOf
	for _, base := range others {
		if base.charge.Kind != of.Kind {
			continue
		}
		if base.charge.bundled() {
			spread(shortbreaks.MulDiv(sum(base.full), int64(of.BasisPoints), 10_000), l.full)
			return
		}
	}
	for i := range l.full {
		base := shortbreaks.Pence(0)
		for _, other := range others {
			if other.charge.Kind == of.Kind {
				base += other.full[i]
			}
		}
		if c := l.charge; c.Only == nil || c.Only.covers(wallOf(ask.Occasions[i].StartsAt), ask.Holidays) {
			l.full[i] = shortbreaks.MulDiv(base, int64(of.BasisPoints), 10_000)
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
