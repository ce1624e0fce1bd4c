package budgets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// CostPlan asks what a whole plan would cost (R100, R101). Nothing is kept.
type CostPlan struct {
	ChildID     *uuid.UUID // whose budgets it is held against; nil: nobody's
	Age         *int       // of nobody in particular; a child's is known
	Postcode    string     // to search around; a child's is known
	ReducedRate bool
	StartsOn    time.Time // dates, midnight UTC
	EndsOn      time.Time // at most a year later
	Shares      []Share   // of lines that name none
	Lines       []CostLine

	schemes   []string    // that fund the child's place
	contracts []uuid.UUID // whose framework rates the authority may use
}

// CostLine is one line of a plan to be costed: exactly one of an offer, the
// cheapest that suits, a personal assistant and a fixed sum.
type CostLine struct {
	Name       string
	Shares     []Share  // which streams bear the budget's part
	FamilyPays []string // kinds of charge the family pays itself (R115)
	StartsOn   *time.Time
	EndsOn     *time.Time // nil: as long as the plan
	Use        *CostUse   // of an offer, the cheapest and an assistant
	OfferID    *uuid.UUID
	Cheapest   *Cheapest
	Assistant  *Assistant
	Fixed      *FixedSum
}

// CostUse is how often and how long support is used.
type CostUse struct {
	Weekdays    []int // ISO
	Minutes     int
	From        string // "": at any time of the day
	Except      []time.Time
	Ratio       tariff.Ratio
	Taper       []marketplace.RatioFrom
	ChargeKinds []string
	Quantities  map[string]int
}

// Cheapest is what an offer must meet.
type Cheapest struct {
	Category    string
	Text        string
	WithinMiles int
}

// FixedSum is money that no offer prices, such as a family's own trip (R010).
type FixedSum struct {
	Pence shortbreaks.Pence
	Every string // once, week, month, year
}

// Costing is what a plan would cost.
type Costing struct {
	StartsOn, EndsOn time.Time
	Lines            []CostedLine
	Totals           Sums
	TotalPence       shortbreaks.Pence // budget and family together
	FullPence        shortbreaks.Pence // what all payers and subsidies together pay
	Minutes          int64             // with the child
	Against          []Against         // only for a child
	CostedAt         time.Time
}

// CostedLine is one line's cost.
type CostedLine struct {
	Name        string
	Kind        string // offer, cheapest, personal_assistant, fixed
	Offer       *marketplace.OfferSummary
	OptionName  string
	Dates       int // how many times
	Projected   int
	Missing     []time.Time
	Minutes     int64 // with the child
	TotalPence  shortbreaks.Pence
	FullPence   shortbreaks.Pence
	RatePence   *shortbreaks.Pence
	Sums        Sums
	Parts       []CostPart // of an assistant
	Explanation string
	Trouble     string // why it could not be costed; then it counts for nothing

	entries []costEntry
}

// CostPart is one part of what a personal assistant costs.
type CostPart struct {
	Kind  string // wage, holiday, national_insurance, pension, insurance, payroll, contingency
	Pence shortbreaks.Pence
	Words string
}

// costEntry is the finest grain of a costing: all sums are sums of these.
type costEntry struct {
	on     time.Time
	payer  string // budget, family, council, health, charity, other, funded_place
	stream string // of a budget
	pence  shortbreaks.Pence
}

// Sums are the same money by each way of looking at it; each list is in its
// own order and sums to the same.
type Sums struct {
	ByPayer  []Sum
	ByStream []Sum // the budget's part only
	ByMonth  []Sum // of budget and family, "2027-01"
	ByYear   []Sum // of budget and family, "2026/27", from April
}

// Sum is an amount under a name.
type Sum struct {
	Name  string
	Pence shortbreaks.Pence
}

// Against is the plan's cost to a stream beside what the child has of it.
type Against struct {
	Stream      string
	CostPence   shortbreaks.Pence
	FreePence   *shortbreaks.Pence // nil: the child has no money of the stream in that time
	CostMinutes int64              // with the child, of the lines this stream bears alone or in part
	FreeMinutes *int64             // nil: no allowance of hours
}

// mostLines is how many lines one costing may have.
const mostLines = 60

// costs are the roles that may cost a plan.
var costs = []shortbreaks.Role{shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Family}

