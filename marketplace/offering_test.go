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

func TestSessionsAreOfferedByStartAndPriced(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 800), optional(charge("support", "hour", 1400))))))
	o, err := s.offering(marketplace.Want{
		OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[2].ID, made.Sessions[0].ID}, ChargeKinds: []string{"support"},
		DateOfBirth: date("2018-05-01"),
	})
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(2*(800+4200)), o.TotalPence)
	require.Equal(t, made.Sessions[0].ID, *o.Items[0].SessionID)
	require.Equal(t, "2027-01-09T10:00", o.Items[0].LocalStart)
	require.Equal(t, at("2027-01-09T13:00"), o.Items[0].EndsAt.UTC())
	require.Nil(t, o.Items[0].LaneWish)
	require.Equal(t, []tariff.Line{
		{N: 1, OptionName: "Each", Kind: "place", Unit: "session", Pence: 800, FullPence: 800},
		{N: 2, OptionName: "Each", Kind: "support", Unit: "hour", Pence: 4200, FullPence: 4200},
	}, o.Items[0].Charges)
	require.Equal(t, "Willow Breaks", o.Provider.Name)
	require.Equal(t, "Willow Hall", o.Setting.Name)
	require.Equal(t, made.Version.ID, o.VersionID)
	require.Equal(t, 48, o.Terms.FreeUntilHours)
	require.Equal(t, "booked", o.BilledOn)
}

func TestT21_ABundleIsItsSessionsStillToRun(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := bundled(club(tariffOf(option("Quarter", charge("place", "quarter", 10000)))), "quarter")
	draft.Sessions.Except = nil
	draft.Sessions.LastDate = date("2027-04-03") // 13 Saturdays
	made := s.publish(s.owner, draft)
	want := marketplace.Want{OfferID: made.Offer.ID, BundleID: &made.Bundles[0].Term.ID}

	fifth := made.Sessions[4].StartsAt
	s.clock.Set(fifth.Add(-time.Second))
	o, err := s.offering(want)
	require.NoError(t, err)
	require.Len(t, o.Items, 9)
	require.Equal(t, shortbreaks.Pence(6923), o.TotalPence)
	require.Equal(t, shortbreaks.Pence(770), o.Items[0].PricePence)
	require.Contains(t, o.Explanation, "joining on the fifth date you pay for 9 of 13: £69.23")
	shown, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, 9, shown.Bundles[0].Remaining)
	require.Equal(t, shortbreaks.Pence(6923), shown.Bundles[0].PricePence)

	s.clock.Set(fifth) // it has started
	o, err = s.offering(want)
	require.NoError(t, err)
	require.Len(t, o.Items, 8)

	s.clock.Set(made.Sessions[12].StartsAt)
	_, err = s.offering(want)
	require.ErrorIs(t, err, marketplace.ErrSessionStarted)
	require.Equal(t, []string{"/bundle_id"}, fields(err))
}

func TestWhatIsNotOnSaleIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 800)))))
	other := s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 800)))))
	hours := s.publish(s.owner, support(hourly()))
	first, visit := made.Sessions[0], []marketplace.Visit{{LocalStart: "2027-01-09T10:00", Minutes: 60}}
	_, err := s.admin.Exec(s.ctx, `UPDATE session SET state = 'cancelled' WHERE id = $1`, made.Sessions[3].ID)
	require.NoError(t, err)
	s.clock.Set(first.StartsAt)
	unknown := shortbreaks.NewID()
	for _, c := range []struct {
		name string
		want marketplace.Want
		err  error
		at   string
	}{
		{"no such offer", marketplace.Want{OfferID: unknown, SessionIDs: []uuid.UUID{first.ID}}, shortbreaks.ErrNotFound, ""},
		{"no way to buy", marketplace.Want{OfferID: made.Offer.ID}, shortbreaks.ErrInvalid, "-"},
		{"two ways to buy", marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{first.ID}, Visits: visit}, shortbreaks.ErrInvalid, "-"},
		{"begun", marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[1].ID, first.ID}}, marketplace.ErrSessionStarted, "/session_ids/1"},
		{"called off", marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[3].ID}}, marketplace.ErrOfferClosed, "/session_ids/0"},
		{"another offer's", marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{other.Sessions[1].ID}}, shortbreaks.ErrInvalid, "/session_ids/0"},
		{"twice", marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[1].ID, made.Sessions[1].ID}}, shortbreaks.ErrInvalid, "/session_ids/1"},
		{"no such bundle", marketplace.Want{OfferID: made.Offer.ID, BundleID: &unknown}, shortbreaks.ErrInvalid, "/bundle_id"},
		{"visits of a club", marketplace.Want{OfferID: made.Offer.ID, Visits: visit}, shortbreaks.ErrInvalid, "/visits"},
		{"sessions of a worker", marketplace.Want{OfferID: hours.Offer.ID, SessionIDs: []uuid.UUID{first.ID}}, shortbreaks.ErrInvalid, "/session_ids"},
		{"a bundle of a worker", marketplace.Want{OfferID: hours.Offer.ID, BundleID: &unknown}, shortbreaks.ErrInvalid, "/bundle_id"},
	} {
		_, err := s.offering(c.want)
		require.ErrorIs(t, err, c.err, c.name)
		if c.at == "-" {
			c.at = ""
		} else if c.at == "" {
			continue
		}
		require.Equal(t, []string{c.at}, fields(err), c.name)
	}

	draft, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, club(tariffOf(option("Each", charge("place", "session", 800)))))
	require.NoError(t, err)
	_, err = s.offering(marketplace.Want{OfferID: draft.Offer.ID, SessionIDs: []uuid.UUID{draft.Sessions[0].ID}})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "a draft is not there for the public")
	_, err = marketplace.Withdraw(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	_, err = s.offering(marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[1].ID}})
	require.ErrorIs(t, err, marketplace.ErrOfferClosed)
}

func TestT43_AgeIsJudgedOnTheDateOfEachItem(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 800))))) // ages 5 to 16
	ask := func(born string) error {
		_, err := s.offering(marketplace.Want{
			OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[0].ID, made.Sessions[1].ID}, DateOfBirth: date(born),
		})
		return err
	}
	// The sessions are on 9 and 16 January 2027.
	require.NoError(t, ask("2010-01-17"), "17 the day after")
	err := ask("2010-01-16")
	require.ErrorIs(t, err, marketplace.ErrAge)
	require.Equal(t, []string{"/session_ids/1"}, fields(err), "only the second date is lost")
	require.NoError(t, ask("2022-01-09"), "five on the day")
	require.Equal(t, []string{"/session_ids/0"}, fields(ask("2022-01-10")))
	_, err = s.offering(marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[0].ID}})
	require.NoError(t, err, "a carer's age does not count")
}

