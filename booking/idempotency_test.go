package booking_test

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
)

// once is the Idem of a request whose answer is its basket's id and references.
func once(who shortbreaks.Actor, key string, c booking.CreateBooking) *shortbreaks.Idem {
	body, _ := json.Marshal(c.Quotes)
	hash := sha256.Sum256(body)
	return &shortbreaks.Idem{Caller: who.Person, Operation: "createBooking", Key: key, Hash: hash[:], Render: func(result any) (int, []byte, error) {
		answer := []string{}
		for _, b := range result.(*booking.Basket).Bookings {
			answer = append(answer, b.Reference)
		}
		bytes, err := json.Marshal(answer)
		return 201, bytes, err
	}}
}

func TestT03_TheSameKeyBooksOnceAndAnswersTheSameBytes(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	c := toBook(w.quote(w.parent, ask(w.child, club, 2)))
	var mu sync.Mutex
	bodies := map[string]int{}
	replays := 0
	errs := together(12, func(int) error {
		c := c
		c.Idem = once(w.parent, "key-1", c)
		_, reply, err := booking.Create(w.ctx, w.d, w.parent, c)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		bodies[string(reply.Body)]++
		if reply.Replayed {
			replays++
		}
		return nil
	})
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, bodies, 1)
	require.Equal(t, 11, replays)
	w.requireMoney(w.child, 1600, 0, 98_400)
	require.Equal(t, 1, w.taken(club, 0))
}

func TestT04_TheSameKeyWithAnotherBodyPostsNothing(t *testing.T) {
	w := newWorld(t)
	club := w.publish(saturdays(tariffOf(charge("place", "session", 800))))
	first := toBook(w.quote(w.parent, ask(w.child, club, 1)))
	first.Idem = once(w.parent, "key-1", first)
	_, _, err := booking.Create(w.ctx, w.d, w.parent, first)
	require.NoError(t, err)
	second := toBook(w.quote(w.parent, ask(w.sibling, club, 1)))
	second.Idem = once(w.parent, "key-1", second)
	_, _, err = booking.Create(w.ctx, w.d, w.parent, second)
	require.ErrorIs(t, err, shortbreaks.ErrKeyReused)
	w.requireMoney(w.sibling, 0, 0, 100_000)

	other := w.family("novak", 1)
	w.allocate(other.Children[0].ID, "social_care", "pence", 10_000)
	w.line(other.Children[0].ID, budgets.NewPlanLine{})
	third := toBook(w.quote(other.Parents[0], ask(other.Children[0].ID, club, 1)))
	third.Idem = once(other.Parents[0], "key-1", third)
	_, reply, err := booking.Create(w.ctx, w.d, other.Parents[0], third)
	require.NoError(t, err)
	require.False(t, reply.Replayed, "another caller's key is another key")
}

func TestARefusalIsNotKeptSoTheKeyMayBeTriedAgain(t *testing.T) {
	w := newWorld(t)
	draft := saturdays(tariffOf(charge("place", "session", 800)))
	draft.Sessions.Capacity = 1
	club := w.publish(draft)
	taker := w.book(ask(w.sibling, club, 1))
	c := toBook(w.quote(w.parent, ask(w.child, club, 1)))
	c.Idem = once(w.parent, "key-1", c)
	_, _, err := booking.Create(w.ctx, w.d, w.parent, c)
	require.ErrorIs(t, err, booking.ErrSessionFull)
	_, err = booking.Cancel(w.ctx, w.d, w.parent, booking.CancelBooking{BookingID: taker.ID, Reason: "ill"})
	require.NoError(t, err)
	_, reply, err := booking.Create(w.ctx, w.d, w.parent, c)
	require.NoError(t, err)
	require.False(t, reply.Replayed)
}
