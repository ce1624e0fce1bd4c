package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// Need is a task that somebody has to be signed off for before they support
// this child: a gastrostomy feed, a named medication (R120). The practitioner
// keeps it; the family reads it, and the provider that has a place for the
// child or is being introduced to it.
type Need struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	ChildID     uuid.UUID
	Task        string
	Categories  []string // of support in which it matters; none: all
	StartsOn    time.Time
	EndsOn      *time.Time // the last day; nil: until further notice
	RecordedBy  uuid.UUID
	RecordedAt  time.Time
	EndedBy     *uuid.UUID
}

const needColumns = `authority_id, id, child_id, task, categories, starts_on, ends_on, recorded_by, recorded_at, ended_by`

// matters reports whether the need is one of a kind of support on a London
// date.
func (n Need) matters(category string, on time.Time) bool {
	return (len(n.Categories) == 0 || marketplace.Covers(n.Categories, category)) &&
		!on.Before(n.StartsOn) && (n.EndsOn == nil || !on.After(*n.EndsOn))
}

// RecordNeed is a need to be written down.
type RecordNeed struct {
	ChildID    uuid.UUID
	Task       string
	Categories []string
	StartsOn   time.Time // zero: today
}

// AddNeed records what a child needs, from a day on. What is booked stays
// booked; two days before, it is looked at again. Errors: forbidden,
// not-found, invalid.
func AddNeed(ctx context.Context, d *db.DB, who shortbreaks.Actor, r RecordNeed) (*Need, error) {
	if !who.Is(shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var n *Need
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		child, err := budgets.LoadChild(ctx, tx, who, r.ChildID)
		if err != nil {
			return err
		}
		var f shortbreaks.Faults
		f.Text("/task", r.Task, 2, 120)
		for i, c := range r.Categories {
			f.Unless(len(marketplace.Descendants(c)) > 0, fmt.Sprintf("/categories/%d", i), "There is no such kind of support.")
		}
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		n = &Need{
			AuthorityID: child.AuthorityID, ID: shortbreaks.NewID(), ChildID: child.ID, Task: strings.Join(strings.Fields(r.Task), " "),
			Categories: append([]string{}, r.Categories...), StartsOn: r.StartsOn, RecordedBy: who.Person, RecordedAt: tx.Now,
		}
		if n.StartsOn.IsZero() {
			n.StartsOn = shortbreaks.Date(tx.Now)
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO child_need (`+needColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			n.AuthorityID, n.ID, n.ChildID, n.Task, n.Categories, n.StartsOn, n.EndsOn, n.RecordedBy, n.RecordedAt, n.EndedBy)
		return err
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

// EndNeed says until when a child needs it, once. Errors: forbidden,
// not-found, invalid, wrong-state.
func EndNeed(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, on time.Time) (n *Need, err error) {
	if !who.Is(shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		found, err := selectNeeds(ctx, tx, `id = $1 AND authority_id = ANY ($2) FOR UPDATE`, id, who.Authorities)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return shortbreaks.ErrNotFound
		}
		if n = &found[0]; n.EndsOn != nil {
			return ErrWrongState.With("It has an end already. Record it anew if the child needs it again.")
		}
		var f shortbreaks.Faults
		f.Unless(!on.Before(n.StartsOn), "/ends_on", "It ends before it begins.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		n.EndsOn, n.EndedBy = &on, &who.Person
		_, err = tx.PGX.Exec(ctx, `UPDATE child_need SET ends_on = $3, ended_by = $4 WHERE authority_id = $1 AND id = $2`, n.AuthorityID, n.ID, on, who.Person)
		return err
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

// Needs lists what a child needs, ended needs included, the oldest first, and
// whether there is more: for its family, and staff of its authority. Errors:
// forbidden, not-found.
func Needs(ctx context.Context, d *db.DB, who shortbreaks.Actor, child, after uuid.UUID, limit int) (page []Need, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Auditor) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		c, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		page, err = selectNeeds(ctx, tx, `authority_id = $1 AND child_id = $2 AND id > $3 ORDER BY id LIMIT $4`, c.AuthorityID, c.ID, after, limit+1)
		return err
	})
	more = len(page) > limit
	return slices.Clip(page[:min(len(page), limit)]), more, err
}

func selectNeeds(ctx context.Context, tx *db.Tx, where string, args ...any) ([]Need, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+needColumns+` FROM child_need WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read needs: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[Need])
	if err != nil {
		return nil, fmt.Errorf("read needs: %w", err)
	}
	return found, nil
}
