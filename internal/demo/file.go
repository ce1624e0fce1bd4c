package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// workers are those of every provider made here, enough for any ratio an offer
// of the demo or of a test has.
var workers = []marketplace.WorkerFacts{
	{Name: "Jo Barnes", Skills: []string{"Makaton", "first aid"}, Languages: []string{"English"}},
	{Name: "Sunita Rao", Skills: []string{"hoisting"}, Languages: []string{"English", "Hindi"}},
	{Name: "Marek Nowak", Languages: []string{"English", "Polish"}},
}

// Filing is what is unusual in a provider's file.
type Filing struct {
	Workers []marketplace.WorkerFacts // none: three made-up ones
	Ends    map[string]int            // for a kind of credential, how many days from today it has left; else two years
}

// File gives a provider workers and every credential its offers may need,
// issued a year ago.
func (b Builder) File(ctx context.Context, owner shortbreaks.Actor, provider uuid.UUID, f Filing) error {
	if len(f.Workers) == 0 {
		f.Workers = workers
	}
	err := b.D.Do(ctx, db.For(owner), func(tx *db.Tx) error {
		today := shortbreaks.Date(tx.Now)
		draft := func(kind string, worker *uuid.UUID) marketplace.CredentialDraft {
			until := today.AddDate(2, 0, 0)
			if days, ok := f.Ends[kind]; ok {
				until = today.AddDate(0, 0, days)
			}
			return marketplace.CredentialDraft{Kind: kind, WorkerID: worker, IssuedOn: today.AddDate(-1, 0, 0), ExpiresOn: &until, CheckedOn: &today}
		}
		var file []marketplace.CredentialDraft
		for _, kind := range []string{"ofsted", "cqc", "insurance_public_liability"} {
			file = append(file, draft(kind, nil))
		}
		for _, facts := range f.Workers {
			w, err := marketplace.Engage(ctx, tx, provider, facts)
			if err != nil {
				return err
			}
			file = append(file, dbs(w.ID, today))
			for _, kind := range []string{"first_aid", "safeguarding_training", "manual_handling"} {
				file = append(file, draft(kind, &w.ID))
			}
		}
		_, err := marketplace.PutOnFile(ctx, tx, owner, provider, file...)
		return err
	})
	if err != nil {
		return fmt.Errorf("file of provider %s: %w", provider, err)
	}
	return nil
}

// dbs is a check made a year ago. It has no end, as the certificate has none.
func dbs(worker uuid.UUID, today time.Time) marketplace.CredentialDraft {
	return marketplace.CredentialDraft{
		Kind: "dbs_enhanced", WorkerID: &worker, IssuedOn: today.AddDate(-1, 0, 0), CheckedOn: &today,
		DBSLevel: "enhanced_with_barred_list", DBSWorkforce: "child", UpdateCheckedOn: &today,
	}
}
