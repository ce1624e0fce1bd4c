package marketplace_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// filed is a club of children from 5 to 16, 3 hours each Saturday, whose
// provider has all it needs; more says until when some of it lasts.
func (s *stall) filed(until map[string]string, draft marketplace.OfferDraft) (shortbreaks.Actor, *marketplace.OfferDetail) {
	s.t.Helper()
	bare := s.bareProvider("New Club", 5)
	jo := s.engage(bare, "Jo")
	for _, kind := range []string{"ofsted", "insurance_public_liability"} {
		s.put(bare, own(kind, "2026-01-01", until[kind]))
	}
	for _, kind := range []string{"dbs_enhanced", "safeguarding_training", "first_aid"} {
		s.put(bare, held(kind, jo, "2026-01-01", until[kind]))
	}
	return bare, s.publish(bare, draft)
}

func plainClub() marketplace.OfferDraft {
	return club(tariffOf(option("Each", charge("place", "session", 1200))))
}

func aged(p marketplace.Pattern, age int) marketplace.Pattern {
	p.Age = &age
	return p
}

// born makes a child of an age on every date of these tests.
func born(age int) time.Time { return date("2026-06-01").AddDate(-age, 0, 0) }

// Date by date and age by age, comparing offers what a quote would give, and
// says in the quote's words why it does not.
func TestT82_AComparisonServesTheDatesAQuoteWouldGive(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, o := s.filed(map[string]string{"insurance_public_liability": "2027-02-27", "ofsted": "2027-01-23"}, plainClub())
	refused := 0
	for _, session := range o.Sessions {
		on := shortbreaks.Date(session.StartsAt)
		for _, age := range []int{6, 7, 8, 12} {
			p := aged(termSaturdays(), age)
			p.StartsOn, p.EndsOn = on, on
			c, found := s.compare(p)[o.Offer.ID]
			require.True(t, found)
			_, err := s.offering(marketplace.Want{OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{session.ID}, DateOfBirth: born(age)})
			if err == nil {
				require.Empty(t, c.CannotServe, "%s at %d", on, age)
				require.True(t, c.Full)
				continue
			}
			refused++
			require.ErrorIs(t, err, marketplace.ErrCredentialLapsed)
			require.Equal(t, reason(t, err), c.CannotServe, "%s at %d", on, age)
			require.Equal(t, o.Offer.Title, c.Offer.Title)
			require.Empty(t, c.Explanation)
			require.Zero(t, c.Occasions)
		}
	}
	require.Equal(t, 8*2+4*2, refused, "under 8 from 30 January, 8 and older from 6 March")

	// A pattern over all of them is served as far as it can be.
	c := s.compare(aged(termSaturdays(), 12))[o.Offer.ID]
	require.Equal(t, 7, c.Occasions)
	require.Equal(t, []time.Time{date("2027-03-06"), date("2027-03-13"), date("2027-03-20"), date("2027-03-27")}, c.MissingDates)
	require.Equal(t, shortbreaks.Pence(7*1200), c.TotalPence)

	// Of an age that is not told, it serves whom it can.
	p := termSaturdays()
	p.StartsOn, p.EndsOn = date("2027-02-06"), date("2027-02-06")
	require.Empty(t, s.compare(p)[o.Offer.ID].CannotServe)
	p.StartsOn, p.EndsOn = date("2027-03-06"), date("2027-03-06")
	require.NotEmpty(t, s.compare(p)[o.Offer.ID].CannotServe)
}

func TestT82_WhatCannotBeServedComesLastAndIsServedOnceRenewed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ends := map[string]string{"insurance_public_liability": "2027-01-30"}
	who, lapsed := s.filed(ends, plainClub())
	fine := s.publish(s.owner, plainClub())
	p := aged(termSaturdays(), 9)
	p.StartsOn = date("2027-02-06")
	all, err := marketplace.Compare(s.ctx, s.d, p)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, fine.Offer.ID, all[0].Offer.ID)
	require.Equal(t, lapsed.Offer.ID, all[1].Offer.ID)
	require.Equal(t, "On Saturday 6 February 2027 the provider's public liability insurance has run out; it counts to Saturday 30 January 2027. "+
		"Choose an earlier date, or ask the provider.", all[1].CannotServe)

	s.put(who, own("insurance_public_liability", "2027-01-31", "2028-01-30"))
	c := s.compare(p)[lapsed.Offer.ID]
	require.Empty(t, c.CannotServe)
	require.True(t, c.Full)

	// That something has run out is no reason to speak of an offer that has
	// nothing on the dates anyhow.
	s.clock.Set(at("2027-03-28T09:00"))
	p.StartsOn, p.EndsOn = date("2028-02-05"), date("2028-03-25")
	require.NotContains(t, s.compare(p), lapsed.Offer.ID)
}

func TestT82_ABundleWithADateThatCannotBeBookedIsNotSold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ends := map[string]string{"insurance_public_liability": "2027-03-20"}
	_, o := s.filed(ends, bundled(club(tariffOf(option("Quarter", charge("place", "quarter", 15600)))), "quarter"))
	c := s.compare(aged(termSaturdays(), 9))[o.Offer.ID]
	_, err := s.offering(marketplace.Want{OfferID: o.Offer.ID, BundleID: &o.Bundles[0].Term.ID, DateOfBirth: born(9)})
	require.ErrorIs(t, err, marketplace.ErrCredentialLapsed)
	require.Equal(t, reason(t, err), c.CannotServe)
}

