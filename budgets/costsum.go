package budgets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// sum adds the lines up.
func (c *Costing) sum() {
	var all []costEntry
	for i := range c.Lines {
		l := &c.Lines[i]
		all = append(all, l.entries...)
		c.TotalPence += l.TotalPence
		c.FullPence += l.FullPence
		c.Minutes += l.Minutes
	}
	c.Totals = sums(all)
}

// costPayers is the order payers are told in.
var costPayers = []string{payerBudget, payerFamily, "council", "health", "charity", "other", "funded_place"}

// sums groups entries each way.
func sums(entries []costEntry) Sums {
	payer, stream, month, year := map[string]shortbreaks.Pence{}, map[string]shortbreaks.Pence{}, map[string]shortbreaks.Pence{}, map[string]shortbreaks.Pence{}
	for _, e := range entries {
		payer[e.payer] += e.pence
		if e.payer != payerBudget && e.payer != payerFamily {
			continue
		}
		month[e.on.Format("2006-01")] += e.pence
		year[yearName(e.on)] += e.pence
		if e.stream != "" {
			stream[e.stream] += e.pence
		}
	}
	order := func(names []word) []string {
		out := make([]string, len(names))
		for i, w := range names {
			out[i] = w.value
		}
		return out
	}
	return Sums{ByPayer: listed(payer, costPayers), ByStream: listed(stream, order(streams)), ByMonth: listed(month, nil), ByYear: listed(year, nil)}
}

// listed puts sums in the order of a list, else of their names.
func listed(by map[string]shortbreaks.Pence, order []string) []Sum {
	out := make([]Sum, 0, len(by))
	for name, pence := range by {
		out = append(out, Sum{name, pence})
	}
	slices.SortFunc(out, func(a, b Sum) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Name), slices.Index(order, b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// yearName is the financial year of a date: "2026/27".
func yearName(on time.Time) string {
	first := financialYear(on)
	return fmt.Sprintf("%d/%02d", first.Year(), (first.Year()+1)%100)
}

// against holds the cost to each stream beside what the child has of it in
// that time, in pounds and, where there is an allowance of hours, in hours
// (R116).
func (c *Costing) against(ctx context.Context, tx *db.Tx, child *Child) ([]Against, error) {
	budgets, err := readBudgets(ctx, tx, []Child{*child})
	if err != nil {
		return nil, err
	}
	by := map[string]*Against{}
	at := func(stream string) *Against {
		if by[stream] == nil {
			by[stream] = &Against{Stream: stream}
		}
		return by[stream]
	}
	for _, s := range c.Totals.ByStream {
		at(s.Name).CostPence = s.Pence
	}
	for _, l := range c.Lines {
		for _, s := range l.Sums.ByStream {
			at(s.Name).CostMinutes += l.Minutes
		}
	}
	for _, a := range budgets[0].Accounts {
		if a.Period.EndsOn.Before(c.StartsOn) || a.Period.StartsOn.After(c.EndsOn) {
			continue
		}
		switch s := at(a.Stream); a.Unit {
		case payments.InPence:
			free := shortbreaks.Pence(a.Free)
			if s.FreePence != nil {
				free += *s.FreePence
			}
			s.FreePence = &free
		case payments.InMinutes:
			free := a.Free
			if s.FreeMinutes != nil {
				free += *s.FreeMinutes
			}
			s.FreeMinutes = &free
		}
	}
	var out []Against
	for _, w := range streams {
		if s := by[w.value]; s != nil {
			out = append(out, *s)
		}
	}
	return out, nil
}
