package tariff_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Prices that providers and councils have published, P01 to P32, each as an
// offer with its conditions. The amounts are theirs; where a condition needs a
// figure that nobody published, the comment says that it is ours.

// shared is a charge that several bear.
func shared(c tariff.Charge, shares ...tariff.CostShare) tariff.Charge {
	c.CostShares = shares
	return c
}

func fixed(payer string, amount shortbreaks.Pence) tariff.CostShare {
	return tariff.CostShare{Payer: payer, AmountPence: &amount}
}

func rest(payer string) tariff.CostShare { return tariff.CostShare{Payer: payer, Remainder: true} }

func upTo(payer string, limit shortbreaks.Pence) tariff.CostShare {
	return tariff.CostShare{Payer: payer, BasisPoints: 10_000, CapPence: &limit}
}

// made is a charge with its parts given.
func made(kind, unit string, amount shortbreaks.Pence, parts ...tariff.Component) tariff.Charge {
	c := charge(kind, unit, amount)
	c.Components = parts
	return c
}

func component(kind string, amount shortbreaks.Pence) tariff.Component {
	return tariff.Component{Kind: kind, AmountPence: amount}
}

func TestPublishedPricesByTheHour(t *testing.T) {
	t.Parallel()
	// Saturday 9 January 2027, from 10:00.
	for _, c := range []struct {
		name    string
		hour    shortbreaks.Pence
		minutes int
		total   shortbreaks.Pence
		explain string
	}{
		{"P01 agency support worker", 2500, 120, 5000, "Saturday 9 January 2027, 2 hours at £25.00 an hour: £50.00."},
		{"P02 another agency", 1100, 120, 2200, "Saturday 9 January 2027, 2 hours at £11.00 an hour: £22.00."},
		{"P07 activity club", 100, 90, 150, "Saturday 9 January 2027, 1 hour 30 minutes at £1.00 an hour: £1.50."},
		{"P09 personal assistant", 1452, 180, 4356, ""},       // 3 x 14.52
		{"P10 agency, not registered", 1980, 180, 5940, ""},   // 3 x 19.80
		{"P11 agency, registered", 2152, 90, 3228, ""},        // 1.5 x 21.52
		{"P12 personal care, lowest", 1908, 45, 1431, ""},     // 0.75 x 19.08
		{"P13 personal care, average", 2471, 50, 2059, ""},    // 2471 x 50 / 60 = 2059.17
		{"P14 personal care, highest", 3600, 125, 7500, ""},   // 3600 x 125 / 60
		{"P17 self-employed carer", 2300, 150, 5750, ""},      // 2.5 x 23.00
		{"P18 personal assistant, up to", 1800, 35, 1050, ""}, // 1800 x 35 / 60; the most, so it is the price
	} {
		p := listed{name: c.name, tf: tariffOf(option("Standard", charge("support", "hour", c.hour))), ask: visits(1, c.minutes), total: c.total, explain: c.explain}.try(t)
		require.Equal(t, int64(c.minutes), p.ChildMinutes)
	}
}

func TestP15P16AnEmployedAssistantAndTheEmployersOnCosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ hour, total shortbreaks.Pence }{
		"P15": {1221, 5617}, // 4 x 12.21 = 48.84; 15 % (our figure) of it is 7.326, so 7.33
		"P16": {1337, 6150}, // 4 x 13.37 = 53.48; 15 % is 8.022, so 8.02
	} {
		onCosts := charge("other", "session", 0)
		onCosts.Rate = &tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "support", BasisPoints: 1500}}
		listed{name: name, tf: tariffOf(option("Wage and on-costs", charge("support", "hour", c.hour), onCosts)), ask: visits(1, 240), total: c.total}.try(t)
	}
}

