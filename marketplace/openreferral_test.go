package marketplace_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// directory lists the titles a query gives, in the order of ids.
func (s *stall) directory(q marketplace.DirectoryQuery) (titles []string) {
	s.t.Helper()
	if q.PerPage == 0 {
		q.Page, q.PerPage = 1, 50
	}
	page, err := marketplace.Directory(s.ctx, s.d, q)
	require.NoError(s.t, err)
	for _, o := range page.Offers {
		titles = append(titles, o.Offer.Title)
	}
	return titles
}

func termNamed(t *testing.T, value string) *uuid.UUID {
	t.Helper()
	for _, o := range marketplace.OpenTerms {
		if o.Value == value {
			return &o.ID
		}
	}
	require.Fail(t, "no such term", value)
	return nil
}

// fair is a pool, a club that is nowhere near it, support by the hour, a night
// at a carer's home, and what nobody may see.
func fair(t *testing.T) *stall {
	t.Helper()
	s := setup(t)
	swim := pool("Swimming")
	swim.AgeFrom, swim.AgeTo, swim.Content = 8, 12, said()
	s.publish(s.owner, swim)
	far := single()
	far.Setting = &marketplace.SettingDraft{Name: "Far Hall", Postcode: "ZX1 1AA"}
	far.Sessions.Weekdays, far.Sessions.From, far.Sessions.To = []int{3}, "17:30", "19:30"
	s.publish(s.owner, far)
	s.publish(s.owner, support(hourly()))
	home := single()
	home.Title, home.Category, home.Setting = "Days with the Browns", "family_based_care", &marketplace.SettingDraft{Name: "12 Mill Lane", Postcode: "ZZ1 2FA"}
	s.publish(s.owner, home)
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, pool("A draft"))
	require.NoError(t, err)
	paused := s.publish(s.owner, pool("A paused one"))
	_, err = marketplace.PauseOffer(s.ctx, s.d, s.owner, paused.Offer.ID)
	require.NoError(t, err)
	s.refresh()
	return s
}

func TestTheDirectoryListsWhatIsPublishedByWhatIsAsked(t *testing.T) {
	t.Parallel()
	s := fair(t)
	const club, help, swim, home = "Saturday club", "One-to-one support worker", "Swimming", "Days with the Browns"
	age := func(n int) *int { return &n }
	since := func(wall string) *time.Time { at := at(wall); return &at }
	provider, nobody := s.owner.Providers[0], uuid.New()
	for name, c := range map[string]struct {
		q    marketplace.DirectoryQuery
		want []string
	}{
		"everything":              {marketplace.DirectoryQuery{}, []string{swim, club, help, home}},
		"words":                   {marketplace.DirectoryQuery{Words: "swimming"}, []string{swim}},
		"words of SQL":            {marketplace.DirectoryQuery{Words: `') OR 1=1 --`}, nil},
		"an upper category":       {marketplace.DirectoryQuery{TermID: termNamed(t, "leisure")}, []string{swim, club}},
		"a way in":                {marketplace.DirectoryQuery{TermID: termNamed(t, "targeted")}, []string{help}},
		"a need":                  {marketplace.DirectoryQuery{TermID: termNamed(t, "wheelchair_user")}, []string{swim}},
		"access":                  {marketplace.DirectoryQuery{TermID: termNamed(t, "hoist")}, []string{swim}},
		"no such term":            {marketplace.DirectoryQuery{TermID: &nobody}, nil},
		"any need":                {marketplace.DirectoryQuery{TaxonomyID: &marketplace.Taxonomies[2].ID}, []string{swim}},
		"any category":            {marketplace.DirectoryQuery{TaxonomyID: &marketplace.Taxonomies[0].ID}, []string{swim, club, help, home}},
		"no such taxonomy":        {marketplace.DirectoryQuery{TaxonomyID: &nobody}, nil},
		"nobody younger":          {marketplace.DirectoryQuery{MinimumAge: age(8)}, []string{swim}},
		"nobody older":            {marketplace.DirectoryQuery{MaximumAge: age(16)}, []string{swim, club, home}},
		"a day":                   {marketplace.DirectoryQuery{Day: 3}, []string{club, help}},
		"a day nothing is on":     {marketplace.DirectoryQuery{Day: 7}, nil},
		"not before":              {marketplace.DirectoryQuery{From: "17:30"}, []string{club}},
		"not after":               {marketplace.DirectoryQuery{To: "13:00"}, []string{swim, home}},
		"day and hours":           {marketplace.DirectoryQuery{Day: 6, From: "10:00", To: "13:00"}, []string{swim, home}},
		"near":                    {marketplace.DirectoryQuery{Postcode: "ZX1 1AA"}, []string{club, help}},
		"very near":               {marketplace.DirectoryQuery{Postcode: "ZZ1 1AA", Metres: 100}, []string{swim}},
		"a provider":              {marketplace.DirectoryQuery{ProviderID: &provider}, []string{swim, club, help, home}},
		"another provider":        {marketplace.DirectoryQuery{ProviderID: &nobody}, nil},
		"changed since the start": {marketplace.DirectoryQuery{ModifiedAfter: since("2027-01-04T09:00")}, []string{swim, club, help, home}},
		"changed since later":     {marketplace.DirectoryQuery{ModifiedAfter: since("2027-01-04T09:01")}, nil},
		"a page":                  {marketplace.DirectoryQuery{Page: 2, PerPage: 3}, []string{home}},
		"past the end":            {marketplace.DirectoryQuery{Page: 3, PerPage: 3}, nil},
	} {
		require.Equal(t, c.want, s.directory(c.q), name)
	}
	_, err := marketplace.Directory(s.ctx, s.d, marketplace.DirectoryQuery{Page: 1, PerPage: 1, Postcode: "QQ9 9QQ"})
	require.ErrorIs(t, err, marketplace.ErrPostcodeUnknown)
	_, err = marketplace.Directory(s.ctx, s.d, marketplace.DirectoryQuery{Page: 1, PerPage: 1, Metres: 500})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}

