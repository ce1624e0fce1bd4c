package marketplace_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// round makes the day's round and says how many notices it wrote.
func (s *stall) round() int {
	s.t.Helper()
	n, err := marketplace.WarnOfExpiry(s.ctx, s.d)
	require.NoError(s.t, err)
	return n
}

func (s *stall) on(day string) { s.clock.Set(at(day + "T03:00")) }

func TestT82_ACredentialWarns60And30And7DaysBeforeOnceEach(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bare := s.bareProvider("New Club", 5)
	jo := s.engage(bare, "Jo Barnes")
	s.put(bare, held("first_aid", jo, "2026-01-01", "2027-06-30"))
	for _, c := range []struct {
		day  string
		want int
	}{
		{"2027-04-30", 0}, // 61 days
		{"2027-05-01", 1},
		{"2027-05-01", 0},
		{"2027-05-02", 0},
		{"2027-05-30", 0},
		{"2027-05-31", 1},
		{"2027-06-22", 0},
		{"2027-06-23", 1},
		{"2027-06-30", 0},
		{"2027-07-01", 0},
	} {
		s.on(c.day)
		require.Equal(t, c.want, s.round(), c.day)
	}
	list, more, err := marketplace.ListNotices(s.ctx, s.d, bare, bare.Providers[0], uuid.Nil, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, []int{7, 30}, []int{list[0].DaysBefore, list[1].DaysBefore}, "newest first")
	require.Equal(t, "First aid certificate of Jo Barnes ended on 30 June 2027. Where an offer needs it, later dates cannot be booked. "+
		"What is booked stays booked. Put the new one on file.", list[0].Words)
	rest, more, err := marketplace.ListNotices(s.ctx, s.d, bare, bare.Providers[0], list[1].ID, 2)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, 60, rest[0].DaysBefore)

	for _, who := range []shortbreaks.Actor{{Role: shortbreaks.Worker, Providers: bare.Providers}, {Role: shortbreaks.Practitioner}} {
		_, _, err := marketplace.ListNotices(s.ctx, s.d, who, bare.Providers[0], uuid.Nil, 10)
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	_, _, err = marketplace.ListNotices(s.ctx, s.d, s.owner, bare.Providers[0], uuid.Nil, 10)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}

// However many make the round at the same moment, there is one notice.
func TestT82_RoundsAtTheSameMomentWarnOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, kind := range []string{"ofsted", "cqc", "insurance_vehicle"} {
		s.put(s.owner, own(kind, "2026-01-01", "2027-01-24"))
	}
	before := s.count("notice")
	begin, done := make(chan struct{}), make(chan error)
	for range 6 {
		go func() {
			<-begin
			_, err := marketplace.WarnOfExpiry(s.ctx, s.d)
			done <- err
		}()
	}
	close(begin)
	for range 6 {
		require.NoError(t, <-done)
	}
	require.Equal(t, 1, s.count("notice")-before, "the vehicle's; registrations run on under another credential")
}

// A round that was missed is made up for by the nearest threshold alone, and
// what was renewed, withdrawn or of somebody who left warns of nothing.
func TestT82_WhatNeedsNoWarningGetsNone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bare := s.bareProvider("New Club", 5)
	jo, mo := s.engage(bare, "Jo"), s.engage(bare, "Mo")
	s.put(bare, own("ofsted", "2026-01-01", "2027-06-30"))
	s.put(bare, own("cqc", "2026-01-01", "2027-06-30"))
	s.put(bare, own("cqc", "2027-07-01", "2028-06-30")) // renewed from the day after
	s.put(bare, held("first_aid", jo, "2026-01-01", "2027-06-30"))
	s.put(bare, held("first_aid", mo, "2026-01-01", "2028-06-30")) // another's is no renewal
	s.put(bare, held("food_hygiene", mo, "2026-01-01", "2027-06-30"))
	withdrawn := s.put(bare, own("insurance_vehicle", "2026-01-01", "2027-06-30"))
	_, err := marketplace.WithdrawCredential(s.ctx, s.d, bare, bare.Providers[0], withdrawn.ID)
	require.NoError(t, err)
	last := date("2027-05-31")
	_, err = marketplace.UpdateWorker(s.ctx, s.d, bare, bare.Providers[0], mo, marketplace.WorkerFacts{Name: "Mo", LeftOn: &last})
	require.NoError(t, err)
	s.on("2027-06-05") // 25 days, and no round for months
	require.Equal(t, 2, s.round())
	list, _, err := marketplace.ListNotices(s.ctx, s.d, bare, bare.Providers[0], uuid.Nil, 10)
	require.NoError(t, err)
	kinds := map[string]int{}
	for _, n := range list {
		kinds[n.Kind] = n.DaysBefore
	}
	require.Equal(t, map[string]int{"ofsted": 30, "first_aid": 30}, kinds)
}

