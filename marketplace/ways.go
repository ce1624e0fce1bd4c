package marketplace

import (
	"cmp"
	"context"
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
	project  bool                         // dates after the last published session count as if they were (R101)
	latest   map[uuid.UUID][]sessionRow   // of each kind, to project from
	planned  map[uuid.UUID]map[string]int // sessions of the latest bundle, by its unit
	holidays map[time.Time]string         // if any price depends on them
	lapses   *lapses
	heedless bool // of lapses: to know whether they are why nothing is served
}

// stock reads it, in a handful of statements for all offers together; project
// for a plan, which runs longer than what is published.
func (p Pattern) stock(ctx context.Context, tx *db.Tx, offers []found, dates []time.Time, project bool) (*stock, error) {
	s := &stock{pattern: p, dates: dates, now: tx.Now, terms: map[uuid.UUID][]Term{}, visits: map[visitTimes][]tariff.Occasion{}, project: project}
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
	if project {
		if s.latest, err = latestSessions(ctx, tx, keys); err != nil {
			return nil, err
		}
		if s.planned, err = latestPlanned(ctx, tx, keys); err != nil {
			return nil, err
		}
	}
	if slices.ContainsFunc(offers, func(o found) bool { return o.tariff.OnHolidays() }) {
		if s.holidays, err = BankHolidays(ctx, tx, dates[0].AddDate(0, 0, -1), dates[len(dates)-1].AddDate(0, 1, 0)); err != nil {
			return nil, err
		}
	}
	if s.lanes, err = readLanes(ctx, tx, wishes); err != nil {
		return nil, err
	}
	s.lapses, err = s.readLapses(ctx, tx, offers)
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
		if !o.window.CanBook(v.StartsAt, s.now) {
			continue
		}
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
	total  shortbreaks.Pence // the buyer's
	full   shortbreaks.Pence // of all payers
	time   *big.Rat          // minutes with the child
	bought []*tariff.Priced  // in the order of their dates
	when   []tariff.Occasion // what is bought, as the items of bought one after the other
	ahead  int               // how many of them are not published yet
}

