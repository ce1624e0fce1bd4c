package db_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
)

// childFolder tells a copy of this test binary to start PostgreSQL there.
const childFolder = "SHORTBREAKS_TEST_CHILD_FOLDER"

// childMain starts PostgreSQL, says where, and waits to be told to stop.
func childMain(dir string) int {
	e, err := db.StartEmbedded(context.Background(), dir, db.EmbeddedOptions{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	fmt.Println(e.OwnerURL())
	<-stop
	if err := e.Stop(); err != nil {
		return 1
	}
	return 0
}

// child is such a process.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// startChild runs a copy of this binary, as another user if uid is not 0.
func startChild(t *testing.T, dir string, uid int) child {
	t.Helper()
	binary := filepath.Join(folder(t), "child")
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	db.WriteProgram(t, binary, self)
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), childFolder+"="+dir)
	cmd.Dir, cmd.Stderr = "/", os.Stderr
	if uid != 0 && uid != os.Getuid() { // only root may become somebody else
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}} //nolint:gosec // an id
	}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return child{cmd, bufio.NewScanner(out)}
}

// says is the next line the child prints.
func (c child) says(t *testing.T) string {
	t.Helper()
	require.True(t, c.lines.Scan(), "the child ended without a word")
	return c.lines.Text()
}

// folder is a new folder the unprivileged user can reach, unlike t.TempDir.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "shortbreaks-db-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711)) //nolint:gosec // as above
	// What a child started may write until it has ended.
	t.Cleanup(func() {
		require.Eventually(t, func() bool { return os.RemoveAll(dir) == nil }, dbtest.Patience, 10*time.Millisecond, "it cannot be removed")
	})
	return dir
}

// startIn starts PostgreSQL in a folder as production does.
func startIn(t *testing.T, dir string) *db.Embedded {
	t.Helper()
	return startWith(t, dir, db.EmbeddedOptions{})
}

// quickIn starts it for a test in which nothing is killed.
func quickIn(t *testing.T, dir string) *db.Embedded {
	t.Helper()
	return startWith(t, dir, db.EmbeddedOptions{Throwaway: true})
}

func startWith(t *testing.T, dir string, opts db.EmbeddedOptions) *db.Embedded {
	t.Helper()
	e, err := db.StartEmbedded(t.Context(), dir, opts)
	if err != nil {
		raw, _ := os.ReadFile(filepath.Join(dir, "postgres.log"))
		t.Fatalf("%v\n%s", err, raw)
	}
	t.Cleanup(func() { _ = e.Stop() })
	return e
}

// run runs one statement in the database behind a URL.
func run(t *testing.T, address, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), statement)
	require.NoError(t, errors.Join(err, conn.Close(t.Context())))
}

// value reads one text in the database behind a URL.
func value(t *testing.T, address, query string) (v string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	require.NoError(t, err)
	err = conn.QueryRow(t.Context(), query).Scan(&v)
	require.NoError(t, errors.Join(err, conn.Close(t.Context())))
	return v
}

// postmaster is the process in the cluster's pid file.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.SplitN(string(raw), "\n", 2)[0])
	require.NoError(t, err)
	return pid
}

func TestOurOwnPostgreSQLServesAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir, ctx := filepath.Join(folder(t), "new"), t.Context()
	e := startIn(t, dir)
	require.NoError(t, db.Migrate(ctx, e.OwnerURL()))
	d, err := db.Open(ctx, db.Config{URL: e.ServeURL()})
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, d.Ready(ctx), "durable unless told otherwise")
	require.Equal(t, "on", value(t, e.OwnerURL(), "SHOW data_checksums"))
	require.Equal(t, "127.0.0.1", value(t, e.OwnerURL(), "SHOW listen_addresses"))
	require.Empty(t, value(t, e.OwnerURL(), "SHOW unix_socket_directories"))
	require.Equal(t, "0", value(t, e.OwnerURL(), "SELECT count(*)::text FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'"))
	require.Equal(t, "false", value(t, e.ServeURL(), `SELECT bool_or(rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)::text
		FROM pg_roles WHERE rolname = current_user`))
	_, err = pgx.Connect(ctx, strings.Replace(e.ServeURL(), "shortbreaks_serve:", "shortbreaks_serve:x", 1))
	require.ErrorContains(t, err, "password authentication failed")
	for _, name := range []string{"owner-password", "serve-password", "lock", "postgres.log"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}

	run(t, e.OwnerURL(), `CREATE TABLE kept AS SELECT 'still here' AS v`)
	before := e.OwnerURL()
	require.NoError(t, e.Stop())
	require.NoError(t, e.Stop(), "twice is no error")
	require.NoFileExists(t, filepath.Join(dir, "data", "postmaster.pid"), "it was stopped cleanly")
	e = startIn(t, dir)
	require.Equal(t, before, e.OwnerURL(), "same port, same password")
	require.Equal(t, "still here", value(t, e.OwnerURL(), `SELECT v FROM kept`))
}

