package tariff_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Random tariffs of every form, and random asks. What Check refuses is thrown
// away by the caller; that is seldom.

func drawPence(t *rapid.T, name string, most int) shortbreaks.Pence {
	return shortbreaks.Pence(rapid.SampledFrom([]int{0, 1, 99, 100, 1000, rapid.IntRange(0, most).Draw(t, name+" any"), rapid.IntRange(0, most).Draw(t, name+" some")}).Draw(t, name))
}

func chance(t *rapid.T, name string, oneIn int) bool {
	return rapid.IntRange(1, oneIn).Draw(t, name) == 1
}

func drawRatio(t *rapid.T) tariff.Ratio {
	return tariff.Ratio{Staff: 1, Children: rapid.IntRange(1, 3).Draw(t, "children to one")}
}

var contract = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")

// drawRate is a rate that fits the charge, or none.
func drawRate(t *rapid.T, c *tariff.Charge) {
	bundled := c.Unit == "term"
	forms := []string{"", "", "ratios"}
	if !bundled {
		forms = append(forms, "bands", "volume", "conversions")
	}
	if c.Unit == "hour" {
		forms = append(forms, "durations")
	}
	switch rapid.SampledFrom(forms).Draw(t, "rate") {
	case "ratios":
		c.Rate = &tariff.Rate{}
		for n := 1; n <= 3; n++ {
			c.Rate.Ratios = append(c.Rate.Ratios, tariff.RatioRate{Ratio: tariff.Ratio{Staff: 1, Children: n}, AmountPence: drawPence(t, "at ratio", 4000)})
		}
	case "bands":
		banded := drawBanded(t)
		c.Rate = banded.Rate
		if c.Unit != "hour" && c.Rate.Bands.Mode == "split" {
			c.Rate.Bands.Mode = "whole_by_start"
		}
	case "volume":
		v := &tariff.Volume{Per: rapid.SampledFrom([]string{"week", "month"}).Draw(t, "per"), Mode: rapid.SampledFrom([]string{"part", "whole"}).Draw(t, "volume mode")}
		from := 0
		for range rapid.IntRange(1, 3).Draw(t, "tiers") {
			from += rapid.IntRange(1, 5).Draw(t, "tier from")
			v.Tiers = append(v.Tiers, tariff.Tier{From: from, AmountPence: drawPence(t, "tier", 3000)})
		}
		c.Rate = &tariff.Rate{Volume: v}
	case "conversions":
		c.Rate = &tariff.Rate{Conversions: []tariff.Conversion{
			{FromMinutes: rapid.IntRange(1, 300).Draw(t, "from minutes"), AmountPence: drawPence(t, "converted", 9000)},
			{Event: "disturbance", MoreThan: rapid.IntRange(0, 3).Draw(t, "more than"), AmountPence: drawPence(t, "converted", 9000)},
		}}
	case "durations":
		c.Rate = &tariff.Rate{}
		for n := range rapid.IntRange(1, 4).Draw(t, "rows") {
			c.Rate.Durations = append(c.Rate.Durations, tariff.Duration{Minutes: 45 * (n + 1), AmountPence: drawPence(t, "row", 5000)})
		}
	}
}

