package marketplace

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// What a spreadsheet file may hold before any of it is looked at: a few
// kilobytes can unpack to gigabytes.
const (
	mostParts    = 200
	mostUnpacked = 50_000_000 // bytes of all parts together
	mostSheets   = 10
	mostColumns  = 200
	lastSheetRow = 20_000 // rows left empty count here
)

// MediaXLSX is the media type of an Excel workbook.
const MediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

var errHostile = errors.New("more than a file of offers can hold")

// xlsxCell is a place in the sheet, both from 1.
type xlsxCell struct{ row, column int }

// xlsxScan is what the library does not tell of the one sheet with cells.
type xlsxScan struct {
	formula map[xlsxCell]bool
	number  map[xlsxCell]bool // a number, which Excel also makes of dates and times
	cells   int
}

// readXLSX reads the one sheet of a workbook. It looks at the parts first and
// hands them to the library only if they are of a sane size.
func readXLSX(raw []byte, as layout) (s sheet, err error) {
	// What strangers send is read by a large library: if it trips, the file
	// is at fault, and nothing else is ours to say.
	defer func() {
		if recover() != nil {
			s, err = sheet{}, unreadable("This .xlsx file is damaged. Save it again, or save it as CSV UTF-8.")
		}
	}()
	scan, err := inspectXLSX(raw)
	if err != nil {
		return sheet{}, err
	}
	rows, err := xlsxRows(raw)
	if err != nil {
		return sheet{}, unreadable("This .xlsx file cannot be read. Save it again, or save it as CSV UTF-8.")
	}
	if len(rows) == 0 {
		return sheet{}, unreadable("The file has no first row that names the columns.")
	}
	width := len(rows[0].cells) // trailing empty cells are not there in the file
	for i := range rows {
		for len(rows[i].cells) < width {
			rows[i].cells = append(rows[i].cells, "")
		}
		for len(rows[i].cells) > width && rows[i].cells[len(rows[i].cells)-1] == "" {
			rows[i].cells = rows[i].cells[:len(rows[i].cells)-1]
		}
	}
	if s, err = tableOf(rows, nil, as); err != nil {
		return sheet{}, err
	}
	for i, cells := range s.cells {
		for j, cell := range cells {
			at := xlsxCell{s.lines[i], j + 1}
			if scan.formula[at] {
				s.errors = append(s.errors, ImportError{at.row, s.columns[j], "This cell holds a formula. Put in what it comes to, as text or a number."})
			}
			if scan.number[at] {
				cell = fromNumber(s.columns[j], cell)
			}
			cells[j] = strings.TrimSpace(cell)
		}
	}
	return s, nil
}

