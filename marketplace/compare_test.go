package marketplace_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// termSaturdays is "3 hours every Saturday of this term": 11 dates.
func termSaturdays() marketplace.Pattern {
	return marketplace.Pattern{
		Weekdays: []int{6}, Minutes: 180, From: "10:00", StartsOn: date("2027-01-09"), EndsOn: date("2027-03-27"),
		Except: []time.Time{date("2027-02-20")},
	}
}

// three offers of the same Saturdays, each sold in its own way.
func three(t testing.TB) (s *stall, hours, each, whole *marketplace.OfferDetail) {
	s = setup(t)
	hours = s.publish(s.owner, support(hourly()))
	each = s.publish(s.owner, club(tariffOf(
		option("Standard", charge("place", "session", 1200)), reduced(option("Reduced rate", charge("place", "session", 800))))))
	quarter := bundled(club(tariffOf(option("Quarter", charge("place", "quarter", 15600)))), "quarter")
	quarter.Title = "Quarter club"
	whole = s.publish(s.owner, quarter)
	return s, hours, each, whole
}

func (s *stall) compare(p marketplace.Pattern) map[uuid.UUID]marketplace.Compared {
	s.t.Helper()
	all, err := marketplace.Compare(s.ctx, s.d, p)
	require.NoError(s.t, err)
	byOffer := map[uuid.UUID]marketplace.Compared{}
	for _, c := range all {
		byOffer[c.Offer.ID] = c
	}
	return byOffer
}

func TestT23_OnePatternIsPricedWhateverTheUnit(t *testing.T) {
	t.Parallel()
	s, hours, each, whole := three(t)
	got := s.compare(termSaturdays())
	require.Len(t, got, 3)

	byHour := got[hours.Offer.ID]
	require.Equal(t, shortbreaks.Pence(82500), byHour.TotalPence)
	require.Equal(t, pence(2500), byHour.ComparableRatePence)
	require.Equal(t, "11 Saturdays of 3 hours, 33 hours in all at £25.00 an hour: £825.00.", byHour.Explanation)
	require.Nil(t, byHour.PlacesLeft)

	bySession := got[each.Offer.ID]
	require.Equal(t, shortbreaks.Pence(13200), bySession.TotalPence)
	require.Equal(t, pence(400), bySession.ComparableRatePence)
	require.Equal(t, "11 Saturdays at £12.00: £132.00.", bySession.Explanation)
	require.Equal(t, 12, *bySession.PlacesLeft)

	byQuarter := got[whole.Offer.ID]
	require.Equal(t, shortbreaks.Pence(15600), byQuarter.TotalPence)
	require.Equal(t, pence(473), byQuarter.ComparableRatePence) // 15600 / 33 = 472.7
	require.Equal(t, "Spring quarter, 11 Saturdays: £156.00.", byQuarter.Explanation)
	for _, c := range got {
		require.True(t, c.Full)
		require.Empty(t, c.MissingDates)
		require.Equal(t, 11, c.Occasions)
		require.Equal(t, int64(11*180), c.ChildMinutes)
	}

	p := termSaturdays()
	p.ReducedRate = true
	cheaper := s.compare(p)[each.Offer.ID]
	require.Equal(t, "Reduced rate", cheaper.OptionName)
	require.Equal(t, shortbreaks.Pence(8800), cheaper.TotalPence)
	require.Equal(t, []tariff.Beaten{{OptionName: "Standard", TotalPence: 13200}}, cheaper.Beats)
}

func TestADateWithoutAPlaceOrAFreeWorkerIsMissing(t *testing.T) {
	t.Parallel()
	s, hours, each, whole := three(t)
	_, err := s.admin.Exec(s.ctx, `UPDATE session_places p SET taken = capacity FROM session e
		WHERE e.id = p.session_id AND e.local_start = '2027-01-16T10:00'`)
	require.NoError(t, err)
	for range 2 { // both lanes are busy half an hour after the visit would end: inside the buffer
		w := wish(hours, "2027-01-23T13:29", 60)
		got, err := s.claim(w, shortbreaks.NewID())
		require.NoError(t, err)
		require.True(t, got)
	}
	got := s.compare(termSaturdays())
	require.NotContains(t, got, whole.Offer.ID, "a bundle with a full session cannot be bought")
	bySession := got[each.Offer.ID]
	require.False(t, bySession.Full)
	require.Equal(t, []time.Time{date("2027-01-16")}, bySession.MissingDates)
	require.Equal(t, shortbreaks.Pence(12000), bySession.TotalPence)
	require.Equal(t, "10 Saturdays at £12.00: £120.00. It serves 10 of the 11 dates.", bySession.Explanation)
	byHour := got[hours.Offer.ID]
	require.Equal(t, []time.Time{date("2027-01-23")}, byHour.MissingDates)
	require.Equal(t, shortbreaks.Pence(75000), byHour.TotalPence)
}

func TestComparingMidTermPricesWhatIsLeft(t *testing.T) {
	t.Parallel()
	s, hours, each, whole := three(t)
	s.clock.Set(at("2027-01-30T10:00")) // the fourth Saturday has just begun
	got := s.compare(termSaturdays())
	for id, want := range map[uuid.UUID]shortbreaks.Pence{hours.Offer.ID: 7 * 7500, each.Offer.ID: 7 * 1200, whole.Offer.ID: 9927} {
		require.Equal(t, want, got[id].TotalPence) // 15600 x 7 / 11 = 9927.27
		require.Equal(t, 7, got[id].Occasions)
		require.Len(t, got[id].MissingDates, 4)
	}
	require.Contains(t, got[whole.Offer.ID].Explanation, "joining on the fifth date you pay for 7 of 11: £99.27")

	s.clock.Set(at("2027-03-28T00:00"))
	_, err := marketplace.Compare(s.ctx, s.d, termSaturdays())
	require.ErrorContains(t, err, "All of these dates have passed.")
}

