package marketplace_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

func titlesOf(page *marketplace.SearchPage) (titles []string) {
	for _, o := range page.Items {
		titles = append(titles, o.Title)
	}
	return titles
}

func TestAnUpperCategoryFindsWhatIsBelowIt(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 900)))))
	s.publish(s.owner, support(hourly()))
	for category, want := range map[string]int{"leisure": 1, "club": 1, "care_at_home": 1, "support_worker": 1, "overnight": 0} {
		require.Len(t, s.page(marketplace.SearchQuery{Category: category}).Items, want, category)
	}
}

func TestAPausedOfferIsNotFound(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 900)))))
	_, err := marketplace.PauseOffer(s.ctx, s.d, s.owner, o.Offer.ID)
	require.NoError(t, err)
	require.Empty(t, s.page(marketplace.SearchQuery{}).Items)
	_, err = marketplace.RefreshListings(s.ctx, s.d)
	require.NoError(t, err)
	require.Empty(t, s.page(marketplace.SearchQuery{}).Items)
	_, err = marketplace.ResumeOffer(s.ctx, s.d, s.owner, o.Offer.ID)
	require.NoError(t, err)
	require.Len(t, s.page(marketplace.SearchQuery{}).Items, 1)
}

func TestT41_AWindowKeepsToNoticeHorizonAndClosures(t *testing.T) {
	t.Parallel()
	s := setup(t) // it is Monday 4 January 2027, 9:00
	byDate := club(tariffOf(option("Each", charge("place", "session", 900))))
	byDate.NoticeMinutes, byDate.HorizonDays = 6*24*60, ptr(14)
	s.publish(s.owner, byDate)
	byHour := support(hourly())
	byHour.NoticeMinutes, byHour.HorizonDays = 6*24*60, ptr(14)
	s.publish(s.owner, byHour)
	on := func(day string) []string {
		return titlesOf(s.page(marketplace.SearchQuery{When: marketplace.Window{FromDate: date(day), ToDate: date(day)}}))
	}
	require.Empty(t, on("2027-01-09"), "too late")
	require.Len(t, on("2027-01-16"), 2)
	require.Empty(t, on("2027-01-23"), "too far ahead")
	_, err := marketplace.CreateClosure(s.ctx, s.d, s.owner, marketplace.NewClosure{StartsOn: date("2027-01-16"), EndsOn: date("2027-01-16"), Reason: "No heating."})
	require.NoError(t, err)
	require.Empty(t, on("2027-01-16"), "shut")

	// What is too far ahead is not shown, and is on its day without being listed anew.
	far := club(tariffOf(option("Each", charge("place", "session", 900))))
	far.Title, far.HorizonDays, far.Sessions.FirstDate = "Far ahead", ptr(2), date("2027-02-06")
	s.publish(s.owner, far)
	next := func() *marketplace.OfferSummary {
		page := s.page(marketplace.SearchQuery{Text: "far ahead"})
		require.Len(t, page.Items, 1)
		return &page.Items[0]
	}
	require.Nil(t, next().NextStart)
	s.clock.Set(at("2027-02-04T09:00"))
	require.Equal(t, at("2027-02-06T10:00"), *next().NextStart)
}
