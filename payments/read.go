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

// TrialBalanceSheet is every account within reach, and what each unit sums to:
// zero for whoever sees the whole of an authority's books.
type TrialBalanceSheet struct {
	AsAt   time.Time
	Rows   []TrialBalanceRow
	Totals []UnitTotal
}

// TrialBalanceRow is accounts alike, summed over periods and holders. Plus is
// what the accounts have or are owed.
type TrialBalanceRow struct {
	AccountSort
	Authority     uuid.UUID
	AuthorityName string
	Balance, Held int64
}

// AccountSort is what tells accounts apart for a reader.
type AccountSort struct {
	Kind          AccountKind
	Unit          Unit
	Stream, Payer string // "" where the kind has none
	Provider      *uuid.UUID
	ProviderName  string
	Child         *uuid.UUID
}

// UnitTotal is what the rows of one unit sum to.
type UnitTotal struct {
	Unit  Unit
	Total int64
}

// TransactionQuery asks for a page of transactions. From and To are London
// dates, both included; zero values ask for everything.
type TransactionQuery struct {
	From, To time.Time
	Kind     string
	Limit    int    // 1 to 100; 50 if 0
	Cursor   string // NextCursor of the page before
}

// TransactionPage is some transactions, newest first.
type TransactionPage struct {
	Items      []Transaction
	NextCursor string // "" if these are the last
}

// Transaction is one event that moved money, with the entries within reach.
type Transaction struct {
	Authority, ID    uuid.UUID
	Kind             string
	Source           uuid.UUID
	At               time.Time
	OnDate           time.Time
	BookingReference string // "" if it was not about a booking
	Entries          []TransactionEntry
}

// TransactionEntry is one side of a transaction.
type TransactionEntry struct {
	AccountSort
	N      int
	Amount int64
}

// reach is which accounts a reader sees, as a condition on account a with the
// ids it speaks of as $2.
type reach struct {
	authorities []uuid.UUID
	condition   string
	ids         []uuid.UUID
}

