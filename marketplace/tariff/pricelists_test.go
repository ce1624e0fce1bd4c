package tariff_test

import (
	"testing"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Price lists of every form, each worked out by hand in its comment. Dates of
// 2027: 9 January is a Saturday; bank holidays are in holidays2027; the clocks
// change on 28 March and 31 October.

func rated(c tariff.Charge, r tariff.Rate) tariff.Charge {
	c.Rate = &r
	return c
}

func bands(mode string, list ...tariff.Band) tariff.Rate {
	return tariff.Rate{Bands: &tariff.Bands{Mode: mode, List: list}}
}

func band(name string, w tariff.Window, amount shortbreaks.Pence) tariff.Band {
	return tariff.Band{Name: name, Window: w, AmountPence: &amount}
}

func times(name string, w tariff.Window, percent int) tariff.Band {
	return tariff.Band{Name: name, Window: w, Percent: percent}
}

func hour(amount shortbreaks.Pence) tariff.Charge { return charge("support", "hour", amount) }

func one(c ...tariff.Charge) tariff.Tariff { return tariffOf(option("Standard", c...)) }

func visit(from, to string) tariff.Ask { return by(tariff.ByVisit, occ(from, to)) }

var (
	weekend  = tariff.Window{Days: []int{6, 7}}
	evening  = tariff.Window{Days: []int{1, 2, 3, 4, 5}, From: "18:00", To: "23:00"}
	atNight  = tariff.Window{From: "23:00", To: "07:00"}
	holidays = tariff.Window{BankHolidays: "only"}
)

func tryAll(t *testing.T, lists []listed) {
	t.Helper()
	for _, l := range lists {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.try(t)
		})
	}
}

