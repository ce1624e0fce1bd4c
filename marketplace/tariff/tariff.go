package tariff

import (
	"slices"
	"time"

	"shortbreaks"
)

// Tariff is how a price is written down: one or more options, each a list of
// charges. Its shape carries the whole tariff language (docs of the model,
// section 1); check accepts what is sold today and refuses the rest in words.
type Tariff struct {
	Options []Option `json:"options"`
}

// Option is one way to buy. The cheapest a buyer may use is quoted.
type Option struct {
	Name          string   `json:"name"`
	WhoMayUse     string   `json:"who_may_use"`          // anyone, reduced_rate
	ValidFrom     string   `json:"valid_from,omitempty"` // first date of service, "2027-01-04"; "" is from ever
	ValidTo       string   `json:"valid_to,omitempty"`   // last date of service
	PaymentTiming string   `json:"payment_timing"`       // arrears
	BilledOn      string   `json:"billed_on"`            // booked, attended
	Charges       []Charge `json:"charges"`
}

// Charge is one priced thing. A line of a bill is one charge for one child on
// one date (or for one bundle), worked out exactly and rounded once.
type Charge struct {
	Kind                     string             `json:"kind"`
	Basis                    string             `json:"basis"` // per_child
	Unit                     string             `json:"unit"`
	When                     string             `json:"when"`               // planned
	Optional                 bool               `json:"optional,omitempty"` // only if the buyer asks for its kind
	AmountPence              shortbreaks.Pence  `json:"amount_pence"`       // of one unit
	MinimumMinutes           int                `json:"minimum_minutes,omitempty"`
	StepMinutes              int                `json:"step_minutes,omitempty"`
	StepMode                 string             `json:"step_mode,omitempty"` // up, nearest, exact
	CapPence                 *shortbreaks.Pence `json:"cap_pence,omitempty"` // of one line
	IncludesMinutesWithChild int                `json:"includes_minutes_with_child,omitempty"`
	VAT                      string             `json:"vat"`
	VATReason                string             `json:"vat_reason,omitempty"`
	Components               []Component        `json:"components,omitempty"` // sum to AmountPence
}

// Component is one part of what a price is made of.
type Component struct {
	Kind        string            `json:"kind"`
	AmountPence shortbreaks.Pence `json:"amount_pence"` // only a subsidy may be negative
	Note        string            `json:"note,omitempty"`
}

// The price units and buyers that mean something here.
const (
	Anyone      = "anyone"
	ReducedRate = "reduced_rate"

	UnitHour    = "hour"
	UnitSession = "session"
	UnitItem    = "item"
)

// Words of the contract, in its order.
var (
	PriceUnits     = []string{"hour", "session", "half_day", "day", "night", "week", "half_term", "term", "quarter", "item"}
	BundleUnits    = []string{"week", "half_term", "term", "quarter"}
	ChargeKinds    = []string{"place", "support", "meal", "transport", "travel", "equipment", "membership", "late", "disturbance", "other"}
	ComponentKinds = []string{"staff", "on_costs", "premises", "transport", "materials", "overhead", "subsidy", "other"}
)

// included reports whether the charge is part of what is asked.
func (c Charge) included(wanted []string) bool { return !c.Optional || slices.Contains(wanted, c.Kind) }

// bundled reports whether the charge buys a bundle of sessions.
func (c Charge) bundled() bool { return slices.Contains(BundleUnits, c.Unit) }

// lead is the charge the option is sold by: the first that is never optional.
func (o Option) lead() Charge {
	for _, c := range o.Charges {
		if !c.Optional {
			return c
		}
	}
	return o.Charges[0]
}

// bundleUnit is the unit of the bundle the option buys, or "".
func (o Option) bundleUnit() string {
	if lead := o.lead(); lead.bundled() {
		return lead.Unit
	}
	return ""
}

// inForce reports whether the option applies to a date of service.
func (o Option) inForce(on time.Time) bool {
	day := on.Format(time.DateOnly)
	return (o.ValidFrom == "" || o.ValidFrom <= day) && (o.ValidTo == "" || day <= o.ValidTo)
}

// Headline is the price shown in a list: of the first option anyone may use
// (else the first), what its planned charges of one unit come to.
func (t Tariff) Headline() (amount shortbreaks.Pence, unit string) {
	option := t.headlineOption()
	unit = option.lead().Unit
	for _, c := range option.Charges {
		if !c.Optional && c.Unit == unit {
			amount += c.AmountPence
		}
	}
	return amount, unit
}

func (t Tariff) headlineOption() Option {
	for _, o := range t.Options {
		if o.WhoMayUse == Anyone {
			return o
		}
	}
	return t.Options[0]
}
