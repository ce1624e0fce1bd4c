package marketplace

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ProviderKinds are what a provider can be.
var ProviderKinds = []string{"company", "charity", "council_in_house", "sole_trader", "consortium"}

// ProviderDraft is what a provider says of itself. Every number is optional.
type ProviderDraft struct {
	Kind          string
	Name          string
	Description   string
	WebAddress    string
	Languages     []string
	StaffCount    int // below three, components of a price may be merged (R136)
	CompanyNumber string
	CharityNumber string
	OfstedURN     string
	CQCLocation   string
	Members       []MemberDraft // of a consortium only
}

// MemberDraft is an organisation of a consortium (R029).
type MemberDraft struct {
	Name          string
	CompanyNumber string
	CharityNumber string
}

// Member is an organisation of a consortium; it sells through it and need not
// be a provider here.
type Member struct {
	ProviderID    uuid.UUID `gorm:"primaryKey"`
	ID            uuid.UUID `gorm:"primaryKey"`
	Name          string
	CompanyNumber string
	CharityNumber string
	JoinedOn      time.Time
	LeftOn        *time.Time
}

// TableName is the table's.
func (Member) TableName() string { return "provider_member" }

// Owning makes a person the owner of a new provider, in the transaction that
// makes it. Roles are people's; it is handed in because this package may not
// import that one.
type Owning func(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, provider uuid.UUID) error

// RegisterProvider lets anybody who has signed in register a provider; that
// person becomes its owner. Nothing of it can be booked before its offers are
// costed and its credentials on file, so registering asks nobody's leave.
func RegisterProvider(ctx context.Context, d *db.DB, who shortbreaks.Actor, draft ProviderDraft, own Owning) (*ProviderDetail, error) {
	if who.Person == uuid.Nil {
		return nil, shortbreaks.ErrForbidden
	}
	if err := draft.check().As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	id := shortbreaks.NewID()
	scope := db.For(who)
	scope.Providers = append(slices.Clip(scope.Providers), id)
	var detail *ProviderDetail
	err := d.Do(ctx, scope, func(tx *db.Tx) error {
		_, err := CreateProvider(ctx, tx, Provider{
			ID: id, Name: strings.TrimSpace(draft.Name), StaffCount: draft.StaffCount, Kind: draft.Kind,
			Description: strings.TrimSpace(draft.Description), WebAddress: strings.TrimSpace(draft.WebAddress), Languages: tidyList(draft.Languages),
		})
		if err != nil {
			return err
		}
		if err := draft.writeParts(ctx, tx, id); err != nil {
			return err
		}
		if err := own(ctx, tx, who, id); err != nil {
			return err
		}
		detail, err = providerDetail(ctx, tx, id)
		return err
	})
	return detail, err
}

const sqlUpdateProvider = `UPDATE provider SET kind = $2, name = $3, description = $4, web_address = $5, languages = $6, staff_count = $7 WHERE id = $1`

// UpdateProvider replaces what a provider says of itself. A number that
// changes is unverified again; a member left out has left today.
func UpdateProvider(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, draft ProviderDraft) (*ProviderDetail, error) {
	if err := reach(who, id, shortbreaks.ProviderOwner); err != nil {
		return nil, err
	}
	if err := draft.check().As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	var detail *ProviderDetail
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		tag, err := tx.PGX.Exec(ctx, sqlUpdateProvider, id, draft.Kind, strings.TrimSpace(draft.Name), strings.TrimSpace(draft.Description),
			strings.TrimSpace(draft.WebAddress), tidyList(draft.Languages), draft.StaffCount)
		if err != nil {
			return fmt.Errorf("updating provider %s: %w", id, err)
		}
		if tag.RowsAffected() != 1 {
			return errNoProvider
		}
		if err := draft.writeParts(ctx, tx, id); err != nil {
			return err
		}
		detail, err = providerDetail(ctx, tx, id)
		return err
	})
	return detail, err
}

var errNoProvider = shortbreaks.ErrNotFound.With("There is no such provider within your reach.")

// reach refuses an actor in another role, and one that does not act for the
// provider.
func reach(who shortbreaks.Actor, provider uuid.UUID, roles ...shortbreaks.Role) error {
	if !who.Is(roles...) {
		return shortbreaks.ErrForbidden
	}
	if !who.ForProvider(provider) {
		return errNoProvider
	}
	return nil
}

