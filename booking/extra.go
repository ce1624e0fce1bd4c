package booking

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// The states of a proposal of more time.
const (
	ExtraOpen      = "open"
	ExtraAgreed    = "agreed"
	ExtraRefused   = "refused"
	ExtraWithdrawn = "withdrawn" // the register was corrected
	ExtraLapsed    = "lapsed"    // the item was settled without it; never stored
)

// mostExtra is how often more time may be proposed for one item.
const mostExtra = 3

// ExtraTime is more time than was booked, which only the family's agreement
// makes a charge (T59).
type ExtraTime struct {
	AuthorityID uuid.UUID
	ItemID      uuid.UUID
	ID          uuid.UUID
	ProviderID  uuid.UUID
	Minutes     int
	AmountPence shortbreaks.Pence
	Reason      string
	State       string
	Answer      string // why the family refused
	ProposedBy  uuid.UUID
	ProposedAt  time.Time
	AnsweredBy  *uuid.UUID
	AnsweredAt  *time.Time
}

// ProposeExtra asks the family for more time than was booked.
type ProposeExtra struct {
	ItemID  uuid.UUID
	Minutes int
	Reason  string
}

// Propose asks the family to agree to time the register shows beyond what was
// booked, at the price per minute of what was booked. It holds nothing, and
// nothing comes of it by time. Errors: forbidden, not-found, wrong-state,
// invalid.
func Propose(ctx context.Context, d *db.DB, who shortbreaks.Actor, p ProposeExtra) (*Item, error) {
	if !who.Is(shortbreaks.Coordinator, shortbreaks.Worker) {
		return nil, shortbreaks.ErrForbidden
	}
	var item *Item
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		it, _, err := lockItem(ctx, tx, who, p.ItemID)
		if err != nil {
			return err
		}
		item = it
		if err := fill(ctx, tx, who, []*Item{it}); err != nil {
			return err
		}
		if it.State != Delivered {
			return ErrWrongState.With("Only what took place in full can have taken longer; it is " + shortbreaks.Spaced(string(it.State)) + ".")
		}
		if err := p.check(ctx, tx, it); err != nil {
			return err
		}
		if err := enterFor(ctx, tx, it); err != nil {
			return err
		}
		booked := it.PricePence - addedPence(it.Charges)
		amount := shortbreaks.MulDiv(booked, int64(p.Minutes), it.Minutes())
		if amount == 0 {
			return shortbreaks.ErrInvalid.At("/minutes", "What was booked costs nothing, so more of it does not either.")
		}
		_, err = tx.PGX.Exec(ctx, `INSERT INTO extra_time (authority_id, item_id, id, provider_id, minutes, amount_pence, reason, state, proposed_by, proposed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9)`,
			it.AuthorityID, it.ID, shortbreaks.NewID(), it.ProviderID, p.Minutes, amount, strings.TrimSpace(p.Reason), who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("propose more time: %w", err)
		}
		return fill(ctx, tx, who, []*Item{it})
	})
	if err != nil {
		return nil, err
	}
	return item, nil
}

func (p ProposeExtra) check(ctx context.Context, tx *db.Tx, it *Item) error {
	var f shortbreaks.Faults
	f.Text("/reason", p.Reason, 3, 500)
	over := overrun(it)
	f.Unless(p.Minutes > 0 && p.Minutes <= over, "/minutes", "The register shows %s more than was booked. Correct it first if it was more.", shortbreaks.Minutes(over))
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return err
	}
	var open bool
	var before int
	err := tx.PGX.QueryRow(ctx, `SELECT coalesce(bool_or(state = 'open'), false), count(*) FROM extra_time WHERE authority_id = $1 AND item_id = $2`,
		it.AuthorityID, it.ID).Scan(&open, &before)
	switch {
	case err != nil:
		return fmt.Errorf("read more time: %w", err)
	case open:
		return ErrWrongState.With("The family has been asked already and has yet to answer.")
	case before >= mostExtra:
		return ErrWrongState.With("The family has been asked " + shortbreaks.Plural(mostExtra, "time") + " about this. Talk to them.")
	}
	return nil
}

// overrun is by how many minutes the register goes beyond what was booked.
func overrun(it *Item) int {
	if it.Delivery == nil || it.Delivery.Outcome != Delivered || it.Delivery.LeftAt == nil {
		return 0
	}
	from := it.StartsAt
	if it.Delivery.ArrivedAt != nil {
		from = *it.Delivery.ArrivedAt
	}
	return max(0, int((it.Delivery.LeftAt.Sub(from)-it.EndsAt.Sub(it.StartsAt))/time.Minute))
}

// withdrawExtra closes a proposal that rested on a register since corrected.
func withdrawExtra(ctx context.Context, tx *db.Tx, it *Item) error {
	if it.State == Confirmed { // the first filing
		return nil
	}
	_, err := tx.PGX.Exec(ctx, `UPDATE extra_time SET state = 'withdrawn' WHERE authority_id = $1 AND item_id = $2 AND state = 'open'`, it.AuthorityID, it.ID)
	if err != nil {
		return fmt.Errorf("withdraw more time: %w", err)
	}
	return nil
}

// AnswerExtra is the family's answer to a proposal of more time.
type AnswerExtra struct {
	ItemID        uuid.UUID
	ExtraID       uuid.UUID
	Agree         bool
	ExpectedPence shortbreaks.Pence // what it was shown; only to agree
	Reason        string            // to refuse
}

