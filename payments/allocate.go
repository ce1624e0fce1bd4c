package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Allocation puts money, or an allowance, of one funding stream into a child's
// budget for one period.
type Allocation struct {
	Authority, ID uuid.UUID // ID is made by Allocate
	Child, Period uuid.UUID
	Stream        string
	Unit          Unit
	Amount        int64 // in Unit, more than 0
	Note          string
	By            uuid.UUID
	Key           string    // the Idempotency-Key that asked for it; "" if none did
	CreatedAt     time.Time // set by Allocate
}

// Allocate makes the allocation and posts it, opening the budget if it is the
// first of its stream and period. It answers the allocation and the budget's
// account as it then is. The caller has checked who may.
func Allocate(ctx context.Context, tx *db.Tx, a Allocation) (*Allocation, *Account, error) {
	if a.Amount <= 0 {
		return nil, nil, shortbreaks.ErrInvalid.At("/amount", "An allocation must be more than 0.")
	}
	ids, err := EnsureAccounts(ctx, tx, []AccountKey{
		{Authority: a.Authority, Kind: Budget, Unit: a.Unit, Child: &a.Child, Period: &a.Period, Stream: a.Stream},
		{Authority: a.Authority, Kind: AuthorityFunding, Unit: a.Unit, Stream: a.Stream},
	})
	if err != nil {
		return nil, nil, err
	}
	budget, funding := ids[0], ids[1]
	a.ID, a.CreatedAt = newID(), tx.Now
	var key *string
	if a.Key != "" {
		key = &a.Key
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO allocation (authority_id, id, child_id, account_id, amount, note, created_by, created_at, created_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, a.Authority, a.ID, a.Child, budget, a.Amount, a.Note, a.By, a.CreatedAt, key)
	if err != nil {
		return nil, nil, fmt.Errorf("write allocation: %w", err)
	}
	_, err = Post(ctx, tx, []Posting{{
		Authority: a.Authority, Kind: KindAllocate, Source: a.ID, Actor: a.By,
		Entries: []Entry{{funding, a.Unit, -a.Amount}, {budget, a.Unit, a.Amount}},
	}})
	if err != nil {
		return nil, nil, err
	}
	accounts, err := LockAccounts(ctx, tx, []AccountRef{{a.Authority, budget}})
	if err != nil {
		return nil, nil, err
	}
	return &a, accounts[budget], nil
}
