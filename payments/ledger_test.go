package payments_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

func TestT08_EveryTransactionSumsToZeroAndNothingIsEverChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	budget := w.allocate(c, "social_care", payments.InPence, 10_000)
	topup := w.open(payments.AccountKey{Authority: w.authority, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: &c.id})

	crooked := payments.Posting{Authority: w.authority, Kind: "crooked", Source: shortbreaks.NewID(), Entries: []payments.Entry{
		{Account: budget, Unit: payments.InPence, Amount: -1}, {Account: topup, Unit: payments.InPence, Amount: 2},
	}}
	err := w.do(func(tx *db.Tx) error { _, err := payments.Post(ctx, tx, []payments.Posting{crooked}); return err })
	require.ErrorContains(t, err, "not to zero")

	// Past Go, the trigger says the same, also to the owner of the schema.
	transaction := shortbreaks.NewID()
	w.exec(`INSERT INTO ledger_transaction (authority_id, id, kind, source_id, at, on_date) VALUES ($1, $2, 'crooked', $2, now(), now())`, w.authority, transaction)
	_, err = w.owner.Exec(ctx, `INSERT INTO ledger_entry (authority_id, transaction_id, n, account_id, unit, amount)
		VALUES ($1, $2, 1, $3, 'pence', -1), ($1, $2, 2, $4, 'pence', 2)`, w.authority, transaction, budget, topup)
	require.Equal(t, "entries_sum_to_zero", db.ConstraintName(err))

	for _, statement := range []string{
		`UPDATE ledger_entry SET amount = amount + 1`, `DELETE FROM ledger_entry`, `TRUNCATE ledger_entry`,
		`UPDATE ledger_transaction SET kind = 'other'`, `DELETE FROM ledger_transaction`, `TRUNCATE ledger_transaction CASCADE`,
	} {
		_, err := w.owner.Exec(ctx, statement)
		require.ErrorContains(t, err, "append-only", statement)
		err = w.do(func(tx *db.Tx) error { _, err := tx.PGX.Exec(ctx, statement); return err })
		require.ErrorContains(t, err, "permission denied", statement)
	}
	require.EqualValues(t, 10_000, w.account(budget).Balance)
}

// open makes one account.
func (w *world) open(key payments.AccountKey) (id uuid.UUID) {
	w.t.Helper()
	w.must(func(tx *db.Tx) error {
		ids, err := payments.EnsureAccounts(ctx, tx, []payments.AccountKey{key})
		if err == nil {
			id = ids[0]
		}
		return err
	})
	return id
}

func TestAnEventPostsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	key := payments.AccountKey{Authority: w.authority, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: &c.id}
	topup := w.open(key)
	clearing := w.open(payments.AccountKey{Authority: w.authority, Kind: payments.CardClearing, Unit: payments.InPence})
	p := payments.Posting{Authority: w.authority, Kind: "gift", Source: shortbreaks.NewID(), Entries: []payments.Entry{
		{Account: topup, Unit: payments.InPence, Amount: 300},
		{Account: clearing, Unit: payments.InPence, Amount: -500},
		{Account: topup, Unit: payments.InPence, Amount: 200},
	}}
	other := p
	other.Source = shortbreaks.NewID()
	empty := payments.Posting{Authority: w.authority, Kind: "gift", Source: shortbreaks.NewID(), Entries: []payments.Entry{
		{Account: topup, Unit: payments.InPence, Amount: 5}, {Account: topup, Unit: payments.InPence, Amount: -5},
	}}
	var posted []bool
	post := func(all ...payments.Posting) {
		w.must(func(tx *db.Tx) (err error) { posted, err = payments.Post(ctx, tx, all); return err })
	}
	post(p, p, empty)
	require.Equal(t, []bool{true, false, false}, posted)
	post(other, p)
	require.Equal(t, []bool{true, false}, posted)
	require.EqualValues(t, 1000, w.account(topup).Balance)
	require.EqualValues(t, 4, w.number(`SELECT count(*) FROM ledger_entry`), "entries of one account are merged")

	// Eight at once, each its own transaction: one posts.
	race := p
	race.Source = shortbreaks.NewID()
	wins := make(chan bool, 8)
	w.together(8, func(int) error {
		return w.do(func(tx *db.Tx) error {
			posted, err := payments.Post(ctx, tx, []payments.Posting{race})
			if err == nil && posted[0] {
				tx.AfterCommit(func() { wins <- true })
			}
			return err
		})
	})
	require.Len(t, wins, 1)
	require.EqualValues(t, 1500, w.account(topup).Balance)
}