func TestP03P04TheCouncilPaysTheRestOfAnActivityFee(t *testing.T) {
	t.Parallel()
	// The family pays 10.00, or 5.00 at the reduced rate. That a place costs
	// 34.00 in all is our figure; the council pays what is left of it.
	place := charge("place", "session", 3400)
	tf := tariffOf(
		option("Standard", shared(place, fixed("buyer", 1000), rest("council"))),
		reduced(option("Reduced rate", shared(place, fixed("buyer", 500), rest("council")))))
	listed{
		name: "P03", tf: tf, ask: sessions(4, 180), total: 4000, full: 13_600,
		explain: "4 Saturdays at £34.00: £136.00. The full price is £136.00: the council pays £96.00 and you pay £40.00.",
	}.try(t)
	p := listed{
		name: "P04", tf: tf, ask: with(sessions(4, 180), func(a *tariff.Ask) { a.ReducedRate = true }), total: 2000, full: 13_600,
		explain: "4 Saturdays at £34.00: £136.00. The full price is £136.00: the council pays £116.00 and you pay £20.00." +
			` This is the price "Reduced rate"; "Standard" would cost £40.00.`,
	}.try(t)
	require.Equal(t, pence(1133), p.RatePence, "34.00 for 3 hours, whoever pays") // 1133.33
	require.Equal(t, []tariff.Borne{{Payer: "council", Pence: 2900}}, p.Items[0].Lines[0].Others)
}

func TestP05AFeeWithACapAndAReducedCap(t *testing.T) {
	t.Parallel()
	// The family pays the fee up to 15.00, or up to 7.50; the council the rest.
	// The fees of 32.00 and 12.00 are ours.
	park := func(fee shortbreaks.Pence) tariff.Tariff {
		ticket := charge("place", "item", fee)
		return tariffOf(option("Standard", shared(ticket, upTo("buyer", 1500), rest("council"))),
			reduced(option("Reduced rate", shared(ticket, upTo("buyer", 750), rest("council")))))
	}
	entitled := with(sessions(1, 300), func(a *tariff.Ask) { a.ReducedRate = true })
	listed{
		name: "over the cap", tf: park(3200), ask: sessions(1, 300), total: 1500, full: 3200,
		explain: "Saturday 9 January 2027, £32.00 an item: £32.00. The full price is £32.00: the council pays £17.00 and you pay £15.00.",
	}.try(t)
	listed{name: "over the reduced cap", tf: park(3200), ask: entitled, total: 750, full: 3200}.try(t)
	listed{name: "below the cap", tf: park(1200), ask: sessions(1, 300), total: 1200, full: 1200}.try(t)
	listed{name: "below the cap, over the reduced one", tf: park(1200), ask: entitled, total: 750, full: 1200}.try(t)
}

func TestP06P08SubsidisedDaysAndSwimming(t *testing.T) {
	t.Parallel()
	// 5.00 a day of five hours. That it costs 27.00 to run is our figure.
	day := made("place", "day", 500, component("staff", 2400), component("premises", 300), component("subsidy", -2200))
	p := listed{
		name: "P06", tf: tariffOf(option("Standard", day)),
		ask:   by(tariff.BySession, occ("2027-07-26T10:00", "2027-07-26T15:00"), occ("2027-07-27T10:00", "2027-07-27T15:00"), occ("2027-07-28T10:00", "2027-07-28T15:00")),
		total: 1500, full: 8100,
		explain: "3 sessions at £5.00: £15.00. It costs £81.00 to run; grants and other funds pay £66.00 of it.",
	}.try(t)
	require.Equal(t, pence(540), p.RatePence) // 27.00 / 5 hours
	listed{
		name: "P08 swimming", tf: tariffOf(option("Standard", charge("place", "session", 450))), ask: sessions(6, 45), total: 2700,
		explain: "6 Saturdays at £4.50: £27.00.",
	}.try(t)
}

