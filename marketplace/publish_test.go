package marketplace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

func TestADraftIsWrittenWholeAndPublishedOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := bundled(club(tariffOf(
		option("Each", charge("place", "session", 1200), optional(charge("support", "hour", 1800))),
		option("Term", charge("place", "term", 11000)))), "term")
	made, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.NoError(t, err)
	require.Equal(t, marketplace.Draft, made.Offer.State)
	require.Equal(t, "Ashmere", made.Setting.Area)
	require.Equal(t, "ZZ1 1AA", made.Setting.Postcode)
	require.Equal(t, draft.Tariff, without(made.Tariff), "the tariff comes back as it was written, with its parts")
	require.Equal(t, draft.Terms, made.Version.Terms)
	require.Equal(t, "£12.00 a session", made.PriceText)
	require.Equal(t, pence(400), made.ComparableRatePence)
	require.Len(t, made.Sessions, 11)
	require.Equal(t, "2027-01-09T10:00", made.Sessions[0].LocalStart)
	require.Equal(t, 12, made.Sessions[0].PlacesLeft)
	require.Len(t, made.Bundles, 1)
	require.Equal(t, 11, made.Bundles[0].Term.PlannedSessions)
	require.Equal(t, shortbreaks.Pence(11000), made.Bundles[0].PricePence)

	for range 2 {
		published, err := marketplace.PublishOffer(s.ctx, s.d, s.owner, made.Offer.ID)
		require.NoError(t, err)
		require.Equal(t, marketplace.Published, published.Offer.State)
		require.Equal(t, start, published.Offer.PublishedAt.UTC())
	}
	_, err = marketplace.Withdraw(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.ErrorIs(t, err, marketplace.ErrWrongState)
	require.Empty(t, s.search(marketplace.SearchQuery{}), "what is withdrawn is not found")
	read, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, made.Offer.ID)
	require.NoError(t, err, "and still read, by those who booked it")
	require.Equal(t, marketplace.Withdrawn, read.Offer.State)
}

// without takes the keys out of the parts, which only the table needs.
func without(t tariff.Tariff) tariff.Tariff {
	for _, o := range t.Options {
		for _, c := range o.Charges {
			for i, p := range c.Components {
				c.Components[i] = tariff.Component{Kind: p.Kind, AmountPence: p.AmountPence, Note: p.Note}
			}
		}
	}
	return t
}

func TestAnOfferThatIsNotCostedIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	parts := func(amount shortbreaks.Pence, parts ...tariff.Component) marketplace.OfferDraft {
		c := charge("place", "session", amount)
		c.Components = parts
		return club(tariffOf(option("Free", charge("place", "session", 0)), option("Standard", c)))
	}
	part := func(kind string, amount shortbreaks.Pence) tariff.Component {
		return tariff.Component{Kind: kind, AmountPence: amount}
	}
	small := s.provider("One person", 2)
	for _, c := range []struct {
		name  string
		who   shortbreaks.Actor
		draft marketplace.OfferDraft
		ok    bool
	}{
		{"a penny short", s.owner, parts(1200, part("staff", 900), part("premises", 299)), false},
		{"to the penny", s.owner, parts(1200, part("staff", 900), part("premises", 300)), true},
		{"a penny over", s.owner, parts(1200, part("staff", 900), part("premises", 301)), false},
		{"no parts", s.owner, parts(1200), false},
		{"a subsidy may be negative", s.owner, parts(1200, part("staff", 1400), part("subsidy", -200)), true},
		{"a free place may show who bears it", s.owner, parts(0, part("staff", 500), part("subsidy", -500)), true},
		{"one merged part, five staff", s.owner, parts(1200, part("staff", 1200)), false},
		{"one merged part, two staff", small, parts(1200, part("staff", 1200)), true},
		{"one part that is no wage", s.owner, parts(1200, part("materials", 1200)), true},
	} {
		made, err := marketplace.CreateOffer(s.ctx, s.d, c.who, c.draft)
		if c.ok {
			require.NoError(t, err, c.name)
			require.Len(t, made.Tariff.Options[1].Charges[0].Components, len(c.draft.Tariff.Options[1].Charges[0].Components))
			continue
		}
		require.ErrorIs(t, err, tariff.ErrNotCosted, c.name)
		require.Equal(t, []string{"/tariff/options/1/charges/0/components"}, fields(err), c.name)
	}
	require.Equal(t, 5, s.count("offer"), "a refused draft leaves nothing behind")
	require.Equal(t, 5, s.count("offer_version"))
}

