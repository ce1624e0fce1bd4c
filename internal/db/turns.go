package db

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// turnsPerProcessor is how many ReadInTurn run at once for each processor: some
// wait for PostgreSQL while others work.
const turnsPerProcessor = 3

// turns lets so many in at once, and the others in the order they came. Work
// that wants the processors all the time is done sooner so: side by side, each
// is only done when nearly all are.
type turns chan struct{}

func newTurns(n int) turns {
	if n == 0 {
		n = turnsPerProcessor * runtime.GOMAXPROCS(0)
	}
	return make(turns, n)
}

// take waits for a turn, and refuses as ErrBusy after a while. Whoever has one
// gives it back.
func (t turns) take(ctx context.Context, within time.Duration) error {
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	wait, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	select {
	case t <- struct{}{}: // a channel hands over to whoever waited longest
		return nil
	case <-wait.Done():
		if errors.Is(wait.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
			return ErrBusy
		}
		return ctx.Err()
	}
}

func (t turns) giveBack() { <-t }

// ReadInTurn is Read for what keeps processors at work from beginning to end,
// such as a search: only so many are under way at once (Config.Turns), first
// come first served. Within a transaction it would wait for itself.
func (d *DB) ReadInTurn(ctx context.Context, s Scope, f func(tx *Tx) error) error {
	if err := d.turns.take(ctx, d.cfg.AcquireTimeout); err != nil {
		return err
	}
	defer d.turns.giveBack()
	return d.Read(ctx, s, f)
}
