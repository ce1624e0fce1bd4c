package booking

import (
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// Basket is what was booked together: all or nothing (T10).
type Basket struct {
	ID       uuid.UUID
	Bookings []*Booking
}

// Booking is one child at one provider, made from one quote.
type Booking struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	BasketID    uuid.UUID
	QuoteID     uuid.UUID
	Reference   string
	ChildID     uuid.UUID
	ProviderID  uuid.UUID
	OfferID     uuid.UUID
	VersionID   uuid.UUID
	TotalPence  shortbreaks.Pence
	Terms       tariff.Terms
	BilledOn    string // booked or attended
	CreatedBy   uuid.UUID
	OnBehalf    bool // staff booked for the family
	CreatedAt   time.Time
	CreatedKey  *string

	ProviderName   string
	OfferTitle     string
	ChildFirstName string   // empty for a provider
	Advice         []string `db:"-"` // to staff, as it was quoted (L09); not in lists
	Items          []*Item  // in order of start
}

// Item is one attendee at one session or visit.
type Item struct {
	AuthorityID   uuid.UUID
	ID            uuid.UUID
	BookingID     uuid.UUID
	N             int
	ProviderID    uuid.UUID
	ChildID       *uuid.UUID
	AttendeeKind  string
	SessionID     *uuid.UUID
	LaneID        *uuid.UUID
	StartsAt      time.Time
	EndsAt        time.Time
	LocalStart    string
	TimeZone      string
	VersionID     uuid.UUID
	State         State
	ExpiresAt     *time.Time
	AutoConfirmAt *time.Time
	PricePence    shortbreaks.Pence
	ChargePence   *shortbreaks.Pence // what is due once delivered or cancelled late
	FeeDueAt      *time.Time         // a late fee that is decided at the start (T55)
	FeePence      *shortbreaks.Pence // that fee; kept once it is decided
	Places        int                // of the session that this item and who comes along take
	StaffUnits    int                // who give their time to this child alone
	Companions    map[string]int     // who come along, by kind; nil: nobody
	TicketID      *uuid.UUID         // it was booked off; nil: it is paid for
	TicketCounts  bool               // it is one of those used of the ticket
	TicketPart    *int32             // which part of a ticket that has ended is owed for it; nil: nothing is
	PlaceSeq      *int64             // ordinal of the place taken in its session
	MovedFrom     *uuid.UUID         // the item this one replaces

	ticketLost bool   // it was cancelled too late to count as not used
	by         *mover // who asked, where many are moved together

	Ticket   *Ticket `db:"-"` // made with it; nil otherwise
	Charges  []Charge
	Dues     []ItemDue    // what of them is paid ahead; nil: nothing
	Back     []ItemRefund // what was given back
	Holds    []ItemHold   // nil for a provider
	Delivery *Delivery
	Changes  []WorkerChange // of a visit: who came instead of whom
	Extra    *ExtraTime     // the last proposal of more time than was booked
	Happened []Happening    // what could add to the price and did happen
	Reason   string         // disputed: what the family says is wrong; declined, cancelled by the provider: why
}

// Minutes is the elapsed length of an item: a night over the October change
// is an hour longer.
func (i Item) Minutes() int64 { return int64(i.EndsAt.Sub(i.StartsAt) / time.Minute) }

// Charge is one kind of cost of an item, and who pays it (T85).
type Charge struct {
	AuthorityID uuid.UUID
	ItemID      uuid.UUID
	N           int
	ProviderID  uuid.UUID
	Kind        string
	Payer       string // one of payments' Payer constants
	Unit        payments.Unit
	Quantity    int64 // in Unit
	AmountPence shortbreaks.Pence
	LineID      *uuid.UUID
	Reason      *ChargeReason `db:"-"` // as it was booked; nil for a provider, and in lists
	Added       string        // after it took place: AddedExtra or the event; "": as booked
}

// AddedExtra marks a charge for more time than was booked, which the family
// agreed to.
const AddedExtra = "extra"

// ItemHold is a hold with what it is money of.
type ItemHold struct {
	payments.Hold
	AccountKind payments.AccountKind
	Stream      string // empty for top-up money
}

// Delivery is a register entry: what really happened.
type Delivery struct {
	AuthorityID     uuid.UUID
	ItemID          uuid.UUID
	ProviderID      uuid.UUID
	Outcome         State // delivered, partly_delivered or no_show
	Cause           string
	ArrivedAt       *time.Time
	LeftAt          *time.Time
	AttendedMinutes int
	Note            string
	OnTime          bool // filed soon enough for the timer to count (T60)
	RecordedBy      uuid.UUID
	RecordedAt      time.Time
	CollectedBy     string // who took the child away
	CollectedHow    string // listed, password, unlisted (the family keeps no list) or ""
	AgreeBecause    string // why only a yes of the family agrees: one of the Agree constants; "": silence does
}
