package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// Happening is something the price list says can add to the price, and that
// did happen (T59). It stands even where nothing could be charged for it.
type Happening struct {
	AuthorityID uuid.UUID
	ItemID      uuid.UUID
	ID          uuid.UUID
	ProviderID  uuid.UUID
	Event       string // one of tariff.Events
	Amount      int    // minutes if it is charged by them, else times
	HappenedAt  time.Time
	Note        string
	NotedAt     time.Time
	ChargeN     *int
	ChargePence shortbreaks.Pence
	CapPence    *shortbreaks.Pence
	Because     string // why nothing is charged
	RecordedBy  uuid.UUID
	RecordedAt  time.Time
	WithdrawnAt *time.Time
}

const happeningColumns = `authority_id, item_id, id, provider_id, event, amount, happened_at, note, noted_at, charge_n, charge_pence, cap_pence, because,
	recorded_by, recorded_at, withdrawn_at`

// RecordEvent says that something happened. NotedAt names it: sent again it is
// charged once, and tried again if the money was not free before.
type RecordEvent struct {
	ItemID     uuid.UUID
	Event      string
	Amount     int
	HappenedAt time.Time
	NotedAt    time.Time
	Note       string
}

// Happen records an event of an item whose register is filed and charges what
// the quote said it could add, never more than the cap it showed: the family
// agreed to that when it booked. A plan line that pays for charges of this kind
// pays, else the family, as it pays the rest. Where the line has too little
// free, the event stands, nothing is charged and it says why: no one else was
// asked to pay. The family has its days to question it anew, and has to agree
// by itself to what was recorded after the days of the register. Errors:
// forbidden, not-found, wrong-state, invalid.
func Happen(ctx context.Context, d *db.DB, who shortbreaks.Actor, r RecordEvent) (*Item, error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	var item *Item
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		it, b, err := lockItem(ctx, tx, who, r.ItemID)
		if err != nil {
			return err
		}
		item = it
		if err := fill(ctx, tx, who, []*Item{it}); err != nil {
			return err
		}
		h, known := r.known(it)
		if !known || h.ChargeN == nil && h.WithdrawnAt == nil {
			if err := enterFor(ctx, tx, it); err != nil {
				return err
			}
			if err := r.write(ctx, tx, who, it, b, h); err != nil {
				return err
			}
		}
		return fill(ctx, tx, who, []*Item{it})
	})
	if err != nil {
		return nil, err
	}
	return item, nil
}

func (r *RecordEvent) known(it *Item) (Happening, bool) {
	for _, h := range it.Happened {
		if h.Event == r.Event && h.NotedAt.Equal(r.NotedAt) {
			return h, true
		}
	}
	return Happening{}, false
}

// write records the event, or tries again to charge one that was.
func (r *RecordEvent) write(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, it *Item, b *Booking, h Happening) error {
	if it.State != Delivered && it.State != PartlyDelivered {
		return ErrWrongState.With("File the register first; what is questioned, settled or did not take place takes no more charges. Nothing was recorded.")
	}
	doc, err := documentOf(ctx, tx, b)
	if err != nil {
		return err
	}
	shown, err := r.check(it, doc, tx.Now)
	if err != nil {
		return err
	}
	if h.ID == uuid.Nil {
		h = Happening{
			AuthorityID: it.AuthorityID, ItemID: it.ID, ID: shortbreaks.NewID(), ProviderID: it.ProviderID, Event: r.Event, Amount: r.Amount,
			HappenedAt: r.HappenedAt, Note: strings.TrimSpace(r.Note), NotedAt: r.NotedAt, CapPence: shown.UpToPence, RecordedBy: who.Person, RecordedAt: tx.Now,
		}
	}
	if err := h.charge(ctx, tx, it, b, doc, shown, mover{who: who, cause: r.Event}); err != nil {
		return err
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO item_happening (`+happeningColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (authority_id, item_id, id) DO UPDATE SET charge_n = excluded.charge_n, charge_pence = excluded.charge_pence, because = excluded.because`,
		h.AuthorityID, h.ItemID, h.ID, h.ProviderID, h.Event, h.Amount, h.HappenedAt, h.Note, h.NotedAt, h.ChargeN, h.ChargePence, h.CapPence, h.Because,
		h.RecordedBy, h.RecordedAt, h.WithdrawnAt)
	if err != nil {
		return fmt.Errorf("record event: %w", err)
	}
	return nil
}

// check finds what the family was shown of the event.
func (r *RecordEvent) check(it *Item, doc *QuoteDocument, now time.Time) (tariff.MightAdd, error) {
	var f shortbreaks.Faults
	f.OneOf("/event", r.Event, tariff.Events)
	f.Within("/amount", r.Amount, 1, 1440)
	f.Unless(!r.NotedAt.After(now.Add(fastClock)), "/noted_at", "This is still to come. Check the clock of your phone.")
	far := r.HappenedAt.Before(it.StartsAt.Add(-earliestArrival)) || r.HappenedAt.After(it.EndsAt.Add(latestLeaving)) || r.HappenedAt.After(now.Add(fastClock))
	f.Unless(!far, "/happened_at", "This is far from when it took place. Check the day.")
	n := slices.IndexFunc(doc.MightAdd, func(m tariff.MightAdd) bool { return m.Event == r.Event })
	f.Unless(n >= 0, "/event", "The family was shown no charge for this when it booked, so there is none.")
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return tariff.MightAdd{}, err
	}
	return doc.MightAdd[n], nil
}

