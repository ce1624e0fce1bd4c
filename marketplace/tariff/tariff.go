package tariff

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
)

// Tariff is how a price is written down: one or more options, each a list of
// charges. The cheapest option (or mix of them) a buyer may use is quoted.
type Tariff struct {
	Options []Option `json:"options"`
}

// Option is one way to buy: who may use it, when, how it is paid, and what is
// charged.
type Option struct {
	Name          string      `json:"name"`
	WhoMayUse     string      `json:"who_may_use"`           // one of Buyers
	MemberOf      string      `json:"member_of,omitempty"`   // name of the membership option, for members
	ContractID    *uuid.UUID  `json:"contract_id,omitempty"` // for who may use a framework rate (T31)
	Scheme        string      `json:"scheme,omitempty"`      // for funded places: who funds them, e.g. "haf"
	Ratio         *Ratio      `json:"ratio,omitempty"`       // only for support at this ratio
	ValidFrom     string      `json:"valid_from,omitempty"`  // first date of service, "2027-01-04"; "" is from ever
	ValidTo       string      `json:"valid_to,omitempty"`    // last date of service
	PaymentTiming string      `json:"payment_timing"`        // one of PaymentTimings
	Payment       *Payment    `json:"payment,omitempty"`     // its days and sums, where the timing has any
	BilledOn      string      `json:"billed_on"`             // booked, attended
	Block         *Block      `json:"block,omitempty"`       // the first charge buys this many at once
	Membership    *Membership `json:"membership,omitempty"`  // the first charge buys membership
	Charges       []Charge    `json:"charges"`
}

// Block is a number of sessions or visits bought at once and used within so
// many weeks of the first.
type Block struct {
	Count      int `json:"count"`
	ValidWeeks int `json:"valid_weeks"`
}

// Membership makes the options for members usable from its first use on.
type Membership struct {
	Months int `json:"months"`
}

// Payment says when money is due under a timing that is not arrears (T91, T92).
type Payment struct {
	DaysBefore     int               `json:"days_before,omitempty"`     // advance: before each period; deposit: the balance, before the first date
	Period         string            `json:"period,omitempty"`          // advance: one of Periods
	DepositPence   shortbreaks.Pence `json:"deposit_pence,omitempty"`   // either a sum
	DepositPercent int               `json:"deposit_percent,omitempty"` // or a part of the total
}

// Ratio is staff to children.
type Ratio struct {
	Staff    int `json:"staff"`
	Children int `json:"children"`
}

// Charge is one priced thing. A line of a bill is one charge for one child on
// one date (or for one bundle, month or year), worked out exactly and rounded
// once.
type Charge struct {
	Kind                     string             `json:"kind"`
	Basis                    string             `json:"basis"` // one of Bases
	Unit                     string             `json:"unit"`
	When                     string             `json:"when"`                   // planned, contingent
	Event                    string             `json:"event,omitempty"`        // contingent: what must be recorded, one of Events
	EachMinutes              int                `json:"each_minutes,omitempty"` // contingent: charged for every started so many minutes
	Optional                 bool               `json:"optional,omitempty"`     // only if the buyer asks for its kind
	Only                     *Window            `json:"only,omitempty"`         // charged only when the start falls in it
	AmountPence              shortbreaks.Pence  `json:"amount_pence"`           // of one unit; with a rate, what applies where the rate is silent
	Rate                     *Rate              `json:"rate,omitempty"`
	MinimumMinutes           int                `json:"minimum_minutes,omitempty"`
	StepMinutes              int                `json:"step_minutes,omitempty"`
	StepMode                 string             `json:"step_mode,omitempty"` // up, nearest, exact
	NthChild                 []NthChild         `json:"nth_child,omitempty"`
	LongStay                 []LongStay         `json:"long_stay,omitempty"`
	CapPence                 *shortbreaks.Pence `json:"cap_pence,omitempty"`
	CapPer                   string             `json:"cap_per,omitempty"`        // line (""), week, month, booking
	SmallestGroup            int                `json:"smallest_group,omitempty"` // per_group: the fewest who share it (T90)
	CostShares               []CostShare        `json:"cost_shares,omitempty"`    // who bears it; none: the buyer
	IncludesMinutesWithChild int                `json:"includes_minutes_with_child,omitempty"`
	Payee                    string             `json:"payee,omitempty"` // a second payee's name; "" is the provider
	VAT                      string             `json:"vat"`
	VATReason                string             `json:"vat_reason,omitempty"`
	Components               []Component        `json:"components,omitempty"`    // sum to AmountPence
	SubsidyPence             shortbreaks.Pence  `json:"subsidy_pence,omitempty"` // what its subsidies come to; part of the full cost of a unit
}

