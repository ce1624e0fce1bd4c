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
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// CouldNotAdmit is the cause that makes an absence the provider's: never
// charged (T57).
const CouldNotAdmit = "provider_could_not_admit"

// RecordAttendance is one register entry.
type RecordAttendance struct {
	ItemID    uuid.UUID
	Outcome   State // delivered, partly_delivered or no_show
	Cause     string
	ArrivedAt *time.Time
	LeftAt    *time.Time
	Note      string

	collectedBy, collectedHow string
}

// fromSteps takes from the steps noted before, if any, what the filing leaves
// out.
func (r *RecordAttendance) fromSteps(s *Steps) {
	if s == nil {
		return
	}
	if r.Outcome == NoShow {
		if r.Cause == "" {
			r.Cause = s.Cause
		}
		return
	}
	if r.ArrivedAt == nil {
		r.ArrivedAt = s.ArrivedAt
	}
	if r.LeftAt == nil {
		r.LeftAt = s.LeftAt
	}
	r.collectedBy, r.collectedHow = s.CollectedBy, s.CollectedHow
}

// recordable refuses an entry for an item that is not in the register, or not
// yet.
func (it *Item) recordable(outcome State, now time.Time) error {
	if it.IsTicket() || !it.State.CanBecome(outcome) || it.State == Disputed {
		return ErrWrongState.With("It is " + string(it.State) + ". Nothing was recorded.")
	}
	if now.Before(it.StartsAt) {
		return ErrWrongState.With("It starts at " + it.LocalStart + ". Nothing was recorded.")
	}
	return nil
}

// Record files or corrects the register of one item after its start, until it
// is settled. It moves no money; it fixes what will be due. If filed on time
// the family's silence counts as agreement after the set days (T60). Errors:
// forbidden, not-found, wrong-state, invalid.
func Record(ctx context.Context, d *db.DB, who shortbreaks.Actor, r RecordAttendance) (*Item, error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	var item *Item
	err := d.Do(ctx, db.For(who).ByKey(), func(tx *db.Tx) error {
		it, b, err := lockItem(ctx, tx, who, r.ItemID)
		if err != nil {
			return err
		}
		item = it
		if err := it.recordable(r.Outcome, tx.Now); err != nil {
			return err
		}
		noted, err := readSteps(ctx, tx, []*Item{it})
		if err != nil {
			return err
		}
		r.fromSteps(noted[it.ID])
		minutes, err := attended(it, r)
		if err != nil {
			return err
		}
		// The days of the register are the authority's setting.
		if err := tx.EnterAuthority(ctx, it.AuthorityID); err != nil {
			return err
		}
		s, err := budgets.SettingsOn(ctx, tx, it.AuthorityID, shortbreaks.Date(tx.Now))
		if err != nil {
			return err
		}
		onTime, err := fileDelivery(ctx, tx, who, it, r, minutes, !tx.Now.After(it.EndsAt.Add(s.RegisterWithin)))
		if err != nil {
			return err
		}
		charge, err := dueWithAdded(b, it, b.addedTo(it), r, minutes)
		if err != nil {
			return err
		}
		if err := withdrawExtra(ctx, tx, it); err != nil {
			return err
		}
		it.ChargePence = &charge
		if err := it.awaitAgreement(ctx, tx, s, onTime); err != nil {
			return err
		}
		if err := move(ctx, tx, []*Item{it}, r.Outcome, mover{who: who, cause: r.Cause}); err != nil {
			return err
		}
		return fill(ctx, tx, who, []*Item{it})
	})
	return item, err
}

// dueWithAdded is what an item costs with what was added to it before its
// register is corrected. Of a child who never came nothing can have been added.
func dueWithAdded(b *Booking, it *Item, added shortbreaks.Pence, r RecordAttendance, minutes int) (shortbreaks.Pence, error) {
	if added > 0 && r.Outcome == NoShow {
		return 0, ErrWrongState.With("Something was added to its price for what happened. Take that off first; nothing was recorded.")
	}
	booked := *it
	booked.PricePence -= added
	return due(b, &booked, r, minutes) + added, nil
}

