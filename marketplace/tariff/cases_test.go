package tariff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// The cases of docs/testing.md as far as they are about a price alone.

func perGroup(amount shortbreaks.Pence, smallest int) tariff.Tariff {
	return one(with(charge("place", "session", amount), func(c *tariff.Charge) { c.Basis, c.SmallestGroup = tariff.PerGroup, smallest }))
}

// parts are what each of a group of so many pays.
func parts(t *testing.T, tf tariff.Tariff, sharing int) (all []shortbreaks.Pence) {
	t.Helper()
	for n := range sharing {
		p, err := price(tf, with(sessions(1, 60), func(a *tariff.Ask) { a.Sharing, a.ShareNo = sharing, n+1 }))
		require.NoError(t, err)
		all = append(all, p.TotalPence)
	}
	return all
}

func TestT20_AHundredPoundsByThreeSumsExactly(t *testing.T) {
	t.Parallel()
	require.Equal(t, []shortbreaks.Pence{3334, 3333, 3333}, parts(t, perGroup(10_000, 3), 3))
	p := listed{ // a third each for two, the rest for the plan: 33.33, 33.33, 33.34
		name: "three payers", tf: one(shared(charge("place", "session", 10_000),
			tariff.CostShare{Payer: "council", BasisPoints: 3333}, tariff.CostShare{Payer: "health", BasisPoints: 3333}, rest("buyer"))),
		ask: sessions(1, 60), total: 3334, full: 10_000,
	}.try(t)
	require.Equal(t, []tariff.Borne{{Payer: "council", Pence: 3333}, {Payer: "health", Pence: 3333}}, p.Items[0].Lines[0].Others)
}

func TestT22_ABankHolidayNotRunIsTakenOffOrMadeUp(t *testing.T) {
	t.Parallel()
	tf := one(charge("place", "quarter", 13_000))
	twelve := with(bundle("quarter", 12, 13), func(a *tariff.Ask) { a.Bundle.Started = 0 })
	listed{
		name: "not run", tf: tf, ask: twelve, total: 12_000,
		explain: "Spring quarter, £130.00 for all 13: 12 are still to run, so you pay for 12 of 13: £120.00.",
	}.try(t)
	listed{name: "made up later", tf: tf, ask: bundle("quarter", 13, 13), total: 13_000}.try(t)
}

func TestT23_TheComparableRateIsRightWhateverTheUnitAndRatio(t *testing.T) {
	t.Parallel()
	quarter := one(charge("place", "quarter", 15_600)) // 13 x 3 hours: 4.00
	ask := bundle("quarter", 13, 13)
	ask.Occasions = saturdays(13, 180)
	byRatio := one(rated(hour(2400), tariff.Rate{Ratios: []tariff.RatioRate{
		{Ratio: tariff.Ratio{Staff: 1, Children: 1}, AmountPence: 2400}, {Ratio: tariff.Ratio{Staff: 1, Children: 3}, AmountPence: 950},
	}}))
	at := func(children int) tariff.Ask {
		return with(visits(1, 150), func(a *tariff.Ask) { a.Ratio = tariff.Ratio{Staff: 1, Children: children} })
	}
	for name, c := range map[string]struct {
		tf   tariff.Tariff
		ask  tariff.Ask
		rate shortbreaks.Pence
	}{
		"quarterly club": {quarter, ask, 400},
		"session":        {one(charge("place", "session", 800)), sessions(2, 180), 267}, // 2.6667
		"1:1 by hour":    {byRatio, at(1), 2400},
		"1:3 by hour":    {byRatio, at(3), 950},
		"three nights that hold 16 hours each": { // 360.00 / 48
			one(with(charge("place", "night", 12_000), func(c *tariff.Charge) { c.IncludesMinutesWithChild = 960 })), visit("2027-01-08T10:00", "2027-01-11T10:00"), 750},
	} {
		p, err := price(c.tf, c.ask)
		require.NoError(t, err, name)
		require.Equal(t, pence(c.rate), p.RatePence, name)
	}
}

