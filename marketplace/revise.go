package marketplace

import (
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

// revise checks a revision against its offer and writes the new version.
func (o *OfferDetail) revise(ctx context.Context, tx *db.Tx, by uuid.UUID, r Revision) error {
	if err := o.checkRevision(r); err != nil {
		return err
	}
	if r.RefillUnsaid {
		r.Terms.WaivedIfRefilled = o.Offer.Visits != nil
	}
	s := shelf{provider: o.Provider, by: by, now: tx.Now}
	s.addVersion(o.Offer.ID, o.Version.N+1, r.Tariff, r.Terms)
	s.versions[0].ChangeNote = r.Note
	if err := s.write(ctx, tx); err != nil {
		return err
	}
	return move(ctx, tx, o.Offer, o.Offer.State, o.Offer.State, map[string]any{
		"version_id": s.versions[0].ID, "next_price_on": nextChange(r.Tariff, shortbreaks.Date(tx.Now)),
	})
}

// checkRevision refuses a price this offer cannot have.
func (o *OfferDetail) checkRevision(r Revision) error {
	switch {
	case o.Offer.State == Withdrawn:
		return ErrWrongState.With("This offer has been withdrawn; draft it anew.")
	case r.VersionID != nil && *r.VersionID != o.Version.ID:
		return ErrEditedMeanwhile.With("The price of this offer changed after you read it. Read it again, then make your changes.")
	}
	var f shortbreaks.Faults
	r.Terms.Check(&f, "/cancellation_terms")
	r.Tariff.Check(&f, "/tariff")
	f.Unless(len([]rune(r.Note)) <= 300, "/note", "Write at most 300 characters.")
	if f.None() {
		r.Tariff.CheckBundles(&f, o.bundleUnit())
	}
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return err
	}
	return r.Tariff.Costed(o.Provider.StaffCount)
}

// nextChange is the first date after today on which a tariff gains or loses an
// option, or nil.
func nextChange(t tariff.Tariff, today time.Time) *time.Time {
	var next *time.Time
	note := func(text string, later int) {
		on, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return
		}
		on = on.AddDate(0, 0, later)
		if on.After(today) && (next == nil || on.Before(*next)) {
			next = &on
		}
	}
	for _, o := range t.Options {
		note(o.ValidFrom, 0)
		note(o.ValidTo, 1)
	}
	return next
}

// rollSize is how many offers one transaction of RollPrices moves.
const rollSize = 100

const sqlPricesDue = `SELECT provider_id, id FROM offer
WHERE next_price_on <= $1 AND state IN ('published', 'paused') ORDER BY provider_id, id LIMIT $2`

// RollPrices makes the price that was announced for today the one shown: a new
// version without the options whose last date has passed. Quotes need no help,
// they go by the date of service. It returns how many offers it moved and may
// run as often as one likes.
func RollPrices(ctx context.Context, d *db.DB) (int, error) {
	total := 0
	for {
		n, err := rollSome(ctx, d)
		total += n
		if err != nil || n < rollSize {
			return total, err
		}
	}
}

func rollSome(ctx context.Context, d *db.DB) (int, error) {
	type due struct{ Provider, Offer uuid.UUID }
	var found []due
	err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, sqlPricesDue, shortbreaks.Date(tx.Now), rollSize)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[due])
		return err
	})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	var scope db.Scope
	for _, f := range found {
		if !slices.Contains(scope.Providers, f.Provider) {
			scope.Providers = append(scope.Providers, f.Provider)
		}
	}
	for _, f := range found {
		if err := d.Do(ctx, scope, func(tx *db.Tx) error { return roll(ctx, tx, scope.Providers, f.Offer) }); err != nil {
			return 0, fmt.Errorf("changing the price of offer %s: %w", f.Offer, err)
		}
	}
	return len(found), nil
}

// roll drops the options of one offer that have run out.
func roll(ctx context.Context, tx *db.Tx, providers []uuid.UUID, id uuid.UUID) error {
	if _, err := tx.PGX.Exec(ctx, sqlLockOffer, id, providers); err != nil {
		return err
	}
	o, err := readDetail(ctx, tx, id)
	if err != nil {
		return err
	}
	today := shortbreaks.Date(tx.Now)
	if o.Offer.NextPriceOn == nil || o.Offer.NextPriceOn.After(today) {
		return nil // somebody else has done it
	}
	day := today.Format(time.DateOnly)
	left := tariff.Tariff{Options: slices.DeleteFunc(slices.Clone(o.Tariff.Options), func(option tariff.Option) bool {
		return option.ValidTo != "" && option.ValidTo < day
	})}
	if len(left.Options) == 0 || len(left.Options) == len(o.Tariff.Options) {
		return move(ctx, tx, o.Offer, o.Offer.State, o.Offer.State, map[string]any{"next_price_on": nextChange(o.Tariff, today)})
	}
	s := shelf{provider: o.Provider, now: tx.Now}
	s.addVersion(o.Offer.ID, o.Version.N+1, left, o.Version.Terms)
	if err := s.write(ctx, tx); err != nil {
		return err
	}
	err = move(ctx, tx, o.Offer, o.Offer.State, o.Offer.State, map[string]any{
		"version_id": s.versions[0].ID, "next_price_on": nextChange(left, today),
	})
	if err != nil {
		return err
	}
	return relist(ctx, tx, []offerKey{{o.Offer.ProviderID, o.Offer.ID}})
}
