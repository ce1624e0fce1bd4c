package payments_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/payments"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// start is when every test begins: a Monday of term.
var start = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

var ctx = context.Background()

// world is one database with one authority, provider and offer: what other
// packages would have made.
type world struct {
	t                                              *testing.T
	d                                              *db.DB
	owner                                          *pgxpool.Pool
	clock                                          *dbtest.Clock
	authority, provider, setting, offer, version   uuid.UUID
	period, lane                                   uuid.UUID
	practitioner, approver, finance, person, payee uuid.UUID

	attempts atomic.Int64 // transactions begun by do: more than its calls if PostgreSQL had to break a deadlock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := dbtest.NewClock(start)
	d := dbtest.New(t, dbtest.WithClock(clock))
	w := &world{t: t, d: d, owner: dbtest.Owner(t, d), clock: clock}
	for _, id := range []*uuid.UUID{
		&w.provider, &w.setting, &w.offer, &w.version, &w.lane, &w.practitioner, &w.approver, &w.finance, &w.person, &w.payee,
	} {
		*id = shortbreaks.NewID()
	}
	w.exec(`INSERT INTO provider (id, name, staff_count) VALUES ($1, 'Oak Hill', 5)`, w.provider)
	w.exec(`INSERT INTO setting (provider_id, id, name, postcode, area, latitude, longitude) VALUES ($1, $2, 'Hall', 'AB1 2CD', 'Ambridge', 52, -1)`, w.provider, w.setting)
	w.exec(`INSERT INTO offer (provider_id, id, setting_id, state, version_id, title, summary, category, access_route, age_from, age_to, ratio_staff, ratio_children, instant, created_at)
		VALUES ($1, $2, $3, 'published', $4, 'Club', '', 'club', 'targeted', 0, 25, 1, 3, true, $5)`, w.provider, w.offer, w.setting, w.version, start)
	w.exec(`INSERT INTO offer_version (provider_id, id, offer_id, n, tariff, terms, price_pence, price_unit, created_at, created_by)
		VALUES ($1, $2, $3, 1, '{}', '{}', 2500, 'session', $4, $5)`, w.provider, w.version, w.offer, start, w.person)
	w.exec(`INSERT INTO lane (provider_id, id, label) VALUES ($1, $2, 'Sam')`, w.provider, w.lane)
	w.authority, w.period = w.newAuthority("Ambridge")
	return w
}

func (w *world) newAuthority(name string) (authority, period uuid.UUID) {
	authority, period = shortbreaks.NewID(), shortbreaks.NewID()
	w.exec(`INSERT INTO authority (id, name, slug, area) VALUES ($1, $2, $2, $2)`, authority, name)
	w.exec(`INSERT INTO period (authority_id, id, name, starts_on, ends_on) VALUES ($1, $2, '2026 to 2027', '2026-04-01', '2027-03-31')`, authority, period)
	return authority, period
}

// exec writes a fixture as the owner of the schema.
func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	_, err := w.owner.Exec(ctx, statement, args...)
	require.NoError(w.t, err, statement)
}

// number reads one number as the owner, past every policy.
func (w *world) number(statement string, args ...any) (n int64) {
	w.t.Helper()
	require.NoError(w.t, w.owner.QueryRow(ctx, statement, args...).Scan(&n), statement)
	return n
}

// do runs steps in the scope of the authority.
func (w *world) do(f func(tx *db.Tx) error) error {
	return w.d.Do(ctx, db.Scope{Authorities: []uuid.UUID{w.authority}}, func(tx *db.Tx) error {
		w.attempts.Add(1)
		return f(tx)
	})
}

// must is do for steps that succeed.
func (w *world) must(f func(tx *db.Tx) error) {
	w.t.Helper()
	require.NoError(w.t, w.do(f))
}

// child is a child with a plan and no money.
type child struct{ id, family, plan uuid.UUID }

func (w *world) child() child { return w.childOf(w.authority) }

func (w *world) childOf(authority uuid.UUID) child {
	c := child{shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID()}
	w.exec(`INSERT INTO family (authority_id, id) VALUES ($1, $2)`, authority, c.family)
	w.exec(`INSERT INTO child (authority_id, id, family_id, first_name, family_name, date_of_birth) VALUES ($1, $2, $3, 'Zebedee', 'Quillfeather', '2015-05-05')`, authority, c.id, c.family)
	w.exec(`INSERT INTO plan (authority_id, id, child_id, plan_type, created_at) VALUES ($1, $2, $3, 'ehc', $4)`, authority, c.plan, c.id, start)
	return c
}

// line is an approved plan line; holder makes it a direct payment's.
func (w *world) line(c child, unit payments.Unit, limit int64, holder *uuid.UUID) uuid.UUID {
	id, option := shortbreaks.NewID(), "notional"
	if holder != nil {
		option = "direct_payment"
	}
	w.exec(`INSERT INTO plan_line (authority_id, id, plan_id, child_id, description, categories, pays_kinds, management_option, holder_id, unit, shares,
			limit_amount, state, starts_on, ends_on, proposed_by, proposed_at, approved_by, approved_at)
		VALUES ($1, $2, $3, $4, 'Support', '{}', '{}', $5, $6, $7, '[]', $8, 'approved', '2026-04-01', '2027-03-31', $9, $10, $11, $10)`,
		w.authority, id, c.plan, c.id, option, holder, string(unit), limit, w.practitioner, start, w.approver)
	return id
}

