package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// stock is what the offers have on the dates asked for.
type stock struct {
	pattern  Pattern
	dates    []time.Time
	now      time.Time
	sessions map[uuid.UUID]map[string][]sessionRow // on these dates, by date
	terms    map[uuid.UUID][]Term                  // that run on some of them
	whole    map[uuid.UUID][]sessionRow            // all sessions of such a term
	lanes    *LaneBoard
	visits   map[visitTimes][]tariff.Occasion
}

// stock reads it, in a handful of statements for all offers together.
func (p Pattern) stock(ctx context.Context, tx *db.Tx, offers []found, dates []time.Time) (*stock, error) {
	s := &stock{pattern: p, dates: dates, now: tx.Now, terms: map[uuid.UUID][]Term{}, visits: map[visitTimes][]tariff.Occasion{}}
	keys := make([]offerKey, 0, len(offers))
	var wishes []LaneWish
	for _, o := range offers {
		keys = append(keys, offerKey{o.ProviderID, o.ID})
		wishes = append(wishes, s.wishes(o)...)
	}
	terms, err := readTerms(ctx, tx, keys, dates[0], dates[len(dates)-1])
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		s.terms[t.OfferID] = append(s.terms[t.OfferID], t)
	}
	if s.sessions, err = sessionsOn(ctx, tx, keys, dates); err != nil {
		return nil, err
	}
	if s.whole, err = sessionsOfTerms(ctx, tx, terms); err != nil {
		return nil, err
	}
	s.lanes, err = readLanes(ctx, tx, wishes)
	return s, err
}

// visitTimes is all that the times of visits depend on besides the pattern:
// many offers have the same hours.
type visitTimes struct {
	days     int32
	from, to string
}

// visitsOf are the visits of an offer by the hour on the dates: at the time
// asked for, or when the offer opens.
func (s *stock) visitsOf(o found) []tariff.Occasion {
	key := visitTimes{dayBits(o.visits.Days), o.visits.From, o.visits.To}
	if known, ok := s.visits[key]; ok {
		return known
	}
	all := []tariff.Occasion{}
	for _, on := range s.dates {
		start, trouble := Instant(wallOf(on, cmp.Or(s.pattern.From, o.visits.From)))
		if trouble != "" {
			continue
		}
		v := tariff.Occasion{StartsAt: start, EndsAt: start.Add(time.Duration(s.pattern.Minutes) * time.Minute)}
		if start.After(s.now) && o.visits.open(v) {
			all = append(all, v)
		}
	}
	s.visits[key] = all
	return all
}

func (s *stock) wishes(o found) (wishes []LaneWish) {
	if o.visits == nil || o.visits.lengthTrouble(s.pattern.Minutes) != "" {
		return nil
	}
	visits := s.visitsOf(o)
	wishes = make([]LaneWish, 0, len(visits))
	for _, v := range visits {
		wishes = append(wishes, LaneWish{
			Provider: o.ProviderID, Offer: o.ID,
			From: v.StartsAt.Add(-o.visits.before()), To: v.EndsAt.Add(o.visits.after()),
		})
	}
	return wishes
}

// way is one way to buy the pattern at an offer.
type way struct {
	soldBy tariff.SoldBy
	served []time.Time // dates of the pattern, in order
	first  time.Time
	left   *int
	priced tariff.Priced
}

// compare prices every way the offer has and chooses the one that serves most
// dates, then the cheapest.
func (s *stock) compare(o found) (Compared, bool) {
	var ways []way
	for _, w := range append([]way{s.byVisits(o), s.bySessions(o)}, s.byBundles(o)...) {
		if len(w.served) > 0 {
			ways = append(ways, w)
		}
	}
	if len(ways) == 0 {
		return Compared{}, false
	}
	slices.SortStableFunc(ways, func(a, b way) int {
		return cmp.Or(cmp.Compare(len(b.served), len(a.served)), cmp.Compare(a.priced.TotalPence, b.priced.TotalPence))
	})
	best := ways[0]
	c := Compared{
		Offer: OfferSummary{ID: o.ID, Title: o.Title}, SoldBy: best.soldBy, OptionName: best.priced.OptionName, TotalPence: best.priced.TotalPence,
		Occasions: len(best.served), ChildMinutes: best.priced.ChildMinutes, ComparableRatePence: best.priced.RatePence,
		FirstStart: best.first, PlacesLeft: best.left, Explanation: best.priced.Explanation, Beats: best.priced.Beats,
	}
	for _, w := range ways[1:] {
		if len(w.served) == len(best.served) {
			c.Beats = append(append(c.Beats, tariff.Beaten{OptionName: w.priced.OptionName, TotalPence: w.priced.TotalPence}), w.priced.Beats...)
		}
	}
	for _, on := range s.dates {
		if !slices.ContainsFunc(best.served, on.Equal) {
			c.MissingDates = append(c.MissingDates, on)
		}
	}
	c.Full = len(c.MissingDates) == 0
	if !c.Full {
		c.Explanation += fmt.Sprintf(" It serves %d of the %d dates.", len(best.served), len(s.dates))
	}
	return c, true
}

