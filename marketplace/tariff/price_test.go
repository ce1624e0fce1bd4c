package tariff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// saturdays are n occasions of so many minutes from 9 January 2027.
func saturdays(n, minutes int) (all []tariff.Occasion) {
	for i := range n {
		from := at("2027-01-09T10:00").AddDate(0, 0, 7*i)
		all = append(all, tariff.Occasion{StartsAt: from, EndsAt: from.Add(time.Duration(minutes) * time.Minute)})
	}
	return all
}

func visits(n, minutes int) tariff.Ask {
	return tariff.Ask{SoldBy: tariff.ByVisit, Occasions: saturdays(n, minutes)}
}

func sessions(n, minutes int) tariff.Ask {
	return tariff.Ask{SoldBy: tariff.BySession, Occasions: saturdays(n, minutes)}
}

func bundle(unit string, remaining, planned int) tariff.Ask {
	return tariff.Ask{
		SoldBy: tariff.ByBundle, Occasions: saturdays(remaining, 60),
		Bundle: &tariff.BundleAsk{Name: "Spring " + unit, Unit: unit, Planned: planned, Started: planned - remaining},
	}
}

func TestT19_NinetyFiveMinutesAreRoundedOnceAtTheLine(t *testing.T) {
	t.Parallel()
	p, err := price(hourly(), visits(1, 95))
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(4375), p.TotalPence)
	require.Equal(t, "Saturday 9 January 2027, 1 hour 35 minutes, charged as 1 hour 45 minutes"+
		" (at least 1 hour each time; steps of 15 minutes, rounded up) at £25.00 an hour: £43.75.", p.Explain())
	require.Equal(t, int64(95), p.ChildMinutes)
}

func TestPriceByTheHourMinimumThenStepThenRoundingThenCap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		amount        shortbreaks.Pence
		minimum, step int
		mode          string
		limit         *shortbreaks.Pence
		minutes       int
		want          shortbreaks.Pence
	}{
		{name: "exact third of a penny down", amount: 1001, minutes: 20, want: 334}, // 333.67
		{name: "exact half goes up", amount: 1, minutes: 30, want: 1},               // 0.5
		{name: "just under half goes down", amount: 1, minutes: 29, want: 0},        // 0.4833
		{name: "one minute below the minimum", amount: 6000, minimum: 60, minutes: 59, want: 6000},
		{name: "at the minimum", amount: 6000, minimum: 60, minutes: 60, want: 6000},
		{name: "one minute over the minimum", amount: 6000, minimum: 60, minutes: 61, want: 6100},
		{name: "a whole step stays", amount: 6000, step: 15, mode: "up", minutes: 75, want: 7500},
		{name: "one minute more is a step more", amount: 6000, step: 15, mode: "up", minutes: 76, want: 9000},
		{name: "nearest: below half a step", amount: 6000, step: 15, mode: "nearest", minutes: 82, want: 7500},
		{name: "nearest: above half a step", amount: 6000, step: 15, mode: "nearest", minutes: 83, want: 9000},
		{name: "nearest: half a step goes up", amount: 6000, step: 30, mode: "nearest", minutes: 75, want: 9000},
		{name: "exact ignores steps", amount: 6000, step: 15, mode: "exact", minutes: 76, want: 7600},
		{name: "minimum first, then the step", amount: 6000, minimum: 50, step: 30, mode: "up", minutes: 10, want: 6000},
		{name: "at the cap", amount: 6000, limit: pence(9000), minutes: 90, want: 9000},
		{name: "a penny over the cap", amount: 6000, limit: pence(8999), minutes: 90, want: 8999},
		{name: "free", amount: 0, minutes: 90, want: 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			line := charge("support", "hour", c.amount)
			line.MinimumMinutes, line.StepMinutes, line.StepMode, line.CapPence = c.minimum, c.step, c.mode, c.limit
			p, err := price(tariffOf(option("Standard", line)), visits(1, c.minutes))
			require.NoError(t, err)
			require.Equal(t, c.want, p.TotalPence)
			require.Equal(t, []tariff.Line{{N: 1, OptionName: "Standard", Kind: "support", Unit: "hour", Pence: c.want, FullPence: c.want}}, p.Items[0].Lines)
		})
	}
}

