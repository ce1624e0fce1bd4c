package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/budgets"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// bulkQuotesLast is how long these quotes can be booked: long enough for any
// load, where an authority's own last half an hour.
const bulkQuotesLast = 24 * time.Hour

// BulkQuote is a quote somebody may book.
type BulkQuote struct {
	ID         uuid.UUID
	Authority  uuid.UUID
	Person     uuid.UUID // the child's parent
	ChildID    uuid.UUID
	OfferID    uuid.UUID
	SessionID  uuid.UUID
	TotalPence shortbreaks.Pence
}

// Quotes writes n quotes, each of one session for one child, and gives them in
// an order made from seed: like the world's families, two that follow each
// other mostly want different things. No child is quoted a session twice, and
// children and sessions are used equally often.
func (w *BulkWorld) Quotes(ctx context.Context, owner *pgxpool.Pool, n int, seed uint64) ([]BulkQuote, error) {
	if n > len(w.children)*len(w.sessions)/2 {
		return nil, errors.New("bulk quotes: more than half of what the children could attend at all")
	}
	type pair struct{ child, session int }
	random := rand.New(rand.NewPCG(seed, uint64(n))) //nolint:gosec // load, not secrets
	pairs := make([]pair, 0, n)
	given := make(map[pair]bool, n)
	var children, sessions deck
	for len(pairs) < n {
		p := pair{children.draw(random, len(w.children)), sessions.draw(random, len(w.sessions))}
		for given[p] {
			p.session = (p.session + 1) % len(w.sessions)
		}
		given[p] = true
		pairs = append(pairs, p)
	}
	return w.write(ctx, owner, n, func(i int) (*bulkChild, *bulkSession) {
		return &w.children[pairs[i].child], &w.sessions[pairs[i].session]
	})
}

// RushQuotes writes n quotes of one session, each for another child. Nobody
// else was quoted the session: it is made for them.
func (w *BulkWorld) RushQuotes(ctx context.Context, owner *pgxpool.Pool, n int) ([]BulkQuote, error) {
	if n > len(w.children) {
		return nil, errors.New("bulk quotes: there are fewer children")
	}
	last := w.sessions[len(w.sessions)-1]
	last.ID = shortbreaks.NewID()
	if err := w.addSessionLike(ctx, owner, w.sessions[len(w.sessions)-1].ID, last.ID); err != nil {
		return nil, err
	}
	return w.write(ctx, owner, n, func(i int) (*bulkChild, *bulkSession) { return &w.children[i], &last })
}

// AskFirst makes quotes, of those the world wrote and nobody has used, into such
// as the provider has to say yes to. Quotes are append-only: it goes past that.
func AskFirst(ctx context.Context, owner *pgxpool.Pool, quotes []BulkQuote) error {
	ids := make([]uuid.UUID, len(quotes))
	for i, q := range quotes {
		ids[i] = q.ID
	}
	err := pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `UPDATE quote SET document = replace(document::text, '"instant":true', '"instant":false')::json WHERE id = ANY ($1)`, ids)
		if err == nil && done.RowsAffected() != int64(len(ids)) {
			err = fmt.Errorf("%d of %d found", done.RowsAffected(), len(ids))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("bulk quotes: ask first: %w", err)
	}
	return nil
}

// Coordinators are the people who answer for each provider of the world.
func (w *BulkWorld) Coordinators() map[uuid.UUID]uuid.UUID {
	of := make(map[uuid.UUID]uuid.UUID, len(w.clubs))
	for _, c := range w.clubs {
		of[c.provider.ID] = c.staff.ID
	}
	return of
}

// LastEnd is when the last session of the world is over.
func (w *BulkWorld) LastEnd() (last time.Time) {
	for _, s := range w.sessions {
		if s.EndsAt.After(last) {
			last = s.EndsAt
		}
	}
	return last
}

// addSessionLike adds a session that differs from another in its id alone.
func (w *BulkWorld) addSessionLike(ctx context.Context, owner *pgxpool.Pool, like, id uuid.UUID) error {
	for _, sql := range []string{
		`INSERT INTO session SELECT (jsonb_populate_record(s, jsonb_build_object('id', $2::uuid))).* FROM session s WHERE id = $1`,
		`INSERT INTO session_places SELECT (jsonb_populate_record(p, jsonb_build_object('session_id', $2::uuid, 'taken', 0, 'seq', 0))).* FROM session_places p WHERE session_id = $1`,
	} {
		if _, err := owner.Exec(ctx, sql, like, id); err != nil {
			return fmt.Errorf("bulk quotes: add a session: %w", err)
		}
	}
	return nil
}

