package booking

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
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
// in hand, and everything is written by a few set-based statements: one round
// trip for the locks, two more if somebody's time is asked for, and one for
// the writing. Refusals: quote-expired, quote-used, not-allowed-by-plan, ask-first,
// offer-closed, introduction-needed, ratio-decided,
// competency-missing, session-started, already-booked, session-full, lane-taken,
// budget-too-low.
func Reserve(ctx context.Context, tx *db.Tx, orders []Order) ([]Verdict, error) {
	var locks, writing pgx.Batch
	r := reservation{orders: orders}
	r.queueLocks(&locks)
	if err := tx.PGX.SendBatch(ctx, &locks).Close(); err != nil {
		return nil, fmt.Errorf("lock for reserve: %w", err)
	}
	if err := r.lockRest(ctx, tx); err != nil {
		return nil, err
	}
	r.decide(tx.Now)
	r.writes.queue(&writing, tx.Now)
	if err := send(ctx, tx, &writing); err != nil {
		return nil, err
	}
	return r.verdicts, nil
}

// reservation is a set of orders on its way through Reserve.
type reservation struct {
	orders   []Order
	need     needed
	board    *board
	verdicts []Verdict
	writes   writes
}

// decide gives each order that has none yet its verdict, in order: what one
// takes, the next no longer finds.
func (r *reservation) decide(now time.Time) {
	if r.verdicts == nil {
		r.verdicts = make([]Verdict, len(r.orders))
	}
	for i, o := range r.orders {
		if r.verdicts[i].Refusal != nil {
			continue
		}
		t := taking{board: r.board, order: o, now: now, lanes: r.board.lanes.Mark()}
		basket, err := t.decide()
		if err != nil {
			t.giveBack()
			r.verdicts[i].Refusal = err
			continue
		}
		r.verdicts[i].Basket = basket
		r.writes.add(t, basket)
	}
}

// send writes what was decided. The schema says no a second time: what it
// refuses is told as the refusal it is.
func send(ctx context.Context, tx *db.Tx, batch *pgx.Batch) error {
	if batch.Len() == 0 {
		return nil
	}
	err := tx.PGX.SendBatch(ctx, batch).Close()
	switch {
	case err == nil:
		return nil
	case marketplace.TakenLane(err):
		return marketplace.ErrLaneTaken
	case payments.BelowFloor(err), budgets.AboveLimit(err):
		return fmt.Errorf("%w (%w)", ErrBudgetTooLow, err)
	}
	switch db.ConstraintName(err) {
	case "quote_books_once":
		return ErrQuoteUsed.With("Look at your bookings, or ask for a new quote.")
	case "child_once_in_a_session":
		return ErrAlreadyBooked.With("Nothing was booked. Look at your bookings.")
	}
	return fmt.Errorf("write bookings: %w", err)
}

// refuseFull says why an order of a sold-out session is refused: a fault of its
// own quotes before the lack of places.
func (b *board) refuseFull(o Order, now time.Time) error {
	t := taking{board: b, order: o, now: now}
	for _, q := range o.Quotes {
		if err := t.checkQuote(q); err != nil {
			return err
		}
		delete(b.used, q.ID) // nothing is taken here
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
	fresh  []*OutsidePlace // taken now, and not before
	lanes  int             // where this order's picks of lanes begin
	undo   []func()        // in order of taking
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
		booking, err := t.decideQuote(basket, q)
		if err != nil {
			return nil, t.nameLines(err)
		}
		basket.Bookings = append(basket.Bookings, booking)
	}
	if err := t.takeOutside(); err != nil {
		return nil, err
	}
	return basket, nil
}

func (t *taking) decideQuote(basket *Basket, q *Quote) (*Booking, error) {
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
	return booking, nil
}

func (t *taking) checkQuote(q *Quote) error {
	switch {
	case t.board.used[q.ID]:
		return ErrQuoteUsed.With("Look at your bookings, or ask for a new quote.")
	case !t.now.Before(q.ExpiresAt):
		return ErrQuoteExpired.With("Nothing was booked. Ask for a new quote; the price may have changed.")
	case !q.Document.Allowed:
		return ErrNotAllowed.With(because(q.Document.Because) + " Nothing was booked.")
	case q.Document.Ask != "":
		return ErrAskFirst.With(q.Document.Ask + " Nothing was booked. " + askPractitioner)
	case !t.board.open[q.OfferID]:
		return marketplace.ErrOfferClosed.With("Nothing was booked. The provider takes no bookings for it at present; look for another offer.")
	}
	if err := t.board.checkIntroduced(q); err != nil {
		return err
	}
	t.board.used[q.ID] = true
	t.did(func() { delete(t.board.used, q.ID) })
	return nil
}