// allocate gives a child an amount of a stream and answers the account.
func (w *world) allocate(c child, stream string, unit payments.Unit, amount int64) uuid.UUID {
	w.t.Helper()
	var id uuid.UUID
	w.must(func(tx *db.Tx) error {
		_, account, err := payments.Allocate(ctx, tx, payments.Allocation{
			Authority: w.authority, Child: c.id, Period: w.period, Stream: stream, Unit: unit, Amount: amount, By: w.approver,
		})
		if err == nil {
			id = account.ID
		}
		return err
	})
	return id
}

// charge is one charge of an item to be made.
type charge struct {
	payer    string
	unit     payments.Unit // pence if ""
	quantity int64         // of unit; pence if 0
	pence    int64
	line     *uuid.UUID
}

// item is a booking of one item in a session of its own, in a state, with
// charges 1, 2, ... and the events that led there.
func (w *world) item(c child, state string, charges ...charge) uuid.UUID {
	id, booking, quote, session := shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID()
	var price int64
	for _, ch := range charges {
		price += ch.pence
	}
	at := start.AddDate(0, 0, 12)
	w.exec(`INSERT INTO session (provider_id, id, offer_id, starts_at, ends_at, local_start, state) VALUES ($1, $2, $3, $4, $5, '', 'scheduled')`,
		w.provider, session, w.offer, at, at.Add(3*time.Hour))
	w.exec(`INSERT INTO session_places (provider_id, session_id, capacity, taken) VALUES ($1, $2, 1, 1)`, w.provider, session)
	w.exec(`INSERT INTO quote (authority_id, id, child_id, provider_id, offer_id, version_id, total_pence, document, created_by, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', $8, $9, $10)`, w.authority, quote, c.id, w.provider, w.offer, w.version, price, w.person, start, start.Add(time.Hour))
	w.exec(`INSERT INTO booking (authority_id, id, basket_id, quote_id, reference, child_id, provider_id, offer_id, version_id, total_pence, terms, billed_on, created_by, on_behalf, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '{}', 'booked', $11, false, $12)`,
		w.authority, booking, shortbreaks.NewID(), quote, shortbreaks.NewReference(), c.id, w.provider, w.offer, w.version, price, w.person, start)
	w.exec(`INSERT INTO booking_item (authority_id, id, booking_id, n, provider_id, child_id, attendee_kind, session_id, starts_at, ends_at, local_start, time_zone, version_id, state, expires_at, price_pence)
		VALUES ($1, $2, $3, 1, $4, $5, 'child', $6, $7, $8, '', 'Europe/London', $9, $10::text, CASE WHEN $10::text IN ('held', 'requested', 'conditional') THEN $7::timestamptz END, $11)`,
		w.authority, id, booking, w.provider, c.id, session, at, at.Add(3*time.Hour), w.version, state, price)
	w.event(id, nil, state)
	for i, ch := range charges {
		if ch.unit == "" {
			ch.unit = payments.InPence
		}
		if ch.quantity == 0 {
			ch.quantity = ch.pence
		}
		w.exec(`INSERT INTO item_charge (authority_id, item_id, n, provider_id, kind, payer, unit, quantity, amount_pence, line_id)
			VALUES ($1, $2, $3, $4, 'place', $5, $6, $7, $8, $9)`, w.authority, id, i+1, w.provider, ch.payer, string(ch.unit), ch.quantity, ch.pence, ch.line)
	}
	return id
}

func (w *world) event(item uuid.UUID, from *string, to string) {
	w.exec(`INSERT INTO item_event (authority_id, item_id, id, provider_id, from_state, to_state, actor_role, at) VALUES ($1, $2, $3, $4, $5, $6, 'family', $7)`,
		w.authority, item, shortbreaks.NewID(), w.provider, from, to, start)
}

// become moves an item as booking would, with what is due of it, if anything.
func (w *world) become(item uuid.UUID, state string, due int64) {
	w.t.Helper()
	var from string
	require.NoError(w.t, w.owner.QueryRow(ctx, `SELECT state FROM booking_item WHERE id = $1`, item).Scan(&from))
	w.exec(`UPDATE booking_item SET state = $2, expires_at = NULL, charge_pence = $3 WHERE id = $1`, item, state, due)
	w.event(item, &from, state)
	if state != "settled" && state != "confirmed" && state != "delivered" {
		w.exec(`UPDATE session_places p SET taken = taken - 1 FROM booking_item i WHERE i.id = $1 AND p.session_id = i.session_id`, item)
	}
}

