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
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// EmergencyContact is the field each parent keeps for itself: the other parent
// never reads it (T97).
const EmergencyContact = "emergency_contact"

// CareFields are what a care sheet may say, in the order it is read.
var CareFields = []string{"communication", "what_helps", "avoid", "medication", "eating", "moving", "personal_care", "sleep", EmergencyContact}

// mostCareWords is how long one field may be: a worker reads it at the door.
const mostCareWords = 600

// CareFact is one field of a care sheet, as its family wrote and last confirmed
// it.
type CareFact struct {
	Field       string
	Words       string
	ConfirmedAt time.Time
	Confirmed   string // in words: "confirmed 9 days ago"
	Stale       bool   // the family is asked to look at it again
}

// CareSheet is the least a worker needs to know of a child.
type CareSheet struct {
	ChildID uuid.UUID // Nil for a provider, which is never told
	Facts   []CareFact
	Ask     string // what the family is asked to do; "" if nothing
}

// CareWords is what a family writes in one field; "" removes it.
type CareWords struct{ Field, Words string }

// WriteCareSheet writes the fields given, which confirms them, and leaves the
// others. Errors: forbidden, not-found, invalid, contact-details.
func WriteCareSheet(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID, fields []CareWords) (*CareSheet, error) {
	if err := checkCare(fields); err != nil {
		return nil, err
	}
	return changeCareSheet(ctx, d, who, child, func(tx *db.Tx, c *budgets.Child) error {
		var batch pgx.Batch
		for _, f := range fields {
			words := strings.TrimSpace(f.Words)
			if words == "" {
				batch.Queue(`DELETE FROM care_fact WHERE authority_id = $1 AND child_id = $2 AND field = $3 AND owner_id = $4`, c.AuthorityID, c.ID, f.Field, ownerOf(f.Field, who))
				continue
			}
			batch.Queue(`INSERT INTO care_fact (authority_id, child_id, field, owner_id, words, written_by, confirmed_at, confirmed_by)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $6) ON CONFLICT (authority_id, child_id, field, owner_id) DO UPDATE SET words = excluded.words,
					written_by = excluded.written_by, confirmed_at = excluded.confirmed_at, confirmed_by = excluded.confirmed_by`,
				c.AuthorityID, c.ID, f.Field, ownerOf(f.Field, who), words, who.Person, tx.Now)
		}
		return tx.PGX.SendBatch(ctx, &batch).Close()
	})
}

