package main

import (
	"encoding/json"
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
