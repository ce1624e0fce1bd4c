package tariff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// passes reports whether Check has nothing to say.
func passes(tf tariff.Tariff) bool {
	var f shortbreaks.Faults
	tf.Check(&f, "/tariff")
	return f.None()
}

// drawChecked is a random tariff that passes Check and an ask for it.
func drawChecked(t *rapid.T) (tariff.Tariff, tariff.Ask) {
	bundles := chance(t, "bundles", 4)
	tf := rapid.Custom(func(t *rapid.T) tariff.Tariff { return drawTariff(t, bundles) }).Filter(passes).Draw(t, "tariff")
	return tf, drawAsk(t, bundles)
}

// sums holds a price against itself: every figure is there to the penny, and
// none is below nothing.
func sums(t require.TestingT, p tariff.Priced) {
	var total, full shortbreaks.Pence
	for i, item := range p.Items {
		require.NotEmpty(t, item.BilledOn, "every date is served")
		var of shortbreaks.Pence
		for n, l := range item.Lines {
			require.Equal(t, n+1, l.N)
			require.GreaterOrEqual(t, l.Pence, shortbreaks.Pence(0))
			require.GreaterOrEqual(t, l.VATPence, shortbreaks.Pence(0))
			require.LessOrEqual(t, l.VATPence, l.FullPence)
			borne := l.Pence
			for _, other := range l.Others {
				require.Positive(t, other.Pence)
				borne += other.Pence
			}
			require.Equal(t, l.FullPence, borne, "what the payers bear is the line: date %d, line %d", i, n)
			of += l.Pence
			full += l.FullPence
		}
		require.Equal(t, item.TotalPence, of)
		total += of
	}
	require.Equal(t, p.TotalPence, total)
	require.LessOrEqual(t, full, p.FullPence, "subsidies come on top")
	var parts, dues shortbreaks.Pence
	for _, part := range p.Parts {
		parts += part.Pence
	}
	require.Equal(t, total, parts)
	for _, d := range p.Dues() {
		require.Positive(t, d.Pence)
		dues += d.Pence
	}
	require.Equal(t, total, dues)
	summed(t, p)
}

func TestEveryPriceSumsAndNothingIsNegative(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tf, ask := drawChecked(t)
		p, err := price(tf, ask)
		if err != nil {
			require.ErrorIs(t, err, shortbreaks.ErrInvalid)
			return
		}
		sums(t, p)
		words := p.Explain()
		require.NotContains(t, words, "%!")
		require.True(t, strings.HasSuffix(words, "."), words)
	})
}

// alone is the tariff of one option, with the membership it is for.
func alone(tf tariff.Tariff, n int) tariff.Tariff {
	only := tariffOf(tf.Options[n])
	if member := tf.Options[n].MemberOf; member != "" {
		k := slices.IndexFunc(tf.Options, func(o tariff.Option) bool { return o.Name == member })
		only.Options = append(only.Options, tf.Options[k])
	}
	return only
}

func TestTheCheapestMixIsNeverDearerThanAnOptionAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tf, ask := drawChecked(t)
		p, err := price(tf, ask)
		for n := range tf.Options {
			if tf.Options[n].Membership != nil {
				continue
			}
			one, fails := price(alone(tf, n), ask)
			if fails == nil {
				require.NoError(t, err)
				require.LessOrEqual(t, p.TotalPence, one.TotalPence, tf.Options[n].Name)
			}
		}
		for _, b := range p.Beats {
			require.LessOrEqual(t, p.TotalPence, b.TotalPence)
		}
	})
}

func TestAPriceDoesNotDependOnTheOrderOfTheOptions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tf, ask := drawChecked(t)
		p, err := price(tf, ask)
		other := tariff.Tariff{Options: rapid.Permutation(tf.Options).Draw(t, "order")}
		q, fails := price(other, ask)
		require.Equal(t, err == nil, fails == nil)
		require.Equal(t, p.TotalPence, q.TotalPence)
		if err != nil {
			return
		}
		again, err := price(tf, ask)
		require.NoError(t, err)
		require.Equal(t, p.Items, again.Items, "the same ask twice has the same answer, ties too")
		require.Equal(t, p.Explain(), again.Explain())
	})
}

// TestMoreOffIsNeverDearer: a lower cap, a larger discount and a lower amount
// never raise what a family pays.
func TestMoreOffIsNeverDearer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.Custom(func(t *rapid.T) tariff.Charge {
			return drawCharge(t, "place", rapid.SampledFrom([]string{"hour", "session", "night"}).Draw(t, "unit"))
		}).Filter(func(c tariff.Charge) bool { return passes(tariffOf(option("Standard", c))) }).Draw(t, "charge")
		ask := drawAsk(t, false)
		less := c
		switch {
		case c.CapPence != nil && rapid.Bool().Draw(t, "cap"):
			less.CapPence = pence(rapid.Custom(func(t *rapid.T) shortbreaks.Pence {
				return shortbreaks.Pence(rapid.Int64Range(0, int64(*c.CapPence)).Draw(t, "lower"))
			}).Draw(t, "lower cap"))
		case len(c.NthChild) > 0:
			less.NthChild = slices.Clone(c.NthChild)
			less.NthChild[0].BasisPoints = rapid.IntRange(c.NthChild[0].BasisPoints, 10_000).Draw(t, "more off")
		case len(c.LongStay) > 0:
			less.LongStay = slices.Clone(c.LongStay)
			less.LongStay[0].BasisPoints = rapid.IntRange(c.LongStay[0].BasisPoints, 10_000).Draw(t, "more off")
		default:
			less.AmountPence = shortbreaks.Pence(rapid.Int64Range(0, int64(c.AmountPence)).Draw(t, "lower amount"))
		}
		p, err := price(tariffOf(option("Standard", c)), ask)
		if err != nil {
			return
		}
		q, err := price(tariffOf(option("Standard", less)), ask)
		require.NoError(t, err)
		for i := range p.Items {
			require.LessOrEqual(t, fulls(q.Items[i]), fulls(p.Items[i])+slack(c), "date %d", i)
		}
		require.LessOrEqual(t, sumFull(q), sumFull(p))
	})
}

// slack: with a cap over a week or a booking, a cheaper first date leaves more
// of it to a later one; only the sum is bound.
func slack(c tariff.Charge) shortbreaks.Pence {
	if c.CapPer == "week" || c.CapPer == "month" || c.CapPer == "booking" {
		return 10_000_000
	}
	return 0
}

func fulls(item tariff.Item) (sum shortbreaks.Pence) {
	for _, l := range item.Lines {
		sum += l.FullPence
	}
	return sum
}

func sumFull(p tariff.Priced) (sum shortbreaks.Pence) {
	for _, item := range p.Items {
		sum += fulls(item)
	}
	return sum
}