// reachOf: finance and the auditor see an authority's books, a provider owner
// what its providers are owed by any authority, a family the accounts of its
// children (api/testdata/matrix.csv). It widens a provider's scope to the authorities it has
// bookings with: their ledgers are shown to it only through this condition.
func reachOf(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) (reach, error) {
	switch {
	case who.Is(shortbreaks.Finance, shortbreaks.Auditor):
		return reach{authorities: who.Authorities, condition: "$2::uuid[] IS NULL"}, nil
	case who.Is(shortbreaks.Family):
		return reach{authorities: who.Authorities, condition: "a.child_id = ANY ($2::uuid[])", ids: notNil(who.Children)}, nil
	case !who.Is(shortbreaks.ProviderOwner):
		return reach{}, shortbreaks.ErrForbidden
	}
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT authority_id FROM booking WHERE provider_id = ANY ($1::uuid[])`, who.Providers)
	if err != nil {
		return reach{}, fmt.Errorf("find who a provider works for: %w", err)
	}
	authorities, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return reach{}, fmt.Errorf("find who a provider works for: %w", err)
	}
	for _, id := range authorities {
		if err := tx.EnterAuthority(ctx, id); err != nil {
			return reach{}, err
		}
	}
	return reach{
		authorities: authorities, ids: notNil(who.Providers),
		condition: "a.kind = 'provider_payable' AND a.provider_id = ANY ($2::uuid[])",
	}, nil
}

// notNil keeps an empty list from becoming SQL's NULL.
func notNil(ids []uuid.UUID) []uuid.UUID { return append([]uuid.UUID{}, ids...) }

// TrialBalance sums the books as far as the reader may see them, at this
// moment.
func TrialBalance(ctx context.Context, d *db.DB, who shortbreaks.Actor) (*TrialBalanceSheet, error) {
	sheet := new(TrialBalanceSheet)
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		r, err := reachOf(ctx, tx, who)
		if err != nil {
			return err
		}
		sheet.AsAt = tx.Now
		rows, err := tx.PGX.Query(ctx, fmt.Sprintf(trialBalanceSQL, r.condition), r.authorities, r.ids)
		if err != nil {
			return fmt.Errorf("read trial balance: %w", err)
		}
		sheet.Rows, err = pgx.CollectRows(rows, scanBalance)
		if err != nil {
			return fmt.Errorf("read trial balance: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sheet.total()
	return sheet, nil
}

// trialBalanceSQL derives the balance of accounts without a floor.
const trialBalanceSQL = `SELECT a.kind, a.unit, coalesce(a.stream, ''), coalesce(a.payer, ''), a.provider_id, coalesce(p.name, ''), a.child_id,
		a.authority_id, u.name, sum(CASE WHEN a.has_floor THEN a.balance ELSE coalesce(e.total, 0) END)::bigint, sum(a.held)::bigint
	FROM account a
	JOIN authority u ON u.id = a.authority_id
	LEFT JOIN provider p ON p.id = a.provider_id
	LEFT JOIN LATERAL (SELECT sum(e.amount) AS total FROM ledger_entry e
		WHERE NOT a.has_floor AND e.authority_id = a.authority_id AND e.account_id = a.id) e ON true
	WHERE a.authority_id = ANY ($1::uuid[]) AND %s
	GROUP BY a.kind, a.unit, a.stream, a.payer, a.provider_id, p.name, a.child_id, a.authority_id, u.name
	ORDER BY u.name, a.authority_id, a.unit DESC, a.kind, a.stream, p.name, a.provider_id, a.payer, a.child_id`

func scanBalance(row pgx.CollectableRow) (b TrialBalanceRow, err error) {
	err = row.Scan(&b.Kind, &b.Unit, &b.Stream, &b.Payer, &b.Provider, &b.ProviderName, &b.Child,
		&b.Authority, &b.AuthorityName, &b.Balance, &b.Held)
	return b, err
}

func (s *TrialBalanceSheet) total() {
	sums := map[Unit]int64{}
	for _, r := range s.Rows {
		sums[r.Unit] += r.Balance
	}
	for _, unit := range []Unit{InPence, InMinutes, InNights, InSessions} {
		if sum, ok := sums[unit]; ok {
			s.Totals = append(s.Totals, UnitTotal{Unit: unit, Total: sum})
		}
	}
}

const defaultPage, longestPage = 50, 100

func (q TransactionQuery) check() (after uuid.UUID, limit int, err error) {
	limit = q.Limit
	if limit == 0 {
		limit = defaultPage
	}
	if limit < 1 || limit > longestPage {
		return after, 0, shortbreaks.ErrInvalid.At("query/limit", "Ask for 1 to 100.")
	}
	after = uuid.Max
	if q.Cursor != "" {
		if after, err = uuid.Parse(q.Cursor); err != nil {
			return after, 0, shortbreaks.ErrInvalid.At("query/cursor", "This is not a cursor we gave.")
		}
	}
	return after, limit, nil
}

// Transactions lists what moved money within the reader's reach, newest
// first, each with the entries within reach.
func Transactions(ctx context.Context, d *db.DB, who shortbreaks.Actor, q TransactionQuery) (*TransactionPage, error) {
	after, limit, err := q.check()
	if err != nil {
		return nil, err
	}
	page := new(TransactionPage)
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		r, err := reachOf(ctx, tx, who)
		if err != nil {
			return err
		}
		page.Items, err = listTransactions(ctx, tx, r, q, after, limit+1)
		if err != nil {
			return err
		}
		if len(page.Items) > limit {
			page.Items = page.Items[:limit]
			page.NextCursor = page.Items[limit-1].ID.String()
		}
		return addEntries(ctx, tx, r, page.Items)
	})
	return page, err
}

func listTransactions(ctx context.Context, tx *db.Tx, r reach, q TransactionQuery, after uuid.UUID, limit int) ([]Transaction, error) {
	within := "true"
	if r.ids != nil {
		within = `t.id IN (SELECT e.transaction_id FROM account a
			JOIN ledger_entry e ON e.authority_id = a.authority_id AND e.account_id = a.id
			WHERE a.authority_id = ANY ($1::uuid[]) AND ` + r.condition + `)`
	}
	rows, err := tx.PGX.Query(ctx, `SELECT t.authority_id, t.id, t.kind, t.source_id, t.at, t.on_date, `+bookingReferenceSQL+`
		FROM ledger_transaction t
		WHERE t.authority_id = ANY ($1::uuid[]) AND ($2::uuid[] IS NULL OR true) AND `+within+`
			AND t.id < $3 AND ($4 = '' OR t.kind = $4) AND ($5::date IS NULL OR t.on_date >= $5) AND ($6::date IS NULL OR t.on_date <= $6)
		ORDER BY t.id DESC LIMIT $7`,
		r.authorities, r.ids, after, q.Kind, dateOrNull(q.From), dateOrNull(q.To), limit)
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Transaction, err error) {
		err = row.Scan(&t.Authority, &t.ID, &t.Kind, &t.Source, &t.At, &t.OnDate, &t.BookingReference)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("list transactions: %w", err)
	}
	return list, nil
}

// bookingReferenceSQL is the reference of the booking transaction t was about.
const bookingReferenceSQL = `coalesce((SELECT b.reference FROM booking_item i
		JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
		WHERE i.authority_id = t.authority_id AND i.id = CASE t.kind
			WHEN 'capture' THEN t.source_id WHEN 'late_fee' THEN t.source_id WHEN 'recharge' THEN t.source_id
			WHEN 'advance' THEN ` + dueItemSQL + ` WHEN 'deposit' THEN ` + dueItemSQL + ` WHEN 'balance' THEN ` + dueItemSQL + `
			WHEN 'refund' THEN (SELECT r.item_id FROM refund r WHERE r.authority_id = t.authority_id AND r.id = t.source_id) END), '')`

const dueItemSQL = `(SELECT d.item_id FROM item_due d WHERE d.authority_id = t.authority_id AND d.id = t.source_id)`

func addEntries(ctx context.Context, tx *db.Tx, r reach, list []Transaction) error {
	ids := make([]uuid.UUID, len(list))
	place := map[uuid.UUID]int{}
	for i, t := range list {
		ids[i], place[t.ID] = t.ID, i
	}
	rows, err := tx.PGX.Query(ctx, `SELECT e.transaction_id, e.n, e.amount, a.kind, a.unit, coalesce(a.stream, ''), coalesce(a.payer, ''),
			a.provider_id, coalesce(p.name, ''), a.child_id
		FROM ledger_entry e
		JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id
		LEFT JOIN provider p ON p.id = a.provider_id
		WHERE e.authority_id = ANY ($1::uuid[]) AND e.transaction_id = ANY ($3::uuid[]) AND `+r.condition+`
		ORDER BY e.transaction_id, e.n`, r.authorities, r.ids, ids)
	if err != nil {
		return fmt.Errorf("list entries: %w", err)
	}
	var id uuid.UUID
	var e TransactionEntry
	into := []any{&id, &e.N, &e.Amount, &e.Kind, &e.Unit, &e.Stream, &e.Payer, &e.Provider, &e.ProviderName, &e.Child}
	_, err = pgx.ForEachRow(rows, into, func() error {
		list[place[id]].Entries = append(list[place[id]].Entries, e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list entries: %w", err)
	}
	return nil
}

func dateOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
