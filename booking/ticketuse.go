package booking

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// ticketEnded is the cause of a block's end: used up, or its days are over.
const ticketEnded = "ticket_ended"

// ticketUnit stands for the price of a date that was paid with a block, where
// terms go by a price: only its part of it counts.
const ticketUnit = 10_000

type ticketRef struct{ authority, id uuid.UUID }

// queueTickets reads blocks into the map it gives; with lock, to use them. The
// state of the item is read by a second statement: it sees what committed while
// the lock was waited for.
func queueTickets(batch *pgx.Batch, refs []ticketRef, lock bool) map[uuid.UUID]*Ticket {
	tickets := make(map[uuid.UUID]*Ticket, len(refs))
	if len(refs) == 0 {
		return tickets
	}
	authorities, ids := make([]uuid.UUID, len(refs)), make([]uuid.UUID, len(refs))
	for i, r := range refs {
		authorities[i], ids[i] = r.authority, r.id
	}
	read := `SELECT ` + ticketColumns + ` FROM ticket t JOIN unnest($1::uuid[], $2::uuid[]) w (authority_id, id) USING (authority_id, id) ORDER BY t.authority_id, t.id`
	if lock {
		read += ` FOR NO KEY UPDATE OF t`
	}
	batch.Queue(read, authorities, ids).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByNameLax[Ticket])
		for _, t := range list {
			tickets[t.ID] = t
		}
		return err
	})
	batch.Queue(`SELECT i.id, i.state FROM booking_item i JOIN unnest($1::uuid[], $2::uuid[]) w (authority_id, id) USING (authority_id, id)`,
		authorities, ids).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var state State
		_, err := pgx.ForEachRow(rows, []any{&id, &state}, func() error {
			if t := tickets[id]; t != nil {
				t.State = state
			}
			return nil
		})
		return err
	})
	return tickets
}

// lockTickets locks the blocks that items are, or were booked off, and others
// besides, in one order: after items, before session places.
func lockTickets(ctx context.Context, tx *db.Tx, items []*Item, more []ticketRef) error {
	refs := slices.Clone(more)
	for _, it := range items {
		if it.IsTicket() {
			refs = append(refs, ticketRef{it.AuthorityID, it.ID})
		}
		if it.TicketID != nil {
			refs = append(refs, ticketRef{it.AuthorityID, *it.TicketID})
		}
	}
	if len(refs) == 0 {
		return nil
	}
	var batch pgx.Batch
	queueTickets(&batch, refs, true)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("lock tickets: %w", err)
	}
	return nil
}

// useTicket takes one date off the block that a quote's dates are booked off.
func (t *taking) useTicket(item *Item, q *Quote) error {
	id := q.Document.TicketID
	if id == nil {
		return nil
	}
	ticket := t.board.tickets[*id]
	switch {
	case ticket == nil || ticket.ChildID != q.ChildID || ticket.OfferID != q.OfferID:
		return ErrTicketDates.With("The child has no such block for this offer. Nothing was booked.")
	case ticket.State != Confirmed:
		return ErrTicketDates.With("The block is " + shortbreaks.Spaced(string(ticket.State)) + ". Nothing was booked.")
	case !ticket.holds(item.StartsAt):
		return ErrTicketDates.With(ticket.days() + " Nothing was booked.")
	case ticket.Left() == 0:
		return ErrTicketUsedUp.With("All " + shortbreaks.Plural(ticket.Count, "date") + " of the block are booked. Nothing was booked; cancel another in time, or book without it.")
	}
	ticket.Used++
	t.did(func() { ticket.Used-- })
	item.TicketID, item.TicketCounts = id, true
	return nil
}

