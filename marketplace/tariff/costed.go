package tariff

import (
	"fmt"
	"slices"

	"shortbreaks"
)

// mergeable are the parts a very small provider may show as one: its "staff"
// part would be a person's wage (R136).
var mergeable = []string{"staff", "on_costs", "overhead"}

// smallProvider is the number of staff below which parts may be merged.
const smallProvider = 3

// later are words of the tariff language that are not sold yet, each with what
// to do instead.
var later = map[string]string{
	"member_of":    "Prices for members are not sold yet; use anyone or reduced_rate.",
	"contract":     "Prices by contract are not sold yet; use anyone or reduced_rate.",
	"at_booking":   "Payment at booking is not sold yet; use arrears.",
	"advance":      "Payment in advance is not sold yet; use arrears.",
	"deposit":      "Deposits are not sold yet; use arrears.",
	"per_attendee": "Prices per attendee are not sold yet; use per_child.",
	"per_family":   "Prices per family are not sold yet; use per_child.",
	"per_group":    "Prices per group are not sold yet; use per_child.",
	"contingent":   "Charges that depend on what happens are not sold yet; use planned.",
	"month":        "Prices by the month are not sold yet; use a term or a quarter.",
	"year":         "Prices by the year are not sold yet; use a term or a quarter.",
	"mile":         "Prices by the mile are not sold yet; use a price by the session.",
	"late":         "Charges for late pick-up depend on what happens and are not sold yet.",
	"disturbance":  "Charges for a disturbed night depend on what happens and are not sold yet.",
	"membership":   "Memberships are not sold yet.",
}

// choose notes a word that is not among those sold today.
func choose(f *shortbreaks.Faults, at, value string, today ...string) {
	if slices.Contains(today, value) {
		return
	}
	if words, known := later[value]; known {
		f.Add(at, "%s", words)
		return
	}
	f.OneOf(at, value, today)
}

// Check notes what in the tariff cannot be sold today.
func (t Tariff) Check(f *shortbreaks.Faults, at string) {
	f.Unless(len(t.Options) >= 1 && len(t.Options) <= 10, at+"/options", "Give 1 to 10 price options.")
	for i, o := range t.Options {
		at := fmt.Sprintf("%s/options/%d", at, i)
		same := func(other Option) bool { return other.Name == o.Name }
		f.Unless(slices.IndexFunc(t.Options, same) == i, at+"/name", "Another option has this name.")
		o.check(f, at)
	}
}

func (o Option) check(f *shortbreaks.Faults, at string) {
	f.Text(at+"/name", o.Name, 1, 80)
	choose(f, at+"/who_may_use", o.WhoMayUse, Anyone, ReducedRate)
	choose(f, at+"/payment_timing", o.PaymentTiming, "arrears")
	choose(f, at+"/billed_on", o.BilledOn, "booked", "attended")
	f.Date(at+"/valid_from", o.ValidFrom)
	f.Date(at+"/valid_to", o.ValidTo)
	f.Unless(o.ValidFrom == "" || o.ValidTo == "" || o.ValidFrom <= o.ValidTo, at+"/valid_to", "The last date is before the first.")
	if len(o.Charges) < 1 || len(o.Charges) > 10 {
		f.Add(at+"/charges", "Give 1 to 10 charges.")
		return
	}
	f.Unless(slices.ContainsFunc(o.Charges, func(c Charge) bool { return !c.Optional }), at+"/charges", "At least one charge may not be optional.")
	bundle := o.bundleUnit()
	for i, c := range o.Charges {
		at := fmt.Sprintf("%s/charges/%d", at, i)
		c.check(f, at)
		if c.bundled() && bundle == "" {
			f.Add(at+"/unit", "This option is sold by the %s; a charge by the %s does not fit.", shortbreaks.Spaced(o.lead().Unit), shortbreaks.Spaced(c.Unit))
		} else if c.bundled() && c.Unit != bundle {
			f.Add(at+"/unit", "This option is sold by the %s; use that unit for the bundle.", shortbreaks.Spaced(bundle))
		}
	}
}

