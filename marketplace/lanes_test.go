package marketplace_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

func wish(o *marketplace.OfferDetail, from string, minutes int) marketplace.LaneWish {
	begin := at(from)
	return marketplace.LaneWish{
		Provider: o.Provider.ID, Offer: o.Offer.ID, From: begin, To: begin.Add(time.Duration(minutes) * time.Minute),
	}
}

// claim takes a lane as the desk does; it reports false if none is free.
func (s *stall) claim(w marketplace.LaneWish, item uuid.UUID) (taken bool, err error) {
	err = s.do(func(tx *db.Tx) error {
		b, err := marketplace.LockLanes(s.ctx, tx, []marketplace.LaneWish{w})
		if err != nil {
			return err
		}
		lane, free := b.Pick(w)
		if taken = free; !free {
			return nil
		}
		return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{{Provider: w.Provider, Lane: lane, Item: item, From: w.From, To: w.To}})
	})
	return taken, err
}

func TestT52_NoLaneIsUsedTwiceAtOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly())) // two lanes
	var taken, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			// Each overlaps all others, none is the same.
			got, err := s.claim(wish(made, "2027-01-09T10:00", 60+i), shortbreaks.NewID())
			if err != nil {
				t.Errorf("claiming a lane: %v", err)
			}
			if got {
				taken.Add(1)
			} else {
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(2), taken.Load())
	require.Equal(t, int64(30), refused.Load())
	require.Equal(t, 2, s.count("lane_claim"))
}

func TestALaneIsFreeAgainAsTheLastVisitEndsAndWhenItIsReleased(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly()))
	first, second := shortbreaks.NewID(), shortbreaks.NewID()
	named := wish(made, "2027-01-09T10:00", 90)
	named.Lane = &made.Lanes[0].ID
	got, err := s.claim(named, first)
	require.NoError(t, err)
	require.True(t, got)

	over := named
	over.From, over.To = named.To.Add(-time.Minute), named.To.Add(time.Hour)
	got, err = s.claim(over, second)
	require.NoError(t, err)
	require.False(t, got, "the named lane is busy for a minute more; the other is free and not asked for")
	over.From = named.To
	got, err = s.claim(over, second)
	require.NoError(t, err)
	require.True(t, got)

	stranger := over
	other := shortbreaks.NewID()
	stranger.Lane = &other
	got, err = s.claim(stranger, second)
	require.NoError(t, err)
	require.False(t, got)

	release := func(items ...uuid.UUID) error {
		return s.do(func(tx *db.Tx) error { return marketplace.ReleaseLanes(s.ctx, tx, made.Provider.ID, items) })
	}
	require.Error(t, release(first, other), "an item that holds no lane is an error, and releases none")
	require.Equal(t, 2, s.count("lane_claim"))
	require.NoError(t, release(first))
	require.Error(t, release(first))
	got, err = s.claim(named, first)
	require.NoError(t, err)
	require.True(t, got)
}

func TestAnOrderThatFailsGivesItsLanesBack(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly()))
	a, b := wish(made, "2027-01-09T10:00", 60), wish(made, "2027-01-09T10:30", 60)
	require.NoError(t, s.do(func(tx *db.Tx) error {
		board, err := marketplace.LockLanes(s.ctx, tx, []marketplace.LaneWish{a, b})
		require.NoError(t, err)
		one, ok := board.Pick(a)
		require.True(t, ok)
		mark := board.Mark()
		two, ok := board.Pick(b)
		require.True(t, ok)
		require.NotEqual(t, one, two)
		_, ok = board.Pick(b)
		require.False(t, ok)
		board.Undo(mark)
		again, ok := board.Pick(b)
		require.True(t, ok)
		require.Equal(t, two, again)
		_, ok = board.Pick(a)
		require.False(t, ok, "what was picked before the mark stays")
		after, before := wish(made, "2027-01-09T11:00", 30), wish(made, "2027-01-09T09:00", 60)
		after.Lane, before.Lane = &one, &one
		_, ok = board.Pick(after)
		require.True(t, ok, "one visit may begin as another ends")
		_, ok = board.Pick(before)
		require.True(t, ok)
		return nil
	}))
}

func TestTheSchemaRefusesALaneUsedTwiceWhateverWasPicked(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made := s.publish(s.owner, support(hourly()))
	w := wish(made, "2027-01-09T10:00", 60)
	c := marketplace.LaneClaim{Provider: w.Provider, Lane: made.Lanes[0].ID, Item: shortbreaks.NewID(), From: w.From, To: w.To}
	require.NoError(t, s.do(func(tx *db.Tx) error { return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{c}) }))
	c.From = c.From.Add(59 * time.Minute)
	c.To = c.To.Add(time.Hour)
	err := s.do(func(tx *db.Tx) error { return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{c}) })
	require.ErrorIs(t, err, marketplace.ErrLaneTaken)
	c.From = w.To
	require.NoError(t, s.do(func(tx *db.Tx) error { return marketplace.ClaimLanes(s.ctx, tx, []marketplace.LaneClaim{c}) }))
}
