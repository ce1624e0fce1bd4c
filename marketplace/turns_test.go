package marketplace_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

func TestASearchWaitsForItsTurnAndGivesItBack(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t, dbtest.WithConfig(func(c *db.Config) { c.Turns, c.AcquireTimeout = 1, 50*time.Millisecond }))
	search := func() error {
		_, err := marketplace.Search(t.Context(), d, marketplace.SearchQuery{})
		return err
	}
	err := d.ReadInTurn(t.Context(), db.Scope{}, func(*db.Tx) error { return search() })
	require.ErrorIs(t, err, db.ErrBusy)
	failed := errors.New("it failed")
	require.ErrorIs(t, d.ReadInTurn(t.Context(), db.Scope{}, func(*db.Tx) error { return failed }), failed)
	require.NoError(t, search())
}
