package marketplace

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"shortbreaks"
)

// sheet is a file of offers, read.
type sheet struct {
	columns []string
	cells   [][]string // trimmed
	lines   []int      // the row of each, as a spreadsheet counts
	errors  []ImportError
}

// rawRow is a row of a file before its columns are known.
type rawRow struct {
	line  int
	cells []string
}

// readSheet reads a file of offers, CSV or XLSX by what is in it, as far as it
// can be read at all.
func readSheet(r io.Reader) (sheet, error) { return readSheetAs(r, offerLayout) }

func readSheetAs(r io.Reader, as layout) (sheet, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxImportBytes+1))
	if err != nil {
		return sheet{}, fmt.Errorf("reading a file to import: %w", err)
	}
	text := bytes.TrimPrefix(raw, []byte("\ufeff"))
	switch {
	case len(raw) > maxImportBytes:
		return sheet{}, unreadable("The file is larger than 5 MB; split it.")
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return readXLSX(raw, as)
	case bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0")):
		return sheet{}, unreadable("This is an old Excel file, or one with a password. Save it as .xlsx without a password, or as CSV UTF-8.")
	case !utf8.Valid(text), bytes.ContainsRune(text, 0):
		return sheet{}, unreadable("The file is not UTF-8. Save it as CSV UTF-8, or as .xlsx.")
	}
	return parseCSV(string(text), as)
}

// formulaStart is what a spreadsheet takes for the beginning of a formula.
// guarded is a cell that was given an apostrophe so that it is not; one that
// has apostrophes of its own before such a mark is given another.
var (
	formulaStart = regexp.MustCompile(`^[=+\-@\t\r]`)
	needsGuard   = regexp.MustCompile(`^'*[=+\-@\t\r]`)
	guarded      = regexp.MustCompile(`^'+[=+\-@\t\r]`)
)

// guard makes a cell safe to open in a spreadsheet; unguard undoes it.
func guard(cell string) string {
	if needsGuard.MatchString(cell) {
		return "'" + cell
	}
	return cell
}

func unguard(cell string) string {
	if guarded.MatchString(cell) {
		return cell[1:]
	}
	return cell
}

func parseCSV(text string, as layout) (sheet, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord = -1 // a row too long or short is told by its number
	var rows []rawRow
	var broken []ImportError
	for n := 1; ; n++ {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			broken = append(broken, ImportError{n, "", "The quotes of this row do not match up; rows from here on were not read."})
			break
		}
		if len(rows) > as.rows && strings.TrimSpace(strings.Join(cells, "")) != "" {
			return sheet{}, as.tooManyRows()
		}
		rows = append(rows, rawRow{n, cells})
	}
	s, err := tableOf(rows, broken, as)
	if err != nil {
		return sheet{}, err
	}
	for i, cells := range s.cells {
		for j, cell := range cells {
			if formulaStart.MatchString(cell) {
				s.errors = append(s.errors, ImportError{s.lines[i], s.columns[j], "A cell may not begin with =, +, -, @ or a tab; a spreadsheet would take it for a formula."})
			}
			cells[j] = strings.TrimSpace(unguard(cell))
		}
	}
	return s, nil
}

func (as layout) tooManyRows() error {
	return unreadable(fmt.Sprintf("The file has more than %d rows; split it.", as.rows))
}

// tableOf puts rows under the columns that the first of them names. Cells are
// as they came. Where the last rows could not be read, broken says so.
func tableOf(rows []rawRow, broken []ImportError, as layout) (sheet, error) {
	if len(rows) == 0 {
		return sheet{}, unreadable("The file has no first row that names the columns.")
	}
	s := sheet{errors: broken}
	for _, name := range rows[0].cells {
		s.columns = append(s.columns, strings.ToLower(strings.TrimSpace(name)))
	}
	if err := s.checkColumns(as); err != nil {
		return sheet{}, err
	}
	var short []ImportError
	for _, row := range rows[1:] {
		if strings.TrimSpace(strings.Join(row.cells, "")) == "" {
			continue // an empty row still counts in a spreadsheet
		}
		if len(s.cells) == as.rows {
			return sheet{}, as.tooManyRows()
		}
		if len(row.cells) != len(s.columns) {
			short = append(short, ImportError{row.line, "", fmt.Sprintf("The row has %d cells and there are %d columns.", len(row.cells), len(s.columns))})
			continue
		}
		s.cells, s.lines = append(s.cells, row.cells), append(s.lines, row.line)
	}
	s.errors = append(short, s.errors...)
	if len(s.cells) == 0 && len(s.errors) == 0 {
		return sheet{}, unreadable("The file has no rows below its first.")
	}
	return s, nil
}

func (s sheet) checkColumns(as layout) error {
	for i, name := range s.columns {
		if !slices.Contains(as.columns, name) {
			return unreadable(fmt.Sprintf("There is no column %q. Columns are %s.", name, strings.Join(as.columns, ", ")))
		}
		if slices.Index(s.columns, name) != i {
			return unreadable(fmt.Sprintf("The column %q is there twice.", name))
		}
	}
	var missing []string
	for _, name := range as.required {
		if !slices.Contains(s.columns, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return unreadable("These columns are missing: " + strings.Join(missing, ", ") + ".")
	}
	return nil
}

// blocks are the rows of each offer: one with a title and those below it
// without.
func (s sheet) blocks() (all [][]*sheetRow) {
	for i, cells := range s.cells {
		r := &sheetRow{line: s.lines[i], cell: make(map[string]string, len(s.columns))}
		for j, name := range s.columns {
			r.cell[name] = cells[j]
		}
		if r.continues() && len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], r)
			continue
		}
		all = append(all, []*sheetRow{r})
	}
	return all
}

// unreadable refuses the file as a whole.
func unreadable(words string) error { return shortbreaks.ErrInvalid.With(words).At("/file", words) }

// writeCSV writes a table so that a spreadsheet opens it as it is.
func writeCSV(w io.Writer, columns []string, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil { // without it Excel guesses another alphabet
		return err
	}
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(columns); err != nil {
		return err
	}
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = guard(cell)
		}
		if err := c.Write(safe); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
