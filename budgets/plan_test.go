package budgets_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/payments"
)

func TestALineIsDraftedByAPractitionerAndApprovedBySomebodyElse(t *testing.T) {
	w := setup(t)
	c := w.draft(w.ada)
	c.Outcome, c.ManagementOption, c.HolderID = "A friend", budgets.DirectPayment, &w.parent.Person
	c.Shares = []budgets.Share{{Stream: "social_care", Weight: 60}, {Stream: "health", Weight: 40}}
	drafted, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, c)
	require.NoError(t, err)
	require.Equal(t, budgets.Draft, drafted.State)
	require.Equal(t, w.practitioner.Person, drafted.ProposedBy)
	require.Nil(t, drafted.ApprovedBy)

	approved, err := budgets.ApprovePlanLine(w.ctx, w.d, w.approver, drafted.ID)
	require.NoError(t, err)
	want := *drafted
	now := w.clock.Now()
	want.State, want.ApprovedBy, want.ApprovedAt = budgets.Approved, &w.approver.Person, &now
	require.Equal(t, want, *approved)
	b, err := budgets.Get(w.ctx, w.d, w.parent, w.ada.ID)
	require.NoError(t, err)
	require.Equal(t, []budgets.PlanLine{want}, b.Lines, "read back as answered")

	// A second line of the type joins the same plan, one of another makes its own.
	second, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, w.draft(w.ada))
	require.NoError(t, err)
	require.Equal(t, drafted.PlanID, second.PlanID)
	c = w.draft(w.ada)
	c.PlanType = ""
	other, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, c)
	require.NoError(t, err)
	require.NotEqual(t, drafted.PlanID, other.PlanID)
	require.Equal(t, "other", other.PlanType)
}

func TestNobodyApprovesWhatTheyProposed(t *testing.T) {
	w := setup(t)
	l, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, w.draft(w.ada))
	require.NoError(t, err)
	both := w.practitioner
	both.Role = shortbreaks.Approver // the same person, who holds both roles
	_, err = budgets.ApprovePlanLine(w.ctx, w.d, both, l.ID)
	require.ErrorIs(t, err, budgets.ErrApproverIsProposer)
	require.Equal(t, int64(1), w.number(`SELECT count(*) FROM plan_line WHERE id = $1 AND state = 'draft'`, l.ID))

	_, err = w.owner.Exec(w.ctx, `UPDATE plan_line SET state = 'approved', approved_by = proposed_by, approved_at = now() WHERE id = $1`, l.ID)
	require.Equal(t, "approver_is_not_proposer", db.ConstraintName(err), "the schema holds it too")
}

func TestALineIsApprovedOnce(t *testing.T) {
	w := setup(t)
	l, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, w.draft(w.ada))
	require.NoError(t, err)
	var won, lost atomic.Int64
	var wg sync.WaitGroup
	for _, who := range []shortbreaks.Actor{w.approver, w.second, w.approver, w.second} {
		wg.Go(func() {
			_, err := budgets.ApprovePlanLine(w.ctx, w.d, who, l.ID)
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, budgets.ErrLineNotDraft):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(1), won.Load())
	require.Equal(t, int64(3), lost.Load())
}

func TestWhoMayDraftAndApprove(t *testing.T) {
	w := setup(t)
	l, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, w.draft(w.ada))
	require.NoError(t, err)
	for _, role := range []shortbreaks.Role{"", "family", "practitioner", "approver", "finance", "commissioner", "provider_owner", "coordinator", "worker", "auditor"} {
		who := w.actor(role, w.north)
		who.Children = w.parent.Children
		if role != shortbreaks.Practitioner {
			_, err := budgets.CreatePlanLine(w.ctx, w.d, who, w.draft(w.ada))
			require.ErrorIs(t, err, shortbreaks.ErrForbidden, role)
		}
		if role != shortbreaks.Approver {
			_, err := budgets.ApprovePlanLine(w.ctx, w.d, who, l.ID)
			require.ErrorIs(t, err, shortbreaks.ErrForbidden, role)
		}
	}
	_, err = budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, w.draft(w.dot))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "a child of another authority")
	_, err = budgets.ApprovePlanLine(w.ctx, w.d, w.southern, l.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound, "a line of another authority")
	_, err = budgets.ApprovePlanLine(w.ctx, w.d, w.approver, uuid.New())
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	require.Equal(t, int64(1), w.number(`SELECT count(*) FROM plan_line`))
}

