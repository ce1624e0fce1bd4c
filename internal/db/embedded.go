package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The logins of our own PostgreSQL, and its one database.
const (
	ownerLogin   = "shortbreaks_owner" // migrates; may create extensions
	serveLogin   = "shortbreaks_serve" // serves; owns and bypasses nothing
	databaseName = "shortbreaks"
)

const (
	startTimeout = 60 * time.Second // recovery after a crash included
	stopTimeout  = 30 * time.Second
	portTries    = 3
)

// EmbeddedOptions says how to run our own PostgreSQL. The zero value keeps
// every commit through a crash.
type EmbeddedOptions struct {
	// Throwaway trades durability for speed. For tests only; Ready refuses it.
	Throwaway bool
	// MaxConnections of the server; 100 if zero.
	MaxConnections int
	// Log receives the server's log; nil is postgres.log in the data folder.
	Log io.Writer
}

// Embedded is a PostgreSQL of our own that ends with this process, even if it
// is killed. It listens on loopback with a password and nowhere else.
type Embedded struct {
	dir    string // the data folder
	data   string // the cluster in it
	runAs  account
	bin    string
	opts   EmbeddedOptions
	port   int
	owner  string // passwords
	serve  string
	lock   *os.File
	log    io.Writer
	server *child
	stop   sync.Once
	err    error
}

// StartEmbedded starts PostgreSQL on a data folder, creating what is missing
// (and installing PostgreSQL if need be), and waits until it answers. One
// process may use a folder at a time. Stop it when done.
func StartEmbedded(ctx context.Context, dir string, opts EmbeddedOptions) (*Embedded, error) {
	runAs, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err = makeDataDir(dir, runAs)
	if err != nil {
		return nil, err
	}
	e := &Embedded{dir: dir, data: filepath.Join(dir, "data"), runAs: runAs, opts: opts}
	if err := e.takeLock(); err != nil {
		return nil, err
	}
	if err := e.start(ctx); err != nil {
		e.release()
		return nil, err
	}
	return e, nil
}

// makeDataDir creates the folder, and says so if PostgreSQL could not reach
// it there.
func makeDataDir(dir string, runAs account) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	mode := os.FileMode(0o700)
	if runAs.drop {
		mode = 0o711 // its user passes through to the cluster, and reads nothing
	}
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(dir, mode); err != nil {
			return "", fmt.Errorf("data folder: %w: set SHORTBREAKS_DATA to a folder of yours", err)
		}
		if err := os.Chmod(dir, mode); err != nil { // whatever the umask
			return "", fmt.Errorf("data folder: %w", err)
		}
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	if !runAs.reaches(dir) {
		return "", fmt.Errorf("PostgreSQL runs as the user %s, who may not enter %s: set SHORTBREAKS_DATA to a folder open to that user, such as %s",
			runAs.name, dir, systemDataDir)
	}
	return dir, nil
}

// takeLock makes this process the folder's only user until it ends.
func (e *Embedded) takeLock() error {
	f, err := os.OpenFile(filepath.Join(e.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("the data folder %s belongs to another user: set SHORTBREAKS_DATA to a folder of yours", e.dir)
	}
	if err != nil {
		return fmt.Errorf("lock data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		held, _ := io.ReadAll(io.LimitReader(f, 20))
		_ = f.Close()
		return fmt.Errorf("the data folder %s is in use by process %s: stop that one first, or set SHORTBREAKS_DATA to another folder",
			e.dir, strings.TrimSpace(string(held)))
	}
	_ = f.Truncate(0)
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("lock data folder: %w", err)
	}
	e.lock = f
	return nil
}

// release gives the folder back.
func (e *Embedded) release() {
	if c, ok := e.log.(io.Closer); ok && e.opts.Log == nil {
		_ = c.Close()
	}
	_ = e.lock.Close()
}

// start does everything between the lock and an answering server.
func (e *Embedded) start(ctx context.Context) error {
	major, err := dataMajor(e.data)
	if err != nil {
		return err
	}
	found, err := newFinder(e.dir).choose(ctx, e.data, major)
	if err != nil {
		return err
	}
	e.bin = found.bin
	if err := e.become(); err != nil {
		return err
	}
	if err := e.readSecrets(major != 0); err != nil {
		return err
	}
	if e.log, err = e.openLog(); err != nil {
		return err
	}
	if major == 0 {
		if err := e.initialise(ctx); err != nil {
			return err
		}
	}
	if err := e.outlast(ctx); err != nil {
		return err
	}
	if err := e.serveOnFreePort(ctx); err != nil {
		return err
	}
	if err := e.setUp(ctx); err != nil {
		return errors.Join(err, e.end())
	}
	return nil
}

// become settles the account: the owner of the cluster if there is one, since
// installing PostgreSQL may have brought a user postgres that was not there
// when the cluster was made.
func (e *Embedded) become() (err error) {
	if e.runAs, err = serverAccount(); err != nil || !e.runAs.drop {
		return err
	}
	info, err := os.Stat(e.data)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read data folder: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
		e.runAs.uid, e.runAs.gid = int(owner.Uid), int(owner.Gid)
	}
	return nil
}

