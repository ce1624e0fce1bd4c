package tariff

import (
	"math/big"
	"slices"
	"time"

	"shortbreaks"
)

// SoldBy is how an offer is bought.
type SoldBy string

// The three ways to buy.
const (
	BySession SoldBy = "session" // one or some of its dates
	ByBundle  SoldBy = "bundle"  // all that remains of a week, half term, term or quarter
	ByVisit   SoldBy = "visit"   // support by the hour
)

// Ask is what is to be priced. Nothing in it but what the price depends
// on: who buys is already turned into what this buyer may use.
type Ask struct {
	SoldBy      SoldBy
	ReducedRate bool       // the buyer is entitled to reduced rates
	ChargeKinds []string   // optional kinds wanted besides
	Occasions   []Occasion // by time; of a bundle, the sessions still to run
	Bundle      *BundleAsk // for ByBundle
}

// Occasion is one session or visit: an elapsed time on a London date.
type Occasion struct{ StartsAt, EndsAt time.Time }

// Minutes is its length in real minutes: a night over the October change has
// an hour more.
func (o Occasion) Minutes() int { return int(o.EndsAt.Sub(o.StartsAt) / time.Minute) }

// BundleAsk is the bundle asked for.
type BundleAsk struct {
	Name    string
	Unit    string
	Planned int // sessions the price was set for, run or not
	Started int // of them, begun before the buyer joins
}

// Priced is what was asked at the cheapest option this buyer may use.
type Priced struct {
	OptionName   string
	BilledOn     string
	Items        []PricedItem // one for each occasion, in their order
	TotalPence   shortbreaks.Pence
	ChildMinutes int64 // with the child, in all; half up
	// RatePence is the comparable rate: what all payers together pay for one
	// hour with the child, half up; nil where time is not what is sold.
	RatePence   *shortbreaks.Pence
	Beats       []Beaten // the other options this buyer may use
	Explanation string

	// ExactMinutes is ChildMinutes before rounding.
	ExactMinutes *big.Rat
}

// PricedItem is one occasion's lines.
type PricedItem struct {
	Charges    []PricedCharge
	TotalPence shortbreaks.Pence
}

// PricedCharge is one line: the charge's place in its option, from 1.
type PricedCharge struct {
	N     int
	Kind  string
	Unit  string
	Pence shortbreaks.Pence
}

// Beaten is an option that costs at least as much as the one chosen.
type Beaten struct {
	OptionName string
	TotalPence shortbreaks.Pence
}

// Price works out what is asked by every option the buyer may use and chooses
// the cheapest, the earlier of two equal ones. It decides nothing about
// places; it reads no clock.
func Price(t Tariff, ask Ask) (Priced, error) {
	if err := ask.whole(); err != nil {
		return Priced{}, err
	}
	var all []priced
	for _, o := range t.Options {
		if o.refusal(ask) == nil {
			all = append(all, o.price(ask))
		}
	}
	if len(all) == 0 {
		return Priced{}, t.refusal(ask)
	}
	best := 0
	for i := range all {
		if all[i].total < all[best].total {
			best = i
		}
	}
	chosen := all[best].result(ask)
	for i := range all {
		if i != best {
			chosen.Beats = append(chosen.Beats, Beaten{all[i].option.Name, all[i].total})
		}
	}
	chosen.Explanation = explain(all[best], ask, chosen.Beats)
	return chosen, nil
}

// pointer is where the request says what is bought.
func (ask Ask) pointer() string {
	return map[SoldBy]string{BySession: "/session_ids", ByBundle: "/bundle_id", ByVisit: "/visits"}[ask.SoldBy]
}

// whole refuses an ask that cannot be priced whatever the tariff.
func (ask Ask) whole() error {
	var f shortbreaks.Faults
	f.Unless(ask.pointer() != "", "", "Ask for sessions, a bundle or visits.")
	f.Unless(len(ask.Occasions) > 0, ask.pointer(), "Ask for at least one date.")
	f.Unless((ask.SoldBy == ByBundle) == (ask.Bundle != nil), "/bundle_id", "Only a bundle is priced as a bundle.")
	if ask.Bundle != nil {
		f.Unless(ask.Bundle.Planned > 0, "/bundle_id", "This bundle has no sessions.")
	}
	for _, o := range ask.Occasions {
		f.Unless(o.EndsAt.After(o.StartsAt), ask.pointer(), "An end must be after its start.")
	}
	return f.As(shortbreaks.ErrInvalid)
}

