package tariff

import (
	"fmt"
	"slices"

	"shortbreaks"
)

// maxPence is the most one amount may be.
const maxPence = shortbreaks.Pence(10_000_000)

// The most of each list, so that a price stays readable and quick to work out.
const (
	mostOptions = 20
	mostCharges = 20
	mostRows    = 50

	mostComponents = 12
	mostSubsidy    = 10 * maxPence // of one unit
	mostWholes     = 6             // options that are all or nothing; every set of them is tried
)

// Check notes what in the tariff breaks a rule, with pointers from at on.
func (t Tariff) Check(f *shortbreaks.Faults, at string) {
	f.Unless(len(t.Options) >= 1 && len(t.Options) <= mostOptions, at+"/options", "Give 1 to %d price options.", mostOptions)
	members, wholes, blocks := 0, 0, 0
	for i := range t.Options {
		o := &t.Options[i]
		at := fmt.Sprintf("%s/options/%d", at, i)
		same := func(other Option) bool { return other.Name == o.Name }
		f.Unless(slices.IndexFunc(t.Options, same) == i, at+"/name", "Another option has this name.")
		o.check(f, at)
		if o.WhoMayUse == Members {
			sold := slices.ContainsFunc(t.Options, func(other Option) bool { return other.Name == o.MemberOf && other.Membership != nil })
			f.Unless(sold, at+"/member_of", "Name an option of this tariff that sells membership.")
		}
		if o.Membership != nil {
			members++
		}
		if o.Block != nil {
			blocks++
		}
		if len(o.Charges) > 0 && o.bundleUnit() == "" && !o.ticket() && o.together(&Ask{ChargeKinds: ChargeKinds}) {
			wholes++
		}
	}
	f.Unless(blocks <= mostBlocks, at+"/options", "An offer sells %d kinds of block at most.", mostBlocks)
	f.Unless(members <= 1, at+"/options", "An offer sells one membership at most.")
	f.Unless(wholes <= mostWholes, at+"/options", "At most %d options may have prices that depend on how much is bought together.", mostWholes)
}

func (o *Option) check(f *shortbreaks.Faults, at string) {
	f.Text(at+"/name", o.Name, 1, 80)
	f.OneOf(at+"/who_may_use", o.WhoMayUse, Buyers)
	f.Unless((o.WhoMayUse == Members) == (o.MemberOf != ""), at+"/member_of", "Name the membership, for a price for members only.")
	f.Unless((o.WhoMayUse == ByContract) == (o.ContractID != nil), at+"/contract_id", "Name the contract, for a price by contract only.")
	f.Unless((o.WhoMayUse == FundedPlace) == (o.Scheme != ""), at+"/scheme", "Name the scheme, for funded places only.")
	f.Unless(len([]rune(o.Scheme)) <= 60, at+"/scheme", "Write at most 60 characters.")
	if o.Ratio != nil {
		o.Ratio.check(f, at+"/ratio")
	}
	f.Date(at+"/valid_from", o.ValidFrom)
	f.Date(at+"/valid_to", o.ValidTo)
	f.Unless(o.ValidFrom == "" || o.ValidTo == "" || o.ValidFrom <= o.ValidTo, at+"/valid_to", "The last date is before the first.")
	f.OneOf(at+"/billed_on", o.BilledOn, []string{"booked", "attended"})
	o.checkPayment(f, at)
	if len(o.Charges) < 1 || len(o.Charges) > mostCharges {
		f.Add(at+"/charges", "Give 1 to %d charges.", mostCharges)
		return
	}
	lead := slices.ContainsFunc(o.Charges, func(c Charge) bool { return !c.Optional && c.When != Contingent && !c.percentage() })
	f.Unless(lead, at+"/charges", "At least one charge must be planned and not optional.")
	bundle := o.bundleUnit()
	for i := range o.Charges {
		c, at := &o.Charges[i], fmt.Sprintf("%s/charges/%d", at, i)
		c.check(f, at)
		if c.bundled() && bundle == "" {
			f.Add(at+"/unit", "This option is sold by the %s; a charge by the %s does not fit.", shortbreaks.Spaced(o.lead().Unit), shortbreaks.Spaced(c.Unit))
		} else if c.bundled() && c.Unit != bundle {
			f.Add(at+"/unit", "This option is sold by the %s; use that unit for the bundle.", shortbreaks.Spaced(bundle))
		}
		o.checkPercent(f, at, i)
	}
	o.checkTicket(f, at)
}

func (r *Ratio) check(f *shortbreaks.Faults, at string) {
	f.Within(at+"/staff", r.Staff, 1, 10)
	f.Within(at+"/children", r.Children, 1, 30)
}