// queueNewTickets writes the blocks that were bought and the dates booked off
// blocks.
func queueNewTickets(batch *pgx.Batch, items []*Item) {
	var authorities, ids, tickets []uuid.UUID
	for _, it := range items {
		if t := it.Ticket; t != nil {
			batch.Queue(`INSERT INTO ticket (authority_id, id, provider_id, child_id, offer_id, version_id, option_name, count, valid_from, valid_to, created_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
				t.AuthorityID, t.ID, t.ProviderID, t.ChildID, t.OfferID, t.VersionID, t.OptionName, t.Count, t.ValidFrom, t.ValidTo, t.CreatedAt)
		}
		if it.TicketID != nil {
			authorities, ids, tickets = append(authorities, it.AuthorityID), append(ids, it.ID), append(tickets, *it.TicketID)
		}
	}
	if len(ids) == 0 {
		return
	}
	batch.Queue(`UPDATE booking_item i SET ticket_id = k.ticket, ticket_counts = true FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k (authority_id, id, ticket)
		WHERE i.authority_id = k.authority_id AND i.id = k.id`, authorities, ids, tickets)
	queueUsed(batch, authorities, tickets, 1)
}

// queueUsed changes how much is used of blocks whose rows are locked.
func queueUsed(batch *pgx.Batch, authorities, tickets []uuid.UUID, by int) {
	of := map[ticketRef]int{}
	for i, id := range tickets {
		of[ticketRef{authorities[i], id}] += by
	}
	refs := make([]ticketRef, 0, len(of))
	for r := range of {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, func(a, b ticketRef) int { return bytes.Compare(a.id[:], b.id[:]) })
	for _, r := range refs {
		batch.Queue(`UPDATE ticket SET used = used + $3 WHERE authority_id = $1 AND id = $2`, r.authority, r.id, of[r]).Exec(func(done pgconn.CommandTag) error {
			if done.RowsAffected() != 1 {
				return fmt.Errorf("ticket %s is not in this scope", r.id)
			}
			return nil
		})
	}
}

// worth is what the terms of an item go by: its price, or the part of a block
// that it uses.
func (it *Item) worth() shortbreaks.Pence {
	if it.TicketID != nil {
		return ticketUnit
	}
	return it.PricePence
}

// ticketFee turns a fee of what an item is worth into one of its price. A date
// that was booked off a block and would cost a fee is used up.
func (it *Item) ticketFee(fee shortbreaks.Pence) shortbreaks.Pence {
	if it.TicketID == nil {
		return fee
	}
	it.ticketLost = fee > 0
	return shortbreaks.MulDiv(it.PricePence, int64(fee), ticketUnit)
}

// endTickets works out what cancelling blocks costs, and gives the other items.
// A family may cancel a block that is not used, by its terms; of one that a
// provider or an authority cancels, the dates that were used are paid for.
func endTickets(ctx context.Context, tx *db.Tx, items []*Item, to State) (others []*Item, err error) {
	if !slices.ContainsFunc(items, (*Item).IsTicket) {
		return items, nil
	}
	if err := lockTickets(ctx, tx, items, nil); err != nil {
		return nil, err
	}
	for _, it := range items {
		if !it.IsTicket() {
			others = append(others, it)
			continue
		}
		var used, count int
		err := tx.PGX.QueryRow(ctx, `SELECT (SELECT count(*) FROM booking_item u WHERE u.authority_id = t.authority_id AND u.ticket_id = t.id AND u.ticket_counts
			AND u.id <> ALL ($3)), t.count FROM ticket t WHERE t.authority_id = $1 AND t.id = $2`, it.AuthorityID, it.ID, idsOf(items)).Scan(&used, &count)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read what is used of a block: %w", err)
		case used == 0:
			others = append(others, it)
		case to == CancelledByFamily:
			return nil, ErrTicketInUse.With("Of this block " + shortbreaks.Plural(used, "date") + " are booked or used. Cancel those to come first. Nothing was cancelled.")
		default:
			charge := usedShare(it.PricePence, used, count)
			it.ChargePence, it.AutoConfirmAt = &charge, nil
			it.await(0, false)
			it.ChargePence = &charge
		}
	}
	return others, nil
}

// usedShare is what the first dates of a block come to: spare pennies are the
// earlier dates'.
func usedShare(price shortbreaks.Pence, used, count int) (sum shortbreaks.Pence) {
	ones := make([]int64, count)
	for i := range ones {
		ones[i] = 1
	}
	for _, part := range shortbreaks.Split(int64(price), ones)[:used] {
		sum += shortbreaks.Pence(part)
	}
	return sum
}

// EndTickets settles blocks that are over: their last day has passed, or every
// date was used and is settled itself. The whole price is due: what was not
// used lapses. Before, dates that the provider could not keep go
// back to their blocks; of blocks that are over they are given back in money. It returns how many items it saw to, each once, however
// often it runs.
func EndTickets(ctx context.Context, d *db.DB) (int, error) {
	back, err := returnNotAdmitted(ctx, d)
	if err != nil {
		return back, err
	}
	ended, err := sweep(ctx, d, `state = 'confirmed' AND session_id IS NULL AND lane_id IS NULL AND (ends_at <= $1 OR (authority_id, id) IN (
			SELECT t.authority_id, t.id FROM ticket t WHERE t.used = t.count AND NOT EXISTS (SELECT FROM booking_item u
				WHERE u.authority_id = t.authority_id AND u.ticket_id = t.id AND u.ticket_counts AND item_is_live(u.state) AND u.state <> 'settled')))
		ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, endTicketItems)
	if err != nil {
		return back + ended, err
	}
	if err := oweNotAdmitted(ctx, d); err != nil {
		return back + ended, err
	}
	paid, err := payBackDates(ctx, d)
	return back + ended + paid, err
}

func endTicketItems(ctx context.Context, tx *db.Tx, items []*Item) error {
	if err := lockTickets(ctx, tx, items, nil); err != nil {
		return err
	}
	for _, it := range items {
		price := it.PricePence
		it.ChargePence, it.AutoConfirmAt = &price, nil
	}
	by := mover{cause: ticketEnded}
	if err := move(ctx, tx, items, Delivered, by); err != nil {
		return err
	}
	if err := move(ctx, tx, items, Settled, by); err != nil {
		return err
	}
	return settle(ctx, tx, items, payments.KindCapture, shortbreaks.Actor{})
}