func (s *stock) ask(by tariff.SoldBy) tariff.Ask {
	return tariff.Ask{SoldBy: by, ReducedRate: s.pattern.ReducedRate, ChargeKinds: s.pattern.ChargeKinds}
}

// byVisits is a visit on each date that somebody is free.
func (s *stock) byVisits(o found) way {
	w, ask := way{soldBy: tariff.ByVisit}, s.ask(tariff.ByVisit)
	for _, wish := range s.wishes(o) {
		if _, free := s.lanes.Pick(wish); free {
			v := tariff.Occasion{StartsAt: wish.From.Add(o.visits.before()), EndsAt: wish.To.Add(-o.visits.after())}
			ask.Occasions = append(ask.Occasions, v)
			w.served = append(w.served, shortbreaks.Date(v.StartsAt))
		}
	}
	return w.price(o, ask)
}

// bySessions is the earliest session with a place that serves each date.
func (s *stock) bySessions(o found) way {
	w, ask := way{soldBy: tariff.BySession}, s.ask(tariff.BySession)
	for _, on := range s.dates {
		for _, e := range s.sessions[o.ID][on.Format(time.DateOnly)] {
			if s.serves(e, on) && e.left() > 0 {
				ask.Occasions = append(ask.Occasions, e.occasion())
				w.served = append(w.served, on)
				w.fullest(e.left())
				break
			}
		}
	}
	return w.price(o, ask)
}

// byBundles is, for each unit the offer is bundled by, all its bundles that
// serve a date. They are bought whole.
func (s *stock) byBundles(o found) (ways []way) {
	for _, unit := range tariff.BundleUnits {
		sum := way{soldBy: tariff.ByBundle}
		minutes := new(big.Rat)
		for _, t := range s.terms[o.ID] {
			if t.Unit != unit {
				continue
			}
			part := s.byBundle(o, t)
			if len(part.served) == 0 {
				continue
			}
			sum.join(part)
			minutes.Add(minutes, part.priced.ExactMinutes)
		}
		if len(sum.served) > 0 {
			sum.priced.ChildMinutes = int64(shortbreaks.RoundHalfUp(minutes))
			sum.priced.RatePence = tariff.Rate(sum.priced.TotalPence, minutes)
			ways = append(ways, sum)
		}
	}
	return ways
}

func (s *stock) byBundle(o found, t Term) way {
	b := bundleOf(t, s.whole[t.ID], s.now)
	w := way{soldBy: tariff.ByBundle}
	if b.placesLeft() == 0 {
		return w
	}
	for _, on := range s.dates {
		if slices.ContainsFunc(b.remaining, func(e sessionRow) bool { return s.serves(e, on) }) {
			w.served = append(w.served, on)
		}
	}
	w.fullest(b.placesLeft())
	ask := b.ask()
	ask.ReducedRate, ask.ChargeKinds = s.pattern.ReducedRate, s.pattern.ChargeKinds
	return w.price(o, ask)
}

// serves reports whether a session gives what is asked on a date, places
// aside.
func (s *stock) serves(e sessionRow, on time.Time) bool {
	if e.State != "scheduled" || !e.StartsAt.After(s.now) || !shortbreaks.Date(e.StartsAt).Equal(on) {
		return false
	}
	wanted := time.Duration(s.pattern.Minutes) * time.Minute
	if s.pattern.From == "" {
		return e.EndsAt.Sub(e.StartsAt) >= wanted
	}
	start := shortbreaks.At(on, clockMinutes(s.pattern.From))
	return !e.StartsAt.After(start) && !e.EndsAt.Before(start.Add(wanted))
}

// price prices the way; one this buyer cannot use serves nothing.
func (w way) price(o found, ask tariff.Ask) way {
	if len(w.served) == 0 {
		return way{}
	}
	p, err := tariff.Price(o.tariff, ask)
	if err != nil { // no option of this offer is sold this way to this buyer
		return way{}
	}
	w.priced, w.first = p, ask.Occasions[0].StartsAt
	return w
}

// fullest keeps the smallest number of places left.
func (w *way) fullest(left int) {
	if w.left == nil || left < *w.left {
		w.left = &left
	}
}

// join adds a later bundle to those before it.
func (w *way) join(next way) {
	if len(w.served) == 0 {
		*w = next
		return
	}
	w.served = append(w.served, next.served...)
	slices.SortFunc(w.served, time.Time.Compare)
	w.served = slices.CompactFunc(w.served, time.Time.Equal)
	w.fullest(*next.left)
	w.priced.TotalPence += next.priced.TotalPence
	w.priced.Explanation += " " + next.priced.Explanation
	w.priced.Beats = nil // their options differ; a sum over them would be nobody's price
}