// Answer agrees or refuses more time than was booked. Agreeing agrees to the
// whole record: a second charge and hold for each payer of what was booked, and
// the capture of both, in one transaction; without the money for it all is
// refused and what was booked stands as it was (T59). Refusing leaves what was
// booked as it is. Errors: forbidden, not-found, wrong-state, price-changed,
// not-allowed-by-plan, budget-too-low.
func Answer(ctx context.Context, d *db.DB, who shortbreaks.Actor, a AnswerExtra) (*Item, error) {
	return respond(ctx, d, who, a.ItemID, func(tx *db.Tx, it *Item, by mover) error {
		x := it.Extra
		if x == nil || x.ID != a.ExtraID {
			return shortbreaks.ErrNotFound
		}
		if x.State != ExtraOpen {
			return ErrWrongState.With("It has been answered or withdrawn. Look at it again.")
		}
		state := ExtraRefused
		if a.Agree {
			state = ExtraAgreed
		}
		tag, err := tx.PGX.Exec(ctx, `UPDATE extra_time SET state = $4, answer = $5, answered_by = $6, answered_at = $7
			WHERE authority_id = $1 AND item_id = $2 AND id = $3 AND state = 'open'`, it.AuthorityID, it.ID, x.ID, state, strings.TrimSpace(a.Reason), who.Person, tx.Now)
		if err != nil {
			return fmt.Errorf("answer more time: %w", err)
		}
		if tag.RowsAffected() != 1 {
			return ErrStateChanged.With("Nothing was changed. Look at it again.")
		}
		if !a.Agree {
			by.cause = "more time refused"
			return reprice(ctx, tx, it, by)
		}
		if a.ExpectedPence != x.AmountPence {
			return ErrPriceChanged.With(fmt.Sprintf("The provider asks for %s and you sent %s. Nothing was agreed.", x.AmountPence, a.ExpectedPence)).
				At("/expected_pence", "This is not what the provider asks for.")
		}
		if err := addExtra(ctx, tx, it, x, by); err != nil {
			return err
		}
		return agree(ctx, tx, it, by)
	})
}

// addExtra shares more time over the payers of what was booked: each pays for
// it as for its part of the rest.
func addExtra(ctx context.Context, tx *db.Tx, it *Item, x *ExtraTime, by mover) error {
	b, err := loadOne(ctx, tx, by.who, it.BookingID)
	if err != nil {
		return err
	}
	doc, err := documentOf(ctx, tx, b)
	if err != nil {
		return err
	}
	var booked []Charge
	var weights []int64
	for _, c := range it.Charges {
		if c.Added == "" {
			booked, weights = append(booked, c), append(weights, int64(c.AmountPence))
		}
	}
	var adds []addition
	for i, part := range shortbreaks.Split(int64(x.AmountPence), weights) {
		if part == 0 {
			continue
		}
		add, err := likeBooked(ctx, tx, it, doc.Category, booked[i], shortbreaks.Pence(part), x.Minutes)
		if err != nil {
			return err
		}
		adds = append(adds, *add)
	}
	by.cause = "more time agreed"
	return addCharges(ctx, tx, it, doc.Category, adds, by)
}

// likeBooked is a further charge with the payer of one that was booked.
func likeBooked(ctx context.Context, tx *db.Tx, it *Item, category string, like Charge, pence shortbreaks.Pence, minutes int) (*addition, error) {
	add := &addition{Charge: Charge{Kind: like.Kind, Payer: like.Payer, Unit: payments.InPence, Quantity: int64(pence), AmountPence: pence, LineID: like.LineID, Added: AddedExtra}}
	switch like.Payer {
	case payments.PayerFamilyTopUp:
		shares, err := topUpOf(ctx, tx, it, int64(pence))
		add.funding = shares
		return add, err
	case payments.PayerBudget:
		funds, err := budgets.Fund(ctx, tx, &budgets.Child{AuthorityID: it.AuthorityID, ID: *it.ChildID}, like.LineID, []budgets.FundAsk{{
			Category: category, Kind: like.Kind, Date: shortbreaks.Date(it.StartsAt), Pence: pence, Minutes: int64(minutes),
		}})
		if err != nil {
			return nil, err
		}
		if !funds[0].Allowed {
			return nil, ErrNotAllowed.With(funds[0].Because + ". Nothing was agreed, and what was booked stands.")
		}
		add.Unit, add.Quantity, add.funding = funds[0].Unit, funds[0].Quantity, funds[0].Shares
	}
	return add, nil
}

// fillAfter reads what came of items after they took place: the last proposal
// of more time, and what happened that adds to the price.
func fillAfter(ctx context.Context, tx *db.Tx, items []*Item) error {
	by := map[uuid.UUID]*Item{}
	for _, it := range items {
		by[it.ID], it.Extra, it.Happened = it, nil, nil
	}
	var batch pgx.Batch
	batch.Queue(`SELECT DISTINCT ON (item_id) authority_id, item_id, id, provider_id, minutes, amount_pence, reason, state, answer, proposed_by, proposed_at,
			answered_by, answered_at FROM `+ofItems(`extra_time`)+` ORDER BY item_id, proposed_at DESC, id DESC`,
		idsOf(items), authoritiesOf(items)).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[ExtraTime])
		for _, x := range list {
			if x.State == ExtraOpen && !by[x.ItemID].State.CanBecome(Settled) {
				x.State = ExtraLapsed
			}
			by[x.ItemID].Extra = x
		}
		return err
	})
	batch.Queue(`SELECT `+happeningColumns+` FROM `+ofItems(`item_happening`)+` ORDER BY item_id, happened_at, id`,
		idsOf(items), authoritiesOf(items)).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Happening])
		for _, h := range list {
			by[h.ItemID].Happened = append(by[h.ItemID].Happened, h)
		}
		return err
	})
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("read what came of items: %w", err)
	}
	return nil
}
