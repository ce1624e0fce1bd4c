package payments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// auditSettings are for a statement that reads everything once: no limit made
// for people, hash joins whatever the statistics say (on a database just
// loaded they say the tables are empty), room for them, and no time spent on
// compiling.
const auditSettings = `SELECT set_config('app.now', $1, true), set_config('statement_timeout', '10min', true),
	set_config('enable_nestloop', 'off', true), set_config('work_mem', '64MB', true), set_config('jit', 'off', true)`

// Finding is one row that breaks an invariant of the books.
type Finding struct {
	View      string     // the invariant: "audit_places"
	Authority *uuid.UUID // nil where the fault is nobody's alone
	Subject   string     // what is wrong, by id
	Detail    string     // how
}

// Audit proves the books: it runs every view audit_* over all authorities and
// gives the rows they return, by view; none if all is well. All views are one
// statement, so they see one snapshot and an audit may run while people book.
func Audit(ctx context.Context, d *db.DB) ([]Finding, error) {
	scope, err := d.System(ctx)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		if _, err := tx.PGX.Exec(ctx, auditSettings, tx.Now.Format(time.RFC3339Nano)); err != nil {
			return err
		}
		statement, err := auditSQL(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.PGX.Query(ctx, statement, pgx.QueryExecModeExec)
		if err != nil {
			return err
		}
		findings, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Finding])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return findings, nil
}

// AuditViews names the invariants there are, in order.
func AuditViews(ctx context.Context, tx *db.Tx) ([]string, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT relname FROM pg_class
		WHERE relkind = 'v' AND relname LIKE 'audit\_%' AND relnamespace = 'public'::regnamespace ORDER BY relname`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func auditSQL(ctx context.Context, tx *db.Tx) (string, error) {
	views, err := AuditViews(ctx, tx)
	if err != nil {
		return "", err
	}
	if len(views) == 0 {
		return "", errors.New("there is no view audit_*: has the schema been migrated?")
	}
	parts := make([]string, len(views))
	for i, view := range views {
		name := pgx.Identifier{view}.Sanitize()
		parts[i] = fmt.Sprintf("SELECT '%s'::text AS view, authority_id, subject, detail FROM %s", view, name)
	}
	return strings.Join(parts, " UNION ALL ") + " ORDER BY 1, 2, 3, 4", nil
}