func TestASecondStartOnTheSameFolderIsToldSo(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	e := quickIn(t, dir)
	_, err := db.StartEmbedded(t.Context(), dir, db.EmbeddedOptions{})
	require.ErrorContains(t, err, fmt.Sprintf("is in use by process %d", os.Getpid()))
	c := startChild(t, dir, 0)
	require.Contains(t, c.says(t), "is in use by process")
	require.Equal(t, "1", value(t, e.OwnerURL(), `SELECT '1'`), "the first goes on")
	require.NoError(t, e.Stop())
	quickIn(t, dir)
}

func TestAKilledProcessTakesItsPostgreSQLAlongAndLosesNothing(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c := startChild(t, dir, 0)
	address := c.says(t)
	require.True(t, strings.HasPrefix(address, "postgres://"), address)
	run(t, address, `CREATE TABLE kept AS SELECT 'still here' AS v`)
	pid := postmaster(t, dir)
	require.NoError(t, c.cmd.Process.Kill())
	_ = c.cmd.Wait()
	e := startIn(t, dir) // at once: it must wait for the old server to end
	_, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	require.Error(t, err, "no server is left behind (one that ended may still be waiting to be reaped)")
	require.Equal(t, "still here", value(t, e.OwnerURL(), `SELECT v FROM kept`))
}

func TestAKilledServerRecoversAtTheNextStart(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	e := startIn(t, dir)
	run(t, e.OwnerURL(), `CREATE TABLE kept AS SELECT 'still here' AS v`)
	require.NoError(t, syscall.Kill(postmaster(t, dir), syscall.SIGKILL))
	<-e.Done()
	require.FileExists(t, filepath.Join(dir, "data", "postmaster.pid"))
	require.NoError(t, e.Stop())
	e = startIn(t, dir)
	require.Equal(t, "still here", value(t, e.OwnerURL(), `SELECT v FROM kept`))
}

// As an ordinary user, and with a pid file whose number now belongs to
// another process of that user: PostgreSQL alone would refuse to start.
func TestAnOrdinaryUserStartsItToo(t *testing.T) {
	t.Parallel()
	uid := os.Getuid()
	dir := folder(t)
	if uid == 0 {
		nobody, err := user.Lookup("nobody")
		require.NoError(t, err)
		uid, err = strconv.Atoi(nobody.Uid)
		require.NoError(t, err)
		require.NoError(t, os.Chown(dir, uid, uid))
	}
	c := startChild(t, dir, uid)
	address := c.says(t)
	run(t, address, `CREATE TABLE kept AS SELECT 'still here' AS v`)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, c.cmd.Wait())

	bystander := exec.Command("sleep", "600")
	bystander.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}} //nolint:gosec // an id
	if os.Getuid() != 0 {
		bystander.SysProcAttr = nil
	}
	require.NoError(t, bystander.Start())
	t.Cleanup(func() { _ = bystander.Process.Kill(); _ = bystander.Wait() })
	stale := fmt.Sprintf("%d\n%s/data\n1\n5432\n\n127.0.0.1\n", bystander.Process.Pid, dir)
	path := filepath.Join(dir, "data", "postmaster.pid")
	require.NoError(t, os.WriteFile(path, []byte(stale), 0o600))
	require.NoError(t, os.Chown(path, uid, uid))

	c = startChild(t, dir, uid)
	require.Equal(t, address, c.says(t))
	require.Equal(t, "still here", value(t, address, `SELECT v FROM kept`))
	require.NoError(t, bystander.Process.Signal(syscall.Signal(0)), "and the bystander was left alone")
}

func TestDataOfAnotherMajorVersionIsRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	e := quickIn(t, dir)
	require.NoError(t, e.Stop())
	version := filepath.Join(dir, "data", "PG_VERSION")
	mine, err := os.ReadFile(version)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(version, []byte("9\n"), 0o600))
	_, err = db.StartEmbedded(t.Context(), dir, db.EmbeddedOptions{})
	require.ErrorContains(t, err, "was written by PostgreSQL 9")
	require.NotContains(t, err.Error(), "\n")
	require.NoError(t, os.WriteFile(version, mine, 0o600))
	quickIn(t, dir)
}

