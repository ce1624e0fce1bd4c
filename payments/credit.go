package payments

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The kinds of ledger transaction of credits.
const (
	KindCreditTransfer = "credit_transfer" // to a brother's or sister's own money
	KindCreditLapse    = "credit_lapse"    // nobody used it by its last day
)

// Credit is money that a family paid itself for a date, and that came back to
// be used by a day, as the terms of the booking say. It lies in the child's own
// top-up account, where it pays for what that account pays for, before any
// other money in it; nothing else tells it from that money.
type Credit struct {
	AuthorityID  uuid.UUID
	ID           uuid.UUID
	ChildID      uuid.UUID
	AccountID    uuid.UUID
	ProviderID   uuid.UUID // who gave it
	OfferID      uuid.UUID
	ItemID       uuid.UUID // the date that was cancelled
	FromID       *uuid.UUID
	AmountPence  shortbreaks.Pence
	MovedPence   shortbreaks.Pence
	LapsedPence  *shortbreaks.Pence // nil until it is over
	AfterSeq     int64
	LastOn       time.Time // a London date
	ForSiblings  bool
	Told         int
	CreatedAt    time.Time
	OfferTitle   string
	ProviderName string
	LocalStart   string // of the date that was cancelled

	LeftPence shortbreaks.Pence `db:"-"` // that can be used now
}

// ended reports whether it can no longer be used on a London date.
func (c *Credit) ended(on time.Time) bool { return c.LapsedPence != nil || on.After(c.LastOn) }

const creditColumns = `c.authority_id, c.id, c.child_id, c.account_id, c.provider_id, c.offer_id, c.item_id, c.from_id, c.amount_pence, c.moved_pence,
	c.lapsed_pence, c.after_seq, c.last_on, c.for_siblings, c.told, c.created_at, coalesce(o.title, '') AS offer_title, coalesce(p.name, '') AS provider_name, i.local_start`

//nolint:gosec // a credit is no credential
const creditRows = ` FROM credit c JOIN booking_item i ON i.authority_id = c.authority_id AND i.id = c.item_id
	LEFT JOIN offer o ON o.provider_id = c.provider_id AND o.id = c.offer_id LEFT JOIN provider p ON p.id = c.provider_id `

func selectCredits(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*Credit, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+creditColumns+creditRows+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read credits: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Credit])
	if err != nil {
		return nil, fmt.Errorf("read credits: %w", err)
	}
	return list, nil
}

// NewCredits are credits to be kept of what cancelling items has just given
// back.
type NewCredits struct {
	Authority   uuid.UUID
	Provider    uuid.UUID
	Offer       uuid.UUID
	Items       []uuid.UUID
	LastOn      time.Time // a London date
	ForSiblings bool
	By          uuid.UUID
}

