package budgets

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// The verdicts of a rule (L18): the money may be spent so; a person decides
// first; it may not.
const (
	RuleAllows  = "allowed"
	RuleAsks    = "ask"
	RuleForbids = "not_allowed"
)

// FundingRule says what a stream of an authority pays for (R091). A rule that
// changes gets another version; the one in force on the day of the support
// counts.
type FundingRule struct {
	AuthorityID uuid.UUID
	Code        string
	Version     int
	Stream      string
	Verdict     string   // one of the Rule constants
	Categories  []string // none: any
	Kinds       []string // of charge; none: any
	Words       string   // for a family
	StartsOn    time.Time
	Retired     bool // from StartsOn on there is no such rule
	MadeBy      uuid.UUID
	MadeAt      time.Time
}

const ruleColumns = `authority_id, code, version, stream, verdict, categories, kinds, words, starts_on, retired, made_by, made_at`

// Reason is why money may be spent or not: by which rule, in which version,
// and from which facts. It is kept with a booking as it was.
type Reason struct {
	Verdict string
	Rule    string
	Version int
	Facts   []Fact
}

// Fact is one thing a verdict relied on.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// planLinePays is the rule every authority has: a line of the plan that
// somebody approved pays for what it says, on its dates. Its version grows if
// the rule itself is ever changed.
const (
	planLinePays        = "plan-line-pays"
	planLinePaysVersion = 1
)

// decide is fund, with the rules of the streams that would pay, and why. Where
// a rule forbids one line, another may still pay.
func (f *funds) decide(ask FundAsk) Funding {
	var forbidden *Funding
	for rest := *f; ; {
		d := rest.fund(ask)
		d.Reason = Reason{Verdict: RuleForbids, Rule: planLinePays, Version: planLinePaysVersion, Facts: ask.facts()}
		if !d.Allowed && forbidden != nil {
			return *forbidden
		}
		if !d.Allowed {
			return d
		}
		at := slices.IndexFunc(rest.lines, func(l PlanLine) bool { return l.ID == *d.Line })
		d.Reason = PaidBy(rest.lines[at], ask)
		rule := f.strictest(ask, d.Shares)
		if rule == nil {
			return d
		}
		d.Verdict, d.Rule, d.Version, d.Because = rule.Verdict, rule.Code, rule.Version, rule.Words
		d.Facts = append(d.Facts, Fact{"stream", rule.Stream})
		if rule.Verdict != RuleForbids {
			return d
		}
		if forbidden == nil {
			forbidden = &Funding{Because: d.Because, Reason: d.Reason}
		}
		rest.lines = slices.Delete(slices.Clone(rest.lines), at, at+1)
	}
}

// PaidBy is why a line of the plan pays for a charge, where no rule says more.
func PaidBy(l PlanLine, ask FundAsk) Reason {
	return Reason{Verdict: RuleAllows, Rule: planLinePays, Version: planLinePaysVersion, Facts: append(ask.facts(), l.facts()...)}
}

// strictest is the rule that counts among those of the streams that bear a
// part: one that forbids, else one that asks, else one that allows.
func (f *funds) strictest(ask FundAsk, shares []FundShare) (found *FundingRule) {
	for _, s := range shares {
		if s.Weight == 0 {
			continue
		}
		for _, r := range f.inForce(shortbreaks.Date(ask.Date)) {
			if r.Stream == s.Stream && r.covers(ask.Category, ask.Kind) && (found == nil || strictness[r.Verdict] > strictness[found.Verdict]) {
				found = &r
			}
		}
	}
	return found
}

var strictness = map[string]int{RuleAllows: 0, RuleAsks: 1, RuleForbids: 2}

// inForce are the rules of a London date, each in its newest version by then.
func (f *funds) inForce(on time.Time) (rules []FundingRule) {
	code := ""
	for _, r := range slices.Backward(f.rules) { // the newest version of each first
		if r.Code == code || on.Before(r.StartsOn) {
			continue
		}
		if code = r.Code; !r.Retired {
			rules = append(rules, r)
		}
	}
	return rules
}

func (r FundingRule) covers(category, kind string) bool {
	return (len(r.Categories) == 0 || marketplace.Covers(r.Categories, category)) && (len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind))
}

func (a FundAsk) facts() []Fact {
	return []Fact{{"category", a.Category}, {"kind", a.Kind}, {"date", a.Date.Format(time.DateOnly)}}
}

func (l PlanLine) facts() []Fact {
	shares := make([]string, len(l.Shares))
	for i, s := range l.Shares {
		shares[i] = fmt.Sprintf("%s %d", s.Stream, s.Weight)
	}
	return []Fact{
		{"plan_line_id", l.ID.String()},
		{"plan_line", l.Description},
		{"plan_line_categories", strings.Join(l.Categories, ", ")},
		{"plan_line_kinds", strings.Join(l.PaysKinds, ", ")},
		{"plan_line_from", l.StartsOn.Format(time.DateOnly)},
		{"plan_line_to", l.EndsOn.Format(time.DateOnly)},
		{"streams", strings.Join(shares, ", ")},
	}
}

// queueRules reads all versions of an authority's rules.
func queueRules(batch *pgx.Batch, authority uuid.UUID, into *[]FundingRule) {
	batch.Queue(`SELECT `+ruleColumns+` FROM funding_rule WHERE authority_id = $1 ORDER BY code, version`, authority).Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, pgx.RowToStructByName[FundingRule])
		return err
	})
}

func valuesOf(list []word) (values []string) {
	for _, w := range list {
		values = append(values, w.value)
	}
	return values
}

