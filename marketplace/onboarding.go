package marketplace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// OnboardingStep is one task of a new provider. Its state is worked out from
// what is there, so whatever has been done is saved by being done.
type OnboardingStep struct {
	Name      string   // about, settings, people, credentials, first_offer or publish
	Done      bool     // nothing is missing
	Missing   []string // what is, in sentences
	Operation string   // of the contract, that does the next of it
	Path      string   // where that operation is asked
}

// Onboarding is a provider's task list, in the order of doing.
type Onboarding struct {
	ProviderID uuid.UUID
	Done       bool // every step is
	Steps      []OnboardingStep
}

// GetOnboarding is the task list of a provider for its owner and
// co-ordinators.
func GetOnboarding(ctx context.Context, d *db.DB, who shortbreaks.Actor, provider uuid.UUID) (*Onboarding, error) {
	if err := reach(who, provider, shortbreaks.ProviderOwner, shortbreaks.Coordinator); err != nil {
		return nil, err
	}
	out := &Onboarding{ProviderID: provider, Done: true}
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		s, err := readStanding(ctx, tx, provider)
		if err != nil {
			return err
		}
		out.Steps = s.steps()
		return nil
	})
	for _, s := range out.Steps {
		out.Done = out.Done && s.Done
	}
	return out, err
}

// standing is what the task list is worked out from.
type standing struct {
	provider *ProviderDetail
	settings int64
	workers  []Worker
	offers   []Offer // drafts and published ones
	needs    []OfferRequirement
	lacking  map[uuid.UUID]bool // offers that lack a credential
	today    time.Time
}

func readStanding(ctx context.Context, tx *db.Tx, provider uuid.UUID) (s standing, err error) {
	s.today, s.lacking = shortbreaks.Date(tx.Now), map[uuid.UUID]bool{}
	if s.provider, err = providerDetail(ctx, tx, provider); err != nil {
		return s, err
	}
	if s.settings, err = gorm.G[Setting](tx.DB).Where("provider_id = ?", provider).Count(ctx, "id"); err != nil {
		return s, fmt.Errorf("counting the settings of provider %s: %w", provider, err)
	}
	if s.workers, err = gorm.G[Worker](tx.DB).Where("provider_id = ?", provider).Find(ctx); err != nil {
		return s, fmt.Errorf("reading the workers of provider %s: %w", provider, err)
	}
	s.offers, err = gorm.G[Offer](tx.DB).Where("provider_id = ? AND state <> ?", provider, Withdrawn).Order("created_at DESC, id DESC").Limit(mostJudged).Find(ctx)
	if err != nil {
		return s, fmt.Errorf("reading the offers of provider %s: %w", provider, err)
	}
	book, err := readBook(ctx, tx, provider)
	if err != nil {
		return s, err
	}
	for _, o := range s.offers {
		r, err := book.rulesOf(ctx, tx, o)
		if err != nil {
			return s, err
		}
		for _, q := range r.Credentials {
			if !q.Met {
				s.lacking[o.ID] = true
				if !slices.ContainsFunc(s.needs, func(n OfferRequirement) bool { return n.Kind == q.Kind }) {
					s.needs = append(s.needs, q)
				}
			}
		}
	}
	return s, nil
}

// mostJudged is how many offers, the newest, the task list looks at.
const mostJudged = 20

// steps is the task list; it decides nothing but what is missing.
func (s standing) steps() []OnboardingStep {
	at := "/v1/providers/" + s.provider.Provider.ID.String()
	steps := []OnboardingStep{
		{Name: "about", Missing: s.aboutMissing(), Operation: "updateProvider", Path: at},
		{Name: "settings", Missing: unless(s.settings > 0, "Say where you give support: add a place with its postcode."), Operation: "createSetting", Path: at + "/settings"},
		{Name: "people", Missing: unless(hereOn(s.workers, s.today) > 0, "Add the people who give support, yourself too if you do."), Operation: "createWorker", Path: at + "/workers"},
		{Name: "credentials", Missing: s.credentialsMissing(), Operation: "addCredential", Path: at + "/credentials"},
		{Name: "first_offer", Missing: unless(len(s.offers) > 0, "Write down your first offer with its price."), Operation: "createOffer", Path: "/v1/offers"},
		s.publishStep(),
	}
	for i := range steps {
		steps[i].Done = len(steps[i].Missing) == 0
	}
	return steps
}

func unless(done bool, words string) []string {
	if done {
		return nil
	}
	return []string{words}
}

func (s standing) aboutMissing() []string {
	p := s.provider.Provider
	missing := unless(p.Description != "", "Describe what you do in a few sentences.")
	var given []Identifier
	for _, i := range s.provider.Identifiers {
		given = append(given, i.Identifier)
	}
	missing = append(missing, wanting(p.Kind, given)...)
	return append(missing, unless(p.Kind != "consortium" || len(s.provider.Members) > 0, "Name the member organisations.")...)
}

// credentialsMissing is what the offers need that are there. Before the first
// one nobody can say.
func (s standing) credentialsMissing() (missing []string) {
	if len(s.offers) == 0 {
		return []string{"Write down an offer first; what it needs is then listed here."}
	}
	for _, q := range s.needs {
		if q.EndedOn != nil {
			missing = append(missing, fmt.Sprintf("%s ran out on %s. %s", shortbreaks.Capital(CredentialWords(q.Kind)), q.EndedOn.Format("2 January 2006"), q.Words))
			continue
		}
		missing = append(missing, q.missing())
	}
	return missing
}

// publishStep is done once one offer is published; until then it leads to the
// newest draft that can be.
func (s standing) publishStep() OnboardingStep {
	step := OnboardingStep{Name: "publish", Operation: "publishOffer", Path: "/v1/offers"}
	if slices.ContainsFunc(s.offers, func(o Offer) bool { return o.State == Published }) {
		return step
	}
	step.Missing = []string{"Write down an offer, then publish it."}
	if len(s.offers) > 0 {
		o := s.offers[0]
		if i := slices.IndexFunc(s.offers, func(o Offer) bool { return !s.lacking[o.ID] }); i >= 0 {
			o = s.offers[i]
		}
		step.Path = "/v1/offers/" + o.ID.String() + "/publication"
		step.Missing = []string{fmt.Sprintf("Publish %q, so that families find it.", o.Title)}
		if s.lacking[o.ID] {
			step.Missing = []string{fmt.Sprintf("Put the credentials on file, then publish %q.", o.Title)}
		}
	}
	return step
}
