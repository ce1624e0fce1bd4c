package marketplace_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// STANDARDS: form only; what is not in these lists is not judged here.
func TestTheFormOfEachIdentifierIsChecked(t *testing.T) {
	t.Parallel()
	for scheme, c := range map[string]struct{ good, bad []string }{
		"company": {[]string{"12345678", "sc123456", "CE 001 234", "NI654321"}, []string{"1234567", "123456789", "S1234567", "SCX23456", ""}},
		"charity": {[]string{"123456", "1234567"}, []string{"12345", "12345678", "SC12345", ""}},
		"ofsted":  {[]string{"123456", "EY123456", "sc123456", "CA123456"}, []string{"12345", "1234567", "XX123456", "EY12345", ""}},
		"cqc":     {[]string{"1-1234567890", "1-123456"}, []string{"2-1234567890", "1234567890", "1-", "1-12A456", ""}},
		"vat":     {nil, []string{"123456"}},
	} {
		for _, typed := range c.good {
			_, ok := marketplace.TidyIdentifier(scheme, typed)
			require.True(t, ok, "%s %s", scheme, typed)
		}
		for _, typed := range c.bad {
			_, ok := marketplace.TidyIdentifier(scheme, typed)
			require.False(t, ok, "%s %s", scheme, typed)
		}
	}
}

func charity() marketplace.ProviderDraft {
	return marketplace.ProviderDraft{
		Kind: "charity", Name: " Willow Clubs ", Description: "Clubs.", WebAddress: "https://willow.example", Languages: []string{"English", "BSL", "English"},
		StaffCount: 4, CharityNumber: "1098765", OfstedURN: "ey 123456",
	}
}

func TestAnybodyWhoSignedInRegistersAProviderAndOwnsIt(t *testing.T) {
	t.Parallel()
	s := setup(t)
	who := shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Family}
	var owned uuid.UUID
	own := func(_ context.Context, _ *db.Tx, by shortbreaks.Actor, provider uuid.UUID) error {
		require.Equal(t, who.Person, by.Person)
		owned = provider
		return nil
	}
	_, err := marketplace.RegisterProvider(s.ctx, s.d, shortbreaks.Anonymous, charity(), own)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	p, err := marketplace.RegisterProvider(s.ctx, s.d, who, charity(), own)
	require.NoError(t, err)
	require.Equal(t, owned, p.Provider.ID)
	require.Equal(t, "Willow Clubs", p.Provider.Name)
	require.Equal(t, []string{"English", "BSL"}, p.Provider.Languages)
	require.Len(t, p.Identifiers, 2)
	require.Equal(t, "EY123456", p.Identifiers[1].Value)
	require.Nil(t, p.Identifiers[0].ConfirmedOn, "unverified until somebody looked")

	before := s.count("provider")
	failed := errors.New("no owner")
	_, err = marketplace.RegisterProvider(s.ctx, s.d, who, charity(), func(context.Context, *db.Tx, shortbreaks.Actor, uuid.UUID) error { return failed })
	require.ErrorIs(t, err, failed)
	require.Equal(t, before, s.count("provider"), "a provider nobody owns is not made")
}

func TestEveryWrongValueOfAProviderIsNamed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := marketplace.ProviderDraft{
		Kind: "club", Name: "W", WebAddress: "javascript:alert(1)", Languages: []string{""}, StaffCount: -1, CompanyNumber: "1", CharityNumber: "x",
		OfstedURN: "1", CQCLocation: "2", Members: []marketplace.MemberDraft{{Name: "One", CompanyNumber: "1"}, {Name: " one "}},
	}
	_, err := marketplace.UpdateProvider(s.ctx, s.d, s.owner, s.owner.Providers[0], draft)
	require.ElementsMatch(t, []string{
		"/kind", "/name", "/web_address", "/languages/0", "/staff_count", "/company_number", "/charity_number", "/ofsted_urn", "/cqc_location",
		"/members", "/members/0/company_number", "/members/1/name",
	}, fields(err))
}

