package tariff

import (
	"slices"
	"time"

	"shortbreaks"
)

// Headline is the price shown in a list: of the option a newcomer would use,
// what its planned charges of one unit come to before anybody else bears part
// of it.
func (t Tariff) Headline() (amount shortbreaks.Pence, unit string) {
	option := t.headlineOption()
	unit = option.lead().Unit
	for i := range option.Charges {
		if c := &option.Charges[i]; !c.Optional && c.When != Contingent && c.Unit == unit {
			amount += c.buyers(c.AmountPence)
		}
	}
	return amount, unit
}

// buyers is the buyer's part of one line.
func (c *Charge) buyers(line shortbreaks.Pence) shortbreaks.Pence {
	if len(c.CostShares) == 0 {
		return line
	}
	sum := shortbreaks.Pence(0)
	for i, p := range divide(line, c.CostShares) {
		if c.CostShares[i].Payer == Buyer {
			sum += p
		}
	}
	return sum
}

// headlineOption is the first that anyone may use and is no ticket; else the
// first.
func (t Tariff) headlineOption() *Option {
	i := slices.IndexFunc(t.Options, func(o Option) bool { return o.WhoMayUse == Anyone && !o.ticket() })
	return &t.Options[max(0, i)]
}

// HeadlineRate is the full cost of one hour with the child by the headline
// option. By the hour it is the plain hour, without minimum or steps; else one
// session of this length, or a whole bundle of so many. It is nil where time
// is not what is sold.
func (t Tariff) HeadlineRate(sessionMinutes, planned int) *shortbreaks.Pence {
	option := t.headlineOption()
	unit, count := option.lead().Unit, int64(1)
	length := int64(sessionMinutes)
	switch {
	case unit == UnitHour:
		length = 60
	case sessionMinutes == 0:
		return nil
	case option.bundleUnit() != "":
		count = int64(planned)
	}
	total := shortbreaks.Pence(0)
	for i := range option.Charges {
		c := &option.Charges[i]
		amount := c.AmountPence + c.SubsidyPence
		switch {
		case c.Optional || c.When == Contingent:
		case c.Unit == UnitHour:
			total += shortbreaks.MulDiv(amount, length*count, 60)
		case c.bundled():
			total += amount
		default:
			total += amount * shortbreaks.Pence(count)
		}
	}
	return (option.childTime(spell(length)) * childTime(count)).rate(total)
}

// OnHolidays reports whether any price depends on bank holidays (T26).
func (t Tariff) OnHolidays() bool {
	return slices.ContainsFunc(t.Options, func(o Option) bool {
		return slices.ContainsFunc(o.Charges, func(c Charge) bool {
			return c.Only != nil && c.Only.BankHolidays != "" || c.Rate != nil && c.Rate.Bands != nil &&
				slices.ContainsFunc(c.Rate.Bands.List, func(b Band) bool { return b.BankHolidays != "" })
		})
	})
}

// spell is an occasion of so many minutes.
func spell(minutes int64) *Occasion {
	var o Occasion
	o.EndsAt = o.StartsAt.Add(time.Duration(minutes) * time.Minute)
	return &o
}