// serveOnFreePort starts the server on the port kept from last time, or on
// another if that has been taken.
func (e *Embedded) serveOnFreePort(ctx context.Context) error {
	for try := 1; ; try++ {
		port, err := e.choosePort()
		if err != nil {
			return err
		}
		e.port = port
		if err = e.serveNow(ctx); err == nil {
			return nil
		}
		// Somebody may have taken the port since we looked.
		if try == portTries || ctx.Err() != nil || portFree(port) {
			return err
		}
	}
}

// serveNow runs the server and waits for its first answer.
func (e *Embedded) serveNow(ctx context.Context) (err error) {
	cmd := exec.Command(filepath.Join(e.bin, "postgres"), e.settings()...) //nolint:gosec // found by finder
	cmd.Dir, cmd.Env = e.dir, serverEnv()
	cmd.Stdout, cmd.Stderr = e.log, e.log
	if e.server, err = spawn(cmd, e.runAs); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := e.awaitAnswer(ctx); err != nil {
		return errors.Join(err, e.end())
	}
	return nil
}

// settings is the server's command line.
func (e *Embedded) settings() []string {
	connections := e.opts.MaxConnections
	if connections == 0 {
		connections = 100
	}
	set := []string{
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=",
		"port=" + strconv.Itoa(e.port),
		"max_connections=" + strconv.Itoa(connections),
		"timezone=UTC",
		"log_timezone=UTC",
		"log_error_verbosity=terse", // details of an error may be personal data
		"cluster_name=shortbreaks",
		"jit=off", // as in poolConfig, for whoever else connects
	}
	if e.opts.Throwaway {
		set = append(set, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "autovacuum=off")
	} else {
		set = append(set, "shared_buffers="+strconv.FormatInt(buffers(memory())>>10, 10)+"kB")
	}
	args := []string{"-D", e.data}
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

// serverEnv is little: what PostgreSQL reads from the environment is decided
// here, not by who starts us.
func serverEnv() []string {
	return []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
}

// OwnerURL is for migrating: a login that owns the schema.
func (e *Embedded) OwnerURL() string { return e.address(ownerLogin, e.owner, databaseName) }

// ServeURL is for serving: a login that owns nothing and bypasses nothing.
func (e *Embedded) ServeURL() string { return e.address(serveLogin, e.serve, databaseName) }

func (e *Embedded) address(login, password, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(login, password),
		Host: "127.0.0.1:" + strconv.Itoa(e.port), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Done is closed when the server has ended, for whatever reason.
func (e *Embedded) Done() <-chan struct{} { return e.server.done }

// Stop ends the server cleanly, breaking off transactions under way, and
// gives the data folder back. It may be called more than once.
func (e *Embedded) Stop() error {
	e.stop.Do(func() {
		e.err = e.end()
		e.release()
	})
	return e.err
}

// end asks the server to stop, then insists.
func (e *Embedded) end() error {
	e.server.signal(syscall.SIGINT)
	if e.server.waitFor(stopTimeout) {
		return nil
	}
	e.server.signal(syscall.SIGQUIT)
	if !e.server.waitFor(stopTimeout / 6) {
		e.server.kill()
	}
	return errors.New("PostgreSQL did not stop when asked and was stopped by force; it will recover at its next start")
}
