package marketplace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// CredentialKinds are what can be in a provider's file.
var CredentialKinds = []string{
	"ofsted", "cqc", "insurance_public_liability", "insurance_employers", "insurance_vehicle", "dbs_enhanced", "dbs_update_service",
	"first_aid", "safeguarding_training", "food_hygiene", "manual_handling", "medication_training",
}

// The words for each kind, and what is a worker's and not the provider's.
var (
	credentialWords = map[string]string{
		"ofsted": "Ofsted registration", "cqc": "CQC registration", "insurance_public_liability": "public liability insurance",
		"insurance_employers": "employers' liability insurance", "insurance_vehicle": "vehicle insurance", "dbs_enhanced": "enhanced DBS check",
		"dbs_update_service": "DBS update service", "first_aid": "first aid certificate", "safeguarding_training": "safeguarding training",
		"food_hygiene": "food hygiene certificate", "manual_handling": "training in moving and handling", "medication_training": "training in giving medication",
	}
	providersOwn  = []string{"ofsted", "cqc", "insurance_public_liability", "insurance_employers", "insurance_vehicle"}
	dbsKinds      = []string{"dbs_enhanced", "dbs_update_service"}
	dbsLevels     = []string{"enhanced", "enhanced_with_barred_list"}
	dbsWorkforces = []string{"child", "adult", "child_and_adult"}
)

// CredentialWords is a kind of credential as people call it.
func CredentialWords(kind string) string { return credentialWords[kind] }

// Credential is a registration, insurance, check or certificate. Of a DBS
// check it keeps date, level and workforce, when the update service was asked
// and by whom; there is no place for what the certificate says (L13).
type Credential struct {
	ProviderID      uuid.UUID  `gorm:"primaryKey"`
	ID              uuid.UUID  `gorm:"primaryKey"`
	WorkerID        *uuid.UUID // whose it is; nil: the provider's own
	Kind            string     // one of CredentialKinds
	Reference       string     // a policy's or registration's number; never of a DBS check
	IssuedOn        time.Time
	ExpiresOn       *time.Time // the last day it counts; nil: no end
	Evidence        string     // what was seen, in words; never of a DBS check
	CheckedOn       *time.Time
	CheckedBy       *uuid.UUID // the person of the provider who saw it
	DBSLevel        *string    `gorm:"column:dbs_level"`
	DBSWorkforce    *string    `gorm:"column:dbs_workforce"`
	UpdateCheckedOn *time.Time // with the update service
	AddedAt         time.Time
	AddedBy         uuid.UUID
	WithdrawnAt     *time.Time // taken out of the file
}

// TableName is the table's.
func (Credential) TableName() string { return "credential" }

// CredentialDraft is a credential as the provider's owner enters it; whoever
// enters a checked_on says they saw it themselves.
type CredentialDraft struct {
	Kind            string
	WorkerID        *uuid.UUID
	Reference       string
	IssuedOn        time.Time
	ExpiresOn       *time.Time
	Evidence        string
	CheckedOn       *time.Time
	DBSLevel        string
	DBSWorkforce    string
	UpdateCheckedOn *time.Time
}

// CredentialDetail is a credential with what authorities made of it.
type CredentialDetail struct {
	Credential
	WorkerName  string       // for the provider; an authority reads none
	Acceptances []Acceptance // the newest of each authority in reach
}

// AddCredential puts a credential on the provider's file. Older ones stay, so
// that a renewal leaves no gap.
func AddCredential(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID, draft CredentialDraft) (*CredentialDetail, error) {
	if err := reach(who, provider, shortbreaks.ProviderOwner); err != nil {
		return nil, err
	}
	var detail *CredentialDetail
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		put, err := PutOnFile(ctx, tx, who, provider, draft)
		if err != nil {
			return err
		}
		detail = &put[0]
		return nil
	})
	return detail, err
}

