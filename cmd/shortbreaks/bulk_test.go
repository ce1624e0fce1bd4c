package main

import (
	"encoding/json"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/internal/demo"
	"shortbreaks/payments"
	"shortbreaks/people"
)

// A bulk world is written past the use cases, so it is held against them: the
// books are right, a quote of it is the one the family would have been given,
// to the byte, and books like that one.
func TestBulkWorldIsTheOneUseCasesMake(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	owner := dbtest.Owner(t, d)
	w, err := demo.Bulk(t.Context(), owner, demo.BulkSize{Authorities: 2, Budgets: 6, Providers: 2, Sessions: 8, Capacity: 6})
	require.NoError(t, err)
	quotes, err := w.Quotes(t.Context(), owner, 18, 1)
	require.NoError(t, err)
	require.Len(t, quotes, 18)
	auditIsClean(t, d)

	q := quotes[0]
	who, err := people.Load(t.Context(), d, q.Person, shortbreaks.Family)
	require.NoError(t, err)
	asked, err := booking.MakeQuote(t.Context(), d, who, booking.CreateQuote{ChildID: q.ChildID, OfferID: q.OfferID, SessionIDs: []uuid.UUID{q.SessionID}})
	require.NoError(t, err)
	want, err := json.Marshal(asked.Document)
	require.NoError(t, err)
	var document string
	var total int64
	require.NoError(t, owner.QueryRow(t.Context(), `SELECT document, total_pence FROM quote WHERE id = $1`, q.ID).Scan(&document, &total))
	require.JSONEq(t, string(want), document)
	require.Equal(t, int64(asked.TotalPence), total)

	for _, q := range quotes {
		who, err := people.Load(t.Context(), d, q.Person, shortbreaks.Family)
		require.NoError(t, err)
		_, _, err = booking.Create(t.Context(), d, who, booking.CreateBooking{Quotes: []booking.QuoteToBook{{QuoteID: q.ID, ExpectedTotalPence: q.TotalPence}}})
		require.NoError(t, err)
	}
	auditIsClean(t, d)
}

// auditIsClean proves the books.
func auditIsClean(t *testing.T, d *db.DB) {
	t.Helper()
	findings, err := payments.Audit(t.Context(), d)
	require.NoError(t, err)
	require.Empty(t, findings)
}

// The past of a bulk world is written by the database itself: the books are
// right with it, its items are as the use cases leave them, and people book on.
func TestBulkPastIsRightInTheBooks(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	owner := dbtest.Owner(t, d)
	w, err := demo.Bulk(t.Context(), owner, demo.BulkSize{Authorities: 2, Budgets: 50, Providers: 2, Sessions: 8, Capacity: 60})
	require.NoError(t, err)
	var told atomic.Int64
	made, err := w.Past(t.Context(), owner, 120, func(int) { told.Add(1) })
	require.NoError(t, err)
	require.Equal(t, 150, made, "three days of fifty children")
	require.EqualValues(t, 3, told.Load())
	auditIsClean(t, d)

	var left, behind, spent, free int64
	require.NoError(t, owner.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'past'), sum(spent),
		(SELECT sum(balance - held) FROM account WHERE kind = 'budget'),
		(SELECT count(*) FROM hold JOIN account a ON a.authority_id = hold.authority_id AND a.id = account_id WHERE account_seq > seq) FROM plan_line`).
		Scan(&left, &spent, &free, &behind))
	require.Zero(t, left)
	require.Zero(t, behind, "the next hold comes after them")
	require.Positive(t, spent)
	require.Equal(t, int64(50*demo.BulkBudget), free, "what was spent came on top")

	quotes, err := w.Quotes(t.Context(), owner, 60, 1)
	require.NoError(t, err)
	bookAll(t.Context(), t, d, quotes)
	auditIsClean(t, d)

	who, err := people.Load(t.Context(), d, quotes[0].Person, shortbreaks.Family)
	require.NoError(t, err)
	list, _, err := booking.List(t.Context(), d, who, booking.ListBookings{Limit: 50})
	require.NoError(t, err)
	settled := 0
	for _, b := range list {
		for _, it := range b.Items {
			if it.State == booking.Settled {
				settled++
				require.Equal(t, it.PricePence, *it.ChargePence)
			}
		}
	}
	require.Equal(t, 3, settled)
}
