package marketplace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// BulkRevision changes the price, or the terms, of many offers at once.
type BulkRevision struct {
	Offers      []OfferAtVersion
	Price       *PriceMove    // or
	Terms       *tariff.Terms // at once: terms are those of the day of booking
	EffectiveOn *time.Time    // the first date of service at the new price; nil: at once
	Note        string        // for the public price history
	DryRun      bool          // work everything out and write nothing
}

// OfferAtVersion is an offer with the version that was read, so that sending
// the same change twice cannot raise a price twice.
type OfferAtVersion struct{ OfferID, VersionID uuid.UUID }

// BulkRevised is what becomes of one offer.
type BulkRevised struct {
	OfferID   uuid.UUID
	Title     string
	WasText   string // "£9.00 a session"
	NowText   string // of the new price, in force from EffectiveOn
	Moves     []ChargeMove
	Terms     string     // the new terms in words; "" if they stay
	VersionID *uuid.UUID // the new one; nil in a dry run
}

// maxBulk is how many offers one bulk revision may change.
const maxBulk = 100

// BulkRevise changes chosen offers from a date, all of them or none; every
// offer that cannot be changed is named at once. Dates of service before the
// date keep the old price, whenever they are booked. Errors: forbidden,
// invalid, not-found (one of the offers), edited-meanwhile, not-costed.
func BulkRevise(ctx context.Context, d *db.DB, who shortbreaks.Actor, b BulkRevision) ([]BulkRevised, error) {
	if !who.Is(shortbreaks.ProviderOwner) {
		return nil, shortbreaks.ErrForbidden
	}
	var done []BulkRevised
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		done = nil
		if err := b.check(shortbreaks.Date(tx.Now)); err != nil {
			return err
		}
		offers, err := lockOffers(ctx, tx, who, b.Offers)
		if err != nil {
			return err
		}
		var refused *shortbreaks.Error
		var f shortbreaks.Faults
		for i, o := range offers {
			r, shown, err := b.revisionOf(o, b.Offers[i].VersionID)
			if err == nil {
				err = o.checkRevision(r)
			}
			var no *shortbreaks.Error
			switch {
			case errors.As(err, &no):
				f.Add(fmt.Sprintf("/offers/%d", i), "%s: %s", o.Offer.Title, reason(no))
				if refused == nil {
					refused = no
				}
				continue
			case err != nil:
				return err
			case !b.DryRun && f.None():
				if err := o.revise(ctx, tx, who.Person, r); err != nil {
					return err
				}
				id, err := versionOnSale(ctx, tx, o.Offer)
				if err != nil {
					return err
				}
				shown.VersionID = &id
			}
			done = append(done, shown)
		}
		if f.None() && b.DryRun {
			return nil
		}
		if f.None() {
			return relist(ctx, tx, keysOf(offers))
		}
		words := fmt.Sprintf("Nothing was changed: %s of %d cannot be.", shortbreaks.Plural(len(f.Fields), "offer"), len(offers))
		return f.As(refused.With(words))
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

func keysOf(offers []*OfferDetail) []offerKey {
	keys := make([]offerKey, 0, len(offers))
	for _, o := range offers {
		keys = append(keys, offerKey{o.Offer.ProviderID, o.Offer.ID})
	}
	return keys
}

// reason is what a refusal says in one sentence.
func reason(e *shortbreaks.Error) string {
	if len(e.Fields) > 0 {
		return e.Fields[0].Detail
	}
	if e.Detail != "" {
		return e.Detail
	}
	return e.Title
}

func (b BulkRevision) check(today time.Time) error {
	var f shortbreaks.Faults
	f.Unless(len(b.Offers) >= 1 && len(b.Offers) <= maxBulk, "/offers", "Choose 1 to %d offers.", maxBulk)
	for i, o := range b.Offers {
		same := func(other OfferAtVersion) bool { return other.OfferID == o.OfferID }
		f.Unless(slices.IndexFunc(b.Offers, same) == i, fmt.Sprintf("/offers/%d", i), "This offer is there twice.")
	}
	f.Unless((b.Price == nil) != (b.Terms == nil), "/cancellation_terms", "Give a change of price or cancellation_terms, and not both.")
	if p := b.Price; p != nil {
		f.Unless((p.PercentHundredths == 0) != (p.Pence == 0), "/pence", "Give percent_hundredths or pence, other than 0, and not both.")
		f.Unless(p.PercentHundredths >= -9_000 && p.PercentHundredths <= 20_000, "/percent_hundredths", "Give -90 to 200 percent.")
	}
	if b.EffectiveOn != nil {
		f.Unless(b.Terms == nil, "/effective_on", "New terms are for bookings made from now on; leave the date out.")
		f.Unless(b.EffectiveOn.After(today), "/effective_on", "Give a date after today, or none for at once.")
	}
	f.Unless(len([]rune(b.Note)) <= 300, "/note", "Write at most 300 characters.")
	return f.As(shortbreaks.ErrInvalid)
}

const sqlLockOffers = `SELECT id FROM offer WHERE id = ANY ($1) AND provider_id = ANY ($2) ORDER BY id FOR UPDATE`

// lockOffers locks the offers by id, whatever their order in the request, and
// reads them in that order.
func lockOffers(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, chosen []OfferAtVersion) ([]*OfferDetail, error) {
	ids := make([]uuid.UUID, len(chosen))
	for i, c := range chosen {
		ids[i] = c.OfferID
	}
	locked, err := tx.PGX.Exec(ctx, sqlLockOffers, ids, who.Providers)
	if err != nil {
		return nil, fmt.Errorf("locking %d offers: %w", len(ids), err)
	}
	if int(locked.RowsAffected()) != len(ids) {
		return nil, shortbreaks.ErrNotFound.With("One of these offers is not yours. Nothing was changed.")
	}
	all := make([]*OfferDetail, len(ids))
	for i, id := range ids {
		if all[i], err = readDetail(ctx, tx, id); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func versionOnSale(ctx context.Context, tx *db.Tx, o Offer) (id uuid.UUID, err error) {
	err = tx.PGX.QueryRow(ctx, `SELECT version_id FROM offer WHERE provider_id = $1 AND id = $2`, o.ProviderID, o.ID).Scan(&id)
	return id, err
}

// revisionOf is what the change makes of one offer.
func (b BulkRevision) revisionOf(o *OfferDetail, read uuid.UUID) (Revision, BulkRevised, error) {
	r := Revision{VersionID: &read, Tariff: o.Tariff, Terms: o.Version.Terms, Note: b.Note}
	shown := BulkRevised{OfferID: o.Offer.ID, Title: o.Offer.Title, WasText: o.PriceText, NowText: o.PriceText}
	if b.Terms != nil {
		r.Terms, shown.Terms = *b.Terms, b.Terms.Explain()
		return r, shown, nil
	}
	var f shortbreaks.Faults
	if b.EffectiveOn != nil {
		o.checkBundles(*b.EffectiveOn, &f)
	}
	later := tariff.Tariff{}
	r.Tariff = tariff.Tariff{}
	for _, option := range o.Tariff.Options {
		kept, moved, moves := b.split(option, &f)
		if kept != nil {
			r.Tariff.Options = append(r.Tariff.Options, *kept)
		}
		if moved != nil {
			r.Tariff.Options, later.Options = append(r.Tariff.Options, *moved), append(later.Options, *moved)
			shown.Moves = append(shown.Moves, moves...)
		}
	}
	f.Unless(len(shown.Moves) > 0 || !f.None(), "", "No price changes; all are free or too small for this.")
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return r, shown, err
	}
	shown.NowText = tariff.PriceText(later.Headline())
	return r, shown, nil
}

// checkBundles refuses a date in the midst of a bundle: what is sold as one
// has one price.
func (o *OfferDetail) checkBundles(on time.Time, f *shortbreaks.Faults) {
	for _, b := range o.Bundles {
		if b.Term.StartsOn.Before(on) && !b.Term.EndsOn.Before(on) {
			f.Add("", "%s runs until %s and has one price; choose a date after it.", b.Term.Name, b.Term.EndsOn.Format("2 January 2006"))
		}
	}
}

// split is an option as it stays before the date, and as it is from then on.
// Either may be nil.
func (b BulkRevision) split(o tariff.Option, f *shortbreaks.Faults) (kept, moved *tariff.Option, moves []ChargeMove) {
	changed, moves := b.Price.option(o, f, "/price")
	if b.EffectiveOn == nil {
		return nil, &changed, moves
	}
	from := b.EffectiveOn.Format(time.DateOnly)
	last := b.EffectiveOn.AddDate(0, 0, -1)
	switch {
	case o.ValidTo != "" && o.ValidTo < from:
		return &o, nil, nil
	case o.ValidFrom >= from:
		return nil, &changed, moves
	}
	changed.ValidFrom = from
	o.ValidTo = last.Format(time.DateOnly)
	o.Name = untilName(o.Name, last)
	return &o, &changed, moves
}

// untilName tells the old price from the new one of the same name.
func untilName(name string, last time.Time) string {
	said := " until " + last.Format("2 January 2006")
	runes := []rune(name)
	return string(runes[:min(len(runes), 80-len(said))]) + said
}
