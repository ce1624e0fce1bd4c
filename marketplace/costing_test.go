package marketplace_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// worksheet is a club of £45,000 a year for 90 children a week: 6 sessions of 15.
func worksheet() marketplace.Worksheet {
	return marketplace.Worksheet{
		Costs:  []marketplace.YearlyCost{{Kind: "other", Name: "The whole club", Pence: 45_000_00}},
		Places: 15, SessionsPerWeek: 6, Weeks: 50, SessionMinutes: 150, ExpectedPercent: 100, Unit: "session",
	}
}

func cost(t *testing.T, w marketplace.Worksheet) *marketplace.Costed {
	t.Helper()
	c, err := marketplace.Cost(w)
	require.NoError(t, err)
	var sum shortbreaks.Pence
	for _, p := range c.Components {
		sum += p.AmountPence
	}
	require.Equal(t, c.PricePence, sum, "the parts sum to the price")
	return c
}

func TestR023_AClubOf45000PoundsFor90ChildrenAWeek(t *testing.T) {
	t.Parallel()
	// 50 weeks x 90 children = 4,500 places. £45,000.00 / 4,500 = £10.00.
	c := cost(t, worksheet())
	require.Equal(t, int64(300), c.Sessions)
	require.Equal(t, int64(4500), c.ChildSessions)
	require.Equal(t, shortbreaks.Pence(1000), c.PricePence)
	require.Equal(t, marketplace.BreakEven{ChildSessions: 4500, TenthsPerSession: 150, PercentHundredths: 10_000}, c.BreakEven)
	// At 60 %: 45,000 / 2,700 = £16.666..; at 80 %: 45,000 / 3,600 = £12.50.
	require.Equal(t, []marketplace.FilledPrice{{Percent: 60, PricePence: 1667}, {Percent: 80, PricePence: 1250}, {Percent: 100, PricePence: 1000}}, c.Filled)

	// In term only, 39 weeks: 3,510 places; £45,000.00 / 3,510 = £12.8205..,
	// up to £12.83. At £12.83, 4,500,000 / 1,283 = 3,507.4: 3,508 places, which
	// is 3,508 / 234 = 14.99 a session and 99.943 % of all.
	w := worksheet()
	w.Weeks = 39
	c = cost(t, w)
	require.Equal(t, shortbreaks.Pence(1283), c.PricePence)
	require.Equal(t, marketplace.BreakEven{ChildSessions: 3508, TenthsPerSession: 150, PercentHundredths: 9995}, c.BreakEven)

	// By the hour, 2.5 hours a session, 80 % taken: 4,500 x 0.8 x 2.5 = 9,000
	// child-hours; £45,000.00 / 9,000 = £5.00. It breaks even at 3,600 places.
	w = worksheet()
	w.ExpectedPercent, w.Unit = 80, "hour"
	c = cost(t, w)
	require.Equal(t, shortbreaks.Pence(500), c.PricePence)
	require.Equal(t, marketplace.BreakEven{ChildSessions: 3600, TenthsPerSession: 120, PercentHundredths: 8000}, c.BreakEven)
	require.Equal(t, shortbreaks.Pence(400), c.Filled[2].PricePence)
}

