package marketplace

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzDiary: whatever a file holds, reading it ends, and what it gives are
// times in order, apart from each other and within the window.
func FuzzDiary(f *testing.F) {
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\n" + lines + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	}
	for _, text := range []string{
		"", "BEGIN:VCALENDAR", "END:VCALENDAR", event("DTSTART:20270601T090000Z\r\nDURATION:P1DT2H"),
		event("DTSTART;TZID=Europe/London:20270322T090000\r\nDTEND;TZID=Europe/London:20270322T100000\r\nRRULE:FREQ=WEEKLY\r\nEXDATE:20270329T080000Z"),
		event("DTSTART;VALUE=DATE:20270328\r\nRRULE:FREQ=YEARLY;COUNT=3;"), event("RECURRENCE-ID;RANGE=THISANDFUTURE:20270101\r\nDTSTART:2027"),
		event("DTSTART;TZID=\"GMT Standard Time\":20270601T090000\r\nDTEND:20270601T120000Z\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM"),
		event("DTSTART:99991231T235959Z\r\nDURATION:P1000W\r\nRRULE:FREQ=DAILY;INTERVAL=999"), event("SUMMARY;X=\"\r\n \t:\\"),
	} {
		f.Add(text)
	}
	from := time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		busy, trouble := busyTimes(text, from, from.Add(busyAhead))
		if trouble != "" {
			require.Empty(t, busy)
		}
		for i, b := range busy {
			require.True(t, b.from.Before(b.to) && !b.from.Before(from) && !b.to.After(from.Add(busyAhead)))
			require.True(t, i == 0 || busy[i-1].to.Before(b.from))
		}
		_, _, _, _, _ = rangesOfICal(strings.NewReader(text)) // may refuse it, and may not panic
	})
}