func TestT82_VisitsStopWithTheWorkersCredentialAndAPlanGoesByToday(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ends := map[string]string{"dbs_enhanced": "2027-02-13"}
	_, o := s.filed(ends, support(hourly()))
	c := s.compare(aged(termSaturdays(), 9))[o.Offer.ID]
	require.Equal(t, 6, c.Occasions, "to 13 February")
	cost := func() (u *marketplace.CostedUse) {
		p := aged(termSaturdays(), 9)
		p.OfferIDs = []uuid.UUID{o.Offer.ID}
		require.NoError(t, s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) (err error) {
			u, err = marketplace.CostUse(s.ctx, tx, marketplace.Use{Pattern: p}, "/use")
			return err
		}))
		return u
	}
	require.Len(t, cost().Dates, 11, "it will be renewed by then, as far as anybody knows")
	s.clock.Set(at("2027-02-14T09:00"))
	require.Contains(t, cost().Trouble, "the provider's enhanced DBS check")
	require.Empty(t, cost().Dates)
}

// One worker who serves two offers can be had at either.
func TestT52_ComparingTwoOffersOfOneWorkerTakesNobody(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := s.worked()
	draft := support(hourly())
	draft.Title = "Another kind of support"
	draft.Visits.Lanes = []marketplace.LaneDraft{{ID: &first.Lanes[0].ID}}
	second := s.publish(s.owner, draft)
	got := s.compare(termSaturdays())
	require.True(t, got[first.Offer.ID].Full)
	require.True(t, got[second.Offer.ID].Full)
}

func TestT82_LapsedAgesAreThoseAQuoteForTheDayWouldRefuse(t *testing.T) {
	t.Parallel()
	s := setup(t)
	who, o := s.filed(map[string]string{"insurance_public_liability": "2027-02-27", "ofsted": "2027-01-23"}, plainClub())
	on := func(day string) (ages int32) {
		require.NoError(t, s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) (err error) {
			ages, err = marketplace.LapsedOn(s.ctx, tx, o, date(day))
			return err
		}))
		return ages
	}
	require.Zero(t, on("2027-01-23"))
	require.Equal(t, int32(1<<5|1<<6|1<<7), on("2027-01-24"), "no childcare under 8")
	require.Equal(t, int32(math.MinInt32|(1<<17-1<<5)), on("2027-02-28"), "nobody from 5 to 16")
	s.put(who, own("ofsted", "2027-01-24", ""))
	require.Zero(t, on("2027-01-24"))
	require.Zero(t, on("2027-02-27"))
	require.Equal(t, int32(math.MinInt32|(1<<17-1<<5)), on("2027-02-28"))

	// Two hours a day are no childcare: the rule looks at the sessions.
	short := plainClub()
	short.Sessions.To = "12:00"
	short.Title = "Short club"
	var shorter *marketplace.OfferDetail
	_, shorter = s.filed(map[string]string{"ofsted": "2027-01-23"}, short)
	o = shorter
	require.Zero(t, on("2027-01-30"))
}

func TestT82_WhatCannotBeBookedTodayIsNotFound(t *testing.T) {
	t.Parallel()
	s := setup(t)
	who, o := s.filed(map[string]string{"insurance_public_liability": "2027-02-13", "ofsted": "2027-01-23"}, plainClub())
	found := func(age int) bool {
		q := marketplace.SearchQuery{}
		if age >= 0 {
			q.Age = &age
		}
		return len(s.search(q)) == 1
	}
	// What passes is seen by the round of every few minutes and the sweep after it.
	day := func(on string) {
		s.clock.Set(at(on + "T00:05"))
		_, err := marketplace.MarkLapses(s.ctx, s.d)
		require.NoError(t, err)
		_, err = marketplace.RefreshListings(s.ctx, s.d)
		require.NoError(t, err)
	}
	require.True(t, found(6) && found(12) && found(-1))
	day("2027-01-23")
	require.True(t, found(6), "its last day counts")
	day("2027-01-24")
	require.False(t, found(6), "under eight the register is needed")
	require.True(t, found(12))
	require.True(t, found(-1), "somebody can still come")
	six := 6
	page := s.page(marketplace.SearchQuery{Age: &six})
	require.Equal(t, marketplace.ByAge, page.Missing(), "a search that finds nothing says what to leave out, and nothing that nobody asked")
	day("2027-02-14")
	require.False(t, found(12) || found(-1))
	require.Contains(t, s.compare(aged(termSaturdays(), 12)), o.Offer.ID, "a comparison still says why it cannot serve")

	// Renewed, it is found as soon as the sweep has run; nothing else marks it.
	s.put(who, own("insurance_public_liability", "2027-02-14", "2028-02-13"))
	_, err := marketplace.RefreshListings(s.ctx, s.d)
	require.NoError(t, err)
	require.True(t, found(12) && !found(6))
	again, err := marketplace.MarkLapses(s.ctx, s.d)
	require.NoError(t, err)
	require.Zero(t, again, "what has been listed since is not marked again")
}
