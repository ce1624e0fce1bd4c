package budgets_test

import (
	"bytes"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/demo"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// offer publishes one of a provider of its own.
func (w *world) offer(title, postcode string, t tariff.Tariff, sell func(d *marketplace.OfferDraft)) uuid.UUID {
	w.Helper()
	id := shortbreaks.NewID()
	owner := shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.ProviderOwner, Providers: []uuid.UUID{id}}
	require.NoError(w, w.d.Do(w.ctx, db.For(owner), func(tx *db.Tx) error {
		_, err := marketplace.CreateProvider(w.ctx, tx, marketplace.Provider{ID: id, Name: title + " Ltd", StaffCount: 2})
		return err
	}))
	require.NoError(w, demo.Builder{D: w.d}.File(w.ctx, owner, id, demo.Filing{}))
	d := marketplace.OfferDraft{
		Setting: &marketplace.SettingDraft{Name: "The hall", Postcode: postcode}, Title: title, Summary: "For everybody.", Category: "club",
		AccessRoute: "targeted", AgeFrom: 4, AgeTo: 18, RatioStaff: 1, RatioChildren: 3, Instant: true, Tariff: t, Terms: tariff.Terms{Choice: "flexible"},
	}
	sell(&d)
	made, err := marketplace.CreateOffer(w.ctx, w.d, owner, d)
	require.NoError(w, err)
	_, err = marketplace.PublishOffer(w.ctx, w.d, owner, made.Offer.ID)
	require.NoError(w, err)
	return made.Offer.ID
}

// saturdays sells 10:00 to 12:00 on Saturdays up to a date.
func saturdays(last string, bundle *marketplace.BundleDraft) func(d *marketplace.OfferDraft) {
	return func(d *marketplace.OfferDraft) {
		d.Sessions = &marketplace.SessionSeries{
			FirstDate: day("2027-01-09"), LastDate: day(last), Weekdays: []int{6}, From: "10:00", To: "12:00", Capacity: 10, Bundle: bundle,
		}
	}
}

// prices is a plain tariff of charges for each child; every one is costed.
func prices(charges ...tariff.Charge) tariff.Tariff {
	for i := range charges {
		c := &charges[i]
		c.Basis, c.When, c.VAT = "per_child", "planned", "exempt"
		c.Components = []tariff.Component{{Kind: "staff", AmountPence: c.AmountPence}}
	}
	return tariff.Tariff{Options: []tariff.Option{{Name: "Standard", WhoMayUse: "anyone", PaymentTiming: "arrears", BilledOn: "booked", Charges: charges}}}
}

func (w *world) cost(who shortbreaks.Actor, child *budgets.Child, from, to string, lines ...budgets.CostLine) *budgets.Costing {
	w.Helper()
	c := budgets.CostPlan{StartsOn: day(from), EndsOn: day(to), Lines: lines, Postcode: "ZZ1 1AA"}
	if child != nil {
		c.ChildID = &child.ID
	}
	costing, err := budgets.Cost(w.ctx, w.d, who, c)
	require.NoError(w, err)
	for _, l := range costing.Lines {
		sum := shortbreaks.Pence(0)
		for _, s := range l.Sums.ByYear {
			sum += s.Pence
		}
		require.Equal(w, l.TotalPence, sum, "%s by year", l.Name)
		byMonth := shortbreaks.Pence(0)
		for _, s := range l.Sums.ByMonth {
			byMonth += s.Pence
		}
		require.Equal(w, l.TotalPence, byMonth, "%s by month", l.Name)
	}
	return costing
}

func use(minutes int, days ...int) *budgets.CostUse {
	return &budgets.CostUse{Weekdays: days, Minutes: minutes}
}