// write makes and stores n quotes.
func (w *BulkWorld) write(ctx context.Context, owner *pgxpool.Pool, n int, of func(i int) (*bulkChild, *bulkSession)) ([]BulkQuote, error) {
	rows := &table{name: "quote", columns: "authority_id id child_id provider_id offer_id version_id total_pence document created_by created_at expires_at"}
	quotes := make([]BulkQuote, 0, n)
	for i := range n {
		child, session := of(i)
		q, err := w.quote(child, session)
		if err != nil {
			return nil, fmt.Errorf("bulk quotes: %w", err)
		}
		rows.add(q.AuthorityID, q.ID, q.ChildID, q.ProviderID, q.OfferID, q.VersionID, int64(q.TotalPence), q.Document, q.CreatedBy, q.CreatedAt, q.ExpiresAt)
		quotes = append(quotes, BulkQuote{
			ID: q.ID, Authority: q.AuthorityID, Person: q.CreatedBy, ChildID: q.ChildID, OfferID: q.OfferID, SessionID: session.ID, TotalPence: q.TotalPence,
		})
	}
	err := pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error { return rows.copyIn(ctx, tx) })
	if err != nil {
		return nil, fmt.Errorf("bulk quotes: %w", err)
	}
	if err := analyse(ctx, owner, []*table{rows}); err != nil {
		return nil, fmt.Errorf("bulk quotes: %w", err)
	}
	return quotes, nil
}

// deck gives 0 to size-1 in a random order, then again in another.
type deck struct{ left []int }

func (d *deck) draw(random *rand.Rand, size int) int {
	if len(d.left) == 0 {
		d.left = random.Perm(size)
	}
	last := len(d.left) - 1
	n := d.left[last]
	d.left = d.left[:last]
	return n
}

// quote is what booking.MakeQuote would have answered; a test compares them.
func (w *BulkWorld) quote(c *bulkChild, s *bulkSession) (*booking.Quote, error) {
	club := s.club
	priced, err := tariff.Price(&club.version.Tariff, &tariff.Ask{
		SoldBy: tariff.BySession, Occasions: []tariff.Occasion{{StartsAt: s.StartsAt, EndsAt: s.EndsAt}},
	})
	if err != nil {
		return nil, err
	}
	const because = "Your plan pays for this."
	item := booking.QuotedItem{
		SessionID: &s.ID, AttendeeKind: "child", StartsAt: s.StartsAt, EndsAt: s.EndsAt, LocalStart: s.LocalStart, PricePence: priced.TotalPence,
	}
	for _, ch := range priced.Items[0].Lines {
		amount := int64(ch.Pence)
		why := budgets.PaidBy(w.lineOf(c), budgets.FundAsk{Category: club.offer.Category, Kind: ch.Kind, Date: shortbreaks.Date(s.StartsAt)})
		item.Charges = append(item.Charges, booking.QuotedCharge{
			N: ch.N, Kind: ch.Kind, AmountPence: ch.Pence, FullPence: ch.FullPence, OptionName: ch.OptionName, Payer: payments.PayerBudget, Allowed: true, Because: because, LineID: &c.line,
			Unit: payments.InPence, Quantity: amount,
			Funding: []booking.QuotedShare{{Stream: bulkStream, PeriodID: c.authority.period.ID, AccountID: c.account, Amount: amount}},
			Reason:  &booking.QuotedReason{Verdict: why.Verdict, Rule: why.Rule, Version: why.Version, Facts: why.Facts},
		})
	}
	return &booking.Quote{
		AuthorityID: c.AuthorityID, ID: shortbreaks.NewID(), ChildID: c.ID, ProviderID: club.provider.ID, OfferID: club.offer.ID,
		VersionID: club.version.ID, TotalPence: priced.TotalPence, CreatedBy: c.parent.ID, CreatedAt: w.now, ExpiresAt: w.now.Add(bulkQuotesLast),
		Document: booking.QuoteDocument{
			ProviderName: club.provider.Name, OfferTitle: club.offer.Title, Category: club.offer.Category, OptionName: priced.OptionName(),
			BilledOn: priced.BilledOn(), Instant: club.offer.Instant, Explanation: priced.Explain(), Terms: club.version.Terms,
			Items: []booking.QuotedItem{item}, Allowed: true, Because: []string{because}, RequestWithin: 48 * time.Hour,
			FullPence: priced.FullPence, Dues: priced.Dues(),
		},
	}, nil
}
