package db

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/*.sql
var embedded embed.FS

const (
	// migrationLock is held on one session while the schema changes.
	migrationLock = 7_214_053_891_146
	lockPoll      = 100 * time.Millisecond
	lockTries     = 5 // of a migration that met a busy table
)

// grantsSQL lets the serving role work jobs and read the schema's version.
// River's tables carry no personal data and no policy.
const grantsSQL = `DO $$
DECLARE t regclass;
BEGIN
	FOR t IN SELECT c.oid FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname LIKE 'river\_%' LOOP
		EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO ` + Role + `', t);
	END LOOP;
	FOR t IN SELECT c.oid FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND c.relname LIKE 'river\_%' LOOP
		EXECUTE format('GRANT USAGE, SELECT ON %s TO ` + Role + `', t);
	END LOOP;
	GRANT SELECT ON goose_db_version TO ` + Role + `;
END $$`

// Migrate brings the schema to the newest embedded version: the job queue's
// tables, then ours in order. The login must own the schema. It is safe to
// run twice and from several processes at once: one works, the others wait.
func Migrate(ctx context.Context, url string) error {
	pc, err := pgxpool.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("read database URL: %w", err)
	}
	pc.MaxConns = 4
	pc.ConnConfig.RuntimeParams["application_name"] = "shortbreaks-migrate"
	pc.ConnConfig.RuntimeParams["timezone"] = "UTC"
	pc.ConnConfig.RuntimeParams["client_min_messages"] = "warning"
	// A migration that waits for a busy table must not make a queue of
	// everyone behind it: give up soon, try again.
	pc.ConnConfig.RuntimeParams["lock_timeout"] = millis(lockTimeout)
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer pool.Close()
	if err := holdingLock(ctx, pool, func() error { return migrateAll(ctx, pool) }); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// holdingLock runs f while one session holds the migration lock. It asks
// again and again instead of waiting inside PostgreSQL, because a waiting
// statement would hold up CREATE INDEX CONCURRENTLY.
func holdingLock(ctx context.Context, pool *pgxpool.Pool, f func() error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for {
		var held bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(migrationLock)).Scan(&held); err != nil {
			return err
		}
		if held {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(migrationLock)); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx)) // ending the session ends the lock
		}
	}()
	return f()
}

func migrateAll(ctx context.Context, pool *pgxpool.Pool) error {
	jobs, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := jobs.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	for try := 1; ; try++ {
		err = migrateOurs(ctx, pool)
		var pg *pgconn.PgError
		busy := errors.As(err, &pg) && pg.Code == lockNotAvailable
		if !busy || try == lockTries || !pause(ctx, try+2) {
			break
		}
	}
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, grantsSQL); err != nil {
		return fmt.Errorf("grants: %w", err)
	}
	return nil
}

func migrateOurs(ctx context.Context, pool *pgxpool.Pool) error {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		return err
	}
	conn := stdlib.OpenDBFromPool(pool)
	defer func() { _ = conn.Close() }()
	p, err := goose.NewProvider(goose.DialectPostgres, conn, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// newestMigration is the version this binary was built for.
func newestMigration() int64 {
	names, err := fs.Glob(embedded, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		panic("db: no migrations embedded") // impossible: the build needs one
	}
	var newest int64
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}
