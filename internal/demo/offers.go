package demo

import (
	"time"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// house is a provider of the demo and what it sells.
type house struct {
	name, slug string
	staff      int
	setting    marketplace.SettingDraft
	offers     []spec
}

// spec is an offer in few words; draft makes it whole.
type spec struct {
	title, summary, category, route string
	ages                            [2]int
	children                        int  // a member of staff for so many
	request                         bool // the provider accepts; else confirmed at once
	care                            bool // personal care is part of it
	unit                            string
	pence                           shortbreaks.Pence
	subsidy                         shortbreaks.Pence // what grants already bear of the full cost
	reduced                         shortbreaks.Pence // a reduced rate; 0 is none
	cap                             shortbreaks.Pence // the most one line costs; 0 is none
	support                         shortbreaks.Pence // optional 1:1 support an hour
	transport                       shortbreaks.Pence // optional, each way counted
	withChild                       int               // minutes with the child in a charged hour, if fewer
	terms                           tariff.Terms
	days                            []int  // ISO weekdays
	from, to                        string // wall time
	places                          int    // in a session; for support by the hour, workers
	weeks                           int    // how long the sessions run; 12 if 0
	in                              int    // days from the first day of the world until they start; 10 if 0
}

// The cancellation terms the demo's providers use.
var (
	twoDays = tariff.Terms{FreeUntilHours: 48, LateFeePercent: 100}
	oneDay  = tariff.Terms{FreeUntilHours: 24, LateFeePercent: 50}
	oneWeek = tariff.Terms{FreeUntilHours: 168, LateFeePercent: 100}
	never   = tariff.Terms{FreeUntilHours: 0, LateFeePercent: 0}
)

// houses are twelve made-up providers. Their prices, lengths and conditions
// are ones really charged in England between 2008 and 2025.
var houses = []house{
	{"Bridgeway Support", "bridgeway", 40, marketplace.SettingDraft{Name: "Bridgeway office", Postcode: "ZZ1 1AA"}, []spec{
		{
			title: "Support at home and out and about", summary: "A trained support worker of your own, one to one, for as long as you need.", category: "support_worker",
			route: "targeted", ages: [2]int{0, 18}, children: 1, request: true, unit: "hour", pence: 2500, terms: twoDays, days: []int{1, 2, 3, 4, 5, 6, 7}, from: "08:00", to: "20:00", places: 3,
		},
		{
			title: "Personal care at home", summary: "Washing, dressing, feeding and medication by staff of a registered agency.", category: "support_worker",
			route: "specialist", care: true, ages: [2]int{0, 18}, children: 1, request: true, unit: "hour", pence: 2471, terms: twoDays, days: []int{1, 2, 3, 4, 5, 6, 7}, from: "07:00", to: "21:00", places: 2,
		},
	}},
	{"Open Door Carers", "opendoor", 15, marketplace.SettingDraft{Name: "Open Door", Postcode: "ZZ2 1AA"}, []spec{
		{
			title: "Sitting service", summary: "Somebody kind and checked stays with your child while you go out.", category: "support_worker",
			route: "targeted", ages: [2]int{2, 18}, children: 1, unit: "hour", pence: 1100, terms: oneDay, days: []int{1, 2, 3, 4, 5, 6, 7}, from: "08:00", to: "22:00", places: 4,
		},
		{
			title: "Nursery nurse at home, three hours", summary: "A qualified nursery nurse plays and works with your child at home.", category: "play",
			route: "targeted", ages: [2]int{0, 7}, children: 1, unit: "session", pence: 3800, terms: oneDay, days: []int{2}, from: "13:00", to: "16:00", places: 2,
		},
	}},
	{"Ashmere Stars", "stars", 8, marketplace.SettingDraft{Name: "Ashmere Community Centre", Postcode: "ZZ1 2FA"}, []spec{
		{
			title: "Saturday activity club", summary: "Three hours of sport, cooking and crafts in a small group, with a quiet room.", category: "club",
			route: "targeted", ages: [2]int{5, 17}, children: 3, unit: "session", pence: 1000, reduced: 500, support: 1800, transport: 450, terms: twoDays, days: []int{6}, from: "10:00", to: "13:00", places: 12,
		},
		{
			title: "Saturday drop-in", summary: "Free at the door: soft play, music and company. Parents stay or go.", category: "club",
			route: "universal", ages: [2]int{3, 18}, children: 4, unit: "session", pence: 0, subsidy: 1042, terms: never, days: []int{6}, from: "14:00", to: "16:00", places: 20,
		},
	}},
	{"Kingfisher Youth", "kingfisher", 6, marketplace.SettingDraft{Name: "Kingfisher Hall", Postcode: "ZZ2 2GA"}, []spec{
		{
			title: "Saturday youth club by the quarter", summary: "A group of friends that stays together: games, trips and a say in the plan.", category: "club",
			route: "targeted", ages: [2]int{8, 18}, children: 4, unit: "quarter", pence: 15600, subsidy: 3900, terms: oneWeek, days: []int{6}, from: "10:00", to: "13:00", places: 10, weeks: 13,
		},
		{
			title: "Wednesday youth club", summary: "An evening club with a kitchen, a stage and a garden.", category: "club",
			route: "targeted", ages: [2]int{11, 18}, children: 4, request: true, unit: "session", pence: 800, terms: twoDays, days: []int{3}, from: "17:30", to: "19:30", places: 10,
		},
	}},
	{"Lakeside Pool", "lakeside", 12, marketplace.SettingDraft{Name: "Lakeside Pool", Postcode: "ZZ1 3LA"}, []spec{
		{
			title: "Structured swimming", summary: "A lesson for six, with a hoist, a changing place and two teachers.", category: "swimming",
			route: "targeted", ages: [2]int{4, 18}, children: 3, unit: "session", pence: 450, subsidy: 600, terms: oneDay, days: []int{7}, from: "09:00", to: "09:45", places: 6,
		},
		{
			title: "Hydrotherapy half hour", summary: "Warm water and a physiotherapist's plan. Carers come in free.", category: "hydrotherapy",
			route: "specialist", ages: [2]int{0, 25}, children: 1, unit: "session", pence: 950, reduced: 430, terms: oneDay, days: []int{2, 4}, from: "15:30", to: "16:00", places: 4,
		},
	}},
	{"Well Water", "wellwater", 5, marketplace.SettingDraft{Name: "Well Water Pool", Postcode: "ZZ3 1AA"}, []spec{
		{
			title: "Hydrotherapy session", summary: "Forty-five minutes in warm water with your own carer.", category: "hydrotherapy",
			route: "specialist", ages: [2]int{0, 25}, children: 1, unit: "session", pence: 1200, terms: oneDay, days: []int{1, 5}, from: "11:00", to: "11:45", places: 5,
		},
		{
			title: "Family hydrotherapy", summary: "The pool for families on Sunday mornings.", category: "hydrotherapy",
			route: "targeted", ages: [2]int{0, 18}, children: 2, unit: "session", pence: 700, terms: oneDay, days: []int{7}, from: "10:00", to: "10:45", places: 6,
		},
	}},
	{"Bright Days", "brightdays", 18, marketplace.SettingDraft{Name: "Millbrook School", Postcode: "ZZ3 1AB"}, []spec{
		{
			title: "Holiday play scheme, by the day", summary: "A full day of activities, six children to two staff.", category: "holiday_scheme",
			route: "targeted", ages: [2]int{4, 19}, children: 3, unit: "day", pence: 500, subsidy: 4200, terms: twoDays, days: []int{1, 2, 3, 4, 5}, from: "10:00", to: "15:00", places: 16, weeks: 2, in: 50,
		},
		{
			title: "Holiday club, by the week", summary: "Monday to Friday in the holidays, 9 to 4.", category: "holiday_scheme",
			route: "universal", ages: [2]int{5, 14}, children: 6, unit: "week", pence: 14770, terms: oneWeek, days: []int{1, 2, 3, 4, 5}, from: "09:00", to: "16:00", places: 20, weeks: 1, in: 50,
		},
		{
			title: "Long holiday day", summary: "From breakfast to tea, for working parents.", category: "holiday_scheme",
			route: "universal", ages: [2]int{4, 14}, children: 6, unit: "day", pence: 3500, terms: twoDays, days: []int{1, 2, 3, 4, 5}, from: "08:00", to: "17:30", places: 12, weeks: 2, in: 50,
		},
	}},
	{"Millbrook After School", "millbrook", 7, marketplace.SettingDraft{Name: "Millbrook School", Postcode: "ZX1 1AA"}, []spec{
		{
			title: "After-school club with tea", summary: "Homework, play and a hot tea until six.", category: "club",
			route: "universal", ages: [2]int{4, 12}, children: 8, unit: "session", pence: 1000, terms: oneDay, days: []int{1, 2, 3, 4}, from: "15:15", to: "18:00", places: 24,
		},
		{
			title: "After-school hour", summary: "A quieter hour and a quarter, without tea.", category: "club",
			route: "universal", ages: [2]int{4, 12}, children: 8, unit: "session", pence: 375, terms: oneDay, days: []int{1, 2, 3, 4}, from: "15:15", to: "16:30", places: 12,
		},
		{
			title: "Breakfast club", summary: "Toast, fruit and a calm start before school.", category: "club",
			route: "universal", ages: [2]int{4, 12}, children: 8, unit: "session", pence: 450, terms: oneWeek, days: []int{1, 2, 3, 4, 5}, from: "07:30", to: "09:00", places: 20,
		},
	}},
	{"Tune In Music Therapy", "tunein", 2, marketplace.SettingDraft{Name: "Tune In studio", Postcode: "ZX1 2FA"}, []spec{
		{
			title: "Music therapy", summary: "Half an hour of music together; the other half is preparing, notes and talking with you.", category: "music_therapy",
			route: "specialist", ages: [2]int{2, 25}, children: 1, unit: "hour", pence: 4800, withChild: 30, terms: oneWeek, days: []int{1, 2, 3, 4}, from: "09:00", to: "17:00", places: 1,
		},
		{
			title: "Choir for everyone", summary: "Singing and signing on Thursday evenings.", category: "arts",
			route: "universal", ages: [2]int{7, 25}, children: 6, unit: "term", pence: 9600, terms: oneWeek, days: []int{4}, from: "18:00", to: "19:00", places: 15,
		},
	}},
	{"Wide Horizons", "horizons", 9, marketplace.SettingDraft{Name: "Wide Horizons base", Postcode: "ZX2 1AA"}, []spec{
		{
			title: "Theme park day", summary: "A minibus, enough staff and a pass for the queues. Families pay at most £15.", category: "trip",
			route: "targeted", ages: [2]int{8, 18}, children: 2, unit: "item", pence: 2400, cap: 1500, reduced: 750, terms: oneWeek, days: []int{7}, from: "09:00", to: "17:00", places: 14, weeks: 4, in: 35,
		},
		{
			title: "Outdoor Sundays", summary: "Canoes, fires and dens with one helper to two children.", category: "sport",
			route: "targeted", ages: [2]int{8, 18}, children: 2, request: true, unit: "half_day", pence: 2400, subsidy: 1100, terms: twoDays, days: []int{7}, from: "10:00", to: "14:00", places: 8,
		},
	}},
	{"Hannah Price, personal assistant", "hannah", 1, marketplace.SettingDraft{Name: "At your home", Postcode: "ZX2 2FA"}, []spec{
		{
			title: "Personal assistant", summary: "I am self-employed, trained in epilepsy care and drive my own car.", category: "support_worker",
			route: "targeted", ages: [2]int{3, 25}, children: 1, request: true, unit: "hour", pence: 2300, terms: twoDays, days: []int{1, 3, 5, 6}, from: "09:00", to: "19:00", places: 1,
		},
		{
			title: "Personal assistant, direct payment rate", summary: "Regular hours at the rate the council's direct payment is worked out on.", category: "support_worker",
			route: "targeted", ages: [2]int{3, 25}, children: 1, unit: "hour", pence: 1452, terms: twoDays, days: []int{1, 3, 5, 6}, from: "09:00", to: "19:00", places: 1,
		},
	}},
	{"Brackenvale Short Breaks", "brackenvale-sb", 30, marketplace.SettingDraft{Name: "The Bracken House", Postcode: "ZX3 1AA"}, []spec{
		{
			title: "Council holiday play scheme", summary: "The council's own scheme, with places for wheelchair users.", category: "holiday_scheme",
			route: "targeted", ages: [2]int{4, 18}, children: 3, unit: "day", pence: 2400, subsidy: 1800, terms: twoDays, days: []int{1, 2, 3, 4, 5}, from: "09:30", to: "15:30", places: 15, weeks: 2, in: 50,
		},
		{
			title: "Complex needs support", summary: "Two trained staff on call, one with your child, for children with complex health needs.", category: "support_worker",
			route: "specialist", care: true, ages: [2]int{0, 18}, children: 1, request: true, unit: "hour", pence: 3600, terms: twoDays, days: []int{1, 2, 3, 4, 5, 6, 7}, from: "08:00", to: "20:00", places: 2,
		},
	}},
}

// draft is the whole offer, its sessions from the first fitting weekday some
// days after the world's first day.
func (h house) draft(s spec, today time.Time) marketplace.OfferDraft {
	d := marketplace.OfferDraft{
		Setting: &h.setting, Title: s.title, Summary: s.summary, Category: s.category, AccessRoute: s.route, AgeFrom: s.ages[0], AgeTo: s.ages[1],
		RatioStaff: 1, RatioChildren: s.children, Instant: !s.request, Terms: s.terms, Tariff: s.tariff(h.staff < 3),
		Content: s.content(),
	}
	if s.unit == "hour" {
		d.Visits = &marketplace.VisitRules{
			Days: s.days, From: s.from, To: s.to, MinimumMinutes: 60, MaximumMinutes: 480, StepMinutes: 15,
			BufferBeforeMinutes: 15, BufferAfterMinutes: 15,
		}
		for n := range s.places {
			d.Visits.Lanes = append(d.Visits.Lanes, marketplace.LaneDraft{Label: "Worker " + string(rune('A'+n))})
		}
		return d
	}
	weeks, in := s.weeks, s.in
	if weeks == 0 {
		weeks = 12
	}
	if in == 0 {
		in = 10
	}
	first := onWeekday(today.AddDate(0, 0, in), s.days[0])
	d.Sessions = &marketplace.SessionSeries{
		FirstDate: first, LastDate: first.AddDate(0, 0, 7*weeks-1), Weekdays: s.days, From: s.from, To: s.to, Capacity: s.places,
	}
	switch s.unit {
	case "week", "term", "quarter":
		d.Sessions.Bundle = &marketplace.BundleDraft{Name: "The " + s.unit + " from " + first.Format("2 January"), Unit: s.unit}
	}
	return d
}

// onWeekday is the first such ISO weekday on or after a date.
func onWeekday(date time.Time, iso int) time.Time {
	for int(date.Weekday()+6)%7+1 != iso {
		date = date.AddDate(0, 0, 1)
	}
	return date
}

// content is what the offer says of itself; whether care is personal is the
// spec's to say, since credentials hang on it.
func (s spec) content() marketplace.Content {
	c := contents[s.title].content()
	c.PersonalCare = s.care
	return c
}

// tariff is the price, and the reduced one if there is one, each costed.
func (s spec) tariff(small bool) tariff.Tariff {
	billed := "booked"
	if s.unit == "hour" {
		billed = "attended"
	}
	full := tariff.Option{Name: "Standard", WhoMayUse: "anyone", PaymentTiming: "arrears", BilledOn: billed}
	full.Charges = append(full.Charges, s.charge(s.pence, s.cap, s.subsidy, small))
	if s.support > 0 {
		full.Charges = append(full.Charges, tariff.Charge{
			Kind: "support", Basis: "per_child", Unit: "hour", When: "planned", Optional: true, AmountPence: s.support, StepMinutes: 15, StepMode: "up",
			VAT: "exempt", Components: costed(s.support, 0, small),
		})
	}
	if s.transport > 0 {
		full.Charges = append(full.Charges, tariff.Charge{
			Kind: "transport", Basis: "per_child", Unit: "item", When: "planned", Optional: true, AmountPence: s.transport,
			VAT: "exempt", Components: []tariff.Component{{Kind: "transport", AmountPence: s.transport}},
		})
	}
	t := tariff.Tariff{Options: []tariff.Option{full}}
	if s.reduced > 0 {
		low := full
		low.Name, low.WhoMayUse = "Reduced rate", "reduced_rate"
		low.Charges = append([]tariff.Charge{s.charge(s.reduced, 0, s.pence-s.reduced+s.subsidy, small)}, full.Charges[1:]...)
		t.Options = append(t.Options, low)
	}
	return t
}

// charge is the offer's own line.
func (s spec) charge(pence, most, subsidy shortbreaks.Pence, small bool) tariff.Charge {
	c := tariff.Charge{
		Kind: "place", Basis: "per_child", Unit: s.unit, When: "planned", AmountPence: pence, VAT: "exempt",
		IncludesMinutesWithChild: s.withChild, Components: costed(pence, subsidy, small),
	}
	if s.unit == "hour" {
		c.Kind, c.MinimumMinutes, c.StepMinutes, c.StepMode = "support", 60, 15, "up"
	}
	if most > 0 {
		c.CapPence = &most
	}
	return c
}

// costed shares the full cost over what it is made of, to the penny; grants
// stand below it as a subsidy (donations never sit in a price). A provider of one or two people
// need not show a wage (R136).
func costed(pence, subsidy shortbreaks.Pence, small bool) []tariff.Component {
	full := int64(pence + subsidy)
	kinds, weights := []string{"staff", "on_costs", "premises", "overhead"}, []int64{58, 12, 18, 12}
	if small {
		kinds, weights = []string{"staff", "materials"}, []int64{92, 8}
	}
	var list []tariff.Component
	for i, part := range shortbreaks.Split(full, weights) {
		list = append(list, tariff.Component{Kind: kinds[i], AmountPence: shortbreaks.Pence(part)})
	}
	if subsidy > 0 {
		list = append(list, tariff.Component{Kind: "subsidy", AmountPence: -subsidy, Note: "Grants"})
	}
	return list
}
