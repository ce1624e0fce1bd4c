package budgets

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"shortbreaks"
)

//go:embed paper.html
var paperHTML string

var paper = template.Must(template.New("paper").Funcs(template.FuncMap{
	"day":    func(t time.Time) string { return t.In(shortbreaks.London).Format("2 January 2006") },
	"stream": func(s string) string { return shortbreaks.Capital(say(streams, s)) },
	"hours":  hoursOf,
	"left":   func(a Against) string { return a.left() },
}).Parse(paperHTML))

// hoursOf writes minutes, or a pointer to them, as hours.
func hoursOf(minutes any) string {
	switch m := minutes.(type) {
	case int64:
		return shortbreaks.Minutes(int(m))
	case *int64:
		return shortbreaks.Minutes(int(*m))
	}
	return ""
}

// left is what would remain of the free money, or what is missing.
func (a Against) left() string {
	switch {
	case a.FreePence == nil:
		return a.CostPence.String() + " short"
	case *a.FreePence < a.CostPence:
		return (a.CostPence - *a.FreePence).String() + " short"
	}
	return (*a.FreePence - a.CostPence).String()
}

// paperTable is one grouping of the cost.
type paperTable struct {
	Title, Head string
	Sums        []Sum
}

// WritePaper writes the costing as a page to print for a panel. It names no
// child: who it is about is written on it by hand.
func (c *Costing) WritePaper(w io.Writer) error {
	named := func(sums []Sum, name func(string) string) []Sum {
		out := make([]Sum, len(sums))
		for i, s := range sums {
			out[i] = Sum{name(s.Name), s.Pence}
		}
		return out
	}
	same := func(s string) string { return s }
	month := func(s string) string {
		on, err := time.Parse("2006-01", s)
		if err != nil {
			return s
		}
		return on.Format("January 2006")
	}
	err := paper.Execute(w, struct {
		*Costing
		Tables []paperTable
	}{c, []paperTable{
		{"Who pays", "Payer", named(c.Totals.ByPayer, func(s string) string { return shortbreaks.Capital(shortbreaks.Spaced(s)) })},
		{"The budget's part, by stream", "Stream", named(c.Totals.ByStream, func(s string) string { return shortbreaks.Capital(say(streams, s)) })},
		{"By financial year", "Year", named(c.Totals.ByYear, same)},
		{"By month", "Month", named(c.Totals.ByMonth, month)},
	}})
	if err != nil {
		return fmt.Errorf("write the paper of a costing: %w", err)
	}
	return nil
}
