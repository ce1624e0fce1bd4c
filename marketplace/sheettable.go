package marketplace

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"shortbreaks"
)

// layout is what a file may hold: its columns, those that must be there, and
// how many rows.
type layout struct {
	columns, required []string
	rows              int
}

var offerLayout = layout{columns: sheetColumns, required: requiredColumns, rows: maxImportRows}

// Table is a file to be imported, read: CSV or a workbook, hostile ones too, as
// files of offers are read.
type Table struct {
	Rows   []TableRow
	Errors []ImportError // of reading it; those of its rows are added with Fault
}

// TableRow is one row; Line is counted as a spreadsheet counts.
type TableRow struct {
	Line int
	Cell map[string]string // by column, trimmed; "" if it is empty or not there
}

// ReadTable reads a file with these columns, of which some must be there, and at
// most so many rows. Cells that cannot be used, such as formulas, are in Errors;
// a file that cannot be read at all is ErrInvalid.
func ReadTable(r io.Reader, columns, required []string, rows int) (*Table, error) {
	s, err := readSheetAs(r, layout{columns: columns, required: required, rows: rows})
	if err != nil {
		return nil, err
	}
	t := &Table{Errors: s.errors}
	for i, cells := range s.cells {
		row := TableRow{Line: s.lines[i], Cell: make(map[string]string, len(s.columns))}
		for j, name := range s.columns {
			row.Cell[name] = cells[j]
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// Fault notes what is wrong with a row's column, "" for the row as a whole; one
// for each is enough.
func (t *Table) Fault(row TableRow, column, format string, args ...any) {
	if !t.blamed(row, column) {
		t.Errors = append(t.Errors, ImportError{row.Line, column, fmt.Sprintf(format, args...)})
	}
}

// Faulty reports whether anything is wrong with a row.
func (t *Table) Faulty(row TableRow) bool {
	return slices.ContainsFunc(t.Errors, func(e ImportError) bool { return e.Row == row.Line })
}

func (t *Table) blamed(row TableRow, column string) bool {
	return slices.ContainsFunc(t.Errors, func(e ImportError) bool { return e.Row == row.Line && (e.Column == column || column == "") })
}

// Pounds reads an amount such as 12.50; an empty cell is none.
func (t *Table) Pounds(row TableRow, column string) *shortbreaks.Pence {
	if row.Cell[column] == "" {
		return nil
	}
	p, ok := parsePounds(row.Cell[column])
	if !ok || p < 0 {
		t.Fault(row, column, "Give pounds and pence, such as 12.50.")
		return nil
	}
	return &p
}

// Refusal is ErrInvalid with every error by row and column, or nil if there is
// none.
func (t *Table) Refusal() error {
	if len(t.Errors) == 0 {
		return nil
	}
	slices.SortStableFunc(t.Errors, func(a, b ImportError) int { return a.Row - b.Row })
	refusal := *shortbreaks.ErrInvalid
	refusal.Detail = "Nothing was imported: " + shortbreaks.Plural(len(t.Errors), "value") + " cannot be used."
	for _, e := range t.Errors[:min(len(t.Errors), mostErrorsKept)] {
		refusal.Fields = append(refusal.Fields, shortbreaks.Field{Pointer: strings.TrimSuffix(fmt.Sprintf("/rows/%d/%s", e.Row, e.Column), "/"), Detail: e.Detail})
	}
	return &refusal
}
