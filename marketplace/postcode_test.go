package marketplace_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/marketplace"
)

func TestAPostcodeIsFoundHoweverItIsTyped(t *testing.T) {
	t.Parallel()
	want, ok := marketplace.Locate("ZZ1 1AA")
	require.True(t, ok)
	require.Equal(t, marketplace.Point{Postcode: "ZZ1 1AA", Area: "Ashmere", Lat: 52.3170, Lon: -1.2368}, want)
	for _, typed := range []string{"zz11aa", " ZZ1  1AA ", "zZ1\t1aA"} {
		got, ok := marketplace.Locate(typed)
		require.True(t, ok, typed)
		require.Equal(t, want, got)
	}
	outcode, ok := marketplace.Locate("zx3")
	require.True(t, ok)
	require.Equal(t, "ZX3", outcode.Postcode)
	require.Equal(t, "Brackenvale", outcode.Area)
	require.InDelta(t, 52.70, outcode.Lat, 0.02)
	for _, typed := range []string{"", "ZZ", "ZZ9", "ZZ1 1A", "ZZ1 1AAA"} {
		_, ok := marketplace.Locate(typed)
		require.False(t, ok, typed)
	}
}
