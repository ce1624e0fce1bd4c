package booking

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// moved is the cause of an item that ended because another took its place.
const moved = "moved"

// Reschedule gives one item another date: what was quoted for it is booked,
// and the old date is released.
type Reschedule struct {
	ItemID uuid.UUID
	To     QuoteToBook // of one date of the same offer for the same child
	Idem   *shortbreaks.Idem
}

// Rescheduled is the booking of the new date, and the item it replaces: ended,
// or still standing until the provider has agreed.
type Rescheduled struct {
	Booking *Booking
	Old     *Item
}

// Move reschedules in one transaction: the new place and money are taken by
// Reserve and the old ones are free again, so that the difference alone is
// held or released, or nothing happens at all. Other dates of the booking and
// their prices stay as they are (T37); a date in another financial year is
// paid from that year's money or refused (T44). An offer that is booked by
// request, or a date that could not be cancelled without a fee, needs the
// provider's agreement: the old date stands, and both are held, until then.
// Errors: forbidden, not-found, invalid, wrong-state, session-started,
// price-changed, idempotency-key-reused, request-in-progress, and those of
// Reserve.
func Move(ctx context.Context, d *db.DB, who shortbreaks.Actor, c Reschedule) (done *Rescheduled, reply *shortbreaks.Reply, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		done, reply = nil, nil
		order, err := orderFor(ctx, tx, who, CreateBooking{Quotes: []QuoteToBook{c.To}, Idem: c.Idem})
		if err != nil {
			return pointedAt(err)
		}
		if reply, err = tx.Replay(ctx, order.Authority, c.Idem); reply != nil || err != nil {
			return err
		}
		if err := checkTotals([]QuoteToBook{c.To}, order.Quotes); err != nil {
			return pointedAt(err)
		}
		m := moving{who: who, order: *order}
		if err := m.lockOld(ctx, tx, c.ItemID); err != nil {
			return err
		}
		if done, err = m.carryOut(ctx, tx); err != nil {
			return err
		}
		reply, err = tx.Keep(ctx, order.Authority, c.Idem, done)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return done, reply, nil
}

// pointedAt names the one quote of the request where a basket has a list.
func pointedAt(err error) error {
	refusal := &shortbreaks.Error{}
	if !errors.As(err, &refusal) || len(refusal.Fields) == 0 {
		return err
	}
	fixed := *refusal
	fixed.Fields = nil
	out := &fixed
	for _, f := range refusal.Fields {
		const list = "/quotes/0"
		if len(f.Pointer) > len(list) && f.Pointer[:len(list)] == list {
			f.Pointer = f.Pointer[len(list):]
		}
		out = out.At(f.Pointer, f.Detail)
	}
	return out
}

// moving is one item on its way to another date.
type moving struct {
	who     shortbreaks.Actor
	order   Order
	old     *Item
	booking *Booking // of the old item
}

// lockOld locks the item to be moved, before any other row.
func (m *moving) lockOld(ctx context.Context, tx *db.Tx, id uuid.UUID) error {
	items, err := selectItems(ctx, tx, `id = $1 FOR UPDATE`, id)
	if err != nil {
		return err
	}
	if len(items) == 0 || !mayAct(m.who, items[0]) {
		return shortbreaks.ErrNotFound
	}
	m.old = items[0]
	switch {
	case m.old.IsTicket():
		return ErrWrongState.With("It is a block of dates, and not a date. Nothing was moved.")
	case !m.old.State.CanBecome(CancelledByFamily):
		return ErrWrongState.With("It is finished or cancelled already. Nothing was moved.")
	case !tx.Now.Before(m.old.StartsAt):
		return marketplace.ErrSessionStarted.With("It began at " + m.old.LocalStart + ". Nothing was moved.")
	}
	if m.booking, err = loadOne(ctx, tx, m.who, m.old.BookingID); err != nil {
		return err
	}
	q := m.order.Quotes[0]
	var f shortbreaks.Faults
	f.Unless(len(q.Document.Items) == 1, "/quote_id", "Quote one date: one date is moved at a time.")
	f.Unless(m.old.ChildID != nil && q.ChildID == *m.old.ChildID, "/quote_id", "This quote is for another child.")
	f.Unless(q.OfferID == m.booking.OfferID, "/quote_id", "This quote is for another offer. Book it, and cancel this date.")
	return f.As(shortbreaks.ErrInvalid)
}

