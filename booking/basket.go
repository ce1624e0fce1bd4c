package booking

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// mostInBasket is how many lines are booked together, as quotes or as a basket.
const mostInBasket = 20

// CreateBasket prices and books several things at once, for one child or for
// several of a family: all of them or none (T10, R109).
type CreateBasket struct {
	Lines []BasketLine
	Idem  *shortbreaks.Idem
}

// BasketLine is what one child would have of one offer, and the total the person
// was shown for it.
type BasketLine struct {
	Wanted             CreateQuote
	ExpectedTotalPence shortbreaks.Pence
}

// CreateBasket quotes every line, each on its own child's plan and budget, and
// books the quotes as one order. If any line cannot be booked the refusal names
// every one that cannot, and why; then no place and no money is taken. The
// children are of one authority. Errors: forbidden, not-found, invalid,
// price-changed, idempotency-key-reused, request-in-progress, those of MakeQuote
// and those of Reserve.
func (k *Desk) CreateBasket(ctx context.Context, who shortbreaks.Actor, c CreateBasket) (*shortbreaks.Reply, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	if len(c.Lines) == 0 || len(c.Lines) > mostInBasket {
		return nil, shortbreaks.ErrInvalid.At("/lines", fmt.Sprintf("Send 1 to %d lines.", mostInBasket))
	}
	order := CreateBooking{Idem: c.Idem}
	var before *shortbreaks.Reply
	err := k.d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		before, order.Quotes = nil, nil
		authority, err := c.authority(ctx, tx, who)
		if err != nil {
			return err
		}
		if before, err = answeredBefore(ctx, tx, authority, c.Idem); before != nil || err != nil {
			return err
		}
		quotes, err := c.quotes(ctx, tx, who)
		for _, q := range quotes {
			order.Quotes = append(order.Quotes, QuoteToBook{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence})
		}
		return err
	})
	if before != nil || err != nil {
		return before, err
	}
	reply, err := k.Create(ctx, people.As(who), order)
	return reply, linesOf(err, "/quotes/", "/lines/")
}

// authority is that of all the children, who must be within reach, and opens
// the top-up accounts that lines need, in one order for everybody.
func (c CreateBasket) authority(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) (uuid.UUID, error) {
	authority := uuid.Nil
	var topUps []payments.AccountKey
	var f shortbreaks.Faults
	for i, l := range c.Lines {
		child, err := budgets.LoadChild(ctx, tx, who, l.Wanted.ChildID)
		if err != nil {
			return uuid.Nil, err
		}
		if authority == uuid.Nil {
			authority = child.AuthorityID
		}
		f.Unless(child.AuthorityID == authority, fmt.Sprintf("/lines/%d/want/child_id", i),
			"This child is of another council than the first. Book the children of each council in a basket of their own.")
		if l.Wanted.FamilyPays == "top_up" {
			topUps = append(topUps, payments.AccountKey{Authority: child.AuthorityID, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: &child.ID})
		}
	}
	if err := f.As(shortbreaks.ErrInvalid.With("Book the children of each council in a basket of their own. Nothing was booked.")); err != nil {
		return uuid.Nil, err
	}
	_, err := payments.EnsureAccounts(ctx, tx, topUps)
	return authority, err
}

// answeredBefore is the answer of an earlier request with this key, so that a
// retry is not priced anew. Two at once are told apart by the desk.
func answeredBefore(ctx context.Context, tx *db.Tx, authority uuid.UUID, idem *shortbreaks.Idem) (*shortbreaks.Reply, error) {
	var batch pgx.Batch
	keys := db.QueueReplies(&batch, []db.KeyAsked{{Authority: authority, Idem: idem}})
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("look for an earlier answer: %w", err)
	}
	return keys.Replay(0, tx.Now)
}

// quotes prices every line and stores the quotes, or says of every line that
// cannot be priced, or has another price than was shown, what is wrong.
func (c CreateBasket) quotes(ctx context.Context, tx *db.Tx, who shortbreaks.Actor) ([]*Quote, error) {
	quotes := make([]*Quote, len(c.Lines))
	var found refusedLines
	for i, l := range c.Lines {
		at := fmt.Sprintf("/lines/%d", i)
		q, err := draftFor(ctx, tx, who, l.Wanted)
		switch {
		case err != nil:
			err = found.add(at+"/want", "", err)
		case q.TotalPence != l.ExpectedTotalPence:
			words := fmt.Sprintf("It costs %s and you sent %s. Nothing was booked; check the price and try again.", q.TotalPence, l.ExpectedTotalPence)
			err = found.add(at, "", ErrPriceChanged.With(words).At("/expected_total_pence", words))
		}
		if err != nil {
			return nil, err
		}
		quotes[i] = q
	}
	if err := found.refusal(); err != nil {
		return nil, err
	}
	for _, q := range quotes {
		if err := insertQuote(ctx, tx, q); err != nil {
			return nil, err
		}
	}
	return quotes, nil
}

// refusedLines gathers what stands against the lines of a basket. The first
// gives the code; each has its place and its words.
type refusedLines struct{ first *shortbreaks.Error }

// add notes a refusal of one line; another error is given back. name says in
// the words which line it is.
func (r *refusedLines) add(at, name string, err error) error {
	refusal := &shortbreaks.Error{}
	if !errors.As(err, &refusal) {
		return err
	}
	if r.first == nil {
		r.first = refusal.With(refusal.Detail)
		r.first.Fields = nil
	}
	if len(refusal.Fields) == 0 {
		r.first = r.first.At(at, name+reasonOnly(refusal))
	}
	for _, f := range refusal.Fields {
		r.first = r.first.At(at+f.Pointer, name+f.Detail)
	}
	return nil
}

func (r *refusedLines) refusal() error {
	if r.first == nil {
		return nil
	}
	return r.first
}

// nameLines says of an order of several quotes, one of which was refused, which
// of them could not be booked and why: each is looked at after those before it
// that could. It is for the refusal alone; the order is given back as a whole.
func (t *taking) nameLines(refused error) error {
	if len(t.order.Quotes) == 1 {
		return refused
	}
	t.giveBack()
	t.undo = nil
	var found refusedLines
	for i, q := range t.order.Quotes {
		before, lanes := len(t.undo), t.board.lanes.Mark()
		_, err := t.decideQuote(&Basket{}, q)
		if err == nil {
			continue
		}
		name := q.Document.OfferTitle + ": "
		if first := t.order.FirstNames[q.ChildID]; first != "" {
			name = first + ", " + name
		}
		if err := found.add(fmt.Sprintf("/quotes/%d", i), name, err); err != nil {
			return err
		}
		t.board.lanes.Undo(lanes)
		for n := len(t.undo) - 1; n >= before; n-- {
			t.undo[n]()
		}
		t.undo = t.undo[:before]
	}
	if err := found.refusal(); err != nil {
		return err
	}
	return refused
}

// linesOf names the lines of a request where an order has a list of its own.
func linesOf(err error, list, lines string) error {
	refusal := &shortbreaks.Error{}
	if !errors.As(err, &refusal) || len(refusal.Fields) == 0 {
		return err
	}
	fixed := *refusal
	fixed.Fields = make([]shortbreaks.Field, len(refusal.Fields))
	for i, f := range refusal.Fields {
		if rest, ok := strings.CutPrefix(f.Pointer, list); ok {
			f.Pointer = lines + rest
		}
		fixed.Fields[i] = f
	}
	return &fixed
}
