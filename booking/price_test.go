package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

func ptr[T any](v T) *T { return &v }

func date(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestT31_AFrameworkRateIsOnlyForBookingsEntitledToIt(t *testing.T) {
	w := newWorld(t)
	contract, err := marketplace.CreateContract(w.ctx, w.d, w.council.Commissioner, marketplace.NewContract{
		ProviderID: w.house.ID, Kind: "framework", Reference: "SB-1", Name: "Lot 2", StartsOn: date("2027-01-01"), EndsOn: date("2027-02-28"),
	})
	require.NoError(t, err)
	d := saturdays(tariffOf(charge("place", "session", 1000)))
	agreed := tariffOf(charge("place", "session", 700)).Options[0]
	agreed.Name, agreed.WhoMayUse, agreed.ContractID = "Framework", tariff.ByContract, &contract.ID
	d.Tariff.Options = append(d.Tariff.Options, agreed)
	o := w.publish(d)

	q := w.quote(w.parent, ask(w.child, o, 2))
	require.Equal(t, "Framework", q.Document.OptionName)
	require.Equal(t, shortbreaks.Pence(1400), q.TotalPence)

	late := booking.CreateQuote{ChildID: w.child, OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[9].ID}}
	require.Equal(t, shortbreaks.Pence(1000), w.quote(w.parent, late).TotalPence, "13 March is after the contract")

	other, err := w.build.NewCouncil(w.ctx, "Bracken Council", "bracken", "Brackenvale")
	require.NoError(t, err)
	home, err := w.build.NewHome(w.ctx, other.ID, []budgets.Child{{FirstName: "Z", FamilyName: "Rowe", DateOfBirth: date("2017-05-01")}}, "family.rowe")
	require.NoError(t, err)
	q, err = booking.MakeQuote(w.ctx, w.d, home.Parents[0], ask(home.Children[0].ID, o, 2))
	require.NoError(t, err)
	require.Equal(t, "Standard", q.Document.OptionName, "another council's family")
	require.Equal(t, shortbreaks.Pence(2000), q.TotalPence)

	for name, who := range map[string]shortbreaks.Actor{"nobody": {}, "the council's own family": w.parent, "another council": other.Commissioner} {
		seen, err := marketplace.Get(w.ctx, w.d, who, o.Offer.ID)
		require.NoError(t, err)
		require.Len(t, seen.Tariff.Options, 1, "%s sees no agreed price", name)
		require.True(t, seen.FrameworkRate)
	}
	seen, err := marketplace.Get(w.ctx, w.d, w.house.Owner, o.Offer.ID)
	require.NoError(t, err)
	require.Len(t, seen.Tariff.Options, 2, "its provider does")

	agreed.ContractID = ptr(shortbreaks.NewID())
	d.Tariff.Options[1] = agreed
	_, err = w.build.PublishOffer(w.ctx, w.house, d)
	require.ErrorContains(t, err, "You have no such contract.")

	list, _, err := marketplace.Contracts(w.ctx, w.d, w.council.Finance, uuid.Nil, 20)
	require.NoError(t, err)
	require.Len(t, list, 1)
	list, _, err = marketplace.Contracts(w.ctx, w.d, other.Finance, uuid.Nil, 20)
	require.NoError(t, err)
	require.Empty(t, list, "a contract is its authority's and its provider's")
	_, err = marketplace.CreateContract(w.ctx, w.d, w.council.Commissioner, marketplace.NewContract{
		ProviderID: w.house.ID, Kind: "spot", Reference: "SB-1", Name: "Again", StartsOn: date("2027-01-01"), EndsOn: date("2027-02-28"),
	})
	require.ErrorIs(t, err, marketplace.ErrContractReference)
}

// £100.00 a session: a charity bears 40 % (£40.00), the health service 35 %
// (£35.00), the rest is the budget's: £25.00. Grants add £20.00 more.
func TestT30_FullCostIsSubsidyAndSharesAndBudgetToThePenny(t *testing.T) {
	w := newWorld(t)
	c := charge("place", "session", 10000)
	c.CostShares = []tariff.CostShare{{Payer: "charity", BasisPoints: 4000}, {Payer: "health", BasisPoints: 3500}, {Payer: tariff.Buyer, Remainder: true}}
	c.Components = []tariff.Component{{Kind: "staff", AmountPence: 12000}, {Kind: "subsidy", AmountPence: -2000}}
	o := w.publish(saturdays(tariffOf(c)))
	require.Equal(t, shortbreaks.Pence(2500), o.Version.PricePence, "the headline is what a buyer pays")
	require.Equal(t, shortbreaks.Pence(4000), *o.ComparableRatePence, "£120.00 for 3 hours")

	q := w.quote(w.parent, ask(w.child, o, 2))
	require.Equal(t, shortbreaks.Pence(5000), q.TotalPence)
	require.Equal(t, shortbreaks.Pence(24000), q.Document.FullPence)
	require.Equal(t, []tariff.Borne{{Payer: "charity", Pence: 4000}, {Payer: "health", Pence: 3500}}, q.Document.Items[0].Charges[0].Others)
	require.Contains(t, q.Document.Explanation, "The full price is £200.00: the health service pays £70.00, a charity pays £80.00 and you pay £50.00. It costs £240.00 to run; grants and other funds pay £40.00 of it.")
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(q))
	require.NoError(t, err)
	w.requireMoney(w.child, 5000, 0, 95000)
}

