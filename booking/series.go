package booking

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
	"shortbreaks/payments"
)

// QuoteSeries asks what a rule such as "every Saturday in term" would come to
// for a child at one offer.
type QuoteSeries struct {
	Wanted    CreateQuote           // without dates; LaneID is whom to have for visits
	Rule      marketplace.SeriesAsk // school and authority are filled in from the child
	AllOrNone bool                  // no quote if any date that the rule leaves cannot be had
}

// SeriesQuote is what a rule comes to: its dates, and a quote for those that can
// be had. The quote is booked as any other, in one order.
type SeriesQuote struct {
	Dates []SeriesQuoteDate // in order
	Quote *Quote            // nil: nothing can be had, or not everything was wanted or nothing
}

// SeriesQuoteDate is one date that the rule names, with its price if it is in
// the quote.
type SeriesQuoteDate struct {
	marketplace.SeriesDate
	Item *QuotedItem // nil: not in the quote
}

// SeriesNotOffered is the code of a date on which the offer is not given.
const SeriesNotOffered = "not-offered"

// MakeSeriesQuote holds every date of a rule against all that a booking would be
// held against (the school's term, what is planned, notice, places, workers and
// their sign-offs, the budget) and quotes those that can be had, each at the
// price in force on its date (T36, T88). The quote is an ordinary one: dates
// booked by it are skipped or moved one by one, and the others stay as they are
// (T37). Nothing is taken. Errors: as MakeQuote, for faults that are not of
// single dates.
func MakeSeriesQuote(ctx context.Context, d *db.DB, who shortbreaks.Actor, c QuoteSeries) (*SeriesQuote, error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, shortbreaks.ErrForbidden
	}
	var made *SeriesQuote
	err := d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		child, err := budgets.LoadChild(ctx, tx, who, c.Wanted.ChildID)
		if err != nil {
			return err
		}
		c.Rule.SchoolID, c.Rule.Authority, c.Rule.LaneID = child.SchoolID, child.AuthorityID, c.Wanted.LaneID
		s := series{who: who, asked: c}
		if s.dates, err = marketplace.SeriesDates(ctx, tx, c.Wanted.OfferID, c.Rule); err != nil {
			return err
		}
		wanted := len(s.open())
		if err := s.price(ctx, tx); err != nil {
			return err
		}
		if c.AllOrNone && len(s.open()) < wanted {
			s.quote = nil
		}
		made = s.result()
		if s.quote == nil {
			return nil
		}
		return insertQuote(ctx, tx, s.quote)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// series is a rule on its way to a quote.
type series struct {
	who   shortbreaks.Actor
	asked QuoteSeries
	dates []marketplace.SeriesDate
	quote *Quote
}

// open are the places of the dates against which nothing stands yet.
func (s *series) open() (places []int) {
	for i := range s.dates {
		if s.dates[i].Open() {
			places = append(places, i)
		}
	}
	return places
}

// request asks for some of the dates.
func (s *series) request(places []int) CreateQuote {
	c := s.asked.Wanted
	c.SessionIDs, c.Visits, c.BundleID = nil, nil, nil
	for _, i := range places {
		if d := s.dates[i]; d.Visit != nil {
			c.Visits = append(c.Visits, *d.Visit)
		} else {
			c.SessionIDs = append(c.SessionIDs, *d.SessionID)
		}
	}
	return c
}

// price quotes the dates that are open. What stands against some of them takes
// these out, and the rest is priced anew, since a price may depend on how many
// are bought; so each round leaves fewer.
func (s *series) price(ctx context.Context, tx *db.Tx) error {
	for {
		places := s.open()
		if len(places) == 0 {
			s.quote = nil
			return nil
		}
		q, err := draftFor(ctx, tx, s.who, s.request(places))
		if err != nil {
			if err := s.leaveRefused(ctx, tx, places, err); err != nil {
				return err
			}
			continue
		}
		refused, err := wouldRefuse(ctx, tx, s.who, q)
		if err != nil {
			return err
		}
		if len(refused) == 0 {
			s.quote = q
			return nil
		}
		for n, refusal := range refused {
			s.dates[places[n]].Leave(refusal.Code, reasonOnly(refusal))
		}
	}
}

