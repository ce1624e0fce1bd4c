package demo

import (
	"time"

	"shortbreaks/budgets"
	"shortbreaks/payments"
)

// family is a family of the demo.
type family struct {
	council  int // 0 or 1
	name     string
	subject  string // its parents sign in with this
	postcode string
	children []kid
}

// kid is a child with what may be spent for it.
type kid struct {
	name    string
	age     int
	reduced bool
	plan    string // one of the plans below
}

// families are twelve made-up families; one has two children, one a direct
// payment, one an allowance in hours.
var families = []family{
	{0, "Oakley", "family.oakley", "ZZ1 1AB", []kid{{"Sam", 9, false, "full"}, {"Rosa", 7, false, "activities"}}},
	{0, "Begum", "family.begum", "ZZ1 2GA", []kid{{"Amina", 12, true, "supportOnly"}}},
	{0, "Novak", "family.novak", "ZZ2 1AB", []kid{{"Jakub", 10, false, "directPayment"}}},
	{0, "Hughes", "family.hughes", "ZZ2 2HA", []kid{{"Megan", 14, false, "hours"}}},
	{0, "Ellis", "family.ellis", "ZZ3 1AD", []kid{{"Theo", 6, true, "activities"}}},
	{0, "Mensah", "family.mensah", "ZZ3 2FA", []kid{{"Ama", 11, false, "full"}}},
	{1, "Fletcher", "family.fletcher", "ZX1 1AB", []kid{{"Isla", 8, false, "full"}}},
	{1, "Kaur", "family.kaur", "ZX1 2GA", []kid{{"Arjan", 13, false, "activities"}}},
	{1, "Doyle", "family.doyle", "ZX2 1AB", []kid{{"Niamh", 15, true, "full"}}},
	{1, "Wright", "family.wright", "ZX2 2HA", []kid{{"Ben", 5, false, "activities"}}},
	{1, "Okafor", "family.okafor", "ZX3 1AD", []kid{{"Chidi", 10, false, "full"}}},
	{1, "Rowe", "family.rowe", "ZX3 2FA", []kid{{"Poppy", 16, false, "supportOnly"}}},
}

// money is an allocation of one stream, for a year.
type money struct {
	stream string
	unit   payments.Unit
	amount int64
}

// plan is a child's allocations and what its lines pay for.
type plan struct {
	money []money
	lines []budgets.NewPlanLine
}

const (
	activityCategories = "club holiday_scheme swimming play arts sport trip family_activity"
	pounds             = 100
)

// plans are the kinds of plan the demo's children have.
var plans = map[string]plan{
	// Two streams share the support, sixty to forty (T11).
	"full": {
		money: []money{{"social_care", payments.InPence, 2400 * pounds}, {"health", payments.InPence, 1200 * pounds}},
		lines: []budgets.NewPlanLine{
			line("Clubs and activities", "Friends and fun of one's own", activityCategories, "", budgets.Notional, payments.InPence, 1200*pounds, share("social_care", 1)),
			line("One-to-one support", "A break for everyone", "support_worker", "", budgets.Notional, payments.InPence, 1800*pounds, share("social_care", 60), share("health", 40)),
			line("Hydrotherapy and music", "Moving and being heard", "hydrotherapy music_therapy", "", budgets.Notional, payments.InPence, 600*pounds, share("health", 1)),
		},
	},
	"activities": {
		money: []money{{"social_care", payments.InPence, 1500 * pounds}, {"grant", payments.InPence, 300 * pounds}},
		lines: []budgets.NewPlanLine{
			line("Clubs and activities", "Friends and fun of one's own", activityCategories, "", budgets.Notional, payments.InPence, 1500*pounds, share("social_care", 5), share("grant", 1)),
		},
	},
	// The family pays the club; the council pays the help that makes it
	// possible; transport is paid by nobody's budget (T85).
	"supportOnly": {
		money: []money{{"social_care", payments.InPence, 1800 * pounds}},
		lines: []budgets.NewPlanLine{
			line("Support to join in", "Going where friends go", "club support_worker", "support", budgets.Notional, payments.InPence, 1800*pounds, share("social_care", 1)),
		},
	},
	"directPayment": {
		money: []money{{"social_care", payments.InPence, 2600 * pounds}},
		lines: []budgets.NewPlanLine{
			line("A personal assistant", "Doing things without Mum", "support_worker", "", budgets.DirectPayment, payments.InPence, 2000*pounds, share("social_care", 1)),
			line("Clubs", "Friends and fun of one's own", activityCategories, "", budgets.DirectPayment, payments.InPence, 600*pounds, share("social_care", 1)),
		},
	},
	// Forty hours a year, whatever an hour costs the council (T86).
	"hours": {
		money: []money{{"social_care", payments.InMinutes, 40 * 60}},
		lines: []budgets.NewPlanLine{
			line("Forty hours of short breaks", "A break for everyone", "", "", budgets.Notional, payments.InMinutes, 40*60, share("social_care", 1)),
		},
	},
}

func share(stream string, weight int64) budgets.Share {
	return budgets.Share{Stream: stream, Weight: weight}
}

func line(description, outcome, categories, kinds, option string, unit payments.Unit, limit int64, shares ...budgets.Share) budgets.NewPlanLine {
	return budgets.NewPlanLine{
		PlanType: "ehc", Description: description, Outcome: outcome, Categories: words(categories), PaysKinds: words(kinds),
		ManagementOption: option, Unit: unit, Shares: shares, LimitAmount: limit,
	}
}

// born is the date of birth that makes a child so old today, some days ago.
func born(today time.Time, age, daysAgo int) time.Time {
	return today.AddDate(-age, 0, -daysAgo)
}
