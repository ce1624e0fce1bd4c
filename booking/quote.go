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
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// Quote is a price frozen for half an hour: offer version, dates, who pays
// each part from which account, and the cancellation terms. It holds neither
// place nor money.
type Quote struct {
	AuthorityID uuid.UUID
	ID          uuid.UUID
	ChildID     uuid.UUID
	ProviderID  uuid.UUID
	OfferID     uuid.UUID
	VersionID   uuid.UUID
	TotalPence  shortbreaks.Pence
	Document    QuoteDocument
	CreatedBy   uuid.UUID
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// QuoteDocument is what the person was shown, kept as shown.
type QuoteDocument struct {
	ProviderName  string            `json:"provider_name"`
	OfferTitle    string            `json:"offer_title"`
	Category      string            `json:"category"`
	OptionName    string            `json:"option_name"`
	BilledOn      string            `json:"billed_on"`
	Instant       bool              `json:"instant"`
	Explanation   string            `json:"explanation"`
	Terms         tariff.Terms      `json:"terms"`
	BufferBefore  time.Duration     `json:"buffer_before"`
	BufferAfter   time.Duration     `json:"buffer_after"`
	Items         []QuotedItem      `json:"items"`
	Allowed       bool              `json:"allowed"`
	Because       []string          `json:"because"`
	RequestWithin time.Duration     `json:"request_within"` // how long the provider has to answer
	FullPence     shortbreaks.Pence `json:"full_pence"`     // what all payers and subsidies together pay
	MightAdd      []tariff.MightAdd `json:"might_add,omitempty"`
	Dues          []tariff.Due      `json:"dues,omitempty"`
	BundleID      *uuid.UUID        `json:"bundle_id,omitempty"` // what was asked for, if it was a bundle
	TicketID      *uuid.UUID        `json:"ticket_id,omitempty"` // that the dates are booked off
	HeldFor       time.Duration     `json:"held_for,omitempty"`  // offered from a waiting list: how long the family has to answer

	Introduction *QuotedIntroduction `json:"introduction,omitempty"` // nil: the offer needs none
	Unskilled    string              `json:"unskilled,omitempty"`    // why nobody may do what the child needs; "": somebody may
	Ask          string              `json:"ask,omitempty"`          // what a practitioner has to agree to first; "": nothing
	Advice       []string            `json:"advice,omitempty"`       // for staff; refuses nothing (L09)
}

// QuotedItem is one session or visit of a quote.
type QuotedItem struct {
	SessionID    *uuid.UUID        `json:"session_id,omitempty"`
	LaneWish     *uuid.UUID        `json:"lane_wish,omitempty"` // the worker asked for
	AttendeeKind string            `json:"attendee_kind"`
	StartsAt     time.Time         `json:"starts_at"`
	EndsAt       time.Time         `json:"ends_at"`
	LocalStart   string            `json:"local_start"`
	PricePence   shortbreaks.Pence `json:"price_pence"`
	Charges      []QuotedCharge    `json:"charges"`
	Minimum      *QuotedMinimum    `json:"minimum,omitempty"` // it runs only if enough book
	Ticket       *QuotedTicket     `json:"ticket,omitempty"`  // it is a block of dates, bought and not yet used
	Tasks        []string          `json:"tasks,omitempty"`   // that somebody has to be signed off for (R120)
	Party
}

// QuotedCharge is one charge with its payer and, for a budget, its accounts.
type QuotedCharge struct {
	N           int               `json:"n"`
	Kind        string            `json:"kind"`
	AmountPence shortbreaks.Pence `json:"amount_pence"`
	Payer       string            `json:"payer"`
	Allowed     bool              `json:"allowed"` // a plan line pays for it
	Because     string            `json:"because"`
	LineID      *uuid.UUID        `json:"line_id,omitempty"`
	Unit        payments.Unit     `json:"unit"`
	Quantity    int64             `json:"quantity"`
	Funding     []QuotedShare     `json:"funding"`
	FullPence   shortbreaks.Pence `json:"full_pence,omitempty"` // with what other payers bear
	VATPence    shortbreaks.Pence `json:"vat_pence,omitempty"`  // inside FullPence
	Payee       string            `json:"payee,omitempty"`      // a second payee
	Others      []tariff.Borne    `json:"others,omitempty"`     // who bears the rest
	OptionName  string            `json:"option_name,omitempty"`
	Group       []QuotedGroup     `json:"group,omitempty"` // parts that are shares of a price for the group
	Dues        []QuotedDue       `json:"dues,omitempty"`  // parts paid before it takes place; none: all in arrears
	Reason      *QuotedReason     `json:"reason,omitempty"`
}

// QuotedShare is the part of a charge one account pays. A nil account means
// the child has none for that stream and date.
type QuotedShare struct {
	Stream    string    `json:"stream"`
	PeriodID  uuid.UUID `json:"period_id"`
	AccountID uuid.UUID `json:"account_id"`
	Amount    int64     `json:"amount"`
}

// CreateQuote asks what something would cost for a child.
type CreateQuote struct {
	ChildID      uuid.UUID
	OfferID      uuid.UUID
	SessionIDs   []uuid.UUID
	BundleID     *uuid.UUID
	Visits       []marketplace.Visit
	LaneID       *uuid.UUID
	ChargeKinds  []string       // optional kinds wanted: support, transport, ...
	PlanLineID   *uuid.UUID     // nil: chosen by the plan's rules
	AttendeeKind string         // empty: child
	FamilyPays   string         // "direct", "top_up" or empty: not chosen
	Ratio        tariff.Ratio   // of the support; zero: what the offer gives
	Children     int            // of the family that attend together; 0 is 1
	ChildNo      int            // which of them this is, from 1
	Quantities   map[string]int // by charge kind: miles, items
	Companions   map[string]int // who come along, by kind (T96)
	TicketID     *uuid.UUID     // to book the dates off; nil: they are paid for

	anyHour bool    // for an emergency, and in a round
	ticket  *Ticket // of TicketID
}

// BudgetPence is what budgets would pay of the quote.
func (q Quote) BudgetPence() shortbreaks.Pence {
	var sum shortbreaks.Pence
	for _, it := range q.Document.Items {
		for _, c := range it.Charges {
			if c.Payer == payments.PayerBudget {
				sum += c.AmountPence
			}
		}
	}
	return sum
}

// MakeQuote prices an offer for one child and says, charge by charge, who
// would pay and why. A family asks for its own child, a practitioner for a
// child of the authority. Errors: not-found, forbidden, offer-closed, and
// those of marketplace.Offering.
func MakeQuote(ctx context.Context, d *db.DB, who shortbreaks.Actor, c CreateQuote) (*Quote, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var q *Quote
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) (err error) {
		if q, err = draftFor(ctx, tx, who, c); err != nil {
			return err
		}
		return insertQuote(ctx, tx, q)
	})
	if err != nil {
		return nil, err
	}
	return q, nil
}

