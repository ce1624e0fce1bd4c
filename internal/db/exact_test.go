package db_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// raiseAll adds one to the rows of these authorities that the scope reaches.
var raiseAll = db.NewExact("raising what's there", `UPDATE scratch SET n = n + 1 WHERE authority_id = ANY ($1)`, 1)

func TestWhatIsSentWithTheCommitLastsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	d, a, other, ctx := withScratch(t), shortbreaks.NewID(), shortbreaks.NewID(), t.Context()
	for _, authority := range []uuid.UUID{a, a, other} {
		require.NoError(t, d.Do(ctx, within(authority), func(tx *db.Tx) error { return add(ctx, tx, authority, 1) }))
	}
	raise := func(rows int) error {
		return d.Do(ctx, within(a), func(tx *db.Tx) error {
			require.NoError(t, add(ctx, tx, a, 10))
			var last pgx.Batch
			raiseAll.Queue(&last, rows, []uuid.UUID{a, other})
			tx.Last(&last)
			return nil
		})
	}
	require.NoError(t, raise(3), "two rows and the new one; the other council's is out of reach")
	require.Equal(t, 15, total(t, d, within(a)))
	require.ErrorContains(t, raise(3), "raising what's there: 4 of 3 rows")
	require.ErrorContains(t, raise(5), "4 of 5 rows")
	require.Equal(t, 15, total(t, d, within(a)), "nothing of the transaction lasts, what came before included")
	require.Equal(t, 1, total(t, d, within(other)))
	require.NoError(t, raise(4), "and the connection serves on")
}

func TestWhatIsSentWithTheCommitIsRefusedLikeAnyStatement(t *testing.T) {
	t.Parallel()
	d, a, ctx := withScratch(t), shortbreaks.NewID(), t.Context()
	committed := false
	err := d.Do(ctx, within(a), func(tx *db.Tx) error {
		tx.AfterCommit(func() { committed = true })
		var last pgx.Batch
		last.Queue(`INSERT INTO scratch VALUES ($1, $2, 1000, $3)`, a, shortbreaks.NewID(), tx.Now)
		tx.Last(&last)
		return nil
	})
	require.Equal(t, "scratch_n_small", db.ConstraintName(err))
	require.False(t, committed)
	require.Zero(t, total(t, d, within(a)))
}
