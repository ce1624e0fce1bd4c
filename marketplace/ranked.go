package marketplace

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"shortbreaks"
)

// A comparison answers the hundred offers that suit best. Which those are
// follows from what their sessions are, places apart, nearly always; so offers
// are taken in the order of the best they could be, and once a hundred are
// known to be better than that, the rest need not be read.

// promise is the best an offer could be for a pattern, by its listing alone:
// the truth is never better.
type promise struct {
	candidate
	full  bool // it may serve every date
	first time.Time
}

// better reports whether something compared comes before all this could be.
func (p promise) better(than Compared) bool {
	if than.CannotServe != "" {
		return true
	}
	if p.full != than.Full {
		return p.full
	}
	return cmp.Or(p.first.Compare(than.FirstStart), bytes.Compare(p.Offer[:], than.Offer.ID[:])) < 0
}

// promises are the candidates in the order of the best they could be; those
// that cannot serve any date are left out.
func (f filter) promises(all []candidate, dates []time.Time) []promise {
	ranked := make([]promise, 0, len(all))
	for _, c := range all {
		if p, ok := f.promise(c, dates); ok {
			ranked = append(ranked, p)
		}
	}
	slices.SortFunc(ranked, func(a, b promise) int {
		if a.full != b.full {
			return map[bool]int{true: -1, false: 1}[a.full]
		}
		return cmp.Or(a.first.Compare(b.first), bytes.Compare(a.Offer[:], b.Offer[:]))
	})
	return ranked
}

func (f filter) promise(c candidate, dates []time.Time) (promise, bool) {
	p := promise{candidate: c, first: f.asOf}
	if at := f.soonestOf(c); at == nil {
		return p, false
	} else if !c.bundles { // a bundle may begin before the first date asked for
		p.first = *at
	}
	p.full = f.mayServe(c, dates) == len(dates)
	return p, true
}

// mayServe is how many of the dates the candidate may serve at the most.
func (f filter) mayServe(c candidate, dates []time.Time) (n int) {
	switch {
	case c.visits:
		for _, on := range dates {
			if c.days&dayBits([]int{shortbreaks.ISOWeekday(on)}) != 0 {
				n++
			}
		}
		return n
	case c.starts == nil:
		return len(dates)
	}
	i := 0
	for _, on := range dates {
		from, to := shortbreaks.At(on, 0).Unix()/60, shortbreaks.At(on, 24*60).Unix()/60
		for i < len(c.starts) && int64(c.starts[i]) < from {
			i++
		}
		if i == len(c.starts) && len(c.starts) == mostStarts {
			n++ // beyond what the listing knows
		} else if i < len(c.starts) && int64(c.starts[i]) < to {
			n++
		}
	}
	return n
}