// KeepCredits makes a credit of what cancelling items gave back, in this
// transaction, to the family's own account; what went back to a budget is
// budget as before. The items are locked, and so are the accounts.
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
	var batch pgx.Batch
	var item, account, child uuid.UUID
	var seq, pence int64
	_, err = pgx.ForEachRow(rows, []any{&item, &account, &child, &seq, &pence}, func() error {
		batch.Queue(`INSERT INTO credit (authority_id, id, child_id, account_id, provider_id, offer_id, item_id, amount_pence, after_seq, last_on, for_siblings,
			created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			n.Authority, newID(), child, account, n.Provider, n.Offer, item, pence, seq, n.LastOn, n.ForSiblings, n.By, tx.Now)
		return nil
	})
	if err == nil && batch.Len() > 0 {
		err = tx.PGX.SendBatch(ctx, &batch).Close()
	}
	if err != nil {
		return fmt.Errorf("keep credits: %w", err)
	}
	return nil
}

// ListCredits asks for credits, newest first.
type ListCredits struct {
	ChildID *uuid.UUID // nil: every child within reach
	Limit   int
	After   uuid.UUID // zero: from the newest
}

// Credits lists credits with what is left of each, and whether there are more:
// a family its children's, a practitioner those of the authority. Errors:
// forbidden.
func Credits(ctx context.Context, d *db.DB, who shortbreaks.Actor, l ListCredits) (list []*Credit, more bool, err error) {
	reach, column := who.Authorities, "c.authority_id"
	switch {
	case who.Is(shortbreaks.Family):
		reach, column = who.Children, "c.child_id"
	case !who.Is(shortbreaks.Practitioner):
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		list, err = selectCredits(ctx, tx, `WHERE `+column+` = ANY ($1) AND ($2::uuid IS NULL OR c.child_id = $2) AND ($3::uuid IS NULL OR c.id < $3)
			ORDER BY c.id DESC LIMIT $4`, reach, l.ChildID, idOrNull(l.After), l.Limit+1)
		if err != nil {
			return err
		}
		return workOutLeft(ctx, tx, list)
	})
	if more = len(list) > l.Limit; more {
		list = list[:l.Limit]
	}
	return list, more, err
}

// workOutLeft fills in what is left of credits now. What else there is of their
// accounts is read, since the credit that ends first is used first.
func workOutLeft(ctx context.Context, tx *db.Tx, list []*Credit) error {
	var refs []AccountRef
	for _, c := range list {
		refs = append(refs, AccountRef{c.AuthorityID, c.AccountID})
	}
	books, err := creditsOf(ctx, tx, refs)
	if err != nil {
		return err
	}
	on := shortbreaks.Date(tx.Now)
	for _, c := range list {
		c.LeftPence = books[c.AccountID].left(c.ID, on, nil)
	}
	return nil
}

// creditBook is all there is to know of the credits of one account.
type creditBook struct {
	credits []*Credit   // by last day
	uses    []creditUse // by their order in the account
}

// creditUse is a hold that may use credits.
type creditUse struct {
	Account    uuid.UUID
	Seq        int64
	PlacedAt   time.Time
	Amount     int64
	Captured   int64
	State      HoldState
	ResolvedAt *time.Time
}

// kept is what the hold keeps or has taken; with before, what it kept on then.
func (u creditUse) kept(before *time.Time) int64 {
	if u.State == Pending || before != nil && !u.ResolvedAt.Before(*before) {
		return u.Amount
	}
	return u.Captured
}

// left is what can still be used of a credit on a London date; with before, of
// one whose last day has just passed: what was reserved at that instant stays
// with its booking, whatever becomes of it. Each booking uses the credit that
// ends first of those there were when it was made.
func (b *creditBook) left(id uuid.UUID, on time.Time, before *time.Time) shortbreaks.Pence {
	if b == nil {
		return 0
	}
	rest := make([]int64, len(b.credits))
	for i, c := range b.credits {
		if rest[i] = int64(c.AmountPence - c.MovedPence); c.LapsedPence != nil {
			rest[i] -= int64(*c.LapsedPence)
		}
	}
	for _, u := range b.uses {
		kept := u.kept(before)
		for i, c := range b.credits {
			if c.AfterSeq >= u.Seq || shortbreaks.Date(u.PlacedAt).After(c.LastOn) {
				continue
			}
			took := min(kept, rest[i])
			kept, rest[i] = kept-took, rest[i]-took
		}
	}
	for i, c := range b.credits {
		if c.ID == id && c.LapsedPence == nil && (before != nil || !c.ended(on)) {
			return shortbreaks.Pence(rest[i])
		}
	}
	return 0
}

// creditsOf reads the credits of accounts with the holds that may use them.
// Whoever changes anything by it has locked the accounts.
func creditsOf(ctx context.Context, tx *db.Tx, refs []AccountRef) (map[uuid.UUID]*creditBook, error) {
	books := map[uuid.UUID]*creditBook{}
	authorities, ids := uniqueRefs(refs)
	if len(ids) == 0 {
		return books, nil
	}
	all, err := selectCredits(ctx, tx, `JOIN unnest($1::uuid[], $2::uuid[]) k (authority_id, account_id)
		ON k.authority_id = c.authority_id AND k.account_id = c.account_id ORDER BY c.last_on, c.id`, authorities, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if books[c.AccountID] == nil {
			books[c.AccountID] = &creditBook{}
		}
		books[c.AccountID].credits = append(books[c.AccountID].credits, c)
	}
	rows, err := tx.PGX.Query(ctx, `SELECT h.account_id, h.account_seq, h.created_at, h.amount, h.captured, h.state, h.resolved_at
		FROM hold h JOIN (SELECT c.authority_id, c.account_id, min(c.after_seq) AS after_seq FROM credit c
			JOIN unnest($1::uuid[], $2::uuid[]) k (authority_id, account_id) USING (authority_id, account_id) GROUP BY 1, 2) f
		ON h.authority_id = f.authority_id AND h.account_id = f.account_id AND h.account_seq > f.after_seq
		WHERE h.line_id IS NULL ORDER BY h.account_id, h.account_seq`, authorities, ids)
	if err != nil {
		return nil, fmt.Errorf("read what uses credits: %w", err)
	}
	uses, err := pgx.CollectRows(rows, pgx.RowToStructByPos[creditUse])
	if err != nil {
		return nil, fmt.Errorf("read what uses credits: %w", err)
	}
	for _, u := range uses {
		books[u.Account].uses = append(books[u.Account].uses, u)
	}
	return books, nil
}

// find is the credit of the book with an id.
func (b *creditBook) find(id uuid.UUID) *Credit {
	return b.credits[slices.IndexFunc(b.credits, func(c *Credit) bool { return c.ID == id })]
}
