//go:build unix && !linux

package db

import "syscall"

// seesProcesses: there is no /proc; PostgreSQL judges its own pid file.
const seesProcesses = false

// dieWithUs cannot be had here: after a kill the server goes on until it is
// stopped by hand, and the next start says that it is in the way.
func dieWithUs(*syscall.SysProcAttr) {}
