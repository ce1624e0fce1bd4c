package budgets_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/payments"
)

// ask is a charge of £25 for an hour of support at a club on 9 January.
func ask(change func(a *budgets.FundAsk)) budgets.FundAsk {
	a := budgets.FundAsk{Category: "club", Kind: "support", Date: day("2027-01-09"), Pence: 2500, Minutes: 60, Sessions: 1}
	if change != nil {
		change(&a)
	}
	return a
}

// T12: a line that forbids it blocks it, naming the rule.
func TestT12_WhatNoLinePaysForSaysWhy(t *testing.T) {
	w := setup(t)
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 50_000)
	line := w.line(w.ada, nil)
	draft, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, func() budgets.NewPlanLine {
		c := w.draft(w.ada)
		c.Categories = []string{"trip"}
		return c
	}())
	require.NoError(t, err)
	hours := w.line(w.cal, func(c *budgets.NewPlanLine) { c.Unit, c.PaysKinds = payments.InMinutes, nil })
	for _, c := range []struct {
		name    string
		child   *budgets.Child
		line    *uuid.UUID
		change  func(a *budgets.FundAsk)
		because string
	}{
		{"it pays", w.ada, nil, nil, ""},
		{"it pays, chosen by hand", w.ada, &line.ID, nil, ""},
		{"its first day", w.ada, nil, func(a *budgets.FundAsk) { a.Date = day("2026-04-01") }, ""},
		{"its last day", w.ada, nil, func(a *budgets.FundAsk) { a.Date = day("2027-03-31") }, ""},
		{"the day before", w.ada, nil, func(a *budgets.FundAsk) { a.Date = day("2026-03-31") }, "The line of your plan that covers clubs runs from 1 April 2026 to 31 March 2027"},
		{"the day after", w.ada, nil, func(a *budgets.FundAsk) { a.Date = day("2027-04-01") }, "The line of your plan that covers clubs runs from 1 April 2026 to 31 March 2027"},
		{"another kind of charge", w.ada, nil, func(a *budgets.FundAsk) { a.Kind = "place" }, "Your plan pays for support, not for the place fee"},
		{"another category, drafted only", w.ada, nil, func(a *budgets.FundAsk) { a.Category = "trip" }, "No approved line of the plan covers trips"},
		{"a category of tomorrow", w.ada, nil, func(a *budgets.FundAsk) { a.Category = "cave_diving" }, "No approved line of the plan covers cave diving"},
		{"a chosen line for something else", w.ada, &line.ID, func(a *budgets.FundAsk) { a.Category = "trip" }, "The line that was chosen covers clubs, not trips"},
		{"a chosen line that is a draft", w.ada, &draft.ID, nil, "The line that was chosen is not an approved line of this child's plan"},
		{"a brother's line", w.ben, &line.ID, nil, "The line that was chosen is not an approved line of this child's plan"},
		{"no line at all", w.ben, nil, nil, "No line of the plan is approved yet"},
		{"nothing to count", w.cal, nil, func(a *budgets.FundAsk) { a.Kind, a.Minutes = "meal", 0 }, "Your plan gives hours, and meals cannot be counted in them"},
		{"a chosen line with nothing to count", w.cal, &hours.ID, func(a *budgets.FundAsk) { a.Kind, a.Minutes = "meal", 0 }, "Your plan gives hours, and meals cannot be counted in them"},
	} {
		f := w.fund(c.child, c.line, ask(c.change))[0]
		require.Equal(t, c.because, f.Because, c.name)
		require.Equal(t, c.because == "", f.Allowed, c.name)
		if !f.Allowed {
			require.Equal(t, budgets.Funding{Because: c.because, Reason: f.Reason}, f, c.name)
			require.Equal(t, budgets.RuleForbids, f.Verdict, c.name)
		}
	}
}

