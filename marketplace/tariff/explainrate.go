package tariff

import (
	"fmt"

	"shortbreaks"
)

// rate explains a charge whose amount depends on something.
func (w words) rate(c *Charge) string {
	r := c.Rate
	var parts portions
	switch {
	case r.Bands != nil && r.Bands.Mode == Split:
		parts = w.splitBands(c)
	case r.Bands != nil:
		parts = w.wholeBands(c)
	case len(r.Durations) > 0:
		parts = w.durations(c)
	case r.Volume != nil:
		parts = w.tiers(c)
	case len(r.Ratios) > 0:
		parts = w.ratios(c)
	case r.PercentOf != nil:
		return fmt.Sprintf("%s of the price for %s", percentWords(r.PercentOf.BasisPoints), shortbreaks.Spaced(r.PercentOf.Kind))
	default:
		parts = w.conversions(c)
	}
	return w.size(c) + parts.words()
}

// size is time for a price by the hour, else how many.
func (w words) size(c *Charge) string {
	if c.Unit == UnitHour {
		return w.time(c)
	}
	quantity := w.quantity(c)
	if quantity == len(w.dates) {
		return w.count()
	}
	return w.count() + ", " + shortbreaks.Plural(quantity, shortbreaks.Spaced(c.Unit))
}

func (w words) quantity(c *Charge) (n int) {
	for _, i := range w.dates {
		n += c.quantity(w.ask, &w.ask.Occasions[i])
	}
	return n
}

// portion is what of a line is charged alike: "2 hours" "£20.00 an hour"
// "Evening".
type portion struct {
	size int // minutes or how many
	unit string
	each string
	name string
}

type portions []portion

// add counts what is charged alike together, in the order it first came.
func (p *portions) add(size int, unit, each, name string) {
	for i := range *p {
		if q := &(*p)[i]; q.unit == unit && q.each == each && q.name == name {
			q.size += size
			return
		}
	}
	if size > 0 {
		*p = append(*p, portion{size, unit, each, name})
	}
}

// words: " at £25.00 an hour (Night)"; of several, ", of which 2 hours at ...
// and 8 hours at ...".
func (p portions) words() string {
	var all []string
	for _, q := range p {
		text := "at " + q.each
		if q.name != "" {
			text += " (" + q.name + ")"
		}
		if len(p) == 1 {
			return " " + text
		}
		size := fmt.Sprint(q.size)
		if q.unit == UnitHour {
			size = shortbreaks.Minutes(q.size)
		}
		all = append(all, size+" "+text)
	}
	if len(all) == 0 {
		return ""
	}
	return ", of which " + shortbreaks.Listed(all)
}

// each is the price of one unit: "£20.00 an hour".
func (c *Charge) each(amount shortbreaks.Pence) string {
	return amount.String() + " " + shortbreaks.Article(c.Unit)
}

func (w words) splitBands(c *Charge) (parts portions) {
	b := c.Rate.Bands
	for _, i := range w.dates {
		o := &w.ask.Occasions[i]
		for n, minutes := range b.split(o.StartsAt, c.chargedMinutes(o.Minutes()), w.ask.Holidays) {
			each, name := b.words(n, c)
			parts.add(minutes, c.Unit, each, name)
		}
	}
	return parts
}

func (w words) wholeBands(c *Charge) (parts portions) {
	b := c.Rate.Bands
	for _, i := range w.dates {
		o := &w.ask.Occasions[i]
		if c.Unit == UnitNight {
			m := wallOf(o.StartsAt)
			for night := range o.nights() {
				each, name := b.words(b.at(moment{m.day + night, m.minute}, w.ask.Holidays), c)
				parts.add(1, c.Unit, each, name)
			}
			continue
		}
		size := c.quantity(w.ask, o)
		if c.Unit == UnitHour {
			size = c.chargedMinutes(o.Minutes())
		}
		each, name := b.words(b.class(o, w.ask.Holidays), c)
		parts.add(size, c.Unit, each, name)
	}
	return parts
}

// words are a band's amount and name; the time in none is the ordinary one.
func (b *Bands) words(n int, c *Charge) (each, name string) {
	each = c.each(exact{b.amount(n, c.AmountPence), 100}.round())
	switch {
	case n < 0 || n >= len(b.List):
		return each, "ordinary time"
	case b.List[n].AmountPence == nil:
		return each, fmt.Sprintf("%s: %d%% of %s", b.List[n].Name, b.List[n].Percent, c.AmountPence)
	}
	return each, b.List[n].Name
}

func (w words) durations(c *Charge) (parts portions) {
	rows := c.Rate.Durations
	last := rows[len(rows)-1]
	for _, i := range w.dates {
		minutes := c.chargedMinutes(w.ask.Occasions[i].Minutes())
		if minutes > last.Minutes {
			times := minutes / last.Minutes
			parts.add(times, UnitItem, last.AmountPence.String(), "for each "+shortbreaks.Minutes(last.Minutes))
			minutes %= last.Minutes
		}
		for _, r := range rows {
			if minutes > 0 && minutes <= r.Minutes {
				parts.add(1, UnitItem, r.AmountPence.String(), "for up to "+shortbreaks.Minutes(r.Minutes))
				break
			}
		}
	}
	return parts
}

func (w words) tiers(c *Charge) (parts portions) {
	v := c.Rate.Volume
	all := v.tiered(c, w.ask)
	for n := range len(v.Tiers) + 1 {
		tier := (n + len(v.Tiers)) % (len(v.Tiers) + 1) // what comes before the first tier is said first
		for _, i := range w.dates {
			name := ""
			if tier < len(v.Tiers) {
				unit := c.Unit
				if unit == UnitItem {
					unit = "time"
				}
				name = fmt.Sprintf("from %s a %s on", shortbreaks.Plural(v.Tiers[tier].From, shortbreaks.Spaced(unit)), v.Per)
			}
			parts.add(int(all[i][tier]), c.Unit, c.each(v.amount(tier, c.AmountPence)), name)
		}
	}
	return parts
}

func (w words) ratios(c *Charge) (parts portions) {
	for _, i := range w.dates {
		ratio, name := w.ask.ratio(i), ""
		if ratio != (Ratio{}) {
			name = "support at " + ratio.String()
		}
		o := &w.ask.Occasions[i]
		size := c.quantity(w.ask, o)
		if c.Unit == UnitHour {
			size = c.chargedMinutes(o.Minutes())
		}
		parts.add(size, c.Unit, c.each(c.atRatio(ratio)), name)
	}
	return parts
}

func (w words) conversions(c *Charge) (parts portions) {
	for _, i := range w.dates {
		o := &w.ask.Occasions[i]
		if v := c.converted(o); v != nil {
			name := "for " + shortbreaks.Minutes(v.FromMinutes) + " or more"
			if v.Event != "" {
				name = "with more than " + shortbreaks.Plural(v.MoreThan, shortbreaks.Spaced(v.Event))
			}
			if v.Event != "" && v.MoreThan == 0 {
				name = "with " + shortbreaks.Article(v.Event)
			}
			parts.add(1, UnitItem, v.AmountPence.String(), name)
			continue
		}
		size := c.quantity(w.ask, o)
		if c.Unit == UnitHour {
			size = c.chargedMinutes(o.Minutes())
		}
		parts.add(size, c.Unit, c.each(c.AmountPence), "")
	}
	return parts
}
