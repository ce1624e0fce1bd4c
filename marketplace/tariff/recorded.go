package tariff

import "shortbreaks"

// Recorded is what a contingent charge comes to once its event has been
// recorded: its kind, and what the buyer bears of it on each of the occasions,
// which carry how often or how many minutes it happened. A cap by the week,
// month or booking counts over all of them. It reports false if the option
// named says nothing of the event (T59).
func (t *Tariff) Recorded(option, event string, occasions []Occasion) (kind string, buyer []shortbreaks.Pence, found bool) {
	for i := range t.Options {
		o := &t.Options[i]
		if o.Name != option {
			continue
		}
		for n := range o.Charges {
			c := &o.Charges[n]
			if c.When != Contingent || c.Event != event {
				continue
			}
			ask := &Ask{Occasions: occasions}
			l := line{n: n, charge: c, full: make([]shortbreaks.Pence, len(occasions))}
			l.occasions(ask)
			l.limit(ask)
			l.share()
			return c.Kind, l.buyer, true
		}
	}
	return "", nil, false
}
