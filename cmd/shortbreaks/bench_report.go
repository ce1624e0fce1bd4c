package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// cpuTime is processor time: of the service, of the clients, which are this
// program, and of PostgreSQL.
type cpuTime struct {
	service, clients, database time.Duration
	processes                  map[int]time.Duration // of PostgreSQL, each
}

// tick is the unit of /proc's times; the kernel shows it as 1/100 s on every
// machine Go runs on.
const tick = 10 * time.Millisecond

// cpuTime is all that was used so far. Where there is no /proc it is less, and the
// report leaves PostgreSQL's part out.
func (b *bencher) cpuTime(ctx context.Context) cpuTime {
	u := cpuTime{processes: map[int]time.Duration{}}
	var self syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &self) == nil {
		u.clients = time.Duration(self.Utime.Nano() + self.Stime.Nano())
	}
	if b.service != nil {
		u.service = processTime(b.service.cmd.Process.Pid)
	}
	rows, err := b.owner.Query(ctx, `SELECT pid FROM pg_stat_activity`)
	if err != nil {
		return u
	}
	defer rows.Close()
	for rows.Next() {
		var pid int
		if rows.Scan(&pid) == nil {
			u.processes[pid] = processTime(pid)
		}
	}
	return u
}

// processTime is the 14th and 15th word of a process's stat, counted from the
// end of its name, which may hold anything.
func processTime(pid int) time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	words := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(words) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(words[11], 10, 64)
	system, _ := strconv.ParseInt(words[12], 10, 64)
	return time.Duration(user+system) * tick
}

// since is what was used after an earlier look.
func (u cpuTime) since(before cpuTime) cpuTime {
	used := cpuTime{service: u.service - before.service, clients: u.clients - before.clients}
	for pid, t := range u.processes {
		used.database += t - before.processes[pid]
	}
	return used
}

// per is what one request of n used.
func (u cpuTime) per(n int) cpuTime {
	if n == 0 {
		return cpuTime{}
	}
	return cpuTime{service: u.service / time.Duration(n), clients: u.clients / time.Duration(n), database: u.database / time.Duration(n)}
}

// report prints the results and, if asked, writes them down.
func (b *bencher) report(ctx context.Context, out io.Writer, faults int) error {
	text := b.results(faults)
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	return b.write(bookingTitle, "\n"+b.machine(ctx)+"\n"+text+"\n"+howToRead)
}

// results is the table and what follows from it.
func (b *bencher) results(faults int) string {
	return b.table() + "\n" + b.bound() + b.resident() + books(faults) + "\n"
}

// table is a line for each measurement.
func (b *bencher) table() string {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 1, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, "| "+strings.Join(cells, "\t| ")+"\t|") }
	row("what", "clients", "per second", "p50 ms", "p99 ms", "of the floor", "refused", "CPU ms: service", "clients", "PostgreSQL")
	row("---", "---", "---", "---", "---", "---", "---", "---", "---", "---")
	for _, m := range b.runs {
		shown := func(used time.Duration) string {
			if used == 0 {
				return "-"
			}
			return fmt.Sprint(millis(used))
		}
		row(m.Name, strconv.Itoa(m.Clients), fmt.Sprintf("%.0f", m.Rate), fmt.Sprintf("%.2f", m.P50), fmt.Sprintf("%.2f", m.P99),
			fmt.Sprintf("%.4f", m.Ratio), strconv.Itoa(m.refused), shown(m.used.service), shown(m.used.clients), shown(m.used.database))
	}
	_ = w.Flush() // into memory
	return text.String()
}

// books says what the audit found.
func books(faults int) string {
	if faults > 0 {
		return fmt.Sprintf("AFTERWARDS %d ROWS BROKE AN INVARIANT OF THE BOOKS: these figures are worth nothing.", faults)
	}
	return "Afterwards `shortbreaks audit` found the books of this database right."
}

func (b *bencher) resident() string {
	if b.memory == 0 {
		return ""
	}
	return fmt.Sprintf("While bookings were created the service, a process of its own, had at most %d MB in memory.\n", b.memory>>20)
}

