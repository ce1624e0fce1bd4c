package marketplace_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

func TestAProviderIsMadeOnlyWithinItsScopeAndFoundByName(t *testing.T) {
	t.Parallel()
	s := setup(t)
	id := shortbreaks.NewID()
	add := func(scope db.Scope) error {
		return s.d.Do(s.ctx, scope, func(tx *db.Tx) error {
			_, err := marketplace.CreateProvider(s.ctx, tx, marketplace.Provider{ID: id, Name: "Hill Farm", StaffCount: 2})
			return err
		})
	}
	require.Error(t, add(db.Scope{}))
	require.NoError(t, add(db.Scope{Providers: []uuid.UUID{id}}))
	require.NoError(t, s.do(func(tx *db.Tx) error {
		found, err := marketplace.ProvidersNamed(s.ctx, tx, "Hill Farm")
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, start, found[0].CreatedAt.UTC())
		found, err = marketplace.ProvidersNamed(s.ctx, tx, "Hill")
		require.NoError(t, err)
		require.Empty(t, found)
		return nil
	}))
}
