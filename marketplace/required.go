package marketplace

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The refusals for want of a credential or of staff.
var (
	ErrCredentialMissing = shortbreaks.NewError(shortbreaks.Conflict, "credential-missing", "A credential this offer needs is not on file")
	ErrCredentialLapsed  = shortbreaks.NewError(shortbreaks.Conflict, "credential-lapsed", "A credential this offer needs does not count on that date")
	ErrRatioTooLow       = shortbreaks.NewError(shortbreaks.Invalid, "ratio-too-low", "There are too few staff for children of this age")
)

// CredentialRule says when a kind of credential is required: by what is
// offered, the child's age on the date, the hours of a day, nights, personal
// care and how often (L12, L13). Rules are data with days from and to; what
// they say by default is in migration 10.
type CredentialRule struct {
	Code         string    `gorm:"primaryKey"`
	StartsOn     time.Time `gorm:"primaryKey"`
	EndsOn       *time.Time
	Categories   []string `gorm:"serializer:json"` // none: every category
	AgeFrom      int
	AgeTo        int
	OverMinutes  int   // only for more than this on a day
	Overnight    *bool // nil: either
	PersonalCare *bool
	Frequent     *bool
	Kind         string
	Holders      string // provider, one (worker) or each (of as many as the offer's ratio has)
	Words        string
	Basis        string // the need it comes from: L12
}

// TableName is the table's.
func (CredentialRule) TableName() string { return "credential_rule" }

// RatioRule is the most children one member of staff may have, by age.
type RatioRule struct {
	Code             string    `gorm:"primaryKey"`
	StartsOn         time.Time `gorm:"primaryKey"`
	EndsOn           *time.Time
	Register         string // early_years: where Ofsted registers the care; any
	AgeFrom          int
	AgeTo            int
	ChildrenPerStaff int
	Binding          bool // false: advice, shown and not enforced
	Words            string
}

// TableName is the table's.
func (RatioRule) TableName() string { return "ratio_rule" }

// Facts are what rules look at in an offer.
type Facts struct {
	Category      string
	AgeFrom       int
	AgeTo         int
	DayMinutes    int  // the longest day
	Overnight     bool // any of it between 2 and 6 in the morning
	PersonalCare  bool
	Frequent      bool // four days in thirty, or more
	RatioStaff    int
	RatioChildren int
}

// Requirement is a credential an offer needs, with the rule's words.
type Requirement struct {
	Kind    string
	Needed  int // how many must hold it; 1 where it is the provider's own
	Words   string
	Basis   string
	AgeFrom int // the ages it is for
	AgeTo   int
}

func within(starts time.Time, ends *time.Time, on time.Time) bool {
	return !on.Before(starts) && (ends == nil || !on.After(*ends))
}

// applies reports whether the rule asks for its credential.
func (r CredentialRule) applies(f Facts, age int, on time.Time) bool {
	like := func(wanted *bool, is bool) bool { return wanted == nil || *wanted == is }
	return within(r.StartsOn, r.EndsOn, on) && (len(r.Categories) == 0 || slices.Contains(r.Categories, f.Category)) &&
		age >= r.AgeFrom && age <= r.AgeTo && (r.OverMinutes == 0 || f.DayMinutes > r.OverMinutes) &&
		like(r.Overnight, f.Overnight) && like(r.PersonalCare, f.PersonalCare) && like(r.Frequent, f.Frequent)
}

// needed is how many must hold what the rule asks for.
func (r CredentialRule) needed(f Facts) int {
	if r.Holders == "each" {
		return max(1, f.RatioStaff)
	}
	return 1
}

// Required is what an offer needs for a child of this age on a date, each kind
// once, with the words of the rule that asks for most.
func Required(rules []CredentialRule, f Facts, age int, on time.Time) (list []Requirement) {
	for _, r := range rules {
		if !r.applies(f, age, on) {
			continue
		}
		i := slices.IndexFunc(list, func(q Requirement) bool { return q.Kind == r.Kind })
		switch n := r.needed(f); {
		case i < 0:
			list = append(list, Requirement{r.Kind, n, r.Words, r.Basis, age, age})
		case n > list[i].Needed:
			list[i].Needed, list[i].Words, list[i].Basis = n, r.Words, r.Basis
		}
	}
	return list
}

