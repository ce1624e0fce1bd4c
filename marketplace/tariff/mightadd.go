package tariff

import (
	"slices"

	"shortbreaks"
)

// MightAdd is a charge that depends on what happens (T59). Sums are what this
// buyer would pay of it: for this child, and without what other payers bear.
type MightAdd struct {
	Event     string             `json:"event"`
	Pence     shortbreaks.Pence  `json:"pence"`                 // for each time, or each started so many minutes
	Each      int                `json:"each,omitempty"`        // those minutes; 0: each time
	UpToPence *shortbreaks.Pence `json:"up_to_pence,omitempty"` // for one date
}

// mightAdd lists what contingent charges of the chosen options could add; one
// that others bear altogether adds nothing.
func (p *Priced) mightAdd() {
	for k, part := range p.Parts {
		o := &p.tariff.Options[part.Option]
		if slices.ContainsFunc(p.Parts[:k], func(same Part) bool { return same.Option == part.Option }) {
			continue // a second block of one option
		}
		for n := range o.Charges {
			c := &o.Charges[n]
			if c.When != Contingent || c.happened(p.ask) {
				continue
			}
			if m := c.mightAdd(p.ask); m.Pence > 0 || m.UpToPence != nil && *m.UpToPence > 0 {
				p.MightAdd = append(p.MightAdd, m)
			}
		}
	}
}

// mightAdd works the charge out as if its event were recorded once, as it will
// be if it is, and its cap as the most of one date.
func (c *Charge) mightAdd(ask *Ask) MightAdd {
	once := *ask
	once.Occasions = []Occasion{ask.Occasions[0]}
	once.Occasions[0].Events = map[string]int{c.Event: 1}
	l := line{charge: c, full: make([]shortbreaks.Pence, 1)}
	l.occasions(&once)
	l.limit(&once)
	l.share()
	m := MightAdd{Event: c.Event, Pence: l.buyer[0], Each: c.EachMinutes}
	if c.CapPence != nil {
		most := line{charge: c, full: []shortbreaks.Pence{*c.CapPence}}
		most.share()
		m.UpToPence = &most.buyer[0]
	}
	return m
}
