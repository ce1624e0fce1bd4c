package budgets

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The refusals of approving.
var (
	ErrApproverIsProposer = shortbreaks.NewError(shortbreaks.Forbidden, "approver-is-proposer", "You may not approve what you proposed")
	ErrLineNotDraft       = shortbreaks.NewError(shortbreaks.Conflict, "line-not-draft", "This plan line is not a draft")
)

// approveSQL lets one of two approvals at the same moment through: the other
// waits for the row and then finds it no longer a draft.
const approveSQL = `UPDATE plan_line SET state = 'approved', approved_by = $3, approved_at = $4
	WHERE authority_id = $1 AND id = $2 AND state = 'draft'`

// ApprovePlanLine makes a drafted line spendable. An approver of its authority
// may, but never who proposed it, whatever role they proposed it in:
// proposer and approver differ. Errors: forbidden, not-found,
// approver-is-proposer, line-not-draft.
func ApprovePlanLine(ctx context.Context, d *db.DB, who shortbreaks.Actor, line uuid.UUID) (*PlanLine, error) {
	if !who.Is(shortbreaks.Approver) {
		return nil, shortbreaks.ErrForbidden
	}
	var approved *PlanLine
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		l, err := lineByID(ctx, tx, who, line)
		if err != nil {
			return err
		}
		if l.ProposedBy == who.Person {
			return ErrApproverIsProposer.With("The line stays a draft. Ask another approver.")
		}
		tag, err := tx.PGX.Exec(ctx, approveSQL, l.AuthorityID, l.ID, who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("approve plan line: %w", err)
		}
		if tag.RowsAffected() != 1 {
			return ErrLineNotDraft.With("Nothing was changed. Read the line again to see its state.")
		}
		l.State, l.ApprovedBy, l.ApprovedAt = Approved, &who.Person, &tx.Now
		approved = l
		return nil
	})
	if err != nil {
		return nil, err
	}
	return approved, nil
}

// lineByID is a line in the authorities of a staff actor.
func lineByID(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (*PlanLine, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+lineColumns+linesFrom+`WHERE l.authority_id = ANY ($1) AND l.id = $2`, who.Authorities, id)
	if err != nil {
		return nil, fmt.Errorf("read plan line: %w", err)
	}
	l, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[PlanLine])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, shortbreaks.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read plan line: %w", err)
	}
	return l, nil
}
