package marketplace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Worksheet is what an offer costs in a year and who fills it: what a provider
// writes down to find its price (R023).
type Worksheet struct {
	Staff             []StaffCost    `json:"staff"`
	OnCostsHundredths int            `json:"on_costs_hundredths"` // on top of wages, in hundredths of a percent: pension, insurance, holiday
	Costs             []YearlyCost   `json:"costs"`
	Income            []YearlyIncome `json:"income"`
	Places            int            `json:"places"` // children in a full session
	SessionsPerWeek   int            `json:"sessions_per_week"`
	Weeks             int            `json:"weeks"` // of a year it runs
	SessionMinutes    int            `json:"session_minutes"`
	ExpectedPercent   int            `json:"expected_percent"` // of the places are expected to be taken, 1 to 100
	Unit              string         `json:"unit"`             // the price asked for: session or hour
}

// StaffCost is paid time.
type StaffCost struct {
	Role           string            `json:"role"`
	MinutesPerWeek int               `json:"minutes_per_week"` // paid, of all who do it together
	Weeks          int               `json:"weeks"`
	RatePence      shortbreaks.Pence `json:"rate_pence"` // an hour
}

// YearlyCost is any other cost of a year.
type YearlyCost struct {
	Kind  string            `json:"kind"` // premises, transport, materials, overhead, other
	Name  string            `json:"name"`
	Pence shortbreaks.Pence `json:"pence"`
}

// YearlyIncome is what others pay towards the year.
type YearlyIncome struct {
	Kind  string            `json:"kind"` // grant, block_funding, donation
	Name  string            `json:"name"`
	Pence shortbreaks.Pence `json:"pence"`
}

// Words of the contract, in its order.
var (
	CostKinds    = []string{"premises", "transport", "materials", "overhead", "other"}
	IncomeKinds  = []string{"grant", "block_funding", "donation"}
	CostingUnits = []string{tariff.UnitSession, tariff.UnitHour}
)

// Costed is what a worksheet comes to. Every figure is worked out in whole
// pence or exactly; prices are rounded up, so that the year is paid for.
type Costed struct {
	Lines          []CostedLine // what the year costs, line by line
	GrossPence     shortbreaks.Pence
	IncomePence    shortbreaks.Pence // grants and block funding
	DonationsPence shortbreaks.Pence // shown apart: they never sit in a price (R136)
	NetPence       shortbreaks.Pence // what the prices must bring in; never below 0
	Sessions       int64             // in a year
	ChildSessions  int64             // in a year, if every place is taken
	PricePence     shortbreaks.Pence
	PriceUnit      string
	FullPence      shortbreaks.Pence  // the price without grants and block funding
	Components     []tariff.Component // of the price; they sum to it, and fit a tariff
	BreakEven      BreakEven
	Filled         []FilledPrice // at 60, 80 and 100 percent
	Explanation    []string
}

// CostedLine is one cost of the year.
type CostedLine struct {
	Kind  string // a component's kind
	Name  string
	Pence shortbreaks.Pence
	Words string // how it was worked out
}

// BreakEven is the fewest places taken at which the price pays for the year
// (R024).
type BreakEven struct {
	ChildSessions     int64 // in a year
	TenthsPerSession  int64 // children in a session, on average, in tenths, rounded up
	PercentHundredths int64 // of all places, in hundredths of a percent, rounded up
}

// FilledPrice is what the price would have to be at another attendance.
type FilledPrice struct {
	Percent    int
	PricePence shortbreaks.Pence
}

// mostYearly is the largest amount a worksheet takes: £10 million.
const mostYearly = shortbreaks.Pence(1_000_000_000)

