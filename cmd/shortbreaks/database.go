package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// database is an open database and, if it is our own, the server behind it.
type database struct {
	*db.DB
	own *db.Embedded
}

// openDatabase connects to DATABASE_URL, or starts a PostgreSQL of our own and
// migrates it.
func openDatabase(ctx context.Context, cfg config) (*database, error) {
	d := &database{}
	url, owner := cfg.DatabaseURL, cfg.MigrateURL
	if url == "" {
		dir, err := db.DataDir()
		if err != nil {
			return nil, err
		}
		slog.Info("starting our own PostgreSQL", "folder", dir)
		if d.own, err = db.StartEmbedded(ctx, dir, db.EmbeddedOptions{}); err != nil {
			return nil, err
		}
		url, owner = d.own.ServeURL(), d.own.OwnerURL()
	}
	if owner != "" {
		if err := db.Migrate(ctx, owner); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	var err error
	if d.DB, err = db.Open(ctx, db.Config{URL: url, Pooler: cfg.Pooler}); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close closes the pool and stops our own server.
func (d *database) Close() error {
	if d.DB != nil {
		d.DB.Close()
	}
	if d.own != nil {
		return d.own.Stop()
	}
	return nil
}

func migrate(ctx context.Context, cfg config, out io.Writer) error {
	owner := cfg.MigrateURL
	if owner == "" {
		owner = cfg.DatabaseURL
	}
	if owner == "" { // our own: opening it migrates it
		d, err := openDatabase(ctx, cfg)
		if err != nil {
			return err
		}
		if err := d.Close(); err != nil {
			return err
		}
	} else if err := db.Migrate(ctx, owner); err != nil {
		return err
	}
	fmt.Fprintln(out, "The schema is at the newest version.")
	return nil
}

// audit proves the books. While `shortbreaks demo` runs it looks at that
// server's database.
func audit(ctx context.Context, cfg config, out io.Writer) error {
	d, err := openRunning(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	findings, err := payments.Audit(ctx, d.DB)
	if err != nil {
		return err
	}
	if len(findings) == 0 {
		fmt.Fprintln(out, "The books are right: every invariant holds.")
		return nil
	}
	for _, f := range findings {
		fmt.Fprintf(out, "%s: authority %s: %s: %s\n", f.View, f.Authority, f.Subject, f.Detail)
	}
	fmt.Fprintf(out, "%d rows break an invariant. Stop taking bookings and look at them.\n", len(findings))
	return errFailed
}
