package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Staff is somebody who acts for a provider, as its owner reads it. The right
// itself is the person's grant; both are written in one transaction. A role
// that was taken away keeps its row with its last day.
type Staff struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"`
	PersonID   uuid.UUID
	GrantID    uuid.UUID
	Role       shortbreaks.Role
	Name       string // as the provider knows the person
	StartsOn   time.Time
	EndsOn     *time.Time // the last day; nil: until further notice
}

// TableName is for GORM.
func (Staff) TableName() string { return "staff" }

// providerRoles are those a provider's owner gives and takes away.
var providerRoles = []shortbreaks.Role{shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker}

// The refusals of a provider's staff.
var (
	ErrLastOwner   = shortbreaks.NewError(shortbreaks.Conflict, "last-owner", "A provider keeps at least one owner")
	ErrAlreadyHeld = shortbreaks.NewError(shortbreaks.Conflict, "role-already-held", "This person holds that role already")
)

// Employ gives the person of the scope a role at a provider of the scope, from
// today.
func Employ(ctx context.Context, tx *db.Tx, provider, person uuid.UUID, role shortbreaks.Role, name string) (*Staff, error) {
	g, err := GrantRole(ctx, tx, Grant{PersonID: person, Role: role, ProviderID: &provider})
	if err != nil {
		return nil, err
	}
	s := &Staff{
		ProviderID: provider, ID: shortbreaks.NewID(), PersonID: person, GrantID: g.ID, Role: role, Name: name, StartsOn: g.StartsOn,
	}
	if err := gorm.G[Staff](tx.DB).Create(ctx, s); err != nil {
		return nil, fmt.Errorf("employ as %s: %w", role, err)
	}
	return s, nil
}

// BecomeOwner makes a person the owner of a provider they have registered,
// under their own name.
func BecomeOwner(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, provider uuid.UUID) error {
	self, err := gorm.G[Person](tx.DB).Where("id = ?", who.Person).Take(ctx)
	if err != nil {
		return fmt.Errorf("read person: %w", err)
	}
	_, err = Employ(ctx, tx, provider, who.Person, shortbreaks.ProviderOwner, self.DisplayName)
	return err
}

// mayEmploy refuses everybody but the provider's owner.
func mayEmploy(who shortbreaks.Actor, provider uuid.UUID) error {
	if !who.Is(shortbreaks.ProviderOwner) {
		return shortbreaks.ErrForbidden
	}
	if !who.ForProvider(provider) {
		return shortbreaks.ErrNotFound.With("There is no such provider within your reach.")
	}
	return nil
}

// ListStaff lists who acts or acted for a provider, and whether there is more.
func ListStaff(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, after uuid.UUID, limit int) (list []Staff, more bool, err error) {
	if err := mayEmploy(who, provider); err != nil {
		return nil, false, err
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		list, err = gorm.G[Staff](tx.DB).Where("provider_id = ? AND id > ?", provider, after).Order("id").Limit(limit + 1).Find(ctx)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list staff: %w", err)
	}
	more = len(list) > limit
	return list[:min(len(list), limit)], more, nil
}

// NewStaff is a role to be given to somebody who can sign in.
type NewStaff struct {
	SignIn string // the name they sign in by
	Role   shortbreaks.Role
	Name   string // as the provider knows them; no other name is looked up
}

// AddStaff gives a person a role at the provider. A person is named by how
// they sign in, so that nobody can be found by trying names of people.
func AddStaff(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, n NewStaff) (*Staff, error) {
	if err := mayEmploy(who, provider); err != nil {
		return nil, err
	}
	var f shortbreaks.Faults
	f.Text("/name", n.Name, 1, 200)
	f.Unless(slices.Contains(providerRoles, n.Role), "/role", "Give provider_owner, coordinator or worker.")
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	person, err := personOfSubject(ctx, d, n.SignIn)
	if err != nil {
		return nil, err
	}
	var made *Staff
	// The person joins the scope: a grant is written as theirs.
	err = d.Do(ctx, db.Scope{Person: person, Providers: []uuid.UUID{provider}}, func(tx *db.Tx) error {
		if err := lockStaff(ctx, tx, provider); err != nil {
			return err
		}
		held, err := gorm.G[Staff](tx.DB).Where("provider_id = ? AND person_id = ? AND role = ? AND (ends_on IS NULL OR ends_on >= ?)",
			provider, person, n.Role, shortbreaks.Date(tx.Now)).Count(ctx, "id")
		if err != nil {
			return fmt.Errorf("read staff: %w", err)
		}
		if held > 0 {
			return ErrAlreadyHeld.With("Nothing was changed.")
		}
		made, err = Employ(ctx, tx, provider, person, n.Role, strings.TrimSpace(n.Name))
		return err
	})
	return made, err
}

