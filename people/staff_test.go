package people_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/people"
)

// firm is a provider with one owner.
func (w *world) firm(subject string) (provider uuid.UUID, owner shortbreaks.Actor) {
	w.Helper()
	provider = shortbreaks.NewID()
	_, err := dbtest.Owner(w.T, w.d).Exec(w.ctx, `INSERT INTO provider (id, name, staff_count) VALUES ($1, 'Willow', 5)`, provider)
	require.NoError(w, err)
	person := w.person(subject)
	require.NoError(w, w.d.Do(w.ctx, db.Scope{Person: person, Providers: []uuid.UUID{provider}}, func(tx *db.Tx) error {
		return people.BecomeOwner(w.ctx, tx, shortbreaks.Actor{Person: person}, provider)
	}))
	return provider, w.load(person, shortbreaks.ProviderOwner)
}

func (w *world) load(person uuid.UUID, role shortbreaks.Role) shortbreaks.Actor {
	w.Helper()
	who, err := people.Load(w.ctx, w.d, person, role)
	require.NoError(w, err)
	return who
}

func (w *world) staff(who shortbreaks.Actor, provider uuid.UUID) []people.Staff {
	w.Helper()
	list, more, err := people.ListStaff(w.ctx, w.d, who, provider, uuid.Nil, 100)
	require.NoError(w, err)
	require.False(w, more)
	return list
}

func TestAnOwnerGivesAndTakesRolesAndNothingIsDeleted(t *testing.T) {
	w := setup(t)
	provider, owner := w.firm("owner")
	jo := w.person("jo")
	add := func(role shortbreaks.Role) (*people.Staff, error) {
		return people.AddStaff(w.ctx, w.d, owner, provider, people.NewStaff{SignIn: "jo", Role: role, Name: "Jo from Tuesdays"})
	}
	made, err := add(shortbreaks.Coordinator)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{provider}, w.load(jo, shortbreaks.Coordinator).Providers, "from this commit on")
	_, err = add(shortbreaks.Coordinator)
	require.ErrorIs(t, err, people.ErrAlreadyHeld)
	_, err = add(shortbreaks.Worker)
	require.NoError(t, err)
	require.Equal(t, "Jo from Tuesdays", w.staff(owner, provider)[1].Name)

	last := time.Date(2027, 1, 6, 0, 0, 0, 0, time.UTC)
	ended, err := people.EndStaff(w.ctx, w.d, owner, provider, made.ID, &last)
	require.NoError(t, err)
	require.Equal(t, last, *ended.EndsOn)
	w.clock.Advance(48 * time.Hour)
	w.load(jo, shortbreaks.Coordinator) // Wednesday, the last day
	_, err = people.EndStaff(w.ctx, w.d, owner, provider, made.ID, nil)
	require.NoError(t, err, "what would have ended today ends now")
	_, err = people.Load(w.ctx, w.d, jo, shortbreaks.Coordinator)
	require.ErrorIs(t, err, people.ErrRoleNotHeld)
	w.load(jo, shortbreaks.Worker)
	_, err = people.EndStaff(w.ctx, w.d, owner, provider, made.ID, nil)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "it has ended")
	require.Len(t, w.staff(owner, provider), 3, "who acted for the provider is still there to be read")
	_, err = add(shortbreaks.Coordinator)
	require.NoError(t, err, "a role can be given again")
	past := time.Date(2027, 1, 5, 0, 0, 0, 0, time.UTC)
	_, err = people.EndStaff(w.ctx, w.d, owner, provider, w.staff(owner, provider)[2].ID, &past)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
}