func TestPriceListsByTheHour(t *testing.T) {
	t.Parallel()
	minimum := with(hour(2100), func(c *tariff.Charge) { c.MinimumMinutes = 60 })
	stepped := func(step int, mode string) tariff.Charge {
		return with(hour(2400), func(c *tariff.Charge) { c.StepMinutes, c.StepMode = step, mode })
	}
	tryAll(t, []listed{
		{name: "flat", tf: one(hour(1840)), ask: visit("2027-01-09T10:00", "2027-01-09T12:30"), total: 4600}, // 2.5 x 18.40
		{
			name: "minimum", tf: one(minimum), ask: visit("2027-01-09T10:00", "2027-01-09T10:40"), total: 2100,
			explain: "Saturday 9 January 2027, 40 minutes, charged as 1 hour (at least 1 hour each time) at £21.00 an hour: £21.00.",
		},
		{name: "steps up", tf: one(stepped(30, "up")), ask: visit("2027-01-09T10:00", "2027-01-09T11:10"), total: 3600}, // 70 as 90 minutes
		{
			name: "steps nearest", tf: one(stepped(15, "nearest")), // 67 as 60: 24.00; 68 as 75: 30.00
			ask: by(tariff.ByVisit, occ("2027-01-09T10:00", "2027-01-09T11:07"), occ("2027-01-16T10:00", "2027-01-16T11:08")), total: 5400,
			explain: "2 Saturdays, 2 hours 15 minutes in all, charged as 2 hours 15 minutes (steps of 15 minutes, rounded to the nearest) at £24.00 an hour: £54.00.",
		},
		{name: "steps exact", tf: one(stepped(15, "exact")), ask: visit("2027-01-09T10:00", "2027-01-09T11:07"), total: 2680}, // 24.00 x 67 / 60
		{
			name: "weekend from midnight", tf: one(rated(hour(2000), bands("split", band("Weekend", weekend, 2600)))), // 2 x 20.00 + 2 x 26.00
			ask: visit("2027-01-08T22:00", "2027-01-09T02:00"), total: 9200,
			explain: "Friday 8 January 2027, 4 hours, of which 2 hours at £26.00 an hour (Weekend) and 2 hours at £20.00 an hour (ordinary time): £92.00.",
		},
		{
			name: "precedence: the weekend before the night", // evening 1 h, night 1 h, then the weekend 8 h: 22.00 + 24.00 + 208.00
			tf:   one(rated(hour(2000), bands("split", band("Weekend", weekend, 2600), band("Night", atNight, 2400), band("Evening", evening, 2200)))),
			ask:  visit("2027-01-08T22:00", "2027-01-09T08:00"), total: 25_400,
		},
		{
			name: "a bank holiday at double time", tf: one(rated(hour(1600), bands("split", times("Bank holiday", holidays, 200), times("Weekend", weekend, 150)))),
			ask: visit("2027-03-29T10:00", "2027-03-29T13:00"), total: 9600, // 3 x 32.00
			explain: "Monday 29 March 2027, 3 hours at £32.00 an hour (Bank holiday: 200% of £16.00): £96.00.",
		},
		{
			name: "into a bank holiday at midnight", tf: one(rated(hour(1600), bands("split", times("Bank holiday", holidays, 200)))),
			ask: visit("2027-05-30T20:00", "2027-05-31T02:00"), total: 12_800,
		}, // 4 x 16.00 + 2 x 32.00
		{
			name: "a night into a bank holiday belongs to the day before", // 8 x 20.00
			tf:   one(rated(hour(2000), bands("split", band("Holiday night", tariff.Window{From: "22:00", To: "06:00", BankHolidays: "only"}, 4000)))),
			ask:  visit("2027-05-30T22:00", "2027-05-31T06:00"), total: 16_000,
		},
		{
			name: "a night that begins on a bank holiday is one to its end", // 8 x 40.00
			tf:   one(rated(hour(2000), bands("split", band("Holiday night", tariff.Window{From: "22:00", To: "06:00", BankHolidays: "only"}, 4000)))),
			ask:  visit("2027-05-31T22:00", "2027-06-01T06:00"), total: 32_000,
		},
		{
			name: "school days, never on a bank holiday", // Thursday 2 x 15.00, Good Friday 2 x 20.00
			tf:   one(rated(hour(2000), bands("split", band("School day", tariff.Window{Days: []int{1, 2, 3, 4, 5}, From: "09:00", To: "15:00", BankHolidays: "never"}, 1500)))),
			ask:  by(tariff.ByVisit, occ("2027-03-25T10:00", "2027-03-25T12:00"), occ("2027-03-26T10:00", "2027-03-26T12:00")), total: 7000,
		},
		{
			name: "the whole by its start", tf: one(rated(hour(2000), bands("whole_by_start", band("Evening", evening, 2200)))),
			ask: visit("2027-01-08T21:00", "2027-01-09T07:00"), total: 22_000,
		}, // 10 x 22.00
		{
			name: "the whole by its start or end", // to 01:00 on Saturday: 5 x 26.00; to midnight: 4 x 20.00
			tf:   one(rated(hour(2000), bands("whole_by_start_or_end", band("Weekend", weekend, 2600)))),
			ask:  by(tariff.ByVisit, occ("2027-01-08T20:00", "2027-01-09T01:00"), occ("2027-01-15T20:00", "2027-01-16T00:00")), total: 21_000,
		},
		{name: "the minimum lasts into the next band", // 40 minutes from 17:40, charged to 18:40: 20 at 20.00 and 40 at 30.00
			tf: one(rated(with(hour(2000), func(c *tariff.Charge) { c.MinimumMinutes = 60 }),
				bands("split", band("Evening", evening, 3000)))), ask: visit("2027-01-08T17:40", "2027-01-08T18:20"), total: 2667},
		{
			name: "a table of lengths", // 45: 30.00; 61: 50.00; 180: 66.00; 200: 66.00 + 30.00
			tf:   one(rated(hour(3000), tariff.Rate{Durations: []tariff.Duration{{Minutes: 60, AmountPence: 3000}, {Minutes: 120, AmountPence: 5000}, {Minutes: 180, AmountPence: 6600}}})),
			ask: by(tariff.ByVisit, occ("2027-01-09T10:00", "2027-01-09T10:45"), occ("2027-01-10T10:00", "2027-01-10T11:01"),
				occ("2027-01-11T10:00", "2027-01-11T13:00"), occ("2027-01-12T10:00", "2027-01-12T13:20")), total: 24_200,
		},
		{
			name: "a long visit by the table", // 6 h 30: two times 3 hours and half an hour
			tf:   one(rated(hour(3000), tariff.Rate{Durations: []tariff.Duration{{Minutes: 60, AmountPence: 3000}, {Minutes: 180, AmountPence: 6600}}})),
			ask:  visit("2027-01-09T10:00", "2027-01-09T16:30"), total: 16_200,
			explain: "Saturday 9 January 2027, 6 hours 30 minutes, of which 2 at £66.00 (for each 3 hours) and 1 at £30.00 (for up to 1 hour): £162.00.",
		},
		{
			name: "tiers in a week, each part its own", // 200.00, then 2 x 25 + 6 x 22 = 182.00, then 4 x 22 + 4 x 20 = 168.00; next week 200.00
			tf:   one(rated(hour(2500), tariff.Rate{Volume: &tariff.Volume{Per: "week", Mode: "part", Tiers: []tariff.Tier{{From: 10, AmountPence: 2200}, {From: 20, AmountPence: 2000}}}})),
			ask: by(tariff.ByVisit, occ("2027-01-11T09:00", "2027-01-11T17:00"), occ("2027-01-12T09:00", "2027-01-12T17:00"),
				occ("2027-01-13T09:00", "2027-01-13T17:00"), occ("2027-01-18T09:00", "2027-01-18T17:00")), total: 75_000,
			explain: "4 visits of 8 hours, 32 hours in all, of which 18 hours at £25.00 an hour, 10 hours at £22.00 an hour (from 10 hours a week on) and " +
				"4 hours at £20.00 an hour (from 20 hours a week on): £750.00.",
		},
		{
			name: "tiers in a month, the whole at what is reached", // 4 Saturdays of January at 10.00, 1 of February at 12.00
			tf:   one(rated(charge("place", "session", 1200), tariff.Rate{Volume: &tariff.Volume{Per: "month", Mode: "whole", Tiers: []tariff.Tier{{From: 4, AmountPence: 1000}}}})),
			ask:  sessions(5, 60), total: 5200,
			explain: "5 Saturdays, of which 1 at £12.00 a session and 4 at £10.00 a session (from 4 sessions a month on): £52.00.",
		},
		{
			name: "by ratio", tf: one(rated(hour(3000), tariff.Rate{Ratios: []tariff.RatioRate{
				{Ratio: tariff.Ratio{Staff: 1, Children: 1}, AmountPence: 3000}, {Ratio: tariff.Ratio{Staff: 1, Children: 3}, AmountPence: 1200},
			}})),
			ask: with(visit("2027-01-09T10:00", "2027-01-09T12:00"), func(a *tariff.Ask) { a.Ratio = tariff.Ratio{Staff: 1, Children: 3} }), total: 2400,
			explain: "Saturday 9 January 2027, 2 hours at £12.00 an hour (support at 1:3): £24.00.",
		},
		{
			name:  "a day rate from eight hours on", // 7 x 15.00; 110.00; 110.00
			tf:    one(rated(hour(1500), tariff.Rate{Conversions: []tariff.Conversion{{FromMinutes: 480, AmountPence: 11_000}}})),
			ask:   by(tariff.ByVisit, occ("2027-01-09T09:00", "2027-01-09T16:00"), occ("2027-01-10T09:00", "2027-01-10T17:00"), occ("2027-01-11T09:00", "2027-01-11T18:00")),
			total: 32_500, explain: "3 visits, 24 hours in all, of which 7 hours at £15.00 an hour and 2 at £110.00 (for 8 hours or more): £325.00.",
		},
	})
}