// checkPayment holds the days and sums against the timing (T91, T92).
func (o *Option) checkPayment(f *shortbreaks.Faults, at string) {
	f.OneOf(at+"/payment_timing", o.PaymentTiming, PaymentTimings)
	detailed := o.PaymentTiming == Advance || o.PaymentTiming == Deposit
	if f.Unless(detailed == (o.Payment != nil), at+"/payment", "Say the days and sums of a payment in advance or a deposit, and only of these."); o.Payment == nil {
		return
	}
	p := o.Payment
	f.Within(at+"/payment/days_before", p.DaysBefore, 0, 366)
	f.Unless(p.DepositPence >= 0 && p.DepositPence <= maxPence, at+"/payment/deposit_pence", "Give £0.00 to %s.", maxPence)
	f.Within(at+"/payment/deposit_percent", p.DepositPercent, 0, 100)
	if o.PaymentTiming == Advance {
		f.OneOf(at+"/payment/period", p.Period, Periods)
		f.Unless(p.DepositPence == 0 && p.DepositPercent == 0, at+"/payment/deposit_pence", "Only the timing deposit has a deposit.")
		return
	}
	f.Unless(p.Period == "", at+"/payment/period", "Only payment in advance is by period.")
	f.Unless((p.DepositPence > 0) != (p.DepositPercent > 0), at+"/payment/deposit_pence", "Give a sum or a percentage as the deposit, and not both.")
	shared := slices.ContainsFunc(o.Charges, func(c Charge) bool { return c.Basis == PerGroup })
	f.Unless(!shared, at+"/payment_timing", "What each pays of a price for the group is not known when the deposit is. Take it at booking, in advance or in arrears.")
}

// checkTicket holds a block or a membership against what the mix can use.
func (o *Option) checkTicket(f *shortbreaks.Faults, at string) {
	if !o.ticket() {
		return
	}
	lead, first := &o.Charges[0], at+"/charges/0"
	f.Unless(o.Block == nil || o.Membership == nil, at+"/membership", "An option is a block or a membership, and not both.")
	if b := o.Block; b != nil {
		f.Within(at+"/block/count", b.Count, 2, 100)
		f.Within(at+"/block/valid_weeks", b.ValidWeeks, 1, 104)
		f.Unless(lead.Unit == UnitItem || lead.Unit == UnitSession, first+"/unit", "The price of a block is one item or session.")
	}
	if m := o.Membership; m != nil {
		f.Within(at+"/membership/months", m.Months, 1, 36)
		f.Unless(lead.Kind == "membership" && len(o.Charges) == 1, first+"/kind", "A membership is one charge of the kind membership.")
		f.Unless(o.WhoMayUse != Members, at+"/who_may_use", "A membership cannot be for members.")
	}
	plain := !lead.Optional && lead.When == Planned && lead.Rate == nil && lead.Only == nil && len(lead.CostShares) == 0 && len(lead.NthChild) == 0 &&
		len(lead.LongStay) == 0 && lead.CapPence == nil && lead.Basis == PerChild && !lead.bundled() && lead.MinimumMinutes == 0 && lead.StepMinutes == 0
	f.Unless(plain, first, "The price of a block or membership is one plain sum for each child.")
	for i := 1; i < len(o.Charges); i++ {
		c := &o.Charges[i]
		alone := (c.CapPer == "" || c.CapPer == "line") && c.Unit != UnitMonth && c.Unit != UnitYear && (c.Rate == nil || c.Rate.Volume == nil)
		f.Unless(alone, fmt.Sprintf("%s/charges/%d", at, i), "What each use of a block costs besides cannot depend on other dates.")
	}
}

// checkPercent holds a percentage against what it is of.
func (o *Option) checkPercent(f *shortbreaks.Faults, at string, n int) {
	c := &o.Charges[n]
	if c.Rate == nil || c.Rate.PercentOf == nil {
		return
	}
	of := c.Rate.PercentOf
	used := o.Charges
	if o.ticket() {
		used = used[1:] // the price of a ticket is paid once, not on each date
	}
	base := slices.ContainsFunc(used, func(b Charge) bool { return b.Kind == of.Kind && !b.percentage() })
	f.Unless(base, at+"/rate/percent_of/kind", "This option has no such charge to take a part of.")
	f.Within(at+"/rate/percent_of/basis_points", of.BasisPoints, 1, 20_000)
	f.Unless(c.AmountPence == 0, at+"/amount_pence", "A percentage has no amount of its own; give 0.")
	f.Unless(!c.bundled() && c.Unit != UnitMonth && c.Unit != UnitYear, at+"/unit", "A percentage is by the session or the hour; it follows what it is of.")
	plain := c.Basis == PerChild && len(c.NthChild) == 0 && len(c.LongStay) == 0 && c.MinimumMinutes == 0 && c.StepMinutes == 0
	f.Unless(plain, at+"/rate/percent_of", "A percentage follows what it is of; discounts, minimum, steps and sharing belong there.")
}

