package main

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
)

// PostgreSQL is killed (SIGKILL) again and again while many book, and starts
// again each time. The service stays; it says that it cannot, and what anybody
// was answered is there afterwards.
func TestPostgreSQLKilledUnderLoadLosesNothingThatWasAnswered(t *testing.T) {
	t.Parallel()
	kills := underTorture(5, 50)
	s := setUp(t, killedWorld, 500+100*kills, 2*clientsAtOnce)
	c := newCrowd(s)
	s.start()
	c.up.open()
	for range kills {
		c.await(10 + rand.IntN(50))
		s.killPostgreSQL()
	}
	c.await(clientsAtOnce)
	c.finish()
	require.Empty(t, c.wrong)
	c.allKept()
}

// killPostgreSQL ends the database without a warning and starts it again.
func (s *served) killPostgreSQL() {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	require.NoError(s.t, err)
	pid, err := strconv.Atoi(strings.SplitN(string(raw), "\n", 2)[0])
	require.NoError(s.t, err)
	require.NoError(s.t, syscall.Kill(pid, syscall.SIGKILL))
	<-s.server.Done()
	address := s.server.ServeURL()
	_ = s.server.Stop() // gives the folder back
	s.server, err = db.StartEmbedded(s.t.Context(), s.dir, db.EmbeddedOptions{})
	require.NoError(s.t, err)
	require.Equal(s.t, address, s.server.ServeURL(), "the service is to find it again")
}

// The answers to commits are cut off on their way: before them, within them,
// and just after them. What is committed and not acknowledged is there, once,
// and had by asking again.
func TestAnswersOfTheDatabaseThatAreCutOffLoseNothing(t *testing.T) {
	t.Parallel()
	cuts := underTorture(30, 300)
	s := setUp(t, killedWorld, 1000+60*cuts, 2*clientsAtOnce)
	p := newCutter(t, s.server.ServeURL())
	for i, setting := range s.settings {
		if strings.HasPrefix(setting, "DATABASE_URL=") {
			s.settings[i] = "DATABASE_URL=" + p.url
		}
	}
	c := newCrowd(s)
	s.start()
	p.armed.Store(true)
	c.up.open()
	for p.unacknowledged.Load() < int64(cuts) {
		c.await(1)
	}
	p.armed.Store(false)
	c.await(clientsAtOnce)
	c.finish()
	require.Empty(t, c.wrong)
	c.allKept()
	t.Logf("%d answers to commits cut off, %d of them before the service had them", p.cut.Load(), p.unacknowledged.Load())
}

// cutter stands between the service and PostgreSQL. It understands just enough
// of their protocol to know the answer to a commit.
type cutter struct {
	t     *testing.T
	to    string
	url   string
	armed atomic.Bool
	open  sync.WaitGroup
	cut   atomic.Int64
	// unacknowledged are commits that were made and whose answer never arrived.
	unacknowledged atomic.Int64
}

func newCutter(t *testing.T, database string) *cutter {
	t.Helper()
	u, err := url.Parse(database)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &cutter{t: t, to: u.Host}
	u.Host = l.Addr().String()
	q := u.Query()
	q.Set("sslmode", "disable") // or the first answer is one byte and no message
	u.RawQuery = q.Encode()
	p.url = u.String()
	p.open.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			p.open.Go(func() { p.pass(from) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		p.open.Wait()
	})
	return p
}

// pass is one connection.
func (p *cutter) pass(service net.Conn) {
	postgres, err := net.DialTimeout("tcp", p.to, dbtest.Patience)
	if err != nil {
		_ = service.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(postgres, service)
		_ = postgres.Close()
	})
	p.answers(service, postgres)
	_, _ = service.Close(), postgres.Close()
	both.Wait()
}

// answers passes messages on until one is cut.
func (p *cutter) answers(service, postgres net.Conn) {
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(postgres, head); err != nil {
			return
		}
		size := binary.BigEndian.Uint32(head[1:])
		if size < 4 || size > 1<<24 {
			return
		}
		body := make([]byte, size-4)
		if _, err := io.ReadFull(postgres, body); err != nil {
			return
		}
		message := append(append([]byte(nil), head...), body...)
		if head[0] == 'C' && string(body) == "COMMIT\x00" && p.armed.Load() && rand.IntN(8) == 0 {
			p.cut.Add(1)
			keep := []int{0, 1 + rand.IntN(len(message)-1), len(message)}[rand.IntN(3)]
			if keep < len(message) {
				p.unacknowledged.Add(1)
			}
			_, _ = service.Write(message[:keep])
			return
		}
		if _, err := service.Write(message); err != nil {
			return
		}
	}
}
