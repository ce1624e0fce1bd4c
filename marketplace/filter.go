package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// What a search may filter by, as a caller is told which of them left nothing.
const (
	ByText     = "text"
	ByCategory = "category"
	ByDistance = "distance"
	ByAge      = "age"
	ByRoute    = "access_route"
	ByUnit     = "price_unit"
	ByPrice    = "price"
	BySoldBy   = "sold_by"
	ByRatio    = "ratio"
	ByOffers   = "offers"
	ByWhen     = "when"
	ByNeeds    = "needs"
	ByFeatures = "access_features"
	BySpoken   = "languages"
	ByKind     = "provider_kind"
)

// SoldByWords are the kinds of sale, in the contract's order.
var SoldByWords = []string{string(tariff.BySession), string(tariff.ByBundle), string(tariff.ByVisit)}

// Window is when somebody could come. The zero value of each field asks
// nothing.
type Window struct {
	FromDate time.Time // a London date
	ToDate   time.Time
	Earliest string // London wall time a session may start, "15:30"
	Latest   string // and by which it has ended, the same day
	Weekdays []int  // ISO
	Places   int    // how many must be free; 1 if 0
}

func (w Window) asked() bool {
	return !w.FromDate.IsZero() || !w.ToDate.IsZero() || w.Earliest != "" || w.Latest != "" || len(w.Weekdays) > 0 || w.Places > 1
}

func (w Window) places() int { return max(1, w.Places) }

// check notes what is wrong with the window; each name is where the request
// has it.
func (w Window) check(f *shortbreaks.Faults, at string) {
	if w.Earliest != "" {
		f.Clock(at+"earliest", w.Earliest)
	}
	if w.Latest != "" {
		f.Clock(at+"latest", w.Latest)
	}
	if w.Earliest != "" && w.Latest != "" {
		f.Unless(w.Earliest < w.Latest, at+"latest", "Give a time after the earliest.")
	}
	if len(w.Weekdays) > 0 {
		f.Days(at+"weekdays", w.Weekdays)
	}
	if !w.FromDate.IsZero() && !w.ToDate.IsZero() {
		f.Unless(!w.ToDate.Before(w.FromDate), at+"to", "The last date is before the first.")
	}
	f.Unless(w.Places >= 0 && w.Places <= 50, at+"places", "Give 1 to 50.")
}

// days are the days of the week in the window, as bits.
func (w Window) days() int32 {
	bits := int32(everyDay)
	if len(w.Weekdays) > 0 {
		bits = dayBits(w.Weekdays)
	}
	if w.FromDate.IsZero() || w.ToDate.IsZero() || w.ToDate.Sub(w.FromDate) >= 6*24*time.Hour {
		return bits
	}
	var within []int
	for on := w.FromDate; !on.After(w.ToDate); on = on.AddDate(0, 0, 1) {
		within = append(within, shortbreaks.ISOWeekday(on))
	}
	return bits & dayBits(within)
}

// hours are the hours of the day something in the window may start in, as
// bits. A visit starts where one likes in its hours.
func (w Window) hours() int32 {
	if w.Earliest == "" && w.Latest == "" {
		return everyHour
	}
	return hourBits(cmp.Or(w.Earliest, "00:00"), cmp.Or(w.Latest, "23:59"))
}

// between is the span of time the window opens from now on, at most a year.
func (w Window) between(now time.Time) span {
	s := span{now, now.AddDate(1, 0, 0)}
	if from := shortbreaks.At(w.FromDate, 0); !w.FromDate.IsZero() && from.After(now) {
		s.from = from.UTC()
	}
	if to := shortbreaks.At(w.ToDate, 24*60); !w.ToDate.IsZero() && to.Before(s.to) {
		s.to = to.UTC()
	}
	return s
}

// filter is what an offer must meet, for search and comparison alike.
type filter struct {
	text                      string
	category, unit, route     string
	soldBy                    string
	age                       *int
	least, most               *shortbreaks.Pence
	near                      Point // zero: anywhere
	withinKM                  int   // 0: however far
	ratioStaff, ratioChildren int   // 0: any; else at least so many staff for a child
	only                      []uuid.UUID
	needs, features, spoken   []string // all of them
	kind                      string   // of provider
	window                    Window
	sort                      string
	asOf                      time.Time

	exact, spelt string // the text as full text search reads it; spelt: words spelt nearly so
	whole, begun string // exact in two: what is begun may be finished in several ways
	dropped      string // a condition to leave out
	startsLater  bool   // a walk through squares leaves starts out
	lapsedToo    bool   // offers that cannot be booked, since a credential has run out, too
}

// always is the name of a condition that nobody asked and nobody can drop.
const always = "always"

// condition is one thing asked, by the name it is dropped by.
type condition struct{ name, sql string }

