package tariff_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// What could be added is what is added when it happens: once, and so often
// that the cap is reached. Late pick up is £5.00 for each started 5 minutes,
// at most £30.00 on a date.
func TestT59_WhatCouldBeAddedIsThisBuyersPart(t *testing.T) {
	t.Parallel()
	late := charge("late", "item", 500)
	late.When, late.Event, late.EachMinutes, late.CapPence = "contingent", "late_pick_up", 5, pence(3000)
	shares := func(all ...tariff.CostShare) tariff.Charge {
		c := late
		c.CostShares = all
		return c
	}
	shared := func(basis string, smallest int) tariff.Charge {
		c := late
		c.Basis, c.SmallestGroup = basis, smallest
		return c
	}
	off := late
	off.NthChild = []tariff.NthChild{{Child: 2, BasisPoints: 1000, For: "that_child"}}
	third := func(a *tariff.Ask) { a.Children, a.ChildNo = 3, 3 }
	for name, c := range map[string]struct {
		charge     tariff.Charge
		change     func(*tariff.Ask)
		once, most shortbreaks.Pence
		words      string
	}{
		"all of it":         {late, nil, 500, 3000, "Late pick up could add £5.00 for each started 5 minutes, at most £30.00."},
		"40 % by a charity": {shares(tariff.CostShare{Payer: "charity", BasisPoints: 4000}, tariff.CostShare{Payer: tariff.Buyer, Remainder: true}), nil, 300, 1800, "Late pick up could add £3.00 for each started 5 minutes, at most £18.00."},
		"the council pays the first £10.00": {
			shares(tariff.CostShare{Payer: "council", AmountPence: pence(1000)}, tariff.CostShare{Payer: tariff.Buyer, Remainder: true}), nil, 0, 2000,
			"Late pick up could add up to £20.00.",
		},
		"the family's share is capped": {
			shares(tariff.CostShare{Payer: tariff.Buyer, BasisPoints: 10_000, CapPence: pence(700)}, tariff.CostShare{Payer: "council", Remainder: true}), nil, 500, 700,
			"Late pick up could add £5.00 for each started 5 minutes, at most £7.00.",
		},
		"others bear all of it":   {shares(tariff.CostShare{Payer: "council", BasisPoints: 10_000}), nil, 0, 0, ""},
		"one of three children":   {shared(tariff.PerFamily, 0), third, 166, 3000, "Late pick up could add £1.66 for each started 5 minutes, at most £30.00."},
		"a group of four":         {shared(tariff.PerGroup, 4), nil, 125, 3000, "Late pick up could add £1.25 for each started 5 minutes, at most £30.00."},
		"the discount of a child": {off, third, 450, 3000, "Late pick up could add £4.50 for each started 5 minutes, at most £30.00."},
	} {
		ask := sessions(1, 60)
		if c.change != nil {
			c.change(&ask)
		}
		tf := one(charge("place", "session", 1200), c.charge)
		p, err := price(tf, ask)
		require.NoError(t, err, name)
		if c.words == "" {
			require.Empty(t, p.MightAdd, name)
		} else {
			require.Equal(t, []tariff.MightAdd{{Event: "late_pick_up", Pence: c.once, Each: 5, UpToPence: pence(c.most)}}, p.MightAdd, name)
			require.Contains(t, p.Explain(), c.words, name)
		}
		for minutes, added := range map[int]shortbreaks.Pence{1: c.once, 5: c.once, 2000: c.most} {
			ask.Occasions[0].Events = map[string]int{"late_pick_up": minutes}
			happened, err := price(tf, ask)
			require.NoError(t, err, name)
			require.Equal(t, added, happened.TotalPence-p.TotalPence, "%s: %d minutes", name, minutes)
		}
	}
}
