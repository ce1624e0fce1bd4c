package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"shortbreaks/internal/demo"
)

// The floor of a rush: pgbench takes one from one row, as everybody wants.
const (
	rushSQL = `CREATE TABLE floor.place (n int PRIMARY KEY, free bigint NOT NULL CHECK (free >= 0)) WITH (fillfactor = 10);
INSERT INTO floor.place VALUES (1, 1000000000)`

	rushScript = "UPDATE floor.place SET free = free - 1 WHERE n = 1 AND free > 0;\n"
)

// Of the clients of a rush, and of those who come when all is sold.
const (
	rushClients = 64
	lateClients = 256
)

// sellOutWithin bounds how long the rest of a rush may take, on the slowest
// machine; it is not measured.
const sellOutWithin = 5 * time.Minute

// rush measures everybody wanting one session: while it has places, and when
// it has none. Its places must be sold to the last, and not one more.
func (b *bencher) rush(ctx context.Context, booker *booker, quotes []demo.BulkQuote) error {
	if len(quotes) < 2 {
		return errors.New("a rush needs quotes")
	}
	if _, err := b.owner.Exec(ctx, rushSQL); err != nil {
		return err
	}
	floor, err := b.pgbench(ctx, "one row", rushScript, rushClients)
	if err != nil {
		return fmt.Errorf("measure the floor of a rush: %w", err)
	}
	b.add(floor)
	b.runs[len(b.runs)-1].Ratio = 1
	places, session := len(quotes)/2, quotes[0].SessionID
	if _, err := b.owner.Exec(ctx, `UPDATE session_places SET capacity = taken + $2 WHERE session_id = $1`, session, places); err != nil {
		return err
	}
	say("everybody on one session of %d places, %d clients", places, rushClients)
	queue := &quoteQueue{quotes: quotes[:places]}
	m := booker.run(ctx, queue, rushClients, 0, b.each).measurement("one session", rushClients)
	b.addTo(m, floor)
	rest := booker.run(ctx, queue, rushClients, 0, sellOutWithin) // what was left when the time was up
	for _, n := range rest.refused {
		m.refused += n
	}
	if m.refused == 0 && !queue.empty() {
		return fmt.Errorf("%d places were not sold in %s", places, sellOutWithin)
	}
	say("the same when it is sold out, %d clients", lateClients)
	late := booker.answers(ctx, quotes[places:], lateClients, b.each, "409 session-full")
	b.addTo(late, floor)
	var taken, capacity, items int
	err = b.owner.QueryRow(ctx, `SELECT taken, capacity, (SELECT count(*) FROM booking_item i WHERE i.session_id = p.session_id AND i.state IN ('requested', 'confirmed'))
		FROM session_places p WHERE session_id = $1`, session).Scan(&taken, &capacity, &items)
	if err != nil {
		return err
	}
	if taken != items || (m.refused == 0 && taken != capacity) {
		return fmt.Errorf("of %d places %d are taken, by %d who attend", capacity, taken, items)
	}
	return nil
}

// answers asks again and again for what cannot be had: each answer must be the
// refusal wanted.
func (b *booker) answers(ctx context.Context, quotes []demo.BulkQuote, clients int, each time.Duration, wanted string) measurement {
	all := loadRun{refused: map[string]int{}}
	from := time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for n := range clients {
		wg.Go(func() {
			mine := loadRun{refused: map[string]int{}}
			for i := n; time.Since(from) < each && ctx.Err() == nil; i += clients {
				q := quotes[i%len(quotes)]
				began := time.Now()
				a, err := b.book(ctx, q, q.ID.String())
				took := time.Since(began)
				mine.sent++
				switch {
				case err != nil:
					mine.refused["no whole answer"]++
				case a.reason() != wanted:
					mine.refused[a.reason()]++
				default:
					mine.times = append(mine.times, took)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.add(mine)
		})
	}
	wg.Wait()
	all.took = time.Since(from)
	slices.Sort(all.times)
	return all.measurement("sold out", clients)
}

// paced books at a steady rate from many clients, and counts the time of each
// booking from when it was due: one that had to wait for another is not
// forgiven the wait.
func (b *booker) paced(ctx context.Context, queue *quoteQueue, clients int, rate float64, each time.Duration) loadRun {
	all := loadRun{refused: map[string]int{}}
	from := time.Now()
	gap := time.Duration(float64(clients) / rate * float64(time.Second))
	var wg sync.WaitGroup
	var mu sync.Mutex
	for n := range clients {
		wg.Go(func() {
			mine := loadRun{refused: map[string]int{}}
			due := from.Add(gap * time.Duration(n) / time.Duration(clients))
			for ; due.Sub(from) < each && ctx.Err() == nil; due = due.Add(gap) {
				time.Sleep(time.Until(due)) // the pace is what is measured at
				q, ok := queue.take()
				if !ok {
					break
				}
				a, err := b.book(ctx, q, q.ID.String())
				mine.sent++
				switch {
				case err != nil:
					mine.refused["no whole answer"]++
				case a.status != http.StatusCreated:
					mine.refused[a.reason()]++
				default:
					mine.times = append(mine.times, time.Since(due))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.add(mine)
		})
	}
	wg.Wait()
	all.took = time.Since(from)
	slices.Sort(all.times)
	return all
}

func (r *loadRun) add(mine loadRun) {
	r.sent += mine.sent
	r.times = append(r.times, mine.times...)
	for why, n := range mine.refused {
		r.refused[why] += n
	}
}

// addTo keeps a measurement with its ratio to one of its own.
func (b *bencher) addTo(m, floor measurement) {
	b.add(m)
	last := &b.runs[len(b.runs)-1]
	last.Ratio = rounded(m.Rate/floor.Rate*100) / 100
	say("  %.4f of %s", last.Ratio, floor.Name)
}

// pgbench runs a script and reads the time of every transaction from its log.
func (b *bencher) pgbench(ctx context.Context, name, script string, clients int) (m measurement, err error) {
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return measurement{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "floor.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return measurement{}, err
	}
	if _, err := b.owner.Exec(ctx, `CHECKPOINT`); err != nil {
		return measurement{}, err
	}
	var times []time.Duration
	var took time.Duration
	// Connecting counts too, and may take all the time there is on a busy machine.
	for each := b.each; each <= 8*b.each; each *= 2 {
		say("%s: pgbench, %d clients, %s", name, clients, each)
		if err := b.runPgbench(ctx, dir, file, clients, each); err != nil {
			return measurement{}, err
		}
		if times, took, err = pgbenchTimes(dir); !errors.Is(err, errNothingLogged) {
			break
		}
	}
	if err != nil {
		return measurement{}, err
	}
	m = measured(name, clients, times, took)
	m.calls = len(times)
	return m, nil
}
