package tariff

import (
	"fmt"
	"strings"

	"shortbreaks"
)

// rate explains a charge whose amount depends on something.
func (w words) rate(c *Charge) string {
	r := c.Rate
	switch {
	case r.Bands != nil && r.Bands.Mode == Split:
		return w.time(c) + ", " + w.splitBands(c)
	case r.Bands != nil:
		return w.count() + ", " + w.wholeBands(c)
	case len(r.Durations) > 0:
		return w.time(c) + " by the table of lengths"
	case r.Volume != nil:
		return w.size(c) + " by how much you use in a " + r.Volume.Per
	case len(r.Ratios) > 0:
		ratio := w.ask.ratio(w.dates[0])
		at := fmt.Sprintf(" at %s %s", c.atRatio(ratio), shortbreaks.Article(c.Unit))
		if ratio != (Ratio{}) {
			at += " for support at " + ratio.String()
		}
		return w.size(c) + at
	case r.PercentOf != nil:
		return fmt.Sprintf("%s of the price for %s", percentWords(r.PercentOf.BasisPoints), shortbreaks.Spaced(r.PercentOf.Kind))
	}
	return w.conversions(c)
}

// size is time for a price by the hour, else how many.
func (w words) size(c *Charge) string {
	if c.Unit == UnitHour {
		return w.time(c)
	}
	return w.count()
}

// splitBands: "2 hours evening at £20.00 and 8 hours night at £25.00 an hour".
func (w words) splitBands(c *Charge) string {
	b := c.Rate.Bands
	minutes := make([]int, len(b.List)+1)
	for _, i := range w.dates {
		o := &w.ask.Occasions[i]
		for n, m := range b.split(o.StartsAt, c.chargedMinutes(o.Minutes()), w.ask.Holidays) {
			minutes[n] += m
		}
	}
	var parts []string
	for n, m := range minutes {
		if m > 0 {
			parts = append(parts, fmt.Sprintf("%s %s at %s", shortbreaks.Minutes(m), b.name(n), b.amountWords(n, c.AmountPence)))
		}
	}
	return shortbreaks.Listed(parts) + " an hour"
}

func (w words) wholeBands(c *Charge) string {
	b := c.Rate.Bands
	count := make([]int, len(b.List)+1)
	for _, i := range w.dates {
		o := &w.ask.Occasions[i]
		nights := 1
		if c.Unit == UnitNight {
			nights = o.nights()
		}
		for night := range nights {
			n := b.class(o, w.ask.Holidays)
			if c.Unit == UnitNight {
				m := wallOf(o.StartsAt)
				n = b.at(moment{m.day + night, m.minute}, w.ask.Holidays)
			}
			if n < 0 {
				n = len(b.List)
			}
			count[n]++
		}
	}
	var parts []string
	for n, k := range count {
		if k > 0 {
			parts = append(parts, fmt.Sprintf("%d %s at %s", k, b.name(n), b.amountWords(n, c.AmountPence)))
		}
	}
	return shortbreaks.Listed(parts) + " " + shortbreaks.Article(c.Unit)
}

// name is a band's; the time in none is the ordinary one.
func (b *Bands) name(n int) string {
	if n < len(b.List) {
		return strings.ToLower(b.List[n].Name[:1]) + b.List[n].Name[1:]
	}
	return "ordinary time"
}

func (b *Bands) amountWords(n int, base shortbreaks.Pence) string {
	if n < len(b.List) && b.List[n].AmountPence == nil {
		return fmt.Sprintf("%s (%d%% of %s)", exact{b.amount(n, base), 100}.round(), b.List[n].Percent, base)
	}
	return exact{b.amount(n, base), 100}.round().String()
}

func (w words) conversions(c *Charge) string {
	for _, i := range w.dates {
		for _, v := range c.Rate.Conversions {
			switch {
			case !v.holds(&w.ask.Occasions[i]):
			case v.Event != "":
				return fmt.Sprintf("%s, %s instead after %s", w.size(c), v.AmountPence, shortbreaks.Spaced(v.Event))
			default:
				return fmt.Sprintf("%s, %s each time from %s on", w.size(c), v.AmountPence, shortbreaks.Minutes(v.FromMinutes))
			}
		}
	}
	if c.Unit == UnitHour {
		return w.hours(c)
	}
	return fmt.Sprintf("%s at %s", w.count(), c.AmountPence)
}
