package marketplace_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// export writes the offers of a provider.
func (s *stall) export(who shortbreaks.Actor, q marketplace.OfferExport) *marketplace.OfferSheet {
	s.t.Helper()
	sheet, err := marketplace.ExportOffers(s.ctx, s.d, who, q)
	require.NoError(s.t, err)
	return sheet
}

// importFor imports a file for a provider.
func (s *stall) importFor(who shortbreaks.Actor, raw []byte) marketplace.ImportReport {
	s.t.Helper()
	r, err := marketplace.ImportOffers(s.ctx, s.d, who, bytes.NewReader(raw), marketplace.ImportOptions{})
	require.NoError(s.t, err, "%v", r.Errors)
	return r
}

// roundTrip exports a provider's offers, imports them for an empty one and
// exports that: the same file in both formats. It answers the other's offers.
func (s *stall) roundTrip(who shortbreaks.Actor) (before, after []*marketplace.OfferDetail) {
	s.t.Helper()
	first := s.export(who, marketplace.OfferExport{})
	empty := s.provider("Willow Breaks", 5)
	made := s.importFor(empty, first.Body)
	require.Equal(s.t, string(first.Body), string(s.export(empty, marketplace.OfferExport{}).Body))
	book := s.export(who, marketplace.OfferExport{Format: marketplace.XLSX})
	another := s.provider("Willow Breaks", 5)
	s.importFor(another, book.Body)
	want, err := marketplace.SheetCells(book.Body)
	require.NoError(s.t, err)
	got, err := marketplace.SheetCells(s.export(another, marketplace.OfferExport{Format: marketplace.XLSX}).Body)
	require.NoError(s.t, err)
	require.Equal(s.t, want, got)
	require.Equal(s.t, string(first.Body), string(s.export(another, marketplace.OfferExport{}).Body), "either format carries the same")
	for i, id := range s.offersOf(who) {
		for list, of := range map[*[]*marketplace.OfferDetail]struct {
			who shortbreaks.Actor
			id  [16]byte
		}{&before: {who, id}, &after: {empty, made.OfferIDs[i]}} {
			o, err := marketplace.Get(s.ctx, s.d, of.who, of.id)
			require.NoError(s.t, err)
			*list = append(*list, o)
		}
	}
	return before, after
}

