package db

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
)

// openGORM sets GORM up on the pool's connections.
func openGORM(pool *sql.DB) (*gorm.DB, error) {
	return gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{
		SkipDefaultTransaction: true, // we are always in one
		TranslateError:         true,
		DisableAutomaticPing:   true,
		NamingStrategy:         schema.NamingStrategy{SingularTable: true},
		Logger: slowOnly{logger.NewSlogLogger(slog.Default(), logger.Config{
			SlowThreshold:             slowStatement,
			LogLevel:                  logger.Warn,
			ParameterizedQueries:      true, // no personal data in logs
			IgnoreRecordNotFoundError: true,
		})},
	})
}

// session is a GORM handle that speaks inside the transaction begun on conn.
func (d *DB) session(ctx context.Context, conn *sql.Conn, now time.Time) *gorm.DB {
	g := d.orm.Session(&gorm.Session{NewDB: true, Context: ctx, NowFunc: func() time.Time { return now }})
	g.Statement.ConnPool = &inside{conn}
	return g
}

// slowOnly logs statements that took long. Those that failed are logged once,
// at the border, by whoever cannot handle the error.
type slowOnly struct{ logger.Interface }

// LogMode keeps what Debug and its like ask for within the same rule.
func (l slowOnly) LogMode(level logger.LogLevel) logger.Interface {
	return slowOnly{l.Interface.LogMode(level)}
}

// Trace is called after each statement.
func (l slowOnly) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), _ error) {
	if time.Since(begin) >= slowStatement {
		l.Interface.Trace(ctx, begin, statement, nil)
	}
}

// ParamsFilter keeps values out of the log.
func (l slowOnly) ParamsFilter(_ context.Context, statement string, _ ...any) (string, []any) {
	return statement, nil
}

// inside lets GORM query, but neither begin nor end the transaction: GORM's
// own Transaction and CreateInBatches become savepoints in it.
type inside struct{ conn *sql.Conn } // used by pointer: GORM asks whether it is nil

var errNotYours = errors.New("db: a step may not end the transaction; return from Do or Read instead")

// PrepareContext is for GORM.
func (c *inside) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return c.conn.PrepareContext(ctx, query)
}

// ExecContext is for GORM.
func (c *inside) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return c.conn.ExecContext(ctx, query, args...)
}

// QueryContext is for GORM.
func (c *inside) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return c.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is for GORM.
func (c *inside) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return c.conn.QueryRowContext(ctx, query, args...)
}

// Commit refuses: it tells GORM that a transaction is open, no more.
func (c *inside) Commit() error { return errNotYours }

// Rollback refuses, as Commit does.
func (c *inside) Rollback() error { return errNotYours }
