package tariff

import (
	"math/big"
	"slices"

	"shortbreaks"
)

// Priced is what was asked at the cheapest option, or mix of options, this
// buyer may use. Money is in pence.
type Priced struct {
	Parts      []Part            // what is bought, in the order of the options
	Items      []Item            // one for each occasion, in their order
	TotalPence shortbreaks.Pence // what the buyer pays: budget and family together
	FullPence  shortbreaks.Pence // what all payers and subsidies together pay
	// ChildMinutes is the time with the child, in all; half up.
	ChildMinutes int64
	// ExactMinutes is ChildMinutes before rounding.
	ExactMinutes *big.Rat
	// RatePence is the comparable rate: the full cost of one hour with the
	// child, half up; nil where time is not what is sold.
	RatePence *shortbreaks.Pence
	Beats     []Beaten // the other options this buyer may use for all of it
	MightAdd  []MightAdd

	tariff *Tariff
	ask    *Ask
}

// Part is one thing bought: an option for some of the dates, or a ticket.
type Part struct {
	Option     int // place in the tariff, from 0
	OptionName string
	Dates      []int             // places of the occasions it serves; a membership serves none itself
	Pence      shortbreaks.Pence // what the buyer pays for it

	lines []line            // of an option by the date: over all of its occasions
	paid  shortbreaks.Pence // of a ticket: its price to the buyer
}

// Item is one occasion's lines.
type Item struct {
	BilledOn   string
	Lines      []Line
	TotalPence shortbreaks.Pence // the buyer's
}

// Line is one charge for one occasion.
type Line struct {
	N          int // within the item, from 1
	OptionName string
	Kind       string
	Unit       string
	Pence      shortbreaks.Pence // the buyer's part
	FullPence  shortbreaks.Pence // with what other payers bear
	VATPence   shortbreaks.Pence // inside FullPence
	Payee      string            // a second payee, or "" for the provider
	Payer      string            // contract or funded_place, where the option is settled so; else ""
	Others     []Borne           // who bears the rest
	Group      *GroupPrice       // what is shared, if the price is one for the group
}

// Beaten is an option that costs at least as much as what was chosen.
type Beaten struct {
	OptionName string
	TotalPence shortbreaks.Pence
}

// OptionName names what was chosen: one option, or several.
func (p *Priced) OptionName() string {
	var names []string
	for _, part := range p.Parts {
		if len(names) == 0 || names[len(names)-1] != part.OptionName {
			names = append(names, part.OptionName)
		}
	}
	return shortbreaks.Listed(names)
}

// BilledOn is booked or attended: of a mix, what its first date is billed on.
func (p *Priced) BilledOn() string { return p.Items[0].BilledOn }

// Price works out what is asked by the options the buyer may use and chooses
// the cheapest, or the cheapest mix of single dates, blocks and membership,
// exactly (T87); the earlier of two equal ones. It decides nothing about
// places; it reads no clock. What it answers refers to the tariff and the ask.
func Price(t *Tariff, ask *Ask) (Priced, error) {
	if err := ask.whole(); err != nil {
		return Priced{}, err
	}
	usable := make([]int, 0, 4)
	for i := range t.Options {
		if t.Options[i].refusal(ask) == nil {
			usable = append(usable, i)
		}
	}
	if len(usable) == 0 {
		return Priced{}, t.refused(ask, usable)
	}
	p := Priced{tariff: t, ask: ask}
	o := &t.Options[usable[0]]
	if len(usable) == 1 && !o.ticket() && o.WhoMayUse != Members {
		for i := range ask.Occasions {
			if o.unserved(ask, i) != nil {
				return Priced{}, t.refused(ask, usable)
			}
		}
		p.Parts = []Part{{Option: usable[0], OptionName: o.Name, Dates: every(len(ask.Occasions)), lines: o.worked(ask, false)}}
	} else {
		m := newMix(t, ask, usable)
		if p.Parts = m.cheapest(); p.Parts == nil {
			if m.tooMany {
				words := "There are too many ways to buy so many dates with blocks and membership; ask for fewer."
				return Priced{}, shortbreaks.ErrInvalid.With(words).At(ask.pointer(), words)
			}
			return Priced{}, t.refused(ask, usable)
		}
		p.Beats = m.beaten(p.Parts)
	}
	p.lay()
	return p, nil
}

func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// refused is why none of the options can be used for all of the dates.
func (t *Tariff) refused(ask *Ask, usable []int) error {
	usable = slices.DeleteFunc(slices.Clone(usable), func(n int) bool { return t.Options[n].Membership != nil }) // it serves no date by itself
	nearest := &hurdle{0, ask.pointer(), "This offer has no price."}
	nearer := func(h *hurdle) {
		if h != nil && h.height > nearest.height {
			nearest = h
		}
	}
	if len(usable) == 0 {
		for i := range t.Options {
			nearer(t.Options[i].refusal(ask))
		}
	}
	for i := range ask.Occasions {
		served := false
		var why *hurdle
		for _, n := range usable {
			h := t.Options[n].unserved(ask, i)
			served = served || h == nil
			if h != nil && (why == nil || h.height > why.height) {
				why = h
			}
		}
		if !served {
			nearer(why)
		}
	}
	members := func(n int) bool { return t.Options[n].WhoMayUse == Members }
	switch {
	case nearest.height > 0 || len(usable) == 0:
	case !slices.ContainsFunc(usable, func(n int) bool { return !members(n) }):
		nearest = &hurdle{0, ask.pointer(), "This price is only for members, and membership is not sold for these dates."}
	default:
		nearest = &hurdle{0, ask.pointer(), "The prices of this offer do not serve all of these dates together; ask for fewer."}
	}
	return shortbreaks.ErrInvalid.With(nearest.words).At(nearest.at, nearest.words)
}