// ConfirmCareSheet says that fields still hold; none names all. Errors:
// forbidden, not-found, invalid.
func ConfirmCareSheet(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID, fields []string) (*CareSheet, error) {
	var f shortbreaks.Faults
	for i, field := range fields {
		f.OneOf(fmt.Sprintf("/fields/%d", i), field, CareFields)
	}
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		fields = CareFields
	}
	return changeCareSheet(ctx, d, who, child, func(tx *db.Tx, c *budgets.Child) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE care_fact SET confirmed_at = $5, confirmed_by = $4 WHERE authority_id = $1 AND child_id = $2
			AND field = ANY ($3) AND owner_id IN ($4, '00000000-0000-0000-0000-000000000000')`, c.AuthorityID, c.ID, fields, who.Person, tx.Now)
		return err
	})
}

func changeCareSheet(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID, change func(*db.Tx, *budgets.Child) error) (sheet *CareSheet, err error) {
	if !who.Is(shortbreaks.Family) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		if err := change(tx, c); err != nil {
			return fmt.Errorf("write care sheet: %w", err)
		}
		sheet, err = readCare(ctx, tx, who, c.AuthorityID, c.ID)
		return err
	})
	return sheet, err
}

func checkCare(fields []CareWords) error {
	var f shortbreaks.Faults
	f.Unless(len(fields) >= 1 && len(fields) <= len(CareFields), "/fields", "Give 1 to %d fields.", len(CareFields))
	for i, c := range fields {
		at := fmt.Sprintf("/fields/%d", i)
		f.OneOf(at+"/field", c.Field, CareFields)
		f.Unless(!slices.ContainsFunc(fields[:i], func(o CareWords) bool { return o.Field == c.Field }), at+"/field", "This field is there twice.")
		f.Unless(len([]rune(c.Words)) <= mostCareWords, at+"/words", "Write at most %d characters.", mostCareWords)
	}
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return err
	}
	for i, c := range fields {
		if c.Field == EmergencyContact {
			continue // read by nobody else of the family
		}
		if err := marketplace.WithoutContact(fmt.Sprintf("/fields/%d/words", i), c.Words); err != nil {
			return err
		}
	}
	return nil
}

// ownerOf is the parent a field belongs to; Nil if it is the family's.
func ownerOf(field string, who shortbreaks.Actor) uuid.UUID {
	if field == EmergencyContact {
		return who.Person
	}
	return uuid.Nil
}

// ReadCareSheet reads a child's care sheet as its family or practitioner; that
// it was read is kept. Errors: forbidden, not-found.
func ReadCareSheet(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID) (sheet *CareSheet, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		if sheet, err = readCare(ctx, tx, who, c.AuthorityID, c.ID); err != nil || len(sheet.Facts) == 0 {
			return err
		}
		return keepReading(ctx, tx, who, readCareSheet, c.AuthorityID, c.ID, nil)
	})
	return sheet, err
}

// ReadCareSheetFor reads the care sheet of the child of a confirmed item: the
// co-ordinator from the booking on, a worker from 48 hours before, both until
// the end of the day after. That it was read is kept. Errors: forbidden,
// not-found, wrong-state.
func ReadCareSheetFor(ctx context.Context, d *db.DB, who shortbreaks.Actor, item uuid.UUID) (sheet *CareSheet, err error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		items, err := selectItems(ctx, tx, `id = $1`, item)
		if err != nil {
			return err
		}
		if len(items) == 0 || !mayAct(who, items[0]) || items[0].ChildID == nil {
			return shortbreaks.ErrNotFound
		}
		it := items[0]
		if err := it.caresNow(who, tx.Now); err != nil {
			return err
		}
		if err := enterFor(ctx, tx, it); err != nil {
			return err
		}
		if sheet, err = readCare(ctx, tx, who, it.AuthorityID, *it.ChildID); err != nil {
			return err
		}
		sheet.ChildID = uuid.Nil
		if len(sheet.Facts) == 0 {
			return nil
		}
		return keepReading(ctx, tx, who, readCareSheet, it.AuthorityID, *it.ChildID, it)
	})
	if err != nil {
		return nil, err
	}
	return sheet, nil
}

// caresNow refuses the care sheet outside of its time.
func (it *Item) caresNow(who shortbreaks.Actor, now time.Time) error {
	until := shortbreaks.At(shortbreaks.Date(it.EndsAt).AddDate(0, 0, 2), 0)
	switch {
	case !it.State.Live() || it.State.CanBecome(Expired):
		return ErrWrongState.With("It is " + shortbreaks.Spaced(string(it.State)) + "; the care sheet is read for what is booked.")
	case !now.Before(until):
		return ErrWrongState.With("It is over; the care sheet could be read until the end of the day after.")
	case who.Is(shortbreaks.Worker) && now.Before(it.StartsAt.Add(-seenBefore)):
		return ErrWrongState.With("You can read it from 48 hours before it starts.")
	}
	return nil
}

// readCare reads what this actor may read of a child's care sheet.
func readCare(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, authority, child uuid.UUID) (*CareSheet, error) {
	s, err := budgets.SettingsOn(ctx, tx, authority, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, err
	}
	rows, err := tx.PGX.Query(ctx, `SELECT field, words, confirmed_at FROM care_fact WHERE authority_id = $1 AND child_id = $2
		AND (NOT $3 OR owner_id IN ($4, '00000000-0000-0000-0000-000000000000')) ORDER BY array_position($5::text[], field), confirmed_at DESC`,
		authority, child, who.Is(shortbreaks.Family), who.Person, CareFields)
	if err != nil {
		return nil, fmt.Errorf("read care sheet: %w", err)
	}
	sheet := &CareSheet{ChildID: child}
	var f CareFact
	_, err = pgx.ForEachRow(rows, []any{&f.Field, &f.Words, &f.ConfirmedAt}, func() error {
		f.Confirmed, f.Stale = confirmedAgo(f.ConfirmedAt, tx.Now), tx.Now.Sub(f.ConfirmedAt) > s.CareSheetLasts
		sheet.Facts = append(sheet.Facts, f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read care sheet: %w", err)
	}
	if who.Is(shortbreaks.Family) && slices.ContainsFunc(sheet.Facts, func(f CareFact) bool { return f.Stale }) {
		sheet.Ask = "Some of this was confirmed long ago. Please read it again, change what is different and confirm the rest."
	}
	return sheet, nil
}

// confirmedAgo says how many London days ago something was confirmed.
func confirmedAgo(at, now time.Time) string {
	days := int(shortbreaks.Date(now).Sub(shortbreaks.Date(at)) / (24 * time.Hour))
	if days <= 0 {
		return "confirmed today"
	}
	return "confirmed " + shortbreaks.Plural(days, "day") + " ago"
}
