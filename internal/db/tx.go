package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// maxRetries is how often a transaction is run again after PostgreSQL chose
// it as the victim of a deadlock or a serialization conflict.
const maxRetries = 5

// Tx is one transaction, one connection, spoken to in two ways: the embedded
// GORM handle for plain rows, PGX for the ledger and the desk.
type Tx struct {
	*gorm.DB
	PGX pgx.Tx
	Now time.Time // the one timestamp of this transaction: UTC, microseconds

	d     *DB
	scope Scope
	last  *pgx.Batch
	after []func()
}

// Do runs f in a read-write transaction within a scope and commits if it
// returns nil. If PostgreSQL gives the transaction up for a deadlock or a
// serialization conflict, all of f runs again, at most 5 times: it must have
// no effect outside tx (see AfterCommit). An error of f comes back as it is.
func (d *DB) Do(ctx context.Context, s Scope, f func(tx *Tx) error) error {
	return d.run(ctx, work{scope: s, mode: pgx.ReadWrite, f: f})
}

// DoAfter is Do for work whose first statements are known beforehand: first
// puts them into the batch that begins the transaction, so that they take no
// round trip of their own. It is called again for each attempt. It is for
// batches (Gather): every statement must find its rows by key.
func (d *DB) DoAfter(ctx context.Context, s Scope, first func(*pgx.Batch), f func(tx *Tx) error) error {
	return d.run(ctx, work{scope: s, mode: pgx.ReadWrite, first: first, gathered: true, f: f})
}

// Read is Do for a transaction that PostgreSQL itself keeps from writing.
func (d *DB) Read(ctx context.Context, s Scope, f func(tx *Tx) error) error {
	return d.run(ctx, work{scope: s, mode: pgx.ReadOnly, f: f})
}

// ReadAtOnce sends a whole read-only transaction in one round trip: what
// queue puts into the batch, each statement with the function that takes its
// rows. It gives the transaction's time. It is for batches, as DoAfter.
func (d *DB) ReadAtOnce(ctx context.Context, s Scope, queue func(*pgx.Batch)) (now time.Time, err error) {
	err = d.run(ctx, work{scope: s, mode: pgx.ReadOnly, first: queue, ends: true, gathered: true, f: func(tx *Tx) error {
		now = tx.Now
		return nil
	}})
	return now, err
}

// work is one transaction to be run.
type work struct {
	scope Scope
	mode  pgx.TxAccessMode
	first func(*pgx.Batch) // queued with the beginning; may be nil
	ends  bool             // the commit goes with it too
	f     func(tx *Tx) error

	gathered bool // on a connection kept for batches
}

// AfterCommit keeps f until the transaction has been committed; it never runs
// if the transaction is rolled back, and once if the transaction was retried.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Last keeps statements until the function of the transaction has returned
// nil, and sends them with the commit in one round trip. Whatever must hold of
// their effect, PostgreSQL has to check itself (see Exact): an answer of theirs
// comes when all is done.
func (tx *Tx) Last(batch *pgx.Batch) {
	if batch.Len() > 0 {
		tx.last = batch
	}
}

func (d *DB) run(ctx context.Context, w work) error {
	for try := 0; ; try++ {
		after, err := d.once(ctx, w)
		if err == nil {
			for _, f := range after {
				f()
			}
			return nil
		}
		if try == maxRetries || !retryable(err) || !pause(ctx, try) {
			return err
		}
		if foundDead(err) {
			d.Pool.Reset() // its neighbours are likely dead too
			d.gathered.pool.Reset()
		}
	}
}

// once is one attempt. Whatever happens, a panic included, the connection
// goes back with the transaction ended, even if ctx has.
func (d *DB) once(ctx context.Context, w work) ([]func(), error) {
	from := d.sql
	if w.gathered {
		from = d.gathered.sql
	}
	conn, raw, err := d.acquire(ctx, from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	ptx, now, err := d.begin(ctx, raw, w)
	defer rollBack(ctx, ptx)
	if err != nil {
		return nil, err
	}
	tx := &Tx{PGX: ptx, Now: now, d: d, scope: w.scope}
	if w.ends {
		return nil, w.f(tx)
	}
	tx.DB = d.session(ctx, conn, now)
	if err := w.f(tx); err != nil {
		return nil, err
	}
	if err := tx.commit(ctx); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return tx.after, nil
}

func (tx *Tx) commit(ctx context.Context) error {
	if tx.last == nil {
		return tx.PGX.Commit(ctx)
	}
	tx.last.Queue("COMMIT")
	return tx.PGX.SendBatch(ctx, tx.last).Close()
}

// begin begins a transaction, enters its scope, reads the clock and does what
// is to be done first, all in one round trip.
func (d *DB) begin(ctx context.Context, conn *pgx.Conn, w work) (pgx.Tx, time.Time, error) {
	var now time.Time
	var batch pgx.Batch
	batch.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: w.mode})
	d.queueScope(&batch, w.scope, &now)
	if w.first != nil {
		w.first(&batch)
	}
	if w.ends {
		batch.Queue("COMMIT")
	}
	results := conn.SendBatch(ctx, &batch)
	if err := results.Close(); err != nil {
		if now.IsZero() || conn.IsClosed() { // nothing has been decided, let alone done
			err = &notBegun{fmt.Errorf("begin: %w", err)}
		}
		return results.Tx(), time.Time{}, err
	}
	if d.cfg.Clock != nil {
		now = d.cfg.Clock(now)
	}
	return results.Tx(), now.UTC().Truncate(time.Microsecond), nil // PostgreSQL keeps no more
}

// acquire takes a connection, as database/sql and as pgx see it, or refuses
// after a while so that a crowd is answered instead of kept waiting.
func (d *DB) acquire(ctx context.Context, from *sql.DB) (*sql.Conn, *pgx.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, d.cfg.AcquireTimeout)
	defer cancel()
	conn, err := from.Conn(wait)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return nil, nil, ErrBusy
		}
		return nil, nil, &notBegun{fmt.Errorf("connect to database: %w", err)}
	}
	var raw *pgx.Conn
	err = conn.Raw(func(driverConn any) error {
		raw = driverConn.(*stdlib.Conn).Conn()
		return nil
	})
	if err != nil {
		_ = conn.Close()
		return nil, nil, &notBegun{fmt.Errorf("connect to database: %w", err)}
	}
	return conn, raw, nil
}

// noTransaction is PostgreSQL's word for a connection that is in none.
const noTransaction = 'I'

// rollBack ends a transaction that was not committed; after a commit it does
// nothing. If even that fails, the pool throws the connection away.
func rollBack(ctx context.Context, ptx pgx.Tx) {
	if conn := ptx.Conn(); conn != nil && !conn.IsClosed() && conn.PgConn().TxStatus() == noTransaction {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementTimeout)
	defer cancel()
	_ = ptx.Rollback(ctx)
}

// pause waits a random while that grows with each try, so that two victims of
// one deadlock do not meet again. It reports false if ctx ended first.
func pause(ctx context.Context, try int) bool {
	most := 10 * time.Millisecond << try
	timer := time.NewTimer(time.Millisecond + rand.N(most))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
