package marketplace_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// codes are the reasons of an answer.
func codes(c marketplace.Compared) (all []string) {
	for _, r := range c.Reasons {
		all = append(all, r.Code)
	}
	return all
}

func saidOf(c marketplace.Compared, code string) string {
	for _, r := range c.Reasons {
		if r.Code == code {
			return r.Words
		}
	}
	return ""
}

func TestAChosenOfferThatCannotServeSaysEveryReason(t *testing.T) {
	t.Parallel()
	s := setup(t)
	each := tariffOf(option("Each", charge("place", "session", 1200)))
	make := func(title string, change func(*marketplace.OfferDraft)) *marketplace.OfferDetail {
		d := club(each)
		d.Title = title
		if change != nil {
			change(&d)
		}
		return s.publish(s.owner, d)
	}
	fits := make("Fits", func(d *marketplace.OfferDraft) {
		d.RatioStaff, d.RatioChildren, d.Content.Needs, d.Content.AccessFeatures = 1, 1, []string{"autism"}, []string{"hoist"}
		d.Content.Included = []string{"A snack"}
	})
	same := func(change func(*marketplace.OfferDraft)) func(*marketplace.OfferDraft) {
		return func(d *marketplace.OfferDraft) {
			d.RatioStaff, d.RatioChildren, d.Content.Needs, d.Content.AccessFeatures = 1, 1, []string{"autism"}, []string{"hoist"}
			change(d)
		}
	}
	visit := func(title string, change func(*marketplace.OfferDraft)) *marketplace.OfferDetail {
		d := support(hourly())
		d.Title, d.Category, d.Content.Needs, d.Content.AccessFeatures = title, "club", []string{"autism"}, []string{"hoist"}
		d.Setting = &marketplace.SettingDraft{Name: "Willow Hall", Postcode: "ZZ1 1AA"}
		change(&d)
		return s.publish(s.owner, d)
	}
	full := make("Full", same(func(*marketplace.OfferDraft) {}))
	_, err := s.admin.Exec(s.ctx, `UPDATE session_places p SET taken = capacity FROM session e WHERE e.id = p.session_id AND e.offer_id = $1`, full.Offer.ID)
	require.NoError(t, err)
	quarter := bundled(club(tariffOf(option("Quarter", charge("place", "quarter", 15600)))), "quarter")
	quarter.Title = "Full quarter"
	same(func(*marketplace.OfferDraft) {})(&quarter)
	whole := s.publish(s.owner, quarter)
	_, err = s.admin.Exec(s.ctx, `UPDATE session_places p SET taken = capacity FROM session e
		WHERE e.id = p.session_id AND e.offer_id = $1 AND e.local_start LIKE '2027-03-20%'`, whole.Offer.ID)
	require.NoError(t, err)
	busy := visit("Nobody free", func(*marketplace.OfferDraft) {})
	_, err = s.admin.Exec(s.ctx, `INSERT INTO lane_claim (provider_id, id, lane_id, item_id, during)
		SELECT provider_id, gen_random_uuid(), lane_id, gen_random_uuid(), tstzrange('2027-01-01', '2027-12-31') FROM offer_lane WHERE offer_id = $1`, busy.Offer.ID)
	require.NoError(t, err)
	shut := visit("Shut", func(d *marketplace.OfferDraft) { d.Setting.Name = "Shut Hall" })
	_, err = marketplace.CreateClosure(s.ctx, s.d, s.owner, marketplace.NewClosure{
		SettingID: &shut.Setting.ID, StartsOn: date("2027-01-05"), EndsOn: date("2027-12-31"), Reason: "The roof is mended.",
	})
	require.NoError(t, err)
	paused := make("Paused", nil)
	_, err = marketplace.PauseOffer(s.ctx, s.d, s.owner, paused.Offer.ID)
	require.NoError(t, err)
	horizon := 3

	offers := []struct {
		made *marketplace.OfferDetail
		want []string
	}{
		{fits, nil},
		{make("Older", same(func(d *marketplace.OfferDraft) { d.AgeFrom = 12 })), []string{"age"}},
		{make("Busy hall", same(func(d *marketplace.OfferDraft) { d.RatioChildren = 5 })), []string{"ratio"}},
		{make("Pool", same(func(d *marketplace.OfferDraft) { d.Category = "swimming" })), []string{"category"}},
		{make("No needs", same(func(d *marketplace.OfferDraft) { d.Content.Needs = nil })), []string{"needs"}},
		{make("No hoist", same(func(d *marketplace.OfferDraft) { d.Content.AccessFeatures = nil })), []string{"access_features"}},
		{make("Far", same(func(d *marketplace.OfferDraft) { d.Setting.Postcode = "ZX1 1AA" })), []string{"distance"}},
		{make("Sundays", same(func(d *marketplace.OfferDraft) { d.Sessions.Weekdays = []int{7} })), []string{"no_dates"}},
		{make("Afternoons", same(func(d *marketplace.OfferDraft) { d.Sessions.From, d.Sessions.To = "14:00", "17:00" })), []string{"other_times"}},
		{make("An hour", same(func(d *marketplace.OfferDraft) { d.Sessions.To = "11:00" })), []string{"other_times"}},
		{make("Long notice", same(func(d *marketplace.OfferDraft) { d.NoticeMinutes = 90 * 24 * 60 })), []string{"notice_too_short"}},
		{make("Short horizon", same(func(d *marketplace.OfferDraft) { d.HorizonDays = &horizon })), []string{"too_far_ahead"}},
		{full, []string{"full"}},
		{whole, []string{"full"}},
		{busy, []string{"full"}},
		{shut, []string{"closed"}},
		{paused, []string{"not_on_sale"}},
		{visit("Weekdays", func(d *marketplace.OfferDraft) { d.Visits.Days = []int{1, 2} }), []string{"other_times"}},
		{visit("Long visits", func(d *marketplace.OfferDraft) { d.Visits.MinimumMinutes = 240 }), []string{"other_length"}},
		{visit("Visit", func(*marketplace.OfferDraft) {}), nil},
		{make("Nothing right", func(d *marketplace.OfferDraft) {
			d.AgeFrom, d.Category, d.Setting.Postcode, d.Sessions.Weekdays, d.RatioChildren = 12, "swimming", "ZX1 1AA", []int{7}, 8
		}), []string{"age", "ratio", "category", "needs", "access_features", "distance", "no_dates"}},
	}
	nobody := shortbreaks.NewID()
	p := termSaturdays()
	age := 9
	p.Age, p.Category, p.Postcode, p.WithinKM, p.RatioStaff, p.RatioChildren = &age, "club", "ZZ1 1AA", 20, 1, 2
	p.Needs, p.AccessFeatures, p.OfferIDs = []string{"autism"}, []string{"hoist"}, []uuid.UUID{nobody}
	for _, o := range offers {
		p.OfferIDs = append(p.OfferIDs, o.made.Offer.ID)
	}
	got := s.compare(p)
	require.Len(t, got, len(p.OfferIDs))
	for _, o := range offers {
		c := got[o.made.Offer.ID]
		require.Equal(t, o.want, codes(c), "%s: %s", o.made.Offer.Title, c.CannotServe)
		if o.want == nil {
			require.True(t, c.Full)
		}
		require.Equal(t, o.want == nil, c.TotalPence > 0, o.made.Offer.Title)
		if len(o.want) == 1 && o.want[0] != "not_on_sale" {
			require.Equal(t, o.made.Offer.Title, c.Offer.Title)
		}
	}
	require.Equal(t, []string{"not_on_sale"}, codes(got[nobody]))
	c := got[fits.Offer.ID]
	require.Equal(t, []string{"A snack"}, c.Included)
	require.Equal(t, []tariff.SummedLine{{OptionName: "Each", Kind: "place", Unit: "session", Words: "11 Saturdays at £12.00: £132.00.", Pence: 13200, FullPence: 13200}}, c.Lines)
	words := func(n int, code string) string { return saidOf(got[offers[n].made.Offer.ID], code) }
	require.Equal(t, "It is for ages 12 to 16.", words(1, "age"))
	require.Equal(t, "It has 1 adult for 5 children; you asked for 1 to 2.", words(2, "ratio"))
	require.Equal(t, "It is of another kind: swimming.", words(3, "category"))
	require.Equal(t, "It does not say that it is fit for autism; ask the provider.", words(4, "needs"))
	require.Regexp(t, `^It is \d+\.\d km away; you asked for at most 20 km\.$`, words(6, "distance"))
	require.Equal(t, "There is nothing on any of these dates.", words(7, "no_dates"))
	require.Equal(t, "Book at least 2160 hours before the start. Choose a later one than Saturday 9 January 2027.", words(10, "notice_too_short"))
	require.Equal(t, "It is full on any of these dates.", saidOf(got[full.Offer.ID], "full"))
	require.Equal(t, "Spring quarter is sold whole, and a session of it is full.", saidOf(got[whole.Offer.ID], "full"))

	p.ChargeKinds = []string{"transport"}
	got = s.compare(p)
	require.Equal(t, []string{"no_price"}, codes(got[fits.Offer.ID]))
	require.Equal(t, "This offer has no transport to add.", got[fits.Offer.ID].CannotServe)
	require.Equal(t, []string{"full"}, codes(got[full.Offer.ID]), "what cannot be had is not priced")
}