func TestEveryWrongValueOfADraftIsNamedBeforeAnyEffect(t *testing.T) {
	t.Parallel()
	s := setup(t)
	wrong := charge("lateness", "furlong", -1)
	wrong.Basis, wrong.When, wrong.VAT = "per_dog", "maybe", "reclaimed"
	wrong.Components = []tariff.Component{{Kind: "profit"}, {Kind: "staff", AmountPence: -5}}
	bad := option("", wrong)
	bad.WhoMayUse, bad.PaymentTiming, bad.BilledOn, bad.ValidFrom = "nobody", "someday", "never", "2027-02-30"
	draft := club(tariffOf(bad))
	draft.Title, draft.Summary, draft.Category, draft.AccessRoute = "", "x", "golf", "open"
	draft.AgeFrom, draft.AgeTo, draft.RatioStaff, draft.RatioChildren = -1, 26, 0, 31
	draft.Setting = &marketplace.SettingDraft{Name: "H", Postcode: "ZZ9 9ZZ"}
	draft.Terms = tariff.Terms{FreeUntilHours: -1, LateFeePercent: 101}
	draft.Sessions = &marketplace.SessionSeries{
		FirstDate: date("2027-02-01"), LastDate: date("2027-01-01"), Weekdays: []int{8}, From: "9:00", To: "25:00", Capacity: 0,
		Bundle: &marketplace.BundleDraft{Unit: "month"},
	}
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	c := "/tariff/options/0/charges/0"
	require.ElementsMatch(t, []string{
		"/title", "/summary", "/category", "/access_route", "/age_from", "/age_to", "/ratio/staff", "/ratio/children",
		"/setting/name", "/setting/postcode", "/cancellation_terms/free_until_hours", "/cancellation_terms/late_fee_percent",
		"/tariff/options", "/tariff/options/0/name", "/tariff/options/0/who_may_use", "/tariff/options/0/payment_timing", "/tariff/options/0/billed_on",
		"/tariff/options/0/valid_from", c + "/kind", c + "/basis", c + "/unit", c + "/when", c + "/vat", c + "/amount_pence",
		c + "/components/0/kind", c + "/components/1/amount_pence",
		"/sessions/last_date", "/sessions/weekdays", "/sessions/from", "/sessions/to", "/sessions/capacity",
		"/sessions/bundle/name", "/sessions/bundle/unit",
	}, fields(err))
	require.ErrorContains(t, err, "Write 3 to 120 characters.")
	require.Zero(t, s.count("offer")+s.count("setting"))
}

func TestWhatDoesNotFitTogetherIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for at, draft := range map[string]marketplace.OfferDraft{
		"/tariff/options/0/charges/0/unit": club(tariffOf(option("Term", charge("place", "term", 900)))), // without a bundle
		"/sessions/bundle/unit":            bundled(club(tariffOf(option("Each", charge("place", "session", 900)))), "term"),
		"/tariff/options/0/charges/1/unit": club(tariffOf(option("Each", charge("place", "session", 900), charge("meal", "term", 900)))),
		"/tariff/options/0/charges":        club(tariffOf(option("Each", optional(charge("place", "session", 900))))),
		"/tariff/options/1/name":           club(tariffOf(option("Each", charge("place", "session", 900)), option("Each", charge("place", "session", 800)))),
	} {
		_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
		require.Contains(t, fields(err), at)
	}
	keep := bundled(club(tariffOf(option("Term", charge("place", "term", 900)))), "term")
	few := 3
	keep.Sessions.Bundle.Capacity = &few
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, keep)
	require.Equal(t, []string{"/sessions/bundle/capacity"}, fields(err))
}

