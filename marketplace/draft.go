package marketplace

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
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
	Content       Content
	Tariff        tariff.Tariff
	Terms         tariff.Terms
	Visits        *VisitRules
	Sessions      *SessionSeries
	NoticeMinutes int            // before a start; see Offer.CanBook
	HorizonDays   *int           // ahead of today; nil: as far as there is anything
	Companions    map[string]int // see Offer.Companions

	datesLater bool // a draft of a file that has neither sessions nor visits yet
}

// SettingDraft is a new place where support is given.
type SettingDraft struct {
	Name, Postcode string

	point   *Point // where the postcode is, once it was looked up
	address []string
	access  string // how one gets in and around, in words
}

// where is the postcode's place: as looked up, or of the table that ships.
func (s SettingDraft) where() (Point, bool) {
	if s.point != nil {
		return *s.point, true
	}
	return Locate(s.Postcode)
}

// SessionSeries is the dates and times of a group, at London's wall time on
// each date; To at or before From is on the next day. The dates are given in
// one of three ways: weekdays from a first date to a last, a Rule from a first
// date on, or a plain list.
type SessionSeries struct {
	FirstDate  time.Time // a date: midnight UTC
	LastDate   time.Time // of a rule: zero if the rule says when it ends
	Weekdays   []int     // ISO, Monday 1 to Sunday 7
	Rule       string    // see ParseRule
	Dates      []time.Time
	From, To   string
	Except     []time.Time
	Capacity   int
	Bundle     *BundleDraft
	Minimum    *MinimumDraft // nil: a session runs however few book
	StaffUnits int           // staff for children who need them to themselves; 0: not limited (T51)

	Calendar         *CalendarLimit // nil: whatever the schools do
	SkipBankHolidays bool

	days   seriesDays      // what Calendar and SkipBankHolidays mean; see resolve
	more   []SessionSeries // further dates of the offer, in the same bundle; see moredates.go
	beside bool            // there are others beside it: it may have passed
}

// BundleDraft sells all the sessions of a series as one.
type BundleDraft struct {
	Name     string
	Unit     string
	Capacity *int // as many as there are places

	planned          int       // dates the price was set for; 0: as many as there are
	startsOn, endsOn time.Time // of the bundle; zero: those of its series
}

// check notes every value of the draft that breaks a rule. What the parts of
// the price come to is costed's.
func (d OfferDraft) check(now time.Time) *shortbreaks.Faults {
	f := &shortbreaks.Faults{}
	d.checkWords(f)
	f.Unless((d.Setting == nil) != (d.SettingID == nil), "/setting", "Give setting or setting_id, and not both.")
	if d.Setting != nil {
		f.Text("/setting/name", d.Setting.Name, 2, 120)
		point, known := d.Setting.where()
		f.Unless(known && strings.Contains(point.Postcode, " "), "/setting/postcode", "We do not know this postcode; give it in full.")
	}
	f.Within("/notice_minutes", d.NoticeMinutes, 0, mostNotice)
	f.Unless(d.HorizonDays == nil || (*d.HorizonDays >= 1 && *d.HorizonDays <= mostHorizon), "/horizon_days", "Give 1 to %d days.", mostHorizon)
	checkCompanions(f, "/companions", d.Companions)
	d.Terms.Resolved().Check(f, "/cancellation_terms")
	d.Tariff.Check(f, "/tariff")
	public := func(o tariff.Option) bool { return o.WhoMayUse == tariff.Anyone && o.Membership == nil }
	f.Unless(slices.ContainsFunc(d.Tariff.Options, public), "/tariff/options", "Give a price that anyone may use: every offer shows one.") // R021
	if d.AccessRoute == "universal" {
		d.Tariff.CheckEqual(f)
	}
	f.Unless((d.Visits == nil) != (d.Sessions == nil) || d.datesLater, "/sessions", "Give visits or sessions, and not both.")
	if d.Visits != nil {
		d.Visits.check(f, "/visits")
		f.Unless(len(d.Companions) == 0, "/companions", "Nobody comes along to support by the hour: leave this out.")
	}
	if d.Sessions != nil {
		d.Sessions.check(f, "/sessions", now)
		d.Sessions.checkMore(f, now)
		d.checkInstant(f)
	}
	if len(f.Fields) == 0 && !d.datesLater {
		d.checkUnits(f)
	}
	return f
}

// checkInstant: each place of a group with a minimum is taken on that condition
// at once, and nobody is asked.
func (d OfferDraft) checkInstant(f *shortbreaks.Faults) {
	for i, one := range d.Sessions.all() {
		at := "/sessions"
		if i > 0 {
			at = morePointer(i - 1)
		}
		f.Unless(one.Minimum == nil || d.Instant, at+"/minimum", "What runs only if enough book is booked at once: set instant.")
	}
}