func TestT24_T90_AFamilyNeverPaysMoreThanTheShareOfTheSmallestGroup(t *testing.T) {
	t.Parallel()
	tf := perGroup(4500, 3)
	before, err := price(tf, sessions(1, 60))
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(1500), before.TotalPence, "what is held until the group is known")
	require.Equal(t, []shortbreaks.Pence{900, 900, 900, 900, 900}, parts(t, tf, 5), "what is left of it is released")
	require.Equal(t, []shortbreaks.Pence{1500, 1500}, parts(t, tf, 2), "the shortfall is the provider's")
	p, err := price(tf, with(sessions(1, 60), func(a *tariff.Ask) { a.Sharing = 2 }))
	require.NoError(t, err)
	require.Equal(t, "Saturday 9 January 2027, £45.00 a session: £15.00 (one price, and your share is never more than one of 3).", p.Explain())
	require.Equal(t, []shortbreaks.Pence{643, 643, 643, 643, 643, 643, 642}, parts(t, tf, 7), "spare pennies are borne by the first")
}

func TestT25_FridayNightToSaturdayMorningHasThreeParts(t *testing.T) {
	t.Parallel()
	// 22:00 to 23:00 evening 22.00; 23:00 to 07:00 night 8 x 24.00 = 192.00; 07:00 to 08:00 weekend 26.00.
	listed{
		name: "T25", tf: one(rated(hour(2000), bands("split", band("Night", atNight, 2400), band("Weekend", weekend, 2600), band("Evening", evening, 2200)))),
		ask: visit("2027-01-08T22:00", "2027-01-09T08:00"), total: 24_000,
		explain: "Friday 8 January 2027, 10 hours, of which 8 hours at £24.00 an hour (Night), 1 hour at £26.00 an hour (Weekend) and " +
			"1 hour at £22.00 an hour (Evening): £240.00.",
	}.try(t)
}

func TestT26_AOneOffBankHolidayChangesOnlyPricesWorkedOutAfterIt(t *testing.T) {
	t.Parallel()
	tf := one(rated(hour(2000), bands("split", times("Bank holiday", holidays, 150))))
	ask := visit("2027-06-11T10:00", "2027-06-11T14:00")
	quoted := listed{name: "before", tf: tf, ask: ask, total: 8000}.try(t)
	ask.Holidays = holidays2027()
	ask.Holidays[time.Date(2027, 6, 11, 0, 0, 0, 0, time.UTC)] = "A day for the nation"
	listed{name: "after", tf: tf, ask: ask, total: 12_000}.try(t) // 4 x 30.00
	require.Equal(t, shortbreaks.Pence(8000), quoted.TotalPence, "the price quoted stays")
	listed{name: "the day before", tf: tf, ask: visit("2027-06-10T10:00", "2027-06-10T14:00"), total: 8000}.try(t)
}

func TestT27_ASleepInIsPricedByTheNightWithItsDisturbances(t *testing.T) {
	t.Parallel()
	night := charge("support", "night", 6000)
	woken := charge("disturbance", "item", 1000)
	woken.When, woken.Event, woken.CapPence = "contingent", "disturbance", pence(2500)
	sleepIn := one(night, woken)
	happened := func(n int) tariff.Ask {
		return with(visit("2027-01-08T22:00", "2027-01-09T08:00"), func(a *tariff.Ask) { a.Occasions[0].Events = map[string]int{"disturbance": n} })
	}
	listed{
		name: "quiet", tf: sleepIn, ask: happened(0), total: 6000,
		explain: "Friday 8 January 2027, £60.00 a night: £60.00. Disturbance could add £10.00 each time, at most £25.00.",
	}.try(t)
	listed{
		name: "woken twice", tf: sleepIn, ask: happened(2), total: 8000,
		explain: "Support: Friday 8 January 2027, £60.00 a night: £60.00. Disturbance: Friday 8 January 2027, 2 times at £10.00: £20.00. Total: £80.00.",
	}.try(t)
	listed{name: "woken three times, to the cap", tf: sleepIn, ask: happened(3), total: 8500}.try(t)

	waking := one(rated(night, tariff.Rate{Conversions: []tariff.Conversion{{Event: "disturbance", MoreThan: 2, AmountPence: 14_000}}}))
	listed{name: "a waking night is not one yet", tf: waking, ask: happened(2), total: 6000}.try(t)
	listed{
		name: "it is now", tf: waking, ask: happened(3), total: 14_000,
		explain: "Friday 8 January 2027 at £140.00 (with more than 2 disturbances): £140.00.",
	}.try(t)
}

