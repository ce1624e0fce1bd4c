package booking

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/budgets"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
	"shortbreaks/payments"
)

// ReadQuote is a quote as it was made, for those who could have asked for it,
// and when it is read: whether it still holds goes by that. Errors: forbidden,
// not-found.
func ReadQuote(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (q *Quote, at time.Time, err error) {
	if !who.Is(shortbreaks.Family, shortbreaks.Practitioner) {
		return nil, at, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		rows, err := tx.PGX.Query(ctx, `SELECT `+quoteColumns+` FROM quote q WHERE id = $1`, id)
		if err != nil {
			return fmt.Errorf("read quote %s: %w", id, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[Quote])
		if err != nil {
			return fmt.Errorf("read quote %s: %w", id, err)
		}
		if len(found) == 0 {
			return shortbreaks.ErrNotFound
		}
		q, at = found[0], tx.Now
		_, err = budgets.LoadChild(ctx, tx, who, q.ChildID)
		return err
	})
	if err != nil {
		return nil, at, err
	}
	return q, at, nil
}

// Paper is the quote to print or to keep, as at a moment: what is bought, the
// price in words, who pays, when, what could be added, and what cancelling
// costs. It names no child.
func (q *Quote) Paper(at time.Time) *shortbreaks.Paper {
	d := q.Document
	p := &shortbreaks.Paper{Title: "A quote: what it would cost", File: "quote", MadeAt: at}
	p.Sections = []shortbreaks.PaperSection{
		{Words: []string{d.OfferTitle + ", by " + d.ProviderName + ".", q.holds(at), q.bookable()}},
		{Heading: "What is bought", Table: d.itemsTable()},
		{Heading: "How the price is worked out", Words: []string{d.Explanation}},
		{Heading: "Who pays what", Words: []string{q.shares()}, Table: q.payersTable()},
	}
	if len(d.Dues) > 0 {
		p.Sections = append(p.Sections, shortbreaks.PaperSection{Heading: "When it is paid", Table: duesTable(d.Dues)})
	}
	if len(d.MightAdd) > 0 {
		p.Sections = append(p.Sections, shortbreaks.PaperSection{
			Heading: "What might be added", Words: []string{"Only if it happens, and never more than is said here."}, Table: mightAddTable(d.MightAdd),
		})
	}
	p.Sections = append(p.Sections, shortbreaks.PaperSection{Heading: "If you cancel", Words: []string{d.Terms.Explain()}})
	return p
}

// holds says until when the quote stands.
func (q *Quote) holds(at time.Time) string {
	until := clock(q.ExpiresAt) + " on " + shortbreaks.LongDate(q.ExpiresAt)
	if at.Before(q.ExpiresAt) {
		return "This price holds until " + until + ". Nothing is booked or set aside yet."
	}
	return "This price held until " + until + ". Ask for a new quote to book."
}

func (q *Quote) bookable() string {
	switch {
	case !q.Document.Allowed:
		return "It cannot be booked as it stands. " + strings.Join(q.Document.Because, " ")
	case len(q.NextSteps()) > 0:
		return "It cannot be booked yet. " + q.NextSteps()[0].Words
	case q.Document.Instant:
		return "A booking is confirmed at once."
	}
	return "A booking is a request: the provider has " + shortbreaks.Minutes(int(q.Document.RequestWithin/time.Minute)) + " to answer."
}

func clock(t time.Time) string { return t.In(shortbreaks.London).Format("15:04") }

func (d QuoteDocument) itemsTable() *shortbreaks.PaperTable {
	t := &shortbreaks.PaperTable{Columns: []shortbreaks.PaperColumn{{Name: "Day", Share: 4}, {Name: "Time", Share: 4}, {Name: "Price", Share: 2, Money: true}}}
	all := shortbreaks.Pence(0)
	for _, it := range d.Items {
		ends := clock(it.EndsAt)
		if !shortbreaks.Date(it.EndsAt).Equal(shortbreaks.Date(it.StartsAt)) {
			ends += " on " + shortbreaks.LongDate(it.EndsAt)
		}
		t.Rows = append(t.Rows, []string{shortbreaks.LongDate(it.StartsAt), clock(it.StartsAt) + " to " + ends, it.PricePence.String()})
		all += it.PricePence
	}
	t.Sum = []string{"Total", d.OptionName, all.String()}
	return t
}

// shares says in a sentence what budgets and the family pay.
func (q *Quote) shares() string {
	budget := q.BudgetPence()
	switch family := q.TotalPence - budget; {
	case q.TotalPence == 0:
		return "There is nothing for you to pay."
	case family == 0:
		return "Your budgets pay all of it: " + budget.String() + "."
	case budget == 0:
		return "You pay all of it: " + family.String() + "."
	default:
		return fmt.Sprintf("Your budgets pay %s and you pay %s.", budget, family)
	}
}

// payersTable sums the charges of all dates by kind, payer and reason.
func (q *Quote) payersTable() *shortbreaks.PaperTable {
	type share struct{ kind, payer, because string }
	var order []share
	sums := map[share]shortbreaks.Pence{}
	add := func(s share, pence shortbreaks.Pence) {
		if !slices.Contains(order, s) {
			order = append(order, s)
		}
		sums[s] += pence
	}
	for _, it := range q.Document.Items {
		for _, c := range it.Charges {
			kind := shortbreaks.Capital(shortbreaks.Spaced(c.Kind))
			if c.Payee != "" {
				kind += ", to " + c.Payee
			}
			add(share{kind, payerWords(c), c.Because}, c.AmountPence)
			for _, b := range c.Others {
				add(share{kind, otherPayer(b), ""}, b.Pence)
			}
		}
	}
	if len(order) == 0 {
		return nil
	}
	t := &shortbreaks.PaperTable{Columns: []shortbreaks.PaperColumn{
		{Name: "What", Share: 4}, {Name: "Who pays", Share: 4}, {Name: "Why", Share: 6}, {Name: "Sum", Share: 2, Money: true},
	}}
	for _, s := range order {
		t.Rows = append(t.Rows, []string{s.kind, s.payer, s.because, sums[s].String()})
	}
	return t
}

// payerWords names who pays a charge, and from what.
func payerWords(c QuotedCharge) string {
	if c.Payer == payments.PayerFamilyTopUp {
		return "You, from the money you paid in"
	}
	if c.Payer != payments.PayerBudget {
		return "You"
	}
	var streams []string
	for _, f := range c.Funding {
		if s := shortbreaks.Spaced(f.Stream); !slices.Contains(streams, s) {
			streams = append(streams, s)
		}
	}
	from := "budget"
	switch c.Unit {
	case payments.InPence:
	case payments.InMinutes:
		from = "allowance of hours"
	default:
		from = "allowance of " + string(c.Unit)
	}
	return strings.TrimSuffix("Your "+from+" for "+shortbreaks.Listed(streams), " for ")
}

func otherPayer(b tariff.Borne) string {
	switch b.Payer {
	case "council", "charity":
		return "The " + b.Payer
	case "health":
		return "The health service"
	}
	return "Others"
}

func duesTable(dues []tariff.Due) *shortbreaks.PaperTable {
	t := &shortbreaks.PaperTable{Columns: []shortbreaks.PaperColumn{{Name: "What", Share: 4}, {Name: "When", Share: 4}, {Name: "Sum", Share: 2, Money: true}}}
	for _, d := range dues {
		what, when := "All of it", "When it is booked"
		switch d.What {
		case tariff.Deposit:
			what = "Deposit"
		case "balance":
			what = "The rest"
		case tariff.Advance:
			what = "In advance, for " + shortbreaks.Plural(len(d.Items), "date")
		case tariff.Arrears:
			what, when = "For "+shortbreaks.Plural(len(d.Items), "date"), "After each date, once attendance is agreed"
		}
		if !d.On.IsZero() {
			when = shortbreaks.LongDate(d.On)
		}
		t.Rows = append(t.Rows, []string{what, when, d.Pence.String()})
	}
	return t
}

func mightAddTable(all []tariff.MightAdd) *shortbreaks.PaperTable {
	t := &shortbreaks.PaperTable{Columns: []shortbreaks.PaperColumn{{Name: "If it happens", Share: 4}, {Name: "It could add", Share: 8}}}
	for _, m := range all {
		t.Rows = append(t.Rows, []string{shortbreaks.Capital(shortbreaks.Spaced(m.Event)), m.Words()})
	}
	return t
}