// T20: £100.00 over three streams is 33.34 + 33.33 + 33.33.
func TestT20_ALineSharesOverItsStreamsToThePenny(t *testing.T) {
	w := setup(t)
	care := w.allocated(w.ada, w.year, "social_care", payments.InPence, 50_000)
	health := w.allocated(w.ada, w.year, "health", payments.InPence, 50_000)
	line := w.line(w.ada, func(c *budgets.NewPlanLine) {
		c.Shares = []budgets.Share{{Stream: "social_care", Weight: 1}, {Stream: "education", Weight: 1}, {Stream: "health", Weight: 1}}
	})
	got := w.fund(w.ada, nil, ask(func(a *budgets.FundAsk) { a.Pence = 10_000 }))[0]
	require.Equal(t, budgets.Funding{
		Allowed: true, Line: &line.ID, Unit: payments.InPence, Quantity: 10_000, Reason: got.Reason,
		Shares: []budgets.FundShare{
			{Stream: "social_care", Period: w.year.ID, Account: care, Weight: 1, Amount: 3334},
			{Stream: "education", Weight: 1, Amount: 3333}, // no account: refused at the desk, shown before
			{Stream: "health", Period: w.year.ID, Account: health, Weight: 1, Amount: 3333},
		},
	}, got)
}

// T85: one club, whose fee the family pays, whose support a stream pays and
// whose transport no stream may pay.
func TestT85_EachChargeHasItsOwnPayer(t *testing.T) {
	w := setup(t)
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 50_000)
	line := w.line(w.ada, func(c *budgets.NewPlanLine) { c.PaysKinds = []string{"support", "meal"} })
	got := w.fund(w.ada, nil,
		ask(func(a *budgets.FundAsk) { a.Kind, a.Pence = "place", 1200 }),
		ask(func(a *budgets.FundAsk) { a.Kind, a.Pence = "support", 4500 }),
		ask(func(a *budgets.FundAsk) { a.Kind, a.Pence = "transport", 600 }),
	)
	require.Len(t, got, 3)
	require.False(t, got[0].Allowed)
	require.Equal(t, "Your plan pays for support and meals, not for the place fee", got[0].Because)
	require.True(t, got[1].Allowed)
	require.Equal(t, line.ID, *got[1].Line)
	require.Equal(t, int64(4500), got[1].Quantity)
	require.False(t, got[2].Allowed)
	require.Equal(t, "Your plan pays for support and meals, not for transport", got[2].Because)
}

// T86: an allowance in hours is counted in minutes, and takes no pounds.
func TestT86_AnAllowanceIsCountedInMinutes(t *testing.T) {
	w := setup(t)
	minutes := w.allocated(w.ada, w.year, "social_care", payments.InMinutes, 2400)
	pounds := w.allocated(w.ada, w.year, "social_care", payments.InPence, 50_000)
	line := w.line(w.ada, func(c *budgets.NewPlanLine) { c.Unit, c.LimitAmount = payments.InMinutes, 2400 })
	got := w.fund(w.ada, nil, ask(func(a *budgets.FundAsk) { a.Pence, a.Minutes = 17_500, 420 }))[0]
	require.True(t, got.Allowed)
	require.Equal(t, line.ID, *got.Line)
	require.Equal(t, payments.InMinutes, got.Unit)
	require.Equal(t, int64(420), got.Quantity)
	require.Equal(t, []budgets.FundShare{{Stream: "social_care", Period: w.year.ID, Account: minutes, Weight: 1, Amount: 420}}, got.Shares)
	trips := w.line(w.ada, func(c *budgets.NewPlanLine) { c.Categories = []string{"trip"} })
	got = w.fund(w.ada, nil, ask(func(a *budgets.FundAsk) { a.Category, a.Pence, a.Minutes = "trip", 900, 420 }))[0]
	require.Equal(t, trips.ID, *got.Line)
	require.Equal(t, []budgets.FundShare{{Stream: "social_care", Period: w.year.ID, Account: pounds, Weight: 1, Amount: 900}}, got.Shares)

	nights := w.line(w.ben, func(c *budgets.NewPlanLine) {
		c.Unit, c.Categories, c.PaysKinds = payments.InNights, []string{"overnight"}, nil
	})
	got = w.fund(w.ben, nil, ask(func(a *budgets.FundAsk) { a.Category, a.Kind, a.Nights = "overnight", "place", 2 }))[0]
	require.Equal(t, nights.ID, *got.Line)
	require.Equal(t, int64(2), got.Quantity)
}

