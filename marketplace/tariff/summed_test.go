package tariff_test

import (
	"maps"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// summed holds the lines over all dates against those of each date, figure by
// figure; each says what it is.
func summed(t require.TestingT, p tariff.Priced) {
	type figures struct{ pence, full, vat, others shortbreaks.Pence }
	type key struct{ option, kind, payee, payer string }
	want, got := map[key]figures{}, map[key]figures{}
	for _, item := range p.Items {
		for _, l := range item.Lines {
			k := key{l.OptionName, l.Kind, l.Payee, l.Payer}
			f := want[k]
			f.pence, f.full, f.vat = f.pence+l.Pence, f.full+l.FullPence, f.vat+l.VATPence
			for _, b := range l.Others {
				f.others += b.Pence
			}
			want[k] = f
		}
	}
	for _, l := range p.Summed() {
		require.NotEmpty(t, l.Words)
		require.NotEmpty(t, l.OptionName)
		k := key{l.OptionName, l.Kind, l.Payee, l.Payer}
		f := got[k]
		f.pence, f.full, f.vat = f.pence+l.Pence, f.full+l.FullPence, f.vat+l.VATPence
		for _, b := range l.Others {
			f.others += b.Pence
		}
		got[k] = f
	}
	nothing := func(_ key, f figures) bool { return f == figures{} }
	maps.DeleteFunc(want, nothing)
	maps.DeleteFunc(got, nothing)
	require.Equal(t, want, got)
}
