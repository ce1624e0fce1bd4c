package budgets

import (
	"fmt"
	"slices"
	"time"

	"shortbreaks"
)

// Assistant is a personal assistant the family employs. What is left at nil is
// taken from the year's figures; every part is shown, and none of it is payroll
// advice (R058).
type Assistant struct {
	WagePence                shortbreaks.Pence // an hour
	NationalInsurancePercent *int              // basis points of pay above the threshold
	NationalInsuranceFrom    *shortbreaks.Pence
	EmploymentAllowance      bool              // the employer has the allowance, so pays no national insurance
	PensionPercent           *int              // basis points of pay between the bounds, once above the trigger
	HolidayPercent           *int              // basis points on top of hours worked
	InsurancePence           shortbreaks.Pence // a year
	PayrollPence             shortbreaks.Pence // a month
	ContingencyPercent       int               // basis points on all the rest
}

// employerYear are the figures of one tax year for whoever employs an
// assistant. They are found in published tables and must be checked by the
// authority before live use.
type employerYear struct {
	from             time.Time         // 6 April
	insurance        int               // basis points
	insuranceFrom    shortbreaks.Pence // a year
	pension          int               // basis points, of the employer
	pensionTrigger   shortbreaks.Pence // earnings a year from which it is due
	pensionFrom      shortbreaks.Pence
	pensionTo        shortbreaks.Pence
	minimumWagePence shortbreaks.Pence // for those of 21 and over
}

// employerYears are in order; the last holds until another is added.
var employerYears = []employerYear{
	{
		from: time.Date(2025, 4, 6, 0, 0, 0, 0, time.UTC), insurance: 1500, insuranceFrom: 500_000,
		pension: 300, pensionTrigger: 1_000_000, pensionFrom: 624_000, pensionTo: 5_027_000, minimumWagePence: 1221,
	},
	{
		from: time.Date(2026, 4, 6, 0, 0, 0, 0, time.UTC), insurance: 1500, insuranceFrom: 500_000,
		pension: 300, pensionTrigger: 1_000_000, pensionFrom: 624_000, pensionTo: 5_027_000, minimumWagePence: 1271,
	},
}

// statutoryHoliday is 5.6 weeks of 46.4 worked: 12.07 %.
const statutoryHoliday = 1207

func employer(on time.Time) employerYear {
	year := employerYears[0]
	for _, y := range employerYears {
		if !on.Before(y.from) {
			year = y
		}
	}
	return year
}

func (a *Assistant) check(f *shortbreaks.Faults, at string) {
	f.Unless(a.WagePence >= 1 && a.WagePence <= 100_000, at+"/wage_pence", "Give £0.01 to £1,000.00 an hour.")
	for _, p := range []struct {
		name  string
		value *int
	}{
		{"national_insurance_basis_points", a.NationalInsurancePercent},
		{"pension_basis_points", a.PensionPercent},
		{"holiday_basis_points", a.HolidayPercent},
		{"contingency_basis_points", &a.ContingencyPercent},
	} {
		if p.value != nil {
			f.Within(at+"/"+p.name, *p.value, 0, 10_000)
		}
	}
	f.Unless(a.InsurancePence >= 0 && a.InsurancePence <= maxAmount, at+"/insurance_pence_a_year", "Give £0.00 or more.")
	f.Unless(a.PayrollPence >= 0 && a.PayrollPence <= maxAmount, at+"/payroll_pence_a_month", "Give £0.00 or more.")
}