// priced is one option's lines, with what explaining them needs.
type priced struct {
	option Option
	lines  []line
	total  shortbreaks.Pence
}

// price works the option's charges out; refusal has said that it applies.
func (o Option) price(ask Ask) priced {
	p := priced{option: o}
	for i, c := range o.Charges {
		if c.included(ask.ChargeKinds) {
			l := c.line(i+1, ask)
			p.lines = append(p.lines, l)
			p.total += l.total
		}
	}
	return p
}

// result lays the lines out by occasion.
func (p priced) result(ask Ask) Priced {
	r := Priced{OptionName: p.option.Name, BilledOn: p.option.BilledOn, TotalPence: p.total}
	r.Items = make([]PricedItem, len(ask.Occasions))
	for i := range r.Items {
		item := &r.Items[i]
		for _, l := range p.lines {
			item.Charges = append(item.Charges, PricedCharge{N: l.n, Kind: l.charge.Kind, Unit: l.charge.Unit, Pence: l.each[i]})
			item.TotalPence += l.each[i]
		}
	}
	r.ExactMinutes = childMinutes(p.option.lead(), ask.Occasions)
	r.ChildMinutes = int64(shortbreaks.RoundHalfUp(r.ExactMinutes))
	r.RatePence = Rate(p.total, r.ExactMinutes)
	return r
}

// Rate is pence for an hour with the child, half up; nil if there is no such
// time.
func Rate(total shortbreaks.Pence, minutes *big.Rat) *shortbreaks.Pence {
	if minutes.Sign() <= 0 {
		return nil
	}
	exact := new(big.Rat).SetInt64(int64(total) * 60)
	r := shortbreaks.RoundHalfUp(exact.Quo(exact, minutes))
	return &r
}

// hurdle is why an option cannot be used. One that fails later is nearer to
// what was asked, so its words are the ones to show.
type hurdle struct {
	height int // in the order they are tried
	at     string
	words  string
}

// refusal is the first hurdle of the option for this, or nil.
func (o Option) refusal(ask Ask) *hurdle {
	switch unit := o.bundleUnit(); {
	case ask.SoldBy == ByBundle && unit == "":
		return &hurdle{1, ask.pointer(), "This is not sold as a whole; choose its dates."}
	case ask.SoldBy == ByBundle && unit != ask.Bundle.Unit:
		return &hurdle{1, ask.pointer(), "No price is set for " + shortbreaks.Article(ask.Bundle.Unit) + "."}
	case ask.SoldBy != ByBundle && unit != "":
		return &hurdle{1, ask.pointer(), "This is sold by the " + shortbreaks.Spaced(unit) + ", not by single dates; ask for its bundle."}
	}
	for _, kind := range ask.ChargeKinds {
		if !slices.ContainsFunc(o.Charges, func(c Charge) bool { return c.Kind == kind }) {
			return &hurdle{2, "/charge_kinds", "This offer has no " + shortbreaks.Spaced(kind) + " to add."}
		}
	}
	if o.WhoMayUse == ReducedRate && !ask.ReducedRate {
		return &hurdle{3, ask.pointer(), "This price is only for families entitled to the reduced rate."}
	}
	for _, occasion := range ask.Occasions {
		if !o.inForce(shortbreaks.Date(occasion.StartsAt)) {
			return &hurdle{4, ask.pointer(), "No single price covers all of these dates; ask for those on each side of the change separately."}
		}
	}
	return nil
}

// refusal is why none of the options can be used.
func (t Tariff) refusal(ask Ask) error {
	nearest := &hurdle{0, ask.pointer(), "This offer has no price."}
	for _, o := range t.Options {
		if h := o.refusal(ask); h != nil && h.height > nearest.height {
			nearest = h
		}
	}
	return shortbreaks.ErrInvalid.With(nearest.words).At(nearest.at, nearest.words)
}
