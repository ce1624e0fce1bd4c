package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/people"
)

// The refusals of booking codes.
var (
	ErrTooManyCodes = shortbreaks.NewError(shortbreaks.Conflict, "too-many-codes", "This child has many booking codes open already")
	ErrCodeUnknown  = shortbreaks.NewError(shortbreaks.NotFound, "code-unknown", "This booking code cannot be used")
)

const (
	mostCodes = 5 // open ones of a child
	codeLasts = 7 * 24 * time.Hour
)

// FamilyCode lets one provider enter one booking for one child, once, within a
// week. The family reads it out over the telephone or writes it on a form: it
// names no child and says nothing of a budget. Ten characters are fifty bits, and
// a code is of use to the one provider it was made for, so that there is no
// guessing it; only its hash is kept.
type FamilyCode struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	ChildID     uuid.UUID
	ProviderID  uuid.UUID
	Role        shortbreaks.Role // as what it was made
	MadeBy      uuid.UUID
	MadeAt      time.Time
	ExpiresAt   time.Time
	WithdrawnAt *time.Time
	UsedAt      *time.Time
}

// State says whether it can still be used at a time.
func (c FamilyCode) State(now time.Time) string {
	switch {
	case c.UsedAt != nil:
		return "used"
	case c.WithdrawnAt != nil:
		return "withdrawn"
	case !now.Before(c.ExpiresAt):
		return "expired"
	}
	return "open"
}

const codeColumns = `authority_id, id, child_id, provider_id, role, made_by, made_at, expires_at, withdrawn_at, used_at`

// MakeCode makes a code for a child of one's own, or of one's authority; it is
// told this once. Errors: forbidden, not-found, too-many-codes.
func MakeCode(ctx context.Context, d *db.DB, who shortbreaks.Actor, child, provider uuid.UUID) (c *FamilyCode, code string, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, "", shortbreaks.ErrForbidden
	}
	code = people.NewCode()
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		of, err := budgets.LoadChild(ctx, tx, who, child)
		if err != nil {
			return err
		}
		var known bool
		var open int
		err = tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM provider WHERE id = $1), (SELECT count(*) FROM booking_code WHERE authority_id = $2 AND child_id = $3
			AND used_at IS NULL AND withdrawn_at IS NULL AND expires_at > $4)`, provider, of.AuthorityID, child, tx.Now).Scan(&known, &open)
		if err != nil {
			return fmt.Errorf("count booking codes: %w", err)
		}
		if !known {
			return shortbreaks.ErrNotFound.With("There is no such provider.")
		}
		if open >= mostCodes {
			return ErrTooManyCodes.With("Take one back that is not needed, or wait until it has been used.")
		}
		c = &FamilyCode{
			AuthorityID: of.AuthorityID, ID: shortbreaks.NewID(), ChildID: child, ProviderID: provider, Role: who.Role, MadeBy: who.Person,
			MadeAt: tx.Now, ExpiresAt: tx.Now.Add(codeLasts),
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO booking_code (authority_id, id, child_id, provider_id, role, made_by, made_at, expires_at, code_hash)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			c.AuthorityID, c.ID, c.ChildID, c.ProviderID, string(c.Role), c.MadeBy, c.MadeAt, c.ExpiresAt, hashOf(people.TidyCode(code)))
		if err != nil {
			return fmt.Errorf("keep booking code: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return c, code, nil
}

// Codes lists the codes of the actor's children, the newest first, and whether
// more follow. Errors: forbidden.
func Codes(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (page []FamilyCode, now time.Time, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, now, false, shortbreaks.ErrForbidden
	}
	reach, column := who.Authorities, "authority_id"
	if who.Is(shortbreaks.Family) {
		reach, column = who.Children, "child_id"
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		now = tx.Now
		page, err = selectCodes(ctx, tx, column+` = ANY ($1) AND ($2 OR id < $3) ORDER BY id DESC LIMIT $4`, reach, after == uuid.Nil, after, limit+1)
		return err
	})
	if more = len(page) > limit; more {
		page = page[:limit]
	}
	return page, now, more, err
}

func selectCodes(ctx context.Context, tx *db.Tx, where string, args ...any) ([]FamilyCode, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+codeColumns+` FROM booking_code WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read booking codes: %w", err)
	}
	codes, err := pgx.CollectRows(rows, pgx.RowToStructByName[FamilyCode])
	if err != nil {
		return nil, fmt.Errorf("read booking codes: %w", err)
	}
	return codes, nil
}

// WithdrawCode makes a code useless from now on; a booking entered with it
// stays. Errors: forbidden, not-found.
func WithdrawCode(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) error {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		found, err := selectCodes(ctx, tx, `authority_id = ANY ($1) AND id = $2 FOR UPDATE`, who.Authorities, id)
		if err != nil {
			return err
		}
		if len(found) == 0 || !budgets.Reaches(who, found[0].ChildID) {
			return shortbreaks.ErrNotFound
		}
		_, err = tx.PGX.Exec(ctx, `UPDATE booking_code SET withdrawn_at = $3 WHERE authority_id = $1 AND id = $2 AND used_at IS NULL AND withdrawn_at IS NULL`,
			found[0].AuthorityID, id, tx.Now)
		if err != nil {
			return fmt.Errorf("withdraw booking code: %w", err)
		}
		return nil
	})
}

// codeOf is the code somebody typed, if it is for one of the providers in scope.
func codeOf(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, typed, lock string) (*FamilyCode, error) {
	found, err := selectCodes(ctx, tx, `provider_id = ANY ($1) AND code_hash = $2 `+lock, who.Providers, hashOf(people.TidyCode(typed)))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrCodeUnknown.With("Ask the family to read it out once more, or to make a new one for you.")
	}
	return &found[0], nil
}

// checkOpen refuses a code that has been used, taken back or has run out, all in
// the same words: which it was is the family's to say.
func (c *FamilyCode) checkOpen(now time.Time) error {
	if c.State(now) != "open" {
		return ErrCodeUnknown.With("Ask the family to read it out once more, or to make a new one for you.")
	}
	return nil
}

// hidden is what a provider is told of a refusal that is about the family: that
// there is one. What the plan pays for, what is left and where else the child is
// booked are not the provider's to know.
func hidden(err error) error {
	var known *shortbreaks.Error
	if errors.As(err, &known) && (isAboutTheFamily(err) || slices.ContainsFunc([]error{ErrPriceChanged, ErrQuoteUsed},
		func(e error) bool { return errors.Is(err, e) })) {
		return ErrNotForFamily.With("Nothing was entered. Ask the family to look in its account, or to talk to its practitioner.")
	}
	return err
}
