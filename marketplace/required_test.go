package marketplace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// shipped are the rules of the migration.
func (s *stall) shipped() (rules []marketplace.CredentialRule, ratios []marketplace.RatioRule) {
	s.t.Helper()
	require.NoError(s.t, s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		rules, ratios, err = marketplace.ReadRules(s.ctx, tx)
		return err
	}))
	return rules, ratios
}

func kindsOf(list []marketplace.Requirement) (kinds []string) {
	for _, q := range list {
		kinds = append(kinds, q.Kind)
	}
	return kinds
}

// What L12 and L13 ask for, one step to each side of each edge.
func TestL12L13_WhichCredentialsAnActivityNeeds(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rules, _ := s.shipped()
	today := date("2027-01-04")
	club := marketplace.Facts{Category: "club", AgeFrom: 0, AgeTo: 25, DayMinutes: 180, Frequent: true, RatioStaff: 1, RatioChildren: 3}
	with := func(f marketplace.Facts, change func(*marketplace.Facts)) marketplace.Facts {
		change(&f)
		return f
	}
	short := with(club, func(f *marketplace.Facts) { f.DayMinutes = 120 })
	justOver := with(club, func(f *marketplace.Facts) { f.DayMinutes = 121 })
	once := with(club, func(f *marketplace.Facts) { f.Frequent = false })
	onceAtNight := with(once, func(f *marketplace.Facts) { f.Overnight = true })
	onceWithCare := with(once, func(f *marketplace.Facts) { f.PersonalCare = true })
	visits := with(club, func(f *marketplace.Facts) { f.Category, f.DayMinutes = "support_worker", 480 })
	care := with(visits, func(f *marketplace.Facts) { f.PersonalCare = true })
	night := with(club, func(f *marketplace.Facts) { f.Category, f.Overnight, f.DayMinutes = "overnight", true, 720 })
	camp := with(onceAtNight, func(f *marketplace.Facts) { f.Category = "holiday_scheme" })
	swimming := with(club, func(f *marketplace.Facts) { f.Category, f.DayMinutes = "swimming", 45 })
	const ofsted, cqc, dbs, insured, safe, aid, lift = "ofsted", "cqc", "dbs_enhanced", "insurance_public_liability", "safeguarding_training", "first_aid", "manual_handling"
	for _, c := range []struct {
		name  string
		facts marketplace.Facts
		age   int
		want  []string
	}{
		{"a club of three hours at 7", club, 7, []string{dbs, aid, insured, ofsted, safe}},
		{"the same at 8", club, 8, []string{dbs, aid, insured, safe}},
		{"two hours at 7", short, 7, []string{dbs, aid, insured, safe}},
		{"a minute over two hours at 7", justOver, 7, []string{dbs, aid, insured, ofsted, safe}},
		{"at 17", club, 17, []string{dbs, aid, insured, safe}},
		{"at 18 it is work with adults", club, 18, []string{aid, insured}},
		{"now and then", once, 12, []string{aid, insured}},
		{"now and then, but by night", onceAtNight, 12, []string{dbs, aid, insured}},
		{"personal care even once", onceWithCare, 12, []string{dbs, aid, insured, lift}},
		{"visits", visits, 3, []string{dbs, insured, safe}},
		{"visits with personal care", care, 3, []string{cqc, dbs, insured, lift, safe}},
		{"personal care of an adult", care, 20, []string{cqc, dbs, insured, lift}},
		{"an overnight stay at 17", night, 17, []string{dbs, aid, insured, ofsted, safe}},
		{"an overnight stay at 18", night, 18, []string{aid, insured}},
		{"a residential holiday at 15", camp, 15, []string{dbs, aid, insured, ofsted}},
		{"swimming at 5", swimming, 5, []string{dbs, aid, insured, safe}},
	} {
		list := marketplace.Required(rules, c.facts, c.age, today)
		require.ElementsMatch(t, c.want, kindsOf(list), c.name)
		for _, q := range list {
			require.NotEmpty(t, q.Words, c.name)
			require.Equal(t, 1, q.Needed, c.name)
		}
	}
	pair := with(club, func(f *marketplace.Facts) { f.RatioStaff = 2 })
	for _, q := range marketplace.Required(rules, pair, 9, today) {
		want := 1
		if q.Kind == dbs {
			want = 2
		}
		require.Equal(t, want, q.Needed, "each of two workers is checked: %s", q.Kind)
	}
	all := marketplace.RequiredOfAll(rules, with(club, func(f *marketplace.Facts) { f.AgeFrom, f.AgeTo = 5, 12 }), today)
	for _, q := range all {
		if q.Kind == ofsted {
			require.Equal(t, []int{5, 7}, []int{q.AgeFrom, q.AgeTo})
			require.Contains(t, q.Words, "under 8 for more than two hours a day")
			require.Equal(t, "L12", q.Basis)
		}
	}
}

