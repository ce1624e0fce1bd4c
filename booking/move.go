package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// mover is who moves an item, for whom, and why. The zero actor is the system.
type mover struct {
	who      shortbreaks.Actor
	onBehalf bool
	cause    string
}

// movedBy is who moves the item: one by whom it was asked for in a batch, or
// whoever moves all.
func (it *Item) movedBy(by mover) mover {
	if it.by != nil {
		return *it.by
	}
	return by
}

// event is one move of one item, kept for ever.
type event struct {
	authority, item, id, provider uuid.UUID
	from, to                      State
	by                            mover
	at                            time.Time
}

func newEvent(it *Item, from, to State, by mover, at time.Time) event {
	return event{authority: it.AuthorityID, item: it.ID, id: shortbreaks.NewID(), provider: it.ProviderID, from: from, to: to, by: by, at: at}
}

func queueEvents(batch *pgx.Batch, events []event) {
	n := len(events)
	var ids [4][]uuid.UUID
	actors, from, to, roles := make([]*uuid.UUID, n), make([]*string, n), make([]string, n), make([]string, n)
	behalf, causes, at := make([]bool, n), make([]string, n), make([]time.Time, n)
	for i, e := range events {
		for c, id := range []uuid.UUID{e.authority, e.item, e.id, e.provider} {
			ids[c] = append(ids[c], id)
		}
		if e.by.who.Person != uuid.Nil {
			actors[i] = &events[i].by.who.Person
		}
		if e.from != "" {
			s := string(e.from)
			from[i] = &s
		}
		roles[i] = "system"
		if e.by.who.Role != "" {
			roles[i] = string(e.by.who.Role)
		}
		to[i], behalf[i], causes[i], at[i] = string(e.to), e.by.onBehalf, e.by.cause, e.at
	}
	batch.Queue(`INSERT INTO item_event (authority_id, item_id, id, provider_id, actor_id, from_state, to_state, actor_role, on_behalf, cause, at)
		`+db.ArrayRows("uuid uuid uuid uuid uuid text text text boolean text timestamptz"),
		ids[0], ids[1], ids[2], ids[3], actors, from, to, roles, behalf, causes, at)
}

const itemColumns = `authority_id, id, booking_id, n, provider_id, child_id, attendee_kind, session_id, lane_id, starts_at, ends_at, local_start,
	time_zone, version_id, state, expires_at, auto_confirm_at, price_pence, charge_pence, place_seq, fee_due_at, fee_pence, places, staff_units, companions,
	ticket_id, ticket_counts, ticket_part, moved_from`

// selectItems reads items in id order; with FOR UPDATE in the condition it
// locks them in that order, first of all rows.
func selectItems(ctx context.Context, tx *db.Tx, where string, args ...any) ([]*Item, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+itemColumns+` FROM booking_item WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	items, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByNameLax[Item])
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	return items, nil
}

// move changes the state of locked items, writes what they now carry and one
// event each. The guard stands in the UPDATE itself; a row that no longer
// qualifies fails the whole.
func move(ctx context.Context, tx *db.Tx, items []*Item, to State, by mover) error {
	return moveUntil(ctx, tx, items, to, by, nil)
}

// moveUntil is move to a state that runs out.
func moveUntil(ctx context.Context, tx *db.Tx, items []*Item, to State, by mover, until *time.Time) error {
	if len(items) == 0 {
		return nil
	}
	n := len(items)
	authorities, ids, charges, autos := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]*int64, n), make([]*time.Time, n)
	events := make([]event, n)
	for i, it := range items {
		authorities[i], ids[i], charges[i], autos[i] = it.AuthorityID, it.ID, (*int64)(it.ChargePence), it.AutoConfirmAt
		events[i] = newEvent(it, it.State, to, it.movedBy(by), tx.Now)
	}
	tag, err := tx.PGX.Exec(ctx, `UPDATE booking_item i SET state = $5, expires_at = $7, charge_pence = m.charge, auto_confirm_at = m.auto
		FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[]) AS m(authority_id, id, charge, auto)
		WHERE i.authority_id = m.authority_id AND i.id = m.id AND i.state = ANY ($6)`, authorities, ids, charges, autos, string(to), to.from(), until)
	if err != nil {
		return fmt.Errorf("move items to %s: %w", to, err)
	}
	if int(tag.RowsAffected()) != n {
		return ErrStateChanged.With("Nothing was changed. Look at it again.")
	}
	var batch pgx.Batch
	queueEvents(&batch, events)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	for _, it := range items {
		it.State, it.ExpiresAt = to, until
	}
	return nil
}

// giveBack returns the places and workers of items that are closed. They were
// locked before; next come lines, then accounts.
func giveBack(ctx context.Context, tx *db.Tx, items []*Item) error {
	if err := returnTickets(ctx, tx, items); err != nil {
		return err
	}
	places, staff := map[marketplace.PlaceKey]int{}, map[marketplace.PlaceKey]int{}
	visits := map[uuid.UUID][]uuid.UUID{}
	for _, it := range items {
		if it.SessionID != nil {
			key := marketplace.PlaceKey{Provider: it.ProviderID, Session: *it.SessionID}
			if places[key] += it.Places; it.StaffUnits > 0 {
				staff[key] += it.StaffUnits
			}
		} else if !it.IsTicket() {
			visits[it.ProviderID] = append(visits[it.ProviderID], it.ID)
		}
	}
	if err := marketplace.GiveBackPlaces(ctx, tx, places); err != nil {
		return err
	}
	if err := marketplace.GiveBackStaff(ctx, tx, staff); err != nil {
		return err
	}
	for provider, ids := range visits {
		if err := marketplace.ReleaseLanes(ctx, tx, provider, ids); err != nil {
			return err
		}
	}
	return nil
}

// release ends the holds of items and frees their money at once. Plan lines
// move before accounts, as everywhere.
func release(ctx context.Context, tx *db.Tx, items []*Item, state payments.HoldState) error {
	holds, err := holdsOf(ctx, tx, items)
	if err != nil {
		return err
	}
	outcomes := payments.Release(holds, state)
	if err := budgets.MoveLines(ctx, tx, payments.LineMoves(outcomes)); err != nil {
		return err
	}
	return payments.Resolve(ctx, tx, outcomes)
}

func holdsOf(ctx context.Context, tx *db.Tx, items []*Item) ([]payments.Hold, error) {
	return payments.HoldsOf(ctx, tx, authoritiesOf(items), idsOf(items))
}
