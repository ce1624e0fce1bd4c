package db

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// dataMajor is the major version that wrote a cluster, 0 if there is none.
func dataMajor(data string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION")) //nolint:gosec // our data folder
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read data folder: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("the data in %s was not written by a PostgreSQL that can be used here: set SHORTBREAKS_DATA to another folder", data)
	}
	return major, nil
}

// readSecrets reads both passwords, or makes them up before the first start.
func (e *Embedded) readSecrets(haveData bool) error {
	for _, s := range []struct {
		file string
		into *string
	}{{"owner-password", &e.owner}, {"serve-password", &e.serve}} {
		path := filepath.Join(e.dir, s.file)
		raw, err := os.ReadFile(path) //nolint:gosec // our data folder
		switch {
		case err == nil && len(raw) > 0:
			*s.into = strings.TrimSpace(string(raw))
			continue
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("read password: %w", err)
		case haveData:
			return fmt.Errorf("the password file %s is missing: put it back, or set SHORTBREAKS_DATA to another folder to start afresh", path)
		}
		var random [24]byte
		_, _ = rand.Read(random[:]) // crypto/rand.Read never fails
		*s.into = hex.EncodeToString(random[:])
		if err := writeWhole(path, *s.into); err != nil {
			return fmt.Errorf("write password: %w", err)
		}
	}
	return nil
}

// writeWhole replaces a small private file, all or nothing.
func writeWhole(path, text string) error {
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// openLog is where the server writes: the caller's writer or a file that is
// begun anew once it is large.
func (e *Embedded) openLog() (io.Writer, error) {
	if e.opts.Log != nil {
		return e.opts.Log, nil
	}
	path := filepath.Join(e.dir, "postgres.log")
	if info, err := os.Stat(path); err == nil && info.Size() > 10<<20 {
		_ = os.Rename(path, path+".old")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // our data folder
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	return f, nil
}

// initialise makes a cluster beside and moves it into place when it is
// complete: being cut short at any moment leaves no half of one.
func (e *Embedded) initialise(ctx context.Context) error {
	fresh, secret := e.data+".new", filepath.Join(e.dir, "initdb-password")
	clean := func() { _ = os.RemoveAll(fresh); _ = os.Remove(secret) }
	clean()
	defer clean()
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return fmt.Errorf("create cluster: %w", err)
	}
	if err := os.WriteFile(secret, []byte(e.owner+"\n"), 0o600); err != nil {
		return fmt.Errorf("create cluster: %w", err)
	}
	if e.runAs.drop {
		for _, path := range []string{fresh, secret} {
			if err := os.Chown(path, e.runAs.uid, e.runAs.gid); err != nil {
				return fmt.Errorf("create cluster: %w", err)
			}
		}
	}
	args := []string{
		"-D", fresh, "-U", ownerLogin, "--pwfile", secret, "-A", "scram-sha-256",
		"--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
	}
	if e.opts.Throwaway {
		args = append(args, "--no-sync")
	}
	cmd := exec.Command(filepath.Join(e.bin, "initdb"), args...) //nolint:gosec // found by finder
	cmd.Dir, cmd.Env = e.dir, serverEnv()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	c, err := spawn(cmd, e.runAs)
	if err != nil {
		return fmt.Errorf("create cluster: %w", err)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		c.kill()
		return ctx.Err()
	}
	if c.err != nil {
		return fmt.Errorf("create cluster: %w: %s", c.err, lastLine(out.String()))
	}
	if err := os.Rename(fresh, e.data); err != nil {
		return fmt.Errorf("create cluster: %w", err)
	}
	return nil
}

// outlast waits for a server of an earlier process to end, then removes the
// pid file if that one was killed before it could. PostgreSQL would remove it
// itself, unless the dead server's number has meanwhile gone to another
// process of the same user, as it does in containers.
func (e *Embedded) outlast(ctx context.Context) error {
	if !seesProcesses {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	for {
		busy := processesIn(e.data)
		if len(busy) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the data folder %s is in use by PostgreSQL process %d: stop that one first", e.dir, busy[0])
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := os.Remove(filepath.Join(e.data, "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("clear the pid file of an earlier server: %w", err)
	}
	return nil
}

// processesIn lists the processes that stand in a cluster, as every process
// of a PostgreSQL server does.
func processesIn(data string) []int {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	var pids []int
	for _, link := range links {
		at, err := os.Readlink(link) // not ours to read: not ours to wait for
		if err != nil || at != data {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(link, "/")[2]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// choosePort is the port kept from last time if it is free, else a new one.
func (e *Embedded) choosePort() (int, error) {
	path := filepath.Join(e.dir, "port")
	if raw, err := os.ReadFile(path); err == nil { //nolint:gosec // our data folder
		if port, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil && port > 0 && portFree(port) {
			return port, nil
		}
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	if err := writeWhole(path, strconv.Itoa(port)); err != nil {
		return 0, fmt.Errorf("keep the port: %w", err)
	}
	return port, nil
}

func portFree(port int) bool {
	l, err := net.Listen("tcp4", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// awaitAnswer waits until the server lets its owner in.
func (e *Embedded) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, e.address(ownerLogin, e.owner, "postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-e.server.done:
			return fmt.Errorf("PostgreSQL did not start (%w): its log is %s", e.server.err, filepath.Join(e.dir, "postgres.log"))
		case <-ctx.Done():
			return fmt.Errorf("wait for PostgreSQL: %w", errors.Join(ctx.Err(), err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// setUp makes the logins and the database if they are not there. Each step
// may be repeated, so a start that was cut short is completed by the next.
func (e *Embedded) setUp(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, e.address(ownerLogin, e.owner, "postgres"))
	if err != nil {
		return fmt.Errorf("set up database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := CreateServeLogin(ctx, conn, serveLogin, e.serve); err != nil {
		return err
	}
	var there bool
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, databaseName).Scan(&there)
	if err == nil && !there {
		_, err = conn.Exec(ctx, `CREATE DATABASE `+databaseName)
	}
	if err != nil {
		return fmt.Errorf("set up database: %w", err)
	}
	return nil
}

// CreateServeLogin makes a login for serving if it is not there: it owns and
// bypasses nothing and may only become Role. The names are the program's own.
func CreateServeLogin(ctx context.Context, conn *pgx.Conn, login, password string) error {
	name := pgx.Identifier{login}.Sanitize()
	for _, statement := range []string{
		createIfMissing(Role, "NOLOGIN NOSUPERUSER NOBYPASSRLS"),
		createIfMissing(login, "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"),
		fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", name, strings.ReplaceAll(password, "'", "''")),
		fmt.Sprintf("GRANT %s TO %s", Role, name),
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("create login %s: %w", login, err)
		}
	}
	return nil
}

// createIfMissing is SQL that creates a role; being overtaken by another
// database of the cluster doing the same is no error.
func createIfMissing(role, attributes string) string {
	return fmt.Sprintf(`DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s') THEN
			CREATE ROLE %s %s;
		END IF;
	EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
	END $$`, role, pgx.Identifier{role}.Sanitize(), attributes)
}