func TestADraftIsCheckedBeforeAnyEffect(t *testing.T) {
	w := setup(t)
	for name, c := range map[string]struct {
		pointer string
		change  func(c *budgets.NewPlanLine)
	}{
		"plan type":          {"/plan_type", func(c *budgets.NewPlanLine) { c.PlanType = "wish" }},
		"description":        {"/description", func(c *budgets.NewPlanLine) { c.Description = "  a  " }},
		"long description":   {"/description", func(c *budgets.NewPlanLine) { c.Description = strings.Repeat("é", 301) }},
		"long outcome":       {"/outcome", func(c *budgets.NewPlanLine) { c.Outcome = strings.Repeat("a", 501) }},
		"category":           {"/categories/1", func(c *budgets.NewPlanLine) { c.Categories = []string{"club", "casino"} }},
		"category twice":     {"/categories/1", func(c *budgets.NewPlanLine) { c.Categories = []string{"club", "club"} }},
		"kind of charge":     {"/pays_kinds/0", func(c *budgets.NewPlanLine) { c.PaysKinds = []string{"gift"} }},
		"unit":               {"/unit", func(c *budgets.NewPlanLine) { c.Unit = "hours" }},
		"no limit":           {"/limit", func(c *budgets.NewPlanLine) { c.LimitAmount = 0 }},
		"negative limit":     {"/limit", func(c *budgets.NewPlanLine) { c.LimitAmount = -1 }},
		"limit beyond sense": {"/limit", func(c *budgets.NewPlanLine) { c.LimitAmount = 100_000_001 }},
		"ends before start":  {"/ends_on", func(c *budgets.NewPlanLine) { c.EndsOn = day("2026-03-31") }},
		"management":         {"/management_option", func(c *budgets.NewPlanLine) { c.ManagementOption = "mixed" }},
		"nobody holds it":    {"/recipient_id", func(c *budgets.NewPlanLine) { c.ManagementOption = budgets.DirectPayment }},
		"nobody manages it":  {"/recipient_id", func(c *budgets.NewPlanLine) { c.ManagementOption, c.HolderID = budgets.ThirdParty, &uuid.Nil }},
		"a holder too many":  {"/recipient_id", func(c *budgets.NewPlanLine) { c.HolderID = &w.parent.Person }},
		"no shares":          {"/shares", func(c *budgets.NewPlanLine) { c.Shares = nil }},
		"unknown stream":     {"/shares/0/stream", func(c *budgets.NewPlanLine) { c.Shares = []budgets.Share{{Stream: "topup", Weight: 1}} }},
		"no weight":          {"/shares/0/weight", func(c *budgets.NewPlanLine) { c.Shares = []budgets.Share{{Stream: "health"}} }},
		"heavy weight":       {"/shares/0/weight", func(c *budgets.NewPlanLine) { c.Shares = []budgets.Share{{Stream: "health", Weight: 10_001}} }},
		"stream twice": {"/shares/1/stream", func(c *budgets.NewPlanLine) {
			c.Shares = []budgets.Share{{Stream: "health", Weight: 1}, {Stream: "health", Weight: 2}}
		}},
	} {
		line := w.draft(w.ada)
		c.change(&line)
		_, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, line)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, name)
		var e *shortbreaks.Error
		require.True(t, errors.As(err, &e))
		require.Len(t, e.Fields, 1, name)
		require.Equal(t, c.pointer, e.Fields[0].Pointer, name)
	}
	line := w.draft(w.ada)
	line.Unit, line.LimitAmount = "hours", 0
	_, err := budgets.CreatePlanLine(w.ctx, w.d, w.practitioner, line)
	var e *shortbreaks.Error
	require.True(t, errors.As(err, &e))
	require.Len(t, e.Fields, 2, "all faults at once")
	require.Equal(t, int64(0), w.number(`SELECT count(*) FROM plan`))
}

func move(l *budgets.PlanLine, held, spent int64) payments.LineMove {
	return payments.LineMove{Authority: l.AuthorityID, Line: l.ID, Held: held, Spent: spent}
}

func TestALineIsNeverHeldAboveItsLimit(t *testing.T) {
	w := setup(t)
	l := w.line(w.ada, func(c *budgets.NewPlanLine) { c.LimitAmount = 1000 })
	do := func(moves ...payments.LineMove) error {
		return w.in(w.north, func(tx *db.Tx) error { return budgets.MoveLines(w.ctx, tx, moves) })
	}
	require.NoError(t, do(move(l, 300, 0), move(l, 300, 0)), "two holds on one line add up")
	require.NoError(t, do(move(l, -300, 200)), "captured in part")
	require.NoError(t, do(move(l, 500, 0)), "exactly to the limit")
	require.ErrorIs(t, do(move(l, 1, 0)), budgets.ErrLineTooLow)
	require.Error(t, do(move(l, -801, 0)), "what is held cannot be negative")
	require.NoError(t, do())
	require.Equal(t, int64(800), w.number(`SELECT held FROM plan_line WHERE id = $1`, l.ID))
	require.Equal(t, int64(200), w.number(`SELECT spent FROM plan_line WHERE id = $1`, l.ID))
	stray := *l
	stray.ID = uuid.New()
	require.Error(t, do(move(&stray, 1, 0)), "a line that is not there")
	require.Error(t, w.in(w.south, func(tx *db.Tx) error {
		return budgets.MoveLines(w.ctx, tx, []payments.LineMove{move(l, -1, 0)})
	}), "a line out of scope is not silently left alone")
}