func (w *way) option() string {
	var names []string
	for _, p := range w.bought {
		if name := p.OptionName(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return shortbreaks.Listed(names)
}

// compare prices every way the offer has and chooses the one that serves most
// dates, then the cheapest.
func (s *stock) compare(o found) (Compared, bool) {
	ways := s.ways(o)
	if len(ways) == 0 {
		return Compared{}, false
	}
	return s.compared(o, ways), true
}

// ways are all that serve at least one date: those that serve most first, then
// the cheapest.
func (s *stock) ways(o found) (ways []way) {
	for _, w := range append([]way{s.byVisits(o), s.bySessions(o)}, s.byBundles(o)...) {
		if len(w.served) > 0 {
			ways = append(ways, w)
		}
	}
	slices.SortStableFunc(ways, func(a, b way) int {
		return cmp.Or(cmp.Compare(len(b.served), len(a.served)), cmp.Compare(a.total, b.total))
	})
	return ways
}

func (s *stock) compared(o found, ways []way) Compared {
	best := ways[0]
	c := Compared{
		Offer: OfferSummary{ID: o.ID, Title: o.Title}, SoldBy: best.soldBy, OptionName: best.option(), TotalPence: best.total, FullPence: best.full,
		Occasions: len(best.served), ChildMinutes: int64(shortbreaks.RoundHalfUp(best.time)), ComparableRatePence: tariff.RateOf(best.full, best.time),
		FirstStart: best.first, PlacesLeft: best.left, bought: best.bought,
	}
	if len(best.bought) == 1 { // of several, the options differ; a sum over them would be nobody's price
		c.Beats = best.bought[0].Beats
	}
	for _, w := range ways[1:] {
		if len(w.served) == len(best.served) {
			c.Beats = append(c.Beats, tariff.Beaten{OptionName: w.option(), TotalPence: w.total})
			if len(w.bought) == 1 {
				c.Beats = append(c.Beats, w.bought[0].Beats...)
			}
		}
	}
	for _, on := range s.dates {
		if !slices.ContainsFunc(best.served, on.Equal) {
			c.MissingDates = append(c.MissingDates, on)
		}
	}
	c.Full = len(c.MissingDates) == 0
	return c
}

func (s *stock) ask(by tariff.SoldBy) tariff.Ask {
	return tariff.Ask{
		SoldBy: by, ReducedRate: s.pattern.ReducedRate, ChargeKinds: s.pattern.ChargeKinds, Quantities: s.pattern.Quantities, Ratio: s.pattern.ratio(),
		Contracts: s.pattern.Contracts, Schemes: s.pattern.Schemes, Holidays: s.holidays,
	}
}

// byVisits is a visit on each date that somebody is free.
func (s *stock) byVisits(o found) way {
	w, ask := way{soldBy: tariff.ByVisit}, s.ask(tariff.ByVisit)
	defer s.lanes.Undo(s.lanes.Mark()) // nobody is taken: whoever serves two offers can be had at either
	for _, wish := range s.wishes(o) {
		v := tariff.Occasion{StartsAt: wish.From.Add(o.visits.before()), EndsAt: wish.To.Add(-o.visits.after())}
		if s.lapsed(o, shortbreaks.Date(v.StartsAt)) {
			continue
		}
		if _, free := s.lanes.Pick(wish); free {
			ask.Occasions = append(ask.Occasions, v)
			w.served = append(w.served, shortbreaks.Date(v.StartsAt))
		}
	}
	return s.price(w, o, ask)
}

// bySessions is the earliest session with a place that serves each date.
func (s *stock) bySessions(o found) way {
	w, ask := way{soldBy: tariff.BySession}, s.ask(tariff.BySession)
	for _, on := range s.dates {
		for _, e := range s.sessions[o.ID][on.Format(time.DateOnly)] {
			if s.serves(e, on) && e.left() > 0 && o.window.CanBook(e.StartsAt, s.now) && !s.lapsed(o, on) {
				ask.Occasions = append(ask.Occasions, e.occasion())
				w.served = append(w.served, on)
				w.fullest(e.left())
				break
			}
		}
	}
	s.lookAhead(o, &w, &ask)
	return s.price(w, o, ask)
}

// byBundles is, for each unit the offer is bundled by, all its bundles that
// serve a date. They are bought whole.
func (s *stock) byBundles(o found) (ways []way) {
	for _, unit := range tariff.BundleUnits {
		sum := way{soldBy: tariff.ByBundle}
		for _, t := range s.terms[o.ID] {
			if t.Unit != unit {
				continue
			}
			part := s.byBundle(o, t)
			if len(part.served) == 0 {
				continue
			}
			sum.join(part)
		}
		for _, part := range s.bundlesAhead(o, unit) {
			sum.join(part)
		}
		if len(sum.served) > 0 {
			ways = append(ways, sum)
		}
	}
	return ways
}

func (s *stock) byBundle(o found, t Term) way {
	b := bundleOf(t, s.whole[t.ID], o.window.gone(s.now))
	w := way{soldBy: tariff.ByBundle}
	lapsed := func(e sessionRow) bool { return s.lapsed(o, shortbreaks.Date(e.StartsAt)) }
	if b.placesLeft() == 0 || !o.window.CanBook(b.remaining[0].StartsAt, s.now) || slices.ContainsFunc(b.remaining, lapsed) {
		return w
	}
	for _, on := range s.dates {
		if slices.ContainsFunc(b.remaining, func(e sessionRow) bool { return s.serves(e, on) }) {
			w.served = append(w.served, on)
		}
	}
	w.fullest(b.placesLeft())
	ask := s.ask(tariff.ByBundle)
	ask.Bundle, ask.Occasions = b.ask().Bundle, b.ask().Occasions
	return s.price(w, o, ask)
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
func (s *stock) price(w way, o found, ask tariff.Ask) way {
	if len(w.served) == 0 {
		return way{}
	}
	s.pattern.taper(ask.Occasions)
	p, err := tariff.Price(&o.tariff, &ask)
	if err != nil { // no option of this offer is sold this way to this buyer
		return way{}
	}
	w.total, w.full, w.time, w.bought, w.first = p.TotalPence, p.FullPence, p.ExactMinutes, []*tariff.Priced{&p}, ask.Occasions[0].StartsAt
	w.when = ask.Occasions
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
	if next.left != nil {
		w.fullest(*next.left)
	}
	w.total, w.full, w.bought = w.total+next.total, w.full+next.full, append(w.bought, next.bought...)
	w.time = new(big.Rat).Add(w.time, next.time)
	w.when, w.ahead = append(slices.Clip(w.when), next.when...), w.ahead+next.ahead
}
