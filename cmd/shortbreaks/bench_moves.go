package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/demo"
)

// movedPerSecond is how many bookings there are to be accepted for each second
// measured.
const movedPerSecond = 3_000

// movers is how many clients move bookings at once.
const movers = 64

// asked is a booking of one item that was asked for, and who may move it.
type asked struct {
	id, item            uuid.UUID
	family, coordinator uuid.UUID
}

// moves measures what comes after a booking, each on as many bookings as the
// time allows: a provider's yes to all; then one half is cancelled, and the
// other attended, when all sessions are over, and agreed to.
func (b *bencher) moves(ctx context.Context, booker *booker, world *demo.BulkWorld, quotes []demo.BulkQuote) error {
	coordinators := world.Coordinators()
	for _, person := range coordinators {
		if err := booker.signIn(b.service.keys, person, shortbreaks.Coordinator); err != nil {
			return err
		}
	}
	for _, q := range quotes {
		if booker.tokens[q.Person] == "" {
			if err := booker.signIn(b.service.keys, q.Person, shortbreaks.Family); err != nil {
				return err
			}
		}
	}
	say("asking for %d bookings", len(quotes))
	all, err := booker.askAll(ctx, quotes, coordinators)
	if err != nil {
		return err
	}
	if _, err := b.owner.Exec(ctx, `VACUUM (ANALYZE)`); err != nil {
		return err
	}
	if all, err = b.move(ctx, all, "accepted", func(a asked) (answered, error) {
		return booker.send(ctx, http.MethodPost, "/v1/bookings/"+a.id.String()+"/acceptance", a.coordinator, nil, "")
	}); err != nil {
		return err
	}
	half := all[:len(all)/2]
	if _, err = b.move(ctx, half, "cancelled", func(a asked) (answered, error) {
		return booker.send(ctx, http.MethodPost, "/v1/bookings/"+a.id.String()+"/cancellation", a.family, []byte(`{"reason":"ill"}`), "")
	}); err != nil {
		return err
	}
	ahead := time.Until(world.LastEnd()) + time.Hour
	b.ahead.Store(int64(ahead))
	if err := b.service.putClockForward(ahead); err != nil {
		return err
	}
	if half, err = b.move(ctx, all[len(all)/2:], "attended", func(a asked) (answered, error) {
		return booker.send(ctx, http.MethodPut, "/v1/booking-items/"+a.item.String()+"/attendance", a.coordinator, []byte(`{"outcome":"delivered"}`), "")
	}); err != nil {
		return err
	}
	_, err = b.move(ctx, half, "agreed", func(a asked) (answered, error) {
		return booker.send(ctx, http.MethodPost, "/v1/booking-items/"+a.item.String()+"/confirmation", a.family, nil, "")
	})
	return err
}

// askAll books every quote, uncounted.
func (b *booker) askAll(ctx context.Context, quotes []demo.BulkQuote, coordinators map[uuid.UUID]uuid.UUID) ([]asked, error) {
	made, errs := make([]asked, len(quotes)), make([]error, movers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for n := range movers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(quotes) && errs[n] == nil; i = int(next.Add(1)) - 1 {
				made[i], errs[n] = b.ask(ctx, quotes[i], coordinators)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (b *booker) ask(ctx context.Context, q demo.BulkQuote, coordinators map[uuid.UUID]uuid.UUID) (asked, error) {
	a, err := b.book(ctx, q, q.ID.String())
	if err != nil {
		return asked{}, err
	}
	var basket struct {
		Bookings []struct {
			ID         uuid.UUID `json:"id"`
			ProviderID uuid.UUID `json:"provider_id"`
			Items      []struct {
				ID uuid.UUID `json:"id"`
			} `json:"items"`
		} `json:"bookings"`
	}
	if err := json.Unmarshal(a.body, &basket); err != nil || a.status != http.StatusCreated || len(basket.Bookings) != 1 || len(basket.Bookings[0].Items) != 1 {
		return asked{}, fmt.Errorf("asking for a booking: %s", a.reason())
	}
	made := basket.Bookings[0]
	return asked{id: made.ID, item: made.Items[0].ID, family: q.Person, coordinator: coordinators[made.ProviderID]}, nil
}

// move measures one move of each booking, from many clients, until the time is
// up or the bookings are, and gives those that were moved.
func (b *bencher) move(ctx context.Context, all []asked, name string, do func(asked) (answered, error)) ([]asked, error) {
	if err := b.measureFloor(ctx); err != nil {
		return nil, err
	}
	say("%s, %d clients, %s", name, movers, b.each)
	before, run := b.cpuTime(ctx), loadRun{refused: map[string]int{}}
	from := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range movers {
		wg.Go(func() {
			mine := loadRun{refused: map[string]int{}}
			for time.Since(from) < b.each && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					break
				}
				mine.moved(func() (answered, error) { return do(all[i]) })
			}
			mu.Lock()
			defer mu.Unlock()
			run.add(mine)
		})
	}
	wg.Wait()
	run.took = time.Since(from)
	slices.Sort(run.times)
	m := run.measurement(name, movers)
	m.used = b.cpuTime(ctx).since(before).per(run.sent)
	b.add(m)
	return all[:min(int(next.Load()), len(all))], ctx.Err()
}

func (r *loadRun) moved(do func() (answered, error)) {
	began := time.Now()
	a, err := do()
	took := time.Since(began)
	r.sent++
	switch {
	case err != nil:
		r.refused["no whole answer"]++
	case a.status != http.StatusOK:
		r.refused[a.reason()]++
	default:
		r.times = append(r.times, took)
	}
}