// R029: a consortium names its members; one that is left out has left and is
// not forgotten.
func TestR029_MembersOfAConsortiumAreDatedNotDeleted(t *testing.T) {
	t.Parallel()
	s := setup(t)
	id := s.owner.Providers[0]
	update := func(members ...marketplace.MemberDraft) (names []string) {
		p, err := marketplace.UpdateProvider(s.ctx, s.d, s.owner, id, marketplace.ProviderDraft{Kind: "consortium", Name: "Three Clubs", Members: members})
		require.NoError(t, err)
		for _, m := range p.Members {
			names = append(names, m.Name+" "+m.CharityNumber)
		}
		return names
	}
	mill, park := marketplace.MemberDraft{Name: "Mill Lane"}, marketplace.MemberDraft{Name: "The Park", CharityNumber: "123456"}
	require.Equal(t, []string{"Mill Lane ", "The Park 123456"}, update(mill, park))
	require.Equal(t, []string{"Mill Lane ", "The Park 123456"}, update(park, mill))
	require.Equal(t, 2, s.count("provider_member"), "the same members are the same rows")
	require.Equal(t, []string{"The Park 123456"}, update(park))
	require.Equal(t, 2, s.count("provider_member"))
	require.Equal(t, 1, s.count("provider_member WHERE left_on IS NOT NULL"))
	park.CharityNumber = "654321"
	require.Equal(t, []string{"Mill Lane ", "The Park 654321"}, update(park, mill), "one may join again, another's number change")
	require.Equal(t, 4, s.count("provider_member"))
}

func TestANumberIsConfirmedByAnAuthorityUntilItChanges(t *testing.T) {
	t.Parallel()
	s := setup(t)
	id := s.owner.Providers[0]
	authority := shortbreaks.NewID()
	_, err := s.admin.Exec(s.ctx, `INSERT INTO authority (id, name, slug, area) VALUES ($1, 'Ashmere Council', 'ashmere', 'Ashmere')`, authority)
	require.NoError(t, err)
	officer := shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Practitioner, Authorities: []uuid.UUID{authority}}
	confirm := func(who shortbreaks.Actor, value string) (*marketplace.ProviderDetail, error) {
		return marketplace.ConfirmIdentifier(s.ctx, s.d, who, marketplace.IdentifierCheck{Provider: id, Scheme: "charity", Value: value})
	}
	state := func(number string) []string {
		draft := charity()
		draft.CharityNumber = number
		p, err := marketplace.UpdateProvider(s.ctx, s.d, s.owner, id, draft)
		require.NoError(t, err)
		return p.Identifiers[0].ConfirmedBy
	}
	require.Empty(t, state("1098765"))
	_, err = confirm(officer, "1111111")
	require.ErrorIs(t, err, shortbreaks.ErrInvalid, "another number than the provider gives")
	for range 2 {
		p, err := confirm(officer, "1098765")
		require.NoError(t, err)
		require.Equal(t, []string{"Ashmere Council"}, p.Identifiers[0].ConfirmedBy)
		require.Equal(t, shortbreaks.Date(start), *p.Identifiers[0].ConfirmedOn)
	}
	require.Equal(t, 1, s.count("identifier_confirmation"))
	require.Equal(t, []string{"Ashmere Council"}, state("1098765"))
	require.Empty(t, state("1098766"), "a new number is unverified")
	for _, role := range []shortbreaks.Role{shortbreaks.Family, shortbreaks.Auditor, shortbreaks.ProviderOwner} {
		who := officer
		who.Role = role
		_, err := confirm(who, "1098766")
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	two := officer
	two.Authorities = append(two.Authorities, shortbreaks.NewID())
	_, err = confirm(two, "1098766")
	require.Equal(t, []string{"/authority_id"}, fields(err), "somebody of two authorities says for which")
}