// The task list is worked out from what is there, so each step done is saved.
func TestOnboardingIsWorkedOutFromWhatIsThere(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bare := s.bareProvider("New Club", 5)
	id := bare.Providers[0]
	list := func() (done []string, missing map[string][]string, all *marketplace.Onboarding) {
		all, err := marketplace.GetOnboarding(s.ctx, s.d, bare, id)
		require.NoError(t, err)
		missing = map[string][]string{}
		for _, step := range all.Steps {
			require.NotEmpty(t, step.Operation)
			require.NotEmpty(t, step.Path)
			missing[step.Name] = step.Missing
			if step.Done {
				require.Empty(t, step.Missing)
				done = append(done, step.Name)
			}
		}
		return done, missing, all
	}
	done, missing, all := list()
	require.Empty(t, done)
	require.False(t, all.Done)
	require.Equal(t, []string{"Describe what you do in a few sentences.", "Give the company number."}, missing["about"])

	_, err := marketplace.UpdateProvider(s.ctx, s.d, bare, id, marketplace.ProviderDraft{Kind: "charity", Name: "New Club", Description: "Clubs.", StaffCount: 5})
	require.NoError(t, err)
	_, missing, _ = list()
	require.Equal(t, []string{"Give the charity number."}, missing["about"])
	_, err = marketplace.UpdateProvider(s.ctx, s.d, bare, id, marketplace.ProviderDraft{
		Kind: "charity", Name: "New Club", Description: "Clubs.", StaffCount: 5, CharityNumber: "1098 765",
	})
	require.NoError(t, err)
	setting, err := marketplace.CreateSetting(s.ctx, s.d, bare, id, marketplace.SettingFacts{Name: "Hall", Postcode: "zz11aa"})
	require.NoError(t, err)
	require.Equal(t, "ZZ1 1AA", setting.Postcode)
	jo := s.engage(bare, "Jo")
	done, missing, _ = list()
	require.Equal(t, []string{"about", "settings", "people"}, done)
	require.Equal(t, []string{"Write down an offer first; what it needs is then listed here."}, missing["credentials"])

	draft := club(tariffOf(option("Each", charge("place", "session", 1200))))
	draft.Setting, draft.SettingID = nil, &setting.ID
	made, err := marketplace.CreateOffer(s.ctx, s.d, bare, draft)
	require.NoError(t, err)
	done, missing, _ = list()
	require.Equal(t, []string{"about", "settings", "people", "first_offer"}, done)
	require.Len(t, missing["credentials"], 5)
	require.Equal(t, []string{`Put the credentials on file, then publish "Saturday club".`}, missing["publish"])

	for _, c := range []marketplace.CredentialDraft{
		own("ofsted", "2026-01-01", ""), own("insurance_public_liability", "2026-01-01", "2027-02-01"), held("dbs_enhanced", jo, "2026-01-01", ""),
		held("safeguarding_training", jo, "2026-01-01", ""), held("first_aid", jo, "2026-01-01", ""),
	} {
		s.put(bare, c)
	}
	_, missing, all = list()
	require.Equal(t, []string{`Publish "Saturday club", so that families find it.`}, missing["publish"])
	require.Equal(t, "/v1/offers/"+made.Offer.ID.String()+"/publication", all.Steps[5].Path)
	_, err = marketplace.PublishOffer(s.ctx, s.d, bare, made.Offer.ID)
	require.NoError(t, err)
	_, _, all = list()
	require.True(t, all.Done)
	s.clock.Advance(30 * 24 * time.Hour)
	_, missing, _ = list()
	require.Equal(t, []string{"Public liability insurance ran out on 1 February 2027. Whoever offers support is insured for harm to others."}, missing["credentials"])
	_, err = marketplace.GetOnboarding(s.ctx, s.d, s.owner, id)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}
