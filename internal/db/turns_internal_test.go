package db

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurnsAreTakenInTheOrderTheyWereAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		two := newTurns(2)
		for range 2 {
			if err := two.take(t.Context(), time.Second); err != nil {
				t.Fatal(err)
			}
		}
		var came []int
		for n := range 5 {
			go func() {
				if err := two.take(t.Context(), time.Second); err == nil {
					came = append(came, n)
				}
			}()
			synctest.Wait() // until it waits
		}
		for range 5 {
			two.giveBack()
			synctest.Wait()
		}
		if !slices.Equal(came, []int{0, 1, 2, 3, 4}) {
			t.Errorf("they came as %v", came)
		}
	})
}

func TestWhoeverWaitsTooLongForATurnIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := newTurns(1)
		if err := one.take(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := one.take(t.Context(), 2*time.Second); !errors.Is(err, ErrBusy) || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := one.take(gone, 2*time.Second); !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone is told %v", err)
		}
		one.giveBack()
		if err := one.take(t.Context(), time.Second); err != nil {
			t.Errorf("those who were refused left no turn taken: %v", err)
		}
	})
}
