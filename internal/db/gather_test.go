package db_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// counter answers each question with itself and keeps what was asked together.
// Every batch waits to be let go.
type counter struct {
	db.Gather[int, int]
	began chan []int
	goOn  chan struct{}
}

func newCounter(most, atOnce int) *counter {
	c := &counter{began: make(chan []int, 100), goOn: make(chan struct{})}
	c.Most, c.AtOnce = most, atOnce
	c.Do = func(_ context.Context, asked []int) []db.Answer[int] {
		c.began <- slices.Clone(asked)
		<-c.goOn
		answers := make([]db.Answer[int], len(asked))
		for i, n := range asked {
			answers[i].Is = n
		}
		return answers
	}
	return c
}

// ask asks in the background, in order, and requires the right answers.
func (c *counter) ask(t *testing.T, done *sync.WaitGroup, questions ...int) {
	for _, q := range questions {
		queued := c.Waiting()
		done.Go(func() {
			got, err := c.Ask(t.Context(), q)
			if err != nil || got != q {
				t.Errorf("%d was answered %d, %v", q, got, err)
			}
		})
		for c.Waiting() == queued && len(c.began) == 0 {
			runtime.Gosched() // until it stands in the queue or is at work
		}
	}
}

func TestAQuestionThatComesAloneIsAskedAtOnceAndThoseMeanwhileTogether(t *testing.T) {
	t.Parallel()
	c := newCounter(3, 1)
	var done sync.WaitGroup
	c.ask(t, &done, 1)
	require.Equal(t, []int{1}, <-c.began)
	c.ask(t, &done, 2, 3, 4, 5)
	c.goOn <- struct{}{}
	require.Equal(t, []int{2, 3, 4}, <-c.began, "three at most, in the order they came")
	c.goOn <- struct{}{}
	require.Equal(t, []int{5}, <-c.began)
	c.goOn <- struct{}{}
	done.Wait()
}

func TestABatchBesideAnotherBeginsOnceEnoughWait(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]func(int) db.Rows{"reading": nil, "changing": func(q int) db.Rows {
		return db.Rows{Alone: []uuid.UUID{{byte(q % 10)}}} // questions ten apart want one row
	}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCounter(10, 2)
				c.Beside, c.Rows = 3, rows
				var done sync.WaitGroup
				asks := func(q, waiting int, why string) {
					done.Go(func() { _, _ = c.Ask(t.Context(), q) })
					synctest.Wait()
					require.Equal(t, waiting, c.Waiting(), why)
				}
				asks(1, 0, "alone, it is asked at once")
				asks(2, 1, "beside a batch under way it waits")
				asks(3, 2, "so do two")
				behind := 0
				if rows != nil {
					behind = 1
					asks(11, 3, "and three, of which one wants a row in other hands")
				}
				asks(4, behind, "three that can go are enough")
				require.Equal(t, []int{1}, <-c.began)
				require.Equal(t, []int{2, 3, 4}, <-c.began)
				asks(5, behind+1, "two batches are under way")
				close(c.goOn)
				synctest.Wait()
				require.Zero(t, c.Waiting(), "nobody is left behind, few as they are")
				done.Wait()
			})
		})
	}
}

func TestBatchesUnderWayNeverShareARow(t *testing.T) {
	t.Parallel()
	rows := make([]uuid.UUID, 5)
	for i := range rows {
		rows[i] = shortbreaks.NewID()
	}
	touches := map[int]db.Rows{
		1: {Shared: rows[:1]}, 2: {Shared: rows[:2]}, 3: {Shared: rows[1:2]}, 4: {Shared: rows[2:3]},
		5: {Shared: rows[:1]}, 6: {Alone: rows[3:4]}, 7: {Alone: rows[3:4]},
	}
	c := newCounter(10, 2)
	c.Rows = func(n int) db.Rows { return touches[n] }
	var done sync.WaitGroup
	c.ask(t, &done, 1)
	require.Equal(t, []int{1}, <-c.began)
	c.ask(t, &done, 2) // shares a row with 1
	c.ask(t, &done, 3) // shares one with 2, which came before it
	c.ask(t, &done, 4) // shares none
	require.Equal(t, []int{4}, <-c.began)
	c.ask(t, &done, 5, 6, 7)
	c.goOn <- struct{}{}
	c.goOn <- struct{}{}
	first := <-c.began
	c.goOn <- struct{}{}
	rest := []int{}
	for len(first)+len(rest) < 5 {
		rest = append(rest, <-c.began...)
		c.goOn <- struct{}{}
	}
	done.Wait()
	together := append(slices.Clone(first), rest...)
	slices.Sort(together)
	require.Equal(t, []int{2, 3, 5, 6, 7}, together, "each once")
	require.False(t, slices.Contains(first, 6) && slices.Contains(first, 7), "never two of those that must be alone")
}

func TestAQuestionGivenUpIsTakenBackIfItIsNotUnderWay(t *testing.T) {
	t.Parallel()
	c := newCounter(10, 1)
	var done sync.WaitGroup
	c.ask(t, &done, 1)
	<-c.began
	ctx, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := c.Ask(ctx, 2)
		gone <- err
	}()
	for c.Waiting() == 0 { // until it stands in the queue
		runtime.Gosched()
	}
	giveUp()
	require.ErrorIs(t, <-gone, context.Canceled)
	c.ask(t, &done, 3)
	c.goOn <- struct{}{}
	require.Equal(t, []int{3}, <-c.began)
	c.goOn <- struct{}{}
	done.Wait()
}

func TestEverybodyIsAnsweredWhateverHappensToTheBatch(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, []int) []db.Answer[int]{
		"panic":       func(context.Context, []int) []db.Answer[int] { panic("what somebody sent") },
		"one too few": func(_ context.Context, asked []int) []db.Answer[int] { return make([]db.Answer[int], len(asked)-1) },
	} {
		g := db.Gather[int, int]{Do: do, Most: 4, AtOnce: 2}
		for range 3 { // and it goes on
			errs := make(chan error, 8)
			for i := range 8 {
				go func() {
					_, err := g.Ask(t.Context(), i)
					errs <- err
				}()
			}
			for range 8 {
				err := <-errs
				require.Error(t, err, name)
				require.NotContains(t, err.Error(), "somebody sent")
			}
		}
	}
}

func TestAQuestionKeepsItsOwnAnswer(t *testing.T) {
	t.Parallel()
	odd := errors.New("odd")
	g := db.Gather[int, int]{Most: 7, AtOnce: 3, Do: func(_ context.Context, asked []int) []db.Answer[int] {
		answers := make([]db.Answer[int], len(asked))
		for i, n := range asked {
			if answers[i].Is = n * n; n%2 == 1 {
				answers[i] = db.Answer[int]{Err: odd}
			}
		}
		return answers
	}}
	row := []uuid.UUID{shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID()}
	g.Rows = func(n int) db.Rows { return db.Rows{Shared: row[n%3 : n%3+1]} }
	var done sync.WaitGroup
	for n := range 500 {
		done.Go(func() {
			got, err := g.Ask(t.Context(), n)
			if n%2 == 1 && !errors.Is(err, odd) || n%2 == 0 && (err != nil || got != n*n) {
				t.Errorf("%d was answered %d, %v", n, got, err)
			}
		})
	}
	done.Wait()
	require.Zero(t, g.Waiting())
}