// RequiredOfAll is what an offer needs for all the ages it serves.
func RequiredOfAll(rules []CredentialRule, f Facts, on time.Time) (list []Requirement) {
	for age := f.AgeFrom; age <= f.AgeTo; age++ {
		for _, q := range Required(rules, f, age, on) {
			i := slices.IndexFunc(list, func(known Requirement) bool { return known.Kind == q.Kind })
			if i < 0 {
				list = append(list, q)
				continue
			}
			list[i].Needed, list[i].AgeTo = max(list[i].Needed, q.Needed), age
		}
	}
	return list
}

// RatioFinding is a ratio rule that speaks about an offer.
type RatioFinding struct {
	Rule RatioRule
	Met  bool
}

// Ratios is what the ratio rules say of an offer on a date. The early years'
// apply where the care is registered with Ofsted for children of that age.
func Ratios(rules []RatioRule, credentials []CredentialRule, f Facts, on time.Time) (list []RatioFinding) {
	for _, r := range rules {
		if !within(r.StartsOn, r.EndsOn, on) {
			continue
		}
		for age := max(f.AgeFrom, r.AgeFrom); age <= min(f.AgeTo, r.AgeTo); age++ {
			registered := slices.ContainsFunc(Required(credentials, f, age, on), func(q Requirement) bool { return q.Kind == "ofsted" })
			if r.Register == "any" || registered {
				list = append(list, RatioFinding{r, f.RatioChildren <= r.ChildrenPerStaff*f.RatioStaff})
				break
			}
		}
	}
	return list
}

// ruleBook is both tables of rules and one provider's cover, read for one
// transaction.
type ruleBook struct {
	credentials []CredentialRule
	ratios      []RatioRule
	cover       []Cover
}

const (
	sqlRules = `SELECT code, starts_on, ends_on, categories, age_from, age_to, over_minutes, overnight, personal_care, frequent, kind, holders, words, basis
FROM credential_rule ORDER BY kind, code, starts_on`
	sqlRatioRules = `SELECT code, starts_on, ends_on, register, age_from, age_to, children_per_staff, binding, words FROM ratio_rule ORDER BY NOT binding, age_from, code, starts_on`
	sqlCover      = `SELECT provider_id, kind, starts_on, ends_on, holders FROM credential_cover WHERE provider_id = $1 ORDER BY kind, starts_on`
)

// readBook reads both tables and the cover in one round trip.
func readBook(ctx context.Context, tx *db.Tx, provider uuid.UUID) (b ruleBook, err error) {
	var batch pgx.Batch
	batch.Queue(sqlRules).Query(func(rows pgx.Rows) (err error) {
		b.credentials, err = pgx.CollectRows(rows, pgx.RowToStructByPos[CredentialRule])
		return err
	})
	batch.Queue(sqlRatioRules).Query(func(rows pgx.Rows) (err error) {
		b.ratios, err = pgx.CollectRows(rows, pgx.RowToStructByPos[RatioRule])
		return err
	})
	batch.Queue(sqlCover, provider).Query(func(rows pgx.Rows) (err error) {
		b.cover, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Cover])
		return err
	})
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return ruleBook{}, fmt.Errorf("reading the rules of credentials for provider %s: %w", provider, err)
	}
	return b, nil
}

// publishable refuses an offer whose provider lacks a credential it needs, or
// whose staff are too few, naming every one and why.
func (b ruleBook) publishable(f Facts, today time.Time) error {
	var short shortbreaks.Faults
	for _, found := range Ratios(b.ratios, b.credentials, f, today) {
		short.Unless(found.Met || !found.Rule.Binding, "/ratio", "%s", found.Rule.Words)
	}
	if err := short.As(ErrRatioTooLow); err != nil {
		return err
	}
	var missing shortbreaks.Faults
	for _, q := range RequiredOfAll(b.credentials, f, today) {
		if holdersOn(b.cover, q.Kind, today) < q.Needed {
			missing.Add("", "%s", q.missing())
		}
	}
	if missing.None() {
		return nil
	}
	var all []string
	for _, m := range missing.Fields {
		all = append(all, m.Detail)
	}
	return missing.As(ErrCredentialMissing.With("It was not published. " + strings.Join(all, " ")))
}

// missing says what is not there and why it is asked for.
func (q Requirement) missing() string {
	words := shortbreaks.Capital(CredentialWords(q.Kind)) + " is not on file"
	if q.Needed > 1 {
		words += fmt.Sprintf(" for %d workers", q.Needed)
	}
	return words + ". " + q.Words
}
