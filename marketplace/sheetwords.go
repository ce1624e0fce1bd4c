package marketplace

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// What stands in the cells of a file of offers. Each form is written and read
// here, side by side: what is written reads back equal. A list is parted by
// semicolons; a text that would be mistaken for something else stands in
// double quotes, doubled inside.

// splitCell parts a cell at a mark outside of quotes; empty parts are left out.
// A quote opens only at the beginning of a word: 5" is five inches.
func splitCell(text string, mark rune) (parts []string) {
	quoted, start, before := false, 0, ' '
	add := func(part string) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	for i, c := range text {
		switch {
		case c == '"':
			quoted = !quoted && (before == ' ' || before == mark || before == '"')
		case c == mark && !quoted:
			add(text[start:i])
			start = i + 1
		}
		before = c
	}
	add(text[start:])
	return parts
}

// plainText needs no quotes in a list or before a mark.
var plainText = regexp.MustCompile(`^[^\s;,=:"#][^;,=:"#]*$`)

// quotedText is a text as it stands in a list.
func quotedText(text string) string {
	if plainText.MatchString(text) && strings.TrimSpace(text) == text {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// listedText is quotedText for a list of whole lines, where only a semicolon
// or a quote would be mistaken.
func listedText(text string) string {
	if text != "" && strings.TrimSpace(text) == text && !strings.ContainsAny(text, `;"`) {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}

// aWord is a value of the contract as a list names it.
var aWord = regexp.MustCompile(`^[a-z_]+$`)

// unquoted undoes both.
func unquoted(text string) string {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	return strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
}

// cutText takes a text, quoted or not, off the front of a cell up to a mark;
// ok is false if the mark is not there.
func cutText(cell, mark string) (text, rest string, ok bool) {
	if !strings.HasPrefix(cell, `"`) {
		text, rest, ok = strings.Cut(cell, mark)
		return strings.TrimSpace(text), strings.TrimSpace(rest), ok
	}
	for i := 1; i < len(cell); i++ {
		if cell[i] != '"' {
			continue
		}
		if i+1 < len(cell) && cell[i+1] == '"' {
			i++
			continue
		}
		rest, ok = strings.CutPrefix(strings.TrimSpace(cell[i+1:]), mark)
		return unquoted(cell[:i+1]), strings.TrimSpace(rest), ok
	}
	return "", "", false
}

// printPounds writes an amount as people type it: 12.50.
func printPounds(p shortbreaks.Pence) string {
	sign := ""
	if p < 0 {
		sign, p = "-", -p
	}
	return fmt.Sprintf("%s%d.%02d", sign, p/100, p%100)
}

// parseSum is parsePounds for what may not be negative.
func parseSum(text string) (shortbreaks.Pence, bool) {
	p, ok := parsePounds(text)
	return p, ok && p >= 0
}

// printPoints writes basis points: 12.5%.
func printPoints(points int) string {
	text := fmt.Sprintf("%d.%02d", points/100, points%100)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

func parsePoints(text string) (int, bool) {
	number, percent := strings.CutSuffix(text, "%")
	p, ok := parseSum(number)
	return int(p), ok && percent
}

// wholeNumber reads digits only, so that what is read is written alike.
func wholeNumber(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && strconv.Itoa(n) == text && n >= 0
}

func printRatio(r tariff.Ratio) string { return fmt.Sprintf("%d:%d", r.Staff, r.Children) }

func parseRatio(text string) (tariff.Ratio, bool) {
	left, right, ok := strings.Cut(text, ":")
	staff, err1 := strconv.Atoi(strings.TrimSpace(left))
	children, err2 := strconv.Atoi(strings.TrimSpace(right))
	return tariff.Ratio{Staff: staff, Children: children}, ok && err1 == nil && err2 == nil
}

var dayNames = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// printDays writes days of the week; three or more that follow each other as a
// range: "mon-fri sun".
func printDays(days []int) string {
	var words []string
	for i := 0; i < len(days); {
		end := i
		for end+1 < len(days) && days[end+1] == days[end]+1 {
			end++
		}
		if days[i] < 1 || days[end] > 7 {
			return ""
		}
		if end-i >= 2 {
			words = append(words, dayNames[days[i]-1]+"-"+dayNames[days[end]-1])
			i = end + 1
			continue
		}
		words = append(words, dayNames[days[i]-1])
		i++
	}
	return strings.Join(words, " ")
}

// parseDay reads "mon" or "mon-fri".
func parseDay(word string) (days []int, ok bool) {
	first, last, isRange := strings.Cut(word, "-")
	from, to := slices.Index(dayNames, first), slices.Index(dayNames, last)
	if !isRange {
		to = from
	}
	if from < 0 || to < from {
		return nil, false
	}
	for d := from; d <= to; d++ {
		days = append(days, d+1)
	}
	return days, true
}

func parseDays(text string) (days []int, ok bool) {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c == ' ' || c == ';' || c == ',' })
	for _, word := range words {
		more, known := parseDay(word)
		if !known {
			return nil, false
		}
		days = append(days, more...)
	}
	return days, len(days) > 0
}

// clockRange is "20:00-07:00"; either end may be open.
var clockRange = regexp.MustCompile(`^(\d\d:\d\d)?-(\d\d:\d\d)?$`)

// printWindow writes a time of the week: "mon-fri 20:00-07:00 bank_holidays".
func printWindow(w tariff.Window) string {
	var words []string
	if len(w.Days) > 0 {
		words = append(words, printDays(w.Days))
	}
	if w.From != "" || w.To != "" {
		words = append(words, w.From+"-"+w.To)
	}
	switch w.BankHolidays {
	case "only":
		words = append(words, "bank_holidays")
	case "never":
		words = append(words, "not_bank_holidays")
	}
	if len(words) == 0 {
		return "always"
	}
	return strings.Join(words, " ")
}

func parseWindow(text string) (w tariff.Window, ok bool) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 1 && words[0] == "always" {
		return w, true
	}
	for _, word := range words {
		days, isDay := parseDay(word)
		clocks := clockRange.FindStringSubmatch(word)
		switch {
		case isDay:
			w.Days = append(w.Days, days...)
		case clocks != nil && word != "-" && w.From == "" && w.To == "":
			w.From, w.To = clocks[1], clocks[2]
		case word == "bank_holidays" && w.BankHolidays == "":
			w.BankHolidays = "only"
		case word == "not_bank_holidays" && w.BankHolidays == "":
			w.BankHolidays = "never"
		default:
			return tariff.Window{}, false
		}
	}
	return w, len(words) > 0
}

// parseOn reads a date as it is written here, or as a British spreadsheet
// saves it.
func parseOn(text string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, "2/1/2006"} {
		if on, err := time.Parse(layout, text); err == nil {
			return on, true
		}
	}
	return time.Time{}, false
}

func printOn(on time.Time) string {
	if on.IsZero() {
		return ""
	}
	return on.Format(time.DateOnly)
}

func printOns(dates []time.Time) string {
	words := make([]string, len(dates))
	for i, on := range dates {
		words[i] = printOn(on)
	}
	return strings.Join(words, "; ")
}
