package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db/dbtest"
)

// chooses makes an authority's choice from the beginning of the year.
func (w *world) chooses(name, value string) {
	w.t.Helper()
	_, err := dbtest.Owner(w.t, w.d).Exec(w.ctx, `INSERT INTO tenant_setting (authority_id, name, valid_from, value) VALUES ($1, $2, '2027-01-01', $3)`,
		w.council.ID, name, value)
	require.NoError(w.t, err)
}

func (w *world) awaiting(who shortbreaks.Actor) []uuid.UUID {
	w.t.Helper()
	page, _, err := booking.AwaitingYes(w.ctx, w.d, who, uuid.Nil, 10)
	require.NoError(w.t, err)
	var ids []uuid.UUID
	for _, it := range page {
		ids = append(ids, it.ID)
	}
	return ids
}

func TestT60_MoreThanASetSumWaitsForAYes(t *testing.T) {
	w := newWorld(t)
	w.chooses("agree_above_pence", "900")
	club := w.publish(saturdays(tariffOf(charge("place", "session", 900))))
	dear := w.publish(saturdays(tariffOf(charge("place", "session", 901))))
	dearest := w.book(ask(w.sibling, dear, 1)).Items[0]
	small, large := w.delivered(club, 0), w.filed(dearest, 0)
	require.NotNil(t, small.AutoConfirmAt, "exactly the sum")
	require.Nil(t, large.AutoConfirmAt)
	require.Equal(t, booking.AgreeSum, large.Delivery.AgreeBecause)
	w.clock.Advance(60 * 24 * time.Hour)
	_, err := booking.Sweep(w.ctx, w.d)
	require.NoError(t, err)
	w.requireMoney(w.child, 0, 900, 99_100)
	w.requireMoney(w.sibling, 901, 0, 99_099)
	for _, who := range []shortbreaks.Actor{w.parent, w.council.Practitioner, w.house.Coordinator} {
		require.Equal(t, []uuid.UUID{large.ID}, w.awaiting(who))
	}
	require.Empty(t, w.awaiting(w.family("stranger", 1).Parents[0]))
	_, _, err = booking.AwaitingYes(w.ctx, w.d, w.council.Finance, uuid.Nil, 10)
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	_, err = booking.Confirm(w.ctx, w.d, w.parent, large.ID)
	require.NoError(t, err)
	require.Empty(t, w.awaiting(w.parent))
}

func TestT60_ANightWaitsForAYesUnlessTheCouncilSaysOtherwise(t *testing.T) {
	for name, want := range map[string]string{"true": booking.AgreeOvernight, "false": ""} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.chooses("agree_overnight", name)
			d := hourly(1000)
			d.Visits.From, d.Visits.To = "08:00", "23:59"
			d.Sessions, d.Visits = saturdays(tariffOf()).Sessions, nil
			d.Tariff = tariffOf(charge("place", "session", 900))
			d.Sessions.From, d.Sessions.To = "22:00", "08:00"
			it := w.delivered(w.publish(d), 0)
			require.Equal(t, want, it.Delivery.AgreeBecause)
			require.Equal(t, want == "", it.AutoConfirmAt != nil)
		})
	}
}

func TestT60_ALateRegisterWaitsAndACorrectionDoesNotMakeItTimely(t *testing.T) {
	w := newWorld(t)
	it := w.book(ask(w.child, w.publish(saturdays(tariffOf(charge("place", "session", 900)))), 1)).Items[0]
	w.clock.Set(it.EndsAt.Add(48*time.Hour + time.Second))
	for range 2 {
		done, err := booking.Record(w.ctx, w.d, w.house.Worker, booking.RecordAttendance{ItemID: it.ID, Outcome: booking.Delivered})
		require.NoError(t, err)
		require.Nil(t, done.AutoConfirmAt)
	}
	got, err := booking.Load(w.ctx, w.d, w.parent, it.BookingID)
	require.NoError(t, err)
	require.Equal(t, booking.AgreeLate, got.Items[0].Delivery.AgreeBecause)
	require.Equal(t, []uuid.UUID{it.ID}, w.awaiting(w.parent))
}

func TestT60_WhatIsAddedMayMakeAYesNeeded(t *testing.T) {
	w := newWorld(t)
	w.chooses("agree_above_pence", "900")
	it := w.delivered(w.publish(lateClub()), 0)
	require.NotNil(t, it.AutoConfirmAt)
	it, err := w.happens(it, "late_pick_up", 5, w.clock.Now())
	require.NoError(t, err)
	require.Nil(t, it.AutoConfirmAt)
	require.Equal(t, booking.AgreeSum, it.Delivery.AgreeBecause)
}
