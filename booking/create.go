package booking

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// CreateBooking books one or more quotes together: all of them or none.
type CreateBooking struct {
	Quotes []QuoteToBook
	Idem   *shortbreaks.Idem // nil for callers that cannot repeat (demo)
}

// QuoteToBook names a quote and the total the person was shown; another total
// is refused as price-changed, never charged (T15).
type QuoteToBook struct {
	QuoteID            uuid.UUID
	ExpectedTotalPence shortbreaks.Pence
}

// Create reserves places and money for a basket and answers once per
// Idempotency-Key. The reply is nil if c.Idem is nil; the basket is nil if the
// reply is a replay. Errors: forbidden, not-found, invalid,
// price-changed, idempotency-key-reused, request-in-progress, and those of
// Reserve.
func Create(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CreateBooking) (*Basket, *shortbreaks.Reply, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	var basket *Basket
	var reply *shortbreaks.Reply
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		basket, reply = nil, nil
		order, err := orderFor(ctx, tx, who, c)
		if err != nil {
			return err
		}
		if reply, err = tx.Replay(ctx, order.Authority, c.Idem); reply != nil || err != nil {
			return err
		}
		if err := checkTotals(c.Quotes, order.Quotes); err != nil {
			return err
		}
		verdicts, err := Reserve(ctx, tx, []Order{*order})
		if err != nil {
			return err
		}
		if verdicts[0].Refusal != nil {
			return verdicts[0].Refusal
		}
		basket = verdicts[0].Basket
		reply, err = tx.Keep(ctx, order.Authority, c.Idem, basket)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return basket, reply, nil
}

// orderFor loads the quotes and checks that the caller may book for each child.
func orderFor(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, c CreateBooking) (*Order, error) {
	quotes, err := loadQuotes(ctx, tx, c.Quotes)
	if err != nil {
		return nil, err
	}
	order := &Order{Authority: quotes[0].AuthorityID, Who: who, Quotes: quotes, Children: map[uuid.UUID]*budgets.Child{}}
	if c.Idem != nil {
		order.Key = c.Idem.Key
	}
	for _, q := range quotes {
		if order.Children[q.ChildID] == nil {
			child, err := budgets.LoadChild(ctx, tx, who, q.ChildID)
			if err != nil {
				return nil, err
			}
			order.Children[q.ChildID] = child
		}
		if q.AuthorityID != order.Authority {
			return nil, shortbreaks.ErrInvalid.With("Book the children of each council in a basket of their own. Nothing was booked.")
		}
	}
	return order, nil
}

const quoteColumns = `authority_id, id, child_id, provider_id, offer_id, version_id, total_pence, document, created_by, created_at, expires_at`

// loadQuotes reads the quotes in the order asked; a missing one, or one of
// another family's authority, is not found.
func loadQuotes(ctx context.Context, tx *db.Tx, wanted []QuoteToBook) ([]*Quote, error) {
	if len(wanted) == 0 || len(wanted) > 20 {
		return nil, shortbreaks.ErrInvalid.At("/quotes", "send 1 to 20 quotes")
	}
	ids := make([]uuid.UUID, len(wanted))
	for i, w := range wanted {
		if slices.Contains(ids[:i], w.QuoteID) {
			return nil, shortbreaks.ErrInvalid.At(fmt.Sprintf("/quotes/%d/quote_id", i), "this quote is in the basket twice")
		}
		ids[i] = w.QuoteID
	}
	rows, err := tx.PGX.Query(ctx, `SELECT `+quoteColumns+` FROM quote WHERE id = ANY ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read quotes: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Quote])
	if err != nil {
		return nil, fmt.Errorf("read quotes: %w", err)
	}
	quotes := make([]*Quote, len(ids))
	for i, id := range ids {
		n := slices.IndexFunc(found, func(q *Quote) bool { return q.ID == id })
		if n < 0 {
			return nil, shortbreaks.ErrNotFound.With("There is no such quote. Nothing was booked.").At(fmt.Sprintf("/quotes/%d/quote_id", i), "not found")
		}
		quotes[i] = found[n]
	}
	return quotes, nil
}

func checkTotals(wanted []QuoteToBook, quotes []*Quote) error {
	for i, w := range wanted {
		if w.ExpectedTotalPence != quotes[i].TotalPence {
			return ErrPriceChanged.With(fmt.Sprintf("The quote is for %s and you sent %s. Nothing was booked; check the price and try again.",
				quotes[i].TotalPence, w.ExpectedTotalPence)).At(fmt.Sprintf("/quotes/%d/expected_total_pence", i), "is not the quote's total")
		}
	}
	return nil
}