// PutOnFile adds credentials to the file of a provider of the scope, whose
// owner the actor is; all or none.
func PutOnFile(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, provider uuid.UUID, drafts ...CredentialDraft) ([]CredentialDetail, error) {
	if err := lockProvider(ctx, tx, provider); err != nil {
		return nil, err
	}
	names, err := WorkersNamed(ctx, tx, provider)
	if err != nil {
		return nil, err
	}
	list, rows := make([]CredentialDetail, 0, len(drafts)), make([]Credential, 0, len(drafts))
	for _, draft := range drafts {
		f := draft.check(shortbreaks.Date(tx.Now))
		detail := CredentialDetail{Credential: draft.credential(provider, who.Person, tx.Now)}
		if draft.WorkerID != nil {
			name, known := names[*draft.WorkerID]
			f.Unless(known, "/worker_id", "This provider has no such worker.")
			detail.WorkerName = name
		}
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return nil, err
		}
		list, rows = append(list, detail), append(rows, detail.Credential)
	}
	if err := insert(ctx, tx, rows); err != nil {
		return nil, fmt.Errorf("adding credentials to provider %s: %w", provider, err)
	}
	return list, refreshCover(ctx, tx, provider)
}

func (d CredentialDraft) credential(provider, by uuid.UUID, now time.Time) Credential {
	c := Credential{
		ProviderID: provider, ID: shortbreaks.NewID(), WorkerID: d.WorkerID, Kind: d.Kind, Reference: strings.TrimSpace(d.Reference), IssuedOn: d.IssuedOn,
		ExpiresOn: d.ExpiresOn, Evidence: strings.TrimSpace(d.Evidence), CheckedOn: d.CheckedOn, UpdateCheckedOn: d.UpdateCheckedOn, AddedAt: now, AddedBy: by,
	}
	if d.CheckedOn != nil || d.UpdateCheckedOn != nil {
		c.CheckedBy = &by
	}
	if slices.Contains(dbsKinds, d.Kind) {
		c.DBSLevel, c.DBSWorkforce = &d.DBSLevel, &d.DBSWorkforce
	}
	return c
}

// check notes every value that breaks a rule.
func (d CredentialDraft) check(today time.Time) *shortbreaks.Faults {
	f := &shortbreaks.Faults{}
	f.OneOf("/kind", d.Kind, CredentialKinds)
	if slices.Contains(providersOwn, d.Kind) {
		f.Unless(d.WorkerID == nil, "/worker_id", "This is the provider's own, not a worker's.")
	} else {
		f.Unless(d.WorkerID != nil, "/worker_id", "Say which worker holds it.")
	}
	f.Text("/reference", d.Reference, 0, 80)
	f.Text("/evidence", d.Evidence, 0, 500)
	f.Unless(d.ExpiresOn == nil || !d.ExpiresOn.Before(d.IssuedOn), "/expires_on", "It ends before it begins.")
	for at, on := range map[string]*time.Time{"/checked_on": d.CheckedOn, "/update_checked_on": d.UpdateCheckedOn} {
		f.Unless(on == nil || !on.After(today), at, "This day is still to come.")
	}
	if slices.Contains(dbsKinds, d.Kind) {
		f.Unless(strings.TrimSpace(d.Reference) == "", "/reference", "Of a DBS check only dates, level and workforce are kept.")
		f.Unless(strings.TrimSpace(d.Evidence) == "", "/evidence", "Of a DBS check only dates, level and workforce are kept.")
		f.OneOf("/dbs_level", d.DBSLevel, dbsLevels)
		f.OneOf("/dbs_workforce", d.DBSWorkforce, dbsWorkforces)
		return f
	}
	f.Unless(d.DBSLevel == "", "/dbs_level", "This is of a DBS check only.")
	f.Unless(d.DBSWorkforce == "", "/dbs_workforce", "This is of a DBS check only.")
	f.Unless(d.UpdateCheckedOn == nil, "/update_checked_on", "This is of a DBS check only.")
	return f
}

