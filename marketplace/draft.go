package marketplace

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
)

// OfferDraft is an offer as its provider writes it: with a setting or the id
// of one, and with visits (support by the hour) or sessions.
type OfferDraft struct {
	ProviderID    *uuid.UUID // nil: the one the actor acts for
	Setting       *SettingDraft
	SettingID     *uuid.UUID
	Title         string
	Summary       string
	Category      string
	AccessRoute   string
	AgeFrom       int
	AgeTo         int
	RatioStaff    int
	RatioChildren int
	Instant       bool
	Tariff        Tariff
	Terms         CancellationTerms
	Visits        *VisitRules
	Sessions      *SessionSeries
}

// SettingDraft is a new place where support is given.
type SettingDraft struct{ Name, Postcode string }

// SessionSeries is the dates and times of a group, at London's wall time on
// each date; To at or before From is on the next day.
type SessionSeries struct {
	FirstDate time.Time // a date: midnight UTC
	LastDate  time.Time
	Weekdays  []int // ISO, Monday 1 to Sunday 7
	From, To  string
	Except    []time.Time
	Capacity  int
	Bundle    *BundleDraft
}

// BundleDraft sells all the sessions of a series as one.
type BundleDraft struct {
	Name     string
	Unit     string
	Capacity *int // as many as there are places
}

// check notes every value of the draft that breaks a rule. What the parts of
// the price come to is costed's.
func (d OfferDraft) check(now time.Time) *faults {
	f := &faults{}
	d.checkWords(f)
	f.unless(d.AgeFrom >= 0 && d.AgeFrom <= 25, "/age_from", "Give an age from 0 to 25.")
	f.unless(d.AgeTo >= d.AgeFrom && d.AgeTo <= 25, "/age_to", "Give an age from age_from to 25.")
	f.unless(d.RatioStaff >= 1 && d.RatioStaff <= 10, "/ratio/staff", "Give 1 to 10 staff.")
	f.unless(d.RatioChildren >= 1 && d.RatioChildren <= 30, "/ratio/children", "Give 1 to 30 children.")
	f.unless((d.Setting == nil) != (d.SettingID == nil), "/setting", "Give setting or setting_id, and not both.")
	if d.Setting != nil {
		f.text("/setting/name", d.Setting.Name, 2, 120)
		point, known := Locate(d.Setting.Postcode)
		f.unless(known && strings.Contains(point.Postcode, " "), "/setting/postcode", "We do not know this postcode; give it in full.")
	}
	d.Terms.check(f, "/cancellation_terms")
	d.Tariff.check(f, "/tariff")
	f.unless((d.Visits == nil) != (d.Sessions == nil), "/sessions", "Give visits or sessions, and not both.")
	if d.Visits != nil {
		d.Visits.check(f, "/visits")
	}
	if d.Sessions != nil {
		d.Sessions.check(f, "/sessions", now)
	}
	if len(f.fields) == 0 {
		d.checkUnits(f)
	}
	return f
}

func (d OfferDraft) checkWords(f *faults) {
	f.text("/title", d.Title, 3, 120)
	f.text("/summary", d.Summary, 3, 2000)
	f.oneOf("/category", d.Category, Categories)
	f.oneOf("/access_route", d.AccessRoute, AccessRoutes)
}

// checkUnits holds the tariff against the way the offer is sold.
func (d OfferDraft) checkUnits(f *faults) {
	var bundle string
	if d.Sessions != nil && d.Sessions.Bundle != nil {
		bundle = d.Sessions.Bundle.Unit
	}
	sold := d.Tariff.checkBundles(f, bundle)
	if bundle != "" {
		f.unless(sold, "/sessions/bundle/unit", "No price option is by the %s.", spaced(bundle))
	}
}

// checkBundles refuses options by a bundle the offer does not have, and
// reports whether any option sells the one it has.
func (t Tariff) checkBundles(f *faults, bundle string) (sold bool) {
	for i, o := range t.Options {
		unit := o.bundleUnit()
		sold = sold || unit == bundle
		at := fmt.Sprintf("/tariff/options/%d/charges/0/unit", i)
		if unit != "" && bundle == "" {
			f.add(at, "A price by the %s needs a bundle of sessions to sell.", spaced(unit))
		} else if unit != "" && unit != bundle {
			f.add(at, "The bundle of this offer is %s.", article(bundle))
		}
	}
	return sold
}

