// Package dbtest gives each test a PostgreSQL database of its own: a clone of
// one that has been migrated once, in a throw-away server that ends with the
// test binary. Set SHORTBREAKS_TEST_DATABASE_URL to a superuser's URL to use
// another server.
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
//	func TestT01_OnePlaceIsSoldOnce(t *testing.T) {
//		t.Parallel()
//		clock := dbtest.NewClock(time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC))
//		d := dbtest.New(t, dbtest.WithClock(clock))
//		owner := dbtest.Owner(t, d) // for fixtures that no use case makes
//		...
//	}
package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shortbreaks/internal/db"
)

// Patience is how long a test waits for something that must come, on however
// slow and busy a machine. Nothing that passes waits so long.
const Patience = 3 * time.Minute

// Option changes how New opens the database.
type Option func(*db.Config)

// WithClock makes Tx.Now read c instead of the database's clock.
func WithClock(c *Clock) Option {
	return func(cfg *db.Config) { cfg.Clock = func(time.Time) time.Time { return c.Now() } }
}

// WithConfig changes anything else, such as the number of connections.
func WithConfig(change func(*db.Config)) Option { return change }

// Main runs a package's tests and takes the server away afterwards. It is the
// whole of TestMain.
func Main(m *testing.M) { exit(run(m)) }

// clones numbers the databases of this test binary.
var clones atomic.Int64

// New is a migrated, empty database for one test, opened as the serving
// login, as production does. It is dropped when the test ends.
func New(t testing.TB, opts ...Option) *db.DB {
	t.Helper()
	s, err := theServer()
	if err != nil {
		t.Fatalf("start test database: %v", err)
	}
	name := fmt.Sprintf("%s_%d", s.template, clones.Add(1))
	if err := s.clone(name); err != nil {
		t.Fatalf("clone test database: %v", err)
	}
	cfg := db.Config{
		URL:         s.address(s.serve, name),
		AllowUnsafe: true,
		// The machine may be crowded; a test that means to be refused says so.
		AcquireTimeout: 30 * time.Second,
	}
	for _, o := range opts {
		o(&cfg)
	}
	d, err := db.Open(context.Background(), cfg)
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(func() {
		d.Close()
		if err := s.drop(name); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	return d
}

// URLs are the addresses of a test's database for its two logins.
func URLs(t testing.TB, d *db.DB) (serve, owner string) {
	t.Helper()
	s, err := theServer()
	if err != nil {
		t.Fatalf("start test database: %v", err)
	}
	name := d.Pool.Config().ConnConfig.Database
	return s.address(s.serve, name), s.address(s.owner, name)
}

// Owner is a pool of the login that owns the schema: for fixtures, for SQL
// tests that act without the app, and for breaking a guard on purpose.
func Owner(t testing.TB, d *db.DB) *pgxpool.Pool {
	t.Helper()
	_, address := URLs(t, d)
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatalf("open test database as owner: %v", err)
	}
	cfg.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatalf("open test database as owner: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// As runs f in a transaction of the serving login that acts without the app:
// no scope is set but what f sets itself. It is rolled back.
func As(t testing.TB, d *db.DB, f func(tx pgx.Tx)) {
	t.Helper()
	ctx := context.Background()
	tx, err := d.Pool.Begin(ctx)
	if err != nil {
		t.Fatalf("begin without scope: %v", err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	f(tx)
}

// login is a name and its password.
type login struct{ name, password string }

func withDatabase(server *url.URL, l login, database string) string {
	u := *server
	u.User, u.Path = url.UserPassword(l.name, l.password), "/"+database
	return u.String()
}
