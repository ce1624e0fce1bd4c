package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// What of a child's most private records (class C3) can be read.
const (
	readNotes     = "notes"
	readCareSheet = "care_sheet"
)

// keepReading notes that somebody read such a record, in the transaction that
// reads it: what is not noted is not told.
func keepReading(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, what string, authority, child uuid.UUID, it *Item) error {
	var item, provider *uuid.UUID
	if it != nil {
		item = &it.ID
		if providerSide(who) {
			provider = &it.ProviderID
		}
	}
	_, err := tx.PGX.Exec(ctx, `INSERT INTO read_event (authority_id, child_id, id, what, item_id, provider_id, reader_id, reader_role, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, authority, child, shortbreaks.NewID(), what, item, provider, who.Person, string(who.Role), tx.Now)
	if err != nil {
		return fmt.Errorf("note a reading: %w", err)
	}
	return nil
}

// Reading is one time somebody read a child's notes or care sheet. It says in
// which role and at which provider, not who.
type Reading struct {
	ID           uuid.UUID
	What         string
	Role         string
	ProviderName string
	ItemID       *uuid.UUID
	At           time.Time
}

// Readings lists who else than the family read a child's most private records,
// the last first, and whether there are more. Errors: forbidden, not-found.
func Readings(ctx context.Context, d *db.DB, who shortbreaks.Actor, child, before uuid.UUID, limit int) (page []Reading, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.Auditor) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		rows, err := tx.PGX.Query(ctx, `SELECT r.id, r.what, r.reader_role, coalesce(p.name, ''), r.item_id, r.at FROM read_event r
			LEFT JOIN provider p ON p.id = r.provider_id WHERE r.authority_id = $1 AND r.child_id = $2 AND r.reader_role <> 'family'
				AND ($3 = '00000000-0000-0000-0000-000000000000'::uuid OR r.id < $3) ORDER BY r.id DESC LIMIT $4`, c.AuthorityID, c.ID, before, limit+1)
		if err != nil {
			return fmt.Errorf("list readings: %w", err)
		}
		page, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Reading])
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, more, nil
}
