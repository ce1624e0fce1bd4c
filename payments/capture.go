package payments

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ErrAboveHold says more is due than was reserved; more needs a second hold
// and the family's agreement (T59).
var ErrAboveHold = shortbreaks.NewError(shortbreaks.Conflict, "above-hold", "More is due than was reserved for it")

// Who pays a charge, as item_charge has it.
const (
	PayerBudget       = "budget"
	PayerFamilyDirect = "family_direct" // to the provider, outside the service
	PayerFamilyTopUp  = "family_top_up"
	PayerContract     = "contract"     // settled by the contract's own rules
	PayerFundedPlace  = "funded_place" // likewise
)

// ChargeDue is what is due of one charge of an item.
type ChargeDue struct {
	N           int
	Payer       string            // one of the Payer constants
	AmountPence shortbreaks.Pence // as booked
	DuePence    shortbreaks.Pence // of it; 0 releases its holds
	PaidPence   shortbreaks.Pence // captured ahead and not given back (PlanBack); only the rest of what is due is captured
	PayableBy   string            // who hands the money over: one of the PayableBy constants; top-up and direct charges know their own
	Holder      *uuid.UUID        // which recipient, manager or family
	Holds       []Hold            // of this charge; in minutes, nights or sessions where the allowance is
}

// ItemCapture is what is due of one item, for one ledger transaction.
type ItemCapture struct {
	Authority, Item, Child, Provider uuid.UUID
	Actor                            uuid.UUID // Nil: the system
	Kind                             string    // KindCapture or KindLateFee; of what is due ahead its own
	Source                           uuid.UUID // the row that causes it; Nil: the item
	Charges                          []ChargeDue
}

// CaptureOutcomes is how the charges of an item fall on its pending holds: the
// due share of each charge, in the holds' own unit, over its holds by largest
// remainder (T11, T20). A hold that comes to nothing is released.
func CaptureOutcomes(c ItemCapture) []Outcome {
	var out []Outcome
	for _, charge := range c.Charges {
		out = append(out, charge.outcomes()...)
	}
	return out
}

func (c ChargeDue) outcomes() []Outcome {
	out := Release(c.Holds, Released)
	weights := make([]int64, len(out))
	var total int64
	for i, o := range out {
		weights[i] = o.Hold.Amount
		total += o.Hold.Amount
	}
	if c.Owed() == 0 || total == 0 {
		return out
	}
	due := int64(c.Owed())
	if out[0].Hold.Unit != InPence {
		due = allowanceFor(total, c.Owed(), c.AmountPence)
	}
	for i, part := range shortbreaks.Split(due, weights) {
		if part != 0 {
			out[i].State, out[i].Captured = Captured, part
		}
	}
	return out
}

// allowanceFor is how much of an allowance booked at one price is used up when
// part of the price is due, to the nearest whole unit.
func allowanceFor(booked int64, due, price shortbreaks.Pence) int64 {
	if due >= price {
		return booked
	}
	return int64(shortbreaks.MulDiv(shortbreaks.Pence(booked), int64(due), int64(price)))
}

// PostCaptures posts one ledger transaction for each item in which something
// is due, after its holds were resolved (Resolve). It is given what
// CaptureOutcomes was given: holds as they stood while pending. An item posts
// once for each kind; one posted before is an error, since its holds were
// pending.
func PostCaptures(ctx context.Context, tx *db.Tx, captures []ItemCapture) error {
	streams, err := streamsOf(ctx, tx, captures)
	if err != nil {
		return err
	}
	var book accountBook
	drafts := make([][]draftEntry, len(captures))
	for i, c := range captures {
		for _, charge := range c.Charges {
			d, err := charge.draft(c, streams)
			if err != nil {
				return err
			}
			drafts[i] = append(drafts[i], d...)
		}
		book.add(drafts[i])
	}
	if err := book.open(ctx, tx); err != nil {
		return err
	}
	var postings []Posting
	for i, c := range captures {
		if len(drafts[i]) > 0 {
			postings = append(postings, Posting{
				Authority: c.Authority, Kind: c.Kind, Source: c.source(), Actor: c.Actor, Entries: book.entries(drafts[i]),
			})
		}
	}
	posted, err := Post(ctx, tx, postings)
	if err != nil {
		return err
	}
	for i, ok := range posted {
		if !ok {
			return fmt.Errorf("capture item %s: already posted as %s", postings[i].Source, postings[i].Kind)
		}
	}
	return nil
}

// draft is the entries of one charge (docs/ARCHITECTURE.md).
func (c ChargeDue) draft(item ItemCapture, streams map[uuid.UUID]string) ([]draftEntry, error) {
	if c.DuePence < 0 || c.DuePence > c.AmountPence {
		return nil, fmt.Errorf("capture item %s charge %d: %w", item.Item, c.N, ErrAboveHold)
	}
	if c.Owed() == 0 {
		return nil, nil
	}
	switch c.Payer {
	case PayerContract, PayerFundedPlace:
		return nil, nil
	case PayerFamilyDirect:
		due := AccountKey{Authority: item.Authority, Kind: FamilyDue, Unit: InPence, Child: &item.Child}
		return []draftEntry{{key: due, amount: -int64(c.DuePence)}, {key: c.payable(item), amount: int64(c.DuePence)}}, nil
	case PayerBudget, PayerFamilyTopUp, PayerContingency:
		return c.draftHeld(item, streams)
	}
	return nil, fmt.Errorf("capture item %s charge %d: unknown payer %q", item.Item, c.N, c.Payer)
}