// inspectXLSX unpacks every part against the bounds and looks for what a list
// of offers has no use for.
func inspectXLSX(raw []byte) (*xlsxScan, error) {
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, unreadable("This .xlsx file is damaged. Save it again, or save it as CSV UTF-8.")
	}
	const tooLarge = "This .xlsx file holds far more than a list of offers. Copy the rows into a new file, or save it as CSV UTF-8."
	if len(archive.File) > mostParts {
		return nil, unreadable(tooLarge)
	}
	var found *xlsxScan
	left, sheets := int64(mostUnpacked), 0
	for _, part := range archive.File {
		name := strings.ToLower(strings.ReplaceAll(part.Name, `\`, "/"))
		if strings.Contains(name, "vbaproject") || strings.Contains(name, "macrosheets") {
			return nil, unreadable("The file has macros. Save it as .xlsx without macros.")
		}
		text, err := unpack(part, left)
		if errors.Is(err, errHostile) {
			return nil, unreadable(tooLarge)
		}
		if err != nil {
			return nil, unreadable("This .xlsx file is damaged. Save it again, or save it as CSV UTF-8.")
		}
		left -= int64(len(text))
		if !strings.HasPrefix(name, "xl/worksheets/") || path.Ext(name) != ".xml" {
			continue
		}
		if sheets++; sheets > mostSheets {
			return nil, unreadable(tooLarge)
		}
		scan, err := scanSheet(text)
		switch {
		case errors.Is(err, errHostile):
			return nil, unreadable(tooLarge)
		case err != nil:
			return nil, unreadable("This .xlsx file is damaged. Save it again, or save it as CSV UTF-8.")
		case scan.cells == 0:
		case found != nil:
			return nil, unreadable("There are cells on more than one sheet. Keep the offers on one and delete the others.")
		default:
			found = scan
		}
	}
	if found == nil {
		return nil, unreadable("The file has no first row that names the columns.")
	}
	return found, nil
}

// unpack reads a part, but never more than there is left to read: what the
// file says of its own size is not believed.
func unpack(part *zip.File, left int64) ([]byte, error) {
	r, err := part.Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, left+1))
	if err == nil && int64(len(text)) > left {
		err = errHostile
	}
	return text, errors.Join(err, r.Close())
}

// scanSheet walks the cells of a sheet.
func scanSheet(text []byte) (*xlsxScan, error) {
	s := &xlsxScan{formula: map[xlsxCell]bool{}, number: map[xlsxCell]bool{}}
	d := xml.NewDecoder(bytes.NewReader(text))
	at, kind := xlsxCell{}, ""
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		start, is := token.(xml.StartElement)
		if !is {
			continue
		}
		switch start.Name.Local {
		case "row":
			at = xlsxCell{at.row + 1, 0}
			if r := attribute(start, "r"); r != "" {
				if at.row, err = strconv.Atoi(r); err != nil {
					return nil, err
				}
			}
		case "c":
			at.column++
			kind = attribute(start, "t")
			if r := attribute(start, "r"); r != "" {
				if at.column, at.row, err = excelize.CellNameToCoordinates(r); err != nil {
					return nil, err
				}
			}
			s.cells++
		case "f":
			s.formula[at] = true
		case "v":
			if kind == "" || kind == "n" {
				s.number[at] = true
			}
		}
		if at.row < 0 || at.row > lastSheetRow || at.column > mostColumns {
			return nil, errHostile
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// xlsxRows are the rows of the only sheet with cells, as they are stored.
func xlsxRows(raw []byte) (all []rawRow, err error) {
	// Both bounds alike: nothing is unpacked to a file on disk.
	f, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{
		UnzipSizeLimit: mostUnpacked, UnzipXMLSizeLimit: mostUnpacked, RawCellValue: true,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, name := range f.GetSheetList() {
		rows, err := f.Rows(name)
		if err != nil {
			return nil, err
		}
		for n := 1; rows.Next(); n++ {
			cells, err := rows.Columns()
			if err != nil {
				return nil, err
			}
			if len(cells) > mostColumns || n > lastSheetRow {
				return nil, errHostile
			}
			if len(cells) > 0 || len(all) > 0 {
				all = append(all, rawRow{n, cells})
			}
		}
		if err := errors.Join(rows.Error(), rows.Close()); err != nil {
			return nil, err
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, nil
}

// plainNumber is a number as Excel stores it, with an exponent that cannot
// grow it beyond bounds.
var plainNumber = regexp.MustCompile(`^\d{1,17}(\.\d{1,20})?([eE][+-]?\d)?$`)

// fromNumber is a number of a spreadsheet as it would be typed: where Excel
// made a day or a time out of what was typed, that again. Nothing is rounded
// that a person could have meant: 15 digits is all Excel keeps.
func fromNumber(column, cell string) string {
	if !plainNumber.MatchString(cell) {
		return cell
	}
	value, ok := new(big.Rat).SetString(cell)
	if !ok {
		return cell
	}
	minutes := new(big.Rat).Mul(value, big.NewRat(24*60, 1))
	whole, exact := new(big.Int).SetString(minutes.FloatString(0), 10)
	switch {
	case slices.Contains(dateColumns, column) && value.IsInt() && value.Sign() > 0 && value.Cmp(big.NewRat(100_000, 1)) < 0:
		return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(value.Num().Int64())).Format(time.DateOnly)
	case slices.Contains(clockColumns, column) && exact && value.Sign() >= 0 && value.Cmp(big.NewRat(1, 1)) < 0:
		return fmt.Sprintf("%02d:%02d", whole.Int64()/60, whole.Int64()%60)
	case slices.Contains(ratioColumns, column) && exact && value.Sign() > 0 && value.Cmp(big.NewRat(1, 1)) < 0:
		return fmt.Sprintf("%d:%d", whole.Int64()/60, whole.Int64()%60)
	case len(cell) > 15:
		text := value.FloatString(8)
		return strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return cell
}

// writeXLSX writes a table as text cells, never formulas: a spreadsheet shows
// them as they are and computes nothing.
func writeXLSX(w io.Writer, columns []string, rows [][]string) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	const name = "Offers"
	if err := f.SetSheetName("Sheet1", name); err != nil {
		return err
	}
	text, err := f.NewStyle(&excelize.Style{NumFmt: 49}) // "@": what is typed over it stays text too
	if err != nil {
		return err
	}
	head, err := f.NewStyle(&excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	out, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	if err := out.SetColWidth(1, len(columns), 18); err != nil {
		return err
	}
	if err := out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	write := func(n, style int, cells []string) error {
		values := make([]any, len(cells))
		for i, cell := range cells {
			if cell != "" {
				values[i] = excelize.Cell{StyleID: style, Value: cell}
			}
		}
		return out.SetRow("A"+strconv.Itoa(n), values)
	}
	if err := write(1, head, columns); err != nil {
		return err
	}
	for i, row := range rows {
		if err := write(i+2, text, row); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}
