package db_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
)

// empty is the owner's address of a database without a schema.
func empty(t *testing.T) string {
	t.Helper()
	d := dbtest.New(t)
	name := "sb_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	owner := dbtest.Owner(t, d)
	_, err := owner.Exec(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := owner.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	_, address := dbtest.URLs(t, d)
	return strings.Replace(address, "/"+d.Pool.Config().ConnConfig.Database, "/"+name, 1)
}

// Two databases of one cluster, two processes each: they race for the locks
// and for the role, which all databases share.
func TestMigratingTwiceAndAtOnceIsSafe(t *testing.T) {
	t.Parallel()
	one, other := empty(t), empty(t)
	var all sync.WaitGroup
	for _, address := range []string{one, other, one, other} {
		all.Go(func() {
			if err := db.Migrate(t.Context(), address); err != nil {
				t.Errorf("migrate at once: %v", err)
			}
		})
	}
	all.Wait()
	require.NoError(t, db.Migrate(t.Context(), one), "and again")
	d, err := db.Open(t.Context(), db.Config{URL: one, AllowUnsafe: true})
	require.NoError(t, err)
	defer d.Close()
	s, err := d.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.Newest, s.Migration)
	require.NoError(t, d.Ready(t.Context()))
}

// schemaSQL describes tables, columns, constraints, indexes, policies,
// functions, triggers and grants, one line each, in a stable order.
const schemaSQL = `SELECT line FROM (
	SELECT format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line
	  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname = 'public'
	UNION ALL SELECT format('policy %s %s %s %s', tablename, policyname, qual, with_check) FROM pg_policies WHERE schemaname = 'public'
	UNION ALL SELECT format('security %s %s %s', relname, relrowsecurity, relforcerowsecurity) FROM pg_class WHERE relnamespace = 'public'::regnamespace
	UNION ALL SELECT format('grant %s %s', relname, relacl) FROM pg_class WHERE relnamespace = 'public'::regnamespace
	UNION ALL SELECT format('function %s %s', oid::regprocedure, md5(pg_get_functiondef(oid))) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
	UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
	UNION ALL SELECT format('view %s', md5(definition)) FROM pg_views WHERE schemaname = 'public'
) AS s ORDER BY line`

func schemaOf(t *testing.T, address string) string {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), address)
	require.NoError(t, err)
	defer pool.Close()
	rows, err := pool.Query(t.Context(), schemaSQL)
	require.NoError(t, err)
	var lines []string
	var line string
	for rows.Next() {
		require.NoError(t, rows.Scan(&line))
		lines = append(lines, line)
	}
	require.NoError(t, rows.Err())
	return strings.Join(lines, "\n")
}

// The schema can be taken down and put up again, the same.
func TestUpDownUpIsUp(t *testing.T) {
	t.Parallel()
	address := empty(t)
	require.NoError(t, db.Migrate(t.Context(), address))
	up := schemaOf(t, address)
	require.Greater(t, strings.Count(up, "\n"), 200)
	conn, err := sql.Open("pgx", address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	files, err := fs.Sub(db.MigrationFiles, "migrations")
	require.NoError(t, err)
	p, err := goose.NewProvider(goose.DialectPostgres, conn, files)
	require.NoError(t, err)
	_, err = p.DownTo(t.Context(), 0)
	require.NoError(t, err)
	require.NotContains(t, schemaOf(t, address), "policy ", "down is down")
	_, err = p.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, up, schemaOf(t, address))
}

func TestReadyNeedsTheNewestSchemaAndASafeServer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	require.NoError(t, d.Ready(ctx))
	serve, _ := dbtest.URLs(t, d)
	strict, err := db.Open(ctx, db.Config{URL: serve})
	require.NoError(t, err)
	defer strict.Close()
	require.ErrorContains(t, strict.Ready(ctx), "may lose commits", "the server of these tests has fsync off")

	owner := dbtest.Owner(t, d)
	s, err := d.Status(ctx)
	require.NoError(t, err)
	_, err = owner.Exec(ctx, `DELETE FROM goose_db_version WHERE version_id = $1`, s.Newest)
	require.NoError(t, err)
	require.ErrorContains(t, d.Ready(ctx), fmt.Sprintf("needs %d", s.Newest))
	_, err = owner.Exec(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)`, s.Newest+1)
	require.NoError(t, err)
	require.NoError(t, d.Ready(ctx), "a newer schema is a release being rolled out")
	_, err = owner.Exec(ctx, `DROP TABLE goose_db_version`)
	require.NoError(t, err)
	require.Error(t, d.Ready(ctx))
}