func TestPriceListsOverBothChangesOfTheClocks(t *testing.T) {
	t.Parallel()
	night := one(rated(hour(2000), bands("split", band("Night", atNight, 2400))))
	twice := one(rated(hour(2000), bands("split", band("Between one and two", tariff.Window{From: "01:00", To: "02:00"}, 3000))))
	tryAll(t, []listed{
		{name: "a night of 9 hours in March", tf: night, ask: visit("2027-03-27T22:00", "2027-03-28T08:00"), total: 20_800}, // 20 + 7 x 24 + 20
		{name: "a night of 11 hours in October", tf: night, ask: visit("2027-10-30T22:00", "2027-10-31T08:00"), total: 25_600, // 20 + 9 x 24 + 20
			explain: "Saturday 30 October 2027, 11 hours, of which 9 hours at £24.00 an hour (Night) and 2 hours at £20.00 an hour (ordinary time): £256.00."},
		{name: "the hour that is missing costs nothing", tf: twice, ask: visit("2027-03-28T00:00", "2027-03-28T03:00"), total: 4000},       // 00-01 and 02-03
		{name: "the hour that comes twice is charged twice", tf: twice, ask: visit("2027-10-31T00:00", "2027-10-31T03:00"), total: 10_000}, // 2 x 20 + 2 x 30
		{
			name: "the same wall time each week", // Sundays 21 and 28 March, 24 and 31 October, 16:00: 2 x 26.00 each
			tf:   one(rated(hour(2000), bands("split", band("From four", tariff.Window{From: "16:00", To: "18:00"}, 2600)))),
			ask:  by(tariff.ByVisit, append(weekly("2027-03-21T16:00", "2027-03-21T18:00", 2), weekly("2027-10-24T16:00", "2027-10-24T18:00", 2)...)...), total: 20_800,
		},
		{
			name: "nights are counted, not hours", tf: one(charge("support", "night", 6000)),
			ask: by(tariff.ByVisit, occ("2027-03-27T22:00", "2027-03-28T08:00"), occ("2027-10-30T22:00", "2027-10-31T08:00")), total: 12_000,
		},
		{name: "a stay over the change is whole days", tf: one(charge("place", "day", 9000)), // Saturday, Sunday, Monday
			ask: visit("2027-10-30T10:00", "2027-11-01T16:00"), total: 27_000},
		{
			name: "steps count real minutes", // 00:30 to 02:15 in March is 45 minutes, charged as 60: to 02:30
			tf:   one(with(hour(1900), func(c *tariff.Charge) { c.StepMinutes, c.StepMode = 30, "up" })),
			ask:  visit("2027-03-28T00:30", "2027-03-28T02:15"), total: 1900,
		},
	})
}