// addedTo is what was added to the price of an item of a loaded booking.
func (b *Booking) addedTo(it *Item) shortbreaks.Pence {
	for _, own := range b.Items {
		if own.ID == it.ID {
			return addedPence(own.Charges)
		}
	}
	return 0
}

// due is what an item costs after what happened: all of it if delivered, by
// the minute if the offer bills attended time and only part was, the
// late-cancellation fee for an absence, nothing if the provider caused it.
func due(b *Booking, it *Item, r RecordAttendance, minutes int) shortbreaks.Pence {
	switch {
	case r.Cause == CouldNotAdmit:
		return 0
	case r.Outcome == NoShow:
		return b.Terms.Fee(tariff.Cancellation{Price: it.PricePence, Start: it.StartsAt, At: it.EndsAt, Reason: r.Cause}) // later than any notice
	case r.Outcome == PartlyDelivered && b.BilledOn == "attended":
		return min(it.PricePence, shortbreaks.MulDiv(it.PricePence, int64(minutes), it.Minutes()))
	}
	return it.PricePence
}

// attended is the minutes of a register entry; times outside the booked ones
// are cut to them, since more hours need the family's consent (T59).
func attended(it *Item, r RecordAttendance) (int, error) {
	if r.Outcome == NoShow {
		return 0, nil
	}
	from, to := it.StartsAt, it.EndsAt
	if r.ArrivedAt != nil && r.ArrivedAt.After(from) {
		from = *r.ArrivedAt
	}
	if r.LeftAt != nil && r.LeftAt.Before(to) {
		to = *r.LeftAt
	}
	if r.Outcome == PartlyDelivered && r.ArrivedAt == nil && r.LeftAt == nil {
		return 0, shortbreaks.ErrInvalid.At("/left_at", "Say when the child arrived or left.")
	}
	if !to.After(from) {
		return 0, shortbreaks.ErrInvalid.At("/left_at", "The child cannot leave before arriving.")
	}
	return int(to.Sub(from) / time.Minute), nil
}

// filing is a register entry on its way into the register.
type filing struct {
	it      *Item
	r       RecordAttendance
	by      shortbreaks.Actor
	minutes int
	onTime  bool
}

// fileDelivery is fileDeliveries for one.
func fileDelivery(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, it *Item, r RecordAttendance, minutes int, onTime bool) (bool, error) {
	one := []*filing{{it: it, r: r, by: who, minutes: minutes, onTime: onTime}}
	err := fileDeliveries(ctx, tx, one)
	return one[0].onTime, err
}

// fileDeliveries writes register entries; a correction keeps whether the first
// was on time, and says so in its filing.
func fileDeliveries(ctx context.Context, tx *db.Tx, filed []*filing) error {
	n := len(filed)
	if n == 0 {
		return nil
	}
	var ids [4][]uuid.UUID
	var texts [5][]string
	arrived, left, minutes, onTime := make([]*time.Time, n), make([]*time.Time, n), make([]int32, n), make([]bool, n)
	of := make(map[uuid.UUID]*filing, n)
	for i, f := range filed {
		for c, id := range []uuid.UUID{f.it.AuthorityID, f.it.ID, f.it.ProviderID, f.by.Person} {
			ids[c] = append(ids[c], id)
		}
		for c, text := range []string{string(f.r.Outcome), f.r.Cause, f.r.Note, f.r.collectedBy, f.r.collectedHow} {
			texts[c] = append(texts[c], text)
		}
		arrived[i], left[i], minutes[i], onTime[i] = f.r.ArrivedAt, f.r.LeftAt, int32(f.minutes), f.onTime //nolint:gosec // of a stay
		of[f.it.ID] = f
	}
	rows, err := tx.PGX.Query(ctx, `INSERT INTO delivery AS d (authority_id, item_id, provider_id, recorded_by, outcome, cause, note, collected_by, collected_how,
			arrived_at, left_at, attended_minutes, on_time, recorded_at)
		`+db.ArrayRows("uuid uuid uuid uuid text text text text text timestamptz timestamptz int boolean")+`, $14::timestamptz
		ON CONFLICT (authority_id, item_id) DO UPDATE SET outcome = excluded.outcome, cause = excluded.cause, arrived_at = excluded.arrived_at,
			left_at = excluded.left_at, attended_minutes = excluded.attended_minutes, note = excluded.note,
			recorded_by = excluded.recorded_by, recorded_at = excluded.recorded_at,
			collected_by = excluded.collected_by, collected_how = excluded.collected_how, agree_because = ''
		RETURNING item_id, on_time`,
		ids[0], ids[1], ids[2], ids[3], texts[0], texts[1], texts[2], texts[3], texts[4], arrived, left, minutes, onTime, tx.Now)
	if err != nil {
		return fmt.Errorf("file register: %w", err)
	}
	var id uuid.UUID
	var first bool
	if _, err = pgx.ForEachRow(rows, []any{&id, &first}, func() error { of[id].onTime = first; return nil }); err != nil {
		return fmt.Errorf("file register: %w", err)
	}
	return nil
}

