package marketplace_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// workbook is a good file as Excel would save it, changed by f.
func workbook(t testing.TB, f func(*excelize.File)) []byte {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(sheet, "\ufeff"), "\n")
	book := excelize.NewFile()
	defer func() { require.NoError(t, book.Close()) }()
	for i, cells := range [][]string{
		strings.Split(lines[0], ","),
		strings.Split(strings.Replace(strings.ReplaceAll(lines[1], `"`, ""), "Games, music", "Games", 1), ","),
	} {
		for j, cell := range cells {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			require.NoError(t, err)
			require.NoError(t, book.SetCellStr("Sheet1", at, cell))
		}
	}
	if f != nil {
		f(book)
	}
	var out bytes.Buffer
	require.NoError(t, book.Write(&out))
	return out.Bytes()
}

// cellOf is where a column stands in the row of the offer.
func cellOf(t testing.TB, column string) string {
	t.Helper()
	for j, name := range strings.Split(strings.TrimPrefix(strings.Split(sheet, "\n")[0], "\ufeff"), ",") {
		if name == column {
			at, err := excelize.CoordinatesToCellName(j+1, 2)
			require.NoError(t, err)
			return at
		}
	}
	t.Fatal(column)
	return ""
}

func TestAWorkbookReadsAsItWasTyped(t *testing.T) {
	t.Parallel()
	s := setup(t)
	raw := workbook(t, func(book *excelize.File) {
		day, err := book.NewStyle(&excelize.Style{NumFmt: 14})
		require.NoError(t, err)
		clock, err := book.NewStyle(&excelize.Style{NumFmt: 20})
		require.NoError(t, err)
		for column, value := range map[string]any{
			"first_date": 46396.0, "last_date": 46473.0, "from": 10.0 / 24, "to": 13.0 / 24, "ratio": 63.0 / 1440, // Excel's 1:03
			"price": 12.1, "reduced_price": 6, "components": "staff 9; premises 5.10; subsidy -2.00", "age_from": 5, "places": 12.0, "instant": "yes",
		} {
			require.NoError(t, book.SetCellValue("Sheet1", cellOf(t, column), value))
		}
		require.NoError(t, book.SetCellStyle("Sheet1", cellOf(t, "first_date"), cellOf(t, "first_date"), day))
		require.NoError(t, book.SetCellStyle("Sheet1", cellOf(t, "from"), cellOf(t, "from"), clock))
		require.NoError(t, book.SetCellStr("Sheet1", cellOf(t, "title"), "=not a formula"))
		_, err = book.NewSheet("Notes") // an empty one is nobody's business
		require.NoError(t, err)
	})
	r := s.importFor(s.owner, raw)
	o, err := marketplace.Get(s.ctx, s.d, s.owner, r.OfferIDs[0])
	require.NoError(t, err)
	require.Equal(t, "=not a formula", o.Offer.Title, "a text cell is text")
	require.Equal(t, "£12.10 a session", o.PriceText)
	require.Equal(t, 3, o.Offer.RatioChildren)
	require.Equal(t, "2027-01-09T10:00", o.Sessions[0].LocalStart)
	require.Len(t, o.Sessions, 10)
}

func TestDatesAsABritishSpreadsheetSavesThem(t *testing.T) {
	t.Parallel()
	s := setup(t)
	r := s.importFor(s.owner, []byte(strings.NewReplacer("2027-01-09", "09/01/2027", "2027-03-27", "27/3/2027", "1:3", "01:03").Replace(sheet)))
	o, err := marketplace.Get(s.ctx, s.d, s.owner, r.OfferIDs[0])
	require.NoError(t, err)
	require.Equal(t, "2027-01-09T10:00", o.Sessions[0].LocalStart)
	require.Equal(t, 3, o.Offer.RatioChildren)
}

// repacked is a workbook with parts added or replaced.
func repacked(t testing.TB, raw []byte, parts map[string][]byte) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	require.NoError(t, err)
	var buf bytes.Buffer
	out := zip.NewWriter(&buf)
	for _, f := range in.File {
		if parts[f.Name] == nil {
			require.NoError(t, out.Copy(f))
		}
	}
	for name, text := range parts {
		w, err := out.Create(name)
		require.NoError(t, err)
		_, err = w.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, out.Close())
	return buf.Bytes()
}

