package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shortbreaks/internal/db"
)

// sqlNotAdmitted are the dates of blocks that the provider could not keep and
// whose registers are agreed: they were not used (T57).
const sqlNotAdmitted = `ticket_id IS NOT NULL AND ticket_counts AND state = 'settled' AND (authority_id, id) IN (SELECT d.authority_id, d.item_id FROM delivery d
		WHERE d.outcome = 'no_show' AND d.cause = '` + CouldNotAdmit + `')
	AND (authority_id, ticket_id) IN (SELECT b.authority_id, b.id FROM booking_item b WHERE `

const sqlSomeOfThem = `) ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`

// returnNotAdmitted gives such dates back to blocks that go on. Each goes back
// once, however often and by however many it runs. It returns how many did.
func returnNotAdmitted(ctx context.Context, d *db.DB) (int, error) {
	return sweep(ctx, d, sqlNotAdmitted+`b.state = 'confirmed' AND b.ends_at > $1`+sqlSomeOfThem, returnTickets)
}

// oweNotAdmitted notes that such dates of blocks that have ended are owed.
func oweNotAdmitted(ctx context.Context, d *db.DB) error {
	_, err := sweep(ctx, d, sqlNotAdmitted+`b.state `+sqlEnded+` AND $1::timestamptz IS NOT NULL`+sqlSomeOfThem, returnTickets)
	return err
}

// sqlEnded is what the state of a block is that has ended and was paid for.
const sqlEnded = `IN ('settled', 'cancelled_by_provider', 'cancelled_by_authority')`

// returnTickets gives dates back to the blocks that they were booked off,
// unless they are used up. The items are closed and locked. A date of a block
// that has ended is owed to whoever paid for it; one that ends together with
// its block was not paid for.
func returnTickets(ctx context.Context, tx *db.Tx, items []*Item) error {
	var back []*Item
	var authorities, ids, tickets []uuid.UUID
	for _, it := range items {
		if it.TicketID != nil && it.TicketCounts && !it.ticketLost {
			back = append(back, it)
			authorities, ids, tickets = append(authorities, it.AuthorityID), append(ids, it.ID), append(tickets, *it.TicketID)
		}
	}
	if len(back) == 0 {
		return nil
	}
	if err := lockTickets(ctx, tx, back, nil); err != nil {
		return err
	}
	parts, err := partsOwed(ctx, tx, back, idsOf(items))
	if err != nil {
		return err
	}
	var batch pgx.Batch
	batch.Queue(`UPDATE booking_item i SET ticket_counts = false, ticket_part = k.part FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (authority_id, id, part)
		WHERE i.authority_id = k.authority_id AND i.id = k.id AND i.ticket_counts`, authorities, ids, parts).Exec(func(done pgconn.CommandTag) error {
		if int(done.RowsAffected()) != len(ids) {
			return fmt.Errorf("give %d dates back to their blocks: %d were used", len(ids), done.RowsAffected())
		}
		return nil
	})
	queueUsed(&batch, authorities, tickets, -1)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("give dates back to their blocks: %w", err)
	}
	for i, it := range back {
		it.TicketCounts, it.TicketPart = false, parts[i]
	}
	return nil
}

// partsOwed says of each date which part of its block is owed: the last of
// those that are used, so no two dates have the same; nil if the block goes on.
// The blocks are locked, so their state is the one they have.
func partsOwed(ctx context.Context, tx *db.Tx, back []*Item, together []uuid.UUID) ([]*int32, error) {
	tickets := make([]uuid.UUID, len(back))
	for i, it := range back {
		tickets[i] = *it.TicketID
	}
	rows, err := tx.PGX.Query(ctx, `SELECT t.id, t.used FROM ticket t JOIN booking_item b ON b.authority_id = t.authority_id AND b.id = t.id
		WHERE t.authority_id = ANY ($1) AND t.id = ANY ($2) AND b.state `+sqlEnded+` AND b.id <> ALL ($3)`, authoritiesOf(back), tickets, together)
	if err != nil {
		return nil, fmt.Errorf("read which blocks have ended: %w", err)
	}
	used := map[uuid.UUID]int32{}
	var id uuid.UUID
	var n int32
	if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { used[id] = n; return nil }); err != nil {
		return nil, fmt.Errorf("read which blocks have ended: %w", err)
	}
	parts := make([]*int32, len(back))
	for i, ticket := range tickets {
		if n, ended := used[ticket]; ended {
			parts[i], used[ticket] = &n, n-1
		}
	}
	return parts, nil
}
