package tariff

import (
	"cmp"
	"slices"

	"shortbreaks"
)

// The dates that no all-or-nothing option takes are filled by the cheapest
// path through them: on each date an option by the date, a use of a block in
// hand, or a new block; with a membership bought where it pays. A state is what
// is in hand before a date. Of equal states only the cheapest way there is
// kept, and none is that another beats in every respect, so the result is
// exact and the work stays small.

// Bounds of that work: where they are not enough, the price is refused rather
// than guessed or waited for.
const (
	mostBlocks = 3       // kinds of block in one tariff
	mostStates = 100_000 // for one price
	mostAtOnce = 2_000   // of one date
)

// inHand is what a buyer holds before a date.
type inHand struct {
	blocks [mostBlocks]held
	member int16 // the first date the membership no longer serves; 0: none
}

// held is a block in hand.
type held struct {
	until int16 // the first date it no longer serves
	left  int16 // uses, as far as there are dates for them; 0: none in hand
}

// step is how a date was covered on the cheapest way to a state.
type step struct {
	inHand
	cost   shortbreaks.Pence
	from   int // the state before, by its place
	how    int // place in singles from 1; 0: the date was taken; -1, -2, ..: a use of the first, second, .. block
	opened bool
	joined bool // membership was bought for this date
}

// fill covers the dates not taken. Where an option that was given its dates is
// for members, needed says on which the buyer must be one.
func (m *mix) fill(taken, needed []bool) ([]Part, bool) {
	if m.member == nil && slices.Contains(needed, true) {
		return nil, false
	}
	if m.member == nil && len(m.blocks) == 0 {
		return m.dateByDate(taken)
	}
	f := filling{mix: m, taken: taken, needed: needed, uses: make([][]int16, len(m.blocks)), known: map[inHand]int{}}
	for b := range m.blocks {
		f.uses[b] = make([]int16, len(taken)+1)
		for i := range taken {
			f.uses[b][i+1] = f.uses[b][i]
			if !taken[i] && m.blocks[b].serves[i] {
				f.uses[b][i+1]++
			}
		}
	}
	f.ways = append(f.ways, []step{{}})
	for i := range taken {
		f.next = f.next[:0:0]
		clear(f.known)
		for from := range f.ways[i] {
			f.onward(i, from)
		}
		m.states += len(f.next)
		if len(f.next) > mostAtOnce || m.states > mostStates {
			m.tooMany = true
			return nil, false
		}
		if len(f.next) == 0 {
			return nil, false
		}
		f.ways = append(f.ways, unbeaten(f.next))
	}
	return f.trace(), true
}

