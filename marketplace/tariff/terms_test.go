package tariff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

func TestT40_ExactlyAtTheDeadlineIsInTimeAndASecondLaterIsLate(t *testing.T) {
	t.Parallel()
	terms := tariff.Terms{FreeUntilHours: 48, LateFeePercent: 50}
	begin := at("2027-01-09T10:00")
	deadline := begin.Add(-48 * time.Hour)
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline.Add(-time.Second)}))
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline}))
	require.Equal(t, shortbreaks.Pence(1251), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline.Add(time.Microsecond)}), "1250.5 goes up")
	require.Equal(t, shortbreaks.Pence(1251), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline.Add(time.Second)}))
}

func TestT39_NoticeIsElapsedHoursOverAChangeOfTheClocks(t *testing.T) {
	t.Parallel()
	terms := tariff.Terms{FreeUntilHours: 48, LateFeePercent: 100}
	begin := at("2027-03-28T16:00") // the clocks went forward that night
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 900, Start: begin, At: at("2027-03-26T15:00")}))
	require.Equal(t, shortbreaks.Pence(900), terms.Fee(tariff.Cancellation{Price: 900, Start: begin, At: at("2027-03-26T15:00").Add(time.Second)}))
}

func TestTermsAreSaidInPlainEnglish(t *testing.T) {
	t.Parallel()
	for want, terms := range map[string]tariff.Terms{
		"You may cancel free of charge up to 48 hours before the start. After that you pay 50% of the price.": {FreeUntilHours: 48, LateFeePercent: 50},
		"You may cancel free of charge up to 1 hour before the start. After that you pay the full price.":     {FreeUntilHours: 1, LateFeePercent: 100},
		"You may cancel free of charge until the start.":                                                      {FreeUntilHours: 48},
	} {
		require.Equal(t, want, terms.Explain())
	}
}

// fee is what cancelling a price of 40.00 costs at a wall time.
func fee(terms tariff.Terms, start, when, reason string) shortbreaks.Pence {
	return terms.Fee(tariff.Cancellation{Price: 4000, Start: at(start), At: at(when), Reason: reason, Holidays: holidays2027()})
}

func TestT38_TwoClearWorkingDaysBeforeATuesdayAfterABankHoliday(t *testing.T) {
	t.Parallel()
	terms := tariff.Terms{Steps: []tariff.TermStep{{Notice: 2, Unit: "clear_working_days"}, {Unit: "hours", FeePercent: 100}}}
	tuesday := "2027-06-01T10:00" // Monday 31 May is a bank holiday; Thursday and Friday are the two clear days
	require.Equal(t, shortbreaks.Pence(0), fee(terms, tuesday, "2027-05-26T23:59", ""))
	require.Equal(t, shortbreaks.Pence(0), fee(terms, tuesday, "2027-05-27T00:00", ""), "the end of Wednesday")
	require.Equal(t, shortbreaks.Pence(4000), fee(terms, tuesday, "2027-05-27T00:01", ""))
	require.Equal(t, "You may cancel free of charge up to 2 clear working days before the start. After that you pay the full price.", terms.Explain())

	working := tariff.Terms{Steps: []tariff.TermStep{{Notice: 2, Unit: "working_days"}, {Unit: "hours", FeePercent: 100}}}
	require.Equal(t, shortbreaks.Pence(0), fee(working, tuesday, "2027-05-27T10:00", ""), "the same time, two working days before")
	require.Equal(t, shortbreaks.Pence(4000), fee(working, tuesday, "2027-05-27T10:01", ""))
}

func TestT39_HoursAreElapsedAndDaysAreOfTheCalendar(t *testing.T) {
	t.Parallel()
	step := func(notice int, unit string) tariff.Terms {
		return tariff.Terms{Steps: []tariff.TermStep{{Notice: notice, Unit: unit}, {Unit: "hours", FeePercent: 50}}}
	}
	for _, c := range []struct {
		name, start, hours, days string // the last minutes in time
	}{
		{"spring", "2027-03-28T16:00", "2027-03-26T15:00", "2027-03-26T16:00"},
		{"autumn", "2027-10-31T16:00", "2027-10-29T17:00", "2027-10-29T16:00"},
		{"no change", "2027-06-09T16:00", "2027-06-07T16:00", "2027-06-07T16:00"},
	} {
		for unit, last := range map[string]string{"hours": c.hours, "days": c.days} {
			notice := map[string]int{"hours": 48, "days": 2}[unit]
			after := at(last).Add(time.Minute).In(shortbreaks.London).Format(shortbreaks.WallLayout)
			require.Equal(t, shortbreaks.Pence(0), fee(step(notice, unit), c.start, last, ""), c.name+" "+unit)
			require.Equal(t, shortbreaks.Pence(2000), fee(step(notice, unit), c.start, after, ""), c.name+" "+unit)
		}
	}
	require.Equal(t, shortbreaks.Pence(0), fee(step(2, "clear_days"), "2027-03-28T16:00", "2027-03-26T00:00", ""))
	require.Equal(t, shortbreaks.Pence(2000), fee(step(2, "clear_days"), "2027-03-28T16:00", "2027-03-26T00:01", ""))
}