func TestPriceRoundsEachDateOnItsOwn(t *testing.T) {
	t.Parallel()
	p, err := price(tariffOf(option("Standard", charge("support", "hour", 1))), visits(3, 30))
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(3), p.TotalPence) // 3 x 0.5, each a line
}

func TestPriceByTheOccasionIsFlat(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"session", "half_day", "day", "night", "item"} {
		p, err := price(tariffOf(option("Standard", charge("place", unit, 800))), sessions(12, 180))
		require.NoError(t, err)
		require.Equal(t, shortbreaks.Pence(9600), p.TotalPence, unit)
		require.Equal(t, "12 Saturdays at £8.00: £96.00.", p.Explain())
		require.Len(t, p.Items, 12)
		require.Equal(t, shortbreaks.Pence(800), p.Items[11].TotalPence)
	}
}

func TestT21_JoiningBeforeTheFifthOfThirteenPaysNineThirteenths(t *testing.T) {
	t.Parallel()
	quarter := tariffOf(option("Quarter", charge("place", "quarter", 10000)))
	p, err := price(quarter, bundle("quarter", 9, 13))
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(6923), p.TotalPence) // 6923.08
	require.Equal(t, "Spring quarter, £100.00 for all 13: joining on the fifth date you pay for 9 of 13: £69.23.", p.Explain())
	require.Equal(t, shortbreaks.Pence(770), p.Items[0].TotalPence, "spare pennies go to the earlier dates")
	require.Equal(t, shortbreaks.Pence(769), p.Items[8].TotalPence)

	p, err = price(tariffOf(option("Term", charge("place", "term", 9600))), bundle("term", 9, 12))
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(7200), p.TotalPence)
	require.Contains(t, p.Explain(), "joining on the fourth date you pay for 9 of 12: £72.00")

	p, err = price(quarter, bundle("quarter", 13, 13))
	require.NoError(t, err)
	require.Equal(t, "Spring quarter, 13 Saturdays: £100.00.", p.Explain())

	called := bundle("quarter", 12, 13)
	called.Bundle.Started = 0 // one was called off, none has begun
	p, err = price(quarter, called)
	require.NoError(t, err)
	require.Equal(t, "Spring quarter, £100.00 for all 13: 12 are still to run, so you pay for 12 of 13: £92.31.", p.Explain())

	added := bundle("quarter", 14, 13) // a make-up date does not raise the price
	p, err = price(quarter, added)
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(10000), p.TotalPence)
}

func TestBundleItemsAlwaysSumToItsPrice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		planned := rapid.IntRange(1, 60).Draw(t, "planned")
		remaining := rapid.IntRange(1, planned).Draw(t, "remaining")
		amount := shortbreaks.Pence(rapid.Int64Range(0, 1_000_000).Draw(t, "amount"))
		p, err := price(tariffOf(option("Term", charge("place", "term", amount))), bundle("term", remaining, planned))
		require.NoError(t, err)
		var sum shortbreaks.Pence
		for i, item := range p.Items {
			sum += item.TotalPence
			if i > 0 {
				require.LessOrEqual(t, item.TotalPence, p.Items[i-1].TotalPence)
				require.LessOrEqual(t, p.Items[0].TotalPence-item.TotalPence, shortbreaks.Pence(1))
			}
		}
		require.Equal(t, p.TotalPence, sum)
		require.Equal(t, shortbreaks.MulDiv(amount, int64(remaining), int64(planned)), sum)
	})
}

