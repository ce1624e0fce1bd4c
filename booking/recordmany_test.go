package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/marketplace/tariff"
)

// A provider files the registers of children of two councils at once. Each goes
// by the settings of its own: the one wants a yes for more than £5, the other
// for more than £500 (T60).
func TestT60_RegistersFiledTogetherGoEachByItsCouncilsSettings(t *testing.T) {
	w := newWorld(t)
	first := w.council
	second, err := w.build.NewCouncil(w.ctx, "Brookford Council", "brookford", "Brookford")
	require.NoError(t, err)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Terms = tariff.Terms{}
	draft.Sessions.Capacity = 12
	club := w.publish(draft)
	w.chooses("agree_above_pence", "500")
	parents := map[uuid.UUID]shortbreaks.Actor{}
	var items []*booking.Item
	for i := range 12 {
		w.council = first
		if i%2 == 1 {
			w.council = second
		}
		children, who := w.homes(1)
		b := w.booksAs(guest{who[0], children[0]}, ask(children[0], club, 1))
		items = append(items, b.Items[0])
		parents[b.Items[0].ID] = who[0]
	}
	w.clock.Set(items[0].EndsAt.Add(time.Hour))
	moves := booking.NewMoves(w.d)
	for i, err := range inTurn(len(items), func(i int) error {
		got, err := moves.Record(w.ctx, w.house.Coordinator, booking.RecordAttendance{ItemID: items[i].ID, Outcome: booking.Delivered})
		if err == nil {
			require.Equal(t, items[i].ID, got.ID)
			require.Equal(t, []string{booking.AgreeSum, ""}[i%2], got.Delivery.AgreeBecause)
		}
		return err
	}) {
		require.NoError(t, err, i)
	}
	for i, it := range items {
		waiting := w.awaiting(parents[it.ID])
		if i%2 == 0 {
			require.Equal(t, []uuid.UUID{it.ID}, waiting, "£8.00 is more than £5.00")
			continue
		}
		require.Empty(t, waiting, "the days of the family run")
	}
}
