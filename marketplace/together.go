package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Together is two or more children who should all find something in the same
// window (R125). What each needs besides stands with the child.
type Together struct {
	Children      []TogetherChild
	When          Window
	Postcode      string
	WithinKM      int
	AccessRoute   string
	MaxPricePence *shortbreaks.Pence
}

// TogetherChild is what one of them needs; no name is asked.
type TogetherChild struct {
	Age      int
	Category string
	Text     string
	Needs    []string
}

// OfferSet is an offer for each child, in the order they were asked about.
type OfferSet struct {
	Offers    []OfferSummary
	SameOffer bool
	ApartKM   float64    // between the two sites farthest from each other
	StartsAt  *time.Time // when the last of them begins; nil if one has no date
}

// The bounds of a search for several children.
const (
	fewestTogether = 2
	mostTogether   = 4
	mostForEach    = 30
	mostSets       = 10
)

// FindTogether finds sets of offers: one for all where it has the places, or
// one for each near the others. Each offer for the first child leads to at most
// one set, of what is nearest to it for the others. Soonest first, then by how
// far the sites are apart.
func FindTogether(ctx context.Context, d *db.DB, t Together) ([]OfferSet, error) {
	filters, err := t.filters(ctx, d)
	if err != nil {
		return nil, err
	}
	var sets []OfferSet
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		var each [][]OfferSummary
		for _, f := range filters {
			f.asOf = tx.Now
			found, err := f.read(ctx, tx, cursor{Sort: f.sort, AsOf: tx.Now}, mostForEach)
			if err != nil {
				return err
			}
			offers, err := summaries(ctx, tx, found.hits)
			if err != nil {
				return err
			}
			each = append(each, offers)
		}
		sets = setsOf(each)
		return nil
	})
	return sets, err
}

// filters checks what is asked and makes a filter for each child.
func (t Together) filters(ctx context.Context, d *db.DB) ([]filter, error) {
	var bad shortbreaks.Faults
	n := len(t.Children)
	bad.Unless(n >= fewestTogether && n <= mostTogether, "/children", "Give %d to %d children.", fewestTogether, mostTogether)
	t.When.check(&bad, "/")
	if t.AccessRoute != "" {
		bad.OneOf("/access_route", t.AccessRoute, AccessRoutes)
	}
	for i, c := range t.Children {
		at := fmt.Sprintf("/children/%d", i)
		bad.Within(at+"/age", c.Age, 0, 25)
		if c.Category != "" {
			bad.OneOf(at+"/category", c.Category, Categories)
		}
		for j, need := range c.Needs {
			bad.OneOf(fmt.Sprintf("%s/needs/%d", at, j), need, Needs)
		}
		bad.Unless(len([]rune(c.Text)) <= mostText, at+"/q", "Write at most %d characters.", mostText)
	}
	if err := bad.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	all := filter{route: t.AccessRoute, most: t.MaxPricePence, window: t.When, sort: BySoonest}
	if err := all.locate(ctx, locatorIn(d), t.Postcode, t.WithinKM, "/postcode", "/within_km"); err != nil {
		return nil, err
	}
	filters := make([]filter, 0, n)
	for _, c := range t.Children {
		f := all
		f.age, f.category, f.needs = &c.Age, c.Category, c.Needs
		f.setText(c.Text)
		filters = append(filters, f)
	}
	return filters, nil
}

// setsOf joins what was found for each child.
func setsOf(each [][]OfferSummary) (sets []OfferSet) {
	seen := map[string]bool{}
	for _, lead := range each[0] {
		if s, ok := setAround(lead, each); ok && !seen[s.key()] {
			seen[s.key()] = true
			sets = append(sets, s)
		}
	}
	slices.SortStableFunc(sets, func(a, b OfferSet) int {
		return cmp.Or(startOf(a).Compare(startOf(b)), cmp.Compare(a.ApartKM, b.ApartKM))
	})
	return sets[:min(len(sets), mostSets)]
}

// setAround is the set whose other offers are nearest to the first child's:
// that offer itself, if it suits them and still has places for all it serves.
func setAround(lead OfferSummary, each [][]OfferSummary) (OfferSet, bool) {
	s := OfferSet{Offers: []OfferSummary{lead}}
	used := map[uuid.UUID]int{lead.ID: 1}
	for _, offers := range each[1:] {
		nearest := -1
		for i, o := range offers {
			if o.PlacesLeft != nil && used[o.ID] >= *o.PlacesLeft {
				continue
			}
			if o.PlacesLeft == nil && used[o.ID] > 0 {
				continue // a visit is one worker's time with one child
			}
			if nearest < 0 || lead.apart(o) < lead.apart(offers[nearest]) {
				nearest = i
			}
			if o.ID == lead.ID {
				nearest = i
				break
			}
		}
		if nearest < 0 {
			return OfferSet{}, false
		}
		used[offers[nearest].ID]++
		s.Offers = append(s.Offers, offers[nearest])
	}
	s.SameOffer = len(used) == 1
	s.measure()
	return s, true
}

func (o OfferSummary) apart(other OfferSummary) float64 {
	return distanceKM(o.lat, o.lon, other.lat, other.lon)
}

// measure works out how far the set is apart and when the last of it begins.
func (s *OfferSet) measure() {
	dated := true
	for i, o := range s.Offers {
		for _, other := range s.Offers[:i] {
			s.ApartKM = max(s.ApartKM, tenths(o.apart(other)))
		}
		if o.NextStart == nil {
			dated = false
		} else if s.StartsAt == nil || o.NextStart.After(*s.StartsAt) {
			s.StartsAt = o.NextStart
		}
	}
	if !dated {
		s.StartsAt = nil
	}
}

func (s OfferSet) key() (key string) {
	for _, o := range s.Offers {
		key += o.ID.String()
	}
	return key
}

func startOf(s OfferSet) time.Time {
	if s.StartsAt == nil {
		return never
	}
	return *s.StartsAt
}
