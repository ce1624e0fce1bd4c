package budgets

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// Amounts are what a family and its authority read of an account, in its
// unit: Allocated = Reserved + Spent + Free (T09).
type Amounts struct{ Allocated, Reserved, Spent, Free int64 }

// Account is what a child has of one stream for one period in one unit.
type Account struct {
	ID     uuid.UUID
	Stream string
	Unit   payments.Unit
	Period Period
	Amounts
}

// TopUp is the family's own money for a child, in pence; Allocated is what
// was paid in.
type TopUp struct {
	ID uuid.UUID
	Amounts
}

// Budget is one child's personal budget.
type Budget struct {
	Child         Child
	AuthorityName string
	Accounts      []Account
	TopUp         *TopUp     // nil until the family pays in, or chooses to
	Lines         []PlanLine // newest first; not filled in lists
}

// Page is where in a list to read on.
type Page struct {
	After uuid.UUID // the last child of the page before; Nil for the first page
	Limit int       // 1 to 100
}

var errUnfinished = errors.New("budgets: not readable yet")

// List is a page of the budgets within the actor's reach, by child, and where
// the next page starts; nil on the last. Errors: forbidden.
func List(ctx context.Context, d *db.DB, who shortbreaks.Actor, page Page) ([]Budget, *uuid.UUID, error) {
	return nil, nil, errUnfinished
}

// Get is one child's budget with the lines of its plan. Errors: forbidden,
// not-found.
func Get(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID) (*Budget, error) {
	return nil, errUnfinished
}

// Statement is every movement of a child's accounts between two days.
type Statement struct {
	Child    Child
	From, To time.Time // London dates, both included
	Accounts []StatementAccount
}

// StatementAccount is one account between two days: Opening plus its entries
// is Closing.
type StatementAccount struct {
	ID      uuid.UUID
	Kind    payments.AccountKind // budget or topup
	Stream  string               // of a budget
	Period  *Period              // of a budget
	Unit    payments.Unit
	Opening int64
	Closing int64
	Entries []StatementEntry
	Amounts // as they stand now
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

// GetStatement is a child's statement from a London date to another, both
// included. A zero from is the start of the child's current funding period, a
// zero to is today. Errors: forbidden, not-found, invalid.
func GetStatement(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID, from, to time.Time) (*Statement, error) {
	return nil, errUnfinished
}

var _ = shortbreaks.ErrNotFound