// filling is one search for the cheapest path.
type filling struct {
	*mix
	taken, needed []bool
	uses          [][]int16 // by block: the dates before each that it could serve
	ways          [][]step  // by date: the states before it that are worth keeping
	next          []step    // the states after the date being covered
	known         map[inHand]int
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

// onward tries every way to cover a date from a state.
func (f *filling) onward(i, from int) {
	s := step{inHand: f.ways[i][from].inHand, cost: f.ways[i][from].cost, from: from}
	f.cover(i, s)
	if f.member == nil || !f.member.serves[i] || f.member.until[i] <= int(s.member) {
		return
	}
	// While one is in hand, another pays only if it is not sold when that ends.
	if s.member == 0 || slices.Contains(f.member.serves[s.member:], false) {
		s.member, s.joined, s.cost = int16(f.member.until[i]), true, s.cost+f.member.price
		f.cover(i, s)
	}
}

func (f *filling) cover(i int, s step) {
	member := int(s.member) > i
	switch {
	case f.needed[i] && !member:
		return
	case f.taken[i]:
		f.reach(i+1, s)
		return
	}
	for n := range f.singles {
		if o := &f.singles[n]; o.serves[i] && (o.needs == "" || member) {
			by := s
			by.how, by.cost = n+1, s.cost+o.pence[i]
			f.reach(i+1, by)
		}
	}
	for n := range f.blocks {
		b := &f.blocks[n]
		if !b.serves[i] || b.needs != "" && !member {
			continue
		}
		use := s
		use.how, use.cost = -n-1, s.cost+b.pence[i]
		if use.blocks[n].left == 0 {
			use.blocks[n] = held{int16(b.until[i]), int16(f.t.Options[b.option].Block.Count)}
			use.opened, use.cost = true, use.cost+b.price
		}
		use.blocks[n].left--
		f.reach(i+1, use)
	}
}

// reach keeps the cheaper way to a state before a date; of equal ones the one
// that buys no membership, then that by the earlier option by the date.
func (f *filling) reach(i int, s step) {
	if int(s.member) <= i {
		s.member = 0
	}
	for n := range f.blocks {
		b := &s.blocks[n]
		if b.left > 0 { // more uses than dates are worth no more
			b.left = min(b.left, f.uses[n][b.until]-f.uses[n][min(i, int(b.until))])
		}
		if b.left == 0 {
			*b = held{}
		}
	}
	at, known := f.known[s.inHand]
	switch {
	case !known:
		f.known[s.inHand] = len(f.next)
		f.next = append(f.next, s)
	case s.cost < f.next[at].cost || s.cost == f.next[at].cost && s.before(&f.next[at]):
		f.next[at] = s
	}
}

func (s *step) before(t *step) bool {
	if s.joined != t.joined {
		return !s.joined
	}
	return s.how > 0 && (t.how <= 0 || s.how < t.how)
}

// unbeaten drops each state that another beats: one that holds as much or more
// and came cheaper, or holds the same things, only fresher, at the same cost.
func unbeaten(states []step) []step {
	slices.SortFunc(states, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), compare(&b.inHand, &a.inHand)) // of equal costs the freshest first
	})
	kept := states[:0]
next:
	for k := range states {
		for i := range kept {
			if kept[i].beats(&states[k]) {
				continue next
			}
		}
		kept = append(kept, states[k])
	}
	return kept
}

func (s *step) beats(t *step) bool {
	if s.cost > t.cost || s.member < t.member {
		return false
	}
	same := (s.member > 0) == (t.member > 0)
	for n := range s.blocks {
		if s.blocks[n].left < t.blocks[n].left || s.blocks[n].until < t.blocks[n].until {
			return false
		}
		same = same && (s.blocks[n].left > 0) == (t.blocks[n].left > 0)
	}
	return s.cost < t.cost || same
}

// compare puts states in order: those that hold less first.
func compare(a, b *inHand) int {
	order := cmp.Compare(a.member, b.member)
	for n := range a.blocks {
		order = cmp.Or(order, cmp.Compare(a.blocks[n].left, b.blocks[n].left), cmp.Compare(a.blocks[n].until, b.blocks[n].until))
	}
	return order
}

// trace walks the cheapest way back and gathers what was bought.
func (f *filling) trace() []Part {
	end := f.ways[len(f.taken)]
	at := 0
	for k := range end {
		if end[k].cost < end[at].cost || end[k].cost == end[at].cost && compare(&end[k].inHand, &end[at].inHand) < 0 {
			at = k
		}
	}
	chosen := make([]int, len(f.taken))
	uses := make([][]int, len(f.blocks)) // of the block in hand, walking back
	var tickets []Part
	buy := func(k *ticket, dates []int) {
		tickets = append(tickets, Part{Option: k.option, OptionName: f.t.Options[k.option].Name, Dates: dates, lines: k.lines, paid: k.price})
	}
	for i := len(f.taken) - 1; i >= 0; i-- {
		s := &f.ways[i+1][at]
		if s.how < 0 {
			n := -s.how - 1
			uses[n] = append(uses[n], i)
			if s.opened {
				slices.Reverse(uses[n])
				buy(&f.blocks[n], uses[n])
				uses[n] = nil
			}
		} else {
			chosen[i] = s.how
		}
		if s.joined {
			buy(f.member, []int{i})
		}
		at = s.from
	}
	slices.Reverse(tickets)
	return append(f.singleParts(chosen), tickets...)
}
