package tariff

import (
	"fmt"
	"slices"
	"strings"

	"shortbreaks"
)

// Explain says the arithmetic of a price in plain English: a sentence for each
// charge of each thing bought, then the total if there are several, then who
// else pays, what could be added, and what the price beats.
func (p *Priced) Explain() string {
	var sentences []string
	count := 0
	for n := range p.Parts {
		count += len(p.Parts[n].lines)
		if p.Parts[n].ticket(p) {
			count++
		}
	}
	for n := range p.Parts {
		sentences = append(sentences, p.part(&p.Parts[n])...)
	}
	if len(sentences) == 0 {
		nothing := words{ask: p.ask, dates: every(len(p.ask.Occasions))}
		sentences = []string{nothing.count() + ": nothing to pay."}
	}
	if count > 1 {
		sentences = append(sentences, "Total: "+p.TotalPence.String()+".")
	}
	sentences = append(sentences, p.borneWords()...)
	for _, m := range p.MightAdd {
		sentences = append(sentences, m.Words())
	}
	if len(p.Beats) > 0 {
		sentences = append(sentences, p.beatsWords())
	}
	return strings.Join(sentences, " ")
}

// beatsWords names the price and what the others would cost.
func (p *Priced) beatsWords() string {
	others := make([]string, len(p.Beats))
	for i, b := range p.Beats {
		others[i] = quoted(b.OptionName) + " would cost " + b.TotalPence.String()
		if b.TotalPence == p.TotalPence {
			others[i] = quoted(b.OptionName) + " would cost the same"
		}
	}
	return "This is the price " + quoted(p.OptionName()) + "; " + shortbreaks.Listed(others) + "."
}

func quoted(name string) string { return "\"" + name + "\"" }

func (part *Part) ticket(p *Priced) bool { return p.tariff.Options[part.Option].ticket() }

// part explains one thing bought, a sentence a line; of several lines each says
// its kind.
func (p *Priced) part(part *Part) (sentences []string) {
	o := &p.tariff.Options[part.Option]
	words := words{ask: p.ask, all: part.Dates, dates: part.Dates}
	prefix := ""
	if len(p.Parts) > 1 {
		prefix = o.Name + ": "
	}
	switch {
	case o.Membership != nil:
		return []string{fmt.Sprintf("%s for %s: %s.", o.Name, shortbreaks.Plural(o.Membership.Months, "month"), part.paid)}
	case o.Block != nil:
		used := words.count()
		text := fmt.Sprintf("%s, a block of %d to use within %s: %s", used, o.Block.Count, shortbreaks.Plural(o.Block.ValidWeeks, "week"), part.paid)
		if left := o.Block.Count - len(part.Dates); left > 0 {
			text += fmt.Sprintf(" (%d left over)", left)
		}
		sentences = append(sentences, prefix+text+".")
	}
	for i := range part.lines {
		l := &part.lines[i]
		text := words.line(l)
		if text == "" {
			continue
		}
		if len(part.lines) > 1 || o.Block != nil {
			text = shortbreaks.Capital(shortbreaks.Spaced(l.charge.Kind)) + ": " + text
		}
		sentences = append(sentences, prefix+shortbreaks.Capital(text)+".")
	}
	return sentences
}

// borneWords says what others pay.
func (p *Priced) borneWords() (sentences []string) {
	sums := map[string]shortbreaks.Pence{}
	payee := map[string]shortbreaks.Pence{}
	var payees []string
	full := shortbreaks.Pence(0)
	for _, item := range p.Items {
		for _, l := range item.Lines {
			full += l.FullPence
			for _, b := range l.Others {
				sums[b.Payer] += b.Pence
			}
			if l.Payee != "" && l.Pence > 0 {
				if !slices.Contains(payees, l.Payee) {
					payees = append(payees, l.Payee)
				}
				payee[l.Payee] += l.Pence
			}
		}
	}
	var shares []string
	for _, who := range SharePayers {
		if sums[who] > 0 {
			shares = append(shares, payerWords(who)+" "+sums[who].String())
		}
	}
	if len(shares) > 0 {
		yours := "you pay nothing"
		if p.TotalPence > 0 {
			yours = "you pay " + p.TotalPence.String()
		}
		shares = append(shares, yours)
		sentences = append(sentences, fmt.Sprintf("The full price is %s: %s.", full, shortbreaks.Listed(shares)))
	}
	switch more := p.FullPence - full; {
	case more > 0 && full == 0:
		sentences = append(sentences, fmt.Sprintf("It costs %s to run; grants and other funds pay for all of it.", more))
	case more > 0:
		sentences = append(sentences, fmt.Sprintf("It costs %s to run; grants and other funds pay %s of it.", p.FullPence, more))
	}
	for _, who := range payees {
		sentences = append(sentences, fmt.Sprintf("%s of it goes to %s.", payee[who], who))
	}
	return sentences
}

func payerWords(payer string) string {
	switch payer {
	case "council":
		return "the council pays"
	case "health":
		return "the health service pays"
	case "charity":
		return "a charity pays"
	}
	return "others pay"
}

