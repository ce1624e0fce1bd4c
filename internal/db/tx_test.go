package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
)

// Scratch is a tenant table that only these tests have.
type Scratch struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	N           int
	CreatedAt   time.Time
}

const scratchSQL = `
CREATE TABLE scratch (
	authority_id uuid NOT NULL,
	id uuid NOT NULL,
	n int NOT NULL CONSTRAINT scratch_n_small CHECK (n < 1000),
	created_at timestamptz NOT NULL,
	PRIMARY KEY (authority_id, id));
ALTER TABLE scratch ENABLE ROW LEVEL SECURITY;
ALTER TABLE scratch FORCE ROW LEVEL SECURITY;
CREATE POLICY scratch_tenant ON scratch USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON scratch TO shortbreaks_app;`

// withScratch is a database with the scratch table.
func withScratch(t *testing.T, opts ...dbtest.Option) *db.DB {
	t.Helper()
	d := dbtest.New(t, opts...)
	_, err := dbtest.Owner(t, d).Exec(t.Context(), scratchSQL)
	require.NoError(t, err)
	return d
}

// within is the scope of one authority.
func within(authority uuid.UUID) db.Scope { return db.Scope{Authorities: []uuid.UUID{authority}} }

// add inserts a row through pgx.
func add(ctx context.Context, tx *db.Tx, authority uuid.UUID, n int) error {
	_, err := tx.PGX.Exec(ctx, `INSERT INTO scratch VALUES ($1, $2, $3, $4)`, authority, shortbreaks.NewID(), n, tx.Now)
	return err
}

// total is the sum of the rows a scope sees.
func total(t *testing.T, d *db.DB, s db.Scope) (sum int) {
	t.Helper()
	require.NoError(t, d.Read(t.Context(), s, func(tx *db.Tx) error {
		return tx.PGX.QueryRow(t.Context(), `SELECT coalesce(sum(n), 0) FROM scratch`).Scan(&sum)
	}))
	return sum
}

func TestGORMAndPGXAreOneTransaction(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	undo := errors.New("undo")
	work := func(end error) error {
		return d.Do(ctx, within(a), func(tx *db.Tx) error {
			row := Scratch{AuthorityID: a, ID: shortbreaks.NewID(), N: 1}
			require.NoError(t, gorm.G[Scratch](tx.DB).Create(ctx, &row))
			require.Equal(t, tx.Now, row.CreatedAt, "GORM stamps with the transaction's clock")
			require.NoError(t, add(ctx, tx, a, 2))
			var seen int
			require.NoError(t, tx.PGX.QueryRow(ctx, `SELECT sum(n) FROM scratch`).Scan(&seen))
			require.Equal(t, 3, seen, "pgx sees GORM's row")
			rows, err := gorm.G[Scratch](tx.DB).Order("n").Find(ctx)
			require.NoError(t, err)
			require.Len(t, rows, 2, "GORM sees pgx's row")
			require.Equal(t, tx.Now, rows[1].CreatedAt, "an instant reads back as it was written")
			return end
		})
	}
	require.Same(t, undo, work(undo), "an error of f comes back as it is")
	require.Zero(t, total(t, d, within(a)), "rolled back, both are gone")
	require.NoError(t, work(nil))
	require.Equal(t, 3, total(t, d, within(a)))
}

func TestStepsCannotEndTheTransaction(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	err := d.Do(ctx, within(a), func(tx *db.Tx) error {
		require.NoError(t, add(ctx, tx, a, 1))
		require.ErrorIs(t, tx.Begin().Error, gorm.ErrInvalidTransaction)
		// GORM's own transactions are savepoints in ours.
		inner := tx.Transaction(func(g *gorm.DB) error {
			require.NoError(t, g.Create(&Scratch{AuthorityID: a, ID: shortbreaks.NewID(), N: 10}).Error)
			return errors.New("only this part")
		})
		require.EqualError(t, inner, "only this part")
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, total(t, d, within(a)))
	undo := errors.New("undo")
	require.ErrorIs(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
		require.NoError(t, add(ctx, tx, a, 1))
		require.Error(t, tx.Commit().Error)
		return undo
	}), undo)
	require.Equal(t, 1, total(t, d, within(a)), "it was not committed")
}

func TestAfterCommitWaitsForTheCommit(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	var calls []int
	tries := 0
	require.NoError(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
		tries++
		tx.AfterCommit(func() { calls = append(calls, total(t, d, within(a))) })
		if tries == 1 {
			return raise(ctx, tx, "40001")
		}
		require.Empty(t, calls)
		return add(ctx, tx, a, 7)
	}))
	require.Equal(t, []int{7}, calls, "once, and it sees what was committed")

	require.Error(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
		tx.AfterCommit(func() { t.Error("ran although f failed") })
		return errors.New("no")
	}))
	require.Error(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
		tx.AfterCommit(func() { t.Error("ran although the commit failed") })
		require.Error(t, add(ctx, tx, a, 1000))
		return nil // the mistake of going on after a failed statement
	}))
	require.Equal(t, 7, total(t, d, within(a)))
}

