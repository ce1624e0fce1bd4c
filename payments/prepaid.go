package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// PrepaymentSheet is what was paid by a day for what takes place after it: what
// of the balances of that day belongs to a later time (T91).
type PrepaymentSheet struct {
	On   time.Time // a London date
	Rows []TrialBalanceRow
}

// Prepayments reads what was paid ahead by the end of a London date for later
// dates, less what was given back by then, as far as the reader sees the books.
// The zero date is the last day of this financial year. It can be asked of any
// day, before it and long after. Errors: forbidden.
func Prepayments(ctx context.Context, d *db.DB, who shortbreaks.Actor, on time.Time) (*PrepaymentSheet, error) {
	sheet := &PrepaymentSheet{On: on}
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		r, err := reachOf(ctx, tx, who)
		if err != nil {
			return err
		}
		if on.IsZero() {
			sheet.On = yearEnd(shortbreaks.Date(tx.Now))
		}
		rows, err := tx.PGX.Query(ctx, fmt.Sprintf(prepaymentsSQL, r.condition), r.authorities, r.ids, sheet.On)
		if err != nil {
			return err
		}
		sheet.Rows, err = pgx.CollectRows(rows, scanBalance)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read prepayments: %w", err)
	}
	return sheet, nil
}

// yearEnd is the 31 March on or after a date.
func yearEnd(on time.Time) time.Time {
	end := time.Date(on.Year(), time.March, 31, 0, 0, 0, 0, time.UTC)
	if end.Before(on) {
		return end.AddDate(1, 0, 0)
	}
	return end
}

// Prepaid is Prepayments of some accounts, by account: plus is what was spent
// of each by a day for later dates. One without any is not in the map.
func Prepaid(ctx context.Context, tx *db.Tx, authority uuid.UUID, accounts []uuid.UUID, on time.Time) (map[uuid.UUID]int64, error) {
	rows, err := tx.PGX.Query(ctx, aheadOfSQL+`SELECT e.account_id, -sum(e.amount)::bigint
		FROM ahead p JOIN ledger_entry e ON e.authority_id = p.authority_id AND e.transaction_id = p.id
		WHERE e.account_id = ANY ($2::uuid[]) GROUP BY e.account_id`, []uuid.UUID{authority}, accounts, on)
	if err != nil {
		return nil, fmt.Errorf("read what was prepaid: %w", err)
	}
	by := map[uuid.UUID]int64{}
	var id uuid.UUID
	var amount int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &amount}, func() error { by[id] = amount; return nil }); err != nil {
		return nil, fmt.Errorf("read what was prepaid: %w", err)
	}
	return by, nil
}

// aheadOfSQL names the transactions, dated by the day $3, that took money ahead
// for what is after it, or gave such money back.
const aheadOfSQL = `WITH later AS (
		SELECT d.authority_id, d.item_id, d.id, d.what FROM item_due d
		JOIN booking_item i ON i.authority_id = d.authority_id AND i.id = d.item_id
		WHERE d.authority_id = ANY ($1::uuid[]) AND d.state = 'taken' AND (i.starts_at AT TIME ZONE 'Europe/London')::date > $3::date
	), ahead AS MATERIALIZED (
		SELECT t.authority_id, t.id FROM later l
		JOIN ledger_transaction t ON t.authority_id = l.authority_id AND t.kind = due_kind(l.what) AND t.source_id = l.id AND t.on_date <= $3::date
		UNION
		SELECT t.authority_id, t.id FROM later l
		JOIN refund r ON r.authority_id = l.authority_id AND r.item_id = l.item_id AND r.ahead
		JOIN ledger_transaction t ON t.authority_id = r.authority_id AND t.kind = 'refund' AND t.source_id = r.id AND t.on_date <= $3::date
	) `

const prepaymentsSQL = aheadOfSQL + `SELECT a.kind, a.unit, coalesce(a.stream, ''), coalesce(a.payer, ''), a.provider_id, coalesce(p.name, ''), a.child_id,
		a.authority_id, u.name, sum(e.amount)::bigint, 0::bigint
	FROM ahead t
	JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
	JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id
	JOIN authority u ON u.id = a.authority_id
	LEFT JOIN provider p ON p.id = a.provider_id
	WHERE %s
	GROUP BY a.kind, a.unit, a.stream, a.payer, a.provider_id, p.name, a.child_id, a.authority_id, u.name
	HAVING sum(e.amount) <> 0
	ORDER BY u.name, a.authority_id, a.unit DESC, a.kind, a.stream, p.name, a.provider_id, a.payer, a.child_id`
