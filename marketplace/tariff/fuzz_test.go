package tariff_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// fuzzAsks are every way to buy, with whatever a price can depend on.
func fuzzAsks() []tariff.Ask {
	ratio := tariff.Ratio{Staff: 1, Children: 1}
	rich := tariff.Ask{
		ReducedRate: true, Contracts: []uuid.UUID{contract}, Schemes: []string{"haf"}, Ratio: ratio, Children: 3, ChildNo: 2, Attendees: 100, Sharing: 7, ShareNo: 9,
		Quantities: map[string]int{"place": 10_000, "transport": 0}, ChargeKinds: []string{"meal"}, Holidays: holidays2027(),
	}
	visits := daily(9)
	visits.Occasions[3].Events = map[string]int{"late_pick_up": 1 << 40, "disturbance": 3, "extra_mile": -5}
	visits.Occasions[8].EndsAt = at("2027-04-09T12:34") // three months
	term := bundle("term", 9, 12)
	asks := []tariff.Ask{visits, sessions(3, 95), term, bundle("quarter", 14, 13)}
	for _, plain := range asks {
		ask := rich
		ask.SoldBy, ask.Occasions, ask.Bundle = plain.SoldBy, plain.Occasions, plain.Bundle
		asks = append(asks, ask)
	}
	long := rich
	long.SoldBy, long.Occasions = tariff.ByVisit, daily(120).Occasions
	return append(asks, long)
}

// FuzzTariffJSON: whatever text becomes a tariff that passes Check can be
// priced without panic, overflow or endless work, and explained.
func FuzzTariffJSON(f *testing.F) {
	for _, tf := range seeds() {
		text, err := json.Marshal(tf)
		require.NoError(f, err)
		f.Add(string(text))
	}
	for _, text := range []string{
		`{}`, `{"options":[{}]}`, `{"options":[{"charges":[{}]}]}`, `null`,
		`{"options":[{"name":"A","who_may_use":"anyone","payment_timing":"arrears","billed_on":"booked","charges":[{"kind":"place","basis":"per_child","unit":"hour","when":"planned","amount_pence":10000000,"vat":"standard"}]}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var tf tariff.Tariff
		if json.Unmarshal([]byte(text), &tf) != nil {
			return
		}
		var faults shortbreaks.Faults
		tf.Check(&faults, "/tariff")
		_ = tf.Costed(1)
		if !faults.None() {
			return
		}
		tf.CheckEqual(&faults)
		tf.CheckBundles(&faults, "term")
		tf.Headline()
		tf.HeadlineRate(95, 12)
		tf = tf.WithSubsidies()
		for _, ask := range fuzzAsks() {
			p, err := price(tf, ask)
			if err != nil {
				require.ErrorIs(t, err, shortbreaks.ErrInvalid)
				continue
			}
			sums(t, p)
			require.NotEmpty(t, p.Explain())
			require.LessOrEqual(t, p.FullPence, shortbreaks.Pence(1)<<52, "no sum comes near its bound")
		}
	})
}

// seeds are tariffs that between them use every field.
func seeds() []tariff.Tariff {
	ten := option("Block", charge("place", "item", 7000), charge("meal", "session", 300))
	ten.Block = &tariff.Block{Count: 10, ValidWeeks: 12}
	card := option("Card", charge("membership", "year", 1500))
	card.Membership = &tariff.Membership{Months: 12}
	inside := with(option("Members", charge("place", "session", 600)), func(o *tariff.Option) { o.WhoMayUse, o.MemberOf = tariff.Members, "Card" })
	funded := with(option("Funded", charge("place", "session", 0)), func(o *tariff.Option) {
		o.WhoMayUse, o.Scheme, o.Ratio = tariff.FundedPlace, "haf", &tariff.Ratio{Staff: 1, Children: 1}
	})
	framework := with(option("Framework", hour(1950)), func(o *tariff.Option) { o.WhoMayUse, o.ContractID = tariff.ByContract, &contract })
	fee := rated(charge("other", "session", 0), tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "support", BasisPoints: 1250}})
	monthly := with(charge("place", "month", 3000), func(c *tariff.Charge) { c.CapPence, c.CapPer = pence(5000), "booking" })
	dated := with(option("Dated", charge("place", "day", 2400)), func(o *tariff.Option) {
		o.ValidFrom, o.ValidTo, o.PaymentTiming, o.Payment = "2027-01-01", "2027-12-31", tariff.Deposit, &tariff.Payment{DaysBefore: 28, DepositPercent: 25}
	})
	advance := with(option("Term", shared(charge("place", "term", 12_001), tariff.CostShare{Payer: "charity", BasisPoints: 4000, CapPence: pence(99)}, fixed("council", 7), rest("buyer"))),
		func(o *tariff.Option) {
			o.PaymentTiming, o.Payment = tariff.Advance, &tariff.Payment{DaysBefore: 14, Period: "month"}
		})
	return []tariff.Tariff{
		hourly(), afterSchool(375), hardest(), perGroup(4500, 3), tariffOf(option("Single", charge("place", "session", 800)), ten, card, inside),
		tariffOf(funded, framework, dated, option("Monthly", monthly)), tariffOf(advance), one(hour(2000), fee),
		one(rated(hour(2000), bands("split", band("Night", atNight, 2400), times("Weekend", weekend, 150)))),
		one(rated(hour(2000), tariff.Rate{Durations: []tariff.Duration{{Minutes: 60, AmountPence: 3000}}})),
		one(rated(hour(2000), tariff.Rate{Volume: &tariff.Volume{Per: "week", Mode: "part", Tiers: []tariff.Tier{{From: 10, AmountPence: 2200}}}})),
		one(rated(hour(2000), tariff.Rate{Ratios: []tariff.RatioRate{{Ratio: tariff.Ratio{Staff: 1, Children: 1}, AmountPence: 3000}}})),
		one(rated(charge("place", "night", 6000), tariff.Rate{Conversions: []tariff.Conversion{{Event: "disturbance", MoreThan: 2, AmountPence: 14_000}}})),
		one(with(charge("place", "night", 6000), func(c *tariff.Charge) {
			c.LongStay, c.Only, c.SubsidyPence = []tariff.LongStay{{FromNights: 3, BasisPoints: 1000}}, &tariff.Window{BankHolidays: "never"}, 500
		})),
	}
}
