package booking

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// Moves takes the answers, cancellations and agreements that come at the same
// time together, as Desk does bookings: their rows are locked, moved and paid
// by the same few statements whatever their number. Whatever is unusual, such
// as a fee that waits or a date that replaces another, is served alone by the
// use case itself, and so is everybody of a batch the database refuses.
type Moves struct {
	d       *db.DB
	accepts db.Gather[wish, *Booking]
	cancels db.Gather[wish, *Booking]
	agrees  db.Gather[wish, *Item]
	records db.Gather[wish, *Item]
}

// movesMost is how many moves make a batch.
const movesMost = 64

// NewMoves makes those of a process.
func NewMoves(d *db.DB) *Moves {
	m := &Moves{d: d}
	m.accepts = db.Gather[wish, *Booking]{Do: m.acceptAll, Most: movesMost, AtOnce: 2, Beside: deskBeside, Rows: wish.rows}
	m.cancels = db.Gather[wish, *Booking]{Do: m.cancelAll, Most: movesMost, AtOnce: 2, Beside: deskBeside, Rows: wish.rows}
	m.agrees = db.Gather[wish, *Item]{Do: m.agreeAll, Most: movesMost, AtOnce: 2, Beside: deskBeside, Rows: wish.rows}
	m.records = db.Gather[wish, *Item]{Do: m.recordAll, Most: movesMost, AtOnce: 2, Beside: deskBeside, Rows: wish.rows}
	return m
}

// wish is somebody's wish to move a booking, some of its items, or one item.
type wish struct {
	who   shortbreaks.Actor
	id    uuid.UUID
	named []uuid.UUID
	cause string

	entry RecordAttendance
}

func (m wish) rows() db.Rows { return db.Rows{Alone: []uuid.UUID{m.id}} }

// Accept is the use case Accept.
func (m *Moves) Accept(ctx context.Context, who shortbreaks.Actor, booking uuid.UUID) (*Booking, error) {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	b, err := m.accepts.Ask(ctx, wish{who: who, id: booking, cause: "accepted"})
	if errors.Is(err, errAlone) {
		return Accept(ctx, m.d, who, booking)
	}
	return b, err
}

// Cancel is the use case Cancel.
func (m *Moves) Cancel(ctx context.Context, who shortbreaks.Actor, c CancelBooking) (*Booking, error) {
	err := errAlone
	var b *Booking
	if who.Is(shortbreaks.Family) {
		b, err = m.cancels.Ask(ctx, wish{who: who, id: c.BookingID, named: c.ItemIDs, cause: c.Reason})
	}
	if errors.Is(err, errAlone) {
		return Cancel(ctx, m.d, who, c)
	}
	return b, err
}

// Confirm is the use case Confirm.
func (m *Moves) Confirm(ctx context.Context, who shortbreaks.Actor, item uuid.UUID) (*Item, error) {
	err := errAlone
	var it *Item
	if who.Is(shortbreaks.Family) {
		it, err = m.agrees.Ask(ctx, wish{who: who, id: item, cause: "agreed"})
	}
	if errors.Is(err, errAlone) {
		return Confirm(ctx, m.d, who, item)
	}
	return it, err
}

// Record is the use case Record.
func (m *Moves) Record(ctx context.Context, who shortbreaks.Actor, r RecordAttendance) (*Item, error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	it, err := m.records.Ask(ctx, wish{who: who, id: r.ItemID, entry: r})
	if errors.Is(err, errAlone) {
		return Record(ctx, m.d, who, r)
	}
	return it, err
}

// together is an actor that reaches what all of these do, of their one role:
// it reads what is then looked at for each by who asked.
func together(asked []wish) (all shortbreaks.Actor) {
	all.Role = asked[0].who.Role
	for _, a := range asked {
		all.Authorities = addAll(all.Authorities, a.who.Authorities)
		all.Providers = addAll(all.Providers, a.who.Providers)
		all.Children = addAll(all.Children, a.who.Children)
	}
	return all
}

// moveAll runs f in one transaction for all who asked; if that fails as a
// whole, each is to be served alone.
func moveAll[A any](ctx context.Context, d *db.DB, asked []wish, f func(tx *db.Tx, answers []db.Answer[A]) error) []db.Answer[A] {
	answers := make([]db.Answer[A], len(asked))
	err := d.Do(ctx, db.For(together(asked)).ByKey(), func(tx *db.Tx) error {
		clear(answers)
		return f(tx, answers)
	})
	if err != nil {
		for i := range answers {
			answers[i] = db.Answer[A]{Err: errAlone}
		}
	}
	return answers
}

