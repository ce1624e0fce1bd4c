package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db/dbtest"
)

// walkthrough is the document that is run, from the project's folder.
const walkthrough = "docs/first-booking.md"

// docAddress and docProgram are what the document calls the service and its
// program.
const (
	docAddress = "http://127.0.0.1:8080"
	docProgram = "./bin/shortbreaks"
)

// The walk-through is run as a reader would: the program with a PostgreSQL of
// its own and its demo, every ```sh block in one bash, every answer held
// against the ```text block that shows it.
func TestTheWalkthroughIsTrue(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		_, err := exec.LookPath(tool)
		require.NoError(t, err, "the walk-through needs %[1]s: apt-get install %[1]s", tool)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", walkthrough))
	require.NoError(t, err)
	p, err := readPage(walkthrough, string(text))
	require.NoError(t, err)

	dir, err := os.MkdirTemp("", "shortbreaks-walk-*")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711)) // as root, PostgreSQL runs as a user who must pass through
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	addr := freeAddress(t)
	data := "SHORTBREAKS_DATA=" + dir
	service := startProgram(t, []string{data, "SHORTBREAKS_ADDR=" + addr, "SHORTBREAKS_METRICS_ADDR=127.0.0.1:0", "SHORTBREAKS_LOG_LEVEL=warn"}, "demo")
	t.Cleanup(func() { // its PostgreSQL ends with it, before the folder goes
		require.NoError(t, service.cmd.Process.Signal(syscall.SIGTERM))
		<-service.ended
		require.NoError(t, service.err)
	})
	self, err := os.Executable()
	require.NoError(t, err)
	p.replace(docAddress, "http://"+addr)
	p.replace(docProgram, "'"+self+"'")
	require.Empty(t, p.faults(t, data, runAsProgram+"=1"))
}

// page is a document that can be run: a script with the document's own line
// numbers, and what each block is shown to print.
type page struct {
	name   string
	script []string
	blocks []block
}

// block is one ```sh block and the ```text block after it.
type block struct {
	end     int      // the line of the fence that closes it, from 1
	shownAt int      // the first line shown; 0 if nothing is
	shown   []string // each may hold ... for anything; a line of nothing else stands for any lines
}

// readPage takes the blocks out of a document.
func readPage(name, text string) (*page, error) {
	p := &page{name: name}
	fence, after := "", -1 // the last line of the block before, if only empty lines followed
	for i, line := range strings.Split(text, "\n") {
		command := ""
		switch {
		case fence == "" && (line == "```sh" || line == "```text"):
			fence = line
			if line == "```text" {
				if after < 0 {
					return nil, fmt.Errorf("%s:%d: this shows what no block printed", name, i+1)
				}
				p.blocks[len(p.blocks)-1].shownAt = i + 2
			}
			after = -1
		case fence == "" && strings.HasPrefix(line, "```"):
			return nil, fmt.Errorf("%s:%d: a block is sh or text, or it is not run", name, i+1)
		case fence == "```sh" && line == "```":
			command = fmt.Sprintf(`printf '\001%d\n'`, i+1)
			p.blocks, fence, after = append(p.blocks, block{end: i + 1}), "", i
		case fence == "```text" && line == "```":
			fence = ""
		case fence == "```sh":
			command = line
		case fence == "```text":
			last := &p.blocks[len(p.blocks)-1]
			last.shown = append(last.shown, line)
		case line != "":
			after = -1
		}
		p.script = append(p.script, command)
	}
	if fence != "" || p.script[0] != "" || len(p.blocks) == 0 {
		return nil, fmt.Errorf("%s: the last block is not closed, or there is none, or it has no title", name)
	}
	p.script[0] = `set -eu; trap 'echo "line $LINENO failed" >&2' ERR`
	return p, nil
}

// replace puts something else where the document says one thing.
func (p *page) replace(said, meant string) {
	for i := range p.script {
		p.script[i] = strings.ReplaceAll(p.script[i], said, meant)
	}
}

// faults runs the page in one bash and says what is not as shown, by the
// document's line.
func (p *page) faults(t *testing.T, settings ...string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), filepath.Base(p.name))
	require.NoError(t, os.WriteFile(file, []byte(strings.Join(p.script, "\n")), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), dbtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", file)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, settings...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	cmd.WaitDelay = dbtest.Patience / 10
	err := cmd.Run()

	var faults []string
	rest := out.String()
	for _, b := range p.blocks {
		printed, more, whole := strings.Cut(rest, fmt.Sprintf("\001%d\n", b.end))
		if !whole {
			break
		}
		rest = more
		if fault := b.differs(printed); fault != "" {
			faults = append(faults, p.name+":"+fault)
		}
	}
	if err != nil {
		faults = append(faults, fmt.Sprintf("%s: %v: %s after printing %q", p.name, errors.Join(err, ctx.Err()), complaints.String(), rest))
	}
	return faults
}

