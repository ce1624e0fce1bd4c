package tariff

import (
	"shortbreaks"
)

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
		if v := c.converted(o); v != nil {
			return exact{int64(v.AmountPence), 1}
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

// converted is the first conversion that applies to a date, or nil.
func (c *Charge) converted(o *Occasion) *Conversion {
	for n := range c.Rate.Conversions {
		if v := &c.Rate.Conversions[n]; v.holds(o) {
			return v
		}
	}
	return nil
}

// holds reports whether a conversion applies to a date.
func (v *Conversion) holds(o *Occasion) bool {
	if v.Event != "" {
		return o.Events[v.Event] > v.MoreThan
	}
	return o.Minutes() >= v.FromMinutes
}

// tiered is how much of each date falls in each tier, in minutes or units; the
// last figure is what comes before the first tier.
func (v *Volume) tiered(c *Charge, ask *Ask) [][]int64 {
	size, total := make([]int64, len(ask.Occasions)), map[string]int64{}
	unit := c.unitSize()
	for i := range ask.Occasions {
		o := &ask.Occasions[i]
		size[i] = int64(c.quantity(ask, o))
		if c.Unit == UnitHour {
			size[i] = int64(c.chargedMinutes(o.Minutes()))
		}
		total[periodOf(v.Per, o.StartsAt)] += size[i]
	}
	all, used := make([][]int64, len(size)), map[string]int64{}
	for i := range all {
		all[i] = make([]int64, len(v.Tiers)+1)
		period := periodOf(v.Per, ask.Occasions[i].StartsAt)
		if v.Mode == "whole" {
			all[i][v.tier(total[period], unit)] = size[i]
			continue
		}
		for left := size[i]; left > 0; {
			from := used[period]
			tier, part := v.tier(from, unit), left
			if next := (tier + 1) % len(all[i]); next < len(v.Tiers) {
				part = min(left, int64(v.Tiers[next].From)*unit-from)
			}
			all[i][tier] += part
			used[period] += part
			left -= part
		}
	}
	return all
}

// amounts is every date's pence by the tier its week or month has reached.
func (v *Volume) amounts(c *Charge, ask *Ask) []exact {
	all := make([]exact, len(ask.Occasions))
	for i, sizes := range v.tiered(c, ask) {
		all[i].d = c.unitSize()
		for tier, size := range sizes {
			all[i].n += int64(v.amount(tier, c.AmountPence)) * size
		}
	}
	return all
}

// unitSize is how much of what is counted makes one unit: an hour is counted
// in minutes.
func (c *Charge) unitSize() int64 {
	if c.Unit == UnitHour {
		return 60
	}
	return 1
}

// tier is the place of the tier reached once so much is used; tiers are in
// order, and what comes before the first has the place after the last.
func (v *Volume) tier(used, unit int64) int {
	reached := len(v.Tiers)
	for n, t := range v.Tiers {
		if used >= int64(t.From)*unit {
			reached = n
		}
	}
	return reached
}

func (v *Volume) amount(tier int, base shortbreaks.Pence) shortbreaks.Pence {
	if tier < len(v.Tiers) {
		return v.Tiers[tier].AmountPence
	}
	return base
}
