package marketplace

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The hours of the night that make work with children regulated (L13), in
// minutes of the day.
const (
	nightFrom = 2 * 60
	nightTo   = 6 * 60
)

// often is how many days within thirty make an activity frequent (L13).
const often = 4

// stretch is when a session runs.
type stretch struct{ StartsAt, EndsAt time.Time }

// factsOf is what the rules look at in an offer with these sessions. Support
// by the hour is taken at its longest and as often as can be.
func factsOf(o Offer, sessions []stretch) Facts {
	f := Facts{
		Category: o.Category, AgeFrom: o.AgeFrom, AgeTo: o.AgeTo, Overnight: o.Category == "overnight", PersonalCare: o.PersonalCare,
		RatioStaff: o.RatioStaff, RatioChildren: o.RatioChildren,
	}
	if v := o.Visits; v != nil {
		f.DayMinutes, f.Frequent = v.MaximumMinutes, true
		f.Overnight = f.Overnight || v.From < "06:00" || (v.To <= v.From && v.To > "02:00")
		return f
	}
	minutes := map[time.Time]int{}
	var days []time.Time
	for _, s := range sessions {
		day := shortbreaks.Date(s.StartsAt)
		minutes[day] += int(s.EndsAt.Sub(s.StartsAt) / time.Minute)
		f.DayMinutes = max(f.DayMinutes, minutes[day])
		f.Overnight = f.Overnight || s.atNight()
		if !slices.ContainsFunc(days, day.Equal) {
			days = append(days, day)
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	for i := often - 1; i < len(days); i++ {
		f.Frequent = f.Frequent || days[i].Sub(days[i-often+1]) < 30*24*time.Hour
	}
	return f
}

// atNight reports whether any of it is between 2 and 6 in the morning.
func (s stretch) atNight() bool {
	for day := shortbreaks.Date(s.StartsAt); !day.After(shortbreaks.Date(s.EndsAt)); day = day.AddDate(0, 0, 1) {
		if s.StartsAt.Before(shortbreaks.At(day, nightTo)) && s.EndsAt.After(shortbreaks.At(day, nightFrom)) {
			return true
		}
	}
	return false
}

// around is how far from what is asked for the sessions of an offer are looked
// at: far enough to see four days in thirty, and no further, however many
// sessions there are.
const around = 30 * 24 * time.Hour

const sqlStretches = `SELECT starts_at, ends_at FROM session
WHERE provider_id = $1 AND offer_id = $2 AND state = 'scheduled' AND starts_at BETWEEN $3 AND $4 ORDER BY starts_at`

// readFacts reads an offer's facts from its sessions about these times.
func readFacts(ctx context.Context, tx *db.Tx, o Offer, from, to time.Time) (Facts, error) {
	if o.Visits != nil {
		return factsOf(o, nil), nil
	}
	rows, err := tx.PGX.Query(ctx, sqlStretches, o.ProviderID, o.ID, from.Add(-around), to.Add(around))
	if err != nil {
		return Facts{}, fmt.Errorf("reading the sessions of offer %s: %w", o.ID, err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stretch])
	if err != nil {
		return Facts{}, fmt.Errorf("reading the sessions of offer %s: %w", o.ID, err)
	}
	return factsOf(o, sessions), nil
}

// aYear is how far ahead an offer's sessions are looked at when it is
// published.
const aYear = 366 * 24 * time.Hour

// mayPublish refuses an offer that lacks what the rules ask for today.
func mayPublish(ctx context.Context, tx *db.Tx, o Offer) error {
	book, err := readBook(ctx, tx, o.ProviderID)
	if err != nil {
		return err
	}
	facts, err := readFacts(ctx, tx, o, tx.Now, tx.Now.Add(aYear))
	if err != nil {
		return err
	}
	return book.publishable(facts, shortbreaks.Date(tx.Now))
}

// covered refuses items on dates on which the provider lacks a credential: one
// that ended stops new bookings of later dates and touches no booking (T82).
func (o *Offered) covered(ctx context.Context, tx *db.Tx, w Want) error {
	book, err := readBook(ctx, tx, o.Provider.ID)
	if err != nil {
		return err
	}
	facts, err := readFacts(ctx, tx, o.Offer, o.Items[0].StartsAt, o.Items[len(o.Items)-1].StartsAt)
	if err != nil {
		return err
	}
	var f shortbreaks.Faults
	for _, item := range o.Items {
		on := shortbreaks.Date(item.StartsAt)
		needed := RequiredOfAll(book.credentials, facts, on)
		if !w.DateOfBirth.IsZero() {
			needed = Required(book.credentials, facts, shortbreaks.AgeOn(w.DateOfBirth, on), on)
		}
		for _, q := range needed {
			if holdersOn(book.cover, q.Kind, on) < q.Needed {
				f.Add(w.pointer(item), "%s", q.lapsed(book.cover, on))
			}
		}
	}
	return f.As(ErrCredentialLapsed)
}

// lapsed says what will not count on a date.
func (q Requirement) lapsed(cover []Cover, on time.Time) string {
	name := CredentialWords(q.Kind)
	if last := endedBefore(cover, q.Kind, q.Needed, on); last != nil {
		return fmt.Sprintf("On %s the provider's %s has run out; it counts to %s. Choose an earlier date, or ask the provider.",
			shortbreaks.LongDate(on), name, shortbreaks.LongDate(*last))
	}
	return fmt.Sprintf("The provider has no %s for %s. Choose another offer, or ask the provider.", name, shortbreaks.LongDate(on))
}

// OfferRequirement is a credential an offer needs, and whether it is there.
type OfferRequirement struct {
	Requirement
	Holders int        // today
	Met     bool       // today
	EndedOn *time.Time // if it was there and has run out: its last day
}

// OfferRules is what the rules say of an offer today.
type OfferRules struct {
	Facts       Facts
	Credentials []OfferRequirement
	Ratios      []RatioFinding
}

// Rules says what an offer needs before it can be published, what of it is
// there, and which ratios are required or advised. Its provider asks.
func Rules(ctx context.Context, d *db.DB, who shortbreaks.Actor, offer uuid.UUID) (*OfferRules, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	var out *OfferRules
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		o, err := findOffer(ctx, tx, offer)
		if err != nil {
			return err
		}
		if !who.ForProvider(o.ProviderID) {
			return shortbreaks.ErrNotFound.With("There is no such offer within your reach.")
		}
		book, err := readBook(ctx, tx, o.ProviderID)
		if err != nil {
			return err
		}
		out, err = book.rulesOf(ctx, tx, o)
		return err
	})
	return out, err
}