func TestAChangeMovesTheStampOfAnEntry(t *testing.T) {
	t.Parallel()
	s := fair(t)
	page, err := marketplace.Directory(s.ctx, s.d, marketplace.DirectoryQuery{Page: 1, PerPage: 50, Words: "swimming"})
	require.NoError(t, err)
	id := page.Offers[0].Offer.ID
	s.clock.Set(at("2027-01-05T12:00"))
	o, err := marketplace.Get(s.ctx, s.d, s.owner, id)
	require.NoError(t, err)
	change := edit(o)
	change.Title = "Swimming on Saturdays"
	_, err = marketplace.UpdateOffer(s.ctx, s.d, s.owner, id, change)
	require.NoError(t, err)
	s.refresh()
	since := at("2027-01-05T12:00")
	require.Equal(t, []string{"Swimming on Saturdays"}, s.directory(marketplace.DirectoryQuery{ModifiedAfter: &since}))
}

func TestADiscreetPlaceIsToldByItsDistrictWhateverIsAsked(t *testing.T) {
	t.Parallel()
	s := fair(t)
	page, err := marketplace.Directory(s.ctx, s.d, marketplace.DirectoryQuery{Page: 1, PerPage: 50, TermID: termNamed(t, "family_based_care")})
	require.NoError(t, err)
	require.Len(t, page.Offers, 1)
	p := page.Offers[0].Place
	require.True(t, p.Discreet)
	require.Equal(t, "ZZ1", p.Postcode)
	require.Equal(t, "Near ZZ1, "+p.Area, p.Name)
	// Asking for ever smaller circles around the house finds nothing of it.
	require.NotContains(t, s.directory(marketplace.DirectoryQuery{Postcode: "ZZ1 2FA", Metres: 50}), "Days with the Browns")
	entry, err := marketplace.DirectoryEntry(s.ctx, s.d, page.Offers[0].Offer.ID)
	require.NoError(t, err)
	require.Equal(t, p, entry.Place)
	text, err := marketplace.OfferFeed(s.ctx, s.d, shortbreaks.Anonymous, entry.Offer.ID)
	require.NoError(t, err)
	require.NotContains(t, text, "Mill Lane")
	require.NotContains(t, text, "2FA", "nor does the calendar that its schedule points to")
	// Once anything there is discreet, so is everything.
	shared := single()
	shared.Title, shared.Setting, shared.SettingID = "Games in the garden", nil, &entry.Offer.SettingID
	made := s.publish(s.owner, shared)
	entry, err = marketplace.DirectoryEntry(s.ctx, s.d, made.Offer.ID)
	require.NoError(t, err)
	require.True(t, entry.Place.Discreet)
}

func TestWhatIsNotPublishedHasNoEntry(t *testing.T) {
	t.Parallel()
	s := fair(t)
	rows, err := s.admin.Query(s.ctx, `SELECT id FROM offer WHERE state <> 'published'`)
	require.NoError(t, err)
	var ids []uuid.UUID
	for rows.Next() {
		var id uuid.UUID
		require.NoError(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.Len(t, ids, 2)
	for _, id := range append(ids, uuid.New()) {
		_, err := marketplace.DirectoryEntry(s.ctx, s.d, id)
		require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	}
}