// 12 Saturdays from 9 January to 27 March at £8.00, 2 hours each: £96.00, of
// which 60 : 40 is £4.80 and £3.20 each time.
func TestAPlanLineIsSplitOverStreamsAsABookingWouldBe(t *testing.T) {
	w := setup(t)
	id := w.offer("Saturday club", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 800}), saturdays("2027-03-27", nil))
	c := w.cost(w.practitioner, w.ada, "2027-01-05", "2027-03-31", budgets.CostLine{
		Name: "Club", OfferID: &id, Use: use(120, 6), Shares: []budgets.Share{{Stream: "social_care", Weight: 60}, {Stream: "health", Weight: 40}},
	})
	l := c.Lines[0]
	require.Empty(t, l.Trouble)
	require.Equal(t, shortbreaks.Pence(9600), l.TotalPence)
	require.Equal(t, 12, l.Dates)
	require.EqualValues(t, 12*120, l.Minutes)
	require.Equal(t, []budgets.Sum{{Name: "social_care", Pence: 5760}, {Name: "health", Pence: 3840}}, l.Sums.ByStream)
	require.Equal(t, []budgets.Sum{{Name: "budget", Pence: 9600}}, l.Sums.ByPayer)
	require.Equal(t, []budgets.Sum{{Name: "2027-01", Pence: 3200}, {Name: "2027-02", Pence: 3200}, {Name: "2027-03", Pence: 3200}}, l.Sums.ByMonth)
	require.Equal(t, []budgets.Sum{{Name: "2026/27", Pence: 9600}}, l.Sums.ByYear)
	require.Equal(t, "12 Saturdays at £8.00: £96.00.", l.Explanation)
}

// A place of £8.00 is the family's, one-to-one support of 2 hours at £15.00 the
// budget's: 12 x £8.00 and 12 x £30.00.
func TestT85_APlanCostsEachChargeToItsOwnPayer(t *testing.T) {
	w := setup(t)
	support := tariff.Charge{Kind: "support", Unit: "hour", AmountPence: 1500, Optional: true}
	id := w.offer("Saturday club", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 800}, support), saturdays("2027-03-27", nil))
	one := use(120, 6)
	one.ChargeKinds = []string{"support"}
	c := w.cost(w.practitioner, w.ada, "2027-01-05", "2027-03-31", budgets.CostLine{Name: "Club", OfferID: &id, Use: one, FamilyPays: []string{"place"}})
	require.Equal(t, []budgets.Sum{{Name: "budget", Pence: 36000}, {Name: "family", Pence: 9600}}, c.Totals.ByPayer)
	require.Equal(t, []budgets.Sum{{Name: "social_care", Pence: 36000}}, c.Totals.ByStream)
	require.Equal(t, shortbreaks.Pence(45600), c.TotalPence)
}

// Published up to 27 March: 12 dates. From 3 April to 26 June there are 13 more.
func TestAPlanRunsLongerThanATermAndCostsTheRestAtTodaysPrice(t *testing.T) {
	w := setup(t)
	by := w.offer("By the date", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 800}), saturdays("2027-03-27", nil))
	term := w.offer("By the term", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "term", AmountPence: 9000}),
		saturdays("2027-03-27", &marketplace.BundleDraft{Name: "Spring", Unit: "term"}))
	c := w.cost(w.practitioner, nil, "2027-01-05", "2027-06-30",
		budgets.CostLine{Name: "Dates", OfferID: &by, Use: use(120, 6)}, budgets.CostLine{Name: "Terms", OfferID: &term, Use: use(120, 6)})
	dates, terms := c.Lines[0], c.Lines[1]
	require.Equal(t, 25, dates.Dates)
	require.Equal(t, 13, dates.Projected)
	require.Equal(t, shortbreaks.Pence(25*800), dates.TotalPence)
	require.Contains(t, dates.Explanation, "13 dates are not published yet and costed at today's price.")
	// Spring is £90.00 for 12; of the 13 after it one more term of 12 and 1/12 of another.
	require.Equal(t, 25, terms.Dates)
	require.Equal(t, shortbreaks.Pence(9000+9000+750), terms.TotalPence)
	require.Equal(t, []budgets.Sum{{Name: "2026/27", Pence: 9000}, {Name: "2027/28", Pence: 9750}}, terms.Sums.ByYear)
}

