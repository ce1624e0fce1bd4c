package budgets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// ErrAlreadyApproved says that money was granted before.
var ErrAlreadyApproved = shortbreaks.NewError(shortbreaks.Conflict, "already-approved", "This was approved before")

// ContingencyFunding is money of one stream for emergencies in one period. It
// is there once a second commissioner has approved it.
type ContingencyFunding struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	Stream      string
	PeriodID    uuid.UUID
	AmountPence shortbreaks.Pence
	Note        string
	ProposedBy  uuid.UUID
	ProposedAt  time.Time
	AccountID   *uuid.UUID // once approved
	ApprovedBy  *uuid.UUID
	ApprovedAt  *time.Time

	// Of the account as it is now; 0 where it is not open yet.
	BalancePence, HeldPence shortbreaks.Pence
}

const fundingSQL = `SELECT f.authority_id, f.id, f.stream, f.period_id, f.amount_pence, f.note, f.proposed_by, f.proposed_at, f.account_id, f.approved_by,
		f.approved_at, coalesce(a.balance, 0) AS balance_pence, coalesce(a.held, 0) AS held_pence
	FROM contingency_funding f
	LEFT JOIN account a ON a.authority_id = f.authority_id AND a.kind = 'contingency' AND a.unit = 'pence' AND a.stream = f.stream AND a.period_id = f.period_id
	WHERE f.authority_id = ANY ($1) AND `

// NewContingency is money to be granted for emergencies.
type NewContingency struct {
	AuthorityID *uuid.UUID // needed by who acts for several
	PeriodID    *uuid.UUID // exactly one of PeriodID and Period
	Period      *NewPeriod
	Stream      string
	AmountPence shortbreaks.Pence
	Note        string
}

// ProposeContingency writes down money for emergencies that another
// commissioner is to approve; until then nothing moves. Errors: forbidden,
// not-found, invalid.
func ProposeContingency(ctx context.Context, d *db.DB, who shortbreaks.Actor, c NewContingency) (f *ContingencyFunding, err error) {
	if !who.Is(shortbreaks.Commissioner) {
		return nil, shortbreaks.ErrForbidden
	}
	authority, err := oneAuthority(who, c.AuthorityID)
	if err != nil {
		return nil, err
	}
	as := NewAllocation{PeriodID: c.PeriodID, Period: c.Period, Stream: c.Stream, Unit: payments.InPence, Amount: int64(c.AmountPence), Note: c.Note}
	if err := as.check(); err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		period, err := as.period(ctx, tx, authority)
		if err != nil {
			return err
		}
		id := shortbreaks.NewID()
		_, err = tx.PGX.Exec(ctx, `INSERT INTO contingency_funding (authority_id, id, stream, period_id, amount_pence, note, proposed_by, proposed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, authority, id, c.Stream, period.ID, c.AmountPence, c.Note, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("write contingency funding: %w", err)
		}
		f, err = fundingByID(ctx, tx, who, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// oneAuthority is the authority named, or the only one the actor acts for.
func oneAuthority(who shortbreaks.Actor, named *uuid.UUID) (uuid.UUID, error) {
	switch {
	case named != nil && who.ForAuthority(*named):
		return *named, nil
	case named == nil && len(who.Authorities) == 1:
		return who.Authorities[0], nil
	case named == nil:
		return uuid.Nil, shortbreaks.ErrInvalid.At("/authority_id", "Say for which authority.")
	}
	return uuid.Nil, shortbreaks.ErrNotFound
}

// ApproveContingency puts the money there: authority_funding -X, contingency
// +X, once. Never by who proposed it. Errors: forbidden, not-found,
// approver-is-proposer, already-approved.
func ApproveContingency(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (f *ContingencyFunding, err error) {
	if !who.Is(shortbreaks.Commissioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if f, err = fundingByID(ctx, tx, who, id); err != nil {
			return err
		}
		if f.ProposedBy == who.Person {
			return ErrApproverIsProposer.With("Nothing was added. Ask another commissioner.")
		}
		// The row is locked before the account; of two who approve, the second finds it done.
		tag, err := tx.PGX.Exec(ctx, `SELECT FROM contingency_funding WHERE authority_id = $1 AND id = $2 AND approved_by IS NULL FOR UPDATE`, f.AuthorityID, id)
		if err != nil {
			return fmt.Errorf("lock contingency funding: %w", err)
		}
		if tag.RowsAffected() != 1 {
			return ErrAlreadyApproved.With("Nothing was added a second time.")
		}
		account, err := payments.FundContingency(ctx, tx, payments.ContingencyGrant{
			Authority: f.AuthorityID, ID: id, Stream: f.Stream, Period: f.PeriodID, Pence: f.AmountPence, By: who.Person,
		})
		if err != nil {
			return err
		}
		_, err = tx.PGX.Exec(ctx, `UPDATE contingency_funding SET account_id = $3, approved_by = $4, approved_at = $5 WHERE authority_id = $1 AND id = $2`,
			f.AuthorityID, id, account, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("approve contingency funding: %w", err)
		}
		f, err = fundingByID(ctx, tx, who, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func fundingByID(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*ContingencyFunding, error) {
	found, err := selectFundings(ctx, tx, `f.id = $2`, who.Authorities, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound
	}
	return &found[0], nil
}

// ContingencyFundings lists money for emergencies, proposed and approved, the
// newest first, each with its account as it is now, and whether more follow.
// Errors: forbidden.
func ContingencyFundings(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (page []ContingencyFunding, more bool, err error) {
	if !who.Is(shortbreaks.Commissioner, shortbreaks.Finance, shortbreaks.Auditor) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		page, err = selectFundings(ctx, tx, `($2 = '00000000-0000-0000-0000-000000000000'::uuid OR f.id < $2) ORDER BY f.id DESC LIMIT $3`,
			who.Authorities, after, limit+1)
		return err
	})
	more = len(page) > limit
	return slices.Clip(page[:min(len(page), limit)]), more, err
}

func selectFundings(ctx context.Context, tx *db.Tx, where string, args ...any) ([]ContingencyFunding, error) {
	rows, err := tx.PGX.Query(ctx, fundingSQL+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read contingency fundings: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[ContingencyFunding])
	if err != nil {
		return nil, fmt.Errorf("read contingency fundings: %w", err)
	}
	return list, nil
}
