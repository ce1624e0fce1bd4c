package marketplace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// Whoever names the offers to compare is answered about each of them: what the
// pattern costs there, or every reason why it cannot be had.

// chosen is a candidate with the filters it does not meet.
type chosen struct {
	candidate
	unmet  []string
	traits []string // as the listing has them
}

// readChosen reads the offers named that are listed. Each filter is asked as a
// search would ask it, and answered instead of obeyed.
func (f filter) readChosen(ctx context.Context, tx *db.Tx) ([]chosen, error) {
	asked := slices.DeleteFunc(f.names(), func(name string) bool { return name == ByOffers || name == ByWhen })
	columns := make([]string, 0, len(asked))
	for _, name := range asked {
		of := slices.DeleteFunc(f.conditions(), func(c condition) bool { return c.name != name })
		columns = append(columns, "coalesce("+where(of)+", false)")
	}
	sql := `SELECT ` + f.columns() + `, ARRAY[` + strings.Join(columns, ", ") + `]::boolean[], l.traits
FROM offer_listing l
WHERE l.offer_id = ANY (@only::uuid[])`
	return exactly(ctx, tx, sql, f.args(), func(row pgx.CollectableRow) (c chosen, err error) {
		var met []bool
		err = row.Scan(&c.Provider, &c.Offer, &c.nextAt, &c.rate, &c.visits, &c.bundles, &c.chord, &c.days, &c.hours, &c.starts, &met, &c.traits)
		for i, name := range asked {
			if err == nil && !met[i] {
				c.unmet = append(c.unmet, name)
			}
		}
		return c, err
	})
}

// compareChosen is Compare for offers that are named: each is in the answer
// once, priced or with its reasons.
func (p Pattern) compareChosen(ctx context.Context, tx *db.Tx, f filter, dates []time.Time) ([]Compared, error) {
	listed, err := f.readChosen(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("reading the offers chosen: %w", err)
	}
	candidates, byOffer := make([]candidate, 0, len(listed)), make(map[uuid.UUID]chosen, len(listed))
	for _, c := range listed {
		candidates, byOffer[c.Offer] = append(candidates, c.candidate), c
	}
	offers, err := readComparable(ctx, tx, candidates)
	if err != nil {
		return nil, err
	}
	s, err := p.stock(ctx, tx, offers, dates, false)
	if err != nil {
		return nil, err
	}
	all := make([]Compared, 0, len(p.OfferIDs))
	for _, o := range offers {
		all = append(all, s.judge(f, o, byOffer[o.ID]))
	}
	slices.SortFunc(all, soonestSuitable)
	if err := f.describe(ctx, tx, candidates, all); err != nil {
		return nil, err
	}
	gone := []Reason{{NotOnSale, "It is not on sale now."}}
	for _, id := range p.OfferIDs {
		if _, ok := byOffer[id]; !ok {
			all = append(all, Compared{Offer: OfferSummary{ID: id}, Reasons: gone, CannotServe: because(gone)})
		}
	}
	return all, nil
}

// judge prices the pattern at an offer, or says why not.
func (s *stock) judge(f filter, o found, c chosen) Compared {
	if len(c.unmet) == 0 {
		if priced, ok := s.compare(o); ok {
			return priced
		}
	}
	var why []Reason
	for _, code := range ReasonCodes {
		if slices.Contains(c.unmet, code) {
			why = append(why, f.unmet(code, o, c.traits))
		}
	}
	if len(s.ways(o)) == 0 {
		why = append(why, s.obstacles(o)...)
	}
	return Compared{Offer: OfferSummary{ID: o.ID, Title: o.Title}, Reasons: why, CannotServe: because(why)}
}
