package payments_test

import (
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/payments"
)

// credits are one that came back from a date the family paid itself, and what
// was moved of it to a brother; a part of it came again of another.
func (w *world) credits(c child, topup uuid.UUID) {
	w.t.Helper()
	item, id, brother := w.item(c, "confirmed", charge{payer: "family_top_up", pence: 300}), shortbreaks.NewID(), shortbreaks.NewID()
	w.hold(item, 1, nil, payments.InPence, map[uuid.UUID]int64{topup: 300}, topup)
	w.become(item, "cancelled_by_family", 300)
	require.NoError(w.t, w.capture(c, item, payments.KindLateFee, due(1, payments.PayerFamilyTopUp, 300, 300)))
	require.NoError(w.t, w.refund(item, 1, 200))
	w.exec(`INSERT INTO child (authority_id, id, family_id, first_name, family_name, date_of_birth) VALUES ($1, $2, $3, 'Bo', 'Quillfeather', '2016-05-05')`,
		w.authority, brother, c.family)
	w.exec(`INSERT INTO credit (authority_id, id, child_id, account_id, provider_id, offer_id, item_id, amount_pence, after_seq, last_on, for_siblings, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 150, 100, '2027-04-04', true, $8, $9)`, w.authority, id, c.id, topup, w.provider, w.offer, item, w.person, start)
	w.exec(`INSERT INTO credit SELECT authority_id, $2, child_id, account_id, provider_id, offer_id, item_id, NULL, 50, 0, NULL, after_seq, last_on, for_siblings, 0,
		created_by, created_at, id FROM credit WHERE id = $1`, id, shortbreaks.NewID())
	family := shortbreaks.Actor{Person: w.person, Role: shortbreaks.Family, Children: []uuid.UUID{c.id, brother}, Authorities: []uuid.UUID{w.authority}}
	_, _, err := payments.Transfer(ctx, w.d, family, payments.TransferCredit{CreditID: id, ToChildID: brother, AmountPence: 50})
	require.NoError(w.t, err)
}