func (s SessionSeries) check(f *faults, at string, now time.Time) {
	f.unless(!s.LastDate.Before(s.FirstDate), at+"/last_date", "The last date is before the first.")
	f.unless(s.LastDate.Sub(s.FirstDate) <= 2*366*24*time.Hour, at+"/last_date", "A series runs for two years at most.")
	f.days(at+"/weekdays", s.Weekdays)
	f.clock(at+"/from", s.From)
	f.clock(at+"/to", s.To)
	f.unless(len(s.Except) <= 100, at+"/except", "Give at most 100 dates.")
	f.unless(s.Capacity >= 1 && s.Capacity <= 500, at+"/capacity", "Give 1 to 500 places.")
	if b := s.Bundle; b != nil {
		f.text(at+"/bundle/name", b.Name, 1, 80)
		f.oneOf(at+"/bundle/unit", b.Unit, BundleUnits)
		f.unless(b.Capacity == nil || *b.Capacity == s.Capacity, at+"/bundle/capacity",
			"Keeping places back from a bundle is not sold yet; give as many as the sessions have, or leave it out.")
	}
	if len(f.fields) == 0 {
		s.checkDates(f, at, now)
	}
}

// check notes what is wrong with the rules of support by the hour.
func (r VisitRules) check(f *faults, at string) {
	f.days(at+"/days", r.Days)
	f.clock(at+"/from", r.From)
	f.clock(at+"/to", r.To)
	f.within(at+"/minimum_minutes", r.MinimumMinutes, 5, 1440)
	f.within(at+"/maximum_minutes", r.MaximumMinutes, max(5, r.MinimumMinutes), 1440)
	f.within(at+"/step_minutes", r.StepMinutes, 5, 480)
	f.within(at+"/buffer_before_minutes", r.BufferBeforeMinutes, 0, 240)
	f.within(at+"/buffer_after_minutes", r.BufferAfterMinutes, 0, 240)
	f.unless(len(r.Lanes) >= 1 && len(r.Lanes) <= 20, at+"/lanes", "Give 1 to 20 lanes.")
	for i, l := range r.Lanes {
		f.text(fmt.Sprintf("%s/lanes/%d/label", at, i), l.Label, 1, 60)
	}
	if step := r.StepMinutes; step > 0 {
		f.unless(r.MaximumMinutes/step*step >= r.MinimumMinutes, at+"/step_minutes", "No multiple of this lies between the shortest and the longest visit.")
	}
}

// text notes words that are too short or too long, in characters.
func (f *faults) text(at, words string, least, most int) {
	n := len([]rune(strings.TrimSpace(words)))
	f.unless(n >= least && n <= most, at, "Write %d to %d characters.", least, most)
}

func (f *faults) oneOf(at, value string, values []string) {
	f.unless(slices.Contains(values, value), at, "Give one of %s.", strings.Join(values, ", "))
}

func (f *faults) within(at string, n, least, most int) {
	f.unless(n >= least && n <= most, at, "Give %d to %d.", least, most)
}

func (f *faults) days(at string, days []int) {
	ok := len(days) >= 1 && len(days) <= 7
	for i, d := range days {
		ok = ok && d >= 1 && d <= 7 && !slices.Contains(days[:i], d)
	}
	f.unless(ok, at, "Give days of the week, Monday 1 to Sunday 7, each once.")
}

func (f *faults) clock(at, s string) {
	_, err := time.Parse("15:04", s)
	f.unless(err == nil && len(s) == 5, at, "Give a time such as 16:00.")
}

// trimmed is the draft with its words and postcode as they are kept.
func (d OfferDraft) trimmed() OfferDraft {
	d.Title, d.Summary = strings.TrimSpace(d.Title), strings.TrimSpace(d.Summary)
	if d.Setting != nil {
		point, _ := Locate(d.Setting.Postcode)
		d.Setting = &SettingDraft{strings.TrimSpace(d.Setting.Name), point.Postcode}
	}
	return d
}

// provider is whom the draft is for: the one named, or the only one the actor
// acts for.
func (d OfferDraft) provider(who shortbreaks.Actor) (uuid.UUID, error) {
	return chosenProvider(who, d.ProviderID)
}

func chosenProvider(who shortbreaks.Actor, named *uuid.UUID) (uuid.UUID, error) {
	switch {
	case named != nil && who.ForProvider(*named):
		return *named, nil
	case named != nil:
		return uuid.Nil, shortbreaks.ErrNotFound.With("There is no such provider within your reach.")
	case len(who.Providers) == 1:
		return who.Providers[0], nil
	}
	words := "You act for several providers; say which."
	return uuid.Nil, shortbreaks.ErrInvalid.With(words).At("/provider_id", words)
}
