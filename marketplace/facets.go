package marketplace

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// mostCounted is how many offers facets are counted over; beyond it the counts
// are "at least". With a window each one is looked up, so there it is less.
const (
	mostCounted       = 10_000
	mostCountedInTime = 1_000
)

// Facet is how many of the offers found are of one kind.
type Facet struct {
	Name  string // category, access_route, price_unit, area, free, need, access_feature, language, provider_kind
	Value string
	Count int
}

// FacetCounts are the facets of a search.
type FacetCounts struct {
	Total  int
	More   bool // there are more: every count is of the soonest Total
	Facets []Facet
}

const sqlFacets = `
WITH found AS MATERIALIZED (%s)
SELECT name, value, count(*)::int FROM (
    SELECT v.name, v.value FROM found f
    CROSS JOIN LATERAL (VALUES ('category', f.category), ('access_route', f.access_route), ('price_unit', f.price_unit), ('area', f.area),
        ('free', (f.price_pence = 0)::text)) v (name, value)
    UNION ALL
    SELECT CASE split_part(t.trait, ':', 1) WHEN 'feature' THEN 'access_feature' WHEN 'kind' THEN 'provider_kind' ELSE split_part(t.trait, ':', 1) END,
        split_part(t.trait, ':', 2)
    FROM found f CROSS JOIN LATERAL unnest(f.traits) t (trait)) v
GROUP BY name, value
ORDER BY name, count(*) DESC, value`

// byIndex keeps the rest of a transaction that reads many listings to indexes:
// where they are most of a small table, reading it from end to end looks as
// cheap, and stays in the plan as it grows.
func byIndex(ctx context.Context, tx *db.Tx) error {
	_, err := tx.PGX.Exec(ctx, `SELECT set_config('enable_seqscan', 'off', true)`)
	return err
}

const facetColumns = `l.provider_id, l.offer_id, l.next_at, l.category, l.access_route, l.price_unit, l.area, l.price_pence, l.traits`

// Facets counts what a search finds by kind, all its filters applied. Offers
// with words spelt nearly so count only where none has them exactly.
func Facets(ctx context.Context, d *db.DB, q SearchQuery) (*FacetCounts, error) {
	f, err := q.filter(ctx, d)
	if err != nil {
		return nil, err
	}
	var counts *FacetCounts
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		f.asOf = tx.Now
		if err := byIndex(ctx, tx); err != nil {
			return err
		}
		counts, err = f.facets(ctx, tx)
		if err != nil || counts.Total > 0 || f.text == "" {
			return err
		}
		if f.spelt, err = f.nearWords(ctx, tx); err == nil && f.spelt != "" {
			counts, err = f.facets(ctx, tx)
		}
		return err
	})
	return counts, err
}

func (f filter) facets(ctx context.Context, tx *db.Tx) (*FacetCounts, error) {
	if f.window.asked() {
		return f.facetsInTime(ctx, tx)
	}
	args := f.args()
	args["limit"] = mostCounted + 1
	return countFacets(ctx, tx, `SELECT `+facetColumns+` FROM offer_listing l WHERE `+where(f.conditions())+` ORDER BY l.next_at, l.offer_id LIMIT @limit`, args, mostCounted)
}

// facetsInTime counts the candidates that can be had in the window.
func (f filter) facetsInTime(ctx context.Context, tx *db.Tx) (*FacetCounts, error) {
	f.sort = BySoonest
	all, err := f.walk(ctx, tx, nil, mostCountedInTime+1)
	if err != nil {
		return nil, err
	}
	more := len(all) > mostCountedInTime
	hits, err := f.look(ctx, tx, all[:min(len(all), mostCountedInTime)])
	if err != nil {
		return nil, err
	}
	keys := make([]offerKey, 0, len(hits))
	for _, h := range hits {
		keys = append(keys, h.offerKey)
	}
	providers, offers := keyColumns(keys)
	counts, err := countFacets(ctx, tx, `SELECT `+facetColumns+` FROM unnest(@providers::uuid[], @offers::uuid[]) AS k (provider_id, offer_id)
		JOIN offer_listing l USING (provider_id, offer_id)`, pgx.NamedArgs{"providers": providers, "offers": offers}, mostCountedInTime)
	if err == nil {
		counts.More = more
	}
	return counts, err
}

func countFacets(ctx context.Context, tx *db.Tx, found string, args pgx.NamedArgs, most int) (*FacetCounts, error) {
	c := &FacetCounts{}
	var err error
	c.Facets, err = exactly(ctx, tx, fmt.Sprintf(sqlFacets, found), args, pgx.RowToStructByPos[Facet])
	if err != nil {
		return nil, fmt.Errorf("counting facets: %w", err)
	}
	for _, facet := range c.Facets {
		if facet.Name == "free" { // every offer has it
			c.Total += facet.Count
		}
	}
	c.More = c.Total > most
	return c, nil
}