// charge adds what the event costs to the item, or says why not.
func (h *Happening) charge(ctx context.Context, tx *db.Tx, it *Item, b *Booking, doc *QuoteDocument, shown tariff.MightAdd, by mover) error {
	kind, pence, err := h.price(ctx, tx, it, b, doc, shown)
	if err != nil {
		return err
	}
	if h.Because = ""; pence == 0 {
		h.Because = "This adds nothing: what was charged for it before covers it, or the most that was shown is reached."
		return nil
	}
	add, err := h.payer(ctx, tx, it, doc, kind, pence)
	if err != nil {
		return err
	}
	s, err := budgets.SettingsOn(ctx, tx, it.AuthorityID, shortbreaks.Date(tx.Now))
	if err != nil {
		return err
	}
	by.cause += ": " + pence.String()
	err = addCharges(ctx, tx, it, doc.Category, []addition{*add}, by)
	if errors.Is(err, ErrBudgetTooLow) || errors.Is(err, ErrNotAllowed) {
		h.Because = "Nothing could be set aside for this: the money that would pay for it is not free. Nothing is charged; record it again when it is."
		return nil
	}
	if err != nil {
		return err
	}
	onTime := it.Delivery.OnTime && !tx.Now.After(it.EndsAt.Add(s.RegisterWithin))
	if err := it.awaitAgreement(ctx, tx, s, onTime); err != nil {
		return err
	}
	if err := reprice(ctx, tx, it, mover{who: by.who, cause: "the family's days begin anew"}); err != nil {
		return err
	}
	n := 0
	charges, err := chargesOf(ctx, tx, []*Item{it})
	if err != nil {
		return err
	}
	for _, c := range charges[it.ID] {
		n = max(n, c.N)
	}
	h.ChargeN, h.ChargePence = &n, pence
	return nil
}

// price is what the event adds: what the price list comes to with all that
// happened so far in the booking, less what was charged for it, and no more
// than the quote showed for one date.
func (h *Happening) price(ctx context.Context, tx *db.Tx, it *Item, b *Booking, doc *QuoteDocument, shown tariff.MightAdd) (kind string, pence shortbreaks.Pence, err error) {
	list, err := marketplace.VersionTariff(ctx, tx, b.ProviderID, b.VersionID)
	if err != nil {
		return "", 0, err
	}
	occasions, charged, here, times := make([]tariff.Occasion, len(b.Items)), shortbreaks.Pence(0), shortbreaks.Pence(0), h.Amount
	for i, other := range b.Items {
		n := 0
		for _, o := range other.Happened {
			if o.Event != h.Event || o.WithdrawnAt != nil || o.ChargeN == nil {
				continue
			}
			n, charged = n+o.Amount, charged+o.ChargePence
			if other.ID == it.ID {
				here, times = here+o.ChargePence, times+o.Amount
			}
		}
		if other.ID == it.ID {
			n += h.Amount
		}
		occasions[i] = tariff.Occasion{StartsAt: other.StartsAt, EndsAt: other.EndsAt, Events: map[string]int{h.Event: n}}
	}
	kind, buyer, found := list.Recorded(doc.optionWith(list, h.Event), h.Event, occasions)
	if !found {
		return "", 0, fmt.Errorf("price of %s: the version that was quoted does not have it", h.Event)
	}
	for _, p := range buyer {
		pence += p
	}
	pence -= charged
	if shown.Pence > 0 { // else others bear the first of it, and only the most was shown
		lots := times
		if shown.Each > 0 {
			lots = (times + shown.Each - 1) / shown.Each
		}
		pence = min(pence, shown.Pence*shortbreaks.Pence(lots)-here)
	}
	if shown.UpToPence != nil {
		pence = min(pence, *shown.UpToPence-here)
	}
	return kind, max(0, pence), nil
}