func TestT28_TravelIsCappedAndSharedByTheChildrenOfOneTrip(t *testing.T) {
	t.Parallel()
	mile := with(charge("travel", "mile", 45), func(c *tariff.Charge) { c.CapPence = pence(500) })
	twelve := func(children, no int) tariff.Ask {
		return with(visits(1, 60), func(a *tariff.Ask) {
			a.Quantities, a.Children, a.ChildNo = map[string]int{"travel": 12}, children, no
		})
	}
	listed{name: "12 miles, to the cap", tf: one(hour(2000), mile), ask: twelve(1, 1), total: 2000 + 500, // 5.40
		explain: "Support: Saturday 9 January 2027, 1 hour at £20.00 an hour: £20.00. " +
			"Travel: Saturday 9 January 2027, 12 miles at £0.45: £5.00 (never more than £5.00). Total: £25.00."}.try(t)
	trip := with(mile, func(c *tariff.Charge) { c.Basis = tariff.PerFamily })
	listed{name: "first of two", tf: one(hour(2000), trip), ask: twelve(2, 1), total: 2000 + 270}.try(t)
	listed{name: "second of two", tf: one(hour(2000), trip), ask: twelve(2, 2), total: 2000 + 270}.try(t)
}

func TestT29_VATIsInsideEachLine(t *testing.T) {
	t.Parallel()
	treated := func(kind string, amount shortbreaks.Pence, vat string) tariff.Charge {
		return with(charge(kind, "session", amount), func(c *tariff.Charge) { c.VAT = vat })
	}
	p := listed{
		name: "T29", tf: one(treated("place", 1000, "exempt"), treated("meal", 500, "zero"), treated("equipment", 1000, "standard"), treated("other", 100, "outside_scope")),
		ask: sessions(1, 60), total: 2600,
	}.try(t)
	vat := []shortbreaks.Pence{}
	for _, l := range p.Items[0].Lines {
		vat = append(vat, l.VATPence)
	}
	require.Equal(t, []shortbreaks.Pence{0, 0, 167, 0}, vat) // 1000 / 6 = 166.67
}

func TestT30_FullCostIsSubsidyAndBudgetAndFamilyToThePenny(t *testing.T) {
	t.Parallel()
	// 99.99 less a grant of 30.00 is 69.99: a charity 40 % (27.996: 28.00), the buyer the rest 41.99.
	place := made("place", "night", 6999, component("staff", 9000), component("premises", 999), component("subsidy", -3000))
	p := listed{
		name: "T30", tf: one(shared(place, tariff.CostShare{Payer: "charity", BasisPoints: 4000}, rest("buyer"))),
		ask: visit("2027-01-08T16:00", "2027-01-09T10:00"), total: 4199, full: 9999,
		explain: "Friday 8 January 2027, £69.99 a night: £69.99. The full price is £69.99: a charity pays £28.00 and you pay £41.99. " +
			"It costs £99.99 to run; grants and other funds pay £30.00 of it.",
	}.try(t)
	require.Equal(t, p.FullPence, 3000+p.Items[0].Lines[0].Others[0].Pence+p.TotalPence)
}

func TestT31_AFrameworkRateIsOnlyForBookingsEntitledToIt(t *testing.T) {
	t.Parallel()
	framework := with(option("Framework", hour(1950)), func(o *tariff.Option) { o.WhoMayUse, o.ContractID = tariff.ByContract, &contract })
	tf := tariffOf(option("Public", hour(2400)), framework)
	listed{name: "anyone", tf: tf, ask: visits(1, 60), total: 2400}.try(t)
	entitled := with(visits(1, 60), func(a *tariff.Ask) { a.Contracts = append(a.Contracts, contract) })
	listed{
		name: "under the contract", tf: tf, ask: entitled, total: 1950,
		explain: `Saturday 9 January 2027, 1 hour at £19.50 an hour: £19.50. This is the price "Framework"; "Public" would cost £24.00.`,
	}.try(t)
	other := with(visits(1, 60), func(a *tariff.Ask) { a.Contracts = append(a.Contracts, [16]byte{1}) })
	listed{name: "under another", tf: tf, ask: other, total: 2400}.try(t)
}