// A club of 12 places, twice a week for 40 weeks, 75 % taken: 80 sessions, 960
// places, 720 taken.
//
//	leader    10 h x 40 x £16.20                       6,480.00
//	helpers   25 h 30 min x 40 x £12.75 = 1,020 h     13,005.00
//	on-costs  13.8 % of 19,485.00 = 2,688.93           2,688.93
//	hall                                               4,000.00
//	bus                                                1,500.00
//	paint, paper                                         360.00
//	insurance, books                                   1,200.00
//	the year                                          29,233.93
//	less a grant of 5,000 and block funding of 6,000  11,000.00
//	prices must bring                                 18,233.93
//
// 18,233.93 / 720 = £25.3249.., up to £25.33; in full 29,233.93 / 720 =
// £40.6026.., up to £40.61. Shares of 4061 pence: staff 19,485.00 -> 2706.72,
// on-costs 373.52.., premises 555.65.., transport 208.37.., materials 50.008..,
// overhead 166.69..: downwards 2706, 373, 555, 208, 50, 166 = 4058; the three
// pennies left go to .72, .69 and .65.
func TestR023_AClubLineByLine(t *testing.T) {
	t.Parallel()
	c := cost(t, lineByLine())
	require.Equal(t, shortbreaks.Pence(29_233_93), c.GrossPence)
	require.Equal(t, shortbreaks.Pence(11_000_00), c.IncomePence)
	require.Equal(t, shortbreaks.Pence(18_233_93), c.NetPence)
	require.Equal(t, shortbreaks.Pence(2_500_00), c.DonationsPence)
	require.Equal(t, shortbreaks.Pence(2533), c.PricePence)
	require.Equal(t, shortbreaks.Pence(4061), c.FullPence)
	require.Equal(t, []tariff.Component{
		{Kind: "staff", AmountPence: 2707},
		{Kind: "on_costs", AmountPence: 373},
		{Kind: "premises", AmountPence: 556},
		{Kind: "transport", AmountPence: 208},
		{Kind: "materials", AmountPence: 50},
		{Kind: "overhead", AmountPence: 167},
		{Kind: "subsidy", AmountPence: -1528, Note: "Grants and block funding"},
	}, c.Components)
	// 1,823,393 / 2,533 = 719.86: 720 places, 9.0 a session, 75 %.
	require.Equal(t, marketplace.BreakEven{ChildSessions: 720, TenthsPerSession: 90, PercentHundredths: 7500}, c.BreakEven)
	// 60 %: 576 places, 31.65..; 80 %: 768, 23.74..; 100 %: 960, 18.99...
	require.Equal(t, []marketplace.FilledPrice{{Percent: 60, PricePence: 3166}, {Percent: 80, PricePence: 2375}, {Percent: 100, PricePence: 1900}}, c.Filled)
	require.Equal(t, []string{
		"Leader: 10 hours a week for 40 weeks at £16.20 an hour is £6,480.00.",
		"Helpers: 25 hours 30 minutes a week for 40 weeks at £12.75 an hour is £13,005.00.",
		"On-costs: 13.8% of wages of £19,485.00 is £2,688.93.",
		"Hall: £4,000.00.", "Bus: £1,500.00.", "Paint and paper: £360.00.", "Insurance and books: £1,200.00.",
		"The year costs £29,233.93.",
		"Grants and block funding bring £11,000.00, so prices must bring £18,233.93.",
		"2 sessions of 3 hours for 40 weeks, 12 children each time, is 960 places a year; 75% of them are expected to be taken.",
		"Rounded up to the penny, a place costs £25.33 a session.",
		"Without grants and block funding it would be £40.61 a session.",
		"At this price the year pays for itself once 720 places are taken: 9.0 children in a session on average, or 75% of all places.",
		"Donations of £2,500.00 are kept apart; they are never part of a price.",
	}, c.Explanation)
}

func lineByLine() marketplace.Worksheet {
	return marketplace.Worksheet{
		Staff: []marketplace.StaffCost{
			{Role: "Leader", MinutesPerWeek: 600, Weeks: 40, RatePence: 1620}, {Role: "Helpers", MinutesPerWeek: 1530, Weeks: 40, RatePence: 1275},
		},
		OnCostsHundredths: 1380,
		Costs: []marketplace.YearlyCost{
			{Kind: "premises", Name: "Hall", Pence: 4_000_00},
			{Kind: "transport", Name: "Bus", Pence: 1_500_00},
			{Kind: "materials", Name: "Paint and paper", Pence: 360_00},
			{Kind: "overhead", Name: "Insurance and books", Pence: 1_200_00},
		},
		Income: []marketplace.YearlyIncome{
			{Kind: "grant", Name: "A trust", Pence: 5_000_00},
			{Kind: "block_funding", Name: "The council", Pence: 6_000_00},
			{Kind: "donation", Name: "The fair", Pence: 2_500_00},
		},
		Places: 12, SessionsPerWeek: 2, Weeks: 40, SessionMinutes: 180, ExpectedPercent: 75, Unit: "session",
	}
}

func TestR136_DonationsNeverSitInAPrice(t *testing.T) {
	t.Parallel()
	with, without := lineByLine(), lineByLine()
	without.Income = without.Income[:2]
	a, b := cost(t, with), cost(t, without)
	require.Equal(t, b.PricePence, a.PricePence)
	require.Equal(t, b.Components, a.Components)
}

func TestCosting_WhatOthersPayInFullIsFree(t *testing.T) {
	t.Parallel()
	for _, grant := range []shortbreaks.Pence{45_000_00, 60_000_00} {
		w := worksheet()
		w.Income = []marketplace.YearlyIncome{{Kind: "grant", Name: "A trust", Pence: grant}}
		c := cost(t, w)
		require.Zero(t, c.PricePence)
		require.Zero(t, c.NetPence)
		require.Equal(t, shortbreaks.Pence(1000), c.FullPence)
		require.Equal(t, marketplace.BreakEven{}, c.BreakEven)
	}
}

// What a worksheet gives can be published as it is.
func TestCosting_ItsPartsFitATariff(t *testing.T) {
	t.Parallel()
	s := setup(t)
	c := cost(t, lineByLine())
	place := charge("place", "session", c.PricePence)
	place.Components = c.Components
	made := s.publish(s.owner, club(tariffOf(option("Standard", place))))
	require.Equal(t, "£25.33 a session", made.PriceText)
}

