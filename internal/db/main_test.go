package db_test

import (
	"os"
	"testing"

	"shortbreaks/internal/db/dbtest"
)

// TestMain runs the tests, or, started by one of them, is a second process
// that has a PostgreSQL of its own.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		os.Exit(childMain(dir))
	}
	dbtest.Main(m)
}
