package tariff

import (
	"time"

	"shortbreaks"
)

// The dates that no all-or-nothing option takes are filled by the cheapest
// path through them: on each date, an option by the date, a use of the block
// in hand, or a new block; with a membership bought where it pays. A state is
// what is in hand before a date; from equal states only the cheapest way there
// is kept, so the result is exact.

// inHand is what a buyer holds before a date.
type inHand struct {
	block  int // place in blocks, from 1; 0: none
	bought int // the date it was bought with, from 1
	left   int
	member int // the date the membership was bought with, from 1; 0: none
}

// step is how a date was covered on the cheapest way to a state.
type step struct {
	cost   shortbreaks.Pence
	from   inHand
	single int  // place in singles, from 1; 0: the block of the state
	opened bool // a block was bought for this date
	joined bool // membership was bought for this date
}

// fill covers the dates not taken. Where an option that was given its dates is
// for members, needed says on which the buyer must be one.
func (m *mix) fill(taken []bool, needed map[int]bool) ([]Part, bool) {
	if m.member == nil && len(m.blocks) == 0 {
		return m.dateByDate(taken)
	}
	ways := make([]map[inHand]step, len(taken)+1)
	ways[0] = map[inHand]step{{}: {}}
	for i := range taken {
		ways[i+1] = map[inHand]step{}
		for held, way := range ways[i] {
			m.onward(i, m.expired(held, i), held, way.cost, taken[i], needed[i], ways[i+1])
		}
		if len(ways[i+1]) == 0 {
			return nil, false
		}
	}
	return m.trace(ways, taken), true
}

// dateByDate is the plain case: the cheapest option on each date.
func (m *mix) dateByDate(taken []bool) ([]Part, bool) {
	chosen := make([]int, len(taken))
	for i, done := range taken {
		if done {
			continue
		}
		best := -1
		for n, s := range m.singles {
			if s.needs == "" && s.serves[i] && (best < 0 || s.pence[i] < m.singles[best].pence[i]) {
				best = n
			}
		}
		if best < 0 {
			return nil, false
		}
		chosen[i] = best + 1
	}
	return m.singleParts(chosen), true
}

// singleParts gathers the dates of each option by the date; chosen holds a
// place in singles from 1 for each date, or 0.
func (m *mix) singleParts(chosen []int) (parts []Part) {
	for n, s := range m.singles {
		p := Part{Option: s.option, OptionName: m.t.Options[s.option].Name, lines: s.lines}
		for i, c := range chosen {
			if c == n+1 {
				p.Dates = append(p.Dates, i)
			}
		}
		if len(p.Dates) > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// expired drops what can no longer be used on a date.
func (m *mix) expired(h inHand, i int) inHand {
	on := shortbreaks.Date(m.ask.Occasions[i].StartsAt)
	if h.block > 0 && (h.left == 0 || !on.Before(m.blocks[h.block-1].until[h.bought-1])) {
		h.block, h.bought, h.left = 0, 0, 0
	}
	if h.member > 0 && !on.Before(m.memberUntil(h.member-1)) {
		h.member = 0
	}
	return h
}

func (m *mix) memberUntil(i int) time.Time { return m.member.until[i] }

// onward tries every way to cover a date from what is in hand.
func (m *mix) onward(i int, h, from inHand, cost shortbreaks.Pence, taken, needed bool, next map[inHand]step) {
	m.cover(i, h, from, cost, false, taken, needed, next)
	if m.member != nil && h.member == 0 && m.member.serves[i] {
		joined := h
		joined.member = i + 1
		m.cover(i, joined, from, cost+m.member.price, true, taken, needed, next)
	}
}

func (m *mix) cover(i int, h, from inHand, cost shortbreaks.Pence, joined, taken, needed bool, next map[inHand]step) {
	member := h.member > 0
	if needed && !member {
		return
	}
	if taken {
		better(next, h, step{cost: cost, from: from, joined: joined, single: -1})
		return
	}
	for n, s := range m.singles {
		if s.serves[i] && (s.needs == "" || member) {
			better(next, h, step{cost: cost + s.pence[i], from: from, single: n + 1, joined: joined})
		}
	}
	if h.block > 0 {
		b := m.blocks[h.block-1]
		if b.serves[i] && (b.needs == "" || member) {
			used := h
			used.left--
			better(next, used, step{cost: cost + b.pence[i], from: from, joined: joined})
		}
		return
	}
	for n, b := range m.blocks {
		if b.serves[i] && (b.needs == "" || member) {
			fresh := inHand{n + 1, i + 1, m.t.Options[b.option].Block.Count - 1, h.member}
			better(next, fresh, step{cost: cost + b.price + b.pence[i], from: from, opened: true, joined: joined})
		}
	}
}

// better keeps the cheaper way to a state; of equal ones that by the earlier
// option, so that the answer does not depend on the order of a map.
func better(next map[inHand]step, h inHand, s step) {
	old, known := next[h]
	if !known || s.cost < old.cost || s.cost == old.cost && s.before(old) {
		next[h] = s
	}
}

func (s step) before(t step) bool {
	if s.joined != t.joined {
		return !s.joined
	}
	if s.single != t.single {
		return s.single > 0 && (t.single <= 0 || s.single < t.single)
	}
	return less(s.from, t.from)
}

func less(a, b inHand) bool {
	for _, d := range [...]int{a.member - b.member, a.block - b.block, a.bought - b.bought, a.left - b.left} {
		if d != 0 {
			return d < 0
		}
	}
	return false
}

// trace walks the cheapest way back and gathers what was bought.
func (m *mix) trace(ways []map[inHand]step, taken []bool) []Part {
	var at inHand
	first := true
	for h, s := range ways[len(taken)] {
		best := ways[len(taken)][at]
		if first || s.cost < best.cost || s.cost == best.cost && less(h, at) {
			at, first = h, false
		}
	}
	chosen := make([]int, len(taken))
	type opened struct{ block, bought int }
	uses := map[opened][]int{}
	var blocks []opened
	var joins []int
	for i := len(taken) - 1; i >= 0; i-- {
		s := ways[i+1][at]
		switch {
		case s.single > 0:
			chosen[i] = s.single
		case s.single == 0:
			key := opened{at.block, at.bought}
			uses[key] = append([]int{i}, uses[key]...)
			if s.opened {
				blocks = append([]opened{key}, blocks...)
			}
		}
		if s.joined {
			joins = append([]int{i}, joins...)
		}
		at = s.from
	}
	parts := m.singleParts(chosen)
	for _, b := range blocks {
		k := m.blocks[b.block-1]
		parts = append(parts, Part{Option: k.option, OptionName: m.t.Options[k.option].Name, Dates: uses[b], lines: k.lines, paid: k.price})
	}
	for _, i := range joins {
		k := m.member
		parts = append(parts, Part{Option: k.option, OptionName: m.t.Options[k.option].Name, Dates: []int{i}, lines: nil, paid: k.price})
	}
	return inOrder(parts)
}
