package budgets_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// TestWhoReachesWhichChild is the rule of reach, for each way to read a child.
func TestWhoReachesWhichChild(t *testing.T) {
	w := setup(t)
	type answer struct{ ada, cal, dot, none error }
	all404 := answer{shortbreaks.ErrNotFound, shortbreaks.ErrNotFound, shortbreaks.ErrNotFound, shortbreaks.ErrNotFound}
	own, staff := all404, all404
	own.ada, staff.ada, staff.cal = nil, nil, nil
	moved := w.parent
	moved.Authorities = []uuid.UUID{w.south} // the grants name the child of another authority
	for name, c := range map[string]struct {
		who  shortbreaks.Actor
		want answer
	}{
		"the child's family":           {w.parent, own},
		"a family with no grant left":  {w.actor(shortbreaks.Family, w.north), all404},
		"a family, wrong authority":    {moved, all404},
		"practitioner":                 {w.practitioner, staff},
		"approver":                     {w.approver, staff},
		"finance":                      {w.actor(shortbreaks.Finance, w.north), staff},
		"auditor":                      {w.actor(shortbreaks.Auditor, w.north), staff},
		"commissioner: never a child":  {w.actor(shortbreaks.Commissioner, w.north), all404},
		"provider owner":               {w.actor(shortbreaks.ProviderOwner, w.north), all404},
		"worker":                       {w.actor(shortbreaks.Worker, w.north), all404},
		"the public":                   {shortbreaks.Anonymous, all404},
		"staff without any authority":  {shortbreaks.Actor{Person: uuid.New(), Role: shortbreaks.Approver}, all404},
		"staff borrowing a child's id": {shortbreaks.Actor{Person: uuid.New(), Role: shortbreaks.Worker, Children: []uuid.UUID{w.ada.ID}}, all404},
	} {
		reader := c.who.Is(shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Finance, shortbreaks.Auditor)
		for child, want := range map[uuid.UUID]error{w.ada.ID: c.want.ada, w.cal.ID: c.want.cal, w.dot.ID: c.want.dot, uuid.New(): c.want.none} {
			err := w.d.Read(w.ctx, db.For(c.who), func(tx *db.Tx) error {
				got, err := budgets.LoadChild(w.ctx, tx, c.who, child)
				if err == nil {
					require.Equal(t, child, got.ID)
				}
				return err
			})
			require.ErrorIs(t, err, want, name)
			if !reader {
				want = shortbreaks.ErrForbidden
			}
			_, err = budgets.Get(w.ctx, w.d, c.who, child)
			require.ErrorIs(t, err, want, name)
			_, err = budgets.GetStatement(w.ctx, w.d, c.who, child, day("2027-01-01"), day("2027-01-31"))
			require.ErrorIs(t, err, want, name)
		}
	}
}

func TestListGivesEachChildInReachOnceByPages(t *testing.T) {
	w := setup(t)
	w.allocated(w.ben, w.year, "grant", payments.InPence, 100)
	list := func(who shortbreaks.Actor, limit int) (pages [][]uuid.UUID) {
		page := budgets.Page{Limit: limit}
		for {
			found, next, err := budgets.List(w.ctx, w.d, who, page)
			require.NoError(t, err)
			ids := []uuid.UUID{}
			for _, b := range found {
				ids = append(ids, b.Child.ID)
			}
			pages = append(pages, ids)
			if next == nil {
				return pages
			}
			page.After = *next
		}
	}
	require.Equal(t, [][]uuid.UUID{{w.ada.ID, w.ben.ID}}, list(w.parent, 2))
	require.Equal(t, [][]uuid.UUID{{w.ada.ID}, {w.ben.ID}}, list(w.parent, 1))
	require.Equal(t, [][]uuid.UUID{{w.ada.ID, w.ben.ID}, {w.cal.ID}}, list(w.approver, 2))
	require.Equal(t, [][]uuid.UUID{{w.dot.ID}}, list(w.southern, 100))
	require.Equal(t, [][]uuid.UUID{{}}, list(w.actor(shortbreaks.Family, w.north), 10))

	found, _, err := budgets.List(w.ctx, w.d, w.parent, budgets.Page{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, found[0].Accounts)
	require.Equal(t, int64(100), found[1].Accounts[0].Free)
	require.Equal(t, "Northshire", found[1].AuthorityName)
	_, _, err = budgets.List(w.ctx, w.d, w.actor(shortbreaks.Commissioner, w.north), budgets.Page{Limit: 10})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
	for _, limit := range []int{0, -1, 101} {
		_, _, err = budgets.List(w.ctx, w.d, w.parent, budgets.Page{Limit: limit})
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	}
}

func TestMembersPeriodsAndChildrenStayInTheirAuthority(t *testing.T) {
	w := setup(t)
	for range 2 {
		require.NoError(t, w.in(w.north, func(tx *db.Tx) error {
			return budgets.AddMember(w.ctx, tx, budgets.Member{AuthorityID: w.north, FamilyID: w.ada.FamilyID, PersonID: w.parent.Person})
		}))
	}
	require.Equal(t, int64(1), w.number(`SELECT count(*) FROM family_member WHERE relation = 'parent'`))
	again := w.period(w.north, "2026-04-01", "2027-03-31")
	require.Equal(t, w.year, again)
	require.NotEqual(t, w.year.ID, w.period(w.south, "2026-04-01", "2027-03-31").ID)
	require.Error(t, w.in(w.north, func(tx *db.Tx) error {
		_, err := budgets.CreateChild(w.ctx, tx, budgets.Child{
			AuthorityID: w.north, FamilyID: w.dot.FamilyID, FirstName: "E", FamilyName: "E", DateOfBirth: day("2016-05-01"),
		})
		return err
	}), "a family of another authority")
}

// The rule of reach does not lean on the scope alone: a job sees every
// authority, and an actor it acts for still reaches only their own.
func TestReachIsTheActorsEvenInAWiderScope(t *testing.T) {
	w := setup(t)
	system, err := w.d.System(w.ctx)
	require.NoError(t, err)
	require.NoError(t, w.d.Read(w.ctx, system, func(tx *db.Tx) error {
		_, err := budgets.LoadChild(w.ctx, tx, w.approver, w.dot.ID)
		require.ErrorIs(t, err, shortbreaks.ErrNotFound)
		_, err = budgets.LoadChild(w.ctx, tx, w.approver, w.cal.ID)
		return err
	}))
}