func (c *Charge) check(f *shortbreaks.Faults, at string) {
	f.OneOf(at+"/kind", c.Kind, ChargeKinds)
	f.OneOf(at+"/basis", c.Basis, Bases)
	f.OneOf(at+"/unit", c.Unit, PriceUnits)
	f.OneOf(at+"/when", c.When, []string{Planned, Contingent})
	f.OneOf(at+"/vat", c.VAT, VATTreatments)
	f.Unless(len([]rune(c.VATReason)) <= 200, at+"/vat_reason", "Write at most 200 characters.")
	f.Unless(len([]rune(c.Payee)) <= 120, at+"/payee", "Write at most 120 characters.")
	money(f, at+"/amount_pence", c.AmountPence)
	if c.CapPence != nil {
		money(f, at+"/cap_pence", *c.CapPence)
	}
	f.OneOf(at+"/cap_per", c.CapPer, []string{"", "line", "week", "month", "booking"})
	f.Unless(c.CapPer == "" || c.CapPence != nil, at+"/cap_per", "Say what the cap is.")
	f.Unless(!c.bundled() || c.CapPer == "" || c.CapPer == "line", at+"/cap_per", "A bundle is one line.")
	f.Unless((c.Basis == PerGroup) == (c.SmallestGroup > 0), at+"/smallest_group", "Say the fewest who share a price for the group, and only there.")
	f.Within(at+"/smallest_group", c.SmallestGroup, 0, 50)
	c.checkEvent(f, at)
	c.checkTime(f, at)
	c.checkDiscounts(f, at)
	checkShares(f, at, c.CostShares)
	if c.Only != nil {
		c.Only.check(f, at+"/only")
		f.Unless(!c.bundled(), at+"/only", "A bundle is charged whatever the day.")
	}
	if c.Rate != nil {
		c.Rate.check(f, at+"/rate", c)
	}
	f.Unless(c.SubsidyPence >= 0 && c.SubsidyPence <= mostSubsidy, at+"/subsidy_pence", "Give at most %s.", mostSubsidy)
	f.Unless(len(c.Components) <= mostComponents, at+"/components", "Give at most %d parts.", mostComponents)
	for i, p := range c.Components {
		p.check(f, fmt.Sprintf("%s/components/%d", at, i))
	}
}

func money(f *shortbreaks.Faults, at string, p shortbreaks.Pence) {
	f.Unless(p >= 0 && p <= maxPence, at, "Give £0.00 to %s.", maxPence)
}

// checkEvent: what depends on what happens names its event and its cap, so
// that the most it can come to is shown beforehand (T59).
func (c *Charge) checkEvent(f *shortbreaks.Faults, at string) {
	if c.When != Contingent {
		f.Unless(c.Event == "", at+"/event", "Only a contingent charge has an event.")
		f.Unless(c.EachMinutes == 0, at+"/each_minutes", "Only a contingent charge is for each started minutes.")
		f.Unless(c.Kind != "late" && c.Kind != "disturbance", at+"/when", "This depends on what happens; use contingent.")
		return
	}
	f.OneOf(at+"/event", c.Event, Events)
	f.Unless(c.Unit == UnitItem, at+"/unit", "A contingent charge is by the item: each time, or each started minutes.")
	f.Unless(c.CapPence != nil, at+"/cap_pence", "Say the most it can come to.")
	f.Unless(c.Rate == nil && !c.Optional && c.Only == nil, at+"/rate", "A contingent charge is a plain sum.")
	f.Within(at+"/each_minutes", c.EachMinutes, 0, 480)
}

func (c *Charge) checkTime(f *shortbreaks.Faults, at string) {
	hourly := c.Unit == UnitHour
	f.Unless(c.MinimumMinutes == 0 || hourly, at+"/minimum_minutes", "Only a price by the hour has a minimum.")
	f.Unless(c.StepMinutes == 0 || hourly, at+"/step_minutes", "Only a price by the hour has steps.")
	f.Within(at+"/minimum_minutes", c.MinimumMinutes, 0, 1440)
	f.Within(at+"/step_minutes", c.StepMinutes, 0, 480)
	if c.StepMode != "" {
		f.OneOf(at+"/step_mode", c.StepMode, stepModes)
	}
	f.Unless(c.StepMinutes == 0 || c.StepMode != "", at+"/step_mode", "Say how time is brought to a whole step: up, nearest or exact.")
	f.Unless(c.StepMinutes != 0 || c.StepMode == "" || c.StepMode == "exact", at+"/step_minutes", "Say how long a step is.")
	most := 1440
	if hourly {
		most = 60
	}
	f.Within(at+"/includes_minutes_with_child", c.IncludesMinutesWithChild, 0, most)
}

