package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// The refusals of blocks of dates.
var (
	ErrTicketUsedUp = shortbreaks.NewError(shortbreaks.Conflict, "ticket-used-up", "No dates are left of this block")
	ErrTicketDates  = shortbreaks.NewError(shortbreaks.Conflict, "ticket-not-valid", "This block cannot be used for that")
	ErrTicketInUse  = shortbreaks.NewError(shortbreaks.Conflict, "ticket-in-use", "Dates of this block have been used")
)

// Ticket is a block of dates bought at once (MODEL: block of n valid for w
// weeks). It is paid as its price list says, whole, whatever becomes of the
// dates: what is not used by its last day lapses.
type Ticket struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID // that of the item that was bought
	ProviderID  uuid.UUID
	ChildID     uuid.UUID
	OfferID     uuid.UUID
	VersionID   uuid.UUID
	OptionName  string
	Count       int
	Used        int
	ValidFrom   time.Time // dates: midnight UTC
	ValidTo     time.Time // the last
	CreatedAt   time.Time

	State        State // of its item: confirmed while it can be used
	BookingID    uuid.UUID
	PricePence   shortbreaks.Pence
	OfferTitle   string
	ProviderName string
}

// Left is how many dates may still be booked off it.
func (t *Ticket) Left() int { return t.Count - t.Used }

// QuotedTicket stands in a quote for a block.
type QuotedTicket struct {
	Option string    `json:"option"`
	Count  int       `json:"count"`
	From   time.Time `json:"from"` // dates
	To     time.Time `json:"to"`
}

// paysOn is the date whose money pays for an item: of a block, the day from
// which it can be used.
func (it *QuotedItem) paysOn() time.Time {
	if it.Ticket != nil {
		return it.Ticket.From
	}
	return shortbreaks.Date(it.StartsAt)
}

// IsTicket reports whether the item is a block that was bought, and no date.
func (it *Item) IsTicket() bool { return it.SessionID == nil && it.LaneID == nil }

// BuyTicket buys a block of dates for a child.
type BuyTicket struct {
	ChildID            uuid.UUID
	OfferID            uuid.UUID
	Option             string     // name of the price that sells it
	From               *time.Time // a London date: the first it may be used on; nil: today
	PlanLineID         *uuid.UUID
	FamilyPays         string
	ExpectedTotalPence shortbreaks.Pence
	Idem               *shortbreaks.Idem // renders a *Basket with the ticket on its one item
}

// BuyTicket buys a block: its price is held, or taken ahead, as its price list
// says, like that of any booking. Errors: forbidden, not-found, invalid,
// offer-closed, price-changed, and those of Reserve.
func (k *Desk) BuyTicket(ctx context.Context, who shortbreaks.Actor, c BuyTicket) (*shortbreaks.Reply, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var before *shortbreaks.Reply
	var q *Quote
	err := k.d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		before, q = nil, nil
		child, err := budgets.LoadChild(ctx, tx, who, c.ChildID)
		if err != nil {
			return err
		}
		if before, err = answeredBefore(ctx, tx, child.AuthorityID, c.Idem); before != nil || err != nil {
			return err
		}
		if q, err = draftTicket(ctx, tx, who, child, c); err != nil {
			return err
		}
		if q.TotalPence != c.ExpectedTotalPence {
			return ErrPriceChanged.With(fmt.Sprintf("It costs %s and you sent %s. Nothing was bought; check the price and try again.",
				q.TotalPence, c.ExpectedTotalPence)).At("/expected_total_pence", "This is not the price.")
		}
		return insertQuote(ctx, tx, q)
	})
	if before != nil || err != nil {
		return before, err
	}
	return k.Create(ctx, people.As(who), CreateBooking{Quotes: []QuoteToBook{{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence}}, Idem: c.Idem})
}

// draftTicket prices and funds a block; it writes nothing.
func draftTicket(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, child *budgets.Child, c BuyTicket) (*Quote, error) {
	from := shortbreaks.Date(tx.Now)
	if c.From != nil {
		from = *c.From
	}
	offered, err := marketplace.OfferingTicket(ctx, tx, marketplace.TicketWant{
		OfferID: c.OfferID, Option: c.Option, From: from, ReducedRate: child.ReducedRate, Schemes: child.FundedSchemes, Authority: child.AuthorityID,
	})
	if err != nil {
		return nil, err
	}
	settings, err := budgets.SettingsOn(ctx, tx, child.AuthorityID, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, err
	}
	asked := CreateQuote{ChildID: c.ChildID, OfferID: c.OfferID, PlanLineID: c.PlanLineID, FamilyPays: c.FamilyPays}
	q := draftQuote(who, child, &offered.Offered, asked, tx.Now, settings)
	q.Document.Items[0].Ticket = &QuotedTicket{Option: c.Option, Count: offered.Block.Count, From: from, To: offered.To}
	if err := fundQuote(ctx, tx, q, child, asked); err != nil {
		return nil, err
	}
	q.refuseAllowance()
	q.noteAsk(who)
	return q, nil
}

// refuseAllowance refuses a block that an allowance of hours, nights or sessions
// would pay: how much of it a block uses is not known before its dates are.
func (q *Quote) refuseAllowance() {
	for _, c := range q.Document.Items[0].Charges {
		if c.Unit != payments.InPence {
			q.Document.Allowed, q.Document.Because = false, []string{"Your plan pays for this with an allowance, which dates use one by one. Book the dates instead of a block."}
		}
	}
}

