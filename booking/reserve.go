package booking

import (
	"context"
	"fmt"
	"time"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// Reserve takes places and money for a set of orders, or for none of them if
// the database refuses the whole. Each order gets its own verdict: reserved,
// or a refusal that leaves nothing behind. It is the only way to take a place
// and is used by every path.
//
// The rows are locked in one order, the decisions are made here with the rows
// in hand, and everything is written by a few set-based statements. Refusals:
// quote-expired, quote-used, not-allowed-by-plan, offer-closed,
// session-started, already-booked, session-full, lane-taken, budget-too-low.
func Reserve(ctx context.Context, tx *db.Tx, orders []Order) ([]Verdict, error) {
	b, soldOut, err := lockBoard(ctx, tx, orders)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(orders))
	if soldOut {
		for i, o := range orders {
			verdicts[i].Refusal = b.refuseFull(o, tx.Now)
		}
		return verdicts, nil
	}
	var w writes
	for i, o := range orders {
		t := taking{board: b, order: o, now: tx.Now, lanes: b.lanes.Mark()}
		basket, err := t.decide()
		if err != nil {
			t.giveBack()
			verdicts[i].Refusal = err
			continue
		}
		verdicts[i].Basket = basket
		w.add(t, basket)
	}
	return verdicts, w.write(ctx, tx)
}

// refuseFull says why an order of a sold-out session is refused: a fault of its
// own quotes before the lack of places.
func (b *board) refuseFull(o Order, now time.Time) error {
	t := taking{board: b, order: o, now: now}
	for _, q := range o.Quotes {
		if err := t.checkQuote(q); err != nil {
			return err
		}
	}
	return b.fullFor(o)
}

// taking is one order at the board, and what it has taken so far.
type taking struct {
	board  *board
	order  Order
	now    time.Time
	claims []marketplace.LaneClaim
	holds  []*payments.Hold
	from   []*payments.Account // of each hold
	lanes  int                 // where this order's picks of lanes begin
	undo   []func()            // in order of taking
}

func (t *taking) did(undo func()) { t.undo = append(t.undo, undo) }

func (t *taking) giveBack() {
	t.board.lanes.Undo(t.lanes)
	for i := len(t.undo) - 1; i >= 0; i-- {
		t.undo[i]()
	}
}

func (t *taking) decide() (*Basket, error) {
	basket := &Basket{ID: shortbreaks.NewID()}
	for _, q := range t.order.Quotes {
		if err := t.checkQuote(q); err != nil {
			return nil, err
		}
		booking := t.newBooking(basket, q)
		for n, qi := range q.Document.Items {
			item, err := t.take(booking, q, n, qi)
			if err != nil {
				return nil, err
			}
			booking.Items = append(booking.Items, item)
		}
		basket.Bookings = append(basket.Bookings, booking)
	}
	return basket, nil
}

func (t *taking) checkQuote(q *Quote) error {
	switch {
	case t.board.used[q.ID]:
		return ErrQuoteUsed.With("Look at your bookings, or ask for a new quote.")
	case !t.now.Before(q.ExpiresAt):
		return ErrQuoteExpired.With("Nothing was booked. Ask for a new quote; the price may have changed.")
	case !q.Document.Allowed:
		return ErrNotAllowed.With(because(q.Document.Because))
	case !t.board.open[q.OfferID]:
		return marketplace.ErrOfferClosed.With("Nothing was booked. The provider takes no bookings for it at present; look for another offer.")
	}
	t.board.used[q.ID] = true
	t.did(func() { delete(t.board.used, q.ID) })
	return nil
}

func because(reasons []string) string {
	if len(reasons) == 0 {
		return "No line of the plan pays for this. Nothing was booked."
	}
	return reasons[0]
}

func (t *taking) newBooking(basket *Basket, q *Quote) *Booking {
	b := &Booking{
		AuthorityID: t.order.Authority, ID: shortbreaks.NewID(), BasketID: basket.ID, QuoteID: q.ID, Reference: shortbreaks.NewReference(),
		ChildID: q.ChildID, ProviderID: q.ProviderID, OfferID: q.OfferID, VersionID: q.VersionID, TotalPence: q.TotalPence,
		Terms: q.Document.Terms, BilledOn: q.Document.BilledOn, CreatedBy: t.order.Who.Person, OnBehalf: t.order.Who.Staff(), CreatedAt: t.now,
		ProviderName: q.Document.ProviderName, OfferTitle: q.Document.OfferTitle,
	}
	if c := t.order.Children[q.ChildID]; c != nil {
		b.ChildFirstName = c.FirstName
	}
	if t.order.Key != "" {
		b.CreatedKey = &t.order.Key
	}
	return b
}

