package booking

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// QuotedIntroduction stands in a quote of an offer that needs an introduction.
type QuotedIntroduction struct {
	ID    *uuid.UUID   `json:"id,omitempty"` // the one accepted when it was quoted; nil: there was none
	Ratio tariff.Ratio `json:"ratio"`        // of the support that was quoted
}

// offeringFor is marketplace.Offering at the ratio that was decided for the
// child where the offer needs an introduction. One who has not been introduced
// is told the price all the same.
func offeringFor(ctx context.Context, tx *db.Tx, child *budgets.Child, c *CreateQuote) (*marketplace.Offered, *QuotedIntroduction, error) {
	o, err := marketplace.Offering(ctx, tx, c.want(child))
	if err != nil || !o.Offer.NeedsIntroduction {
		return o, nil, err
	}
	own := tariff.Ratio{Staff: o.Offer.RatioStaff, Children: o.Offer.RatioChildren}
	q := &QuotedIntroduction{Ratio: own}
	if c.Ratio.Staff > 0 {
		q.Ratio = c.Ratio
	}
	var id uuid.UUID
	var decided tariff.Ratio
	err = tx.PGX.QueryRow(ctx, `SELECT id, ratio_staff, ratio_children FROM introduction WHERE authority_id = $1 AND child_id = $2 AND provider_id = $3 AND state = 'accepted'`,
		child.AuthorityID, child.ID, o.Provider.ID).Scan(&id, &decided.Staff, &decided.Children)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return o, q, nil
	case err != nil:
		return nil, nil, fmt.Errorf("read introduction: %w", err)
	}
	q.ID = &id
	if q.Ratio == decided {
		return o, q, nil
	}
	if c.Ratio.Staff > 0 {
		return nil, nil, ratioDecided(decided).At("/ratio", "The provider decided on "+decided.String()+".")
	}
	q.Ratio, c.Ratio = decided, decided
	o, err = marketplace.Offering(ctx, tx, c.want(child))
	return o, q, err
}

func ratioDecided(decided tariff.Ratio) *shortbreaks.Error {
	return ErrRatioDecided.With("The provider decided on " + decided.String() + " for this child. Nothing was booked; ask for a quote with that ratio.")
}

func introductionNeeded(provider string) string {
	return provider + " meets a child before the first booking. Ask it for an introduction, and book once it has accepted."
}

// childAt is a child at a provider.
type childAt struct{ child, provider uuid.UUID }

// queueIntroductions reads the ratios decided for those children of a batch
// whose offers need it. It locks nothing: an introduction that ends at the same
// moment ended after the booking.
func queueIntroductions(batch *pgx.Batch, need needed) map[childAt]tariff.Ratio {
	decided := map[childAt]tariff.Ratio{}
	if len(need.introduced) == 0 {
		return decided
	}
	authorities, children, providers := make([]uuid.UUID, len(need.introduced)), make([]uuid.UUID, len(need.introduced)), make([]uuid.UUID, len(need.introduced))
	for i, n := range need.introduced {
		authorities[i], children[i], providers[i] = n.AuthorityID, n.ChildID, n.ProviderID
	}
	batch.Queue(`SELECT i.child_id, i.provider_id, i.ratio_staff, i.ratio_children FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) w (authority_id, child_id, provider_id)
		JOIN introduction i USING (authority_id, child_id, provider_id) WHERE i.state = 'accepted'`, authorities, children, providers).Query(func(rows pgx.Rows) error {
		var key childAt
		var r tariff.Ratio
		_, err := pgx.ForEachRow(rows, []any{&key.child, &key.provider, &r.Staff, &r.Children}, func() error { decided[key] = r; return nil })
		return err
	})
	return decided
}

// checkIntroduced refuses a quote of an offer that needs an introduction while
// there is none, or one that decided on another ratio (T94).
func (b *board) checkIntroduced(q *Quote) error {
	quoted := q.Document.Introduction
	if quoted == nil {
		return nil
	}
	decided, ok := b.introduced[childAt{q.ChildID, q.ProviderID}]
	switch {
	case !ok:
		return ErrIntroductionNeeded.With("Nothing was booked. " + introductionNeeded(q.Document.ProviderName))
	case decided != quoted.Ratio:
		return ratioDecided(decided)
	}
	return nil
}