func TestCosting_EveryWrongValueIsNamed(t *testing.T) {
	t.Parallel()
	_, err := marketplace.Cost(marketplace.Worksheet{
		Staff: []marketplace.StaffCost{{RatePence: -1}}, OnCostsHundredths: 10_001,
		Costs:  []marketplace.YearlyCost{{Kind: "profit", Pence: -1}},
		Income: []marketplace.YearlyIncome{{Kind: "price", Name: "x", Pence: 10_000_000_01}},
	})
	require.ElementsMatch(t, []string{
		"/worksheet/staff/0/role", "/worksheet/staff/0/minutes_per_week", "/worksheet/staff/0/weeks", "/worksheet/staff/0/rate_pence", "/worksheet/on_costs_hundredths", "/worksheet/costs/0/kind", "/worksheet/costs/0/name",
		"/worksheet/costs/0/pence", "/worksheet/income/0/kind", "/worksheet/income/0/pence", "/worksheet/places", "/worksheet/sessions_per_week", "/worksheet/weeks", "/worksheet/session_minutes", "/worksheet/expected_percent", "/worksheet/unit",
	}, fields(err))
	_, err = marketplace.Cost(marketplace.Worksheet{Places: 1, SessionsPerWeek: 1, Weeks: 1, SessionMinutes: 5, ExpectedPercent: 1, Unit: "hour"})
	require.Equal(t, []string{"/worksheet/costs"}, fields(err))
}

// The price pays for the year at the attendance expected, and a penny less
// would not; a fuller session is never dearer; it breaks even as expected or
// sooner.
func TestCosting_ThePricePaysForTheYearAndNoMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := worksheet()
		w.Costs[0].Pence = shortbreaks.Pence(rapid.Int64Range(1, 1_000_000_000).Draw(r, "cost"))
		w.Places = rapid.IntRange(1, 500).Draw(r, "places")
		w.SessionsPerWeek = rapid.IntRange(1, 200).Draw(r, "sessions")
		w.Weeks = rapid.IntRange(1, 53).Draw(r, "weeks")
		w.SessionMinutes = rapid.IntRange(5, 1440).Draw(r, "minutes")
		w.ExpectedPercent = rapid.IntRange(1, 100).Draw(r, "expected")
		w.Unit = rapid.SampledFrom(marketplace.CostingUnits).Draw(r, "unit")
		w.Income = []marketplace.YearlyIncome{{Kind: "grant", Name: "A trust", Pence: shortbreaks.Pence(rapid.Int64Range(0, 1_000_000_000).Draw(r, "grant"))}}
		c, err := marketplace.Cost(w)
		require.NoError(r, err)
		// All times 6,000: percents of places, minutes of an hour.
		units, need := c.ChildSessions*int64(w.ExpectedPercent)*60, int64(c.NetPence)*6000
		if w.Unit == "hour" {
			units = c.ChildSessions * int64(w.ExpectedPercent) * int64(w.SessionMinutes)
		}
		require.GreaterOrEqual(r, int64(c.PricePence)*units, need)
		if c.PricePence > 0 {
			require.Less(r, int64(c.PricePence-1)*units, need)
		}
		require.True(r, c.Filled[0].PricePence >= c.Filled[1].PricePence && c.Filled[1].PricePence >= c.Filled[2].PricePence)
		require.LessOrEqual(r, (c.BreakEven.ChildSessions-1)*100, c.ChildSessions*int64(w.ExpectedPercent))
		var sum shortbreaks.Pence
		for _, p := range c.Components {
			sum += p.AmountPence
		}
		require.Equal(r, c.PricePence, sum)
	})
}

func TestCosting_IsKeptOnlyIfAskedAndSeenByItsProviderAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, saved, err := marketplace.CostOffer(s.ctx, s.d, s.owner, marketplace.NewCosting{Sheet: worksheet()})
	require.NoError(t, err)
	require.Nil(t, saved)
	require.Zero(t, s.count("cost_worksheet"))
	for _, name := range []string{"First try", "Second try"} {
		_, saved, err = marketplace.CostOffer(s.ctx, s.d, s.owner, marketplace.NewCosting{Sheet: lineByLine(), SaveAs: name})
		require.NoError(t, err)
	}
	page, more, err := marketplace.Costings(s.ctx, s.d, s.owner, [16]byte{}, 1)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, saved.ID, page[0].ID)
	require.Equal(t, lineByLine(), page[0].Sheet)
	page, more, err = marketplace.Costings(s.ctx, s.d, s.owner, saved.ID, 1)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, "First try", page[0].Name)
	page, _, err = marketplace.Costings(s.ctx, s.d, s.provider("Other", 3), [16]byte{}, 20)
	require.NoError(t, err)
	require.Empty(t, page)
	family := shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Family}
	_, _, err = marketplace.CostOffer(s.ctx, s.d, family, marketplace.NewCosting{Sheet: worksheet()})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}