func TestARuleCountsFromItsDayToItsDay(t *testing.T) {
	t.Parallel()
	last := date("2027-03-31")
	rules := []marketplace.CredentialRule{
		{Code: "a", StartsOn: date("2027-01-10"), EndsOn: &last, AgeTo: 25, Kind: "food_hygiene", Holders: "one", Words: "From then to then."},
	}
	facts := marketplace.Facts{Category: "club", AgeTo: 25}
	for on, want := range map[string]int{"2027-01-09": 0, "2027-01-10": 1, "2027-03-31": 1, "2027-04-01": 0} {
		require.Len(t, marketplace.Required(rules, facts, 9, date(on)), want, on)
	}
}

func TestRatiosAreRequiredOfTheEarlyYearsAndAdvisedLater(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rules, ratios := s.shipped()
	today := date("2027-01-04")
	for _, c := range []struct {
		name                      string
		from, to, staff, children int
		minutes                   int
		binding, advice           []bool // met or not
	}{
		{"babies, one to three", 0, 1, 1, 3, 180, []bool{true}, nil},
		{"babies, one to four", 0, 1, 1, 4, 180, []bool{false}, nil},
		{"two-year-olds, one to five", 2, 2, 1, 5, 180, []bool{true}, nil},
		{"two-year-olds, one to six", 2, 2, 1, 6, 180, []bool{false}, nil},
		{"threes and fours, one to eight", 3, 4, 1, 8, 180, []bool{true}, []bool{false}},
		{"threes and fours, two to seventeen", 3, 4, 2, 17, 180, []bool{false}, []bool{false}},
		{"two hours is not registered", 0, 1, 1, 9, 120, nil, nil},
		{"from 5 it is advice", 5, 17, 1, 8, 180, nil, []bool{false, true, true}},
	} {
		facts := marketplace.Facts{Category: "club", AgeFrom: c.from, AgeTo: c.to, DayMinutes: c.minutes, RatioStaff: c.staff, RatioChildren: c.children}
		var binding, advice []bool
		for _, f := range marketplace.Ratios(ratios, rules, facts, today) {
			if f.Rule.Binding {
				binding = append(binding, f.Met)
			} else {
				advice = append(advice, f.Met)
			}
		}
		require.Equal(t, c.binding, binding, c.name)
		require.Equal(t, c.advice, advice, c.name)
	}
}

