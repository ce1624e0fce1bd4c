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
	"shortbreaks/payments"
)

// addition is a charge that joins an item after it took place.
type addition struct {
	Charge
	funding []budgets.FundShare // of a budget or top-up charge; they sum to its quantity
}

// addCharges adds charges to a locked item, each with its holds: what is due of
// the item grows by them, in full. It decides with lines and accounts locked in
// hand, in the order of all, and has written nothing when it refuses. Lines and
// accounts of the rest of the item are locked with them, since settling may
// follow. Errors: not-allowed-by-plan, budget-too-low.
func addCharges(ctx context.Context, tx *db.Tx, it *Item, category string, adds []addition, by mover) error {
	charges, err := chargesOf(ctx, tx, []*Item{it})
	if err != nil {
		return err
	}
	holds, err := holdsOf(ctx, tx, []*Item{it})
	if err != nil {
		return err
	}
	money, err := lockForAdding(ctx, tx, it.AuthorityID, charges[it.ID], holds, adds)
	if err != nil {
		return err
	}
	n := 0
	for _, c := range charges[it.ID] {
		n = max(n, c.N)
	}
	fresh := make([]*payments.Hold, 0, len(adds))
	for i := range adds {
		a := &adds[i]
		a.AuthorityID, a.ItemID, a.ProviderID, a.N = it.AuthorityID, it.ID, it.ProviderID, n+1+i
		list, err := money.take(it, category, a, tx.Now)
		if err != nil {
			return err
		}
		fresh = append(fresh, list...)
	}
	if err := insertAdded(ctx, tx, adds); err != nil {
		return err
	}
	if err := budgets.MoveLines(ctx, tx, heldByLine(fresh)); err != nil {
		return err
	}
	if err := payments.PlaceHolds(ctx, tx, fresh); err != nil {
		return err
	}
	for _, a := range adds {
		charge := *it.ChargePence + a.AmountPence
		it.PricePence, it.ChargePence = it.PricePence+a.AmountPence, &charge
	}
	return reprice(ctx, tx, it, by)
}

// money is what charges are added from, locked and in hand.
type money struct {
	lines    map[uuid.UUID]*budgets.PlanLine
	accounts map[uuid.UUID]*payments.Account
}

func lockForAdding(ctx context.Context, tx *db.Tx, authority uuid.UUID, charges []Charge, holds []payments.Hold, adds []addition) (m money, err error) {
	var lines []budgets.LineRef
	var accounts []payments.AccountRef
	for _, c := range charges {
		if c.LineID != nil {
			lines = append(lines, budgets.LineRef{Authority: c.AuthorityID, ID: *c.LineID})
		}
	}
	for _, h := range holds {
		accounts = append(accounts, payments.AccountRef{Authority: h.Authority, ID: h.Account})
	}
	for _, a := range adds {
		if a.LineID != nil {
			lines = append(lines, budgets.LineRef{Authority: authority, ID: *a.LineID})
		}
		for _, s := range a.funding {
			if s.Account != uuid.Nil {
				accounts = append(accounts, payments.AccountRef{Authority: authority, ID: s.Account})
			}
		}
	}
	if m.lines, err = budgets.LockLines(ctx, tx, lines); err != nil {
		return m, err
	}
	m.accounts, err = payments.LockAccounts(ctx, tx, accounts)
	return m, err
}

// take makes the holds of one charge, or says what is missing.
func (m money) take(it *Item, category string, a *addition, now time.Time) ([]*payments.Hold, error) {
	if a.LineID != nil {
		line := m.lines[*a.LineID]
		if line == nil || !line.Pays(category, a.Kind, shortbreaks.Date(it.StartsAt)) {
			return nil, ErrNotAllowed.With("The plan line no longer pays for it. Nothing was added.")
		}
		if line.Free() < a.Quantity {
			return nil, ErrBudgetTooLow.With("The plan line has too little left. Nothing was added, and what was booked stands.")
		}
		line.Held += a.Quantity
	}
	var holds []*payments.Hold
	for _, s := range a.funding {
		if s.Amount == 0 {
			continue
		}
		h := &payments.Hold{
			Authority: it.AuthorityID, ID: shortbreaks.NewID(), Item: it.ID, ChargeN: a.N, Account: s.Account, Line: a.LineID,
			Unit: a.Unit, Amount: s.Amount, State: payments.Pending, CreatedAt: now,
		}
		account := m.accounts[s.Account]
		if account == nil || !account.Hold(h) {
			return nil, ErrBudgetTooLow.With("There is too little " + streamWords(s.Stream) + " left. Nothing was added, and what was booked stands.")
		}
		holds = append(holds, h)
	}
	return holds, nil
}