func TestOptionalChargesAreOnlyThoseWanted(t *testing.T) {
	t.Parallel()
	tf := tariffOf(option("Standard", charge("place", "session", 800),
		optional(charge("support", "hour", 1400)), optional(charge("transport", "session", 350))))
	ask := sessions(2, 180)
	p, err := price(tf, ask)
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(1600), p.TotalPence)

	ask.ChargeKinds = []string{"support"}
	p, err = price(tf, ask)
	require.NoError(t, err)
	require.Equal(t, []tariff.Line{
		{N: 1, OptionName: "Standard", Kind: "place", Unit: "session", Pence: 800, FullPence: 800},
		{N: 2, OptionName: "Standard", Kind: "support", Unit: "hour", Pence: 4200, FullPence: 4200},
	}, p.Items[1].Lines)
	require.Equal(t, "Place: 2 Saturdays at £8.00: £16.00. "+
		"Support: 2 Saturdays of 3 hours, 6 hours in all at £14.00 an hour: £84.00. Total: £100.00.", p.Explain())

	ask.ChargeKinds = []string{"meal"}
	_, err = price(tf, ask)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, []string{"/charge_kinds"}, fields(err))
	require.ErrorContains(t, err, "This offer has no meal to add.")
}

func TestTheCheapestOptionTheBuyerMayUseIsNamed(t *testing.T) {
	t.Parallel()
	tf := tariffOf(
		option("Standard", charge("place", "session", 1200)),
		option("Same again", charge("place", "session", 1200)),
		reduced(option("Reduced rate", charge("place", "session", 600))))
	ask := sessions(2, 180)
	p, err := price(tf, ask)
	require.NoError(t, err)
	require.Equal(t, "Standard", p.OptionName(), "of two equal prices the earlier")
	require.Equal(t, []tariff.Beaten{{OptionName: "Same again", TotalPence: 2400}}, p.Beats)

	ask.ReducedRate = true
	p, err = price(tf, ask)
	require.NoError(t, err)
	require.Equal(t, "Reduced rate", p.OptionName())
	require.Equal(t, shortbreaks.Pence(1200), p.TotalPence)
	require.Len(t, p.Beats, 2)
	require.Contains(t, p.Explain(), `This is the price "Reduced rate"; "Standard" would cost £24.00 and "Same again" would cost £24.00.`)

	_, err = price(tariffOf(tf.Options[2]), sessions(1, 60))
	require.ErrorContains(t, err, "only for families entitled to the reduced rate")
}

func TestAnOptionAppliesOnItsDatesOfServiceInclusive(t *testing.T) {
	t.Parallel()
	old, fresh := option("2026", charge("place", "session", 700)), option("2027", charge("place", "session", 900))
	old.ValidTo, fresh.ValidFrom = "2027-01-16", "2027-01-23"
	tf := tariffOf(old, fresh)
	for n, want := range map[int]string{1: "2026", 2: "2026"} {
		p, err := price(tf, sessions(n, 60))
		require.NoError(t, err)
		require.Equal(t, want, p.OptionName())
	}
	late := sessions(4, 60)
	late.Occasions = late.Occasions[2:]
	p, err := price(tf, late)
	require.NoError(t, err)
	require.Equal(t, "2027", p.OptionName())
	ask := sessions(4, 60)
	ask.Occasions = append(ask.Occasions, tariff.Occasion{StartsAt: at("2027-07-03T10:00"), EndsAt: at("2027-07-03T11:00")})
	tf.Options[1].ValidTo = "2027-06-30"
	_, err = price(tf, ask)
	require.ErrorContains(t, err, "No price is set for Saturday 3 July 2027.")
}

func TestT88_APriceAnnouncedForADateAppliesToASeriesFromThatDateOn(t *testing.T) {
	t.Parallel()
	old, fresh := option("2026", charge("place", "session", 700)), option("2027", charge("place", "session", 900))
	old.ValidTo, fresh.ValidFrom = "2027-01-16", "2027-01-17"
	p, err := price(tariffOf(old, fresh), sessions(5, 60))
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(2*700+3*900), p.TotalPence)
	require.Equal(t, []shortbreaks.Pence{700, 700, 900, 900, 900}, totals(p))
	require.Equal(t, "2026 and 2027", p.OptionName())
	require.Equal(t, "2026: 2 Saturdays at £7.00: £14.00. 2027: 3 Saturdays at £9.00: £27.00. Total: £41.00.", p.Explain())
}

