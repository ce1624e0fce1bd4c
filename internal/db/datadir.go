package db

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// systemDataDir is where data goes if the folder we stand in will not do.
const systemDataDir = "/var/lib/shortbreaks"

// DataDir is where our own PostgreSQL keeps its data: $SHORTBREAKS_DATA, else
// .shortbreaks in the working folder if the user PostgreSQL runs as can reach
// it, else /var/lib/shortbreaks. It creates nothing.
func DataDir() (string, error) {
	if dir := os.Getenv("SHORTBREAKS_DATA"); dir != "" {
		return filepath.Abs(dir)
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the data folder: %w", err)
	}
	runAs, err := serverAccount()
	if err != nil {
		return "", err
	}
	if runAs.reaches(here) && (runAs.drop || writable(here)) {
		return filepath.Join(here, ".shortbreaks"), nil
	}
	return systemDataDir, nil
}

// account is the user PostgreSQL runs as. It refuses to run as root.
type account struct {
	name     string
	uid, gid int
	drop     bool // we are root and become this user
}

// serverAccount is ourselves, or as root the user postgres, else nobody.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{name: strconv.Itoa(os.Geteuid()), uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errU := strconv.Atoi(u.Uid)
		gid, errG := strconv.Atoi(u.Gid)
		if errU == nil && errG == nil && uid != 0 {
			return account{name: name, uid: uid, gid: gid, drop: true}, nil
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody here: create one (adduser --system postgres) or set DATABASE_URL")
}

// reaches reports whether the account may enter dir and all folders above it.
func (a account) reaches(dir string) bool {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for {
		info, err := os.Stat(dir)
		if err == nil && !a.enters(info) {
			return false
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false
		}
		up := filepath.Dir(dir)
		if up == dir {
			return true
		}
		dir = up
	}
}

// enters reads the permission bits as the kernel would for this account.
func (a account) enters(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case !ok:
		return false
	case int(owner.Uid) == a.uid:
		return mode&0o100 != 0
	case int(owner.Gid) == a.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// writable reports whether we may create files in dir.
func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".shortbreaks-*")
	if err != nil {
		return false
	}
	_ = f.Close()
	return os.Remove(f.Name()) == nil
}