// WithdrawCredential takes a credential out of the file: it was entered by
// mistake, or has been taken away. It is kept and counts no longer.
func WithdrawCredential(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, id uuid.UUID) (*CredentialDetail, error) {
	if err := reach(who, provider, shortbreaks.ProviderOwner); err != nil {
		return nil, err
	}
	var detail *CredentialDetail
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		if err := lockProvider(ctx, tx, provider); err != nil {
			return err
		}
		_, err := gorm.G[Credential](tx.DB).Where("provider_id = ? AND id = ? AND withdrawn_at IS NULL", provider, id).Update(ctx, "withdrawn_at", tx.Now)
		if err != nil {
			return fmt.Errorf("withdrawing credential %s: %w", id, err)
		}
		found, err := readCredentials(ctx, tx, who, "provider_id = ? AND id = ?", provider, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoCredential
		}
		detail = &found[0]
		return refreshCover(ctx, tx, provider)
	})
	return detail, err
}

var errNoCredential = shortbreaks.ErrNotFound.With("This provider has no such credential.")

// fileReaders may read a provider's file: its own people who run it, and staff
// of an authority who check providers. A family and a worker may not.
var fileReaders = []shortbreaks.Role{
	shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Practitioner, shortbreaks.Commissioner, shortbreaks.Auditor,
}

// fileScope is the scope in which an actor reads one provider's file. Staff of
// an authority check every provider, so the provider joins their scope for
// this transaction once the role has been looked at.
func fileScope(who shortbreaks.Actor, provider uuid.UUID) (db.Scope, error) {
	if !who.Is(fileReaders...) {
		return db.Scope{}, shortbreaks.ErrForbidden
	}
	if who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return db.For(who), reach(who, provider, who.Role)
	}
	return db.Scope{Person: who.Person, Authorities: who.Authorities, Providers: []uuid.UUID{provider}}, nil
}

// ListCredentials lists a provider's file, and whether there is more. Staff of
// an authority read their own acceptances and no worker's name; the provider
// reads every authority's.
func ListCredentials(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider, after uuid.UUID, limit int) (list []CredentialDetail, more bool, err error) {
	scope, err := fileScope(who, provider)
	if err != nil {
		return nil, false, err
	}
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		if _, err := providerDetail(ctx, tx, provider); err != nil {
			return err
		}
		list, err = readCredentials(ctx, tx, who, "provider_id = ? AND id > ? ORDER BY id LIMIT ?", provider, after, limit+1)
		list, more = paged(list, limit)
		return err
	})
	return list, more, err
}

func readCredentials(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, where string, args ...any) ([]CredentialDetail, error) {
	found, err := gorm.G[Credential](tx.DB).Raw("SELECT * FROM credential WHERE "+where, args...).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading credentials: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	provider := found[0].ProviderID
	names := map[uuid.UUID]string{}
	query := gorm.G[Acceptance](tx.DB).Where("provider_id = ?", provider)
	if who.ForProvider(provider) {
		if names, err = WorkersNamed(ctx, tx, provider); err != nil {
			return nil, err
		}
	} else {
		query = query.Where("authority_id IN ?", who.Authorities)
	}
	decided, err := query.Order("decided_at DESC, id DESC").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading acceptances: %w", err)
	}
	list := make([]CredentialDetail, 0, len(found))
	for _, c := range found {
		detail := CredentialDetail{Credential: c}
		if c.WorkerID != nil {
			detail.WorkerName = names[*c.WorkerID]
		}
		for _, a := range decided {
			known := slices.ContainsFunc(detail.Acceptances, func(b Acceptance) bool { return b.AuthorityID == a.AuthorityID })
			if a.CredentialID == c.ID && !known {
				detail.Acceptances = append(detail.Acceptances, a)
			}
		}
		list = append(list, detail)
	}
	return list, nil
}