// optionWith is the price option of the quote that has a charge for the event.
func (doc *QuoteDocument) optionWith(list *tariff.Tariff, event string) string {
	names := []string{doc.OptionName}
	for _, it := range doc.Items {
		for _, c := range it.Charges {
			names = append(names, c.OptionName)
		}
	}
	for _, name := range names {
		if _, _, found := list.Recorded(name, event, nil); found {
			return name
		}
	}
	return ""
}

// payer is who pays for an event: the plan if a line of it pays for charges of
// this kind, else the family as it pays the rest.
func (h *Happening) payer(ctx context.Context, tx *db.Tx, it *Item, doc *QuoteDocument, kind string, pence shortbreaks.Pence) (*addition, error) {
	add := &addition{Charge: Charge{Kind: kind, Payer: payments.PayerFamilyDirect, Unit: payments.InPence, Quantity: int64(pence), AmountPence: pence, Added: h.Event}}
	funds, err := budgets.Fund(ctx, tx, &budgets.Child{AuthorityID: it.AuthorityID, ID: *it.ChildID}, nil, []budgets.FundAsk{{
		Category: doc.Category, Kind: kind, Date: shortbreaks.Date(it.StartsAt), Pence: pence,
	}})
	if err != nil {
		return nil, err
	}
	switch f := funds[0]; {
	case f.Allowed:
		add.Payer, add.LineID, add.Unit, add.Quantity, add.funding = payments.PayerBudget, f.Line, f.Unit, f.Quantity, f.Shares
	case slices.ContainsFunc(it.Charges, func(c Charge) bool { return c.Payer == payments.PayerFamilyTopUp }):
		add.Payer = payments.PayerFamilyTopUp
		add.funding, err = topUpOf(ctx, tx, it, int64(pence))
	}
	return add, err
}

// WithdrawEvent takes off what an event added, before the item is settled, also
// while the family questions it. The event stays in the record, marked. Errors:
// forbidden, not-found, wrong-state.
func WithdrawEvent(ctx context.Context, d *db.DB, who shortbreaks.Actor, item, id uuid.UUID) (*Item, error) {
	if !who.Is(shortbreaks.Coordinator) {
		return nil, shortbreaks.ErrForbidden
	}
	var done *Item
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		it, _, err := lockItem(ctx, tx, who, item)
		if err != nil {
			return err
		}
		done = it
		if err := fill(ctx, tx, who, []*Item{it}); err != nil {
			return err
		}
		n := slices.IndexFunc(it.Happened, func(h Happening) bool { return h.ID == id })
		if n < 0 {
			return shortbreaks.ErrNotFound
		}
		h := it.Happened[n]
		if h.WithdrawnAt != nil || !it.State.CanBecome(Settled) {
			return ErrWrongState.With("It was taken off before, or the item is settled. Nothing was changed.")
		}
		if err := enterFor(ctx, tx, it); err != nil {
			return err
		}
		if err := h.withdraw(ctx, tx, it, mover{who: who, cause: h.Event + " taken off"}); err != nil {
			return err
		}
		return fill(ctx, tx, who, []*Item{it})
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// withdraw makes the event's charge nothing: its holds are released and marked,
// so that the charge is still the sum of what is held for it.
func (h *Happening) withdraw(ctx context.Context, tx *db.Tx, it *Item, by mover) error {
	var batch pgx.Batch
	batch.Queue(`UPDATE item_happening SET withdrawn_at = $4 WHERE authority_id = $1 AND item_id = $2 AND id = $3`, h.AuthorityID, h.ItemID, h.ID, tx.Now)
	if h.ChargeN != nil {
		batch.Queue(`UPDATE item_charge SET quantity = 0, amount_pence = 0 WHERE authority_id = $1 AND item_id = $2 AND n = $3`, h.AuthorityID, h.ItemID, *h.ChargeN)
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("take off an event: %w", err)
	}
	if h.ChargeN == nil {
		return reprice(ctx, tx, it, by)
	}
	holds, err := holdsOf(ctx, tx, []*Item{it})
	if err != nil {
		return err
	}
	holds = slices.DeleteFunc(holds, func(o payments.Hold) bool { return o.ChargeN != *h.ChargeN || o.State != payments.Pending })
	if err := budgets.MoveLines(ctx, tx, payments.LineMoves(payments.Release(holds, payments.Released))); err != nil {
		return err
	}
	smaller := make([]payments.Smaller, len(holds))
	for i, o := range holds {
		smaller[i] = payments.Smaller{Hold: o}
	}
	if err := payments.ReplaceHolds(ctx, tx, smaller); err != nil {
		return err
	}
	charge := *it.ChargePence - h.ChargePence
	it.PricePence, it.ChargePence = it.PricePence-h.ChargePence, &charge
	return reprice(ctx, tx, it, by)
}