func TestP19P20P21HolidayCareByTheWeekAndByTheDay(t *testing.T) {
	t.Parallel()
	week := tariffOf(option("Week", charge("place", "week", 14_770)))
	days := func(n int) (all []tariff.Occasion) {
		for _, day := range []string{"2027-07-26", "2027-07-27", "2027-07-28", "2027-07-29", "2027-07-30"}[5-n:] {
			all = append(all, occ(day+"T09:00", day+"T17:00"))
		}
		return all
	}
	ask := tariff.Ask{SoldBy: tariff.ByBundle, Occasions: days(5), Bundle: &tariff.BundleAsk{Name: "First week", Unit: "week", Planned: 5}}
	listed{name: "P19", tf: week, ask: ask, total: 14_770, explain: "First week, 5 sessions: £147.70."}.try(t)
	late := tariff.Ask{SoldBy: tariff.ByBundle, Occasions: days(3), Bundle: &tariff.BundleAsk{Name: "First week", Unit: "week", Planned: 5, Started: 2}}
	listed{ // 147.70 x 3 / 5 = 88.62
		name: "P19 from Wednesday", tf: week, ask: late, total: 8862,
		explain: "First week, £147.70 for all 5: joining on the third date you pay for 3 of 5: £88.62.",
	}.try(t)
	for name, c := range map[string]struct{ day, total shortbreaks.Pence }{"P20": {2400, 12_000}, "P21": {3500, 17_500}} {
		listed{name: name, tf: tariffOf(option("Day", charge("place", "day", c.day))), ask: by(tariff.BySession, days(5)...), total: c.total}.try(t)
	}
}

// afterSchool has 10 % off for every child if two of a family come, 20 % if
// three do, and a charge for late pick-up; its cap of 30.00 is our figure.
func afterSchool(amount shortbreaks.Pence) tariff.Tariff {
	place := charge("place", "session", amount)
	place.NthChild = []tariff.NthChild{{Child: 2, BasisPoints: 1000, For: "every_child"}, {Child: 3, BasisPoints: 2000, For: "every_child"}}
	late := charge("late", "item", 500)
	late.When, late.Event, late.EachMinutes, late.CapPence = "contingent", "late_pick_up", 5, pence(3000)
	return tariffOf(option("Standard", place, late))
}

func TestP22P23AfterSchoolClubWithSiblingsAndLatePickUp(t *testing.T) {
	t.Parallel()
	family := func(n int, minutes int) tariff.Ask {
		return with(sessions(5, minutes), func(a *tariff.Ask) { a.Children = n })
	}
	could := " Late pick up could add £5.00 for each started 5 minutes, at most £30.00."
	listed{name: "P22 one child", tf: afterSchool(375), ask: family(1, 60), total: 1875, explain: "5 Saturdays at £3.75: £18.75." + could}.try(t)
	listed{ // 3.375 each time, so 3.38
		name: "P22 two", tf: afterSchool(375), ask: family(2, 60), total: 1690,
		explain: "5 Saturdays at £3.75: £16.90 (10% off for brothers and sisters)." + could,
	}.try(t)
	listed{name: "P22 three", tf: afterSchool(375), ask: family(3, 60), total: 1500}.try(t) // 3.00 each time
	listed{name: "P23 one child", tf: afterSchool(1000), ask: family(1, 165), total: 5000}.try(t)
	listed{name: "P23 two", tf: afterSchool(1000), ask: family(2, 165), total: 4500}.try(t)
	listed{name: "P23 three", tf: afterSchool(1000), ask: family(3, 165), total: 4000}.try(t)

	late := func(minutes int) tariff.Ask {
		return with(sessions(1, 60), func(a *tariff.Ask) { a.Occasions[0].Events = map[string]int{"late_pick_up": minutes} })
	}
	listed{ // 12 minutes are three started fives
		name: "12 minutes late", tf: afterSchool(375), ask: late(12), total: 375 + 1500,
		explain: "Place: Saturday 9 January 2027, £3.75 a session: £3.75. Late: Saturday 9 January 2027, 3 lots of 5 minutes at £5.00: £15.00. Total: £18.75.",
	}.try(t)
	listed{name: "exactly 10 minutes late", tf: afterSchool(375), ask: late(10), total: 375 + 1000}.try(t)
	listed{name: "45 minutes late", tf: afterSchool(375), ask: late(45), total: 375 + 3000}.try(t) // 9 x 5.00, cut to 30.00

	terms := tariff.Terms{Choice: "day_before"}.Resolved()
	start := at("2027-01-11T15:00")
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 375, Start: start, At: at("2027-01-10T15:00")}))
	require.Equal(t, shortbreaks.Pence(375), terms.Fee(tariff.Cancellation{Price: 375, Start: start, At: at("2027-01-10T15:01")}))
	require.Equal(t, "You may cancel free of charge up to 24 hours before the start. After that you pay the full price.", terms.Explain())
}