// Rate is how the amount of a unit depends on something: exactly one of its
// fields is given.
type Rate struct {
	Bands       *Bands       `json:"bands,omitempty"`
	Durations   []Duration   `json:"durations,omitempty"`
	Volume      *Volume      `json:"volume,omitempty"`
	Ratios      []RatioRate  `json:"ratios,omitempty"`
	PercentOf   *PercentOf   `json:"percent_of,omitempty"`
	Conversions []Conversion `json:"conversions,omitempty"`
}

// Bands are rates by the day and time, the first that applies counting (T25,
// T89).
type Bands struct {
	Mode string `json:"mode"` // split, whole_by_start, whole_by_start_or_end
	List []Band `json:"list"`
}

// Band is the rate of a window: a sum, or so many percent of the amount.
type Band struct {
	Name string `json:"name"`
	Window
	AmountPence *shortbreaks.Pence `json:"amount_pence,omitempty"`
	Percent     int                `json:"percent,omitempty"` // 150 is time and a half
}

// Window is a time of the week, by the wall clock. One that runs past midnight
// belongs to the date it begins on, for its days and for bank holidays alike.
type Window struct {
	Days         []int  `json:"days,omitempty"`          // ISO; none: every day
	From         string `json:"from,omitempty"`          // "" is midnight
	To           string `json:"to,omitempty"`            // "" is midnight at the end; at or before From: the next day
	BankHolidays string `json:"bank_holidays,omitempty"` // only, never; "": as any day
}

// Duration is a row of a duration table: what so many minutes cost. A length
// between two rows costs the longer; one beyond the last is whole multiples of
// the last and the rest by the table.
type Duration struct {
	Minutes     int               `json:"minutes"`
	AmountPence shortbreaks.Pence `json:"amount_pence"`
}

// Volume is a rate by how much is used within a week (Monday to Sunday) or
// month, as far as it is bought together.
type Volume struct {
	Per   string `json:"per"`  // week, month
	Mode  string `json:"mode"` // part: each part at its own tier; whole: all at the tier reached
	Tiers []Tier `json:"tiers"`
}

// Tier is the amount of a unit from a quantity on (hours for a price by the
// hour, else how many).
type Tier struct {
	From        int               `json:"from"`
	AmountPence shortbreaks.Pence `json:"amount_pence"`
}

// RatioRate is the amount of a unit at a ratio of support.
type RatioRate struct {
	Ratio
	AmountPence shortbreaks.Pence `json:"amount_pence"`
}

// PercentOf is a part of what another kind of charge comes to on the same
// date, worked out on the rounded base (T93).
type PercentOf struct {
	Kind        string `json:"kind"`
	BasisPoints int    `json:"basis_points"` // 1250 is 12.5 %
}

// Conversion charges another sum instead, once something holds: the length
// (planned) or a recorded event (T59).
type Conversion struct {
	FromMinutes int               `json:"from_minutes,omitempty"` // at least this long
	Event       string            `json:"event,omitempty"`
	MoreThan    int               `json:"more_than,omitempty"` // times the event is recorded
	AmountPence shortbreaks.Pence `json:"amount_pence"`        // of the whole line
}

// NthChild is a discount for brothers and sisters attending on the same date.
type NthChild struct {
	Child       int    `json:"child"`        // from this child of the family on
	BasisPoints int    `json:"basis_points"` // off
	For         string `json:"for"`          // that_child, every_child
}

// LongStay is a discount for a stay of so many nights.
type LongStay struct {
	FromNights  int `json:"from_nights"`
	BasisPoints int `json:"basis_points"` // off
}