func TestAChosenOfferSaysThatItIsOverOrThatACredentialIsMissing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, lapsed := s.filed(map[string]string{"insurance_public_liability": "2027-01-10"}, plainClub())
	quarter := bundled(plainClub(), "quarter")
	quarter.Tariff = tariffOf(option("Quarter", charge("place", "quarter", 15600)))
	_, whole := s.filed(map[string]string{"insurance_public_liability": "2027-03-20"}, quarter)
	plain := s.publish(s.owner, plainClub())
	p := aged(termSaturdays(), 9)
	p.StartsOn, p.Text, p.OfferIDs = date("2027-01-16"), "games garden", []uuid.UUID{lapsed.Offer.ID, whole.Offer.ID, plain.Offer.ID}
	got := s.compare(p)
	require.Equal(t, []string{"credential_lapsed"}, codes(got[lapsed.Offer.ID]))
	require.Contains(t, got[lapsed.Offer.ID].CannotServe, "has run out; it counts to Sunday 10 January 2027")
	require.Equal(t, []string{"credential_lapsed"}, codes(got[whole.Offer.ID]), "one date of a bundle is enough")
	require.Empty(t, codes(got[plain.Offer.ID]))
	p.Text = "swimming"
	require.Equal(t, []string{"text", "credential_lapsed"}, codes(s.compare(p)[lapsed.Offer.ID]))
	require.Equal(t, `It does not have the words "swimming".`, s.compare(p)[plain.Offer.ID].CannotServe)

	s.clock.Set(at("2027-03-27T11:00")) // the last session has begun
	p.Text = ""
	for _, o := range []*marketplace.OfferDetail{lapsed, whole, plain} {
		require.Equal(t, []string{"no_dates", "dates_passed"}, codes(s.compare(with27(p))[o.Offer.ID]), o.Offer.Title)
	}
}