func (b ruleBook) rulesOf(ctx context.Context, tx *db.Tx, o Offer) (*OfferRules, error) {
	facts, err := readFacts(ctx, tx, o, tx.Now, tx.Now.Add(aYear))
	if err != nil {
		return nil, err
	}
	today := shortbreaks.Date(tx.Now)
	out := &OfferRules{Facts: facts, Ratios: Ratios(b.ratios, b.credentials, facts, today)}
	for _, q := range RequiredOfAll(b.credentials, facts, today) {
		n := holdersOn(b.cover, q.Kind, today)
		held := OfferRequirement{Requirement: q, Holders: n, Met: n >= q.Needed}
		if !held.Met {
			held.EndedOn = endedBefore(b.cover, q.Kind, q.Needed, today)
		}
		out.Credentials = append(out.Credentials, held)
	}
	return out, nil
}

// lapsedToday are the kinds of credential an offer needs and has not today.
func lapsedToday(ctx context.Context, tx *db.Tx, o Offer) (kinds []string, err error) {
	book, err := readBook(ctx, tx, o.ProviderID)
	if err != nil {
		return nil, err
	}
	all, err := book.rulesOf(ctx, tx, o)
	if err != nil {
		return nil, err
	}
	for _, q := range all.Credentials {
		if !q.Met {
			kinds = append(kinds, q.Kind)
		}
	}
	return kinds, nil
}