func TestRacingHoldsOnALineStopAtItsLimitWithoutDeadlock(t *testing.T) {
	w := setup(t)
	change := func(c *budgets.NewPlanLine) { c.LimitAmount = 1000 }
	a, b := w.line(w.ada, change), w.line(w.ada, change)
	var won, lost atomic.Int64
	var wg sync.WaitGroup
	for i := range 40 {
		moves := []payments.LineMove{move(a, 100, 0), move(b, 100, 0)}
		if i%2 == 1 {
			moves[0], moves[1] = moves[1], moves[0]
		}
		wg.Go(func() {
			switch err := w.in(w.north, func(tx *db.Tx) error { return budgets.MoveLines(w.ctx, tx, moves) }); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, budgets.ErrLineTooLow):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(10), won.Load())
	require.Equal(t, int64(30), lost.Load())
	require.Equal(t, int64(2000), w.number(`SELECT sum(held) FROM plan_line`))
	require.Zero(t, w.number(`SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`))
}

func TestLockedLinesStayLockedUntilTheTransactionEnds(t *testing.T) {
	w := setup(t)
	a, b := w.line(w.ada, nil), w.line(w.ada, nil)
	foreign := w.line(w.dot, nil)
	ref := func(l *budgets.PlanLine) budgets.LineRef { return budgets.LineRef{Authority: l.AuthorityID, ID: l.ID} }
	require.NoError(t, w.in(w.north, func(tx *db.Tx) error {
		lines, err := budgets.LockLines(w.ctx, tx, []budgets.LineRef{ref(b), ref(a), ref(b), ref(foreign)})
		require.NoError(t, err)
		require.Equal(t, map[uuid.UUID]*budgets.PlanLine{a.ID: a, b.ID: b}, lines)
		for _, l := range []*budgets.PlanLine{a, b} {
			_, err := w.owner.Exec(w.ctx, `SELECT FROM plan_line WHERE id = $1 FOR NO KEY UPDATE NOWAIT`, l.ID)
			var pg *pgconn.PgError
			require.True(t, errors.As(err, &pg))
			require.Equal(t, "55P03", pg.Code)
			_, err = w.owner.Exec(w.ctx, `SELECT FROM plan_line WHERE id = $1 FOR KEY SHARE NOWAIT`, l.ID)
			require.NoError(t, err, "a hold may refer to it meanwhile")
		}
		none, err := budgets.LockLines(w.ctx, tx, nil)
		require.Empty(t, none)
		return err
	}))
	_, err := w.owner.Exec(w.ctx, `SELECT FROM plan_line WHERE id = $1 FOR UPDATE NOWAIT`, a.ID)
	require.NoError(t, err)
}

// Whoever locks lines takes them in id order, or two of them could each wait
// for the other: while the first is taken, none of the others is.
func TestLinesAreLockedInIDOrder(t *testing.T) {
	w := setup(t)
	var lines []*budgets.PlanLine
	for range 12 {
		lines = append(lines, w.line(w.ada, nil))
	}
	slices.SortFunc(lines, func(a, b *budgets.PlanLine) int { return slices.Compare(b.ID[:], a.ID[:]) }) // asked for backwards
	first := lines[len(lines)-1]
	for _, l := range lines { // nor may they lie in the table in order
		w.exec(`UPDATE plan_line SET outcome = 'moved' WHERE id = $1`, l.ID)
	}
	for name, step := range map[string]func(tx *db.Tx) error{
		"LockLines": func(tx *db.Tx) error {
			var refs []budgets.LineRef
			for _, l := range lines {
				refs = append(refs, budgets.LineRef{Authority: l.AuthorityID, ID: l.ID})
			}
			_, err := budgets.LockLines(w.ctx, tx, refs)
			return err
		},
		"MoveLines": func(tx *db.Tx) error {
			var moves []payments.LineMove
			for _, l := range lines {
				moves = append(moves, move(l, 1, 0))
			}
			// Grouping by sorting would put them in order by luck.
			_, err := tx.PGX.Exec(w.ctx, `SET LOCAL enable_sort = off`)
			require.NoError(t, err)
			return budgets.MoveLines(w.ctx, tx, moves)
		},
	} {
		done := make(chan error, 1)
		w.whileLocked(first, func() {
			go func() { done <- w.in(w.north, step) }()
			require.Eventually(t, func() bool {
				return w.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
			}, dbtest.Patience, time.Millisecond, name)
			for _, l := range lines[:len(lines)-1] {
				_, err := w.owner.Exec(w.ctx, `SELECT FROM plan_line WHERE id = $1 FOR NO KEY UPDATE NOWAIT`, l.ID)
				require.NoError(t, err, "%s took a later line before the first", name)
			}
		})
		require.NoError(t, <-done, name)
	}
}

// whileLocked runs f while somebody else holds a line.
func (w *world) whileLocked(l *budgets.PlanLine, f func()) {
	w.Helper()
	other, err := w.owner.Begin(w.ctx)
	require.NoError(w, err)
	defer func() { _ = other.Rollback(context.WithoutCancel(w.ctx)) }()
	_, err = other.Exec(w.ctx, `SELECT FROM plan_line WHERE id = $1 FOR NO KEY UPDATE`, l.ID)
	require.NoError(w, err)
	f()
}
