package payments_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// granted puts money there for emergencies of social care.
func (w *world) granted(pence shortbreaks.Pence) (account uuid.UUID) {
	w.t.Helper()
	id := shortbreaks.NewID()
	w.must(func(tx *db.Tx) (err error) {
		account, err = payments.FundContingency(ctx, tx, payments.ContingencyGrant{
			Authority: w.authority, ID: id, Stream: "social_care", Period: w.period, Pence: pence, By: w.approver,
		})
		return err
	})
	w.exec(`INSERT INTO contingency_funding (authority_id, id, stream, period_id, amount_pence, proposed_by, proposed_at, account_id, approved_by, approved_at)
		VALUES ($1, $2, 'social_care', $3, $4, $5, $6, $7, $8, $6)`, w.authority, id, w.period, int64(pence), w.person, start, account, w.approver)
	return account
}

// emergency is a booked emergency of £4 that a line has paid £1 of back.
func (w *world) emergency(c child, line, budget uuid.UUID) (item, contingency uuid.UUID) {
	w.t.Helper()
	contingency = w.granted(1000)
	item = w.item(c, "confirmed", charge{payer: payments.PayerContingency, pence: 400})
	kept := shortbreaks.NewID()
	w.exec(`INSERT INTO emergency_capacity (authority_id, id, provider_id, session_id, places, used, release_hours_before, state, agreed_by, agreed_at, ended_at)
		SELECT authority_id, $2, provider_id, session_id, 2, 1, 1, 'released', $3, $4, $4 FROM booking_item WHERE id = $1`, item, kept, w.person, start)
	w.exec(`INSERT INTO emergency_booking (authority_id, booking_id, item_id, child_id, capacity_id, stream, reason, booked_by, booked_at, decide_by, decision, line_id,
			decided_by, decided_at, recharged_pence)
		SELECT authority_id, booking_id, id, child_id, $2, 'social_care', 'Ill.', $3, $4, '2027-01-05', 'recharge', $5, $6, $4, 100 FROM booking_item WHERE id = $1`,
		item, kept, w.person, start, line, w.approver)
	w.hold(item, 1, nil, payments.InPence, map[uuid.UUID]int64{contingency: 400}, contingency)
	w.exec(`UPDATE plan_line SET spent = spent + 100 WHERE id = $1`, line)
	w.must(func(tx *db.Tx) error {
		return payments.Recharge(ctx, tx, w.authority, item, line, contingency, w.approver, []payments.Recharged{{Account: budget, Amount: 100}})
	})
	return item, contingency
}

func TestTheContingencyPaysAndIsPaidBackOnceAndBothAreSpending(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 1000)
	line := w.line(c, payments.InPence, 1000, nil)
	item, contingency := w.emergency(c, line, care)
	w.clean()
	require.EqualValues(t, 900, w.account(care).Balance)
	require.EqualValues(t, 1100, w.account(contingency).Balance)
	require.EqualValues(t, 400, w.account(contingency).Held)
	w.must(func(tx *db.Tx) error {
		totals, err := payments.Totals(ctx, tx, w.authority, c.id)
		require.Equal(t, []int64{1000, 100, 900}, []int64{totals[0].Allocated, totals[0].Spent, totals[0].Free})
		return err
	})
	again := w.do(func(tx *db.Tx) error {
		return payments.Recharge(ctx, tx, w.authority, item, line, contingency, w.approver, []payments.Recharged{{Account: care, Amount: 100}})
	})
	require.Error(t, again)
	w.clean()
}