// raise fails inside PostgreSQL with a SQLSTATE.
func raise(ctx context.Context, tx *db.Tx, code string) error {
	_, err := tx.PGX.Exec(ctx, fmt.Sprintf(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '%s'; END $$`, code))
	return err
}

func TestVictimsRunAgainAtMostFiveTimes(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	for _, c := range []struct {
		code         string
		fails, tries int
		ok           bool
	}{
		{"40001", 5, 6, true},
		{"40P01", 5, 6, true},
		{"40001", 6, 6, false},
		{"55P03", 1, 1, false},
		{"23505", 1, 1, false},
	} {
		tries := 0
		err := d.Do(ctx, within(a), func(tx *db.Tx) error {
			tries++
			if tries <= c.fails {
				return raise(ctx, tx, c.code)
			}
			return nil
		})
		require.Equal(t, c.ok, err == nil, "%s: %v", c.code, err)
		require.Equal(t, c.tries, tries, c.code)
	}
}

func TestADeadlockEndsWithBothDone(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	ids := []uuid.UUID{shortbreaks.NewID(), shortbreaks.NewID()}
	require.NoError(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `INSERT INTO scratch SELECT $1, unnest($2::uuid[]), 0, now()`, a, ids)
		return err
	}))
	var meet, done sync.WaitGroup
	meet.Add(2)
	for i := range 2 {
		done.Go(func() {
			var once sync.Once
			err := d.Do(ctx, within(a), func(tx *db.Tx) error {
				for k := range 2 {
					_, err := tx.PGX.Exec(ctx, `UPDATE scratch SET n = n + 1 WHERE authority_id = $1 AND id = $2`, a, ids[(i+k)%2])
					if err != nil {
						return err
					}
					once.Do(func() { meet.Done(); meet.Wait() }) // each holds one row now
				}
				return nil
			})
			if err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		})
	}
	done.Wait()
	require.Equal(t, 4, total(t, d, within(a)))
}

func TestAPanicRollsBackAndGoesOn(t *testing.T) {
	t.Parallel()
	d := withScratch(t, dbtest.WithConfig(func(c *db.Config) { c.MaxConns = 1 }))
	a, ctx := shortbreaks.NewID(), t.Context()
	require.PanicsWithValue(t, "boom", func() {
		_ = d.Do(ctx, within(a), func(tx *db.Tx) error {
			require.NoError(t, add(ctx, tx, a, 1))
			panic("boom")
		})
	})
	require.Zero(t, total(t, d, within(a)), "and the only connection came back clean")
	require.Zero(t, d.Pool.Stat().AcquiredConns())
}

func TestACancelledRequestLeavesNothing(t *testing.T) {
	t.Parallel()
	d, a := withScratch(t), shortbreaks.NewID()
	ctx, cancel := context.WithCancel(t.Context())
	err := d.Do(ctx, within(a), func(tx *db.Tx) error {
		require.NoError(t, add(ctx, tx, a, 1))
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err := tx.PGX.Exec(ctx, `SELECT pg_sleep(60)`)
		return err
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, total(t, d, within(a)))
	owner := dbtest.Owner(t, d)
	require.Eventually(t, func() bool {
		var running int
		err := owner.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`).Scan(&running)
		return err == nil && running == 0
	}, time.Second, 10*time.Millisecond, "no query outlives its request by a second")
}

func TestReadCannotWrite(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	err := d.Read(ctx, within(a), func(tx *db.Tx) error { return add(ctx, tx, a, 1) })
	var pg *pgconn.PgError
	require.ErrorAs(t, err, &pg)
	require.Equal(t, "25006", pg.Code)
	err = d.Read(ctx, within(a), func(tx *db.Tx) error {
		return gorm.G[Scratch](tx.DB).Create(ctx, &Scratch{AuthorityID: a, ID: shortbreaks.NewID()})
	})
	require.ErrorAs(t, err, &pg)
	require.Equal(t, "25006", pg.Code)
}

func TestTheClockIsTheDatabasesUnlessReplaced(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	require.NoError(t, d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		var now time.Time
		require.NoError(t, tx.PGX.QueryRow(ctx, `SELECT now()`).Scan(&now))
		require.Equal(t, now, tx.Now)
		require.Equal(t, time.UTC, tx.Now.Location())
		return nil
	}))
	at := time.Date(2027, 3, 28, 1, 30, 0, 123_456_789, shortbreaks.London)
	clock := dbtest.NewClock(at)
	d = dbtest.New(t, dbtest.WithClock(clock))
	for range 2 {
		require.NoError(t, d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
			require.Equal(t, clock.Now().UTC().Truncate(time.Microsecond), tx.Now)
			return nil
		}))
		clock.Advance(time.Hour)
	}
}

