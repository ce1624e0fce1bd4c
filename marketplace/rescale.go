package marketplace

import (
	"cmp"
	"math/big"
	"slices"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// PriceMove is how prices change: by a part of themselves or by an amount.
// Exactly one of the two is set.
type PriceMove struct {
	PercentHundredths int               // hundredths of one percent: 350 is 3.5 %; of every charge and cap
	Pence             shortbreaks.Pence // of the charge each option is sold by
}

// of is what an amount becomes, half up.
func (m PriceMove) of(amount shortbreaks.Pence) shortbreaks.Pence {
	return shortbreaks.MulDiv(amount, int64(10_000+m.PercentHundredths), 10_000)
}

// ChargeMove is one charge before and after.
type ChargeMove struct {
	OptionName string
	Kind       string
	Unit       string
	WasPence   shortbreaks.Pence
	NowPence   shortbreaks.Pence
}

// option is an option with its prices moved, and what moved.
func (m PriceMove) option(o tariff.Option, f *shortbreaks.Faults, at string) (tariff.Option, []ChargeMove) {
	var moves []ChargeMove
	lead := slices.IndexFunc(o.Charges, func(c tariff.Charge) bool { return !c.Optional && c.When != tariff.Contingent })
	o.Charges = slices.Clone(o.Charges)
	for i := range o.Charges {
		c := &o.Charges[i]
		now := c.AmountPence
		switch {
		case m.Pence == 0:
			now = m.of(c.AmountPence)
			c.CapPence, c.Rate, c.CostShares = m.pointed(c.CapPence), m.rate(c.Rate), m.shares(c.CostShares)
		case i == max(lead, 0):
			now += m.Pence
			if c.Rate != nil && c.Rate.Sums() {
				f.Add(at, "%s has several amounts; change them by a percentage, or revise the offer.", o.Name)
			}
		}
		if now == c.AmountPence {
			continue
		}
		moves = append(moves, ChargeMove{o.Name, c.Kind, c.Unit, c.AmountPence, now})
		switch {
		case now < 0:
			f.Add(at, "The price of %s would fall below nothing.", o.Name)
		case c.AmountPence == 0:
			f.Add(at, "%s is free; give it a price with its parts by revising the offer.", o.Name)
		default:
			c.Components = rescaled(c.Components, c.AmountPence, now)
			c.AmountPence = now
		}
	}
	return o, moves
}

// pointed moves an amount that may be missing.
func (m PriceMove) pointed(amount *shortbreaks.Pence) *shortbreaks.Pence {
	if amount == nil {
		return nil
	}
	now := m.of(*amount)
	return &now
}

// shares moves the sums and caps of who bears a price; percentages follow by
// themselves.
func (m PriceMove) shares(shares []tariff.CostShare) []tariff.CostShare {
	out := slices.Clone(shares)
	for i := range out {
		out[i].AmountPence, out[i].CapPence = m.pointed(out[i].AmountPence), m.pointed(out[i].CapPence)
	}
	return out
}

// rate moves every amount a rate names; the versions before keep theirs.
func (m PriceMove) rate(r *tariff.Rate) *tariff.Rate {
	if r == nil {
		return nil
	}
	out := *r
	if r.Bands != nil {
		bands := *r.Bands
		bands.List = slices.Clone(bands.List)
		for i := range bands.List {
			bands.List[i].AmountPence = m.pointed(bands.List[i].AmountPence)
		}
		out.Bands = &bands
	}
	if r.Volume != nil {
		volume := *r.Volume
		volume.Tiers = slices.Clone(volume.Tiers)
		for i := range volume.Tiers {
			volume.Tiers[i].AmountPence = m.of(volume.Tiers[i].AmountPence)
		}
		out.Volume = &volume
	}
	out.Durations, out.Ratios, out.Conversions = slices.Clone(r.Durations), slices.Clone(r.Ratios), slices.Clone(r.Conversions)
	for i := range out.Durations {
		out.Durations[i].AmountPence = m.of(out.Durations[i].AmountPence)
	}
	for i := range out.Ratios {
		out.Ratios[i].AmountPence = m.of(out.Ratios[i].AmountPence)
	}
	for i := range out.Conversions {
		out.Conversions[i].AmountPence = m.of(out.Conversions[i].AmountPence)
	}
	return &out
}

// rescaled brings the parts of a price from one sum to another, each in
// proportion; the pennies that are left over go to the largest remainders,
// ties to the earlier part, so that they still sum to the penny (R020). was is
// positive and is what the parts sum to.
func rescaled(parts []tariff.Component, was, now shortbreaks.Pence) []tariff.Component {
	out := slices.Clone(parts)
	rest := make([]*big.Int, len(parts))
	order := make([]int, len(parts))
	spare := int64(now)
	for i, p := range parts {
		exact := new(big.Int).Mul(big.NewInt(int64(p.AmountPence)), big.NewInt(int64(now)))
		down, left := new(big.Int).DivMod(exact, big.NewInt(int64(was)), new(big.Int)) // downwards, a subsidy too
		out[i].AmountPence, rest[i], order[i] = shortbreaks.Pence(down.Int64()), left, i
		spare -= down.Int64()
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(0, rest[a].Cmp(rest[b])) })
	for _, i := range order[:spare] {
		out[i].AmountPence++
	}
	return out
}
