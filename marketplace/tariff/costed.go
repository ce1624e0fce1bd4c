package tariff

import (
	"fmt"
	"slices"

	"shortbreaks"
)

// mergeable are the parts a very small provider may show as one: its "staff"
// part would be a person's wage (R136).
var mergeable = []string{"staff", "on_costs", "overhead"}

// smallProvider is the number of staff below which parts may be merged.
const smallProvider = 3

// Costed refuses a tariff whose parts do not sum to each amount, to the penny
// (R020, R023). A price of 0 needs no parts. Only a provider with fewer than
// three staff may show staff, on-costs and overhead as one part.
func (t Tariff) Costed(staff int) error {
	var f shortbreaks.Faults
	for i, o := range t.Options {
		for j, c := range o.Charges {
			c.costed(&f, fmt.Sprintf("/tariff/options/%d/charges/%d/components", i, j), staff)
		}
	}
	return f.As(ErrNotCosted)
}

func (c Charge) costed(f *shortbreaks.Faults, at string, staff int) {
	if len(c.Components) == 0 && c.AmountPence == 0 {
		f.Unless(c.Rate == nil || !c.Rate.Sums(), at,
			"Give the amount of one unit and its parts; the other amounts of the rate are explained in proportion to them.")
		return
	}
	var sum shortbreaks.Pence
	for _, p := range c.Components {
		sum += p.AmountPence
	}
	if sum != c.AmountPence {
		f.Add(at, "The parts come to %s and the price is %s.", sum, c.AmountPence)
		return
	}
	if staff >= smallProvider && len(c.Components) == 1 && slices.Contains(mergeable, c.Components[0].Kind) {
		f.Add(at, "Show staff, on-costs and overhead apart; only a provider with fewer than %d staff may show them as one.", smallProvider)
	}
}

// Sums reports whether a rate names a sum of its own.
func (r *Rate) Sums() bool {
	band := func(b Band) bool { return b.AmountPence != nil && *b.AmountPence > 0 }
	return r.Bands != nil && slices.ContainsFunc(r.Bands.List, band) ||
		slices.ContainsFunc(r.Durations, func(d Duration) bool { return d.AmountPence > 0 }) ||
		r.Volume != nil && slices.ContainsFunc(r.Volume.Tiers, func(t Tier) bool { return t.AmountPence > 0 }) ||
		slices.ContainsFunc(r.Ratios, func(x RatioRate) bool { return x.AmountPence > 0 }) ||
		slices.ContainsFunc(r.Conversions, func(v Conversion) bool { return v.AmountPence > 0 })
}

// WithSubsidies is the tariff with what its subsidies come to beside each
// amount, which a full cost needs.
func (t Tariff) WithSubsidies() Tariff {
	full := Tariff{Options: slices.Clone(t.Options)}
	for i := range full.Options {
		full.Options[i].Charges = slices.Clone(full.Options[i].Charges)
		for j := range full.Options[i].Charges {
			c := &full.Options[i].Charges[j]
			c.SubsidyPence = 0
			for _, p := range c.Components {
				if p.AmountPence < 0 {
					c.SubsidyPence -= p.AmountPence
				}
			}
		}
	}
	return full
}

// CheckBundles refuses options by a bundle the offer does not have, and
// reports whether any option sells the one it has.
func (t Tariff) CheckBundles(f *shortbreaks.Faults, bundle string) (sold bool) {
	for i := range t.Options {
		unit := t.Options[i].bundleUnit()
		sold = sold || unit == bundle
		at := fmt.Sprintf("/tariff/options/%d/charges/0/unit", i)
		if unit != "" && bundle == "" {
			f.Add(at, "A price by the %s needs a bundle of sessions to sell.", shortbreaks.Spaced(unit))
		} else if unit != "" && unit != bundle {
			f.Add(at, "The bundle of this offer is %s.", shortbreaks.Article(bundle))
		}
	}
	return sold
}

// CheckEqual notes where the price of a universal activity rises with the
// support a child needs: a reasonable adjustment may not be charged on (L20).
// A support line apart, which a plan can pay for, is the way out.
func (t Tariff) CheckEqual(f *shortbreaks.Faults) {
	const way = "Anyone may come to a universal activity at one price; extra support may not make it dearer for the family. " +
		"Keep one price for the place and add a charge of the kind support, which the authority can pay."
	plain := map[shortbreaks.Pence]bool{}
	for i, o := range t.Options {
		place := shortbreaks.Pence(0)
		for j, c := range o.Charges {
			if c.Kind == "support" || c.Kind == "transport" || c.Kind == "travel" || c.Optional || c.When == Contingent {
				continue
			}
			place += c.buyers(c.AmountPence)
			if c.Rate != nil && slices.ContainsFunc(c.Rate.Ratios, func(r RatioRate) bool { return c.buyers(r.AmountPence) != c.buyers(c.AmountPence) }) {
				f.Add(fmt.Sprintf("/tariff/options/%d/charges/%d/rate/ratios", i, j), way)
			}
		}
		if o.Ratio != nil && o.WhoMayUse == Anyone {
			if plain[place] = true; len(plain) > 1 {
				f.Add(fmt.Sprintf("/tariff/options/%d/ratio", i), way)
			}
		}
	}
}
