package marketplace

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// Pattern is what support is wanted, whoever gives it: "3 hours every Saturday
// of this term".
type Pattern struct {
	Weekdays       []int  // ISO, Monday 1 to Sunday 7
	Minutes        int    // each time
	From           string // London wall time; "": at any time of the day
	StartsOn       time.Time
	EndsOn         time.Time // at most a year later
	Except         []time.Time
	RatioStaff     int // 0: any; else at least so many staff for so many children
	RatioChildren  int
	Age            *int
	Category       string
	Postcode       string
	WithinKM       int
	ReducedRate    bool
	ChargeKinds    []string    // optional charges wanted besides
	OfferIDs       []uuid.UUID // each is answered about, priced or with the reasons why not; at most 50
	Text           string
	Needs          []string       // the offer says it is fit for each of these
	AccessFeatures []string       // its place has each
	Contracts      []uuid.UUID    // framework rates the buyer is entitled to
	Schemes        []string       // that fund the child's place
	Quantities     map[string]int // by charge kind: miles, items
	Taper          []RatioFrom    // by date: support that changes over the weeks (R044, T32)
}

// RatioFrom is the ratio of support from a date on.
type RatioFrom struct {
	On    time.Time // midnight UTC
	Ratio tariff.Ratio
}

// ratio is what support is wanted at; zero is whatever the offer gives.
func (p Pattern) ratio() tariff.Ratio {
	return tariff.Ratio{Staff: p.RatioStaff, Children: p.RatioChildren}
}

// taper writes on each occasion the ratio of its date.
func (p Pattern) taper(all []tariff.Occasion) {
	for i := range all {
		for _, t := range p.Taper {
			if !shortbreaks.Date(all[i].StartsAt).Before(t.On) {
				all[i].Ratio = t.Ratio
			}
		}
	}
}

// Compared is what the pattern costs at one offer, by the cheapest way this
// buyer may use.
type Compared struct {
	Offer        OfferSummary
	SoldBy       tariff.SoldBy
	OptionName   string
	TotalPence   shortbreaks.Pence // what the buyer pays
	FullPence    shortbreaks.Pence // what all payers and subsidies together pay
	Occasions    int               // how many of the dates it serves
	ChildMinutes int64             // with the child, in all that is bought
	// ComparableRatePence is FullPence for one hour with the child, half up.
	ComparableRatePence *shortbreaks.Pence
	Full                bool // every date is served
	MissingDates        []time.Time
	FirstStart          time.Time
	PlacesLeft          *int // in the fullest session it would use; nil for visits
	Explanation         string
	Beats               []tariff.Beaten     // ways that cost at least as much
	Lines               []tariff.SummedLine // they sum to TotalPence
	Included            []string            // in the price, as the offer says
	// Reasons are why an offer cannot serve, and CannotServe is all of them in
	// words. Then nothing but Offer is filled in. Of offers that were not chosen
	// the one reason told is that a credential has run out.
	Reasons     []Reason
	CannotServe string

	bought []*tariff.Priced
}

// mostChosen is how many offers can be named to be compared.
const mostChosen = 50

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
// cheapest; last those that cannot, since a credential has run out. Of offers
// that are chosen each is answered, with every reason if it cannot serve.
func Compare(ctx context.Context, d *db.DB, p Pattern) ([]Compared, error) {
	f, err := p.filter(ctx, locatorIn(d))
	if err != nil {
		return nil, err
	}
	var all []Compared
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		dates := p.Dates()
		if last := dates[len(dates)-1]; !shortbreaks.At(last, 24*60).After(tx.Now) {
			words := "All of these dates have passed."
			return shortbreaks.ErrInvalid.With(words).At("/ends_on", words)
		}
		f.asOf = tx.Now
		if err := byIndex(ctx, tx); err != nil {
			return err
		}
		if len(p.OfferIDs) > 0 {
			all, err = p.compareChosen(ctx, tx, f, dates)
			return err
		}
		f.window = Window{FromDate: p.StartsOn, ToDate: p.EndsOn, Weekdays: p.Weekdays}
		candidates, err := f.walk(ctx, tx, nil, mostPriced)
		if err != nil {
			return err
		}
		ranked := f.promises(candidates, dates)
		for some := range slices.Chunk(ranked, comparedAtOnce) {
			if len(all) == mostCompared && !some[0].better(all[mostCompared-1]) {
				break
			}
			if all, err = p.add(ctx, tx, some, dates, all); err != nil {
				return err
			}
		}
		return f.describe(ctx, tx, candidates, all)
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].explain()
	}
	return all, nil
}