// check notes every value of the draft that breaks a rule.
func (d ProviderDraft) check() *shortbreaks.Faults {
	f := &shortbreaks.Faults{}
	f.OneOf("/kind", d.Kind, ProviderKinds)
	f.Text("/name", d.Name, 2, 120)
	f.Text("/description", d.Description, 0, 2000)
	f.Unless(d.WebAddress == "" || isWebAddress(d.WebAddress), "/web_address", "Give an address such as https://example.org.")
	checkList(f, "/languages", d.Languages)
	f.Within("/staff_count", d.StaffCount, 0, 100_000)
	checkIdentifier(f, "/company_number", "company", d.CompanyNumber)
	checkIdentifier(f, "/charity_number", "charity", d.CharityNumber)
	checkIdentifier(f, "/ofsted_urn", "ofsted", d.OfstedURN)
	checkIdentifier(f, "/cqc_location", "cqc", d.CQCLocation)
	f.Unless(len(d.Members) == 0 || d.Kind == "consortium", "/members", "Only a consortium has member organisations.")
	f.Unless(len(d.Members) <= 100, "/members", "Give at most 100 members.")
	seen := map[string]bool{}
	for i, m := range d.Members {
		at := fmt.Sprintf("/members/%d", i)
		f.Text(at+"/name", m.Name, 2, 120)
		f.Unless(!seen[memberKey(m.Name)], at+"/name", "This member is there twice.")
		seen[memberKey(m.Name)] = true
		checkIdentifier(f, at+"/company_number", "company", m.CompanyNumber)
		checkIdentifier(f, at+"/charity_number", "charity", m.CharityNumber)
	}
	return f
}

func memberKey(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// isWebAddress takes addresses a browser opens without asking.
func isWebAddress(s string) bool {
	u, err := url.Parse(strings.TrimSpace(s))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && strings.Contains(u.Host, ".") && u.User == nil && len(s) <= 300
}

// checkList notes a list of short words, such as languages or skills.
func checkList(f *shortbreaks.Faults, at string, list []string) {
	f.Unless(len(list) <= 30, at, "Give at most 30.")
	for i, word := range list {
		f.Text(fmt.Sprintf("%s/%d", at, i), word, 2, 60)
	}
}

// tidyList is a list as it is kept: trimmed, each once, never null.
func tidyList(list []string) []string {
	out := make([]string, 0, len(list))
	for _, word := range list {
		if word = strings.TrimSpace(word); !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// writeParts brings identifiers and members to what the draft says.
func (d ProviderDraft) writeParts(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
	if _, err := tx.PGX.Exec(ctx, `DELETE FROM provider_identifier WHERE provider_id = $1`, id); err != nil {
		return fmt.Errorf("writing the identifiers of provider %s: %w", id, err)
	}
	if err := insert(ctx, tx, d.identifiers(id, tx.Now)); err != nil {
		return fmt.Errorf("writing the identifiers of provider %s: %w", id, err)
	}
	before, err := gorm.G[Member](tx.DB).Where("provider_id = ? AND left_on IS NULL", id).Find(ctx)
	if err != nil {
		return fmt.Errorf("reading the members of provider %s: %w", id, err)
	}
	today := shortbreaks.Date(tx.Now)
	var fresh []Member
	stay := map[uuid.UUID]bool{}
	for _, m := range d.Members {
		company, _ := TidyIdentifier("company", m.CompanyNumber)
		charity, _ := TidyIdentifier("charity", m.CharityNumber)
		i := slices.IndexFunc(before, func(b Member) bool { return memberKey(b.Name) == memberKey(m.Name) })
		if i >= 0 && before[i].CompanyNumber == company && before[i].CharityNumber == charity {
			stay[before[i].ID] = true
			continue
		}
		fresh = append(fresh, Member{
			ProviderID: id, ID: shortbreaks.NewID(), Name: strings.TrimSpace(m.Name), CompanyNumber: company, CharityNumber: charity, JoinedOn: today,
		})
	}
	for _, b := range before {
		if !stay[b.ID] {
			if _, err := gorm.G[Member](tx.DB).Where("provider_id = ? AND id = ?", id, b.ID).Update(ctx, "left_on", today); err != nil {
				return fmt.Errorf("ending a member of provider %s: %w", id, err)
			}
		}
	}
	if err := insert(ctx, tx, fresh); err != nil {
		return fmt.Errorf("writing the members of provider %s: %w", id, err)
	}
	return nil
}

// lockProvider makes changes of one provider's file follow each other.
func lockProvider(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
	err := tx.PGX.QueryRow(ctx, `SELECT id FROM provider WHERE id = $1 FOR UPDATE`, id).Scan(&id)
	if errors.Is(err, errNoRows) {
		return errNoProvider
	}
	if err != nil {
		return fmt.Errorf("locking provider %s: %w", id, err)
	}
	return nil
}
