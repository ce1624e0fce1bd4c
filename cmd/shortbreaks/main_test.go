package main

import (
	"os"
	"testing"

	"shortbreaks/internal/db/dbtest"
)

// runAsProgram makes this test binary the program itself, so that tests can
// start, kill and stop it without a second build, and the race detector
// watches it too. Its name is not one of our settings: those are refused.
const runAsProgram = "RUN_AS_SHORTBREAKS"

// TestMain is the program if a test started it, and runs the tests otherwise.
func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" {
		main()
		os.Exit(0)
	}
	_ = os.Setenv(runAsProgram, "yes") // so that a program the bench starts is one
	dbtest.Main(m)
}
