package booking

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks"
)

func TestWhatAMoveTells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		h                happening
		family, provider NewsKind
	}{
		{happening{to: Requested}, NewsBooked, NewsAsked},
		{happening{to: Confirmed}, NewsBooked, NewsBooked},
		{happening{to: Conditional}, NewsBooked, NewsBooked},
		{happening{to: Held}, "", ""},
		{happening{to: Held, fromLine: true}, NewsPlaceOffered, ""},
		{happening{from: Held, to: Confirmed, fromLine: true}, NewsBooked, NewsBooked},
		{happening{to: Confirmed, takesPlace: true}, "", ""},
		{happening{to: Requested, takesPlace: true}, NewsBooked, NewsAsked},
		{happening{from: Requested, to: Confirmed}, NewsAccepted, ""},
		{happening{from: Requested, to: Declined}, NewsDeclined, ""},
		{happening{from: Requested, to: Expired}, NewsExpired, NewsExpired},
		{happening{from: Held, to: Expired}, NewsExpired, ""},
		{happening{from: Conditional, to: Confirmed}, NewsGroupRuns, NewsGroupRuns},
		{happening{from: Conditional, to: CancelledByProvider, cause: minimumNotMet}, NewsGroupCalledOff, NewsGroupCalledOff},
		{happening{from: Confirmed, to: CancelledByProvider, cause: "No heating"}, NewsCancelledProvider, NewsCancelledProvider},
		{happening{from: Confirmed, to: CancelledByFamily, cause: "ill"}, NewsCancelledByFamily, NewsCancelledByFamily},
		{happening{from: Confirmed, to: CancelledByFamily, cause: moved}, NewsMoved, NewsMoved},
		{happening{from: Confirmed, to: CancelledByAuthority}, NewsCancelledAuthority, NewsCancelledAuthority},
		{happening{from: Confirmed, to: Delivered}, NewsRegisterFiled, ""},
		{happening{from: Delivered, to: NoShow}, NewsRegisterFiled, ""},
		{happening{from: Delivered, to: Disputed}, "", NewsQueried},
		{happening{from: Disputed, to: Delivered}, "", NewsQueryWithdrawn},
		{happening{from: Delivered, to: Settled, role: "family"}, "", NewsAgreed},
		{happening{from: Delivered, to: Settled, role: "system"}, NewsSettled, NewsSettled},
	} {
		family, provider := c.h.told()
		require.Equal(t, []NewsKind{c.family, c.provider}, []NewsKind{family, provider}, "%+v", c.h)
	}
	for _, kind := range NewsKinds {
		require.NotEmpty(t, newsWords[kind], kind)
	}
	require.Len(t, newsWords, len(NewsKinds))
}

// TestTheDayBeforeIsALondonDay: from four in the afternoon people are reminded
// of all of tomorrow, on days of 23 and 25 hours too.
func TestTheDayBeforeIsALondonDay(t *testing.T) {
	t.Parallel()
	for now, upTo := range map[string]string{
		"2027-01-08T15:59": "2027-01-09T00:00", "2027-01-08T16:00": "2027-01-10T00:00",
		"2027-03-27T15:59": "2027-03-28T00:00", "2027-03-27T16:00": "2027-03-29T00:00", // 28 March has 23 hours
		"2027-03-28T16:00": "2027-03-30T00:00",
		"2027-10-30T15:59": "2027-10-31T00:00", "2027-10-30T16:00": "2027-11-01T00:00", // 31 October has 25
		"2027-10-31T16:00": "2027-11-02T00:00",
	} {
		at, err := time.ParseInLocation(shortbreaks.WallLayout, now, shortbreaks.London)
		require.NoError(t, err)
		require.Equal(t, upTo, shortbreaks.Wall(remindOfStartsUpTo(at.UTC())), now)
	}
}