func (w Worksheet) check() error {
	var f shortbreaks.Faults
	f.Unless(len(w.Staff)+len(w.Costs) >= 1, "/worksheet/costs", "Give at least one cost.")
	f.Unless(len(w.Staff) <= 30, "/worksheet/staff", "Give at most 30 lines.")
	f.Unless(len(w.Costs) <= 30, "/worksheet/costs", "Give at most 30 lines.")
	f.Unless(len(w.Income) <= 30, "/worksheet/income", "Give at most 30 lines.")
	for i, s := range w.Staff {
		at := fmt.Sprintf("/worksheet/staff/%d", i)
		f.Text(at+"/role", s.Role, 1, 80)
		f.Within(at+"/minutes_per_week", s.MinutesPerWeek, 1, 600_000)
		f.Within(at+"/weeks", s.Weeks, 1, 53)
		f.Unless(s.RatePence >= 0 && s.RatePence <= 100_000, at+"/rate_pence", "Give £0.00 to £1000.00 an hour.")
	}
	f.Within("/worksheet/on_costs_hundredths", w.OnCostsHundredths, 0, 10_000)
	for i, c := range w.Costs {
		checkYearly(&f, fmt.Sprintf("/worksheet/costs/%d", i), c.Kind, c.Name, c.Pence, CostKinds)
	}
	for i, c := range w.Income {
		checkYearly(&f, fmt.Sprintf("/worksheet/income/%d", i), c.Kind, c.Name, c.Pence, IncomeKinds)
	}
	f.Within("/worksheet/places", w.Places, 1, 500)
	f.Within("/worksheet/sessions_per_week", w.SessionsPerWeek, 1, 200)
	f.Within("/worksheet/weeks", w.Weeks, 1, 53)
	f.Within("/worksheet/session_minutes", w.SessionMinutes, 5, 1440)
	f.Within("/worksheet/expected_percent", w.ExpectedPercent, 1, 100)
	f.OneOf("/worksheet/unit", w.Unit, CostingUnits)
	return f.As(shortbreaks.ErrInvalid)
}

func checkYearly(f *shortbreaks.Faults, at, kind, name string, amount shortbreaks.Pence, kinds []string) {
	f.OneOf(at+"/kind", kind, kinds)
	f.Text(at+"/name", name, 1, 80)
	f.Unless(amount >= 0 && amount <= mostYearly, at+"/pence", "Give £0.00 to %s.", pounds(mostYearly))
}

// Cost works a worksheet out. It is pure: the same sheet gives the same price.
// Errors: invalid.
func Cost(w Worksheet) (*Costed, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	c := &Costed{Lines: w.lines(), PriceUnit: w.Unit}
	for _, l := range c.Lines {
		c.GrossPence += l.Pence
	}
	for _, in := range w.Income {
		if in.Kind == "donation" {
			c.DonationsPence += in.Pence
		} else {
			c.IncomePence += in.Pence
		}
	}
	c.NetPence = max(0, c.GrossPence-c.IncomePence)
	c.Sessions = int64(w.Weeks) * int64(w.SessionsPerWeek)
	c.ChildSessions = c.Sessions * int64(w.Places)
	c.PricePence = w.priceAt(c.NetPence, c.ChildSessions, w.ExpectedPercent)
	c.FullPence = w.priceAt(c.GrossPence, c.ChildSessions, w.ExpectedPercent)
	c.Components = c.components()
	c.BreakEven = w.breakEven(c)
	for _, percent := range []int{60, 80, 100} {
		c.Filled = append(c.Filled, FilledPrice{percent, w.priceAt(c.NetPence, c.ChildSessions, percent)})
	}
	c.Explanation = w.explain(c)
	return c, nil
}

// lines are the costs of the year; wages are worked out exactly and rounded
// half up once a line, on-costs once on all wages.
func (w Worksheet) lines() []CostedLine {
	var lines []CostedLine
	var wages shortbreaks.Pence
	for _, s := range w.Staff {
		amount := shortbreaks.MulDiv(s.RatePence, int64(s.MinutesPerWeek)*int64(s.Weeks), 60)
		wages += amount
		lines = append(lines, CostedLine{"staff", s.Role, amount, fmt.Sprintf("%s: %s a week for %s at %s an hour is %s.",
			s.Role, shortbreaks.Minutes(s.MinutesPerWeek), shortbreaks.Plural(s.Weeks, "week"), s.RatePence, pounds(amount))})
	}
	if w.OnCostsHundredths > 0 && wages > 0 {
		amount := shortbreaks.MulDiv(wages, int64(w.OnCostsHundredths), 10_000)
		lines = append(lines, CostedLine{
			"on_costs", "On-costs", amount,
			fmt.Sprintf("On-costs: %s of wages of %s is %s.", percentText(int64(w.OnCostsHundredths)), pounds(wages), pounds(amount)),
		})
	}
	for _, c := range w.Costs {
		lines = append(lines, CostedLine{c.Kind, c.Name, c.Pence, fmt.Sprintf("%s: %s.", c.Name, pounds(c.Pence))})
	}
	return lines
}

