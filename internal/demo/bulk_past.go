package demo

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// pastInSession is how many children were at each session of the past.
const pastInSession = 20

// Past gives a bulk world a past of at least n bookings, and says how many:
// each child was at a session of its own every day, the provider filed the
// register, the family agreed and the money was posted. What was spent was
// allocated on top of what each child has. Only the documents of their quotes
// are empty. Rows are made where they are kept, past row-level security and the
// triggers, many times faster than they could be sent; the audit finds them
// clean. told hears how many are there so far,
// from two at once.
func (w *BulkWorld) Past(ctx context.Context, owner *pgxpool.Pool, n int, told func(made int)) (int, error) {
	each := len(w.children)
	if n < 1 || each < pastInSession {
		return 0, fmt.Errorf("bulk past: at least one booking and %d children", pastInSession)
	}
	days := (n + each - 1) / each
	if _, err := owner.Exec(ctx, pastBegins); err != nil {
		return 0, fmt.Errorf("bulk past: %w", err)
	}
	var made atomic.Int64
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for day := range days {
		group.Go(func() error {
			if err := pastDay(within, owner, days-day, day+1); err != nil {
				return fmt.Errorf("bulk past: day %d: %w", day+1, err)
			}
			told(int(made.Add(int64(each))))
			return nil
		})
	}
	err := group.Wait()
	if err == nil {
		err = pastSum(ctx, owner, days)
	}
	_, dropErr := owner.Exec(ctx, `DROP SCHEMA past CASCADE`)
	if err := errors.Join(err, dropErr); err != nil {
		return 0, err
	}
	return days * each, nil
}

