package booking_test

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// post is a mail server that keeps what it is sent, or misbehaves.
type post struct {
	listener net.Listener
	mu       sync.Mutex
	manner   string // "": takes e-mail; refuses, hangs, cuts
	mails    []string
}

func newPost(t *testing.T) *post {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &post{listener: l}
	var open sync.WaitGroup
	done := make(chan struct{})
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { p.serve(c, done) })
		}
	})
	t.Cleanup(func() { close(done); _ = l.Close(); open.Wait() })
	return p
}

func (p *post) address() string { return p.listener.Addr().String() }

func (p *post) behave(manner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.manner = manner
}

func (p *post) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.mails...)
}

func (p *post) serve(c net.Conn, done chan struct{}) {
	defer func() { _ = c.Close() }()
	p.mu.Lock()
	manner := p.manner
	p.mu.Unlock()
	if manner == "hangs" {
		<-done
		return
	}
	say := func(line string) { _, _ = c.Write([]byte(line + "\r\n")) }
	say("220 post")
	lines := bufio.NewScanner(c)
	var whole strings.Builder
	data := false
	for lines.Scan() {
		line := lines.Text()
		whole.WriteString(line + "\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch {
		case data && line == ".":
			if manner == "cuts" {
				return
			}
			p.mu.Lock()
			p.mails = append(p.mails, whole.String())
			p.mu.Unlock()
			data = false
			say("250 kept")
		case data:
		case verb == "RCPT" && manner == "refuses":
			say("550 " + line + " is nobody here")
		case verb == "DATA":
			data = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 yes")
		}
	}
}
