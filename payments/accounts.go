package payments

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
)

// Unit is what an account counts: money, or an allowance of support.
type Unit string

// The units of accounts. A transaction sums to zero in each of them.
const (
	InPence    Unit = "pence"
	InMinutes  Unit = "minutes"
	InNights   Unit = "nights"
	InSessions Unit = "sessions"
)

// AccountKind says what a balance means (docs/ARCHITECTURE.md).
type AccountKind string

// The kinds of account. The first three have a floor.
const (
	Budget           AccountKind = "budget"            // what the child has of one stream in one period
	TopUpMoney       AccountKind = "topup"             // the family's own money, never budget
	Contingency      AccountKind = "contingency"       // emergency money of the authority
	AuthorityFunding AccountKind = "authority_funding" // minus: allocated so far
	ProviderPayable  AccountKind = "provider_payable"  // plus: owed to the provider
	HolderFloat      AccountKind = "holder_float"      // minus: direct-payment money in a holder's hands
	Consumed         AccountKind = "consumed"          // allowance used
	FamilyDue        AccountKind = "family_due"        // minus: the family still owes a provider directly
	CardClearing     AccountKind = "card_clearing"     // minus: at Stripe
)

// Who hands the money of a payable over to the provider.
const (
	PayableByAuthority = "authority"
	PayableByRecipient = "recipient" // of direct payments
	PayableByManager   = "manager"   // third party
	PayableByFamily    = "family"
)

// AccountKey is what an account is for; no two accounts share one.
type AccountKey struct {
	Authority                       uuid.UUID
	Kind                            AccountKind
	Unit                            Unit
	Child, Period, Provider, Holder *uuid.UUID
	Stream, Payer                   string // "" where the kind has none
}

// AccountRef names an account by id.
type AccountRef struct{ Authority, ID uuid.UUID }

// Account is one account as stored. Balance and Held are kept only where
// there is a floor; elsewhere they are zero here and derived when read.
type Account struct {
	AccountKey
	ID         uuid.UUID
	HasFloor   bool
	Balance    int64
	Held       int64
	PendingCut int64
	Seq        int64
}

// Free is what may still be promised, in the account's unit.
func (a *Account) Free() int64 { return a.Balance - a.Held }

// Hold promises an amount of a locked account, and gives the hold its place in
// the account's order; false if less is free. QueueHolds writes it.
func (a *Account) Hold(h *Hold) bool {
	if a.Free() < h.Amount {
		return false
	}
	a.number(h)
	return true
}

// number gives a hold the next place in the account's order.
func (a *Account) number(h *Hold) {
	a.Held += h.Amount
	a.Seq++
	h.AccountSeq = a.Seq
}

// TakeBack undoes the last Hold.
func (a *Account) TakeBack(h *Hold) {
	a.Held -= h.Amount
	a.Seq--
}

// Ref is the account's id with its authority.
func (a *Account) Ref() AccountRef { return AccountRef{a.Authority, a.ID} }

// HasFloor reports whether accounts of this kind may not go below what is held.
func (k AccountKind) HasFloor() bool { return k == Budget || k == TopUpMoney || k == Contingency }

const accountColumns = `a.authority_id, a.id, a.kind, a.unit, a.child_id, coalesce(a.stream, ''), a.period_id, a.provider_id,
	coalesce(a.payer, ''), a.holder_id, a.has_floor, a.balance, a.held, a.pending_cut, a.seq`

// fields are where accountColumns go.
func (a *Account) fields() []any {
	return []any{
		&a.Authority, &a.ID, &a.Kind, &a.Unit, &a.Child, &a.Stream, &a.Period, &a.Provider,
		&a.Payer, &a.Holder, &a.HasFloor, &a.Balance, &a.Held, &a.PendingCut, &a.Seq,
	}
}

func scanAccount(row pgx.CollectableRow) (*Account, error) {
	a := new(Account)
	return a, row.Scan(a.fields()...)
}

// EnsureAccounts gives the id of each key's account, in order, and makes the
// missing ones, in the order of their keys so that two callers making the same
// accounts wait for each other instead of deadlocking. Lock the accounts with
// a floor first: a new account is a lock until commit.
func EnsureAccounts(ctx context.Context, tx *db.Tx, keys []AccountKey) ([]uuid.UUID, error) {
	ids, err := FindAccounts(ctx, tx, keys)
	if err != nil || !slices.Contains(ids, uuid.Nil) {
		return ids, err
	}
	var missing []AccountKey
	for i, k := range keys {
		if ids[i] == uuid.Nil {
			missing = append(missing, k)
		}
	}
	slices.SortFunc(missing, func(a, b AccountKey) int { return strings.Compare(a.sortKey(), b.sortKey()) })
	c := columnsOf(missing)
	made := make([]uuid.UUID, len(missing))
	floor := make([]bool, len(missing))
	for i, k := range missing {
		made[i], floor[i] = newID(), k.Kind.HasFloor()
	}
	_, err = tx.PGX.Exec(ctx, `INSERT INTO account (id, has_floor, authority_id, kind, unit, child_id, stream, period_id, provider_id, payer, holder_id)
		SELECT * FROM unnest($1::uuid[], $2::bool[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::uuid[], $9::uuid[], $10::text[], $11::uuid[])
		ON CONFLICT DO NOTHING`,
		append([]any{made, floor}, c.args()...)...)
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	ids, err = FindAccounts(ctx, tx, keys)
	if err == nil && slices.Contains(ids, uuid.Nil) {
		err = fmt.Errorf("open accounts: some could not be opened in this scope")
	}
	return ids, err
}

