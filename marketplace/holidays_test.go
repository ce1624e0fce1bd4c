package marketplace_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

func (s *stall) holidays(from, to string) (names map[string]string) {
	s.t.Helper()
	names = map[string]string{}
	require.NoError(s.t, s.d.Read(s.ctx, db.Scope{}, func(tx *db.Tx) error {
		days, err := marketplace.BankHolidays(s.ctx, tx, date(from), date(to))
		for on, name := range days {
			names[on.Format("2006-01-02")] = name
			require.Equal(s.t, date(on.Format("2006-01-02")), on)
		}
		return err
	}))
	return names
}

func TestT26_EnglandsBankHolidaysAreKnownWithSubstituteDays(t *testing.T) {
	t.Parallel()
	s := setup(t)
	require.Equal(t, map[string]string{
		"2027-12-27": "Christmas Day (substitute day)", "2027-12-28": "Boxing Day (substitute day)", "2028-01-03": "New Year's Day (substitute day)",
	}, s.holidays("2027-12-01", "2028-01-31"))
	require.Equal(t, map[string]string{"2027-03-26": "Good Friday", "2027-03-29": "Easter Monday"}, s.holidays("2027-03-26", "2027-03-29"), "both ends count")
	for _, year := range []string{"2024", "2025", "2026", "2027", "2028"} {
		require.Len(t, s.holidays(year+"-01-01", year+"-12-31"), 8, year)
	}
}

func TestT26_AOneOffBankHolidayIsImported(t *testing.T) {
	t.Parallel()
	s := setup(t)
	file := "date,name\n2027-06-07,Extra bank holiday\n\n2027-05-31,Late spring holiday\n2027-08-30,Summer bank holiday\n"
	report, err := marketplace.ImportHolidays(s.ctx, s.d, strings.NewReader(file), true)
	require.NoError(t, err)
	require.Equal(t, marketplace.HolidayReport{Rows: 3, Added: 1, Renamed: 1, Unchanged: 1, DryRun: true}, report)
	require.Len(t, s.holidays("2027-05-31", "2027-06-30"), 1, "a dry run changes nothing")
	report, err = marketplace.ImportHolidays(s.ctx, s.d, strings.NewReader(file), false)
	require.NoError(t, err)
	require.Equal(t, marketplace.HolidayReport{Rows: 3, Added: 1, Renamed: 1, Unchanged: 1}, report)
	require.Equal(t, map[string]string{"2027-05-31": "Late spring holiday", "2027-06-07": "Extra bank holiday"}, s.holidays("2027-05-31", "2027-06-30"))
}

func TestAFileOfBankHolidaysIsImportedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := setup(t)
	report, err := marketplace.ImportHolidays(s.ctx, s.d,
		strings.NewReader("date,name\n2027-06-07,Extra\n7 June,Extra\n2027-06-08,\n2027-06-07,Again\n2027-06-09\n"), false)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.ElementsMatch(t, []marketplace.ImportError{
		{Row: 3, Column: "date", Detail: "Give a date such as 2027-01-09."},
		{Row: 4, Column: "name", Detail: "Write 1 to 100 characters."},
		{Row: 5, Column: "date", Detail: "This date is in row 2 already."},
		{Row: 6, Column: "", Detail: "The row has 1 cells and there are 2 columns."},
	}, report.Errors)
	require.Empty(t, s.holidays("2027-06-01", "2027-06-30"))
	for _, file := range []string{"", "date\n2027-06-07\n", "date,name\n", "date,name,=1\n1,2,3\n", "date,date\n1,1\n", "date,name\n\xff,x\n", "date,name\n2027-06-07,a\x00b\n"} {
		_, err := marketplace.ImportHolidays(s.ctx, s.d, strings.NewReader(file), false)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, file)
	}
}
