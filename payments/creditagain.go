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

// creditGrace is how many days a family has to use what came back of a credit
// that ended while it paid for a booking; once, so that nobody is left with
// nothing for having booked in time, and no credit lasts for ever.
const creditGrace = 14

// NewCredits are credits to be kept of what cancelling items has just given
// back.
type NewCredits struct {
	Authority   uuid.UUID
	Provider    uuid.UUID
	Offer       uuid.UUID
	Items       []uuid.UUID
	LastOn      time.Time // a London date; of what no credit had paid
	ForSiblings bool
	By          uuid.UUID
}

// cameBack is what cancelling an item has given back to the family's own account.
type cameBack struct {
	Item, Account, Child uuid.UUID
	Seq, Pence           int64
}

// KeepCredits makes a credit of what cancelling items gave back, in this
// transaction, to the family's own account; what went back to a budget is
// budget as before. What a credit had paid is that credit again, with the last
// day it had; only other money has the term of the booking. Of a credit that has
// ended meanwhile it is one of 14 days, and if it was such a one already, of the
// day it had, so that it ends at once. The items are locked, and so are the
// accounts.
func KeepCredits(ctx context.Context, tx *db.Tx, n NewCredits) error {
	rows, err := tx.PGX.Query(ctx, `SELECT r.item_id, a.id, a.child_id, a.seq, sum(e.amount)::bigint
		FROM refund r
		JOIN ledger_transaction t ON t.authority_id = r.authority_id AND t.kind = 'refund' AND t.source_id = r.id
		JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
		JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id AND a.kind = 'topup'
		WHERE r.authority_id = $1 AND r.item_id = ANY ($2::uuid[]) AND r.ahead AND r.created_at = $3
		GROUP BY r.item_id, a.id, a.child_id, a.seq HAVING sum(e.amount) > 0 ORDER BY r.item_id`, n.Authority, n.Items, tx.Now)
	if err != nil {
		return fmt.Errorf("read what came back: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[cameBack])
	if err != nil {
		return fmt.Errorf("read what came back: %w", err)
	}
	refs := make([]AccountRef, len(list))
	for i, b := range list {
		refs[i] = AccountRef{n.Authority, b.Account}
	}
	books, err := creditsOf(ctx, tx, refs)
	if err != nil {
		return err
	}
	var batch pgx.Batch
	for _, c := range n.share(list, books, shortbreaks.Date(tx.Now)) {
		batch.Queue(`INSERT INTO credit (authority_id, id, child_id, account_id, provider_id, offer_id, item_id, again_of, amount_pence, after_seq, last_on, for_siblings,
			created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			n.Authority, newID(), c.ChildID, c.AccountID, c.ProviderID, c.OfferID, c.ItemID, c.AgainOf, int64(c.AmountPence), c.AfterSeq, c.LastOn, c.ForSiblings, n.By, tx.Now)
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("keep credits: %w", err)
	}
	return nil
}

// share is which credits are made of what came back, item by item, on a London
// date. Nothing is made of what is a credit again by having come back: what is
// left of one follows from what bookings keep.
func (n NewCredits) share(list []cameBack, books map[uuid.UUID]*creditBook, on time.Time) (made []Credit) {
	given := map[uuid.UUID][]int64{} // by account: what each of its uses has given back by now
	for id, book := range books {
		given[id] = make([]int64, len(book.uses))
		for i, u := range book.uses {
			given[id][i] = u.Refunded
			for _, b := range list {
				if b.Item == u.Item {
					given[id][i] = 0
				}
			}
		}
	}
	for _, b := range list {
		fresh := b.Pence
		if book := books[b.Account]; book != nil {
			before := book.rests(nil, given[b.Account])
			for i, u := range book.uses {
				if u.Item == b.Item {
					given[b.Account][i] = u.Refunded
				}
			}
			for i, now := range book.rests(nil, given[b.Account]) {
				back := min(now-before[i], fresh)
				fresh -= back
				if c := book.credits[i]; back > 0 && c.ended(on) {
					made = append(made, c.again(b, back, on))
				}
			}
		}
		if fresh > 0 {
			made = append(made, Credit{
				ChildID: b.Child, AccountID: b.Account, ProviderID: n.Provider, OfferID: n.Offer, ItemID: b.Item,
				AmountPence: shortbreaks.Pence(fresh), AfterSeq: b.Seq, LastOn: n.LastOn, ForSiblings: n.ForSiblings,
			})
		}
	}
	return made
}

// again is what came back of a credit that has ended meanwhile.
func (c *Credit) again(b cameBack, pence int64, on time.Time) Credit {
	last := on.AddDate(0, 0, creditGrace)
	if c.AgainOf != nil {
		last = c.LastOn
	}
	return Credit{
		ChildID: b.Child, AccountID: b.Account, ProviderID: c.ProviderID, OfferID: c.OfferID, ItemID: b.Item, AgainOf: &c.ID,
		AmountPence: shortbreaks.Pence(pence), AfterSeq: b.Seq, LastOn: last, ForSiblings: c.ForSiblings,
	}
}