func TestVisitsAreWithinTheDaysAndHoursOfTheOffer(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly()))
	lane, unknown := made.Lanes[1].ID, shortbreaks.NewID()
	for _, c := range []struct {
		name  string
		visit marketplace.Visit
		at    string
	}{
		{"as it opens", marketplace.Visit{LocalStart: "2027-01-09T08:00", Minutes: 60}, ""},
		{"a minute before it opens", marketplace.Visit{LocalStart: "2027-01-09T07:59", Minutes: 60}, "/visits/0/local_start"},
		{"until it closes", marketplace.Visit{LocalStart: "2027-01-09T19:00", Minutes: 60}, ""},
		{"past closing", marketplace.Visit{LocalStart: "2027-01-09T19:00", Minutes: 65}, "/visits/0/local_start"},
		{"a Sunday", marketplace.Visit{LocalStart: "2027-01-10T10:00", Minutes: 60}, "/visits/0/local_start"},
		{"too short", marketplace.Visit{LocalStart: "2027-01-09T10:00", Minutes: 55}, "/visits/0/minutes"},
		{"the longest", marketplace.Visit{LocalStart: "2027-01-09T10:00", Minutes: 480}, ""},
		{"too long", marketplace.Visit{LocalStart: "2027-01-09T10:00", Minutes: 485}, "/visits/0/minutes"},
		{"off the step", marketplace.Visit{LocalStart: "2027-01-09T10:00", Minutes: 61}, "/visits/0/minutes"},
		{"now", marketplace.Visit{LocalStart: "2027-01-04T09:00", Minutes: 60}, "/visits/0/local_start"},
		{"a minute from now", marketplace.Visit{LocalStart: "2027-01-04T09:01", Minutes: 60}, ""},
		{"no date", marketplace.Visit{LocalStart: "2027-02-30T10:00", Minutes: 60}, "/visits/0/local_start"},
		{"with somebody", marketplace.Visit{LocalStart: "2027-01-09T10:00", Minutes: 60, LaneID: &lane}, ""},
		{"with somebody unknown", marketplace.Visit{LocalStart: "2027-01-09T10:00", Minutes: 60, LaneID: &unknown}, "/visits/0/lane_id"},
	} {
		o, err := s.offering(marketplace.Want{OfferID: made.Offer.ID, Visits: []marketplace.Visit{c.visit}})
		if c.at != "" {
			require.ErrorIs(t, err, shortbreaks.ErrInvalid, c.name)
			require.Equal(t, []string{c.at}, fields(err), c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, c.visit.LaneID, o.Items[0].LaneWish)
		require.Equal(t, 30*time.Minute, o.BufferAfter)
		require.Equal(t, time.Duration(c.visit.Minutes)*time.Minute, o.Items[0].EndsAt.Sub(o.Items[0].StartsAt), "T42: buffers are not in the visit")
	}
	_, err := s.offering(marketplace.Want{OfferID: made.Offer.ID, LaneID: &lane, Visits: []marketplace.Visit{
		{LocalStart: "2027-01-10T10:00", Minutes: 60}, {LocalStart: "2027-01-09T10:00", Minutes: 55},
	}})
	require.Equal(t, []string{"/visits/0/local_start", "/visits/1/minutes"}, fields(err), "every wrong value is named")
}

func TestT19_AVisitOfNinetyFiveMinutes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly()))
	o, err := s.offering(marketplace.Want{OfferID: made.Offer.ID, Visits: []marketplace.Visit{{LocalStart: "2027-01-09T10:00", Minutes: 95}}})
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(4375), o.TotalPence)
}

func TestT35_AVisitAtAnHourThatIsMissingOrDoubledIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := support(hourly())
	draft.Visits.Days, draft.Visits.From, draft.Visits.To = []int{6, 7}, "20:00", "08:00" // over night
	made := s.publish(s.owner, draft)
	ask := func(local string, minutes int) (*marketplace.Offered, error) {
		return s.offering(marketplace.Want{OfferID: made.Offer.ID, Visits: []marketplace.Visit{{LocalStart: local, Minutes: minutes}}})
	}
	_, err := ask("2027-03-28T01:30", 120)
	require.ErrorContains(t, err, "This time does not exist")
	_, err = ask("2027-10-31T01:30", 120)
	require.ErrorContains(t, err, "This time comes twice")
	_, err = ask("2027-10-31T00:55", 120)
	require.NoError(t, err)
	_, err = ask("2027-10-31T02:00", 120)
	require.NoError(t, err)
	o, err := ask("2027-03-27T23:00", 420)
	require.NoError(t, err, "seven hours by the clock on the wall would be 06:00; elapsed they end at 07:00")
	require.Equal(t, "2027-03-28T07:00", shortbreaks.Wall(o.Items[0].EndsAt))
	_, err = ask("2027-03-29T02:00", 120)
	require.NoError(t, err, "the night that began on Sunday")
	_, err = ask("2027-03-30T02:00", 120)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}