// because is the first of the reasons, as a sentence.
func because(reasons []string) string {
	if len(reasons) == 0 {
		return "No line of the plan pays for this."
	}
	return strings.TrimSuffix(reasons[0], ".") + "."
}

func (t *taking) newBooking(basket *Basket, q *Quote) *Booking {
	b := &Booking{
		AuthorityID: t.order.Authority, ID: shortbreaks.NewID(), BasketID: basket.ID, QuoteID: q.ID, Reference: shortbreaks.NewReference(),
		ChildID: q.ChildID, ProviderID: q.ProviderID, OfferID: q.OfferID, VersionID: q.VersionID, TotalPence: q.TotalPence,
		Terms: q.Document.Terms, BilledOn: q.Document.BilledOn, CreatedBy: t.order.Who.Person, OnBehalf: t.order.Who.Staff(), CreatedAt: t.now,
		ProviderName: q.Document.ProviderName, OfferTitle: q.Document.OfferTitle,
	}
	b.ChildFirstName = t.order.FirstNames[q.ChildID]
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
	if err := t.board.crew.missing(q, qi); err != nil {
		return nil, err
	}
	var err error
	switch {
	case qi.Ticket != nil:
		item.Ticket = newTicket(item, q, qi.Ticket, t.now)
	case qi.SessionID == nil:
		err = t.takeLane(item, q, qi)
	default:
		err = t.takePlace(item, qi)
	}
	if err != nil {
		return nil, err
	}
	if err := t.useTicket(item, q); err != nil {
		return nil, err
	}
	for _, c := range qi.Charges {
		item.Charges = append(item.Charges, Charge{
			AuthorityID: b.AuthorityID, ItemID: item.ID, N: c.N, ProviderID: b.ProviderID, Kind: c.Kind, Payer: c.Payer, Unit: c.Unit,
			Quantity: c.Quantity, AmountPence: c.AmountPence, LineID: c.LineID,
		})
		item.Dues = append(item.Dues, c.duesOf(item, t.now)...)
		if err := t.takeMoney(item, q.Document.Category, qi.paysOn(), c); err != nil {
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
	if err := t.takeKept(item, p, qi.Party); err != nil {
		return err
	}
	if free := t.freeOf(p); free == 0 || p.Moved(item.StartsAt, item.EndsAt) {
		return noPlace(p, free, item.LocalStart)
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

// freeOf is how many places of a session this order may take. What came free
// while others wait is for them, and for an emergency, which has its own.
func (t *taking) freeOf(p *marketplace.Places) int {
	if t.order.FromLine || t.order.Emergency != nil {
		return p.Left()
	}
	return p.Free()
}

func (t *taking) takeLane(item *Item, q *Quote, qi QuotedItem) error {
	wish := laneWish(q, qi)
	if len(qi.Tasks) > 0 {
		wish.Only = t.board.crew.lanesFor(q, qi)
	}
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
func (t *taking) takeMoney(item *Item, category string, on time.Time, c QuotedCharge) error {
	if c.Payer == payments.PayerFamilyDirect {
		return nil
	}
	if c.LineID != nil {
		line := t.board.lines[*c.LineID]
		if line == nil || !line.Pays(category, c.Kind, on) {
			return ErrNotAllowed.With("The plan line this was quoted on no longer pays for it. Nothing was booked; ask for a new quote.")
		}
		if line.Free() < c.Quantity {
			return ErrBudgetTooLow.With("The plan line \"" + line.Description + "\" has too little left. Nothing was booked.")
		}
		line.Held += c.Quantity
		t.did(func() { line.Held -= c.Quantity })
	}
	for _, s := range c.inParts() {
		if s.Amount == 0 {
			continue
		}
		account := t.board.accounts[s.AccountID]
		if account == nil {
			return ErrBudgetTooLow.With("There is no " + c.money(s.Stream) + " for " + item.LocalStart[:10] + ". Nothing was booked.")
		}
		h := &payments.Hold{
			Authority: item.AuthorityID, ID: shortbreaks.NewID(), Item: item.ID, ChargeN: c.N, Account: s.AccountID, Line: c.LineID,
			Unit: c.Unit, Amount: s.Amount, Due: s.due, State: payments.Pending, CreatedAt: t.now,
		}
		if !account.Hold(h) {
			return ErrBudgetTooLow.With("There is too little " + c.money(s.Stream) + " left. Nothing was booked and no place was kept.")
		}
		t.did(func() { account.TakeBack(h) })
		t.holds = append(t.holds, h)
		item.Holds = append(item.Holds, ItemHold{Hold: *h, AccountKind: account.Kind, Stream: account.Stream})
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
