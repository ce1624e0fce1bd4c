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
	AgainOf      *uuid.UUID // the credit this came from again, which had ended meanwhile
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

const creditColumns = `c.authority_id, c.id, c.child_id, c.account_id, c.provider_id, c.offer_id, c.item_id, c.from_id, c.again_of, c.amount_pence, c.moved_pence,
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
	Item       uuid.UUID
	Seq        int64
	PlacedAt   time.Time
	Amount     int64
	Captured   int64
	Refunded   int64
	State      HoldState
	ResolvedAt *time.Time
	RefundedAt *time.Time // the last time
}

// kept is what the hold keeps or has taken, less what it has given back; with
// before, what it kept on then.
func (u creditUse) kept(before *time.Time, given int64) int64 {
	switch {
	case u.State == Pending, before != nil && !u.ResolvedAt.Before(*before):
		return u.Amount
	case before != nil && u.RefundedAt != nil && !u.RefundedAt.Before(*before):
		return u.Captured
	}
	return u.Captured - given
}

// left is what can still be used of a credit on a London date; with before, of
// one whose last day has just passed: what was reserved at that instant stays
// with its booking, whatever becomes of it. Each booking uses the credit that
// ends first of those there were when it was made.
func (b *creditBook) left(id uuid.UUID, on time.Time, before *time.Time) shortbreaks.Pence {
	if b == nil {
		return 0
	}
	given := make([]int64, len(b.uses))
	for i, u := range b.uses {
		given[i] = u.Refunded
	}
	for i, rest := range b.rests(before, given) {
		if c := b.credits[i]; c.ID == id && c.LapsedPence == nil && (before != nil || !c.ended(on)) {
			return shortbreaks.Pence(rest)
		}
	}
	return 0
}

// rests is what no booking uses of each credit, ended or not, given what each
// use has given back.
func (b *creditBook) rests(before *time.Time, given []int64) []int64 {
	rest := make([]int64, len(b.credits))
	for i, c := range b.credits {
		if rest[i] = int64(c.AmountPence - c.MovedPence); c.LapsedPence != nil {
			rest[i] -= int64(*c.LapsedPence)
		}
	}
	for n, u := range b.uses {
		kept := u.kept(before, given[n])
		for i, c := range b.credits {
			if c.AfterSeq >= u.Seq || shortbreaks.Date(u.PlacedAt).After(c.LastOn) {
				continue
			}
			took := min(kept, rest[i])
			kept, rest[i] = kept-took, rest[i]-took
		}
	}
	return rest
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
	rows, err := tx.PGX.Query(ctx, `SELECT h.account_id, h.item_id, h.account_seq, h.created_at, h.amount, h.captured, h.refunded, h.state, h.resolved_at,
			CASE WHEN h.refunded > 0 THEN (SELECT max(r.created_at) FROM refund r
				WHERE r.authority_id = h.authority_id AND r.item_id = h.item_id AND r.charge_n = h.charge_n) END
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