func TestAPortTakenMeanwhileIsReplaced(t *testing.T) {
	t.Parallel()
	first, second := folder(t), folder(t)
	e := quickIn(t, first)
	port, err := os.ReadFile(filepath.Join(first, "port"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(second, "port"), port, 0o600))
	other := quickIn(t, second)
	require.NotEqual(t, e.OwnerURL(), other.OwnerURL())
	require.Equal(t, "1", value(t, other.OwnerURL(), `SELECT '1'`))
}

func TestAStartCutShortLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan error, 1)
	go func() {
		for range time.Tick(time.Millisecond) { // until initdb is at work
			if _, err := os.Stat(filepath.Join(dir, "data.new", "base")); err == nil {
				cancel()
				begun <- nil
				return
			}
		}
	}()
	_, err := db.StartEmbedded(ctx, dir, db.EmbeddedOptions{})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, <-begun)
	for _, name := range []string{"data", "data.new", "initdb-password"} {
		require.NoFileExists(t, filepath.Join(dir, name))
		require.NoDirExists(t, filepath.Join(dir, name))
	}
	e := quickIn(t, dir)
	require.Equal(t, "1", value(t, e.ServeURL(), `SELECT '1'`))
}

func TestAFolderOutOfReachIsRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		dir := filepath.Join(folder(t), "locked")
		require.NoError(t, os.Mkdir(dir, 0))
		_, err := db.StartEmbedded(t.Context(), dir, db.EmbeddedOptions{})
		require.ErrorContains(t, err, "SHORTBREAKS_DATA")
		return
	}
	closed := t.TempDir()
	require.NoError(t, os.Chmod(closed, 0o700)) //nolint:gosec // closed to others
	_, err := db.StartEmbedded(t.Context(), filepath.Join(closed, "data"), db.EmbeddedOptions{})
	require.ErrorContains(t, err, "may not enter")
	require.ErrorContains(t, err, "SHORTBREAKS_DATA")
}

func TestAMissingPasswordFileIsNamed(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	require.NoError(t, quickIn(t, dir).Stop())
	require.NoError(t, os.Remove(filepath.Join(dir, "owner-password")))
	_, err := db.StartEmbedded(t.Context(), dir, db.EmbeddedOptions{})
	require.ErrorContains(t, err, "owner-password is missing")
}

func TestTheServersLogKeepsDetailsOut(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e, err := db.StartEmbedded(t.Context(), folder(t), db.EmbeddedOptions{Throwaway: true, MaxConnections: 20, Log: io.Writer(&log)})
	require.NoError(t, err)
	require.Equal(t, "20", value(t, e.OwnerURL(), "SHOW max_connections"))
	run(t, e.OwnerURL(), `CREATE TABLE contact_of (email text PRIMARY KEY)`)
	conn, err := pgx.Connect(t.Context(), e.OwnerURL())
	require.NoError(t, err)
	for range 2 {
		_, err = conn.Exec(t.Context(), `INSERT INTO contact_of VALUES ($1)`, "person@example.org")
	}
	require.ErrorContains(t, err, "duplicate key")
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, e.Stop())
	require.Contains(t, log.String(), "duplicate key")
	require.NotContains(t, log.String(), "person@example.org")
}

// Not parallel: these change the process's environment and folder.
func TestDataDirFollowsItsRule(t *testing.T) {
	open := folder(t)
	require.NoError(t, os.Chmod(open, 0o755)) //nolint:gosec // open to others
	t.Setenv("SHORTBREAKS_DATA", "")
	t.Chdir(open)
	dir, err := db.DataDir()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(open, ".shortbreaks"), dir)
	require.NoDirExists(t, dir, "it is only named")

	closed := filepath.Join(open, "closed", "deeper")
	require.NoError(t, os.MkdirAll(closed, 0o755)) //nolint:gosec // below a closed one
	t.Chdir(closed)
	mode := os.FileMode(0o700) // root passes the server's user by
	if os.Getuid() != 0 {
		mode = 0
		t.Cleanup(func() { _ = os.Chmod(filepath.Dir(closed), 0o700) }) //nolint:gosec // to be removed
	}
	require.NoError(t, os.Chmod(filepath.Dir(closed), mode))
	dir, err = db.DataDir()
	require.NoError(t, err)
	require.Equal(t, "/var/lib/shortbreaks", dir)

	t.Setenv("SHORTBREAKS_DATA", filepath.Join(open, "mine"))
	dir, err = db.DataDir()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(open, "mine"), dir)
}
