package booking

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/segmentio/encoding/json"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
)

// CreateBooking books one or more quotes together: all of them or none.
type CreateBooking struct {
	Quotes []QuoteToBook
	Idem   *shortbreaks.Idem // nil for callers that cannot repeat (demo)
}

// mayBook is who may take places for a family.
func mayBook(role shortbreaks.Role) bool {
	return role == shortbreaks.Family || role == shortbreaks.Practitioner
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
	if !mayBook(who.Role) {
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
	if err := checkWanted(c.Quotes); err != nil {
		return nil, err
	}
	var batch pgx.Batch
	authorities, ids := quoteRefs(who, c.Quotes)
	found := queueQuotes(&batch, `SELECT * FROM unnest($1::uuid[], $2::uuid[]) r (authority_id, id)`, authorities, ids)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("read quotes: %w", err)
	}
	return newOrder(who, c, found)
}

// newOrder makes the order of a request from the quotes that were found, and
// checks that the caller may book for each child.
func newOrder(who shortbreaks.Actor, c CreateBooking, found map[uuid.UUID]*quoteFound) (*Order, error) {
	quotes := make([]*Quote, len(c.Quotes))
	for i, w := range c.Quotes {
		q := found[w.QuoteID]
		if q == nil || !slices.Contains(who.Authorities, q.AuthorityID) {
			return nil, shortbreaks.ErrNotFound.With("There is no such quote. Nothing was booked.").At(fmt.Sprintf("/quotes/%d/quote_id", i), "There is no such quote.")
		}
		quotes[i] = &q.Quote
	}
	order := &Order{Authority: quotes[0].AuthorityID, Who: who, Quotes: quotes, FirstNames: map[uuid.UUID]string{}}
	if c.Idem != nil {
		order.Key = c.Idem.Key
	}
	for _, q := range quotes {
		if !budgets.Reaches(who, q.ChildID) {
			return nil, shortbreaks.ErrNotFound
		}
		order.FirstNames[q.ChildID] = found[q.ID].FirstName
		if q.AuthorityID != order.Authority {
			return nil, shortbreaks.ErrInvalid.With("Book the children of each council in a basket of their own. Nothing was booked.")
		}
	}
	return order, nil
}

const quoteColumns = `q.authority_id, q.id, q.child_id, q.provider_id, q.offer_id, q.version_id, q.total_pence, q.document, q.created_by, q.created_at, q.expires_at`

// checkWanted refuses an empty or a large basket, and one with a quote twice.
func checkWanted(wanted []QuoteToBook) error {
	if len(wanted) == 0 || len(wanted) > 20 {
		return shortbreaks.ErrInvalid.At("/quotes", "Send 1 to 20 quotes.")
	}
	for i, w := range wanted {
		if slices.ContainsFunc(wanted[:i], func(other QuoteToBook) bool { return other.QuoteID == w.QuoteID }) {
			return shortbreaks.ErrInvalid.At(fmt.Sprintf("/quotes/%d/quote_id", i), "This quote is in the basket twice.")
		}
	}
	return nil
}

// quoteRefs name each quote in each of the authorities its reader reaches.
func quoteRefs(who shortbreaks.Actor, wanted []QuoteToBook) (authorities, ids []uuid.UUID) {
	for _, w := range wanted {
		for _, a := range who.Authorities {
			authorities, ids = append(authorities, a), append(ids, w.QuoteID)
		}
	}
	return authorities, ids
}

// quoteFound is a quote with its child's first name.
type quoteFound struct {
	Quote
	FirstName string
}

// queueQuotes reads quotes by key into the map it gives; refs is a statement
// that gives keys.
func queueQuotes(batch *pgx.Batch, refs string, args ...any) map[uuid.UUID]*quoteFound {
	found := map[uuid.UUID]*quoteFound{}
	batch.Queue(`SELECT `+quoteColumns+`, (SELECT c.first_name FROM child c WHERE c.authority_id = q.authority_id AND c.id = q.child_id) AS first_name
		FROM (`+refs+`) w JOIN quote q ON q.authority_id = w.authority_id AND q.id = w.id`, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var q quoteFound
			var document []byte
			if err := rows.Scan(&q.AuthorityID, &q.ID, &q.ChildID, &q.ProviderID, &q.OfferID, &q.VersionID, &q.TotalPence, &document,
				&q.CreatedBy, &q.CreatedAt, &q.ExpiresAt, &q.FirstName); err != nil {
				return err
			}
			if _, err := json.Parse(document, &q.Document, json.ZeroCopy); err != nil { // the bytes are ours alone
				return fmt.Errorf("read quote %s: %w", q.ID, err)
			}
			found[q.ID] = &q
		}
		return rows.Err()
	})
	return found
}

func checkTotals(wanted []QuoteToBook, quotes []*Quote) error {
	for i, w := range wanted {
		if w.ExpectedTotalPence != quotes[i].TotalPence {
			return ErrPriceChanged.With(fmt.Sprintf("The quote is for %s and you sent %s. Nothing was booked; check the price and try again.",
				quotes[i].TotalPence, w.ExpectedTotalPence)).At(fmt.Sprintf("/quotes/%d/expected_total_pence", i), "This is not the quote's total.")
		}
	}
	return nil
}