// with27 asks for the last Saturday of the term and the one after it.
func with27(p marketplace.Pattern) marketplace.Pattern {
	p.StartsOn, p.EndsOn = date("2027-03-27"), date("2027-04-03")
	return p
}

// Whatever is asked, an offer that was chosen is answered once: with a price
// or with at least one reason, never with both. It is priced if and only if
// comparing everything would have priced it, and alike.
func TestAChosenOfferIsPricedOrHasAReason(t *testing.T) {
	t.Parallel()
	s := setup(t)
	r := rand.New(rand.NewPCG(18, 3)) //nolint:gosec // of no secret
	var ids []uuid.UUID
	for i := range 14 {
		ids = append(ids, s.publish(s.owner, someOffer(r, i)).Offer.ID)
	}
	_, lapsed := s.filed(map[string]string{"insurance_public_liability": "2027-02-01"}, plainClub())
	ids = append(ids, lapsed.Offer.ID)
	_, err := s.admin.Exec(s.ctx, `UPDATE session_places SET taken = capacity WHERE hashtext(session_id::text) % 3 = 0`)
	require.NoError(t, err)
	_, err = s.admin.Exec(s.ctx, `INSERT INTO lane_claim (provider_id, id, lane_id, item_id, during)
		SELECT provider_id, gen_random_uuid(), id, gen_random_uuid(), tstzrange('2027-01-20', '2027-02-20') FROM lane`)
	require.NoError(t, err)
	priced, refused, kinds := 0, 0, map[string]int{}
	for i := range 150 {
		s.clock.Set(start.Add(time.Duration(r.IntN(80*24)) * time.Hour))
		p := somePattern(r)
		free, err := marketplace.Compare(s.ctx, s.d, p)
		if err != nil { // all of its dates have passed
			continue
		}
		p.OfferIDs = ids
		got, err := marketplace.Compare(s.ctx, s.d, p)
		require.NoError(t, err)
		require.Len(t, got, len(ids))
		want := map[uuid.UUID]shortbreaks.Pence{}
		for _, c := range free {
			if c.CannotServe == "" {
				want[c.Offer.ID] = c.TotalPence
			}
		}
		seen := map[uuid.UUID]bool{}
		for _, c := range got {
			require.False(t, seen[c.Offer.ID])
			seen[c.Offer.ID] = true
			total, served := want[c.Offer.ID]
			require.Equal(t, served, len(c.Reasons) == 0, "pattern %d %+v: %+v", i, p, c)
			require.Equal(t, served, c.Occasions > 0)
			require.Equal(t, served, c.CannotServe == "")
			require.Equal(t, total, c.TotalPence)
			sum := shortbreaks.Pence(0)
			for _, l := range c.Lines {
				sum += l.Pence
			}
			require.Equal(t, total, sum, "the lines sum to the total")
			if served {
				priced++
			}
			for _, reason := range c.Reasons {
				refused++
				kinds[reason.Code]++
				require.NotEmpty(t, reason.Words)
				require.Contains(t, marketplace.ReasonCodes, reason.Code)
			}
		}
	}
	require.Greater(t, priced, 100)
	require.Greater(t, refused, 100)
	require.Greater(t, len(kinds), 9, "%v", kinds)
}