// Cost works out a whole plan in one go: a practitioner or approver for a
// child of the authority or for nobody in particular, a family for its own
// child. A line that cannot be costed says why and counts for nothing; values
// that break a rule are refused, all at once. Errors: forbidden, not-found,
// invalid.
func Cost(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CostPlan) (*Costing, error) {
	if !who.Is(costs...) {
		return nil, shortbreaks.ErrForbidden
	}
	if err := c.check(who); err != nil {
		return nil, err
	}
	var costing *Costing
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		var child *Child
		if c.ChildID != nil {
			if child, err = LoadChild(ctx, tx, who, *c.ChildID); err != nil {
				return err
			}
			c.of(child)
			if c.contracts, err = marketplace.ContractsFor(ctx, tx, child.AuthorityID, c.StartsOn, c.EndsOn); err != nil {
				return err
			}
		}
		costing = &Costing{StartsOn: c.StartsOn, EndsOn: c.EndsOn, CostedAt: tx.Now}
		for i := range c.Lines {
			line, err := c.cost(ctx, tx, i)
			if err != nil {
				return err
			}
			costing.Lines = append(costing.Lines, line)
		}
		costing.sum()
		if child != nil {
			costing.Against, err = costing.against(ctx, tx, child)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return costing, nil
}

// of takes from the child what a price depends on.
func (c *CostPlan) of(child *Child) {
	age := shortbreaks.AgeOn(child.DateOfBirth, c.StartsOn)
	c.Age, c.ReducedRate, c.schemes = &age, child.ReducedRate, child.FundedSchemes
	if c.Postcode == "" {
		c.Postcode = child.Postcode
	}
}

// check notes every value that breaks a rule; patterns are checked where they
// are priced.
func (c *CostPlan) check(who shortbreaks.Actor) error {
	var f shortbreaks.Faults
	f.Unless(c.ChildID != nil || !who.Is(shortbreaks.Family), "/child_id", "Say for which of your children.")
	f.Unless(!c.StartsOn.IsZero() && !c.EndsOn.Before(c.StartsOn), "/ends_on", "The last date is before the first.")
	f.Unless(c.EndsOn.Sub(c.StartsOn) <= 366*24*time.Hour, "/ends_on", "Cost at most a year.")
	f.Unless(len(c.Lines) >= 1 && len(c.Lines) <= mostLines, "/lines", "Give 1 to %d lines.", mostLines)
	if len(c.Shares) > 0 {
		checkShares(&f, c.Shares)
	}
	for i := range c.Lines {
		c.Lines[i].check(&f, fmt.Sprintf("/lines/%d", i), c)
	}
	return f.As(errValues)
}

func (l *CostLine) check(f *shortbreaks.Faults, at string, c *CostPlan) {
	f.Text(at+"/name", l.Name, 1, 120)
	ways := 0
	for _, given := range []bool{l.OfferID != nil, l.Cheapest != nil, l.Assistant != nil, l.Fixed != nil} {
		if given {
			ways++
		}
	}
	f.Unless(ways == 1, at, "Give exactly one of offer_id, cheapest, personal_assistant and fixed.")
	f.Unless((l.Use != nil) == (l.Fixed == nil), at+"/use", "Say how often and how long it is used; a fixed sum has no use.")
	if len(l.Shares) > 0 {
		var shares shortbreaks.Faults
		checkShares(&shares, l.Shares)
		for _, s := range shares.Fields {
			f.Add(at+s.Pointer, "%s", s.Detail)
		}
	}
	checkWords(f, at+"/family_pays", l.FamilyPays, chargeKinds, "This is not a kind of charge.")
	from, to := l.span(c)
	f.Unless(!from.Before(c.StartsOn) && !to.After(c.EndsOn) && !to.Before(from), at+"/ends_on", "A line lies within the plan.")
	if l.Fixed != nil {
		f.Unless(l.Fixed.Pence >= 0 && l.Fixed.Pence <= maxAmount, at+"/fixed/pence", "Give £0.00 to %s.", shortbreaks.Pence(maxAmount))
		f.OneOf(at+"/fixed/every", l.Fixed.Every, []string{"once", "week", "month", "year"})
	}
	if l.Assistant != nil {
		l.Assistant.check(f, at+"/personal_assistant")
	}
	if l.Cheapest != nil {
		f.Within(at+"/cheapest/within_miles", l.Cheapest.WithinMiles, 0, 100)
		f.Unless(l.Cheapest.WithinMiles == 0 || c.Postcode != "" || c.ChildID != nil, at+"/cheapest/within_miles", "Say from which postcode.")
	}
}

// span is from when to when the line runs.
func (l *CostLine) span(c *CostPlan) (from, to time.Time) {
	from, to = c.StartsOn, c.EndsOn
	if l.StartsOn != nil {
		from = *l.StartsOn
	}
	if l.EndsOn != nil {
		to = *l.EndsOn
	}
	return from, to
}

// pattern is the line's use as a pattern to price.
func (l *CostLine) pattern(c *CostPlan) marketplace.Pattern {
	from, to := l.span(c)
	u := l.Use
	p := marketplace.Pattern{
		Weekdays: u.Weekdays, Minutes: u.Minutes, From: u.From, StartsOn: from, EndsOn: to, Except: u.Except, Age: c.Age,
		RatioStaff: u.Ratio.Staff, RatioChildren: u.Ratio.Children, ReducedRate: c.ReducedRate, ChargeKinds: u.ChargeKinds,
		Quantities: u.Quantities, Taper: u.Taper, Schemes: c.schemes, Contracts: c.contracts,
	}
	switch {
	case l.OfferID != nil:
		p.OfferIDs = []uuid.UUID{*l.OfferID}
	case l.Cheapest != nil:
		p.Category, p.Text = l.Cheapest.Category, l.Cheapest.Text
	}
	if l.Cheapest != nil && l.Cheapest.WithinMiles > 0 {
		p.Postcode = c.Postcode
	}
	return p
}

// cost works out one line.
func (c *CostPlan) cost(ctx context.Context, tx *db.Tx, i int) (CostedLine, error) {
	l := &c.Lines[i]
	at := fmt.Sprintf("/lines/%d", i)
	out := CostedLine{Name: l.Name}
	switch {
	case l.Fixed != nil:
		out.Kind = "fixed"
		l.Fixed.cost(&out, l, c)
	case l.Assistant != nil:
		out.Kind = "personal_assistant"
		p := l.pattern(c)
		if err := p.Check(at + "/use"); err != nil {
			return out, err
		}
		l.Assistant.cost(&out, l, c, p.Dates())
	default:
		out.Kind = "offer"
		use := marketplace.Use{Pattern: l.pattern(c)}
		if l.Cheapest != nil {
			out.Kind, use.WithinMiles = "cheapest", l.Cheapest.WithinMiles
		}
		costed, err := marketplace.CostUse(ctx, tx, use, at+"/use")
		if err != nil {
			return out, err
		}
		out.offer(costed, l, c)
	}
	out.Sums = sums(out.entries)
	return out, nil
}

// offer writes what a use of an offer comes to.
func (out *CostedLine) offer(u *marketplace.CostedUse, l *CostLine, c *CostPlan) {
	if out.Trouble = u.Trouble; out.Trouble != "" {
		return
	}
	out.Offer, out.OptionName, out.Dates, out.Projected, out.Missing = &u.Offer, u.OptionName, len(u.Dates), u.Projected, u.Missing
	out.Minutes, out.TotalPence, out.FullPence, out.RatePence, out.Explanation = u.ChildMins, u.TotalPence, u.FullPence, u.RatePence, u.Explanation
	for _, on := range u.Dates {
		for _, line := range on.Lines {
			day := shortbreaks.Date(on.StartsAt)
			for _, b := range line.Others {
				out.entries = append(out.entries, costEntry{on: day, payer: b.Payer, pence: b.Pence})
			}
			switch {
			case line.Payer != "":
				out.entries = append(out.entries, costEntry{on: day, payer: line.Payer, pence: line.Pence})
			case slices.Contains(l.FamilyPays, line.Kind):
				out.entries = append(out.entries, costEntry{on: day, payer: payerFamily, pence: line.Pence})
			default:
				out.budget(day, line.Pence, l.shares(c))
			}
		}
	}
}

// The payers of a costing that rules name.
const (
	payerBudget = "budget"
	payerFamily = "family"
)

// shares are the line's streams, else the plan's, else social care alone.
func (l *CostLine) shares(c *CostPlan) []Share {
	switch {
	case len(l.Shares) > 0:
		return l.Shares
	case len(c.Shares) > 0:
		return c.Shares
	}
	return []Share{{Stream: "social_care", Weight: 100}}
}

// budget divides an amount over streams as a booking would: line by line, to
// the penny (T20).
func (out *CostedLine) budget(on time.Time, pence shortbreaks.Pence, shares []Share) {
	weights := make([]int64, len(shares))
	for i, s := range shares {
		weights[i] = s.Weight
	}
	for i, part := range shortbreaks.Split(int64(pence), weights) {
		if part != 0 {
			out.entries = append(out.entries, costEntry{on: on, payer: payerBudget, stream: shares[i].Stream, pence: shortbreaks.Pence(part)})
		}
	}
}

// cost spreads a fixed sum over the time of its line.
func (s *FixedSum) cost(out *CostedLine, l *CostLine, c *CostPlan) {
	from, to := l.span(c)
	step := map[string]func(n int) time.Time{
		"week":  func(n int) time.Time { return from.AddDate(0, 0, 7*n) },
		"month": func(n int) time.Time { return from.AddDate(0, n, 0) },
		"year":  func(n int) time.Time { return from.AddDate(n, 0, 0) },
	}[s.Every]
	for n := 0; ; n++ {
		on := from
		if n > 0 {
			if step == nil {
				break
			}
			on = step(n)
		}
		if on.After(to) {
			break
		}
		out.Dates++
		out.budget(on, s.Pence, l.shares(c))
	}
	out.TotalPence = s.Pence * shortbreaks.Pence(out.Dates)
	out.FullPence = out.TotalPence
	out.Explanation = fmt.Sprintf("%s once.", s.Pence)
	if s.Every != "once" {
		out.Explanation = fmt.Sprintf("%s every %s, %s: %s.", s.Pence, s.Every, shortbreaks.Plural(out.Dates, "time"), out.TotalPence)
	}
}