// draftFor prices and funds a quote; it writes none.
func draftFor(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, c CreateQuote) (*Quote, error) {
	child, err := budgets.LoadChild(ctx, tx, who, c.ChildID)
	if err != nil {
		return nil, err
	}
	if err := budgets.CheckSiblings(ctx, tx, child, c.ChildNo, c.Children); err != nil {
		return nil, err
	}
	if err := c.readTicket(ctx, tx, who); err != nil {
		return nil, err
	}
	offered, introduction, err := offeringFor(ctx, tx, child, &c)
	if err != nil {
		return nil, err
	}
	if err := c.ticket.serves(offered, c); err != nil {
		return nil, err
	}
	settings, err := budgets.SettingsOn(ctx, tx, child.AuthorityID, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, err
	}
	q := draftQuote(who, child, offered, c, tx.Now, settings)
	q.Document.Introduction = introduction
	if err := noteNeeds(ctx, tx, q); err != nil {
		return nil, err
	}
	if err := fundQuote(ctx, tx, q, child, c); err != nil {
		return nil, err
	}
	q.noteAsk(who)
	return q, noteNights(ctx, tx, q)
}

// want is what is asked of the marketplace for a child.
func (c CreateQuote) want(child *budgets.Child) marketplace.Want {
	return marketplace.Want{
		OfferID: c.OfferID, SessionIDs: c.SessionIDs, BundleID: c.BundleID, Visits: c.Visits, LaneID: c.LaneID,
		ChargeKinds: c.ChargeKinds, ReducedRate: child.ReducedRate, DateOfBirth: child.DateOfBirth, Authority: child.AuthorityID,
		Schemes: child.FundedSchemes, Ratio: c.Ratio, Children: c.Children, ChildNo: c.ChildNo, Quantities: c.Quantities,
		Companions: c.Companions, AnyHour: c.anyHour, Ticket: c.ticket.use(),
	}
}

