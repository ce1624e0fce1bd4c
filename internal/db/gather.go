package db

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
)

// batchWithin ends a batch whose database does not answer. It is longer than
// any statement may take.
const batchWithin = 15 * time.Second

// Gather answers questions that are asked at the same time together. A
// question that finds nobody at work is asked at once, alone; those that come
// while others are being answered form the next batch. So a quiet server adds
// nothing to an answer, and a busy one shares each round trip, and each flush
// to the disk, between many.
//
// Questions that change rows name them (Rows). Rows in the hands of one batch
// are kept from the others: the question waits for the next batch instead of
// making a connection wait for a lock, and those that came later for the same
// rows wait behind it. This only saves waiting. What keeps the rows right are
// their locks: other processes gather on their own.
type Gather[Q, A any] struct {
	// Do answers a batch: one answer for each question, in order.
	Do func(ctx context.Context, asked []Q) []Answer[A]
	// Most is how many questions make a batch at most.
	Most int
	// AtOnce is how many batches are under way at most.
	AtOnce int
	// Beside is how many questions a batch has at least that begins while
	// another is under way. What a batch costs by itself is then shared by
	// many, and fewer wait for the batch under way to end.
	Beside int
	// Rows are those a question may change; nil if it changes none.
	Rows func(Q) Rows

	mu      sync.Mutex
	queue   []*asked[Q, A]
	running int
	coming  bool              // somebody is on their way to the queue
	held    map[uuid.UUID]int // rows in the hands of batches under way
	worth   int               // how long the queue must be for another look, after one in vain; until a batch ends
}

// Rows are what a question may change. Shared rows may be changed by several
// questions of one batch, one after the other; Alone may not.
type Rows struct {
	Shared []uuid.UUID
	Alone  []uuid.UUID
}

// Answer is what came of a question.
type Answer[A any] struct {
	Is  A
	Err error
}

type asked[Q, A any] struct {
	question Q
	rows     Rows
	answer   chan Answer[A] // room for one
}

// Ask asks and waits for the answer. If ctx ends first, a question that is
// still waiting its turn is taken back; one under way goes on, unheard.
func (g *Gather[Q, A]) Ask(ctx context.Context, q Q) (A, error) {
	a := &asked[Q, A]{question: q, answer: make(chan Answer[A], 1)}
	if g.Rows != nil {
		a.rows = g.Rows(q)
	}
	g.mu.Lock()
	g.queue = append(g.queue, a)
	g.start()
	g.mu.Unlock()
	select {
	case got := <-a.answer:
		return got.Is, got.Err
	case <-ctx.Done():
		g.takeBack(a)
		var none A
		return none, ctx.Err()
	}
}

// Waiting is how many questions are neither answered nor under way.
func (g *Gather[Q, A]) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.queue)
}

func (g *Gather[Q, A]) takeBack(a *asked[Q, A]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, other := range g.queue {
		if other == a {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			return
		}
	}
}

// start sends for somebody to answer what waits. The lock is held.
func (g *Gather[Q, A]) start() {
	if g.running < g.AtOnce && !g.coming && len(g.queue) >= max(g.least(g.running), g.worth, 1) {
		g.coming = true
		go g.work()
	}
}

// least is how many questions make a batch beside others under way.
func (g *Gather[Q, A]) least(others int) int {
	if others == 0 {
		return 0
	}
	return g.Beside
}

// settle lets everybody who is about to ask do so: while the queue grows,
// those who are ready to run go first. Where nobody is, it takes no time.
func (g *Gather[Q, A]) settle() {
	for had := -1; ; {
		g.mu.Lock()
		n := len(g.queue)
		g.mu.Unlock()
		if n <= had || n >= g.Most {
			return
		}
		had = n
		runtime.Gosched()
	}
}

// next takes from the queue, in the order they came, the questions that touch
// no row in other hands; none, if they are too few for a batch beside others.
// The lock is held.
func (g *Gather[Q, A]) next(others int) []*asked[Q, A] {
	least := g.least(others)
	if len(g.queue) < least {
		return nil
	}
	if g.Rows == nil {
		n := min(len(g.queue), g.Most)
		batch := append([]*asked[Q, A](nil), g.queue[:n]...)
		g.queue = append(g.queue[:0], g.queue[n:]...)
		return batch
	}
	if g.held == nil {
		g.held = map[uuid.UUID]int{}
	}
	var batch, waits []*asked[Q, A]
	behind := map[uuid.UUID]bool{} // rows somebody before in the queue waits for
	alone := map[uuid.UUID]bool{}
	for i, a := range g.queue {
		if len(batch) == g.Most {
			waits = append(waits, g.queue[i:]...)
			break
		}
		if g.mustWait(a.rows, behind, alone) {
			waits = append(waits, a)
			for _, row := range a.rows.Shared {
				behind[row] = true
			}
			for _, row := range a.rows.Alone {
				behind[row] = true
			}
			continue
		}
		for _, row := range a.rows.Alone {
			alone[row] = true
		}
		batch = append(batch, a)
	}
	if len(batch) < max(least, 1) {
		g.worth = len(g.queue) + max(least, 1) - len(batch)
		return nil
	}
	g.queue = waits
	for _, a := range batch {
		g.hold(a.rows, 1)
	}
	return batch
}

func (g *Gather[Q, A]) mustWait(rows Rows, behind, alone map[uuid.UUID]bool) bool {
	for _, row := range rows.Shared {
		if g.held[row] > 0 || behind[row] {
			return true
		}
	}
	for _, row := range rows.Alone {
		if g.held[row] > 0 || behind[row] || alone[row] {
			return true
		}
	}
	return false
}

func (g *Gather[Q, A]) hold(rows Rows, n int) {
	for _, list := range [][]uuid.UUID{rows.Shared, rows.Alone} {
		for _, row := range list {
			if g.held[row] += n; g.held[row] <= 0 {
				delete(g.held, row)
			}
		}
	}
}

// work answers what waits, batch after batch, until nothing does.
func (g *Gather[Q, A]) work() {
	g.settle()
	g.mu.Lock()
	g.coming = false
	batch := g.next(g.running)
	if len(batch) == 0 {
		g.mu.Unlock()
		return
	}
	g.running++
	g.start()
	g.mu.Unlock()
	for len(batch) > 0 {
		answers := g.answer(batch)
		g.mu.Lock()
		g.worth = 0
		if g.Rows != nil {
			for _, a := range batch {
				g.hold(a.rows, -1)
			}
		}
		g.mu.Unlock()
		for i, a := range batch {
			a.answer <- answers[i]
		}
		g.settle()
		g.mu.Lock()
		if batch = g.next(g.running - 1); len(batch) == 0 {
			g.running--
		}
		g.start()
		g.mu.Unlock()
	}
}

// answer runs Do; whatever happens in it, everybody is answered.
func (g *Gather[Q, A]) answer(batch []*asked[Q, A]) (answers []Answer[A]) {
	defer func() {
		var err error
		if v := recover(); v != nil {
			slog.Error("panic in a batch", "stack", string(debug.Stack())) // the value may quote what somebody sent
			err = fmt.Errorf("panic of type %T", v)
		} else if len(answers) != len(batch) {
			err = fmt.Errorf("gather: %d answers to %d questions", len(answers), len(batch))
		}
		if err != nil {
			answers = make([]Answer[A], len(batch))
			for i := range answers {
				answers[i].Err = err
			}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), batchWithin)
	defer cancel()
	questions := make([]Q, len(batch))
	for i, a := range batch {
		questions[i] = a.question
	}
	return g.Do(ctx, questions)
}