func TestT33_AWeeklySessionKeepsItsWallTimeOverBothChangesOfTheClocks(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 900))))
	draft.Sessions = &marketplace.SessionSeries{
		FirstDate: date("2027-03-21"), LastDate: date("2027-11-07"), Weekdays: []int{7}, From: "16:00", To: "18:00", Capacity: 5,
	}
	made := s.publish(s.owner, draft)
	require.Len(t, made.Sessions, 34)
	hours := map[int]int{}
	for _, e := range made.Sessions {
		require.True(t, strings.HasSuffix(e.LocalStart, "T16:00"), e.LocalStart)
		require.Equal(t, e.LocalStart, shortbreaks.Wall(e.StartsAt))
		require.Equal(t, "18:00", e.EndsAt.In(shortbreaks.London).Format("15:04"))
		hours[e.StartsAt.UTC().Hour()]++
	}
	require.Equal(t, map[int]int{16: 3, 15: 31}, hours, "one in March before the change, two from 31 October")

	night := club(tariffOf(option("Night", charge("place", "night", 9000))))
	night.Sessions = &marketplace.SessionSeries{
		FirstDate: date("2027-10-29"), LastDate: date("2027-10-30"), Weekdays: []int{5, 6}, From: "22:00", To: "08:00", Capacity: 2,
	}
	nights := s.publish(s.owner, night).Sessions
	require.Equal(t, 10*time.Hour, nights[0].EndsAt.Sub(nights[0].StartsAt))
	require.Equal(t, 11*time.Hour, nights[1].EndsAt.Sub(nights[1].StartsAt))
}

func TestT35_ASeriesAtAnHourThatIsMissingOrDoubledIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 900))))
	draft.Sessions = &marketplace.SessionSeries{
		FirstDate: date("2027-03-21"), LastDate: date("2027-04-04"), Weekdays: []int{7}, From: "01:30", To: "03:00", Capacity: 5,
	}
	_, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.ErrorContains(t, err, "On Sunday 28 March 2027: This time does not exist")
	draft.Sessions.Except = []time.Time{date("2027-03-28")}
	_, err = marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.NoError(t, err)

	draft.Sessions.FirstDate, draft.Sessions.LastDate = date("2027-10-31"), date("2027-10-31")
	_, err = marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.ErrorContains(t, err, "This time comes twice")

	draft.Sessions.FirstDate, draft.Sessions.LastDate = date("2026-12-20"), date("2027-01-03")
	_, err = marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.ErrorContains(t, err, "All of these dates have passed.")
}

func TestADraftIsInvisibleToAllButItsProvider(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.provider("Other", 4)
	made, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, bundled(club(tariffOf(option("Term", charge("place", "term", 900)))), "term"))
	require.NoError(t, err)
	id := made.Offer.ID
	_, err = marketplace.Get(s.ctx, s.d, s.owner, id)
	require.NoError(t, err)
	family := shortbreaks.Actor{Person: shortbreaks.NewID(), Role: shortbreaks.Family}
	for _, who := range []shortbreaks.Actor{shortbreaks.Anonymous, other, family} {
		_, err = marketplace.Get(s.ctx, s.d, who, id)
		require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	}
	page, err := marketplace.Search(s.ctx, s.d, marketplace.SearchQuery{})
	require.NoError(t, err)
	require.Empty(t, page.Items)

	// And by SQL, without the app: as the public, and as another provider.
	visible := func(providers string) (n int) {
		dbtest.As(t, s.d, func(tx pgx.Tx) {
			_, err := tx.Exec(s.ctx, `SELECT set_config('role', 'shortbreaks_app', true), set_config('app.providers', $1, true)`, providers)
			require.NoError(t, err)
			require.NoError(t, tx.QueryRow(s.ctx, `SELECT (SELECT count(*) FROM offer) + (SELECT count(*) FROM offer_version)
				+ (SELECT count(*) FROM price_component) + (SELECT count(*) FROM session) + (SELECT count(*) FROM term)`).Scan(&n))
		})
		return n
	}
	require.Equal(t, 0, visible(""))
	require.Equal(t, 0, visible(other.Providers[0].String()))
	require.Equal(t, 1+1+2+11+1, visible(s.owner.Providers[0].String()))
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, id)
	require.NoError(t, err)
	require.Equal(t, 1+1+2+11+1, visible(""))
}