func TestTheCheapestThatSuitsIsTakenWithinItsMilesAndAboveAllServes(t *testing.T) {
	w := setup(t)
	w.offer("Dear and near", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 1500}), saturdays("2027-03-27", nil))
	w.offer("Cheap and near", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 900}), saturdays("2027-03-27", nil))
	w.offer("Cheapest and far", "ZX1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 100}), saturdays("2027-03-27", nil))
	w.offer("Cheapest and on Sundays", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 100}), func(d *marketplace.OfferDraft) {
		saturdays("2027-03-27", nil)(d)
		d.Sessions.Weekdays = []int{7}
	})
	near := budgets.CostLine{Name: "Near", Cheapest: &budgets.Cheapest{Category: "club", WithinMiles: 5}, Use: use(120, 6)}
	anywhere := budgets.CostLine{Name: "Anywhere", Cheapest: &budgets.Cheapest{Category: "club"}, Use: use(120, 6)}
	none := budgets.CostLine{Name: "None", Cheapest: &budgets.Cheapest{Category: "hydrotherapy", WithinMiles: 5}, Use: use(120, 6)}
	c := w.cost(w.practitioner, nil, "2027-01-05", "2027-03-31", near, anywhere, none)
	require.Equal(t, "Cheap and near", c.Lines[0].Offer.Title)
	require.Equal(t, "Cheapest and far", c.Lines[1].Offer.Title)
	require.Equal(t, "No offer suits: hydrotherapy within 5 miles. Try a greater distance, another kind, or another ratio.", c.Lines[2].Trouble)
	require.Equal(t, shortbreaks.Pence(12*900+12*100), c.TotalPence, "a line in trouble counts for nothing")
}

// 2 hours on the 53 Tuesdays from 6 April 2027 to 4 April 2028 (365 days): 106 hours.
// Wage 106 x £13.50 = £1,431.00; holiday 12.07 % = £172.72 (172.7217); pay
// £1,603.72. National insurance: none, below £5,000.00. Pension: none, below
// £10,000.00. Insurance £120.00. Payroll 13 months x £15.00 = £195.00. So far
// £1,918.72; contingency 5 % = £95.94 (95.936). Total £2,014.66; an hour
// £19.01 (19.0062).
func TestAPersonalAssistantIsCostedPartByPart(t *testing.T) {
	w := setup(t)
	c := w.cost(w.practitioner, nil, "2027-04-06", "2028-04-04", budgets.CostLine{
		Name: "Help", Use: use(120, 2), Assistant: &budgets.Assistant{WagePence: 1350, InsurancePence: 12000, PayrollPence: 1500, ContingencyPercent: 500},
	})
	l := c.Lines[0]
	parts := map[string]shortbreaks.Pence{}
	for _, p := range l.Parts {
		parts[p.Kind] = p.Pence
	}
	require.Equal(t, map[string]shortbreaks.Pence{
		"wage": 143100, "holiday": 17272, "national_insurance": 0, "pension": 0, "insurance": 12000, "payroll": 19500, "contingency": 9594,
	}, parts)
	require.Equal(t, shortbreaks.Pence(201466), l.TotalPence)
	require.Equal(t, shortbreaks.Pence(1901), *l.RatePence)
	require.Contains(t, l.Explanation, "not payroll advice")

	// 8 hours on 261 weekdays: 2,088 hours, £28,188.00; holiday £3,402.29
	// (3,402.2916); pay £31,590.29. National insurance 15 % above £5,000.00 =
	// £3,988.54 (3,988.5435); pension 3 % above £6,240.00 = £760.51 (760.5087).
	c = w.cost(w.practitioner, nil, "2027-04-06", "2028-04-04", budgets.CostLine{
		Name: "Help", Use: use(480, 1, 2, 3, 4, 5), Assistant: &budgets.Assistant{WagePence: 1350},
	})
	for i, want := range []shortbreaks.Pence{2_818_800, 340_229, 398_854, 76_051, 0, 0, 0} {
		require.Equal(t, want, c.Lines[0].Parts[i].Pence, c.Lines[0].Parts[i].Kind)
	}
}

