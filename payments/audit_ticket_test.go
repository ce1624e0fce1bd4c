package payments_test

import "github.com/google/uuid"

// ticket is the item of a block of dates: in no session and no lane.
func (w *world) ticket(c child) uuid.UUID {
	id := w.item(c, "confirmed")
	w.exec(`UPDATE session_places SET taken = 0 FROM booking_item i WHERE i.id = $1 AND session_places.session_id = i.session_id`, id)
	w.exec(`UPDATE booking_item SET session_id = NULL WHERE id = $1`, id)
	return id
}
