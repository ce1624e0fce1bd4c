package tariff

import (
	"slices"
	"time"

	"shortbreaks"
)

// mix finds the cheapest way to cover dates with options that may each serve
// some of them.
//
// Options by the date are chosen date by date, so that a series is priced by
// the option in force on each (T88). One whose price depends on how much is
// bought together (tiers, caps over a week or month, monthly sums) serves all
// the dates it can, or none. Of blocks at most one is in use at a time: a
// second one is never needed sooner, since bought later it lasts longer. A
// membership is bought with a date, and again once it has ended.
type mix struct {
	t       *Tariff
	ask     *Ask
	singles []single // by the date
	wholes  []single // all their dates, or none
	blocks  []ticket
	member  *ticket // at most one, by Check
}

// single is an option worked out for every date.
type single struct {
	option int
	lines  []line
	pence  []shortbreaks.Pence // by occasion: the buyer's
	serves []bool
	needs  string // the membership it is for, or ""
}

// ticket is a block or a membership.
type ticket struct {
	single                   // what each use costs besides
	price  shortbreaks.Pence // once
	until  []time.Time       // by occasion: when one first used then ends
}

func newMix(t *Tariff, ask *Ask, usable []int) *mix {
	m := &mix{t: t, ask: ask}
	for _, n := range usable {
		o := &t.Options[n]
		s := single{option: n, lines: o.worked(ask, o.ticket()), pence: make([]shortbreaks.Pence, len(ask.Occasions)), serves: make([]bool, len(ask.Occasions))}
		for i := range ask.Occasions {
			s.serves[i] = o.unserved(ask, i) == nil
			for _, l := range s.lines {
				s.pence[i] += l.buyer[i]
			}
		}
		if o.WhoMayUse == Members && !slices.Contains(ask.Memberships, o.MemberOf) {
			s.needs = o.MemberOf
		}
		switch {
		case o.Block != nil:
			m.blocks = append(m.blocks, m.ticket(s, o))
		case o.Membership != nil:
			if !slices.Contains(ask.Memberships, o.Name) {
				member := m.ticket(s, o)
				m.member = &member
			}
		case o.together(ask):
			m.wholes = append(m.wholes, s)
		default:
			m.singles = append(m.singles, s)
		}
	}
	return m
}

// together reports whether the price of one date depends on others.
func (o *Option) together(ask *Ask) bool {
	return slices.ContainsFunc(o.Charges, func(c Charge) bool {
		return c.included(ask.ChargeKinds) && (c.bundled() || c.Unit == UnitMonth || c.Unit == UnitYear || c.CapPer == "week" || c.CapPer == "month" ||
			c.CapPer == "booking" || c.Rate != nil && c.Rate.Volume != nil)
	})
}

func (m *mix) ticket(s single, o *Option) ticket {
	k := ticket{single: s, until: make([]time.Time, len(m.ask.Occasions))}
	lead := o.Charges[0]
	k.price = lead.settle(exact{int64(lead.AmountPence), 1}, m.ask, &m.ask.Occasions[0])
	for i := range m.ask.Occasions {
		on := shortbreaks.Date(m.ask.Occasions[i].StartsAt)
		if o.Block != nil {
			k.until[i] = on.AddDate(0, 0, 7*o.Block.ValidWeeks)
		} else {
			k.until[i] = on.AddDate(0, o.Membership.Months, 0)
		}
	}
	return k
}

// cheapest tries every set of the options that are all or nothing, and fills
// the other dates by the rest; nil if some date cannot be served.
func (m *mix) cheapest() []Part {
	var best []Part
	bestTotal := shortbreaks.Pence(0)
	for set := range 1 << len(m.wholes) {
		parts, ok := m.withWholes(set)
		if !ok {
			continue
		}
		total := shortbreaks.Pence(0)
		for _, p := range parts {
			total += p.total()
		}
		if best == nil || total < bestTotal || total == bestTotal && first(parts) < first(best) {
			best, bestTotal = parts, total
		}
	}
	return best
}

