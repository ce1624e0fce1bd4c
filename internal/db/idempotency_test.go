package db_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
)

// idem is a request with a key; its answer is 201 with the result as text.
func idem(caller uuid.UUID, key, body string) *shortbreaks.Idem {
	hash := sha256.Sum256([]byte(body))
	return &shortbreaks.Idem{
		Caller: caller, Operation: "createScratch", Key: key, Hash: hash[:],
		Render: func(result any) (int, []byte, error) { return 201, fmt.Append(nil, result), nil },
	}
}

// once is a use case that adds n and answers with the id of its row.
func once(ctx context.Context, d *db.DB, a uuid.UUID, n int, i *shortbreaks.Idem) (reply *shortbreaks.Reply, err error) {
	err = d.Do(ctx, within(a), func(tx *db.Tx) error {
		if reply, err = tx.Replay(ctx, a, i); err != nil || reply != nil {
			return err
		}
		if err := add(ctx, tx, a, n); err != nil {
			return err
		}
		reply, err = tx.Keep(ctx, a, i, shortbreaks.NewID())
		return err
	})
	return reply, err
}

func TestT03_ARepeatedKeyIsGivenTheSameBytes(t *testing.T) {
	t.Parallel()
	d, a, caller, ctx := withScratch(t), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	first, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
	require.NoError(t, err)
	require.False(t, first.Replayed)
	again, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
	require.NoError(t, err)
	require.Equal(t, &shortbreaks.Reply{Status: 201, Body: first.Body, Replayed: true}, again)
	require.Equal(t, 1, total(t, d, within(a)))

	other, err := once(ctx, d, a, 1, idem(shortbreaks.NewID(), "k", "body"))
	require.NoError(t, err)
	require.False(t, other.Replayed, "never replayed to another caller")
	require.NotEqual(t, first.Body, other.Body)

	none, err := once(ctx, d, a, 1, nil)
	require.NoError(t, err)
	require.Nil(t, none, "without a key nothing is kept")
	require.Equal(t, 3, total(t, d, within(a)))
}

func TestT04_AKeyUsedForSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	d, a, caller, ctx := withScratch(t), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	_, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
	require.NoError(t, err)
	_, err = once(ctx, d, a, 1, idem(caller, "k", "other body"))
	require.ErrorIs(t, err, shortbreaks.ErrKeyReused)
	elsewhere := idem(caller, "k", "body")
	elsewhere.Operation = "createTopUp"
	_, err = once(ctx, d, a, 1, elsewhere)
	require.ErrorIs(t, err, shortbreaks.ErrKeyReused)
	require.Equal(t, 1, total(t, d, within(a)))
}

// Forty at once; if the lock did not make them wait they would meet at the
// primary key and fail. Who is told that the first is still running, after two
// seconds on a busy machine, comes again as told.
func TestT03_OneKeyFromManyAtOnceTakesEffectOnce(t *testing.T) {
	t.Parallel()
	d, a, caller, ctx := withScratch(t), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	var fresh atomic.Int32
	var bodies sync.Map
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			reply, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
			for errors.Is(err, shortbreaks.ErrStillRunning) {
				reply, err = once(ctx, d, a, 1, idem(caller, "k", "body"))
			}
			if err != nil {
				t.Errorf("refused: %v", err)
				return
			}
			if !reply.Replayed {
				fresh.Add(1)
			}
			bodies.Store(string(reply.Body), true)
		})
	}
	all.Wait()
	different := 0
	bodies.Range(func(any, any) bool { different++; return true })
	require.Equal(t, 1, different, "all were given the same bytes")
	require.EqualValues(t, 1, fresh.Load())
	require.Equal(t, 1, total(t, d, within(a)))
}

func TestAKeyStillInUseIsRefusedAfterTwoSecondsAndPoisonsNothing(t *testing.T) {
	t.Parallel()
	d, a, caller, ctx := withScratch(t), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	running, finish := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(finish) })
	defer release() // also if the test fails: the database waits for it
	var first sync.WaitGroup
	first.Go(func() {
		err := d.Do(ctx, within(a), func(tx *db.Tx) error {
			_, err := tx.Replay(ctx, a, idem(caller, "k", "body"))
			close(running)
			<-finish
			return err
		})
		if err != nil {
			t.Errorf("the first request: %v", err)
		}
	})
	<-running
	err := d.Do(ctx, within(a), func(tx *db.Tx) error {
		before := time.Now()
		_, err := tx.Replay(ctx, a, idem(caller, "k", "body"))
		require.ErrorIs(t, err, shortbreaks.ErrStillRunning)
		require.InDelta(t, 2, time.Since(before).Seconds(), 1)
		reply, err := tx.Replay(ctx, a, idem(caller, "another", "body"))
		require.NoError(t, err, "another key is free")
		require.Nil(t, reply)
		return add(ctx, tx, a, 1)
	})
	require.NoError(t, err, "the transaction could go on")
	release()
	first.Wait()
	reply, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
	require.NoError(t, err)
	require.False(t, reply.Replayed, "the first did nothing, so this one did")
}

func TestAKeyIsKeptForSeventyTwoHours(t *testing.T) {
	t.Parallel()
	clock := dbtest.NewClock(time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC))
	d, a, caller, ctx := withScratch(t, dbtest.WithClock(clock)), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	first, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
	require.NoError(t, err)
	clock.Advance(72 * time.Hour)
	again, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
	require.NoError(t, err)
	require.True(t, again.Replayed)
	clock.Advance(time.Microsecond)
	late, err := once(ctx, d, a, 1, idem(caller, "k", "a new body"))
	require.NoError(t, err)
	require.False(t, late.Replayed)
	require.NotEqual(t, first.Body, late.Body)
	again, err = once(ctx, d, a, 1, idem(caller, "k", "a new body"))
	require.NoError(t, err)
	require.Equal(t, late.Body, again.Body)
}

func TestOnlySuccessIsKept(t *testing.T) {
	t.Parallel()
	d, a, caller, ctx := withScratch(t), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	refused := idem(caller, "k", "body")
	refused.Render = func(any) (int, []byte, error) { return 409, []byte("no"), nil }
	reply, err := once(ctx, d, a, 1, refused)
	require.NoError(t, err)
	require.Equal(t, &shortbreaks.Reply{Status: 409, Body: []byte("no")}, reply)
	broken := idem(caller, "k", "body")
	broken.Render = func(any) (int, []byte, error) { return 0, nil, errors.New("cannot render") }
	_, err = once(ctx, d, a, 1, broken)
	require.ErrorContains(t, err, "cannot render")
	require.Equal(t, 1, total(t, d, within(a)), "what could not be answered was not done")
	reply, err = once(ctx, d, a, 1, idem(caller, "k", "body"))
	require.NoError(t, err)
	require.False(t, reply.Replayed)
	err = d.Do(ctx, db.Scope{}, func(tx *db.Tx) error {
		_, err := tx.Keep(ctx, a, idem(caller, "k2", "body"), 1)
		return err
	})
	require.ErrorContains(t, err, "row-level security", "a key outside the scope cannot be kept")
}