// cost works the assistant out over the dates. Thresholds of a year count in
// proportion to the days of the line, so that half a year has half of them.
func (a *Assistant) cost(out *CostedLine, l *CostLine, c *CostPlan, dates []time.Time) {
	from, to := l.span(c)
	days := int64(to.Sub(from)/(24*time.Hour)) + 1
	year := employer(from)
	minutes := int64(l.Use.Minutes) * int64(len(dates))
	share := func(yearly shortbreaks.Pence) shortbreaks.Pence { return shortbreaks.MulDiv(yearly, days, 365) }
	percent := func(of shortbreaks.Pence, basisPoints int) shortbreaks.Pence {
		return shortbreaks.MulDiv(of, int64(basisPoints), 10_000)
	}
	add := func(kind string, pence shortbreaks.Pence, format string, args ...any) {
		out.Parts = append(out.Parts, CostPart{kind, pence, fmt.Sprintf(format, args...)})
		out.TotalPence += pence
	}
	wage := shortbreaks.MulDiv(a.WagePence, minutes, 60)
	add("wage", wage, "%s of %s, %s in all, at %s an hour", shortbreaks.Plural(len(dates), "visit"), shortbreaks.Minutes(l.Use.Minutes),
		shortbreaks.Minutes(int(minutes)), a.WagePence)
	rate := or(a.HolidayPercent, statutoryHoliday)
	holiday := percent(wage, rate)
	add("holiday", holiday, "paid holiday, %s of the wage", points(rate))
	pay := wage + holiday

	rate, free := or(a.NationalInsurancePercent, year.insurance), share(or(a.NationalInsuranceFrom, year.insuranceFrom))
	switch {
	case a.EmploymentAllowance:
		add("national_insurance", 0, "none: the employer has the employment allowance")
	default:
		add("national_insurance", percent(max(0, pay-free), rate), "%s of pay above %s", points(rate), free)
	}
	rate = or(a.PensionPercent, year.pension)
	if low, high := share(year.pensionFrom), share(year.pensionTo); a.PensionPercent == nil && pay <= share(year.pensionTrigger) {
		add("pension", 0, "none: pay is not above %s", share(year.pensionTrigger))
	} else {
		add("pension", percent(max(0, min(pay, high)-low), rate), "%s of pay between %s and %s", points(rate), low, high)
	}
	add("insurance", share(a.InsurancePence), "%s a year for %s", a.InsurancePence, shortbreaks.Plural(int(days), "day"))
	months := int64(monthsOf(from, to))
	add("payroll", a.PayrollPence*shortbreaks.Pence(months), "%s a month for %s", a.PayrollPence, shortbreaks.Plural(int(months), "month"))
	add("contingency", percent(out.TotalPence, a.ContingencyPercent), "%s of all the rest", points(a.ContingencyPercent))

	out.FullPence, out.Dates, out.Minutes = out.TotalPence, len(dates), minutes
	if minutes > 0 {
		perHour := shortbreaks.MulDiv(out.TotalPence, 60, minutes)
		out.RatePence = &perHour
	}
	out.Explanation = a.explain(out, year)
	out.spread(dates, l.shares(c), from)
}

// spread puts the cost on the dates of the visits, equally, spare pennies to
// the earlier.
func (out *CostedLine) spread(dates []time.Time, shares []Share, from time.Time) {
	if len(dates) == 0 {
		dates = []time.Time{from}
	}
	weights := slices.Repeat([]int64{1}, len(dates))
	for i, part := range shortbreaks.Split(int64(out.TotalPence), weights) {
		out.budget(dates[i], shortbreaks.Pence(part), shares)
	}
}

func (a *Assistant) explain(out *CostedLine, year employerYear) string {
	words := ""
	for _, p := range out.Parts {
		if p.Pence > 0 || p.Kind == "national_insurance" || p.Kind == "pension" {
			words += fmt.Sprintf("%s: %s: %s. ", shortbreaks.Capital(shortbreaks.Spaced(p.Kind)), p.Words, p.Pence)
		}
	}
	words += "Total: " + out.TotalPence.String() + "."
	if a.WagePence < year.minimumWagePence {
		words += fmt.Sprintf(" The wage is below the minimum of %s for those of 21 and over: check the age.", year.minimumWagePence)
	}
	return words + " An estimate to plan with, not payroll advice."
}

// monthsOf is how many calendar months a time touches.
func monthsOf(from, to time.Time) int {
	return (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month()) + 1
}

func or[T any](given *T, otherwise T) T {
	if given != nil {
		return *given
	}
	return otherwise
}

// points writes basis points as a percentage: "12.07%".
func points(n int) string {
	if n%100 == 0 {
		return fmt.Sprintf("%d%%", n/100)
	}
	return fmt.Sprintf("%d.%02d%%", n/100, n%100)
}