func (c Charge) check(f *shortbreaks.Faults, at string) {
	choose(f, at+"/kind", c.Kind, "place", "support", "meal", "transport", "travel", "equipment", "other")
	choose(f, at+"/basis", c.Basis, "per_child")
	choose(f, at+"/unit", c.Unit, PriceUnits...)
	choose(f, at+"/when", c.When, "planned")
	choose(f, at+"/vat", c.VAT, "exempt", "zero", "standard", "outside_scope")
	f.Unless(len([]rune(c.VATReason)) <= 200, at+"/vat_reason", "Write at most 200 characters.")
	f.Unless(c.AmountPence >= 0 && c.AmountPence <= maxPence, at+"/amount_pence", "Give £0.00 to %s.", maxPence)
	f.Unless(c.CapPence == nil || (*c.CapPence >= 0 && *c.CapPence <= maxPence), at+"/cap_pence", "Give £0.00 to %s.", maxPence)
	c.checkTime(f, at)
	for i, p := range c.Components {
		p.check(f, fmt.Sprintf("%s/components/%d", at, i))
	}
}

// maxPence is the most one amount may be.
const maxPence = shortbreaks.Pence(10_000_000)

func (c Charge) checkTime(f *shortbreaks.Faults, at string) {
	hourly := c.Unit == UnitHour
	f.Unless(c.MinimumMinutes == 0 || hourly, at+"/minimum_minutes", "Only a price by the hour has a minimum.")
	f.Unless(c.StepMinutes == 0 || hourly, at+"/step_minutes", "Only a price by the hour has steps.")
	f.Within(at+"/minimum_minutes", c.MinimumMinutes, 0, 1440)
	f.Within(at+"/step_minutes", c.StepMinutes, 0, 480)
	if c.StepMode != "" {
		choose(f, at+"/step_mode", c.StepMode, "up", "nearest", "exact")
	}
	f.Unless(c.StepMinutes == 0 || c.StepMode != "", at+"/step_mode", "Say how time is brought to a whole step: up, nearest or exact.")
	f.Unless(c.StepMinutes != 0 || c.StepMode == "" || c.StepMode == "exact", at+"/step_minutes", "Say how long a step is.")
	most := 1440
	if hourly {
		most = 60
	}
	f.Within(at+"/includes_minutes_with_child", c.IncludesMinutesWithChild, 0, most)
}

func (p Component) check(f *shortbreaks.Faults, at string) {
	f.OneOf(at+"/kind", p.Kind, ComponentKinds)
	f.Unless(p.AmountPence >= -maxPence && p.AmountPence <= maxPence, at+"/amount_pence", "Give at most %s.", maxPence)
	f.Unless(p.AmountPence >= 0 || p.Kind == "subsidy", at+"/amount_pence", "Only a subsidy may be negative.")
	f.Unless(len([]rune(p.Note)) <= 200, at+"/note", "Write at most 200 characters.")
}

// Costed refuses a tariff whose parts do not sum to each amount, to the penny
// (R020, R023). A price of 0 needs no parts. Only a provider with fewer than
// three staff may show staff, on-costs and overhead as one part.
func (t Tariff) Costed(staff int) error {
	var f shortbreaks.Faults
	for i, o := range t.Options {
		for j, c := range o.Charges {
			c.costed(&f, fmt.Sprintf("/tariff/options/%d/charges/%d/components", i, j), staff)
		}
	}
	return f.As(ErrNotCosted)
}

func (c Charge) costed(f *shortbreaks.Faults, at string, staff int) {
	if len(c.Components) == 0 && c.AmountPence == 0 {
		return
	}
	var sum shortbreaks.Pence
	for _, p := range c.Components {
		sum += p.AmountPence
	}
	if sum != c.AmountPence {
		f.Add(at, "The parts come to %s and the price is %s.", sum, c.AmountPence)
		return
	}
	if staff >= smallProvider && len(c.Components) == 1 && slices.Contains(mergeable, c.Components[0].Kind) {
		f.Add(at, "Show staff, on-costs and overhead apart; only a provider with fewer than %d staff may show them as one.", smallProvider)
	}
}

// CheckBundles refuses options by a bundle the offer does not have, and
// reports whether any option sells the one it has.
func (t Tariff) CheckBundles(f *shortbreaks.Faults, bundle string) (sold bool) {
	for i, o := range t.Options {
		unit := o.bundleUnit()
		sold = sold || unit == bundle
		at := fmt.Sprintf("/tariff/options/%d/charges/0/unit", i)
		if unit != "" && bundle == "" {
			f.Add(at, "A price by the %s needs a bundle of sessions to sell.", shortbreaks.Spaced(unit))
		} else if unit != "" && unit != bundle {
			f.Add(at, "The bundle of this offer is %s.", shortbreaks.Article(bundle))
		}
	}
	return sold
}
