package payments_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// After any sequence of operations the books are clean and allocated =
// reserved + spent + free in each account and each line, in each unit; the
// figures are also those of a model that only adds and takes away.
func TestT09_AnySequenceKeepsAllocatedEqualToReservedSpentAndFree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := &moneyModel{w: w, rt: rt, c: w.child()}
		m.begin()
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			rapid.SampledFrom([]func(){m.allocate, m.hold, m.hold, m.settle, m.settle, m.cancel, m.refund, m.refund}).Draw(rt, "step")()
		}
		m.check()
	})
}

// moneyModel is one child's money as plain sums, beside the real thing.
type moneyModel struct {
	w         *world
	rt        *rapid.T
	c         child
	unit      payments.Unit
	streams   []string
	accounts  []uuid.UUID
	line      uuid.UUID
	allocated map[uuid.UUID]int64
	reserved  int64
	spent     int64
	items     []*modelItem
}

type modelItem struct {
	id            uuid.UUID
	price         shortbreaks.Pence
	held          int64 // units
	taken         int64 // units captured and not given back
	paid          shortbreaks.Pence
	open, settled bool
}

func (m *moneyModel) begin() {
	m.unit = rapid.SampledFrom([]payments.Unit{payments.InPence, payments.InPence, payments.InMinutes}).Draw(m.rt, "unit")
	m.streams = []string{"social_care", "health", "education"}[:rapid.IntRange(1, 3).Draw(m.rt, "streams")]
	m.allocated = map[uuid.UUID]int64{}
	m.line = m.w.line(m.c, m.unit, 1_000_000, nil)
	for range m.streams {
		m.allocate()
	}
}

func (m *moneyModel) allocate() {
	stream := len(m.accounts)
	if stream >= len(m.streams) {
		stream = rapid.IntRange(0, len(m.streams)-1).Draw(m.rt, "stream")
	}
	amount := rapid.Int64Range(1, 3000).Draw(m.rt, "amount")
	id := m.w.allocate(m.c, m.streams[stream], m.unit, amount)
	if stream == len(m.accounts) {
		m.accounts = append(m.accounts, id)
	}
	m.allocated[id] += amount
}

// hold books an item over all accounts by random weights; it is refused if and
// only if one of them has too little.
func (m *moneyModel) hold() {
	units := rapid.Int64Range(1, 2000).Draw(m.rt, "units")
	price := units
	if m.unit != payments.InPence {
		price = rapid.Int64Range(1, 9000).Draw(m.rt, "price")
	}
	weights := make([]int64, len(m.accounts))
	for i := range weights {
		weights[i] = rapid.Int64Range(1, 100).Draw(m.rt, "weight")
	}
	item := m.w.item(m.c, "confirmed", charge{payer: "budget", unit: m.unit, quantity: units, pence: price, line: &m.line})
	var holds []*payments.Hold
	enough := true
	for i, part := range shortbreaks.Split(units, weights) {
		if part == 0 {
			continue
		}
		enough = enough && m.w.account(m.accounts[i]).Free() >= part
		holds = append(holds, &payments.Hold{Authority: m.w.authority, Item: item, ChargeN: 1, Account: m.accounts[i], Line: &m.line, Unit: m.unit, Amount: part})
	}
	err := m.w.do(func(tx *db.Tx) error { return m.w.place(tx, holds) })
	if !enough {
		require.ErrorIs(m.rt, err, payments.ErrBudgetTooLow)
		m.w.exec(`DELETE FROM item_charge WHERE item_id = $1`, item)
		m.w.exec(`UPDATE booking_item SET price_pence = 0 WHERE id = $1`, item)
		return
	}
	require.NoError(m.rt, err)
	m.reserved += units
	m.items = append(m.items, &modelItem{id: item, price: shortbreaks.Pence(price), held: units, open: true})
}

// pick is an item that is still open, or one that is settled.
func (m *moneyModel) pick(open bool) *modelItem {
	var fit []*modelItem
	for _, it := range m.items {
		if it.open == open && (open || it.settled) {
			fit = append(fit, it)
		}
	}
	if len(fit) == 0 {
		return nil
	}
	return rapid.SampledFrom(fit).Draw(m.rt, "item")
}

func (m *moneyModel) settle() {
	it := m.pick(true)
	if it == nil {
		return
	}
	owed := shortbreaks.Pence(rapid.Int64Range(0, int64(it.price)).Draw(m.rt, "due"))
	m.w.become(it.id, "settled", int64(owed))
	require.NoError(m.rt, m.w.capture(m.c, it.id, payments.KindCapture, due(1, payments.PayerBudget, it.price, owed)))
	it.open, it.settled, it.paid = false, true, owed
	it.taken = int64(shortbreaks.MulDiv(shortbreaks.Pence(it.held), int64(owed), int64(it.price)))
	m.reserved -= it.held
	m.spent += it.taken
}

func (m *moneyModel) cancel() {
	it := m.pick(true)
	if it == nil {
		return
	}
	state := rapid.SampledFrom([]payments.HoldState{payments.Released, payments.Expired}).Draw(m.rt, "how")
	require.NoError(m.rt, m.w.release(it.id, state))
	m.w.become(it.id, "cancelled_by_provider", 0)
	it.open = false
	m.reserved -= it.held
}

func (m *moneyModel) refund() {
	it := m.pick(false)
	if it == nil {
		return
	}
	back := shortbreaks.Pence(rapid.Int64Range(1, int64(it.price)).Draw(m.rt, "back"))
	err := m.w.refund(it.id, 1, back)
	if back > it.paid {
		require.True(m.rt, errors.Is(err, payments.ErrRefundTooHigh), "%v", err)
		return
	}
	require.NoError(m.rt, err)
	units := int64(shortbreaks.MulDiv(shortbreaks.Pence(it.taken), int64(back), int64(it.paid)))
	it.taken -= units
	it.paid -= back
	m.spent -= units
}

func (m *moneyModel) check() {
	var totals []payments.AccountTotals
	m.w.must(func(tx *db.Tx) (err error) { totals, err = payments.Totals(ctx, tx, m.w.authority, m.c.id); return err })
	var reserved, spent int64
	for _, a := range totals {
		require.Equal(m.rt, m.allocated[a.Account.ID], a.Allocated)
		require.Equal(m.rt, a.Allocated, a.Reserved+a.Spent+a.Free)
		require.GreaterOrEqual(m.rt, a.Free, int64(0))
		reserved, spent = reserved+a.Reserved, spent+a.Spent
	}
	require.Equal(m.rt, m.reserved, reserved)
	require.Equal(m.rt, m.spent, spent)
	require.Equal(m.rt, m.reserved, m.w.number(`SELECT held FROM plan_line WHERE id = $1`, m.line))
	require.Equal(m.rt, m.spent, m.w.number(`SELECT spent FROM plan_line WHERE id = $1`, m.line))
	m.w.clean()
}
