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
	after []func()
}

// Do runs f in a read-write transaction within a scope and commits if it
// returns nil. If PostgreSQL gives the transaction up for a deadlock or a
// serialization conflict, all of f runs again, at most 5 times: it must have
// no effect outside tx (see AfterCommit). An error of f comes back as it is.
func (d *DB) Do(ctx context.Context, s Scope, f func(tx *Tx) error) error {
	return d.run(ctx, s, pgx.ReadWrite, f)
}

// Read is Do for a transaction that PostgreSQL itself keeps from writing.
func (d *DB) Read(ctx context.Context, s Scope, f func(tx *Tx) error) error {
	return d.run(ctx, s, pgx.ReadOnly, f)
}

// AfterCommit keeps f until the transaction has been committed; it never runs
// if the transaction is rolled back, and once if the transaction was retried.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

func (d *DB) run(ctx context.Context, s Scope, mode pgx.TxAccessMode, f func(tx *Tx) error) error {
	for try := 0; ; try++ {
		after, err := d.once(ctx, s, mode, f)
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
		}
	}
}

// once is one attempt. Whatever happens, a panic included, the connection
// goes back with the transaction ended, even if ctx has.
func (d *DB) once(ctx context.Context, s Scope, mode pgx.TxAccessMode, f func(tx *Tx) error) ([]func(), error) {
	conn, raw, err := d.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	ptx, err := raw.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: mode})
	if err != nil {
		return nil, &notBegun{err}
	}
	defer rollBack(ctx, ptx)
	now, err := d.enter(ctx, ptx, s)
	if err != nil {
		return nil, &notBegun{err}
	}
	tx := &Tx{DB: d.session(ctx, conn, now), PGX: ptx, Now: now, d: d, scope: s}
	if err := f(tx); err != nil {
		return nil, err
	}
	if err := ptx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return tx.after, nil
}

// acquire takes a connection, as database/sql and as pgx see it, or refuses
// after a while so that a crowd is answered instead of kept waiting.
func (d *DB) acquire(ctx context.Context) (*sql.Conn, *pgx.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, d.cfg.AcquireTimeout)
	defer cancel()
	conn, err := d.sql.Conn(wait)
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

// rollBack ends a transaction that was not committed; after a commit it does
// nothing. If even that fails, the pool throws the connection away.
func rollBack(ctx context.Context, ptx pgx.Tx) {
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
