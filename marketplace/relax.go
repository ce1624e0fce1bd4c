package marketplace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// mostRelaxed is how far what is found without a filter is counted.
const mostRelaxed = 100

// Relaxation is what a search that finds nothing would find without one of its
// filters.
type Relaxation struct {
	Filter string // one of the By... names
	Count  int
	More   bool // there are more than that
	Text   string
}

// filterWords names each filter to a person.
var filterWords = map[string]string{
	ByText: "these words", ByCategory: "this kind of activity", ByDistance: "the distance", ByAge: "the age", ByRoute: "this way of access",
	ByUnit: "this price unit", ByPrice: "the price", BySoldBy: "this kind of sale", ByRatio: "the number of staff", ByOffers: "this choice of offers",
	ByWhen: "the dates and times", ByNeeds: "the needs", ByFeatures: "what the place must have", BySpoken: "the languages",
	ByKind: "the kind of provider",
}

// relax counts what is found without each filter that was asked, the most
// first: at most one short count for each of them.
func (f filter) relax(ctx context.Context, tx *db.Tx) ([]Relaxation, error) {
	var all []Relaxation
	for _, name := range f.names() {
		g := f
		g.dropped = name
		n, more, err := g.countSome(ctx, tx, mostRelaxed)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			all = append(all, Relaxation{name, n, more, relaxText(name, n, more)})
		}
	}
	slices.SortStableFunc(all, func(a, b Relaxation) int { return cmp.Compare(b.Count, a.Count) })
	return all, nil
}

func relaxText(name string, n int, more bool) string {
	verb, count := "there are", fmt.Sprint(n)
	if n == 1 {
		verb, count = "there is", "1"
	}
	if more {
		count = "more than " + count
	}
	return "Without " + filterWords[name] + " " + verb + " " + count + "."
}

// countSome counts what the filter finds, up to most; with a window, among as
// many candidates as are looked up for one page at the most.
func (f filter) countSome(ctx context.Context, tx *db.Tx, most int) (n int, more bool, err error) {
	f.sort = BySoonest
	if !f.window.asked() || f.dropped == ByWhen {
		args := f.args()
		args["limit"] = most + 1
		sql := `SELECT count(*) FROM (SELECT FROM offer_listing l WHERE ` + where(f.conditions()) + ` LIMIT @limit) found`
		counts, err := exactly(ctx, tx, sql, args, pgx.RowTo[int])
		if err != nil {
			return 0, false, fmt.Errorf("counting offers: %w", err)
		}
		return min(counts[0], most), counts[0] > most, nil
	}
	var after *step
	for looked := 0; looked < mostOrdered && n <= most; {
		batch, err := f.walk(ctx, tx, after, 2*most)
		if err != nil {
			return 0, false, err
		}
		hits, err := f.look(ctx, tx, batch)
		if err != nil {
			return 0, false, err
		}
		n, looked = n+len(hits), looked+len(batch)
		if len(batch) < 2*most {
			break
		}
		last := f.at(batch[len(batch)-1])
		after = &last
	}
	return min(n, most), n > most, nil
}

// Missing is the filter without which a search that found nothing finds most;
// "" if it found something, or if no single filter is to blame.
func (p *SearchPage) Missing() string {
	if len(p.Relax) == 0 {
		return ""
	}
	return p.Relax[0].Filter
}

// Because says in words why nothing was found; "" if something was.
func (p *SearchPage) Because() string {
	if len(p.Items) > 0 || p.NextCursor != "" {
		return ""
	}
	if len(p.Relax) == 0 {
		return "No offer here matches this. Leaving out one thing you asked for is not enough; leave out more."
	}
	texts := make([]string, len(p.Relax))
	for i, r := range p.Relax {
		texts[i] = r.Text
	}
	return "No offer matches all of this. " + strings.Join(texts, " ")
}
