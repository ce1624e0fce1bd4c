package booking

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
	"shortbreaks/payments"
)

// QuotedDue is a part of a charge that is paid before it takes place.
type QuotedDue struct {
	What  string            `json:"what"` // at_booking, advance, deposit or balance
	On    time.Time         `json:"on"`   // a London date; zero: at booking
	Pence shortbreaks.Pence `json:"pence"`
}

// ItemDue is a part of a charge that is due ahead, as it was booked, and what
// became of it (T91, T92).
type ItemDue struct {
	AuthorityID uuid.UUID
	ItemID      uuid.UUID
	ChargeN     int
	What        string // at_booking, advance, deposit or balance
	ID          uuid.UUID
	ProviderID  uuid.UUID
	DueOn       time.Time // a London date
	AmountPence shortbreaks.Pence
	State       DueState
	TakenAt     *time.Time
}

// DueState is where a part that is due ahead stands.
type DueState string

// The states of what is due ahead. Ended parts are settled with their item, and
// parts outside are not ours to take: the family pays the provider, or a
// contract does.
const (
	DueOpen    DueState = "open"
	DueTaken   DueState = "taken"
	DueEnded   DueState = "ended"
	DueOutside DueState = "outside"
)

// ItemRefund is money of an item that was given back.
type ItemRefund struct {
	ChargeN     int
	AmountPence shortbreaks.Pence
	Ahead       bool // it had been paid ahead and was not owed
	At          time.Time
}

// spreadDues gives each charge its part of what is due ahead, to the penny: a
// deposit by the size of the charges, the balance what is left of each.
func (d *QuoteDocument) spreadDues() {
	left := map[*QuotedCharge]shortbreaks.Pence{}
	for _, due := range d.Dues {
		if due.What == tariff.Arrears {
			continue
		}
		var charges []*QuotedCharge
		var weights []int64
		for _, i := range due.Items {
			for j := range d.Items[i].Charges {
				c := &d.Items[i].Charges[j]
				if c.OptionName != due.Option {
					continue
				}
				if _, known := left[c]; !known {
					left[c] = c.AmountPence
				}
				charges, weights = append(charges, c), append(weights, int64(left[c]))
			}
		}
		for i, part := range shortbreaks.Split(int64(due.Pence), weights) {
			if part > 0 {
				charges[i].Dues = append(charges[i].Dues, QuotedDue{What: due.What, On: due.On, Pence: shortbreaks.Pence(part)})
				left[charges[i]] -= shortbreaks.Pence(part)
			}
		}
	}
}

// refuseParts refuses what cannot be paid ahead in parts: an allowance, which
// is used whole, and a share of a price for a group, which is not yet known.
func (d *QuoteDocument) refuseParts() {
	for i := range d.Items {
		for j := range d.Items[i].Charges {
			c := &d.Items[i].Charges[j]
			switch why := c.mergeDues(); {
			case why == "":
			case d.Allowed:
				d.Allowed, d.Because = false, []string{why}
			}
		}
	}
}

const usedWhole = "an allowance, which is used whole. It cannot be booked; ask the provider for another way to pay."

// mergeDues makes one of parts that are due together, and says why parts that
// are not cannot be paid.
func (c *QuotedCharge) mergeDues() string {
	var sum shortbreaks.Pence
	for n, due := range c.Dues {
		sum += due.Pence
		if c.Unit != payments.InPence && (due.What == tariff.Deposit || due.What != c.Dues[0].What || !due.On.Equal(c.Dues[0].On)) {
			return "This is paid in parts before it takes place, and your plan pays for it with " + usedWhole
		}
		if n > 0 && len(c.Group) > 0 {
			return "This is paid in parts before it takes place, and what it costs depends on how many book. It cannot be booked; ask the provider for another way to pay."
		}
	}
	if c.Unit == payments.InPence || len(c.Dues) == 0 {
		return ""
	}
	if sum != c.AmountPence {
		return "Only a part of this is paid before it takes place, and your plan pays for it with " + usedWhole
	}
	c.Dues = []QuotedDue{{What: c.Dues[0].What, On: c.Dues[0].On, Pence: sum}}
	return ""
}

// part is what one account pays of a charge at one time.
type part struct {
	QuotedShare
	due string // "": once attendance is agreed
}

// inParts are the sums to hold of a charge: what is due at two times is held
// twice, since a hold resolves once. Each account keeps its proportion.
func (c *QuotedCharge) inParts() []part {
	whole := func(due string) []part {
		parts := make([]part, len(c.Funding))
		for i, s := range c.Funding {
			parts[i] = part{s, due}
		}
		return parts
	}
	switch {
	case len(c.Dues) == 0:
		return whole("")
	case c.Unit != payments.InPence:
		return whole(c.Dues[0].What)
	}
	left := make([]int64, len(c.Funding))
	for i, s := range c.Funding {
		left[i] = s.Amount
	}
	var parts []part
	for _, due := range c.Dues {
		for i, amount := range shortbreaks.Split(int64(due.Pence), left) {
			left[i] -= amount
			s := c.Funding[i]
			s.Amount = amount
			parts = append(parts, part{s, due.What})
		}
	}
	return parts
}

