package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// Use is a pattern to be costed for a plan: at one offer, or at the cheapest
// that suits.
type Use struct {
	Pattern     Pattern // OfferIDs of one element: at this offer
	WithinMiles int     // for the cheapest: needs the pattern's postcode; 0: however far
}

// CostedUse is what a pattern comes to.
type CostedUse struct {
	Offer       OfferSummary
	OptionName  string
	Dates       []CostedDate // by start
	Projected   int          // of them, how many are after the last published date
	Missing     []time.Time  // dates of the pattern that cannot be served: full, or not running
	TotalPence  shortbreaks.Pence
	FullPence   shortbreaks.Pence
	RatePence   *shortbreaks.Pence // the comparable rate
	ChildMins   int64
	Explanation string
	Trouble     string // why nothing could be costed; then all else is empty
}

// CostedDate is one occasion with its lines.
type CostedDate struct {
	tariff.Occasion
	Lines []tariff.Line
}

// CostUse prices a pattern as Compare does, with two differences: dates after
// an offer's last published session are costed as if they were published,
// since a plan runs longer than a term (R101); and of many offers the cheapest
// that serves most of the dates is taken. It books nothing. A pattern whose
// values break a rule is refused, with pointers under at.
func CostUse(ctx context.Context, tx *db.Tx, u Use, at string) (*CostedUse, error) {
	f, err := u.filter(ctx, tx, at)
	if err != nil {
		return nil, err
	}
	f.asOf = tx.Now
	dates := u.Pattern.Dates()
	candidates, err := f.walk(ctx, tx, nil, mostPriced)
	if err != nil {
		return nil, err
	}
	offers, err := readComparable(ctx, tx, candidates)
	if err != nil {
		return nil, err
	}
	offers = slices.DeleteFunc(offers, u.tooFar)
	if len(offers) == 0 {
		return &CostedUse{Trouble: u.noneSuits()}, nil
	}
	s, err := u.Pattern.stock(ctx, tx, offers, dates, true)
	if err != nil {
		return nil, err
	}
	best := -1
	var chosen way
	for i, o := range offers {
		if ways := s.ways(o); len(ways) > 0 && (best < 0 || ways[0].beats(chosen)) {
			best, chosen = i, ways[0]
		}
	}
	if best < 0 {
		return &CostedUse{Trouble: s.noneServes(offers)}, nil
	}
	shown, err := f.summariesOf(ctx, tx, candidates, []uuid.UUID{offers[best].ID})
	if err != nil {
		return nil, err
	}
	costed := s.costed(chosen)
	costed.Offer = shown[offers[best].ID]
	return costed, nil
}

// beats: more dates served, then cheaper for the buyer, then sooner.
func (w way) beats(other way) bool {
	return cmp.Or(cmp.Compare(len(other.served), len(w.served)), cmp.Compare(w.total, other.total), w.first.Compare(other.first)) < 0
}

// kilometres is miles as whole kilometres, up; a mile is 1.609344 km.
func kilometres(miles int) int { return (miles*1_609_344 + 999_999) / 1_000_000 }

func (u Use) tooFar(o found) bool {
	return u.WithinMiles > 0 && o.km != nil && *o.km > float64(u.WithinMiles)*1.609344
}

func (u Use) filter(ctx context.Context, tx *db.Tx, at string) (filter, error) {
	p := u.Pattern
	if u.WithinMiles > 0 {
		p.WithinKM = kilometres(u.WithinMiles)
	}
	f, err := p.filter(ctx, locatorOf(tx))
	if err != nil {
		return filter{}, under(at, err)
	}
	return f, nil
}

// under puts the pointers of a refusal under another.
func under(at string, err error) error {
	refusal, ok := err.(*shortbreaks.Error) //nolint:errorlint // as returned, not wrapped
	if !ok {
		return err
	}
	moved := *refusal
	moved.Fields = slices.Clone(refusal.Fields)
	for i := range moved.Fields {
		moved.Fields[i].Pointer = at + moved.Fields[i].Pointer
	}
	return &moved
}

func (u Use) noneSuits() string {
	if len(u.Pattern.OfferIDs) > 0 {
		return "This offer is not on sale, or not for this age, ratio or kind of support."
	}
	words := "No offer suits"
	if u.Pattern.Category != "" {
		words += ": " + shortbreaks.Spaced(u.Pattern.Category)
	}
	if u.WithinMiles > 0 {
		words += " within " + shortbreaks.Plural(u.WithinMiles, "mile")
	}
	return words + ". Try a greater distance, another kind, or another ratio."
}

