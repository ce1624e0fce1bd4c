package budgets

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// maxAmount bounds one allocation or limit: a million pounds in pence, or 190
// years in minutes. Above it a figure is a slip of the finger, and sums could
// no longer be trusted to fit.
const maxAmount = 100_000_000

// NewPlanLine is a line a practitioner proposes.
type NewPlanLine struct {
	ChildID          uuid.UUID
	PlanType         string // empty: other
	Description      string
	Outcome          string
	Categories       []string // none: any
	PaysKinds        []string // none: any
	ManagementOption string
	HolderID         *uuid.UUID // recipient or manager; only if the authority does not handle the money
	Unit             payments.Unit
	Shares           []Share
	LimitAmount      int64 // in Unit
	StartsOn, EndsOn time.Time
}

// CreatePlanLine drafts a line of a child's plan, making the plan if it is the
// first of its type. It pays for nothing until somebody else has approved it.
// Only a practitioner of the child's authority may. Errors: forbidden,
// not-found, invalid.
func CreatePlanLine(ctx context.Context, d *db.DB, who shortbreaks.Actor, c NewPlanLine) (*PlanLine, error) {
	if !who.Is(shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var line *PlanLine
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		child, err := LoadChild(ctx, tx, who, c.ChildID)
		if err != nil {
			return err
		}
		if c.PlanType == "" {
			c.PlanType = "other"
		}
		if err := c.check(); err != nil {
			return err
		}
		line, err = draftLine(ctx, tx, who, child, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return line, nil
}

// check holds the values against the contract's lists and the plan's rules.
func (c NewPlanLine) check() error {
	var f shortbreaks.Faults
	f.Unless(known(planTypes, c.PlanType), "/plan_type", "This is not a type of plan.")
	f.Unless(between(c.Description, 3, 300), "/description", "Say in 3 to 300 characters what it is for.")
	f.Unless(between(c.Outcome, 0, 500), "/outcome", "This is longer than 500 characters.")
	checkWords(&f, "/categories", c.Categories, categories, "This is not a category.")
	checkWords(&f, "/pays_kinds", c.PaysKinds, chargeKinds, "This is not a kind of charge.")
	f.Unless(known(units, string(c.Unit)), "/unit", "This is not a unit of accounts.")
	f.Unless(c.LimitAmount > 0 && c.LimitAmount <= maxAmount, "/limit", "This must be from 1 to %d.", maxAmount)
	f.Unless(!c.StartsOn.IsZero() && !c.EndsOn.Before(c.StartsOn), "/ends_on", "This must not be before the start.")
	f.Unless(known(managementOptions, c.ManagementOption), "/management_option", "This is not a way to manage the money.")
	switch c.ManagementOption {
	case Notional:
		f.Unless(c.HolderID == nil, "/recipient_id", "Nobody else holds money that the authority manages.")
	case DirectPayment, ThirdParty:
		f.Unless(c.HolderID != nil && *c.HolderID != uuid.Nil, "/recipient_id", "Say who receives and hands over the money.")
	}
	checkShares(&f, c.Shares)
	return f.As(errValues)
}

func checkWords(f *shortbreaks.Faults, pointer string, values []string, list []word, detail string) {
	seen := map[string]bool{}
	for i, v := range values {
		at := fmt.Sprintf("%s/%d", pointer, i)
		f.Unless(known(list, v), at, "%s", detail)
		f.Unless(!seen[v], at, "This is there twice.")
		seen[v] = true
	}
}

func checkShares(f *shortbreaks.Faults, shares []Share) {
	f.Unless(len(shares) > 0, "/shares", "Name at least one stream that bears it.")
	seen := map[string]bool{}
	for i, s := range shares {
		at := fmt.Sprintf("/shares/%d", i)
		f.Unless(known(streams, s.Stream), at+"/stream", "This is not a funding stream.")
		f.Unless(!seen[s.Stream], at+"/stream", "This is there twice.")
		f.Unless(s.Weight > 0 && s.Weight <= 10_000, at+"/weight", "This must be from 1 to 10000.")
		seen[s.Stream] = true
	}
}

// draftLine writes the line, and its plan if there is none of the type.
func draftLine(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, child *Child, c NewPlanLine) (*PlanLine, error) {
	plan, err := ensurePlan(ctx, tx, child, c.PlanType)
	if err != nil {
		return nil, err
	}
	l := PlanLine{
		AuthorityID: child.AuthorityID, ID: shortbreaks.NewID(), PlanID: plan.ID, ChildID: child.ID, Description: c.Description,
		Outcome: c.Outcome, Categories: append([]string{}, c.Categories...), PaysKinds: append([]string{}, c.PaysKinds...),
		ManagementOption: c.ManagementOption, HolderID: c.HolderID, Unit: c.Unit, Shares: c.Shares, LimitAmount: c.LimitAmount,
		State: Draft, StartsOn: shortbreaks.Date(c.StartsOn), EndsOn: shortbreaks.Date(c.EndsOn), ProposedBy: who.Person, ProposedAt: tx.Now,
		PlanType: plan.PlanType,
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO plan_line (authority_id, id, plan_id, child_id, description, outcome, categories, pays_kinds,
			management_option, holder_id, unit, shares, limit_amount, state, starts_on, ends_on, proposed_by, proposed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		l.AuthorityID, l.ID, l.PlanID, l.ChildID, l.Description, l.Outcome, l.Categories, l.PaysKinds, l.ManagementOption, l.HolderID,
		l.Unit, l.Shares, l.LimitAmount, l.State, l.StartsOn, l.EndsOn, l.ProposedBy, l.ProposedAt)
	if err != nil {
		return nil, fmt.Errorf("draft plan line: %w", err)
	}
	return &l, nil
}

func ensurePlan(ctx context.Context, tx *db.Tx, child *Child, planType string) (*Plan, error) {
	p := Plan{AuthorityID: child.AuthorityID, ID: shortbreaks.NewID(), ChildID: child.ID, PlanType: planType, CreatedAt: tx.Now}
	if err := gorm.G[Plan](tx.DB, clause.OnConflict{DoNothing: true}).Create(ctx, &p); err != nil {
		return nil, fmt.Errorf("make plan: %w", err)
	}
	p, err := gorm.G[Plan](tx.DB).Where("authority_id = ? AND child_id = ? AND plan_type = ?", child.AuthorityID, child.ID, planType).Take(ctx)
	if err != nil {
		return nil, fmt.Errorf("find plan: %w", err)
	}
	return &p, nil
}

// linesOf are the lines of a child's plans, the newest first.
func linesOf(ctx context.Context, tx *db.Tx, child *Child) ([]PlanLine, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+lineColumns+linesFrom+`
		WHERE l.authority_id = $1 AND l.child_id = $2 ORDER BY l.proposed_at DESC, l.id DESC`, child.AuthorityID, child.ID)
	if err != nil {
		return nil, fmt.Errorf("read plan lines: %w", err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowToStructByName[PlanLine])
	if err != nil {
		return nil, fmt.Errorf("read plan lines: %w", err)
	}
	return lines, nil
}
