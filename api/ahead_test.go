package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace/tariff"
)

func TestT91_ABookingSaysWhatWasPaidAheadAndWhatIsStillDue(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	d := club()
	d.Tariff.Options[0].PaymentTiming, d.Tariff.Options[0].Payment = tariff.Deposit, &tariff.Payment{DepositPercent: 25, DaysBefore: 2}
	b := w.mother.book(w.sam, w.publish(w.stars, d), 1) // £12.00 on 9 January
	require.EqualValues(t, 1200, b.Items[0].PaidAhead.StillDuePence)
	_, err := booking.TakeDues(w.ctx, w.d)
	require.NoError(t, err)

	path := "/v1/bookings/" + b.ID.String()
	ahead := into[gen.Booking](w.mother.get(path), 200).Items[0].PaidAhead
	require.Equal(t, []int64{300, 0, 900}, []int64{ahead.PaidPence, *ahead.GivenBackPence, ahead.StillDuePence})
	require.Len(t, ahead.Dues, 2)
	first, second := ahead.Dues[0], ahead.Dues[1]
	require.Equal(t, []any{gen.DueKindDeposit, gen.ItemDueStateTaken, int64(300)}, []any{first.What, first.State, first.Pence})
	require.NotNil(t, first.TakenAt)
	require.Equal(t, []any{gen.DueKindBalance, gen.ItemDueStateOpen, int64(900)}, []any{second.What, second.State, second.Pence})
	require.Equal(t, "2027-01-07", second.DueOn.Format("2006-01-02"))
	shown := into[gen.Booking](w.as(w.stars.Coordinator).get(path), 200).Items[0].PaidAhead
	require.EqualValues(t, 300, shown.PaidPence)
	require.Nil(t, shown.GivenBackPence)

	statement := "/v1/budgets/" + w.sam.String() + "/statement?from=2027-01-01&to="
	require.EqualValues(t, 300, *into[gen.Statement](w.mother.get(statement+"2027-01-08"), 200).Accounts[0].Prepaid)
	require.Zero(t, *into[gen.Statement](w.mother.get(statement+"2027-01-09"), 200).Accounts[0].Prepaid)
	books := into[gen.TrialBalance](w.as(w.ash.Finance).get("/v1/trial-balance?prepaid_on=2027-01-08"), 200).Prepaid
	require.Equal(t, "2027-01-08", books.On.Format("2006-01-02"))
	sum := map[gen.AccountKind]int64{}
	for _, r := range books.Rows {
		sum[r.AccountKind] += r.Balance
	}
	require.Equal(t, map[gen.AccountKind]int64{gen.AccountKindBudget: -300, gen.AccountKindProviderPayable: 300}, sum)
	year := into[gen.TrialBalance](w.as(w.stars.Owner).get("/v1/trial-balance"), 200).Prepaid
	require.Equal(t, "2027-03-31", year.On.Format("2006-01-02"))
	require.Empty(t, year.Rows)
	w.as(w.ash.Finance).get("/v1/trial-balance?prepaid_on=soon").refused(http.StatusBadRequest, "malformed")

	got := into[gen.Booking](w.mother.post(path+"/cancellation", object{"reason": "plans_changed"}), 200).Items[0].PaidAhead
	require.Equal(t, []int64{300, 300, 0}, []int64{got.PaidPence, *got.GivenBackPence, got.StillDuePence})
	require.Equal(t, gen.ItemDueStateEnded, got.Dues[1].State)
}
