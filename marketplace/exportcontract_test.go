package marketplace_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// agree makes a framework of a council with a provider.
func (s *stall) agree(council, who shortbreaks.Actor, reference string) uuid.UUID {
	s.t.Helper()
	id := shortbreaks.NewID()
	_, err := s.admin.Exec(s.ctx, `INSERT INTO contract (authority_id, id, provider_id, kind, reference, name, starts_on, ends_on, created_by, created_at)
		VALUES ($1, $2, $3, 'framework', $4, 'Framework', '2027-01-01', '2027-12-31', $2, $5)`, council.Authorities[0], id, who.Providers[0], reference, start)
	require.NoError(s.t, err)
	return id
}

// A price agreed with a council goes into the file by the contract's reference,
// and by its id where two councils have one of that reference; it comes back to
// the same contract, or to the one of that reference of whoever imports it.
func TestPricesByContractSurviveTheDatabase(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash, moss, other := s.council("Ashmere"), s.council("Mossdale"), s.provider("Moor Lane", 5)
	lot, ashTwin, mossTwin := s.agree(ash, s.owner, `Lot 7; "north"`), s.agree(ash, s.owner, "F1"), s.agree(moss, s.owner, "F1")
	theirs := s.agree(moss, other, `Lot 7; "north"`)
	by := func(id uuid.UUID, pence shortbreaks.Pence) tariff.Option {
		o := option("Agreed "+id.String()[24:], charge("place", "session", pence))
		o.WhoMayUse, o.ContractID = tariff.ByContract, &id
		return o
	}
	draft := club(tariffOf(option("Standard", charge("place", "session", 1200)), by(lot, 900)))
	s.publish(s.owner, draft)
	lots := s.export(s.owner, marketplace.OfferExport{})
	require.Contains(t, string(lots.Body), `contract`)
	made := s.importFor(other, lots.Body)
	got, err := marketplace.Get(s.ctx, s.d, other, made.OfferIDs[0])
	require.NoError(t, err)
	require.Equal(t, &theirs, got.Tariff.Options[1].ContractID, "their contract of that reference")
	require.Equal(t, string(lots.Body), string(s.export(other, marketplace.OfferExport{}).Body))

	draft.Title, draft.Tariff = "Twins", tariffOf(option("Standard", charge("place", "session", 1200)), by(ashTwin, 800), by(mossTwin, 700), by(lot, 600))
	twins := s.publish(s.owner, draft)
	for _, format := range []marketplace.SheetFormat{marketplace.CSV, marketplace.XLSX} {
		file := s.export(s.owner, marketplace.OfferExport{Format: format, OfferIDs: []uuid.UUID{twins.Offer.ID}})
		again := s.importFor(s.owner, file.Body)
		o, err := marketplace.Get(s.ctx, s.d, s.owner, again.OfferIDs[0])
		require.NoError(t, err)
		same(t, twins, o)
		cells, err := marketplace.SheetCells(file.Body)
		require.NoError(t, err)
		text := asJSON(t, cells)
		require.Contains(t, text, "contract "+ashTwin.String(), "in its cell")
		require.Contains(t, text, mossTwin.String())
		require.NotContains(t, text, lot.String(), "one that has its reference to itself stands by it")
		_, err = marketplace.ImportOffers(s.ctx, s.d, other, strings.NewReader(string(file.Body)), marketplace.ImportOptions{})
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, "another's contract is nobody else's to use")
	}
	public, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, twins.Offer.ID)
	require.NoError(t, err)
	require.Len(t, public.Tariff.Options, 1)
}

// A list that keeps to the dates of a school or a council makes the sessions a
// draft with that calendar would; exported they are dates, and come back alike.
func TestCalendarCellsSurviveTheDatabase(t *testing.T) {
	t.Parallel()
	s := setup(t)
	ash := s.council("Ashmere")
	_, err := s.importCalendar(ash, councilDates, marketplace.CalendarImport{Format: "csv"})
	require.NoError(t, err)
	academy := s.school(ash, "Hill; Academy", "kind,first_date,last_date\nterm,2027-01-04,2027-03-19\nhalf_term,2027-02-08,2027-02-12\ninset,2027-02-22,\nholiday,2027-03-20,2027-04-09\n")
	price := tariffOf(option("Standard", charge("place", "session", 1200)))
	for cell, limit := range map[string]marketplace.CalendarLimit{
		`"term_time ""Hill; Academy"""`: {SchoolID: &academy, Only: marketplace.TermTime},
		"holidays Ashmere":              {AuthorityID: &ash.Authorities[0], Only: marketplace.Holidays},
		"term_time Ashmere":             {AuthorityID: &ash.Authorities[0], Only: marketplace.TermTime},
	} {
		drafted := club(price)
		drafted.Sessions = &marketplace.SessionSeries{
			FirstDate: date("2027-02-01"), LastDate: date("2027-04-05"), Weekdays: []int{1}, From: "10:00", To: "13:00", Capacity: 12, Calendar: &limit, SkipBankHolidays: true,
		}
		want := s.publish(s.owner, drafted)
		provider := s.provider("Willow "+cell, 5)
		list := "title,summary,category,access_route,age_from,age_to,ratio,setting,postcode,publish,price_unit,price,components,free_until_hours,late_fee_percent," +
			"days,from,to,first_date,last_date,calendar,skip_bank_holidays,places\n" +
			"Saturday club,Games,club,universal,5,16,1:3,Willow Hall,zz1 1aa,yes,session,12.00,staff 8; premises 4.00,48,50,mon,10:00,13:00,2027-02-01,2027-04-05," + cell + ",yes,12\n"
		made := s.importFor(provider, []byte(list))
		got, err := marketplace.Get(s.ctx, s.d, provider, made.OfferIDs[0])
		require.NoError(t, err)
		starts := func(o *marketplace.OfferDetail) (all []string) {
			for _, e := range o.Sessions {
				all = append(all, e.LocalStart)
			}
			return all
		}
		require.NotEmpty(t, starts(got))
		require.Equal(t, starts(want), starts(got), cell)
		before, after := s.roundTrip(provider)
		same(t, before[0], after[0])
	}
	_, err = s.importing("title,summary,category,access_route,age_from,age_to,ratio,setting,postcode,price_unit,price,days,from,to,first_date,last_date,calendar,places\n"+
		"Club,Games,club,universal,5,16,1:3,Hall,zz1 1aa,session,12.00,mon,10:00,13:00,2027-02-01,2027-04-05,term_time Nowhere,12\n", marketplace.ImportOptions{})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}