// ErrRuleChanged says that somebody else wrote the next version of a rule.
var ErrRuleChanged = shortbreaks.NewError(shortbreaks.Conflict, "rule-changed", "Somebody else changed this rule first")

var ruleCode = regexp.MustCompile(`^[a-z][a-z0-9-]{1,59}$`)

// NewRule is a rule, or the next version of one.
type NewRule struct {
	AuthorityID *uuid.UUID // nil: the only one of the actor
	Code        string
	After       int // the version it follows; 0: a new rule
	Stream      string
	Verdict     string
	Categories  []string
	Kinds       []string
	Words       string
	StartsOn    time.Time
	Retired     bool
}

// mostRules bounds what a quote has to read.
const mostRules = 500

// WriteRule adds a rule, or the next version of one, for support from a day on.
// What is booked keeps the rule it was booked by. Errors: forbidden, not-found,
// invalid, rule-changed.
func WriteRule(ctx context.Context, d *db.DB, who shortbreaks.Actor, n NewRule) (*FundingRule, error) {
	if !who.Is(shortbreaks.Approver) {
		return nil, shortbreaks.ErrForbidden
	}
	var r *FundingRule
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		authority, err := n.authority(who)
		if err != nil {
			return err
		}
		if err := n.check(); err != nil {
			return err
		}
		r = &FundingRule{
			AuthorityID: authority, Code: n.Code, Version: n.After + 1, Stream: n.Stream, Verdict: n.Verdict, Categories: append([]string{}, n.Categories...),
			Kinds: append([]string{}, n.Kinds...), Words: strings.TrimSpace(n.Words), StartsOn: n.StartsOn, Retired: n.Retired, MadeBy: who.Person, MadeAt: tx.Now,
		}
		return r.insert(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (n NewRule) authority(who shortbreaks.Actor) (uuid.UUID, error) {
	switch {
	case n.AuthorityID != nil && who.ForAuthority(*n.AuthorityID):
		return *n.AuthorityID, nil
	case n.AuthorityID == nil && len(who.Authorities) == 1:
		return who.Authorities[0], nil
	}
	return uuid.Nil, shortbreaks.ErrNotFound.With("There is no such authority within your reach.")
}

func (n NewRule) check() error {
	var f shortbreaks.Faults
	f.Unless(ruleCode.MatchString(n.Code), "/code", "Give 2 to 60 small letters, digits and hyphens.")
	f.OneOf("/stream", n.Stream, valuesOf(streams))
	f.OneOf("/verdict", n.Verdict, []string{RuleAllows, RuleAsks, RuleForbids})
	for i, c := range n.Categories {
		f.Unless(len(marketplace.Descendants(c)) > 0, fmt.Sprintf("/categories/%d", i), "There is no such kind of support.")
	}
	for i, k := range n.Kinds {
		f.OneOf(fmt.Sprintf("/kinds/%d", i), k, valuesOf(chargeKinds))
	}
	f.Text("/words", n.Words, 10, 500)
	return f.As(shortbreaks.ErrInvalid)
}

// insert writes the version if it is the next one; of two the first counts.
func (r *FundingRule) insert(ctx context.Context, tx *db.Tx) error {
	var newest, all int
	var since *time.Time
	err := tx.PGX.QueryRow(ctx, `SELECT coalesce(max(version) FILTER (WHERE code = $2), 0), max(starts_on) FILTER (WHERE code = $2), count(*)
		FROM funding_rule WHERE authority_id = $1`, r.AuthorityID, r.Code).Scan(&newest, &since, &all)
	if err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	if newest != r.Version-1 {
		return ErrRuleChanged.With(fmt.Sprintf("Its newest version is %d. Read it again.", newest))
	}
	var f shortbreaks.Faults
	f.Unless(since == nil || !r.StartsOn.Before(*since), "/starts_on", "It begins before the version it follows.")
	f.Unless(all < mostRules, "/code", "There are %d rules already.", mostRules)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return err
	}
	tag, err := tx.PGX.Exec(ctx, `INSERT INTO funding_rule (`+ruleColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
		r.AuthorityID, r.Code, r.Version, r.Stream, r.Verdict, r.Categories, r.Kinds, r.Words, r.StartsOn, r.Retired, r.MadeBy, r.MadeAt)
	if err != nil {
		return fmt.Errorf("write rule %s: %w", r.Code, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrRuleChanged.With("Read it again.")
	}
	return nil
}

// RuleAt is where a page of rules ended.
type RuleAt struct {
	Authority uuid.UUID
	Code      string
	Version   int
}

// Rules lists the rules of the actor's authorities in all their versions, and
// whether there are more. Families read what their money may be spent on.
// Errors: forbidden.
func Rules(ctx context.Context, d *db.DB, who shortbreaks.Actor, after RuleAt, limit int) (page []FundingRule, more bool, err error) {
	if !who.Is(reads...) && !who.Is(shortbreaks.Commissioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT `+ruleColumns+` FROM funding_rule WHERE authority_id = ANY ($1) AND (authority_id, code, version) > ($2, $3, $4)
			ORDER BY authority_id, code, version LIMIT $5`, who.Authorities, after.Authority, after.Code, after.Version, limit+1)
		if err != nil {
			return err
		}
		page, err = pgx.CollectRows(rows, pgx.RowToStructByName[FundingRule])
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("list rules: %w", err)
	}
	more = len(page) > limit
	return slices.Clip(page[:min(len(page), limit)]), more, nil
}
