package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// StatementEntry is one movement of one account.
type StatementEntry struct {
	Account          uuid.UUID
	Transaction      uuid.UUID
	Kind             string
	Source           uuid.UUID
	At               time.Time
	OnDate           time.Time // London's
	Unit             Unit
	Amount           int64  // plus is in, minus is out
	BookingReference string // "" if it was not about a booking
}

// Entries reads the movements of accounts dated from one London date to
// another, both included, in the order they happened.
func Entries(ctx context.Context, tx *db.Tx, authority uuid.UUID, accounts []uuid.UUID, from, to time.Time) ([]StatementEntry, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT e.account_id, t.id, t.kind, t.source_id, t.at, t.on_date, e.unit, e.amount, `+bookingReferenceSQL+`
		FROM ledger_entry e
		JOIN ledger_transaction t ON t.authority_id = e.authority_id AND t.id = e.transaction_id
		WHERE e.authority_id = $1 AND e.account_id = ANY ($2::uuid[]) AND t.on_date BETWEEN $3::date AND $4::date
		ORDER BY t.on_date, t.id, e.n`, authority, accounts, from, to)
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[StatementEntry])
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	return list, nil
}

// Opening is what accounts had from entries dated before a London date; an
// account without any is not in the map.
func Opening(ctx context.Context, tx *db.Tx, authority uuid.UUID, accounts []uuid.UUID, on time.Time) (map[uuid.UUID]int64, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT e.account_id, sum(e.amount)::bigint
		FROM ledger_entry e
		JOIN ledger_transaction t ON t.authority_id = e.authority_id AND t.id = e.transaction_id
		WHERE e.authority_id = $1 AND e.account_id = ANY ($2::uuid[]) AND t.on_date < $3::date
		GROUP BY e.account_id`, authority, accounts, on)
	if err != nil {
		return nil, fmt.Errorf("read opening balances: %w", err)
	}
	opening := map[uuid.UUID]int64{}
	var id uuid.UUID
	var amount int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &amount}, func() error { opening[id] = amount; return nil }); err != nil {
		return nil, fmt.Errorf("read opening balances: %w", err)
	}
	return opening, nil
}

// AccountTotals is where the money of one account is: allocated = reserved +
// spent + free (T09). Of a top-up account, allocated is what was paid in.
type AccountTotals struct {
	Account                          *Account
	Allocated, Reserved, Spent, Free int64 // in the account's unit
}

// Totals reads a child's accounts with a floor, by kind, stream and period.
// Spent is captures less refunds; every other movement counts as allocated.
func Totals(ctx context.Context, tx *db.Tx, authority, child uuid.UUID) ([]AccountTotals, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+accountColumns+`,
			coalesce(sum(e.amount) FILTER (WHERE t.kind NOT IN (`+spendingKinds+`)), 0)::bigint,
			coalesce(-sum(e.amount) FILTER (WHERE t.kind IN (`+spendingKinds+`)), 0)::bigint
		FROM account a
		LEFT JOIN ledger_entry e ON e.authority_id = a.authority_id AND e.account_id = a.id
		LEFT JOIN ledger_transaction t ON t.authority_id = e.authority_id AND t.id = e.transaction_id
		WHERE a.authority_id = $1 AND a.child_id = $2 AND a.has_floor
		GROUP BY a.authority_id, a.id ORDER BY a.kind, a.stream, a.period_id, a.unit`, authority, child)
	if err != nil {
		return nil, fmt.Errorf("read totals: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (AccountTotals, error) {
		a := new(Account)
		t := AccountTotals{Account: a}
		err := row.Scan(append(a.fields(), &t.Allocated, &t.Spent)...)
		t.Reserved, t.Free = a.Held, a.Free()
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read totals: %w", err)
	}
	return list, nil
}

// spendingKinds are the events in which an account is spent from or paid back;
// a recharge is both, of a budget and of the contingency.
const spendingKinds = `'capture', 'late_fee', 'advance', 'deposit', 'balance', 'refund', 'recharge', 'credit_lapse'`
