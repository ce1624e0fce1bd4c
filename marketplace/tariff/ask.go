package tariff

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
)

// SoldBy is how an offer is bought.
type SoldBy string

// The three ways to buy.
const (
	BySession SoldBy = "session" // one or some of its dates
	ByBundle  SoldBy = "bundle"  // all that remains of a week, half term, term or quarter
	ByVisit   SoldBy = "visit"   // support by the hour, or a stay
)

// Ask is what is to be priced: nothing but what a price depends on. Who buys
// is already turned into what this buyer may use.
type Ask struct {
	SoldBy      SoldBy
	ReducedRate bool                 // the buyer is entitled to reduced rates
	Memberships []string             // options for membership the buyer has paid already
	Contracts   []uuid.UUID          // framework rates the buyer is entitled to (T31)
	Schemes     []string             // of funded places the buyer is entitled to
	ChargeKinds []string             // optional kinds wanted besides
	Occasions   []Occasion           // by time; of a bundle, the sessions still to run
	Bundle      *BundleAsk           // for ByBundle
	Ratio       Ratio                // of the support; zero: whatever the price is for
	Children    int                  // of the family on these dates, this one included; 0 is 1
	ChildNo     int                  // which of them this is, from 1; 0 is 1
	Attendees   int                  // who count for a price per attendee; 0 is 1
	Sharing     int                  // who share a price for the group; 0: not known yet
	ShareNo     int                  // which of those this is, from 1; 0 is 1: the first bears a spare penny
	Quantities  map[string]int       // by charge kind: miles, items; 1 where it is silent
	Holidays    map[time.Time]string // bank holidays by date (midnight UTC)
}

// Occasion is one session or visit: an elapsed time on a London date.
type Occasion struct {
	StartsAt, EndsAt time.Time
	Ratio            Ratio          // if other than that of the whole (T32)
	Events           map[string]int // recorded afterwards: how often, or how many minutes
}

// Minutes is its length in real minutes: a night over the October change has
// an hour more.
func (o Occasion) Minutes() int { return int(o.EndsAt.Sub(o.StartsAt) / time.Minute) }

// nights is how many midnights it crosses, at least one.
func (o Occasion) nights() int {
	return max(1, int(shortbreaks.Date(o.EndsAt.Add(-time.Minute)).Sub(shortbreaks.Date(o.StartsAt))/(24*time.Hour)))
}

// days is how many London dates it touches.
func (o Occasion) days() int {
	return 1 + int(shortbreaks.Date(o.EndsAt.Add(-time.Minute)).Sub(shortbreaks.Date(o.StartsAt))/(24*time.Hour))
}

// BundleAsk is the bundle asked for.
type BundleAsk struct {
	Name    string
	Unit    string
	Planned int // sessions the price was set for, run or not
	Started int // of them, begun before the buyer joins
}

// ratio is that of an occasion.
func (ask *Ask) ratio(i int) Ratio {
	if r := ask.Occasions[i].Ratio; r != (Ratio{}) {
		return r
	}
	return ask.Ratio
}

// pointer is where the request says what is bought.
func (ask *Ask) pointer() string {
	switch ask.SoldBy {
	case BySession:
		return "/session_ids"
	case ByBundle:
		return "/bundle_id"
	case ByVisit:
		return "/visits"
	}
	return ""
}

// The most of each figure of an ask, so that no sum overflows and the work has
// a bound.
const (
	mostDates    = 400
	mostPeople   = 100
	mostQuantity = 10_000
)