func TestPriceListsByTheNightDayAndStay(t *testing.T) {
	t.Parallel()
	stay := with(charge("place", "night", 12_000), func(c *tariff.Charge) {
		c.LongStay = []tariff.LongStay{{FromNights: 3, BasisPoints: 1000}, {FromNights: 7, BasisPoints: 1500}}
	})
	weekends := rated(charge("support", "night", 15_000), bands("whole_by_start", band("Friday and Saturday", tariff.Window{Days: []int{5, 6}}, 18_000)))
	tryAll(t, []listed{
		{
			name: "two nights", tf: one(stay), ask: visit("2027-01-08T16:00", "2027-01-10T10:00"), total: 24_000,
			explain: "Friday 8 January 2027, 2 nights at £120.00: £240.00.",
		},
		{name: "three nights, a long stay", tf: one(stay), ask: visit("2027-01-08T16:00", "2027-01-11T10:00"), total: 32_400}, // 360.00 less 10 %
		{name: "seven nights", tf: one(stay), ask: visit("2027-01-08T16:00", "2027-01-15T10:00"), total: 71_400, // 840.00 less 15 %
			explain: "Friday 8 January 2027, 7 nights at £120.00: £714.00 (15% off for a long stay)."},
		{name: "to midnight is one night, not two", tf: one(stay), ask: visit("2027-01-08T16:00", "2027-01-10T00:00"), total: 12_000},
		{name: "nights by the day of the week", tf: one(weekends), ask: visit("2027-01-07T20:00", "2027-01-10T08:00"), total: 51_000, // 150 + 180 + 180
			explain: "Thursday 7 January 2027, 3 nights, of which 1 at £150.00 a night (ordinary time) and 2 at £180.00 a night (Friday and Saturday): £510.00."},
		{name: "half days", tf: one(charge("place", "half_day", 2800)), ask: sessions(3, 180), total: 8400},
		{name: "days of a stay", tf: one(charge("place", "day", 9000)), ask: visit("2027-01-08T10:00", "2027-01-10T16:00"), total: 27_000},
	})
}

