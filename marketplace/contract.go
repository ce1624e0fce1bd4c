package marketplace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Contract is what an authority has agreed with a provider (R028). A price
// option that names it is used only for bookings of that authority within its
// dates (T31).
type Contract struct {
	AuthorityID uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	ProviderID  uuid.UUID
	Kind        string // one of ContractKinds
	Reference   string // the authority's own, unique with it
	Name        string
	StartsOn    time.Time // dates of service, midnight UTC
	EndsOn      time.Time
	CreatedBy   uuid.UUID
	CreatedAt   time.Time
}

// TableName is the table's.
func (Contract) TableName() string { return "contract" }

// ContractKinds are words of the contract, in its order.
var ContractKinds = []string{"framework", "block", "spot", "grant"}

// ErrContractReference refuses a reference an authority has used already.
var ErrContractReference = shortbreaks.NewError(shortbreaks.Conflict, "contract-reference-taken", "A contract has this reference already")

// NewContract is a contract to be recorded.
type NewContract struct {
	AuthorityID      *uuid.UUID // nil: the one the actor acts for
	ProviderID       uuid.UUID
	Kind             string
	Reference        string
	Name             string
	StartsOn, EndsOn time.Time
}

// CreateContract records a contract; a commissioner may, for their own
// authority. Errors: forbidden, not-found, invalid, contract-reference-taken.
func CreateContract(ctx context.Context, d *db.DB, who shortbreaks.Actor, c NewContract) (*Contract, error) {
	if !who.Is(shortbreaks.Commissioner) {
		return nil, shortbreaks.ErrForbidden
	}
	authority, err := chosenAuthority(who, c.AuthorityID)
	if err != nil {
		return nil, err
	}
	var f shortbreaks.Faults
	f.OneOf("/kind", c.Kind, ContractKinds)
	f.Text("/reference", c.Reference, 1, 60)
	f.Text("/name", c.Name, 1, 200)
	f.Unless(!c.StartsOn.IsZero() && !c.EndsOn.Before(c.StartsOn), "/ends_on", "The last date is before the first.")
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	made := Contract{
		AuthorityID: authority, ID: shortbreaks.NewID(), ProviderID: c.ProviderID, Kind: c.Kind, Reference: c.Reference, Name: c.Name,
		StartsOn: c.StartsOn, EndsOn: c.EndsOn, CreatedBy: who.Person,
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if _, err := gorm.G[Provider](tx.DB).Where("id = ?", c.ProviderID).First(ctx); errors.Is(err, gorm.ErrRecordNotFound) {
			return shortbreaks.ErrNotFound.With("There is no such provider.")
		} else if err != nil {
			return fmt.Errorf("reading provider %s: %w", c.ProviderID, err)
		}
		made.CreatedAt = tx.Now
		err := gorm.G[Contract](tx.DB).Create(ctx, &made)
		var sql *pgconn.PgError
		if errors.As(err, &sql) && sql.ConstraintName == "contract_authority_id_reference_key" {
			return ErrContractReference.With("Nothing was recorded. Give another reference, or look at the one there is.")
		}
		if err != nil {
			return fmt.Errorf("recording a contract: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &made, nil
}

// Contracts lists the contracts within reach, the newest first: an
// authority's own, or a provider's own. after is the last of the page before.
func Contracts(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (list []Contract, more bool, err error) {
	if !who.Is(shortbreaks.Commissioner, shortbreaks.Finance, shortbreaks.Auditor, shortbreaks.ProviderOwner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		q := gorm.G[Contract](tx.DB).Order("id DESC").Limit(limit + 1)
		if after != uuid.Nil {
			q = q.Where("id < ?", after)
		}
		list, err = q.Find(ctx)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("listing contracts: %w", err)
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return list, more, nil
}

// ContractsFor are the contracts of an authority that hold on all dates from
// first to last; those whose prices its bookings may use (T31).
func ContractsFor(ctx context.Context, tx *db.Tx, authority uuid.UUID, first, last time.Time) ([]uuid.UUID, error) {
	found, err := gorm.G[Contract](tx.DB).Where("authority_id = ? AND starts_on <= ? AND ends_on >= ?", authority, first, last).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the contracts of authority %s: %w", authority, err)
	}
	ids := make([]uuid.UUID, len(found))
	for i, c := range found {
		ids[i] = c.ID
	}
	return ids, nil
}
