package payments

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ErrHoldResolved says a hold was captured, released or expired before; each
// is resolved once.
var ErrHoldResolved = shortbreaks.NewError(shortbreaks.Conflict, "hold-resolved", "This money is no longer reserved")

// HoldState is where a hold is in its life: pending, then one of the others.
type HoldState string

// The states of a hold.
const (
	Pending  HoldState = "pending"
	Captured HoldState = "captured" // all or part; the rest became free at once
	Released HoldState = "released"
	Expired  HoldState = "expired"
)

// Hold is an amount of one account kept for one charge of a booking item. Its
// amount never changes: more is a second hold.
type Hold struct {
	Authority  uuid.UUID
	ID         uuid.UUID // made by PlaceHolds if Nil
	Item       uuid.UUID
	ChargeN    int
	Account    uuid.UUID
	Line       *uuid.UUID // the plan line it counts against; nil for a top-up
	Due        string     // which part due ahead it is for, as item_due names it; "": none
	Unit       Unit
	Amount     int64
	State      HoldState
	Captured   int64
	Refunded   int64
	AccountSeq int64 // its place in the account's order of holds
	CreatedAt  time.Time
	ResolvedAt *time.Time
}

// LineMove is what becomes of a plan line's own counters, in its unit.
type LineMove struct {
	Authority   uuid.UUID
	Line        uuid.UUID
	Held, Spent int64
}

// Outcome is how a pending hold is to be resolved.
type Outcome struct {
	Hold     Hold
	State    HoldState
	Captured int64 // of Hold.Amount; only if State is Captured
}

// PlaceHolds writes pending holds and raises what is held of their accounts,
// which it locks. It completes each hold: id, state, time, and its place in
// the account's order. Their charges stand already. If an account has less
// free than is asked, everything fails with ErrBudgetTooLow, whatever the
// caller had worked out.
func PlaceHolds(ctx context.Context, tx *db.Tx, holds []*Hold) error {
	if len(holds) == 0 {
		return nil
	}
	refs := make([]AccountRef, len(holds))
	for i, h := range holds {
		refs[i] = AccountRef{h.Authority, h.Account}
	}
	accounts, err := LockAccounts(ctx, tx, refs)
	if err != nil {
		return err
	}
	for _, h := range holds {
		accounts[h.Account].number(h)
	}
	var batch pgx.Batch
	QueueHolds(&batch, tx.Now, holds)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return tooLow(fmt.Errorf("place holds: %w", err))
	}
	return nil
}

// QueueHolds is PlaceHolds as part of a batch, for holds that Account.Hold
// gave their place in the order of a locked account; BelowFloor knows its
// refusal. An account that does not stand where its holds were promised their
// places fails everything, as does one without a floor or of another unit.
func QueueHolds(batch *pgx.Batch, now time.Time, holds []*Hold) {
	n := len(holds)
	if n == 0 {
		return
	}
	var authority, id, item, account, raisedAuthority, raised []uuid.UUID
	var unit, raisedUnit []string
	var amount, sum, before, last, seq []int64
	charge, line, due := make([]int32, n), make([]*uuid.UUID, n), make([]string, n)
	at := make(map[AccountRef]int, n)
	for i, h := range holds {
		if h.ID == uuid.Nil {
			h.ID = newID()
		}
		h.State, h.CreatedAt = Pending, now
		authority, id, item, account = append(authority, h.Authority), append(id, h.ID), append(item, h.Item), append(account, h.Account)
		unit, amount, seq = append(unit, string(h.Unit)), append(amount, h.Amount), append(seq, h.AccountSeq)
		charge[i], line[i], due[i] = int32(h.ChargeN), h.Line, h.Due //nolint:gosec // charges of an item are few
		ref := AccountRef{h.Authority, h.Account}
		a, known := at[ref]
		if !known {
			a, at[ref] = len(raised), len(raised)
			raisedAuthority, raised, raisedUnit = append(raisedAuthority, h.Authority), append(raised, h.Account), append(raisedUnit, string(h.Unit))
			sum, before, last = append(sum, 0), append(before, h.AccountSeq-1), append(last, 0)
		}
		sum[a], last[a] = sum[a]+h.Amount, h.AccountSeq
	}
	raiseHeld.Queue(batch, len(raised), raisedAuthority, raised, raisedUnit, sum, before, last)
	batch.Queue(insertHoldsSQL, authority, id, item, charge, account, line, unit, amount, seq, due, now)
}

// BelowFloor reports whether err is the schema refusing to promise more of an
// account than is free.
func BelowFloor(err error) bool { return db.ConstraintName(err) == "free_never_negative" }

// An account that is out of scope, without a floor, of another unit or has moved
// on is not raised.
var raiseHeld = db.NewExact("placing holds", `UPDATE account a SET held = a.held + p.amount, seq = p.last
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) p (authority_id, id, unit, amount, before, last)
		WHERE a.authority_id = p.authority_id AND a.id = p.id AND a.unit = p.unit AND a.seq = p.before AND a.has_floor`, 6)

var insertHoldsSQL = `INSERT INTO hold (authority_id, id, item_id, charge_n, account_id, line_id, unit, amount, account_seq, due, state, created_at)
		` + db.ArrayRows("uuid uuid uuid int uuid uuid text bigint bigint text") + `, 'pending', $11`

const holdColumns = `authority_id, id, item_id, charge_n, account_id, line_id, unit, amount, state, captured, refunded, account_seq, created_at, resolved_at, due`