// lay writes the parts onto the items.
func (p *Priced) lay() {
	p.Items = make([]Item, len(p.ask.Occasions))
	var time childTime
	for n := range p.Parts {
		part := &p.Parts[n]
		o := &p.tariff.Options[part.Option]
		part.Pence += part.paid
		p.TotalPence += part.paid
		for _, l := range part.lines {
			p.layLine(part, o, &l)
		}
		if part.paid > 0 || o.ticket() {
			p.layTicket(part, o)
		}
		if o.Membership != nil {
			continue
		}
		for _, i := range part.Dates {
			p.Items[i].BilledOn = o.BilledOn
			time += o.childTime(&p.ask.Occasions[i])
		}
	}
	p.ChildMinutes, p.ExactMinutes = (int64(time)+30)/60, time.minutes()
	p.RatePence = time.rate(p.FullPence)
	p.mightAdd()
}

func (p *Priced) layLine(part *Part, o *Option, l *line) {
	var others []borneBy
	if len(l.charge.CostShares) > 0 {
		others = l.borne()
	}
	group := l.group(p.ask)
	for _, i := range part.Dates {
		full := l.full[i]
		if full == 0 && l.charge.SubsidyPence == 0 && l.silent(p.ask, i) {
			continue
		}
		item := &p.Items[i]
		entry := Line{
			N: len(item.Lines) + 1, OptionName: o.Name, Kind: l.charge.Kind, Unit: l.charge.Unit, Pence: l.buyer[i], FullPence: full,
			VATPence: l.charge.vat(full), Payee: l.charge.Payee, Payer: o.payer(),
		}
		for _, b := range others {
			if b.Payer != Buyer && b.by[i] != 0 {
				entry.Others = append(entry.Others, Borne{b.Payer, b.by[i]})
			}
		}
		if group != nil {
			entry.Group = &group[i]
		}
		if item.Lines == nil {
			item.Lines = make([]Line, 0, len(part.lines))
		}
		item.Lines = append(item.Lines, entry)
		item.TotalPence += entry.Pence
		part.Pence += entry.Pence
		p.TotalPence += entry.Pence
		p.FullPence += full
	}
	p.FullPence += l.subsidies(p.ask, part.Dates)
}

// silent reports whether a charge says nothing on a date: it is for another
// day, or was charged with an earlier date of its month.
func (l *line) silent(ask *Ask, i int) bool {
	return l.charge.When == Contingent || !l.charge.due(ask, i)
}

// layTicket spreads the price of a block over the dates it is used on; that of
// a membership stands with the date it is first used on.
func (p *Priced) layTicket(part *Part, o *Option) {
	dates := part.Dates
	parts := make([]shortbreaks.Pence, len(dates))
	spread(part.paid, parts)
	lead := &o.Charges[0]
	for k, i := range dates {
		item := &p.Items[i]
		item.Lines = append(item.Lines, Line{
			N: len(item.Lines) + 1, OptionName: o.Name, Kind: lead.Kind, Unit: lead.Unit, Pence: parts[k], FullPence: parts[k],
			VATPence: lead.vat(parts[k]), Payee: lead.Payee, Payer: o.payer(),
		})
		item.TotalPence += parts[k]
		p.FullPence += parts[k]
	}
	p.FullPence += lead.SubsidyPence
}

// payer is who settles the lines of an option, where it is not the buyer.
func (o *Option) payer() string {
	if o.WhoMayUse == FundedPlace {
		return FundedPlace
	}
	return ""
}

// RateOf is pence for an hour with the child, half up; nil if there is no such
// time.
func RateOf(total shortbreaks.Pence, minutes *big.Rat) *shortbreaks.Pence {
	if minutes.Sign() <= 0 {
		return nil
	}
	exact := new(big.Rat).SetInt64(int64(total) * 60)
	r := shortbreaks.RoundHalfUp(exact.Quo(exact, minutes))
	return &r
}

// childTime is time with the child, exactly: in sixtieths of a minute, since a
// charged hour may hold less than an hour of it.
type childTime int64

func (t childTime) minutes() *big.Rat {
	if t%60 == 0 {
		return new(big.Rat).SetInt64(int64(t / 60))
	}
	return big.NewRat(int64(t), 60)
}

// rate is RateOf without the detour, where the figures are small.
func (t childTime) rate(total shortbreaks.Pence) *shortbreaks.Pence {
	if t <= 0 || total < 0 || total > 1<<48 {
		return RateOf(total, t.minutes())
	}
	rate := exact{int64(total) * 3600, int64(t)}.round()
	return &rate
}

// childTime is the time with the child that an occasion gives. Where a charged
// hour (or session) holds less of it than its length, only that counts. An
// item has no time unless it says so.
func (o *Option) childTime(at *Occasion) childTime {
	lead := o.lead()
	minutes, includes := childTime(at.Minutes()), childTime(lead.IncludesMinutesWithChild)
	switch {
	case includes == 0 && lead.Unit == UnitItem && o.Block == nil:
		return 0
	case includes == 0:
		return 60 * minutes
	case lead.Unit == UnitHour:
		return minutes * min(60, includes)
	case lead.Unit == UnitNight:
		includes *= childTime(at.nights())
	case lead.Unit == UnitDay:
		includes *= childTime(at.days())
	}
	return 60 * min(minutes, includes)
}