func TestT32_ATaperPricesEachWeekByItsOwnRatio(t *testing.T) {
	t.Parallel()
	tf := one(rated(hour(3000), tariff.Rate{Ratios: []tariff.RatioRate{
		{Ratio: tariff.Ratio{Staff: 1, Children: 1}, AmountPence: 3000}, {Ratio: tariff.Ratio{Staff: 1, Children: 4}, AmountPence: 900},
	}}))
	taper := with(visits(6, 120), func(a *tariff.Ask) {
		for i := range a.Occasions {
			a.Occasions[i].Ratio = tariff.Ratio{Staff: 1, Children: 1 + i/4*3} // four weeks alone, then in a group
		}
	})
	p := listed{
		name: "T32", tf: tf, ask: taper, total: 4*6000 + 2*1800,
		explain: "6 Saturdays of 2 hours, 12 hours in all, of which 8 hours at £30.00 an hour (support at 1:1) and 4 hours at £9.00 an hour (support at 1:4): £276.00.",
	}.try(t)
	require.Equal(t, []shortbreaks.Pence{6000, 6000, 6000, 6000, 1800, 1800}, totals(p))

	term := one(rated(charge("place", "term", 12_000), tariff.Rate{Ratios: []tariff.RatioRate{{Ratio: tariff.Ratio{Staff: 1, Children: 1}, AmountPence: 60_000}}}))
	four := with(bundle("term", 12, 12), func(a *tariff.Ask) { // 4 / 12 of 600.00 and 8 / 12 of 120.00
		for i := range 4 {
			a.Occasions[i].Ratio = tariff.Ratio{Staff: 1, Children: 1}
		}
	})
	p = listed{name: "a term", tf: term, ask: four, total: 20_000 + 8000}.try(t)
	require.Equal(t, shortbreaks.Pence(5000), p.Items[0].TotalPence)
	require.Equal(t, shortbreaks.Pence(1000), p.Items[4].TotalPence)
}

func TestT34_ANightOverTheChangeIsElapsedTime(t *testing.T) {
	t.Parallel()
	listed{name: "October", tf: one(hour(1000)), ask: visit("2027-10-30T22:00", "2027-10-31T08:00"), total: 11_000}.try(t)
	listed{name: "March", tf: one(hour(1000)), ask: visit("2027-03-27T22:00", "2027-03-28T08:00"), total: 9000}.try(t)
	listed{name: "by the night", tf: one(charge("support", "night", 9500)), ask: visit("2027-10-30T22:00", "2027-10-31T08:00"), total: 9500}.try(t)
}

func TestT87_TheCheapestMixIsNamedWithWhatItBeats(t *testing.T) {
	t.Parallel()
	ten := option("Block of 10", charge("place", "item", 6500))
	ten.Block = &tariff.Block{Count: 10, ValidWeeks: 12}
	card := option("Membership", charge("membership", "year", 1500))
	card.Membership = &tariff.Membership{Months: 12}
	inside := option("Members", charge("place", "session", 600))
	inside.WhoMayUse, inside.MemberOf = tariff.Members, "Membership"
	tf := tariffOf(option("Single", charge("place", "session", 800)), ten, card, inside)
	listed{name: "7: singles", tf: tf, ask: sessions(7, 60), total: 5600}.try(t) // members 57.00
	listed{name: "8: members", tf: tf, ask: sessions(8, 60), total: 6300}.try(t) // singles 64.00, block 65.00
	listed{                                                                      // block 65.00; members 75.00; singles 80.00
		name: "10: block", tf: tf, ask: sessions(10, 60), total: 6500,
		explain: `10 Saturdays, a block of 10 to use within 12 weeks: £65.00. This is the price "Block of 10"; "Single" would cost £80.00 and "Members" would cost £75.00.`,
	}.try(t)
	listed{name: "12: a block and two singles", tf: tf, ask: sessions(12, 60), total: 8100}.try(t)           // members 87.00
	listed{name: "26: membership for all of it", tf: tf, ask: sessions(26, 60), total: 1500 + 26*600}.try(t) // 171.00; two blocks and six singles 178.00

	only := tf
	only.Options = tf.Options[:2]
	listed{ // 12 weeks from the first use: of a second block each date is in time, too
		name: "two blocks", tf: only, ask: sessions(20, 60), total: 13_000,
		explain: "Block of 10: 10 Saturdays, a block of 10 to use within 12 weeks: £65.00. Block of 10: 10 Saturdays, a block of 10 to use within 12 weeks: £65.00. " +
			`Total: £130.00. This is the price "Block of 10"; "Single" would cost £160.00.`,
	}.try(t)
	fortnights := sessions(10, 60)
	for i := range fortnights.Occasions {
		fortnights.Occasions[i].StartsAt = fortnights.Occasions[i].StartsAt.AddDate(0, 0, 7*i)
		fortnights.Occasions[i].EndsAt = fortnights.Occasions[i].StartsAt.Add(time.Hour)
	}
	listed{name: "a block that runs out of weeks", tf: only, ask: fortnights, total: 8000}.try(t) // six dates in 12 weeks: not worth 65.00
}

