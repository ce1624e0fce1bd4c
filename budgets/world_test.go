package budgets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/payments"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is two authorities, north with two families and south with one, at
// noon on Monday 4 January 2027.
type world struct {
	*testing.T
	ctx          context.Context
	d            *db.DB
	owner        *pgxpool.Pool
	clock        *dbtest.Clock
	north, south uuid.UUID
	ada, ben     *budgets.Child // siblings in the north
	cal          *budgets.Child // another family in the north
	dot          *budgets.Child // in the south
	year         *budgets.Period
	parent       shortbreaks.Actor // of ada and ben
	practitioner shortbreaks.Actor // of the north, as are the next two
	approver     shortbreaks.Actor
	second       shortbreaks.Actor // another approver
	southern     shortbreaks.Actor // approver of the south
}

func setup(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	clock := dbtest.NewClock(time.Date(2027, 1, 4, 12, 0, 0, 0, time.UTC))
	d := dbtest.New(t, dbtest.WithClock(clock))
	w := &world{T: t, ctx: t.Context(), d: d, owner: dbtest.Owner(t, d), clock: clock, north: shortbreaks.NewID(), south: shortbreaks.NewID()}
	for id, name := range map[uuid.UUID]string{w.north: "Northshire", w.south: "Southshire"} {
		w.exec(`INSERT INTO authority (id, name, slug, area) VALUES ($1, $2, $2, $2)`, id, name)
	}
	w.ada, w.ben = w.child(w.north, "Ada", nil), nil
	w.ben = w.child(w.north, "Ben", w.ada)
	w.cal, w.dot = w.child(w.north, "Cal", nil), w.child(w.south, "Dot", nil)
	w.year = w.period(w.north, "2026-04-01", "2027-03-31")
	w.parent = w.actor(shortbreaks.Family, w.north)
	w.parent.Children = []uuid.UUID{w.ada.ID, w.ben.ID}
	w.practitioner, w.approver = w.actor(shortbreaks.Practitioner, w.north), w.actor(shortbreaks.Approver, w.north)
	w.second, w.southern = w.actor(shortbreaks.Approver, w.north), w.actor(shortbreaks.Approver, w.south)
	return w
}

func (w *world) actor(role shortbreaks.Role, authority uuid.UUID) shortbreaks.Actor {
	return shortbreaks.Actor{Person: shortbreaks.NewID(), Role: role, Authorities: []uuid.UUID{authority}}
}

// exec writes a fixture that no use case makes, as the owner of the schema.
func (w *world) exec(statement string, args ...any) {
	w.Helper()
	_, err := w.owner.Exec(w.ctx, statement, args...)
	require.NoError(w, err, statement)
}

// number reads one number past every policy.
func (w *world) number(query string, args ...any) (n int64) {
	w.Helper()
	require.NoError(w, w.owner.QueryRow(w.ctx, query, args...).Scan(&n), query)
	return n
}

// in runs steps in the scope of one authority.
func (w *world) in(authority uuid.UUID, f func(tx *db.Tx) error) error {
	return w.d.Do(w.ctx, db.Scope{Authorities: []uuid.UUID{authority}}, f)
}

func (w *world) child(authority uuid.UUID, name string, sibling *budgets.Child) (made *budgets.Child) {
	w.Helper()
	require.NoError(w, w.in(authority, func(tx *db.Tx) error {
		var family uuid.UUID
		if sibling != nil {
			family = sibling.FamilyID
		} else {
			f, err := budgets.CreateFamily(w.ctx, tx, budgets.Family{AuthorityID: authority})
			require.NoError(w, err)
			family = f.ID
		}
		var err error
		made, err = budgets.CreateChild(w.ctx, tx, budgets.Child{
			AuthorityID: authority, FamilyID: family, FirstName: name, FamilyName: "Reed", DateOfBirth: day("2016-05-01"),
		})
		return err
	}))
	return made
}

func (w *world) period(authority uuid.UUID, from, to string) (made *budgets.Period) {
	w.Helper()
	require.NoError(w, w.in(authority, func(tx *db.Tx) (err error) {
		made, err = budgets.CreatePeriod(w.ctx, tx, budgets.Period{AuthorityID: authority, Name: from[:4], StartsOn: day(from), EndsOn: day(to)})
		return err
	}))
	return made
}

// idem is a request with a key, answered by the amounts of the account.
func (w *world) idem(who shortbreaks.Actor, key, body string) *shortbreaks.Idem {
	return &shortbreaks.Idem{Caller: who.Person, Operation: "createAllocation", Key: key, Hash: []byte(body), Render: func(result any) (int, []byte, error) {
		answer, err := json.Marshal(result.(*budgets.Allocation))
		return 201, answer, err
	}}
}

// allocated puts an amount into a child's account and gives the account.
func (w *world) allocated(child *budgets.Child, period *budgets.Period, stream string, unit payments.Unit, amount int64) uuid.UUID {
	w.Helper()
	who := w.actor(shortbreaks.Approver, child.AuthorityID)
	reply, err := budgets.CreateAllocation(w.ctx, w.d, who, budgets.NewAllocation{
		ChildID: child.ID, PeriodID: &period.ID, Stream: stream, Unit: unit, Amount: amount, Idem: w.idem(who, "k", fmt.Sprint(amount)),
	})
	require.NoError(w, err)
	var a budgets.Allocation
	require.NoError(w, json.Unmarshal(reply.Body, &a))
	return a.Account.ID
}

// draft is a line that is right; tests change what they are about.
func (w *world) draft(child *budgets.Child) budgets.NewPlanLine {
	return budgets.NewPlanLine{
		ChildID: child.ID, PlanType: "ehc", Description: "Saturday club", Categories: []string{"club"}, PaysKinds: []string{"support"},
		ManagementOption: budgets.Notional, Unit: payments.InPence, Shares: []budgets.Share{{Stream: "social_care", Weight: 1}},
		LimitAmount: 100_000, StartsOn: day("2026-04-01"), EndsOn: day("2027-03-31"),
	}
}

// line is an approved line made from a right one with changes.
func (w *world) line(child *budgets.Child, change func(c *budgets.NewPlanLine)) *budgets.PlanLine {
	w.Helper()
	c := w.draft(child)
	if change != nil {
		change(&c)
	}
	l, err := budgets.CreatePlanLine(w.ctx, w.d, w.actor(shortbreaks.Practitioner, child.AuthorityID), c)
	require.NoError(w, err)
	l, err = budgets.ApprovePlanLine(w.ctx, w.d, w.actor(shortbreaks.Approver, child.AuthorityID), l.ID)
	require.NoError(w, err)
	return l
}

// fund asks who pays, as a quote does.
func (w *world) fund(child *budgets.Child, line *uuid.UUID, asks ...budgets.FundAsk) (f []budgets.Funding) {
	w.Helper()
	require.NoError(w, w.d.Read(w.ctx, db.Scope{Authorities: []uuid.UUID{child.AuthorityID}}, func(tx *db.Tx) (err error) {
		f, err = budgets.Fund(w.ctx, tx, child, line, asks)
		return err
	}))
	return f
}

func day(text string) time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return d
}
