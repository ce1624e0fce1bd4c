package marketplace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// ShortlistItem is an offer somebody keeps for later, theirs alone (R042).
type ShortlistItem struct {
	PersonID   uuid.UUID `gorm:"primaryKey"`
	OfferID    uuid.UUID `gorm:"primaryKey"`
	ProviderID uuid.UUID
	Note       string
	AddedAt    time.Time
}

// TableName is the table's.
func (ShortlistItem) TableName() string { return "shortlist" }

// Kept is an item of a shortlist as it is shown.
type Kept struct {
	ShortlistItem
	Title        string
	ProviderName string
	Category     string
	PriceText    string
	State        OfferState
}

// mostKept is how many offers one person keeps; mostNote how long a note is.
const (
	mostKept = 200
	mostNote = 500
)

// ErrShortlistFull refuses one offer more than a person may keep.
var ErrShortlistFull = shortbreaks.NewError(shortbreaks.Conflict, "shortlist-full", "Your shortlist is full")

const sqlKept = `
SELECT k.person_id, k.offer_id, k.provider_id, k.note, k.added_at, o.title, p.name, o.category, v.price_pence, v.price_unit, o.state
FROM shortlist k
JOIN offer o ON o.provider_id = k.provider_id AND o.id = k.offer_id
JOIN provider p ON p.id = o.provider_id
JOIN offer_version v ON v.provider_id = o.provider_id AND v.id = o.version_id
WHERE k.person_id = $1 AND ($2::uuid IS NULL OR k.offer_id = $2)
    AND ($3::uuid IS NULL OR (k.added_at, k.offer_id) < (SELECT l.added_at, l.offer_id FROM shortlist l WHERE l.person_id = $1 AND l.offer_id = $3))
ORDER BY k.added_at DESC, k.offer_id DESC
LIMIT $4`

// Shortlist reads a page of the actor's own, newest first. after is the offer
// the page before ended with, the zero id for the first.
func Shortlist(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (items []Kept, more bool, err error) {
	if who.Person == uuid.Nil {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		items, err = readKept(ctx, tx, who.Person, nil, after, limit+1)
		return err
	})
	if len(items) > limit {
		return items[:limit], true, err
	}
	return items, false, err
}

func readKept(ctx context.Context, tx *db.Tx, person uuid.UUID, only *uuid.UUID, after uuid.UUID, limit int) ([]Kept, error) {
	var from *uuid.UUID
	if after != uuid.Nil {
		from = &after
	}
	rows, err := tx.PGX.Query(ctx, sqlKept, person, only, from, limit)
	if err != nil {
		return nil, fmt.Errorf("reading a shortlist: %w", err)
	}
	kept, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k Kept, err error) {
		var pence shortbreaks.Pence
		var unit string
		err = row.Scan(&k.PersonID, &k.OfferID, &k.ProviderID, &k.Note, &k.AddedAt, &k.Title, &k.ProviderName, &k.Category, &pence, &unit, &k.State)
		k.PriceText = tariff.PriceText(pence, unit)
		return k, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading a shortlist: %w", err)
	}
	return kept, nil
}

// Keep puts an offer on the actor's shortlist, or changes the note on one that
// is there. It must be one the actor can read. Errors: not found, invalid,
// ErrShortlistFull.
func Keep(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID, note string) (*Kept, error) {
	if who.Person == uuid.Nil {
		return nil, shortbreaks.ErrForbidden
	}
	if len([]rune(note)) > mostNote {
		words := fmt.Sprintf("Write at most %d characters.", mostNote)
		return nil, shortbreaks.ErrInvalid.With(words).At("/note", words)
	}
	var kept []Kept
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		o, err := findOffer(ctx, tx, offer)
		if err != nil {
			return err
		}
		if err := keep(ctx, tx, ShortlistItem{who.Person, o.ID, o.ProviderID, note, tx.Now}); err != nil {
			return err
		}
		kept, err = readKept(ctx, tx, who.Person, &offer, uuid.Nil, 1)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &kept[0], nil
}

// sqlLockKeeper makes two of one person's requests follow each other, so that
// they count to the limit together.
const sqlLockKeeper = `SELECT FROM person WHERE id = $1 FOR NO KEY UPDATE`

const sqlKeep = `
INSERT INTO shortlist AS k (person_id, offer_id, provider_id, note, added_at)
SELECT $1, $2, $3, $4, $5
WHERE (SELECT count(*) FROM shortlist WHERE person_id = $1 AND offer_id <> $2) < $6
ON CONFLICT (person_id, offer_id) DO UPDATE SET note = excluded.note`

func keep(ctx context.Context, tx *db.Tx, item ShortlistItem) error {
	if _, err := tx.PGX.Exec(ctx, sqlLockKeeper, item.PersonID); err != nil {
		return fmt.Errorf("keeping an offer: %w", err)
	}
	done, err := tx.PGX.Exec(ctx, sqlKeep, item.PersonID, item.OfferID, item.ProviderID, item.Note, item.AddedAt, mostKept)
	if err != nil {
		return fmt.Errorf("keeping an offer: %w", err)
	}
	if done.RowsAffected() == 0 {
		return ErrShortlistFull.With(fmt.Sprintf("It holds %d offers. Take one off first.", mostKept))
	}
	return nil
}

// Unkeep takes an offer off the actor's shortlist; one that is not on it stays
// so.
func Unkeep(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID) error {
	if who.Person == uuid.Nil {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		_, err := gorm.G[ShortlistItem](tx.DB).Where("person_id = ? AND offer_id = ?", who.Person, offer).Delete(ctx)
		if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
			return fmt.Errorf("taking an offer off a shortlist: %w", err)
		}
		return nil
	})
}
