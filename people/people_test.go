package people_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/people"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a database with a clock that stands still at noon on Monday
// 4 January 2027.
type world struct {
	*testing.T
	ctx   context.Context
	d     *db.DB
	clock *dbtest.Clock
}

func setup(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	clock := dbtest.NewClock(time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC))
	return &world{T: t, ctx: t.Context(), d: dbtest.New(t, dbtest.WithClock(clock)), clock: clock}
}

// person adds someone who can sign in by this name.
func (w *world) person(subject string) uuid.UUID {
	w.Helper()
	id := shortbreaks.NewID()
	w.as(id, func(tx *db.Tx) error {
		_, err := people.CreatePerson(w.ctx, tx, people.Person{ID: id, DisplayName: "Someone"})
		require.NoError(w, err)
		_, err = people.AddSignIn(w.ctx, tx, people.SignIn{PersonID: id, Kind: "demo", Subject: subject})
		return err
	})
	return id
}

// as runs a step in a scope of one person.
func (w *world) as(person uuid.UUID, f func(tx *db.Tx) error) {
	w.Helper()
	require.NoError(w, w.d.Do(w.ctx, db.Scope{Person: person}, f))
}

func (w *world) grant(g people.Grant) uuid.UUID {
	w.Helper()
	w.as(g.PersonID, func(tx *db.Tx) error {
		made, err := people.GrantRole(w.ctx, tx, g)
		g.ID = made.ID
		return err
	})
	return g.ID
}

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestRolesHoldFromTheirFirstDayToTheirLast(t *testing.T) {
	w := setup(t)
	authority, person := shortbreaks.NewID(), w.person("pat")
	last := day("2027-06-30")
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Approver, AuthorityID: &authority, StartsOn: day("2027-04-01"), EndsOn: &last})
	for _, c := range []struct {
		at   string
		held bool
	}{
		{"2027-03-31T22:59:59Z", false}, // 23:59:59 in London, summer time
		{"2027-03-31T23:00:00Z", true},
		{"2027-06-30T22:59:59Z", true},
		{"2027-06-30T23:00:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		require.NoError(t, err)
		w.clock.Set(at)
		who, err := people.Load(w.ctx, w.d, person, shortbreaks.Approver)
		roles, rolesErr := people.Roles(w.ctx, w.d, person)
		require.NoError(t, rolesErr)
		if c.held {
			require.NoError(t, err, c.at)
			require.Equal(t, []uuid.UUID{authority}, who.Authorities)
			require.Equal(t, []shortbreaks.Role{shortbreaks.Approver}, roles)
			continue
		}
		require.ErrorIs(t, err, people.ErrRoleNotHeld, c.at)
		require.Empty(t, roles)
	}
}

func TestARoleTakenAwayEndsAtTheNextRequest(t *testing.T) {
	w := setup(t)
	authority, person := shortbreaks.NewID(), w.person("pat")
	grant := w.grant(people.Grant{PersonID: person, Role: shortbreaks.Practitioner, AuthorityID: &authority})
	_, err := people.Load(w.ctx, w.d, person, shortbreaks.Practitioner)
	require.NoError(t, err)
	w.as(person, func(tx *db.Tx) error { return people.EndRole(w.ctx, tx, person, grant, day("2027-01-03")) })
	_, err = people.Load(w.ctx, w.d, person, shortbreaks.Practitioner)
	require.ErrorIs(t, err, people.ErrRoleNotHeld)
}

func TestAnActorReachesWhatItsRoleReachesAndNoMore(t *testing.T) {
	w := setup(t)
	person, other := w.person("pat"), w.person("other")
	north, south, provider := shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID()
	ada, ben, cal := shortbreaks.NewID(), shortbreaks.NewID(), shortbreaks.NewID()
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Family, AuthorityID: &north, ChildID: &ada})
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Family, AuthorityID: &north, ChildID: &ben})
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Worker, ProviderID: &provider})
	w.grant(people.Grant{PersonID: other, Role: shortbreaks.Family, AuthorityID: &south, ChildID: &cal})

	family, err := people.Load(w.ctx, w.d, person, shortbreaks.Family)
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Actor{
		Person: person, Role: shortbreaks.Family, Authorities: []uuid.UUID{north}, Children: []uuid.UUID{ada, ben},
	}, family)
	worker, err := people.Load(w.ctx, w.d, person, shortbreaks.Worker)
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Actor{Person: person, Role: shortbreaks.Worker, Providers: []uuid.UUID{provider}}, worker)
	for _, role := range []shortbreaks.Role{shortbreaks.Approver, "", "family' OR true"} {
		who, err := people.Load(w.ctx, w.d, person, role)
		require.ErrorIs(t, err, people.ErrRoleNotHeld)
		require.Zero(t, who)
	}
	_, err = people.Load(w.ctx, w.d, uuid.Nil, shortbreaks.Family)
	require.ErrorIs(t, err, people.ErrRoleNotHeld)
	roles, err := people.Roles(w.ctx, w.d, person)
	require.NoError(t, err)
	require.Equal(t, []shortbreaks.Role{shortbreaks.Family, shortbreaks.Worker}, roles)
}