// comparedAtOnce is how many offers are priced before seeing whether more could
// matter.
const comparedAtOnce = 150

// add prices the pattern at some offers more and keeps the best of all.
func (p Pattern) add(ctx context.Context, tx *db.Tx, some []promise, dates []time.Time, all []Compared) ([]Compared, error) {
	candidates := make([]candidate, 0, len(some))
	for _, c := range some {
		candidates = append(candidates, c.candidate)
	}
	offers, err := readComparable(ctx, tx, candidates)
	if err != nil {
		return nil, err
	}
	s, err := p.stock(ctx, tx, offers, dates, false)
	if err != nil {
		return nil, err
	}
	for _, o := range offers {
		if c, ok := s.compare(o); ok {
			all = append(all, c)
		} else if words := s.unserved(o); words != "" {
			all = append(all, Compared{Offer: OfferSummary{ID: o.ID, Title: o.Title}, Reasons: []Reason{{CredentialLapsed, words}}, CannotServe: words})
		}
	}
	slices.SortFunc(all, soonestSuitable)
	return all[:min(len(all), mostCompared)], nil
}

// explain says the arithmetic; only of what is answered, since words take
// longer than sums.
func (c *Compared) explain() {
	for i, p := range c.bought {
		if i > 0 {
			c.Explanation += " "
		}
		c.Explanation += p.Explain()
		c.Lines = append(c.Lines, p.Summed()...)
	}
	if !c.Full && c.CannotServe == "" {
		c.Explanation += fmt.Sprintf(" It serves %d of the %d dates.", c.Occasions, c.Occasions+len(c.MissingDates))
	}
}

// summariesOf reads what is shown of some of the candidates, by offer.
func (f filter) summariesOf(ctx context.Context, tx *db.Tx, candidates []candidate, offers []uuid.UUID) (map[uuid.UUID]OfferSummary, error) {
	byOffer := make(map[uuid.UUID]candidate, len(candidates))
	for _, c := range candidates {
		byOffer[c.Offer] = c
	}
	shown := make([]candidate, 0, len(offers))
	for _, id := range offers {
		shown = append(shown, byOffer[id])
	}
	f.window = Window{}
	hits, err := f.look(ctx, tx, shown)
	if err != nil {
		return nil, err
	}
	summaries, err := summaries(ctx, tx, hits)
	if err != nil {
		return nil, err
	}
	described := make(map[uuid.UUID]OfferSummary, len(summaries))
	for _, o := range summaries {
		described[o.ID] = o
	}
	return described, nil
}

// describe fills in what is shown of the offers compared.
func (f filter) describe(ctx context.Context, tx *db.Tx, candidates []candidate, all []Compared) error {
	ids := make([]uuid.UUID, 0, len(all))
	for _, c := range all {
		ids = append(ids, c.Offer.ID)
	}
	described, err := f.summariesOf(ctx, tx, candidates, ids)
	if err != nil {
		return err
	}
	for i := range all {
		all[i].Offer = described[all[i].Offer.ID]
	}
	return include(ctx, tx, all)
}

const sqlIncluded = `
SELECT o.id, o.included FROM unnest($1::uuid[], $2::uuid[]) AS k (provider_id, id)
JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.id
WHERE cardinality(o.included) > 0`

