package tariff_test

import (
	"testing"

	"shortbreaks/marketplace/tariff"
)

// BenchmarkPrice: go test -bench Price -benchmem ./marketplace/tariff
func BenchmarkPrice(b *testing.B) {
	ten := option("Ten", charge("place", "item", 7_000))
	ten.Block = &tariff.Block{Count: 10, ValidWeeks: 16}
	joined := option("Membership", charge("membership", "year", 2_500))
	joined.Membership = &tariff.Membership{Months: 12}
	inside := option("Members", charge("place", "session", 650))
	inside.WhoMayUse, inside.MemberOf = "members", "Membership"
	week := tariffOf(option("Single", charge("place", "session", 800)), ten, joined, inside)

	night := charge("support", "hour", 2_000)
	night.Rate = &tariff.Rate{Bands: &tariff.Bands{Mode: "split", List: []tariff.Band{
		{Name: "Bank holiday", Window: tariff.Window{BankHolidays: "only"}, Percent: 200},
		{Name: "Weekend", Window: tariff.Window{Days: []int{6, 7}}, AmountPence: pence(2_600)},
		{Name: "Night", Window: tariff.Window{From: "22:00", To: "07:00"}, AmountPence: pence(2_400)},
	}}}
	overnight := tariff.Ask{SoldBy: tariff.ByVisit, Holidays: holidays2027(), Occasions: []tariff.Occasion{
		{StartsAt: at("2027-01-08T22:00"), EndsAt: at("2027-01-09T08:00")},
	}}
	for _, c := range []struct {
		name string
		t    tariff.Tariff
		ask  tariff.Ask
	}{
		{"an hourly visit", hourly(), visits(1, 95)},
		{"52 sessions", tariffOf(option("Single", charge("place", "session", 800))), sessions(52, 180)},
		{"a banded night of 10 hours", tariffOf(option("Standard", night)), overnight},
		{"52 dates with a block and a membership", week, sessions(52, 180)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tariff.Price(&c.t, &c.ask); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