// carryOut books the new date and, if nobody has to agree, ends the old one
// before it: what the old date held may pay for the new.
func (m *moving) carryOut(ctx context.Context, tx *db.Tx) (*Rescheduled, error) {
	agreed, err := m.needsNobody(ctx, tx)
	if err != nil {
		return nil, err
	}
	if agreed {
		if err := m.lockAhead(ctx, tx); err != nil {
			return nil, err
		}
		by := mover{who: m.who, onBehalf: m.who.Is(shortbreaks.Practitioner), cause: moved}
		if err := cancelItems(ctx, tx, m.booking, []*Item{m.old}, CancelledByFamily, by); err != nil {
			return nil, err
		}
	} else {
		quote := *m.order.Quotes[0]
		quote.Document.Instant = false
		m.order.Quotes = []*Quote{&quote}
	}
	verdicts, err := Reserve(ctx, tx, []Order{m.order})
	if err != nil {
		return nil, err
	}
	if verdicts[0].Refusal != nil {
		return nil, verdicts[0].Refusal
	}
	made := verdicts[0].Basket.Bookings[0]
	tag, err := tx.PGX.Exec(ctx, `UPDATE booking_item SET moved_from = $3 WHERE authority_id = $1 AND id = $2`, made.AuthorityID, made.Items[0].ID, m.old.ID)
	if err != nil || tag.RowsAffected() != 1 {
		return nil, fmt.Errorf("note what item %s replaces: %w", made.Items[0].ID, err)
	}
	return &Rescheduled{Booking: made, Old: m.old}, fill(ctx, tx, m.who, []*Item{m.old})
}

// needsNobody says whether the family may move on its own: an instant offer,
// and a date that it could cancel now without a fee.
func (m *moving) needsNobody(ctx context.Context, tx *db.Tx) (bool, error) {
	if m.old.State != Confirmed {
		return true, nil
	}
	holidays, err := holidaysUpTo(ctx, tx, m.booking, []*Item{m.old})
	if err != nil {
		return false, err
	}
	fee := m.booking.Terms.Fee(tariff.Cancellation{Price: m.old.worth(), Start: m.old.StartsAt, At: tx.Now, Reason: moved, Holidays: holidays})
	return fee == 0 && m.order.Quotes[0].Document.Instant, nil
}

// lockAhead locks everything of the old date and the new together, in the one
// order, since the old date is released before the new one is taken.
func (m *moving) lockAhead(ctx context.Context, tx *db.Tx) error {
	need := needs([]Order{m.order})
	if err := lockTickets(ctx, tx, []*Item{m.old}, need.tickets); err != nil {
		return err
	}
	if m.old.SessionID != nil {
		need.places = append(need.places, marketplace.PlaceKey{Provider: m.old.ProviderID, Session: *m.old.SessionID})
	}
	if _, err := marketplace.LockPlaces(ctx, tx, need.places); err != nil {
		return err
	}
	if _, err := marketplace.LockLanes(ctx, tx, need.lanes); err != nil {
		return err
	}
	return lockMoney(ctx, tx, []*Item{m.old}, need)
}

// lockAnswered locks the items of a booking and those they are to replace, in
// one order.
func lockAnswered(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, id uuid.UUID) (items, replaced []*Item, err error) {
	all, err := selectItems(ctx, tx, `id = ANY (ARRAY(SELECT unnest(ARRAY[id, moved_from]) FROM booking_item WHERE booking_id = $1))
		ORDER BY authority_id, id FOR UPDATE`, id)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range all {
		if it.BookingID == id {
			items = append(items, it)
		} else {
			replaced = append(replaced, it)
		}
	}
	if len(items) == 0 || !mayAct(who, items[0]) {
		return nil, nil, shortbreaks.ErrNotFound
	}
	return items, replaced, nil
}

// releaseMoved ends the dates that were moved once the provider has agreed, without
// a fee: the new ones are paid in their place.
func releaseMoved(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, replaced []*Item) error {
	for _, it := range replaced {
		if !it.State.Live() {
			continue // moved at once, or ended meanwhile
		}
		if !it.State.CanBecome(CancelledByFamily) || !tx.Now.Before(it.StartsAt) {
			return ErrWrongState.With("The date it was to replace, " + it.LocalStart + ", has begun or is finished. Decline it, and ask the family to book anew.")
		}
	}
	ending := make([]*Item, 0, len(replaced))
	for _, it := range replaced {
		if it.State.Live() {
			nothing := shortbreaks.Pence(0)
			it.ChargePence = &nothing
			ending = append(ending, it)
		}
	}
	if len(ending) == 0 {
		return nil
	}
	if err := tx.EnterAuthority(ctx, ending[0].AuthorityID); err != nil {
		return err
	}
	if err := move(ctx, tx, ending, CancelledByFamily, mover{who: who, cause: moved}); err != nil {
		return err
	}
	if err := giveBack(ctx, tx, ending); err != nil {
		return err
	}
	return settle(ctx, tx, ending, payments.KindLateFee, who) // of nothing: what was paid ahead goes back
}