func TestAFixedSumRepeatsAndAPlanStandsBesideTheBudget(t *testing.T) {
	w := setup(t)
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 50_000)
	w.allocated(w.ada, w.year, "social_care", payments.InMinutes, 600)
	id := w.offer("Saturday club", "ZZ1 1AA", prices(tariff.Charge{Kind: "place", Unit: "session", AmountPence: 800}), saturdays("2027-03-27", nil))
	c := w.cost(w.practitioner, w.ada, "2027-01-05", "2027-03-31",
		budgets.CostLine{Name: "Trips", Fixed: &budgets.FixedSum{Pence: 2500, Every: "month"}},
		budgets.CostLine{Name: "Club", OfferID: &id, Use: use(120, 6)})
	require.Equal(t, "£25.00 every month, 3 times: £75.00.", c.Lines[0].Explanation)
	require.Len(t, c.Against, 1)
	require.Equal(t, shortbreaks.Pence(7500+9600), c.Against[0].CostPence)
	require.Equal(t, shortbreaks.Pence(50_000), *c.Against[0].FreePence)
	require.EqualValues(t, 24*60, c.Against[0].CostMinutes)
	require.EqualValues(t, 600, *c.Against[0].FreeMinutes)

	var page bytes.Buffer
	require.NoError(t, c.Paper().HTML(&page))
	for _, words := range []string{"What the plan costs", "£171.00", "Saturday club", "£329.00", "January 2027", "2026/27", "10 hours free"} {
		require.Contains(t, page.String(), words)
	}
	require.NotContains(t, page.String(), w.ada.FamilyName, "the paper names no child")
}

// One to one for four weeks, then one to three (T32): £30.00 an hour, then £12.00.
func TestT32_ATaperPricesEachWeekByItsOwnRatio(t *testing.T) {
	w := setup(t)
	support := tariff.Charge{Kind: "support", Unit: "hour", AmountPence: 1200, Rate: &tariff.Rate{Ratios: []tariff.RatioRate{
		{Ratio: tariff.Ratio{Staff: 1, Children: 1}, AmountPence: 3000}, {Ratio: tariff.Ratio{Staff: 1, Children: 3}, AmountPence: 1200},
	}}}
	id := w.offer("Saturday club", "ZZ1 1AA", prices(support), saturdays("2027-03-27", nil))
	taper := use(120, 6)
	taper.Taper = []marketplace.RatioFrom{{On: day("2027-01-09"), Ratio: tariff.Ratio{Staff: 1, Children: 1}}, {On: day("2027-02-06"), Ratio: tariff.Ratio{Staff: 1, Children: 3}}}
	c := w.cost(w.practitioner, nil, "2027-01-05", "2027-03-31", budgets.CostLine{Name: "Club", OfferID: &id, Use: taper})
	require.Empty(t, c.Lines[0].Trouble)
	require.Equal(t, shortbreaks.Pence(4*2*3000+8*2*1200), c.TotalPence)
}

func TestWhoMayCostAPlanAndWhatIsRefused(t *testing.T) {
	w := setup(t)
	line := budgets.CostLine{Name: "Trip", Fixed: &budgets.FixedSum{Pence: 100, Every: "once"}}
	plan := func(child *uuid.UUID, lines ...budgets.CostLine) budgets.CostPlan {
		return budgets.CostPlan{ChildID: child, StartsOn: day("2027-01-05"), EndsOn: day("2027-03-31"), Lines: lines}
	}
	_, err := budgets.Cost(w.ctx, w.d, w.parent, plan(&w.ada.ID, line))
	require.NoError(t, err)
	_, err = budgets.Cost(w.ctx, w.d, w.parent, plan(&w.cal.ID, line))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another family's child")
	_, err = budgets.Cost(w.ctx, w.d, w.practitioner, plan(&w.dot.ID, line))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "another authority's child")
	_, err = budgets.Cost(w.ctx, w.d, w.actor(shortbreaks.Commissioner, w.north), plan(nil, line))
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)

	both := budgets.CostLine{Name: "", Fixed: &budgets.FixedSum{Pence: -1, Every: "daily"}, Assistant: &budgets.Assistant{}, Use: use(120, 6)}
	_, err = budgets.Cost(w.ctx, w.d, w.practitioner, plan(nil, line, both))
	var refusal *shortbreaks.Error
	require.ErrorAs(t, err, &refusal)
	var at []string
	for _, f := range refusal.Fields {
		at = append(at, f.Pointer)
	}
	require.ElementsMatch(t, []string{"/lines/1/name", "/lines/1", "/lines/1/use", "/lines/1/fixed/pence", "/lines/1/fixed/every", "/lines/1/personal_assistant/wage_pence"}, at)

	bad := budgets.CostLine{Name: "Club", Cheapest: &budgets.Cheapest{Category: "golf"}, Use: use(5, 9)}
	_, err = budgets.Cost(w.ctx, w.d, w.practitioner, plan(nil, line, bad))
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, "/lines/1/use/weekdays", refusal.Fields[0].Pointer)
}