func TestP24P25BankHolidaysAreNotChargedAndNoNoticeHelps(t *testing.T) {
	t.Parallel()
	club := func(amount shortbreaks.Pence) tariff.Tariff {
		return tariffOf(option("Standard", with(charge("place", "session", amount), func(c *tariff.Charge) {
			c.Only = &tariff.Window{BankHolidays: "never"}
		})))
	}
	// Mondays 3, 10, 17, 24 and 31 May 2027: the first and the last are bank holidays.
	listed{
		name: "P24", tf: club(450), ask: by(tariff.BySession, weekly("2027-05-03T07:30", "2027-05-03T09:00", 5)...), total: 1350,
		explain: "3 Mondays at £4.50: £13.50 (nothing for 2 bank holidays).",
	}.try(t)
	p := listed{
		name: "P25 on Easter Monday", tf: club(800), ask: by(tariff.BySession, occ("2027-03-29T15:15", "2027-03-29T17:30")), total: 0,
		explain: "Monday 29 March 2027: nothing to pay.",
	}.try(t)
	require.Empty(t, p.Items[0].Lines)
	listed{name: "P25 the day after", tf: club(800), ask: by(tariff.BySession, occ("2027-03-30T15:15", "2027-03-30T17:30")), total: 800}.try(t)

	terms := tariff.Terms{Steps: []tariff.TermStep{{Unit: "hours", FeePercent: 100}}}
	require.Equal(t, shortbreaks.Pence(450), terms.Fee(tariff.Cancellation{Price: 450, Start: at("2027-05-10T07:30"), At: at("2027-01-04T09:00")}))
	require.Equal(t, "You may cancel, but you pay the full price.", terms.Explain())
}

func TestP26AFreeClubShowsWhatItCosts(t *testing.T) {
	t.Parallel()
	// 45,000 a year for 90 children a week; in 50 weeks (our figure) that is
	// 10.00 for a child and a week. The club lasts two hours (ours, too).
	free := made("place", "session", 0, component("staff", 700), component("premises", 300), component("subsidy", -1000))
	p := listed{
		name: "P26", tf: tariffOf(option("Free", free)), ask: sessions(4, 120), total: 0, full: 4000,
		explain: "4 Saturdays, free of charge. It costs £40.00 to run; grants and other funds pay for all of it.",
	}.try(t)
	require.Equal(t, pence(500), p.RatePence)
}

func TestP27EveryPersonInThePoolPays(t *testing.T) {
	t.Parallel()
	person := with(charge("place", "session", 1200), func(c *tariff.Charge) { c.Basis = tariff.PerAttendee })
	listed{
		name: "P27 child and carer", tf: tariffOf(option("Standard", person)), ask: with(sessions(2, 30), func(a *tariff.Ask) { a.Attendees = 2 }), total: 4800,
		explain: "2 Saturdays at £12.00: £48.00 (for 2 people).",
	}.try(t)
}

func TestP28ABlockOfTenIsCheaperEach(t *testing.T) {
	t.Parallel()
	ten := option("Block of 10", charge("place", "item", 5830)) // 5.83 each
	ten.Block = &tariff.Block{Count: 10, ValidWeeks: 26}        // our figure
	tf := tariffOf(option("Single", charge("place", "session", 700)), ten)
	listed{name: "eight", tf: tf, ask: sessions(8, 30), total: 5600}.try(t) // the block would be 58.30
	listed{
		name: "nine", tf: tf, ask: sessions(9, 30), total: 5830,
		explain: `9 Saturdays, a block of 10 to use within 26 weeks: £58.30 (1 left over). This is the price "Block of 10"; "Single" would cost £63.00.`,
	}.try(t)
	listed{ // ten of the twelve by the block, two at 7.00
		name: "twelve", tf: tf, ask: sessions(12, 30), total: 5830 + 1400,
		explain: "Single: 2 Saturdays at £7.00: £14.00. Block of 10: 10 Saturdays, a block of 10 to use within 26 weeks: £58.30. Total: £72.30." +
			` This is the price "Single and Block of 10"; "Single" would cost £84.00 and "Block of 10" would cost £116.60.`,
	}.try(t)
}