// inCells narrows a circle to the squares it touches.
const inCells = `l.cell = ANY (@cells::int[])`

// wordsInCells is inCells as the index of words has it.
const wordsInCells = `ARRAY[l.cell] && @cells::int[]`

// inKinds is a category with those below it.
const inKinds = `l.category = ANY (@kinds::text[])`

// conditions are those asked for. Another column to filter by is one more line
// here, one in args and one in the listing.
func (f filter) conditions() []condition {
	var all []condition
	add := func(asked bool, name, sql string) {
		if asked && name != f.dropped {
			all = append(all, condition{name, sql})
		}
	}
	add(f.text != "" && f.exact == "", ByText, `false`) // signs alone find nothing
	add(f.exact != "" && f.spelt == "" && !f.byWordsNear(), ByText, `l.words @@ to_tsquery('english', @exact)`)
	add(f.byWordsNear() && f.whole == "", ByText, `l.words @@ (SELECT begun(@begun))`)
	add(f.byWordsNear() && f.whole != "", ByText, `l.words @@ (SELECT to_tsquery('english', @whole) && begun(@begun))`)
	add(f.spelt != "", ByText, `l.words @@ to_tsquery('english', @spelt) AND NOT l.words @@ to_tsquery('english', @exact)`)
	add(f.category != "" && len(f.kinds()) == 1, ByCategory, `l.category = @category`)
	add(f.category != "" && len(f.kinds()) != 1, ByCategory, inKinds)
	add(f.withinKM > 0 && f.cells() != nil && !f.byWordsNear(), ByDistance, inCells)
	add(f.byWordsNear(), ByDistance, wordsInCells)
	add(f.withinKM > 0, ByDistance, `l.place <-> @point::cube <= @chord`)
	add(f.age != nil, ByAge, `@age::int BETWEEN l.age_from AND l.age_to`)
	add(f.route != "", ByRoute, `l.access_route = @route`)
	add(f.unit != "", ByUnit, `l.price_unit = @unit`)
	add(f.least != nil, ByPrice, `l.price_pence >= @least::bigint`)
	add(f.most != nil, ByPrice, `l.price_pence <= @most::bigint`)
	add(f.soldBy != "", BySoldBy, `@sold_by = ANY (l.sold_by)`)
	add(f.ratioStaff > 0, ByRatio, `l.ratio_staff * @children::int >= @staff::int * l.ratio_children`)
	add(len(f.only) > 0, ByOffers, `l.offer_id = ANY (@only::uuid[])`)
	add(len(f.needs) > 0, ByNeeds, `l.traits @> @needs::text[]`)
	add(len(f.features) > 0, ByFeatures, `l.traits @> @features::text[]`)
	add(len(f.spoken) > 0, BySpoken, `l.traits @> @spoken::text[]`)
	add(f.kind != "", ByKind, `l.traits @> @kind::text[]`)
	switch {
	case f.lapsedToo:
	case f.age != nil && f.dropped != ByAge:
		// That nearly all are 0 is what PostgreSQL knows; of bits it knows nothing.
		add(true, always, `(l.lapsed = 0 OR l.lapsed & (1 << @age::int) = 0)`)
	default:
		add(true, always, `l.lapsed >= 0`)
	}
	// What is listed may be behind, but never leaves out a date: whoever
	// passes is looked up.
	add(f.window.asked(), ByWhen, `l.next_at < @until::timestamptz`)
	add(f.window.days() != everyDay, ByWhen, `l.days & @days::int <> 0`)
	add(f.window.hours() != everyHour, ByWhen, `l.hours & @hours::int <> 0`)
	return all
}

// where joins the conditions.
func where(all []condition) string {
	if len(all) == 0 {
		return "true"
	}
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = c.sql
	}
	return strings.Join(texts, "\n    AND ")
}

// kinds are the category and those below it: who looks for the upper one means
// them all.
func (f filter) kinds() []string { return Descendants(f.category) }

func (f filter) cells() []int32 { return cellsAround(f.near, f.withinKM) }

// args are the values of every condition; those not asked for are left out by
// pgx.
func (f filter) args() pgx.NamedArgs {
	args := pgx.NamedArgs{
		"exact": f.exact, "spelt": f.spelt, "whole": f.whole, "begun": f.begun, "category": f.category, "kinds": f.kinds(), "route": f.route, "unit": f.unit, "sold_by": f.soldBy,
		"age": f.age, "least": f.least, "most": f.most, "staff": f.ratioStaff, "children": f.ratioChildren, "only": f.only,
		"until": f.window.between(f.asOf).to, "as_of": f.asOf, "days": int(f.window.days()), "hours": int(f.window.hours()),
	}
	args["needs"], args["features"], args["spoken"] = traits("need", f.needs), traits("feature", f.features), traits("language", f.spoken)
	args["kind"] = traits("kind", []string{f.kind})
	if f.near.Postcode != "" {
		args["point"], args["cells"], args["chord"] = f.near.cube(), f.cells(), chordOf(float64(f.withinKM))
	}
	return args
}