// The facts the rules look at are worked out from the sessions.
func TestFactsComeFromTheSessions(t *testing.T) {
	t.Parallel()
	club := marketplace.Offer{Category: "club", AgeFrom: 5, AgeTo: 16, RatioStaff: 1, RatioChildren: 3}
	on := func(from, to string) marketplace.Stretch {
		return marketplace.Stretch{StartsAt: at(from), EndsAt: at(to)}
	}
	days := func(list ...string) (all []marketplace.Stretch) {
		for _, d := range list {
			all = append(all, on(d+"T10:00", d+"T13:00"))
		}
		return all
	}
	f := marketplace.FactsOf(club, []marketplace.Stretch{on("2027-01-09T09:00", "2027-01-09T10:00"), on("2027-01-09T12:00", "2027-01-09T13:30"), on("2027-01-16T09:00", "2027-01-16T11:00")})
	require.Equal(t, 150, f.DayMinutes, "the longest day, both its sessions")
	require.False(t, f.Frequent)
	require.False(t, f.Overnight)
	require.False(t, marketplace.FactsOf(club, days("2027-01-01", "2027-01-11", "2027-01-21", "2027-01-31")).Frequent, "four days in thirty-one")
	require.True(t, marketplace.FactsOf(club, days("2027-01-01", "2027-01-11", "2027-01-21", "2027-01-30")).Frequent, "four days in thirty")
	for _, c := range []struct {
		from, to string
		night    bool
	}{
		{"2027-01-09T20:00", "2027-01-10T02:00", false},
		{"2027-01-09T20:00", "2027-01-10T02:01", true},
		{"2027-01-10T06:00", "2027-01-10T08:00", false},
		{"2027-01-10T05:59", "2027-01-10T08:00", true},
	} {
		require.Equal(t, c.night, marketplace.FactsOf(club, []marketplace.Stretch{on(c.from, c.to)}).Overnight, c.from)
	}
	for _, c := range []struct {
		from, to string
		night    bool
	}{{"08:00", "20:00", false}, {"20:00", "02:00", false}, {"20:00", "08:00", true}, {"05:00", "12:00", true}, {"06:00", "23:00", false}} {
		visits := club
		visits.Visits = &marketplace.VisitRules{From: c.from, To: c.to, MaximumMinutes: 480}
		f := marketplace.FactsOf(visits, nil)
		require.Equal(t, c.night, f.Overnight, c)
		require.True(t, f.Frequent)
		require.Equal(t, 480, f.DayMinutes)
	}
}

func TestCoverCountsEachHolderOnceOnEachDay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	provider := s.owner.Providers[0]
	jo, mo := marketplace.Worker{ID: s.owner.Person}, marketplace.Worker{ID: provider}
	gone := date("2027-04-30")
	mo.LeftOn = &gone
	day := func(text string) *time.Time { d := date(text); return &d }
	level, workforce, adult := "enhanced_with_barred_list", "child", "adult"
	aid := func(w marketplace.Worker, from string, to *time.Time) marketplace.Credential {
		return marketplace.Credential{Kind: "first_aid", WorkerID: &w.ID, IssuedOn: date(from), ExpiresOn: to}
	}
	withdrawn := aid(jo, "2020-01-01", nil)
	withdrawn.WithdrawnAt = day("2026-01-01")
	cover := marketplace.CoverOf(provider, []marketplace.Credential{
		aid(jo, "2027-01-01", day("2027-03-31")), aid(jo, "2027-03-01", day("2027-12-31")), aid(mo, "2027-02-01", nil), withdrawn,
		{Kind: "ofsted", IssuedOn: date("2027-01-01"), ExpiresOn: day("2027-01-31")},
		{Kind: "ofsted", IssuedOn: date("2027-02-02")},
		{Kind: "dbs_enhanced", WorkerID: &jo.ID, IssuedOn: date("2027-01-01"), DBSLevel: &level, DBSWorkforce: &adult},
		{Kind: "dbs_enhanced", WorkerID: &mo.ID, IssuedOn: date("2027-01-01"), DBSLevel: &level, DBSWorkforce: &workforce},
	}, []marketplace.Worker{jo, mo})
	type row struct {
		kind, from, to string
		n              int
	}
	var got []row
	for _, c := range cover {
		r := row{c.Kind, c.StartsOn.Format(time.DateOnly), "", c.Holders}
		if c.EndsOn != nil {
			r.to = c.EndsOn.Format(time.DateOnly)
		}
		got = append(got, r)
	}
	require.Equal(t, []row{
		{"ofsted", "2027-01-01", "2027-01-31", 1},
		{"ofsted", "2027-02-02", "", 1},                 // 1 February is not covered
		{"dbs_enhanced", "2027-01-01", "2027-04-30", 1}, // work with adults does not count, nor does one who left
		{"first_aid", "2027-01-01", "2027-01-31", 1},
		{"first_aid", "2027-02-01", "2027-02-28", 2},
		{"first_aid", "2027-03-01", "2027-03-31", 2}, // a renewal is the same holder
		{"first_aid", "2027-04-01", "2027-04-30", 2},
		{"first_aid", "2027-05-01", "2027-12-31", 1},
	}, got)
}
