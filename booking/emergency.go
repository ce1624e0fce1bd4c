package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// CreateEmergency books a place kept for emergencies, at any hour, even when
// the child's budget is short (R027): the authority's contingency pays, and
// what becomes of that is decided the next working day.
type CreateEmergency struct {
	ChildID            uuid.UUID
	CapacityID         uuid.UUID // the places kept
	Stream             string    // whose contingency pays
	Reason             string
	ChargeKinds        []string           // optional kinds wanted: transport, ...
	ExpectedTotalPence *shortbreaks.Pence // nil: whatever it costs; another total is price-changed
	Idem               *shortbreaks.Idem
}

// BookEmergency books at the ordinary price, through Reserve: confirmed at
// once, since the provider agreed when it kept the place. What the provider
// asks of anybody stays asked: an introduction, somebody signed off. Errors:
// forbidden, not-found, invalid, price-changed, no-emergency-places,
// idempotency-key-reused, request-in-progress, and those of quotes and of
// Reserve.
func BookEmergency(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CreateEmergency) (e *Emergency, reply *shortbreaks.Reply, err error) {
	if !who.Is(shortbreaks.Practitioner, shortbreaks.Approver) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	var f shortbreaks.Faults
	f.Text("/reason", c.Reason, 3, 500)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, nil, err
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		e, reply = nil, nil
		child, err := budgets.LoadChild(ctx, tx, who, c.ChildID)
		if err != nil {
			return err
		}
		if reply, err = tx.Replay(ctx, child.AuthorityID, c.Idem); reply != nil || err != nil {
			return err
		}
		if e, err = c.book(ctx, tx, who, child); err != nil {
			return err
		}
		reply, err = tx.Keep(ctx, child.AuthorityID, c.Idem, e)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return e, reply, nil
}