func TestAnOfferIsSoldOnlyTheWayItsOptionsSay(t *testing.T) {
	t.Parallel()
	single, whole := tariffOf(option("Each", charge("place", "session", 800))), tariffOf(option("Term", charge("place", "term", 9000)))
	_, err := price(single, bundle("term", 9, 12))
	require.Equal(t, []string{"/bundle_id"}, fields(err))
	_, err = price(whole, sessions(1, 60))
	require.Equal(t, []string{"/session_ids"}, fields(err))
	_, err = price(whole, bundle("quarter", 9, 12))
	require.ErrorContains(t, err, "No price is set for a quarter.")

	both := tariffOf(single.Options[0], whole.Options[0])
	p, err := price(both, bundle("term", 12, 12))
	require.NoError(t, err)
	require.Equal(t, "Term", p.OptionName())
	p, err = price(both, sessions(1, 60))
	require.NoError(t, err)
	require.Equal(t, "Each", p.OptionName())

	_, err = price(single, tariff.Ask{SoldBy: tariff.BySession})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}

func TestComparableRateIsForAnHourWithTheChild(t *testing.T) {
	t.Parallel()
	therapy := charge("support", "hour", 6000)
	therapy.IncludesMinutesWithChild = 30 // the rest is preparation and notes
	for _, c := range []struct {
		name    string
		charge  tariff.Charge
		ask     tariff.Ask
		minutes int64
		rate    *shortbreaks.Pence
	}{
		{"by the hour", charge("support", "hour", 2500), visits(1, 180), 180, pence(2500)},
		{"a charged hour that holds half", therapy, visits(2, 60), 60, pence(12000)},
		{"a session of three hours", charge("place", "session", 800), sessions(12, 180), 2160, pence(267)}, // 266.67
		{"a quarter, joined late", charge("place", "quarter", 15600), bundle("quarter", 9, 13), 540, pence(1200)},
		{"free", charge("place", "session", 0), sessions(1, 60), 60, pence(0)},
		{"an item is not time", charge("equipment", "item", 1500), sessions(1, 60), 0, nil},
	} {
		p, err := price(tariffOf(option("Standard", c.charge)), c.ask)
		require.NoError(t, err, c.name)
		require.Equal(t, c.minutes, p.ChildMinutes, c.name)
		require.Equal(t, c.rate, p.RatePence, c.name)
	}
}

func TestANightOverTheChangeOfTheClocksIsPricedByElapsedTime(t *testing.T) {
	t.Parallel()
	night := func(from, to string) tariff.Ask {
		return tariff.Ask{SoldBy: tariff.ByVisit, Occasions: []tariff.Occasion{{StartsAt: at(from), EndsAt: at(to)}}}
	}
	tf := tariffOf(option("Standard", charge("support", "hour", 1000)))
	for _, c := range []struct {
		ask  tariff.Ask
		want shortbreaks.Pence
	}{
		{night("2027-10-30T22:00", "2027-10-31T08:00"), 11000},
		{night("2027-03-27T22:00", "2027-03-28T08:00"), 9000},
		{night("2027-06-05T22:00", "2027-06-06T08:00"), 10000},
	} {
		p, err := price(tf, c.ask)
		require.NoError(t, err)
		require.Equal(t, c.want, p.TotalPence)
	}
}

func TestPricesAreWrittenAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	require.Equal(t, "£25.00 an hour", tariff.PriceText(2500, "hour"))
	require.Equal(t, "£12.00 a half term", tariff.PriceText(1200, "half_term"))
	require.Equal(t, "£1.50 an item", tariff.PriceText(150, "item"))
	require.Equal(t, "Free", tariff.PriceText(0, "session"))

	p, err := price(tariffOf(option("Free", charge("place", "session", 0))), sessions(11, 180))
	require.NoError(t, err)
	require.Equal(t, "11 Saturdays, free of charge.", p.Explain())
	require.Equal(t, shortbreaks.Pence(0), p.Items[0].Lines[0].Pence)

	limited := charge("place", "session", 900)
	limited.CapPence = pence(750)
	p, err = price(tariffOf(option("Standard", limited)), sessions(2, 60))
	require.NoError(t, err)
	require.Equal(t, "2 Saturdays at £9.00: £15.00 (never more than £7.50 each time).", p.Explain())
}
