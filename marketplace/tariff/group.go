package tariff

import "shortbreaks"

// GroupPrice is what a group shares on one date, kept with a quote so that the
// shares can be worked out again once it is known who is in the group (T90).
type GroupPrice struct {
	WholePence shortbreaks.Pence `json:"whole_pence"` // of the group
	SharePence shortbreaks.Pence `json:"share_pence"` // of the smallest group: the most one of it pays
}

// Share is what the nth of so many pays of an amount quoted by the share of
// the smallest group: an equal part of the whole, spare pennies to the
// earlier, and never more than was quoted.
func (g GroupPrice) Share(quoted shortbreaks.Pence, among, nth int) shortbreaks.Pence {
	share := part(g.WholePence, max(1, among), nth)
	if share >= g.SharePence {
		return quoted
	}
	return shortbreaks.MulDiv(quoted, int64(share), int64(g.SharePence))
}

// group is what is shared on each date; nil if the charge is not one of a
// group, or the group is known already.
func (l *line) group(ask *Ask) []GroupPrice {
	if l.charge.Basis != PerGroup || l.charge.percentage() || ask.Sharing > 0 {
		return nil
	}
	c := *l.charge
	c.Basis = PerChild
	whole := line{n: l.n, charge: &c, full: make([]shortbreaks.Pence, len(l.full))}
	if c.bundled() {
		whole.bundle(ask)
	} else {
		whole.occasions(ask)
	}
	prices := make([]GroupPrice, len(l.full))
	for i := range prices {
		prices[i] = GroupPrice{WholePence: whole.full[i], SharePence: l.full[i]}
	}
	return prices
}
