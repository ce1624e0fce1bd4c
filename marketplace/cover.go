package marketplace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks/internal/db"
)

// Cover is what a provider's file comes to for a kind of credential, from a
// day to a day: how many hold it, and not who. It is public, so that a
// family's quote can be judged without reading the file.
type Cover struct {
	ProviderID uuid.UUID  `gorm:"primaryKey"`
	Kind       string     `gorm:"primaryKey"`
	StartsOn   time.Time  `gorm:"primaryKey"`
	EndsOn     *time.Time // nil: no end
	Holders    int        // workers; 1 for the provider's own
}

// TableName is the table's.
func (Cover) TableName() string { return "credential_cover" }

// tenure is from a day to a day, both included, of one holder.
type tenure struct {
	holder uuid.UUID // zero: the provider itself
	from   time.Time
	to     *time.Time // nil: no end
}

func (s tenure) on(day time.Time) bool {
	return !day.Before(s.from) && (s.to == nil || !day.After(*s.to))
}

// coverOf works out the cover of a provider's file: for each kind, the days
// are cut where anybody's begins or ends, and holders counted once each. A
// worker's counts to their last day.
func coverOf(provider uuid.UUID, file []Credential, workers []Worker) (all []Cover) {
	left := map[uuid.UUID]*time.Time{}
	for _, w := range workers {
		left[w.ID] = w.LeftOn
	}
	byKind := map[string][]tenure{}
	for _, c := range file {
		s := tenure{from: c.IssuedOn, to: c.ExpiresOn}
		if c.WorkerID != nil {
			s.holder = *c.WorkerID
			if last := left[s.holder]; last != nil && (s.to == nil || last.Before(*s.to)) {
				s.to = last
			}
		}
		if c.counts() && (s.to == nil || !s.to.Before(s.from)) {
			byKind[c.Kind] = append(byKind[c.Kind], s)
		}
	}
	for _, kind := range CredentialKinds {
		all = append(all, coverOfKind(provider, kind, byKind[kind])...)
	}
	return all
}

// counts reports whether a credential is one the rules ask for: in the file
// still, and of a DBS check, one for work with children with the barred list.
func (c Credential) counts() bool {
	if c.WithdrawnAt != nil {
		return false
	}
	return c.Kind != "dbs_enhanced" || (*c.DBSLevel == "enhanced_with_barred_list" && *c.DBSWorkforce != "adult")
}

func coverOfKind(provider uuid.UUID, kind string, spans []tenure) (all []Cover) {
	var cuts []time.Time
	for _, s := range spans {
		cuts = append(cuts, s.from)
		if s.to != nil {
			cuts = append(cuts, s.to.AddDate(0, 0, 1))
		}
	}
	slices.SortFunc(cuts, time.Time.Compare)
	cuts = slices.CompactFunc(cuts, time.Time.Equal)
	for i, from := range cuts {
		holders := map[uuid.UUID]bool{}
		for _, s := range spans {
			if s.on(from) {
				holders[s.holder] = true
			}
		}
		if len(holders) == 0 {
			continue
		}
		c := Cover{ProviderID: provider, Kind: kind, StartsOn: from, Holders: len(holders)}
		if i+1 < len(cuts) {
			last := cuts[i+1].AddDate(0, 0, -1)
			c.EndsOn = &last
		}
		all = append(all, c)
	}
	return all
}

// refreshCover brings a provider's cover to its file. The provider's row is
// locked, so that two changes of the file follow each other.
func refreshCover(ctx context.Context, tx *db.Tx, provider uuid.UUID) error {
	file, err := gorm.G[Credential](tx.DB).Where("provider_id = ? AND withdrawn_at IS NULL", provider).Find(ctx)
	if err != nil {
		return fmt.Errorf("reading the file of provider %s: %w", provider, err)
	}
	workers, err := gorm.G[Worker](tx.DB).Where("provider_id = ?", provider).Find(ctx)
	if err != nil {
		return fmt.Errorf("reading the workers of provider %s: %w", provider, err)
	}
	if _, err := tx.PGX.Exec(ctx, `DELETE FROM credential_cover WHERE provider_id = $1`, provider); err != nil {
		return fmt.Errorf("clearing the cover of provider %s: %w", provider, err)
	}
	if err := insert(ctx, tx, coverOf(provider, file, workers)); err != nil {
		return fmt.Errorf("writing the cover of provider %s: %w", provider, err)
	}
	return nil
}

// holdersOn is how many hold a kind on a date.
func holdersOn(cover []Cover, kind string, on time.Time) int {
	for _, c := range cover {
		if c.Kind == kind && !on.Before(c.StartsOn) && (c.EndsOn == nil || !on.After(*c.EndsOn)) {
			return c.Holders
		}
	}
	return 0
}

// endedBefore is the last day enough of them held a kind before a date; nil if
// they never did.
func endedBefore(cover []Cover, kind string, needed int, on time.Time) (last *time.Time) {
	for _, c := range cover {
		if c.Kind == kind && c.Holders >= needed && c.EndsOn != nil && c.EndsOn.Before(on) && (last == nil || c.EndsOn.After(*last)) {
			last = c.EndsOn
		}
	}
	return last
}