// Confirm is the family's agreement to what was recorded: the money is
// captured and the rest is free. A family that had queried it withdraws the
// query by agreeing. Errors: forbidden, not-found, wrong-state.
func Confirm(ctx context.Context, d *db.DB, who shortbreaks.Actor, item uuid.UUID) (*Item, error) {
	return respond(ctx, d, who, item, func(tx *db.Tx, it *Item, by mover) error { return agree(ctx, tx, it, by) })
}

// agree settles a locked item; a query on it is withdrawn.
func agree(ctx context.Context, tx *db.Tx, it *Item, by mover) error {
	if it.State == Disputed {
		by.cause = "query withdrawn"
		if err := move(ctx, tx, []*Item{it}, it.Delivery.Outcome, by); err != nil {
			return err
		}
	}
	by.cause = "agreed"
	it.AutoConfirmAt = nil
	if err := move(ctx, tx, []*Item{it}, Settled, by); err != nil {
		return err
	}
	return settle(ctx, tx, []*Item{it}, payments.KindCapture, by.who)
}

// Query says the record is wrong: no money moves and the clock stops until it
// is put right (T60). Errors: as Confirm.
func Query(ctx context.Context, d *db.DB, who shortbreaks.Actor, item uuid.UUID, reason string) (*Item, error) {
	return respond(ctx, d, who, item, func(tx *db.Tx, it *Item, by mover) error {
		if it.State == Disputed {
			return ErrWrongState.With("It has been queried already.")
		}
		by.cause = reason
		it.AutoConfirmAt = nil
		return move(ctx, tx, []*Item{it}, Disputed, by)
	})
}

func respond(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, f func(*db.Tx, *Item, mover) error) (*Item, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var item *Item
	err := d.Do(ctx, db.For(who).ByKey(), func(tx *db.Tx) error {
		it, _, err := lockItem(ctx, tx, who, id)
		if err != nil {
			return err
		}
		item = it
		if err := it.settleable(); err != nil {
			return err
		}
		if err := fill(ctx, tx, who, []*Item{it}); err != nil {
			return err
		}
		if err := f(tx, it, mover{who: who, onBehalf: who.Staff()}); err != nil {
			return err
		}
		return fill(ctx, tx, who, []*Item{it})
	})
	return item, err
}

// settleable refuses an item that has no register to agree to or to query.
func (it *Item) settleable() error {
	if !it.State.CanBecome(Settled) {
		return ErrWrongState.With("It is " + string(it.State) + ". Nothing was changed.")
	}
	return nil
}

// lockItem locks one item the actor may act on, and reads its booking.
func lockItem(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*Item, *Booking, error) {
	items, err := selectItems(ctx, tx, `id = $1 ORDER BY authority_id, id FOR UPDATE`, id)
	if err != nil {
		return nil, nil, err
	}
	if len(items) == 0 || !mayAct(who, items[0]) {
		return nil, nil, shortbreaks.ErrNotFound
	}
	b, err := loadOne(ctx, tx, who, items[0].BookingID)
	return items[0], b, err
}
