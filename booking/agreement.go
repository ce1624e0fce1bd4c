package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// Why only the family's own yes agrees to a register, however long it waits
// (T60).
const (
	AgreeLate      = "late"      // the register, or something added to it, was not recorded in its days
	AgreeOvernight = "overnight" // the authority wants a yes for nights
	AgreeSum       = "sum"       // and for more than a set sum
)

// needsYes is why silence does not agree to what is due of an item, or "".
// Where nothing is due there is nothing to agree to.
func (it *Item) needsYes(s budgets.Settings, onTime bool) string {
	overnight := shortbreaks.Date(it.EndsAt.Add(-time.Minute)).After(shortbreaks.Date(it.StartsAt))
	switch {
	case !onTime:
		return AgreeLate
	case *it.ChargePence == 0:
		return ""
	case s.AgreeOvernight && overnight:
		return AgreeOvernight
	case *it.ChargePence > s.AgreeAbove:
		return AgreeSum
	}
	return ""
}

// awaitAgreement is the same for one register.
func (it *Item) awaitAgreement(ctx context.Context, tx *db.Tx, s budgets.Settings, onTime bool) error {
	return awaitAgreement(ctx, tx, []*filing{{it: it, onTime: onTime}}, map[uuid.UUID]budgets.Settings{it.AuthorityID: s})
}

// awaitAgreement begins the family's days for registers just recorded or added
// to, each by its authority's settings, or notes why there are none.
func awaitAgreement(ctx context.Context, tx *db.Tx, filed []*filing, settings map[uuid.UUID]budgets.Settings) error {
	var authorities, ids []uuid.UUID
	var reasons []string
	for _, f := range filed {
		s := settings[f.it.AuthorityID]
		because := f.it.needsYes(s, f.onTime)
		if f.it.AutoConfirmAt = nil; because == "" {
			at := tx.Now.Add(s.AutoConfirmAfter)
			f.it.AutoConfirmAt = &at
			continue
		}
		authorities, ids, reasons = append(authorities, f.it.AuthorityID), append(ids, f.it.ID), append(reasons, because)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.PGX.Exec(ctx, `UPDATE delivery d SET agree_because = w.because FROM unnest($1::uuid[], $2::uuid[], $3::text[]) w (authority_id, item_id, because)
		WHERE d.authority_id = w.authority_id AND d.item_id = w.item_id`, authorities, ids, reasons)
	if err != nil {
		return fmt.Errorf("note what needs agreeing: %w", err)
	}
	return nil
}

// AwaitingYes lists the items whose register waits for the family's yes and is
// never agreed by time, and whether there are more: a family's own, a
// practitioner's authority's, a provider's. Errors: forbidden.
func AwaitingYes(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (page []*Item, more bool, err error) {
	column, reach := "child_id", who.Children
	switch {
	case who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator):
		column, reach = "provider_id", who.Providers
	case who.Is(shortbreaks.Practitioner):
		column, reach = "authority_id", who.Authorities
	case !who.Is(shortbreaks.Family):
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectItems(ctx, tx, column+` = ANY ($1) AND state IN ('delivered', 'partly_delivered', 'no_show') AND auto_confirm_at IS NULL AND id > $2
			ORDER BY id LIMIT $3`, reach, after, limit+1)
		if err != nil {
			return err
		}
		if more = len(page) > limit; more {
			page = page[:limit]
		}
		return fill(ctx, tx, who, page)
	})
	if err != nil {
		return nil, false, err
	}
	return page, more, nil
}
