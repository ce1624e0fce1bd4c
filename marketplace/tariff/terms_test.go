package tariff_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

func TestT40_ExactlyAtTheDeadlineIsInTimeAndASecondLaterIsLate(t *testing.T) {
	t.Parallel()
	terms := tariff.Terms{FreeUntilHours: 48, LateFeePercent: 50}
	begin := at("2027-01-09T10:00")
	deadline := begin.Add(-48 * time.Hour)
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline.Add(-time.Second)}))
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline}))
	require.Equal(t, shortbreaks.Pence(1251), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline.Add(time.Microsecond)}), "1250.5 goes up")
	require.Equal(t, shortbreaks.Pence(1251), terms.Fee(tariff.Cancellation{Price: 2501, Start: begin, At: deadline.Add(time.Second)}))
}

func TestT39_NoticeIsElapsedHoursOverAChangeOfTheClocks(t *testing.T) {
	t.Parallel()
	terms := tariff.Terms{FreeUntilHours: 48, LateFeePercent: 100}
	begin := at("2027-03-28T16:00") // the clocks went forward that night
	require.Equal(t, shortbreaks.Pence(0), terms.Fee(tariff.Cancellation{Price: 900, Start: begin, At: at("2027-03-26T15:00")}))
	require.Equal(t, shortbreaks.Pence(900), terms.Fee(tariff.Cancellation{Price: 900, Start: begin, At: at("2027-03-26T15:00").Add(time.Second)}))
}

func TestTermsAreSaidInPlainEnglish(t *testing.T) {
	t.Parallel()
	for want, terms := range map[string]tariff.Terms{
		"You may cancel free of charge up to 48 hours before the start. After that you pay 50% of the price.": {FreeUntilHours: 48, LateFeePercent: 50},
		"You may cancel free of charge up to 1 hour before the start. After that you pay the full price.":     {FreeUntilHours: 1, LateFeePercent: 100},
		"You may cancel free of charge until the start.":                                                      {FreeUntilHours: 48},
	} {
		require.Equal(t, want, terms.Explain())
	}
}