func TestAnOfferIsComparedOnlyIfItCouldServe(t *testing.T) {
	t.Parallel()
	s, hours, each, whole := three(t)
	all := []uuid.UUID{hours.Offer.ID, each.Offer.ID, whole.Offer.ID}
	age := func(n int) *int { return &n }
	for name, c := range map[string]struct {
		change func(p *marketplace.Pattern)
		want   []uuid.UUID
	}{
		"as asked":              {func(*marketplace.Pattern) {}, all},
		"any time of the day":   {func(p *marketplace.Pattern) { p.From = "" }, all},
		"a little later":        {func(p *marketplace.Pattern) { p.From, p.Minutes = "11:00", 120 }, all},
		"past the session":      {func(p *marketplace.Pattern) { p.From = "10:05" }, all[:1]},
		"longer than a session": {func(p *marketplace.Pattern) { p.From, p.Minutes = "", 185 }, all[:1]},
		"Sundays":               {func(p *marketplace.Pattern) { p.Weekdays = []int{7} }, nil},
		"one to one":            {func(p *marketplace.Pattern) { p.RatioStaff, p.RatioChildren = 1, 1 }, all[:1]},
		"one to three":          {func(p *marketplace.Pattern) { p.RatioStaff, p.RatioChildren = 1, 3 }, all},
		"with transport":        {func(p *marketplace.Pattern) { p.ChargeKinds = []string{"transport"} }, nil},
		"seventeen":             {func(p *marketplace.Pattern) { p.Age = age(17) }, all[:1]},
		"near":                  {func(p *marketplace.Pattern) { p.Postcode, p.WithinKM = "ZZ1", 5 }, all[1:]},
		"by category":           {func(p *marketplace.Pattern) { p.Category = "support_worker" }, all[:1]},
		"by words":              {func(p *marketplace.Pattern) { p.Text = "quarter" }, all[2:]},
		"only these":            {func(p *marketplace.Pattern) { p.OfferIDs = all[1:2] }, all[1:2]},
	} {
		p := termSaturdays()
		c.change(&p)
		var ids []uuid.UUID
		got := s.compare(p)
		for _, id := range all {
			if _, ok := got[id]; ok {
				ids = append(ids, id)
			}
		}
		require.Equal(t, c.want, ids, name)
		require.Len(t, got, len(c.want), name)
	}
}

func TestTheCheaperWayToBuyIsTakenAndNamesTheOther(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, bundled(club(tariffOf(
		option("Each", charge("place", "session", 1200)), option("Term", charge("place", "term", 11000)))), "term"))
	c := s.compare(termSaturdays())[made.Offer.ID]
	require.Equal(t, "Term", c.OptionName)
	require.Equal(t, tariff.ByBundle, c.SoldBy)
	require.Equal(t, shortbreaks.Pence(11000), c.TotalPence)
	require.Equal(t, []tariff.Beaten{{OptionName: "Each", TotalPence: 13200}}, c.Beats)

	p := termSaturdays() // for two dates the bundle would be bought whole
	p.EndsOn = date("2027-01-16")
	c = s.compare(p)[made.Offer.ID]
	require.Equal(t, "Each", c.OptionName)
	require.Equal(t, shortbreaks.Pence(2400), c.TotalPence)
	require.Equal(t, []tariff.Beaten{{OptionName: "Term", TotalPence: 11000}}, c.Beats)
}

func TestComparisonPutsTheSoonestSuitableFirstNeverTheCheapest(t *testing.T) {
	t.Parallel()
	s := setup(t)
	add := func(title, from string, price shortbreaks.Pence, except ...time.Time) {
		draft := club(tariffOf(option("Each", charge("place", "session", price))))
		draft.Title, draft.Sessions.From = title, from
		draft.Sessions.Except = append(draft.Sessions.Except, except...)
		s.publish(s.owner, draft)
	}
	add("Late and free", "09:30", 0)
	add("Soon and dear", "09:00", 9000)
	add("Sooner, but not always", "08:00", 100, date("2027-03-27"))
	p := termSaturdays()
	p.From = ""
	all, err := marketplace.Compare(s.ctx, s.d, p)
	require.NoError(t, err)
	var titles []string
	for _, c := range all {
		titles = append(titles, c.Offer.Title)
	}
	require.Equal(t, []string{"Soon and dear", "Late and free", "Sooner, but not always"}, titles)
}

func TestAPatternThatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	p := marketplace.Pattern{Weekdays: []int{0}, Minutes: 5, From: "9", StartsOn: date("2027-02-01"), EndsOn: date("2027-01-01"), RatioStaff: 1, Category: "x", ChargeKinds: []string{"x"}}
	_, err := marketplace.Compare(s.ctx, s.d, p)
	require.ElementsMatch(t, []string{"/weekdays", "/minutes", "/from", "/category", "/charge_kinds/0", "/ratio", "/ends_on"}, fields(err))
	p = termSaturdays()
	p.EndsOn = p.StartsOn.AddDate(0, 0, 367)
	_, err = marketplace.Compare(s.ctx, s.d, p)
	require.Equal(t, []string{"/ends_on"}, fields(err))
	p = termSaturdays()
	p.Postcode = "QQ1"
	_, err = marketplace.Compare(s.ctx, s.d, p)
	require.ErrorIs(t, err, marketplace.ErrPostcodeUnknown)
}