func TestBrothersAndSistersGetTheirDiscountAndNoMoreThanThereAre(t *testing.T) {
	w := newWorld(t)
	c := charge("place", "session", 1000)
	c.NthChild = []tariff.NthChild{{Child: 2, BasisPoints: 1000, For: "that_child"}}
	o := w.publish(saturdays(tariffOf(c)))
	first, second := ask(w.child, o, 1), ask(w.sibling, o, 1)
	first.Children, first.ChildNo, second.Children, second.ChildNo = 2, 1, 2, 2
	require.Equal(t, shortbreaks.Pence(1000), w.quote(w.parent, first).TotalPence)
	require.Equal(t, shortbreaks.Pence(900), w.quote(w.parent, second).TotalPence)
	second.Children, second.ChildNo = 3, 3
	_, err := booking.MakeQuote(w.ctx, w.d, w.parent, second)
	var refusal *shortbreaks.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, []shortbreaks.Field{{Pointer: "/children", Detail: "The family has fewer children here."}}, refusal.Fields)
}

// A block of 10 for £60.00 and singles at £7.00: 12 dates cost £74.00, and
// every penny is held.
func TestT87_TheCheapestMixIsHeldToThePenny(t *testing.T) {
	w := newWorld(t)
	block := tariffOf(charge("place", "item", 6000)).Options[0]
	block.Name, block.Block = "Ten", &tariff.Block{Count: 10, ValidWeeks: 15}
	d := saturdays(tariffOf(charge("place", "session", 700)))
	d.Tariff.Options = append(d.Tariff.Options, block)
	o := w.publish(d)
	q := w.quote(w.parent, ask(w.child, o, 12))
	require.Equal(t, shortbreaks.Pence(7400), q.TotalPence)
	require.Equal(t, "Standard and Ten", q.Document.OptionName)
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(q))
	require.NoError(t, err)
	w.requireMoney(w.child, 7400, 0, 92600)
}

// What is quoted, compared and costed for a plan is one price, whatever form
// it is written in.
func TestAQuoteAComparisonAndAPlanAgree(t *testing.T) {
	w := newWorld(t)
	flat := charge("place", "session", 999)
	hourly := charge("support", "hour", 1333)
	hourly.StepMinutes, hourly.StepMode = 15, "up"
	bands := charge("support", "hour", 1200)
	bands.Rate = &tariff.Rate{Bands: &tariff.Bands{Mode: tariff.Split, List: []tariff.Band{
		{Name: "Midday", Window: tariff.Window{From: "11:30", To: "12:10"}, Percent: 133}, {Name: "Weekend", Window: tariff.Window{Days: []int{6, 7}}, AmountPence: ptr(shortbreaks.Pence(1501))},
	}}}
	table := charge("support", "hour", 1500)
	table.Rate = &tariff.Rate{Durations: []tariff.Duration{{Minutes: 60, AmountPence: 1500}, {Minutes: 120, AmountPence: 2850}}}
	volume := charge("support", "hour", 2000)
	volume.Rate = &tariff.Rate{Volume: &tariff.Volume{Per: "month", Mode: "part", Tiers: []tariff.Tier{{From: 5, AmountPence: 1777}}}}
	fee := charge("other", "session", 0)
	fee.Rate = &tariff.Rate{PercentOf: &tariff.PercentOf{Kind: "place", BasisPoints: 1250}}
	capped := charge("place", "session", 3000)
	capped.CapPence, capped.CapPer = ptr(shortbreaks.Pence(10_000)), "month"
	shared := charge("place", "session", 1001)
	shared.CostShares = []tariff.CostShare{{Payer: tariff.Buyer, BasisPoints: 5000, CapPence: ptr(shortbreaks.Pence(400))}, {Payer: "council", Remainder: true}}
	block := tariffOf(charge("place", "item", 5000)).Options[0]
	block.Name, block.Block = "Ten", &tariff.Block{Count: 10, ValidWeeks: 20}
	mixed := tariffOf(flat)
	mixed.Options = append(mixed.Options, block)
	announced := tariffOf(charge("place", "session", 700))
	later := tariffOf(charge("place", "session", 833)).Options[0]
	announced.Options[0].ValidTo, later.Name, later.ValidFrom = "2027-02-10", "From February", "2027-02-11"
	announced.Options = append(announced.Options, later)

	for name, prices := range map[string]tariff.Tariff{
		"flat": tariffOf(flat), "by the hour": tariffOf(hourly), "bands": tariffOf(bands), "table": tariffOf(table), "volume": tariffOf(volume),
		"fee": tariffOf(flat, fee), "capped": tariffOf(capped), "shared": tariffOf(shared), "block": mixed, "announced": announced,
	} {
		o := w.publish(saturdays(prices))
		q := w.quote(w.parent, ask(w.child, o, 12))
		from, to := date("2027-01-09"), date("2027-03-27")
		compared, err := marketplace.Compare(w.ctx, w.d, marketplace.Pattern{
			Weekdays: []int{6}, Minutes: 180, StartsOn: from, EndsOn: to, OfferIDs: []uuid.UUID{o.Offer.ID},
		})
		require.NoError(t, err)
		require.Len(t, compared, 1, name)
		costing, err := budgets.Cost(w.ctx, w.d, w.council.Practitioner, budgets.CostPlan{
			ChildID: &w.child, StartsOn: from, EndsOn: to,
			Lines: []budgets.CostLine{{Name: name, OfferID: &o.Offer.ID, Use: &budgets.CostUse{Weekdays: []int{6}, Minutes: 180}}},
		})
		require.NoError(t, err)
		require.Equal(t, q.TotalPence, compared[0].TotalPence, name)
		require.Equal(t, q.TotalPence, costing.TotalPence, name)
		require.Equal(t, q.Document.FullPence, compared[0].FullPence, name)
		require.Equal(t, q.Document.FullPence, costing.FullPence, name)
		require.Equal(t, q.Document.Explanation, compared[0].Explanation, name)
		require.Equal(t, q.Document.Explanation, costing.Lines[0].Explanation, name)
	}
}