func (p *Part) total() shortbreaks.Pence {
	total := p.paid
	for _, l := range p.lines {
		for _, i := range p.Dates {
			total += l.buyer[i]
		}
	}
	return total
}

func first(parts []Part) int {
	least := parts[0].Option
	for _, p := range parts {
		least = min(least, p.Option)
	}
	return least
}

// withWholes gives the options of a set their dates and the rest to the
// others.
func (m *mix) withWholes(set int) ([]Part, bool) {
	taken := make([]bool, len(m.ask.Occasions))
	var parts []Part
	var needs []string // memberships, by the first date they are needed
	needed := map[int]bool{}
	for n, s := range m.wholes {
		if set&(1<<n) == 0 {
			continue
		}
		p := Part{Option: s.option, OptionName: m.t.Options[s.option].Name}
		for i, serves := range s.serves {
			if serves && taken[i] {
				return nil, false // two that are all or nothing want the same date
			}
			if serves {
				taken[i] = true
				p.Dates = append(p.Dates, i)
				if s.needs != "" {
					needed[i] = true
				}
			}
		}
		if len(p.Dates) == 0 {
			return nil, false
		}
		if s.needs != "" {
			needs = append(needs, s.needs)
		}
		if len(p.Dates) < len(s.serves) {
			p.lines = m.again(s.option, p.Dates)
		} else {
			p.lines = s.lines
		}
		parts = append(parts, p)
	}
	rest, ok := m.fill(taken, needed)
	if !ok || len(needs) > 0 && m.member == nil {
		return nil, false
	}
	return inOrder(append(parts, rest...)), true
}

// again works an option out for some of the dates only, since what it costs
// depends on which they are; its lines still have a place for every date.
func (m *mix) again(option int, dates []int) []line {
	some := *m.ask
	some.Occasions = make([]Occasion, len(dates))
	for k, i := range dates {
		some.Occasions[k] = m.ask.Occasions[i]
	}
	lines := m.t.Options[option].worked(&some, false)
	for n := range lines {
		full, buyer := make([]shortbreaks.Pence, len(m.ask.Occasions)), make([]shortbreaks.Pence, len(m.ask.Occasions))
		for k, i := range dates {
			full[i], buyer[i] = lines[n].full[k], lines[n].buyer[k]
		}
		lines[n].full, lines[n].buyer = full, buyer
	}
	return lines
}

func inOrder(parts []Part) []Part {
	slices.SortStableFunc(parts, func(a, b Part) int { return a.Option - b.Option })
	return parts
}

// beaten is what each other option would cost for all of it, where it serves
// every date by itself.
func (m *mix) beaten(chosen []Part) (out []Beaten) {
	alone := len(chosen) == 1
	for n := range m.t.Options {
		if alone && chosen[0].Option == n {
			continue
		}
		only := *m
		keep := func(s single) bool { return s.option != n }
		only.singles = slices.DeleteFunc(slices.Clone(m.singles), keep)
		only.wholes = slices.DeleteFunc(slices.Clone(m.wholes), keep)
		only.blocks = slices.DeleteFunc(slices.Clone(m.blocks), func(k ticket) bool { return k.option != n })
		if len(only.singles)+len(only.wholes)+len(only.blocks) == 0 {
			continue
		}
		if parts := only.cheapest(); parts != nil && !sameParts(parts, chosen) {
			total := shortbreaks.Pence(0)
			for _, p := range parts {
				total += p.total()
			}
			out = append(out, Beaten{m.t.Options[n].Name, total})
		}
	}
	return out
}

func sameParts(a, b []Part) bool {
	return slices.EqualFunc(a, b, func(x, y Part) bool { return x.Option == y.Option && slices.Equal(x.Dates, y.Dates) })
}