func TestP29ACardAConcessionAndCarersFree(t *testing.T) {
	t.Parallel()
	card := option("Leisure card", charge("membership", "year", 2000)) // its price is our figure
	card.Membership = &tariff.Membership{Months: 12}
	holders := option("With the card", charge("place", "session", 850))
	holders.WhoMayUse, holders.MemberOf = tariff.Members, "Leisure card"
	tf := tariffOf(option("Standard", charge("place", "session", 950)), card, holders, reduced(option("Concession", charge("place", "session", 430))))
	two := func(n int, more func(*tariff.Ask)) tariff.Ask { // with a carer, who is not charged
		return with(with(sessions(n, 30), func(a *tariff.Ask) { a.Attendees = 2 }), more)
	}
	none := func(*tariff.Ask) {}
	listed{ // with a new card 25.50 + 20.00
		name: "three times", tf: tf, ask: two(3, none), total: 2850,
		explain: `3 Saturdays at £9.50: £28.50. This is the price "Standard"; "With the card" would cost £45.50.`,
	}.try(t)
	listed{ // 30 x 8.50 + 20.00; without the card 285.00
		name: "thirty times", tf: tf, ask: two(30, none), total: 27_500,
		explain: "Leisure card for 12 months: £20.00. With the card: 30 Saturdays at £8.50: £255.00. Total: £275.00." +
			` This is the price "Leisure card and With the card"; "Standard" would cost £285.00.`,
	}.try(t)
	listed{name: "who has a card", tf: tf, ask: two(3, func(a *tariff.Ask) { a.Memberships = []string{"Leisure card"} }), total: 2550}.try(t)
	listed{name: "concession", tf: tf, ask: two(3, func(a *tariff.Ask) { a.ReducedRate = true }), total: 1290}.try(t)
}

func TestP30AGroupSharesThePoolEqually(t *testing.T) {
	t.Parallel()
	// 45.00 for the group; the smallest group of three is our figure.
	pool := with(charge("place", "session", 4500), func(c *tariff.Charge) { c.Basis, c.SmallestGroup = tariff.PerGroup, 3 })
	tf := tariffOf(option("Standard", pool))
	listed{
		name: "before it is known who comes", tf: tf, ask: sessions(1, 60), total: 1500,
		explain: "Saturday 9 January 2027, £45.00 a session: £15.00 (the most you can pay: one price shared by at least 3).",
	}.try(t)
	listed{
		name: "five come", tf: tf, ask: with(sessions(1, 60), func(a *tariff.Ask) { a.Sharing = 5 }), total: 900,
		explain: "Saturday 9 January 2027, £45.00 a session: £9.00 (one price shared by 5).",
	}.try(t)
}

func TestP31P32HomeCareAndMusicTherapy(t *testing.T) {
	t.Parallel()
	visit := made("support", "session", 3800, component("staff", 3000), component("on_costs", 800))
	p := listed{name: "P31", tf: tariffOf(option("Standard", visit)), ask: sessions(2, 180), total: 7600, explain: "2 Saturdays at £38.00: £76.00."}.try(t)
	require.Equal(t, pence(1267), p.RatePence) // 38.00 / 3 = 12.6667

	// P32 has no published price: 64.00 an hour is our figure. What is published
	// is that the hour holds 30 minutes with the child.
	therapy := charge("support", "hour", 6400)
	therapy.IncludesMinutesWithChild = 30
	p = listed{
		name: "P32", tf: tariffOf(option("Standard", therapy)), ask: sessions(10, 60), total: 64_000,
		explain: "10 Saturdays of 1 hour, 10 hours in all at £64.00 an hour: £640.00.",
	}.try(t)
	require.Equal(t, int64(300), p.ChildMinutes)
	require.Equal(t, pence(12_800), p.RatePence, "an hour with the child takes two charged hours")
}
