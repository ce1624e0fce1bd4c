package budgets

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// Statement is every movement of a child's accounts between two days.
type Statement struct {
	Child    Child
	From, To time.Time // London dates, both included
	Accounts []StatementAccount
}

// StatementAccount is one account between two days: Opening plus its entries
// is Closing, to the penny.
type StatementAccount struct {
	ID      uuid.UUID
	Kind    payments.AccountKind // budget or topup
	Stream  string               // of a budget
	Period  *Period              // of a budget
	Unit    payments.Unit
	Opening int64
	Closing int64
	Prepaid int64 // of what was spent by the last day: for dates after it (T91)
	Entries []StatementEntry
	Amounts // as they stand now, whatever the days asked for
}

// StatementEntry is one movement; plus is money in, minus is money spent.
type StatementEntry struct {
	At               time.Time
	OnDate           time.Time
	Kind             string // of the ledger transaction
	Description      string
	BookingReference string // "" if it is not about a booking
	Amount           int64
	BalanceAfter     int64
}

// statementReads is how often the books are read again because somebody
// posted between two of the reads.
const statementReads = 3

// forever is later than any entry.
var forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// GetStatement is a child's statement from a London date to another, both
// included. A zero from is the first day of the child's current funding
// period, a zero to is today. What it shows agrees with the balances the desk
// books against, or it is not shown. Errors: forbidden, not-found, invalid.
func GetStatement(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID, from, to time.Time) (*Statement, error) {
	if !who.Is(reads...) {
		return nil, shortbreaks.ErrForbidden
	}
	var s *Statement
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		for range statementReads {
			var agrees bool
			if s, agrees, err = readStatement(ctx, tx, c, from, to); agrees || err != nil {
				return err
			}
		}
		return errors.New("read statement: entries and balances do not agree")
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// readStatement reads the books once, and says whether the entries read sum to
// the balances read: each statement of the database has a snapshot of its own.
func readStatement(ctx context.Context, tx *db.Tx, c *Child, from, to time.Time) (*Statement, bool, error) {
	totals, err := payments.Totals(ctx, tx, c.AuthorityID, c.ID)
	if err != nil {
		return nil, false, err
	}
	words, err := readWords(ctx, tx, []Child{*c})
	if err != nil {
		return nil, false, err
	}
	s := &Statement{Child: *c, Accounts: []StatementAccount{}}
	b := words.budget(*c, totals)
	if s.From, s.To, err = b.days(from, to, shortbreaks.Date(tx.Now)); err != nil {
		return nil, false, err
	}
	ids := b.accountIDs()
	opening, err := payments.Opening(ctx, tx, c.AuthorityID, ids, s.From)
	if err != nil {
		return nil, false, err
	}
	entries, err := payments.Entries(ctx, tx, c.AuthorityID, ids, s.From, forever)
	if err != nil {
		return nil, false, err
	}
	prepaid, err := payments.Prepaid(ctx, tx, c.AuthorityID, ids, s.To)
	if err != nil {
		return nil, false, err
	}
	agrees := s.fill(b, opening, entries)
	for i := range s.Accounts {
		s.Accounts[i].Prepaid = prepaid[s.Accounts[i].ID]
	}
	return s, agrees, nil
}

// days are those of a statement, with what was left out filled in.
func (b Budget) days(from, to, today time.Time) (time.Time, time.Time, error) {
	if to.IsZero() {
		to = today
	}
	if from.IsZero() {
		from = financialYear(today)
		for _, a := range b.Accounts {
			if a.Period.covers(today) {
				from = a.Period.StartsOn
				break
			}
		}
		if from.After(to) {
			from = to
		}
	}
	from, to = shortbreaks.Date(from), shortbreaks.Date(to)
	if from.After(to) {
		return from, to, shortbreaks.ErrInvalid.At("query/from", "This must not be after the last day.")
	}
	return from, to, nil
}

// financialYear is the 1 April on or before a date.
func financialYear(on time.Time) time.Time {
	start := time.Date(on.Year(), time.April, 1, 0, 0, 0, 0, time.UTC)
	if on.Before(start) {
		return start.AddDate(-1, 0, 0)
	}
	return start
}

func (b Budget) accountIDs() []uuid.UUID {
	ids := []uuid.UUID{}
	for _, a := range b.Accounts {
		ids = append(ids, a.ID)
	}
	if b.TopUp != nil {
		ids = append(ids, b.TopUp.ID)
	}
	return ids
}

// fill writes the accounts: budgets first, the family's own money last. It
// reports whether every account's entries sum to its balance.
func (s *Statement) fill(b Budget, opening map[uuid.UUID]int64, entries []payments.StatementEntry) bool {
	of := map[uuid.UUID][]payments.StatementEntry{}
	for _, e := range entries {
		of[e.Account] = append(of[e.Account], e)
	}
	for _, a := range b.Accounts {
		s.Accounts = append(s.Accounts, StatementAccount{
			ID: a.ID, Kind: payments.Budget, Stream: a.Stream, Period: &a.Period, Unit: a.Unit, Amounts: a.Amounts,
		})
	}
	if b.TopUp != nil {
		s.Accounts = append(s.Accounts, StatementAccount{
			ID: b.TopUp.ID, Kind: payments.TopUpMoney, Unit: payments.InPence, Amounts: b.TopUp.Amounts,
		})
	}
	agrees := true
	for i := range s.Accounts {
		a := &s.Accounts[i]
		balance := a.run(opening[a.ID], of[a.ID], s.To)
		agrees = agrees && balance == a.Reserved+a.Free
	}
	return agrees
}

// run enters movements up to a day, and gives the balance after all of them.
func (a *StatementAccount) run(opening int64, entries []payments.StatementEntry, to time.Time) (balance int64) {
	a.Opening, a.Closing, a.Entries = opening, opening, []StatementEntry{}
	balance = opening
	for _, e := range entries {
		balance += e.Amount
		if e.OnDate.After(to) {
			continue
		}
		a.Closing += e.Amount
		a.Entries = append(a.Entries, StatementEntry{
			At: e.At, OnDate: e.OnDate, Kind: e.Kind, Description: describe(e.Kind), BookingReference: e.BookingReference,
			Amount: e.Amount, BalanceAfter: a.Closing,
		})
	}
	return balance
}

// describe is an event of the ledger as a family reads it.
func describe(kind string) string {
	switch kind {
	case payments.KindAllocate:
		return "Added to the budget"
	case payments.KindCapture:
		return "Paid for a booking"
	case payments.KindLateFee:
		return "Late cancellation fee"
	case payments.KindAdvance:
		return "Paid ahead for a booking"
	case payments.KindDeposit:
		return "Deposit for a booking"
	case payments.KindBalance:
		return "Balance of a booking, after its deposit"
	case payments.KindRefund:
		return "Given back for a booking"
	case payments.KindRecharge:
		return "Paid for an emergency booking"
	case payments.KindTopUp:
		return "Paid in by card"
	case payments.KindCreditTransfer:
		return "Credit moved between brothers and sisters"
	case payments.KindCreditLapse:
		return "Credit not used by its last day"
	}
	words := strings.ReplaceAll(kind, "_", " ")
	return strings.ToUpper(words[:min(1, len(words))]) + words[min(1, len(words)):]
}
