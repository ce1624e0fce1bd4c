package budgets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// NewAllocation is money or an allowance for one child, from one stream, for
// one period.
type NewAllocation struct {
	ChildID  uuid.UUID
	PeriodID *uuid.UUID // exactly one of PeriodID and Period
	Period   *NewPeriod
	Stream   string
	Unit     payments.Unit
	Amount   int64 // in Unit
	Note     string
	Idem     *shortbreaks.Idem
}

// NewPeriod describes a period by its days; it is found or made.
type NewPeriod struct {
	Name             string
	StartsOn, EndsOn time.Time
}

// Allocation is what was allocated, and the account as it then stood. It is
// what Idem.Render is given.
type Allocation struct {
	ID        uuid.UUID
	ChildID   uuid.UUID
	Amount    int64
	Note      string
	CreatedAt time.Time
	Account   Account
}

// CreateAllocation adds to one account of a child's budget, opening it if it
// is the first. Only an approver of the child's authority may. The same key
// takes effect once (Idem); without one the reply is nil. Errors: forbidden,
// not-found, invalid, idempotency-key-reused, request-in-progress.
func CreateAllocation(ctx context.Context, d *db.DB, who shortbreaks.Actor, c NewAllocation) (*shortbreaks.Reply, error) {
	if !who.Is(shortbreaks.Approver) {
		return nil, shortbreaks.ErrForbidden
	}
	var reply *shortbreaks.Reply
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		child, err := LoadChild(ctx, tx, who, c.ChildID)
		if err != nil {
			return err
		}
		if reply, err = tx.Replay(ctx, child.AuthorityID, c.Idem); reply != nil || err != nil {
			return err
		}
		made, err := allocate(ctx, tx, who, child, c)
		if err != nil {
			return err
		}
		reply, err = tx.Keep(ctx, child.AuthorityID, c.Idem, made)
		return err
	})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

func allocate(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, child *Child, c NewAllocation) (*Allocation, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	period, err := c.period(ctx, tx, child.AuthorityID)
	if err != nil {
		return nil, err
	}
	a := payments.Allocation{
		Authority: child.AuthorityID, Child: child.ID, Period: period.ID, Stream: c.Stream, Unit: c.Unit, Amount: c.Amount,
		Note: c.Note, By: who.Person,
	}
	if c.Idem != nil {
		a.Key = c.Idem.Key
	}
	made, account, err := payments.Allocate(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	found, err := readBudgets(ctx, tx, []Child{*child})
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(found[0].Accounts, func(a Account) bool { return a.ID == account.ID })
	if n < 0 {
		return nil, fmt.Errorf("account %s of the allocation cannot be read back", account.ID)
	}
	return &Allocation{
		ID: made.ID, ChildID: child.ID, Amount: made.Amount, Note: made.Note, CreatedAt: made.CreatedAt, Account: found[0].Accounts[n],
	}, nil
}

// check holds the values against the contract's lists and limits.
func (c NewAllocation) check() error {
	var f shortbreaks.Faults
	f.Unless(known(streams, c.Stream), "/stream", "This is not a funding stream.")
	f.Unless(known(units, string(c.Unit)), "/unit", "This is not a unit of accounts.")
	f.Unless(c.Amount > 0 && c.Amount <= maxAmount, "/amount", "This must be from 1 to %d.", maxAmount)
	f.Unless(between(c.Note, 0, 300), "/note", "This is longer than 300 characters.")
	f.Unless((c.PeriodID == nil) != (c.Period == nil), "/period_id", "Give either period_id or period.")
	if p := c.Period; p != nil {
		f.Unless(between(p.Name, 1, 80), "/period/name", "Give it a name of 1 to 80 characters.")
		f.Unless(!p.StartsOn.IsZero(), "/period/starts_on", "Say when it starts.")
		f.Unless(!p.EndsOn.Before(p.StartsOn), "/period/ends_on", "This must not be before the start.")
	}
	return f.As(errValues)
}

// period finds the period named, or finds or makes the one described.
func (c NewAllocation) period(ctx context.Context, tx *db.Tx, authority uuid.UUID) (*Period, error) {
	if c.Period != nil {
		return CreatePeriod(ctx, tx, Period{
			AuthorityID: authority, Name: c.Period.Name, StartsOn: shortbreaks.Date(c.Period.StartsOn), EndsOn: shortbreaks.Date(c.Period.EndsOn),
		})
	}
	p, err := loadPeriod(ctx, tx, authority, *c.PeriodID)
	if err == nil && p == nil {
		return nil, shortbreaks.ErrInvalid.With("Nothing was allocated.").At("/period_id", "This is not a funding period of this authority.")
	}
	return p, err
}
