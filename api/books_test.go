package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

func TestLedger_EachReaderSeesItsPart(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.bracken, w.rowe.Children[0].ID)
	b := w.mother.book(w.sam, w.publish(w.stars, club()), 1)
	item := "/v1/booking-items/" + b.Items[0].ID.String()
	w.clock.Set(b.Items[0].EndsAt)
	into[gen.BookingItem](w.as(w.stars.Coordinator).ask(http.MethodPut, item+"/attendance", object{"outcome": "delivered"}), 200)
	into[gen.BookingItem](w.as(w.oakley.Parents[0]).post(item+"/confirmation", nil), 200)

	for _, role := range []caller{w.as(w.ash.Finance), w.as(w.ash.Auditor)} {
		books := into[gen.TrialBalance](role.get("/v1/trial-balance"), 200)
		require.Len(t, books.Rows, 3)
		require.Equal(t, []gen.UnitTotal{{Unit: gen.AccountUnitPence, Balance: 0}}, books.Totals)
		list := into[gen.LedgerTransactionList](role.get("/v1/ledger-transactions"), 200).Items
		require.Len(t, list, 2)
		require.Equal(t, "capture", list[0].Kind)
		require.Equal(t, b.Reference, *list[0].BookingReference)
		for _, tx := range list {
			sum := int64(0)
			for _, e := range tx.Entries {
				sum += e.Amount
			}
			require.Zero(t, sum)
		}
	}
	owner := w.as(w.stars.Owner)
	owed := into[gen.TrialBalance](owner.get("/v1/trial-balance"), 200)
	require.Len(t, owed.Rows, 1)
	require.EqualValues(t, 1200, owed.Rows[0].Balance)
	mine := owner.get("/v1/ledger-transactions?from=2027-01-01&to=2027-12-31&kind=capture")
	require.Len(t, into[gen.LedgerTransactionList](mine, 200).Items[0].Entries, 1)
	require.NotContains(t, string(mine.body), w.sam.String())
	require.Len(t, into[gen.TrialBalance](w.as(w.oakley.Parents[0]).get("/v1/trial-balance"), 200).Rows, 1)
	require.Empty(t, into[gen.TrialBalance](w.as(w.moor.Owner).get("/v1/trial-balance"), 200).Rows)
	w.as(w.oakley.Parents[0]).get("/v1/ledger-transactions").refused(http.StatusForbidden, "forbidden")
	owner.get("/v1/ledger-transactions?kind=Capture").refused(http.StatusBadRequest, "malformed")
}

func TestDemand_SmallCountsAreHidden(t *testing.T) {
	w := setup(t)
	seen, hidden := w.publish(w.stars, club()), club()
	hidden.Category = "swimming"
	few := w.publish(w.stars, hidden)
	children := []string{"A", "B", "C", "D", "E"}
	home := w.family(w.ash, "kaur", children, "mother.kaur")
	parent := w.as(home.Parents[0])
	for i, c := range home.Children {
		w.fund(w.ash, c.ID)
		parent.book(c.ID, seen, 1)
		if i < 4 {
			parent.book(c.ID, few, 1)
		}
	}
	demand := into[gen.Demand](w.as(w.ash.Commissioner).get("/v1/demand?by=category"), 200)
	cells := map[string]gen.DemandCell{}
	for _, c := range demand.Cells {
		cells[c.Key] = c
		if !c.Suppressed && *c.Children > 0 {
			require.GreaterOrEqual(t, *c.Children, int64(demand.SmallestCount))
		}
	}
	require.False(t, cells["club"].Suppressed)
	require.EqualValues(t, demand.SmallestCount, *cells["club"].Children)
	require.True(t, cells["swimming"].Suppressed)
	require.Nil(t, cells["swimming"].Bookings)
	w.as(w.ash.Commissioner).get("/v1/demand").refused(http.StatusBadRequest, "malformed")
	w.as(w.ash.Commissioner).get("/v1/demand?by=category&category=club").refused(http.StatusBadRequest, "malformed")
	w.as(w.stars.Owner).get("/v1/demand?by=week").refused(http.StatusForbidden, "forbidden")
}