// differs says which shown line is not what was printed.
func (b block) differs(printed string) string {
	got := strings.Split(strings.TrimSuffix(printed, "\n"), "\n")
	if printed == "" {
		got = nil
	}
	n := matched(b.shown, got)
	switch {
	case n < 0:
		return ""
	case b.shownAt == 0:
		return fmt.Sprintf("%d: this block prints what is not shown: %s", b.end, printed)
	case n == len(b.shown):
		return fmt.Sprintf("%d: more is printed than is shown: %s", b.shownAt+n, printed)
	}
	return fmt.Sprintf("%d: shown is %q, and printed was\n%s", b.shownAt+n, b.shown[n], printed)
}

// matched is -1 if what was printed is as shown; else how many of the shown
// lines fit before one did not.
func matched(shown, got []string) int {
	if len(shown) == 0 {
		if len(got) == 0 {
			return -1
		}
		return 0
	}
	if shown[0] == "..." {
		best := 0
		for skip := range len(got) + 1 {
			n := matched(shown[1:], got[skip:])
			if n < 0 {
				return -1
			}
			best = max(best, n+1)
		}
		return best
	}
	if len(got) == 0 || !lineFits(shown[0], got[0]) {
		return 0
	}
	n := matched(shown[1:], got[1:])
	if n < 0 {
		return -1
	}
	return n + 1
}

// lineFits compares a line, trailing spaces apart.
func lineFits(shown, got string) bool {
	parts := strings.Split(strings.TrimRight(shown, " "), "...")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, ".*") + "$").MatchString(strings.TrimRight(got, " "))
}

// A document that lies is caught, and the line that lies is named.
func TestTheWalkthroughCatches(t *testing.T) {
	t.Parallel()
	fenced := func(lines ...string) string {
		text := "# Title\n\n" + strings.Join(lines, "\n") + "\n"
		text = strings.ReplaceAll(text, "SH", "```sh")
		return strings.ReplaceAll(strings.ReplaceAll(text, "TEXT", "```text"), "END", "```")
	}
	for _, c := range []struct {
		name  string
		doc   string
		fault string // "" is none
	}{
		{"an answer as shown", fenced("SH", "echo one; echo two", "END", "TEXT", "one", "two", "END"), ""},
		{"what varies", fenced("SH", "echo id 7 is here; seq 5", "END", "", "TEXT", "id ... is here", "...", "5", "END"), ""},
		{"one session throughout", fenced("SH", "f() { echo $A; }; A=1", "END", "text", "SH", "f", "END", "TEXT", "1", "END"), ""},
		{"another answer", fenced("SH", "echo one; echo three", "END", "TEXT", "one", "two", "END"), `page.md:8: shown is "two"`},
		{"less than is shown", fenced("SH", "echo one", "END", "TEXT", "one", "two", "END"), `page.md:8: shown is "two"`},
		{"more than is shown", fenced("SH", "echo one; echo two", "END", "TEXT", "one", "END"), "page.md:8: more is printed"},
		{"what is not shown at all", fenced("SH", "echo one", "END"), "page.md:5: this block prints what is not shown: one"},
		{"a line that fails", fenced("SH", "true", "false", "echo one", "END"), "line 5 failed"},
		{"a name that was never set", fenced("SH", "echo $NOBODY", "END"), "page.md: line 4: NOBODY: unbound variable"},
		{"a command that is not there", fenced("SH", "true | nosuchcommand", "END"), "page.md: line 4: nosuchcommand: command not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := readPage("page.md", c.doc)
			require.NoError(t, err)
			faults := strings.Join(p.faults(t), "\n")
			if c.fault == "" {
				require.Empty(t, faults)
			}
			require.Contains(t, faults, c.fault)
		})
	}
	for _, c := range []struct{ doc, fault string }{
		{fenced("TEXT", "one", "END"), "page.md:3: this shows what no block printed"},
		{fenced("SH", "true", "END", "words between", "TEXT", "one", "END"), "page.md:7: this shows what no block printed"},
		{fenced("```json", "{}", "END"), "page.md:3: a block is sh or text"},
		{fenced("SH", "true"), "not closed"},
	} {
		_, err := readPage("page.md", c.doc)
		require.ErrorContains(t, err, c.fault)
	}
}
