package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// The aims of a search in a market of full size.
const (
	aimTimesByHand = 1.5   // p95 of a search, in p95 of the same by hand
	aimSearch      = 50    // ms, p95
	aimCompare     = 30    // ms, p95
	aimPrice       = 1_000 // ns
)

// reportSearch prints the results and, if asked, writes them down.
func (b *searchBench) reportSearch(ctx context.Context, out io.Writer) error {
	text := b.searchResults()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	b.holds = fmt.Sprintf(`%d published offers
of %d providers with %d sessions, and nothing else; %s for each line.`, b.market.Offers, b.market.Providers, b.market.Sessions, b.each)
	if err := b.write(searchTitle, "\n"+b.machine(ctx)+"\n"+text+"\n"+howToReadSearch); err != nil {
		return err
	}
	if b.refusals() > 0 {
		return errFailed
	}
	return nil
}

// searchResults is the table and how it stands to the aims.
func (b *searchBench) searchResults() string {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 1, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(w, "| "+strings.Join(cells, "\t| ")+"\t|") }
	row("what", "clients", "per second", "p50 ms", "p95 ms", "p99 ms", "p95, times by hand", "refused")
	row("---", "---", "---", "---", "---", "---", "---", "---")
	byHand, verdicts := 0.0, []string{}
	for _, m := range b.runs {
		times := "-"
		switch {
		case strings.HasPrefix(m.Name, "by hand"):
			byHand = m.P95
		case strings.HasPrefix(m.Name, "search") && byHand > 0:
			times = fmt.Sprintf("%.2f", m.P95/byHand)
			verdicts = append(verdicts, fmt.Sprintf("%s: %s and %s.", m.Name, met(m.P95/byHand <= aimTimesByHand, "at most 1.5 times by hand"), met(m.P95 < aimSearch, "under 50 ms")))
		case m.Name == "compare":
			verdicts = append(verdicts, fmt.Sprintf("compare: %s.", met(m.P95 < aimCompare, "under 30 ms")))
		}
		row(m.Name, strconv.Itoa(m.Clients), fmt.Sprintf("%.0f", m.Rate), fmt.Sprintf("%.2f", m.P50), fmt.Sprintf("%.2f", m.P95),
			fmt.Sprintf("%.2f", m.P99), times, strconv.Itoa(m.refused))
	}
	_ = w.Flush() // into memory
	return text.String() + "\nAims at p95: " + strings.Join(verdicts, " ") + "\n" + b.sayPrice() + "\n"
}

func met(is bool, what string) string {
	if is {
		return what + " is met"
	}
	return what + " IS NOT MET"
}

const howToReadSearch = `## How to read it

**by hand** is pgbench with as many clients, running the one statement a search's first page comes down to
(` + "`marketplace.Statement`" + `) with its values written in, as the owner of the tables and so without row-level security.
**search** is the same over HTTP on loopback: the request held against the contract, the search in one read transaction
within the public's scope, the answer as JSON. Both send the same hundred searches of each kind, around places by how
many live there: *near* is an age within 10 km; *words* an age and a word, half of them within 25 km; *when* is *near* with a
place left on a weekend between nine and six (*by hand* leaves out whether somebody is free for a visit); *wide* an age and a
category in the whole country. All tables have been read into the machine's memory once. In ` + "`results.json`" + `
` + "`ratio_to_floor`" + ` of these lines is their rate to that by hand.

**compare** asks for seven Saturdays and a child of nine, and nothing else: of the thousand offers that can be had soonest on a Saturday
it prices those that may be among the best hundred, and answers them; one caller after the other, in the process. **plan** costs
a plan of twenty lines over half a year the same way: twelve at the cheapest suitable offer within five miles of the largest town,
four at chosen offers, two personal assistants and two fixed sums.
`
