package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The floor: what reserving money costs PostgreSQL when nothing else is asked
// of it. One call guards one budget and writes a hold and its two entries. No
// place, no plan, no repeatable answer, no rows of a tenant apart.
const (
	floorSQL = `
CREATE SCHEMA floor;
CREATE TABLE floor.budget (
    n      int PRIMARY KEY,
    free   bigint NOT NULL CHECK (free >= 0),
    held   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE floor.hold (
    n         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    budget    int NOT NULL,
    provider  int NOT NULL,
    pence     bigint NOT NULL,
    pending   boolean NOT NULL DEFAULT true,
    at        timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE floor.entry (
    n        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hold     bigint NOT NULL,
    account  int NOT NULL,
    pence    bigint NOT NULL
);
CREATE FUNCTION floor.reserve(wanted int, whom int, cost bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE made bigint;
BEGIN
    UPDATE floor.budget SET free = free - cost, held = held + cost WHERE n = wanted AND free >= cost;
    IF NOT FOUND THEN
        RAISE 'budget % has too little', wanted;
    END IF;
    INSERT INTO floor.hold (budget, provider, pence) VALUES (wanted, whom, cost) RETURNING n INTO made;
    INSERT INTO floor.entry (hold, account, pence) VALUES (made, wanted, -cost), (made, -whom, cost);
    RETURN made;
END $$;`

	floorBudgetsSQL = `INSERT INTO floor.budget (n, free) SELECT n, 1000000000000 FROM generate_series(1, $1::int) n`

	floorScript = `\set wanted random(1, %d)
\set whom random(1, %d)
\set cost random(100, 9000)
SELECT floor.reserve(:wanted, :whom, :cost);
`
)

// floorLine is the name of a floor among the lines.
const floorLine = "floor"

var errNoPgbench = errors.New("pgbench, which measures the floor, is not here")

// errNothingLogged says that pgbench had no time left once its clients were connected.
var errNothingLogged = errors.New("pgbench logged no transaction: take more --seconds")

// findPgbench looks beside the server's own programs, then on the PATH, where
// Debian puts a script that may have no program to call.
func (b *bencher) findPgbench(ctx context.Context) error {
	var folder string
	err := b.owner.QueryRow(ctx, `SELECT setting, current_setting('server_version') FROM pg_config WHERE name = 'BINDIR'`).Scan(&folder, &b.server)
	if err != nil {
		return err
	}
	for _, name := range []string{filepath.Join(folder, "pgbench"), "pgbench"} {
		if b.pgb, err = exec.LookPath(name); err == nil && exec.CommandContext(ctx, b.pgb, "--version").Run() == nil { //nolint:gosec // found just now
			return nil
		}
	}
	return fmt.Errorf("%w: type 'apt-get install -y postgresql' as root, or put the pgbench of PostgreSQL %s on your PATH", errNoPgbench, b.server)
}

func (b *bencher) makeFloor(ctx context.Context) error {
	if _, err := b.owner.Exec(ctx, floorSQL); err != nil {
		return fmt.Errorf("make the floor: %w", err)
	}
	_, err := b.owner.Exec(ctx, floorBudgetsSQL, b.world.Budgets)
	return err
}

// measureFloor is what all that is measured until the next floor is compared
// with. Machines change their pace within minutes, so there are many.
func (b *bencher) measureFloor(ctx context.Context) error {
	var before int
	if err := b.owner.QueryRow(ctx, `SELECT count(*) FROM floor.hold`).Scan(&before); err != nil {
		return fmt.Errorf("measure the floor: %w", err)
	}
	m, err := b.pgbench(ctx, floorLine, fmt.Sprintf(floorScript, b.world.Budgets, b.world.Providers), b.floor)
	if err == nil {
		err = b.checkFloor(ctx, before+m.calls)
	}
	if err != nil {
		return fmt.Errorf("measure the floor: %w", err)
	}
	b.pace = m.Rate
	b.add(m)
	return nil
}

// runPgbench leaves a log of every transaction in a folder.
func (b *bencher) runPgbench(ctx context.Context, dir, script string, clients int, each time.Duration) error {
	to := b.owner.Config().ConnConfig
	cmd := exec.CommandContext(ctx, b.pgb, "--no-vacuum", "--protocol=prepared", "--client="+strconv.Itoa(clients),
		"--jobs="+strconv.Itoa(min(runtime.NumCPU(), clients)), "--time="+strconv.Itoa(int(each/time.Second)),
		"--log", "--log-prefix=floor", "--file="+script,
		"--host="+to.Host, "--port="+strconv.Itoa(int(to.Port)), "--username="+to.User, to.Database)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PGPASSWORD="+to.Password)
	if text, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("pgbench: %w: %s", err, strings.TrimSpace(string(text))))
	}
	return nil
}

// checkFloor sees that the floor did what it is measured for.
func (b *bencher) checkFloor(ctx context.Context, calls int) error {
	var holds, entries int
	var right bool
	err := b.owner.QueryRow(ctx, `SELECT (SELECT count(*) FROM floor.hold), (SELECT count(*) FROM floor.entry),
		(SELECT sum(held) FROM floor.budget) = (SELECT sum(pence) FROM floor.hold) AND (SELECT sum(pence) FROM floor.entry) = 0`).Scan(&holds, &entries, &right)
	if err != nil {
		return err
	}
	if holds != calls || entries != 2*calls || !right {
		return fmt.Errorf("%d calls made %d holds and %d entries, sums right: %t", calls, holds, entries, right)
	}
	return nil
}

// pgbenchTimes reads the logs of pgbench, one for each of its threads. A line
// says how long a transaction took, as its third word, in microseconds, and
// when it ended, as its fifth and sixth, in seconds and microseconds. The times
// come sorted, with the time from the first beginning to the last end: pgbench
// counts the seconds it takes to connect as well.
func pgbenchTimes(dir string) (times []time.Duration, took time.Duration, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "floor.[0-9]*"))
	if err != nil {
		return nil, 0, err
	}
	var first, last time.Time
	for _, name := range files {
		text, err := os.ReadFile(name) //nolint:gosec // a folder of our own
		if err != nil {
			return nil, 0, err
		}
		for line := range strings.Lines(string(text)) {
			var client, n, us, script, sec, frac int64
			if _, err := fmt.Sscan(line, &client, &n, &us, &script, &sec, &frac); err != nil {
				return nil, 0, fmt.Errorf("read the log of pgbench: %w", err)
			}
			one, end := time.Duration(us)*time.Microsecond, time.Unix(sec, frac*1000)
			if begin := end.Add(-one); first.IsZero() || begin.Before(first) {
				first = begin
			}
			if end.After(last) {
				last = end
			}
			times = append(times, one)
		}
	}
	if len(times) == 0 {
		return nil, 0, errNothingLogged
	}
	slices.Sort(times)
	return times, last.Sub(first), nil
}
