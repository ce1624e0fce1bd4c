package marketplace_test

import (
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

func TestTheHelpNamesEveryColumn(t *testing.T) {
	t.Parallel()
	for _, column := range marketplace.SheetColumns {
		require.Regexp(t, `(?m)^  ([a-z_*]+, )*`+column+`\*?[ ,\n]`, marketplace.ImportHelp, column)
	}
}

// Every field a draft has over the API has its place in a file, or a reason why
// not: a field added to it later is forgotten by neither.
func TestEveryFieldOfADraftHasAPlaceInAFile(t *testing.T) {
	t.Parallel()
	without := map[string]string{
		"OfferDraft.ProviderID": "whose the file is", "OfferDraft.SettingID": "a setting stands by its name and postcode",
		"CalendarLimit.SchoolID": "dates come out one by one", "CalendarLimit.AuthorityID": "the same", "CalendarLimit.Only": "the same",
		"SessionSeries.Calendar": "the same", "BundleDraft.Capacity": "always as many as there are places", "LaneDraft.ID": "a lane stands by its name",
	}
	group := bundled(club(tariffOf(option("Term", charge("place", "term", 11_000)))), "term")
	group.Companions, group.NoticeMinutes = map[string]int{"carer": 1}, 90
	days := 60
	group.HorizonDays, group.Sessions.StaffUnits, group.Sessions.SkipBankHolidays = &days, 2, true
	group.Sessions.Minimum = &marketplace.MinimumDraft{Places: 3, DecideHoursBefore: 5, ConfirmEarly: true}
	group.Content = marketplace.Content{
		Needs: marketplace.TextList{"autism"}, AccessFeatures: marketplace.TextList{"hoist"}, Languages: marketplace.TextList{"makaton"}, Included: marketplace.TextList{"Tea"},
		ToBring: marketplace.TextList{"A coat"}, Eligibility: "Anyone with a card.", PersonalCare: true, TransportGiven: true, NeedsIntroduction: true,
	}
	group.Terms.Credit = &tariff.CreditTerms{Days: 90, Siblings: true}
	ruled, listed, visits := club(group.Tariff), club(group.Tariff), support(hourly())
	ruled.Content.FirstVisit = true
	ruled.Sessions = &marketplace.SessionSeries{Rule: "FREQ=WEEKLY;COUNT=3", FirstDate: date("2027-02-01"), From: "10:00", To: "12:00", Capacity: 3}
	listed.Sessions = &marketplace.SessionSeries{Dates: []time.Time{date("2027-02-01")}, From: "10:00", To: "12:00", Capacity: 3}
	visits.Visits.BufferBeforeMinutes = 10

	raw, err := marketplace.SheetRows(marketplace.CSV, nil, group, ruled, listed, visits)
	require.NoError(t, err)
	read, faults, err := marketplace.ReadSheet(raw, nil)
	require.NoError(t, err)
	require.Len(t, read, 4, "%v", faults)
	all, filled := map[string]bool{}, map[string]bool{}
	for _, d := range read {
		fieldsOf(reflect.ValueOf(d), all, filled)
	}
	for field := range without {
		require.False(t, filled[field], "%s has come back: it is no exception", field)
		delete(all, field)
	}
	var missing []string
	for field := range maps.Keys(all) {
		if !filled[field] {
			missing = append(missing, field)
		}
	}
	require.Empty(t, missing)
	require.Greater(t, len(filled), 50)
}

// fieldsOf gathers the exported fields of this package's structs in a value:
// all there are, and those that are filled in. Of the tariff the price lists of
// testdata are the measure, and not this.
func fieldsOf(v reflect.Value, all, filled map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fieldsOf(v.Elem(), all, filled)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fieldsOf(v.Index(i), all, filled)
		}
	case reflect.Struct:
		if !strings.HasSuffix(v.Type().PkgPath(), "/marketplace") {
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				name := v.Type().Name() + "." + f.Name
				all[name] = true
				filled[name] = filled[name] || !v.Field(i).IsZero()
				fieldsOf(v.Field(i), all, filled)
			}
		}
	}
}