// Words says what could be added: "Late pick up could add £5.00 for each
// started 5 minutes, at most £30.00."
func (m MightAdd) Words() string {
	event := shortbreaks.Capital(shortbreaks.Spaced(m.Event))
	if m.Pence == 0 && m.UpToPence != nil { // others bear the first of it
		return fmt.Sprintf("%s could add up to %s.", event, *m.UpToPence)
	}
	text := fmt.Sprintf("%s could add %s", event, m.Pence)
	if m.Each > 0 {
		text += " for each started " + strings.TrimPrefix(shortbreaks.Minutes(m.Each), "1 ")
	} else {
		text += " each time"
	}
	if m.UpToPence != nil {
		text += ", at most " + m.UpToPence.String()
	}
	return text + "."
}

// words explain lines for some dates of an ask.
type words struct {
	ask   *Ask
	all   []int // of the part
	dates []int // of them, those a charge is made on
}

// line is one charge's arithmetic, without the full stop; "" if it says
// nothing on these dates.
func (w words) line(l *line) string {
	c := l.charge
	dates := slices.DeleteFunc(slices.Clone(w.dates), func(i int) bool { return l.full[i] == 0 && l.silent(w.ask, i) })
	if len(dates) == 0 {
		return ""
	}
	w.dates = dates
	total := shortbreaks.Pence(0)
	for _, i := range dates {
		total += l.full[i]
	}
	var text string
	switch {
	case c.bundled():
		text = w.bundle(c, total)
	case c.Rate != nil:
		text = w.rate(c) + ": " + total.String()
	case c.AmountPence == 0:
		return w.count() + ", free of charge"
	case c.Unit == UnitHour:
		text = w.hours(c) + ": " + total.String()
	default:
		text = w.units(c, total)
	}
	return text + w.adjustments(l)
}

// units explains a price by the session, day, night, item, mile or month.
func (w words) units(c *Charge, total shortbreaks.Pence) string {
	quantity := w.quantity(c)
	switch {
	case c.When == Contingent && c.EachMinutes > 0:
		return fmt.Sprintf("%s, %s of %s at %s: %s", w.count(), shortbreaks.Plural(quantity, "lot"), shortbreaks.Minutes(c.EachMinutes), c.AmountPence, total)
	case c.When == Contingent:
		return fmt.Sprintf("%s, %s at %s: %s", w.count(), shortbreaks.Plural(quantity, "time"), c.AmountPence, total)
	case quantity != len(w.dates):
		return fmt.Sprintf("%s, %s at %s: %s", w.count(), shortbreaks.Plural(quantity, shortbreaks.Spaced(c.Unit)), c.AmountPence, total)
	case len(w.dates) == 1:
		return fmt.Sprintf("%s, %s %s: %s", w.count(), c.AmountPence, shortbreaks.Article(c.Unit), total)
	}
	return fmt.Sprintf("%s at %s: %s", w.count(), c.AmountPence, total)
}

func (w words) bundle(c *Charge, total shortbreaks.Pence) string {
	b, remaining, amount := w.ask.Bundle, len(w.dates), c.AmountPence
	if c.Rate != nil {
		amount = c.atRatio(w.ask.ratio(0))
	}
	switch {
	case remaining < len(w.ask.Occasions): // the rest of it has another price
		return fmt.Sprintf("%s, %s for all %d: %d of them have this price: %s", b.Name, amount, b.Planned, remaining, total)
	case amount == 0:
		return fmt.Sprintf("%s, %s, free of charge", b.Name, w.count())
	case remaining >= b.Planned:
		return fmt.Sprintf("%s, %s: %s", b.Name, w.count(), total)
	case b.Started+remaining == b.Planned:
		return fmt.Sprintf("%s, %s for all %d: joining on the %s date you pay for %d of %d: %s",
			b.Name, amount, b.Planned, shortbreaks.Ordinal(b.Started+1), remaining, b.Planned, total)
	default: // some were called off
		return fmt.Sprintf("%s, %s for all %d: %d are still to run, so you pay for %d of %d: %s",
			b.Name, amount, b.Planned, remaining, remaining, b.Planned, total)
	}
}

func (w words) hours(c *Charge) string {
	return w.time(c) + fmt.Sprintf(" at %s an hour", c.AmountPence)
}

// time says how long the dates are and what of it is charged.
func (w words) time(c *Charge) string {
	charged, actual, differs := 0, 0, false
	first := w.ask.Occasions[w.dates[0]].Minutes()
	same := true
	for _, i := range w.dates {
		minutes := w.ask.Occasions[i].Minutes()
		charged += c.chargedMinutes(minutes)
		differs = differs || c.chargedMinutes(minutes) != minutes
		actual += minutes
		same = same && minutes == first
	}
	text := w.count()
	switch {
	case len(w.dates) == 1:
		text += ", " + shortbreaks.Minutes(first)
	case same:
		text += " of " + shortbreaks.Minutes(first) + ", " + shortbreaks.Minutes(actual) + " in all"
	default:
		text += ", " + shortbreaks.Minutes(actual) + " in all"
	}
	if c.Unit == UnitHour && differs {
		text += ", charged as " + shortbreaks.Minutes(charged) + why(c)
	}
	return text
}

// why says how a length became what is charged.
func why(c *Charge) string {
	var because []string
	if c.MinimumMinutes > 0 {
		because = append(because, "at least "+shortbreaks.Minutes(c.MinimumMinutes)+" each time")
	}
	if c.StepMinutes > 1 && c.StepMode != "exact" {
		how := "rounded up"
		if c.StepMode == "nearest" {
			how = "rounded to the nearest"
		}
		because = append(because, "steps of "+shortbreaks.Minutes(c.StepMinutes)+", "+how)
	}
	return " (" + strings.Join(because, "; ") + ")"
}
