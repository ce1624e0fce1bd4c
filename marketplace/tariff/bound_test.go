package tariff_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// The hardest tariff that passes Check: three kinds of block of 100, a
// membership by the month, six options that are all or nothing, the rest by
// the date, each dearer or cheaper by the day.
func hardest() tariff.Tariff {
	var tf tariff.Tariff
	vary := func(o tariff.Option, n int) tariff.Option {
		extra := charge("meal", "hour", shortbreaks.Pence(7*n+3))
		extra.Rate = &tariff.Rate{Bands: &tariff.Bands{Mode: "split", List: []tariff.Band{
			{Name: "Some days", Window: tariff.Window{Days: []int{1 + n%7, 1 + (n+3)%7}}, AmountPence: pence(shortbreaks.Pence(20 + 13*n))},
		}}}
		o.Charges = append(o.Charges, extra)
		return o
	}
	for n := range 3 {
		b := vary(option(fmt.Sprint("Block ", n), charge("place", "item", shortbreaks.Pence(30_000+500*n))), n)
		b.Block = &tariff.Block{Count: 100 - 7*n, ValidWeeks: 10 + 17*n}
		tf.Options = append(tf.Options, b)
	}
	for n := range 6 {
		w := charge("place", "session", shortbreaks.Pence(500+n))
		w.CapPence, w.CapPer = pence(9_000), "month"
		o := vary(option(fmt.Sprint("Capped ", n), w), n)
		if n > 0 {
			o.ValidFrom, o.ValidTo = fmt.Sprintf("2027-%02d-01", n), fmt.Sprintf("2027-%02d-20", n)
		}
		tf.Options = append(tf.Options, o)
	}
	m := option("Membership", charge("membership", "month", 900))
	m.Membership = &tariff.Membership{Months: 1}
	tf.Options = append(tf.Options, m)
	for n := range 10 {
		o := vary(option(fmt.Sprint("Single ", n), charge("place", "session", shortbreaks.Pence(400+11*n))), n)
		if n%2 == 0 {
			o.WhoMayUse, o.MemberOf = "members", "Membership"
		}
		tf.Options = append(tf.Options, o)
	}
	return tf
}

// daily are n days in a row with visits of different lengths.
func daily(n int) tariff.Ask {
	ask := tariff.Ask{SoldBy: tariff.ByVisit}
	for i := range n {
		start := shortbreaks.At(time.Date(2027, 1, 1+i, 0, 0, 0, 0, time.UTC), 16*60)
		ask.Occasions = append(ask.Occasions, tariff.Occasion{StartsAt: start, EndsAt: start.Add(time.Duration(60+37*i%240) * time.Minute)})
	}
	return ask
}

func TestTheWorkForAPriceHasABound(t *testing.T) {
	t.Parallel()
	tf := hardest()
	var f shortbreaks.Faults
	tf.Check(&f, "/tariff")
	require.Empty(t, f.Fields)
	p, err := price(tf, daily(60)) // the most that one request may ask for
	require.NoError(t, err)
	sums(t, p)
	_, err = price(tf, daily(400))
	require.ErrorContains(t, err, "too many ways to buy so many dates")
	_, err = price(tf, daily(401))
	require.ErrorContains(t, err, "Ask for at most 400 dates.")

	ten := option("Ten", charge("place", "item", 4_000)) // a plain block, a yearly membership, two by the date
	ten.Block = &tariff.Block{Count: 10, ValidWeeks: 12}
	tf.Options = append([]tariff.Option{ten}, tf.Options[9:12]...)
	tf.Options[1].Membership.Months = 12
	p, err = price(tf, daily(400))
	require.NoError(t, err)
	sums(t, p)

	terms := tariff.Tariff{} // twenty prices of one bundle, three for each month
	for n := range 20 {
		o := option(fmt.Sprint("Price ", n), charge("place", "term", shortbreaks.Pence(9_000+n)))
		month := time.Date(2027, time.Month(1+n/3), 1, 0, 0, 0, 0, time.UTC)
		o.ValidFrom, o.ValidTo = month.Format(time.DateOnly), month.AddDate(0, 1, -1).Format(time.DateOnly)
		terms.Options = append(terms.Options, o)
	}
	require.True(t, passes(terms))
	ask := daily(150)
	ask.SoldBy, ask.Bundle = tariff.ByBundle, &tariff.BundleAsk{Name: "The year", Unit: "term", Planned: 150}
	p, err = price(terms, ask)
	require.NoError(t, err)
	// 90.00 x 31/150, 90.03 x 28/150, 90.06 x 31/150, 90.09 x 30/150, 90.12 x 30/150: 18.60 + 16.81 + 18.61 + 18.02 + 18.02
	require.Equal(t, shortbreaks.Pence(9006), p.TotalPence)
	_, err = price(terms, with(ask, func(a *tariff.Ask) { a.Occasions = append(a.Occasions, occ("2027-12-01T10:00", "2027-12-01T11:00")) }))
	require.ErrorContains(t, err, "No price is set for Wednesday 1 December 2027.")
}
