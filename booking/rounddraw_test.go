package booking_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/booking"
)

// anyDraw is any rule, places, families and wishes.
func anyDraw(rt *rapid.T) (d booking.RoundDraw, seed []byte) {
	sessions := make([]uuid.UUID, rapid.IntRange(1, 4).Draw(rt, "sessions"))
	d.Places = map[uuid.UUID]int{}
	for i := range sessions {
		sessions[i] = shortbreaks.NewID()
		d.Places[sessions[i]] = rapid.IntRange(0, 4).Draw(rt, "places")
	}
	groups := []string{"missed_last_round", "new_here"}
	d.Groups = groups[:rapid.IntRange(0, 2).Draw(rt, "groups")]
	d.SiblingsTogether = rapid.Bool().Draw(rt, "together")
	var family uuid.UUID
	for i := range rapid.IntRange(0, 9).Draw(rt, "entries") {
		if i == 0 || rapid.Bool().Draw(rt, "another family") {
			family = shortbreaks.NewID()
		}
		e := booking.DrawEntry{Ticket: shortbreaks.NewID(), Family: family, Groups: []string{}}
		for _, g := range d.Groups {
			if rapid.Bool().Draw(rt, g) {
				e.Groups = append(e.Groups, g)
			}
		}
		for range rapid.IntRange(1, 3).Draw(rt, "wishes") {
			from := rapid.IntRange(0, len(sessions)-1).Draw(rt, "from")
			to := rapid.IntRange(from+1, len(sessions)).Draw(rt, "to")
			e.Wishes = append(e.Wishes, booking.DrawWish{
				Sessions: sessions[from:to], Places: rapid.IntRange(1, 2).Draw(rt, "taking"), Impossible: rapid.IntRange(0, 4).Draw(rt, "impossible") == 0,
			})
		}
		d.Entries = append(d.Entries, e)
	}
	return d, rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "seed")
}

// Whatever the rule, the wishes and the seed: the order in which entries are
// read makes no difference, nothing is given twice, everybody has the best that
// was left when it was their turn, and the rule's groups come in their order.
func TestT98_AnyDrawIsFairAndTheSameHoweverOftenItIsRepeated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d, seed := anyDraw(rt)
		text, err := json.Marshal(d)
		require.NoError(rt, err)
		d.Run(seed)
		var again booking.RoundDraw
		require.NoError(rt, json.Unmarshal(text, &again))
		if len(again.Entries) > 0 {
			again.Entries = rapid.Permutation(again.Entries).Draw(rt, "another order")
		}
		again.Run(seed)
		again.Run(seed)
		require.Equal(rt, d, again)

		left := map[uuid.UUID]int{}
		for s, n := range d.Places {
			left[s] = n
		}
		for i, e := range d.Entries {
			require.Equal(rt, i+1, e.Place)
			for n, w := range e.Wishes {
				possible := !w.Impossible && !slices.ContainsFunc(w.Sessions, func(s uuid.UUID) bool { return left[s] < w.Places })
				if e.Wish == n+1 {
					require.True(rt, possible)
					for _, s := range w.Sessions {
						left[s] -= w.Places
					}
					break
				}
				require.False(rt, possible, "a dearer wish was possible")
			}
			if i > 0 {
				requireInOrder(rt, d, d.Entries[i-1], e)
			}
		}
		for _, n := range left {
			require.GreaterOrEqual(rt, n, 0)
		}
	})
}

// requireInOrder holds two neighbours against the rule.
func requireInOrder(rt *rapid.T, d booking.RoundDraw, a, b booking.DrawEntry) {
	rank := func(e booking.DrawEntry) int {
		best := len(d.Groups)
		for _, other := range d.Entries {
			if other.Ticket != e.Ticket && (!d.SiblingsTogether || other.Family != e.Family) {
				continue
			}
			for i, g := range d.Groups {
				if slices.Contains(other.Groups, g) {
					best = min(best, i)
				}
			}
		}
		return best
	}
	require.LessOrEqual(rt, rank(a), rank(b))
	if !d.SiblingsTogether || a.Family == b.Family {
		return
	}
	last := slices.IndexFunc(d.Entries, func(e booking.DrawEntry) bool { return e.Ticket == a.Ticket })
	for _, e := range d.Entries[last+1:] {
		require.NotEqual(rt, a.Family, e.Family, "brothers and sisters stand behind one another")
	}
}

// Over many seeds everybody is first about as often as anybody else.
func TestT98_TheLotFavoursNobody(t *testing.T) {
	t.Parallel()
	d := booking.RoundDraw{Places: map[uuid.UUID]int{}}
	for range 5 {
		d.Entries = append(d.Entries, booking.DrawEntry{Ticket: shortbreaks.NewID(), Family: shortbreaks.NewID(), Wishes: []booking.DrawWish{{Places: 1, Impossible: true}}})
	}
	first := map[uuid.UUID]int{}
	for i := range 5000 {
		d.Run([]byte{byte(i), byte(i >> 8)})
		first[d.Entries[0].Ticket]++
	}
	for _, n := range first {
		require.InDelta(t, 1000, n, 200) // seven standard deviations
	}
}
