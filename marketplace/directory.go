package marketplace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ProviderDetail is what everybody may know of a provider.
type ProviderDetail struct {
	Provider    Provider
	Identifiers []IdentifierFact
	Members     []Member // of a consortium, today's
	Reliability *Reliability
}

// IdentifierFact is a number with who has looked it up.
type IdentifierFact struct {
	Identifier
	ConfirmedOn *time.Time // the first time; nil: unverified
	ConfirmedBy []string   // the names of the authorities
}

// GetProvider reads what is public of a provider.
func GetProvider(ctx context.Context, d *db.DB, id uuid.UUID) (*ProviderDetail, error) {
	var detail *ProviderDetail
	err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		detail, err = providerDetail(ctx, tx, id)
		return err
	})
	return detail, err
}

// ProviderQuery is which providers to list.
type ProviderQuery struct {
	Kind  string // one of ProviderKinds; "": every kind
	After uuid.UUID
	Limit int
}

// ListProviders lists providers of a kind, in the order they registered, and
// whether there are more. Nothing a provider pays or is moves it up (R052).
func ListProviders(ctx context.Context, d *db.DB, q ProviderQuery) (list []ProviderDetail, more bool, err error) {
	err = d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		query := gorm.G[Provider](tx.DB).Where("id > ?", q.After)
		if q.Kind != "" {
			query = query.Where("kind = ?", q.Kind)
		}
		found, err := query.Order("id").Limit(q.Limit + 1).Find(ctx)
		if err != nil {
			return fmt.Errorf("listing providers: %w", err)
		}
		found, more = paged(found, q.Limit)
		list, err = readProviders(ctx, tx, found)
		return err
	})
	return list, more, err
}

// paged cuts a list that was read one too far.
func paged[T any](rows []T, limit int) (page []T, more bool) {
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}

func providerDetail(ctx context.Context, tx *db.Tx, id uuid.UUID) (*ProviderDetail, error) {
	found, err := gorm.G[Provider](tx.DB).Where("id = ?", id).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading provider %s: %w", id, err)
	}
	if len(found) == 0 {
		return nil, shortbreaks.ErrNotFound.With("There is no such provider.")
	}
	details, err := readProviders(ctx, tx, found)
	if err != nil {
		return nil, err
	}
	return &details[0], nil
}

const sqlConfirmations = `
SELECT c.provider_id, c.scheme, c.value, min(c.confirmed_on), array_agg(DISTINCT a.name ORDER BY a.name)
FROM identifier_confirmation c
JOIN authority a ON a.id = c.authority_id
WHERE c.provider_id = ANY ($1)
GROUP BY c.provider_id, c.scheme, c.value`

// readProviders adds to providers what stands beside them, in a statement for
// each kind of fact.
func readProviders(ctx context.Context, tx *db.Tx, providers []Provider) ([]ProviderDetail, error) {
	ids := make([]uuid.UUID, 0, len(providers))
	for _, p := range providers {
		ids = append(ids, p.ID)
	}
	identifiers, err := gorm.G[Identifier](tx.DB).Where("provider_id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading identifiers: %w", err)
	}
	members, err := gorm.G[Member](tx.DB).Where("provider_id IN ? AND left_on IS NULL", ids).Order("name, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading members: %w", err)
	}
	reliability, err := readReliability(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	confirmed, err := readConfirmations(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	details := make([]ProviderDetail, len(providers))
	for i, p := range providers {
		details[i] = ProviderDetail{Provider: p, Reliability: reliability[p.ID]}
		for _, n := range identifiers {
			if n.ProviderID != p.ID {
				continue
			}
			fact := IdentifierFact{Identifier: n}
			for _, c := range confirmed {
				if c.Provider == p.ID && c.Scheme == n.Scheme && c.Value == n.Value {
					fact.ConfirmedOn, fact.ConfirmedBy = &c.On, c.By
				}
			}
			details[i].Identifiers = append(details[i].Identifiers, fact)
		}
		slices.SortFunc(details[i].Identifiers, func(a, b IdentifierFact) int {
			return slices.Index(IdentifierSchemes, a.Scheme) - slices.Index(IdentifierSchemes, b.Scheme)
		})
		for _, m := range members {
			if m.ProviderID == p.ID {
				details[i].Members = append(details[i].Members, m)
			}
		}
	}
	return details, nil
}

type confirmation struct {
	Provider      uuid.UUID
	Scheme, Value string
	On            time.Time
	By            []string
}

func readConfirmations(ctx context.Context, tx *db.Tx, providers []uuid.UUID) ([]confirmation, error) {
	rows, err := tx.PGX.Query(ctx, sqlConfirmations, providers)
	if err != nil {
		return nil, fmt.Errorf("reading confirmations: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[confirmation])
	if err != nil {
		return nil, fmt.Errorf("reading confirmations: %w", err)
	}
	return list, nil
}

// IdentifierCheck is a number somebody looked up in its register.
type IdentifierCheck struct {
	Provider  uuid.UUID
	Authority *uuid.UUID // nil: the only one the actor acts for
	Scheme    string
	Value     string // sent again, so that nobody confirms one that changed meanwhile
}

// ConfirmIdentifier says that a person of the authority looked a provider's
// number up and found it there. Confirming twice is confirming once.
func ConfirmIdentifier(ctx context.Context, d *db.DB, who shortbreaks.Actor, c IdentifierCheck) (*ProviderDetail, error) {
	if !who.Is(shortbreaks.Practitioner, shortbreaks.Commissioner) {
		return nil, shortbreaks.ErrForbidden
	}
	authority, err := chosenAuthority(who, c.Authority)
	if err != nil {
		return nil, err
	}
	var detail *ProviderDetail
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) (err error) {
		if detail, err = providerDetail(ctx, tx, c.Provider); err != nil {
			return err
		}
		tidy, _ := TidyIdentifier(c.Scheme, c.Value)
		stated := slices.ContainsFunc(detail.Identifiers, func(i IdentifierFact) bool { return i.Scheme == c.Scheme && i.Value == tidy })
		if !stated {
			words := "The provider does not give this number. Read it again."
			return shortbreaks.ErrInvalid.With(words).At("/value", words)
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO identifier_confirmation (authority_id, provider_id, scheme, value, confirmed_by, confirmed_on)
			VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`, authority, c.Provider, c.Scheme, tidy, who.Person, shortbreaks.Date(tx.Now))
		if err != nil {
			return fmt.Errorf("confirming an identifier of provider %s: %w", c.Provider, err)
		}
		detail, err = providerDetail(ctx, tx, c.Provider)
		return err
	})
	return detail, err
}
