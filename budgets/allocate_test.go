package budgets_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/payments"
)

// T09: allocated = reserved + spent + free, for each stream, period and unit.
func TestT09_WhatIsAllocatedIsReservedSpentOrFree(t *testing.T) {
	w := setup(t)
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 240_000)
	w.allocated(w.ada, w.year, "social_care", payments.InPence, 60_001)
	w.allocated(w.ada, w.year, "health", payments.InPence, 5)
	w.allocated(w.ada, w.year, "social_care", payments.InMinutes, 2_400)
	w.allocated(w.ben, w.year, "social_care", payments.InPence, 7)

	b, err := budgets.Get(w.ctx, w.d, w.parent, w.ada.ID)
	require.NoError(t, err)
	require.Equal(t, "Ada", b.Child.FirstName)
	require.Equal(t, "Northshire", b.AuthorityName)
	require.Nil(t, b.TopUp)
	var got []budgets.Account
	for _, a := range b.Accounts {
		require.Equal(t, a.Allocated, a.Reserved+a.Spent+a.Free)
		require.Equal(t, *w.year, a.Period)
		a.ID, a.Period = uuid.Nil, budgets.Period{}
		got = append(got, a)
	}
	require.Equal(t, []budgets.Account{
		{Stream: "health", Unit: payments.InPence, Amounts: budgets.Amounts{Allocated: 5, Free: 5}},
		{Stream: "social_care", Unit: payments.InMinutes, Amounts: budgets.Amounts{Allocated: 2_400, Free: 2_400}},
		{Stream: "social_care", Unit: payments.InPence, Amounts: budgets.Amounts{Allocated: 300_001, Free: 300_001}},
	}, got)

	// What is reserved and spent moves between the parts, never the whole.
	w.exec(`UPDATE account SET held = 1000 WHERE id = $1`, b.Accounts[2].ID)
	b, err = budgets.Get(w.ctx, w.d, w.parent, w.ada.ID)
	require.NoError(t, err)
	require.Equal(t, budgets.Amounts{Allocated: 300_001, Reserved: 1_000, Free: 299_001}, b.Accounts[2].Amounts)
	require.Equal(t, int64(0), w.number(`SELECT sum(amount) FROM ledger_entry WHERE unit = 'pence'`))
	require.Equal(t, int64(0), w.number(`SELECT sum(amount) FROM ledger_entry WHERE unit = 'minutes'`))
}

func (w *world) newAllocation(key, body string) budgets.NewAllocation {
	return budgets.NewAllocation{
		ChildID: w.ada.ID, Stream: "social_care", Unit: payments.InPence, Amount: 240_000, Note: "Agreed at panel", Idem: w.idem(w.approver, key, body),
		Period: &budgets.NewPeriod{Name: "2027 to 2028", StartsOn: day("2027-04-01"), EndsOn: day("2028-03-31")},
	}
}

func TestAnAllocationTakesEffectOnce(t *testing.T) {
	w := setup(t)
	first, err := budgets.CreateAllocation(w.ctx, w.d, w.approver, w.newAllocation("k1", "a"))
	require.NoError(t, err)
	require.Equal(t, 201, first.Status)
	again, err := budgets.CreateAllocation(w.ctx, w.d, w.approver, w.newAllocation("k1", "a"))
	require.NoError(t, err)
	require.True(t, again.Replayed)
	require.Equal(t, first.Body, again.Body)
	_, err = budgets.CreateAllocation(w.ctx, w.d, w.approver, w.newAllocation("k1", "b"))
	require.ErrorIs(t, err, shortbreaks.ErrKeyReused)
	require.Equal(t, int64(1), w.number(`SELECT count(*) FROM allocation WHERE created_key = 'k1'`))
	require.Equal(t, int64(240_000), w.number(`SELECT sum(balance) FROM account`))

	second, err := budgets.CreateAllocation(w.ctx, w.d, w.approver, w.newAllocation("k2", "a"))
	require.NoError(t, err)
	var a, b budgets.Allocation
	require.NoError(t, json.Unmarshal(first.Body, &a))
	require.NoError(t, json.Unmarshal(second.Body, &b))
	require.Equal(t, budgets.Amounts{Allocated: 240_000, Free: 240_000}, a.Account.Amounts)
	require.Equal(t, budgets.Amounts{Allocated: 480_000, Free: 480_000}, b.Account.Amounts, "the same account, found again")
	require.Equal(t, a.Account.ID, b.Account.ID)
	require.Equal(t, "2027 to 2028", b.Account.Period.Name)
	require.Equal(t, int64(2), w.number(`SELECT count(*) FROM period`), "the described period was made once")

	c := w.newAllocation("", "")
	c.Idem = nil
	reply, err := budgets.CreateAllocation(w.ctx, w.d, w.approver, c)
	require.NoError(t, err)
	require.Nil(t, reply, "a caller that repeats nothing is kept no answer")
}