func TestAGrantReachesExactlyWhatItsRoleWorksOn(t *testing.T) {
	w := setup(t)
	person, id := w.person("pat"), shortbreaks.NewID()
	for _, g := range []people.Grant{
		{Role: shortbreaks.Family, AuthorityID: &id},
		{Role: shortbreaks.Worker, AuthorityID: &id},
		{Role: shortbreaks.Approver, ProviderID: &id},
		{Role: shortbreaks.Approver, AuthorityID: &id, ProviderID: &id},
		{Role: "admin", AuthorityID: &id},
	} {
		g.PersonID = person
		err := w.d.Do(w.ctx, db.Scope{Person: person}, func(tx *db.Tx) error {
			_, err := people.GrantRole(w.ctx, tx, g)
			return err
		})
		require.Error(t, err, "%+v", g)
	}
}

// T97: what one parent enters never reaches the other, by use case or by SQL.
func TestT97_OneParentsContactNeverReachesTheOther(t *testing.T) {
	w := setup(t)
	mother, father := w.person("mother"), w.person("father")
	authority, child := shortbreaks.NewID(), shortbreaks.NewID()
	for _, parent := range []uuid.UUID{mother, father} {
		w.grant(people.Grant{PersonID: parent, Role: shortbreaks.Family, AuthorityID: &authority, ChildID: &child})
	}
	w.as(mother, func(tx *db.Tx) error {
		_, err := people.AddContact(w.ctx, tx, people.Contact{PersonID: mother, Kind: "address", Value: "12 Safe Street"})
		return err
	})
	her, err := people.Load(w.ctx, w.d, mother, shortbreaks.Family)
	require.NoError(t, err)
	his, err := people.Load(w.ctx, w.d, father, shortbreaks.Family)
	require.NoError(t, err)

	own, err := people.Contacts(w.ctx, w.d, her, mother)
	require.NoError(t, err)
	require.Len(t, own, 1)
	require.Equal(t, "12 Safe Street", own[0].Value)
	for _, who := range []shortbreaks.Actor{
		his,
		{Person: father, Role: shortbreaks.Practitioner, Authorities: []uuid.UUID{authority}},
		shortbreaks.Anonymous,
	} {
		got, err := people.Contacts(w.ctx, w.d, who, mother)
		require.ErrorIs(t, err, shortbreaks.ErrNotFound)
		require.Empty(t, got)
	}
	mine, err := people.Contacts(w.ctx, w.d, his, father)
	require.NoError(t, err)
	require.Empty(t, mine)

	// By SQL, inside his scope and with the child's authority: nothing of hers.
	require.NoError(t, w.d.Do(w.ctx, db.For(his), func(tx *db.Tx) error {
		for table, key := range map[string]string{"contact": "person_id", "sign_in": "person_id", "role_grant": "person_id", "person": "id"} {
			var n int
			err := tx.PGX.QueryRow(w.ctx, `SELECT count(*) FROM `+table+` WHERE `+key+` = $1`, mother).Scan(&n)
			require.NoError(t, err)
			require.Zero(t, n, table)
		}
		tag, err := tx.PGX.Exec(w.ctx, `UPDATE contact SET value = 'moved'`)
		require.NoError(t, err)
		require.Zero(t, tag.RowsAffected())
		return nil
	}))
	refused := w.d.Do(w.ctx, db.For(his), func(tx *db.Tx) error {
		_, err := people.AddContact(w.ctx, tx, people.Contact{PersonID: mother, Kind: "phone", Value: "0"})
		return err
	})
	require.Error(t, refused)
}

func TestPersonTablesShowNothingWithoutAScope(t *testing.T) {
	w := setup(t)
	person, authority := w.person("pat"), shortbreaks.NewID()
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Auditor, AuthorityID: &authority})
	owner := dbtest.Owner(t, w.d)
	for _, table := range []string{"person", "sign_in", "role_grant"} {
		var enabled, forced bool
		require.NoError(t, owner.QueryRow(w.ctx, `SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = $1`, table).Scan(&enabled, &forced))
		require.True(t, enabled && forced, table)
		dbtest.As(t, w.d, func(tx pgx.Tx) {
			var n int
			require.NoError(t, tx.QueryRow(w.ctx, `SELECT set_config('role', $1, true)`, db.Role).Scan(new(string)))
			require.NoError(t, tx.QueryRow(w.ctx, `SELECT count(*) FROM `+table).Scan(&n))
			require.Zero(t, n, table)
			require.NoError(t, tx.QueryRow(w.ctx, `SELECT set_config('app.person', $1, true)`, person.String()).Scan(new(string)))
			require.NoError(t, tx.QueryRow(w.ctx, `SELECT count(*) FROM `+table).Scan(&n))
			require.Equal(t, 1, n, table)
		})
	}
}