// FindAccounts gives the id of each key's account, in order; uuid.Nil where
// there is none. It locks nothing.
func FindAccounts(ctx context.Context, tx *db.Tx, keys []AccountKey) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(keys))
	byShape := map[uint][]int{}
	for i, k := range keys {
		byShape[k.shape()] = append(byShape[k.shape()], i)
	}
	batch := new(pgx.Batch)
	for shape, places := range byShape {
		part := make([]AccountKey, len(places))
		for j, i := range places {
			part[j] = keys[i]
		}
		batch.Queue(findSQL(shape), columnsOf(part).args()...).Query(func(rows pgx.Rows) error {
			var n int
			var id uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&n, &id}, func() error {
				ids[places[n-1]] = id
				return nil
			})
			return err
		})
	}
	if batch.Len() == 0 {
		return ids, nil
	}
	if err := tx.PGX.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("find accounts: %w", err)
	}
	return ids, nil
}

// LockAccounts reads accounts and locks their rows, in one order for everyone.
// The lock is NO KEY UPDATE, the one an update takes: nobody changes an
// account's id, and a stronger lock would stop entries that only refer to it.
func LockAccounts(ctx context.Context, tx *db.Tx, refs []AccountRef) (map[uuid.UUID]*Account, error) {
	var batch pgx.Batch
	locked := QueueLockAccounts(&batch, refs)
	if batch.Len() == 0 {
		return locked, nil
	}
	if err := tx.PGX.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	return locked, nil
}

// QueueLockAccounts is LockAccounts as part of a batch: the accounts are there
// once the batch has been sent.
func QueueLockAccounts(batch *pgx.Batch, refs []AccountRef) map[uuid.UUID]*Account {
	authorities, ids := uniqueRefs(refs)
	locked := make(map[uuid.UUID]*Account, len(ids))
	if len(ids) == 0 {
		return locked
	}
	batch.Queue(`SELECT `+accountColumns+` FROM account a
		JOIN unnest($1::uuid[], $2::uuid[]) k (authority_id, id) ON a.authority_id = k.authority_id AND a.id = k.id
		ORDER BY a.authority_id, a.id FOR NO KEY UPDATE OF a`, authorities, ids).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, scanAccount)
		if err != nil {
			return err
		}
		for _, a := range list {
			locked[a.ID] = a
		}
		if len(locked) != len(ids) {
			return fmt.Errorf("%d of %d accounts found in this scope", len(locked), len(ids))
		}
		return nil
	})
	return locked
}

// queueLock puts the lock of these accounts into a batch, for steps that need
// the rows locked in order but not read.
func queueLock(batch *pgx.Batch, authorities, ids []uuid.UUID) {
	batch.Queue(`SELECT FROM account a
		JOIN unnest($1::uuid[], $2::uuid[]) k (authority_id, id) ON a.authority_id = k.authority_id AND a.id = k.id
		WHERE a.has_floor ORDER BY a.authority_id, a.id FOR NO KEY UPDATE OF a`, authorities, ids)
}

func uniqueRefs(refs []AccountRef) (authorities, ids []uuid.UUID) {
	seen := make(map[AccountRef]bool, len(refs))
	for _, r := range refs {
		if !seen[r] {
			seen[r] = true
			authorities, ids = append(authorities, r.Authority), append(ids, r.ID)
		}
	}
	return authorities, ids
}

// shape has a bit for each optional part of the key that is there. Keys of one
// shape are looked up together, by a statement that says "= value" or "IS NULL"
// for every column and so uses the whole unique index; IS NOT DISTINCT FROM
// would use none of it.
func (k AccountKey) shape() uint {
	var s uint
	for i, there := range []bool{k.Child != nil, k.Stream != "", k.Period != nil, k.Provider != nil, k.Payer != "", k.Holder != nil} {
		if there {
			s |= 1 << i
		}
	}
	return s
}

func findSQL(shape uint) string {
	var b strings.Builder
	b.WriteString(`SELECT k.n, a.id FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::text[], $9::uuid[])
		WITH ORDINALITY k (authority_id, kind, unit, child_id, stream, period_id, provider_id, payer, holder_id, n)
		JOIN account a ON a.authority_id = k.authority_id AND a.kind = k.kind AND a.unit = k.unit`)
	for i, column := range []string{"child_id", "stream", "period_id", "provider_id", "payer", "holder_id"} {
		if shape&(1<<i) != 0 {
			b.WriteString(" AND a." + column + " = k." + column)
		} else {
			b.WriteString(" AND a." + column + " IS NULL")
		}
	}
	return b.String()
}

func (k AccountKey) sortKey() string {
	text := func(id *uuid.UUID) string {
		if id == nil {
			return ""
		}
		return id.String()
	}
	return strings.Join([]string{
		k.Authority.String(), string(k.Kind), string(k.Unit), text(k.Child), k.Stream,
		text(k.Period), text(k.Provider), k.Payer, text(k.Holder),
	}, "|")
}

// keyColumns are keys turned on their side, one array a column.
type keyColumns struct {
	authority                       []uuid.UUID
	kind, unit                      []string
	child, period, provider, holder []*uuid.UUID
	stream, payer                   []*string
}

func columnsOf(keys []AccountKey) (c keyColumns) {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	for _, k := range keys {
		c.authority = append(c.authority, k.Authority)
		c.kind, c.unit = append(c.kind, string(k.Kind)), append(c.unit, string(k.Unit))
		c.child, c.period = append(c.child, k.Child), append(c.period, k.Period)
		c.provider, c.holder = append(c.provider, k.Provider), append(c.holder, k.Holder)
		c.stream, c.payer = append(c.stream, optional(k.Stream)), append(c.payer, optional(k.Payer))
	}
	return c
}

func (c keyColumns) args() []any {
	return []any{c.authority, c.kind, c.unit, c.child, c.stream, c.period, c.provider, c.payer, c.holder}
}