// Good Friday (26 March 2027) at double: £10.00 becomes £20.00. Before the
// Tuesday after Easter the two clear working days are Thursday 25 and Wednesday
// 24, so cancelling is in time until the end of Tuesday 23 March.
func TestT26_T38_BankHolidaysCountInThePriceAndInTheNotice(t *testing.T) {
	w := newWorld(t)
	c := charge("place", "session", 1000)
	c.Rate = &tariff.Rate{Bands: &tariff.Bands{Mode: tariff.WholeByStart, List: []tariff.Band{
		{Name: "Bank holidays", Window: tariff.Window{BankHolidays: "only"}, Percent: 200},
	}}}
	d := saturdays(tariffOf(c))
	d.Sessions.FirstDate, d.Sessions.LastDate, d.Sessions.Weekdays = date("2027-03-25"), date("2027-03-30"), []int{2, 4, 5}
	d.Terms = tariff.Terms{Steps: []tariff.TermStep{{Notice: 2, Unit: "clear_working_days"}, {Unit: "hours", FeePercent: 50}}}
	o := w.publish(d)
	q := w.quote(w.parent, ask(w.child, o, 3))
	require.Equal(t, shortbreaks.Pence(1000+2000+1000), q.TotalPence)
	_, _, err := booking.Create(w.ctx, w.d, w.parent, toBook(q))
	require.NoError(t, err)
	compared, err := marketplace.Compare(w.ctx, w.d, marketplace.Pattern{
		Weekdays: []int{2, 4, 5}, Minutes: 180, StartsOn: date("2027-03-25"), EndsOn: date("2027-03-30"), OfferIDs: []uuid.UUID{o.Offer.ID},
	})
	require.NoError(t, err)
	require.Equal(t, q.TotalPence, compared[0].TotalPence, "a comparison knows the same days")

	for _, c := range []struct {
		at  time.Time
		fee shortbreaks.Pence
	}{{time.Date(2027, 3, 24, 0, 0, 0, 0, time.UTC), 0}, {time.Date(2027, 3, 24, 0, 0, 1, 0, time.UTC), 500}} {
		fee := d.Terms.Fee(tariff.Cancellation{
			Price: 1000, Start: o.Sessions[2].StartsAt, At: c.at,
			Holidays: map[time.Time]string{date("2027-03-26"): "Good Friday", date("2027-03-29"): "Easter Monday"},
		})
		require.Equal(t, c.fee, fee, "a pure rule")
	}
	w.clock.Set(time.Date(2027, 3, 24, 0, 0, 1, 0, time.UTC))
	late := w.book(booking.CreateQuote{ChildID: w.sibling, OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[2].ID}})
	cancelled, err := booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: late.ID, Reason: "plans_changed"})
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(500), *cancelled.Items[0].ChargePence, "a second late, counted with the days of the database")
}
