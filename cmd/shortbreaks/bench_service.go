package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"shortbreaks/api"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

// serviceSettings is what the bench gives the service it measures: a process
// of its own, as in earnest, so that its memory and its processor time are not
// those of the clients.
type serviceSettings struct {
	Database string `json:"database"`
	Folder   string `json:"folder"` // for its log
	Seed     string `json:"seed"`   // of the key of its tokens
}

// service is that process. A line to it is an order, a line from it says that
// the order was carried out; it ends with its input.
type service struct {
	base  string
	keys  *people.Keys
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// startService starts the service and waits until it listens.
func startService(ctx context.Context, database, folder string) (*service, error) {
	settings := serviceSettings{Database: database, Folder: folder, Seed: newSeed()}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &service{cmd: exec.CommandContext(ctx, self, "bench", "service")} //nolint:gosec // this program
	s.cmd.Stderr = os.Stderr
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.lines = bufio.NewScanner(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(settings)
	if err == nil {
		s.base, err = s.order(string(text))
	}
	if err == nil {
		s.keys, err = benchKeys(s.base, settings.Seed)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start the service to be measured: %w", err)
	}
	return s, nil
}

// order sends one line and waits for the answer.
func (s *service) order(line string) (string, error) {
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		return "", err
	}
	if !s.lines.Scan() {
		return "", errors.Join(errors.New("it ended without an answer"), s.lines.Err())
	}
	return s.lines.Text(), nil
}

// putClockForward has the service believe it is later.
func (s *service) putClockForward(by time.Duration) error {
	_, err := s.order("ahead " + strconv.FormatInt(int64(by), 10))
	return err
}

// stop ends it and waits for its end.
func (s *service) stop() {
	_ = s.in.Close()
	_ = s.cmd.Wait() // it has been told to end; how it did is of no use here
}

// mostMemory is the most it had in memory so far, in bytes; 0 where the system
// does not say.
func (s *service) mostMemory() int64 {
	kb, err := strconv.ParseInt(strings.TrimSuffix(firstOf(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid), "VmHWM:"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}

func newSeed() string {
	seed := make([]byte, 32)
	_, _ = rand.Read(seed) // never fails
	return base64.StdEncoding.EncodeToString(seed)
}

func benchKeys(base, seed string) (*people.Keys, error) {
	return people.NewKeys(people.KeySettings{Issuer: base, Audience: base, Seed: seed})
}

// benchService is the process itself. Its first line of input is
// serviceSettings, its first line of output the address.
func benchService(ctx context.Context, in io.Reader, out io.Writer) error {
	spareTheCollector()
	orders := bufio.NewScanner(in)
	if !orders.Scan() {
		return errors.New("bench service is started by bench")
	}
	var settings serviceSettings
	if err := json.Unmarshal(orders.Bytes(), &settings); err != nil {
		return fmt.Errorf("bench service is started by bench: %w", err)
	}
	var ahead atomic.Int64
	d, err := db.Open(ctx, db.Config{URL: settings.Database, Clock: func(now time.Time) time.Time { return now.Add(time.Duration(ahead.Load())) }})
	if err != nil {
		return err
	}
	defer d.Close()
	base, stop, err := serveLoopback(ctx, d, settings)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintln(out, base)
	for orders.Scan() {
		if err := carryOut(orders.Text(), &ahead); err != nil {
			return err
		}
		fmt.Fprintln(out, "done")
	}
	return orders.Err()
}

// serveLoopback serves the API on loopback until it is stopped, and logs each request
// as it does in earnest, to a file.
func serveLoopback(ctx context.Context, d *db.DB, settings serviceSettings) (base string, stop func(), err error) {
	log, err := os.Create(filepath.Join(settings.Folder, "requests.log")) //nolint:gosec // a folder of our own
	if err != nil {
		return "", nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, errors.Join(err, log.Close())
	}
	base = "http://" + listener.Addr().String()
	keys, err := benchKeys(base, settings.Seed)
	if err != nil {
		return "", nil, errors.Join(err, listener.Close(), log.Close())
	}
	app, err := api.New(api.Config{
		DB: d, Keys: keys, Searches: marketplace.NewSearchCounter(), Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now,
	})
	if err != nil {
		return "", nil, errors.Join(err, listener.Close(), log.Close())
	}
	server := api.HTTPServer(listener.Addr().String(), app.Handler())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // always ErrServerClosed: stop closes it
	}()
	return base, func() {
		_ = server.Close()
		<-done
		_ = log.Close()
	}, nil
}

// carryOut does what one line asks for.
func carryOut(line string, ahead *atomic.Int64) error {
	order, value, _ := strings.Cut(line, " ")
	switch order {
	case "ahead":
		by, err := strconv.ParseInt(value, 10, 64)
		ahead.Store(by)
		return err
	case "profile":
		f, err := os.Create(value) //nolint:gosec // where whoever runs the bench wants it
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f)
	case "profiled":
		pprof.StopCPUProfile()
		return nil
	}
	return fmt.Errorf("there is no order %q", order)
}
