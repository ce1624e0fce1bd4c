package booking

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
)

// What a request names as the rows it changes is all it locks: a row that is
// forgotten lets two batches wait for each other with a connection each.
func TestARequestAtTheDeskNamesEveryRowItLocks(t *testing.T) {
	t.Parallel()
	id := func() *uuid.UUID { made := shortbreaks.NewID(); return &made }
	session, line, account, ticket, provider, quote := id(), id(), id(), id(), id(), id()
	charge := QuotedCharge{LineID: line, Funding: []QuotedShare{{AccountID: *account}}}
	of := func(items ...QuotedItem) *placing {
		q := &Quote{ID: *quote, ProviderID: *provider, OfferID: *id(), Document: QuoteDocument{TicketID: ticket, Items: items}}
		return &placing{CreateBooking{Idem: &shortbreaks.Idem{Caller: *id(), Key: "key"}}, &Order{Quotes: []*Quote{q}}}
	}
	place := of(QuotedItem{SessionID: session, Charges: []QuotedCharge{charge}})
	require.ElementsMatch(t, []uuid.UUID{*ticket, *session, *line, *account}, place.rows().Shared)
	require.ElementsMatch(t, []uuid.UUID{keyRow(place.request.Idem), *quote}, place.rows().Alone)
	visit := of(QuotedItem{Charges: []QuotedCharge{charge}})
	require.ElementsMatch(t, []uuid.UUID{*ticket, *provider, *line, *account}, visit.rows().Shared, "whichever of its workers")
}
