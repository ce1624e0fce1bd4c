package marketplace

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// VersionEntry is one price of an offer as the public may read it (R021).
type VersionEntry struct {
	ID         uuid.UUID
	N          int
	At         time.Time // when it came into force for new quotes
	PricePence shortbreaks.Pence
	PriceUnit  string
	PriceText  string
	Changes    []string // since the one before, in sentences
	Note       string   // why, in the provider's words
}

// Versions lists the prices an offer has had on sale, the newest first; before
// is the number the page before ended with, 0 for the first page. Drafts a
// provider threw away before publishing are its own affair. Errors: not-found.
func Versions(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID, before, limit int) (page []VersionEntry, more bool, err error) {
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		o, err := findOffer(ctx, tx, offer)
		if err != nil {
			return err
		}
		// One more on each side: the one that follows, and the one to compare with.
		rows, err := gorm.G[Version](tx.DB).
			Where("provider_id = ? AND offer_id = ? AND n >= (?) AND (? = 0 OR n < ?)", o.ProviderID, o.ID,
				gorm.Expr(sqlFirstOnSale, o.ProviderID, o.ID, o.PublishedAt), before, before).
			Order("n DESC").Limit(limit + 1).Find(ctx)
		if err != nil {
			return fmt.Errorf("reading the versions of offer %s: %w", offer, err)
		}
		for i, v := range rows {
			if i == limit {
				more = true
				break
			}
			var was *Version
			if i+1 < len(rows) {
				was = &rows[i+1]
			}
			page = append(page, entry(was, v))
		}
		return nil
	})
	return page, more, err
}

// sqlFirstOnSale is the number of the version that was published first.
const sqlFirstOnSale = `SELECT coalesce(max(n), 1) FROM offer_version WHERE provider_id = ? AND offer_id = ? AND created_at < ?`

// open is a tariff without the prices agreed with one buyer: those are the
// buyer's and the provider's business (R021).
func open(t tariff.Tariff) tariff.Tariff {
	kept := slices.DeleteFunc(slices.Clone(t.Options), func(o tariff.Option) bool { return o.WhoMayUse == "contract" })
	return tariff.Tariff{Options: kept}
}

// entry shows a version and what it changed.
func entry(was *Version, v Version) VersionEntry {
	e := VersionEntry{ID: v.ID, N: v.N, At: v.CreatedAt, Note: v.ChangeNote}
	shown := open(v.Tariff)
	if len(shown.Options) > 0 {
		e.PricePence, e.PriceUnit = shown.Headline()
		e.PriceText = tariff.PriceText(e.PricePence, e.PriceUnit)
	}
	if was == nil {
		e.Changes = []string{"This was the first price."}
		return e
	}
	e.Changes = changes(open(was.Tariff), shown)
	if !reflect.DeepEqual(was.Terms, v.Terms) {
		e.Changes = append(e.Changes, "New terms for cancelling: "+v.Terms.Explain())
	}
	if len(e.Changes) == 0 {
		e.Changes = []string{"The conditions changed; what is shown first did not."}
	}
	return e
}

// changes says what is different between two tariffs.
func changes(was, now tariff.Tariff) []string {
	var said []string
	if len(was.Options) > 0 && len(now.Options) > 0 {
		oldPence, oldUnit := was.Headline()
		newPence, newUnit := now.Headline()
		if words := priceChange(oldPence, oldUnit, newPence, newUnit); words != "" {
			said = append(said, "The price "+words)
		}
	}
	named := func(t tariff.Tariff, name string) *tariff.Option {
		for i := range t.Options {
			if t.Options[i].Name == name {
				return &t.Options[i]
			}
		}
		return nil
	}
	for _, o := range now.Options {
		before := named(was, o.Name)
		switch {
		case o.ValidFrom != "" && (before == nil || before.ValidFrom != o.ValidFrom):
			said = append(said, fmt.Sprintf("From %s, %s costs %s.", dateWords(o.ValidFrom), o.Name, priceOf(o)))
		case before == nil && o.ValidTo == "":
			said = append(said, fmt.Sprintf("New: %s, %s.", o.Name, priceOf(o)))
		case before != nil && before.ValidFrom == o.ValidFrom && priceOf(*before) != priceOf(o) && o.Name != now.Options[0].Name:
			said = append(said, fmt.Sprintf("%s: %s instead of %s.", o.Name, priceOf(o), priceOf(*before)))
		}
	}
	for _, o := range was.Options {
		if named(now, o.Name) == nil && o.ValidTo == "" {
			said = append(said, fmt.Sprintf("No longer sold: %s.", o.Name))
		}
	}
	return said
}

// priceChange is how a price moved, or "" if it did not.
func priceChange(was shortbreaks.Pence, wasUnit string, now shortbreaks.Pence, unit string) string {
	before, after := priceWords(was, wasUnit), priceWords(now, unit)
	switch {
	case before == after:
		return ""
	case wasUnit != unit:
		return fmt.Sprintf("was %s and is now %s.", before, after)
	case now > was:
		return fmt.Sprintf("rose from %s to %s.", before, after)
	}
	return fmt.Sprintf("fell from %s to %s.", before, after)
}

// priceOf is what one option comes to, in words.
func priceOf(o tariff.Option) string {
	return priceWords(tariff.Tariff{Options: []tariff.Option{o}}.Headline())
}

// priceWords is a price within a sentence.
func priceWords(amount shortbreaks.Pence, unit string) string {
	if amount == 0 {
		return "nothing"
	}
	return tariff.PriceText(amount, unit)
}

// dateWords is a date of a tariff as people say it.
func dateWords(text string) string {
	on, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return on.Format("2 January 2006")
}
