package db

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// WriteProgram writes a file that can be run at once. No process is started
// meanwhile: one would hold the file open for writing until its own program
// begins, and to run a file somebody writes to is refused ("text file busy").
func WriteProgram(t *testing.T, path string, text []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, text, 0o755)) //nolint:gosec // a program, which another user may run
}
