package db

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a program that ends when we do.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended; then err says how
	err  error
}

// spawn starts cmd as the account, in a process group of its own. If we are
// killed it gets SIGINT, which for PostgreSQL is a fast, clean shutdown.
func spawn(cmd *exec.Cmd, runAs account) (*child, error) {
	ownGroup(cmd)
	dieWithUs(cmd.SysProcAttr)
	if runAs.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(runAs.uid), Gid: uint32(runAs.gid)} //nolint:gosec // ids of the system
	}
	cmd.WaitDelay = 5 * time.Second
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The signal at our death follows the thread that forked, not the
		// process: this one stays until the child has ended.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, <-started
}

// signal sends to the program itself, which stops its own children.
func (c *child) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) }

// kill ends the program and all it started, at once.
func (c *child) kill() {
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	<-c.done
}

// waitFor reports whether the program ended within a time.
func (c *child) waitFor(most time.Duration) bool {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

// ownGroup keeps signals typed at the terminal away from cmd; cutting it
// short ends all it started.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Cancel != nil {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	}
}
