package booking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// RunRounds gives out the places of every round that has closed (R122, T98) and
// returns how many rounds it ended. Each is one transaction, which frees the
// places of the round, sends one batch of orders through Reserve in the order
// of the rule and the lot, puts the rest into the waiting lines in that order,
// and writes down what anybody needs to draw again. So a crash leaves a round
// as it was; the next run gives the same result, and a second does nothing.
func RunRounds(ctx context.Context, d *db.DB) (ended int, err error) {
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	var due []*marketplace.Round
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		due, err = marketplace.DueRounds(ctx, tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, r := range due {
		scope.Providers = []uuid.UUID{r.ProviderID}
		done, err := runRound(ctx, d, scope, r)
		if err != nil {
			return ended, fmt.Errorf("run round %s: %w", r.ID, err)
		}
		if done {
			ended++
		}
	}
	return ended, nil
}

// errDrawAgain ends an attempt in which something could not be booked that the
// draw had granted: what that was is known now, and all of it is done again.
var errDrawAgain = errors.New("a wish cannot be granted")

// runRound draws until everything the draw grants can be booked. Each attempt
// but the last is rolled back and makes at least one wish impossible, so it
// ends; what a wish was refused for does not depend on later ones in the order.
func runRound(ctx context.Context, d *db.DB, scope db.Scope, r *marketplace.Round) (done bool, err error) {
	refused := map[wishOf]string{}
	for {
		asks, err := whoAsks(ctx, d, scope, r)
		if err != nil {
			return false, err
		}
		err = d.Do(ctx, scope, func(tx *db.Tx) (err error) {
			done, err = (&roundRun{round: r, asks: asks, refused: refused}).do(ctx, tx)
			return err
		})
		if !errors.Is(err, errDrawAgain) {
			return done, err
		}
	}
}

// wishOf is one wish of a child, from 1.
type wishOf struct {
	child uuid.UUID
	n     int
}

// whoAsks is who entered each child, with the rights of today; nil for who has
// none any more.
func whoAsks(ctx context.Context, d *db.DB, scope db.Scope, r *marketplace.Round) (map[uuid.UUID]*shortbreaks.Actor, error) {
	var entries []*RoundEntry
	err := d.Read(ctx, scope, func(tx *db.Tx) (err error) {
		entries, err = selectRoundEntries(ctx, tx, `WHERE e.round_id = $1 AND e.state = 'entered'`, r.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	asks := map[uuid.UUID]*shortbreaks.Actor{}
	for _, e := range entries {
		who, refusal, err := (&WaitEntry{AuthorityID: e.AuthorityID, ChildID: e.ChildID, CreatedBy: e.CreatedBy}).whoWaits(ctx, d)
		if err != nil {
			return nil, err
		}
		asks[e.ChildID] = &who
		if refusal != nil {
			asks[e.ChildID] = nil
		}
	}
	return asks, nil
}

// roundRun is one attempt.
type roundRun struct {
	round   *marketplace.Round
	asks    map[uuid.UUID]*shortbreaks.Actor // by child; nil: nobody with rights any more
	refused map[wishOf]string                // kept from attempt to attempt: why
	entries map[uuid.UUID]*RoundEntry        // by ticket
	draw    RoundDraw
}

func (run *roundRun) do(ctx context.Context, tx *db.Tx) (done bool, err error) {
	r := run.round
	still, err := marketplace.LockRound(ctx, tx, r)
	if err != nil || !still {
		return false, err
	}
	if run.draw.Places, err = marketplace.GiveUpPlaces(ctx, tx, r); err != nil {
		return false, err
	}
	if err := run.gather(ctx, tx); err != nil {
		return false, err
	}
	seed, err := marketplace.RoundSeed(ctx, tx, r)
	if err != nil {
		return false, err
	}
	run.draw.Run(seed)
	bookings, err := run.book(ctx, tx)
	if err != nil {
		return false, err
	}
	if err := run.write(ctx, tx, bookings); err != nil {
		return false, err
	}
	published, err := json.Marshal(run.draw)
	if err != nil {
		return false, fmt.Errorf("write down the draw: %w", err)
	}
	return true, marketplace.FinishRound(ctx, tx, r, published)
}

const sqlDrawn = `
SELECT e.child_id, c.family_id,
    EXISTS (SELECT FROM allocation_entry l WHERE l.authority_id = e.authority_id AND l.child_id = e.child_id AND l.state IN ('waiting', 'without')
        AND l.round_id = (SELECT o.id FROM allocation_round o WHERE o.provider_id = e.provider_id AND o.offer_id = e.offer_id AND o.state = 'done'
            ORDER BY o.closes_at DESC, o.id DESC LIMIT 1)),
    NOT EXISTS (SELECT FROM booking b WHERE b.authority_id = e.authority_id AND b.child_id = e.child_id AND b.provider_id = e.provider_id)
FROM allocation_entry e JOIN child c ON c.authority_id = e.authority_id AND c.id = e.child_id
WHERE e.round_id = $1 AND e.state = 'entered'`

// gather reads the entries under the lock, and in which of the groups each is.
func (run *roundRun) gather(ctx context.Context, tx *db.Tx) error {
	r := run.round
	entries, err := selectRoundEntries(ctx, tx, `WHERE e.round_id = $1 AND e.state = 'entered' ORDER BY e.child_id`, r.ID)
	if err != nil {
		return err
	}
	run.entries = map[uuid.UUID]*RoundEntry{}
	byChild := map[uuid.UUID]*RoundEntry{}
	for _, e := range entries {
		run.entries[e.Ticket()], byChild[e.ChildID] = e, e
	}
	rows, err := tx.PGX.Query(ctx, sqlDrawn, r.ID)
	if err != nil {
		return fmt.Errorf("read who is drawn: %w", err)
	}
	families := map[uuid.UUID]uuid.UUID{}
	var child, family uuid.UUID
	var missed, fresh bool
	_, err = pgx.ForEachRow(rows, []any{&child, &family, &missed, &fresh}, func() error {
		in := map[string]bool{"missed_last_round": missed, "new_here": fresh}
		e := byChild[child]
		e.Groups = []string{}
		for _, g := range r.Groups {
			if in[g] {
				e.Groups = append(e.Groups, g)
			}
		}
		families[child] = family
		return nil
	})
	if err != nil {
		return fmt.Errorf("read who is drawn: %w", err)
	}
	run.draw.Groups, run.draw.SiblingsTogether, run.draw.Entries = r.Groups, r.SiblingsTogether, []DrawEntry{}
	for _, e := range entries {
		if _, known := run.asks[e.ChildID]; !known {
			return errDrawAgain // entered in the last moment: whose it is has yet to be read
		}
		run.draw.Entries = append(run.draw.Entries, run.drawn(e, ticketOf(r.ID, families[e.ChildID])))
	}
	return nil
}

func (run *roundRun) drawn(e *RoundEntry, family uuid.UUID) DrawEntry {
	d := DrawEntry{Ticket: e.Ticket(), Family: family, Groups: e.Groups}
	for i := range e.Wishes {
		w := &e.Wishes[i]
		w.Because = run.refused[wishOf{e.ChildID, i + 1}]
		if run.asks[e.ChildID] == nil {
			w.Because = shortbreaks.ErrForbidden.Title
		}
		d.Wishes = append(d.Wishes, DrawWish{Sessions: w.Sessions(), Places: w.Places, Impossible: w.Because != ""})
	}
	return d
}

// book sends everything the draw grants through Reserve at once, in its order.
func (run *roundRun) book(ctx context.Context, tx *db.Tx) (map[uuid.UUID]uuid.UUID, error) {
	var orders []Order
	var granted []wishOf
	again := false
	for _, de := range run.draw.Entries {
		if de.Wish == 0 {
			continue
		}
		e := run.entries[de.Ticket]
		order, err := run.order(ctx, tx, e, e.Wishes[de.Wish-1])
		if err != nil {
			if err := run.refuse(wishOf{e.ChildID, de.Wish}, err); err != nil {
				return nil, err
			}
			again = true
			continue
		}
		orders, granted = append(orders, order), append(granted, wishOf{e.ChildID, de.Wish})
	}
	if again {
		return nil, errDrawAgain
	}
	if len(orders) == 0 {
		return nil, nil
	}
	verdicts, err := Reserve(ctx, tx, orders)
	if err != nil {
		return nil, err
	}
	return run.judge(granted, verdicts)
}

// judge takes the bookings of a batch, or learns what it refused: all that is
// the family's own matter, or else the first alone, since what was refused
// after it may have lacked what it left.
func (run *roundRun) judge(granted []wishOf, verdicts []Verdict) (map[uuid.UUID]uuid.UUID, error) {
	bookings, again, first := map[uuid.UUID]uuid.UUID{}, false, true
	for i, v := range verdicts {
		if v.Refusal == nil {
			bookings[granted[i].child] = v.Basket.Bookings[0].ID
			continue
		}
		if first || isAboutTheFamily(v.Refusal) {
			if err := run.refuse(granted[i], v.Refusal); err != nil {
				return nil, err
			}
		}
		again, first = true, false
	}
	if again {
		return nil, errDrawAgain
	}
	return bookings, nil
}

// refuse keeps why a wish cannot be granted; what is no refusal is an error.
func (run *roundRun) refuse(w wishOf, err error) error {
	var known *shortbreaks.Error
	if !errors.As(err, &known) {
		return err
	}
	run.refused[w] = known.Title
	return nil
}

// The refusals of a wish that was good when it was made.
var (
	errDearer = shortbreaks.NewError(shortbreaks.Conflict, "price-changed", "It would cost more than you were shown")
	errMoved  = shortbreaks.NewError(shortbreaks.Conflict, "wrong-state", "The provider moved it to another time")
)

// order quotes a wish for the one who made it, at no more than was shown.
func (run *roundRun) order(ctx context.Context, tx *db.Tx, e *RoundEntry, w RoundWish) (o Order, err error) {
	who := *run.asks[e.ChildID]
	q, err := draftWish(ctx, tx, who, w.Ask)
	if err != nil {
		return o, err
	}
	starts := make([]string, len(q.Document.Items))
	for i, it := range q.Document.Items {
		starts[i] = it.LocalStart
	}
	switch {
	case q.TotalPence > w.TotalPence:
		return o, errDearer
	case !slices.Equal(starts, w.LocalStart):
		return o, errMoved
	}
	if err := insertQuote(ctx, tx, q); err != nil {
		return o, err
	}
	child, err := budgets.LoadChild(ctx, tx, who, e.ChildID)
	if err != nil {
		return o, err
	}
	return Order{Authority: e.AuthorityID, Who: who, Quotes: []*Quote{q}, FirstNames: map[uuid.UUID]string{e.ChildID: child.FirstName}, FromLine: true}, nil
}
