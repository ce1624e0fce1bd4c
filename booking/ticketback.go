package booking

import (
	"context"

	"shortbreaks/internal/db"
)

// returnNotAdmitted gives back to their blocks the dates on which the provider
// could not admit the child, once the register is agreed: they were not used
// (T57). Of a block that is over they are paid back (refundNotAdmitted). Each date goes back once, however
// often and by however many it runs. It returns how many went back.
func returnNotAdmitted(ctx context.Context, d *db.DB) (int, error) {
	return sweep(ctx, d, `ticket_id IS NOT NULL AND ticket_counts AND state = 'settled' AND (authority_id, id) IN (SELECT d.authority_id, d.item_id FROM delivery d
			WHERE d.outcome = 'no_show' AND d.cause = '`+CouldNotAdmit+`')
		AND (authority_id, ticket_id) IN (SELECT b.authority_id, b.id FROM booking_item b WHERE b.state = 'confirmed' AND b.ends_at > $1)
		ORDER BY authority_id, id LIMIT $2 FOR UPDATE SKIP LOCKED`, returnTickets)
}
