package db

import "syscall"

// seesProcesses: /proc tells which processes stand in a cluster.
const seesProcesses = true

// dieWithUs sends a child SIGINT when the thread that started it is gone.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
