package db_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
)

// settings is what a connection says of its scope.
const settings = `SELECT current_user::text, app_ids('app.authorities'), app_ids('app.providers'),
	coalesce(current_setting('app.person', true), ''), coalesce(current_setting('app.sign_in', true), '')`

type told struct {
	User                   string
	Authorities, Providers []uuid.UUID
	Person, SignIn         string
}

func ask(t *testing.T, tx pgx.Tx) (s told) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), settings).Scan(&s.User, &s.Authorities, &s.Providers, &s.Person, &s.SignIn))
	return s
}

func TestS5_ScopeEndsWithItsTransaction(t *testing.T) {
	t.Parallel()
	d := withScratch(t, dbtest.WithConfig(func(c *db.Config) { c.MaxConns = 1 }))
	a, b, p, ctx := shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	s := db.Scope{Person: p, Authorities: []uuid.UUID{a, b}, Providers: []uuid.UUID{p}, SignIn: "it's, a \\ subject"}
	require.NoError(t, d.Do(ctx, s, func(tx *db.Tx) error {
		require.Equal(t, told{db.Role, []uuid.UUID{a, b}, []uuid.UUID{p}, p.String(), s.SignIn}, ask(t, tx.PGX))
		return add(ctx, tx, a, 5)
	}))
	dbtest.As(t, d, func(tx pgx.Tx) {
		s := ask(t, tx)
		require.True(t, strings.HasSuffix(s.User, "_serve"), "the role ended too: %s", s.User)
		require.Empty(t, s.Authorities)
		require.Empty(t, s.Providers)
		require.Empty(t, s.Person+s.SignIn)
		var rows int
		require.NoError(t, tx.QueryRow(ctx, `SELECT count(*) FROM scratch`).Scan(&rows))
		require.Zero(t, rows, "outside Do and Read nothing of any tenant is seen")
	})
	require.Equal(t, 5, total(t, d, within(a)))
	require.Zero(t, total(t, d, within(b)))
	require.Zero(t, total(t, d, db.Scope{}), "a scope unset sees nothing")
}

func TestRowsOutsideTheScopeCannotBeWritten(t *testing.T) {
	t.Parallel()
	d, a, b, ctx := withScratch(t), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	err := d.Do(ctx, within(a), func(tx *db.Tx) error { return add(ctx, tx, b, 1) })
	require.ErrorContains(t, err, "row-level security")
	require.NoError(t, d.Do(ctx, within(b), func(tx *db.Tx) error { return add(ctx, tx, b, 1) }))
	require.NoError(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
		done, err := tx.PGX.Exec(ctx, `UPDATE scratch SET n = 2`)
		require.Zero(t, done.RowsAffected(), "silently: hence every row count is looked at")
		return err
	}))
	require.Equal(t, 1, total(t, d, within(b)))
}

func TestASuperusersLoginObeysRowLevelSecurityToo(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	require.NoError(t, d.Do(ctx, within(a), func(tx *db.Tx) error { return add(ctx, tx, a, 1) }))
	_, owner := dbtest.URLs(t, d)
	super, err := db.Open(ctx, db.Config{URL: owner, AllowUnsafe: true})
	require.NoError(t, err)
	t.Cleanup(super.Close)
	require.NoError(t, super.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		require.Equal(t, db.Role, ask(t, tx.PGX).User)
		return nil
	}))
	require.Zero(t, total(t, super, db.Scope{}))
	require.Equal(t, 1, total(t, super, within(a)))
}

func TestTheServingLoginOwnsAndBypassesNothing(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	dbtest.As(t, d, func(tx pgx.Tx) {
		var able bool
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)
			FROM pg_roles WHERE rolname IN (current_user, $1)`, db.Role).Scan(&able))
		require.False(t, able)
		var owned int
		require.NoError(t, tx.QueryRow(t.Context(), `SELECT count(*) FROM pg_class
			WHERE pg_get_userbyid(relowner) IN (current_user, $1)`, db.Role).Scan(&owned))
		require.Zero(t, owned)
		_, err := tx.Exec(t.Context(), `CREATE TABLE mine (n int)`)
		require.ErrorContains(t, err, "permission denied")
	})
}

func TestEnterAuthorityLastsForTheTransaction(t *testing.T) {
	t.Parallel()
	d := withScratch(t, dbtest.WithConfig(func(c *db.Config) { c.MaxConns = 1 }))
	a, b, ctx := shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	scope := db.Scope{Providers: []uuid.UUID{b}, Authorities: make([]uuid.UUID, 0, 4)}
	require.NoError(t, d.Do(ctx, scope, func(tx *db.Tx) error {
		require.Error(t, tx.EnterAuthority(ctx, uuid.Nil))
		savepoint, err := tx.PGX.Begin(ctx)
		require.NoError(t, err)
		require.NoError(t, tx.EnterAuthority(ctx, a))
		require.NoError(t, savepoint.Rollback(ctx))
		require.Empty(t, ask(t, tx.PGX).Authorities)
		require.NoError(t, tx.EnterAuthority(ctx, a), "entered again after a savepoint took it back")
		require.NoError(t, tx.EnterAuthority(ctx, b))
		require.Equal(t, []uuid.UUID{a, b}, ask(t, tx.PGX).Authorities)
		require.Equal(t, []uuid.UUID{b}, ask(t, tx.PGX).Providers)
		return add(ctx, tx, a, 1)
	}))
	require.Equal(t, uuid.Nil, scope.Authorities[:1][0], "the caller's own list is left alone")
	require.Zero(t, total(t, d, scope))
	require.Equal(t, 1, total(t, d, within(a)))
}

func TestSystemReachesEveryAuthority(t *testing.T) {
	t.Parallel()
	d, ctx := dbtest.New(t), t.Context()
	none, err := d.System(ctx)
	require.NoError(t, err)
	require.Empty(t, none.Authorities)
	ids := []uuid.UUID{shortbreaks.NewID(), shortbreaks.NewID()}
	owner := dbtest.Owner(t, d)
	for i, id := range ids {
		_, err := owner.Exec(ctx, `INSERT INTO authority (id, name, slug, area) VALUES ($1, 'A', $2, 'x')`, id, string(rune('a'+i)))
		require.NoError(t, err)
	}
	all, err := d.System(ctx)
	require.NoError(t, err)
	require.Equal(t, db.Scope{Authorities: ids}, all)
}

func TestAnActorsScopeIsItsGrants(t *testing.T) {
	t.Parallel()
	who := shortbreaks.Actor{
		Person: shortbreaks.NewID(), Role: shortbreaks.Coordinator,
		Providers: []uuid.UUID{shortbreaks.NewID()}, Authorities: []uuid.UUID{shortbreaks.NewID()},
	}
	require.Equal(t, db.Scope{Person: who.Person, Providers: who.Providers, Authorities: who.Authorities}, db.For(who))
	require.Equal(t, db.Scope{}, db.For(shortbreaks.Anonymous))
}

// The list of the scope must be worked out once per statement and not once
// per row: PostgreSQL says so by naming an InitPlan.
func TestPoliciesReadTheScopeOncePerStatement(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	require.NoError(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
		for _, statement := range []string{
			`SELECT * FROM scratch`,
			`UPDATE scratch SET n = 1`,
			`INSERT INTO scratch SELECT gen_random_uuid(), gen_random_uuid(), 1, now() FROM generate_series(1, 10)`,
		} {
			rows, err := tx.PGX.Query(ctx, `EXPLAIN (VERBOSE) `+statement)
			require.NoError(t, err)
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Contains(t, strings.Join(lines, "\n"), "InitPlan", statement)
		}
		return nil
	}))
}
