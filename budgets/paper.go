package budgets

import (
	"fmt"
	"strconv"
	"time"

	"shortbreaks"
)

// Paper is the costing as a paper for a panel: by line, payer, stream, month
// and year, beside what the child has. It names no child: who it is about is
// written on it by hand.
func (c *Costing) Paper() *shortbreaks.Paper {
	p := &shortbreaks.Paper{Title: "What the plan costs", File: "plan-costs", MadeAt: c.CostedAt, Sections: []shortbreaks.PaperSection{
		{Words: []string{fmt.Sprintf("From %s to %s. Worked out on %s. Nothing is booked or set aside.",
			paperDay(c.StartsOn), paperDay(c.EndsOn), paperDay(c.CostedAt))}},
		{Heading: "Each line of the plan", Table: c.linesTable()},
	}}
	stream := func(s string) string { return shortbreaks.Capital(say(streams, s)) }
	for _, t := range []struct {
		heading, first string
		sums           []Sum
		name           func(string) string
	}{
		{"Who pays", "Payer", c.Totals.ByPayer, func(s string) string { return shortbreaks.Capital(shortbreaks.Spaced(s)) }},
		{"The budget's part, by stream", "Stream", c.Totals.ByStream, stream},
		{"By financial year", "Year", c.Totals.ByYear, func(s string) string { return s }},
		{"By month", "Month", c.Totals.ByMonth, monthName},
	} {
		if len(t.sums) > 0 {
			p.Sections = append(p.Sections, shortbreaks.PaperSection{Heading: t.heading, Table: sumsTable(t.first, t.sums, t.name)})
		}
	}
	if len(c.Against) > 0 {
		p.Sections = append(p.Sections, shortbreaks.PaperSection{Heading: "Beside what the child has", Table: againstTable(c.Against)})
	}
	return p
}

func paperDay(t time.Time) string { return t.In(shortbreaks.London).Format("2 January 2006") }

// monthName writes "2027-01" as people do.
func monthName(s string) string {
	on, err := time.Parse("2006-01", s)
	if err != nil {
		return s
	}
	return on.Format("January 2006")
}

func (c *Costing) linesTable() *shortbreaks.PaperTable {
	t := &shortbreaks.PaperTable{Columns: []shortbreaks.PaperColumn{
		{Name: "Line", Share: 5},
		{Name: "What and how it is worked out", Share: 13},
		{Name: "How often", Share: 3},
		{Name: "Cost", Share: 4, Money: true},
		{Name: "Cost of an hour", Share: 3, Money: true},
	}}
	for _, l := range c.Lines {
		if l.Trouble != "" {
			t.Rows = append(t.Rows, []string{l.Name, "Not costed: " + l.Trouble, "", "", ""})
			continue
		}
		words, rate := l.Explanation, ""
		if l.Offer != nil {
			words = l.Offer.Title + ", " + l.Offer.ProviderName + ". " + words
		}
		if n := len(l.Missing); n > 0 {
			words += fmt.Sprintf(" It cannot serve %d of the dates.", n)
		}
		if l.RatePence != nil {
			rate = l.RatePence.String()
		}
		t.Rows = append(t.Rows, []string{l.Name, words, strconv.Itoa(l.Dates), l.TotalPence.String(), rate})
	}
	support := ""
	if c.Minutes > 0 {
		support = shortbreaks.Minutes(int(c.Minutes)) + " of support"
	}
	t.Sum = []string{"Total", support, "", c.TotalPence.String(), ""}
	return t
}

func sumsTable(first string, sums []Sum, name func(string) string) *shortbreaks.PaperTable {
	t := &shortbreaks.PaperTable{Columns: []shortbreaks.PaperColumn{{Name: first, Share: 3}, {Name: "Cost", Share: 1, Money: true}}}
	all := shortbreaks.Pence(0)
	for _, s := range sums {
		t.Rows = append(t.Rows, []string{name(s.Name), s.Pence.String()})
		all += s.Pence
	}
	if len(sums) > 1 {
		t.Sum = []string{"Total", all.String()}
	}
	return t
}

func againstTable(all []Against) *shortbreaks.PaperTable {
	t := &shortbreaks.PaperTable{Columns: []shortbreaks.PaperColumn{
		{Name: "Stream", Share: 3},
		{Name: "Cost", Share: 2, Money: true},
		{Name: "Free money", Share: 2, Money: true},
		{Name: "Left", Share: 3, Money: true},
		{Name: "Hours used, hours free", Share: 4},
	}}
	for _, a := range all {
		free, hours := "none", shortbreaks.Minutes(int(a.CostMinutes))
		if a.FreePence != nil {
			free = a.FreePence.String()
		}
		if a.FreeMinutes != nil {
			hours += ", " + shortbreaks.Minutes(int(*a.FreeMinutes)) + " free"
		}
		t.Rows = append(t.Rows, []string{shortbreaks.Capital(say(streams, a.Stream)), a.CostPence.String(), free, a.left(), hours})
	}
	return t
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
