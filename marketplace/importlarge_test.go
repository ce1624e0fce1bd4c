package marketplace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

// The most rows a file may have, each an offer with ten sessions, go through
// within one transaction and its limits, and come out again.
func TestFiveThousandRowsAreImportedAndExported(t *testing.T) {
	t.Parallel()
	s := setup(t)
	begun := time.Now() //nolint:forbidigo // how long it takes is what is told
	r, err := s.importing(manyClubs(5000), marketplace.ImportOptions{})
	require.NoError(t, err)
	imported := time.Since(begun) //nolint:forbidigo // the same
	require.Equal(t, 5000, r.Published)
	require.Equal(t, 50_000, s.count("session_places"))
	require.Equal(t, 1, s.count("setting"))
	out := s.export(s.owner, marketplace.OfferExport{Format: marketplace.XLSX})
	exported := time.Since(begun) - imported //nolint:forbidigo // the same
	require.Equal(t, 5000, out.Rows)
	read, faults, err := marketplace.ReadSheet(out.Body, nil)
	require.NoError(t, err)
	require.Empty(t, faults)
	require.Len(t, read, 5000)
	t.Logf("5,000 offers with 50,000 sessions: imported in %v, exported as a workbook of %d kB in %v", imported, len(out.Body)/1000, exported)
}