func TestTheMostSpecificLinePaysThenTheOldest(t *testing.T) {
	w := setup(t)
	after := func() { w.clock.Advance(time.Minute) }
	anything := w.line(w.ada, func(c *budgets.NewPlanLine) { c.Categories, c.PaysKinds = nil, nil })
	after()
	wide := w.line(w.ada, func(c *budgets.NewPlanLine) { c.Categories = []string{"club", "trip"} })
	after()
	older := w.line(w.ada, nil)
	after()
	newer := w.line(w.ada, nil)
	after()
	anyKind := w.line(w.ada, func(c *budgets.NewPlanLine) { c.PaysKinds = nil })
	for _, c := range []struct {
		name, category, kind string
		line                 *budgets.PlanLine
	}{
		{"one category, one kind, the older of two", "club", "support", older},
		{"one category, any kind", "club", "meal", anyKind},
		{"two categories", "trip", "support", wide},
		{"any", "play", "place", anything},
	} {
		got := w.fund(w.ada, nil, ask(func(a *budgets.FundAsk) { a.Category, a.Kind = c.category, c.kind }))[0]
		require.Equal(t, c.line.ID, *got.Line, c.name)
	}
	got := w.fund(w.ada, &newer.ID, ask(nil))[0]
	require.Equal(t, newer.ID, *got.Line, "chosen by hand")
}

// The date decides the money: each session is paid from the period it falls
// in, and where two periods cover a date, from the one that runs out first.
func TestFundingFollowsTheDateOfEachSession(t *testing.T) {
	w := setup(t)
	next := w.period(w.north, "2027-04-01", "2028-03-31")
	own := w.period(w.north, "2026-09-01", "2027-08-31") // a year of the family's own
	thisYear := w.allocated(w.ada, w.year, "social_care", payments.InPence, 1000)
	nextYear := w.allocated(w.ada, next, "social_care", payments.InPence, 1000)
	w.allocated(w.cal, own, "social_care", payments.InPence, 1000)
	w.line(w.ada, func(c *budgets.NewPlanLine) { c.EndsOn = day("2030-03-31") })
	on := func(date string) budgets.FundAsk { return ask(func(a *budgets.FundAsk) { a.Date = day(date) }) }
	accounts := func() (ids []uuid.UUID) {
		for _, f := range w.fund(w.ada, nil, on("2027-03-31"), on("2027-04-01"), on("2029-04-01")) {
			require.True(t, f.Allowed)
			ids = append(ids, f.Shares[0].Account)
		}
		return ids
	}
	require.Equal(t, []uuid.UUID{thisYear, nextYear, uuid.Nil}, accounts())
	ownYear := w.allocated(w.ada, own, "social_care", payments.InPence, 1000)
	require.Equal(t, []uuid.UUID{thisYear, ownYear, uuid.Nil}, accounts())

	// An instant late on a summer evening is the next day in London.
	got := w.fund(w.ada, nil, ask(func(a *budgets.FundAsk) { a.Date = time.Date(2027, 8, 31, 23, 30, 0, 0, time.UTC) }))[0]
	require.Equal(t, nextYear, got.Shares[0].Account)
}

func TestALineSaysWhoHandsTheMoneyOver(t *testing.T) {
	t.Parallel()
	holder := shortbreaks.NewID()
	for option, payer := range map[string]string{
		budgets.Notional: payments.PayableByAuthority, budgets.DirectPayment: payments.PayableByRecipient, budgets.ThirdParty: payments.PayableByManager,
	} {
		got, who := budgets.PlanLine{ManagementOption: option, HolderID: &holder}.PayableBy()
		require.Equal(t, payer, got)
		require.Equal(t, option != budgets.Notional, who != nil)
	}
}

func TestOnlyAnApprovedLinePays(t *testing.T) {
	t.Parallel()
	l := budgets.PlanLine{StartsOn: day("2027-01-01"), EndsOn: day("2027-01-31"), LimitAmount: 100, Held: 30, Spent: 20}
	for state, pays := range map[string]bool{budgets.Draft: false, budgets.Approved: true, budgets.Closed: false} {
		l.State = state
		require.Equal(t, pays, l.Pays("club", "support", day("2027-01-31")), state)
		require.False(t, l.Pays("club", "support", day("2027-02-01")), state)
		require.Equal(t, pays, l.Pays("club", "support", time.Date(2027, 1, 31, 23, 59, 0, 0, time.UTC)), "an instant is its London date")
	}
	require.Equal(t, int64(50), l.Free())
}