func (c *Charge) checkDiscounts(f *shortbreaks.Faults, at string) {
	shared := c.Basis == PerFamily || c.Basis == PerGroup
	f.Unless(!shared || len(c.NthChild) == 0, at+"/nth_child", "A price that is shared has no discount for brothers and sisters.")
	f.Unless(len(c.NthChild) <= 5, at+"/nth_child", "Give at most 5.")
	for i, n := range c.NthChild {
		at := fmt.Sprintf("%s/nth_child/%d", at, i)
		f.Within(at+"/child", n.Child, 2, 10)
		f.Within(at+"/basis_points", n.BasisPoints, 1, 10_000)
		f.OneOf(at+"/for", n.For, []string{"that_child", "every_child"})
		same := func(m NthChild) bool { return m.Child == n.Child }
		f.Unless(slices.IndexFunc(c.NthChild, same) == i, at+"/child", "It is there twice.")
	}
	f.Unless(len(c.LongStay) == 0 || c.Unit == UnitNight || c.Unit == UnitDay, at+"/long_stay", "Only a price by the night or day has a discount for long stays.")
	f.Unless(len(c.LongStay) <= 5, at+"/long_stay", "Give at most 5.")
	for i, s := range c.LongStay {
		at := fmt.Sprintf("%s/long_stay/%d", at, i)
		f.Within(at+"/from_nights", s.FromNights, 2, 366)
		f.Within(at+"/basis_points", s.BasisPoints, 1, 10_000)
		same := func(m LongStay) bool { return m.FromNights == s.FromNights }
		f.Unless(slices.IndexFunc(c.LongStay, same) == i, at+"/from_nights", "It is there twice.")
	}
}

// checkShares makes sure that shares always sum to the line.
func checkShares(f *shortbreaks.Faults, at string, shares []CostShare) {
	percent, rest := 0, 0
	for i, s := range shares {
		at := fmt.Sprintf("%s/cost_shares/%d", at, i)
		f.OneOf(at+"/payer", s.Payer, SharePayers)
		same := func(o CostShare) bool { return o.Payer == s.Payer }
		f.Unless(slices.IndexFunc(shares, same) == i, at+"/payer", "It is there twice.")
		ways := 0
		for _, given := range []bool{s.BasisPoints > 0, s.AmountPence != nil, s.Remainder} {
			if given {
				ways++
			}
		}
		f.Unless(ways == 1, at, "Give one of a percentage, a sum and the remainder.")
		f.Within(at+"/basis_points", s.BasisPoints, 0, 10_000)
		if s.AmountPence != nil {
			money(f, at+"/amount_pence", *s.AmountPence)
		}
		if s.CapPence != nil {
			money(f, at+"/cap_pence", *s.CapPence)
			f.Unless(!s.Remainder, at+"/cap_pence", "What remains has no cap: somebody must bear it.")
		}
		percent += s.BasisPoints
		if s.Remainder {
			rest++
		}
	}
	if len(shares) == 0 {
		return
	}
	at += "/cost_shares"
	f.Unless(len(shares) <= 5, at, "Give at most 5.")
	f.Unless(percent <= 10_000, at, "The percentages come to more than the whole.")
	f.Unless(rest <= 1, at, "Only one payer bears the remainder.")
	certain := percent == 10_000 && !slices.ContainsFunc(shares, func(s CostShare) bool { return s.CapPence != nil || s.AmountPence != nil })
	f.Unless(rest == 1 || certain, at, "Say who bears the remainder.")
}

func (p Component) check(f *shortbreaks.Faults, at string) {
	f.OneOf(at+"/kind", p.Kind, ComponentKinds)
	f.Unless(p.AmountPence >= -maxPence && p.AmountPence <= maxPence, at+"/amount_pence", "Give at most %s.", maxPence)
	f.Unless(p.AmountPence >= 0 || p.Kind == "subsidy", at+"/amount_pence", "Only a subsidy may be negative.")
	f.Unless(len([]rune(p.Note)) <= 200, at+"/note", "Write at most 200 characters.")
}
