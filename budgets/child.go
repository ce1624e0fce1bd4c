package budgets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Family is the children and adults who belong together. Each adult signs in
// as a person of their own.
type Family struct {
	AuthorityID uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
}

// TableName is for GORM.
func (Family) TableName() string { return "family" }

// Child is the person whose budget it is.
type Child struct {
	AuthorityID uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	FamilyID    uuid.UUID
	FirstName   string
	FamilyName  string
	DateOfBirth time.Time
	SchoolID    *uuid.UUID
	Postcode    string
	ReducedRate bool // may use a reduced-rate price option
	// FundedSchemes are those that fund the child's place, such as "haf".
	FundedSchemes []string `gorm:"serializer:json"`
}

// TableName is for GORM.
func (Child) TableName() string { return "child" }

// Member is an adult of a family. What they may do comes from their grants,
// not from here.
type Member struct {
	AuthorityID uuid.UUID `gorm:"primaryKey"`
	FamilyID    uuid.UUID `gorm:"primaryKey"`
	PersonID    uuid.UUID `gorm:"primaryKey"`
	Relation    string
}

// TableName is for GORM.
func (Member) TableName() string { return "family_member" }

// reads are the roles that may look at a child's budget (api/testdata/matrix.csv).
var reads = []shortbreaks.Role{
	shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Finance, shortbreaks.Auditor,
}

// Reaches reports whether an actor may look at a child of its authorities: a
// family at its own, staff at all.
func Reaches(who shortbreaks.Actor, child uuid.UUID) bool {
	return who.Is(reads...) && (!who.Is(shortbreaks.Family) || who.ForChild(child))
}

// LoadChild is a child within the actor's reach: for a family one of its own,
// for staff one of their authority. Any other, like one that does not exist,
// is ErrNotFound. Commissioners and providers never reach a child.
func LoadChild(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, child uuid.UUID) (*Child, error) {
	if !Reaches(who, child) {
		return nil, shortbreaks.ErrNotFound
	}
	c, err := gorm.G[Child](tx.DB).Where("authority_id IN ? AND id = ?", who.Authorities, child).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, shortbreaks.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("load child: %w", err)
	}
	return &c, nil
}

// CreateFamily adds a family to an authority of the scope.
func CreateFamily(ctx context.Context, tx *db.Tx, f Family) (*Family, error) {
	if f.ID == uuid.Nil {
		f.ID = shortbreaks.NewID()
	}
	if err := gorm.G[Family](tx.DB).Create(ctx, &f); err != nil {
		return nil, fmt.Errorf("create family: %w", err)
	}
	return &f, nil
}

// CreateChild adds a child to a family.
func CreateChild(ctx context.Context, tx *db.Tx, c Child) (*Child, error) {
	if c.ID == uuid.Nil {
		c.ID = shortbreaks.NewID()
	}
	if c.FundedSchemes == nil {
		c.FundedSchemes = []string{}
	}
	if err := gorm.G[Child](tx.DB).Create(ctx, &c); err != nil {
		return nil, fmt.Errorf("create child: %w", err)
	}
	return &c, nil
}

// AddMember adds an adult to a family; adding one twice changes nothing.
func AddMember(ctx context.Context, tx *db.Tx, m Member) error {
	if m.Relation == "" {
		m.Relation = "parent"
	}
	if err := gorm.G[Member](tx.DB, clause.OnConflict{DoNothing: true}).Create(ctx, &m); err != nil {
		return fmt.Errorf("add member of family: %w", err)
	}
	return nil
}

// CheckSiblings refuses a price for several children of a family where the
// family has fewer (0 of 0 asks nothing).
func CheckSiblings(ctx context.Context, tx *db.Tx, child *Child, no, of int) error {
	if no == 0 && of == 0 {
		return nil
	}
	var f shortbreaks.Faults
	f.Unless(of >= 1 && of <= 10, "/children", "Give 1 to 10.")
	f.Unless(no >= 1 && no <= of, "/child_number", "Give 1 to the number of children.")
	if err := f.As(errValues); err != nil {
		return err
	}
	family, err := gorm.G[Child](tx.DB).Where("authority_id = ? AND family_id = ?", child.AuthorityID, child.FamilyID).Count(ctx, "id")
	if err != nil {
		return fmt.Errorf("count the children of a family: %w", err)
	}
	f.Unless(int64(of) <= family, "/children", "The family has fewer children here.")
	return f.As(errValues)
}
