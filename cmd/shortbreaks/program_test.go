package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/people"
)

// program is the service running as a process of its own.
type program struct {
	cmd   *exec.Cmd
	text  *watched
	ended chan struct{} // closed when it has; then err says how
	err   error
}

// watched collects what a program says and tells when it has said something.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	said chan struct{}
}

// Write collects.
func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if w.want != "" && strings.Contains(w.text.String(), w.want) {
		w.want = ""
		close(w.said)
	}
	return len(p), nil
}

// String is all that was said.
func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// startProgram runs one command of this program with these settings and no
// others, and waits until it serves. It is killed when the test ends.
func startProgram(t *testing.T, settings []string, args ...string) *program {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &program{text: &watched{want: "is running at", said: make(chan struct{})}, ended: make(chan struct{})}
	p.cmd = exec.Command(self, args...)
	p.cmd.Env = append([]string{runAsProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, settings...)
	p.cmd.Stdout, p.cmd.Stderr = p.text, p.text
	require.NoError(t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		text := p.text.String()
		require.NotContains(t, text, "DATA RACE")
		if t.Failed() {
			t.Logf("the program said, at the end:\n%s", text[max(0, len(text)-4000):])
		}
	})
	select {
	case <-p.text.said:
	case <-p.ended:
		require.Fail(t, "the program ended", "%v: %s", p.err, p.text)
	case <-time.After(dbtest.Patience):
		require.Fail(t, "the program does not serve", "%s", p.text)
	}
	return p
}

// kill ends it at once, without a warning.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// served is a database that keeps its commits, a world in it, and what a
// service on it is started and asked with.
type served struct {
	t        *testing.T
	dir      string // the database's
	server   *db.Embedded
	owner    *pgxpool.Pool
	d        *db.DB
	queue    *quoteQueue
	addr     string
	settings []string
	booker   *booker
}

// setUp makes all of it. dbtest's servers trade their commits for speed, and
// the program rightly refuses to serve on one: this is a server of the test's
// own, which outlives the program.
func setUp(t *testing.T, size demo.BulkSize, quotes, clients int) *served {
	t.Helper()
	dir, err := os.MkdirTemp("", "shortbreaks-kill-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711)) // as root, PostgreSQL runs as a user who must pass through
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	server, err := db.StartEmbedded(t.Context(), dir, db.EmbeddedOptions{})
	require.NoError(t, err)
	s := &served{t: t, dir: dir, server: server, addr: freeAddress(t)}
	t.Cleanup(func() { require.NoError(t, s.server.Stop()) })
	require.NoError(t, db.Migrate(t.Context(), server.OwnerURL()))
	s.owner, err = pgxpool.New(t.Context(), server.OwnerURL())
	require.NoError(t, err)
	t.Cleanup(s.owner.Close)
	s.d, err = db.Open(t.Context(), db.Config{URL: server.ServeURL(), MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(s.d.Close)
	world, err := demo.Bulk(t.Context(), s.owner, size)
	require.NoError(t, err)
	list, err := world.Quotes(t.Context(), s.owner, quotes, demo.Seed)
	require.NoError(t, err)
	s.queue = &quoteQueue{quotes: list}
	s.signIn(server.ServeURL(), clients)
	return s
}

// signIn gives the service its key, and everybody a token signed with it.
func (s *served) signIn(database string, clients int) {
	s.t.Helper()
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // crypto/rand.Read never fails
	base, key := "http://"+s.addr, base64.StdEncoding.EncodeToString(seed[:])
	keys, err := people.NewKeys(people.KeySettings{Issuer: base, Audience: base, Seed: key})
	require.NoError(s.t, err)
	s.booker, err = newBooker(base, keys, s.queue.people(), clients)
	require.NoError(s.t, err)
	s.t.Cleanup(s.booker.client.CloseIdleConnections)
	s.settings = []string{
		"DATABASE_URL=" + database, "SHORTBREAKS_ADDR=" + s.addr, "SHORTBREAKS_METRICS_ADDR=127.0.0.1:0", "SHORTBREAKS_PUBLIC_URL=" + base,
		"SHORTBREAKS_SIGNING_KEY=" + key, "SHORTBREAKS_LOG_LEVEL=warn",
	}
}

// start runs the service in production mode.
func (s *served) start() *program {
	s.t.Helper()
	return startProgram(s.t, s.settings, "serve")
}

// bookedKeys are the Idempotency-Keys of the bookings there are, each with the
// number of bookings it made.
func (s *served) bookedKeys() map[string]int {
	s.t.Helper()
	rows, err := s.owner.Query(s.t.Context(), `SELECT created_key, count(*) FROM booking GROUP BY 1`)
	require.NoError(s.t, err)
	defer rows.Close()
	booked := map[string]int{}
	for rows.Next() {
		var key string
		var n int
		require.NoError(s.t, rows.Scan(&key, &n))
		booked[key] = n
	}
	require.NoError(s.t, rows.Err())
	return booked
}

// freeAddress is one of loopback nobody listens on just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// refusing reports whether nobody listens on an address any more.
func refusing(ctx context.Context, addr string) bool {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err == nil {
		_ = conn.Close()
		return false
	}
	return isRefused(err)
}
