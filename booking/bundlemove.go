package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// MoveInBundle gives one date of a bundle another session of its offer.
type MoveInBundle struct {
	ItemID    uuid.UUID
	SessionID uuid.UUID
	Idem      *shortbreaks.Idem // renders a *Rescheduled
}

// MoveBundleDate is Move for a date that was booked as part of a term or a
// quarter: it keeps its share of that price, its payers and its terms, whatever
// the session costs by itself. Place and money change hands in one transaction,
// through Reserve. Errors: those of Move, not-allowed, age-not-served,
// offer-closed.
func MoveBundleDate(ctx context.Context, d *db.DB, who shortbreaks.Actor, c MoveInBundle) (done *Rescheduled, reply *shortbreaks.Reply, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, nil, shortbreaks.ErrForbidden
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		done, reply = nil, nil
		items, err := selectItems(ctx, tx, `id = $1`, c.ItemID)
		if err != nil {
			return err
		}
		if len(items) == 0 || !mayAct(who, items[0]) {
			return shortbreaks.ErrNotFound
		}
		old := items[0]
		if reply, err = tx.Replay(ctx, old.AuthorityID, c.Idem); reply != nil || err != nil {
			return err
		}
		q, err := c.draft(ctx, tx, who, old)
		if err != nil {
			return err
		}
		if err := insertQuote(ctx, tx, q); err != nil {
			return err
		}
		order, err := orderFor(ctx, tx, who, CreateBooking{Quotes: []QuoteToBook{{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence}}, Idem: c.Idem})
		if err != nil {
			return err
		}
		m := moving{who: who, order: *order}
		if err := m.lockOld(ctx, tx, c.ItemID); err != nil {
			return err
		}
		if done, err = m.carryOut(ctx, tx); err != nil {
			return err
		}
		reply, err = tx.Keep(ctx, order.Authority, c.Idem, done)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return done, reply, nil
}

// draft is the quote of the old date with another session in its place.
func (c MoveInBundle) draft(ctx context.Context, tx *db.Tx, who shortbreaks.Actor, old *Item) (*Quote, error) {
	q, err := quoteOf(ctx, tx, old)
	if err != nil {
		return nil, err
	}
	doc := &q.Document
	n := slices.IndexFunc(doc.Items, func(it QuotedItem) bool {
		return it.SessionID != nil && old.SessionID != nil && *it.SessionID == *old.SessionID
	})
	if doc.BundleID == nil || n < 0 {
		return nil, shortbreaks.ErrInvalid.With("This date is not part of a bundle. Quote the new date, and move it to that.")
	}
	child, err := budgets.LoadChild(ctx, tx, who, q.ChildID)
	if err != nil {
		return nil, err
	}
	to, err := marketplace.MovingTo(ctx, tx, marketplace.Want{
		OfferID: q.OfferID, SessionIDs: []uuid.UUID{c.SessionID}, DateOfBirth: child.DateOfBirth, Authority: child.AuthorityID,
	})
	if err != nil {
		return nil, pointedAtSession(err)
	}
	settings, err := budgets.SettingsOn(ctx, tx, child.AuthorityID, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, err
	}
	it := doc.Items[n]
	it.SessionID, it.StartsAt, it.EndsAt, it.LocalStart, it.Tasks = &c.SessionID, to.Items[0].StartsAt, to.Items[0].EndsAt, to.Items[0].LocalStart, nil
	it.Minimum = quotedMinimum(to.Items[0].Minimum)
	if err := it.paidThen(ctx, tx, q.AuthorityID); err != nil {
		return nil, err
	}
	q.ID, q.TotalPence, q.CreatedBy, q.CreatedAt, q.ExpiresAt = shortbreaks.NewID(), it.PricePence, who.Person, tx.Now, tx.Now.Add(settings.QuoteLasts)
	doc.Items, doc.Dues, doc.MightAdd, doc.FullPence, doc.Instant = []QuotedItem{it}, nil, nil, it.PricePence, to.Offer.Instant
	doc.Explanation = "One date of " + doc.OptionName + ", moved. It keeps its part of the price."
	if err := noteNeeds(ctx, tx, q); err != nil {
		return nil, err
	}
	q.noteAsk(who)
	return q, noteNights(ctx, tx, q)
}

// quoteOf is the quote an item was booked by.
func quoteOf(ctx context.Context, tx *db.Tx, it *Item) (*Quote, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT `+quoteColumns+` FROM quote q JOIN booking b ON b.authority_id = q.authority_id AND b.quote_id = q.id
		WHERE b.authority_id = $1 AND b.id = $2`, it.AuthorityID, it.BookingID)
	if err != nil {
		return nil, fmt.Errorf("read the quote of item %s: %w", it.ID, err)
	}
	q, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[Quote])
	if err != nil {
		return nil, fmt.Errorf("read the quote of item %s: %w", it.ID, err)
	}
	return q, nil
}

// paidThen refuses a date on which the money and the plan lines that pay for the
// item do not hold (T44).
func (it *QuotedItem) paidThen(ctx context.Context, tx *db.Tx, authority uuid.UUID) error {
	var periods, lines []uuid.UUID
	for _, ch := range it.Charges {
		if ch.LineID != nil {
			lines = append(lines, *ch.LineID)
		}
		for _, s := range ch.Funding {
			periods = append(periods, s.PeriodID)
		}
	}
	var other bool
	err := tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT FROM period WHERE authority_id = $1 AND id = ANY ($2::uuid[]) AND $4::date NOT BETWEEN starts_on AND ends_on)
		OR EXISTS (SELECT FROM plan_line WHERE authority_id = $1 AND id = ANY ($3::uuid[]) AND $4::date NOT BETWEEN starts_on AND ends_on)`,
		authority, periods, lines, shortbreaks.Date(it.StartsAt).Format(time.DateOnly)).Scan(&other)
	if err != nil {
		return fmt.Errorf("read when the money of a date may be spent: %w", err)
	}
	if other {
		return ErrNotAllowed.With("What pays for the bundle may not be spent on that date. Nothing was moved; choose a date of the same year and plan.")
	}
	return nil
}

// pointedAtSession names the one session of the request where Offering has a
// list.
func pointedAtSession(err error) error {
	refusal := &shortbreaks.Error{}
	if !errors.As(err, &refusal) || len(refusal.Fields) == 0 {
		return err
	}
	fixed := *refusal
	fixed.Fields = nil
	out := &fixed
	for _, f := range refusal.Fields {
		out = out.At("/session_id", f.Detail)
	}
	return out
}