// pastDay makes what happened so many days ago, the nth day of the past.
func pastDay(ctx context.Context, owner *pgxpool.Pool, ago, nth int) error {
	return pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, pastOfDay, ago, nth, pastInSession); err != nil {
			return err
		}
		for _, sql := range pastRows {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

// pastSum allocates what the past has spent and counts it where it is counted.
func pastSum(ctx context.Context, owner *pgxpool.Pool, days int) error {
	err := pgx.BeginFunc(ctx, owner, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, pastSpent); err != nil {
			return err
		}
		for _, sql := range pastSums {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE account a SET seq = a.seq + $1 FROM past.child c WHERE a.authority_id = c.authority AND a.id = c.account`, days)
		return err
	})
	if err != nil {
		return fmt.Errorf("bulk past: count what was spent: %w", err)
	}
	return nil
}

// Ids follow from what they are of and when it was made, so that rows of
// different tables find each other, and keys grow with time as those of the
// service do.
const pastBegins = `
CREATE SCHEMA past;
CREATE FUNCTION past.id(kind int, day int, n bigint, at timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(kind), 3, '0')
        || '8' || lpad(to_hex(day), 5, '0') || lpad(to_hex(n), 10, '0'))::uuid
$$;
CREATE TABLE past.child AS
    SELECT row_number() OVER (ORDER BY c.id) - 1 AS n, c.authority_id AS authority, c.id AS child, a.id AS account, l.id AS line, m.person_id AS parent,
        f.id AS funding, l.approved_by AS approver
    FROM child c
    JOIN account a ON a.authority_id = c.authority_id AND a.child_id = c.id AND a.kind = 'budget'
    JOIN plan_line l ON l.authority_id = c.authority_id AND l.child_id = c.id
    JOIN family_member m ON m.authority_id = c.authority_id AND m.family_id = c.family_id
    JOIN account f ON f.authority_id = c.authority_id AND f.kind = 'authority_funding';
CREATE TABLE past.club AS
    SELECT row_number() OVER (ORDER BY p.id) - 1 AS n, p.id AS provider, o.id AS offer, v.id AS version, v.price_pence AS pence, v.terms, g.person_id AS staff
    FROM provider p
    JOIN offer o ON o.provider_id = p.id
    JOIN offer_version v ON v.provider_id = p.id AND v.id = o.version_id
    JOIN role_grant g ON g.provider_id = p.id;
CREATE UNIQUE INDEX ON past.child (n);
CREATE UNIQUE INDEX ON past.club (n);
INSERT INTO account (authority_id, id, kind, unit, provider_id, payer, has_floor)
    SELECT a.id, gen_random_uuid(), 'provider_payable', 'pence', p.provider, 'authority', false FROM authority a, past.club p
    ON CONFLICT DO NOTHING;
CREATE TABLE past.payable AS SELECT authority_id AS authority, provider_id AS provider, id FROM account WHERE kind = 'provider_payable' AND payer = 'authority';
CREATE UNIQUE INDEX ON past.payable (authority, provider);
ANALYZE past.child;
ANALYZE past.club;
ANALYZE past.payable;`

// pastOfDay is one booking of each child, so many days ago ($1), the nth day of
// the past ($2), with so many ($3) in a session.
const pastOfDay = `CREATE TEMP TABLE happened ON COMMIT DROP AS
    WITH day AS (
        SELECT date_trunc('day', now()) - $1::int * interval '1 day' AS on, ceil((SELECT count(*) FROM past.child)::numeric / $3::int)::bigint AS sessions
    )
    SELECT c.*, k.provider, k.offer, k.version, k.pence, k.terms, k.staff, p.id AS payable, c.n / d.sessions + 1 AS seq, $2::bigint AS nth,
        d.on + interval '10 hours' AS starts, d.on + interval '13 hours' AS ends, d.on - interval '14 days' + c.n * interval '1 millisecond' AS booked,
        d.on + interval '14 hours' AS filed, d.on + interval '1 day' AS agreed, s.session,
        past.id(1, $2, c.n, d.on - interval '14 days') AS booking, past.id(2, $2, c.n, d.on - interval '14 days') AS item,
        past.id(3, $2, c.n, d.on - interval '15 days') AS quote, past.id(4, $2, c.n, d.on - interval '14 days') AS hold, past.id(5, $2, c.n, d.on + interval '1 day') AS posting
    FROM day d
    CROSS JOIN past.child c
    CROSS JOIN LATERAL (SELECT c.n % d.sessions AS n, past.id(6, $2, c.n % d.sessions, d.on - interval '60 days') AS session) s
    JOIN past.club k ON k.n = (s.n + $2::bigint * d.sessions) % (SELECT count(*) FROM past.club)
    JOIN past.payable p ON p.authority = c.authority AND p.provider = k.provider
    ORDER BY c.n`

// pastRows are the rows of a day, in the tables' order of dependence.
var pastRows = []string{
	`INSERT INTO session (provider_id, id, offer_id, starts_at, ends_at, local_start, time_zone, state)
		SELECT DISTINCT provider, session, offer, starts, ends, to_char(starts AT TIME ZONE 'Europe/London', 'YYYY-MM-DD"T"HH24:MI'), 'Europe/London', 'scheduled' FROM happened`,
	`INSERT INTO session_places (provider_id, session_id, capacity, taken, seq) SELECT provider, session, count(*), count(*), count(*) FROM happened GROUP BY 1, 2`,
	`INSERT INTO quote (authority_id, id, child_id, provider_id, offer_id, version_id, total_pence, document, created_by, created_at, expires_at)
		SELECT authority, quote, child, provider, offer, version, pence, '{}', parent, booked - interval '1 minute', booked + interval '29 minutes' FROM happened`,
	`INSERT INTO booking (authority_id, id, basket_id, quote_id, child_id, provider_id, offer_id, version_id, reference, billed_on, total_pence, on_behalf,
			created_at, created_by, terms)
		SELECT authority, booking, booking, quote, child, provider, offer, version, 'PAST-' || to_hex(nth) || '-' || to_hex(n), 'booked', pence, false, booked, parent, terms FROM happened`,
	`INSERT INTO booking_item (authority_id, id, booking_id, provider_id, version_id, n, price_pence, charge_pence, child_id, session_id, attendee_kind, local_start,
			time_zone, state, starts_at, ends_at, place_seq)
		SELECT authority, item, booking, provider, version, 0, pence, pence, child, session, 'child', to_char(starts AT TIME ZONE 'Europe/London', 'YYYY-MM-DD"T"HH24:MI'),
			'Europe/London', 'settled', starts, ends, seq FROM happened`,
	`INSERT INTO item_charge (authority_id, item_id, provider_id, n, quantity, amount_pence, line_id, kind, payer, unit)
		SELECT authority, item, provider, 1, pence, pence, line, 'place', 'budget', 'pence' FROM happened`,
	`INSERT INTO item_event (authority_id, item_id, id, provider_id, from_state, to_state, actor_id, actor_role, on_behalf, cause, at)
		SELECT authority, item, past.id(7, nth::int, n, booked), provider, NULL, 'confirmed', parent, 'family', false, 'booked', booked FROM happened
		UNION ALL SELECT authority, item, past.id(8, nth::int, n, filed), provider, 'confirmed', 'delivered', staff, 'coordinator', false, 'attended', filed FROM happened
		UNION ALL SELECT authority, item, past.id(9, nth::int, n, agreed), provider, 'delivered', 'settled', parent, 'family', false, 'agreed', agreed FROM happened`,
	`INSERT INTO delivery (authority_id, item_id, provider_id, outcome, attended_minutes, on_time, recorded_by, recorded_at)
		SELECT authority, item, provider, 'delivered', 180, true, staff, filed FROM happened`,
	`INSERT INTO hold (authority_id, id, item_id, charge_n, account_id, line_id, unit, amount, state, captured, account_seq, created_at, resolved_at)
		SELECT authority, hold, item, 1, account, line, 'pence', pence, 'captured', pence, nth, booked, agreed FROM happened`,
	`INSERT INTO ledger_transaction (authority_id, id, kind, source_id, actor_id, at, on_date)
		SELECT authority, posting, 'capture', item, parent, agreed, starts::date FROM happened`,
	`INSERT INTO ledger_entry (authority_id, transaction_id, n, account_id, unit, amount)
		SELECT authority, posting, 1, account, 'pence', -pence FROM happened UNION ALL SELECT authority, posting, 2, payable, 'pence', pence FROM happened`,
}

const pastSpent = `CREATE TEMP TABLE spent ON COMMIT DROP AS
    SELECT c.*, s.pence, gen_random_uuid() AS allocation, gen_random_uuid() AS posting
    FROM past.child c JOIN (SELECT authority_id, line_id, sum(captured)::bigint AS pence FROM hold WHERE state = 'captured' GROUP BY 1, 2) s
        ON s.authority_id = c.authority AND s.line_id = c.line`

var pastSums = []string{
	`UPDATE plan_line l SET spent = l.spent + s.pence, limit_amount = l.limit_amount + s.pence FROM spent s WHERE l.authority_id = s.authority AND l.id = s.line`,
	`INSERT INTO allocation (authority_id, id, child_id, account_id, amount, created_by, created_at) SELECT authority, allocation, child, account, pence, approver, now() FROM spent`,
	`INSERT INTO ledger_transaction (authority_id, id, kind, source_id, actor_id, at, on_date)
		SELECT authority, posting, 'allocate', allocation, approver, now(), now()::date FROM spent`,
	`INSERT INTO ledger_entry (authority_id, transaction_id, n, account_id, unit, amount)
		SELECT authority, posting, 1, funding, 'pence', -pence FROM spent UNION ALL SELECT authority, posting, 2, account, 'pence', pence FROM spent`,
}
