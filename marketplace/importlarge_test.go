package marketplace_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

// The most rows a file may have, each an offer with ten sessions, go through
// within one transaction and its limits, and come out again.
func TestFiveThousandRowsAreImportedAndExported(t *testing.T) {
	t.Parallel()
	s := setup(t)
	r, err := s.importing(manyClubs(5000), marketplace.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, 5000, r.Published)
	require.Equal(t, 50_000, s.count("session_places"))
	require.Equal(t, 1, s.count("setting"))
	out := s.export(s.owner, marketplace.OfferExport{Format: marketplace.XLSX})
	require.Equal(t, 5000, out.Rows)
	read, faults, err := marketplace.ReadSheet(out.Body, nil)
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Len(t, read, 5000)
}