func TestOnlyTheProvidersOwnPeopleWriteItsOffers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 900))))
	other := s.provider("Other", 4)
	coordinator := s.owner
	coordinator.Role = shortbreaks.Coordinator
	made, err := marketplace.CreateOffer(s.ctx, s.d, coordinator, draft)
	require.NoError(t, err, "a co-ordinator drafts")
	_, err = marketplace.PublishOffer(s.ctx, s.d, coordinator, made.Offer.ID)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden, "and does not publish")
	for _, role := range []shortbreaks.Role{shortbreaks.Family, shortbreaks.Worker, shortbreaks.Practitioner, ""} {
		_, err = marketplace.CreateOffer(s.ctx, s.d, shortbreaks.Actor{Role: role, Providers: s.owner.Providers}, draft)
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	_, err = marketplace.PublishOffer(s.ctx, s.d, other, made.Offer.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.NoError(t, err)
	for _, change := range []func(shortbreaks.Actor) error{
		func(who shortbreaks.Actor) error {
			_, err := marketplace.Withdraw(s.ctx, s.d, who, made.Offer.ID)
			return err
		},
		func(who shortbreaks.Actor) error {
			_, err := marketplace.ReviseOffer(s.ctx, s.d, who, made.Offer.ID, marketplace.Revision{Tariff: draft.Tariff})
			return err
		},
	} {
		require.ErrorIs(t, change(other), shortbreaks.ErrNotFound, "a published offer of somebody else is as good as not there")
	}

	draft.ProviderID = &other.Providers[0]
	_, err = marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	both := s.owner
	both.Providers = append([]uuid.UUID{}, s.owner.Providers[0], other.Providers[0])
	made, err = marketplace.CreateOffer(s.ctx, s.d, both, draft)
	require.NoError(t, err)
	require.Equal(t, other.Providers[0], made.Provider.ID)
	draft.ProviderID = nil
	_, err = marketplace.CreateOffer(s.ctx, s.d, both, draft)
	require.Equal(t, []string{"/provider_id"}, fields(err))
}

func TestASettingIsUsedAgain(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Standard", charge("place", "session", 900))))
	first := s.publish(s.owner, draft)
	require.Equal(t, first.Setting.ID, s.publish(s.owner, draft).Setting.ID)
	draft.Setting, draft.SettingID = nil, &first.Setting.ID
	require.Equal(t, first.Setting, s.publish(s.owner, draft).Setting)
	require.Equal(t, 1, s.count("setting"))
	other := s.provider("Other", 4)
	_, err := marketplace.CreateOffer(s.ctx, s.d, other, draft)
	require.Equal(t, []string{"/setting_id"}, fields(err), "another provider's setting is not one's own")
}

func TestARevisionIsANewVersionAndTheOldOneStays(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, club(tariffOf(option("Standard", charge("place", "session", 900)))))
	want := marketplace.Want{OfferID: made.Offer.ID, SessionIDs: []uuid.UUID{made.Sessions[0].ID}}
	before, err := s.offering(want)
	require.NoError(t, err)
	revised, err := marketplace.ReviseOffer(s.ctx, s.d, s.owner, made.Offer.ID, marketplace.Revision{
		Tariff: tariffOf(option("Standard", charge("place", "session", 1000))), Terms: tariff.Terms{FreeUntilHours: 24, LateFeePercent: 100},
	})
	require.NoError(t, err)
	require.Equal(t, 2, revised.Version.N)
	require.Equal(t, marketplace.Published, revised.Offer.State)
	after, err := s.offering(want)
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Pence(900), before.TotalPence)
	require.Equal(t, shortbreaks.Pence(1000), after.TotalPence)
	require.Equal(t, made.Version.ID, before.VersionID)
	require.Equal(t, revised.Version.ID, after.VersionID)
	require.Equal(t, 24, after.Terms.FreeUntilHours)
	require.Equal(t, 2, s.count("offer_version"))
	_, err = s.admin.Exec(s.ctx, `UPDATE offer_version SET price_pence = 1`)
	require.ErrorContains(t, err, "append-only")

	short := charge("place", "session", 1000)
	short.Components = short.Components[:1]
	_, err = marketplace.ReviseOffer(s.ctx, s.d, s.owner, made.Offer.ID, marketplace.Revision{Tariff: tariffOf(option("Standard", short))})
	require.ErrorIs(t, err, tariff.ErrNotCosted)
	_, err = marketplace.ReviseOffer(s.ctx, s.d, s.owner, made.Offer.ID, marketplace.Revision{Tariff: tariffOf(option("Term", charge("place", "term", 1)))})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}
