package marketplace

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// csvRow is a row of a small file, by column. Rows are counted as a
// spreadsheet counts them: the header is row 1.
type csvRow struct {
	line int
	cell map[string]string // trimmed
}

// readCSV reads a file of a few columns: those known, of which some are
// required. What is wrong with a row is a fault; a file that cannot be read at
// all is an error.
func readCSV(r io.Reader, known, required []string) (rows []csvRow, faults []ImportError, err error) {
	text, err := readText(r)
	if err != nil {
		return nil, nil, err
	}
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord = -1 // a row too long or short is told by its number
	header, err := in.Read()
	if err != nil {
		return nil, nil, unreadable("The file has no first row that names the columns.")
	}
	columns, err := csvColumns(header, known, required)
	if err != nil {
		return nil, nil, err
	}
	for n := 2; ; n++ {
		cells, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			faults = append(faults, ImportError{n, "", "The quotes of this row do not match up; rows from here on were not read."})
			break
		}
		if strings.TrimSpace(strings.Join(cells, "")) == "" {
			continue // an empty row still counts in a spreadsheet
		}
		if len(rows) == maxImportRows {
			return nil, nil, unreadable(fmt.Sprintf("The file has more than %d rows; split it.", maxImportRows))
		}
		if len(cells) != len(columns) {
			faults = append(faults, ImportError{n, "", fmt.Sprintf("The row has %d cells and there are %d columns.", len(cells), len(columns))})
			continue
		}
		row := csvRow{line: n, cell: make(map[string]string, len(columns))}
		for i, name := range columns {
			row.cell[name] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 && len(faults) == 0 {
		return nil, nil, unreadable("The file has no rows below its first.")
	}
	return rows, faults, nil
}

// readText is a file's text, at most 5 MB of UTF-8.
func readText(r io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxImportBytes+1))
	if err != nil {
		return "", fmt.Errorf("reading the file: %w", err)
	}
	text := strings.TrimPrefix(string(raw), "\ufeff")
	switch {
	case len(raw) > maxImportBytes:
		return "", unreadable("The file is larger than 5 MB.")
	case !utf8.ValidString(text), strings.ContainsRune(text, 0):
		return "", unreadable("The file is not UTF-8 text.")
	}
	return text, nil
}

func csvColumns(header, known, required []string) (columns []string, err error) {
	for i, cell := range header {
		name := strings.ToLower(strings.TrimSpace(cell))
		if !slices.Contains(known, name) {
			return nil, unreadable(fmt.Sprintf("Column %d has a name we do not know. Columns are %s.", i+1, strings.Join(known, ", ")))
		}
		if slices.Contains(columns, name) {
			return nil, unreadable(fmt.Sprintf("The column %q is there twice.", name))
		}
		columns = append(columns, name)
	}
	for _, name := range required {
		if !slices.Contains(columns, name) {
			return nil, unreadable(fmt.Sprintf("The column %q is missing.", name))
		}
	}
	return columns, nil
}

// sortByDate puts a list in order of date.
func sortByDate[T any](list []T, date func(T) time.Time) {
	slices.SortStableFunc(list, func(a, b T) int { return date(a).Compare(date(b)) })
}
