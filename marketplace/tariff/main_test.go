package tariff_test

import (
	"errors"
	"time"

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
