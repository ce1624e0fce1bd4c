package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Pattern is what support is wanted, whoever gives it: "3 hours every Saturday
// of this term".
type Pattern struct {
	Weekdays      []int  // ISO, Monday 1 to Sunday 7
	Minutes       int    // each time
	From          string // London wall time; "": at any time of the day
	StartsOn      time.Time
	EndsOn        time.Time // at most a year later
	Except        []time.Time
	RatioStaff    int // 0: any; else at least so many staff for so many children
	RatioChildren int
	Age           *int
	Category      string
	Postcode      string
	WithinKM      int
	ReducedRate   bool
	ChargeKinds   []string // optional charges wanted besides
	OfferIDs      []uuid.UUID
	Text          string
}

// Compared is what the pattern costs at one offer, by the cheapest way this
// buyer may use.
type Compared struct {
	Offer        OfferSummary
	SoldBy       SoldBy
	OptionName   string
	TotalPence   shortbreaks.Pence // by all payers together
	Occasions    int               // how many of the dates it serves
	ChildMinutes int64             // with the child, in all that is bought
	// ComparableRatePence is TotalPence for one hour with the child, half up.
	ComparableRatePence *shortbreaks.Pence
	Full                bool // every date is served
	MissingDates        []time.Time
	FirstStart          time.Time
	PlacesLeft          *int // in the fullest session it would use; nil for visits
	Explanation         string
	Beats               []Beaten // ways that cost at least as much
}

// mostCompared is how many offers are answered; mostPriced how many are looked
// at for them.
const (
	mostCompared = 100
	mostPriced   = 1000
)

// Compare prices one pattern at every offer that could serve it, whatever its
// unit. A session serves a date if it lasts as long as asked (and, if a time
// is given, over that time) and has a place; a visit, if somebody is free; a
// bundle is bought whole if each of its sessions still to run has a place.
// Offers that serve every date come first, then the soonest, never the
// cheapest.
func Compare(ctx context.Context, d *db.DB, p Pattern) ([]Compared, error) {
	f, err := p.filter()
	if err != nil {
		return nil, err
	}
	var all []Compared
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		dates := p.dates()
		if last := dates[len(dates)-1]; !shortbreaks.At(last, 24*60).After(tx.Now) {
			words := "All of these dates have passed."
			return shortbreaks.ErrInvalid.With(words).At("/ends_on", words)
		}
		f.asOf = tx.Now
		offers, err := f.find(ctx, tx, mostPriced)
		if err != nil {
			return err
		}
		s, err := p.stock(ctx, tx, offers, dates)
		if err != nil {
			return err
		}
		for _, o := range offers {
			if c, ok := s.compare(o); ok {
				all = append(all, c)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, soonestSuitable)
	return all[:min(len(all), mostCompared)], nil
}

func soonestSuitable(a, b Compared) int {
	if a.Full != b.Full {
		if a.Full {
			return -1
		}
		return 1
	}
	return cmp.Or(a.FirstStart.Compare(b.FirstStart), strings.Compare(a.Offer.Title, b.Offer.Title))
}

// dates are those asked for, in order.
func (p Pattern) dates() []time.Time { return datesOf(p.StartsOn, p.EndsOn, p.Weekdays, p.Except) }

// filter checks the pattern and turns it into what an offer must meet.
func (p Pattern) filter() (filter, error) {
	var bad faults
	bad.days("/weekdays", p.Weekdays)
	bad.within("/minutes", p.Minutes, 15, 1440)
	if p.From != "" {
		bad.clock("/from", p.From)
	}
	if p.Category != "" {
		bad.oneOf("/category", p.Category, Categories)
	}
	for i, kind := range p.ChargeKinds {
		bad.oneOf(fmt.Sprintf("/charge_kinds/%d", i), kind, ChargeKinds)
	}
	bad.unless((p.RatioStaff > 0) == (p.RatioChildren > 0), "/ratio", "Give staff and children.")
	bad.unless(!p.EndsOn.Before(p.StartsOn), "/ends_on", "The last date is before the first.")
	bad.unless(p.EndsOn.Sub(p.StartsOn) <= 366*24*time.Hour, "/ends_on", "Compare at most a year.")
	if len(bad.fields) == 0 {
		bad.unless(len(p.dates()) > 0, "/weekdays", "None of these weekdays falls between the first and the last date.")
	}
	if err := bad.as(shortbreaks.ErrInvalid); err != nil {
		return filter{}, err
	}
	f := filter{
		text: strings.TrimSpace(p.Text), category: p.Category, age: p.Age,
		ratioStaff: p.RatioStaff, ratioChildren: p.RatioChildren, only: p.OfferIDs,
	}
	err := f.locate(p.Postcode, p.WithinKM, "/postcode", "/within_km")
	return f, err
}

// stock is what the offers have on the dates asked for.
type stock struct {
	pattern  Pattern
	dates    []time.Time
	now      time.Time
	sessions map[uuid.UUID][]sessionRow
	terms    map[uuid.UUID][]Term
	lanes    *LaneBoard
}

// stock reads it, in a handful of statements for all offers together.
func (p Pattern) stock(ctx context.Context, tx *db.Tx, offers []found, dates []time.Time) (*stock, error) {
	s := &stock{pattern: p, dates: dates, now: tx.Now, terms: map[uuid.UUID][]Term{}}
	keys := make([]Offer, 0, len(offers))
	ids := make([]uuid.UUID, 0, len(offers))
	var wishes []LaneWish
	for _, o := range offers {
		keys, ids = append(keys, Offer{ProviderID: o.ProviderID, ID: o.ID}), append(ids, o.ID)
		wishes = append(wishes, s.wishes(o)...)
	}
	terms, err := gorm.G[Term](tx.DB).Where("offer_id IN ?", ids).Order("starts_on, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading bundles: %w", err)
	}
	for _, t := range terms {
		s.terms[t.OfferID] = append(s.terms[t.OfferID], t)
	}
	if s.sessions, err = readSessions(ctx, tx, keys); err != nil {
		return nil, err
	}
	s.lanes, err = readLanes(ctx, tx, wishes)
	return s, err
}