func TestDemoSignInActsInTheFirstRoleHeld(t *testing.T) {
	w := setup(t)
	keys := newKeys(t)
	person, authority := w.person("pat"), shortbreaks.NewID()
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Practitioner, AuthorityID: &authority})
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Approver, AuthorityID: &authority})

	token, err := people.SignInDemo(w.ctx, w.d, keys, "pat", "")
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Practitioner, token.Role)
	require.Equal(t, []shortbreaks.Role{shortbreaks.Practitioner, shortbreaks.Approver}, token.Roles)
	claims, err := keys.Verify(token.Access, w.clock.Now())
	require.NoError(t, err)
	require.Equal(t, person, claims.Person)
	require.Equal(t, token.ExpiresAt, claims.ExpiresAt.UTC())

	token, err = people.SignInDemo(w.ctx, w.d, keys, "pat", shortbreaks.Approver)
	require.NoError(t, err)
	require.Equal(t, shortbreaks.Approver, token.Role)
	_, err = people.SignInDemo(w.ctx, w.d, keys, "pat", shortbreaks.Finance)
	require.ErrorIs(t, err, people.ErrRoleNotHeld)
	for _, nobody := range []string{"", "pat ", "PAT", "%", "nobody", person.String()} {
		_, err = people.SignInDemo(w.ctx, w.d, keys, nobody, "")
		require.ErrorIs(t, err, people.ErrSignInUnknown, "%q", nobody)
	}
}

func TestDemoSignInIsRefusedToWhoMayNot(t *testing.T) {
	w := setup(t)
	keys, authority := newKeys(t), shortbreaks.NewID()
	w.person("no-role")
	_, err := people.SignInDemo(w.ctx, w.d, keys, "no-role", "")
	require.ErrorIs(t, err, people.ErrRoleNotHeld)

	person := w.person("leaver")
	w.grant(people.Grant{PersonID: person, Role: shortbreaks.Auditor, AuthorityID: &authority})
	_, err = people.SignInDemo(w.ctx, w.d, keys, "leaver", "")
	require.NoError(t, err)
	w.as(person, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(w.ctx, `UPDATE sign_in SET ended_at = $1`, tx.Now)
		return err
	})
	_, err = people.SignInDemo(w.ctx, w.d, keys, "leaver", "")
	require.ErrorIs(t, err, people.ErrSignInUnknown)

	// A council's own sign-in cannot be taken over by typing its subject.
	w.as(person, func(tx *db.Tx) error {
		_, err := people.AddSignIn(w.ctx, tx, people.SignIn{PersonID: person, Kind: "oidc", Subject: "leaver@council"})
		return err
	})
	_, err = people.SignInDemo(w.ctx, w.d, keys, "leaver@council", "")
	require.ErrorIs(t, err, people.ErrSignInUnknown)

	// A name two people claim lets neither in.
	for range 2 {
		twin := w.person("twin")
		w.grant(people.Grant{PersonID: twin, Role: shortbreaks.Auditor, AuthorityID: &authority})
	}
	_, err = people.SignInDemo(w.ctx, w.d, keys, "twin", "")
	require.ErrorIs(t, err, people.ErrSignInUnknown)
}

func TestSelfIsOnesOwnName(t *testing.T) {
	w := setup(t)
	person := w.person("pat")
	p, err := people.Self(w.ctx, w.d, shortbreaks.Actor{Person: person})
	require.NoError(t, err)
	require.Equal(t, "Someone", p.DisplayName)
	_, err = people.Self(w.ctx, w.d, shortbreaks.Anonymous)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}

func TestModelsMatchTheSchema(t *testing.T) {
	w := setup(t)
	owner := dbtest.Owner(t, w.d)
	require.NoError(t, w.d.Read(w.ctx, db.Scope{}, func(tx *db.Tx) error {
		for _, model := range []any{people.Authority{}, people.Person{}, people.Contact{}, people.SignIn{}, people.Grant{}} {
			stmt := tx.Model(model).Statement
			require.NoError(t, stmt.Parse(model))
			var columns []string
			require.NoError(t, owner.QueryRow(w.ctx, `SELECT array_agg(column_name::text) FROM information_schema.columns
				WHERE table_name = $1`, stmt.Schema.Table).Scan(&columns))
			require.ElementsMatch(t, columns, stmt.Schema.DBNames, stmt.Schema.Table)
		}
		return nil
	}))
}