// include fills in what the prices include.
func include(ctx context.Context, tx *db.Tx, all []Compared) error {
	keys := make([]offerKey, 0, len(all))
	for _, c := range all {
		keys = append(keys, offerKey{c.Offer.ProviderID, c.Offer.ID})
	}
	providers, offers := keyColumns(keys)
	rows, err := tx.PGX.Query(ctx, sqlIncluded, providers, offers)
	if err != nil {
		return fmt.Errorf("reading what prices include: %w", err)
	}
	included := map[uuid.UUID][]string{}
	var id uuid.UUID
	var lines []string
	_, err = pgx.ForEachRow(rows, []any{&id, &lines}, func() error {
		included[id] = lines
		lines = nil
		return nil
	})
	for i := range all {
		if all[i].CannotServe == "" {
			all[i].Included = included[all[i].Offer.ID]
		}
	}
	return err
}

// soonestSuitable is the order of what was compared. What starts together
// follows by id and not by title: a name should not buy a better place.
func soonestSuitable(a, b Compared) int {
	if a.CannotServe == "" || b.CannotServe == "" {
		if c := cmp.Compare(a.CannotServe, b.CannotServe); c != 0 {
			return c
		}
	}
	if a.Full != b.Full {
		if a.Full {
			return -1
		}
		return 1
	}
	return cmp.Or(a.FirstStart.Compare(b.FirstStart), bytes.Compare(a.Offer.ID[:], b.Offer.ID[:]))
}

// Check refuses a pattern whose values break a rule, with pointers under at.
func (p Pattern) Check(at string) error {
	if err := p.check(); err != nil {
		return under(at, err)
	}
	return nil
}

// Dates are those asked for, in order.
func (p Pattern) Dates() []time.Time { return datesOf(p.StartsOn, p.EndsOn, p.Weekdays, p.Except) }

func (p Pattern) check() error {
	var bad shortbreaks.Faults
	bad.Days("/weekdays", p.Weekdays)
	bad.Within("/minutes", p.Minutes, 15, 1440)
	if p.From != "" {
		bad.Clock("/from", p.From)
	}
	if p.Category != "" {
		bad.OneOf("/category", p.Category, Categories)
	}
	for i, kind := range p.ChargeKinds {
		bad.OneOf(fmt.Sprintf("/charge_kinds/%d", i), kind, tariff.ChargeKinds)
	}
	for i, need := range p.Needs {
		bad.OneOf(fmt.Sprintf("/needs/%d", i), need, Needs)
	}
	for i, feature := range p.AccessFeatures {
		bad.OneOf(fmt.Sprintf("/access_features/%d", i), feature, AccessFeatures)
	}
	bad.Unless(len(p.OfferIDs) <= mostChosen, "/offer_ids", "Choose at most %d offers.", mostChosen)
	bad.Unless((p.RatioStaff > 0) == (p.RatioChildren > 0), "/ratio", "Give staff and children.")
	bad.Unless(!p.EndsOn.Before(p.StartsOn), "/ends_on", "The last date is before the first.")
	bad.Unless(p.EndsOn.Sub(p.StartsOn) <= 366*24*time.Hour, "/ends_on", "Compare at most a year.")
	if len(bad.Fields) == 0 {
		bad.Unless(len(p.Dates()) > 0, "/weekdays", "None of these weekdays falls between the first and the last date.")
	}
	return bad.As(shortbreaks.ErrInvalid)
}

// filter checks the pattern and turns it into what an offer must meet.
func (p Pattern) filter(ctx context.Context, find locator) (filter, error) {
	if err := p.check(); err != nil {
		return filter{}, err
	}
	f := filter{
		category: p.Category, age: p.Age, sort: BySoonest, lapsedToo: true, // it is said why they cannot serve
		ratioStaff: p.RatioStaff, ratioChildren: p.RatioChildren, only: p.OfferIDs, needs: p.Needs, features: p.AccessFeatures,
	}
	f.setText(p.Text)
	err := f.locate(ctx, find, p.Postcode, p.WithinKM, "/postcode", "/within_km")
	return f, err
}
