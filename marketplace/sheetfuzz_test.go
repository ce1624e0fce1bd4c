package marketplace_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// Whatever bytes are sent as a file of offers, it is read or refused in words;
// what is read without a fault is written and read back alike.
func FuzzOfferFile(f *testing.F) {
	var drafts []marketplace.OfferDraft
	for i, l := range tariffs(f) {
		d := club(l.Tariff)
		if d.AccessRoute = "targeted"; i%9 == 0 {
			drafts = append(drafts, d)
		}
	}
	for _, format := range []marketplace.SheetFormat{marketplace.CSV, marketplace.XLSX} {
		raw, err := marketplace.SheetRows(format, framework, drafts[:3]...)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte(sheet))
	f.Add([]byte(groups))
	f.Add(workbook(f, nil))
	f.Add(workbook(f, func(b *excelize.File) { _ = b.SetCellFormula("Sheet1", "A2", "=1") }))
	for _, text := range []string{
		"", "a", "\ufeff", "title\n=1", "PK\x03\x04", "\xd0\xcf\x11\xe0", "title,title\n", "\"", sheet + "\"open", strings.ReplaceAll(sheet, "\n", "\r\n"),
		strings.Replace(sheet, "components", "json", 1), strings.ReplaceAll(sheet, "sat,", "'=sat,"),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		read, faults, err := marketplace.ReadSheet(raw, framework)
		var refusal *shortbreaks.Error
		if err != nil {
			require.True(t, errors.As(err, &refusal), "%v", err)
			return
		}
		for _, fault := range faults {
			require.NotEmpty(t, fault.Detail)
			require.GreaterOrEqual(t, fault.Row, 1)
		}
		if len(faults) > 0 || len(read) == 0 {
			return
		}
		for i := range read {
			read[i].Terms = read[i].Terms.Resolved()
			if s := read[i].Sessions; s != nil {
				require.NotEmpty(t, s.From)
			}
		}
		written, err := marketplace.SheetRows(marketplace.CSV, framework, read...)
		require.NoError(t, err)
		again, faults, err := marketplace.ReadSheet(written, framework)
		require.NoError(t, err)
		require.Empty(t, faults, "%s", written)
		require.Len(t, again, len(read))
		for i := range read {
			require.Equal(t, asJSON(t, marketplace.BareTariff(read[i].Tariff)), asJSON(t, again[i].Tariff))
			require.Equal(t, asJSON(t, read[i].Terms), asJSON(t, again[i].Terms.Resolved()))
			require.Equal(t, asJSON(t, read[i].Sessions), asJSON(t, again[i].Sessions))
			require.Equal(t, asJSON(t, read[i].Visits), asJSON(t, again[i].Visits))
			require.Equal(t, read[i].Title, again[i].Title)
			require.Equal(t, read[i].Companions, again[i].Companions)
		}
	})
}

// A cell's notation that is read is written, and what is written reads alike.
func FuzzCellForms(f *testing.F) {
	for _, text := range []string{
		"split: evening = mon-fri 18:00-23:00 24.00; sun x1.5", "bank_holidays x2", "always 1.00", "lengths: 60 = 12.00; 120 = 20.00", "week part: 1 = 25.00",
		"ratios: 1:1 = 30.00", "percent: 12.5% of support", "instead: from 480 = 120.00; after disturbance more than 2 = 140.00", "mon-fri 20:00- not_bank_holidays",
		"2 = 10% that_child", "7 = 10%; 14 = 0.01%", "charity 40%; health 35% up to 20.00; council 5.00; buyer rest", "staff 9.00; subsidy -2.00 \"a; b\"",
		"ill: 2 hours free, 0 hours 50%; hospital: 0 hours free", "14 days free; 0 hours 10.00", "Worker A #2", "\"Worker A #2\" #1", "advance 7 by month", "deposit 25% balance 14",
		"block 10 in 26 weeks", "membership 12 months", "mon tue sat", "£12.50", "1:3", "sibling 1; carer 0", "carer 0; carer 1", "09/01/2027", "\"a\"\"b\"; c", "\"", "5\" tall",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, form := range marketplace.CellForms {
			written, ok := form(text)
			if !ok {
				continue
			}
			again, ok := form(written)
			require.True(t, ok, "%s: %q was written %q, which is not read", name, text, written)
			require.Equal(t, written, again, "%s: %q", name, text)
		}
	})
}