func TestPriceListsByTheBundleMonthAndYear(t *testing.T) {
	t.Parallel()
	yearly := option("Pay as you go", charge("place", "session", 500), charge("other", "year", 1200))
	full := bundle("week", 5, 5)
	tryAll(t, []listed{
		{
			name: "a half term joined late", tf: one(charge("place", "half_term", 8400)), ask: bundle("half_term", 4, 7), total: 4800,
			explain: "Spring half_term, £84.00 for all 7: joining on the fourth date you pay for 4 of 7: £48.00.",
		},
		{name: "a week", tf: one(charge("place", "week", 9999)), ask: full, total: 9999},
		{name: "a quarter, split over its dates", tf: one(charge("place", "quarter", 10_001)), ask: bundle("quarter", 7, 13), total: 5385}, // 5385.15
		{
			name: "a term by ratio", tf: one(rated(charge("place", "term", 12_000), tariff.Rate{Ratios: []tariff.RatioRate{
				{Ratio: tariff.Ratio{Staff: 1, Children: 2}, AmountPence: 24_000},
			}})),
			ask: with(bundle("term", 6, 12), func(a *tariff.Ask) { a.Ratio = tariff.Ratio{Staff: 1, Children: 2} }), total: 12_000,
		}, // 240.00 x 6 / 12
		{name: "a term and lunch each time", tf: one(charge("place", "term", 12_000), charge("meal", "session", 350)), ask: bundle("term", 12, 12), total: 12_000 + 12*350},
		{
			name: "a term with a charity's half", tf: one(shared(charge("place", "term", 12_001), tariff.CostShare{Payer: "charity", BasisPoints: 5000}, rest("buyer"))),
			ask: bundle("term", 12, 12), total: 6000, full: 12_001,
		}, // 60.005 each: the spare penny is the earlier share's
		{name: "a month, however often", tf: one(charge("place", "month", 3000)), ask: sessions(6, 60), total: 6000, // January and February
			explain: "2 Saturdays at £30.00: £60.00."},
		{
			name: "a yearly fee besides", tf: tariffOf(yearly), ask: sessions(3, 60), total: 2700,
			explain: "Place: 3 Saturdays at £5.00: £15.00. Other: Saturday 9 January 2027, £12.00 a year: £12.00. Total: £27.00.",
		},
	})
}