// visit is the visit of an offer by the hour on a date: at the time asked for,
// or when the offer opens.
func (s *stock) visit(o found, on time.Time) (occasion Occasion, ok bool) {
	from := cmp.Or(s.pattern.From, o.visits.From)
	start, trouble := Instant(wallOf(on, from))
	if trouble != "" {
		return Occasion{}, false
	}
	occasion = Occasion{start, start.Add(time.Duration(s.pattern.Minutes) * time.Minute)}
	return occasion, start.After(s.now) && o.visits.open(occasion)
}

func (s *stock) wishes(o found) (wishes []LaneWish) {
	if o.visits == nil || o.visits.lengthTrouble(s.pattern.Minutes) != "" {
		return nil
	}
	for _, on := range s.dates {
		if v, ok := s.visit(o, on); ok {
			wishes = append(wishes, LaneWish{
				Provider: o.ProviderID, Offer: o.ID,
				From: v.StartsAt.Add(-o.visits.before()), To: v.EndsAt.Add(o.visits.after()),
			})
		}
	}
	return wishes
}

// way is one way to buy the pattern at an offer.
type way struct {
	soldBy SoldBy
	served []time.Time // dates of the pattern, in order
	first  time.Time
	left   *int
	priced Priced
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
		Offer: o.OfferSummary, SoldBy: best.soldBy, OptionName: best.priced.OptionName, TotalPence: best.priced.TotalPence,
		Occasions: len(best.served), ChildMinutes: best.priced.ChildMinutes, ComparableRatePence: best.priced.RatePence,
		FirstStart: best.first, PlacesLeft: best.left, Explanation: best.priced.Explanation, Beats: best.priced.Beats,
	}
	for _, w := range ways[1:] {
		if len(w.served) == len(best.served) {
			c.Beats = append(append(c.Beats, Beaten{w.priced.OptionName, w.priced.TotalPence}), w.priced.Beats...)
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

func (s *stock) ask(by SoldBy) PriceAsk {
	return PriceAsk{SoldBy: by, ReducedRate: s.pattern.ReducedRate, ChargeKinds: s.pattern.ChargeKinds}
}

// byVisits is a visit on each date that somebody is free.
func (s *stock) byVisits(o found) way {
	w, ask := way{soldBy: ByVisit}, s.ask(ByVisit)
	for _, wish := range s.wishes(o) {
		if _, free := s.lanes.Pick(wish); free {
			v := Occasion{wish.From.Add(o.visits.before()), wish.To.Add(-o.visits.after())}
			ask.Occasions = append(ask.Occasions, v)
			w.served = append(w.served, shortbreaks.Date(v.StartsAt))
		}
	}
	return w.price(o, ask)
}

// bySessions is the earliest session with a place that serves each date.
func (s *stock) bySessions(o found) way {
	w, ask := way{soldBy: BySession}, s.ask(BySession)
	for _, on := range s.dates {
		for _, e := range s.sessions[o.ID] {
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
	for _, unit := range BundleUnits {
		sum := way{soldBy: ByBundle}
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
			minutes.Add(minutes, part.priced.minutes)
		}
		if len(sum.served) > 0 {
			sum.priced.ChildMinutes = int64(shortbreaks.RoundHalfUp(minutes))
			sum.priced.RatePence = rate(sum.priced.TotalPence, minutes)
			ways = append(ways, sum)
		}
	}
	return ways
}

func (s *stock) byBundle(o found, t Term) way {
	b := bundleOf(t, s.sessions[o.ID], s.now)
	w := way{soldBy: ByBundle}
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
func (w way) price(o found, ask PriceAsk) way {
	if len(w.served) == 0 {
		return way{}
	}
	p, err := Price(o.tariff, ask)
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
