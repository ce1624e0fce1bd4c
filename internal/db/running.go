package db

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// RunningURL is the serving address of our own PostgreSQL if another process
// runs it on this data folder, else "". It lets a command look at the database
// of a service that is up.
func RunningURL(dir string) (string, error) {
	lock, err := os.Open(filepath.Join(dir, "lock")) //nolint:gosec // our data folder
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look at the data folder: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
		return "", nil // nobody holds it; closing gives it back
	}
	raw, err := os.ReadFile(filepath.Join(dir, "port")) //nolint:gosec // our data folder
	if err != nil {
		return "", fmt.Errorf("find the running database: %w", err)
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return "", fmt.Errorf("find the running database: %w", err)
	}
	e := &Embedded{dir: dir, port: port}
	if err := e.readSecrets(true); err != nil {
		return "", err
	}
	return e.ServeURL(), nil
}
