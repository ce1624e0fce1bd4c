package marketplace

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// CreateOffer writes a draft down with its version, sessions, places and
// lanes. Every value is checked before anything is written; all that are wrong
// are named at once.
func CreateOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, draft OfferDraft) (*OfferDetail, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	provider, err := draft.provider(who)
	if err != nil {
		return nil, err
	}
	var detail *OfferDetail
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		shelf, err := openShelf(ctx, tx, provider, who.Person)
		if err != nil {
			return err
		}
		draft := draft // anew if the transaction is run again
		if draft.Sessions, err = draft.Sessions.resolve(ctx, tx, "/sessions"); err != nil {
			return err
		}
		if err := draft.checkLanes(ctx, tx, provider); err != nil {
			return err
		}
		id, err := shelf.add(draft, Draft)
		if err != nil {
			return err
		}
		if err := shelf.write(ctx, tx); err != nil {
			return err
		}
		detail, err = readDetail(ctx, tx, id)
		return err
	})
	return detail, err
}

// PublishOffer makes a draft bookable. Publishing twice is publishing once; a
// withdrawn offer stays withdrawn.
func PublishOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*OfferDetail, error) {
	return change(ctx, d, who, id, func(tx *db.Tx, o *OfferDetail) error {
		switch o.Offer.State {
		case Published:
			return nil
		case Withdrawn:
			return ErrWrongState.With("This offer has been withdrawn; draft it anew.")
		case Paused:
			return ErrWrongState.With("This offer is paused; resume it.")
		case Draft:
		}
		if err := o.ready(); err != nil {
			return err
		}
		if err := mayPublish(ctx, tx, o.Offer); err != nil {
			return err
		}
		return move(ctx, tx, o.Offer, Draft, Published, map[string]any{"published_at": tx.Now})
	})
}

// Withdraw takes a published or paused offer off sale for good. What is booked
// stays booked.
func Withdraw(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*OfferDetail, error) {
	return change(ctx, d, who, id, func(tx *db.Tx, o *OfferDetail) error {
		switch o.Offer.State {
		case Withdrawn:
			return nil
		case Draft:
			return ErrWrongState.With("This offer has not been published.")
		case Published, Paused:
		}
		return move(ctx, tx, o.Offer, o.Offer.State, Withdrawn, nil)
	})
}

// Revision is a new price or new terms for an offer.
type Revision struct {
	VersionID *uuid.UUID // the one that was read; another is refused. nil: whichever is on sale
	Tariff    tariff.Tariff
	Terms     tariff.Terms
	Note      string // why, for the public price history

	RefillUnsaid bool // the terms leave open whether a place taken again costs a fee: it does not by the hour, it does in groups (T55)
}

// ReviseOffer makes a new version with another tariff or other terms. Quotes
// and bookings keep the version they were made from (T14). Errors: forbidden,
// not-found, wrong-state, edited-meanwhile, invalid, not-costed.
func ReviseOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, r Revision) (*OfferDetail, error) {
	return change(ctx, d, who, id, func(tx *db.Tx, o *OfferDetail) error { return o.revise(ctx, tx, who.Person, r) })
}

// change runs what a provider's owner does to one of its offers. The offer's
// row is locked first, so that two changes follow each other.
func change(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, f func(*db.Tx, *OfferDetail) error) (*OfferDetail, error) {
	return changeAs(ctx, d, who, id, []shortbreaks.Role{shortbreaks.ProviderOwner}, f)
}

// changeAs is change for those of other roles too.
func changeAs(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, roles []shortbreaks.Role,
	f func(*db.Tx, *OfferDetail) error,
) (*OfferDetail, error) {
	if !who.Is(roles...) {
		return nil, shortbreaks.ErrForbidden
	}
	var detail *OfferDetail
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		var provider uuid.UUID
		err := tx.PGX.QueryRow(ctx, sqlLockOffer, id, who.Providers).Scan(&provider)
		if errors.Is(err, errNoRows) {
			return shortbreaks.ErrNotFound.With("There is no such offer within your reach.")
		}
		if err != nil {
			return fmt.Errorf("locking offer %s: %w", id, err)
		}
		before, err := readDetail(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := f(tx, before); err != nil {
			return err
		}
		if err := relist(ctx, tx, []offerKey{{provider, id}}); err != nil {
			return err
		}
		detail, err = readDetail(ctx, tx, id)
		return err
	})
	return detail, err
}

const sqlLockOffer = `SELECT provider_id FROM offer WHERE id = $1 AND provider_id = ANY ($2) FOR UPDATE`

// move brings an offer from a state to another and says so if it was in
// neither.
func move(ctx context.Context, tx *db.Tx, o Offer, from, to OfferState, also map[string]any) error {
	values := map[string]any{"state": to}
	for column, value := range also {
		values[column] = value
	}
	done := tx.DB.WithContext(ctx).Model(&Offer{}).
		Where("provider_id = ? AND id = ? AND state = ?", o.ProviderID, o.ID, from).Updates(values)
	if done.Error != nil {
		return fmt.Errorf("moving offer %s to %s: %w", o.ID, to, done.Error)
	}
	if done.RowsAffected != 1 {
		return fmt.Errorf("moving offer %s to %s: it was not %s", o.ID, to, from)
	}
	return nil
}
