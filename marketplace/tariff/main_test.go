package tariff_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// at is a London wall time.
func at(text string) time.Time {
	t, err := time.ParseInLocation(shortbreaks.WallLayout, text, shortbreaks.London)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func pence(p shortbreaks.Pence) *shortbreaks.Pence { return &p }

// charge is a costed charge of one unit.
func charge(kind, unit string, amount shortbreaks.Pence) tariff.Charge {
	c := tariff.Charge{Kind: kind, Basis: "per_child", Unit: unit, When: "planned", AmountPence: amount, VAT: "exempt"}
	if amount > 0 {
		c.Components = []tariff.Component{
			{Kind: "staff", AmountPence: amount - amount/3},
			{Kind: "premises", AmountPence: amount / 3, Note: "hall"},
		}
	}
	return c
}

func option(name string, charges ...tariff.Charge) tariff.Option {
	return tariff.Option{Name: name, WhoMayUse: tariff.Anyone, PaymentTiming: "arrears", BilledOn: "booked", Charges: charges}
}

func reduced(o tariff.Option) tariff.Option {
	o.WhoMayUse = tariff.ReducedRate
	return o
}

func optional(c tariff.Charge) tariff.Charge {
	c.Optional = true
	return c
}

func tariffOf(options ...tariff.Option) tariff.Tariff {
	return tariff.Tariff{Options: options}
}

// hourly is £25.00 an hour in steps of 15 minutes, up.
func hourly() tariff.Tariff {
	c := charge("support", "hour", 2500)
	c.MinimumMinutes, c.StepMinutes, c.StepMode = 60, 15, "up"
	return tariffOf(option("Standard", c))
}

// fields lists where an error says the values are.
func fields(err error) (pointers []string) {
	var e *shortbreaks.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			pointers = append(pointers, f.Pointer)
		}
	}
	return pointers
}

func price(t tariff.Tariff, ask tariff.Ask) (tariff.Priced, error) { return tariff.Price(&t, &ask) }

// totals are what each occasion costs the buyer.
func totals(p tariff.Priced) (all []shortbreaks.Pence) {
	for _, item := range p.Items {
		all = append(all, item.TotalPence)
	}
	return all
}

// occ is an occasion between two London wall times.
func occ(from, to string) tariff.Occasion {
	return tariff.Occasion{StartsAt: at(from), EndsAt: at(to)}
}

// by asks for occasions one by one.
func by(sold tariff.SoldBy, occasions ...tariff.Occasion) tariff.Ask {
	return tariff.Ask{SoldBy: sold, Occasions: occasions, Holidays: holidays2027()}
}

// weekly are n occasions at the same wall time, a week apart.
func weekly(from, to string, n int) (all []tariff.Occasion) {
	const day = "2006-01-02"
	for i := range n {
		date, err := time.Parse(day, from[:10])
		if err != nil {
			panic(err)
		}
		on := date.AddDate(0, 0, 7*i).Format(day)
		all = append(all, occ(on+from[10:], on+to[10:]))
	}
	return all
}

// with changes a charge, option or ask in place and returns it.
func with[T any](v T, change func(*T)) T {
	change(&v)
	return v
}

// listed is a price list with what is asked of it and what it comes to.
type listed struct {
	name    string
	tf      tariff.Tariff
	ask     tariff.Ask
	total   shortbreaks.Pence
	full    shortbreaks.Pence // with what others pay; 0: the same
	explain string            // whole; "" is not looked at
}

// try prices a list that an offer could be published with.
func (l listed) try(t *testing.T) tariff.Priced {
	t.Helper()
	var f shortbreaks.Faults
	l.tf.Check(&f, "/tariff")
	require.Empty(t, f.Fields, l.name)
	require.NoError(t, l.tf.Costed(3), l.name)
	p, err := price(l.tf.WithSubsidies(), l.ask)
	require.NoError(t, err, l.name)
	require.Equal(t, l.total.String(), p.TotalPence.String(), l.name)
	full := l.full
	if full == 0 {
		full = l.total
	}
	require.Equal(t, full.String(), p.FullPence.String(), l.name)
	if l.explain != "" {
		require.Equal(t, l.explain, p.Explain(), l.name)
	}
	sums(t, p)
	return p
}
