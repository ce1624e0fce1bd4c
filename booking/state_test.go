package booking_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/booking"
)

// every is all states, in the order of docs/ARCHITECTURE.md.
var every = []booking.State{
	booking.Held, booking.Requested, booking.Conditional, booking.Confirmed, booking.Delivered, booking.PartlyDelivered, booking.NoShow,
	booking.Disputed, booking.Settled, booking.Declined, booking.Expired, booking.CancelledByFamily, booking.CancelledByProvider, booking.CancelledByAuthority,
}

func TestTheStateMachineIsTheModels(t *testing.T) {
	t.Parallel()
	allowed := map[booking.State]string{
		booking.Held:            "requested conditional confirmed expired cancelled_by_family cancelled_by_provider cancelled_by_authority",
		booking.Requested:       "confirmed declined expired cancelled_by_family cancelled_by_provider cancelled_by_authority",
		booking.Conditional:     "confirmed expired cancelled_by_family cancelled_by_provider cancelled_by_authority",
		booking.Confirmed:       "delivered partly_delivered no_show cancelled_by_family cancelled_by_provider cancelled_by_authority",
		booking.Delivered:       "delivered partly_delivered no_show disputed settled",
		booking.PartlyDelivered: "delivered partly_delivered no_show disputed settled",
		booking.NoShow:          "delivered partly_delivered no_show disputed settled",
		booking.Disputed:        "delivered partly_delivered no_show settled",
	}
	for _, from := range every {
		got := ""
		for _, to := range every {
			if from.CanBecome(to) {
				got += " " + string(to)
			}
		}
		want := allowed[from]
		if want != "" {
			want = " " + want
		}
		require.Equal(t, want, got, "from %s", from)
	}
}

func TestLiveStatesKeepThePlace(t *testing.T) {
	t.Parallel()
	for i, s := range every {
		require.Equal(t, i <= 8, s.Live(), string(s))
	}
}