// offersOf are a provider's offers in the order of their making.
func (s *stall) offersOf(who shortbreaks.Actor) (ids [][16]byte) {
	s.t.Helper()
	rows, err := s.admin.Query(s.ctx, `SELECT id FROM offer WHERE provider_id = $1 AND state <> 'withdrawn' ORDER BY created_at, id`, who.Providers[0])
	require.NoError(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var id [16]byte
		require.NoError(s.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	return ids
}

// same compares what a family would see of two offers.
func same(t *testing.T, want, got *marketplace.OfferDetail) {
	t.Helper()
	require.Equal(t, asJSON(t, want.Tariff), asJSON(t, got.Tariff), want.Offer.Title)
	require.Equal(t, asJSON(t, want.Version.Terms), asJSON(t, got.Version.Terms), want.Offer.Title)
	require.Equal(t, want.PriceText, got.PriceText)
	require.Equal(t, want.ComparableRatePence, got.ComparableRatePence)
	a, b := want.Offer, got.Offer
	for _, o := range []*marketplace.Offer{&a, &b} {
		o.ProviderID, o.ID, o.SettingID, o.VersionID, o.Edition = [16]byte{}, [16]byte{}, [16]byte{}, [16]byte{}, 0
		o.CreatedAt, o.PublishedAt = time.Time{}, nil
	}
	require.Equal(t, a, b)
	require.Equal(t, []any{want.Setting.Name, want.Setting.Postcode, want.Setting.AddressLines, want.Setting.AccessFeatures},
		[]any{got.Setting.Name, got.Setting.Postcode, got.Setting.AddressLines, got.Setting.AccessFeatures})
	require.Equal(t, len(want.Sessions), len(got.Sessions))
	for i, w := range want.Sessions {
		g := got.Sessions[i]
		require.Equal(t, []any{w.StartsAt, w.EndsAt, w.LocalStart, w.Capacity, w.Minimum}, []any{g.StartsAt, g.EndsAt, g.LocalStart, g.Capacity, g.Minimum}, want.Offer.Title)
	}
	require.Equal(t, len(want.Bundles), len(got.Bundles))
	for i, w := range want.Bundles {
		g := got.Bundles[i]
		require.Equal(t, []any{w.Remaining, w.PricePence, w.Term.Name, w.Term.Unit, w.Term.StartsOn, w.Term.EndsOn, w.Term.PlannedSessions},
			[]any{g.Remaining, g.PricePence, g.Term.Name, g.Term.Unit, g.Term.StartsOn, g.Term.EndsOn, g.Term.PlannedSessions})
	}
	for i := range want.Lanes {
		require.Equal(t, want.Lanes[i].Label, got.Lanes[i].Label)
	}
}

func TestWhatIsExportedAndImportedIsTheSame(t *testing.T) {
	t.Parallel()
	s := setup(t)
	full := club(tariffOf(option("Standard", charge("place", "session", 1200), optional(charge("support", "hour", 1800))),
		reduced(option("Low income", charge("place", "session", 300)))))
	full.Title = "=Club; \"the\" best\nof all"
	full.AccessRoute, full.Content = "targeted", marketplace.Content{
		Needs: marketplace.TextList{"autism", "epilepsy"}, AccessFeatures: marketplace.TextList{"hoist"}, Languages: marketplace.TextList{"makaton"},
		Included: marketplace.TextList{"Lunch; and tea", "+ fun"}, ToBring: marketplace.TextList{"A coat"}, Eligibility: "Anyone with a register card.",
		PersonalCare: false, TransportGiven: true, NeedsIntroduction: true,
	}
	horizon := 60
	full.NoticeMinutes, full.HorizonDays = 90, &horizon
	full.Terms = tariff.Terms{Choice: "two_days"}
	s.publish(s.owner, full)
	s.publish(s.owner, bundled(club(tariffOf(option("Term", charge("place", "term", 11_000)))), "term"))
	one, two := support(hourly()), support(hourly())
	two.Title, two.Visits.Lanes = "Evenings", []marketplace.LaneDraft{{Label: "Worker A"}}
	first := s.publish(s.owner, one)
	two.Visits.Lanes[0] = marketplace.LaneDraft{ID: &first.Lanes[0].ID}
	shared := s.publish(s.owner, two)
	two.Visits.Lanes, two.Title = []marketplace.LaneDraft{{Label: "Worker A"}}, "Another of that name"
	namesake := s.publish(s.owner, two)
	_, err := marketplace.PauseOffer(s.ctx, s.d, s.owner, namesake.Offer.ID)
	require.NoError(t, err)
	_, err = marketplace.CopyOffer(s.ctx, s.d, s.owner, s.offersOf(s.owner)[0]) // a draft without dates
	require.NoError(t, err)

	before, after := s.roundTrip(s.owner)
	require.Len(t, after, 6)
	for i := range before {
		if before[i].Offer.State == marketplace.Paused {
			require.Equal(t, marketplace.Draft, after[i].Offer.State)
			after[i].Offer.State = marketplace.Paused
		}
		same(t, before[i], after[i])
	}
	require.Equal(t, after[2].Lanes[0].ID, after[3].Lanes[0].ID, "one worker is one lane in both offers (T52)")
	require.NotEqual(t, after[2].Lanes[0].ID, after[4].Lanes[0].ID, "and two of one name stay two")
	require.Equal(t, shared.Lanes[0].ID, first.Lanes[0].ID)

	sheet := s.export(s.owner, marketplace.OfferExport{})
	require.Equal(t, "offers-willow-breaks.csv", sheet.Name)
	require.Equal(t, 6, sheet.Offers)
	require.Contains(t, string(sheet.Body), `"'=Club; ""the"" best`)
	require.Contains(t, string(sheet.Body), "Worker A #2")
	again := s.importFor(s.owner, sheet.Body)
	o, err := marketplace.Get(s.ctx, s.d, s.owner, again.OfferIDs[3])
	require.NoError(t, err)
	require.Equal(t, first.Lanes[0].ID, o.Lanes[0].ID, "imported where it came from, the workers are those there are")
}

func TestDatesThatWereChangedAreExportedAsTheyStand(t *testing.T) {
	t.Parallel()
	s := setup(t)
	term := s.publish(s.owner, bundled(club(tariffOf(option("Term", charge("place", "term", 11_000)), option("Each", charge("place", "session", 1200)))), "term"))
	move := func(n int, on, from, to string) {
		_, err := marketplace.MoveSession(s.ctx, s.d, s.owner, marketplace.SessionMove{SessionID: term.Sessions[n].ID, On: date(on), From: from, To: to})
		require.NoError(t, err)
	}
	move(3, "2027-02-07", "09:00", "12:00")
	move(4, "2027-02-07", "09:00", "12:00") // two at one time
	move(10, "2027-04-03", "10:00", "13:00")
	_, err := marketplace.CallOffSession(s.ctx, s.d, s.owner, term.Sessions[6].ID, "No heating.")
	require.NoError(t, err)
	places := 5
	_, err = marketplace.ChangeSessions(s.ctx, s.d, s.owner, marketplace.SessionChange{OfferID: term.Offer.ID, From: date("2027-03-20"), Capacity: &places})
	require.NoError(t, err)
	s.clock.Set(at("2027-01-20T09:00")) // two have run
	single := club(tariffOf(option("Standard", charge("place", "session", 1200))))
	single.Sessions = &marketplace.SessionSeries{Rule: "FREQ=MONTHLY;BYDAY=2SA;COUNT=6", FirstDate: date("2027-02-01"), From: "22:00", To: "07:00", Capacity: 3}
	s.publish(s.owner, single)
	passed := s.publish(s.owner, club(tariffOf(option("Standard", charge("place", "session", 1200)))))
	for _, e := range passed.Sessions {
		_, err := marketplace.CallOffSession(s.ctx, s.d, s.owner, e.ID, "Closed.")
		require.NoError(t, err)
	}

	before, after := s.roundTrip(s.owner)
	same(t, before[0], after[0])
	require.Equal(t, 8, after[0].Bundles[0].Remaining)
	require.Equal(t, 11, after[0].Bundles[0].Term.PlannedSessions)
	var run int
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT count(*) FROM session WHERE offer_id = $1 AND starts_at < '2027-01-20'`, after[0].Offer.ID).Scan(&run))
	require.Equal(t, 2, run, "those that have run are of the bundle too: who joins now joins on its third date")
	same(t, before[1], after[1])
	require.Len(t, after[1].Sessions, 6)
	require.Equal(t, marketplace.Draft, after[2].Offer.State, "without dates it cannot be on sale")
	require.Empty(t, after[2].Sessions)
}

func TestEveryFormOfPriceSurvivesTheDatabase(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var kept int
	for _, l := range tariffs(t) {
		bundle := ""
		for _, unit := range tariff.BundleUnits {
			var f shortbreaks.Faults
			if l.Tariff.CheckBundles(&f, unit) {
				bundle = unit
			}
		}
		draft := club(l.Tariff)
		if draft.AccessRoute = "targeted"; bundle != "" {
			draft = bundled(draft, bundle)
		}
		if strings.Contains(asJSON(t, l.Tariff), "contract_id") {
			continue // whose authority has no contract with anybody here
		}
		draft.Title = l.Name
		if _, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft); err == nil {
			kept++
		}
	}
	require.Greater(t, kept, 80)
	before, after := s.roundTrip(s.owner)
	for i := range before {
		same(t, before[i], after[i])
	}
}

func TestOnlyWhatIsChosenIsExported(t *testing.T) {
	t.Parallel()
	s := setup(t)
	price := tariffOf(option("Standard", charge("place", "session", 1200)))
	var ids [][16]byte
	for i := range 4 {
		d := club(price)
		d.Title = fmt.Sprint("Club ", i)
		if i == 0 {
			o, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, d)
			require.NoError(t, err)
			ids = append(ids, o.Offer.ID)
			continue
		}
		ids = append(ids, s.publish(s.owner, d).Offer.ID)
	}
	_, err := marketplace.Withdraw(s.ctx, s.d, s.owner, ids[3])
	require.NoError(t, err)
	titles := func(q marketplace.OfferExport) (all string) {
		cells, err := marketplace.SheetCells(s.export(s.owner, q).Body)
		require.NoError(t, err)
		for _, row := range cells[1:] {
			all += row[0][len("Club "):]
		}
		return all
	}
	require.Equal(t, "012", titles(marketplace.OfferExport{}))
	require.Equal(t, "0", titles(marketplace.OfferExport{States: []marketplace.OfferState{marketplace.Draft}}))
	require.Equal(t, "3", titles(marketplace.OfferExport{States: []marketplace.OfferState{marketplace.Withdrawn}}))
	require.Equal(t, "12", titles(marketplace.OfferExport{States: []marketplace.OfferState{marketplace.Published}}))
	require.Equal(t, "02", titles(marketplace.OfferExport{OfferIDs: uuids(ids[2], ids[0])}))

	coordinator, other := s.owner, s.provider("Another", 5)
	coordinator.Role = shortbreaks.Coordinator
	require.Equal(t, 3, s.export(coordinator, marketplace.OfferExport{}).Offers)
	for _, who := range []shortbreaks.Actor{shortbreaks.Anonymous, {Role: shortbreaks.Worker, Providers: s.owner.Providers}, {Role: shortbreaks.Family}} {
		_, err := marketplace.ExportOffers(s.ctx, s.d, who, marketplace.OfferExport{})
		require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	}
	_, err = marketplace.ExportOffers(s.ctx, s.d, other, marketplace.OfferExport{ProviderID: &s.owner.Providers[0]})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = marketplace.ExportOffers(s.ctx, s.d, other, marketplace.OfferExport{OfferIDs: uuids(ids[1])})
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	_, err = marketplace.ExportOffers(s.ctx, s.d, s.owner, marketplace.OfferExport{Format: "pdf"})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, 0, s.export(other, marketplace.OfferExport{}).Rows)
}

func uuids(ids ...[16]byte) (all []uuid.UUID) {
	for _, id := range ids {
		all = append(all, id)
	}
	return all
}