// duesOf are the parts of a charge that are due ahead, as they are booked.
func (c *QuotedCharge) duesOf(it *Item, now time.Time) []ItemDue {
	dues := make([]ItemDue, len(c.Dues))
	for i, due := range c.Dues {
		on, state := due.On, DueOutside
		if on.IsZero() {
			on = shortbreaks.Date(now)
		}
		if c.Payer == payments.PayerBudget || c.Payer == payments.PayerFamilyTopUp {
			state = DueOpen
		}
		dues[i] = ItemDue{
			AuthorityID: it.AuthorityID, ItemID: it.ID, ChargeN: c.N, What: due.What, ID: shortbreaks.NewID(), ProviderID: it.ProviderID,
			DueOn: on, AmountPence: due.Pence, State: state,
		}
	}
	return dues
}

func queueDues(batch *pgx.Batch, dues []ItemDue) {
	n := len(dues)
	if n == 0 {
		return
	}
	var ids [4][]uuid.UUID
	ns, what, on, amounts, states := make([]int32, n), make([]string, n), make([]time.Time, n), make([]int64, n), make([]string, n)
	for i, d := range dues {
		for k, id := range []uuid.UUID{d.AuthorityID, d.ItemID, d.ID, d.ProviderID} {
			ids[k] = append(ids[k], id)
		}
		ns[i], what[i], on[i], amounts[i], states[i] = int32(d.ChargeN), d.What, d.DueOn, int64(d.AmountPence), string(d.State) //nolint:gosec // charges of an item are few
	}
	batch.Queue(`INSERT INTO item_due (authority_id, item_id, id, provider_id, charge_n, what, due_on, amount_pence, state)
		`+db.ArrayRows("uuid uuid uuid uuid int text date bigint text"),
		ids[0], ids[1], ids[2], ids[3], ns, what, on, amounts, states)
}

const dueColumns = `authority_id, item_id, charge_n, what, id, provider_id, due_on, amount_pence, state, taken_at`

// selectDues reads what of items is due ahead, by item and day.
func selectDues(ctx context.Context, tx *db.Tx, items []*Item, where string, args ...any) (map[uuid.UUID][]ItemDue, error) {
	var batch pgx.Batch
	by := queueDuesOf(&batch, items, where, args...)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("read what is due ahead: %w", err)
	}
	return by, nil
}

func queueDuesOf(batch *pgx.Batch, items []*Item, where string, args ...any) map[uuid.UUID][]ItemDue {
	by := map[uuid.UUID][]ItemDue{}
	batch.Queue(`SELECT `+dueColumns+` FROM `+ofItems(`item_due`)+` WHERE `+where+`
		ORDER BY item_id, due_on, charge_n, what DESC`, append([]any{idsOf(items), authoritiesOf(items)}, args...)...).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[ItemDue])
		for _, d := range list {
			by[d.ItemID] = append(by[d.ItemID], d)
		}
		return err
	})
	return by
}

// fillDues gives items what was paid ahead of them, what is still due, and what
// was given back; to a provider without the last, which its own account shows.
func fillDues(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, items []*Item, dues map[uuid.UUID][]ItemDue) (err error) {
	if len(dues) == 0 {
		return nil
	}
	timed := slices.DeleteFunc(slices.Clone(items), func(it *Item) bool { return len(dues[it.ID]) == 0 })
	back := map[uuid.UUID][]ItemRefund{}
	if !providerSide(who) {
		if back, err = refundsOf(ctx, tx, timed); err != nil {
			return err
		}
	}
	for _, it := range timed {
		it.Dues, it.Back = dues[it.ID], back[it.ID]
		for i := range it.Dues {
			if it.Dues[i].State == DueOpen && (!it.State.Live() || it.State == Settled) {
				it.Dues[i].State = DueEnded // settled with the item, whatever its day
			}
		}
	}
	return nil
}

func refundsOf(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID][]ItemRefund, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT item_id, charge_n, amount_pence, ahead, created_at FROM `+ofItems(`refund`)+`
		ORDER BY created_at, id`, idsOf(items), authoritiesOf(items))
	if err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	back := map[uuid.UUID][]ItemRefund{}
	var id uuid.UUID
	var r ItemRefund
	if _, err := pgx.ForEachRow(rows, []any{&id, &r.ChargeN, &r.AmountPence, &r.Ahead, &r.At}, func() error { back[id] = append(back[id], r); return nil }); err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	return back, nil
}

// PaidAhead is what was taken of an item before it was settled, what of it was
// given back, and what is still due before it takes place, in pence.
func (it *Item) PaidAhead() (paid, back, due shortbreaks.Pence) {
	for _, d := range it.Dues {
		switch d.State {
		case DueTaken:
			paid += d.AmountPence
		case DueOpen:
			due += d.AmountPence
		}
	}
	for _, r := range it.Back {
		if r.Ahead {
			back += r.AmountPence
		}
	}
	return paid, back, due
}
