package people_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/people"
)

// Who works for a council is looked up by jobs alone, and of it only who may
// have to be told.
func TestOnlyJobsLookUpWhoWorksForACouncil(t *testing.T) {
	w := setup(t)
	var council, other uuid.UUID
	require.NoError(t, w.d.Do(w.ctx, db.Scope{}, func(tx *db.Tx) error {
		for i, id := range []*uuid.UUID{&council, &other} {
			*id = shortbreaks.NewID()
			_, err := tx.PGX.Exec(w.ctx, `INSERT INTO authority (id, name, slug, area) VALUES ($1, $2, $2, $2)`, *id, []string{"Ash", "Elm"}[i])
			require.NoError(t, err)
		}
		return nil
	}))
	var last uuid.UUID
	for _, role := range []shortbreaks.Role{shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Finance} {
		last = w.person(string(role))
		w.grant(people.Grant{PersonID: last, Role: role, AuthorityID: &council})
	}
	seen := func(s db.Scope) (n int) {
		require.NoError(t, w.d.Read(w.ctx, s, func(tx *db.Tx) error {
			return tx.PGX.QueryRow(w.ctx, `SELECT count(*) FROM role_grant`).Scan(&n)
		}))
		return n
	}
	require.Equal(t, 2, seen(db.Scope{Authorities: []uuid.UUID{council, other}}), "a job")
	require.Zero(t, seen(db.Scope{Authorities: []uuid.UUID{other}}))
	require.Zero(t, seen(db.Scope{}), "the public")
	require.Equal(t, 1, seen(db.Scope{Person: last, Authorities: []uuid.UUID{council}}), "one who works there: their own")
}