func scanHold(row pgx.CollectableRow) (h Hold, err error) {
	err = row.Scan(&h.Authority, &h.ID, &h.Item, &h.ChargeN, &h.Account, &h.Line, &h.Unit, &h.Amount, &h.State,
		&h.Captured, &h.Refunded, &h.AccountSeq, &h.CreatedAt, &h.ResolvedAt, &h.Due)
	return h, err
}

// HoldsOf reads all holds of items, each of an authority, whatever their state,
// by item, charge and id. It locks nothing: whoever moves an item has locked
// the item.
func HoldsOf(ctx context.Context, tx *db.Tx, authorities, items []uuid.UUID) ([]Hold, error) {
	var batch pgx.Batch
	holds := QueueHoldsOf(&batch, authorities, items)
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return *holds, nil
}

// QueueHoldsOf adds HoldsOf to a batch; what it gives is filled when the batch
// is answered.
func QueueHoldsOf(batch *pgx.Batch, authorities, items []uuid.UUID) *[]Hold {
	holds := new([]Hold)
	batch.Queue(`SELECT `+holdColumns+` FROM hold JOIN unnest($1::uuid[], $2::uuid[]) w (authority_id, item_id) USING (authority_id, item_id)
		ORDER BY item_id, charge_n, id`, authorities, items).Query(func(rows pgx.Rows) (err error) {
		*holds, err = pgx.CollectRows(rows, scanHold)
		return err
	})
	return holds
}

// Release ends holds without taking anything; state is Released or Expired.
// Those already resolved are passed over.
func Release(holds []Hold, state HoldState) []Outcome {
	var out []Outcome
	for _, h := range holds {
		if h.State == Pending {
			out = append(out, Outcome{Hold: h, State: state})
		}
	}
	return out
}

// LineMoves is what outcomes do to the plan lines of their holds, one move a
// line, by id: nothing is held any more, and what was captured is spent.
func LineMoves(outcomes []Outcome) []LineMove {
	var moves []LineMove
	for _, o := range outcomes {
		if o.Hold.Line != nil {
			moves = append(moves, LineMove{Authority: o.Hold.Authority, Line: *o.Hold.Line, Held: -o.Hold.Amount, Spent: o.Captured})
		}
	}
	return mergeMoves(moves)
}

func mergeMoves(moves []LineMove) []LineMove {
	type line struct{ authority, id uuid.UUID }
	place := map[line]int{}
	var out []LineMove
	for _, m := range moves {
		key := line{m.Authority, m.Line}
		i, ok := place[key]
		if !ok {
			place[key] = len(out)
			out = append(out, m)
			continue
		}
		out[i].Held += m.Held
		out[i].Spent += m.Spent
	}
	slices.SortFunc(out, func(a, b LineMove) int {
		if c := compareIDs(a.Authority, b.Authority); c != 0 {
			return c
		}
		return compareIDs(a.Line, b.Line)
	})
	return out
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }

// Resolve ends pending holds as decided and lowers what is held of their
// accounts, locked in id order. A hold that is no longer pending fails the
// whole with ErrHoldResolved. The caller's transaction ends with any error.
func Resolve(ctx context.Context, tx *db.Tx, outcomes []Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	var authority, id, account []uuid.UUID
	var state []string
	var captured []int64
	for _, o := range outcomes {
		if err := o.check(); err != nil {
			return err
		}
		authority, id, account = append(authority, o.Hold.Authority), append(id, o.Hold.ID), append(account, o.Hold.Account)
		state, captured = append(state, string(o.State)), append(captured, o.Captured)
	}
	batch := new(pgx.Batch)
	queueLock(batch, authority, account)
	batch.Queue(resolveSQL, authority, id, state, captured, tx.Now)
	results := tx.PGX.SendBatch(ctx, batch)
	if _, err := results.Exec(); err != nil {
		_ = results.Close()
		return fmt.Errorf("resolve holds: %w", err)
	}
	var resolved, accounts, lowered int
	err := results.QueryRow().Scan(&resolved, &accounts, &lowered)
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return fmt.Errorf("resolve holds: %w", err)
	case resolved != len(outcomes):
		return ErrHoldResolved
	case accounts != lowered:
		return fmt.Errorf("resolve holds: %d of %d accounts lowered", lowered, accounts)
	}
	return nil
}

// resolveSQL takes the amounts from the holds as they stand, not from what the
// caller read. The state is the guard: of two that resolve a hold, the second
// finds none pending.
const resolveSQL = `WITH decided AS (
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) d (authority_id, id, state, captured)
	), resolved AS (
		UPDATE hold h SET state = d.state, captured = d.captured, resolved_at = $5 FROM decided d
		WHERE h.authority_id = d.authority_id AND h.id = d.id AND h.state = 'pending'
		RETURNING h.authority_id, h.account_id, h.amount
	), per_account AS (
		SELECT authority_id, account_id, sum(amount)::bigint AS amount FROM resolved GROUP BY 1, 2
	), lowered AS (
		UPDATE account a SET held = a.held - p.amount FROM per_account p
		WHERE a.authority_id = p.authority_id AND a.id = p.account_id RETURNING a.id
	)
	SELECT (SELECT count(*) FROM resolved), (SELECT count(*) FROM per_account), (SELECT count(*) FROM lowered)`

func (o Outcome) check() error {
	switch {
	case o.State == Captured && o.Captured > o.Hold.Amount:
		return ErrAboveHold
	case o.State == Captured && o.Captured >= 0, (o.State == Released || o.State == Expired) && o.Captured == 0:
		return nil
	}
	return fmt.Errorf("resolve hold %s: %s with %d captured makes no sense", o.Hold.ID, o.State, o.Captured)
}