// chosenBy gives each who asked the items of theirs that are to be moved, or
// the reason for none, and all of them in the order of their locks.
func chosenBy[A any](asked []wish, locked []*Item, idOf func(*Item) uuid.UUID, answers []db.Answer[A], choose func(wish, []*Item) ([]*Item, error)) []*Item {
	of := make(map[uuid.UUID][]*Item, len(asked))
	for _, it := range locked {
		of[idOf(it)] = append(of[idOf(it)], it)
	}
	taken := make(map[uuid.UUID]bool, len(locked))
	for i, a := range asked {
		own := of[a.id]
		if len(own) == 0 || !mayAct(a.who, own[0]) {
			answers[i].Err = shortbreaks.ErrNotFound
			continue
		}
		if own, answers[i].Err = choose(a, own); answers[i].Err != nil {
			continue
		}
		for _, it := range own {
			it.by = &mover{who: a.who, cause: a.cause}
			taken[it.ID] = true
		}
	}
	return slices.DeleteFunc(locked, func(it *Item) bool { return !taken[it.ID] })
}

func byBooking(it *Item) uuid.UUID { return it.BookingID }

func byItem(it *Item) uuid.UUID { return it.ID }

// answerBookings reads the bookings of those not refused.
func answerBookings(ctx context.Context, tx *db.Tx, asked []wish, answers []db.Answer[*Booking]) error {
	var ids []uuid.UUID
	for i, a := range asked {
		if answers[i].Err == nil {
			ids = append(ids, a.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := loadBookings(ctx, tx, together(asked), `b.id = ANY ($3)`, ids)
	if err != nil {
		return err
	}
	of := make(map[uuid.UUID]*Booking, len(found))
	for _, b := range found {
		of[b.ID] = b
	}
	for i, a := range asked {
		if answers[i].Err == nil {
			answers[i].Is = of[a.id]
		}
	}
	return nil
}

func askedIDs(asked []wish) []uuid.UUID {
	ids := make([]uuid.UUID, len(asked))
	for i, a := range asked {
		ids[i] = a.id
	}
	return ids
}

func (m *Moves) acceptAll(ctx context.Context, asked []wish) []db.Answer[*Booking] {
	return moveAll(ctx, m.d, asked, func(tx *db.Tx, answers []db.Answer[*Booking]) error {
		locked, err := selectItems(ctx, tx, `booking_id = ANY ($1) ORDER BY authority_id, id FOR UPDATE`, askedIDs(asked))
		if err != nil {
			return err
		}
		items := chosenBy(asked, locked, byBooking, answers, func(_ wish, own []*Item) ([]*Item, error) {
			if slices.ContainsFunc(own, func(it *Item) bool { return it.MovedFrom != nil }) {
				return nil, errAlone
			}
			return acceptable(own, tx.Now)
		})
		if err := move(ctx, tx, items, Confirmed, mover{}); err != nil {
			return err
		}
		return answerBookings(ctx, tx, asked, answers)
	})
}

func (m *Moves) cancelAll(ctx context.Context, asked []wish) []db.Answer[*Booking] {
	return moveAll(ctx, m.d, asked, func(tx *db.Tx, answers []db.Answer[*Booking]) error {
		locked, err := selectItems(ctx, tx, `booking_id = ANY ($1) ORDER BY authority_id, id FOR UPDATE`, askedIDs(asked))
		if err != nil {
			return err
		}
		items := chosenBy(asked, locked, byBooking, answers, func(a wish, own []*Item) ([]*Item, error) {
			return chosen(own, a.named, CancelledByFamily, tx.Now)
		})
		if len(items) == 0 {
			return nil
		}
		bookings, err := selectBookings(ctx, tx, together(asked), `b.id = ANY ($3)`, bookingsOf(items))
		if err != nil {
			return err
		}
		if err := cancelAcross(ctx, tx, bookings, items, CancelledByFamily, mover{}); err != nil {
			return err
		}
		return answerBookings(ctx, tx, asked, answers)
	})
}

func (m *Moves) agreeAll(ctx context.Context, asked []wish) []db.Answer[*Item] {
	return moveAll(ctx, m.d, asked, func(tx *db.Tx, answers []db.Answer[*Item]) error {
		locked, err := selectItems(ctx, tx, `id = ANY ($1) ORDER BY authority_id, id FOR UPDATE`, askedIDs(asked))
		if err != nil {
			return err
		}
		items := chosenBy(asked, locked, byItem, answers, func(_ wish, own []*Item) ([]*Item, error) {
			if own[0].State == Disputed {
				return nil, errAlone // the query is withdrawn first
			}
			return own, own[0].settleable()
		})
		for _, it := range items {
			it.AutoConfirmAt = nil
		}
		if err := move(ctx, tx, items, Settled, mover{}); err != nil {
			return err
		}
		if err := settle(ctx, tx, items, payments.KindCapture, shortbreaks.Actor{}); err != nil {
			return err
		}
		return answerItems(ctx, tx, asked, items, answers)
	})
}

// answerItems gives each who asked and was not refused their item.
func answerItems(ctx context.Context, tx *db.Tx, asked []wish, items []*Item, answers []db.Answer[*Item]) error {
	if err := fill(ctx, tx, together(asked), items); err != nil {
		return err
	}
	of := itemsByID(items)
	for i, a := range asked {
		if answers[i].Err == nil {
			answers[i].Is = of[a.id]
		}
	}
	return nil
}

func itemsByID(items []*Item) map[uuid.UUID]*Item {
	of := make(map[uuid.UUID]*Item, len(items))
	for _, it := range items {
		of[it.ID] = it
	}
	return of
}
