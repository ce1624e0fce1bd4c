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
// bought together (bundles, tiers, caps over a week or month, monthly sums)
// serves all the dates it can, or none. Of each kind of block at most one is
// in use at a time: a second one is never needed sooner, since bought later it
// lasts longer. A membership is bought with a date, and again once it has
// ended, or before that if it will not be sold then.
type mix struct {
	t       *Tariff
	ask     *Ask
	singles []single // by the date
	wholes  []single // all their dates, or none
	blocks  []ticket // at most mostBlocks, by Check
	member  *ticket  // at most one, by Check; nil if it opens nothing

	best      []Part // the cheapest found so far
	bestTotal shortbreaks.Pence
	states    int  // looked at so far
	tooMany   bool // more than mostStates: no answer
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
	until  []int             // by occasion: the first one it no longer serves, if bought with this one
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
	opens := func(s single) bool { return s.needs != "" }
	if !slices.ContainsFunc(m.singles, opens) && !slices.ContainsFunc(m.wholes, opens) &&
		!slices.ContainsFunc(m.blocks, func(k ticket) bool { return k.needs != "" }) {
		m.member = nil
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
	n := len(m.ask.Occasions)
	k := ticket{single: s, until: make([]int, n)}
	lead := o.Charges[0]
	k.price = lead.settle(exact{int64(lead.AmountPence), 1}, m.ask, &m.ask.Occasions[0])
	dates := make([]time.Time, n)
	for i := range dates {
		dates[i] = shortbreaks.Date(m.ask.Occasions[i].StartsAt)
	}
	for i, last := 0, 0; i < n; i++ {
		end := o.ends(dates[i])
		for last < n && dates[last].Before(end) {
			last++
		}
		k.until[i] = last
	}
	return k
}

// ends is the first date a block or membership first used on a date no longer
// serves. A month after the 31st is the last day of a shorter one.
func (o *Option) ends(on time.Time) time.Time {
	if o.Block != nil {
		return on.AddDate(0, 0, 7*o.Block.ValidWeeks)
	}
	end := on.AddDate(0, o.Membership.Months, 0)
	if end.Day() != on.Day() {
		end = end.AddDate(0, 0, -end.Day())
	}
	return end
}

// cheapest tries every set of the options that are all or nothing, and fills
// the other dates by the rest; nil if some date cannot be served.
func (m *mix) cheapest() []Part {
	m.best, m.bestTotal, m.states, m.tooMany = nil, 0, 0, false
	dates := len(m.ask.Occasions)
	others, last := make([]bool, dates), make([]int, dates) // served by the date or a block; the last whole that serves
	for i := range dates {
		serves := func(s single) bool { return s.serves[i] }
		others[i] = slices.ContainsFunc(m.singles, serves) || slices.ContainsFunc(m.blocks, func(k ticket) bool { return k.serves[i] })
		last[i] = -1
		for n := range m.wholes {
			if m.wholes[n].serves[i] {
				last[i] = n
			}
		}
	}
	m.sets(0, make([]bool, dates), nil, others, last)
	if m.tooMany {
		return nil
	}
	return m.best
}

// sets goes through the sets of all-or-nothing options, the nth of them next:
// first without it, unless it was the last to serve a date.
func (m *mix) sets(n int, taken []bool, picked []int, others []bool, last []int) {
	if n == len(m.wholes) {
		m.complete(picked, taken)
		return
	}
	without := true
	for i := range taken {
		without = without && (last[i] != n || taken[i] || others[i])
	}
	if without {
		m.sets(n+1, taken, picked, others, last)
	}
	with, any := slices.Clone(taken), false
	for i, serves := range m.wholes[n].serves {
		if serves && taken[i] {
			return // two that are all or nothing want the same date
		}
		with[i], any = with[i] || serves, any || serves
	}
	if any {
		m.sets(n+1, with, append(slices.Clone(picked), n), others, last)
	}
}

// complete prices one set of wholes with the rest filled, and keeps it if it is
// the cheapest so far; of equal ones, that with the earlier option.
func (m *mix) complete(picked []int, taken []bool) {
	parts, ok := m.withWholes(picked, taken)
	if !ok {
		return
	}
	total := shortbreaks.Pence(0)
	for _, p := range parts {
		total += p.total()
	}
	if m.best == nil || total < m.bestTotal || total == m.bestTotal && first(parts) < first(m.best) {
		m.best, m.bestTotal = parts, total
	}
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

// withWholes gives the options picked their dates and the rest to the others.
func (m *mix) withWholes(picked []int, taken []bool) ([]Part, bool) {
	var parts []Part
	needed := make([]bool, len(taken)) // on these dates the buyer must be a member
	for _, n := range picked {
		s := &m.wholes[n]
		p := Part{Option: s.option, OptionName: m.t.Options[s.option].Name, lines: s.lines}
		for i, serves := range s.serves {
			if serves {
				p.Dates = append(p.Dates, i)
				needed[i] = s.needs != ""
			}
		}
		if len(p.Dates) < len(s.serves) {
			p.lines = m.again(s.option, p.Dates)
		}
		parts = append(parts, p)
	}
	rest, ok := m.fill(taken, needed)
	if !ok {
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
