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

// lapseAtOnce is how many credits one transaction ends.
const lapseAtOnce = 100

// LapseCredits ends credits whose last day has passed, each once, however often
// and by however many it runs. What no booking used by then is the provider's
// who gave it, as if it had never come back; what was reserved for a booking at
// that moment is no longer a credit, and if it comes free it is plain money of
// the family. It returns how many it ended.
func LapseCredits(ctx context.Context, d *db.DB) (int, error) {
	total := 0
	for {
		scope, err := d.System(ctx)
		if err != nil {
			return total, err
		}
		n := 0
		err = d.Do(ctx, scope, func(tx *db.Tx) (err error) {
			n, err = lapseSome(ctx, tx)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("end credits: %w", err)
		}
		if total += n; n < lapseAtOnce {
			return total, nil
		}
	}
}

func lapseSome(ctx context.Context, tx *db.Tx) (int, error) {
	due, err := selectCredits(ctx, tx, `WHERE c.lapsed_pence IS NULL AND c.last_on < $1 ORDER BY c.last_on, c.id LIMIT $2`, shortbreaks.Date(tx.Now), lapseAtOnce)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	refs, keys := make([]AccountRef, len(due)), make([]AccountKey, len(due))
	for i, c := range due {
		refs[i] = AccountRef{c.AuthorityID, c.AccountID}
		keys[i] = AccountKey{Authority: c.AuthorityID, Kind: ProviderPayable, Unit: InPence, Provider: &c.ProviderID, Payer: PayableByAuthority}
	}
	if _, err := LockAccounts(ctx, tx, refs); err != nil {
		return 0, err
	}
	payables, err := EnsureAccounts(ctx, tx, keys)
	if err != nil {
		return 0, err
	}
	books, err := creditsOf(ctx, tx, refs)
	if err != nil {
		return 0, err
	}
	ended := 0
	var postings []Posting
	for i, was := range due {
		c := books[was.AccountID].find(was.ID)
		if c.LapsedPence != nil {
			continue // ended by another meanwhile
		}
		over := shortbreaks.At(c.LastOn.AddDate(0, 0, 1), 0)
		left := books[c.AccountID].left(c.ID, c.LastOn, &over)
		if err := c.end(ctx, tx, left); err != nil {
			return 0, err
		}
		ended++
		postings = append(postings, Posting{Authority: c.AuthorityID, Kind: KindCreditLapse, Source: c.ID, Entries: []Entry{
			{c.AccountID, InPence, -int64(left)}, {payables[i], InPence, int64(left)},
		}})
	}
	_, err = Post(ctx, tx, postings)
	return ended, err
}

// end notes that a credit is over, and with how much of it unused.
func (c *Credit) end(ctx context.Context, tx *db.Tx, left shortbreaks.Pence) error {
	tag, err := tx.PGX.Exec(ctx, `UPDATE credit SET lapsed_pence = $3 WHERE authority_id = $1 AND id = $2 AND lapsed_pence IS NULL`, c.AuthorityID, c.ID, int64(left))
	if err != nil {
		return fmt.Errorf("end credit %s: %w", c.ID, err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("end credit %s: it was ended before", c.ID)
	}
	c.LapsedPence = &left
	return nil
}

// The days before its last on which the end of a credit is announced.
var creditWarnings = []int{30, 7}

// CreditsEnding are credits with something left whose end is to be announced,
// with how often that makes; they are marked as told. A job calls it in the
// transaction that tells.
func CreditsEnding(ctx context.Context, tx *db.Tx, limit int) (list []*Credit, looked int, err error) {
	on := shortbreaks.Date(tx.Now)
	day := func(n int) time.Time { return on.AddDate(0, 0, creditWarnings[n]) }
	due, err := selectCredits(ctx, tx, `WHERE c.lapsed_pence IS NULL AND c.last_on >= $1
		AND ((c.last_on <= $2 AND c.told < 1) OR (c.last_on <= $3 AND c.told < 2)) ORDER BY c.last_on, c.id LIMIT $4 FOR UPDATE OF c SKIP LOCKED`, on, day(0), day(1), limit)
	if err != nil || len(due) == 0 {
		return nil, 0, err
	}
	if err := workOutLeft(ctx, tx, due); err != nil {
		return nil, 0, err
	}
	var batch pgx.Batch
	for _, c := range due {
		if c.Told = 1; !c.LastOn.After(day(1)) {
			c.Told = 2
		}
		batch.Queue(`UPDATE credit SET told = $3 WHERE authority_id = $1 AND id = $2`, c.AuthorityID, c.ID, c.Told)
		if c.LeftPence > 0 {
			list = append(list, c)
		}
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, 0, fmt.Errorf("mark credits as told: %w", err)
	}
	return list, len(due), nil
}

// Source names one announcement of a credit's end.
func (c *Credit) Source() uuid.UUID {
	id := c.ID
	id[15] ^= byte(c.Told) //nolint:gosec // 1 or 2
	return id
}
