package budgets

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

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

// TopUp is the family's own money for a child, in pence, never budget;
// Allocated is what was paid in.
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
	Lines         []PlanLine // newest first; List leaves them out
}

// Page is where in a list to read on.
type Page struct {
	After uuid.UUID // the last child of the page before; Nil for the first page
	Limit int       // 1 to 100
}

// List is a page of the budgets within the actor's reach, by child, and where
// the next page starts; nil on the last. Errors: forbidden, invalid.
func List(ctx context.Context, d *db.DB, who shortbreaks.Actor, page Page) (budgets []Budget, next *uuid.UUID, err error) {
	if !who.Is(reads...) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	if page.Limit < 1 || page.Limit > 100 {
		return nil, nil, shortbreaks.ErrInvalid.At("query/limit", "This must be from 1 to 100.")
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		children, err := childrenOf(ctx, tx, who, page)
		if err != nil {
			return err
		}
		next = nil
		if len(children) > page.Limit {
			children = children[:page.Limit]
			next = &children[page.Limit-1].ID
		}
		budgets, err = readBudgets(ctx, tx, children)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return budgets, next, nil
}

// Get is one child's budget with the lines of its plan. Errors: forbidden,
// not-found.
func Get(ctx context.Context, d *db.DB, who shortbreaks.Actor, child uuid.UUID) (*Budget, error) {
	if !who.Is(reads...) {
		return nil, shortbreaks.ErrForbidden
	}
	var budget Budget
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		found, err := readBudgets(ctx, tx, []Child{*c})
		if err != nil {
			return err
		}
		budget = found[0]
		budget.Lines, err = linesOf(ctx, tx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &budget, nil
}

// childrenOf are the children in reach after a page's mark, by id, and one
// more than the page holds if there are more.
func childrenOf(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, page Page) ([]Child, error) {
	q := gorm.G[Child](tx.DB).Where("authority_id IN ? AND id > ?", who.Authorities, page.After)
	if who.Is(shortbreaks.Family) {
		q = q.Where("id IN ?", who.Children)
	}
	children, err := q.Order("id").Limit(page.Limit + 1).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list children: %w", err)
	}
	return children, nil
}

// readBudgets is each child's accounts.
func readBudgets(ctx context.Context, tx *db.Tx, children []Child) ([]Budget, error) {
	budgets := make([]Budget, len(children))
	if len(children) == 0 {
		return budgets, nil
	}
	words, err := readWords(ctx, tx, children)
	if err != nil {
		return nil, err
	}
	for i, c := range children {
		totals, err := payments.Totals(ctx, tx, c.AuthorityID, c.ID)
		if err != nil {
			return nil, err
		}
		budgets[i] = words.budget(c, totals)
	}
	return budgets, nil
}

// names are what authorities and periods are called.
type names struct {
	authorities map[uuid.UUID]string
	periods     map[uuid.UUID]Period
}

// readWords reads the names for all children at once.
func readWords(ctx context.Context, tx *db.Tx, children []Child) (*names, error) {
	ids := make([]uuid.UUID, len(children))
	for i, c := range children {
		ids[i] = c.AuthorityID
	}
	periods, err := gorm.G[Period](tx.DB).Where("authority_id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("read periods: %w", err)
	}
	n := &names{authorities: map[uuid.UUID]string{}, periods: make(map[uuid.UUID]Period, len(periods))}
	for _, p := range periods {
		n.periods[p.ID] = p
	}
	rows, err := tx.PGX.Query(ctx, `SELECT id, name FROM authority WHERE id = ANY ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	var id uuid.UUID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error { n.authorities[id] = name; return nil })
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	return n, nil
}

// budget says a child's totals: accounts by stream, then by period, then the
// family's own money apart.
func (n *names) budget(c Child, totals []payments.AccountTotals) Budget {
	b := Budget{Child: c, AuthorityName: n.authorities[c.AuthorityID], Accounts: []Account{}}
	for _, t := range totals {
		amounts := Amounts{Allocated: t.Allocated, Reserved: t.Reserved, Spent: t.Spent, Free: t.Free}
		switch {
		case t.Account.Kind == payments.TopUpMoney:
			b.TopUp = &TopUp{ID: t.Account.ID, Amounts: amounts}
		case t.Account.Kind == payments.Budget && t.Account.Period != nil:
			b.Accounts = append(b.Accounts, Account{
				ID: t.Account.ID, Stream: t.Account.Stream, Unit: t.Account.Unit, Period: n.periods[*t.Account.Period], Amounts: amounts,
			})
		}
	}
	slices.SortFunc(b.Accounts, func(x, y Account) int {
		return cmp.Or(cmp.Compare(x.Stream, y.Stream), x.Period.StartsOn.Compare(y.Period.StartsOn),
			cmp.Compare(x.Unit, y.Unit), slices.Compare(x.ID[:], y.ID[:]))
	})
	return b
}