func TestTheLastOwnerStays(t *testing.T) {
	w := setup(t)
	provider, owner := w.firm("owner")
	self := w.staff(owner, provider)[0]
	_, err := people.EndStaff(w.ctx, w.d, owner, provider, self.ID, nil)
	require.ErrorIs(t, err, people.ErrLastOwner)
	w.person("jo")
	jo, err := people.AddStaff(w.ctx, w.d, owner, provider, people.NewStaff{SignIn: "jo", Role: shortbreaks.ProviderOwner, Name: "Jo"})
	require.NoError(t, err)
	leaves := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	_, err = people.EndStaff(w.ctx, w.d, owner, provider, jo.ID, &leaves)
	require.NoError(t, err)
	_, err = people.EndStaff(w.ctx, w.d, owner, provider, self.ID, nil)
	require.ErrorIs(t, err, people.ErrLastOwner, "one who leaves in June is not the one who stays")
}

// Owners who all remove each other at the same moment: one stays. A lock on
// what they write holds them until all have come as far as they get alone, so
// that they meet every time.
func TestOwnersCannotAllBeRemoved(t *testing.T) {
	w := setup(t)
	provider, owner := w.firm("owner")
	for _, name := range []string{"a", "b", "c"} {
		w.person(name)
		_, err := people.AddStaff(w.ctx, w.d, owner, provider, people.NewStaff{SignIn: name, Role: shortbreaks.ProviderOwner, Name: name})
		require.NoError(t, err)
	}
	all := w.staff(owner, provider)
	admin := dbtest.Owner(t, w.d)
	gate, err := admin.Begin(w.ctx)
	require.NoError(t, err)
	_, err = gate.Exec(w.ctx, `SELECT FROM role_grant FOR UPDATE`)
	require.NoError(t, err)
	errs := make(chan error, len(all))
	for _, s := range all {
		go func() {
			_, err := people.EndStaff(w.ctx, w.d, owner, provider, s.ID, nil)
			errs <- err
		}()
	}
	require.Eventually(t, func() bool {
		var waiting int
		err := admin.QueryRow(w.ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting == len(all)
	}, dbtest.Patience, 10*time.Millisecond)
	require.NoError(t, gate.Commit(w.ctx))
	refused := 0
	for range all {
		if err := <-errs; err != nil {
			require.ErrorIs(t, err, people.ErrLastOwner)
			refused++
		}
	}
	require.Equal(t, 1, refused)
}

func TestOnlyTheOwnerDecidesWhoActsForAProvider(t *testing.T) {
	w := setup(t)
	provider, owner := w.firm("owner")
	_, rival := w.firm("rival")
	w.person("jo")
	staff := w.staff(owner, provider)[0].ID
	for _, c := range []struct {
		who  shortbreaks.Actor
		want error
	}{
		{rival, shortbreaks.ErrNotFound},
		{shortbreaks.Actor{Role: shortbreaks.Coordinator, Providers: []uuid.UUID{provider}}, shortbreaks.ErrForbidden},
		{shortbreaks.Anonymous, shortbreaks.ErrForbidden},
	} {
		_, err := people.AddStaff(w.ctx, w.d, c.who, provider, people.NewStaff{SignIn: "jo", Role: shortbreaks.Worker, Name: "Jo"})
		require.ErrorIs(t, err, c.want)
		_, err = people.EndStaff(w.ctx, w.d, c.who, provider, staff, nil)
		require.ErrorIs(t, err, c.want)
		_, _, err = people.ListStaff(w.ctx, w.d, c.who, provider, uuid.Nil, 10)
		require.ErrorIs(t, err, c.want)
	}
	_, err := people.EndStaff(w.ctx, w.d, rival, rival.Providers[0], staff, nil)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "nor by the name of another's record")
	for _, wrong := range []people.NewStaff{
		{SignIn: "jo", Role: shortbreaks.Approver, Name: "Jo"}, {SignIn: "jo", Role: shortbreaks.Worker}, {SignIn: "nobody", Role: shortbreaks.Worker, Name: "Jo"},
	} {
		_, err := people.AddStaff(w.ctx, w.d, owner, provider, wrong)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, "%v", wrong)
	}
}