func TestOnlyAnApproverOfTheAuthorityAllocates(t *testing.T) {
	w := setup(t)
	for _, role := range []shortbreaks.Role{"", "family", "practitioner", "finance", "commissioner", "provider_owner", "coordinator", "worker", "auditor"} {
		who := w.actor(role, w.north)
		who.Children = w.parent.Children
		_, err := budgets.CreateAllocation(w.ctx, w.d, who, w.newAllocation("k", "a"))
		require.ErrorIs(t, err, shortbreaks.ErrForbidden, role)
	}
	_, err := budgets.CreateAllocation(w.ctx, w.d, w.southern, w.newAllocation("k", "a"))
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	c := w.newAllocation("k", "a")
	c.ChildID = uuid.New()
	_, err = budgets.CreateAllocation(w.ctx, w.d, w.approver, c)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	require.Zero(t, w.number(`SELECT count(*) FROM ledger_transaction`))
}

func TestAnAllocationIsCheckedBeforeAnyEffect(t *testing.T) {
	w := setup(t)
	theirs := w.period(w.south, "2026-04-01", "2027-03-31")
	for name, c := range map[string]struct {
		pointer string
		change  func(c *budgets.NewAllocation)
	}{
		"stream":             {"/stream", func(c *budgets.NewAllocation) { c.Stream = "lottery" }},
		"unit":               {"/unit", func(c *budgets.NewAllocation) { c.Unit = "pounds" }},
		"nothing":            {"/amount", func(c *budgets.NewAllocation) { c.Amount = 0 }},
		"less than nothing":  {"/amount", func(c *budgets.NewAllocation) { c.Amount = -5 }},
		"beyond sense":       {"/amount", func(c *budgets.NewAllocation) { c.Amount = 1 << 62 }},
		"long note":          {"/note", func(c *budgets.NewAllocation) { c.Note = strings.Repeat("n", 301) }},
		"no period":          {"/period_id", func(c *budgets.NewAllocation) { c.Period = nil }},
		"two periods":        {"/period_id", func(c *budgets.NewAllocation) { c.PeriodID = &w.year.ID }},
		"period of others":   {"/period_id", func(c *budgets.NewAllocation) { c.Period, c.PeriodID = nil, &theirs.ID }},
		"nameless period":    {"/period/name", func(c *budgets.NewAllocation) { c.Period.Name = " " }},
		"period backwards":   {"/period/ends_on", func(c *budgets.NewAllocation) { c.Period.EndsOn = day("2027-03-31") }},
		"period without day": {"/period/starts_on", func(c *budgets.NewAllocation) { c.Period.StartsOn = time.Time{} }},
	} {
		a := w.newAllocation("key", name)
		c.change(&a)
		_, err := budgets.CreateAllocation(w.ctx, w.d, w.approver, a)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, name)
		var e *shortbreaks.Error
		require.True(t, errors.As(err, &e))
		require.Len(t, e.Fields, 1, name)
		require.Equal(t, c.pointer, e.Fields[0].Pointer, name)
	}
	// Whoever approves for both authorities still may not cross their periods.
	both := w.approver
	both.Authorities = []uuid.UUID{w.north, w.south}
	a := w.newAllocation("key", "both")
	a.Period, a.PeriodID = nil, &theirs.ID
	_, err := budgets.CreateAllocation(w.ctx, w.d, both, a)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	for _, table := range []string{"account", "allocation", "ledger_transaction", "idempotency"} {
		require.Zero(t, w.number(`SELECT count(*) FROM `+table), table)
	}
}