// draftHeld takes from the accounts held. An allowance in another unit is
// consumed, and the price of what was consumed is the stream's to pay.
func (c ChargeDue) draftHeld(item ItemCapture, streams map[uuid.UUID]string) ([]draftEntry, error) {
	outcomes := c.outcomes()
	weights := make([]int64, len(outcomes))
	var captured int64
	for i, o := range outcomes {
		weights[i] = o.Captured
		captured += o.Captured
	}
	if len(outcomes) == 0 || outcomes[0].Hold.Unit == InPence && captured != int64(c.Owed()) {
		return nil, fmt.Errorf("capture item %s charge %d: %s due, %d held for it", item.Item, c.N, c.Owed(), captured)
	}
	pence := shortbreaks.Split(int64(c.Owed()), weights)
	draft := []draftEntry{{key: c.payable(item), amount: int64(c.Owed())}}
	for i, o := range outcomes {
		draft = append(draft, draftEntry{account: o.Hold.Account, unit: o.Hold.Unit, amount: -o.Captured})
		if o.Hold.Unit == InPence {
			continue
		}
		stream := streams[o.Hold.Account]
		draft = append(draft,
			draftEntry{key: AccountKey{Authority: item.Authority, Kind: Consumed, Unit: o.Hold.Unit, Stream: stream}, amount: o.Captured},
			draftEntry{key: AccountKey{Authority: item.Authority, Kind: AuthorityFunding, Unit: InPence, Stream: stream}, amount: -pence[i]})
	}
	return draft, nil
}

// payable is the account the provider is owed on. A top-up and an allowance
// are the authority's to pay over; a direct charge is the family's, which is
// named by its child unless the caller says otherwise.
func (c ChargeDue) payable(item ItemCapture) AccountKey {
	k := AccountKey{Authority: item.Authority, Kind: ProviderPayable, Unit: InPence, Provider: &item.Provider, Payer: c.PayableBy, Holder: c.Holder}
	switch {
	case c.Payer == PayerFamilyDirect:
		k.Payer = PayableByFamily
		if k.Holder == nil {
			k.Holder = &item.Child
		}
	case c.Payer == PayerFamilyTopUp, len(c.Holds) > 0 && c.Holds[0].Unit != InPence, c.PayableBy == "", c.PayableBy == PayableByAuthority:
		k.Payer, k.Holder = PayableByAuthority, nil
	}
	return k
}

// streamsOf reads the funding stream of each account held in a unit other
// than pence.
func streamsOf(ctx context.Context, tx *db.Tx, captures []ItemCapture) (map[uuid.UUID]string, error) {
	var authority, account []uuid.UUID
	for _, item := range captures {
		for _, c := range item.Charges {
			for _, h := range c.Holds {
				if h.Unit != InPence {
					authority, account = append(authority, h.Authority), append(account, h.Account)
				}
			}
		}
	}
	streams := map[uuid.UUID]string{}
	if len(account) == 0 {
		return streams, nil
	}
	rows, err := tx.PGX.Query(ctx, `SELECT a.id, coalesce(a.stream, '') FROM account a
		JOIN unnest($1::uuid[], $2::uuid[]) k (authority_id, id) ON a.authority_id = k.authority_id AND a.id = k.id`, authority, account)
	if err != nil {
		return nil, fmt.Errorf("read streams of accounts: %w", err)
	}
	var id uuid.UUID
	var stream string
	if _, err := pgx.ForEachRow(rows, []any{&id, &stream}, func() error { streams[id] = stream; return nil }); err != nil {
		return nil, fmt.Errorf("read streams of accounts: %w", err)
	}
	return streams, nil
}

// draftEntry is an entry whose account is known by id or still by key.
type draftEntry struct {
	account uuid.UUID
	unit    Unit
	key     AccountKey // if account is Nil
	amount  int64
}

// accountBook gathers the keys of drafts and opens them in one go.
type accountBook struct {
	keys []AccountKey
	ids  map[string]uuid.UUID
}

func (b *accountBook) add(drafts []draftEntry) {
	if b.ids == nil {
		b.ids = map[string]uuid.UUID{}
	}
	for _, d := range drafts {
		if d.account != uuid.Nil || d.amount == 0 {
			continue
		}
		if _, known := b.ids[d.key.sortKey()]; !known {
			b.ids[d.key.sortKey()] = uuid.Nil
			b.keys = append(b.keys, d.key)
		}
	}
}

func (b *accountBook) open(ctx context.Context, tx *db.Tx) error {
	ids, err := EnsureAccounts(ctx, tx, b.keys)
	if err != nil {
		return err
	}
	for i, k := range b.keys {
		b.ids[k.sortKey()] = ids[i]
	}
	return nil
}

func (b *accountBook) entries(drafts []draftEntry) []Entry {
	out := make([]Entry, 0, len(drafts))
	for _, d := range drafts {
		switch {
		case d.amount == 0:
		case d.account != uuid.Nil:
			out = append(out, Entry{Account: d.account, Unit: d.unit, Amount: d.amount})
		default:
			out = append(out, Entry{Account: b.ids[d.key.sortKey()], Unit: d.key.Unit, Amount: d.amount})
		}
	}
	return out
}
