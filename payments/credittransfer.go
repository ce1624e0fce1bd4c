package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The refusals of a transfer.
var (
	ErrCreditTooLow = shortbreaks.NewError(shortbreaks.Conflict, "credit-too-low", "Less is left of this credit")
	ErrCreditStays  = shortbreaks.NewError(shortbreaks.Conflict, "credit-not-transferable", "This credit stays with its child")
)

// TransferCredit gives a credit, or part of it, to a brother or sister.
type TransferCredit struct {
	CreditID    uuid.UUID
	ToChildID   uuid.UUID
	AmountPence shortbreaks.Pence // 0: all that is left
	Idem        *shortbreaks.Idem // renders a *Credit
}

// Transfer moves a credit, or part of it, to the own money of a brother or
// sister, where it ends on the same day. It moves only what the family itself
// paid: no budget pays for another child (R109). It answers the sibling's
// credit. Errors: forbidden, not-found, invalid, credit-not-transferable,
// credit-too-low, idempotency-key-reused, request-in-progress.
func Transfer(ctx context.Context, d *db.DB, who shortbreaks.Actor, t TransferCredit) (made *Credit, reply *shortbreaks.Reply, err error) {
	if !who.Is(shortbreaks.Family) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		made, reply = nil, nil
		list, err := selectCredits(ctx, tx, `WHERE c.id = $1 AND c.child_id = ANY ($2)`, t.CreditID, who.Children)
		if err != nil {
			return err
		}
		if len(list) == 0 || !who.ForChild(t.ToChildID) {
			return shortbreaks.ErrNotFound
		}
		if reply, err = tx.Replay(ctx, list[0].AuthorityID, t.Idem); reply != nil || err != nil {
			return err
		}
		if made, err = t.carryOut(ctx, tx, who, list[0]); err != nil {
			return err
		}
		reply, err = tx.Keep(ctx, made.AuthorityID, t.Idem, made)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return made, reply, nil
}

// sibling refuses a child that is not a brother or sister in the same authority.
func (t TransferCredit) sibling(ctx context.Context, tx *db.Tx, c *Credit) error {
	err := tx.PGX.QueryRow(ctx, `SELECT FROM child a JOIN child b ON b.authority_id = a.authority_id AND b.family_id = a.family_id AND b.id <> a.id
		WHERE a.authority_id = $1 AND a.id = $2 AND b.id = $3`, c.AuthorityID, c.ChildID, t.ToChildID).Scan()
	if errors.Is(err, pgx.ErrNoRows) {
		return shortbreaks.ErrInvalid.At("/child_id", "Name a brother or sister of the same family and council.")
	}
	if err != nil {
		return fmt.Errorf("read whether the children are of one family: %w", err)
	}
	if !c.ForSiblings {
		return ErrCreditStays.With("By the terms it was given under only the child it came from may use it. Nothing was moved.")
	}
	return nil
}

// carryOut locks both accounts, makes the sibling's credit and posts the move.
func (t TransferCredit) carryOut(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, c *Credit) (*Credit, error) {
	if err := t.sibling(ctx, tx, c); err != nil {
		return nil, err
	}
	ids, err := EnsureAccounts(ctx, tx, []AccountKey{{Authority: c.AuthorityID, Kind: TopUpMoney, Unit: InPence, Child: &t.ToChildID}})
	if err != nil {
		return nil, err
	}
	from, to := AccountRef{c.AuthorityID, c.AccountID}, AccountRef{c.AuthorityID, ids[0]}
	accounts, err := LockAccounts(ctx, tx, []AccountRef{from, to})
	if err != nil {
		return nil, err
	}
	books, err := creditsOf(ctx, tx, []AccountRef{from})
	if err != nil {
		return nil, err
	}
	book, on := books[c.AccountID], shortbreaks.Date(tx.Now)
	c = book.find(c.ID) // as it stands under the lock
	left, amount := book.left(c.ID, on, nil), t.AmountPence
	if amount == 0 {
		amount = left
	}
	switch {
	case c.ended(on):
		return nil, ErrCreditTooLow.With("Its last day was " + shortbreaks.LongDate(shortbreaks.At(c.LastOn, 12*60)) + ". Nothing was moved.")
	case left == 0 || amount > left:
		return nil, ErrCreditTooLow.With(left.String() + " is left of it that no booking uses. Nothing was moved.")
	}
	made := *c
	made.ID, made.ChildID, made.AccountID, made.FromID = newID(), t.ToChildID, to.ID, &c.ID
	made.AmountPence, made.MovedPence, made.LeftPence, made.AfterSeq, made.Told, made.CreatedAt = amount, 0, amount, accounts[to.ID].Seq, 0, tx.Now
	if err := made.insert(ctx, tx, who.Person); err != nil {
		return nil, err
	}
	_, err = Post(ctx, tx, []Posting{{Authority: c.AuthorityID, Kind: KindCreditTransfer, Source: made.ID, Actor: who.Person, Entries: []Entry{
		{from.ID, InPence, -int64(amount)}, {to.ID, InPence, int64(amount)},
	}}})
	return &made, err
}

// insert writes a credit that was taken from another.
func (c *Credit) insert(ctx context.Context, tx *db.Tx, by uuid.UUID) error {
	tag, err := tx.PGX.Exec(ctx, `WITH taken AS (
			UPDATE credit SET moved_pence = moved_pence + $4 WHERE authority_id = $1 AND id = $2 AND lapsed_pence IS NULL
			RETURNING authority_id, provider_id, offer_id, item_id, id, again_of, last_on, for_siblings)
		INSERT INTO credit (authority_id, id, child_id, account_id, provider_id, offer_id, item_id, from_id, again_of, amount_pence, after_seq, last_on, for_siblings,
			created_by, created_at)
		SELECT authority_id, $3, $5, $6, provider_id, offer_id, item_id, id, again_of, $4, $7, last_on, for_siblings, $8, $9 FROM taken`,
		c.AuthorityID, c.FromID, c.ID, int64(c.AmountPence), c.ChildID, c.AccountID, c.AfterSeq, by, c.CreatedAt)
	if err != nil {
		return fmt.Errorf("move a credit: %w", err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("move a credit: %d of 1 made", tag.RowsAffected())
	}
	return nil
}
