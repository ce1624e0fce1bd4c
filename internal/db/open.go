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
	gatheredConns    = 8 // for batches, which need few and must not wait behind searches
)

// Config says which database and how. The zero value of each field but URL is
// a sensible one.
type Config struct {
	URL      string // postgres://user:password@host:port/database
	MaxConns int32  // connections of the pool; 16 if zero

	// Turns is how many ReadInTurn run at once; three for each processor if zero.
	Turns int

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

	cfg      Config
	turns    turns
	sql      *sql.DB // hands out the same pool's connections to GORM
	gathered *lane   // for batches: rights, the desk
	orm      *gorm.DB
	jobs     *river.Client[pgx.Tx] // only inserts
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
	d := &DB{Pool: pool, cfg: cfg, turns: newTurns(cfg.Turns), sql: stdlib.OpenDBFromPool(pool)}
	if d.gathered, err = openLane(ctx, cfg); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
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
	_ = d.gathered.sql.Close()
	d.gathered.pool.Close()
}

// lane is a pool of its own, so that what goes on elsewhere does not take its
// connections.
type lane struct {
	pool *pgxpool.Pool
	sql  *sql.DB
}

// planByKey makes a connection plan each statement once, for any values, and
// look up every row by key. The statements of batches are all of that kind,
// and their tables may be new or grown since they were last counted: a plan
// that reads whole tables would then be a guess that went wrong.
var planByKey = map[string]string{
	"plan_cache_mode": "force_generic_plan", "join_collapse_limit": "1", "enable_seqscan": "off", "enable_hashjoin": "off",
	"enable_mergejoin": "off", "enable_bitmapscan": "off",
}

func openLane(ctx context.Context, cfg Config) (*lane, error) {
	cfg.MaxConns = gatheredConns
	pc, err := poolConfig(cfg)
	if err != nil {
		return nil, err
	}
	if !cfg.Pooler {
		for name, value := range planByKey {
			pc.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, err
	}
	return &lane{pool: pool, sql: stdlib.OpenDBFromPool(pool)}, nil
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
		params["jit"] = "off" // our queries are short, and not worth compiling
		params["statement_timeout"] = millis(statementTimeout)
		params["lock_timeout"] = millis(lockTimeout)
		params["idle_in_transaction_session_timeout"] = millis(idleTimeout)
	}
	pc.AfterConnect = speak
	return pc, nil
}

// speak makes every instant read back in UTC, whatever zone the machine is in,
// as it was written; and ids travel as bytes.
func speak(_ context.Context, conn *pgx.Conn) error {
	sendIDsAsBytes(conn)
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
