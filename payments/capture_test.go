package payments_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// pending are holds of these amounts in a unit.
func pending(unit payments.Unit, amounts ...int64) []payments.Hold {
	var holds []payments.Hold
	for _, a := range amounts {
		holds = append(holds, payments.Hold{ID: shortbreaks.NewID(), Unit: unit, Amount: a, State: payments.Pending})
	}
	return holds
}

func TestT11_T20_WhatIsDueFallsOnTheHoldsInProportion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		unit       payments.Unit
		price, due shortbreaks.Pence
		held, want []int64
	}{
		{"all of it", payments.InPence, 1000, 1000, []int64{600, 400}, []int64{600, 400}},
		{"T11: half of 60% and 40%", payments.InPence, 1000, 500, []int64{600, 400}, []int64{300, 200}},
		{"T11: an odd penny", payments.InPence, 1001, 501, []int64{601, 400}, []int64{301, 200}},
		{"T20: a hundred pounds of three", payments.InPence, 30_000, 10_000, []int64{10_000, 10_000, 10_000}, []int64{3334, 3333, 3333}},
		{"a penny of two", payments.InPence, 1000, 1, []int64{600, 400}, []int64{1, 0}},
		{"nothing", payments.InPence, 1000, 0, []int64{600, 400}, []int64{0, 0}},
		{"T86: all the minutes", payments.InMinutes, 10_500, 10_500, []int64{420}, []int64{420}},
		{"T86: a third of the minutes", payments.InMinutes, 10_500, 3500, []int64{420}, []int64{140}},
		{"T86: to the nearest minute", payments.InMinutes, 10_500, 4376, []int64{420}, []int64{175}},
		{"T86: minutes of two streams", payments.InMinutes, 10_500, 3500, []int64{210, 210}, []int64{70, 70}},
		{"T86: a penny is no minute", payments.InMinutes, 10_500, 1, []int64{420}, []int64{0}},
	} {
		charge := due(1, payments.PayerBudget, c.price, c.due)
		charge.Holds = pending(c.unit, c.held...)
		outcomes := payments.CaptureOutcomes(payments.ItemCapture{Charges: []payments.ChargeDue{charge}})
		require.Len(t, outcomes, len(c.held), c.name)
		for i, o := range outcomes {
			require.Equal(t, c.want[i], o.Captured, c.name)
			require.Equal(t, c.want[i] > 0, o.State == payments.Captured, c.name)
			require.Equal(t, c.want[i] == 0, o.State == payments.Released, c.name)
		}
	}
}

func TestLinesAreMovedOnceEachAndInOrder(t *testing.T) {
	t.Parallel()
	a, b := uuid.UUID{1}, uuid.UUID{2}
	hold := func(line *uuid.UUID, amount int64) payments.Hold {
		return payments.Hold{Line: line, Amount: amount, State: payments.Pending}
	}
	moves := payments.LineMoves([]payments.Outcome{
		{Hold: hold(&b, 10), State: payments.Captured, Captured: 4},
		{Hold: hold(&a, 5), State: payments.Released},
		{Hold: hold(nil, 7), State: payments.Captured, Captured: 7},
		{Hold: hold(&b, 1), State: payments.Released},
	})
	require.Equal(t, []payments.LineMove{{Line: a, Held: -5}, {Line: b, Held: -11, Spent: 4}}, moves)
	done := payments.Hold{State: payments.Captured, Amount: 3}
	require.Empty(t, payments.Release([]payments.Hold{done}, payments.Released), "what is resolved stays so")
}

func TestT54_APartIsCapturedAndTheRestIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 600)
	health := w.allocate(c, "health", payments.InPence, 400)
	line := w.line(c, payments.InPence, 1000, nil)
	item := w.item(c, "confirmed", charge{payer: "budget", pence: 1000, line: &line})
	w.hold(item, 1, &line, payments.InPence, map[uuid.UUID]int64{care: 600, health: 400}, care, health)
	require.EqualValues(t, 0, w.account(care).Free())
	w.clean()

	w.become(item, "cancelled_by_family", 501)
	require.NoError(t, w.capture(c, item, payments.KindLateFee, due(1, payments.PayerBudget, 1000, 501)))
	require.EqualValues(t, 600-301, w.account(care).Free())
	require.EqualValues(t, 400-200, w.account(health).Free())
	require.EqualValues(t, 501, w.derived(payments.ProviderPayable, payments.InPence, "payer = 'authority'"))
	require.EqualValues(t, 501, w.number(`SELECT spent FROM plan_line WHERE held = 0`))
	require.ErrorContains(t, w.capture(c, item, payments.KindLateFee, due(1, payments.PayerBudget, 1000, 501)), "0 held")
	w.clean()
}

func TestNothingDueReleasesAndPostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 600)
	line := w.line(c, payments.InPence, 1000, nil)
	item := w.item(c, "confirmed", charge{payer: "budget", pence: 500, line: &line})
	w.hold(item, 1, &line, payments.InPence, map[uuid.UUID]int64{care: 500}, care)
	w.become(item, "settled", 0)
	require.NoError(t, w.capture(c, item, payments.KindCapture, due(1, payments.PayerBudget, 500, 0)))
	require.EqualValues(t, 600, w.account(care).Free())
	require.EqualValues(t, 0, w.number(`SELECT count(*) FROM ledger_transaction WHERE kind = 'capture'`))
	require.EqualValues(t, 1, w.number(`SELECT count(*) FROM hold WHERE state = 'released'`))
	w.clean()
}

func TestT85_EachChargeIsPaidByItsOwnPayerAndRefundedToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, recipient := w.child(), shortbreaks.NewID()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	topup := w.topUp(c, 5000)
	managed, direct := w.line(c, payments.InPence, 10_000, nil), w.line(c, payments.InPence, 10_000, &recipient)
	item := w.item(c, "confirmed",
		charge{payer: "family_direct", pence: 800}, charge{payer: "budget", pence: 3000, line: &managed},
		charge{payer: "family_top_up", pence: 450}, charge{payer: "contract", pence: 700}, charge{payer: "budget", pence: 1200, line: &direct})
	w.hold(item, 2, &managed, payments.InPence, map[uuid.UUID]int64{care: 3000}, care)
	w.hold(item, 3, nil, payments.InPence, map[uuid.UUID]int64{topup: 450}, topup)
	w.hold(item, 5, &direct, payments.InPence, map[uuid.UUID]int64{care: 1200}, care)
	w.clean()

	w.become(item, "settled", 6150)
	paidByRecipient := due(5, payments.PayerBudget, 1200, 1200)
	paidByRecipient.PayableBy, paidByRecipient.Holder = payments.PayableByRecipient, &recipient
	require.NoError(t, w.capture(c, item, payments.KindCapture,
		due(1, payments.PayerFamilyDirect, 800, 800), due(2, payments.PayerBudget, 3000, 3000), due(3, payments.PayerFamilyTopUp, 450, 450),
		due(4, payments.PayerContract, 700, 700), paidByRecipient))
	w.clean()
	payable := func(by string) int64 {
		return w.derived(payments.ProviderPayable, payments.InPence, "payer = '"+by+"'")
	}
	require.EqualValues(t, 3450, payable("authority"), "budget by the authority, and the top-up it keeps for the family")
	require.EqualValues(t, 1200, payable("recipient"))
	require.EqualValues(t, 800, payable("family"))
	require.EqualValues(t, -800, w.derived(payments.FamilyDue, payments.InPence, ""))
	require.EqualValues(t, 10_000-4200, w.account(care).Free())
	require.EqualValues(t, 5000-450, w.account(topup).Free())

	require.NoError(t, w.refund(item, 1, 300))
	require.NoError(t, w.refund(item, 2, 1000))
	require.NoError(t, w.refund(item, 3, 450))
	require.NoError(t, w.refund(item, 5, 200))
	require.ErrorIs(t, w.refund(item, 1, 501), payments.ErrRefundTooHigh)
	require.ErrorIs(t, w.refund(item, 2, 2001), payments.ErrRefundTooHigh)
	require.ErrorIs(t, w.refund(item, 3, 1), payments.ErrRefundTooHigh)
	require.ErrorIs(t, w.refund(item, 4, 1), payments.ErrRefundTooHigh, "a contract charge posted nothing")
	require.ErrorIs(t, w.refund(item, 6, 1), shortbreaks.ErrNotFound)
	require.EqualValues(t, 2000, payable("authority"))
	require.EqualValues(t, 1000, payable("recipient"))
	require.EqualValues(t, 500, payable("family"))
	require.EqualValues(t, -500, w.derived(payments.FamilyDue, payments.InPence, ""))
	require.EqualValues(t, 10_000-3000, w.account(care).Free())
	require.EqualValues(t, 5000, w.account(topup).Free(), "top-up money goes back to the top-up, never into budget")
	w.clean()
}

// topUp gives a family money of its own, as a paid card payment does.
func (w *world) topUp(c child, pence int64) uuid.UUID {
	id := shortbreaks.NewID()
	w.exec(`INSERT INTO top_up (authority_id, id, child_id, person_id, amount_pence, state, idempotency_key, request_hash, payment_intent_id, created_at)
		VALUES ($1, $2, $3, $4, $5, 'succeeded', $6, '', $7, $8)`, w.authority, id, c.id, w.person, pence, id.String(), "pi_"+id.String(), start)
	topup := w.open(payments.AccountKey{Authority: w.authority, Kind: payments.TopUpMoney, Unit: payments.InPence, Child: &c.id})
	clearing := w.open(payments.AccountKey{Authority: w.authority, Kind: payments.CardClearing, Unit: payments.InPence})
	w.must(func(tx *db.Tx) error {
		_, err := payments.Post(ctx, tx, []payments.Posting{{Authority: w.authority, Kind: payments.KindTopUp, Source: id, Entries: []payments.Entry{
			{Account: clearing, Unit: payments.InPence, Amount: -pence}, {Account: topup, Unit: payments.InPence, Amount: pence},
		}}})
		return err
	})
	return topup
}