// units is what is sold at an attendance, as an exact fraction: child-sessions,
// or the child-hours in them.
func (w Worksheet) units(childSessions int64, percent int) (n, of int64) {
	n, of = childSessions*int64(percent), 100
	if w.Unit == tariff.UnitHour {
		n, of = n*int64(w.SessionMinutes), of*60
	}
	return n, of
}

// priceAt is what one unit must cost to bring in an amount, rounded up to the
// penny.
func (w Worksheet) priceAt(amount shortbreaks.Pence, childSessions int64, percent int) shortbreaks.Pence {
	n, of := w.units(childSessions, percent)
	return shortbreaks.Pence(up(int64(amount)*of, n))
}

// components share the full price over what the year is spent on, and show
// what grants and block funding bear as a subsidy below it.
func (c *Costed) components() []tariff.Component {
	var kinds []string
	var totals []int64
	for _, l := range c.Lines {
		i := slices.Index(kinds, l.Kind)
		if i < 0 {
			kinds, totals, i = append(kinds, l.Kind), append(totals, 0), len(kinds)
		}
		totals[i] += int64(l.Pence)
	}
	var parts []tariff.Component
	for i, part := range shortbreaks.Split(int64(c.FullPence), totals) {
		if part != 0 {
			parts = append(parts, tariff.Component{Kind: kinds[i], AmountPence: shortbreaks.Pence(part)})
		}
	}
	if borne := c.FullPence - c.PricePence; borne > 0 {
		parts = append(parts, tariff.Component{Kind: "subsidy", AmountPence: -borne, Note: "Grants and block funding"})
	}
	return parts
}

func (w Worksheet) breakEven(c *Costed) BreakEven {
	if c.PricePence == 0 {
		return BreakEven{}
	}
	n, of := w.units(1, 100) // units of one child-session
	need := up(int64(c.NetPence)*of, int64(c.PricePence)*n)
	return BreakEven{ChildSessions: need, TenthsPerSession: up(need*10, c.Sessions), PercentHundredths: up(need*10_000, c.ChildSessions)}
}

// up is a / b rounded up; both are positive or a is 0.
func up(a, b int64) int64 { return (a + b - 1) / b }

// explain says the arithmetic in plain English.
func (w Worksheet) explain(c *Costed) []string {
	var said []string
	for _, l := range c.Lines {
		said = append(said, l.Words)
	}
	said = append(said, fmt.Sprintf("The year costs %s.", pounds(c.GrossPence)))
	if c.IncomePence > 0 {
		said = append(said, fmt.Sprintf("Grants and block funding bring %s, so prices must bring %s.", pounds(c.IncomePence), pounds(c.NetPence)))
	}
	said = append(said, fmt.Sprintf("%s of %s for %s, %s each time, is %s places a year; %s of them are expected to be taken.",
		shortbreaks.Plural(w.SessionsPerWeek, "session"), shortbreaks.Minutes(w.SessionMinutes), shortbreaks.Plural(w.Weeks, "week"),
		plural(w.Places, "child", "children"), grouped(c.ChildSessions), percentText(int64(w.ExpectedPercent)*100)))
	unit := shortbreaks.Article(w.Unit)
	said = append(said, fmt.Sprintf("Rounded up to the penny, a place costs %s %s.", c.PricePence, unit))
	if c.FullPence > c.PricePence {
		said = append(said, fmt.Sprintf("Without grants and block funding it would be %s %s.", c.FullPence, unit))
	}
	if c.PricePence > 0 {
		b := c.BreakEven
		said = append(said, fmt.Sprintf("At this price the year pays for itself once %s places are taken: %d.%d children in a session on average, or %s of all places.",
			grouped(b.ChildSessions), b.TenthsPerSession/10, b.TenthsPerSession%10, percentText(b.PercentHundredths)))
	}
	if c.DonationsPence > 0 {
		said = append(said, fmt.Sprintf("Donations of %s are kept apart; they are never part of a price.", pounds(c.DonationsPence)))
	}
	return said
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// grouped writes a number with its thousands apart: 45,000.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// pounds writes a yearly amount, which may be large: £45,000.00.
func pounds(p shortbreaks.Pence) string {
	return fmt.Sprintf("£%s.%02d", grouped(int64(p)/100), int64(p)%100)
}

// percentText writes hundredths of a percent: 13.8%.
func percentText(hundredths int64) string {
	text := fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}