// bound says how near the processors were to their limit where most was booked.
func (b *bencher) bound() string {
	var best measurement
	for _, m := range b.runs {
		if m.Name == "createBooking" && m.Rate > best.Rate {
			best = m
		}
	}
	each := best.used.service + best.used.clients + best.used.database
	if best.used.database == 0 || best.Rate == 0 {
		return ""
	}
	most := float64(runtime.NumCPU()) * float64(time.Second) / float64(each)
	return fmt.Sprintf("At %d clients a booking took %.2f ms of processor time, so %d cores could make %.0f a second if nothing else ran on them; %.0f were made. ",
		best.Clients, millis(each), runtime.NumCPU(), most, best.Rate)
}

// machine says what it was measured on.
func (b *bencher) machine(ctx context.Context) string {
	var started time.Time
	_ = b.owner.QueryRow(ctx, `SELECT now()`).Scan(&started) // zero is shown as it is
	memory := "unknown memory"
	if kb := firstOf("/proc/meminfo", "MemTotal:"); kb != "" {
		if n, err := strconv.ParseInt(strings.TrimSuffix(kb, " kB"), 10, 64); err == nil {
			memory = fmt.Sprintf("%d GB of memory", (n+1<<19)>>20)
		}
	}
	processor := firstOf("/proc/cpuinfo", "model name")
	if processor == "" {
		processor = runtime.GOARCH
	}
	return fmt.Sprintf(`Measured by `+"`make bench`"+` on %s, %s: %d cores (%s), %s, %s, PostgreSQL %s as
`+"`shortbreaks`"+` starts it, all on one machine: clients, service and database share the cores. %s
%s
`, started.Format("2 January 2006"), runtime.GOOS, runtime.NumCPU(), processor, memory, runtime.Version(), b.server, b.loaded(), b.others)
}

// loaded says what was in the database.
func (b *bencher) loaded() string {
	if b.holds != "" {
		return b.holds
	}
	return fmt.Sprintf(`%d budgets, %d sessions,
%d providers, %s for each line; every booking is of another quote, and of a random child and session.`, b.world.Budgets, b.world.Sessions, b.world.Providers, b.each)
}

// otherWork says how busy the machine is before the bench begins.
func otherWork() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	load, _, _ := strings.Cut(string(text), " ")
	return "When it began, " + load + " other programs on average wanted a core: what is above 0 takes from every figure but the ratios."
}

// firstOf is the value of the first line of a file of /proc that begins with a
// name; "" if there is none.
func firstOf(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name); ok {
			return strings.Trim(value, " \t:")
		}
	}
	return ""
}

// howToRead explains the table to who has not read the code.
const howToRead = `## How to read it

**floor** is the least PostgreSQL could do for a booking: pgbench calls one PL/pgSQL function a transaction, which
guards one of the budgets and writes a hold and its two entries, into tables of its own without row-level security,
places, plans or repeatable answers. It is no design, only a line to measure against, in the same run on the same disk: each line is
compared with the floor above it, since machines change their pace within minutes.

**createBooking** is the whole thing over HTTP on loopback: a token checked, the caller's rights read, the request held
against the contract, the quote read, place, plan line and account locked, decided and written, with charges, events,
hold and the answer kept for its Idempotency-Key, and committed to the disk. Quotes are prepared beforehand.

**at half the rate** is createBooking at a steady half of the best rate before it, timed from when each was due. **one row** is
pgbench taking one from a single row, which is what a rush on one session comes down to; **one session** is createBooking when
everybody wants the same session, and **sold out** the answers per second once it has no place left; both are compared with
*one row*. Every place was sold and none twice, or there would be no results.

**accepted** is a provider's yes to a request, **cancelled** a family's cancellation in time, **attended** a register of one child and
**agreed** the family's yes to it, which pays; each over HTTP, each of another booking. They are bookings whose provider is asked first; all are
accepted, then half of them cancelled and half attended, with the clock of the database put forward past the last session, and agreed to.

**refused** counts every answer but 201, and answers that did not arrive; it must be 0 (of *sold out*: every answer but that it is full). **p50** and **p99** are the
times half, and 99 in 100, of the answers took at most, seen from the client. **CPU ms** is processor time for each
request, of the service, of the clients (this program) and of PostgreSQL, each processes of their own; a dash is not measured.
Everybody has read their news before they book, so the signature of their token has been checked once.

## What bounds it

The processors. With many clients about half of a booking's time is this program's (the largest parts: reading and writing
HTTP on both sides, decoding the quote, holding the request against the contract) and half PostgreSQL's, and of that more
than half is three inserts with their indexes and foreign keys: booking, item and hold. With one client it is three round
trips, one after the other, and one flush of the log to the disk.
`
