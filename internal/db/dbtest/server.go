package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// serverVariable names another server to use, by a superuser's URL.
const serverVariable = "SHORTBREAKS_TEST_DATABASE_URL"

// folderPattern is that of the throw-away data folders.
const folderPattern = "shortbreaks-test-*"

// exit is os.Exit.
var exit = os.Exit

// server is the one PostgreSQL of a test binary.
type server struct {
	own      *db.Embedded // nil if it is somebody else's
	folder   string
	base     *url.URL
	owner    login
	serve    login
	template string
	mu       sync.Mutex // one clone at a time: a template may have no other user
}

// theServer starts it for the first test that asks.
var theServer = sync.OnceValues(start)

// started is theServer's, for taking it away.
var started *server

func run(m *testing.M) int {
	code := m.Run()
	if started == nil {
		return code
	}
	if err := started.remove(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		return max(code, 1)
	}
	return code
}

// start gets a server and migrates the template.
func start() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s := &server{template: "shortbreaks_test_" + random(4)}
	started = s
	address := os.Getenv(serverVariable)
	if address == "" {
		if err := s.startOwn(ctx); err != nil {
			return nil, err
		}
		address = s.own.OwnerURL()
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", serverVariable, err)
	}
	password, _ := base.User.Password()
	s.base, s.owner = base, login{base.User.Username(), password}
	s.serve = login{s.template + "_serve", random(16)}
	if err := s.exec(ctx, `CREATE DATABASE `+s.template); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, s.address(s.owner, s.template))
	if err != nil {
		return nil, err
	}
	err = errors.Join(db.CreateServeLogin(ctx, conn, s.serve.name, s.serve.password), conn.Close(ctx))
	if err != nil {
		return nil, err
	}
	return s, db.Migrate(ctx, s.address(s.owner, s.template))
}

// startOwn starts a throw-away server after clearing away those of test
// binaries that were killed.
func (s *server) startOwn(ctx context.Context) error {
	base := scratch()
	old, _ := filepath.Glob(filepath.Join(base, folderPattern))
	for _, folder := range old {
		if abandoned(folder) {
			_ = os.RemoveAll(folder)
		}
	}
	folder, err := os.MkdirTemp(base, folderPattern)
	if err != nil {
		return err
	}
	s.folder = folder
	// As root, PostgreSQL runs as a user who must pass through.
	if err := os.Chmod(folder, 0o711); err != nil { //nolint:gosec // as above
		return err
	}
	s.own, err = db.StartEmbedded(ctx, folder, db.EmbeddedOptions{Throwaway: true, MaxConnections: 300})
	return err
}

// memory is where Linux keeps files in memory, and roomy what a test binary's
// databases need of it many times over.
const (
	memory = "/dev/shm"
	roomy  = 4 << 30
)

// scratch is where a throw-away server keeps its files: in memory where there
// is plenty, since a database is copied for every test and a slow disk would
// be most of the time; else the folder for temporary files.
func scratch() string {
	var fs syscall.Statfs_t
	if syscall.Statfs(memory, &fs) != nil || fs.Bavail*uint64(fs.Bsize) < roomy { //nolint:gosec // a block size is positive
		return os.TempDir()
	}
	probe, err := os.MkdirTemp(memory, folderPattern)
	if err != nil {
		return os.TempDir()
	}
	_ = os.Remove(probe)
	return memory
}

// abandoned reports whether no process holds the folder's lock any more. One
// so new that its process may be about to take the lock is left alone.
func abandoned(folder string) bool {
	info, err := os.Stat(folder)
	if err != nil || time.Since(info.ModTime()) < time.Minute {
		return false
	}
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// remove leaves nothing behind.
func (s *server) remove() error {
	if s.folder != "" {
		var err error
		if s.own != nil {
			err = s.own.Stop()
		}
		return errors.Join(err, os.RemoveAll(s.folder))
	}
	if s.base == nil {
		return nil
	}
	ctx := context.Background()
	return errors.Join(s.drop(s.template), s.exec(ctx, `DROP ROLE IF EXISTS `+s.serve.name))
}

// clone copies the template, file by file: half the work of copying it page by
// page through the log.
func (s *server) clone(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exec(context.Background(), fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy`, name, s.template))
}

func (s *server) drop(name string) error {
	return s.exec(context.Background(), `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
}

// exec runs one statement beside all test databases.
func (s *server) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.address(s.owner, "postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

func (s *server) address(l login, database string) string { return withDatabase(s.base, l, database) }

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // crypto/rand.Read never fails
	return hex.EncodeToString(b)
}