// take makes one item: its place or worker, then its money.
func (t *taking) take(b *Booking, q *Quote, n int, qi QuotedItem) (*Item, error) {
	item := &Item{
		AuthorityID: b.AuthorityID, ID: shortbreaks.NewID(), BookingID: b.ID, N: n, ProviderID: b.ProviderID, ChildID: &q.ChildID,
		AttendeeKind: qi.AttendeeKind, SessionID: qi.SessionID, StartsAt: qi.StartsAt, EndsAt: qi.EndsAt, LocalStart: qi.LocalStart,
		TimeZone: shortbreaks.ZoneName, VersionID: b.VersionID, State: Confirmed, PricePence: qi.PricePence,
	}
	if !t.now.Before(qi.StartsAt) {
		return nil, marketplace.ErrSessionStarted.With(fmt.Sprintf("%s began before you booked. Nothing was booked.", qi.LocalStart))
	}
	if !q.Document.Instant {
		item.State, item.ExpiresAt = Requested, requestExpiry(q, t.now)
	}
	item.hold(q, t.now)
	var err error
	if qi.SessionID == nil {
		err = t.takeLane(item, q, qi)
	} else {
		err = t.takePlace(item, qi)
	}
	if err != nil {
		return nil, err
	}
	for _, c := range qi.Charges {
		item.Charges = append(item.Charges, Charge{
			AuthorityID: b.AuthorityID, ItemID: item.ID, N: c.N, ProviderID: b.ProviderID, Kind: c.Kind, Payer: c.Payer, Unit: c.Unit,
			Quantity: c.Quantity, AmountPence: c.AmountPence, LineID: c.LineID,
		})
		if err := t.takeMoney(item, q.Document.Category, c); err != nil {
			return nil, err
		}
	}
	return item, nil
}

// requestExpiry is when an unanswered request ends: the set time, never past
// the first start.
func requestExpiry(q *Quote, now time.Time) *time.Time {
	at := now.Add(q.Document.RequestWithin)
	for _, it := range q.Document.Items {
		if it.StartsAt.Before(at) {
			at = it.StartsAt
		}
	}
	return &at
}

func (t *taking) takePlace(item *Item, qi QuotedItem) error {
	key := attendance{child: *item.ChildID, session: *item.SessionID}
	if t.board.attends[key] {
		return alreadyBooked(item.LocalStart)
	}
	p := t.board.places[marketplace.PlaceKey{Provider: item.ProviderID, Session: *item.SessionID}]
	if p.Free() == 0 || p.Moved(item.StartsAt, item.EndsAt) {
		return noPlace(p, item.LocalStart)
	}
	if err := item.awaitGroup(p.Minimum, qi, t.now); err != nil {
		return err
	}
	if err := t.takeParty(item, p, qi.Party); err != nil {
		return err
	}
	seq := p.Seq
	item.PlaceSeq = &seq
	t.board.attends[key] = true
	t.did(func() { delete(t.board.attends, key) })
	return nil
}

func (t *taking) takeLane(item *Item, q *Quote, qi QuotedItem) error {
	wish := laneWish(q, qi)
	lane, ok := t.board.lanes.Pick(wish)
	if !ok {
		return marketplace.ErrLaneTaken.With("Nobody is free at " + item.LocalStart + ". Nothing was booked; try another time.")
	}
	item.LaneID = &lane
	t.claims = append(t.claims, marketplace.LaneClaim{Provider: item.ProviderID, Lane: lane, Item: item.ID, From: wish.From, To: wish.To})
	return nil
}

// takeMoney holds what a charge costs in each account that pays for it. What
// the family pays the provider itself is not held.
func (t *taking) takeMoney(item *Item, category string, c QuotedCharge) error {
	if c.Payer == payments.PayerFamilyDirect {
		return nil
	}
	if c.LineID != nil {
		line := t.board.lines[*c.LineID]
		if line == nil || !line.Pays(category, c.Kind, shortbreaks.Date(item.StartsAt)) {
			return ErrNotAllowed.With("The plan line this was quoted on no longer pays for it. Nothing was booked; ask for a new quote.")
		}
		if line.Free() < c.Quantity {
			return ErrBudgetTooLow.With("The plan line \"" + line.Description + "\" has too little left. Nothing was booked.")
		}
		line.Held += c.Quantity
		t.did(func() { line.Held -= c.Quantity })
	}
	for _, s := range c.Funding {
		if s.Amount == 0 {
			continue
		}
		account := t.board.accounts[s.AccountID]
		if account == nil {
			return ErrBudgetTooLow.With("There is no " + streamWords(s.Stream) + " for " + item.LocalStart[:10] + ". Nothing was booked.")
		}
		if account.Free() < s.Amount {
			return ErrBudgetTooLow.With("There is too little " + streamWords(s.Stream) + " left. Nothing was booked and no place was kept.")
		}
		account.Held += s.Amount
		t.did(func() { account.Held -= s.Amount })
		t.holds = append(t.holds, &payments.Hold{
			Authority: item.AuthorityID, ID: shortbreaks.NewID(), Item: item.ID, ChargeN: c.N, Account: s.AccountID, Line: c.LineID,
			Unit: c.Unit, Amount: s.Amount, State: payments.Pending,
		})
		t.from = append(t.from, account)
	}
	return nil
}

func streamWords(stream string) string {
	switch stream {
	case "":
		return "top-up money"
	case "social_care":
		return "social care money"
	}
	return stream + " money"
}