// together runs f n times at once and wants no error.
func (w *world) together(n int, f func(i int) error) {
	w.t.Helper()
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(w.t, err)
	}
}

func TestEntriesKeepToTheUnitAndScopeOfTheirAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	minutes := w.allocate(c, "social_care", payments.InMinutes, 600)
	other := w.allocate(c, "health", payments.InMinutes, 600)
	wrong := payments.Posting{Authority: w.authority, Kind: "gift", Source: shortbreaks.NewID(), Entries: []payments.Entry{
		{Account: minutes, Unit: payments.InPence, Amount: 1}, {Account: other, Unit: payments.InPence, Amount: -1},
	}}
	err := w.do(func(tx *db.Tx) error { _, err := payments.Post(ctx, tx, []payments.Posting{wrong}); return err })
	require.ErrorContains(t, err, "another unit")

	authority, _ := w.newAuthority("Elsewhere")
	err = w.d.Do(ctx, db.Scope{Authorities: []uuid.UUID{authority}}, func(tx *db.Tx) error {
		_, err := payments.LockAccounts(ctx, tx, []payments.AccountRef{{Authority: w.authority, ID: other}})
		return err
	})
	require.ErrorContains(t, err, "0 of 1", "another authority's account is out of reach")
	require.EqualValues(t, 600, w.account(other).Balance)
}

func TestAnAccountIsOpenedOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, holder := w.child(), shortbreaks.NewID()
	keys := []payments.AccountKey{
		{Authority: w.authority, Kind: payments.Budget, Unit: payments.InPence, Child: &c.id, Period: &w.period, Stream: "health"},
		{Authority: w.authority, Kind: payments.Budget, Unit: payments.InPence, Child: &c.id, Period: &w.period, Stream: "social_care"},
		{Authority: w.authority, Kind: payments.Budget, Unit: payments.InMinutes, Child: &c.id, Period: &w.period, Stream: "health"},
		{Authority: w.authority, Kind: payments.ProviderPayable, Unit: payments.InPence, Provider: &w.provider, Payer: payments.PayableByAuthority},
		{Authority: w.authority, Kind: payments.ProviderPayable, Unit: payments.InPence, Provider: &w.provider, Payer: payments.PayableByRecipient, Holder: &holder},
		{Authority: w.authority, Kind: payments.AuthorityFunding, Unit: payments.InPence, Stream: "health"},
		{Authority: w.authority, Kind: payments.CardClearing, Unit: payments.InPence},
	}
	var none []uuid.UUID
	w.must(func(tx *db.Tx) (err error) { none, err = payments.FindAccounts(ctx, tx, keys); return err })
	require.Equal(t, make([]uuid.UUID, len(keys)), none)

	got := make([][]uuid.UUID, 8)
	w.attempts.Store(0)
	w.together(8, func(i int) error {
		mine := append([]payments.AccountKey{}, keys...)
		if i%2 == 1 { // the other way round: they wait, they do not deadlock
			for a, b := 0, len(mine)-1; a < b; a, b = a+1, b-1 {
				mine[a], mine[b] = mine[b], mine[a]
			}
		}
		return w.do(func(tx *db.Tx) (err error) { got[i], err = payments.EnsureAccounts(ctx, tx, mine); return err })
	})
	require.EqualValues(t, 8, w.attempts.Load(), "no transaction had to be run again")
	require.EqualValues(t, len(keys), w.number(`SELECT count(*) FROM account`))
	require.Len(t, got[0], len(keys))
	seen := map[uuid.UUID]bool{}
	for i, id := range got[0] {
		require.NotEqual(t, uuid.Nil, id)
		require.False(t, seen[id], "two keys, one account")
		seen[id] = true
		require.Equal(t, id, got[1][len(keys)-1-i])
		require.Equal(t, keys[i], w.account(id).AccountKey)
	}
}
