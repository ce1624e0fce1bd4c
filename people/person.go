package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Person is someone who can sign in.
type Person struct {
	ID          uuid.UUID `gorm:"primaryKey"`
	DisplayName string
	CreatedAt   time.Time
}

// TableName is for GORM.
func (Person) TableName() string { return "person" }

// Contact is one way to reach one adult. It belongs to that adult, never to
// "the family": parents may live apart for a reason (T97).
type Contact struct {
	PersonID uuid.UUID `gorm:"primaryKey"`
	ID       uuid.UUID `gorm:"primaryKey"`
	Kind     string    // email, phone, address or calendar
	Value    string
}

// TableName is for GORM.
func (Contact) TableName() string { return "contact" }

// SignIn is one way a person proves who they are.
type SignIn struct {
	PersonID uuid.UUID `gorm:"primaryKey"`
	ID       uuid.UUID `gorm:"primaryKey"`
	Kind     string    // demo or oidc
	Subject  string    // the name typed in the demo; "sub" of a council's own sign-in
	EndedAt  *time.Time
}

// TableName is for GORM.
func (SignIn) TableName() string { return "sign_in" }

// Grant is one role, on one authority, provider or child, from a day to a day,
// both included, by London's calendar.
type Grant struct {
	PersonID    uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	Role        shortbreaks.Role
	AuthorityID *uuid.UUID // staff of an authority; for a family, the child's
	ProviderID  *uuid.UUID // staff of a provider
	ChildID     *uuid.UUID // family
	StartsOn    time.Time
	EndsOn      *time.Time // nil: until further notice
}

// TableName is for GORM.
func (Grant) TableName() string { return "role_grant" }

// CreatePerson adds a person, giving it an id and a time if it has none. The
// scope must be the person's own, so the id is best chosen before.
func CreatePerson(ctx context.Context, tx *db.Tx, p Person) (*Person, error) {
	if p.ID == uuid.Nil {
		p.ID = shortbreaks.NewID()
	}
	if p.CreatedAt.IsZero() {
		p.CreatedAt = tx.Now
	}
	if err := gorm.G[Person](tx.DB).Create(ctx, &p); err != nil {
		return nil, fmt.Errorf("create person: %w", err)
	}
	return &p, nil
}

// AddSignIn adds a way for the person of the scope to sign in.
func AddSignIn(ctx context.Context, tx *db.Tx, s SignIn) (*SignIn, error) {
	if s.ID == uuid.Nil {
		s.ID = shortbreaks.NewID()
	}
	if err := gorm.G[SignIn](tx.DB).Create(ctx, &s); err != nil {
		return nil, fmt.Errorf("add sign-in: %w", err)
	}
	return &s, nil
}

// AddContact adds a contact detail of the person of the scope.
func AddContact(ctx context.Context, tx *db.Tx, c Contact) (*Contact, error) {
	if c.ID == uuid.Nil {
		c.ID = shortbreaks.NewID()
	}
	if err := gorm.G[Contact](tx.DB).Create(ctx, &c); err != nil {
		return nil, fmt.Errorf("add contact: %w", err)
	}
	return &c, nil
}

// GrantRole gives the person of the scope a role. It starts today if no day is
// given. The schema refuses a role on the wrong thing (a family without a
// child, a worker without a provider).
func GrantRole(ctx context.Context, tx *db.Tx, g Grant) (*Grant, error) {
	if g.ID == uuid.Nil {
		g.ID = shortbreaks.NewID()
	}
	if g.StartsOn.IsZero() {
		g.StartsOn = shortbreaks.Date(tx.Now)
	}
	if err := gorm.G[Grant](tx.DB).Create(ctx, &g); err != nil {
		return nil, fmt.Errorf("grant role %s: %w", g.Role, err)
	}
	return &g, nil
}

// EndRole takes a grant of the person of the scope away: it is held for the
// last time on the given day. A day before today ends it with this commit.
func EndRole(ctx context.Context, tx *db.Tx, person, grant uuid.UUID, last time.Time) error {
	n, err := gorm.G[Grant](tx.DB).Where("person_id = ? AND id = ?", person, grant).Update(ctx, "ends_on", last)
	if err != nil {
		return fmt.Errorf("end role: %w", err)
	}
	if n != 1 {
		return shortbreaks.ErrNotFound
	}
	return nil
}

// Contacts are a person's own contact details. Anyone else's are not found,
// whatever the role: not the other parent's, not for staff (T97).
func Contacts(ctx context.Context, d *db.DB, who shortbreaks.Actor, person uuid.UUID) ([]Contact, error) {
	if person == uuid.Nil || person != who.Person {
		return nil, shortbreaks.ErrNotFound
	}
	var found []Contact
	err := d.Read(ctx, db.Scope{Person: who.Person}, func(tx *db.Tx) (err error) {
		found, err = gorm.G[Contact](tx.DB).Where("person_id = ?", person).Order("kind, id").Find(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return found, nil
}

// Self is the person of an actor.
func Self(ctx context.Context, d *db.DB, who shortbreaks.Actor) (*Person, error) {
	var p Person
	err := d.Read(ctx, db.Scope{Person: who.Person}, func(tx *db.Tx) (err error) {
		p, err = gorm.G[Person](tx.DB).Where("id = ?", who.Person).Take(ctx)
		return err
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, shortbreaks.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read person: %w", err)
	}
	return &p, nil
}
