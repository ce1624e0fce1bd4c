package payments_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/payments"
)

// Whatever order they are named in, accounts are locked by id. Another holds
// the last; whoever waits for it must by then hold all the others. One that
// locked in its own order would let two of them stop each other.
func TestAccountsAreLockedInOneOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	var ids []uuid.UUID
	for _, stream := range []string{"social_care", "health", "education", "grant"} {
		ids = append(ids, w.allocate(c, stream, payments.InPence, 1000), w.allocate(c, stream, payments.InMinutes, 1000))
	}
	line := w.line(c, payments.InPence, 10_000, nil)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(b.String(), a.String()) }) // the last comes first
	ids = slices.DeleteFunc(ids, func(id uuid.UUID) bool { return w.account(id).Unit != payments.InPence })
	amounts := map[uuid.UUID]int64{}
	var refs []payments.AccountRef
	var entries []payments.Entry
	for i, id := range ids {
		amounts[id] = 10
		refs = append(refs, payments.AccountRef{Authority: w.authority, ID: id})
		entries = append(entries, payments.Entry{Account: id, Unit: payments.InPence, Amount: int64(2*(i%2) - 1)})
	}
	item := w.item(c, "confirmed", charge{payer: "budget", pence: int64(10 * len(ids)), line: &line})
	w.hold(item, 1, &line, payments.InPence, amounts, ids...)
	var holds []payments.Hold
	w.must(func(tx *db.Tx) (err error) {
		holds, err = payments.HoldsOf(ctx, tx, []uuid.UUID{w.authority}, []uuid.UUID{item})
		return err
	})
	slices.SortFunc(holds, func(a, b payments.Hold) int { return strings.Compare(b.Account.String(), a.Account.String()) })

	for name, step := range map[string]func(tx *db.Tx) error{
		"LockAccounts": func(tx *db.Tx) error { _, err := payments.LockAccounts(ctx, tx, refs); return err },
		"Post": func(tx *db.Tx) error {
			_, err := payments.Post(ctx, tx, []payments.Posting{{Authority: w.authority, Kind: "virement", Source: shortbreaks.NewID(), Entries: entries}})
			return err
		},
		"Resolve": func(tx *db.Tx) error { return payments.Resolve(ctx, tx, payments.Release(holds, payments.Released)) },
	} {
		w.whileHolding(`SELECT FROM account WHERE id = $1 FOR UPDATE`, ids[0], step, func(probe pgx.Tx) {
			for _, id := range ids[1:] {
				_, err := probe.Exec(ctx, `SAVEPOINT probe`)
				require.NoError(t, err)
				_, err = probe.Exec(ctx, `SELECT FROM account WHERE id = $1 FOR UPDATE NOWAIT`, id)
				require.ErrorContains(t, err, "could not obtain lock", "%s waits for the last account without holding the others", name)
				_, err = probe.Exec(ctx, `ROLLBACK TO SAVEPOINT probe`)
				require.NoError(t, err)
			}
		})
	}
}

// New accounts are opened in the order of their keys, for the same reason.
func TestAccountsAreOpenedInOneOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	streams := []string{"social_care", "health", "grant", "education"} // the last comes first
	var keys []payments.AccountKey
	for _, s := range streams {
		keys = append(keys, payments.AccountKey{Authority: w.authority, Kind: payments.AuthorityFunding, Unit: payments.InPence, Stream: s})
	}
	open := `INSERT INTO account (authority_id, id, kind, unit, stream, has_floor) VALUES ('` + w.authority.String() + `', gen_random_uuid(), 'authority_funding', 'pence', $1, false)`
	step := func(tx *db.Tx) error { _, err := payments.EnsureAccounts(ctx, tx, keys); return err }
	w.whileHolding(open, "social_care", step, func(probe pgx.Tx) {
		_, err := probe.Exec(ctx, `SET LOCAL lock_timeout = '300ms'`)
		require.NoError(t, err)
		_, err = probe.Exec(ctx, open, "education")
		require.ErrorContains(t, err, "lock timeout", "it waits for the last account without having opened the others")
	})
}

// whileHolding runs step while another transaction holds what a statement
// took, waits until step waits for it, then lets the probe look. The holder is
// rolled back and step must then succeed.
func (w *world) whileHolding(take string, what any, step func(tx *db.Tx) error, look func(probe pgx.Tx)) {
	w.t.Helper()
	holder, err := w.owner.Begin(ctx)
	require.NoError(w.t, err)
	defer func() { _ = holder.Rollback(ctx) }()
	_, err = holder.Exec(ctx, take, what)
	require.NoError(w.t, err)

	done, backend := make(chan error, 1), make(chan uint32, 1)
	go func() {
		done <- w.do(func(tx *db.Tx) error {
			if _, err := tx.PGX.Exec(ctx, `SET LOCAL lock_timeout = '60s'`); err != nil {
				return err
			}
			backend <- tx.PGX.Conn().PgConn().PID()
			return step(tx)
		})
	}()
	pid := <-backend
	require.Eventually(w.t, func() bool {
		return w.number(`SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted`, int64(pid)) > 0
	}, dbtest.Patience, 5*time.Millisecond, "it never waited")

	probe, err := w.owner.Begin(ctx)
	require.NoError(w.t, err)
	defer func() { _ = probe.Rollback(ctx) }()
	look(probe)
	require.NoError(w.t, probe.Rollback(ctx))
	require.NoError(w.t, holder.Rollback(ctx))
	require.NoError(w.t, <-done)
}