// newTicket is the block that an item is.
func newTicket(it *Item, q *Quote, t *QuotedTicket, now time.Time) *Ticket {
	return &Ticket{
		AuthorityID: it.AuthorityID, ID: it.ID, ProviderID: it.ProviderID, ChildID: q.ChildID, OfferID: q.OfferID, VersionID: q.VersionID,
		OptionName: t.Option, Count: t.Count, ValidFrom: t.From, ValidTo: t.To, CreatedAt: now, State: it.State, BookingID: it.BookingID,
		PricePence: it.PricePence, OfferTitle: q.Document.OfferTitle, ProviderName: q.Document.ProviderName,
	}
}

const ticketColumns = `t.authority_id, t.id, t.provider_id, t.child_id, t.offer_id, t.version_id, t.option_name, t.count, t.used, t.valid_from, t.valid_to, t.created_at`

// selectTickets reads blocks with what they were bought as.
func selectTickets(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, where string, args ...any) ([]*Ticket, error) {
	reach, column := who.Authorities, "t.authority_id"
	if who.Is(shortbreaks.Family) {
		reach, column = who.Children, "t.child_id"
	}
	rows, err := tx.PGX.Query(ctx, `SELECT `+ticketColumns+`, i.state, i.booking_id, i.price_pence, o.title AS offer_title, p.name AS provider_name
		FROM ticket t JOIN booking_item i ON i.authority_id = t.authority_id AND i.id = t.id
		JOIN offer o ON o.provider_id = t.provider_id AND o.id = t.offer_id JOIN provider p ON p.id = t.provider_id
		WHERE `+column+` = ANY ($1) AND `+where, append([]any{reach}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Ticket])
	if err != nil {
		return nil, fmt.Errorf("read tickets: %w", err)
	}
	return found, nil
}

// LoadTicket reads one block within reach: a family its children's, a
// practitioner those of the authority. Errors: forbidden, not-found.
func LoadTicket(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (t *Ticket, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		found, err := selectTickets(ctx, tx, who, `t.id = $2`, id)
		if err == nil && len(found) == 0 {
			err = shortbreaks.ErrNotFound
		}
		if err == nil {
			t = found[0]
		}
		return err
	})
	return t, err
}

// ListTickets asks for blocks, newest first.
type ListTickets struct {
	ChildID *uuid.UUID // nil: every child within reach
	Limit   int
	After   uuid.UUID // zero: from the newest
}

// Tickets lists blocks within reach, and whether there are more. Errors:
// forbidden.
func Tickets(ctx context.Context, d *db.DB, who shortbreaks.Actor, l ListTickets) (list []*Ticket, more bool, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		list, err = selectTickets(ctx, tx, who, `($2::uuid IS NULL OR t.child_id = $2) AND ($3::uuid IS NULL OR t.id < $3) ORDER BY t.id DESC LIMIT $4`,
			l.ChildID, nullable(l.After), l.Limit+1)
		return err
	})
	if more = len(list) > l.Limit; more {
		list = list[:l.Limit]
	}
	return list, more, err
}

func nullable(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// readTicket reads the block that a quote's dates are booked off.
func (c *CreateQuote) readTicket(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) error {
	c.ticket = nil
	if c.TicketID == nil {
		return nil
	}
	found, err := selectTickets(ctx, tx, who, `t.id = $2 AND t.child_id = $3`, *c.TicketID, c.ChildID)
	if err != nil {
		return err
	}
	var f shortbreaks.Faults
	switch {
	case len(found) == 0:
		f.Add("/ticket_id", "The child has no such block.")
	case found[0].OfferID != c.OfferID:
		f.Add("/ticket_id", "This block is for another offer.")
	case c.BundleID != nil:
		f.Add("/bundle_id", "A bundle has its own price; book single dates off a block.")
	default:
		c.ticket = found[0]
	}
	return f.As(shortbreaks.ErrInvalid)
}

// use is what prices a quote by the block; nil for none.
func (t *Ticket) use() *marketplace.TicketUse {
	if t == nil {
		return nil
	}
	return &marketplace.TicketUse{VersionID: t.VersionID, Option: t.OptionName}
}

// holds reports whether a date is one of those the block may be used on.
func (t *Ticket) holds(starts time.Time) bool {
	on := shortbreaks.Date(starts)
	return !on.Before(t.ValidFrom) && !on.After(t.ValidTo)
}

// serves refuses dates that the block may not be used on.
func (t *Ticket) serves(o *marketplace.Offered, c CreateQuote) error {
	if t == nil {
		return nil
	}
	var f shortbreaks.Faults
	for _, it := range o.Items {
		var at string
		if it.SessionID != nil {
			at = fmt.Sprintf("/session_ids/%d", slices.Index(c.SessionIDs, *it.SessionID))
		} else {
			at = fmt.Sprintf("/visits/%d/local_start", slices.IndexFunc(c.Visits, func(v marketplace.Visit) bool { return v.LocalStart == it.LocalStart }))
		}
		f.Unless(t.holds(it.StartsAt), at, "%s", t.days())
	}
	return f.As(ErrTicketDates)
}

func (t *Ticket) days() string {
	return "The block can be used from " + shortbreaks.LongDate(shortbreaks.At(t.ValidFrom, 12*60)) + " to " + shortbreaks.LongDate(shortbreaks.At(t.ValidTo, 12*60)) + "."
}
