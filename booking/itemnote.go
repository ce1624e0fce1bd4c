package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The kinds of note.
const (
	NoteIncident   = "incident"
	NoteMedication = "medication"
)

// ItemNote is what went wrong, or what medicine was given, at one item. It is
// of the most private class of records (C3): the child's family, its
// practitioner, the provider's owner and co-ordinator and whoever wrote it read
// it, and nobody else. It is never changed; a later one corrects it.
type ItemNote struct {
	AuthorityID uuid.UUID
	ItemID      uuid.UUID
	ID          uuid.UUID
	ProviderID  uuid.UUID
	Kind        string
	Words       string
	HappenedAt  time.Time
	Corrects    *uuid.UUID
	WrittenBy   uuid.UUID
	WrittenRole string
	WrittenAt   time.Time
}

const noteColumns = `authority_id, item_id, id, provider_id, kind, words, happened_at, corrects, written_by, written_role, written_at`

// WriteNote is a note to be written.
type WriteNote struct {
	ItemID     uuid.UUID
	Kind       string
	Words      string
	HappenedAt time.Time
	Corrects   *uuid.UUID // a note of the same item
}

// AddNote writes a note on an item that has begun. A worker corrects only its
// own. Errors: forbidden, not-found, wrong-state, invalid.
func AddNote(ctx context.Context, d *db.DB, who shortbreaks.Actor, w WriteNote) (*ItemNote, error) {
	if !providerSide(who) {
		return nil, shortbreaks.ErrForbidden
	}
	n := &ItemNote{ID: shortbreaks.NewID(), Kind: w.Kind, Words: strings.TrimSpace(w.Words), HappenedAt: w.HappenedAt, Corrects: w.Corrects}
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		it, _, err := lockItem(ctx, tx, who, w.ItemID)
		if err != nil {
			return err
		}
		if !it.State.Live() || it.State.CanBecome(Expired) || tx.Now.Before(it.StartsAt.Add(-earliestArrival)) {
			return ErrWrongState.With("Notes are written once it has begun. Nothing was written.")
		}
		n.AuthorityID, n.ItemID, n.ProviderID = it.AuthorityID, it.ID, it.ProviderID
		n.WrittenBy, n.WrittenRole, n.WrittenAt = who.Person, string(who.Role), tx.Now
		if err := w.check(ctx, tx, who, it); err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO item_note (`+noteColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			n.AuthorityID, n.ItemID, n.ID, n.ProviderID, n.Kind, n.Words, n.HappenedAt, n.Corrects, n.WrittenBy, n.WrittenRole, n.WrittenAt)
		if err != nil {
			return fmt.Errorf("write note: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (w WriteNote) check(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, it *Item) error {
	var f shortbreaks.Faults
	f.OneOf("/kind", w.Kind, []string{NoteIncident, NoteMedication})
	f.Text("/words", w.Words, 3, 4000)
	far := w.HappenedAt.Before(it.StartsAt.Add(-earliestArrival)) || w.HappenedAt.After(it.EndsAt.Add(latestLeaving)) || w.HappenedAt.After(tx.Now.Add(fastClock))
	f.Unless(!far, "/happened_at", "This is far from when it took place. Check the day.")
	if w.Corrects != nil {
		known, err := notesSeen(ctx, tx, who, it)
		if err != nil {
			return err
		}
		there := slices.ContainsFunc(known, func(n ItemNote) bool { return n.ID == *w.Corrects })
		f.Unless(there, "/corrects", "There is no such note of this item that you may correct.")
	}
	return f.As(shortbreaks.ErrInvalid)
}

// notesSeen are the notes of an item this actor may read, in the order written.
func notesSeen(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, it *Item) ([]ItemNote, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+noteColumns+` FROM item_note WHERE authority_id = $1 AND item_id = $2 AND ($3::uuid IS NULL OR written_by = $3)
		ORDER BY id`, it.AuthorityID, it.ID, onlyOwn(who))
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[ItemNote])
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	return list, nil
}

// onlyOwn is the worker whose own notes alone are in reach; nil for the others.
func onlyOwn(who shortbreaks.Actor) *uuid.UUID {
	if who.Is(shortbreaks.Worker) {
		return &who.Person
	}
	return nil
}

// Notes reads the notes of an item after one, and whether there are more. That
// they were read is kept. Errors: forbidden, not-found.
func Notes(ctx context.Context, d *db.DB, who shortbreaks.Actor, item, after uuid.UUID, limit int) (page []ItemNote, more bool, err error) {
	if !providerSide(who) && !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		items, err := selectItems(ctx, tx, `id = $1`, item)
		if err != nil {
			return err
		}
		if len(items) == 0 || !mayAct(who, items[0]) {
			return shortbreaks.ErrNotFound
		}
		if page, err = notesSeen(ctx, tx, who, items[0]); err != nil {
			return err
		}
		page = slices.DeleteFunc(page, func(n ItemNote) bool { return slices.Compare(n.ID[:], after[:]) <= 0 })
		if more = len(page) > limit; more {
			page = page[:limit]
		}
		if len(page) == 0 || items[0].ChildID == nil {
			return nil
		}
		return keepReading(ctx, tx, who, readNotes, items[0].AuthorityID, *items[0].ChildID, items[0])
	})
	if err != nil {
		return nil, false, err
	}
	return page, more, nil
}