// personOfSubject is who signs in by this name, by whatever means.
func personOfSubject(ctx context.Context, d *db.DB, subject string) (uuid.UUID, error) {
	var found []uuid.UUID
	err := d.Read(ctx, db.Scope{SignIn: subject}, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT person_id FROM sign_in WHERE subject = $1 AND ended_at IS NULL LIMIT 2`, subject)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("look up sign-in: %w", err)
	}
	if len(found) != 1 {
		words := "Nobody signs in by this name. Ask them to sign in once, and give it as they type it."
		return uuid.Nil, shortbreaks.ErrInvalid.With(words).At("/sign_in", words)
	}
	return found[0], nil
}

// lockStaff makes changes of one provider's staff follow each other, so that
// two owners cannot each remove the other.
func lockStaff(ctx context.Context, tx *db.Tx, provider uuid.UUID) error {
	if _, err := tx.PGX.Exec(ctx, `SELECT FROM provider WHERE id = $1 FOR UPDATE`, provider); err != nil {
		return fmt.Errorf("lock staff: %w", err)
	}
	return nil
}

// EndStaff takes a role away: it is held for the last time on the given day,
// or, with none, ends at once. The last owner stays. Nothing is deleted, so
// who acted for the provider can be read later.
func EndStaff(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, id uuid.UUID, last *time.Time) (*Staff, error) {
	if err := mayEmploy(who, provider); err != nil {
		return nil, err
	}
	// Read first: the person whose grant it is must be in the scope that ends it.
	s, err := findStaff(ctx, d, who, provider, id)
	if err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.Scope{Person: s.PersonID, Providers: []uuid.UUID{provider}}, func(tx *db.Tx) error {
		if err := lockStaff(ctx, tx, provider); err != nil {
			return err
		}
		today := shortbreaks.Date(tx.Now)
		on := today.AddDate(0, 0, -1)
		if last != nil {
			on = *last
			if on.Before(today) {
				words := "This day is past. Leave it out to end the role at once."
				return shortbreaks.ErrInvalid.With(words).At("/last_day", words)
			}
		}
		if err := mayEnd(ctx, tx, s, today); err != nil {
			return err
		}
		if err := EndRole(ctx, tx, s.PersonID, s.GrantID, on); err != nil {
			return err
		}
		n, err := gorm.G[Staff](tx.DB).Where("provider_id = ? AND id = ?", provider, id).Update(ctx, "ends_on", on)
		if err != nil || n != 1 {
			return fmt.Errorf("end staff (%d rows): %w", n, err)
		}
		s.EndsOn = &on
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func findStaff(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, id uuid.UUID) (*Staff, error) {
	var s Staff
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		s, err = gorm.G[Staff](tx.DB).Where("provider_id = ? AND id = ?", provider, id).Take(ctx)
		return err
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, shortbreaks.ErrNotFound.With("This provider has no such member of staff.")
	}
	if err != nil {
		return nil, fmt.Errorf("read staff: %w", err)
	}
	return &s, nil
}

// mayEnd refuses to end a role that has ended, and to leave a provider
// without an owner who stays.
func mayEnd(ctx context.Context, tx *db.Tx, s *Staff, today time.Time) error {
	now, err := gorm.G[Staff](tx.DB).Where("provider_id = ? AND role = ? AND (ends_on IS NULL OR id = ?)", s.ProviderID, s.Role, s.ID).Find(ctx)
	if err != nil {
		return fmt.Errorf("read staff: %w", err)
	}
	stay := 0
	for _, other := range now {
		if other.ID == s.ID && other.EndsOn != nil && other.EndsOn.Before(today) {
			return shortbreaks.ErrNotFound.With("This role has ended already.")
		}
		if other.ID != s.ID {
			stay++
		}
	}
	if s.Role == shortbreaks.ProviderOwner && stay == 0 {
		return ErrLastOwner.With("Nothing was changed. Make somebody else an owner first.")
	}
	return nil
}
