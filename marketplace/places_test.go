package marketplace_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// shelves are the keys of a published club's sessions.
func (s *stall) shelves(capacity int) []marketplace.PlaceKey {
	s.t.Helper()
	draft := club(tariffOf(option("Each", charge("place", "session", 800))))
	draft.Sessions.Capacity = capacity
	var keys []marketplace.PlaceKey
	made := s.publish(s.owner, draft)
	for _, e := range made.Sessions {
		keys = append(keys, marketplace.PlaceKey{Provider: made.Provider.ID, Session: e.ID})
	}
	return keys
}

// do runs as a family would: with no provider in scope.
func (s *stall) do(f func(tx *db.Tx) error) error { return s.d.Do(s.ctx, db.Scope{}, f) }

func (s *stall) places(keys ...marketplace.PlaceKey) (got map[marketplace.PlaceKey]*marketplace.Places) {
	s.t.Helper()
	require.NoError(s.t, s.do(func(tx *db.Tx) (err error) {
		got, err = marketplace.LockPlaces(s.ctx, tx, keys)
		return err
	}))
	return got
}

func TestT01_SixtyFourTakersOfFiftyPlacesTakeExactlyFifty(t *testing.T) {
	t.Parallel()
	s := setup(t)
	keys := s.shelves(50)[:2]
	var taken, full atomic.Int64
	var mu sync.Mutex
	seqs := map[int64]bool{}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			err := s.do(func(tx *db.Tx) error {
				both := []marketplace.PlaceKey{keys[i%2], keys[1-i%2]} // in either order
				p, err := marketplace.LockPlaces(s.ctx, tx, both)
				if err != nil {
					return err
				}
				if p[keys[0]].Free() == 0 {
					full.Add(1)
					return nil
				}
				tx.AfterCommit(func() {
					mu.Lock()
					defer mu.Unlock()
					seqs[p[keys[0]].Seq+1] = true
					taken.Add(1)
				})
				return marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{keys[0]: 1, keys[1]: 1})
			})
			if err != nil {
				t.Errorf("taking a place: %v", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(50), taken.Load())
	require.Equal(t, int64(14), full.Load())
	require.Len(t, seqs, 50, "each place has its own number")
	for _, k := range keys {
		require.Equal(t, marketplace.Places{Capacity: 50, Taken: 50, Seq: 50}, *s.places(keys...)[k])
	}
}

func TestPlacesAreGivenBackAndTakenAgain(t *testing.T) {
	t.Parallel()
	s := setup(t)
	keys := s.shelves(3)
	take := map[marketplace.PlaceKey]int{keys[0]: 3, keys[1]: 1}
	require.NoError(t, s.do(func(tx *db.Tx) error { return marketplace.TakePlaces(s.ctx, tx, take) }))
	require.NoError(t, s.do(func(tx *db.Tx) error {
		return marketplace.GiveBackPlaces(s.ctx, tx, map[marketplace.PlaceKey]int{keys[0]: 2, keys[1]: 1})
	}))
	got := s.places(keys[:2]...)
	require.Equal(t, marketplace.Places{Capacity: 3, Taken: 1, Seq: 3}, *got[keys[0]], "the number only grows")
	require.Equal(t, marketplace.Places{Capacity: 3, Taken: 0, Seq: 1}, *got[keys[1]])
	require.Equal(t, 2, got[keys[0]].Free())
}

func TestPlacesAreNeverOversoldNorGivenBackTwice(t *testing.T) {
	t.Parallel()
	s := setup(t)
	keys := s.shelves(3)
	err := s.do(func(tx *db.Tx) error {
		return marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{keys[0]: 1, keys[1]: 4})
	})
	require.Equal(t, "places_never_oversold", db.ConstraintName(err))
	err = s.do(func(tx *db.Tx) error {
		return marketplace.GiveBackPlaces(s.ctx, tx, map[marketplace.PlaceKey]int{keys[0]: 1})
	})
	require.Error(t, err)
	unknown := marketplace.PlaceKey{Provider: keys[0].Provider, Session: keys[0].Provider}
	for _, f := range []func(tx *db.Tx) error{
		func(tx *db.Tx) error {
			_, err := marketplace.LockPlaces(s.ctx, tx, []marketplace.PlaceKey{keys[0], unknown})
			return err
		},
		func(tx *db.Tx) error {
			return marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{keys[0]: 1, unknown: 1})
		},
		func(tx *db.Tx) error {
			return marketplace.TakePlaces(s.ctx, tx, map[marketplace.PlaceKey]int{keys[0]: 0})
		},
		func(tx *db.Tx) error {
			return marketplace.GiveBackPlaces(s.ctx, tx, map[marketplace.PlaceKey]int{unknown: 1})
		},
	} {
		require.Error(t, s.do(f), "a counter that is not there, or nothing to take, is an error")
	}
	require.Equal(t, 0, s.places(keys...)[keys[0]].Taken, "none of it was kept")
	require.NoError(t, s.do(func(tx *db.Tx) error {
		return errors.Join(marketplace.TakePlaces(s.ctx, tx, nil), marketplace.GiveBackPlaces(s.ctx, tx, nil))
	}))
}

func TestACancelledSessionHasNoPlaces(t *testing.T) {
	t.Parallel()
	s := setup(t)
	keys := s.shelves(3)
	_, err := s.admin.Exec(s.ctx, `UPDATE session SET state = 'cancelled' WHERE id = $1`, keys[0].Session)
	require.NoError(t, err)
	got := s.places(keys[:2]...)
	require.True(t, got[keys[0]].Cancelled)
	require.Zero(t, got[keys[0]].Free())
	require.Equal(t, 3, got[keys[1]].Free())
}
