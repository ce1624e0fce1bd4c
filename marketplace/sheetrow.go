package marketplace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// sheetRow is one row with what is wrong with it.
type sheetRow struct {
	line   int
	cell   map[string]string
	errors []ImportError
}

func (r *sheetRow) fault(column, format string, args ...any) {
	if !r.blamed(column) {
		r.errors = append(r.errors, ImportError{r.line, column, fmt.Sprintf(format, args...)})
	}
}

// blamed reports whether a column already has its fault; one is enough.
func (r *sheetRow) blamed(column string) bool {
	return column != "" && slices.ContainsFunc(r.errors, func(e ImportError) bool { return e.Column == column })
}

// continues reports whether the row belongs to the offer above. A row that
// says what an offer is has only lost its title.
func (r *sheetRow) continues() bool {
	return !r.has("title", "summary", "category", "access_route", "setting", "postcode")
}

// has reports whether any of the cells is filled in.
func (r *sheetRow) has(columns ...string) bool {
	return slices.ContainsFunc(columns, func(name string) bool { return r.cell[name] != "" })
}

// number reads a cell that must be there.
func (r *sheetRow) number(column string) int {
	if r.cell[column] == "" {
		r.fault(column, "Give a whole number.")
		return 0
	}
	return r.optional(column)
}

func (r *sheetRow) optional(column string) int {
	text := r.cell[column]
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		r.fault(column, "Give a whole number.")
	}
	return n
}

// pounds reads "12", "12.5" or "£12.50" exactly.
func (r *sheetRow) pounds(column string) shortbreaks.Pence {
	p, ok := parsePounds(r.cell[column])
	if !ok || p < 0 {
		r.fault(column, "Give pounds and pence, such as 12.50.")
	}
	return p
}

// parsePounds reads an amount with at most two places; no float is involved.
func parsePounds(text string) (shortbreaks.Pence, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	digits = strings.TrimPrefix(digits, "£")
	whole, part, _ := strings.Cut(digits, ".")
	if len(whole) == 0 || len(whole) > 7 || len(part) > 2 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if negative {
		n = -n
	}
	return shortbreaks.Pence(n), err == nil
}

func (r *sheetRow) yes(column string) bool {
	switch strings.ToLower(r.cell[column]) {
	case "yes", "true":
		return true
	case "", "no", "false":
	default:
		r.fault(column, "Give yes or no.")
	}
	return false
}

func (r *sheetRow) days() []int {
	days, ok := parseDays(r.cell["days"])
	if !ok && r.cell["days"] != "" {
		r.fault("days", "Give days such as mon wed sat, or mon-fri.")
	}
	return days
}

// date reads a cell that may be empty.
func (r *sheetRow) date(column string) time.Time {
	on, ok := parseOn(r.cell[column])
	if !ok && r.cell[column] != "" {
		r.fault(column, "Give a date such as 2027-01-09.")
	}
	return on
}

func (r *sheetRow) dates(column string) (dates []time.Time) {
	for _, text := range splitCell(r.cell[column], ';') {
		on, ok := parseOn(text)
		if !ok {
			r.fault(column, "Give dates such as 2027-02-20; 2027-02-27.")
		}
		dates = append(dates, on)
	}
	return dates
}

func (r *sheetRow) or(column, otherwise string) string {
	if text := r.cell[column]; text != "" {
		return text
	}
	return otherwise
}

// list splits a cell at its semicolons.
func (r *sheetRow) list(column string) (words []string) {
	for _, part := range splitCell(r.cell[column], ';') {
		words = append(words, unquoted(part))
	}
	return words
}

// ratio reads a cell, which may be empty if it need not be there.
func (r *sheetRow) ratio(column string) tariff.Ratio {
	ratio, ok := parseRatio(r.cell[column])
	if !ok {
		r.fault(column, "Give staff to children, such as 1:3.")
	}
	return ratio
}

// parsed reads a cell by its form, if it is filled in.
func parsed[T any](r *sheetRow, column, example string, parse func(string) (T, bool)) (value T) {
	text := r.cell[column]
	if text == "" {
		return value
	}
	value, ok := parse(text)
	if !ok {
		r.fault(column, "We cannot read this. Write it like %s.", example)
	}
	return value
}
