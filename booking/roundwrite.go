package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

const (
	sqlEntryEnds = `UPDATE allocation_entry SET state = $4, place = $5, wish = $6, groups = $7, booking_id = $8, wishes = $9
		WHERE authority_id = $1 AND round_id = $2 AND child_id = $3`

	// Ids grow as they are made, so a line of one moment is in the order of the draw.
	sqlLineUp = `INSERT INTO waitlist_entry (authority_id, id, child_id, provider_id, offer_id, session_id, ask, state, created_at, created_by)
		SELECT $1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9
		WHERE NOT EXISTS (SELECT FROM booking_item i WHERE i.authority_id = $1 AND i.child_id = $3 AND i.session_id = $6 AND item_is_live(i.state))
		ON CONFLICT DO NOTHING`
)

// write keeps what became of each entry, in the order of the draw. Who got
// nothing joins the line of every session it wished for that lacked the places;
// where something else was lacking there is nothing to wait for, and no line
// gives a place in every session of a bundle.
func (run *roundRun) write(ctx context.Context, tx *db.Tx, bookings map[uuid.UUID]uuid.UUID) error {
	var batch pgx.Batch
	for _, de := range run.draw.Entries {
		e := run.entries[de.Ticket]
		e.State, e.Place = EntryWithout, &de.Place
		if id, ok := bookings[e.ChildID]; ok {
			e.State, e.Wish, e.BookingID = EntryPlaced, &de.Wish, &id
		} else {
			run.lineUp(&batch, e, tx)
		}
		batch.Queue(sqlEntryEnds, e.AuthorityID, e.RoundID, e.ChildID, string(e.State), e.Place, e.Wish, e.Groups, e.BookingID, e.Wishes)
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("write what became of round %s: %w", run.round.ID, err)
	}
	return nil
}

func (run *roundRun) lineUp(batch *pgx.Batch, e *RoundEntry, tx *db.Tx) {
	joined := map[uuid.UUID]bool{}
	for _, w := range e.Wishes {
		for _, session := range w.Ask.SessionIDs { // none, of a bundle
			if w.Because != "" || joined[session] {
				continue
			}
			joined[session] = true
			ask := w.Ask
			ask.SessionIDs = []uuid.UUID{session}
			batch.Queue(sqlLineUp, e.AuthorityID, shortbreaks.NewID(), e.ChildID, e.ProviderID, e.OfferID, session, ask, tx.Now, e.CreatedBy)
			e.State = EntryWaiting
		}
	}
}