func TestPlacesAndWorkersAreTheirProvidersToChange(t *testing.T) {
	t.Parallel()
	s := setup(t)
	id, other := s.owner.Providers[0], s.provider("Moor Lane", 3)
	facts := marketplace.SettingFacts{Name: "Hall", Postcode: "ZZ1 1AA", AddressLines: []string{"1 Mill Road"}, AccessFeatures: "A hoist."}
	made, err := marketplace.CreateSetting(s.ctx, s.d, s.owner, id, facts)
	require.NoError(t, err)
	facts.Postcode = "ZX1 1AA"
	moved, err := marketplace.UpdateSetting(s.ctx, s.d, s.owner, id, made.ID, facts)
	require.NoError(t, err)
	require.NotEqual(t, made.Latitude, moved.Latitude)
	list, more, err := marketplace.ListSettings(s.ctx, s.d, s.owner, id, uuid.Nil, 1)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, *moved, list[0])
	_, err = marketplace.UpdateSetting(s.ctx, s.d, other, other.Providers[0], made.ID, facts)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = marketplace.CreateSetting(s.ctx, s.d, s.owner, id, marketplace.SettingFacts{Name: "H", Postcode: "ZZ1", AddressLines: []string{"", "2", "3", "4", "5", "6"}})
	require.ElementsMatch(t, []string{"/name", "/postcode", "/address_lines", "/address_lines/0"}, fields(err))

	lanes := s.publish(s.owner, support(hourly())).Lanes
	w, err := marketplace.CreateWorker(s.ctx, s.d, s.owner, id, marketplace.WorkerFacts{Name: "Ada", LaneIDs: []uuid.UUID{lanes[0].ID}})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{lanes[0].ID}, w.LaneIDs)
	w, err = marketplace.UpdateWorker(s.ctx, s.d, s.owner, id, w.ID, marketplace.WorkerFacts{Name: "Ada L.", Skills: []string{"Makaton"}, LaneIDs: []uuid.UUID{lanes[1].ID}})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{lanes[1].ID}, w.LaneIDs)
	for _, wrong := range []uuid.UUID{lanes[1].ID, shortbreaks.NewID()} { // another's, nobody's
		_, err = marketplace.CreateWorker(s.ctx, s.d, s.owner, id, marketplace.WorkerFacts{Name: "Bo", LaneIDs: []uuid.UUID{wrong}})
		require.Equal(t, []string{"/lane_ids"}, fields(err))
	}
	_, err = marketplace.UpdateWorker(s.ctx, s.d, other, other.Providers[0], w.ID, marketplace.WorkerFacts{Name: "X"})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	public, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, s.publish(s.owner, support(hourly())).Offer.ID)
	require.NoError(t, err)
	require.NotContains(t, public.Lanes[0].Label, "Ada", "a worker's name stays with the provider")
}

// R052: what a provider is, how big, and how reliable, moves nothing up.
func TestR052_TheOrderOfSearchIgnoresWhoTheProviderIs(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var owners []shortbreaks.Actor
	for _, name := range []string{"A", "B", "C", "D", "E"} {
		who := s.provider(name, 5)
		owners = append(owners, who)
		s.publish(who, club(tariffOf(option("Each", charge("place", "session", 1200)))))
	}
	order := func() (ids []uuid.UUID) {
		page, err := marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{})
		require.NoError(t, err)
		for _, o := range page.Items {
			ids = append(ids, o.ID)
		}
		return ids
	}
	before := order()
	require.Len(t, before, len(owners))
	for turn := range marketplace.ProviderKinds {
		for i, who := range owners {
			kind := marketplace.ProviderKinds[(i+turn)%len(owners)]
			_, err := s.admin.Exec(s.ctx, `UPDATE provider SET kind = $2, staff_count = $3 WHERE id = $1`, who.Providers[0], kind, 1+1000*((i+turn)%5))
			require.NoError(t, err)
			require.NoError(t, s.d.Do(s.ctx, db.For(who), func(tx *db.Tx) error {
				return marketplace.SetReliability(s.ctx, tx, []marketplace.Reliability{{ProviderID: who.Providers[0], Sessions: 100, AsBooked: 20 * ((i + turn) % 5)}})
			}))
		}
		require.Equal(t, before, order())
	}
}

func TestR037_ReliabilityIsShownFromTwentySessionsOn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	o := s.publish(s.owner, club(tariffOf(option("Each", charge("place", "session", 1200)))))
	id := s.owner.Providers[0]
	set := func(scope db.Scope, sessions, asBooked int) error {
		return s.d.Do(s.ctx, scope, func(tx *db.Tx) error {
			return marketplace.SetReliability(s.ctx, tx, []marketplace.Reliability{{ProviderID: id, Sessions: sessions, AsBooked: asBooked}})
		})
	}
	shown := func() *marketplace.Reliability {
		p, err := marketplace.GetProvider(s.ctx, s.d, id)
		require.NoError(t, err)
		d, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID)
		require.NoError(t, err)
		require.Equal(t, p.Reliability, d.Reliability)
		return p.Reliability
	}
	require.Nil(t, shown())
	require.NoError(t, set(db.For(s.owner), 19, 19))
	require.Nil(t, shown())
	require.NoError(t, set(db.For(s.owner), 20, 19))
	require.Equal(t, 95, shown().Percent())
	require.Error(t, set(db.Scope{}, 20, 20), "nobody else writes it")
	require.Equal(t, 99, marketplace.Reliability{Sessions: 1000, AsBooked: 999}.Percent(), "100 means all")
}
