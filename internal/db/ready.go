package db

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// readyTimeout bounds a look at the server's health.
const readyTimeout = 2 * time.Second

// Status is what a look at the database found.
type Status struct {
	Migration int64    // the schema's version
	Newest    int64    // the version this binary was built for
	Unsafe    []string // settings under which a crash could lose a commit
}

const statusSQL = `SELECT coalesce(max(version_id), 0),
	current_setting('fsync'), current_setting('full_page_writes'),
	current_setting('synchronous_commit'), current_setting('data_sync_retry')
	FROM goose_db_version WHERE is_applied`

// Status looks at the schema and at the server's settings.
func (d *DB) Status(ctx context.Context) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	s := Status{Newest: newestMigration()}
	var fsync, pages, commit, retry string
	err := d.Pool.QueryRow(ctx, statusSQL).Scan(&s.Migration, &fsync, &pages, &commit, &retry)
	if err != nil {
		return Status{}, fmt.Errorf("look at the database: %w", err)
	}
	for _, setting := range []struct{ name, value, wrong string }{
		{"fsync", fsync, "off"},
		{"full_page_writes", pages, "off"},
		{"synchronous_commit", commit, "off"},
		{"data_sync_retry", retry, "on"},
	} {
		if setting.value == setting.wrong {
			s.Unsafe = append(s.Unsafe, setting.name+"="+setting.value)
		}
	}
	return s, nil
}

// Ready says why this process may not serve, or nil: the server answers, the
// schema is at least as new as this binary (a newer one is a release being
// rolled out) and no setting lets a crash lose an answered booking.
func (d *DB) Ready(ctx context.Context) error {
	s, err := d.Status(ctx)
	if err != nil {
		return err
	}
	if s.Migration < s.Newest {
		return fmt.Errorf("the schema is at version %d and this program needs %d: run shortbreaks migrate", s.Migration, s.Newest)
	}
	if len(s.Unsafe) > 0 && !d.cfg.AllowUnsafe {
		return errors.New("the database may lose commits in a crash: " + strings.Join(s.Unsafe, ", "))
	}
	return nil
}
