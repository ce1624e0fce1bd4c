package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// QuotedMinimum is what a place was shown to depend on.
type QuotedMinimum struct {
	Places   int       `json:"places"`
	DecideAt time.Time `json:"decide_at"`
}

// QuotedGroup is a part of a charge that is a share of a price for the group.
type QuotedGroup struct {
	Pence shortbreaks.Pence `json:"pence"` // of the charge
	tariff.GroupPrice
}

func quotedMinimum(m *marketplace.Minimum) *QuotedMinimum {
	if m == nil || m.DecidedAt != nil {
		return nil
	}
	return &QuotedMinimum{Places: m.Places, DecideAt: m.DecideAt}
}

func quotedGroup(l tariff.Line) []QuotedGroup {
	if l.Group == nil {
		return nil
	}
	return []QuotedGroup{{Pence: l.Pence, GroupPrice: *l.Group}}
}

// awaitGroup makes an item conditional while it is not decided whether its
// session has enough places taken. Its money is held and waits with it.
func (it *Item) awaitGroup(m *marketplace.Minimum, qi QuotedItem, now time.Time) error {
	shared := slices.ContainsFunc(qi.Charges, func(c QuotedCharge) bool { return len(c.Group) > 0 })
	switch {
	case m == nil:
		return nil
	case m.DecidedAt != nil && shared:
		return marketplace.ErrOfferClosed.With("The group of " + it.LocalStart + " is complete and shares its price. Nothing was booked.")
	case m.DecidedAt != nil:
		return nil
	case !now.Before(m.DecideAt):
		return marketplace.ErrOfferClosed.With("It is being decided whether " + it.LocalStart + " runs. Nothing was booked; look again in a few minutes.")
	}
	if it.State == Held {
		return nil // it waits with the group once the family has accepted
	}
	at := m.DecideAt
	it.State, it.ExpiresAt = Conditional, &at
	return nil
}

// DecideGroups decides on every session whose time has come, or that has
// enough and says so early: all places are confirmed, or all are cancelled and
// their money released (T45, T46). What was decided stays decided: however
// often and by however many it runs, each place moves once, and what a crash
// left over is done by the next run. It returns how many items it moved.
func DecideGroups(ctx context.Context, d *db.DB) (moved int, err error) {
	due, err := marketplace.GroupsToDecide(ctx, d)
	if err != nil {
		return 0, err
	}
	for _, key := range due {
		err := d.Do(ctx, db.Scope{Providers: []uuid.UUID{key.Provider}}, func(tx *db.Tx) error { return marketplace.DecideGroup(ctx, tx, key) })
		if err != nil {
			return 0, err
		}
	}
	scope, err := d.System(ctx)
	if err != nil {
		return 0, err
	}
	decided, err := groupsDecided(ctx, d, scope)
	if err != nil {
		return 0, err
	}
	for _, g := range decided {
		n := 0
		err := d.Do(ctx, scope, func(tx *db.Tx) (err error) {
			n, err = g.carryOut(ctx, tx)
			return err
		})
		moved += n
		if err != nil {
			return moved, fmt.Errorf("carry out what was decided on session %s: %w", g.Session, err)
		}
	}
	return moved, nil
}

// group is a session on which was decided, with places that wait for it.
type group struct {
	Provider, Session uuid.UUID
	Runs              bool
}

func groupsDecided(ctx context.Context, d *db.DB, scope db.Scope) (groups []group, err error) {
	err = d.Read(ctx, scope, func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT s.provider_id, s.id, s.state = 'scheduled' FROM booking_item i
			JOIN session s ON s.provider_id = i.provider_id AND s.id = i.session_id
			WHERE i.state = 'conditional' AND s.decided_at IS NOT NULL AND (s.state = 'scheduled' OR s.changed_at = s.decided_at) ORDER BY 1, 2`)
		if err != nil {
			return err
		}
		groups, err = pgx.CollectRows(rows, pgx.RowToStructByPos[group])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was decided: %w", err)
	}
	return groups, nil
}

// carryOut moves every place that waited, all in one transaction.
func (g group) carryOut(ctx context.Context, tx *db.Tx) (int, error) {
	items, err := selectItems(ctx, tx, `provider_id = $1 AND session_id = $2 AND state = 'conditional'
		ORDER BY authority_id, id FOR UPDATE`, g.Provider, g.Session)
	if err != nil || len(items) == 0 {
		return 0, err
	}
	if g.Runs {
		if err := move(ctx, tx, items, Confirmed, mover{cause: "minimum_met"}); err != nil {
			return 0, err
		}
		return len(items), shareGroupPrice(ctx, tx, items)
	}
	nothing := shortbreaks.Pence(0)
	for _, it := range items {
		it.ChargePence = &nothing
	}
	if err := move(ctx, tx, items, CancelledByProvider, mover{cause: minimumNotMet}); err != nil {
		return 0, err
	}
	if err := giveBack(ctx, tx, items); err != nil {
		return 0, err
	}
	return len(items), release(ctx, tx, items, payments.Released)
}

// errNoQuote is a fault of ours: every booking has its quote.
var errNoQuote = errors.New("a booking without its quote")

// shareGroupPrice divides what the group pays among those who are in it now:
// each holds at most the share of the smallest group, and what is over is
// released (T90). Spare pennies fall on those who booked first.
func shareGroupPrice(ctx context.Context, tx *db.Tx, items []*Item) error {
	quoted, err := quotedItems(ctx, tx, items)
	if err != nil {
		return err
	}
	charges, err := chargesOf(ctx, tx, items)
	if err != nil {
		return err
	}
	var cut []chargeCut
	for nth, it := range items {
		qi, ok := quoted[it.ID]
		if !ok {
			return errNoQuote
		}
		for _, qc := range qi.Charges {
			less := shortbreaks.Pence(0)
			for _, g := range qc.Group {
				less += g.Pence - g.Share(g.Pence, len(items), nth+1)
			}
			if less == 0 {
				continue
			}
			n := slices.IndexFunc(charges[it.ID], func(c Charge) bool { return c.N == qc.N })
			cut = append(cut, chargeCut{item: it, charge: charges[it.ID][n], to: charges[it.ID][n].AmountPence - less})
		}
	}
	return cutCharges(ctx, tx, items, cut)
}

// quotedItems are the items as their quotes have them.
func quotedItems(ctx context.Context, tx *db.Tx, items []*Item) (map[uuid.UUID]QuotedItem, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT i.id, q.document -> 'items' -> i.n FROM booking_item i
		JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
		JOIN quote q ON q.authority_id = b.authority_id AND q.id = b.quote_id
		WHERE (i.authority_id, i.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))`, authoritiesOf(items), idsOf(items))
	if err != nil {
		return nil, fmt.Errorf("read quotes of items: %w", err)
	}
	by := map[uuid.UUID]QuotedItem{}
	var id uuid.UUID
	var qi QuotedItem
	_, err = pgx.ForEachRow(rows, []any{&id, &qi}, func() error {
		by[id] = qi
		qi = QuotedItem{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read quotes of items: %w", err)
	}
	return by, nil
}
