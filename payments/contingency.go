package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// PayerContingency pays a charge from the authority's emergency money.
const PayerContingency = "contingency"

// KindRecharge is the event in which a child's budget pays back what an
// emergency cost the contingency: budget -X, contingency +X, once an item.
const KindRecharge = "recharge"

// ContingencyKey names the account of a stream's emergency money for a period.
func ContingencyKey(authority uuid.UUID, stream string, period uuid.UUID) AccountKey {
	return AccountKey{Authority: authority, Kind: Contingency, Unit: InPence, Stream: stream, Period: &period}
}

// ContingencyOn is the account of a stream's emergency money for a London
// date, and its period: money that runs out first before money that lasts.
// Both are Nil if there is none. It looks at no balance.
func ContingencyOn(ctx context.Context, tx *db.Tx, authority uuid.UUID, stream string, on time.Time) (account, period uuid.UUID, err error) {
	err = tx.PGX.QueryRow(ctx, `SELECT a.id, a.period_id FROM account a JOIN period p ON p.authority_id = a.authority_id AND p.id = a.period_id
		WHERE a.authority_id = $1 AND a.kind = 'contingency' AND a.unit = 'pence' AND a.stream = $2 AND $3::date BETWEEN p.starts_on AND p.ends_on
		ORDER BY p.ends_on, p.starts_on, a.id LIMIT 1`, authority, stream, on).Scan(&account, &period)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, uuid.Nil, fmt.Errorf("find the contingency of %s: %w", stream, err)
	}
	return account, period, nil
}

// ContingencyGrant puts money into a contingency account, once for each ID.
type ContingencyGrant struct {
	Authority, ID uuid.UUID // ID is the row that caused it
	Stream        string
	Period        uuid.UUID
	Pence         shortbreaks.Pence
	By            uuid.UUID
}

// FundContingency posts a grant, opening the account if it is the first of its
// stream and period, and gives the account. The caller has checked who may,
// and that two people did.
func FundContingency(ctx context.Context, tx *db.Tx, g ContingencyGrant) (uuid.UUID, error) {
	ids, err := EnsureAccounts(ctx, tx, []AccountKey{
		ContingencyKey(g.Authority, g.Stream, g.Period), {Authority: g.Authority, Kind: AuthorityFunding, Unit: InPence, Stream: g.Stream},
	})
	if err != nil {
		return uuid.Nil, err
	}
	_, err = Post(ctx, tx, []Posting{{
		Authority: g.Authority, Kind: KindAllocate, Source: g.ID, Actor: g.By,
		Entries: []Entry{{ids[1], InPence, -int64(g.Pence)}, {ids[0], InPence, int64(g.Pence)}},
	}})
	return ids[0], err
}

// Borne is what the contingency bears of an item: what is still held of it,
// and what was captured and not given back.
type Borne struct {
	Account         uuid.UUID // Nil: nothing was held
	Pending, Spent  int64     // pence
	PendingHoldings int       // holds not resolved yet
}

// BorneByContingency reads what the contingency bears of an item, whose row
// the caller has locked.
func BorneByContingency(ctx context.Context, tx *db.Tx, authority, item uuid.UUID) (b Borne, err error) {
	var account *uuid.UUID
	err = tx.PGX.QueryRow(ctx, `SELECT (array_agg(a.id))[1], coalesce(sum(h.amount) FILTER (WHERE h.state = 'pending'), 0)::bigint,
			coalesce(sum(h.captured - h.refunded), 0)::bigint, count(*) FILTER (WHERE h.state = 'pending')
		FROM hold h JOIN account a ON a.authority_id = h.authority_id AND a.id = h.account_id AND a.kind = 'contingency'
		WHERE h.authority_id = $1 AND h.item_id = $2`, authority, item).Scan(&account, &b.Pending, &b.Spent, &b.PendingHoldings)
	if err != nil {
		return b, fmt.Errorf("read what the contingency bears of item %s: %w", item, err)
	}
	if account != nil {
		b.Account = *account
	}
	return b, nil
}

// Recharged is what one budget account pays back.
type Recharged struct {
	Account uuid.UUID
	Amount  int64 // pence
}

// Recharge moves what an item cost from the contingency to budget accounts,
// which the caller has locked after their plan line and found to have it free.
// It is written down beside the ledger, as what the line was charged.
func Recharge(ctx context.Context, tx *db.Tx, authority, item, line, contingency, actor uuid.UUID, parts []Recharged) error {
	p := Posting{Authority: authority, Kind: KindRecharge, Source: item, Actor: actor}
	for _, r := range parts {
		if r.Amount == 0 {
			continue
		}
		_, err := tx.PGX.Exec(ctx, `INSERT INTO recharge (authority_id, item_id, account_id, line_id, amount_pence) VALUES ($1, $2, $3, $4, $5)`,
			authority, item, r.Account, line, r.Amount)
		if err != nil {
			return fmt.Errorf("write recharge of item %s: %w", item, err)
		}
		p.Entries = append(p.Entries, Entry{r.Account, InPence, -r.Amount}, Entry{contingency, InPence, r.Amount})
	}
	posted, err := Post(ctx, tx, []Posting{p})
	if err == nil && !posted[0] {
		err = fmt.Errorf("recharge item %s: already posted", item)
	}
	return err
}