func drawShares(t *rapid.T) (all []tariff.CostShare) {
	for _, payer := range []string{"council", "charity", "health"} {
		if !chance(t, "payer "+payer, 3) {
			continue
		}
		s := tariff.CostShare{Payer: payer}
		if rapid.Bool().Draw(t, "percent share") {
			s.BasisPoints = rapid.IntRange(1, 3333).Draw(t, "basis points")
		} else {
			s.AmountPence = pence(drawPence(t, "share", 2000))
		}
		if rapid.Bool().Draw(t, "capped share") {
			s.CapPence = pence(drawPence(t, "share cap", 1000))
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil
	}
	rest := tariff.CostShare{Payer: rapid.SampledFrom([]string{"buyer", "other"}).Draw(t, "rest"), Remainder: true}
	if rest.Payer == "other" {
		all = append(all, tariff.CostShare{Payer: "buyer", AmountPence: pence(drawPence(t, "buyer's", 2000))})
	}
	return append(all, rest)
}

// drawCharge is a charge of a unit, with whatever goes with it.
func drawCharge(t *rapid.T, kind, unit string) tariff.Charge {
	c := charge(kind, unit, drawPence(t, "amount", 20_000))
	c.Basis = rapid.SampledFrom([]string{"per_child", "per_child", "per_child", "per_attendee", "per_family", "per_group"}).Draw(t, "basis")
	if c.Basis == "per_group" {
		c.SmallestGroup = rapid.IntRange(1, 4).Draw(t, "smallest")
	}
	drawRate(t, &c)
	if unit == "hour" {
		c.MinimumMinutes = rapid.SampledFrom([]int{0, 60}).Draw(t, "minimum")
		if rapid.Bool().Draw(t, "steps") {
			c.StepMinutes, c.StepMode = 15, rapid.SampledFrom([]string{"up", "nearest", "exact"}).Draw(t, "step mode")
		}
	}
	if unit != "term" && chance(t, "only", 5) {
		w := drawWindow(t)
		c.Only = &w
	}
	if (c.Basis == "per_child" || c.Basis == "per_attendee") && chance(t, "sibling", 3) {
		c.NthChild = []tariff.NthChild{{Child: 2, BasisPoints: rapid.IntRange(1, 10_000).Draw(t, "off"), For: rapid.SampledFrom([]string{"that_child", "every_child"}).Draw(t, "for")}}
	}
	if unit == "night" && rapid.Bool().Draw(t, "long") {
		c.LongStay = []tariff.LongStay{{FromNights: 2, BasisPoints: rapid.IntRange(1, 10_000).Draw(t, "off")}}
	}
	if chance(t, "cap", 3) {
		c.CapPence = pence(drawPence(t, "cap", 5_000))
		if unit != "term" {
			c.CapPer = rapid.SampledFrom([]string{"", "line", "week", "month", "booking"}).Draw(t, "cap per")
		}
	}
	c.CostShares = drawShares(t)
	c.VAT = rapid.SampledFrom([]string{"exempt", "zero", "standard"}).Draw(t, "vat")
	if chance(t, "payee", 4) {
		c.Payee = "Taxi Ltd"
	}
	if chance(t, "subsidy", 3) {
		c.SubsidyPence = drawPence(t, "subsidy", 5_000)
	}
	c.IncludesMinutesWithChild = rapid.SampledFrom([]int{0, 0, 30}).Draw(t, "includes")
	return c
}

// drawOption sells sessions, visits or a term.
func drawOption(t *rapid.T, name, unit string) tariff.Option {
	o := option(name, drawCharge(t, "place", unit))
	o.WhoMayUse = rapid.SampledFrom([]string{"anyone", "anyone", "anyone", "reduced_rate", "contract", "funded_place"}).Draw(t, "who")
	switch o.WhoMayUse {
	case "contract":
		o.ContractID = &contract
	case "funded_place":
		o.Scheme = "haf"
	}
	if chance(t, "more", 2) {
		more := drawCharge(t, "meal", rapid.SampledFrom([]string{"session", "item", "month", "hour", "mile"}).Draw(t, "unit of more"))
		more.Optional = rapid.Bool().Draw(t, "optional")
		o.Charges = append(o.Charges, more)
	}
	if chance(t, "fee", 3) {
		fee := charge("other", "session", 0)
		fee.Rate = &tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "place", BasisPoints: rapid.IntRange(1, 20_000).Draw(t, "fee")}}
		fee.CostShares = drawShares(t)
		o.Charges = append(o.Charges, fee)
	}
	if chance(t, "late", 3) {
		late := charge("late", "item", drawPence(t, "late", 1_000))
		late.When, late.Event, late.EachMinutes, late.CapPence = "contingent", "late_pick_up", rapid.SampledFrom([]int{0, 5}).Draw(t, "each"), pence(3_000)
		o.Charges = append(o.Charges, late)
	}
	if chance(t, "dated", 6) {
		o.ValidTo = "2027-02-20"
	} else if chance(t, "from a date", 6) {
		o.ValidFrom = "2027-01-20"
	}
	switch rapid.SampledFrom([]string{"arrears", "at_booking", "advance", "deposit"}).Draw(t, "timing") {
	case "at_booking":
		o.PaymentTiming = "at_booking"
	case "advance":
		o.PaymentTiming = "advance"
		o.Payment = &tariff.Payment{DaysBefore: rapid.IntRange(0, 30).Draw(t, "before"), Period: rapid.SampledFrom(tariff.Periods).Draw(t, "period")}
	case "deposit":
		o.PaymentTiming = "deposit"
		o.Payment = &tariff.Payment{DaysBefore: 28, DepositPercent: rapid.IntRange(1, 100).Draw(t, "deposit")}
	}
	return o
}

