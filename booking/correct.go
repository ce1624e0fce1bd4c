package booking

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// AgreeCorrected is why silence does not agree to a register that was queried
// and put right: the family has said once that something was wrong.
const AgreeCorrected = "corrected"

// Correction is what a register said before it was put right, and after.
type Correction struct {
	AuthorityID uuid.UUID
	ItemID      uuid.UUID
	ID          uuid.UUID
	ProviderID  uuid.UUID
	Query       string // what the family said was wrong
	Reason      string // what the provider says to it
	WasOutcome  State
	WasMinutes  int
	WasPence    shortbreaks.Pence // due before
	Outcome     State
	Minutes     int
	Pence       shortbreaks.Pence // due now
	CorrectedBy uuid.UUID
	CorrectedAt time.Time
}

// CorrectQueried puts a register right that the family has queried, and gives it
// back to the family to agree to or to query again. What is due follows; it is
// never more than was booked, and captured only with the family's yes. Both
// figures are kept. Errors: forbidden, not-found, wrong-state, invalid.
func CorrectQueried(ctx context.Context, d *db.DB, who shortbreaks.Actor, r RecordAttendance, reason string) (item *Item, err error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	reason = strings.TrimSpace(reason)
	var f shortbreaks.Faults
	f.Text("/reason", reason, 3, 500)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		it, b, err := lockItem(ctx, tx, who, r.ItemID)
		if err != nil {
			return err
		}
		item = it
		if it.State != Disputed || !it.State.CanBecome(r.Outcome) {
			return ErrWrongState.With("It is " + shortbreaks.Spaced(string(it.State)) + ". Only what the family has queried is put right here; nothing was changed.")
		}
		if err := fill(ctx, tx, who, []*Item{it}); err != nil {
			return err
		}
		k := Correction{
			AuthorityID: it.AuthorityID, ItemID: it.ID, ID: shortbreaks.NewID(), ProviderID: it.ProviderID, Query: it.Reason, Reason: reason,
			WasOutcome: it.Delivery.Outcome, WasMinutes: it.Delivery.AttendedMinutes, WasPence: *it.ChargePence, Outcome: r.Outcome,
			CorrectedBy: who.Person, CorrectedAt: tx.Now,
		}
		if err := r.correct(ctx, tx, who, b, it, &k); err != nil {
			return err
		}
		if err := move(ctx, tx, []*Item{it}, r.Outcome, mover{who: who, cause: "put right: " + reason}); err != nil {
			return err
		}
		return fill(ctx, tx, who, []*Item{it})
	})
	return item, err
}

// correct writes the register anew and what it came to before and after.
func (r *RecordAttendance) correct(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, b *Booking, it *Item, k *Correction) (err error) {
	r.collectedBy, r.collectedHow = it.Delivery.CollectedBy, it.Delivery.CollectedHow
	if k.Minutes, err = attended(it, *r); err != nil {
		return err
	}
	if k.Pence, err = dueWithAdded(b, it, b.addedTo(it), *r, k.Minutes); err != nil {
		return err
	}
	onTime, err := fileDelivery(ctx, tx, who, it, *r, k.Minutes, it.Delivery.OnTime)
	if err != nil {
		return err
	}
	if err := withdrawExtra(ctx, tx, it); err != nil {
		return err
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO register_correction (authority_id, item_id, id, provider_id, query, reason, was_outcome, was_minutes, was_pence,
			outcome, minutes, pence, corrected_by, corrected_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		k.AuthorityID, k.ItemID, k.ID, k.ProviderID, k.Query, k.Reason, string(k.WasOutcome), k.WasMinutes, k.WasPence,
		string(k.Outcome), k.Minutes, k.Pence, k.CorrectedBy, k.CorrectedAt)
	if err != nil {
		return fmt.Errorf("keep what a register said: %w", err)
	}
	it.ChargePence = &k.Pence
	return it.awaitCorrected(ctx, tx, onTime)
}

// awaitCorrected waits for the family's yes to what was put right. Where nothing
// is due any more there is nothing to agree to, and time does it as usual.
func (it *Item) awaitCorrected(ctx context.Context, tx *db.Tx, onTime bool) error {
	if it.AutoConfirmAt = nil; *it.ChargePence == 0 && onTime {
		// The days of agreement are the authority's setting.
		if err := enterFor(ctx, tx, it); err != nil {
			return err
		}
		s, err := budgets.SettingsOn(ctx, tx, it.AuthorityID, shortbreaks.Date(tx.Now))
		if err != nil {
			return err
		}
		at := tx.Now.Add(s.AutoConfirmAfter)
		it.AutoConfirmAt = &at
		return nil
	}
	_, err := tx.PGX.Exec(ctx, `UPDATE delivery SET agree_because = $3 WHERE authority_id = $1 AND item_id = $2`, it.AuthorityID, it.ID, AgreeCorrected)
	if err != nil {
		return fmt.Errorf("note what needs agreeing: %w", err)
	}
	return nil
}

// Corrections are what a register said before it was put right, each time, the
// oldest first, and whether more follow. For those who may read the booking.
// Errors: forbidden, not-found.
func Corrections(ctx context.Context, d *db.DB, who shortbreaks.Actor, item, after uuid.UUID, limit int) (list []Correction, more bool, err error) {
	if !who.Is(readers...) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		items, err := selectItems(ctx, tx, `id = $1`, item)
		if err != nil {
			return err
		}
		if len(items) == 0 || !mayAct(who, items[0]) {
			return shortbreaks.ErrNotFound
		}
		rows, err := tx.PGX.Query(ctx, `SELECT authority_id, item_id, id, provider_id, query, reason, was_outcome, was_minutes, was_pence, outcome, minutes, pence,
			corrected_by, corrected_at FROM register_correction WHERE authority_id = $1 AND item_id = $2 AND id > $3 ORDER BY id LIMIT $4`,
			items[0].AuthorityID, item, after, limit+1)
		if err != nil {
			return fmt.Errorf("read corrections: %w", err)
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Correction])
		return err
	})
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return list, more, err
}