func TestACrowdIsRefusedInsteadOfKeptWaiting(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, dbtest.WithConfig(func(c *db.Config) {
		c.MaxConns, c.AcquireTimeout = 1, 20*time.Millisecond
	}))
	ctx := t.Context()
	err := d.Read(ctx, db.Scope{}, func(*db.Tx) error {
		return d.Read(ctx, db.Scope{}, func(*db.Tx) error { return nil }) // what the package forbids
	})
	require.ErrorIs(t, err, db.ErrBusy)
	require.True(t, db.Unavailable(err))
	require.NoError(t, d.Read(ctx, db.Scope{}, func(*db.Tx) error { return nil }), "and is served again")
}

func TestConnectionsThatDiedAreReplacedUnnoticed(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	var busy, done sync.WaitGroup
	busy.Add(12) // more than one transaction would try
	for range 12 {
		done.Go(func() {
			_ = d.Read(ctx, db.Scope{}, func(*db.Tx) error { busy.Done(); busy.Wait(); return nil })
		})
	}
	done.Wait()
	owner := dbtest.Owner(t, d)
	const ours = ` FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shortbreaks'`
	_, err := owner.Exec(ctx, `SELECT pg_terminate_backend(pid)`+ours)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		var left int
		err := owner.QueryRow(ctx, `SELECT count(*)`+ours).Scan(&left)
		return err == nil && left == 0
	}, dbtest.Patience, time.Millisecond)
	calls := 0
	require.NoError(t, d.Do(ctx, within(a), func(tx *db.Tx) error { calls++; return add(ctx, tx, a, 1) }))
	require.Equal(t, 1, calls)

	err = d.Do(ctx, within(a), func(tx *db.Tx) error {
		calls++
		var pid int
		require.NoError(t, tx.PGX.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid))
		_, err := owner.Exec(ctx, `SELECT pg_terminate_backend($1, 5000)`, pid)
		require.NoError(t, err)
		return add(ctx, tx, a, 1)
	})
	require.True(t, db.Unavailable(err), "%v", err)
	require.Equal(t, 2, calls, "once f has begun, losing the connection is for the caller to decide")
	require.Equal(t, 1, total(t, d, within(a)))
}

func TestErrorsNameTheirConstraint(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	err := d.Do(ctx, within(a), func(tx *db.Tx) error { return add(ctx, tx, a, 1000) })
	require.Equal(t, "scratch_n_small", db.ConstraintName(err))
	err = d.Do(ctx, within(a), func(tx *db.Tx) error {
		return gorm.G[Scratch](tx.DB).Create(ctx, &Scratch{AuthorityID: a, ID: shortbreaks.NewID(), N: 1000})
	})
	require.Equal(t, "scratch_n_small", db.ConstraintName(fmt.Errorf("wrapped: %w", err)))
	require.ErrorIs(t, err, gorm.ErrCheckConstraintViolated)
	require.False(t, db.Unavailable(err))
	require.Empty(t, db.ConstraintName(errors.New("other")))
	require.Empty(t, db.ConstraintName(nil))
}

// Every limit, with and without a pooler between.
func TestEveryTransactionHasLimits(t *testing.T) {
	t.Parallel()
	for _, pooler := range []bool{false, true} {
		d := dbtest.New(t, dbtest.WithConfig(func(c *db.Config) { c.Pooler = pooler }))
		ctx := t.Context()
		require.NoError(t, d.Do(ctx, db.Scope{}, func(tx *db.Tx) error {
			var statement, lock, idle, zone, isolation string
			err := tx.PGX.QueryRow(ctx, `SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),
				current_setting('idle_in_transaction_session_timeout'), current_setting('timezone'),
				current_setting('transaction_isolation')`).Scan(&statement, &lock, &idle, &zone, &isolation)
			require.NoError(t, err)
			require.Equal(t, []string{"5s", "2s", "10s", "UTC", "read committed"}, []string{statement, lock, idle, zone, isolation})
			return nil
		}))
	}
}

// A transaction pooler gives each transaction another session, so none may
// count on a statement prepared in the last.
func TestBehindAPoolerNothingIsPrepared(t *testing.T) {
	t.Parallel()
	d := withScratch(t, dbtest.WithConfig(func(c *db.Config) { c.Pooler, c.MaxConns = true, 1 }))
	a, caller, ctx := shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	for range 3 {
		_, err := once(ctx, d, a, 1, idem(caller, "k", "body"))
		require.NoError(t, err)
		require.NoError(t, d.Do(ctx, within(a), func(tx *db.Tx) error {
			rows, err := gorm.G[Scratch](tx.DB).Where("n = ?", 1).Find(ctx)
			require.NoError(t, err)
			require.Len(t, rows, 1)
			require.NoError(t, tx.Enqueue(ctx, noteArgs{"x"}, nil))
			var prepared int
			require.NoError(t, tx.PGX.QueryRow(ctx, `SELECT count(*) FROM pg_prepared_statements WHERE name <> ''`).Scan(&prepared))
			require.Zero(t, prepared)
			return nil
		}))
	}
}