func (s *stock) noneServes(offers []found) string {
	if len(offers) == 1 {
		if words := s.unserved(offers[0]); words != "" {
			return words
		}
		return fmt.Sprintf("%s has no time or price for any of these dates.", offers[0].Title)
	}
	return fmt.Sprintf("%s suit, but none has a time and price for any of these dates.", shortbreaks.Plural(len(offers), "offer"))
}

// costed lays the chosen way out by date.
func (s *stock) costed(w way) *CostedUse {
	c := &CostedUse{
		OptionName: w.option(), Projected: w.ahead, TotalPence: w.total, FullPence: w.full,
		RatePence: tariff.RateOf(w.full, w.time), ChildMins: int64(shortbreaks.RoundHalfUp(w.time)),
	}
	var words []string
	n := 0
	for _, p := range w.bought {
		for _, item := range p.Items {
			c.Dates = append(c.Dates, CostedDate{w.when[n], item.Lines})
			n++
		}
		words = append(words, p.Explain())
	}
	slices.SortStableFunc(c.Dates, func(a, b CostedDate) int { return a.StartsAt.Compare(b.StartsAt) })
	for _, on := range s.dates {
		if !slices.ContainsFunc(w.served, on.Equal) {
			c.Missing = append(c.Missing, on)
		}
	}
	if w.ahead > 0 {
		words = append(words, fmt.Sprintf("%s not published yet and costed at today's price.", dateCount(w.ahead)))
	}
	c.Explanation = strings.Join(words, " ")
	return c
}

func dateCount(n int) string {
	if n == 1 {
		return "1 date is"
	}
	return fmt.Sprintf("%d dates are", n)
}

// last is the last published date of an offer's sessions; ok is false if it
// has none.
func (s *stock) last(o found) (last time.Time, ok bool) {
	for _, e := range s.latest[o.ID] {
		if on := shortbreaks.Date(e.StartsAt); on.After(last) {
			last, ok = on, true
		}
	}
	return last, ok
}

// lookAhead adds the dates after the last published session, at the time and
// length of the last one on that weekday.
func (s *stock) lookAhead(o found, w *way, ask *tariff.Ask) {
	for _, v := range s.ahead(o) {
		ask.Occasions = append(ask.Occasions, v)
		w.served = append(w.served, shortbreaks.Date(v.StartsAt))
		w.ahead++
	}
}

func (s *stock) ahead(o found) (all []tariff.Occasion) {
	last, ok := s.last(o)
	if !s.project || !ok || s.lapsed(o, last) {
		return nil
	}
	typical := map[time.Weekday]sessionRow{}
	for _, e := range s.latest[o.ID] {
		if e.State == "scheduled" {
			typical[e.StartsAt.In(shortbreaks.London).Weekday()] = e
		}
	}
	for _, on := range s.dates {
		e, runs := typical[on.Weekday()]
		if !on.After(last) || !runs {
			continue
		}
		start := shortbreaks.At(on, clockMinutes(e.LocalStart[len(e.LocalStart)-5:]))
		e.StartsAt, e.EndsAt = start, start.Add(e.EndsAt.Sub(e.StartsAt))
		if s.serves(e, on) {
			all = append(all, e.occasion())
		}
	}
	return all
}

// bundlesAhead sells the dates after the last published one in bundles as long
// as the last was planned; the rest in part of one.
func (s *stock) bundlesAhead(o found, unit string) (ways []way) {
	planned := s.planned[o.ID][unit]
	if planned == 0 {
		return nil
	}
	for part := range slices.Chunk(s.ahead(o), planned) {
		ask := s.ask(tariff.ByBundle)
		ask.Occasions = part
		ask.Bundle = &tariff.BundleAsk{
			Name: shortbreaks.Capital(shortbreaks.Spaced(unit)) + " from " + shortbreaks.LongDate(part[0].StartsAt), Unit: unit, Planned: planned,
		}
		w := way{soldBy: tariff.ByBundle, ahead: len(part)}
		for _, v := range part {
			w.served = append(w.served, shortbreaks.Date(v.StartsAt))
		}
		if w = s.price(w, o, ask); len(w.served) > 0 {
			ways = append(ways, w)
		}
	}
	return ways
}