func draftQuote(who shortbreaks.Actor, child *budgets.Child, o *marketplace.Offered, c CreateQuote, now time.Time, s budgets.Settings) *Quote {
	kind := c.AttendeeKind
	if kind == "" {
		kind = "child"
	}
	q := &Quote{
		AuthorityID: child.AuthorityID, ID: shortbreaks.NewID(), ChildID: child.ID, ProviderID: o.Provider.ID, OfferID: o.Offer.ID,
		VersionID: o.VersionID, TotalPence: o.TotalPence, CreatedBy: who.Person, CreatedAt: now, ExpiresAt: now.Add(s.QuoteLasts),
		Document: QuoteDocument{
			ProviderName: o.Provider.Name, OfferTitle: o.Offer.Title, Category: o.Offer.Category, OptionName: o.OptionName,
			BilledOn: o.BilledOn, Instant: o.Offer.Instant, Explanation: o.Explanation, Terms: o.Terms,
			BufferBefore: o.BufferBefore, BufferAfter: o.BufferAfter, RequestWithin: s.RequestWithin,
			FullPence: o.FullPence, MightAdd: o.MightAdd, Dues: o.Dues, BundleID: c.BundleID, TicketID: c.TicketID,
		},
	}
	for _, it := range o.Items {
		item := QuotedItem{
			SessionID: it.SessionID, LaneWish: it.LaneWish, AttendeeKind: kind, StartsAt: it.StartsAt, EndsAt: it.EndsAt,
			LocalStart: it.LocalStart, PricePence: it.PricePence, Minimum: quotedMinimum(it.Minimum), Party: partyOf(o, c),
		}
		for _, ch := range it.Charges {
			if ch.Pence > 0 { // a charge of nothing has no payer and no hold
				item.Charges = append(item.Charges, QuotedCharge{
					N: ch.N, Kind: ch.Kind, AmountPence: ch.Pence, FullPence: ch.FullPence, VATPence: ch.VATPence, Payee: ch.Payee,
					Others: ch.Others, OptionName: ch.OptionName, Group: quotedGroup(ch),
				})
			}
		}
		q.Document.Items = append(q.Document.Items, item)
	}
	q.Document.spreadDues()
	return q
}