func insertAdded(ctx context.Context, tx *db.Tx, adds []addition) error {
	var batch pgx.Batch
	for _, a := range adds {
		batch.Queue(`INSERT INTO item_charge (authority_id, item_id, provider_id, n, quantity, amount_pence, line_id, kind, payer, unit, added)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, a.AuthorityID, a.ItemID, a.ProviderID, a.N, a.Quantity, a.AmountPence, a.LineID,
			a.Kind, a.Payer, string(a.Unit), a.Added)
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("add charges: %w", err)
	}
	return nil
}

// reprice writes what a locked item costs now and keeps the reason as an event;
// it stays in its state.
func reprice(ctx context.Context, tx *db.Tx, it *Item, by mover) error {
	tag, err := tx.PGX.Exec(ctx, `UPDATE booking_item SET price_pence = $3, charge_pence = $4, auto_confirm_at = $5
		WHERE authority_id = $1 AND id = $2 AND state = $6`, it.AuthorityID, it.ID, it.PricePence, it.ChargePence, it.AutoConfirmAt, string(it.State))
	if err != nil {
		return fmt.Errorf("reprice item: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return ErrStateChanged.With("Nothing was changed. Look at it again.")
	}
	var batch pgx.Batch
	queueEvents(&batch, []event{newEvent(it, it.State, it.State, by, tx.Now)})
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}

// addedPence is what was added to an item's charges since it was booked.
func addedPence(charges []Charge) (sum shortbreaks.Pence) {
	for _, c := range charges {
		if c.Added != "" {
			sum += c.AmountPence
		}
	}
	return sum
}

// shareDue is what is due of each charge: all of what was added, and of the
// others their shares of the rest, to the penny.
func shareDue(due shortbreaks.Pence, charges []Charge) []int64 {
	weights, parts := make([]int64, len(charges)), make([]int64, len(charges))
	added := addedPence(charges)
	if added > due {
		added = 0 // nothing is due in full of what is not due at all
	}
	for i, c := range charges {
		switch {
		case added > 0 && c.Added != "":
			parts[i] = int64(c.AmountPence)
		default:
			weights[i] = int64(c.AmountPence)
		}
	}
	for i, part := range shortbreaks.Split(int64(due-added), weights) {
		parts[i] += part
	}
	return parts
}

// keepDue notes what was due of each charge of items to which something was
// added, where that cannot be told from the amounts alone.
func keepDue(ctx context.Context, tx *db.Tx, captures []payments.ItemCapture, charges map[uuid.UUID][]Charge) error {
	var batch pgx.Batch
	for _, c := range captures {
		if addedPence(charges[c.Item]) == 0 {
			continue
		}
		for _, d := range c.Charges {
			batch.Queue(`UPDATE item_charge SET due_pence = $4 WHERE authority_id = $1 AND item_id = $2 AND n = $3`, c.Authority, c.Item, d.N, d.DuePence)
		}
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("keep what was due: %w", err)
	}
	return nil
}

// documentOf is what the family was shown when it booked.
func documentOf(ctx context.Context, tx *db.Tx, b *Booking) (*QuoteDocument, error) {
	d := &QuoteDocument{}
	err := tx.PGX.QueryRow(ctx, `SELECT document FROM quote WHERE authority_id = $1 AND id = $2`, b.AuthorityID, b.QuoteID).Scan(d)
	if err != nil {
		return nil, fmt.Errorf("read quote of booking %s: %w", b.ID, err)
	}
	return d, nil
}

// topUpOf is the account of a child's own money.
func topUpOf(ctx context.Context, tx *db.Tx, it *Item, amount int64) ([]budgets.FundShare, error) {
	ids, err := payments.EnsureAccounts(ctx, tx, []payments.AccountKey{{Authority: it.AuthorityID, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: it.ChildID}})
	if err != nil {
		return nil, err
	}
	return []budgets.FundShare{{Account: ids[0], Amount: amount}}, nil
}