// drawTariff has 1 to 4 options of one way to buy, perhaps with a block and a
// membership. Some are refused by Check.
func drawTariff(t *rapid.T, bundles bool) (tf tariff.Tariff) {
	for n := range rapid.IntRange(1, 4).Draw(t, "options") {
		unit := "term"
		if !bundles {
			unit = rapid.SampledFrom([]string{"hour", "session", "day", "night", "item", "month"}).Draw(t, "unit")
		}
		tf.Options = append(tf.Options, drawOption(t, fmt.Sprint("Option ", n), unit))
	}
	if !bundles && chance(t, "block", 3) {
		ten := charge("place", "item", drawPence(t, "block", 20_000))
		o := option("Block", ten)
		o.Block = &tariff.Block{Count: rapid.IntRange(2, 10).Draw(t, "count"), ValidWeeks: rapid.IntRange(1, 20).Draw(t, "weeks")}
		tf.Options = append(tf.Options, o)
	}
	if chance(t, "membership", 3) {
		o := option("Membership", charge("membership", "year", drawPence(t, "membership", 5_000)))
		o.Membership = &tariff.Membership{Months: rapid.IntRange(1, 12).Draw(t, "months")}
		tf.Options = append(tf.Options, o)
		first := &tf.Options[0]
		first.WhoMayUse, first.MemberOf, first.ContractID, first.Scheme = "members", "Membership", nil, ""
	}
	return tf
}

// drawAsk asks for 1 to 8 dates, of a term or by themselves, by a buyer who
// may use everything that is not for members.
func drawAsk(t *rapid.T, bundles bool) tariff.Ask {
	ask := tariff.Ask{
		SoldBy: tariff.ByVisit, Contracts: []uuid.UUID{contract}, ReducedRate: rapid.Bool().Draw(t, "reduced"), Holidays: holidays2027(),
		Children: rapid.IntRange(0, 3).Draw(t, "family"), Attendees: rapid.IntRange(0, 3).Draw(t, "attendees"), Sharing: rapid.IntRange(0, 5).Draw(t, "sharing"),
		Quantities: map[string]int{"meal": rapid.IntRange(0, 9).Draw(t, "meals")},
	}
	if rapid.Bool().Draw(t, "funded") {
		ask.Schemes = []string{"haf"}
	}
	ask.ChildNo = rapid.IntRange(0, max(1, ask.Children)).Draw(t, "child")
	start := at("2027-01-04T09:00")
	for range rapid.IntRange(1, 8).Draw(t, "dates") {
		start = start.Add(time.Duration(rapid.IntRange(1, 21*24*4).Draw(t, "later")) * 15 * time.Minute)
		o := tariff.Occasion{StartsAt: start, EndsAt: start.Add(time.Duration(rapid.IntRange(15, 60*60).Draw(t, "minutes")) * time.Minute)}
		if chance(t, "ratio", 3) {
			o.Ratio = drawRatio(t)
		}
		if chance(t, "events", 3) {
			o.Events = map[string]int{"late_pick_up": rapid.IntRange(0, 40).Draw(t, "late"), "disturbance": rapid.IntRange(0, 4).Draw(t, "disturbances")}
		}
		ask.Occasions = append(ask.Occasions, o)
	}
	if bundles {
		planned := rapid.IntRange(1, 13).Draw(t, "planned")
		ask.SoldBy, ask.Bundle = tariff.ByBundle, &tariff.BundleAsk{Name: "Spring term", Unit: "term", Planned: planned, Started: max(0, planned-len(ask.Occasions))}
	}
	return ask
}
