package marketplace

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Acceptance is what an authority made of a credential, for itself alone: one
// file, each its own judge.
type Acceptance struct {
	AuthorityID  uuid.UUID `gorm:"primaryKey"`
	ID           uuid.UUID `gorm:"primaryKey"`
	ProviderID   uuid.UUID
	CredentialID uuid.UUID
	Decision     string     // accepted or refused
	Until        *time.Time // of an acceptance; nil: as long as the credential
	Reason       string     // of a refusal, always
	DecidedBy    uuid.UUID
	DecidedAt    time.Time
}

// TableName is the table's.
func (Acceptance) TableName() string { return "credential_acceptance" }

// CredentialDecision is an authority's word on a credential.
type CredentialDecision struct {
	Provider   uuid.UUID
	Credential uuid.UUID
	Authority  *uuid.UUID // nil: the only one the actor acts for
	Accept     bool
	Until      *time.Time // of an acceptance
	Reason     string     // of a refusal, always
}

// AcceptCredential records what the actor's authority makes of a credential:
// accepted, for a time or as long as it lasts, or refused with a reason. The
// newest counts; what was said before stays. Other authorities are not bound.
func AcceptCredential(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CredentialDecision) (*CredentialDetail, error) {
	if !who.Is(shortbreaks.Practitioner, shortbreaks.Commissioner) {
		return nil, shortbreaks.ErrForbidden
	}
	authority, err := chosenAuthority(who, c.Authority)
	if err != nil {
		return nil, err
	}
	scope, err := fileScope(who, c.Provider)
	if err != nil {
		return nil, err
	}
	var detail *CredentialDetail
	err = d.Do(ctx, scope, func(tx *db.Tx) error {
		found, err := readCredentials(ctx, tx, who, "provider_id = ? AND id = ?", c.Provider, c.Credential)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoCredential
		}
		if err := c.check(found[0].Credential, shortbreaks.Date(tx.Now)).As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		if err := insert(ctx, tx, []Acceptance{c.acceptance(authority, who.Person, tx.Now)}); err != nil {
			return fmt.Errorf("deciding on credential %s: %w", c.Credential, err)
		}
		found, err = readCredentials(ctx, tx, who, "provider_id = ? AND id = ?", c.Provider, c.Credential)
		if err != nil {
			return err
		}
		detail = &found[0]
		return nil
	})
	return detail, err
}

func (c CredentialDecision) check(of Credential, today time.Time) *shortbreaks.Faults {
	f := &shortbreaks.Faults{}
	if !c.Accept {
		f.Text("/reason", c.Reason, 3, 500)
		f.Unless(c.Until == nil, "/until", "A refusal has no end; accept it later if it changes.")
		return f
	}
	f.Text("/reason", c.Reason, 0, 500)
	f.Unless(of.WithdrawnAt == nil, "/decision", "The provider took it out of its file.")
	f.Unless(c.Until == nil || !c.Until.Before(today), "/until", "This day is past.")
	return f
}

func (c CredentialDecision) acceptance(authority, by uuid.UUID, now time.Time) Acceptance {
	a := Acceptance{
		AuthorityID: authority, ID: shortbreaks.NewID(), ProviderID: c.Provider, CredentialID: c.Credential,
		Decision: "refused", Until: c.Until, Reason: strings.TrimSpace(c.Reason), DecidedBy: by, DecidedAt: now,
	}
	if c.Accept {
		a.Decision = "accepted"
	}
	return a
}

// chosenAuthority is the one named, or the only one the actor acts for.
func chosenAuthority(who shortbreaks.Actor, named *uuid.UUID) (uuid.UUID, error) {
	switch {
	case named != nil && who.ForAuthority(*named):
		return *named, nil
	case named != nil:
		return uuid.Nil, shortbreaks.ErrNotFound.With("There is no such authority within your reach.")
	case len(who.Authorities) == 1:
		return who.Authorities[0], nil
	}
	words := "You act for several authorities; say which."
	return uuid.Nil, shortbreaks.ErrInvalid.With(words).At("/authority_id", words)
}