// leaveRefused takes out the dates that a refusal of the quote is about; a
// refusal that is about none of them is given back.
func (s *series) leaveRefused(ctx context.Context, tx *db.Tx, places []int, err error) error {
	refusal := &shortbreaks.Error{}
	if !errors.As(err, &refusal) {
		return err
	}
	left, ofAll := 0, false
	for _, f := range refusal.Fields {
		n, rest, ok := dateAt(f.Pointer)
		switch {
		case !ok, n >= len(places):
			return err
		case rest == "minutes", rest == "lane_id":
			return shortbreaks.ErrInvalid.With(f.Detail).At("/"+rest, f.Detail)
		case n < 0:
			ofAll = true
		default:
			s.dates[places[n]].Leave(reasonCode(refusal), f.Detail)
			left++
		}
	}
	switch {
	case left > 0:
		return nil
	case ofAll:
		return s.probe(ctx, tx, places, err)
	}
	return err
}

// probe asks for each date alone, to find those that a refusal of all of them
// together is about.
func (s *series) probe(ctx context.Context, tx *db.Tx, places []int, all error) error {
	left := 0
	for _, i := range places {
		_, err := draftFor(ctx, tx, s.who, s.request([]int{i}))
		refusal := &shortbreaks.Error{}
		switch {
		case err == nil:
		case errors.As(err, &refusal):
			s.dates[i].Leave(reasonCode(refusal), refusal.Detail)
			left++
		default:
			return err
		}
	}
	if left == 0 {
		return all
	}
	return nil
}

// reasonCode is why a date cannot be had; a value that breaks a rule is a date on
// which the offer is not given.
func reasonCode(refusal *shortbreaks.Error) string {
	if refusal.Code == shortbreaks.ErrInvalid.Code {
		return SeriesNotOffered
	}
	return refusal.Code
}

// dateAt reads which date of a request a pointer is about: -1 for all of them.
func dateAt(pointer string) (n int, rest string, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(pointer, "/"), "/", 3)
	if parts[0] != "session_ids" && parts[0] != "visits" {
		return 0, "", false
	}
	if len(parts) == 1 {
		return -1, "", true
	}
	n, err := strconv.Atoi(parts[1])
	if len(parts) == 3 {
		rest = parts[2]
	}
	return n, rest, err == nil
}

// reasonOnly is a refusal's words without what did not happen: nothing was asked
// to happen yet.
func reasonOnly(refusal *shortbreaks.Error) string {
	words, _, _ := strings.Cut(refusal.Detail, "Nothing was")
	if words = strings.TrimSpace(words); words == "" {
		return refusal.Title + "."
	}
	return words
}

func (s *series) result() *SeriesQuote {
	made := &SeriesQuote{Quote: s.quote, Dates: make([]SeriesQuoteDate, len(s.dates))}
	n := 0
	for i, d := range s.dates {
		made.Dates[i].SeriesDate = d
		if s.quote != nil && d.Open() {
			made.Dates[i].Item = &s.quote.Document.Items[n]
			n++
		}
	}
	return made
}

// wouldRefuse says, item by item, what Reserve would say of a quote at this
// moment, each item after those before it. It locks and takes nothing.
func wouldRefuse(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, q *Quote) (map[int]*shortbreaks.Error, error) {
	order := Order{Authority: q.AuthorityID, Who: who, Quotes: []*Quote{q}}
	b, err := lookAtBoard(ctx, tx, []Order{order})
	if err != nil {
		return nil, err
	}
	refused := map[int]*shortbreaks.Error{}
	for n, qi := range q.Document.Items {
		t := taking{board: b, order: order, now: tx.Now, lanes: b.lanes.Mark()}
		_, err := t.take(t.newBooking(&Basket{}, q), q, n, qi)
		refusal := &shortbreaks.Error{}
		switch {
		case err == nil:
		case errors.As(err, &refusal):
			t.giveBack()
			refused[n] = refusal
		default:
			return nil, err
		}
	}
	return refused, nil
}

// lookAtBoard reads what orders would compete for, without a lock.
func lookAtBoard(ctx context.Context, tx *db.Tx, orders []Order) (*board, error) {
	var batch pgx.Batch
	b, need := &board{}, needs(orders)
	b.queue(&batch, need, false)
	b.lanes = marketplace.QueueLookAtLanes(&batch, need.lanes)
	b.lines = budgets.QueueLookAtLines(&batch, need.lines)
	b.accounts = payments.QueueLookAtAccounts(&batch, need.accounts)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("look at what is free: %w", err)
	}
	return b, nil
}