// checkWords notes what is wrong with what the offer says beside its price.
func (d OfferDraft) checkWords(f *shortbreaks.Faults) {
	f.Text("/title", d.Title, 3, 120)
	f.Text("/summary", d.Summary, 3, 2000)
	f.OneOf("/category", d.Category, OfferCategories)
	f.OneOf("/access_route", d.AccessRoute, AccessRoutes)
	f.Unless(d.AgeFrom >= 0 && d.AgeFrom <= 25, "/age_from", "Give an age from 0 to 25.")
	f.Unless(d.AgeTo >= d.AgeFrom && d.AgeTo <= 25, "/age_to", "Give an age from age_from to 25.")
	f.Unless(d.RatioStaff >= 1 && d.RatioStaff <= 10, "/ratio/staff", "Give 1 to 10 staff.")
	f.Unless(d.RatioChildren >= 1 && d.RatioChildren <= 30, "/ratio/children", "Give 1 to 30 children.")
	d.Content.check(f, "/content")
}

// checkUnits holds the tariff against the way the offer is sold.
func (d OfferDraft) checkUnits(f *shortbreaks.Faults) {
	var bundle string
	if d.Sessions != nil && d.Sessions.Bundle != nil {
		bundle = d.Sessions.Bundle.Unit
	}
	sold := d.Tariff.CheckBundles(f, bundle)
	if bundle != "" {
		f.Unless(sold, "/sessions/bundle/unit", "No price option is by the %s.", shortbreaks.Spaced(bundle))
	}
}

func (s SessionSeries) check(f *shortbreaks.Faults, at string, now time.Time) {
	s.checkWay(f, at)
	f.Clock(at+"/from", s.From)
	f.Clock(at+"/to", s.To)
	f.Unless(len(s.Except) <= 100, at+"/except", "Give at most 100 dates.")
	f.Unless(s.Capacity >= 1 && s.Capacity <= 500, at+"/capacity", "Give 1 to 500 places.")
	f.Within(at+"/staff_units", s.StaffUnits, 0, 500)
	if b := s.Bundle; b != nil {
		f.Text(at+"/bundle/name", b.Name, 1, 80)
		f.OneOf(at+"/bundle/unit", b.Unit, tariff.BundleUnits)
		f.Unless(b.Capacity == nil || *b.Capacity == s.Capacity, at+"/bundle/capacity",
			"Keeping places back from a bundle is not sold yet; give as many as the sessions have, or leave it out.")
	}
	if len(f.Fields) == 0 {
		s.checkDates(f, at, now)
	}
	if s.Minimum != nil && len(f.Fields) == 0 {
		s.Minimum.check(f, at+"/minimum", s, now)
	}
}

// check notes what is wrong with the rules of support by the hour.
func (r VisitRules) check(f *shortbreaks.Faults, at string) {
	f.Days(at+"/days", r.Days)
	f.Clock(at+"/from", r.From)
	f.Clock(at+"/to", r.To)
	f.Within(at+"/minimum_minutes", r.MinimumMinutes, 5, 1440)
	f.Within(at+"/maximum_minutes", r.MaximumMinutes, max(5, r.MinimumMinutes), 1440)
	f.Within(at+"/step_minutes", r.StepMinutes, 5, 480)
	f.Within(at+"/buffer_before_minutes", r.BufferBeforeMinutes, 0, 240)
	f.Within(at+"/buffer_after_minutes", r.BufferAfterMinutes, 0, 240)
	f.Unless(len(r.Lanes) >= 1 && len(r.Lanes) <= 20, at+"/lanes", "Give 1 to 20 lanes.")
	for i, l := range r.Lanes {
		if l.ID == nil {
			f.Text(fmt.Sprintf("%s/lanes/%d/label", at, i), l.Label, 1, 60)
			continue
		}
		f.Unless(l.Label == "", fmt.Sprintf("%s/lanes/%d/label", at, i), "Give label for a new lane or lane_id for one you have, and not both.")
		twice := slices.ContainsFunc(r.Lanes[:i], func(o LaneDraft) bool { return o.ID != nil && *o.ID == *l.ID })
		f.Unless(!twice, fmt.Sprintf("%s/lanes/%d/lane_id", at, i), "This lane is there twice.")
	}
	if step := r.StepMinutes; step > 0 {
		f.Unless(r.MaximumMinutes/step*step >= r.MinimumMinutes, at+"/step_minutes", "No multiple of this lies between the shortest and the longest visit.")
	}
}

// trimmed is the draft with its words and postcode as they are kept.
func (d OfferDraft) trimmed() OfferDraft {
	d.Terms = d.Terms.Resolved()
	d.Title, d.Summary, d.Content = strings.TrimSpace(d.Title), strings.TrimSpace(d.Summary), d.Content.trimmed()
	if d.Setting != nil {
		point, _ := d.Setting.where()
		d.Setting = &SettingDraft{
			Name: strings.TrimSpace(d.Setting.Name), Postcode: point.Postcode, point: &point, address: d.Setting.address, access: d.Setting.access,
		}
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