func TestT91_PaymentInAdvanceIsDueBeforeEachPeriodBegins(t *testing.T) {
	t.Parallel()
	dues := func(period string, tf tariff.Tariff, ask tariff.Ask) []tariff.Due {
		tf.Options[0].PaymentTiming, tf.Options[0].Payment = tariff.Advance, &tariff.Payment{DaysBefore: 14, Period: period}
		p := listed{name: period, tf: tf, ask: ask, total: 4000}.try(t)
		return p.Dues()
	}
	day := func(text string) time.Time {
		d, err := time.Parse(time.DateOnly, text)
		require.NoError(t, err)
		return d
	}
	sessions := func() (tariff.Tariff, tariff.Ask) { // Saturdays 20 and 27 March, 3 and 10 April: over the end of the year of account
		return one(charge("place", "session", 1000)), by(tariff.BySession, weekly("2027-03-20T10:00", "2027-03-20T12:00", 4)...)
	}
	due := func(on string, pence shortbreaks.Pence, items ...int) tariff.Due {
		return tariff.Due{What: "advance", On: day(on), Pence: pence, Items: items, Option: "Standard"}
	}
	tf, ask := sessions()
	require.Equal(t, []tariff.Due{due("2027-02-15", 2000, 0, 1), due("2027-03-18", 2000, 2, 3)}, dues("month", tf, ask), "14 days before the 1st of each month")
	tf, ask = sessions()
	require.Equal(t, []tariff.Due{due("2027-03-06", 4000, 0, 1, 2, 3)}, dues("whole", tf, ask))
	tf, ask = sessions()
	require.Equal(t, due("2027-03-01", 1000, 0), dues("week", tf, ask)[0], "14 days before Monday 15 March")
	tf, ask = sessions()
	require.Equal(t, due("2027-03-27", 1000, 3), dues("occasion", tf, ask)[3])

	half := one(charge("place", "half_term", 7000)) // a half term joined on the fourth of seven dates
	require.Equal(t, []tariff.Due{due("2026-12-26", 4000, 0, 1, 2, 3)}, dues("whole", half, bundle("half_term", 4, 7)))
}

func TestT92_DepositBalanceAndTermsByReasonAndNotice(t *testing.T) {
	t.Parallel()
	stay := one(charge("place", "night", 13_335))
	stay.Options[0].PaymentTiming, stay.Options[0].Payment = tariff.Deposit, &tariff.Payment{DaysBefore: 28, DepositPercent: 25}
	p := listed{name: "deposit", tf: stay, ask: visit("2027-07-23T16:00", "2027-07-26T10:00"), total: 40_005}.try(t)
	require.Equal(t, []tariff.Due{ // a quarter of 400.05 is 100.0125
		{What: "deposit", Pence: 10_001, Items: []int{0}, Option: "Standard"},
		{What: "balance", On: time.Date(2027, 6, 25, 0, 0, 0, 0, time.UTC), Pence: 30_004, Items: []int{0}, Option: "Standard"},
	}, p.Dues())
	stay.Options[0].Payment = &tariff.Payment{DaysBefore: 28, DepositPence: 50_000}
	p = listed{name: "a deposit larger than the price", tf: stay, ask: visit("2027-07-23T16:00", "2027-07-26T10:00"), total: 40_005}.try(t)
	require.Equal(t, []tariff.Due{{What: "deposit", Pence: 40_005, Items: []int{0}, Option: "Standard"}}, p.Dues())

	terms := tariff.Terms{
		Steps: []tariff.TermStep{{Notice: 28, Unit: "days"}, {Notice: 7, Unit: "days", FeePence: pence(1001)}, {Notice: 48, Unit: "hours", FeePercent: 50}, {Unit: "hours", FeePercent: 100}},
		Reasons: []tariff.ReasonTerms{
			{Reason: "ill", Steps: []tariff.TermStep{{Notice: 24, Unit: "hours"}, {Unit: "hours", FeePercent: 25}}},
			{Reason: "hospital", Steps: []tariff.TermStep{{Unit: "hours"}}},
			{Reason: "transport_failed", Steps: []tariff.TermStep{{Unit: "hours", FeePence: pence(9_999)}}},
		},
		WaivedIfRefilled: true,
	}
	var f shortbreaks.Faults
	terms.Check(&f, "")
	require.Empty(t, f.Fields)
	start := "2027-07-23T16:00"
	for _, c := range []struct {
		when, reason string
		want         shortbreaks.Pence
	}{
		{"2027-06-25T16:00", "", 0},
		{"2027-06-25T16:01", "", 1001},
		{"2027-07-16T16:00", "", 1001},
		{"2027-07-16T16:01", "", 2000},
		{"2027-07-21T16:00", "", 2000},
		{"2027-07-21T16:01", "", 4000},
		{"2027-07-22T16:00", "ill", 0},
		{"2027-07-22T16:01", "ill", 1000},
		{"2027-07-23T15:59", "hospital", 0},
		{"2027-07-23T16:01", "hospital", 0},
		{"2027-07-23T15:59", "transport_failed", 4000}, // never more than the price
		{"2027-07-23T15:59", "bereavement", 4000},      // no terms of its own: those of any reason
	} {
		require.Equal(t, c.want, fee(terms, start, c.when, c.reason), "%s %s", c.when, c.reason)
	}
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 4000, Start: at(start), At: at(start), Refilled: true}))
	require.Equal(t, "You may cancel free of charge up to 28 days before the start. After that, up to 7 days before, you pay £10.01. "+
		"After that, up to 48 hours before, you pay 50% of the price. After that you pay the full price. "+
		"If your child is ill, you may cancel free of charge up to 24 hours before the start. After that you pay 25% of the price. "+
		"If your child is in hospital, you may cancel free of charge until the start. "+
		"If transport fails, you may cancel, but you pay £99.99. You pay nothing if somebody else takes the place.", terms.Explain())
}
