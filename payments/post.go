package payments

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ErrBudgetTooLow says an account has less free than was asked of it.
var ErrBudgetTooLow = shortbreaks.NewError(shortbreaks.Conflict, "budget-too-low", "There is not enough free in this budget")

// The kinds of ledger transaction of the spine (docs/ARCHITECTURE.md).
const (
	KindAllocate = "allocate"
	KindCapture  = "capture"
	KindLateFee  = "late_fee"
	KindRefund   = "refund"
	KindTopUp    = "top_up"
	KindAdvance  = "advance" // before its date, at booking or so many days ahead
	KindDeposit  = "deposit"
	KindBalance  = "balance"
)

// Entry moves an amount, in the account's own unit, into (plus) or out of
// (minus) an account.
type Entry struct {
	Account uuid.UUID
	Unit    Unit
	Amount  int64
}

// Posting is one ledger transaction to be made. Kind and Source name the event
// and post once; Source is the row that caused it.
type Posting struct {
	Authority uuid.UUID
	Kind      string
	Source    uuid.UUID
	Actor     uuid.UUID // Nil: the system
	Entries   []Entry
}

// tidy merges entries of one account and drops those that come to nothing,
// and refuses a posting that does not sum to zero in each unit.
func (p Posting) tidy() ([]Entry, error) {
	sums := map[Unit]int64{}
	merged := make([]Entry, 0, len(p.Entries))
	place := map[uuid.UUID]int{}
	for _, e := range p.Entries {
		sums[e.Unit] += e.Amount
		if i, ok := place[e.Account]; ok {
			if merged[i].Unit != e.Unit {
				return nil, fmt.Errorf("post %s: account %s entered in %s and %s", p.Kind, e.Account, merged[i].Unit, e.Unit)
			}
			merged[i].Amount += e.Amount
			continue
		}
		place[e.Account] = len(merged)
		merged = append(merged, e)
	}
	for unit, sum := range sums {
		if sum != 0 {
			return nil, fmt.Errorf("post %s of %s: entries sum to %d %s, not to zero", p.Kind, p.Source, sum, unit)
		}
	}
	return slices.DeleteFunc(merged, func(e Entry) bool { return e.Amount == 0 }), nil
}

// Post makes the postings whose events have not been posted before and says
// which those were; a posting without entries makes nothing. It moves the
// balances of accounts with a floor, locked in id order. Any that would fall
// below what is held of it fails the whole with ErrBudgetTooLow, and the
// caller's transaction with it.
func Post(ctx context.Context, tx *db.Tx, postings []Posting) ([]bool, error) {
	entries := make([][]Entry, len(postings))
	ids := make([]uuid.UUID, len(postings))
	for i, p := range postings {
		var err error
		if entries[i], err = p.tidy(); err != nil {
			return nil, err
		}
		if len(entries[i]) > 0 {
			ids[i] = newID()
		}
	}
	posted, err := insertTransactions(ctx, tx, postings, ids)
	if err != nil {
		return nil, err
	}
	var w entryColumns
	for i, p := range postings {
		if posted[i] {
			w.add(p.Authority, ids[i], entries[i])
		}
	}
	return posted, w.write(ctx, tx)
}

// insertTransactions claims each event; one already claimed is left alone.
func insertTransactions(ctx context.Context, tx *db.Tx, postings []Posting, ids []uuid.UUID) ([]bool, error) {
	var authority, id, source []uuid.UUID
	var kind []string
	var actor []*uuid.UUID
	place := map[uuid.UUID]int{}
	for i, p := range postings {
		if ids[i] == uuid.Nil {
			continue
		}
		place[ids[i]] = i
		authority, id, source = append(authority, p.Authority), append(id, ids[i]), append(source, p.Source)
		kind, actor = append(kind, p.Kind), append(actor, idOrNull(p.Actor))
	}
	posted := make([]bool, len(postings))
	if len(id) == 0 {
		return posted, nil
	}
	rows, err := tx.PGX.Query(ctx, `INSERT INTO ledger_transaction (authority_id, id, kind, source_id, actor_id, at, on_date)
		`+db.ArrayRows("uuid uuid text uuid uuid")+`, $6::timestamptz, $7::date
		ON CONFLICT ON CONSTRAINT event_posts_once DO NOTHING RETURNING id`,
		authority, id, kind, source, actor, tx.Now, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, fmt.Errorf("post transactions: %w", err)
	}
	made, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("post transactions: %w", err)
	}
	for _, m := range made {
		posted[place[m]] = true
	}
	return posted, nil
}

// entryColumns are entries turned on their side, one array a column.
type entryColumns struct {
	authority, transaction, account []uuid.UUID
	n                               []int32
	unit                            []string
	amount                          []int64
}

func (c *entryColumns) add(authority, transaction uuid.UUID, entries []Entry) {
	for i, e := range entries {
		c.authority, c.transaction = append(c.authority, authority), append(c.transaction, transaction)
		c.n, c.account = append(c.n, int32(i+1)), append(c.account, e.Account) //nolint:gosec // a posting has a handful of entries
		c.unit, c.amount = append(c.unit, string(e.Unit)), append(c.amount, e.Amount)
	}
}

// write locks, moves the balances, then writes all entries in one INSERT, as
// the trigger that sums them requires. An entry whose account is of another
// unit, or out of scope, is not written, and the count tells.
func (c *entryColumns) write(ctx context.Context, tx *db.Tx) error {
	if len(c.account) == 0 {
		return nil
	}
	batch := new(pgx.Batch)
	queueLock(batch, c.authority, c.account)
	batch.Queue(`UPDATE account a SET balance = a.balance + d.amount
		FROM (SELECT e.authority_id, e.account_id, sum(e.amount)::bigint AS amount
			FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) e (authority_id, account_id, amount) GROUP BY 1, 2) d
		WHERE a.authority_id = d.authority_id AND a.id = d.account_id AND a.has_floor`,
		c.authority, c.account, c.amount)
	batch.Queue(`INSERT INTO ledger_entry (authority_id, transaction_id, n, account_id, unit, amount)
		SELECT e.* FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::bigint[])
			e (authority_id, transaction_id, n, account_id, unit, amount)
		JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id AND a.unit = e.unit`,
		c.authority, c.transaction, c.n, c.account, c.unit, c.amount)
	written, err := lastCount(tx.PGX.SendBatch(ctx, batch), batch.Len())
	if err != nil {
		return tooLow(fmt.Errorf("post entries: %w", err))
	}
	if written != int64(len(c.account)) {
		return fmt.Errorf("post entries: %d of %d written; an account is out of scope or of another unit", written, len(c.account))
	}
	return nil
}

// lastCount runs a batch and gives the rows its last statement touched.
func lastCount(results pgx.BatchResults, statements int) (n int64, err error) {
	for range statements {
		tag, execErr := results.Exec()
		if execErr != nil {
			_ = results.Close() // the same error again
			return 0, execErr
		}
		n = tag.RowsAffected()
	}
	return n, results.Close()
}

// tooLow turns the floor's own refusal into the one people read.
func tooLow(err error) error {
	if err != nil && BelowFloor(err) {
		return fmt.Errorf("%w (%w)", ErrBudgetTooLow, err)
	}
	return err
}

func newID() uuid.UUID { return shortbreaks.NewID() }

func idOrNull(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