// hold places holds of a charge on accounts and moves their line.
func (w *world) hold(item uuid.UUID, n int, line *uuid.UUID, unit payments.Unit, amounts map[uuid.UUID]int64, order ...uuid.UUID) []*payments.Hold {
	w.t.Helper()
	var holds []*payments.Hold
	for _, account := range order {
		holds = append(holds, &payments.Hold{Authority: w.authority, Item: item, ChargeN: n, Account: account, Line: line, Unit: unit, Amount: amounts[account]})
	}
	w.must(func(tx *db.Tx) error { return w.place(tx, holds) })
	return holds
}

// place is the caller's part of placing holds: lock, lines, holds.
func (w *world) place(tx *db.Tx, holds []*payments.Hold) error {
	var refs []payments.AccountRef
	var moves []payments.LineMove
	for _, h := range holds {
		refs = append(refs, payments.AccountRef{Authority: h.Authority, ID: h.Account})
		if h.Line != nil {
			moves = append(moves, payments.LineMove{Authority: h.Authority, Line: *h.Line, Held: h.Amount})
		}
	}
	if err := moveLines(tx, moves); err != nil {
		return err
	}
	if _, err := payments.LockAccounts(ctx, tx, refs); err != nil {
		return err
	}
	return payments.PlaceHolds(ctx, tx, holds)
}

// moveLines stands for budgets.MoveLines, which this package may not import.
func moveLines(tx *db.Tx, moves []payments.LineMove) error {
	for _, m := range moves {
		tag, err := tx.PGX.Exec(ctx, `UPDATE plan_line SET held = held + $3, spent = spent + $4 WHERE authority_id = $1 AND id = $2`, m.Authority, m.Line, m.Held, m.Spent)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("line %s was not moved", m.Line)
		}
	}
	return nil
}

// due is what a charge of an item owes.
func due(n int, payer string, price, owed shortbreaks.Pence) payments.ChargeDue {
	return payments.ChargeDue{N: n, Payer: payer, AmountPence: price, DuePence: owed, PayableBy: payments.PayableByAuthority}
}

// capture settles an item as booking would: lines, holds, ledger.
func (w *world) capture(c child, item uuid.UUID, kind string, charges ...payments.ChargeDue) error {
	return w.do(func(tx *db.Tx) error { return w.captureIn(tx, c, item, kind, charges...) })
}

func (w *world) captureIn(tx *db.Tx, c child, item uuid.UUID, kind string, charges ...payments.ChargeDue) error {
	holds, err := payments.HoldsOf(ctx, tx, []uuid.UUID{w.authority}, []uuid.UUID{item})
	if err != nil {
		return err
	}
	for i := range charges {
		for _, h := range holds {
			if h.ChargeN == charges[i].N {
				charges[i].Holds = append(charges[i].Holds, h)
			}
		}
	}
	captured := payments.ItemCapture{
		Authority: w.authority, Item: item, Child: c.id, Provider: w.provider, Actor: w.person, Kind: kind, Charges: charges,
	}
	outcomes := payments.CaptureOutcomes(captured)
	if err := moveLines(tx, payments.LineMoves(outcomes)); err != nil {
		return err
	}
	if err := payments.Resolve(ctx, tx, outcomes); err != nil {
		return err
	}
	return payments.PostCaptures(ctx, tx, []payments.ItemCapture{captured})
}

// release gives the holds of an item back.
func (w *world) release(item uuid.UUID, state payments.HoldState) error {
	return w.do(func(tx *db.Tx) error {
		holds, err := payments.HoldsOf(ctx, tx, []uuid.UUID{w.authority}, []uuid.UUID{item})
		if err != nil {
			return err
		}
		outcomes := payments.Release(holds, state)
		if err := moveLines(tx, payments.LineMoves(outcomes)); err != nil {
			return err
		}
		return payments.Resolve(ctx, tx, outcomes)
	})
}

// refund gives back part of a charge.
func (w *world) refund(item uuid.UUID, n int, pence shortbreaks.Pence) error {
	return w.do(func(tx *db.Tx) error {
		_, moves, err := payments.Refund(ctx, tx, payments.RefundItem{
			Authority: w.authority, Item: item, ChargeN: n, Amount: pence, Reason: "put right", Actor: w.person,
		})
		if err != nil {
			return err
		}
		return moveLines(tx, moves)
	})
}

// account reads one account.
func (w *world) account(id uuid.UUID) *payments.Account {
	w.t.Helper()
	var a *payments.Account
	w.must(func(tx *db.Tx) error {
		locked, err := payments.LockAccounts(ctx, tx, []payments.AccountRef{{Authority: w.authority, ID: id}})
		a = locked[id]
		return err
	})
	return a
}

// derived is the balance of accounts of a kind, from their entries.
func (w *world) derived(kind payments.AccountKind, unit payments.Unit, more string) int64 {
	if more == "" {
		more = "true"
	}
	return w.number(`SELECT coalesce(sum(e.amount), 0)::bigint FROM ledger_entry e JOIN account a ON a.id = e.account_id
		WHERE a.authority_id = $1 AND a.kind = $2 AND a.unit = $3 AND `+more, w.authority, string(kind), string(unit))
}

// clean checks that the audit finds nothing.
func (w *world) clean() {
	w.t.Helper()
	findings, err := payments.Audit(ctx, w.d)
	require.NoError(w.t, err)
	require.Empty(w.t, findings)
}