func someOffer(r *rand.Rand, i int) marketplace.OfferDraft {
	prices := []tariff.Tariff{
		tariffOf(option("Each", charge("place", "session", shortbreaks.Pence(500+r.IntN(1000))))),
		tariffOf(reduced(option("Reduced", charge("place", "session", 700)))),
	}
	d := club(prices[0])
	switch i % 5 {
	case 1:
		d.Tariff = prices[1]
		d.Tariff.Options = append(d.Tariff.Options, prices[0].Options...)
	case 2, 3:
		d = support(hourly())
		d.Visits.MinimumMinutes, d.Visits.Days = 60+60*r.IntN(3), []int{6, 1 + r.IntN(5)}
	case 4:
		d = bundled(club(tariffOf(option("Quarter", charge("place", "quarter", 15600)))), "quarter")
	}
	d.Title, d.AgeFrom, d.RatioChildren = fmt.Sprintf("Offer %d", i), 4+r.IntN(8), 1+r.IntN(4)
	if d.Visits == nil {
		d.Sessions.From, d.Sessions.To = fmt.Sprintf("%02d:00", 9+r.IntN(3)), fmt.Sprintf("%02d:00", 12+r.IntN(3))
	}
	if r.IntN(3) == 0 {
		d.NoticeMinutes = 24 * 60 * r.IntN(30)
	}
	if days := r.IntN(60); days > 30 {
		d.HorizonDays = &days
	}
	d.Setting = &marketplace.SettingDraft{Name: "Hall", Postcode: []string{"ZZ1 1AA", "ZZ2 1AA", "ZX1 1AA"}[r.IntN(3)]}
	return d
}

func somePattern(r *rand.Rand) marketplace.Pattern {
	p := termSaturdays()
	p.StartsOn = p.StartsOn.AddDate(0, 0, r.IntN(70))
	p.EndsOn = p.StartsOn.AddDate(0, 0, 6+r.IntN(30))
	p.Weekdays = []int{6}
	if r.IntN(4) == 0 {
		p.Weekdays = []int{1 + r.IntN(7)}
	}
	p.Minutes = 30 * (1 + r.IntN(8))
	p.From = ""
	if r.IntN(2) == 0 {
		p.From = fmt.Sprintf("%02d:00", 8+r.IntN(8))
	}
	if r.IntN(2) == 0 {
		age := 4 + r.IntN(12)
		p.Age = &age
	}
	if r.IntN(3) == 0 {
		p.RatioStaff, p.RatioChildren = 1, 1+r.IntN(3)
	}
	if r.IntN(3) == 0 {
		p.Postcode, p.WithinKM = "ZZ1 1AA", 1+r.IntN(40)
	}
	p.ReducedRate = r.IntN(2) == 0
	return p
}