// traits are words as a listing has them, each after what it is a word for.
func traits(of string, words []string) []string {
	all := make([]string, 0, len(words))
	for _, w := range words {
		all = append(all, of+":"+w)
	}
	return all
}

// locator finds where a postcode is: in a transaction of its own, or in one
// that is open.
type locator func(ctx context.Context, postcode string) (Point, bool, error)

func locatorIn(d *db.DB) locator {
	return func(ctx context.Context, postcode string) (Point, bool, error) { return LocateIn(ctx, d, postcode) }
}

func locatorOf(tx *db.Tx) locator {
	return func(ctx context.Context, postcode string) (Point, bool, error) { return LocateStep(ctx, tx, postcode) }
}

// locate turns a postcode into a point, or refuses it.
func (f *filter) locate(ctx context.Context, find locator, postcode string, withinKM int, atPostcode, atWithin string) error {
	if postcode == "" {
		if withinKM == 0 {
			return nil
		}
		words := "A distance needs a postcode to be measured from."
		return shortbreaks.ErrInvalid.With(words).At(atWithin, words)
	}
	point, known, err := find(ctx, postcode)
	if err != nil {
		return err
	}
	if !known {
		words := "We do not know this postcode. Check it, or give its first half only."
		return ErrPostcodeUnknown.With(words).At(atPostcode, words)
	}
	if withinKM < 0 || withinKM > 200 {
		words := "Give 1 to 200 kilometres."
		return shortbreaks.ErrInvalid.With(words).At(atWithin, words)
	}
	f.near, f.withinKM = point, withinKM
	return nil
}

// setText keeps what is typed as words.
func (f *filter) setText(text string) wording {
	f.text = strings.TrimSpace(text)
	w := wordingOf(f.text)
	f.exact = w.exact()
	f.whole, f.begun = w.parts()
	return w
}

// known lists the values a filter may take, checking them.
func (q SearchQuery) check(bad *shortbreaks.Faults) {
	if q.Category != "" {
		bad.OneOf("query/category", q.Category, Categories)
	}
	if q.AccessRoute != "" {
		bad.OneOf("query/access_route", q.AccessRoute, AccessRoutes)
	}
	if q.PriceUnit != "" {
		bad.OneOf("query/price_unit", q.PriceUnit, tariff.PriceUnits)
	}
	if q.SoldBy != "" {
		bad.OneOf("query/sold_by", q.SoldBy, SoldByWords)
	}
	if q.Sort != "" {
		bad.OneOf("query/sort", q.Sort, Sorts)
	}
	if q.ProviderKind != "" {
		bad.OneOf("query/provider_kind", q.ProviderKind, ProviderKinds)
	}
	for i, need := range q.Needs {
		bad.OneOf(fmt.Sprintf("query/needs/%d", i), need, Needs)
	}
	for i, feature := range q.AccessFeatures {
		bad.OneOf(fmt.Sprintf("query/access_features/%d", i), feature, AccessFeatures)
	}
	for i, language := range q.Languages {
		bad.OneOf(fmt.Sprintf("query/languages/%d", i), language, Languages)
	}
	bad.Unless(q.Sort != ByNearest || q.Postcode != "", "query/sort", "Distance needs a postcode to be measured from.")
	bad.Unless(len([]rune(q.Text)) <= mostText, "query/q", "Write at most %d characters.", mostText)
	bad.Unless(q.Limit >= 0 && q.Limit <= 100, "query/limit", "Give 1 to 100.")
	q.When.check(bad, "query/")
}

// filter checks the query and turns it into what SQL asks.
func (q SearchQuery) filter(ctx context.Context, d *db.DB) (filter, error) {
	f := filter{
		category: q.Category, age: q.Age, unit: q.PriceUnit, least: q.MinPricePence, most: q.MaxPricePence,
		route: q.AccessRoute, soldBy: q.SoldBy, needs: q.Needs, features: q.AccessFeatures, spoken: q.Languages, kind: q.ProviderKind,
		window: q.When, sort: cmp.Or(q.Sort, BySoonest),
	}
	var bad shortbreaks.Faults
	q.check(&bad)
	if err := bad.As(shortbreaks.ErrInvalid); err != nil {
		return filter{}, err
	}
	if q.FreeOnly {
		free := shortbreaks.Pence(0)
		f.most = &free
	}
	f.setText(q.Text)
	err := f.locate(ctx, locatorIn(d), q.Postcode, q.WithinKM, "query/postcode", "query/within_km")
	return f, err
}

// names are the conditions that are asked, each once.
func (f filter) names() (names []string) {
	for _, c := range f.conditions() {
		if c.name != always && !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	return names
}
