package marketplace_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// listedTariff is a price list of the tariff tests, by its name there.
type listedTariff struct {
	Name   string        `json:"name"`
	Tariff tariff.Tariff `json:"tariff"`
}

// tariffs are price lists of every form.
func tariffs(t testing.TB) (all []listedTariff) {
	t.Helper()
	f, err := os.Open("testdata/tariffs.jsonl")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var l listedTariff
		require.NoError(t, json.Unmarshal(lines.Bytes(), &l))
		all = append(all, l)
	}
	require.Greater(t, len(all), 90)
	return all
}

// framework is the contract the lists name.
var framework = []marketplace.Contract{{ID: uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057"), Reference: "FW; 7"}}

func asJSON(t require.TestingT, value any) string {
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestEveryFormOfPriceIsWrittenInCellsAndReadBack(t *testing.T) {
	t.Parallel()
	for _, format := range []marketplace.SheetFormat{marketplace.CSV, marketplace.XLSX} {
		var drafts []marketplace.OfferDraft
		for _, l := range tariffs(t) {
			drafts = append(drafts, club(l.Tariff))
		}
		raw, err := marketplace.SheetRows(format, framework, drafts...)
		require.NoError(t, err)
		cells, err := marketplace.SheetCells(raw)
		require.NoError(t, err)
		require.NotContains(t, cells[0], "json", "the columns say every form")
		read, faults, err := marketplace.ReadSheet(raw, framework)
		require.NoError(t, err)
		for _, f := range faults {
			require.NotRegexp(t, "^(Write [a-z]|We cannot read)", f.Detail, f.Column)
		}
		require.Len(t, read, len(drafts))
		for i, d := range drafts {
			require.Equal(t, asJSON(t, marketplace.BareTariff(d.Tariff)), asJSON(t, read[i].Tariff), tariffs(t)[i].Name)
		}
	}
}

func TestWhatTheColumnsCannotSayIsWrittenAsJSON(t *testing.T) {
	t.Parallel()
	odd := charge("place", "session", 1200)
	odd.Components[0].Note, odd.Payee = " leading space", "\"Taxi\"; Ltd"
	named := option(" Standard", odd, charge("meal", "session", 300))
	spaced := charge("transport", "session", 500)
	spaced.Payee = " Taxi Ltd" // a cell loses the space
	plain := option("Plain", charge("place", "session", 1200), odd, spaced)
	raw, err := marketplace.SheetRows(marketplace.CSV, nil, club(tariffOf(named, plain)))
	require.NoError(t, err)
	cells, err := marketplace.SheetCells(raw)
	require.NoError(t, err)
	require.Contains(t, cells[0], "json")
	require.Len(t, cells, 1+1+3, "the whole of the first option, and a row for each charge of the second")
	read, faults, err := marketplace.ReadSheet(raw, nil)
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Equal(t, asJSON(t, tariffOf(named, plain)), asJSON(t, read[0].Tariff))
}

func TestSimpleOffersStaySimpleColumns(t *testing.T) {
	t.Parallel()
	cheap := charge("place", "session", 600)
	raw, err := marketplace.SheetRows(marketplace.CSV, nil,
		club(tariffOf(option("Standard", charge("place", "session", 1200)), reduced(option("Reduced rate", cheap)))), support(hourly()))
	require.NoError(t, err)
	require.Equal(t, "\ufefftitle,summary,category,access_route,age_from,age_to,ratio,setting,postcode,instant,price_unit,price,components,"+
		"reduced_price,reduced_components,minimum_minutes,step_minutes,free_until_hours,late_fee_percent,days,from,to,first_date,last_date,except,places,"+
		"minimum_visit,maximum_visit,visit_step,buffer_after,lanes\r\n"+
		"Saturday club,\"Games, music and a garden.\",club,universal,5,16,1:3,Willow Hall,zz1 1aa,yes,session,12.00,staff 8.00; premises 4.00 hall,"+
		"6.00,staff 4.00; premises 2.00 hall,,,48,50,sat,10:00,13:00,2027-01-09,2027-03-27,2027-02-20,12,,,,,\r\n"+
		"One-to-one support worker,\"Comes to you, or goes out with your child.\",support_worker,targeted,5,18,1:1,Around Brackenvale,ZX1 1AA,,hour,25.00,"+
		"staff 16.67; premises 8.33 hall,,,60,15,48,100,mon-sat,08:00,20:00,,,,,60,480,5,30,Worker A; Worker B\r\n", string(raw))
}

// drawDraft is an offer whose parts are drawn from lists of every form, with
// words that a spreadsheet could mistake.
func drawDraft(t *rapid.T, lists []listedTariff) marketplace.OfferDraft {
	words := rapid.OneOf(
		rapid.SampledFrom([]string{"=1+1", "+44 Club", "-5", "@home", "'=x", "''@", "'Tis", "\"quoted\"", "a; b", "5\" tall; 6\"", "x\ny", "_x0041_", "1:3", "007", "1e5", "<b>&amp;", "é – ☂", "later"}),
		rapid.StringMatching(`[ -~£é]{3,20}`),
	)
	text := func(name string) string { return strings.TrimSpace(words.Draw(t, name)) + "." }
	d := club(rapid.SampledFrom(lists).Draw(t, "list").Tariff)
	if rapid.Bool().Draw(t, "visits") {
		d = support(d.Tariff)
	}
	t2 := tariff.Tariff{}
	for _, o := range append(d.Tariff.Options, rapid.SampledFrom(lists).Draw(t, "another").Tariff.Options...) {
		if rapid.IntRange(0, 3).Draw(t, "rename") == 0 {
			o.Name = text("option")
		}
		o.Charges = append([]tariff.Charge{}, o.Charges...)
		c := &o.Charges[0]
		c.AmountPence = shortbreaks.Pence(rapid.IntRange(0, 10_000_000).Draw(t, "amount"))
		c.Components = []tariff.Component{{Kind: "staff", AmountPence: c.AmountPence + 5, Note: strings.TrimSpace(words.Draw(t, "note"))}, {Kind: "subsidy", AmountPence: -5}}
		if c.Rate != nil && c.Rate.Bands != nil {
			rate := *c.Rate
			bands := *rate.Bands
			bands.List = append([]tariff.Band{}, bands.List...)
			bands.List[0].Name = text("band")
			rate.Bands, c.Rate = &bands, &rate
		}
		c.Payee, c.VATReason = text("payee"), strings.TrimSpace(words.Draw(t, "reason"))
		t2.Options = append(t2.Options, o)
	}
	d.Tariff = t2
	d.Title, d.Summary, d.Content.Eligibility = text("title"), text("summary"), text("eligibility")
	d.Content.Included, d.Content.ToBring = marketplace.TextList{text("included"), text("included too")}, marketplace.TextList{text("bring")}
	d.Setting = &marketplace.SettingDraft{Name: text("setting"), Postcode: "ZZ1 1AA"}
	fee := shortbreaks.Pence(rapid.IntRange(0, 5000).Draw(t, "fee"))
	d.Terms = rapid.SampledFrom([]tariff.Terms{
		{FreeUntilHours: 48, LateFeePercent: 50},
		{Choice: "two_days", FreeUntilHours: 48, LateFeePercent: 50},
		{
			Steps:            []tariff.TermStep{{Notice: 14, Unit: "clear_working_days"}, {Notice: 48, Unit: "hours", FeePence: &fee}, {Unit: "hours", FeePercent: 100}},
			Reasons:          []tariff.ReasonTerms{{Reason: "ill", Steps: []tariff.TermStep{{Notice: 2, Unit: "hours"}, {Unit: "hours", FeePercent: 50}}}, {Reason: "hospital", Steps: []tariff.TermStep{{Unit: "hours"}}}},
			WaivedIfRefilled: true, PartialPaid: "attended",
		},
	}).Draw(t, "terms")
	d.NoticeMinutes = rapid.IntRange(0, 3000).Draw(t, "notice")
	if rapid.Bool().Draw(t, "horizon") {
		days := rapid.IntRange(1, 365).Draw(t, "days ahead")
		d.HorizonDays = &days
	}
	drawGroup(t, &d)
	return d
}

func TestWhateverIsDraftedIsReadBackAsItWas(t *testing.T) {
	t.Parallel()
	lists := tariffs(t)
	rapid.Check(t, func(t *rapid.T) {
		drafts := []marketplace.OfferDraft{drawDraft(t, lists), drawDraft(t, lists)}
		for _, format := range []marketplace.SheetFormat{marketplace.CSV, marketplace.XLSX} {
			raw, err := marketplace.SheetRows(format, framework, drafts...)
			require.NoError(t, err)
			read, faults, err := marketplace.ReadSheet(raw, framework)
			require.NoError(t, err)
			for _, f := range faults {
				require.NotContains(t, f.Detail, "cannot read", f.Column)
			}
			require.Len(t, read, len(drafts))
			for i, want := range drafts {
				got := read[i]
				want.Tariff = marketplace.BareTariff(want.Tariff)
				require.Equal(t, asJSON(t, want.Tariff), asJSON(t, got.Tariff))
				require.Equal(t, asJSON(t, want.Terms.Resolved()), asJSON(t, got.Terms.Resolved()))
				require.Equal(t, []any{want.Title, want.Summary, want.Setting.Name, want.NoticeMinutes, want.HorizonDays},
					[]any{got.Title, got.Summary, got.Setting.Name, got.NoticeMinutes, got.HorizonDays})
				require.Equal(t, asJSON(t, want.Content), asJSON(t, got.Content))
				require.Equal(t, want.Companions, got.Companions)
				if want.Sessions != nil {
					series := *got.Sessions
					series.Bundle = nil // of a price for one; the drafts have none
					require.Equal(t, asJSON(t, want.Sessions), asJSON(t, series))
				}
			}
			again, err := marketplace.SheetRows(format, framework, read...)
			require.NoError(t, err)
			first, err := marketplace.SheetCells(raw)
			require.NoError(t, err)
			second, err := marketplace.SheetCells(again)
			require.NoError(t, err)
			require.Equal(t, first, second)
			if format == marketplace.CSV {
				require.Equal(t, string(raw), string(again))
				rows, err := csv.NewReader(bytes.NewReader(raw[len("\ufeff"):])).ReadAll()
				require.NoError(t, err)
				for _, cell := range slices.Concat(rows...) {
					require.False(t, cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])), "%q begins a formula", cell)
				}
			}
		}
	})
}