func TestAHostileWorkbookIsRefused(t *testing.T) {
	t.Parallel()
	good := workbook(t, nil)
	part := "xl/worksheets/sheet1.xml"
	cells := func(inner string) []byte {
		return []byte(`<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + inner + `</sheetData></worksheet>`)
	}
	many := map[string][]byte{}
	for n := range 201 {
		many[fmt.Sprint("xl/media/", n)] = []byte("x")
	}
	const large, damaged = "far more than a list of offers", "damaged"
	for name, c := range map[string]struct {
		raw   []byte
		words string
	}{
		"a bomb in a part nobody reads":    {repacked(t, good, map[string][]byte{"xl/media/a.png": make([]byte, 60_000_000)}), large},
		"a bomb in the sheet":              {repacked(t, good, map[string][]byte{part: cells(strings.Repeat(" ", 60_000_000))}), large},
		"many parts":                       {repacked(t, good, many), large},
		"a row far away":                   {repacked(t, good, map[string][]byte{part: cells(`<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row>`)}), large},
		"a column far away":                {repacked(t, good, map[string][]byte{part: cells(`<row r="1"><c r="XFD1" t="inlineStr"><is><t>x</t></is></c></row>`)}), large},
		"rows without end":                 {repacked(t, good, map[string][]byte{part: cells(strings.Repeat(`<row><c t="inlineStr"><is><t>x</t></is></c></row>`, 20_001))}), large},
		"a place that is none":             {repacked(t, good, map[string][]byte{part: cells(`<row r="1"><c r="!!"><v>1</v></c></row>`)}), damaged},
		"macros":                           {repacked(t, good, map[string][]byte{"xl/vbaProject.bin": []byte("x")}), "macros"},
		"no workbook in it":                {repacked(t, []byte("PK\x05\x06"+strings.Repeat("\x00", 18)), map[string][]byte{"a.txt": []byte("x")}), "no first row"},
		"half a file":                      {good[:len(good)/2], damaged},
		"an old or a locked one":           {[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on"), "old Excel file"},
		"a sheet that is not XML":          {repacked(t, good, map[string][]byte{part: []byte("<worksheet><sheetData><row")}), damaged},
		"cells on two sheets":              {workbook(t, func(b *excelize.File) { _, _ = b.NewSheet("Two"); _ = b.SetCellStr("Two", "A1", "x") }), "more than one sheet"},
		"no cells":                         {repacked(t, good, map[string][]byte{part: cells("")}), "no first row"},
		"a workbook of a provider's notes": {workbook(t, func(b *excelize.File) { _ = b.SetCellStr("Sheet1", "A1", "colour") }), `There is no column "colour"`},
	} {
		_, _, err := marketplace.ReadSheet(c.raw, nil)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, name)
		require.ErrorContains(t, err, c.words, name)
	}
}

func TestAFormulaIsRefusedWhereItStands(t *testing.T) {
	t.Parallel()
	raw := workbook(t, func(b *excelize.File) {
		require.NoError(t, b.SetCellFormula("Sheet1", cellOf(t, "price"), "=6*2"))
		require.NoError(t, b.SetCellFormula("Sheet1", cellOf(t, "summary"), `HYPERLINK("http://example.invalid","x")`))
	})
	_, faults, err := marketplace.ReadSheet(raw, nil)
	require.NoError(t, err)
	got := map[string]int{}
	for _, f := range faults {
		if strings.Contains(f.Detail, "formula") {
			got[f.Column] = f.Row
		}
	}
	require.Equal(t, map[string]int{"price": 2, "summary": 2}, got)
}

func TestNoCellThatIsWrittenIsAFormula(t *testing.T) {
	t.Parallel()
	d := club(tariffOf(option("=Standard", charge("place", "session", 1200))))
	d.Title, d.Summary = `=HYPERLINK("http://example.invalid","x")`, "@SUM(A1)"
	raw, err := marketplace.SheetRows(marketplace.XLSX, nil, d)
	require.NoError(t, err)
	book, err := excelize.OpenReader(bytes.NewReader(raw))
	require.NoError(t, err)
	rows, err := book.GetRows("Offers")
	require.NoError(t, err)
	for i := range rows {
		for j := range rows[0] {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			require.NoError(t, err)
			formula, err := book.GetCellFormula("Offers", at)
			require.NoError(t, err)
			require.Empty(t, formula)
		}
	}
	require.Equal(t, d.Title, rows[1][0], "and it is the text itself")
}

func TestTheGuardOfACellIsTakenAwayAgain(t *testing.T) {
	t.Parallel()
	for cell, written := range map[string]string{
		"plain": "plain", "'Tis": "'Tis", "''": "''", "=1": "'=1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\ta": "'\ta", "\ra": "'\ra", "'=1": "''=1", "''-x": "'''-x", "": "",
	} {
		require.Equal(t, written, marketplace.Guard(cell))
		require.Equal(t, cell, marketplace.Unguard(written))
	}
}
