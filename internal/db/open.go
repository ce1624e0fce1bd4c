package db

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"gorm.io/gorm"
)

// The limits of every connection. A request that waits for
// longer than these is refused while its caller still listens.
const (
	statementTimeout = 5 * time.Second
	lockTimeout      = 2 * time.Second
	idleTimeout      = 10 * time.Second // idle inside a transaction
	acquireTimeout   = 1800 * time.Millisecond
	slowStatement    = 500 * time.Millisecond // from here on a statement is logged
	defaultMaxConns  = 16
)

// Config says which database and how. The zero value of each field but URL is
// a sensible one.
type Config struct {
	URL      string // postgres://user:password@host:port/database
	MaxConns int32  // connections of the pool; 16 if zero

	// Clock replaces the database's time of a transaction in tests.
	Clock func(dbNow time.Time) time.Time

	// AcquireTimeout is how long a transaction waits for a free connection
	// before it is refused as ErrBusy; 1.8 s if zero.
	AcquireTimeout time.Duration

	// Pooler is for a transaction pooler such as pgbouncer in between:
	// statements are described but never prepared, the limits travel with
	// each transaction, and jobs are polled for instead of listened to.
	Pooler bool

	// AllowUnsafe accepts a server that may lose commits in a crash. Tests
	// only.
	AllowUnsafe bool
}

// DB is a database as this service uses it.
type DB struct {
	Pool *pgxpool.Pool // for what needs no scope: health and metrics

	cfg  Config
	sql  *sql.DB // hands out the same pool's connections to GORM
	orm  *gorm.DB
	jobs *river.Client[pgx.Tx] // only inserts
}

// Open connects and checks that the server answers. It changes nothing: see
// Migrate.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.MaxConns == 0 {
		cfg.MaxConns = defaultMaxConns
	}
	if cfg.AcquireTimeout == 0 {
		cfg.AcquireTimeout = acquireTimeout
	}
	pc, err := poolConfig(cfg)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	d := &DB{Pool: pool, cfg: cfg, sql: stdlib.OpenDBFromPool(pool)}
	if err := d.prepare(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return d, nil
}

// prepare builds what stands on the pool once the server has answered.
func (d *DB) prepare(ctx context.Context) (err error) {
	if err := d.Pool.Ping(ctx); err != nil {
		return err
	}
	if d.orm, err = openGORM(d.sql); err != nil {
		return err
	}
	d.jobs, err = river.NewClient(riverpgxv5.New(d.Pool), &river.Config{Logger: slog.Default()})
	return err
}

// Close waits for transactions under way and closes the pool.
func (d *DB) Close() {
	_ = d.sql.Close() // never fails: it keeps no connections of its own
	d.Pool.Close()
}

// poolConfig turns cfg into pgx's words.
func poolConfig(cfg Config) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("read database URL: %w", err)
	}
	pc.MaxConns = cfg.MaxConns
	params := pc.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "shortbreaks"
	}
	params["timezone"] = "UTC"
	if cfg.Pooler {
		pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	} else {
		params["statement_timeout"] = millis(statementTimeout)
		params["lock_timeout"] = millis(lockTimeout)
		params["idle_in_transaction_session_timeout"] = millis(idleTimeout)
	}
	pc.AfterConnect = readInstantsAsUTC
	return pc, nil
}

// readInstantsAsUTC makes every instant read back in UTC, whatever zone the
// machine is in, as it was written.
func readInstantsAsUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