// whole refuses an ask that cannot be priced whatever the tariff.
func (ask *Ask) whole() error {
	var f shortbreaks.Faults
	f.Unless(ask.pointer() != "", "", "Ask for sessions, a bundle or visits.")
	f.Unless(len(ask.Occasions) > 0, ask.pointer(), "Ask for at least one date.")
	f.Unless((ask.SoldBy == ByBundle) == (ask.Bundle != nil), "/bundle_id", "Only a bundle is priced as a bundle.")
	if ask.Bundle != nil {
		f.Unless(ask.Bundle.Planned > 0, "/bundle_id", "This bundle has no sessions.")
	}
	for kind, n := range ask.Quantities {
		f.Unless(n >= 0 && n <= mostQuantity, "/quantities", "Give 0 to %d of %s.", mostQuantity, shortbreaks.Spaced(kind))
	}
	f.Unless(ask.Attendees >= 0 && ask.Attendees <= mostPeople, "/attendees", "Give at most %d people.", mostPeople)
	f.Unless(len(ask.Occasions) <= mostDates, ask.pointer(), "Ask for at most %d dates.", mostDates)
	for i := range ask.Occasions {
		o := &ask.Occasions[i]
		f.Unless(o.EndsAt.After(o.StartsAt), ask.pointer(), "An end must be after its start.")
		f.Unless(i == 0 || !o.StartsAt.Before(ask.Occasions[i-1].StartsAt), ask.pointer(), "Give the dates in their order.")
	}
	return f.As(shortbreaks.ErrInvalid)
}

// hurdle is why an option cannot be used. One that fails later is nearer to
// what was asked, so its words are the ones to show.
type hurdle struct {
	height int // in the order they are tried
	at     string
	words  string
}

// refusal is the first hurdle of the option for this ask whatever the date, or
// nil.
func (o *Option) refusal(ask *Ask) *hurdle {
	switch unit := o.bundleUnit(); {
	case o.Membership != nil: // bought with whatever it opens
	case ask.SoldBy == ByBundle && unit == "":
		return &hurdle{1, ask.pointer(), "This is not sold as a whole; choose its dates."}
	case ask.SoldBy == ByBundle && unit != ask.Bundle.Unit:
		return &hurdle{1, ask.pointer(), "No price is set for " + shortbreaks.Article(ask.Bundle.Unit) + "."}
	case ask.SoldBy != ByBundle && unit != "":
		return &hurdle{1, ask.pointer(), "This is sold by the " + shortbreaks.Spaced(unit) + ", not by single dates; ask for its bundle."}
	}
	if o.Membership == nil {
		for _, kind := range ask.ChargeKinds {
			if !slices.ContainsFunc(o.Charges, func(c Charge) bool { return c.Kind == kind && c.When != Contingent }) {
				return &hurdle{2, "/charge_kinds", "This offer has no " + shortbreaks.Spaced(kind) + " to add."}
			}
		}
	}
	return o.closed(ask)
}

// closed is why this buyer may not use the option, or nil. What membership
// opens is decided by the mix.
func (o *Option) closed(ask *Ask) *hurdle {
	open, words := true, ""
	switch o.WhoMayUse {
	case ReducedRate:
		open, words = ask.ReducedRate, "This price is only for families entitled to the reduced rate."
	case ByContract:
		open = o.ContractID != nil && slices.Contains(ask.Contracts, *o.ContractID)
		words = "This price is only for bookings under a contract."
	case FundedPlace:
		open, words = slices.Contains(ask.Schemes, o.Scheme), "This price is only for children with a funded place."
	}
	if open {
		return nil
	}
	return &hurdle{3, ask.pointer(), words}
}

// unserved is why the option does not serve one of the dates, or nil.
func (o *Option) unserved(ask *Ask, i int) *hurdle {
	if !o.inForce(ask.Occasions[i].StartsAt) {
		return &hurdle{5, ask.pointer(), "No price is set for " + shortbreaks.LongDate(ask.Occasions[i].StartsAt) + "."}
	}
	ratio := ask.ratio(i)
	if o.Ratio != nil && ratio != *o.Ratio || ratio != (Ratio{}) && o.noRate(ask, ratio) {
		return &hurdle{4, "/ratio", "No price is set for support at " + ratio.String() + "."}
	}
	return nil
}

// noRate reports whether a charge has rates by ratio and none for this one.
func (o *Option) noRate(ask *Ask, ratio Ratio) bool {
	for i := range o.Charges {
		c := &o.Charges[i]
		if c.Rate != nil && len(c.Rate.Ratios) > 0 && c.included(ask.ChargeKinds) && c.When != Contingent &&
			!slices.ContainsFunc(c.Rate.Ratios, func(r RatioRate) bool { return r.Ratio == ratio }) {
			return true
		}
	}
	return false
}

// String is a ratio as people write it: "1:3".
func (r Ratio) String() string { return itoa(r.Staff) + ":" + itoa(r.Children) }