func TestPriceListsForFamiliesGroupsAndPayers(t *testing.T) {
	t.Parallel()
	for2 := func(a *tariff.Ask) { a.Children, a.ChildNo = 2, 2 }
	for3 := func(a *tariff.Ask) { a.Children, a.ChildNo = 3, 3 }
	siblings := with(charge("place", "session", 1600), func(c *tariff.Charge) {
		c.NthChild = []tariff.NthChild{{Child: 2, BasisPoints: 2500, For: "that_child"}, {Child: 3, BasisPoints: 5000, For: "that_child"}}
	})
	family := with(charge("place", "session", 2000), func(c *tariff.Charge) { c.Basis = tariff.PerFamily })
	capped := func(per string) tariff.Charge {
		return with(charge("place", "session", 900), func(c *tariff.Charge) { c.CapPence, c.CapPer = pence(2000), per })
	}
	funded := with(option("Funded place", charge("place", "session", 2500)), func(o *tariff.Option) { o.WhoMayUse, o.Scheme = tariff.FundedPlace, "haf" })
	taxed := with(charge("equipment", "item", 1200), func(c *tariff.Charge) { c.VAT, c.VATReason = "standard", "Sale of goods" })
	six := append(weekly("2027-01-11T10:00", "2027-01-11T11:00", 1), occ("2027-01-12T10:00", "2027-01-12T11:00"), occ("2027-01-13T10:00", "2027-01-13T11:00"),
		occ("2027-01-18T10:00", "2027-01-18T11:00"), occ("2027-01-30T10:00", "2027-01-30T11:00"), occ("2027-02-01T10:00", "2027-02-01T11:00"))
	tryAll(t, []listed{
		{name: "the second child", tf: one(siblings), ask: with(sessions(1, 60), for2), total: 1200},
		{
			name: "the third child", tf: one(siblings), ask: with(sessions(1, 60), for3), total: 800,
			explain: "Saturday 9 January 2027, £16.00 a session: £8.00 (50% off for brothers and sisters).",
		},
		{
			name: "a discount is taken before rounding", // 10.01 x 30 / 60 = 500.5; less 10 % 450.45
			tf: one(with(hour(1001), func(c *tariff.Charge) {
				c.NthChild = []tariff.NthChild{{Child: 2, BasisPoints: 1000, For: "every_child"}}
			})), ask: with(visit("2027-01-09T10:00", "2027-01-09T10:30"), for2), total: 450,
		},
		{
			name: "the cap before the shares", // 80.00 cut to 50.00, half of it
			tf: one(with(shared(charge("place", "session", 8000), tariff.CostShare{Payer: "council", BasisPoints: 5000}, rest("buyer")), func(c *tariff.Charge) {
				c.CapPence = pence(5000)
			})), ask: sessions(1, 60), total: 2500, full: 5000,
		},
		{
			name: "a fee on each date's own price", // 20.00 + 2.00 and 40.00 + 4.00
			tf:   one(hour(2000), rated(charge("other", "session", 0), tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "support", BasisPoints: 1000}})),
			ask:  by(tariff.ByVisit, occ("2027-01-09T10:00", "2027-01-09T11:00"), occ("2027-01-16T10:00", "2027-01-16T12:00")), total: 6600,
		},
		{name: "one price for the family", tf: one(family), ask: with(sessions(1, 60), for3), total: 666, // 6.67, 6.67, 6.66
			explain: "Saturday 9 January 2027, £20.00 a session: £6.66 (one price for the family, shared by 3 children)."},
		{
			name: "for each who comes", tf: one(with(charge("meal", "session", 650), func(c *tariff.Charge) { c.Basis = tariff.PerAttendee })),
			ask: with(sessions(2, 60), func(a *tariff.Ask) { a.Attendees = 3 }), total: 3900,
		},
		{name: "a cap for each line", tf: one(with(capped("line"), func(c *tariff.Charge) { c.CapPence = pence(800) })), ask: by(tariff.BySession, six...), total: 4800},
		{name: "a cap a week", tf: one(capped("week")), ask: by(tariff.BySession, six...), total: 2000 + 900 + 900 + 900, // 27.00 cut to 20.00
			explain: "6 sessions at £9.00: £47.00 (never more than £20.00 a week)."},
		{name: "a cap a month", tf: one(capped("month")), ask: by(tariff.BySession, six...), total: 2900}, // 45.00 cut to 20.00, and 9.00
		{name: "a cap for the booking", tf: one(capped("booking")), ask: by(tariff.BySession, six...), total: 2000},
		{
			name: "charity 40 %, health 35 %, the rest the plan", // of 333.33: 133.33, 116.67 (the largest remainder), 83.33
			tf:   one(shared(charge("place", "night", 33_333), tariff.CostShare{Payer: "charity", BasisPoints: 4000}, tariff.CostShare{Payer: "health", BasisPoints: 3500}, rest("buyer"))),
			ask:  visit("2027-01-08T16:00", "2027-01-09T10:00"), total: 8333, full: 33_333,
			explain: "Friday 8 January 2027, £333.33 a night: £333.33. The full price is £333.33: the health service pays £116.67, a charity pays £133.33 and you pay £83.33.",
		},
		{name: "a sum first, then a percentage of what is left", // 20.00; half of 80.00; 40.00
			tf: one(shared(charge("place", "session", 10_000), fixed("council", 2000), tariff.CostShare{Payer: "charity", BasisPoints: 5000}, rest("buyer"))), ask: sessions(1, 60), total: 4000, full: 10_000},
		{
			name: "a payer's cap leaves more to the rest", // 60 % of 80.00 is 48.00, cut to 30.00
			tf:   one(shared(charge("place", "session", 8000), tariff.CostShare{Payer: "council", BasisPoints: 6000, CapPence: pence(3000)}, rest("buyer"))),
			ask:  sessions(1, 60), total: 5000, full: 8000,
		},
		{name: "a funded place", tf: tariffOf(option("Standard", charge("place", "session", 2600)), funded), ask: with(sessions(2, 240), func(a *tariff.Ask) { a.Schemes = []string{"haf"} }), total: 5000},
		{name: "VAT is inside", tf: one(taxed), ask: sessions(1, 60), total: 1200, explain: "Saturday 9 January 2027, £12.00 an item: £12.00 (VAT included)."},
		{
			name: "items by number", tf: one(charge("place", "session", 800), charge("equipment", "item", 1500)),
			ask: with(sessions(1, 60), func(a *tariff.Ask) { a.Quantities = map[string]int{"equipment": 3} }), total: 800 + 4500,
		},
		{
			name: "transport on Saturdays only", // two sessions at 8.00, one ride at 3.50
			tf:   one(charge("place", "session", 800), with(charge("transport", "session", 350), func(c *tariff.Charge) { c.Only = &tariff.Window{Days: []int{6}} })),
			ask:  by(tariff.BySession, occ("2027-01-09T10:00", "2027-01-09T12:00"), occ("2027-01-10T10:00", "2027-01-10T12:00")), total: 1950,
		},
		{name: "billed on attendance, one to one only", tf: tariffOf(with(option("One to one", charge("support", "session", 4400)), func(o *tariff.Option) {
			o.Ratio, o.BilledOn = &tariff.Ratio{Staff: 1, Children: 1}, "attended"
		})), ask: with(sessions(2, 60), func(a *tariff.Ask) { a.Ratio = tariff.Ratio{Staff: 1, Children: 1} }), total: 8800},
	})
}