// fundQuote decides the payer of each charge. A charge no line may pay falls
// to the family and says so (R115, L18).
func fundQuote(ctx context.Context, tx *db.Tx, q *Quote, child *budgets.Child, c CreateQuote) error {
	asks, charges := fundAsks(q)
	fundings, err := budgets.Fund(ctx, tx, child, c.PlanLineID, asks)
	if err != nil {
		return fmt.Errorf("fund quote: %w", err)
	}
	payer, topUp := payments.PayerFamilyDirect, uuid.Nil
	if c.FamilyPays == "top_up" {
		ids, err := payments.EnsureAccounts(ctx, tx, []payments.AccountKey{{Authority: child.AuthorityID, Kind: "topup", Unit: "pence", Child: &child.ID}})
		if err != nil {
			return err
		}
		payer, topUp = payments.PayerFamilyTopUp, ids[0]
	}
	covered := 0
	for i, ch := range charges {
		f := fundings[i]
		ch.Allowed, ch.Because, ch.Reason = f.Allowed, f.Because, quotedReason(f.Reason)
		if f.Allowed {
			covered++
			if ch.Because == "" {
				ch.Because = "Your plan pays for this."
			}
			ch.Payer, ch.LineID, ch.Unit, ch.Quantity = payments.PayerBudget, f.Line, f.Unit, f.Quantity
			for _, s := range f.Shares {
				ch.Funding = append(ch.Funding, QuotedShare{Stream: s.Stream, PeriodID: s.Period, AccountID: s.Account, Amount: s.Amount})
			}
			continue
		}
		ch.Payer, ch.Unit, ch.Quantity = payer, "pence", int64(ch.AmountPence)
		if topUp != uuid.Nil {
			ch.Funding = []QuotedShare{{AccountID: topUp, Amount: ch.Quantity}}
		}
	}
	// If the plan pays for no part of it, it is booked only when the family
	// has said that it pays itself; a line chosen by hand must pay something.
	chosen := c.FamilyPays != "" && c.PlanLineID == nil
	q.Document.Allowed = covered > 0 || len(charges) == 0 || chosen
	q.Document.Because = reasons(charges)
	for i := range q.Document.Items {
		q.Document.Items[i].mergeAllowances()
	}
	q.Document.refuseParts()
	return nil
}

// mergeAllowances makes one charge of those an allowance pays for one item, so
// that its hours (nights, sessions) are used once and not once a charge (T86).
func (it *QuotedItem) mergeAllowances() {
	first := map[uuid.UUID]int{}
	kept := it.Charges[:0]
	for _, ch := range it.Charges {
		if ch.Payer == payments.PayerBudget && ch.Unit != "pence" {
			if n, ok := first[*ch.LineID]; ok {
				kept[n].AmountPence += ch.AmountPence
				kept[n].Group, kept[n].Dues = append(kept[n].Group, ch.Group...), append(kept[n].Dues, ch.Dues...)
				continue
			}
			first[*ch.LineID] = len(kept)
		}
		kept = append(kept, ch)
	}
	it.Charges = kept
}

// fundAsks asks for each charge of each item, in order.
func fundAsks(q *Quote) ([]budgets.FundAsk, []*QuotedCharge) {
	var asks []budgets.FundAsk
	var charges []*QuotedCharge
	for i := range q.Document.Items {
		it := &q.Document.Items[i]
		for j := range it.Charges {
			ch := &it.Charges[j]
			asks = append(asks, budgets.FundAsk{
				Category: q.Document.Category, Kind: ch.Kind, Date: it.paysOn(), Pence: ch.AmountPence,
				Minutes: int64(it.EndsAt.Sub(it.StartsAt) / time.Minute), Sessions: 1, Nights: 1,
			})
			charges = append(charges, ch)
		}
	}
	return asks, charges
}

// reasons are the distinct sentences of a quote, in order.
func reasons(charges []*QuotedCharge) []string {
	seen := map[string]bool{}
	out := []string{}
	for _, ch := range charges {
		if ch.Because != "" && !seen[ch.Because] {
			seen[ch.Because] = true
			out = append(out, ch.Because)
		}
	}
	return out
}

func insertQuote(ctx context.Context, tx *db.Tx, q *Quote) error {
	_, err := tx.PGX.Exec(ctx, `INSERT INTO quote (authority_id, id, child_id, provider_id, offer_id, version_id, total_pence, document,
		created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		q.AuthorityID, q.ID, q.ChildID, q.ProviderID, q.OfferID, q.VersionID, q.TotalPence, q.Document, q.CreatedBy, q.CreatedAt, q.ExpiresAt)
	if err != nil {
		return fmt.Errorf("insert quote: %w", err)
	}
	return nil
}