func (c CreateEmergency) book(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, child *budgets.Child) (*Emergency, error) {
	ref := marketplace.EmergencyRef{Authority: child.AuthorityID, ID: c.CapacityID}
	kept, err := marketplace.ReadEmergency(ctx, tx, ref)
	if err != nil {
		return nil, err
	}
	q, err := c.quote(ctx, tx, who, child, kept)
	if err != nil {
		return nil, err
	}
	order := Order{Authority: child.AuthorityID, Who: who, Quotes: []*Quote{q}, Emergency: &ref, FirstNames: map[uuid.UUID]string{child.ID: child.FirstName}}
	if c.Idem != nil {
		order.Key = c.Idem.Key
	}
	verdicts, err := Reserve(ctx, tx, []Order{order})
	if err != nil {
		return nil, err
	}
	if verdicts[0].Refusal != nil {
		return nil, verdicts[0].Refusal
	}
	by, err := nextWorkingDay(ctx, tx)
	if err != nil {
		return nil, err
	}
	b := verdicts[0].Basket.Bookings[0]
	_, err = tx.PGX.Exec(ctx, `INSERT INTO emergency_booking (authority_id, booking_id, item_id, child_id, capacity_id, stream, reason, booked_by, booked_at, decide_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, child.AuthorityID, b.ID, b.Items[0].ID, child.ID, c.CapacityID, c.Stream, c.Reason, who.Person, tx.Now, by)
	if err != nil {
		return nil, fmt.Errorf("write emergency booking: %w", err)
	}
	return emergencyByID(ctx, tx, who, b.ID)
}

// quote is the ordinary quote, without notice or horizon, that the contingency
// pays in full.
func (c CreateEmergency) quote(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, child *budgets.Child, kept *marketplace.EmergencyPlaces) (*Quote, error) {
	ask := CreateQuote{ChildID: child.ID, OfferID: kept.OfferID, SessionIDs: []uuid.UUID{kept.SessionID}, ChargeKinds: c.ChargeKinds, anyHour: true}
	offered, introduction, err := offeringFor(ctx, tx, child, &ask)
	if err != nil {
		return nil, err
	}
	settings, err := budgets.SettingsOn(ctx, tx, child.AuthorityID, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, err
	}
	q := draftQuote(who, child, offered, ask, tx.Now, settings)
	q.Document.Introduction, q.Document.Instant = introduction, true
	if c.ExpectedTotalPence != nil && *c.ExpectedTotalPence != q.TotalPence {
		return nil, ErrPriceChanged.With(fmt.Sprintf("It costs %s and you sent %s. Nothing was booked.", q.TotalPence, *c.ExpectedTotalPence)).
			At("/expected_total_pence", "This is not the price.")
	}
	if err := noteNeeds(ctx, tx, q); err != nil {
		return nil, err
	}
	if err := q.fundFromContingency(ctx, tx, c.Stream); err != nil {
		return nil, err
	}
	if err := noteNights(ctx, tx, q); err != nil {
		return nil, err
	}
	return q, insertQuote(ctx, tx, q)
}

// fundFromContingency has the emergency money of one stream pay every charge:
// no line of the plan, and nothing of the child's budget.
func (q *Quote) fundFromContingency(ctx context.Context, tx *db.Tx, stream string) error {
	for i := range q.Document.Items {
		it := &q.Document.Items[i]
		account, period, err := payments.ContingencyOn(ctx, tx, q.AuthorityID, stream, shortbreaks.Date(it.StartsAt))
		if err != nil {
			return err
		}
		if account == uuid.Nil && len(it.Charges) > 0 {
			return ErrBudgetTooLow.With("There is no emergency money of this stream for " + it.LocalStart[:10] + ". Nothing was booked.")
		}
		for j := range it.Charges {
			ch := &it.Charges[j]
			ch.Allowed, ch.Because = true, "The council's emergency money pays for this."
			ch.Payer, ch.Unit, ch.Quantity = payments.PayerContingency, payments.InPence, int64(ch.AmountPence)
			ch.Funding = []QuotedShare{{Stream: stream, PeriodID: period, AccountID: account, Amount: ch.Quantity}}
		}
	}
	q.Document.Allowed, q.Document.Because = true, []string{}
	return nil
}

// money names what a charge is paid from.
func (c QuotedCharge) money(stream string) string {
	if c.Payer == payments.PayerContingency {
		return "emergency money"
	}
	return streamWords(stream)
}

// takeKept makes room for an item of an emergency from the places kept for it,
// and from nothing else.
func (t *taking) takeKept(item *Item, p *marketplace.Places, party Party) error {
	if t.order.Emergency == nil {
		return nil
	}
	kept := t.board.kept[t.order.Emergency.ID]
	if kept == nil || kept.AuthorityID != item.AuthorityID || kept.ProviderID != item.ProviderID || kept.SessionID != *item.SessionID {
		return marketplace.ErrNotEmergency.With("These places are not kept for this. Nothing was booked.")
	}
	undo, err := kept.Take(p, party.places(), item.StartsAt, t.now)
	if err != nil {
		return err
	}
	t.did(undo)
	return nil
}

// useKept notes what an accepted order uses of the places kept.
func (w *writes) useKept(o Order, basket *Basket) {
	if o.Emergency == nil {
		return
	}
	if w.kept == nil {
		w.kept = map[marketplace.EmergencyRef]int{}
	}
	for _, b := range basket.Bookings {
		for _, it := range b.Items {
			w.kept[*o.Emergency] += it.Places
		}
	}
}

// besidesKept is what a capacity leaves for bookings once what is kept for
// emergencies is taken off it.
func besidesKept(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, session uuid.UUID, capacity int) (int, error) {
	for _, provider := range who.Providers {
		aside, err := marketplace.SetAside(ctx, tx, provider, []uuid.UUID{session})
		if err != nil {
			return 0, err
		}
		capacity -= aside[session]
	}
	return capacity, nil
}

// nextWorkingDay is the first day after today that is no weekend and no bank
// holiday.
func nextWorkingDay(ctx context.Context, tx *db.Tx) (time.Time, error) {
	today := shortbreaks.Date(tx.Now)
	holidays, err := marketplace.BankHolidays(ctx, tx, today, today.AddDate(0, 0, 14))
	if err != nil {
		return time.Time{}, err
	}
	day := today.AddDate(0, 0, 1)
	for holidays[day] != "" || shortbreaks.ISOWeekday(day) > 5 {
		day = day.AddDate(0, 0, 1)
	}
	return day, nil
}