func TestT86_AnAllowanceIsHeldUsedAndGivenBackInMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InMinutes, 2400)
	health := w.allocate(c, "health", payments.InMinutes, 2400)
	line := w.line(c, payments.InMinutes, 4800, nil)
	item := w.item(c, "confirmed", charge{payer: "budget", unit: payments.InMinutes, quantity: 420, pence: 10_500, line: &line})
	w.hold(item, 1, &line, payments.InMinutes, map[uuid.UUID]int64{care: 210, health: 210}, care, health)
	require.EqualValues(t, 2190, w.account(care).Free())
	require.EqualValues(t, 0, w.derived(payments.ProviderPayable, payments.InPence, ""), "no pounds are held")
	w.clean()

	// Too many minutes are refused, by the minute.
	big := w.item(c, "confirmed", charge{payer: "budget", unit: payments.InMinutes, quantity: 2191, pence: 1, line: &line})
	err := w.do(func(tx *db.Tx) error {
		return w.place(tx, []*payments.Hold{{Authority: w.authority, Item: big, ChargeN: 1, Account: care, Line: &line, Unit: payments.InMinutes, Amount: 2191}})
	})
	require.ErrorIs(t, err, payments.ErrBudgetTooLow)
	w.exec(`DELETE FROM item_charge WHERE item_id = $1`, big)
	w.exec(`UPDATE booking_item SET price_pence = 0 WHERE id = $1`, big)

	w.become(item, "settled", 5001)
	require.NoError(t, w.capture(c, item, payments.KindCapture, due(1, payments.PayerBudget, 10_500, 5001)))
	used := w.derived(payments.Consumed, payments.InMinutes, "")
	require.EqualValues(t, 200, used, "5001 of 10500 pence is 200.04 minutes")
	require.EqualValues(t, 2300, w.account(care).Free())
	require.EqualValues(t, 5001, w.derived(payments.ProviderPayable, payments.InPence, "payer = 'authority'"))
	require.EqualValues(t, -5001, w.derived(payments.AuthorityFunding, payments.InPence, ""), "the streams pay the price between them")
	require.EqualValues(t, -2501, w.number(`SELECT min(total) FROM (SELECT sum(e.amount)::bigint AS total FROM ledger_entry e
		JOIN account a ON a.id = e.account_id WHERE a.kind = 'authority_funding' AND a.unit = 'pence' GROUP BY a.stream) s`))
	w.clean()

	require.NoError(t, w.refund(item, 1, 2000))
	require.EqualValues(t, 120, w.derived(payments.Consumed, payments.InMinutes, ""), "2000 of 5001 pence is 79.98 minutes")
	require.ErrorIs(t, w.refund(item, 1, 3002), payments.ErrRefundTooHigh)
	require.NoError(t, w.refund(item, 1, 3001))
	require.EqualValues(t, 0, w.derived(payments.Consumed, payments.InMinutes, ""))
	require.EqualValues(t, 0, w.derived(payments.ProviderPayable, payments.InPence, ""))
	require.EqualValues(t, 0, w.derived(payments.AuthorityFunding, payments.InPence, ""), "each stream is paid back what it paid")
	require.EqualValues(t, 2400, w.account(care).Free())
	require.EqualValues(t, 2400, w.account(health).Free())
	w.clean()
}

func TestMoreThanTheHoldIsNeverCaptured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	line := w.line(c, payments.InPence, 10_000, nil)
	item := w.item(c, "confirmed", charge{payer: "budget", pence: 1000, line: &line})
	w.hold(item, 1, &line, payments.InPence, map[uuid.UUID]int64{care: 1000}, care)
	require.ErrorIs(t, w.capture(c, item, payments.KindCapture, due(1, payments.PayerBudget, 1000, 1001)), payments.ErrAboveHold)
	require.ErrorIs(t, w.capture(c, item, payments.KindCapture, due(1, payments.PayerBudget, 2000, 2000)), payments.ErrAboveHold)
	require.ErrorContains(t, w.capture(c, item, payments.KindCapture, due(2, payments.PayerBudget, 100, 100)), "0 held")
	require.ErrorContains(t, w.capture(c, item, payments.KindCapture, due(2, "nobody", 100, 100)), "unknown payer")
	require.EqualValues(t, 1000, w.account(care).Held)
	w.clean()
}