func TestT88_APriceFromADateOnAppliesFromThatDateOnInABundleToo(t *testing.T) {
	t.Parallel()
	old, fresh := option("Until January", charge("place", "term", 12_000)), option("From February", charge("place", "term", 13_200))
	old.ValidTo, fresh.ValidFrom = "2027-01-31", "2027-02-01"
	p := listed{ // 4 x 10.00 and 8 x 11.00
		name: "T88", tf: tariffOf(old, fresh), ask: bundle("term", 12, 12), total: 12_800,
		explain: "Until January: Spring term, £120.00 for all 12: 4 of them have this price: £40.00. " +
			"From February: Spring term, £132.00 for all 12: 8 of them have this price: £88.00. Total: £128.00.",
	}.try(t)
	require.Equal(t, shortbreaks.Pence(1000), p.Items[3].TotalPence)
	require.Equal(t, shortbreaks.Pence(1100), p.Items[4].TotalPence)
}

func TestT89_BandsSplitOrClassAndPrecedenceDecides(t *testing.T) {
	t.Parallel()
	list := []tariff.Band{band("Night", atNight, 2400), times("Weekend", weekend, 150), band("Evening", evening, 2200)}
	ask := visit("2027-01-08T22:30", "2027-01-09T07:30")
	listed{name: "split", tf: one(rated(hour(2000), bands("split", list...))), ask: ask, total: 1100 + 19_200 + 1500}.try(t) // 0.5 x 22, 8 x 24, 0.5 x 30
	listed{name: "by start", tf: one(rated(hour(2000), bands("whole_by_start", list...))), ask: ask, total: 9 * 2200}.try(t)
	listed{name: "by start or end", tf: one(rated(hour(2000), bands("whole_by_start_or_end", list...))), ask: ask, total: 9 * 3000}.try(t) // weekend stands before evening
	list[0], list[1] = list[1], list[0]
	listed{name: "precedence", tf: one(rated(hour(2000), bands("split", list...))), ask: ask, total: 1100 + 2400 + 7*3000 + 1500}.try(t)
}

func TestT93_AFeeIsOfTheRoundedBaseAndHasItsOwnPayee(t *testing.T) {
	t.Parallel()
	support := with(hour(2500), func(c *tariff.Charge) { c.StepMinutes, c.StepMode = 15, "up" })
	fee := charge("other", "session", 0)
	fee.Rate, fee.Payee = &tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "support", BasisPoints: 1250}}, "The agency"
	p := listed{ // 95 as 105 minutes: 43.75; 12.5 % is 5.46875, so 5.47
		name: "T93", tf: one(support, fee), ask: visits(1, 95), total: 4375 + 547,
		explain: "Support: Saturday 9 January 2027, 1 hour 35 minutes, charged as 1 hour 45 minutes (steps of 15 minutes, rounded up) at £25.00 an hour: £43.75. " +
			"Other: 12.5% of the price for support: £5.47. Total: £49.22. £5.47 of it goes to The agency.",
	}.try(t)
	require.Equal(t, "The agency", p.Items[0].Lines[1].Payee)

	twice := charge("travel", "session", 0) // a percentage is not taken of a percentage
	twice.Rate = &tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "other", BasisPoints: 10_000}}
	listed{name: "beside a plain charge of the kind", tf: one(support, fee, charge("other", "session", 100), twice), ask: visits(1, 95), total: 4375 + 547 + 100 + 100}.try(t)
	third := tariffOf(option("Term", charge("place", "term", 10_000), rated(charge("other", "session", 0), tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "place", BasisPoints: 333}})))
	listed{name: "of a bundle, of its whole", tf: third, ask: bundle("term", 12, 12), total: 10_333}.try(t)
}