// CostShare is the part of a line that a payer bears: a percentage, a sum or
// what remains, cut to a cap whose excess joins what remains (R079, T30).
type CostShare struct {
	Payer       string             `json:"payer"` // one of SharePayers
	BasisPoints int                `json:"basis_points,omitempty"`
	AmountPence *shortbreaks.Pence `json:"amount_pence,omitempty"` // of one line
	Remainder   bool               `json:"remainder,omitempty"`
	CapPence    *shortbreaks.Pence `json:"cap_pence,omitempty"` // of one line
}

// Component is one part of what a price is made of.
type Component struct {
	Kind        string            `json:"kind"`
	AmountPence shortbreaks.Pence `json:"amount_pence"` // only a subsidy may be negative
	Note        string            `json:"note,omitempty"`
}

// The values that rules name.
const (
	Anyone      = "anyone"
	ReducedRate = "reduced_rate"
	Members     = "members"
	ByContract  = "contract"
	FundedPlace = "funded_place"

	Arrears   = "arrears"
	AtBooking = "at_booking"
	Advance   = "advance"
	Deposit   = "deposit"

	PerChild    = "per_child"
	PerAttendee = "per_attendee"
	PerFamily   = "per_family"
	PerGroup    = "per_group"

	Planned    = "planned"
	Contingent = "contingent"

	UnitHour    = "hour"
	UnitSession = "session"
	UnitDay     = "day"
	UnitNight   = "night"
	UnitMonth   = "month"
	UnitYear    = "year"
	UnitItem    = "item"
	UnitMile    = "mile"

	Split             = "split"
	WholeByStart      = "whole_by_start"
	WholeByStartOrEnd = "whole_by_start_or_end"

	Buyer = "buyer" // the payer of a cost share: the child's budget or the family
)

// Words of the contract, in its order.
var (
	Buyers         = []string{Anyone, ReducedRate, Members, ByContract, FundedPlace}
	PaymentTimings = []string{Arrears, AtBooking, Advance, Deposit}
	Periods        = []string{"occasion", "week", "month", "whole"}
	Bases          = []string{PerChild, PerAttendee, PerFamily, PerGroup}
	PriceUnits     = []string{"hour", "session", "half_day", "day", "night", "week", "half_term", "term", "quarter", "month", "year", "item", "mile"}
	BundleUnits    = []string{"week", "half_term", "term", "quarter"}
	ChargeKinds    = []string{"place", "support", "meal", "transport", "travel", "equipment", "membership", "late", "disturbance", "other"}
	ComponentKinds = []string{"staff", "on_costs", "premises", "transport", "materials", "overhead", "subsidy", "other"}
	Events         = []string{"late_pick_up", "disturbance", "waking_night", "extra_mile", "damage", "other"}
	SharePayers    = []string{Buyer, "council", "health", "charity", "other"}
	VATTreatments  = []string{"exempt", "zero", "standard", "outside_scope"}
	bandModes      = []string{Split, WholeByStart, WholeByStartOrEnd}
	stepModes      = []string{"up", "nearest", "exact"}
)

// included reports whether the charge is part of what is asked.
func (c *Charge) included(wanted []string) bool {
	return !c.Optional || slices.Contains(wanted, c.Kind)
}

// bundled reports whether the charge buys a bundle of sessions.
func (c *Charge) bundled() bool { return slices.Contains(BundleUnits, c.Unit) }

// lead is the charge the option is sold by: the first planned one that is
// never optional and no part of another.
func (o *Option) lead() *Charge {
	for i := range o.Charges {
		if c := &o.Charges[i]; !c.Optional && c.When != Contingent && !c.percentage() {
			return c
		}
	}
	return &o.Charges[0]
}

// bundleUnit is the unit of the bundle the option buys, or "".
func (o *Option) bundleUnit() string {
	if lead := o.lead(); lead.bundled() {
		return lead.Unit
	}
	return ""
}

// ticket reports whether the option buys something used on several dates: a
// block or a membership. Its first charge is paid once.
func (o *Option) ticket() bool { return o.Block != nil || o.Membership != nil }

// inForce reports whether the option applies to a date of service. Written
// alike, dates compare as text.
func (o *Option) inForce(on time.Time) bool {
	if o.ValidFrom == "" && o.ValidTo == "" {
		return true
	}
	day := on.In(shortbreaks.London).Format(time.DateOnly)
	return (o.ValidFrom == "" || o.ValidFrom <= day) && (o.ValidTo == "" || day <= o.ValidTo)
}
